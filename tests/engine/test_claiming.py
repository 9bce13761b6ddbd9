"""What is not granted leaves no trace, what others make is waited for, and what they have made is shared."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import anyio
import pytest
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engine.claiming import Claims
from pipeline.engine.orders import Phase, Skip, Start
from pipeline.engine.run import Engine
from pipeline.engine.state import RunState
from pipeline.engine.worker import Emit, Results
from pipeline.events import Failed, Refused, Skipped, Started, Succeeded
from pipeline.plan.budget import Book, Limit, Limits
from pipeline.plan.model import Action, Plan, Step
from pipeline.store.claims import Busy, Cap, Full, Granted, Lost, Made, Ousted, Over, Stands, Terms, Verdict
from tests import made
from tests.engine.test_state import AT, started

D = Decimal
DAY = ("2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z")
OVER = Over(Cap(scope="day", unit="till", most=D(5000), span=DAY), D(120), D(400))


class Judge:
    """A journal whose verdicts are said beforehand, by step, each once; then everything is granted."""

    def __init__(self, verdicts: Mapping[str, Iterable[Verdict]]) -> None:
        self.log = made.Log()
        self.asked: list[tuple[str, Terms]] = []
        self._verdicts = {name: iter(given) for name, given in verdicts.items()}

    async def claim(self, event: Started, terms: Terms) -> Verdict:
        self.asked.append((event.step, terms))
        await anyio.sleep(0)
        verdict = next(self._verdicts.get(event.step, iter(())), Granted())
        if isinstance(verdict, Granted):
            await self.log.commit(event)
        return verdict


async def succeed(step: Step, attempt: int, results: Results, emit: Emit) -> None:
    await anyio.sleep(1)
    await emit(Succeeded(at=made.clock(), step=step.id, key=step.key, attempt=attempt, result=made.NOTHING))


def play(
    plan: Plan, verdicts: Mapping[str, Iterable[Verdict]], at_work: Callable[[str], bool] = lambda run: True, **how: Any
) -> tuple[RunState, Judge, float]:
    """A run in virtual time before this judge: its state, the judge, and how many seconds it took."""
    state, judge = RunState(plan, Book(plan.limits)), Judge(verdicts)
    claims = Claims(journal=judge, limits=plan.limits, lanes=plan.lanes, at_work=at_work, **how)

    async def go() -> float:
        began = trio.current_time()
        await Engine(state, judge.log, succeed, clock=made.clock, claims=claims).go()
        return trio.current_time() - began

    return state, judge, trio.run(go, clock=trio.testing.MockClock(autojump_threshold=0))


def plan(*names: str, **values: Any) -> Plan:
    return made.plan([made.step(f"{name}/generate", price="6") for name in names], **values)


def busy(job_id: str = "job-1") -> Busy:
    return Busy("other", "till", AT, job_id)


def face(state: RunState) -> tuple[Any, ...]:
    """All of a state that decides what comes next."""
    lanes = {name: (lane.running, lane.width, lane.good, lane.paused) for name, lane in state._lanes.items()}
    sums = {name: value for name, value in state.book._sums.items() if value}
    return (
        state.phase,
        state.attempts,
        state._begun,
        state._paid_running,
        lanes,
        sums,
        state.book._entries,
        state._taken,
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.booleans()), min_size=1, max_size=7), st.integers(1, 4))
def test_an_undone_beginning_leaves_no_trace(wishes: list[tuple[int, bool, bool]], width: int) -> None:
    """Whatever is begun and undone, in any number and order: the state is as it was, and begins the same again."""
    steps = [
        made.step(f"s{i}/generate", *([f"s{i - 1}/generate"] if chained and i else []), price=str(price))
        for i, (price, chained, _) in enumerate(wishes)
    ]
    state = RunState(made.plan(steps, lanes={"till": width}), Book(Limits(run=Limit(credits={"till": D(20)}))))

    def begin() -> list[Started]:
        found = []
        while isinstance(order := state.order(), Start):
            found.append(started(order))
            state.apply(found[-1])
        return found

    before = copy.deepcopy(face(state))
    first = [event for event in begin() if event.account]
    for event in first:
        state.undo(event)
    for event in [event for event in begin() if event.account]:
        state.undo(event)
    free = {step.id for step in steps if not step.account}
    if not free:
        assert face(state) == before
    assert [event for event in begin() if event.account] == first


def test_what_is_denied_is_skipped_in_the_words_of_the_cap() -> None:
    """Nothing is begun, nothing written but that; `stop` skips what is paid after it without asking."""
    state, judge, _ = play(plan("a", "b", lanes={"till": 1}), {"a/generate": [OVER]})
    assert [(event.step, event.reason) for event in judge.log.events if isinstance(event, Skipped)] == [
        ("a/generate", "budget"), ("b/generate", "budget"),
    ]  # fmt: skip
    assert (
        state.why["a/generate"]
        == "it needs 400 till credits; of 5,000 for today, 120 are left (until 2026-01-02 00:00 UTC)"
    )
    assert (state.left_by_budget, len(judge.log.events), [step for step, _ in judge.asked]) == (
        True, 2, ["a/generate"],
    )  # fmt: skip


def test_what_is_denied_waits_for_money_in_flight() -> None:
    """While the run has a step at a service, that may give money back: the denied one is claimed again after it."""
    state, judge, took = play(plan("a", "b"), {"b/generate": [OVER]})
    assert set(state.phase.values()) == {Phase.DONE}
    assert [event.attempt for event in judge.log.of(Started)] == [1, 1]
    assert (took, len(judge.asked)) == (pytest.approx(2), 3)


def test_whoever_has_lost_the_lease_begins_nothing_more() -> None:
    """Neither what is asked after it, nor what was granted at the same moment and is not sent yet."""
    state, judge, _ = play(plan("a", "b", "c", lanes={"till": 2}), {"a/generate": [Ousted()]})
    assert (state.stopping, state.results, judge.log.of(Succeeded)) == (True, {}, [])
    assert [event.step for event in judge.log.of(Started)] == ["b/generate"]
    assert [event.step for event in judge.log.of(Refused)] == ["b/generate"]


def test_many_denials_end() -> None:
    """With `skip`, each of a hundred steps is asked for once, and all are skipped."""
    names = [f"s{i}" for i in range(100)]
    verdicts = {f"{name}/generate": [OVER] * 9 for name in names}
    state, judge, _ = play(plan(*names, limits=Limits(on_exceed="skip"), lanes={"till": 8}), verdicts)
    assert set(state.phase.values()) == {Phase.SKIPPED}
    assert len(judge.asked) == 100


def test_a_full_account_is_asked_again_and_nobody_else_of_the_lane_meanwhile() -> None:
    """The lane pauses as a whole, what is free goes on, and the attempt keeps its number."""
    steps = [*plan("a", "b", "c").steps, made.step("free/generate")]
    state, judge, took = play(made.plan(steps, lanes={"till": 1}), {"a/generate": [Full()] * 3}, rest_seconds=0.2)
    assert set(state.phase.values()) == {Phase.DONE}
    assert [step for step, _ in judge.asked] == ["a/generate"] * 4 + ["b/generate", "c/generate"]
    assert [event.attempt for event in judge.log.of(Started) if event.account] == [1, 1, 1]
    assert took == pytest.approx(3.6)


def test_another_runs_result_is_shared() -> None:
    """The step rests while another run makes it, lets others have its slot, then has the result and paid nothing."""
    verdicts = {"a/generate": [busy(""), busy(), Made(made.NOTHING)]}
    state, judge, took = play(plan("a", "b", lanes={"till": 1}), verdicts)
    assert set(state.phase.values()) == {Phase.DONE}
    done = [(event.step, event.attempt) for event in judge.log.of(Succeeded)]
    assert sorted(done) == [("a/generate", 0), ("b/generate", 1)]
    assert (state.book.sum("run", "till"), took) == (6, pytest.approx(3))


def test_another_runs_failure_that_stands_is_not_bought_again() -> None:
    """The step fails in the service's words, for good, and what needs it is skipped."""
    steps = [made.step("a/generate", price="6"), made.step("b/generate", "a/generate")]
    state, judge, _ = play(made.plan(steps), {"a/generate": [Stands("other", "flagged.", "Change it.")]})
    assert [(event.error, event.hint, event.permanent) for event in judge.log.of(Failed)] == [
        ("flagged.", "Change it.", True)
    ]
    assert (state.phase["a/generate"], state.phase["b/generate"]) == (Phase.FAILED, Phase.SKIPPED)


