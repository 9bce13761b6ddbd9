"""The state of a run: events in, orders out. Pure: no await, no clock, no disk; live and replay are the same line.

`apply` tells the state what happened; `order` asks what to do next. An order is carried out by writing the event it
leads to and applying that, so nothing is begun that the events do not say.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping
from math import inf
from typing import assert_never

from pipeline.engine.barred import Barred
from pipeline.engine.borrowed import entry_of
from pipeline.engine.lanes import Lane
from pipeline.engine.losses import Losses
from pipeline.engine.orders import BLOCKED, Order, Rest, Share, Skip, Start
from pipeline.engine.orders import LIVE as LIVE
from pipeline.engine.orders import Phase as Phase
from pipeline.engine.ranks import ranks
from pipeline.engine.retry import wait_seconds
from pipeline.errors import Advice
from pipeline.events import (
    Cancelled,
    Doubted,
    Event,
    Failed,
    Gone,
    Refused,
    Result,
    RunEnded,
    RunStarted,
    Settled,
    Skipped,
    Started,
    Submitted,
    Succeeded,
)
from pipeline.money import Price
from pipeline.plan.budget import Book
from pipeline.plan.enlarge import price_of
from pipeline.plan.model import Action, Block, Plan, Step, take_id


class RunState:
    """What is waiting, running and done in one run of a plan, and the book of its money."""

    def __init__(
        self,
        plan: Plan,
        book: Book,
        attempts: Mapping[str, int] | None = None,
        failures: Mapping[tuple[str, str], int] | None = None,
        run: str = "",
        most_failures: int | None = None,
    ) -> None:
        self.book = book
        self.run = run  # the id of the run that is continued, empty for a new one
        self.steps = {step.id: step for step in plan.steps}
        self.phase: dict[str, Phase] = {}
        self.results: dict[str, Result] = {}
        self.why: dict[str, str] = {}  # of what failed, was skipped or is unknown
        self.attempts: dict[str, int] = {}
        self._before = attempts or {}  # of this run's earlier processes
        self.stopping = False  # start nothing more
        self.overspent = ""  # why no more money is spent
        self.losses = Losses(most_failures)
        self._shut: dict[str, str] = {}  # accounts that their service does not serve, and what it said
        self._reasons: dict[str, str] = {}  # why each was skipped, handed down to what follows
        self._refusals: dict[str, int] = {}
        told = failures or {}  # by step and key, of this run's earlier processes: they count against `retry` too
        self._failures = {step.id: told.get((step.id, step.key), 0) for step in plan.steps}
        self._begun: set[str] = set()
        self._taken = {(step.id, step.attempt) for step in plan.steps if step.job_id}  # attempts a service accepted
        self._missing: dict[str, int] = {}
        self._followers: dict[str, list[str]] = {name: [] for name in self.steps}
        self._doomed: deque[Skip] = deque()
        self._resting: deque[Rest] = deque()
        self._paid_running = 0
        self._denied: dict[str, str] = {}  # steps that a cap over all runs forbids until money comes back, and why
        self._lanes = {name: Lane(width) for name, width in plan.lanes.items()}
        unmade = [step for step in plan.steps if step.action is not Action.REUSE]
        self._ids = [step.id for step in unmade]
        self._rank = ranks(unmade)
        self._barred = Barred(plan)
        for step in plan.steps:
            self._place(step)

    def _place(self, step: Step) -> None:
        """A step's first phase, by its action in the plan."""
        self.attempts[step.id] = max(step.attempt, self._before.get(step.id, 0))
        if step.action is Action.REUSE:
            self.phase[step.id] = Phase.DONE
            if step.result:
                self.results[step.id] = step.result
            return
        if step.action is Action.BLOCKED:
            self.phase[step.id] = BLOCKED[step.block or Block.FAILURE]
            self.why[step.id] = step.why
            return
        missing = 0
        for name in step.needs:
            if self.phase.get(name) is not Phase.DONE and name in self.steps:
                missing += 1
                self._followers[name].append(step.id)
        self._missing[step.id] = missing
        self.phase[step.id] = Phase.WAITING
        if not missing:
            self._make_ready(step.id)

    def _make_ready(self, name: str) -> None:
        self.phase[name] = Phase.READY
        heapq.heappush(self._lanes[self.steps[name].lane].ready, self._rank[name])

    # what happened

    def apply(self, event: Event) -> None:
        """Takes an event into account; one that was already taken into account changes nothing."""
        match event:
            case RunStarted() | RunEnded() | Gone():
                pass
            case Started():
                self._started(event)
            case Submitted():
                self._taken.add((event.step, event.attempt))
            case Refused():
                self._refused(event)
            case Doubted():
                taken = (event.step, event.attempt) in self._taken
                self._end(event.step, Phase.AWAY if taken else Phase.UNKNOWN, event.error)
            case Settled():
                if entry := self._entry(event):
                    self.book.settle(*entry, charged=event.charged, usd=event.usd)
            case Succeeded():
                self._succeeded(event)
            case Failed():
                self._failed(event)
            case Cancelled():
                self._cancelled(event)
            case Skipped():
                self._skipped(event)
            case _:
                assert_never(event)

    def _entry(self, event: Settled | Failed | Cancelled) -> tuple[str, int] | None:
        """What an attempt is called in the book; None for one of another run, whose money it is."""
        return entry_of(self.steps[event.step], event.attempt, self.run)

    def _started(self, event: Started) -> None:
        step = self.steps[event.step]
        self.attempts[step.id] = max(self.attempts[step.id], event.attempt)
        if step.block is Block.BUDGET and self.phase[step.id] is Phase.SKIPPED:  # it was let in later
            self._make_ready(step.id)
        if step.account:
            self.book.reserve(
                step.id,
                event.attempt,
                take=take_id(step.shot, step.take),
                account=event.account,
                credits=event.credits,
                usd=event.usd,
                priced=event.priced,
            )
        self.begin(step)

    def begin(self, step: Step) -> None:
        """The step holds a slot of its lane from now on."""
        if self.phase[step.id] is Phase.READY:
            self.phase[step.id] = Phase.RUNNING
            self._lanes[step.lane].running += 1
            self._paid_running += bool(step.account)
            self._begun.add(step.id)

    # a beginning that was not granted: nobody else knows of it

    def undo(self, event: Started) -> None:
        """The attempt was never made: its slot, its money and its number are free again, and the step is ready."""
        step = self.steps[event.step]
        if self.phase[step.id] is not Phase.RUNNING:
            return
        self.book.forget(step.id, event.attempt)
        self.attempts[step.id] = event.attempt - 1
        self._lanes[step.lane].running -= 1
        self._paid_running -= bool(step.account)
        if step.action is not Action.RESUME:
            self._begun.discard(step.id)
        self._make_ready(step.id)

    def deny(self, name: str, why: str) -> None:
        """A cap over all runs forbids the step: it waits for what this run has in flight, and is skipped after it."""
        self._denied[name] = why

    def rest(self, name: str) -> None:
        """The step is to be woken before it is begun."""
        self.phase[name] = Phase.RESTING

    def doubt(self, name: str, why: str) -> None:
        """The step's request may have been sent by another run, and nobody knows what became of it."""
        self._end(name, Phase.UNKNOWN, why)

    def pause(self, name: str) -> bool:
        """The step's lane begins nothing until `resume`, or until one of its steps ends; whether that is new."""
        lane = self._lanes[self.steps[name].lane]
        new, lane.paused = not lane.paused, True
        return new

    def resume(self, name: str) -> None:
        """The step's lane may begin again."""
        self._lanes[self.steps[name].lane].paused = False

    # how attempts end

    def _refused(self, event: Refused) -> None:
        self.book.release(event.step, event.attempt)
        if self.phase[event.step] is not Phase.RUNNING:
            return
        step = self.steps[event.step]
        if event.account:
            self._shut.setdefault(step.account, event.error)
        if event.advice is Advice.SLOW_DOWN:
            self._lanes[step.lane].slow_down()
        self._refusals[step.id] = self._refusals.get(step.id, 0) + 1
        seconds = wait_seconds(event.advice, self._refusals[step.id], event.after_seconds)
        if seconds is not None:
            self._leave(step.id, Phase.RESTING)
            if self.losses.why:
                self._make_ready(step.id)  # only to be skipped: nobody waits for what is not begun any more
            else:
                self._resting.append(Rest(step, seconds, event.error))

    def gives_up(self, name: str, advice: Advice) -> bool:
        """Whether a step that was refused with this advice is not sent again."""
        return wait_seconds(advice, self._refusals.get(name, 0) + 1, None) is None

    def is_last_chance(self, name: str) -> bool:
        """Whether a paid step that fails now is not bought again: its failure stands for its key."""
        step = self.steps[name]
        tried = self._was_tried(name, self.attempts[name])
        return bool(step.account) and tried and self._failures[name] >= step.retry

    def _was_tried(self, name: str, attempt: int) -> bool:
        """Whether an attempt was more than asking: a service took it, or it was work on this machine."""
        # WHY: a service that was busy to the end, or an input that was gone, is cured by neither `retry` nor an edit.
        return not self.steps[name].account or (name, attempt) in self._taken

    def wake(self, name: str) -> None:
        """A step that rested is ready again."""
        if self.phase[name] is Phase.RESTING:
            self._make_ready(name)

    def _succeeded(self, event: Succeeded) -> None:
        if self.phase[event.step] is Phase.DONE:
            return
        self._lanes[self.steps[event.step].lane].succeeded()
        self._end(event.step, Phase.DONE, "")
        self.results[event.step] = event.result
        for follower in self._followers[event.step]:
            self._missing[follower] -= 1
            if self._missing[follower] == 0 and self.phase[follower] is Phase.WAITING:
                self._make_ready(follower)

    def _failed(self, event: Failed) -> None:
        # Attempt 0 is another run's, whose failure is this step's too.
        if self.phase[event.step] not in (LIVE if event.attempt == 0 else {Phase.RUNNING}):
            return
        if entry := self._entry(event):
            self.book.release(*entry)
        tried = self._was_tried(event.step, event.attempt)
        self._failures[event.step] += tried or (event.attempt == 0 and not event.undelivered)
        final = event.permanent or event.undelivered or not tried
        if not final and self._failures[event.step] <= self.steps[event.step].retry and not self.losses.why:
            self._leave(event.step, Phase.WAITING)
            self._make_ready(event.step)
            return
        self._end(event.step, Phase.FAILED, event.error)
        self._doom(event.step)
        if event.undelivered or not self.steps[event.step].fallback:
            self.losses.add(self.steps[event.step])
        for name in [name for name, phase in self.phase.items() if phase is Phase.RESTING] if self.losses.why else ():
            self._make_ready(name)

    def _cancelled(self, event: Cancelled) -> None:
        """The attempt is over and nothing is bought in its place; what needs the step waits, as for an unknown one."""
        if self.phase[event.step] is Phase.RUNNING:
            if entry := self._entry(event):
                self.book.release(*entry)
            self._end(event.step, Phase.CANCELLED, event.why)

    def _skipped(self, event: Skipped) -> None:
        self._reasons[event.step] = event.reason
        self._end(event.step, Phase.SKIPPED, event.why)
        self._doom(event.step)
        if event.reason == "budget" and self.book.stops(self.steps[event.step].account):
            self.overspent = self.overspent or f"the budget stopped the run at {event.step}"

    def _doom(self, name: str) -> None:
        for follower in self._followers[name]:
            if self.phase[follower] is Phase.WAITING:
                word = "failed" if self.phase[name] is Phase.FAILED else "was not made"
                reason = self._reasons.get(name, "needs")
                why = self.losses.why if reason == "failures" else f"needs {name}, which {word}"
                self._doomed.append(Skip(self.steps[follower], reason, why))

    def _end(self, name: str, phase: Phase, why: str) -> None:
        if self.phase[name] in LIVE:
            self._leave(name, phase)
            if why:
                self.why[name] = why

    def _leave(self, name: str, phase: Phase) -> None:
        step = self.steps[name]
        if self.phase[name] is Phase.RUNNING:
            self._lanes[step.lane].running -= 1
            self._lanes[step.lane].paused = False
            if step.account:
                self._paid_running -= 1
                self._denied.clear()
        self.phase[name] = phase

    @property
    def left_by_budget(self) -> bool:
        """Whether a cap left work undone, in the plan or on the way."""
        return any(
            phase is Phase.SKIPPED and self._reasons.get(name, "budget") == "budget"
            for name, phase in self.phase.items()
        )

    # what to do next

    def order(self) -> Order | None:
        """The next thing to do, or None while there is nothing that can be begun."""
        while self._doomed:
            skip = self._doomed.popleft()
            if self.phase[skip.step.id] is Phase.WAITING:
                return skip
        while self._resting:
            rest = self._resting.popleft()
            if self.phase[rest.step.id] is Phase.RESTING:
                return rest
        if self.stopping:
            return None
        if not (self.losses.why or self._paid_running):
            for let_in in self._barred.fitting(self.phase, self.book, self.price, stopped=self.overspent):
                self._make_ready(let_in.id)
            self.why |= self._barred.why
        stop = self._stop()
        for lane in self._lanes.values():
            step = self._best(lane)
            if step is None:
                continue
            if step.twin:
                return Share(step, self.results[step.twin])
            is_out = step.action is Action.RESUME and step.id not in self._begun  # paid, and waited for in any case
            if self.losses.why and not (is_out or step.kind == "last_frame"):  # which is part of a clip that is there
                return Skip(step, "failures", self.losses.why)
            if lane.running >= lane.width:
                continue
            if is_out:
                return Start(step, step.attempt)
            if step.account in self._shut:
                return Skip(step, "account", self._shut[step.account])
            if (lane.paused and step.account) or (step.price.high and self._rank[step.id][2] > stop):
                continue
            why = self._forbidden(step)
            if why is None:
                return Start(step, self.attempts[step.id] + 1)
            if not self._paid_running:  # nothing in flight can give money back: it will not fit later either
                return Skip(step, "budget", why)
        return None

    def _stop(self) -> float:
        """The place in the plan beyond which nothing paid begins: where the caps are to stop the run, and may do so."""
        if self.book.limits.on_exceed != "stop" or not self._paid_running:
            return inf
        ready = (step for lane in self._lanes.values() if (step := self._best(lane)))
        return min((self._rank[s.id][2] for s in ready if s.price.high and self._forbidden(s)), default=inf)

    def _best(self, lane: Lane) -> Step | None:
        while lane.ready:
            name = self._ids[lane.ready[0][2]]
            if self.phase[name] is Phase.READY:
                return self.steps[name]
            heapq.heappop(lane.ready)
        return None

    def _forbidden(self, step: Step) -> str | None:
        if not step.account:
            return None
        if step.id in self._denied:
            return self._denied[step.id]
        price = self.price(step)
        if self.overspent and price.high:
            return self.overspent
        return self.book.why_not(take_id(step.shot, step.take), step.account, price.high, price.usd)

    def price(self, step: Step) -> Price:
        """What an attempt at this step reserves now."""
        return price_of(step, self.results)
