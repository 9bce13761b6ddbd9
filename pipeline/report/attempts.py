"""What a run tried and what it cost: its events, folded by attempt. Knows nothing of takes, files or documents."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pipeline.events import (
    Cancelled,
    Doubted,
    Event,
    Failed,
    Gone,
    Refused,
    RunEnded,
    RunStarted,
    Settled,
    Skipped,
    Started,
    Submitted,
    Succeeded,
    minute,
)
from pipeline.money import ZERO
from pipeline.plan.model import Plan
from pipeline.values import dataclass


class AttemptStatus(StrEnum):
    """How an attempt stands."""

    RUNNING = "running"  # under way here, or at the service that has its job
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"  # by the user's wish
    REFUSED = "refused"  # certainly not taken by the service
    UNKNOWN = "unknown"  # perhaps taken by the service
    INTERRUPTED = "interrupted"  # work on this machine whose process ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at a step; `charged` is None until somebody said what it cost, `held` is what is still reserved."""

    step: str
    key: str
    number: int
    provider: str
    account: str
    task_id: str | None
    submitted_at: str
    finished_at: str | None
    status: AttemptStatus
    error: str | None
    hint: str
    cause: str  # "moderation", or empty
    stands: bool  # its failure stands for its key
    reserved: Decimal  # at first
    held: Decimal
    charged: Decimal | None
    refunded: Decimal
    usd: Decimal | None
    source: str
    book: str  # the price book that `reserved` comes from
    facts: Mapping[str, Any]  # what else the service told, as JSON
    fallback: int | None = None  # the rung of its shot's ladder, 0 as declared; None: none that it has now


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a run has to do with one account: amounts in its unit, and dollars of what was charged, where known."""

    reserved: Decimal
    charged: Decimal
    refunded: Decimal
    unknown: Decimal
    usd: Decimal | None


_OfAttempt = Started | Submitted | Refused | Doubted | Settled | Succeeded | Failed | Cancelled


class _Open:
    """An attempt while its events are read."""

    def __init__(self, event: _OfAttempt) -> None:
        self.step, self.key, self.number = event.step, event.key, event.attempt
        self.provider = self.account = self.hint = self.source = self.book = self.cause = ""
        self.stands = False
        self.submitted_at = event.at
        self.task_id: str | None = None
        self.finished_at: str | None = None
        self.status: AttemptStatus | None = None
        self.error: str | None = None
        self.reserved = self.refunded = ZERO
        self.charged: Decimal | None = None
        self.facts: Mapping[str, Any] = {}
        self.usd: Decimal | None = None
        self.left_alone = False  # the process that began it has ended

    def end(self, status: AttemptStatus, at: str, error: str | None = None, hint: str = "") -> None:
        """The attempt's end; a failure told after a refusal or a doubt only says that the step gives up."""
        if status is AttemptStatus.FAILED and self.status in (AttemptStatus.REFUSED, AttemptStatus.UNKNOWN):
            return
        self.status, self.finished_at, self.error, self.hint = status, at, error, hint

    def closed(self, plan: Plan, providers: Mapping[str, tuple[str, str]]) -> Attempt:
        """The attempt as a value."""
        provider, account = providers.get(self.step, ("", ""))
        known = plan.accounts.get(self.account or account)
        status = self.status or self._standing()
        held = self.reserved if self.charged is None and status in _HOLDING else ZERO
        return Attempt(
            step=self.step,
            key=self.key,
            number=self.number,
            provider=self.provider or (known.provider if known else "") or provider,
            account=self.account or account,
            task_id=self.task_id,
            submitted_at=self.submitted_at,
            finished_at=self.finished_at,
            status=status,
            error=self.error,
            hint=self.hint,
            cause=self.cause,
            stands=self.stands,
            reserved=self.reserved,
            held=held,
            charged=self.charged,
            refunded=self.refunded,
            usd=self.usd,
            source=self.source,
            book=self.book,
            facts=self.facts,
        )

    def _standing(self) -> AttemptStatus:
        if self.task_id or not self.left_alone:
            return AttemptStatus.RUNNING
        return AttemptStatus.UNKNOWN if self.account else AttemptStatus.INTERRUPTED


_HOLDING = frozenset({AttemptStatus.RUNNING, AttemptStatus.UNKNOWN})


