"""The state of a run, under any order of events: nothing begins early, no cap breaks, every step comes to an end."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engine.run import outcome
from pipeline.engine.state import LIVE, Phase, RunState, Share, Skip, Start
from pipeline.errors import Advice
from pipeline.events import Cancelled, Doubted, Event, Failed, Refused, Settled, Skipped, Started, Submitted, Succeeded
from pipeline.plan.budget import Book, Limit, Limits
from pipeline.plan.model import Action, Step
from tests import made

AT = "2026-01-01T00:00:00.000Z"
D = Decimal


def started(order: Start) -> Started:
    step = order.step
    return Started(
        at=AT, step=step.id, key=step.key, attempt=order.attempt, account=step.account, credits=step.price.high,
        usd=step.price.usd if step.account else None,
    )  # fmt: skip


def succeeded(name: str, attempt: int = 1) -> Succeeded:
    return Succeeded(at=AT, step=name, key=f"k1:{name}", attempt=attempt, result=made.NOTHING)


def failed(name: str, attempt: int = 1, *, permanent: bool = True) -> Failed:
    return Failed(at=AT, step=name, key=f"k1:{name}", attempt=attempt, error="it broke", permanent=permanent)


def state_of(
    *steps: Step, limits: Limits | None = None, lanes: dict[str, int] | None = None, most_failures: int | None = None
) -> RunState:
    plan = made.plan(steps, limits=limits, lanes=lanes)
    return RunState(plan, Book(plan.limits), most_failures=most_failures)


def start_all(state: RunState) -> list[str]:
    """Begins all that can be begun, and says what."""
    names = []
    while (order := state.order()) is not None:
        match order:
            case Start():
                state.apply(started(order))
                names.append(order.step.id)
            case Skip(step=step, reason=reason, why=why):
                state.apply(Skipped(at=AT, step=step.id, key=step.key, reason=reason, why=why))
            case _:
                raise AssertionError(order)
    return names


def test_a_step_begins_when_what_it_needs_is_done() -> None:
    """Not before, and at once then."""
    state = state_of(made.step("a/generate"), made.step("b/generate", "a/generate"))
    assert start_all(state) == ["a/generate"]
    state.apply(succeeded("a/generate"))
    assert start_all(state) == ["b/generate"]


def test_the_longest_remaining_path_goes_first_and_priority_before_it() -> None:
    """Of three ready steps in a lane of one, the chain's head is first; a higher priority overrules, upstream too."""
    chain = [made.step("a/generate"), made.step("b/generate"), made.step("c/generate", "b/generate")]
    assert start_all(state_of(*chain, lanes={"media": 1})) == ["b/generate"]
    urgent = made.step("d/generate", "a/generate", priority=5)
    assert start_all(state_of(*chain, urgent, lanes={"media": 1})) == ["a/generate"]


def test_an_overrun_ends_the_spending_of_its_account_alone() -> None:
    """Each of its steps is skipped for that, whatever a cap would do, and another account goes on."""
    steps = [made.step(f"{name}/generate", price="6") for name in "abc"]
    other = made.step("d/generate", price="6", account="other")
    late = made.step("e/generate", "d/generate", price="6", account="other")
    state = state_of(*steps, other, late, lanes={"till": 1, "other": 1})
    assert start_all(state) == ["a/generate", "d/generate"]
    about = {"at": AT, "step": "a/generate", "key": "k1:a/generate", "attempt": 1}
    state.apply(Settled(charged=D(7), refunded=D(0), usd=None, source="till", **about))
    state.apply(succeeded("a/generate"))
    state.apply(succeeded("d/generate"))
    assert start_all(state) == ["e/generate"]
    state.apply(succeeded("e/generate"))
    assert start_all(state) == []
    assert {state.why[f"{name}/generate"] for name in "bc"} == {
        "till charged more than was reserved, so nothing more is started on it in this run"
    }


