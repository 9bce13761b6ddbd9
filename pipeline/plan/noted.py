"""What the ledger keeps of a run's plan: a line a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pipeline.errors import StoreError
from pipeline.plan.model import Action, Block, Plan, Step
from pipeline.steps.upload import Upload
from pipeline.store.ledger import Line, Run

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


def lasting(plan: Plan) -> list[Step]:
    """The steps whose results are the recipe's: what was uploaded is needed only until a service has it."""
    return [step for step in plan.steps if not isinstance(step.work, Upload)]


def lines(plan: Plan, continues: Run | None) -> list[Planned]:
    """What the ledger keeps of a plan; a step that goes on keeps the why that the continued run began with."""
    before = {(line.id, line.key): line.why for line in (planned(continues) if continues else ())}
    return [
        Planned(step.id, step.key, step.stale, why_of(step, before.get((step.id, step.key), "")), step.base, step.own)
        for step in lasting(plan)
    ]


def is_of(plan: Plan, run: Run) -> bool:
    """Whether a run was of just these results."""
    return [line[:3] for line in run.plan] == [[step.id, step.key, step.stale] for step in lasting(plan)]


def beyond(unnoted: Mapping[str, Line], run: Run) -> dict[str, Line]:
    """What an earlier process made and the plan of a run that begins does not say: its own lines tell the rest."""
    told = {line.id: made_with(line) for line in planned(run) if not line.stale}
    return {name: line for name, line in unnoted.items() if told.get(name) != line}


def made_with(one: Planned | Step) -> Line:
    """What a step of a plan is made or reused with."""
    return Line(key=one.key, base=one.base, own=one.own)


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
