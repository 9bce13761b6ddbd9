"""`--only` and `--redo`: a plan narrowed to some shots and what they need; the others keep the clips they have."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from pipeline.errors import UserError
from pipeline.plan import graph
from pipeline.plan.known import Known, whole
from pipeline.plan.model import Action, Step, take_id
from pipeline.recipe.model import Recipe
from pipeline.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which takes were named, by id; `everything` where none was."""

    everything: bool
    wanted: frozenset[str]
    redo: frozenset[str]

    def anew(self, take: str) -> bool:
        """Whether a fresh result of this take is asked for."""
        return take in self.redo


def select(recipe: Recipe, only: Sequence[str], redo: Sequence[str]) -> Asked:
    """The takes that the patterns name: `dawn` is all of a shot's, `dawn@1` its first.

    Raises `UserError` for a pattern that names nothing.
    """
    shots = {shot.id: [take_id(shot.id, n) for n in shot.numbers] for shot in recipe.shots}
    if not only and not redo:
        return Asked(everything=True, wanted=frozenset(), redo=frozenset())
    anew = _match(redo, shots, "--redo", recipe.left_out)
    return Asked(everything=False, wanted=_match(only, shots, "--only", recipe.left_out) | anew, redo=anew)


def shots_named(recipe: Recipe, patterns: Sequence[str], flag: str) -> frozenset[str]:
    """The ids of the shots that the patterns of a flag name. Raises `UserError` for a pattern that names nothing."""
    shots = {shot.id: [take_id(shot.id, n) for n in shot.numbers] for shot in recipe.shots}
    return frozenset(take.partition("@")[0] for take in _match(patterns, shots, flag, recipe.left_out))


def _match(
    patterns: Sequence[str], shots: dict[str, list[str]], flag: str, left_out: Mapping[str, str]
) -> frozenset[str]:
    found: set[str] = set()
    for pattern in patterns:
        hits = {
            take
            for shot, takes in shots.items()
            for take in takes
            if any(fnmatchcase(name, pattern) for name in (shot, take, take if "@" in take else f"{take}@1"))
        }
        if not hits and (why := left_out.get(pattern)):
            raise UserError(f"{flag} {pattern} names a shot that is left out by {why}.", "Name another, or let it in.")
        if not hits:
            near = difflib.get_close_matches(pattern, shots, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"The shots are {', '.join(list(shots)[:12])}."
            raise UserError(f"{flag} {pattern} names no shot of this recipe.", hint)
        found |= hits
    return frozenset(found)


def narrow(steps: Sequence[Step], asked: Asked, known: Known) -> list[Step]:
    """The steps of what was asked for and of what it needs; of the rest, what has a result, stale where it is old."""
    if asked.everything:
        return list(steps)
    named = {step.id for step in steps if step.shot and take_id(step.shot, step.take) in asked.wanted}
    needed = graph.closure(named, {step.id: step.needs for step in steps})
    lines = known.lines()
    old = {step.id: lines[step.id].key for step in steps if step.id not in needed and step.id in lines}
    kept = whole(known.kept(old.values()), known)
    found: list[Step] = []
    for step in steps:
        if step.id in needed or step.action is Action.REUSE:
            found.append(step)
            continue
        before = kept.get(old.get(step.id, ""))
        if before:
            found.append(
                dataclasses.replace(
                    step,
                    key=before.key,
                    action=Action.REUSE,
                    result=before.result,
                    block=None,
                    follows=False,
                    stale=True,
                    why="kept as it was, not asked for",
                )
            )
    return found
