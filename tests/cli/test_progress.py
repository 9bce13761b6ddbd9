"""What people see while a run goes on: each long wait once, beside the bar on a terminal, and that Ctrl-C was heard."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.cli.commands import _wants as wants_of
from pipeline.cli.console import Console, Progress
from pipeline.cli.main import main, parser
from pipeline.desk import Desk, Reading, Wants
from pipeline.engine.orders import Stopping, Waiting
from pipeline.events import Doubted, Event, RunEnded, Settled, Started, Submitted
from pipeline.plan.model import Account
from pipeline.plan.spent import book_of
from tests import made

Write = Callable[..., Path]
ONE = "shots: [{id: a, prompt: a red door}]\n"
AT = "2026-01-01T00:00:00.000Z"
PLACES = Waiting(at=AT, step="a/generate", why="every place at till is taken", account="till")
OTHER = Waiting(at=AT, step="a/generate", why="run 7 is making the same")
STARTED = Started(at=AT, step="a/generate", key="k1:a", attempt=1, account="till")


def heard(write: Write, log: str = "text") -> Progress:
    """A progress that has heard two waits twice, and a stop."""
    progress = Progress(Console(quiet=False, log=log), api.plan(write(ONE)))
    for event in (PLACES, OTHER, PLACES, OTHER, Stopping(at=AT, requests=2)):
        progress(event)
    return progress


def test_lines_say_each_wait_once(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """That of an account without a step's name, that of a step with it."""
    heard(write)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["every place at till is taken", "a/generate: run 7 is making the same"]
    assert len(lines) == 3
    assert "2 answers" in lines[2]
    assert "Ctrl-C again ends at once" in lines[2]


def test_a_json_log_has_them_as_objects(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """With a name of their own, as events have."""
    heard(write, "json")
    found = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [one["event"] for one in found] == ["Waiting", "Waiting", "Stopping"]
    assert (found[0]["account"], found[1]["step"], found[2]["requests"]) == ("till", "a/generate", 2)


def test_a_service_that_stays_busy_is_told_of_once(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever request id it gives each time; another time to wait is said again, and so is another step."""
    progress = Progress(Console(quiet=False, log="text"), api.plan(write(ONE)))
    for step, seconds, number in (("a", 30, 1), ("a", 30, 2), ("a", 60, 3), ("b", 60, 4)):
        why = f"asked again in {seconds} s: till is busy (request id {number})."
        progress(Waiting(at=AT, step=f"{step}/generate", why=why, seconds=seconds))
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition("request id ")[2] for line in lines] == ["1).", "3).", "4)."]


def test_what_begins_waits_no_more(write: Write) -> None:
    """Neither by its own name nor by its account's."""
    progress = heard(write)
    assert len(progress.waiting) == 2
    progress(STARTED)
    assert progress.waiting == {}


def test_the_bar_shows_a_wait_as_long_as_it_lasts(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One whose time is over is not beside it any more, though nothing else has begun."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    progress = Progress(Console(quiet=False, log="text"), api.plan(write(ONE)))
    progress(Waiting(at=AT, step="a/generate", why="asked again in 0 s: busy", seconds=0.0))
    assert "busy" not in str(progress.bar)
    progress(Waiting(at=AT, step="a/generate", why="asked again in 300 s: busy", seconds=300.0))
    assert "asked again in 300 s: busy" in str(progress.bar)
    progress(RunEnded(at=AT, status="complete"))


ABOUT: dict[str, Any] = {"at": AT, "step": "a/generate", "key": "k1:a", "attempt": 1}
DOUBTED = Doubted(error="till is still at work after 8 seconds.", **ABOUT)


@pytest.mark.parametrize(("taken", "word", "failed"), [(True, "still under way", 0), (False, "unknown", 1)])
def test_what_a_service_has_is_under_way(
    taken: bool, word: str, failed: int, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """And has not failed; only what may never have arrived is unknown."""
    progress = Progress(Console(quiet=False, log="text"), api.plan(write(ONE)))
    for event in (STARTED, Submitted(job_id="j1", **ABOUT), DOUBTED) if taken else (STARTED, DOUBTED):
        progress(event)
    assert f"a/generate {word}: till is still at work after 8 seconds." in capsys.readouterr().err
    assert (progress.failed, progress.running) == (failed, set())


def desk(*accounts: str, history: tuple[Event, ...] = ()) -> Desk:
    """Of a plan with a step on each account, called like it."""
    plan = made.plan([made.step(f"{name}/generate", account=name, price="100") for name in accounts])
    known = {name: Account(name=name, provider="till", unit="credits", usd_per_credit=None) for name in accounts}
    plan = dataclasses.replace(plan, accounts=known)
    reading = Reading(path=Path("r.yaml"), wants=Wants(), recipe=plan.recipe, output=Path("o"), folder=Path("w"))
    return Desk(
        reading=reading,
        recipe=plan.recipe,
        plan=plan,
        latest=None,
        continues=None,
        tried={},
        failed={},
        unnoted={},
        book=book_of(history, plan.limits),
    )


def settled(name: str, charged: str, attempt: int = 1) -> Settled:
    about = {**ABOUT, "step": f"{name}/generate", "attempt": attempt}
    return Settled(charged=Decimal(charged), refunded=Decimal(0), usd=None, source="till", **about)


def reserved(name: str, attempt: int) -> Started:
    about = {**ABOUT, "step": f"{name}/generate", "attempt": attempt}
    return Started(account=name, credits=Decimal(100), **about)


def test_credits_are_what_was_charged_by_account() -> None:
    """Of one account in its unit, of several each by its name; what was only reserved before is counted once."""
    history = (reserved("x", 1), settled("x", "7.2"), reserved("x", 2))
    progress = Progress(Console(quiet=True, log="text"), desk("x", history=history))
    assert progress.charged() == "7.2 credits"
    progress(settled("x", "40", attempt=2))
    assert progress.charged() == "47.2 credits"
    progress = Progress(Console(quiet=True, log="text"), desk("x", "y", "z"))
    progress(settled("x", "7.2"))
    progress(settled("y", "80"))
    assert progress.charged() == "7.2 x + 80 y"


@pytest.mark.parametrize("given", ["0", "-1", "two", "1.5", "٣", ""])
def test_a_number_of_failures_is_a_whole_one(given: str, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2 with a fact and a hint."""
    assert main(["run", str(write(ONE)), f"--max-failures={given}"]) == 2
    assert "is no number of failures" in capsys.readouterr().err


def test_fail_fast_is_the_least_number_of_failures() -> None:
    """Whatever else is given; without either there is no end."""
    for words, most in (([], None), (["--max-failures", "3"], 3), (["--max-failures", "3", "--fail-fast"], 1)):
        assert wants_of(parser().parse_args(["run", "x", *words])).max_failures == most