def test_a_lane_is_never_wider_than_it_may_be() -> None:
    """Three of ten run, and one more when one ends."""
    state = state_of(*(made.step(f"s{i}/generate") for i in range(10)), lanes={"media": 3})
    assert len(start_all(state)) == 3
    state.apply(succeeded("s0/generate"))
    assert len(start_all(state)) == 1


def test_slow_down_halves_a_lane_and_success_widens_it_again() -> None:
    """A refused step rests, the lane of 4 becomes 2; after two successes it is 3."""
    state = state_of(*(made.step(f"s{i}/generate", price="1") for i in range(8)), lanes={"till": 4})
    assert len(start_all(state)) == 4
    for name in ("s0", "s1"):
        state.apply(Refused(at=AT, step=f"{name}/generate", key="k", attempt=1, error="429", advice=Advice.SLOW_DOWN))
    assert state.phase["s0/generate"] is Phase.RESTING
    assert state._lanes["till"].width == 1
    state.apply(succeeded("s2/generate"))
    assert state._lanes["till"].width == 2


def test_one_failure_fails_what_stands_on_it_and_nothing_else() -> None:
    """The followers are skipped with the reason, near and far; the sibling goes on."""
    state = state_of(
        made.step("a/generate"),
        made.step("b/generate", "a/generate"),
        made.step("c/generate", "b/generate"),
        made.step("d/generate"),
    )
    start_all(state)
    state.apply(failed("a/generate"))
    start_all(state)
    assert state.phase == {
        "a/generate": Phase.FAILED,
        "b/generate": Phase.SKIPPED,
        "c/generate": Phase.SKIPPED,
        "d/generate": Phase.RUNNING,
    }
    assert state.why["b/generate"] == "needs a/generate, which failed"


def test_an_unknown_outcome_holds_its_money_and_its_followers_wait() -> None:
    """Nothing is sent again, nothing is released, nothing behind it begins."""
    state = state_of(made.step("a/generate", price="7"), made.step("b/generate", "a/generate", price="7"))
    start_all(state)
    state.apply(Doubted(at=AT, step="a/generate", key="k1:a/generate", attempt=1, error="no answer"))
    assert start_all(state) == []
    assert state.phase["a/generate"] is Phase.UNKNOWN
    assert state.phase["b/generate"] is Phase.WAITING
    assert state.book.sum("run", "till") == 7


def test_what_was_cancelled_gives_its_money_back_and_its_followers_wait() -> None:
    """Nothing is bought in its place though `retry` allows it, nothing behind it begins, and its lane is free."""
    steps = [made.step("a/generate", price="7", retry=2), made.step("b/generate", "a/generate", price="7")]
    state = state_of(*steps, made.step("c/generate", price="1"), lanes={"till": 1})
    assert start_all(state) == ["a/generate"]
    cancelled = Cancelled(at=AT, step="a/generate", key="k1:a/generate", attempt=1, why="as you asked")
    for _ in range(2):
        state.apply(cancelled)
    assert start_all(state) == ["c/generate"]
    assert [state.phase[f"{name}/generate"] for name in "ab"] == [Phase.CANCELLED, Phase.WAITING]
    assert (state.book.sum("run", "till"), outcome(state)) == (1, "partial")
    again = RunState(made.plan(steps), Book(Limits()), {"a/generate": 1})
    order = again.order()
    assert isinstance(order, Start)
    assert order.attempt == 2


def test_paid_retries_are_as_many_as_the_recipe_says() -> None:
    """A failure that may pass is tried again `retry` times, a permanent one never."""
    state = state_of(made.step("a/generate", price="1", retry=1), made.step("b/generate", price="1", retry=1))
    start_all(state)
    taken = [Submitted(at=AT, step=n, key=f"k1:{n}", attempt=1, job_id="j") for n in ("a/generate", "b/generate")]
    for event in (*taken, failed("a/generate", permanent=False), failed("b/generate", permanent=True)):
        state.apply(event)
    assert start_all(state) == ["a/generate"]
    state.apply(Submitted(at=AT, step="a/generate", key="k1:a/generate", attempt=2, job_id="j"))
    assert state.is_last_chance("a/generate")
    state.apply(failed("a/generate", 2, permanent=False))
    assert start_all(state) == []
    assert state.phase["a/generate"] is Phase.FAILED


