"""A job that one run began and another takes up: one charge, told where it was begun; nothing stays held."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline import api
from pipeline.desk import Desk, House, Wants
from pipeline.events import Event, Failed, Settled, Submitted, Succeeded
from pipeline.store import spending
from pipeline.store.ledger import Ledger
from tests.till import Till

D = Decimal
MakeHouse = Callable[..., tuple[House, Till]]
ALWAYS = ("2000-01-01T00:00:00.000Z", "2100-01-01T00:00:00.000Z")


class DeathError(BaseException):
    """The process ends at this event."""


def dies_at(kind: str, nth: int = 1) -> Callable[[Desk], Callable[[Event], None]]:
    left = nth

    def hear(event: Event) -> None:
        nonlocal left
        left -= type(event).__name__ == kind
        if not left:
            raise DeathError

    return lambda desk: hear


@pytest.fixture
def tale(tmp_path: Path) -> Callable[..., Path]:
    """Writes a recipe of one clip of 6 credits into a folder of its own."""

    def write(name: str, shot: str = "a", more: str = "") -> Path:
        path = tmp_path / name / "recipe.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            f"rushes: 1\nname: {name}\ndefaults: {{provider: till, duration: 2}}\n"
            f"shots:\n  - {{id: {shot}, prompt: the sea{more}}}\n"
        )
        return path

    return write


@pytest.fixture
def yes(tmp_path: Path) -> Wants:
    return Wants(yes=True, max_credits=D(100), workspace=tmp_path / "shared")


def begin(path: Path, wants: Wants, home: House, kind: str = "Submitted") -> None:
    """A run whose process dies at an event of this class."""
    with pytest.raises((DeathError, BaseExceptionGroup)):
        api.run(path, wants, home, listen=dies_at(kind))


def books(workspace: Path) -> dict[str, Any]:
    """What the ledger says: held in all, charged by recipe, and the attempts that are about money."""
    path = workspace / "ledger.sqlite3"
    with Ledger(path, read_only=True) as ledger:
        (held,) = ledger.held([ALWAYS])
    entries = list(spending.entries(path))
    sums = spending.summed(entries, "recipe", ZoneInfo("UTC"))
    return {
        "held": held["till"].credits if "till" in held else D(0),
        "charged": {row.group[0]: row.sums.charged for row in sums.rows},
        "open": sum((entry.reserved + entry.unknown for entry in entries), D(0)),
        "attempts": len(entries),
    }


def shown(ended: Any) -> tuple[str, Decimal, str | None, Decimal]:
    """Of the only shot: its status, what it cost and who says so; and what its run was charged."""
    (shot,) = ended.manifest["shots"]
    paid = ended.manifest["budget"]["by_account"].get("till", {}).get("charged", D(0))
    return shot["status"], shot["credits"]["charged"], shot["credits"]["source"], paid


def test_what_another_run_began_is_charged_there(tale: Callable[..., Path], yes: Wants, house: MakeHouse) -> None:
    """The run that takes it up shows it as reused; ledger, held and both manifests come to one charge."""
    home, service = house()
    one, two = tale("one"), tale("two", "b")
    begin(one, yes, home)
    assert api.plan(two, yes, home).plan.steps[0].action.value == "resume"
    taken = api.run(two, yes, home)
    assert (taken.exit_code, shown(taken)) == (0, ("reused", 6, "reused", 0))
    again = api.run(one, yes, home)
    assert (again.exit_code, shown(again)) == (0, ("done", 6, "till", 6))
    assert yes.workspace is not None
    assert books(yes.workspace) == {"held": 6, "charged": {"one": D(6)}, "open": 0, "attempts": 1}
    assert (len(service.jobs), service.charged) == (1, 6)


@pytest.mark.parametrize("kind", ["RunStarted", "Settled", "Succeeded"])
def test_whoever_takes_it_up_may_die_too(kind: str, tale: Callable[..., Path], yes: Wants, house: MakeHouse) -> None:
    """At each event: it is one job, one charge, in the run that began it, whoever comes next."""
    home, service = house()
    one, two = tale("one"), tale("two", "b")
    begin(one, yes, home)
    begin(two, yes, home, kind)
    assert shown(api.run(two, yes, home)) == ("reused", 6, "reused", 0)
    assert shown(api.run(one, yes, home)) == ("done", 6, "till", 6)
    assert yes.workspace is not None
    assert books(yes.workspace) == {"held": 6, "charged": {"one": D(6)}, "open": 0, "attempts": 1}
    assert (len(service.jobs), service.charged) == (1, 6)


def test_its_failure_is_told_where_it_was_begun(tale: Callable[..., Path], yes: Wants, house: MakeHouse) -> None:
    """What was reserved is free again, and nobody buys it a second time beyond `retry`."""
    home, service = house({"sea": ["broke", "broke", "broke"]})
    one, two = tale("one"), tale("two", "b", ", retry: 1")
    begin(one, yes, home)
    begin(two, yes, home, "Failed")
    assert api.run(two, yes, home).exit_code == 1
    assert (len(service.jobs), service.charged) == (2, 0)
    assert api.run(one, yes, home).exit_code == 1
    assert len(service.jobs) == 2
    assert yes.workspace is not None
    assert books(yes.workspace) == {"held": 0, "charged": {"one": D(0), "two": D(0)}, "open": 0, "attempts": 2}


def test_events_are_those_of_the_attempt(tale: Callable[..., Path], yes: Wants, house: MakeHouse) -> None:
    """All of it under the run and the step that began it; the other run has its end alone, as attempt 0."""
    home, _ = house()
    one, two = tale("one"), tale("two", "b")
    begin(one, yes, home)
    api.run(two, yes, home)
    assert yes.workspace is not None
    with Ledger(yes.workspace / "ledger.sqlite3", read_only=True) as ledger:
        runs = {run.recipe: ledger.events(run.id) for run in ledger.runs()}
    steps = {name: [e for e in told if isinstance(e, Submitted | Settled | Succeeded | Failed)]
             for name, told in runs.items()}  # fmt: skip
    assert [(type(e), e.step, e.attempt) for e in steps["one"]] == [
        (Submitted, "a/generate", 1), (Settled, "a/generate", 1), (Succeeded, "a/generate", 1),
    ]  # fmt: skip
    assert [(type(e), e.step, e.attempt) for e in steps["two"]] == [(Succeeded, "b/generate", 0)]


def test_a_renamed_shots_job_is_the_runs_own(tale: Callable[..., Path], yes: Wants, house: MakeHouse) -> None:
    """Its charge is this run's and shown with the shot of the new name; its cap has it once."""
    home, service = house()
    begin(tale("one"), yes, home)
    ended = api.run(tale("one", "z"), dataclasses.replace(yes, max_credits=D(6)), home)
    assert (ended.exit_code, shown(ended), service.charged) == (0, ("done", 6, "till", 6), 6)
    assert [attempt["status"] for attempt in ended.manifest["shots"][0]["attempts"]] == ["succeeded"]
    assert yes.workspace is not None
    assert books(yes.workspace) == {"held": 6, "charged": {"one": D(6)}, "open": 0, "attempts": 1}
