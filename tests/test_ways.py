"""What to type where the money is short: the words are the user's own, and what is printed works."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import api, ways
from pipeline.cli.commands import _wants
from pipeline.cli.main import parser
from pipeline.config import Config
from pipeline.desk import Desk, House, Wants
from pipeline.errors import OverBudget
from pipeline.events import Submitted
from pipeline.recipe.model import Budget, Caps, Origin
from tests.till import Till

D = Decimal
Write = Callable[..., Path]
MakeHouse = Callable[..., tuple[House, Till]]

FOUR = """
defaults: {provider: till, duration: 2, resolution: 720p}
shots:
  - {id: a, prompt: first}
  - {id: b, prompt: second}
  - {id: c, chain: b, prompt: third}
  - {id: d, prompt: fourth, takes: 2}
"""

EVERY: dict[str, Any] = {  # of each field of `Wants` a value that is not its default
    "variables": {"who": "an old keeper's son"},
    "date": "2026-11-21",
    "stage": "draft",
    "provider": "till",
    "preview": True,
    "only": ("a", "d@2"),
    "redo": ("b",),
    "follow": True,
    "yes": True,
    "allow_unpriced": True,
    "max_credits": D("2000"),
    "max_each": {"till": D("1.5")},
    "max_usd": D("0.25"),
    "webhook": "https://example.org/in",
    "listen": "127.0.0.1:9",
    "workspace": Path("my work"),
    "output": Path("out here"),
    "max_failures": 2,
}


def asked(words: str) -> tuple[str, Wants]:
    """The recipe and the wants of a printed command, read as the command line reads them."""
    name, *rest = shlex.split(words)
    given = parser().parse_args(rest)
    assert (name, given.command) == ("rushes", "run")
    return given.recipe, _wants(given)


def refusal(path: Path, wants: Wants, home: House) -> OverBudget:
    with pytest.raises(OverBudget) as caught:
        api.run(path, wants, home)
    return caught.value


def printed(error: OverBudget, start: str) -> str:
    """The command in the line of a hint that begins so."""
    return next(line for line in error.hint.splitlines() if line.startswith(start)).partition(": ")[2]


def test_every_want_is_said(write: Write, house: MakeHouse) -> None:
    """Whatever a user may ask of a run comes back from the printed command as it was asked, quoted for a shell."""
    home, _ = house()
    desk = api.plan(write(FOUR), Wants(), home)
    assert {field.name for field in dataclasses.fields(Wants)} == EVERY.keys()
    for field in dataclasses.fields(Wants):
        values = {field.name: EVERY[field.name]} | ({"webhook": EVERY["webhook"]} if field.name == "listen" else {})
        said = dataclasses.replace(Wants(listen="127.0.0.1:8088"), **values)
        recipe, again = asked(ways.command(desk, said))
        assert (recipe, again) == (str(desk.reading.path), said)


def test_a_flags_cap_is_raised_by_the_flag(write: Write, house: MakeHouse) -> None:
    """The printed command makes all of it, at exactly what is needed."""
    path = write(FOUR)
    home, service = house()
    for cap in ({"max_credits": D(13)}, {"max_each": {"till": D(13)}}):
        error = refusal(path, Wants(yes=True, **cap), home)
        assert "of 13 for the run, 1 are left (--max-credits)" in error.fact
        recipe, wants = asked(printed(error, "To make all of it"))
        assert (recipe, wants.max_credits or wants.max_each.get("till")) == (str(path), 30)
    ended = api.run(Path(recipe), wants, home)
    assert (ended.exit_code, service.charged) == (0, 30)


def test_what_fits_is_made_by_the_command_that_is_printed(write: Write, house: MakeHouse) -> None:
    """In plan order, each with what it needs; a shot's takes together, or those that fit alone."""
    path = write(FOUR)
    for cap, names, charged in ((13, ("a", "b"), 12), (19, ("a", "b", "c"), 18), (29, ("a", "b", "c", "d@1"), 24)):
        home, service = house()
        error = refusal(path, Wants(yes=True, max_credits=D(cap)), home)
        recipe, wants = asked(printed(error, "Within the caps now"))
        assert wants.only == names
        output = path.parent / f"out-{cap}"
        workspace = path.parent / f"work-{cap}"
        ended = api.run(Path(recipe), dataclasses.replace(wants, output=output, workspace=workspace), home)
        assert (ended.exit_code, service.charged) == (0, charged)


def test_where_nothing_fits_nothing_is_promised(write: Write, house: MakeHouse) -> None:
    """Only the way to all of it, and the policy."""
    home, _ = house()
    error = refusal(write(FOUR), Wants(yes=True, max_credits=D(5)), home)
    assert "Within" not in error.hint
    assert error.hint.splitlines()[-1] == "Or set `on_exceed: stop` in the recipe to make what the money allows."