def test_a_step_that_does_not_fit_waits_for_money_in_flight() -> None:
    """While a running step may still cost less than reserved, the next is neither begun nor given up."""
    limits = Limits(run=Limit(credits={"till": D(10)}), on_exceed="stop")
    state = state_of(made.step("a/generate", price="6"), made.step("b/generate", price="6"), limits=limits)
    assert start_all(state) == ["a/generate"]
    assert state.phase["b/generate"] is Phase.READY
    state.apply(
        Settled(at=AT, step="a/generate", key="k", attempt=1, charged=D(3), refunded=D(0), usd=None, source="t")
    )
    state.apply(succeeded("a/generate"))
    assert start_all(state) == ["b/generate"]


def test_stop_gives_up_all_later_paid_work_and_skip_only_what_does_not_fit() -> None:
    """Free work goes on in both."""
    steps = [
        made.step("a/generate", price="9", priority=3),
        made.step("b/generate", price="9", priority=2),
        made.step("c/generate", price="1", priority=1),
        made.step("d/generate"),
    ]
    for policy, phase in (("stop", Phase.SKIPPED), ("skip", Phase.DONE)):
        limits = Limits(run=Limit(credits={"till": D(10)}), on_exceed=policy)  # type: ignore[arg-type]
        state = state_of(*steps, limits=limits)
        while names := start_all(state):
            for name in names:
                state.apply(succeeded(name))
        assert state.phase["b/generate"] is Phase.SKIPPED
        assert state.phase["c/generate"] is phase
        assert state.phase["d/generate"] is Phase.DONE


def test_a_twin_is_given_the_first_ones_result() -> None:
    """Two steps with one key: one runs, both are done."""
    first, second = (
        made.step("a/generate"),
        made.step("b/generate", "a/generate", twin="a/generate", key="k1:a/generate"),
    )
    state = state_of(first, second)
    assert start_all(state) == ["a/generate"]
    state.apply(succeeded("a/generate"))
    order = state.order()
    assert isinstance(order, Share)
    assert order.step.id == "b/generate"


@pytest.mark.parametrize("action", [Action.REUSE, Action.BLOCKED])
def test_what_is_there_or_blocked_is_never_begun(action: Action) -> None:
    """A reused step is done from the start, a blocked one never becomes so."""
    state = state_of(made.step("a/generate", action=action, result=made.NOTHING))
    assert state.order() is None
    assert state.phase["a/generate"] is (Phase.DONE if action is Action.REUSE else Phase.FAILED)


def test_after_as_many_failures_as_it_may_bear_a_run_begins_nothing_more() -> None:
    """What is in flight is waited for and kept; all else is skipped with the names of those that failed."""
    steps = [made.step(f"s{i}/generate", price="1") for i in range(5)]
    follower = made.step("z/generate", "s4/generate", price="1")
    state = state_of(*steps, follower, lanes={"till": 3}, most_failures=2)
    assert start_all(state) == ["s4/generate", "s0/generate", "s1/generate"]
    state.apply(failed("s0/generate"))
    assert start_all(state) == ["s2/generate"]
    state.apply(failed("s1/generate"))
    assert start_all(state) == []
    state.apply(succeeded("s4/generate"))
    assert start_all(state) == []
    why = "nothing more was begun after 2 failures: s0, s1 failed"
    assert {state.why[name] for name in ("s3/generate", "z/generate")} == {why}
    state.apply(succeeded("s2/generate"))
    assert (state.order(), state.phase["s2/generate"]) == (None, Phase.DONE)


