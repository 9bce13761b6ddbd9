"""Which takes a `--redo` has named that has not come to its end: noted with the run, and carried on by later ones."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.engine.state import Phase
from pipeline.plan import narrow
from pipeline.plan.model import Plan, take_id
from pipeline.recipe.model import Recipe
from pipeline.store.ledger import Ledger, Run
from pipeline.wants import Wants

_BEGUN = "begun"  # among the options of a run


def begun(latest: Run | None) -> list[str]:
    """The ids of those takes, as a recipe's latest run with this output has them."""
    told: list[str] = latest.options.get(_BEGUN, []) if latest else []
    return told


def noted(recipe: Recipe, wants: Wants, latest: Run | None) -> dict[str, list[str]]:
    """What is noted with a run that begins, or goes on, after the `latest`."""
    return {_BEGUN: sorted({*begun(latest), *_named(recipe, wants)})}


def end(ledger: Ledger, run: Run, plan: Plan, wants: Wants, phase: Mapping[str, Phase]) -> None:
    """Notes that the redo of a run is over, where all that it named is made; its documents tell of that by now.

    Raises `StoreError`.
    """
    named = _named(plan.recipe, wants)
    made = all(phase[step.id] is Phase.DONE for step in plan.steps if take_id(step.shot, step.take) in named)
    left = [take for take in begun(run) if take not in named]
    if made and left != begun(run):
        ledger.update_options(run.id, {**run.options, _BEGUN: left})


def _named(recipe: Recipe, wants: Wants) -> frozenset[str]:
    return narrow.select(recipe, (), wants.redo).redo