def attempts(events: Iterable[Event], plan: Plan) -> dict[str, list[Attempt]]:
    """By step id, every attempt at it in the order they were begun, whatever key the step had then.

    One whose key is another step's now was that step's under an earlier name.
    """
    found: dict[tuple[str, str, int], _Open] = {}
    for event in events:
        match event:
            case RunStarted() | RunEnded():
                for attempt in found.values():
                    attempt.left_alone = True
            case Skipped() | Gone():
                pass
            case Succeeded(attempt=0):  # another step's result, shared
                pass
            case _:
                name = (event.step, event.key, event.attempt)
                if name not in found:
                    found[name] = _Open(event)
                _take_in(found[name], event)
    providers = {step.id: (step.provider, step.account) for step in plan.steps}
    rungs = {(take.generate, key): n for take in plan.takes for n, key in reversed(list(enumerate(take.keys)))}
    owners: dict[str, list[str]] = {}
    for step in plan.steps:
        owners.setdefault(step.key, []).append(step.id)
    by_step: dict[str, list[Attempt]] = {}
    for attempt in found.values():
        now = owners.get(attempt.key, [attempt.step])
        owner = attempt.step if attempt.step in now else now[0]
        rung = rungs.get((owner, attempt.key))
        by_step.setdefault(owner, []).append(dataclasses.replace(attempt.closed(plan, providers), fallback=rung))
    return by_step


def _take_in(attempt: _Open, event: _OfAttempt) -> None:
    match event:
        case Started():
            attempt.provider, attempt.account, attempt.reserved = event.provider, event.account, event.credits
            attempt.book = event.book
        case Submitted():
            attempt.task_id, attempt.submitted_at = event.job_id, event.at
            attempt.status = attempt.error = attempt.finished_at = None
        case Refused():
            attempt.end(AttemptStatus.REFUSED, event.at, event.error, event.hint)
            attempt.cause = event.cause
        case Doubted() if attempt.task_id:  # it is still the service's, and is asked after again
            attempt.error = event.error
        case Doubted():
            attempt.end(AttemptStatus.UNKNOWN, event.at, event.error)
        case Settled():
            attempt.charged, attempt.refunded, attempt.usd = event.charged, event.refunded, event.usd
            attempt.source, attempt.facts = event.source, event.facts
            if attempt.status is AttemptStatus.UNKNOWN:
                attempt.status = None
        case Succeeded():
            attempt.end(AttemptStatus.SUCCEEDED, event.at)
        case Failed():
            attempt.end(AttemptStatus.FAILED, event.at, event.error, event.hint)
            attempt.cause, attempt.stands = event.cause or attempt.cause, event.permanent
        case Cancelled():
            attempt.end(AttemptStatus.CANCELLED, event.at, event.why)


def in_flight(attempt: Attempt) -> str | None:
    """Who has the job of an attempt that has no end; None where it has one, or no service is known to have it."""
    if attempt.status is not AttemptStatus.RUNNING or not attempt.task_id:
        return None
    return f"{attempt.provider} has it as {attempt.task_id} since {minute(attempt.submitted_at)} UTC"


def by_account(tried: Iterable[Attempt], accounts: Iterable[str]) -> dict[str, Spent]:
    """What each account was charged and still holds for these attempts; `accounts` are listed even if nothing was."""
    groups: dict[str, list[Attempt]] = {name: [] for name in sorted(set(accounts))}
    for attempt in tried:
        if attempt.account:
            groups.setdefault(attempt.account, []).append(attempt)
    return {
        name: Spent(
            reserved=sum((a.held for a in group if a.status is AttemptStatus.RUNNING), ZERO),
            charged=sum((a.charged or ZERO for a in group), ZERO),
            refunded=sum((a.refunded for a in group), ZERO),
            unknown=sum((a.held for a in group if a.status is AttemptStatus.UNKNOWN), ZERO),
            usd=dollars(group),
        )
        for name, group in sorted(groups.items())
    }


def dollars(tried: Iterable[Attempt]) -> Decimal | None:
    """What was charged in dollars; None where credits were charged whose price in dollars is not known."""
    total = ZERO
    for attempt in tried:
        if attempt.usd is not None:
            total += attempt.usd
        elif attempt.charged:
            return None
    return total
