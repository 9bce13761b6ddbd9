"""The last stage of a recipe: what of it is made, from which takes of the stage before, and whether picks hold."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pipeline.errors import Fault, listed
from pipeline.plan import graph
from pipeline.plan.model import Plan, Step, take_id
from pipeline.plan.wish import stands_on
from pipeline.recipe.model import Pick, Recipe, Shot
from pipeline.values import dataclass

_MOST_TOLD = 12  # shots in one sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """What a take that was picked was made by: the key of its request before any redo, and the seed that was sent."""

    base: str
    seed: int | None
    told: str  # what it is called, as in "take 2 of draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class Final:
    """What is not made of a recipe in its last stage: shots, each with the reason, and the film; else nothing."""

    idle: Mapping[str, str]
    film: bool = True  # whether it is made, where the recipe has one
    warnings: tuple[Fault, ...] = ()


def final(recipe: Recipe) -> Final:
    """What the stage of this recipe leaves out: in the last one, clips without a pick, and what goes on from those."""
    if not recipe.is_final:
        return Final(idle={})
    clips = {shot.id: shot for shot in recipe.shots if shot.kind == "video"}
    bare = [name for name in clips if name not in recipe.picks]
    idle = dict.fromkeys(bare, "no take of it is picked")
    followers: dict[str, list[str]] = {}
    for shot in recipe.shots:
        for before in _before(shot):
            followers.setdefault(before, []).append(shot.id)
    waiting = list(bare)
    for name in waiting:
        for follower in followers.get(name, ()):
            if follower not in idle:
                idle[follower] = f"needs {name}, of which no take is picked"
                waiting.append(follower)
    cut = recipe.film.shots if recipe.film else ()
    film = not any(name in idle for name in cut)
    return Final(idle=idle, film=film, warnings=tuple(_told(recipe, clips, bare, waiting[len(bare) :], film=film)))


def _before(shot: Shot) -> Iterator[str]:
    """The shots that a shot cannot be made without."""
    for rung in shot.rungs:
        if rung.chain:
            yield rung.chain.shot
        yield from (source.shot for _, source in stands_on(rung) if source and source.shot)
    yield from shot.needs


def _told(
    recipe: Recipe, clips: Mapping[str, Shot], bare: Sequence[str], waiting: Sequence[str], *, film: bool
) -> Iterator[Fault]:
    """Names what is not made."""
    if not bare:
        return
    them = "them" if len(bare) > 1 else "it"
    also = f", nor {listed(waiting, _MOST_TOLD)}, which need{'' if len(waiting) > 1 else 's'} {them}" if waiting else ""
    cut = "" if film or recipe.film is None else ", and not the film"
    yield Fault(
        place=clips[bare[0]].where(),
        fact=f"No take is picked of {listed(bare, _MOST_TOLD)}: {recipe.stage} does not make {them}{also}{cut}.",
        hint=f"Look at the takes, and pick one of each: {shlex.join(['rushes', 'approve', str(recipe.path), 'TAKE'])}",
        warning=True,
    )


def only(steps: Sequence[Step], recipe: Recipe, left: Final) -> list[Step]:
    """The steps of the takes that were picked, of the film, and of whatever they need; in other stages all."""
    if not recipe.is_final:
        return list(steps)
    made = {step.id for step in steps if step.shot not in left.idle and _is_of(step, recipe.picks.get(step.shot))}
    made |= {step.id for step in steps if left.film and not step.shot and step.kind == "film"}
    needed = graph.closure(made, {step.id: step.needs for step in steps})
    return [step for step in steps if step.id in needed]


def _is_of(step: Step, pick: Pick | None) -> bool:
    """Whether a step makes a take that was picked; its frames and uploads are there for those that need them."""
    return pick is not None and step.take == pick.take and step.kind not in ("upload", "last_frame")


def drafted(recipe: Recipe, drafts: Plan) -> dict[str, Drafted]:
    """By take id, what the picked takes of a recipe were made by; `drafts` is the plan of the stage before."""
    steps = {step.id: step for step in drafts.steps}
    found: dict[str, Drafted] = {}
    for shot, pick in recipe.picks.items():
        step = steps.get(f"{take_id(shot, pick.take)}/generate")
        if step:
            told = f"take {pick.take}" + (f" of {recipe.drafts}" if recipe.drafts else "")
            found[take_id(shot, pick.take)] = Drafted(base=step.base, seed=step.seed, told=told)
    return found


def stale(recipe: Recipe, drafts: Plan) -> tuple[Fault, ...]:
    """The picks of a recipe that are not of the takes as they would be reused now, each at its place, with the reason.

    `drafts` is the plan of the stage that picks are of; takes that it leaves out are not looked at.
    """
    steps = {step.id: step for step in drafts.steps}
    shots = {take.shot.id: take.shot for take in drafts.takes}
    found = (_stale(shots[shot], pick, steps) for shot, pick in recipe.picks.items() if shot in shots)
    return tuple(fault for fault in found if fault)


def _stale(shot: Shot, pick: Pick, steps: Mapping[str, Step]) -> Fault | None:
    name = take_id(shot.id, pick.take)
    step = steps.get(f"{name}/generate")
    if pick.take > shot.takes:
        why = f"{shot.id} has {shot.takes} take{'s' if shot.takes > 1 else ''}"
    elif step is None:
        return None
    elif step.result is None:
        why = f"that take is not there as it would be made now: {step.why}"
    elif pick.sha256 in _files(step):
        return None
    else:
        why = "that take is another file now"
    return Fault(place=pick.place, fact=f"The pick of {name} is stale: {why}.", hint="")


def _files(step: Step) -> Iterable[str]:
    made = step.result.outputs if step.result else {}
    return (artifact.sha256 for output, artifact in made.items() if output in ("video", "image"))