@pytest.mark.parametrize(("verdicts", "at_work"), [([Lost("other", "till", AT)], True), ([busy("")] * 3, False)])
def test_what_may_have_been_sent_is_unknown(verdicts: list[Verdict], at_work: bool) -> None:
    """A doubt, or the beginning of a process that has died: held, not sent, and nothing is written."""
    state, judge, _ = play(plan("a"), {"a/generate": verdicts}, lambda run: at_work)
    assert state.phase["a/generate"] is Phase.UNKNOWN
    assert "by run other" in state.why["a/generate"]
    assert (judge.log.events, state.book.sum("run", "till")) == ([], 0)


def test_a_job_that_nobody_asks_after_is_left_to_the_next_command() -> None:
    """Where the other run has ended, twice in a row, the step fails with the way out, and may be tried again."""
    state, judge, _ = play(plan("a"), {"a/generate": [busy()] * 3}, lambda run: False)
    failed = judge.log.of(Failed)[0]
    assert (state.phase["a/generate"], failed.attempt, failed.permanent) == (Phase.FAILED, 0, False)
    assert "takes the job up" in failed.hint


def test_a_run_that_has_just_ended_well_is_not_taken_for_dead() -> None:
    """What it has made is there when it is asked the next time."""
    state, _, _ = play(plan("a"), {"a/generate": [busy(), busy(), Made(made.NOTHING)]}, lambda run: False)
    assert state.phase["a/generate"] is Phase.DONE


