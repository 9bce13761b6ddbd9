"""What a run's events say about its attempts and its money."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipeline.money import ZERO
from pipeline.report.attempts import Attempt, attempts, by_account, dollars
from tests.report.stories import Till, Told, plan, shot

PAID = "dawn/generate"


def told(**values: object) -> Told:
    return Told(plan(shot("dawn", provider="till", **values), shot("free")))


def last(run: Told, step: str = PAID) -> Attempt:
    return attempts(run.events, run.plan)[step][-1]


def spent(run: Told) -> dict[str, Decimal]:
    found = attempts(run.events, run.plan)
    till = by_account([a for tried in found.values() for a in tried], ["till"])["till"]
    return {word: getattr(till, word) for word in ("reserved", "charged", "refunded", "unknown")}


def money(**amounts: int) -> dict[str, Decimal]:
    return {word: Decimal(amounts.get(word, 0)) for word in ("reserved", "charged", "refunded", "unknown")}


def test_a_request_under_way_is_reserved() -> None:
    """From Started until the service says what it took, the upper price is held as reserved."""
    run = told().start(PAID)
    assert spent(run) == money(reserved=50)
    run.submit(PAID, "job-1")
    assert (last(run).status, last(run).task_id, spent(run)) == ("running", "job-1", money(reserved=50))


def test_what_was_settled_is_charged_and_no_longer_reserved() -> None:
    """Settled takes the place of the reservation, even before the bytes are there."""
    run = told().start(PAID).submit(PAID).settle(PAID, "48", refunded="2")
    assert spent(run) == money(charged=48, refunded=2)
    assert last(run).status == "running"
    assert last(run.succeed(PAID)).status == "succeeded"


def test_a_refusal_holds_nothing_and_stays_a_refusal() -> None:
    """The failure that ends a refused step does not turn the attempt into one that the service had accepted."""
    run = told().start(PAID).refuse(PAID, "no such model")
    run.fail(PAID, "no such model")
    assert (last(run).status, last(run).error, spent(run)) == ("refused", "no such model", money())


def test_a_doubt_is_held_as_unknown_until_it_is_settled() -> None:
    """What nobody knows the outcome of keeps its reservation, also when its step is given up."""
    run = told().start(PAID).doubt(PAID, "the line broke")
    assert (last(run).status, spent(run)) == ("unknown", money(unknown=50))
    run.fail(PAID, "given up", permanent=False)
    assert (last(run).status, spent(run)) == ("unknown", money(unknown=50))
    run.settle(PAID, "50", source="user")
    assert (last(run).status, spent(run)) == ("running", money(charged=50))


def test_a_doubt_that_turns_out_to_be_a_job_goes_on() -> None:
    """A job found later clears the doubt and its error."""
    run = told().start(PAID).doubt(PAID, "the line broke").submit(PAID, "job-7")
    assert (last(run).status, last(run).error, last(run).finished_at) == ("running", None, None)


def test_what_was_cancelled_has_ended_and_holds_nothing() -> None:
    """With what the service kept for it, where it kept anything."""
    run = told().start(PAID).submit(PAID).settle(PAID, "5", refunded="45").cancel(PAID)
    assert (last(run).status, last(run).error, spent(run)) == (
        "cancelled",
        "as you asked",
        money(charged=5, refunded=45),
    )
    assert last(run).finished_at is not None


def test_a_process_that_died_leaves_interrupted_work_and_unknown_requests() -> None:
    """Without an end, local work was interrupted; a request that was never answered may have arrived."""
    run = told().start(PAID).start("free/generate")
    assert last(run, "free/generate").status == "running"
    resumed = Told(run.plan, run.events)
    assert (last(resumed, "free/generate").status, last(resumed).status) == ("interrupted", "unknown")
    assert spent(resumed) == money(unknown=50)


def test_a_job_outlives_the_process_that_sent_it() -> None:
    """A submitted attempt is still running after a restart, and its end belongs to the same attempt."""
    run = told().start(PAID).submit(PAID, "job-1")
    resumed = Told(run.plan, run.events)
    assert last(resumed).status == "running"
    resumed.settle(PAID, "50").succeed(PAID)
    found = attempts(resumed.events, resumed.plan)[PAID]
    assert [(a.number, a.status, a.task_id) for a in found] == [(1, "succeeded", "job-1")]


def test_every_attempt_of_a_step_is_told_and_paid_for() -> None:
    """A retry is an attempt of its own; both count."""
    run = told(retry=1).start(PAID).submit(PAID).settle(PAID, "20").fail(PAID, "blurred", permanent=False)
    run.make(PAID)
    found = attempts(run.events, run.plan)[PAID]
    assert [(a.number, a.status, a.charged) for a in found] == [(1, "failed", 20), (2, "succeeded", 50)]
    assert spent(run) == money(charged=70)


@pytest.mark.parametrize(("rate", "usd"), [("0.004", Decimal("0.2")), (None, None)])
def test_dollars_are_known_only_where_the_price_of_every_charged_credit_is(rate: str | None, usd: Decimal) -> None:
    """One charge without a dollar price makes the sum unknown, and never too small."""
    run = Told(plan(shot("dawn", provider="till"), till=Till(rate))).start(PAID).submit(PAID)
    run.settle(PAID, "50", usd=None if rate is None else "")
    assert dollars(attempts(run.events, run.plan)[PAID]) == usd
    assert dollars([]) == ZERO
