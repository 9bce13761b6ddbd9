"""How soon `rushes run` goes on with a run of 10,000 steps (an argument: how many), half of it or all but a clip done.

From the start of its process to its first request at a stand-in service, which accepts nothing. The steps are those of
chained clips that are made larger (the clip, its last frame, its upscale); of clips that are made larger; and, the
hardest case, of bought clips alone. The floor is a process that reads the ledger's rows with sqlite3 and the recipe
with PyYAML, and then asks. Both run as for whoever has installed Rushes alone. The goal: all but a clip done, less than
2 s of processor.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pipeline import api
from pipeline.desk import House, Wants
from pipeline.events import Artifact, Event, Result, RunStarted, Settled, Started, Submitted, Succeeded, instant
from pipeline.plan.model import Step
from pipeline.store import database, journal
from pipeline.store.artifacts import Artifacts
from pipeline.store.ledger import Ledger, Run
from pipeline.store.workspace import open_workspace
from tests.benchmarks.installed import environment

COUNT = 10_000
ROUNDS = 3
GOAL_SECONDS = 2.0  # of processor, for COUNT steps
LARGER = ", upscale: {to: 1080p, by: local}"
IN_A_CHAIN = 10  # clips
_FLOOR = """
import sqlite3, sys, urllib.request, yaml
yaml.load(open(sys.argv[1]).read(), Loader=yaml.CSafeLoader)
c = sqlite3.connect(f"file:{sys.argv[2]}?mode=ro", uri=True)
c.execute("SELECT * FROM events").fetchall(), c.execute("SELECT * FROM attempts").fetchall()
try:
    urllib.request.urlopen(urllib.request.Request(sys.argv[3], data=b"{}"))
except OSError:
    pass