def test_followers_of_a_failed_shot_are_no_failures_and_a_second_step_of_a_take_is_none_either() -> None:
    """They are skipped as ever; only takes are counted, and those that another run failed count too."""
    steps = [made.step("a/generate"), made.step("b/generate", "a/generate"), made.step("c/generate", "b/generate")]
    state = state_of(*steps, made.step("d/generate"), made.step("e/generate"), lanes={"media": 1}, most_failures=2)
    start_all(state)
    state.apply(failed("a/generate"))
    assert start_all(state) == ["d/generate"]
    assert state.why["c/generate"] == "needs b/generate, which was not made"
    state.apply(failed("d/generate", 0))
    start_all(state)
    assert state.why["e/generate"] == "nothing more was begun after 2 failures: a, d failed"


def test_nobody_waits_for_a_step_that_rests_when_nothing_more_is_begun() -> None:
    """A refused step, and one that might have been tried again, are over at once; a job that is out is taken up."""
    steps = [made.step(f"s{i}/generate", price="1", retry=1) for i in range(3)]
    out = made.step("out/generate", price="1", action=Action.RESUME, job_id="j", attempt=1)
    state = state_of(*steps, out, lanes={"till": 1}, most_failures=1)
    state.begin(out)
    state.apply(failed("out/generate"))
    assert state.phase["s0/generate"] is Phase.READY
    state = state_of(*steps, lanes={"till": 3}, most_failures=1)
    start_all(state)
    state.apply(Refused(at=AT, step="s0/generate", key="k", attempt=1, error="429", advice=Advice.LATER))
    state.apply(failed("s1/generate"))
    assert start_all(state) == []
    state.apply(Submitted(at=AT, step="s2/generate", key="k1:s2/generate", attempt=1, job_id="j"))
    state.apply(failed("s2/generate", permanent=False))
    assert [state.phase[f"s{i}/generate"] for i in range(3)] == [Phase.SKIPPED, Phase.FAILED, Phase.FAILED]
    assert state.order() is None


@st.composite
def dags(draw: st.DrawFn) -> list[Step]:
    """Any small plan: needs, prices, priorities, retries."""
    steps: list[Step] = []
    for i in range(draw(st.integers(1, 12))):
        needs = draw(st.lists(st.sampled_from([s.id for s in steps]), max_size=2, unique=True)) if steps else []
        price = draw(st.sampled_from(["0", "1", "2.5", "4"]))
        steps.append(
            made.step(
                f"s{i}/generate",
                *needs,
                price=price,
                priority=draw(st.integers(0, 2)),
                retry=draw(st.integers(0, 1)),
            )
        )
    return steps


@settings(max_examples=100, deadline=None)
@given(dags(), st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 4))
def test_any_order_of_events_begins_nothing_after_the_last_bearable_failure(
    steps: list[Step], seed: int, most: int, width: int
) -> None:
    """Random DAGs, failures and orders: every step ends, what is skipped says why, and a replay is the same."""
    chance = random.Random(seed)
    plan = made.plan(steps, lanes={"till": width, "media": width})
    state = RunState(plan, Book(plan.limits), most_failures=most)
    told: list[Event] = []

    def tell(event: Event) -> None:
        state.apply(event)
        told.append(event)

    running: list[tuple[Step, int]] = []
    for _ in range(400):
        order = state.order()
        match order:
            case Start():
                assert not state.losses.why
                tell(started(order))
                running.append((order.step, order.attempt))
            case Skip(step=step, reason=reason, why=why):
                assert reason == "needs" or why == state.losses.why
                tell(Skipped(at=AT, step=step.id, key=step.key, reason=reason, why=why))
            case None if running:
                _end(*running.pop(chance.randrange(len(running))), chance, tell)
            case None:
                break
            case _:
                assert not state.losses.why
                state.wake(order.step.id)
    failed_takes = [name for name, phase in state.phase.items() if phase is Phase.FAILED]
    assert bool(state.losses.why) == (len(failed_takes) >= most)
    phases = set(state.phase.values())
    assert phases & {Phase.UNKNOWN, Phase.CANCELLED} or not phases & LIVE
    again = RunState(plan, Book(plan.limits), most_failures=most)
    for event in told:
        again.apply(event)
        for name in [name for name, phase in again.phase.items() if phase is Phase.RESTING]:
            again.wake(name)
    assert (again.phase, again.losses.why) == (state.phase, state.losses.why)


