"""What has to happen for a step that is not there: a word that scripts act on, and that the end of a run spells out."""

from __future__ import annotations

from enum import StrEnum

from pipeline.engine.state import Phase
from pipeline.events import Skipped
from pipeline.plan.model import Block, Step
from pipeline.report.attempts import Attempt


class Remedy(StrEnum):
    """What brings a step about that is not there."""

    AGAIN = "again"  # the same command: what went wrong may pass, was mended, or is only to be fetched
    CHANGE = "change"  # another request, or `--redo`: this one would fail again
    RECOVER = "recover"  # `rushes recover`: nobody knows whether it was sent
    BUDGET = "budget"  # a higher cap, or a lower price
    BEFORE = "before"  # what it needs; the same command then makes it


NO_END = frozenset({Phase.UNKNOWN, Phase.AWAY, Phase.CANCELLED})
"""Where a step stands that was begun, and of which nobody knows how it ends."""


def of_failed(step: Step, last: Attempt | None) -> Remedy:
    """That of a step that failed, by its last attempt in this run, else by what the plan knows."""
    stands = last.stands if last and last.error else step.block is Block.FAILURE
    return Remedy.CHANGE if stands else Remedy.AGAIN


def of_skipped(step: Step, first: Step, last: Attempt | None, told: Skipped | None) -> Remedy:
    """That of a step that was not begun: `first` is what went wrong before it, or itself, `last` the last try at it."""
    if told and told.reason == "failures":
        return Remedy.AGAIN
    if first is not step:
        return of_failed(first, last) if first.kind == "upload" else Remedy.BEFORE
    reason = told.reason if told else "budget" if step.block is Block.BUDGET else "needs"
    return {"budget": Remedy.BUDGET, "account": Remedy.AGAIN}.get(reason, Remedy.BEFORE)


def of_pending(phase: Phase | None, held_up: bool, *, over: bool) -> Remedy | None:
    """That of a step that has no end yet; None while a process may be about to make it: `over` says that it went."""
    if phase is not Phase.AWAY and held_up:
        return Remedy.BEFORE
    return Remedy.AGAIN if over or phase is Phase.AWAY else None
