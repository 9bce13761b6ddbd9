"""A further round of a run in the same process: where shots have failed that have fallbacks, the desk is laid again.

The engine knows no ladders: it carries a plan out, and what comes after a failure is another plan of the same run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Protocol, runtime_checkable

from pipeline import desk as desks
from pipeline.consent import asked, paid
from pipeline.desk import Desk, House
from pipeline.engine.orders import Phase, Stopping, Waiting
from pipeline.engine.state import RunState
from pipeline.errors import UserError
from pipeline.events import Doubted, Event, Failed, Skipped
from pipeline.plan.model import Action, Step
from pipeline.plan.setting import Passed
from pipeline.steps.generate import Generate
from pipeline.steps.upload import Upload

_Passed = Mapping[tuple[str, str], Passed]


@runtime_checkable
class Onlooker(Protocol):
    """A listener that wants to know of a further round."""

    def goes_on(self, desk: Desk) -> None:
        """The run goes on with the plan of this desk."""
        ...


class Rounds:
    """The rounds of one process's share of a run; a listener, for the last word on each step in the present round."""

    def __init__(self, agreed: Desk, house: House) -> None:
        plan = agreed.plan
        self._house = house
        self._steps = {step.id for step in plan.steps if step.action is not Action.REUSE}
        self._steps |= {one.step for one in plan.fallbacks()}
        self._accounts = asked(plan)
        self._passed: dict[tuple[str, str], Passed] = {}
        self._last: dict[str, Event] = {}

    def __call__(self, event: Event | Waiting | Stopping) -> None:
        """Takes note of an event."""
        if isinstance(event, Failed | Skipped | Doubted):
            self._last[event.step] = event

    def untold(self, state: RunState, at: str) -> list[Failed]:
        """The failures of requests that were never begun: written down, so that a later plan knows that they fell."""
        return [
            Failed(at=at, step=step.id, key=step.key, attempt=0, error=why)
            for step in state.steps.values()
            if step.fallback and (why := self._unbegun(step, state))
        ]

    def next(self, desk: Desk, state: RunState) -> Desk | None:
        """The desk of the next round, or None where no ladder goes on. What is laid out must be durable."""
        if any(isinstance(event, Skipped) and event.reason not in _GOES_ON for event in self._last.values()):
            return None
        found = self._found(state)
        falls = (step for step in state.steps.values() if step.fallback and (step.key, step.account) in found)
        if not any(found[step.key, step.account].falls for step in falls):
            return None
        self._passed |= found
        try:
            # WHY: the recipe is the one that was agreed to, whatever stands in its file by now.
            laid = desks.lay(dataclasses.replace(desk.reading, recipe=desk.recipe), self._house, self._passed)
        except UserError:  # what a fallback makes cannot be gone on with: the next command says why
            return None
        return laid if self._is_agreed(paid(laid.plan)) else None

    def resumed(self, state: RunState, before: RunState) -> None:
        """Leaves the jobs alone that the round before has waited for long enough."""
        for name, phase in before.phase.items():
            last = self._last.get(name)
            if phase is Phase.AWAY and last and name in state.steps and state.steps[name].key == before.steps[name].key:
                state.apply(last)
        self._last.clear()

    def _is_agreed(self, spending: Iterable[Step]) -> bool:
        """Whether everything that would be paid for is what the user agreed to, or comes after it on its ladder."""
        return all(step.id in self._steps and step.account in self._accounts for step in spending)

    def _found(self, state: RunState) -> _Passed:
        """What has failed in this round, by key and account."""
        found: dict[tuple[str, str], Passed] = {}
        for step in state.steps.values():
            last = self._last.get(step.id)
            if state.phase[step.id] is Phase.FAILED and isinstance(last, Failed):
                # WHY: what is paid and not delivered, or what another run is making, is not asked for otherwise.
                falls = not last.undelivered and bool(last.attempt or last.permanent)
                found[step.key, step.account] = Passed(error=last.error, falls=falls)
            elif why := self._unbegun(step, state):
                found[step.key, step.account] = Passed(error=why)
        return found

    def _unbegun(self, step: Step, state: RunState) -> str:
        """Why a request was never made: its account is not served, or an input was refused; empty for other reasons."""
        last = self._last.get(step.id)
        if not isinstance(last, Skipped) or state.phase[step.id] is not Phase.SKIPPED:
            return ""
        if last.reason == "account":
            return last.why
        before = (state.steps[name] for name in step.needs if name in state.steps)
        failed = (one for one in before if isinstance(one.work, Upload) and state.phase[one.id] is Phase.FAILED)
        upload = next(failed, None) if isinstance(step.work, Generate) else None
        return f"{upload.id} failed: {state.why.get(upload.id, '')}" if upload else ""


_GOES_ON = frozenset({"needs", "budget", "account"})
"""Reasons for leaving a step out that are no reason to end the run."""
