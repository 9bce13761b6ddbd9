"""How the user would type what comes next: the command that was given, with other shots, or the one for a run."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline import ways
from pipeline.desk import House, Wants, workspace_of
from pipeline.report.ending import Typed
from pipeline.report.remedies import Remedy
from pipeline.store import workspace
from pipeline.store.ledger import Ledger, Run, Unsettled
from pipeline.values import dataclass
from pipeline.wants import named_output

RECIPE = "RECIPE"
"""What stands in a command for a recipe that is not where it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A workspace, and whether the user named it, by `--workspace` or else by the environment."""

    folder: Path
    flag: Path | None = None
    is_named: bool = False


def of_run(
    given: str, wants: Wants, house: House, saved: Mapping[str, Any] | None, document: Mapping[str, Any]
) -> Typed:
    """After `rushes run`: the command as it was given, of a recipe or of a saved plan."""
    recipe, of_recipe = given, wants
    if saved is not None:
        recipe, of_recipe = shown(saved["recipe"]["path"]), wants.with_json(saved["wants"])
    return _typed(recipe, of_recipe, _run(given, wants), house, document)


def of_document(document: Mapping[str, Any], folder: Path, wants: Wants, house: House) -> Typed:
    """After `rushes status`: the command that its run was begun with, as far as the ledger knows it.

    `folder` is where the manifest lies.
    """
    path = Path(os.path.normpath(folder / str(document["recipe"]["path"])))
    place = place_of(path, wants.workspace, house)
    run = _recorded(place.folder, str(document["run"]["id"]))
    recipe = shown(path)
    if run:
        recipe, wants = _recipe_to_run(run, place) or recipe, _as_begun(run, place, wants)
    if run and run.status == "complete":  # WHY: what is missing still, it was not asked for
        wants = dataclasses.replace(wants, only=(), redo=())
    return _typed(recipe, wants, _run(recipe, wants), house, document)


def place_of(recipe: Path, flag: str | Path | None, house: House) -> Place:
    """The workspace of a recipe, or the one that is named. Raises `StoreError`."""
    named = bool(flag or house.environ.get("RUSHES_WORKSPACE"))
    return Place(folder=workspace_of(house, flag, recipe), flag=Path(flag) if flag else None, is_named=named)


def again(one: Run | Unsettled, place: Place) -> str:
    """The command that goes on with a run, or with that of an attempt, as it was begun."""
    return _run(_recipe_to_run(one, place) or RECIPE, _as_begun(one, place, Wants(workspace=place.flag)))


def recipe_of(one: Run | Unsettled, place: Place) -> str:
    """Its recipe as one would type it here; empty where it is not there, or belongs to another workspace."""
    path = Path(one.recipe_path)
    if not one.recipe_path or not path.is_file():
        return ""
    return shown(path) if place.is_named or workspace.find(path).resolve() == place.folder.resolve() else ""


def _recipe_to_run(one: Run | Unsettled, place: Place) -> str:
    """As `recipe_of`; a run that was begun with `--workspace` is gone on with so, from anywhere."""
    named = place.is_named or bool(one.options.get("workspace"))
    return recipe_of(one, dataclasses.replace(place, is_named=named))


def _as_begun(one: Run | Unsettled, place: Place, wants: Wants) -> Wants:
    """The wants with all that a run was begun with, its folders as one would type them here."""
    options = one.options
    return dataclasses.replace(
        wants.with_json(options),
        output=Path(shown(named_output(one))) if options.get("output") else None,
        workspace=Path(shown(place.folder)) if options.get("workspace") else wants.workspace,
    )


def _run(path: str, wants: Wants) -> str:
    return shlex.join(["rushes", "run", path, *ways.flags(wants)])


def _typed(recipe: str, wants: Wants, again: str, house: House, document: Mapping[str, Any]) -> Typed:
    def redo(names: Sequence[str]) -> str:
        return _run(recipe, dataclasses.replace(wants, only=(), redo=tuple(names)))

    place = ["--workspace", str(wants.workspace)] if wants.workspace else []
    return Typed(
        recipe=recipe,
        again=again,
        redo=redo,
        recover=shlex.join(["rushes", "recover", recipe, *place]),
        caps=_caps(recipe, wants, house, document),
    )


def _caps(recipe: str, wants: Wants, house: House, document: Mapping[str, Any]) -> Sequence[str]:
    """What would do where a cap left work undone, as the ledger stands now."""
    from pipeline import api
    from pipeline.errors import RushesError

    if not any(shot["remedy"] == Remedy.BUDGET for shot in document["shots"]):
        return ()
    try:
        desk = api.plan(Path(recipe), wants, house)
    except RushesError:
        return ()
    return [*ways.for_all(desk), *ways.for_now(desk, house), *ways.elsewhere(desk)]


def _recorded(place: Path, run: str) -> Run | None:
    """What the ledger of a workspace keeps of a run."""
    ledger = workspace.ledger_path(place)
    if not ledger.exists():
        return None
    with Ledger(ledger, read_only=True) as known:
        return known.run(run)


def shown(path: str | Path) -> str:
    """A path as one would type it here."""
    here = os.path.relpath(path)
    return str(path) if here.startswith("..") else here
