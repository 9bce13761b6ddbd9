"""How one process asks the ledger whether its attempts may begin: on what terms, and how it waits for others' work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import anyio

from pipeline.events import Started, minute
from pipeline.plan.budget import Denial, Limits
from pipeline.plan.model import Step
from pipeline.plan.periods import local, span
from pipeline.providers.address import REHEARSAL
from pipeline.store.claims import DOLLARS, Busy, Cap, Lost, Over, Terms, Verdict
from pipeline.values import dataclass, field

MOST_RESTS = 5  # so many times as long as at first a step rests at most that another run is making


class Taker(Protocol):
    """Where attempts are claimed: the run's journal."""

    async def claim(self, event: Started, terms: Terms) -> Verdict:
        """Whether an attempt may begin; if it may, its beginning is durable."""
        ...


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Another run has the request and brings nothing of it: what is so, and the way out."""

    fact: str
    hint: str


@dataclass(slots=True, kw_only=True)
class Claims:
    """What one process claims by. `at_work` says whether some process is carrying out the run of that id now."""

    journal: Taker
    limits: Limits
    lanes: Mapping[str, int]
    zone: str = "UTC"  # decides days, weeks and months
    known: int = 0  # the last event that the plan knows of
    job_seconds: float = 2700.0  # how long another run's job is waited for
    rest_seconds: float = 1.0
    at_work: Callable[[str], bool] = lambda run: True
    lease: str = ""  # the token of what this process holds
    _first: dict[str, float] = field(default_factory=dict)  # by step, since when another run has been at it
    _asked: dict[str, int] = field(default_factory=dict)
    _alone: set[str] = field(default_factory=set)  # steps of which the other run was seen to have ended

    async def claim(self, step: Step, event: Started) -> Verdict:
        """Whether this attempt may begin. What is asked is answered, whoever cancels meanwhile."""
        # WHY: a beginning that is durable and that nobody has heard of could not be told from a lost request.
        with anyio.CancelScope(shield=True):
            verdict = await self.journal.claim(event, self.terms(step, event))
        return verdict  # noqa: RET504 - a type checker takes it that the scope may swallow a return

    def terms(self, step: Step, event: Started) -> Terms:
        """The terms for an attempt that reserves at the event's moment, which decides the day it belongs to."""
        caps = []
        for period, limit in self.limits.windows.items():
            during = span(period, event.at, self.zone)
            if event.account in limit.credits:
                most = limit.credits[event.account]
                caps.append(Cap(scope=period, unit=event.account, most=most, span=during))
            if limit.usd is not None:
                caps.append(Cap(scope=period, unit=DOLLARS, most=limit.usd, span=during))
        return Terms(
            caps=tuple(caps),
            width=self.lanes.get(step.lane, 0),
            known=self.known,
            job_seconds=self.job_seconds,
            rest_seconds=self.rest_seconds,
            apart=REHEARSAL,
            lease=self.lease,
        )

    def denial(self, over: Over) -> Denial:
        """The cap of a period that forbids an amount, in the words of the book."""
        cap = over.cap
        return Denial(
            scope=cap.scope,
            unit=cap.unit,
            cap=cap.most,
            left=over.left,
            asked=over.asked,
            origin=self.limits.origin(cap.scope, cap.unit),
            until=local(cap.span[1], self.zone),
        )

    def wait(self, step: Step, busy: Busy) -> float | Lost | GivenUp:
        """The seconds to rest before a step is claimed again that another run is making, or why that is no use."""
        began = self._first.setdefault(step.id, anyio.current_time())
        asked = self._asked[step.id] = self._asked.get(step.id, 0) + 1
        if asked > 1 and not self.at_work(busy.run):  # mostly it is, and has just begun
            # WHY: it may have ended well since it was asked: only what is so the next time too is left behind.
            if step.id in self._alone:
                return _left_behind(busy) if busy.job_id else Lost(busy.run, busy.account, busy.at)
            self._alone.add(step.id)
            return self.rest_seconds
        self._alone.discard(step.id)
        if anyio.current_time() - began > self.job_seconds:
            fact = f"run {busy.run} asks {busy.account} for the same since {_time(busy.at)}, and has no result yet."
            return GivenUp(fact, "Run the same command again later: what is there by then is not paid for again.")
        return self.rest_seconds * min(asked, MOST_RESTS)


def _left_behind(busy: Busy) -> GivenUp:
    return GivenUp(
        f"run {busy.run} has asked {busy.account} for the same, which has it as {busy.job_id}, and nobody works on "
        "that run any more.",
        "Run the same command again: it takes the job up, and pays nothing more.",
    )


def why_lost(lost: Lost) -> str:
    """Why nobody knows whether a step's request was sent."""
    return f"sent to {lost.account} by run {lost.run} at {_time(lost.at)}, and nobody knows if it arrived"


def _time(at: str) -> str:
    return f"{minute(at)} UTC"
