"""Settles submissions of unknown outcome while their locks are held: by the user's word, or by the service's list.

Nothing is ever submitted here. What is found out is written down in one transaction for each, so that it is settled
once, whatever dies in between.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, cast

import anyio

from pipeline.accounts import REHEARSAL
from pipeline.desk import House
from pipeline.errors import Advice, Held, JobLost, ProviderError, RushesError, StoreError, UserError
from pipeline.events import Event, Failed, Refused, RunEnded, Settled, Submitted
from pipeline.money import ZERO, text
from pipeline.plan.noted import planned
from pipeline.providers import lost
from pipeline.providers.base import Balances, Enlarges, Found, Lists, RemotePage, is_local
from pipeline.providers.reach import patiently
from pipeline.providers.remote import Wire
from pipeline.purse import look
from pipeline.store import balances
from pipeline.store.ledger import Ledger, Unsettled
from pipeline.values import dataclass, field

SETTLE_SECONDS = 10.0  # after its sender has died, a request may still be on its way
SETTLE_SECONDS_HERE = 0.5  # to a service on this machine
PATIENCE_SECONDS = 60.0  # with one service
_LONGEST_NAP = 3.0


class Fate(StrEnum):
    """What became of a submission."""

    ADOPTED = "adopted"  # the service has it, and it is known as which job
    RELEASED = "released"  # it was not taken: its money is free, and it may be sent again
    WRITTEN_OFF = "written off"  # the user gives it up, and what was reserved counts as spent
    ASKED = "asked"  # only the user can say
    LEFT = "left"  # its service could not be asked
    AT_WORK = "at work"  # a process holds its recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the user says of a submission, by a name of it; `task` is the job that is adopted."""

    step: str
    way: Literal["adopt", "resubmit", "write-off"]
    task: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What became of a submission, told in a clause without a full stop; `name` is what a decision calls it.

    `candidates` are the jobs among which only the user can tell; `left` is what its account has, where that is all the
    evidence there is.
    """

    submission: Unsettled
    name: str
    fate: Fate
    told: str
    hint: str = ""
    job_id: str = ""
    candidates: tuple[Found, ...] = ()
    left: Decimal | None = None


Id = tuple[str, str, str, int]


def id_of(one: Unsettled) -> Id:
    """What tells an attempt from all others: key, run, step, number."""
    return one.key, one.run, one.step, one.attempt


def is_unknown(one: Unsettled) -> bool:
    """Whether nobody knows if a service took it: an attempt at an account, with no job and no end."""
    return bool(one.account) and one.job_id is None and not one.settled


def page_of(one: Unsettled, house: House) -> RemotePage | Enlarges | None:
    """Who speaks for the service that was asked; None where nobody does any more."""
    if one.step.rpartition("/")[2] == "upscale":
        return house.upscalers.get(one.provider)
    found = house.providers.get(one.provider)
    return None if found is None or is_local(found) else cast("RemotePage", found)


@dataclass(slots=True)
class Settling:
    """One look at submissions whose locks are held; `cases` gathers what became of each.

    `settle_seconds` is how long after the beginning a job must still be absent; None: what fits the service. `still`
    raises `Held` where the lease of a submission's recipe has been lost meanwhile.
    """

    house: House
    ledger: Ledger
    names: Mapping[Id, str]
    decided: Mapping[Id, Decision]
    settle_seconds: float | None = None
    still: Callable[[Unsettled], None] = lambda one: None
    cases: dict[Id, Case] = field(default_factory=dict)
    _began: float = 0.0
    _refused: RushesError | None = None

    async def go(self, mine: Sequence[Unsettled]) -> None:
        """Settles what can be. Raises `StoreError`, and `UserError` for a task that cannot be adopted.

        The latter comes before anything is written.
        """
        self._began = anyio.current_time()
        for one in (one for one in mine if self._says(one) == "adopt"):
            await self._check(one, self.decided[id_of(one)].task)
        groups: dict[tuple[str, bool], list[Unsettled]] = {}
        for one in mine:
            self._obey(one)
            if id_of(one) not in self.cases:
                listed = isinstance(page_of(one, self.house), Lists)
                groups.setdefault((one.account, listed), []).append(one)
        async with anyio.create_task_group() as tasks:
            for (_, listed), some in groups.items():
                tasks.start_soon(self._settle, self._by_list if listed else self._by_nothing, some)
        if self._refused:
            raise self._refused

    async def _settle(self, way: Callable[[Sequence[Unsettled]], Awaitable[None]], some: Sequence[Unsettled]) -> None:
        try:
            await way(some)
        except (Held, StoreError) as error:  # told as it is, not in the task group's wrapping
            self._refused = error

    def _says(self, one: Unsettled) -> str:
        decision = self.decided.get(id_of(one))
        return decision.way if decision else ""

    async def _check(self, one: Unsettled, task: str) -> None:
        """Asks for a task that is to be adopted. Raises `UserError` where it is not to be had."""
        page = page_of(one, self.house)
        if page is None:
            raise UserError(
                f"nobody here can ask {one.provider} for {task}.", "See `rushes providers` for who is here."
            )
        if self.ledger.taken(one.provider, [task]):
            raise UserError(f"the task {task} of {one.provider} is that of another attempt already.", "Look it up.")
        told, hint = "", ""
        async with self.house.wired([one.account]) as wires:
            try:
                with anyio.fail_after(PATIENCE_SECONDS):
                    await patiently(functools.partial(_poll, page, _wire(wires, one), task), _nap)
            except JobLost as error:
                told = f"{one.provider} knows no task {task}: {error.fact}"
                hint = f"Look for it in {one.provider}'s console, among the tasks of {one.account}."
            except ProviderError as error:
                told, hint = f"{task} was not adopted: {error.fact}", error.hint
            except TimeoutError:
                told = f"{task} was not adopted: {_late(one)}."
        if told:
            raise UserError(told, hint or "Try again later.")

    def _obey(self, one: Unsettled) -> None:
        """Carries a decision out that needs no look at a list."""
        match self._says(one):
            case "adopt":
                self._adopt(one, self.decided[id_of(one)].task, "the user says that it is")
            case "write-off":
                self._write_off(one)
            case "resubmit" if not isinstance(page_of(one, self.house), Lists):
                self._resubmit(one)

    async def _by_nothing(self, some: Sequence[Unsettled]) -> None:
        """Submissions to an account whose service has no list: only the user can say."""
        left = await self._left(some[0])
        for one in some:
            told = f"{one.provider} has no list of jobs to find it by"
            if left is not None:
                told += f"; {one.account} has {text(left)} credits left now, {self._evidence(one)}"
            self._keep(one, Fate.ASKED, told, left=left)

    def _evidence(self, one: Unsettled) -> str:
        """What its account's balances say of it, which proves nothing."""
        fell = balances.fell(self.ledger.path, one.account, *id_of(one))
        if fell is not None and fell == one.credits:
            return f"exactly the {text(fell)} less that it costs, so that it was probably taken"
        if fell is not None and not fell:
            return "no less than before, so that it was probably not taken"
        return "which proves nothing"

    async def _left(self, one: Unsettled) -> Decimal | None:
        """What its account has left, where its service tells and can be asked."""
        if not isinstance(self.house.providers.get(one.provider), Balances):
            return None
        try:
            with anyio.fail_after(PATIENCE_SECONDS):
                found = (await look(self.house, self.ledger, [one.account])).get(one.account)
        except (UserError, TimeoutError):
            return None
        return found if isinstance(found, Decimal) else None

    async def _by_list(self, some: Sequence[Unsettled]) -> None:
        """Submissions to an account whose service lists its jobs."""
        try:
            await self._look_up(some)
        except TimeoutError:
            self._leave(some, _late(some[0]))
        except (ProviderError, UserError) as error:
            self._leave(some, error.fact, error.hint)

    def _leave(self, some: Iterable[Unsettled], fact: str, hint: str = "") -> None:
        for one in (one for one in some if id_of(one) not in self.cases):
            if self._says(one) == "resubmit":
                self._resubmit(one)
            else:
                self._keep(one, Fate.LEFT, f"could not be looked up: {fact.rstrip('.')}", hint=hint)

    async def _look_up(self, some: Sequence[Unsettled]) -> None:
        async with self.house.wired([some[0].account]) as wires:
            wire = _wire(wires, some[0])
            absent = await self._once(wire, some)
            if absent:
                here = SETTLE_SECONDS_HERE if absent[0].account.endswith(REHEARSAL) else SETTLE_SECONDS
                settle = here if self.settle_seconds is None else self.settle_seconds
                await anyio.sleep(max(0.0, self._began + settle - anyio.current_time()))
                for one in await self._once(wire, absent):
                    self._release(one, f"{one.provider} never got it: it was twice absent from its list")

    async def _once(self, wire: Wire, some: Sequence[Unsettled]) -> list[Unsettled]:
        """Settles what the list as it is now shows, and gives back what is absent from it. Raises `ProviderError`."""
        page, account = cast(Lists, page_of(some[0], self.house)), some[0].account
        since = min(map(_at, some))
        # WHY: what is known before the list is asked for must stand in it; what is begun before it comes may be in it.
        jobs = self.ledger.jobs(account, min(one.at for one in some))
        with anyio.fail_after(PATIENCE_SECONDS):
            pages = await lost.pages(page, wire, since, _nap)
        seen = [job for job in jobs if job.request and job.job_id in _in(page, pages, job)]
        missing = next((job.job_id for job in jobs if job.request and job not in seen), None)
        others = [one for one in self.ledger.unsettled() if is_unknown(one) and one.account == account]
        claims = {id_of(one): _in(page, pages, one) for one in others}
        taken = self.ledger.taken(some[0].provider, set().union(*claims.values()))
        absent = []
        for one in some:
            claimed = {
                name: other.step for other in others if id_of(other) != id_of(one) for name in claims[id_of(other)]
            }
            reaches = pages.reaches(_at(one), later_seen=any(job.at >= one.at for job in seen))
            finding = lost.judge(
                lost.trail(page, pages, one.request, mark_of(one)),
                began=_at(one),
                taken=taken,
                claimed=claimed,
                gap=_gap(one, reaches, missing),
            )
            if finding.absent and self._says(one) != "resubmit":
                absent.append(one)
            else:
                self._close(one, finding)
        return absent

    def _close(self, one: Unsettled, finding: lost.Finding) -> None:
        if finding.job:
            self._adopt(one, finding.job.job_id, f"{one.provider} has it as")
        elif self._says(one) == "resubmit":
            self._resubmit(one)
        else:
            self._keep(one, Fate.ASKED, f"{one.provider} {finding.told}", candidates=finding.candidates)

    # what is written down

    def _adopt(self, one: Unsettled, job_id: str, source: str) -> None:
        self._tell(one, Submitted(at=self.house.clock(), job_id=job_id, **_about(one)))
        told = f"{source} {job_id}: the next run goes on with it, and pays nothing more"
        self._keep(one, Fate.ADOPTED, told, job_id=job_id)

    def _resubmit(self, one: Unsettled) -> None:
        self._release(one, "The user says that it was not taken")

    def _release(self, one: Unsettled, why: str) -> None:
        refused = Refused(at=self.house.clock(), error=f"{why}.", advice=Advice.LATER, **_about(one))
        self._tell(one, refused)
        self._keep(one, Fate.RELEASED, f"{why[0].lower()}{why[1:]}; {self._next(one, 'sends it again')}")

    def _write_off(self, one: Unsettled) -> None:
        at, about = self.house.clock(), _about(one)
        self._tell(
            one,
            Settled(at=at, charged=one.credits, refunded=ZERO, usd=one.usd, source="user", **about),
            Failed(at=at, error="The user has given it up: nobody knows whether it was made.", **about),
        )
        told = f"given up: its {text(one.credits)} credits count as spent, and {self._next(one, 'makes it anew')}"
        self._keep(one, Fate.WRITTEN_OFF, told)

    def _next(self, one: Unsettled, what: str) -> str:
        """What the next run does: this, unless its step has another result by now."""
        latest = self.ledger.latest(one.recipe, one.output)
        lines = planned(latest) if latest else ()
        key = next((line.key for line in lines if line.id == one.step), one.key)
        return f"{one.step} has another result by now" if self.ledger.kept([key]) else f"the next run {what}"

    def _tell(self, one: Unsettled, *events: Event) -> None:
        self.still(one)
        run = self.ledger.run(one.run)
        # WHY: a later end than its documents know says that they are to be written anew, whoever comes to do it.
        end = [RunEnded(at=self.house.clock(), status=run.status)] if run and run.status != "running" else []
        self.ledger.append(one.run, *events, *end)

    def _keep(self, one: Unsettled, fate: Fate, told: str, **values: Any) -> None:
        case = Case(submission=one, name=self.names[id_of(one)], fate=fate, told=told, **values)
        self.cases[id_of(one)] = case


