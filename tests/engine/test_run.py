"""The loop over a plan, in virtual time: what begins when, how many at once, and what is written before what."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import anyio
import pytest
import trio.testing

from pipeline.engine.run import Engine, outcome
from pipeline.engine.state import Phase, RunState
from pipeline.engine.worker import Emit, Results
from pipeline.errors import Advice, StoreError
from pipeline.events import Event, Failed, Refused, Settled, Skipped, Started, Submitted, Succeeded
from pipeline.plan.budget import Book, Limits
from pipeline.plan.model import Plan, Step
from tests import made

Carry = Callable[[Step, int, Results, Emit], object]


def sleeper(seconds: float = 1.0) -> Carry:
    async def carry(step: Step, attempt: int, results: Results, emit: Emit) -> None:
        await anyio.sleep(seconds)
        await emit(Succeeded(at=made.clock(), step=step.id, key=step.key, attempt=attempt, result=made.NOTHING))

    return carry


def play(plan: Plan, carry: Carry, log: made.Log | None = None) -> tuple[RunState, made.Log, float]:
    """A run in virtual time: its state, its events, and how many seconds it took there."""
    state = RunState(plan, Book(plan.limits))
    log = log or made.Log()

    async def go() -> float:
        began = trio.current_time()
        await Engine(state, log, carry, clock=made.clock).go()  # type: ignore[arg-type]
        return trio.current_time() - began

    took = trio.run(go, clock=trio.testing.MockClock(autojump_threshold=0))
    return state, log, took


def test_independent_steps_run_beside_each_other_within_the_lane() -> None:
    """Ten steps of a second in a lane of five take two seconds."""
    plan = made.plan([made.step(f"s{i}/generate") for i in range(10)], lanes={"media": 5})
    state, _, took = play(plan, sleeper())
    assert took == pytest.approx(2)
    assert outcome(state) == "complete"


def test_the_longest_remaining_path_is_never_kept_waiting() -> None:
    """A chain of 10 beside 20 single steps, two at once: 15 seconds, the least that is possible."""
    chain = [made.step(f"c{i}/generate", *([f"c{i - 1}/generate"] if i else [])) for i in range(10)]
    plan = made.plan([*(made.step(f"s{i}/generate") for i in range(20)), *chain], lanes={"media": 2})
    assert play(plan, sleeper())[2] == pytest.approx(15)


def test_a_paid_start_is_durable_before_anything_is_sent() -> None:
    """At the moment the worker begins, the journal has the reservation."""
    log = made.Log()
    seen: list[list[Event]] = []

    async def carry(step: Step, attempt: int, results: Results, emit: Emit) -> None:
        seen.append(list(log.events))
        about = {"at": made.clock(), "step": step.id, "key": step.key, "attempt": attempt}
        await emit(Submitted(job_id="j", **about))
        await emit(Settled(charged=Decimal(3), refunded=Decimal(0), usd=None, source="till", **about))
        await emit(Succeeded(result=made.NOTHING, **about))

    state, _, _ = play(made.plan([made.step("a/generate", price="5")]), carry, log)
    assert [type(event) for event in seen[0]] == [Started]
    assert log.of(Started)[0].credits == 5
    assert state.book.sum("run", "till") == 3


def test_a_refused_step_is_sent_again_after_the_wait_that_was_asked_for() -> None:
    """Two refusals with 30 seconds each, then success: 60 seconds, three attempts, one charge reserved at the end."""
    calls = 0

    async def carry(step: Step, attempt: int, results: Results, emit: Emit) -> None:
        nonlocal calls
        calls += 1
        about = {"at": made.clock(), "step": step.id, "key": step.key, "attempt": attempt}
        if calls < 3:
            await emit(Refused(error="busy", advice=Advice.LATER, after_seconds=30, **about))
        else:
            await emit(Succeeded(result=made.NOTHING, **about))

    state, log, took = play(made.plan([made.step("a/generate", price="5")]), carry)
    assert took == pytest.approx(60)
    assert [event.attempt for event in log.of(Started)] == [1, 2, 3]
    assert state.book.sum("run", "till") == 5


def test_a_refusal_for_good_fails_the_step_and_stands() -> None:
    """Bad input is refused once, and the failure is permanent; nothing is reserved any more."""

    async def carry(step: Step, attempt: int, results: Results, emit: Emit) -> None:
        await emit(
            Refused(at=made.clock(), step=step.id, key=step.key, attempt=attempt, error="bad", advice=Advice.NEVER)
        )

    state, log, _ = play(made.plan([made.step("a/generate", price="5")]), carry)
    assert [event.permanent for event in log.of(Failed)] == [True]
    assert state.phase["a/generate"] is Phase.FAILED
    assert state.book.sum("run", "till") == 0


def test_an_accepted_job_that_failed_is_not_bought_again() -> None:
    """With `retry: 0` even a failure that may pass stands for its key."""

    async def carry(step: Step, attempt: int, results: Results, emit: Emit) -> None:
        about = {"at": made.clock(), "step": step.id, "key": step.key, "attempt": attempt}
        if step.account:
            await emit(Submitted(job_id="j", **about))
        await emit(Failed(error="broke", **about))

    _, log, _ = play(made.plan([made.step("a/generate", price="5")]), carry)
    assert [event.permanent for event in log.of(Failed)] == [True]
    _, log, _ = play(made.plan([made.step("a/generate")]), carry)
    assert [event.permanent for event in log.of(Failed)] == [False]


def test_one_failed_shot_leaves_the_rest_going() -> None:
    """The sibling and its follower are made, the failed one's follower is told."""

    async def carry(step: Step, attempt: int, results: Results, emit: Emit) -> None:
        about = {"at": made.clock(), "step": step.id, "key": step.key, "attempt": attempt}
        failed = step.id == "a/generate"
        await emit(Failed(error="broke", **about) if failed else Succeeded(result=made.NOTHING, **about))

    plan = made.plan(
        [made.step("a/generate"), made.step("b/generate", "a/generate"), made.step("c/generate"),
         made.step("d/generate", "c/generate")]
    )  # fmt: skip
    state, log, _ = play(plan, carry)
    assert [event.step for event in log.of(Skipped)] == ["b/generate"]
    assert state.phase["d/generate"] is Phase.DONE
    assert outcome(state) == "partial"


def test_a_journal_that_cannot_write_stops_the_run() -> None:
    """Nothing is carried out that could not be written down."""

    def full(event: Event) -> None:
        raise StoreError("The disk is full.")

    begun: list[str] = []

    async def carry(step: Step, attempt: int, results: Results, emit: Emit) -> None:
        begun.append(step.id)

    with pytest.raises(BaseExceptionGroup) as caught:
        play(made.plan([made.step("a/generate", price="5")], limits=Limits()), carry, made.Log(full))
    assert caught.group_contains(StoreError)
    assert begun == []
