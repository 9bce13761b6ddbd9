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


def begun(latest: Run | None) -> dict[str, str]:
    """By take id, the key of what is to come of it, as a recipe's latest run with this output has them."""
    told = latest.options.get(_BEGUN) if latest else None
    return dict(told) if isinstance(told, dict) else {}


def noted(plan: Plan, wants: Wants, latest: Run | None) -> dict[str, dict[str, str]]:
    """What is noted with a run of a plan that begins, or goes on, after the `latest`."""
    named = _named(plan.recipe, wants)
    keys = {take_id(step.shot, step.take): step.key for step in plan.steps if step.kind == "generate"}
    return {_BEGUN: {**begun(latest), **{take: keys[take] for take in sorted(named & keys.keys())}}}


def end(ledger: Ledger, run: Run, plan: Plan, wants: Wants, phase: Mapping[str, Phase]) -> None:
    """Notes that the redo of a run is over, where all that it named is made; its documents tell of that by now.

    Raises `StoreError`.
    """
    named = _named(plan.recipe, wants)
    made = all(phase[step.id] is Phase.DONE for step in plan.steps if take_id(step.shot, step.take) in named)
    left = {take: key for take, key in begun(run).items() if take not in named}
    if made and left != begun(run):
        ledger.update_options(run.id, {**run.options, _BEGUN: left})


def _named(recipe: Recipe, wants: Wants) -> frozenset[str]:
    return narrow.select(recipe, (), wants.redo).redo
