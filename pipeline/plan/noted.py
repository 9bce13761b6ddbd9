"""What the ledger keeps of a run's plan: a line a step."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.errors import StoreError
from pipeline.plan.model import Action, Block, Step
from pipeline.store.ledger import Run

LET_IN = "made after money came back"
"""The why of a step that a cap left out of the plan: it is true as soon as the step is begun."""


class Planned(NamedTuple):
    """What the ledger keeps of a step of a run's plan, as a JSON list."""

    id: str
    key: str
    stale: bool
    why: str
    base: str
    own: str


def planned(run: Run) -> list[Planned]:
    """What the ledger keeps of a run's plan. Raises `StoreError` where it is not that."""
    try:
        return [Planned._make(line) for line in run.plan or ()]
    except TypeError:
        raise StoreError(
            f"The ledger holds a plan of run {run.id} that this Rushes cannot read.",
            "Upgrade Rushes, or name another workspace with --workspace.",
        ) from None


def why_of(step: Step, before: str) -> str:
    """Why a run makes a step of its plan, or did: what was noted `before` while the step goes on, else what is so now.

    What is made anew has its own reason, but that it follows another step is known only until that one is there.
    """
    if step.block is Block.BUDGET:
        return LET_IN
    if step.beside:
        return f"run {step.beside} was making it"
    if before == LET_IN:
        goes_on = step.action in (Action.REUSE, Action.RESUME)
    else:
        goes_on = step.action is not Action.RUN or step.follows
    return before if before and goes_on else step.why
