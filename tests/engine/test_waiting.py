"""What takes long is told while it lasts, and what nobody waits for any more is given up at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import anyio
import pytest
import trio
import trio.testing

from pipeline.engine.claiming import Claims
from pipeline.engine.orders import Waiting
from pipeline.engine.run import Engine
from pipeline.engine.sending import Sending
from pipeline.engine.state import RunState
from pipeline.engine.worker import Emit, Results
from pipeline.errors import Advice
from pipeline.events import Failed, Refused, Succeeded
from pipeline.plan.budget import Book
from pipeline.plan.model import Plan, Step
from pipeline.store.claims import Busy, Full, Verdict
from tests import made
from tests.engine.test_claiming import Judge
from tests.engine.test_state import AT


def told(
    plan: Plan, verdicts: Mapping[str, Iterable[Verdict]], carry: Callable[..., Any], most: int | None = None
) -> tuple[list[Waiting], float]:
    """What a run in virtual time says that it waits for, and how many seconds it took."""
    heard: list[Waiting] = []
    state, judge = RunState(plan, Book(plan.limits), most_failures=most), Judge(verdicts)
    claims = Claims(journal=judge, limits=plan.limits, lanes=plan.lanes)

    async def go() -> float:
        began = trio.current_time()
        listen = lambda event: heard.append(event) if isinstance(event, Waiting) else None  # noqa: E731
        await Engine(state, judge.log, carry, clock=made.clock, claims=claims, listeners=[listen]).go()
        return trio.current_time() - began

    return heard, trio.run(go, clock=trio.testing.MockClock(autojump_threshold=0))


async def succeed(step: Step, attempt: int, results: Results, emit: Emit) -> None:
    await emit(Succeeded(at=AT, step=step.id, key=step.key, attempt=attempt, result=made.NOTHING))


def refusing(seconds: float) -> Callable[..., Any]:
    """Refuses each first attempt for so many seconds; a step called `bad` fails after one."""

    async def carry(step: Step, attempt: int, results: Results, emit: Emit) -> None:
        about: dict[str, Any] = {"at": AT, "step": step.id, "key": step.key, "attempt": attempt}
        if step.id == "bad/generate":
            await anyio.sleep(1)
            await emit(Failed(error="no", permanent=True, **about))
        elif attempt == 1:
            await emit(Refused(error="busy", advice=Advice.LATER, after_seconds=seconds, **about))
        else:
            await succeed(step, attempt, results, emit)

    return carry


@pytest.mark.parametrize(("seconds", "count"), [(10.0, 0), (11.0, 1)])
def test_a_rest_of_more_than_ten_seconds_is_told(seconds: float, count: int) -> None:
    """For how long, and what was said."""
    waits, took = told(made.plan([made.step("a/generate", price="1")]), {}, refusing(seconds))
    assert (len(waits), took) == (count, seconds)
    assert all("asked again in 11 s: busy" in wait.why for wait in waits)


def test_places_that_other_runs_hold_and_another_runs_step_are_told() -> None:
    """The first for the whole account, the second for its step."""
    plan = made.plan([made.step("a/generate", price="1"), made.step("b/generate", price="1")])
    busy = Busy("run-7", "till", AT, "job-1")
    waits, _ = told(plan, {"a/generate": [Full()], "b/generate": [busy]}, succeed)
    assert {(wait.step, wait.account) for wait in waits} == {("a/generate", "till"), ("b/generate", "")}
    assert "waiting for run run-7, which is making the same" in next(wait.why for wait in waits if not wait.account)


def test_a_run_that_begins_nothing_more_does_not_wait_for_its_rests() -> None:
    """A Retry-After of an hour, and then as many failures as it may bear: it ends at once."""
    plan = made.plan([made.step("bad/generate", price="1"), made.step("a/generate", price="1")])
    _, took = told(plan, {}, refusing(3600), most=1)
    assert took == 1


def test_what_is_being_sent_is_shielded_until_it_is_given_up() -> None:
    """Cancelling does not reach it; giving up does, and nothing else."""
    ended: list[str] = []

    async def send(sending: Sending, seconds: float) -> None:
        try:
            with sending.shielded():
                await anyio.sleep(seconds)
            ended.append("answered")
        except anyio.get_cancelled_exc_class():
            ended.append("given up")
            raise

    async def go() -> None:
        sending = Sending()
        async with anyio.create_task_group() as outer, anyio.create_task_group() as tasks:
            tasks.start_soon(send, sending, 1)
            tasks.start_soon(send, sending, 60)
            await anyio.sleep(0.1)
            assert len(sending) == 2
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.sleep(2)
                sending.give_up()
            outer.cancel_scope.cancel()

    trio.run(go, clock=trio.testing.MockClock(autojump_threshold=0))
    assert ended == ["answered", "given up"]
