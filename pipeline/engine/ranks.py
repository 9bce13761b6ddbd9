"""Which of the steps that could begin comes first."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.plan.graph import longest_remaining
from pipeline.plan.model import Action, Step

Rank = tuple[int, float, int]
"""The smaller one comes first; its last part is the place in the plan."""

_FIRST = 10**9  # above every priority


def ranks(steps: Iterable[Step]) -> dict[str, Rank]:
    """Jobs first, then by priority (its own, or of what needs it), the longest remaining path, and plan order."""
    steps = list(steps)
    known = {step.id for step in steps}
    needs = {step.id: [name for name in step.needs if name in known] for step in steps}
    rest = longest_remaining(needs, {step.id: step.effort_seconds for step in steps})
    priority = {step.id: step.priority for step in steps}
    for step in reversed(steps):
        for name in needs[step.id]:
            priority[name] = max(priority[name], priority[step.id])
    # WHY: a job takes a place at its account until somebody asks after it, so jobs are taken up before all else.
    first = {step.id: _FIRST * (step.action is Action.RESUME) + priority[step.id] for step in steps}
    return {step.id: (-first[step.id], -rest[step.id], place) for place, step in enumerate(steps)}
