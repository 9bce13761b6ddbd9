"""An attempt that another run began, or that goes by another name now: whose its events are, and whose its money.

What becomes of it is told under the run that began it, since one job is one charge; the run that took it up only shares
what came of it.
"""

from __future__ import annotations

import dataclasses

from pipeline.events import Cancelled, Doubted, Event, Failed, Gone, Refused, Settled, Submitted, Succeeded
from pipeline.plan.model import Step


def begun_by(step: Step, attempt: int, run: str) -> tuple[str, str] | None:
    """The run and the step that began an attempt at this step; None where that is this run, under this name."""
    begun = (step.of_run, step.of_step)
    return begun if step.of_run and attempt == step.attempt and begun != (run, step.id) else None


def entry_of(step: Step, attempt: int, run: str) -> tuple[str, int] | None:
    """What an attempt is called in the book of this run; None for one that another run pays."""
    begun = begun_by(step, attempt, run)
    if begun is None:
        return step.id, attempt
    return (begun[1], attempt) if begun[0] == run else None


def as_begun(event: Event, begun: tuple[str, str]) -> list[tuple[str, Event]]:
    """What is written down for an event of such an attempt, by run; an empty name is this run's, which shares its end.

    All of it belongs into one transaction.
    """
    run, step = begun
    if not isinstance(event, Submitted | Refused | Doubted | Settled | Succeeded | Failed | Cancelled | Gone):
        return [("", event)]
    theirs = (run, dataclasses.replace(event, step=step))
    if isinstance(event, Succeeded | Failed):
        return [theirs, ("", dataclasses.replace(event, attempt=0))]
    return [theirs]