"""


class Service:
    """A stand-in that takes nothing, and remembers when it was first asked anything, and first asked for a clip."""

    def __init__(self) -> None:
        self.asked: dict[str, float] = {}
        self.heard = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                outer.asked.setdefault(self.command, time.perf_counter())
                if self.command == "POST":
                    outer.heard.set()
                self.send_response(503)
                self.send_header("content-length", "0")
                self.end_headers()

            do_GET = do_POST = _answer

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def forget(self) -> None:
        """Waits for a first request again."""
        self.asked.clear()
        self.heard.clear()


@contextmanager
def standing() -> Iterator[Service]:
    """The stand-in while the block runs."""
    service = Service()
    threading.Thread(target=service.server.serve_forever, daemon=True).start()
    try:
        yield service
    finally:
        service.server.shutdown()


def ended(steps: Iterable[Step], artifacts: Artifacts, at: str) -> Iterator[Event]:
    """What happens while these steps are made, each in one attempt; their small files are kept."""
    folder = artifacts.stage()
    for number, step in enumerate(steps):
        clip = folder / f"{number}.mp4"
        clip.write_bytes(b"clip %d" % number)
        sha256, size = artifacts.keep(clip)
        artifact = Artifact(sha256=sha256, bytes=size, suffix=".mp4", width=1280, height=720, seconds="5", fps="24")
        about: dict[str, Any] = {"at": at, "step": step.id, "key": step.key, "attempt": 1}
        yield Started(provider=step.provider, account=step.account, credits=step.price.high, **about)
        if step.account:
            yield Submitted(job_id=f"job-{number}", **about)
            yield Settled(charged=step.price.high, refunded=Decimal(0), usd=None, source=step.provider, **about)
        yield Succeeded(result=Result(outputs={"video": artifact}), **about)
    artifacts.discard(folder)


def cut_short(recipe: Path, environ: Mapping[str, str], left: int) -> tuple[int, Path]:
    """Gives the recipe a run that was killed with so many clips left; how many steps it has, and the workspace."""
    house = House.of_user(environ)
    desk = api.plan(recipe, Wants(yes=True), house)
    shelf = open_workspace(desk.reading.folder, create=True)
    at = instant(datetime.now(UTC))
    undone = {shot.id for shot in desk.recipe.shots[-left:]}
    done = (step for step in desk.plan.steps if step.shot not in undone)
    told = [RunStarted(at=at, version="bench"), *ended(done, shelf.artifacts, at)]
    plan = [[s.id, s.key, s.stale, s.why, s.base, s.own] for s in desk.plan.steps]
    with Ledger(shelf.ledger) as ledger:
        ledger.begin(
            Run(
                id="20261121-100000-0000", recipe=desk.recipe.name, recipe_path=str(recipe), output=str(desk.output),
                date=desk.recipe.date, started_at=at, plan=plan, options={**desk.wants.to_json(), "whole": True},
            )
        )  # fmt: skip
    connection = database.connect(shelf.ledger)
    for first in range(0, len(told), 4000):
        journal.write(connection, "20261121-100000-0000", [journal.row_of(e) for e in told[first : first + 4000]])
    connection.close()
    return len(desk.plan.steps), desk.reading.folder


def taken(service: Service, command: list[str], environ: Mapping[str, str]) -> tuple[float, float]:
    """Seconds from the start of a process to the first clip that it asks for, and its processor's; it is killed then.

    Where there is no /proc the processor's are 0.
    """
    service.forget()
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if not service.heard.wait(120):
            raise RuntimeError("nothing was asked")
        return service.asked["POST"] - began, _processor_seconds(process.pid)
    finally:
        process.kill()
        process.wait()


def _processor_seconds(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def chained(number: int) -> str:
    """What a shot says that goes on from the one before, but for the first of each chain."""
    return LARGER + (f", chain: s{number - 1}" if number % IN_A_CHAIN else "")


def larger(_number: int) -> str:
    """What a shot says that is made larger."""
    return LARGER


def bought(_number: int) -> str:
    """What a shot says of a clip alone: nothing."""
    return ""


CASES: tuple[tuple[str, float, Callable[[int], str]], ...] = (
    ("chained and larger clips", 2.9, chained),
    ("larger clips", 2, larger),
    ("clips", 1, bought),
)
"""What is made, in how many steps each, and what a shot says of it beside its prompt."""


def measured(count: int, left: int, more: Callable[[int], str]) -> tuple[int, tuple[float, float, float, float]]:
    """How many steps there are, and the medians of some rounds in seconds: ours, its processor's, both of the floor.

    `left` of `count` clips are left to be made; `more` is what a shot says beside its prompt.
    """
    with tempfile.TemporaryDirectory() as name, standing() as service:
        recipe, config = Path(name) / "recipe.yaml", Path(name) / "config.toml"
        # WHY: the clips left begin chains of their own, so that no frame has to be read for them.
        shots = "".join(
            f"  - {{id: s{n}, prompt: wave {n}{more(n) if n < count - left else LARGER * bool(more(0))}}}\n"
            for n in range(count)
        )
        recipe.write_text(
            f"rushes: 1\nname: resumed\ndefaults: {{provider: naci, duration: 5, resolution: 720p}}\n"
            f"budget: {{run: {{credits: {{naci: 10000000}}}}}}\nshots:\n{shots}"
        )
        config.write_text('[providers.naci]\nprices = {"sd2.0" = {720p = 18}}\n')
        (packages := Path(name) / "packages").mkdir()
        own = {"RUSHES_CONFIG": str(config), "NACI_BASE_URL": service.url, "NACI_API_KEY": "key"}
        environ = {**environment(packages), **own}
        steps, folder = cut_short(recipe, environ, left)
        run = [sys.executable, "-S", "-m", "pipeline", "run", str(recipe), "--yes"]
        ledger = folder / "ledger.sqlite3"
        floor = [sys.executable, "-S", "-c", _FLOOR, str(recipe), str(ledger), service.url]
        killed = ledger.read_bytes()
        ours, floors = [], []
        for _ in range(ROUNDS + 1):
            for end in ("-wal", "-shm"):
                ledger.with_name(ledger.name + end).unlink(missing_ok=True)
            ledger.write_bytes(killed)  # what the last round has sent is of unknown outcome
            floors.append(taken(service, floor, environ))
            ours.append(taken(service, run, environ))
        # The first of each compiles what was not compiled yet.
        one, busy = (statistics.median(values[1:]) for values in zip(*ours, strict=True))
        floor_one, floor_busy = (statistics.median(values[1:]) for values in zip(*floors, strict=True))
        return steps, (one, busy, floor_one, floor_busy)


def said(clips: int, left: int, what: str, more: Callable[[int], str], *, judged: bool) -> str:
    """The figures with their floors, in a line, and whether the goal is met where there is one."""
    steps, (one, busy, floor, floor_busy) = measured(clips, left, more)
    told = f"{steps:,} steps of {clips:,} {what}, {left:,} left, to the first request: {one:.2f} s; floor {floor:.2f} s"
    told = f"{told}; of processor {busy:.2f} s; floor {floor_busy:.2f} s; ratio {busy / (floor_busy or 1):.1f}"
    if not judged or left > 1 or not busy:
        return told
    return f"{told}; goal {GOAL_SECONDS:.0f} s of processor: {'met' if busy < GOAL_SECONDS else 'missed'}"


if __name__ == "__main__":
    how_many = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    for what, steps_each, more in CASES:
        clips = round(how_many / steps_each)
        for left in (clips // 2, 1):
            print(said(clips, left, what, more, judged=how_many == COUNT), flush=True)
