"""The loop: asks the state for orders, hands steps to the worker in a task group, writes and applies what happens.

There is no central loop to wait in: whatever is written down is applied, and whatever can then begin, begins.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import anyio

from pipeline.engine.borrowed import as_begun, begun_by
from pipeline.engine.claiming import Claims, GivenUp, why_lost
from pipeline.engine.keep import Emit, Results
from pipeline.engine.orders import LIVE, Phase, Rest, Share, Skip, Start, Stopping, Waiting, asked_again
from pipeline.engine.state import RunState
from pipeline.errors import Advice
from pipeline.events import Event, Failed, Refused, RunEnded, RunStarted, Skipped, Started, Succeeded
from pipeline.plan.model import Step
from pipeline.store.claims import Busy, Full, Granted, Lost, Made, Ousted, Over, Stands

Listener = Callable[[Event | Waiting | Stopping], None]
Carry = Callable[[Step, int, Results, Emit], Awaitable[None]]


_Begun = tuple[Step, int, Started | None]
"""An attempt that has its slot: the step, its number, and what must be durable before anything is sent."""


class Journal(Protocol):
    """Where events are written down."""

    async def commit(self, event: Event) -> None:
        """Returns when the event is durable."""
        ...

    async def commit_together(self, told: Sequence[tuple[str, Event]]) -> None:
        """Returns when all of these are durable, each with the run it is of: empty for this one."""
        ...

    def post(self, event: Event) -> None:
        """Written in order with the others; durable at the latest with the next commit."""
        ...


class Engine:
    """One process's share of a run: from the state as it is until nothing more can be begun."""

    def __init__(
        self,
        state: RunState,
        journal: Journal,
        carry: Carry,
        *,
        clock: Callable[[], str],
        claims: Claims | None = None,
        listeners: Sequence[Listener] = (),
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.state = state
        self._journal = journal
        self._carry = carry
        self._clock = clock
        self._claims = claims  # None: no other run has a say
        self._listeners = listeners
        self._sleep = sleep
        self._rests: set[anyio.CancelScope] = set()

    async def go(self) -> None:
        """Carries out what can be carried out. Cancelling it leaves everything resumable."""
        async with anyio.create_task_group() as self._tasks:
            await self._work(self._pump())

    def _pump(self) -> _Begun | None:
        """Carries out every order there is now; gives the most urgent attempt back, for the caller to make."""
        first: _Begun | None = None
        while (order := self.state.order()) is not None:
            match order:
                case Start():
                    begun = self._begin(order)
                    if first is None:
                        first = begun
                    else:
                        self._tasks.start_soon(self._work, begun)
                case Share(step=step, result=result):
                    self._note(Succeeded(at=self._clock(), step=step.id, key=step.key, attempt=0, result=result))
                case Skip(step=step, reason=reason, why=why):
                    self._note(Skipped(at=self._clock(), step=step.id, key=step.key, reason=reason, why=why))
                case Rest(step=step, seconds=seconds, why=why):
                    if wait := asked_again(self._clock(), step.id, seconds, why):
                        self._hear(wait)
                    self._tasks.start_soon(self._rest, step, seconds)
        if self.state.losses.why:
            for rest in self._rests:
                rest.cancel()
        return first

    def _begin(self, order: Start) -> _Begun:
        """Takes the slot of an attempt, and its money in the state, at once, before anything else can ask for them."""
        step, attempt = order.step, order.attempt
        if attempt == step.attempt and step.job_id:
            self.state.begin(step)
            return step, attempt, None
        price = self.state.price(step)
        event = Started(
            at=self._clock(),
            step=step.id,
            key=step.key,
            attempt=attempt,
            provider=step.provider,
            account=step.account,
            credits=price.high,
            usd=price.usd if step.account else None,
            body=step.own,
            priced=price.known,
            request=_request(step),
            book=price.source,
        )
        if step.account:
            self.state.apply(event)
            return step, attempt, event
        self._note(event)
        return step, attempt, None

    async def _work(self, begun: _Begun | None) -> None:
        """One attempt, then whatever became most urgent by it; a paid one is durable before anything is sent."""
        while begun is not None:
            step, attempt, started = begun
            if started is None or await self._may_begin(step, started):
                await self._carry(step, attempt, self.state.results, self._tell)
            begun = self._pump()

    async def _may_begin(self, step: Step, started: Started) -> bool:
        """Whether a paid attempt is durable and may be sent; if not, it was never made, and the step stands anew."""
        if self._claims is None:
            await self._journal.commit(started)
            self._hear(started)
            return True
        verdict = await self._claims.claim(step, started)
        if isinstance(verdict, Granted):
            self._hear(started)
            if self.state.stopping:
                self._note(_not_sent(started, self._clock()))
            return not self.state.stopping
        self.state.undo(started)
        match verdict:
            case Ousted():
                self.state.stopping = True
            case Over():
                self.state.deny(step.id, str(self._claims.denial(verdict)))
            case Full():
                if self.state.pause(step.id):
                    why = f"waiting for a place at {step.account}: other runs have them all"
                    self._wait(step, why, account=step.account)
                    self._tasks.start_soon(self._pause, step, self._claims.rest_seconds)
            case Made(result=result):
                self._note(Succeeded(at=self._clock(), step=step.id, key=step.key, attempt=0, result=result))
            case Stands(error=error, hint=hint, cause=cause):
                self._fail(step, error, hint, permanent=True, cause=cause)
            case Lost():
                self.state.doubt(step.id, why_lost(verdict))
            case Busy():
                self._wait(step, f"waiting for run {verdict.run}, which is making the same")
                self._await_other(step, self._claims.wait(step, verdict))
        return False

    def _await_other(self, step: Step, found: float | Lost | GivenUp) -> None:
        """What becomes of a step that another run is making."""
        match found:
            case Lost():
                self.state.doubt(step.id, why_lost(found))
            case GivenUp(fact=fact, hint=hint):
                self._fail(step, fact, hint, permanent=False)
            case seconds:
                self.state.rest(step.id)
                self._tasks.start_soon(self._rest, step, seconds)

    def _fail(self, step: Step, error: str, hint: str, *, permanent: bool, cause: str = "") -> None:
        """A step fails that this run has not begun: attempt 0 is another's."""
        about: dict[str, Any] = {"step": step.id, "key": step.key, "attempt": 0}
        self._note(Failed(at=self._clock(), error=error, hint=hint, permanent=permanent, cause=cause, **about))

    def _wait(self, step: Step, why: str, account: str = "") -> None:
        self._hear(Waiting(at=self._clock(), step=step.id, account=account, why=why))

    async def _pause(self, step: Step, seconds: float) -> None:
        await self._sleep(seconds)
        self.state.resume(step.id)
        await self._work(self._pump())

    async def _rest(self, step: Step, seconds: float) -> None:
        """Wakes a step after a while, or as soon as nothing more is to be begun."""
        with anyio.CancelScope() as rest:
            self._rests.add(rest)
            try:
                await self._sleep(seconds)
            finally:
                self._rests.discard(rest)
        self.state.wake(step.id)
        await self._work(self._pump())

    async def _tell(self, event: Event | Waiting) -> None:
        """Writes an event down, then lets everything rely on it; where money is at stake, only once it is durable.

        What costs nothing need not wait: the journal keeps its order, so that an event which must be durable, like
        the start of a paid step, makes all before it durable too.
        """
        if isinstance(event, Waiting):
            self._hear(event)
            return
        step = self.state.steps[event.step] if not isinstance(event, RunStarted | RunEnded) else None
        told = [event]
        if isinstance(event, Failed) and not event.undelivered and self.state.is_last_chance(event.step):
            told = [dataclasses.replace(event, permanent=True)]
        elif isinstance(event, Refused) and self.state.gives_up(event.step, event.advice):
            told.append(_given_up(event))
        for one in told:
            if step is not None and step.account:
                await self._commit(step, one)
            else:
                self._journal.post(one)
        for one in told:
            self.state.apply(one)
            self._hear(one)

    async def _commit(self, step: Step, event: Event) -> None:
        """Writes an event of a paid step down, under the run that began the attempt."""
        begun = begun_by(step, getattr(event, "attempt", 0), self.state.run)
        if begun is None:
            await self._journal.commit(event)
        else:
            await self._journal.commit_together(as_begun(event, begun))

    def _note(self, event: Event) -> None:
        """Writes an event that nothing relies on being durable: it would be found out again."""
        self._journal.post(event)
        self.state.apply(event)
        self._hear(event)

    def _hear(self, event: Event | Waiting) -> None:
        for listener in self._listeners:
            listener(event)


def _request(step: Step) -> Mapping[str, Any]:
    """What a service is asked, as JSON with exact numbers."""
    found: Mapping[str, Any] = getattr(step.work, "request", {}) if step.account else {}
    return found


def _not_sent(event: Started, at: str) -> Refused:
    """The end of an attempt that began while the run was told to stop."""
    return Refused(
        at=at,
        step=event.step,
        key=event.key,
        attempt=event.attempt,
        error="the run was interrupted before anything was sent.",
        advice=Advice.LATER,
    )


def _given_up(event: Refused) -> Failed:
    return Failed(
        at=event.at,
        step=event.step,
        key=event.key,
        attempt=event.attempt,
        error=event.error,
        hint=event.hint if event.advice is Advice.NEVER else "Nothing was bought: the same command tries again.",
        permanent=event.advice is Advice.NEVER and not event.account,
        cause=event.cause,
    )


def outcome(state: RunState) -> str:
    """How a run that has come to its end stands: complete, stopped by a cap, failed, or partial."""
    phases = set(state.phase.values())
    if phases <= {Phase.DONE}:
        return "complete"
    if phases & {Phase.UNKNOWN, Phase.AWAY, Phase.CANCELLED} or phases & LIVE:
        return "partial"
    if Phase.FAILED in phases:
        return "failed" if Phase.DONE not in phases else "partial"
    return "stopped"
