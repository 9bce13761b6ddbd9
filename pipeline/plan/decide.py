"""What a run would do about each step, and why: the reason is written where the decision is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

from pipeline.events import minute
from pipeline.money import FREE
from pipeline.plan.known import Known, whole
from pipeline.plan.model import Action, Block, Step
from pipeline.store.ledger import Kept, Line, Pending, Standing


def decide(steps: Sequence[Step], known: Known, now: str = "", anew: Collection[str] = frozenset()) -> list[Step]:
    """The steps with their actions, looked up in bulk; each comes after what it needs, as before.

    What was uploaded and is kept only until before `now` (ISO, UTC) is no result any more. An upload that is needed
    `anew` is tried again though it failed for good.
    """
    wanted = {step.key for step in steps}
    everything = known.kept(wanted)
    found = {key: kept for key, kept in everything.items() if kept.result.facts.get("until", now) >= now}
    kept = whole(found, known)
    left = wanted - kept.keys()
    standing, pending = known.standing(left), known.pending(left)
    lines = known.lines()
    decided: dict[str, Step] = {}
    by_key: dict[str, str] = {}
    for step in steps:
        if step.key in kept:
            done = _reuse(step, kept[step.key])
        elif step.key in by_key:
            done = _twin(step, decided[by_key[step.key]])
        elif step.key in pending:
            done = _resume(step, pending[step.key])
        elif step.key in standing and not (step.id in anew and step.kind == "upload"):
            done = _stands(step, standing[step.key])
        else:
            gone = "its file is gone from the store, or was changed there"
            why = gone if step.key in found else _RUN_OUT if step.key in everything else step.why
            done = _run(dataclasses.replace(step, why=why), decided, lines.get(step.id))
        by_key.setdefault(step.key, step.id)
        decided[step.id] = done
    return list(decided.values())


_RUN_OUT = "what was uploaded has run out"


def _reuse(step: Step, found: Kept) -> Step:
    why = step.why or f"made {minute(found.at)} UTC"
    return dataclasses.replace(step, action=Action.REUSE, result=found.result, why=why)


def _twin(step: Step, first: Step) -> Step:
    if first.action is Action.BLOCKED:
        why = f"asks for the same as {first.id}: {first.why}"
        return dataclasses.replace(step, action=Action.BLOCKED, block=first.block, why=why)
    why = f"asks for the same as {first.id}"
    return dataclasses.replace(step, twin=first.id, account="", price=FREE, needs=(first.id,), why=why)


def _resume(step: Step, found: Pending) -> Step:
    if found.job_id:
        why = f"{found.provider} has it as {found.job_id} since {minute(found.at)} UTC"
        return dataclasses.replace(step, action=Action.RESUME, job_id=found.job_id, attempt=found.attempt, why=why)
    why = f"sent to {found.provider} on {minute(found.at)} UTC, and nobody knows if it arrived"
    return dataclasses.replace(step, action=Action.BLOCKED, block=Block.UNKNOWN, why=why)


def _stands(step: Step, found: Standing) -> Step:
    why = f"failed in run {found.run}, and the same request would fail again: {found.error}"
    return dataclasses.replace(step, action=Action.BLOCKED, block=Block.FAILURE, why=why)


def _run(step: Step, decided: Mapping[str, Step], line: Line | None) -> Step:
    blocked = next((decided[name] for name in step.needs if decided[name].action is Action.BLOCKED), None)
    if blocked:
        # WHY: an upload that waits is not in the plan; what it waits for is.
        passed_on = blocked.kind == "upload" and blocked.why.startswith("waits for ")
        why = blocked.why if passed_on else f"waits for {blocked.id}"
        return dataclasses.replace(step, action=Action.BLOCKED, block=blocked.block, why=why)
    if step.why:
        return step
    if line is None:
        return dataclasses.replace(step, why="not made yet")
    if line.own != step.own:
        return dataclasses.replace(step, why="changed since it was made")
    if line.base != step.base:
        changed = (n for n in step.needs if decided[n].action is not Action.REUSE and decided[n].kind != "upload")
        before = next(changed, step.needs[0])
        return dataclasses.replace(step, why=f"follows {before}, which changed", follows=True)
    return dataclasses.replace(
        step, why="asked for anew" if line.key != step.key else "its result is not kept any more"
    )