@settings(max_examples=150, deadline=None)
@given(
    dags(),
    st.integers(0, 2**32),
    st.decimals("0", "15", places=1),
    st.sampled_from(["stop", "skip", "refuse"]),
    st.integers(1, 4),
)
def test_any_order_of_events_keeps_caps_and_ends(
    steps: list[Step], seed: int, cap: Decimal, policy: str, width: int
) -> None:
    """Random DAGs, prices, failures and orders, each event told twice: caps hold, steps end, a replay is the same.

    Reserved + charged + held stays within the cap at each instant, and a step begins only after its needs.
    """
    chance = random.Random(seed)
    limits = Limits(run=Limit(credits={"till": cap}), on_exceed=policy)  # type: ignore[arg-type]
    plan = made.plan(steps, limits=limits, lanes={"till": width, "media": width})
    state = RunState(plan, Book(limits))
    told: list[Event] = []

    def tell(event: Event) -> None:
        for _ in range(2):
            state.apply(event)
            assert state.book.sum("run", "till") <= cap
        told.append(event)

    running: list[tuple[Step, int]] = []
    resting: list[Step] = []
    for _ in range(400):
        order = state.order()
        if isinstance(order, Start):
            assert all(state.phase[name] is Phase.DONE for name in order.step.needs)
            tell(started(order))
            running.append((order.step, order.attempt))
        elif isinstance(order, Skip):
            tell(Skipped(at=AT, step=order.step.id, key=order.step.key, reason=order.reason, why=order.why))
        elif order is not None:
            assert not isinstance(order, Share)
            resting.append(order.step)
        elif running:
            step, attempt = running.pop(chance.randrange(len(running)))
            _end(step, attempt, chance, tell)
        elif resting:
            state.wake(resting.pop().id)
        else:
            break
    held = [name for name, phase in state.phase.items() if phase in (Phase.UNKNOWN, Phase.CANCELLED)]
    assert held or not any(phase in LIVE for phase in state.phase.values())
    again = RunState(plan, Book(limits))
    for event in told:
        again.apply(event)
        for name in [name for name, phase in again.phase.items() if phase is Phase.RESTING]:
            again.wake(name)
    assert again.book._sums == state.book._sums
    assert again.phase == state.phase


def _end(step: Step, attempt: int, chance: random.Random, tell: object) -> None:
    assert callable(tell)
    about = {"at": AT, "step": step.id, "key": step.key, "attempt": attempt}
    fate = chance.random()
    if step.account and fate < 0.2:
        tell(Refused(**about, error="busy", advice=Advice.LATER))
    elif step.account and fate < 0.25:
        tell(Doubted(**about, error="no answer"))
    elif step.account and fate < 0.3:
        if chance.random() < 0.5:
            tell(Settled(**about, charged=D(0), refunded=D(0), usd=None, source="till"))
        tell(Cancelled(**about, why="as you asked"))
    elif fate < 0.45:
        if step.account and chance.random() < 0.5:
            tell(Settled(**about, charged=D(0), refunded=step.price.high, usd=None, source="till"))
        tell(Failed(**about, error="it broke", permanent=chance.random() < 0.5))
    else:
        if step.account:
            charged = step.price.high * chance.choice([D(1), D("0.5")])
            tell(Settled(**about, charged=charged, refunded=D(0), usd=None, source="till"))
        tell(Succeeded(**about, result=made.NOTHING))