def test_a_recipes_cap_is_named_by_its_line_and_what_to_write(write: Write, house: MakeHouse) -> None:
    """No flag can raise it; written there, the same command makes all of it."""
    path = write("budget:\n  run: {credits: {till: 13}}\n  shot: {credits: {till: 5}}\n" + FOUR)
    home, service = house()
    error = refusal(path, Wants(yes=True, max_credits=D(100)), home)
    assert f"({path}:4)" in error.fact or f"({path}:5)" in error.fact
    first = error.hint.splitlines()[0]
    assert first == (
        f"To make all of it, write 30 for budget.run.credits.till in {path}:4, "
        f"and write 6 for budget.shot.credits.till in {path}:5."
    )
    lines = path.read_text().splitlines()
    for amount, number in re.findall(r"write (\d+) for [a-z.]+ in [^ ]*:(\d+)", first):
        lines[int(number) - 1] = re.sub(r"till: \d+", f"till: {amount}", lines[int(number) - 1])
    path.write_text("\n".join(lines))
    assert api.run(path, Wants(yes=True, max_credits=D(100)), home).exit_code == 0
    assert service.charged == 30


def test_every_cap_that_forbids_is_told_of(write: Write, house: MakeHouse) -> None:
    """Also one that is not the tightest; where a flag's is among them, the command to type afterwards."""
    config = Config(budget=Budget(run=Caps(bare=D(20), origins={"": Origin(
        source="configuration", place="/mine/config.toml", name="budget.run.credits")})))  # fmt: skip
    home, _ = house(config=config)
    error = refusal(write(FOUR), Wants(yes=True, max_credits=D(13)), home)
    first = error.hint.splitlines()[0]
    assert first.startswith("To make all of it, write 30 for budget.run.credits in /mine/config.toml; then: rushes ")
    assert asked(first.partition("then: ")[2])[1].max_credits == 30


def test_a_window_says_when_it_ends(write: Write, house: MakeHouse) -> None:
    """In the user's zone; where the rest fits tomorrow, that it does."""
    path = write("budget: {run: {credits: {till: 100}}, day: {credits: {till: 31}}}\n" + FOUR)
    home, _ = house(config=Config(time_zone="Pacific/Kiritimati"))
    assert api.run(path, Wants(yes=True, only=("a",)), home).exit_code == 0
    text = path.read_text().replace("second", "another")
    path.write_text(text.replace("first", "something else"))
    error = refusal(path, Wants(yes=True, follow=True), home)
    assert re.search(r"31 for today, 1 are left \(.*recipe.yaml:3; until \S+ 00:00 Pacific/Kiritimati\)", error.fact)
    assert re.search(r"It fits from \S+ 00:00 Pacific/Kiritimati on, when the cap counts anew\.", error.hint)


def test_redo_stays_redo(write: Write, house: MakeHouse) -> None:
    """What fits of what is asked for anew is asked for anew."""
    path = write(FOUR)
    home, service = house()
    assert api.run(path, Wants(yes=True, max_credits=D(30)), home).exit_code == 0
    error = refusal(path, Wants(yes=True, max_credits=D(7), redo=("a", "b")), home)
    recipe, wants = asked(printed(error, "Within the caps now"))
    assert (wants.redo, wants.only) == (("a",), ())
    assert api.run(Path(recipe), wants, home).exit_code == 0
    assert service.charged == 36


def test_an_overrun_has_its_way_out_in_another_run(write: Write, house: MakeHouse) -> None:
    """The plan says which account makes no more, and of what; no command is printed that would be refused again."""
    path = write(FOUR.replace("{id: b,", "{id: b, needs: [a],").replace("{id: d,", "{id: d, needs: [a],"))
    home, service = house()

    def dearer(_: Desk) -> Callable[[object], None]:
        def hear(event: object) -> None:
            if isinstance(event, Submitted):
                service.jobs[event.job_id]["cost"] += 1

        return hear

    wants = Wants(yes=True, max_credits=D(100))
    assert api.run(path, wants, home, listen=dearer).exit_code == 3
    desk = api.plan(path, wants, home)
    (warning,) = desk.plan.warnings
    assert warning.fact == (
        "till has charged more than was reserved: this run starts nothing more on it, and goes on without b, c, d, d@2."
    )
    assert "{id: b," in warning.place.text
    assert [*ways.for_all(desk), *ways.for_now(desk, home)] == []
    (said,) = ways.elsewhere(desk)
    recipe, again = asked(said.partition(": ")[2])
    assert again.output == desk.output.with_name("tale-2")
    assert api.plan(Path(recipe), again, home).plan.warnings == ()
    assert api.run(Path(recipe), again, home).exit_code == 0
    assert service.charged == 31


def test_after_a_stop_the_rest_has_its_way_too(write: Write, house: MakeHouse) -> None:
    """What `stop` left undone is made by the printed command, with what is spent by then counted in."""
    path = write("budget: {on_exceed: stop}\n" + FOUR)
    home, service = house()
    assert api.run(path, Wants(yes=True, max_credits=D(13)), home).exit_code == 3
    (said,) = ways.for_all(api.plan(path, Wants(yes=True, max_credits=D(13)), home))
    recipe, wants = asked(said.partition(": ")[2])
    assert wants.max_credits == 30
    assert api.run(Path(recipe), wants, home).exit_code == 0
    assert service.charged == 30
