"""Attempts of other runs: under which names they are told, and in whose book their money is."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from pipeline.engine.borrowed import as_begun, begun_by, entry_of
from pipeline.engine.orders import Start
from pipeline.engine.state import Phase, RunState
from pipeline.events import Doubted, Event, Failed, Settled, Started, Submitted, Succeeded
from pipeline.plan.budget import Book, Limits
from pipeline.plan.model import Action
from pipeline.plan.spent import failures_of
from tests import made

ABOUT: dict[str, Any] = {"at": made.clock(), "step": "a/generate", "key": "k1:a/generate", "attempt": 3}
STEP = made.step("a/generate", price="6", action=Action.RESUME, job_id="j", attempt=3, of_run="r-1", of_step="b/x")
SETTLED = Settled(charged=Decimal(5), refunded=Decimal(0), usd=None, source="till", **ABOUT)
DONE, BROKE = Succeeded(result=made.NOTHING, **ABOUT), Failed(error="broke.", permanent=True, **ABOUT)


def test_what_this_run_began_under_this_name_is_its_own() -> None:
    """As is every other attempt at the step, and one of which no run is known."""
    own = dataclasses.replace(STEP, of_step="a/generate")
    assert begun_by(own, 3, "r-1") is None
    assert begun_by(STEP, 4, "r-2") is None
    assert begun_by(dataclasses.replace(STEP, of_run=""), 3, "") is None
    assert (entry_of(own, 3, "r-1"), entry_of(STEP, 4, "r-2")) == (("a/generate", 3), ("a/generate", 4))


@pytest.mark.parametrize(("run", "entry"), [("r-1", ("b/x", 3)), ("r-2", None), ("", None)])
def test_money_stands_with_the_run_that_began_it(run: str, entry: tuple[str, int] | None) -> None:
    """Of this run it is under the earlier name; another run's is in no book here."""
    assert begun_by(STEP, 3, run) == ("r-1", "b/x")
    assert entry_of(STEP, 3, run) == entry


@pytest.mark.parametrize("event", [DONE, BROKE])
def test_an_end_is_shared(event: Succeeded | Failed) -> None:
    """Told under the attempt's own name, and here as attempt 0."""
    theirs, ours = as_begun(event, ("r-1", "b/x"))
    assert theirs == ("r-1", dataclasses.replace(event, step="b/x"))
    assert ours == ("", dataclasses.replace(event, attempt=0))


@pytest.mark.parametrize("event", [SETTLED, Doubted(error="silence", **ABOUT)])
def test_what_is_no_end_is_told_there_alone(event: Event) -> None:
    """Of its money and its doubts this run has nothing."""
    assert as_begun(event, ("r-1", "b/x")) == [("r-1", dataclasses.replace(event, step="b/x"))]  # type: ignore[type-var]


def test_its_failure_counts_against_retry_here() -> None:
    """It is tried once more, as an attempt of this run's own, whose failure would be the last."""
    step = dataclasses.replace(STEP, retry=1)
    state = RunState(made.plan([step]), Book(Limits()), run="r-2")
    state.begin(step)
    broke = dataclasses.replace(BROKE, permanent=False)
    state.apply(dataclasses.replace(SETTLED, charged=Decimal(0)))
    state.apply(broke)
    assert state.phase["a/generate"] is Phase.READY
    assert state.book.sum("run", "till") == 0
    order = state.order()
    assert isinstance(order, Start)
    assert order.attempt == 4
    own = ABOUT | {"attempt": 4}
    state.apply(Started(account="till", provider="till", credits=Decimal(6), **own))
    state.apply(Submitted(job_id="k", **own))
    assert state.is_last_chance("a/generate")


def test_a_restart_counts_it_too() -> None:
    """As attempt 0, unless only its bytes are missing."""
    shared = dataclasses.replace(BROKE, attempt=0)
    assert failures_of((shared,)) == {("a/generate", "k1:a/generate"): 1}
    assert failures_of((dataclasses.replace(shared, undelivered=True),)) == {}
