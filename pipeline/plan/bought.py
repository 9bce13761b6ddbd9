"""What is bought already and not in the plan: jobs at services whose shot has since been asked for otherwise."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from pipeline.errors import Fault
from pipeline.events import minute
from pipeline.money import text
from pipeline.plan.model import Action, Plan
from pipeline.store.ledger import Pending


def told(plan: Plan, out_there: Iterable[Pending]) -> Plan:
    """The plan with a warning for each step that would be bought while a service still works on its earlier request."""
    running = {step.id: step.shot for step in plan.steps if step.action is Action.RUN and step.account}
    keys = {step.key for step in plan.steps}
    shots = {take.shot.id: take.shot for take in plan.takes}
    warnings = list(plan.warnings)
    for job in out_there:
        if job.step not in running or job.key in keys or not job.job_id or job.settled:
            continue
        warnings.append(
            Fault(
                place=shots[running[job.step]].where(),
                fact=f"{job.account} still has {job.job_id} for {job.step} since {minute(job.at)} UTC, for up to"
                f" {text(job.credits)} credits; it was asked for otherwise then, so this buys another.",
                hint="Change it back to get that one, or go on: what it charges is booked when it is taken up.",
                warning=True,
            )
        )
    return dataclasses.replace(plan, warnings=tuple(warnings))
