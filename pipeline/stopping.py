"""Tells services to stop jobs, asks what came of it, and books that, while the lock of their run is held.

Nothing is submitted or fetched here. All that is sent may be sent again, and what is found out is written down in one
transaction for each job, so that whatever dies in between loses nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any, cast

import anyio

from pipeline.desk import House
from pipeline.errors import Advice, Held, ProviderError, RushesError, StoreError, UserError
from pipeline.events import Cancelled, Settled
from pipeline.money import EXACT, ZERO, text
from pipeline.providers import remote
from pipeline.providers.base import Cancels, RemotePage, Status
from pipeline.providers.reach import patiently
from pipeline.providers.remote import Wire
from pipeline.settle import Id, id_of, is_unknown, page_of
from pipeline.store.ledger import Ledger, Unsettled
from pipeline.values import dataclass, field

VERDICT_SECONDS = 120.0  # how long a job may take to stop
PATIENCE_SECONDS = 60.0  # with a service that does not answer
_TAKES_UP = "the next run takes it up"


class End(StrEnum):
    """What became of a job."""

    CANCELLED = "cancelled"
    FINISHED = "finished"  # it had come to its end before
    GOES_ON = "goes on"  # its service cannot cancel it, or did not
    LEFT = "left"  # its service could not be asked
    UNKNOWN = "unknown"  # nobody knows whether a service has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What became of an attempt's job, told in a clause without a full stop; `charged` is None where nobody said."""

    submission: Unsettled
    end: End
    told: str
    hint: str = ""
    charged: Decimal | None = None
    refunded: Decimal = ZERO


def left_alone(one: Unsettled, house: House) -> Job | None:
    """What is said of an attempt whose service is not told to stop; None for one that is."""
    tell = functools.partial(Job, submission=one)
    if is_unknown(one):
        told = f"nobody knows whether {one.provider} took it, so its {_credits(one)} stay held"
        return tell(end=End.UNKNOWN, told=told, hint="`rushes recover` settles it.")
    if one.settled:
        return tell(end=End.FINISHED, told=f"it is over, and what it cost is booked; {_TAKES_UP}")
    if not isinstance(page_of(one, house), Cancels):
        told = f"{one.provider} cannot cancel a job: it goes on, for up to {_credits(one)}; {_TAKES_UP}"
        return tell(end=End.GOES_ON, told=told)
    return None