def test_nobody_is_waited_for_longer_than_a_job_may_take() -> None:
    """Then the step fails, and nothing stands for its key."""
    state, judge, took = play(plan("a"), {"a/generate": [busy()] * 99}, job_seconds=60)
    assert (state.phase["a/generate"], judge.log.of(Failed)[0].permanent) == (Phase.FAILED, False)
    assert 60 <= took <= 70


def test_a_beginning_that_is_granted_as_the_run_stops_is_given_back() -> None:
    """Nothing was sent, so nothing is held."""
    one = plan("a")
    state, judge = RunState(one, Book(one.limits)), Judge({})
    claims = Claims(journal=judge, limits=one.limits, lanes=one.lanes)

    async def go() -> None:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(Engine(state, judge.log, succeed, clock=made.clock, claims=claims).go)
                await anyio.sleep(0)
                state.stopping = True
                scope.cancel()

    anyio.run(go)
    assert [type(event).__name__ for event in judge.log.events] == ["Started", "Refused"]
    assert state.book.sum("run", "till") == 0


def test_jobs_are_taken_up_before_anything_is_begun() -> None:
    """They take places at the account until somebody asks after them."""
    steps = [
        made.step("a/generate", price="6", priority=9),
        made.step("b/generate", price="6", action=Action.RESUME, job_id="job-1", attempt=1),
    ]
    state = RunState(made.plan(steps, lanes={"till": 1}), Book(Limits()))
    order = state.order()
    assert isinstance(order, Start)
    assert order.step.id == "b/generate"


def test_terms_are_those_of_the_moment() -> None:
    """The day of the event's time in the user's zone; dollars and the account's credits, and no other account's."""
    limits = Limits(
        windows={"day": Limit(credits={"till": D(9), "x": D(1)}, usd=D(2)), "month": Limit(credits={"x": D(5)})}
    )
    claims = Claims(journal=Judge({}), limits=limits, lanes={"till": 3}, zone="Europe/Berlin", known=7)
    event = Started(at="2026-11-21T23:30:00.000Z", step="a/generate", key="k", attempt=1, account="till", credits=D(6))
    terms = claims.terms(made.step("a/generate", price="6"), event)
    day = ("2026-11-21T23:00:00.000Z", "2026-11-22T23:00:00.000Z")
    assert terms.caps == (
        Cap(scope="day", unit="till", most=D(9), span=day), Cap(scope="day", unit="usd", most=D(2), span=day),
    )  # fmt: skip
    assert (terms.width, terms.known) == (3, 7)


def test_a_skip_is_an_order_like_any_other() -> None:
    """A denied step with nothing in flight is skipped at once by the pure state."""
    state = RunState(plan("a"), Book(Limits()))
    order = state.order()
    assert isinstance(order, Start)
    event = started(order)
    state.apply(event)
    state.undo(event)
    state.deny("a/generate", "no money")
    skip = state.order()
    assert isinstance(skip, Skip)
    assert (skip.reason, skip.why) == ("budget", "no money")
