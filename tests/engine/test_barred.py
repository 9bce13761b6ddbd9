"""What the caps kept out of a plan: it has its turn in the same run once money comes back, and no cap is exceeded."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engine.orders import LIVE, Phase, Share, Skip, Start
from pipeline.engine.state import RunState
from pipeline.events import Event, Failed, Settled, Skipped, Submitted, Succeeded
from pipeline.money import FREE
from pipeline.plan import afford
from pipeline.plan.budget import Book, Limit, Limits
from pipeline.plan.model import Fallback, Step
from tests import made
from tests.engine.test_state import AT, dags, failed, start_all, started, succeeded

D = Decimal


def limits(cap: object, policy: str) -> Limits:
    return Limits(run=Limit(credits={"till": D(str(cap))}), on_exceed=policy)  # type: ignore[arg-type]


def fitted(steps: list[Step], caps: Limits, **how: object) -> RunState:
    """The state of a run of what the caps leave of a plan."""
    plan = made.plan(afford.fit(steps, Book(caps)), limits=caps, **how)  # type: ignore[arg-type]
    return RunState(plan, Book(caps))


def settled(name: str, charged: object) -> Settled:
    about = {"step": name, "key": f"k1:{name}", "attempt": 1}
    return Settled(at=AT, charged=D(str(charged)), refunded=D(0), usd=None, source="till", **about)  # type: ignore[arg-type]


@pytest.mark.parametrize("policy", ["stop", "skip"])
def test_what_the_plan_left_out_is_made_once_a_failure_has_given_its_money_back(policy: str) -> None:
    """With what follows it, and the film on top; while anything is under way it waits."""
    steps = [
        made.step("a/generate", price="6"),
        made.step("b/generate", price="6"),
        made.step("c/generate", price="4"),
        made.step("c/last_frame", "c/generate"),
    ]
    state = fitted(steps, limits(13, policy))
    assert [state.phase[step.id] for step in steps[2:]] == [Phase.SKIPPED, Phase.SKIPPED]
    assert start_all(state) == ["a/generate", "b/generate"]
    taken = Submitted(at=AT, step="a/generate", key="k1:a/generate", attempt=1, job_id="j")
    for event in (taken, settled("a/generate", 0), failed("a/generate")):
        state.apply(event)
    assert start_all(state) == []
    state.apply(succeeded("b/generate"))
    assert start_all(state) == ["c/generate"]
    state.apply(succeeded("c/generate"))
    assert start_all(state) == ["c/last_frame"]
    state.apply(succeeded("c/last_frame"))
    assert not state.left_by_budget


def test_what_still_does_not_fit_stays_left_out() -> None:
    """In the words of the plan; under `stop` nothing smaller is made in its place."""
    steps = [made.step(f"{name}/generate", price=price) for name, price in zip("abcd", "6681", strict=True)]
    for policy, more in (("stop", []), ("skip", ["d/generate"])):
        state = fitted(steps, limits(13, policy))
        begun = start_all(state)
        for name in begun:
            state.apply(settled(name, 5))
            state.apply(succeeded(name))
        assert [name for name in (*begun, *start_all(state)) if name not in ("a/generate", "b/generate")] == more
        assert state.why["c/generate"].startswith("it needs 8 till credits")
        assert state.left_by_budget


def test_under_stop_the_reasons_are_of_what_stopped_the_run_in_the_end() -> None:
    """Not of what the plan was stopped at, once that has been let in; what needs the first denied waits for it."""
    steps = [
        made.step("a/generate", price="6"),
        made.step("b/generate", price="6"),
        made.step("c/generate", price="6"),
        made.step("c/last_frame", "c/generate"),
        made.step("d/generate", "c/last_frame", price="6"),
        made.step("e/generate", price="6"),
    ]
    state = fitted(steps, limits(7, "stop"))
    assert state.why["c/generate"] == state.why["e/generate"] == "the budget stopped the run at b/generate"
    assert start_all(state) == ["a/generate"]
    taken = Submitted(at=AT, step="a/generate", key="k1:a/generate", attempt=1, job_id="j")
    for event in (taken, settled("a/generate", 0), failed("a/generate")):
        state.apply(event)
    assert start_all(state) == ["b/generate"]
    state.apply(settled("b/generate", 6))
    state.apply(succeeded("b/generate"))
    assert start_all(state) == []
    stopped = "the budget stopped the run at c/generate"
    assert state.why["c/generate"].startswith("it needs 6 till credits; of 7 for the run, 1 ")
    assert state.why["c/last_frame"] == "waits for c/generate"
    assert state.why["d/generate"] == state.why["e/generate"] == stopped


def test_what_was_let_in_and_is_then_forbidden_is_not_let_in_again() -> None:
    """Another run may have the money of the day meanwhile: one question, one answer."""
    steps = [made.step("a/generate", price="6"), made.step("b/generate", price="6")]
    state = fitted(steps, limits(11, "skip"))
    start_all(state)
    state.apply(settled("a/generate", 1))
    state.apply(succeeded("a/generate"))
    order = state.order()
    assert isinstance(order, Start)
    begun = started(order)
    state.apply(begun)
    state.undo(begun)
    state.deny("b/generate", "the day's cap")
    assert start_all(state) == []
    assert (state.phase["b/generate"], state.why["b/generate"]) == (Phase.SKIPPED, "the day's cap")


def test_a_fallback_comes_before_what_was_left_out() -> None:
    """The money that a failed step gives back is asked for by its own next try, in another round."""
    last = Fallback(rung=1, step="a/generate", provider="t", model="m", account="till", key="k1:x", price=FREE)
    steps = [made.step("a/generate", price="6", fallback=(last,)), made.step("b/generate", price="6")]
    state = fitted(steps, limits(11, "skip"))
    assert start_all(state) == ["a/generate"]
    state.apply(Submitted(at=AT, step="a/generate", key="k1:a/generate", attempt=1, job_id="j"))
    state.apply(failed("a/generate"))
    assert start_all(state) == []
    assert state.phase["b/generate"] is Phase.SKIPPED


def test_under_stop_other_accounts_wait_too_for_what_is_denied_before_them() -> None:
    """What comes after a step that waits for money begins only once that one has begun, or is skipped."""
    caps = Limits(run=Limit(usd=D(10)), on_exceed="stop")
    steps = [
        made.step("a/generate", price="6", usd="1"),
        made.step("b/generate", price="6", usd="1"),
        made.step("c/generate", price="1", usd="1", account="agency"),
    ]
    plan = made.plan(steps, limits=caps)
    state = RunState(plan, Book(caps))
    assert start_all(state) == ["a/generate"]
    state.apply(
        Settled(at=AT, step="a/generate", key="k", attempt=1, charged=D(3), refunded=D(0), usd=D(3), source="t")
    )
    state.apply(succeeded("a/generate"))
    assert start_all(state) == ["b/generate", "c/generate"]


@settings(max_examples=100, deadline=None)
@given(
    dags(),
    st.integers(0, 2**32),
    st.decimals("0", "15", places=1),
    st.sampled_from(["stop", "skip"]),
    st.integers(1, 4),
)
def test_as_much_is_made_as_the_money_allows(
    steps: list[Step], seed: int, cap: Decimal, policy: str, width: int
) -> None:
    """Random DAGs, prices, failures and charges below the estimate: at the end nothing that fits is left out.

    Under `skip` that is every step; under `stop` the first in plan order, and nothing begins after a final denial.
    """
    chance = random.Random(seed)
    caps = limits(cap, policy)
    state = fitted(steps, caps, lanes={"till": width, "media": width})
    told: list[Event] = []
    running: list[tuple[Step, int]] = []

    def tell(event: Event) -> None:
        state.apply(event)
        told.append(event)
        assert state.book.sum("run", "till") <= cap

    denied = False
    for _ in range(500):
        order = state.order()
        if isinstance(order, Start):
            assert not (denied and policy == "stop" and order.step.account)
            tell(started(order))
            running.append((order.step, order.attempt))
        elif isinstance(order, Skip):
            denied |= order.reason == "budget" and bool(order.step.account)
            tell(Skipped(at=AT, step=order.step.id, key=order.step.key, reason=order.reason, why=order.why))
        elif running:
            _end(*running.pop(chance.randrange(len(running))), chance, tell)
        else:
            assert order is None
            break
        assert not isinstance(order, Share)
    assert LIVE.isdisjoint(state.phase.values())
    for step in steps:
        made_before = all(state.phase[name] is Phase.DONE for name in step.needs)
        if step.account and state.phase[step.id] is Phase.SKIPPED and made_before:
            assert state.book.deny(step.shot, "till", step.price.high, None), step.id
            if policy == "stop":
                break
    again = RunState(made.plan(state.steps.values(), limits=caps), Book(caps))
    for event in told:
        again.apply(event)
    assert again.book._sums == state.book._sums
    assert again.phase == state.phase


def _end(step: Step, attempt: int, chance: random.Random, tell: object) -> None:
    """The attempt comes to an end: made at its price or below, or failed with its money given back."""
    about = {"step": step.id, "key": step.key, "attempt": attempt}
    say = tell.__call__  # type: ignore[operator]
    if step.account:
        say(Submitted(at=AT, job_id="j", **about))  # type: ignore[arg-type]
        charged = step.price.high * chance.choice([0, 1, 1]) if chance.random() < 0.7 else step.price.high / 2
        fails = charged == 0
        say(Settled(at=AT, charged=charged, refunded=D(0), usd=None, source="till", **about))  # type: ignore[arg-type]
        if fails:
            say(Failed(at=AT, error="it broke", permanent=True, **about))  # type: ignore[arg-type]
            return
    say(Succeeded(at=AT, result=made.NOTHING, **about))  # type: ignore[arg-type]
