"""What the documents are made from: a plan, what happened to it, and where its files lie. A value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from pipeline.engine.state import Phase
from pipeline.events import Event, Result
from pipeline.plan.model import Plan, Step, Take
from pipeline.store.balances import Change
from pipeline.store.ledger import Kept, Run
from pipeline.values import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One run as far as it got. Steps of `plan` that were not asked for are in no mapping here."""

    run: Run
    plan: Plan  # the latest; of what this run makes, `why` is what its first plan said
    phases: Mapping[str, Phase]  # by step id
    whys: Mapping[str, str]  # why a step failed, was skipped or is unknown
    results: Mapping[str, Result]  # by step id
    events: Sequence[Event]  # all of this run's, in order, of every process it took
    kept: Mapping[str, Kept]  # by key: what a reused result once cost, and who made it
    folder: Path  # where the outputs lie
    held: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)  # by all runs, as `Book.watch` wants it
    flags: Sequence[str] = ()  # what other commands on it are typed with where the recipe lies: its date and folders
    unseen: Sequence[Change] = ()  # what balances told since the run began that no attempt explains


def output_path(plan: Plan, step: Step, output: str, suffix: str) -> str:
    """Where one output of a step is put, below the output folder."""
    if step.id == plan.film:
        return f"film{suffix}"
    take = step.shot if step.take == 1 else f"{step.shot}@{step.take}"
    if output == "last_frame" and step.id == f"{take}/generate":  # what a service calls the last frame
        return f"frames/{take}.service{suffix}"
    if output == "last_frame":
        return f"frames/{step.id.replace('/last_frame', '')}.last{suffix}"
    if output == "upscaled":
        return f"shots/{take}.{step.work.words()['to']}{suffix}"
    return f"shots/{take}{suffix}"


def is_picked(take: Take, story: Story) -> bool | None:
    """Whether a take is the one that was approved, or made after it; None for another one where nobody picks."""
    recipe, made = story.plan.recipe, story.results.get(take.generate)
    if recipe.stage not in (recipe.drafts, *recipe.stages[-1:]):
        return None
    pick, is_drawn = recipe.picks.get(take.shot.id), bool(story.run.options.get("preview"))
    if pick is None or pick.take != take.take:
        return None if is_drawn else False
    return recipe.is_final or is_drawn or made is None or pick.sha256 in {a.sha256 for a in made.outputs.values()}


def steps_of(take: Take, plan: Plan) -> tuple[Step, ...]:
    """The steps that serve a take and are in the plan, in plan order."""
    wanted = {take.generate, take.upscale, *take.frames}
    return tuple(step for step in plan.steps if step.id in wanted)
