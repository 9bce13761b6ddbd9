"""What planning costs: a recipe of 10,000 written shots, from its text to a plan that is keyed and priced.

Each with a prompt of its own that is a template, on animatic and on a service, against a workspace that holds nothing
and one that holds every result; then 100,000 shots of one `each`, since no recipe may be as long as those written out.
Every figure is of a process of its own, and the floor of the same run: PyYAML's C loader on the same text. An argument:
how many shots.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import yaml

from pipeline import desk as desks
from pipeline.desk import House, Wants
from pipeline.store import database, journal
from pipeline.store.workspace import open_workspace
from tests.benchmarks.bench_resume import ended

COUNT = 10_000
SERVICE = "seedancee2"
ROUNDS = 3
MOST_RATIO = 6.0  # to the floor
MOST_MS = 0.35  # of processor for a shot
MOST_MB = 300.0
MOST_CHECK_MS = 250.0


def written(count: int, provider: str) -> str:
    """A recipe of as many shots, each written out."""
    shots = "".join(
        f'  - id: s{n}\n    prompt: "shot {n}: {{{{ keeper }}}} climbs {n} stairs, {{{{ look }}}}"\n    duration: 5\n'
        for n in range(count)
    )
    return f"{_head(provider)}shots:\n{shots}"


def unfolded(count: int, provider: str) -> str:
    """A recipe that makes as many shots of one entry."""
    each = f'{{n: "{{{{ range({count // 100}) | list }}}}", m: "{{{{ range(100) | list }}}}"}}'
    prompt = "shot {{ n }} of {{ m }}: {{ keeper }}, {{ look }}"
    return f'{_head(provider)}shots:\n  - id: "s{{{{ n }}}}-{{{{ m }}}}"\n    each: {each}\n    prompt: "{prompt}"\n'


def _head(provider: str) -> str:
    look = "vars: {keeper: an old lighthouse keeper, look: 35mm film}\n"
    return f"rushes: 1\nname: bench\n{look}defaults: {{provider: {provider}, resolution: 720p}}\n"


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


def plan(recipe: Path) -> None:
    """Prints seconds of processor for reading and for planning, and the megabytes that this process has had."""
    house = House.of_user(os.environ)
    began = time.process_time()
    reading = desks.read(recipe, Wants(), house)
    read = time.process_time()
    laid = desks.lay(reading, house)
    done = time.process_time()
    assert all(step.key and step.price.known for step in laid.plan.steps)
    print(read - began, done - read, _megabytes())


def floor(recipe: Path) -> None:
    """Prints seconds of processor for PyYAML's C loader on the same text."""
    text = recipe.read_text(encoding="utf-8")
    began = time.process_time()
    yaml.load(text, Loader=yaml.CSafeLoader)
    print(time.process_time() - began)


def fill(recipe: Path, environ: Mapping[str, str]) -> None:
    """Gives the recipe a workspace in which every step has its result."""
    house = House.of_user(environ)
    laid = desks.lay(desks.read(recipe, Wants(), house), house)
    shelf = open_workspace(laid.reading.folder, create=True)
    told = [journal.row_of(event) for event in ended(laid.plan.steps, shelf.artifacts, house.clock())]
    connection = database.connect(shelf.ledger)
    for first in range(0, len(told), 4000):
        journal.write(connection, "20261121-100000-0000", told[first : first + 4000])
    connection.close()


def _asked(what: str, recipe: Path, environ: Mapping[str, str]) -> list[float]:
    """The least of some rounds of each figure that a process of its own prints."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_plan", what, str(recipe)]
    rounds = [
        subprocess.run(command, check=True, env=environ, capture_output=True, text=True).stdout.split()
        for _ in range(ROUNDS)
    ]
    return [min(map(float, figures)) for figures in zip(*rounds, strict=True)]


def _told(what: str, count: int, floor_seconds: float, figures: list[float], most_mb: float | None) -> str:
    """A line for people: the figures, and whether the goals are met."""
    read, laid, megabytes = figures
    each, ratio = (read + laid) * 1000 / count, (read + laid) / floor_seconds if floor_seconds else 0.0
    goals = {f"{MOST_MS} ms a shot": each <= MOST_MS}
    told = f"{what}: read {read:.2f} s, planned {laid:.2f} s of processor, {each:.3f} ms a shot; {megabytes:.0f} MB"
    if floor_seconds:
        goals[f"{MOST_RATIO:.0f} times the floor"] = ratio <= MOST_RATIO
        told = f"{told}; floor {floor_seconds:.2f} s; ratio {ratio:.1f}"
    if most_mb:
        goals[f"{most_mb:,.0f} MB"] = megabytes <= most_mb
    return f"{told}; goals: {', '.join(f'{name} {_met(met)}' for name, met in goals.items())}"


def _met(met: bool) -> str:
    return "met" if met else "missed"


def _check(folder: Path, environ: Mapping[str, str]) -> str:
    """How long `rushes check` takes for 20 shots, with its start."""
    recipe = folder / "twenty.yaml"
    recipe.write_text(written(20, "animatic"))
    best = float("inf")
    for _ in range(2 * ROUNDS):
        began = time.perf_counter()
        command = [sys.executable, "-m", "pipeline", "check", str(recipe)]
        subprocess.run(command, check=True, env=environ, capture_output=True)
        best = min(best, (time.perf_counter() - began) * 1000)
    goal = f"goal {MOST_CHECK_MS:.0f} ms: {_met(best <= MOST_CHECK_MS)}"
    return f"rushes check, 20 shots, from its start: {best:.0f} ms; {goal}"


def main(count: int) -> None:
    """Prints each figure beside its floor."""
    with tempfile.TemporaryDirectory() as name:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("RUSHES_")}
        environ = {**kept, "HOME": name, "XDG_CONFIG_HOME": name}
        print(_check(Path(name), environ), flush=True)
        for provider in ("animatic", SERVICE):
            recipe = Path(name) / provider / "recipe.yaml"
            recipe.parent.mkdir()
            recipe.write_text(written(count, provider))
            (least,) = _asked("floor", recipe, environ)
            for there in ("nothing there", "all there"):
                if there == "all there":
                    fill(recipe, environ)
                what = f"{count:,} shots on {provider}, {there}"
                print(_told(what, count, least, _asked("plan", recipe, environ), MOST_MB), flush=True)
            recipe.write_text(unfolded(10 * count, provider))
            what = f"{10 * count:,} shots on {provider} of one `each`, nothing there"
            print(_told(what, 10 * count, 0.0, _asked("plan", recipe, environ), 10 * MOST_MB), flush=True)


if __name__ == "__main__":
    given = sys.argv[1:]
    if given[:1] == ["plan"]:
        plan(Path(given[1]))
    elif given[:1] == ["floor"]:
        floor(Path(given[1]))
    else:
        main(int(given[0]) if given else COUNT)
