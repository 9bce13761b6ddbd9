"""The house in a few calls: check, plan, run, status, report, verify. The only room that knows every wing.

Each call loads the wings it needs, so that checking a recipe does not wait for the engine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import desk as desks
from pipeline.desk import Desk, House, Reading, Wants
from pipeline.errors import Fault, RecipeError, StalePlan, UserError
from pipeline.garbage import uncollected
from pipeline.plan.model import Plan
from pipeline.recipe.gate import compiled
from pipeline.store import leases, workspace
from pipeline.store.copying import write_text
from pipeline.store.ledger import Ledger
from pipeline.wants import output_of

if TYPE_CHECKING:
    from pipeline.consent import Consent
    from pipeline.session import Listen, Outcome
    from pipeline.status import Told

_FLAGS = {  # what a saved plan was made with, and how the user says it
    "variables": "--var",
    "date": "--date",
    "stage": "--stage",
    "provider": "--provider",
    "preview": "--preview",
    "only": "--only",
    "redo": "--redo",
    "output": "--output",
    "workspace": "--workspace",
}


_RECIPES = (".yaml", ".yml")


def check(path: Path, wants: Wants | None = None, house: House | None = None) -> tuple[Fault, ...]:
    """The warnings of a recipe that can be run. Raises `RecipeError` with every fault in any stage, `UserError`."""
    wants, house = wants or Wants(), house or House()
    reading = desks.read(path, wants, house, every=True)
    faults: list[Fault] = []
    warnings: tuple[Fault, ...] = ()
    for stage, recipe in {wants.stage: reading.recipe, **reading.recipe.others}.items():
        asked = dataclasses.replace(wants, stage=stage)
        there = dataclasses.replace(reading, recipe=recipe, wants=asked, output=output_of(recipe, asked))
        try:
            told = desks.lay(there, house).plan.warnings
            warnings = told if stage == wants.stage else warnings
        except RecipeError as error:
            faults += error.faults
    if faults:
        raise RecipeError(faults)
    return warnings


def plan(path: Path, wants: Wants | None = None, house: House | None = None) -> Desk:
    """What a run would do, and why, and what it costs. Writes and spends nothing. Raises `RecipeError`, `UserError`."""
    house = house or House()
    return desks.lay(desks.read(path, wants or Wants(), house), house)


def save_plan(desk: Desk) -> dict[str, Any]:
    """The plan as a document that `run` applies exactly, or refuses as stale."""
    from pipeline.report import plan_json

    return {**plan_json.plan_json(desk.plan), "wants": desk.wants.to_json()}


def open_plan(path: Path, document: Mapping[str, Any], wants: Wants, house: House) -> Reading:
    """The recipe of a saved plan, read again as it was then; caps of `wants` hold beside those it was saved with."""
    from pipeline.report import plan_json

    if not compiled(plan_json.schema(), {})(document) or "wants" not in document:
        raise UserError(
            f"{path} is no saved plan of this version.", "Save one with: rushes plan RECIPE --out plan.json"
        )
    saved = {**Wants().to_json(), **document["wants"]}
    _refuse_other_wants(path, saved, wants)
    # WHY: consent is never taken from the file, which may be somebody else's; neither is where to write.
    its = wants.with_json(saved)
    each = {name: min(mine, its.max_each.get(name, mine)) for name, mine in wants.max_each.items()}
    fixed = dataclasses.replace(
        its,
        max_each={**its.max_each, **each},
        max_credits=_tighter(wants.max_credits, its.max_credits),
        max_usd=_tighter(wants.max_usd, its.max_usd),
        output=wants.output,
        workspace=wants.workspace,
    )
    reading = desks.read(Path(document["recipe"]["path"]), fixed, house)
    return dataclasses.replace(reading, chosen=_chosen(document["steps"]))


def _chosen(steps: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], str]:
    """Who is to make each rung of each shot, by a saved plan's steps."""
    made = [step for step in steps if step["kind"] == "generate"]
    below = {(s["shot"], one["rung"]): one["provider"] for s in made for one in s["fallback"] if one["model"]}
    return {**below, **{(step["shot"], step["rung"]): step["provider"] for step in made}}


