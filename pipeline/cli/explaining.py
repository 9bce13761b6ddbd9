"""`rushes plan --explain SHOT`: each field of a shot, its value, the line that says it, and what that covers."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable

from pipeline import desk as desks
from pipeline.cli.console import Console
from pipeline.desk import House, Reading
from pipeline.digest import dumps
from pipeline.errors import RecipeError, UserError
from pipeline.plan.narrow import shots_named
from pipeline.report import explained

FORMATS = ("table", "json")


def show(
    given: Namespace, reading: Reading, house: House, console: Console, show: Callable[[str], None], width: int
) -> int:
    """Shows the fields of the shots that are named, as they are declared where the recipe cannot be planned.

    Raises `UserError` for a name of none, and for a format that there is not.
    """
    if given.format not in FORMATS:
        raise UserError(f"--explain has no {given.format}.", "Say --format json, or leave it out for a table.")
    recipe, wants = reading.recipe, reading.wants
    names = shots_named(recipe, given.explain, "--explain")
    plan, refusal = None, None
    try:
        plan = desks.lay(reading, house).plan
    except RecipeError as error:
        refusal = error
    flag = "--preview" if wants.preview else f"--provider {wants.provider}" if wants.provider else ""
    found = explained.explained(recipe, plan, names, flag=flag, variables=wants.variables)
    if given.format == "json":
        show(dumps(explained.as_json(found), indent=2))
    else:
        show(explained.as_text(found, width, recipe.folder))
    if refusal:
        console.refuse(refusal)
    return refusal.exit_code if refusal else 0