@dataclass(slots=True)
class Stopping:
    """Stops jobs whose services can be told to; `jobs` gathers what became of each.

    `still` raises `Held` where the run has been lost to another holder meanwhile: nothing is written down then.
    """

    house: House
    ledger: Ledger
    verdict_seconds: float
    still: Callable[[], None]
    jobs: dict[Id, Job] = field(default_factory=dict)
    _refused: RushesError | None = None

    async def go(self, mine: Sequence[Unsettled]) -> None:
        """Stops what can be, all at once. Raises `Held`, `StoreError`."""
        groups: dict[str, list[Unsettled]] = {}
        for one in mine:
            groups.setdefault(one.account, []).append(one)
        async with anyio.create_task_group() as tasks:
            for account, some in groups.items():
                tasks.start_soon(self._account, account, some)
        if self._refused:
            raise self._refused

    async def _account(self, account: str, some: Sequence[Unsettled]) -> None:
        try:
            async with self.house.wired([account]) as wires:
                if account not in wires:
                    raise UserError(
                        f"{account} is no account here: the configuration or the base URL has changed.",
                        "Set them as they were when the run was begun.",
                    )
                async with anyio.create_task_group() as tasks:
                    for one in some:
                        tasks.start_soon(self._stop, one, wires[account])
        except UserError as error:
            for one in some:
                self._leave(one, error.fact, error.hint)

    async def _stop(self, one: Unsettled, wire: Wire) -> None:
        """One job, from the wish to the books."""
        page, job_id = cast(RemotePage, page_of(one, self.house)), str(one.job_id)
        refusal: ProviderError | None = None
        try:
            with anyio.fail_after(PATIENCE_SECONDS):
                refusal = await _wish(page, wire, job_id)
                status = await patiently(functools.partial(remote.ask, page, wire, page.poll(job_id)))
            if not status.done and refusal is None:
                status = await remote.wait(page, wire, job_id, limit_seconds=self.verdict_seconds)
        except TimeoutError:
            self._leave(one, f"{one.provider} did not answer within {PATIENCE_SECONDS:.0f} seconds")
        except ProviderError as error:
            if error.advice is Advice.NEVER:
                self._leave(one, error.fact, error.hint)
            else:
                self._goes_on(one, f"was told to cancel it and has not done so yet ({_clause(error.fact)})")
        else:
            if not status.done:
                told = f"did not cancel it ({_clause(refusal.fact)})" if refusal else "has not cancelled it"
                self._goes_on(one, told)
                return
            try:
                self._book(one, status)
            except (Held, StoreError) as error:  # told as it is, not in the task group's wrapping
                self._refused = error

    def _book(self, one: Unsettled, status: Status) -> None:
        """Writes down how a job ended. What was not cancelled stays open, so that a run takes up its bytes or failure.

        Raises `Held`, `StoreError`.
        """
        charged = ZERO if status.charged is None and status.error else status.charged
        if charged is None:
            self._keep(one, End.FINISHED, f"it had finished before; {_TAKES_UP}, and what it cost is told then")
            return
        about: dict[str, Any] = {"at": self.house.clock(), "step": one.step, "key": one.key, "attempt": one.attempt}
        refunded = status.refunded or ZERO
        settled = Settled(
            charged=charged,
            refunded=refunded,
            usd=_dollars(one, charged),
            source="estimate" if status.charged is None else one.provider,
            facts=status.facts,
            **about,
        )
        ends = [Cancelled(why="Cancelled, as you asked.", **about)] if status.cancelled else []
        self.still()
        self.ledger.append(one.run, settled, *ends)
        cost = f"charged {text(charged)} credits for it" if charged else "charged nothing for it"
        cost += f" and gave {text(refunded)} back" if refunded else ""
        if status.cancelled:
            self._keep(one, End.CANCELLED, f"{one.provider} {cost}", charged=charged, refunded=refunded)
        else:
            how = f"failed before ({_clause(status.error.fact)})" if status.error else "finished before"
            told = f"it had {how}: {one.provider} {cost}; {_TAKES_UP}"
            self._keep(one, End.FINISHED, told, charged=charged, refunded=refunded)

    def _goes_on(self, one: Unsettled, told: str) -> None:
        self._keep(one, End.GOES_ON, f"{one.provider} {told}: it goes on, for up to {_credits(one)}; {_TAKES_UP}")

    def _leave(self, one: Unsettled, fact: str, hint: str = "") -> None:
        told = f"could not be asked, so its {_credits(one)} stay reserved: {_clause(fact)}"
        self._keep(one, End.LEFT, told, hint=hint)

    def _keep(self, one: Unsettled, end: End, told: str, **values: Any) -> None:
        self.jobs[id_of(one)] = Job(submission=one, end=end, told=told, **values)


async def _wish(page: RemotePage, wire: Wire, job_id: str) -> ProviderError | None:
    """Tells the service to cancel a job; the refusal where it said no, or where it is not sure that it heard."""
    call = cast(Cancels, page).cancel(job_id)
    try:
        await patiently(functools.partial(remote.ask, page, wire, call))
    except ProviderError as error:
        return error
    return None


def _dollars(one: Unsettled, charged: Decimal) -> Decimal | None:
    """What was charged, at the price of a credit that its reservation had."""
    if one.usd is None or not one.credits:
        return None if one.usd is None or charged else ZERO
    return EXACT.multiply(charged, EXACT.divide(one.usd, one.credits))


def _credits(one: Unsettled) -> str:
    return f"{text(one.credits)} credits"


def _clause(fact: str) -> str:
    return fact.rstrip(".")
