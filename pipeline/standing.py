"""How a run stands now, from its recipe and the ledger: for whoever asks while no process, or another, works on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from pipeline.desk import Desk
from pipeline.documents import story_of
from pipeline.engine.state import Phase, RunState
from pipeline.events import Cancelled, Event, Failed, Gone, Refused, RunEnded, RunStarted, Skipped, Started, Succeeded
from pipeline.report import manifest
from pipeline.store.ledger import Ledger, Run

_ENDS = (Succeeded, Failed, Refused, Cancelled)


def standing(desk: Desk, ledger: Ledger, run: Run) -> dict[str, Any]:
    """The manifest of the run that lies on this desk, with what is under way as such. Raises `StoreError`.

    One that is interrupted and has no end has lost its process.
    """
    state = RunState(desk.plan, desk.book.under(desk.plan.limits))
    keys = {step.id: step.key for step in desk.plan.steps}
    events = ledger.events(run.id)
    ended = {(event.step, event.attempt) for event in events if isinstance(event, _ENDS)}
    for event in events:
        if (
            isinstance(event, Started)
            and (event.step, event.attempt) not in ended
            and keys.get(event.step) == event.key
        ):
            state.apply(event)
    if run.status == "running":
        for name in _being_sent(events):
            if state.phase.get(name) is Phase.UNKNOWN:
                state.phase[name] = Phase.RUNNING
    for end in _last_words(events):
        if keys.get(end.step) == end.key:
            state.apply(end)
    story = story_of(desk, ledger, run, state)
    if run.status == "interrupted" and run.finished_at is None:
        # WHY: its process died without a word; what it had sent and heard nothing of is unknown all the same.
        died = story.events[-1].at if story.events else run.started_at
        story = dataclasses.replace(story, events=[*story.events, RunEnded(at=died, status=run.status)])
    return manifest.manifest(story)


def _being_sent(events: Iterable[Event]) -> set[str]:
    """The steps whose request a process has sent that is still at work, and that it has no answer to."""
    found: set[str] = set()
    for event in events:
        match event:
            case RunStarted():
                found.clear()
            case Started():
                found.add(event.step)
            case RunEnded() | Gone():
                pass
            case _:
                found.discard(event.step)
    return found


def _last_words(events: Iterable[Event]) -> Iterable[Failed | Skipped]:
    """What the run's last process said of the steps that it did not make, the failures as its state takes them."""
    found: dict[str, Failed | Skipped] = {}
    for event in events:
        match event:
            case RunStarted():
                found.clear()
            case Started() | Succeeded():
                found.pop(event.step, None)
            case Failed():
                found[event.step] = dataclasses.replace(event, attempt=0, permanent=True)
            case Skipped():
                found[event.step] = event
    return found.values()