def mark_of(one: Unsettled) -> str:
    """What its request carried where the service echoes a mark: as `engine.away` makes it."""
    return f"{one.key} {one.run} {one.attempt}"


def _in(page: Lists, pages: lost.Pages, one: Unsettled) -> set[str]:
    """The jobs that may be this one's."""
    trail = lost.trail(page, pages, one.request, mark_of(one))
    return {found.job_id for found in (*trail.found, *trail.possible)}


def _gap(one: Unsettled, reaches: bool, missing: str | None) -> str:
    """Why a list proves no absence; empty where it does."""
    if missing is not None:
        return f"its list lacks the job {missing} too, which it certainly has taken"
    if not reaches:
        return "its list does not show that it goes back so far"
    return "" if one.request else "what was asked was not written down"


async def _poll(page: RemotePage | Enlarges, wire: Wire, task: str) -> None:
    page.status(await wire.send(page.poll(task)))


def _wire(wires: Mapping[str, Wire], one: Unsettled) -> Wire:
    if one.account not in wires:
        raise UserError(
            f"{one.account} is no account here: the configuration or the base URL has changed.",
            f"Set them as they were when {one.step} was sent.",
        )
    return wires[one.account]


async def _nap(seconds: float) -> None:
    await anyio.sleep(min(seconds, _LONGEST_NAP))


def _late(one: Unsettled) -> str:
    return f"{one.provider} did not answer within {PATIENCE_SECONDS:.0f} seconds"


def _about(one: Unsettled) -> dict[str, Any]:
    return {"step": one.step, "key": one.key, "attempt": one.attempt}


def _at(one: Unsettled) -> datetime:
    return datetime.fromisoformat(one.at)