def _tighter(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """The smaller of two caps, either of which may not be there."""
    return min((most for most in (one, other) if most is not None), default=None)


def _refuse_other_wants(path: Path, saved: Mapping[str, Any], wants: Wants) -> None:
    """Raises `UserError` for a flag that would make another plan of a saved one, and for a place it was not told."""
    given, nothing = wants.to_json(), Wants().to_json()
    for name, flag in _FLAGS.items():
        if given[name] not in (nothing[name], saved[name]):
            raise UserError(
                f"{path} is a saved plan, and {flag} would make another of it.",
                f"Plan again with that: rushes plan RECIPE {flag} ... --out PLAN",
            )
        if name in ("output", "workspace") and given[name] != saved[name]:
            raise UserError(f"{path} was saved with {flag} {saved[name]}.", "Say that again to run it.")


def _refuse_stale(path: Path, document: Mapping[str, Any], now: Plan) -> None:
    """Raises `StalePlan` where a step would now be another than in the document."""
    from pipeline.report import plan_json

    # WHY: what was uploaded belongs to no result: it comes and goes with time and place.
    told = plan_json.plan_json(now)["steps"]
    before, after = (
        {step["id"]: step for step in steps if step["kind"] != "upload"}
        for steps in (plan_json.fallen(document["steps"], told), told)
    )
    for name in dict.fromkeys((*before, *after)):
        why = _stale(before.get(name), after.get(name))
        if why:
            raise StalePlan(f"the plan {path} is stale: {name} {why}.", "Plan again, look at it, and run the new plan.")


def _stale(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> str:
    if before is None:
        return "is not in it"
    if now is None:
        return "is not in the recipe any more"
    if before["key"] != now["key"]:
        return "would now be made from something else"
    if before["action"] != now["action"] and not (now["action"] in ("reuse", "resume") and before["action"] == "run"):
        return f"would now be {now['action']} instead of {before['action']}"
    for is_now, was in ((now["credits"]["high"], before["credits"]["high"]), (now["usd"], before["usd"])):
        if was is not None and (is_now is None or is_now > was):
            return f"would now cost {is_now} instead of {was}"
    return ""


@uncollected()
def run(
    path: Path,
    wants: Wants | None = None,
    house: House | None = None,
    *,
    listen: Listen | None = None,
    consent: Consent | None = None,
    saved: Mapping[str, Any] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Outcome:
    """Carries a recipe out, or a saved plan of it; a repeated call finishes the remainder, or finds nothing to do.

    `listen` makes a listener for the events of the run; `consent` is asked before money is spent where `wants.yes`
    does not already say so; `tell` hears what became of submissions whose outcome was unknown. Raises `RushesError`s of
    every kind; failures of shots are told in the outcome.
    """
    from pipeline import recover
    from pipeline.consent import agreed
    from pipeline.session import carry_out
    from pipeline.store import sweeping

    wants, house = wants or Wants(), house or House()
    reading = desks.read(path, wants, house) if saved is None else open_plan(path, saved, wants, house)
    shelf = workspace.open_workspace(reading.folder, create=True)
    with (
        leases.hold(shelf, reading.lock, who=f"Another run of {reading.recipe.name}") as lease,
        Ledger(shelf.ledger) as ledger,
    ):
        sweeping.wait_for_end(shelf)
        recover.before_run(reading, house, ledger, tell or (lambda text: None), lease=lease)
        desk = desks.lay(dataclasses.replace(reading, mends=True), house)
        if saved is not None:
            _refuse_stale(path, saved, desk.plan)
        return carry_out(agreed(desk, house, consent, ledger, tell), house, shelf, ledger, lease, listen)


def status(path: Path, wants: Wants | None = None, house: House | None = None) -> dict[str, Any]:
    """The manifest of a recipe's latest run as it stands now, also while another process works on it.

    Raises `UserError` where it was never run.
    """
    from pipeline import status as told

    return told.of_recipe(path, wants or Wants(), house or House()).document


def stands(what: str, wants: Wants | None = None, house: House | None = None) -> Told:
    """What is told of the run that is meant by a recipe, a run's id, a manifest, or nothing: the newest run.

    Raises `UserError` where there is none.
    """
    from pipeline import status as told
    from pipeline.documents import read_manifest
    from pipeline.status import Told

    wants, house = wants or Wants(), house or House()
    path = Path(what)
    if what and path.suffix in _RECIPES and path.exists():
        return told.of_recipe(path, wants, house)
    if not what or _is_run(what):
        return told.of_run(what, wants, house)
    manifest = manifest_path(what, wants, house)
    return Told(document=read_manifest(manifest), folder=manifest.parent)


def _is_run(what: str) -> bool:
    """Whether a text can only be a run's id: it names no file that is there, or could be."""
    return not Path(what).exists() and "/" not in what and Path(what).suffix not in (".json", *_RECIPES)


def manifest_path(what: str, wants: Wants | None = None, house: House | None = None) -> Path:
    """The manifest that is meant by its path, its folder, a recipe, a run's id, or nothing: the newest run's.

    Raises `UserError` where there is none, or where another run's has taken its place.
    """
    from pipeline import status as told

    wants, house = wants or Wants(), house or House()
    path = Path(what)
    if not what or _is_run(what):
        return told.manifest_of(desks.recorded(house, wants.workspace, what)[0])
    if not path.exists():
        raise UserError(f"{what} does not exist.", "Name a recipe, a manifest, or a run.")
    if path.suffix not in _RECIPES:
        return path / "manifest.json" if path.is_dir() else path
    manifest = told.read_latest(path, wants, house).output / "manifest.json"
    if not manifest.exists():
        raise UserError(
            f"no run of {what} left documents here: {manifest} does not exist.",
            f"`rushes status {what}` tells how its latest run stands.",
        )
    return manifest


def write(path: Path, text: str) -> None:
    """Puts a document at `path`, whole or not at all. Raises `OSError`."""
    write_text(path, text)


def report(path: Path, wants: Wants | None = None, house: House | None = None) -> Path:
    """Makes the page beside a manifest again, and says where it is. Raises `UserError` for what is no manifest.

    Where the workspace knows that something of the run was settled since, the manifest is written anew before.
    """
    from pipeline import verify as verifying
    from pipeline.documents import read_manifest
    from pipeline.report import html
    from pipeline.retelling import write_anew

    document, wants, house = read_manifest(path), wants or Wants(), house or House()
    folder = desks.workspace_of(house, wants.workspace, path)
    if run := verifying.run_of(folder, document, path):
        with Ledger(workspace.ledger_path(folder), read_only=True) as ledger:
            write_anew(run, folder, house, ledger)
        document = read_manifest(path)
    out = path.parent / "report.html"
    try:
        page = html.page(document)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise UserError(f"{path} is no manifest of this version: {error!r}.", "Run the recipe again.") from None
    write_text(out, page)
    return out


def verify(path: Path, wants: Wants | None = None, house: House | None = None) -> list[str]:
    """What is wrong with the files of a manifest, exported and stored, and what a run would do about each.

    Raises `UserError` for what is no manifest, `StoreError`.
    """
    from pipeline import verify as verifying

    return verifying.verify(path, wants or Wants(), house or House())
