"""What a run would do about each step, and why: the reason is written where the decision is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from pipeline.events import minute
from pipeline.money import FREE
from pipeline.plan.again import again
from pipeline.plan.known import Known, whole
from pipeline.plan.model import Action, Block, Step, take_id
from pipeline.plan.setting import Passed
from pipeline.store.ledger import Kept, Line, Pending, Standing

_NONE: Mapping[tuple[str, str], Passed] = MappingProxyType({})


def decide(
    steps: Sequence[Step],
    known: Known,
    now: str = "",
    anew: Collection[str] = frozenset(),
    passed: Mapping[tuple[str, str], Passed] = _NONE,
    named: Collection[str] = frozenset(),
    accounts: Collection[str] = frozenset(),
) -> list[Step]:
    """The steps with their actions, looked up in bulk; each comes after what it needs, as before.

    What was uploaded and is kept only until before `now` (ISO, UTC) is no result any more. An upload that is needed
    `anew` is tried again though it failed for good. What has `passed` failed in this very process. In takes that were
    `named` what is made of their own fresh clip is asked for with it, and only follows where that does. `accounts` can
    be asked for what they once paid for.
    """
    wanted = {step.key for step in steps}
    everything = known.kept(wanted)
    found = {key: kept for key, kept in everything.items() if kept.result.facts.get("until", now) >= now}
    kept = whole(found, known)
    left = wanted - kept.keys()
    standing, pending = known.standing(left), known.pending(left)
    making = known.making(left - pending.keys())
    gone = found.keys() - kept.keys()
    makers = known.makers(gone) if gone else {}
    lines = known.lines()
    decided: dict[str, Step] = {}
    by_key: dict[str, str] = {}
    for step in steps:
        if step.key in kept:
            done = _reuse(step, kept[step.key], known.put_back())
        elif step.key in by_key:
            done = _twin(step, decided[by_key[step.key]])
        elif (step.key, step.account) in passed:
            why = passed[step.key, step.account].error
            done = dataclasses.replace(step, action=Action.BLOCKED, block=Block.FAILURE, why=why)
        elif step.key in pending:
            done = _resume(step, pending[step.key])
        elif step.key in standing and not (step.id in anew and step.kind == "upload"):
            done = _stands(step, standing[step.key])
        elif step.key in making:
            done = _beside(_run(step, decided, lines.get(step.id), named), making[step.key])
        else:
            if step.key in makers:
                step = again(step, found[step.key], makers[step.key], now, accounts)
            elif step.key in everything:
                step = dataclasses.replace(step, why=_RUN_OUT)
            done = step if step.action is Action.RESUME else _run(step, decided, lines.get(step.id), named)
        by_key.setdefault(step.key, step.id)
        decided[step.id] = done
    return list(decided.values())


_RUN_OUT = "what was uploaded has run out"


def _reuse(step: Step, found: Kept, put_back: Mapping[str, str]) -> Step:
    outputs = found.result.outputs.values() if put_back else ()
    copy = next((put_back[artifact.sha256] for artifact in outputs if artifact.sha256 in put_back), "")
    why = f"its file is put back from {copy}" if copy else step.why or f"made {minute(found.at)} UTC"
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
        return dataclasses.replace(
            step,
            action=Action.RESUME,
            account=found.account,  # no other sees it, whatever its shot names since
            job_id=found.job_id,
            attempt=found.attempt,
            of_run=found.run,
            of_step=found.step,
            why=why,
        )
    why = f"sent to {found.provider} on {minute(found.at)} UTC, and nobody knows if it arrived"
    return dataclasses.replace(step, action=Action.BLOCKED, block=Block.UNKNOWN, why=why)


def _beside(step: Step, run: str) -> Step:
    if step.action is Action.BLOCKED:
        return step
    return dataclasses.replace(step, beside=run, why=f"run {run} is making it")


def _stands(step: Step, found: Standing) -> Step:
    why = f"failed in run {found.run}, and the same request would fail again: {found.error}"
    return dataclasses.replace(step, action=Action.BLOCKED, block=Block.FAILURE, why=why, cause=found.cause)


def _run(step: Step, decided: Mapping[str, Step], line: Line | None, named: Collection[str]) -> Step:
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
        # WHY: not the needs, where an upload that nobody has written stands in the place of what is uploaded.
        sources = [decided[feed.step] for feed in step.work.feeds if feed.step]
        first = next((one for one in sources if one.action is not Action.REUSE), sources[0])
        is_own = (first.shot, first.take) == (step.shot, step.take) and take_id(step.shot, step.take) in named
        follows = first.follows or not is_own
        return dataclasses.replace(step, why=f"follows {first.id}, which changed", follows=follows)
    return dataclasses.replace(
        step, why="asked for anew" if line.key != step.key else "its result is not kept any more"
    )
