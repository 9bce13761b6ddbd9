"""The house in a few calls: check, plan, run, status, report, verify. The only room that knows every wing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline import desk as desks
from pipeline import recover
from pipeline.consent import Consent, agreed
from pipeline.desk import Desk, House, Reading, Wants
from pipeline.digest import file_digest
from pipeline.engine.state import RunState
from pipeline.errors import Fault, MediaError, StalePlan, UserError
from pipeline.events import Failed, Refused, Started, Succeeded
from pipeline.money import amount
from pipeline.plan.model import Plan
from pipeline.recipe.gate import compiled
from pipeline.report import html, manifest, plan_json
from pipeline.session import Listen, Outcome, carry_out, read_manifest, story_of
from pipeline.store import locks, workspace
from pipeline.store.copying import write_text
from pipeline.store.ledger import Ledger

_FLAGS = {  # what a saved plan was made with, and how the user says it
    "variables": "--var",
    "date": "--date",
    "provider": "--provider",
    "preview": "--preview",
    "only": "--only",
    "redo": "--redo",
    "output": "--output",
    "workspace": "--workspace",
}


def check(path: Path, wants: Wants | None = None, house: House | None = None) -> tuple[Fault, ...]:
    """The warnings of a recipe that can be run. Raises `RecipeError` with every fault, `UserError`."""
    return plan(path, wants, house).plan.warnings


def plan(path: Path, wants: Wants | None = None, house: House | None = None) -> Desk:
    """What a run would do, and why, and what it costs. Writes and spends nothing. Raises `RecipeError`, `UserError`."""
    house = house or House()
    return desks.lay(desks.read(path, wants or Wants(), house), house)


def save_plan(desk: Desk) -> dict[str, Any]:
    """The plan as a document that `run` applies exactly, or refuses as stale."""
    return {**plan_json.plan_json(desk.plan), "wants": desk.wants.to_json()}


def open_plan(path: Path, document: Mapping[str, Any], wants: Wants, house: House) -> Reading:
    """The recipe of a saved plan, read again as it was then; caps of `wants` hold beside those it was saved with."""
    if not compiled(plan_json.schema(), {})(document) or "wants" not in document:
        raise UserError(
            f"{path} is no saved plan of this version.", "Save one with: rushes plan RECIPE --out plan.json"
        )
    saved = document["wants"]
    _refuse_other_wants(path, saved, wants)
    # WHY: consent is never taken from the file, which may be somebody else's; neither is where to write.
    fixed: dict[str, Any] = {name: saved[name] for name in ("variables", "date", "provider", "preview")}
    fixed |= {name: tuple(saved[name]) for name in ("only", "redo")}
    theirs = {name: amount(most) for name, most in saved["max_each"].items()}
    both = theirs.keys() & wants.max_each.keys()
    fixed["max_each"] = {**theirs, **wants.max_each} | {name: min(theirs[name], wants.max_each[name]) for name in both}
    for cap in ("max_credits", "max_usd"):
        mine, its = getattr(wants, cap), None if saved[cap] is None else amount(saved[cap])
        fixed[cap] = its if mine is None else mine if its is None else min(mine, its)
    return desks.read(Path(document["recipe"]["path"]), dataclasses.replace(wants, **fixed), house)


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
    # WHY: what was uploaded belongs to no result: it comes and goes with time and place.
    before, after = (
        {step["id"]: step for step in steps if step["kind"] != "upload"}
        for steps in (document["steps"], plan_json.plan_json(now)["steps"])
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
    wants, house = wants or Wants(), house or House()
    reading = desks.read(path, wants, house) if saved is None else open_plan(path, saved, wants, house)
    shelf = workspace.open_workspace(reading.folder, create=True)
    with (
        locks.hold(shelf.locks, reading.lock, run=f"Another run of {reading.recipe.name}"),
        Ledger(shelf.ledger) as ledger,
    ):
        recover.before_run(reading, house, ledger, tell or (lambda text: None))
        desk = desks.lay(reading, house)
        if saved is not None:
            _refuse_stale(path, saved, desk.plan)
        return carry_out(agreed(desk, house, consent), house, shelf, ledger, listen)


def _as_it_was_run(desk: Desk, house: House) -> Desk:
    """The desk as its latest run had it: with that run's provider and variables, where nobody says others now."""
    if desk.latest is None or desk.wants.provider or desk.wants.variables or desk.wants.preview:
        return desk
    told = desk.latest.options
    provider, variables = str(told.get("provider", "")), dict(told.get("variables", {}))
    if provider not in house.providers and not variables:
        return desk
    wants = dataclasses.replace(
        desk.wants, provider=provider if provider in house.providers else "", variables=variables
    )
    return desks.lay(desks.read(desk.reading.path, wants, house), house)


def status(path: Path, wants: Wants | None = None, house: House | None = None) -> dict[str, Any]:
    """The manifest of a recipe's latest run as it stands now, also while another process works on it.

    Raises `UserError` where it was never run.
    """
    wants, house = wants or Wants(), house or House()
    desk = _as_it_was_run(desks.lay(desks.read(path, wants, house), house), house)
    if desk.latest is None:
        raise UserError(f"{path} was never run here.", f"Run it: rushes run {path}")
    shelf = workspace.open_workspace(desk.reading.folder, create=False)
    with Ledger(shelf.ledger, read_only=True) as ledger:
        state = RunState(desk.plan, desk.book(desk.plan.limits))
        keys = {step.id: step.key for step in desk.plan.steps}
        events = ledger.events(desk.latest.id)
        ended = {(e.step, e.attempt) for e in events if isinstance(e, Succeeded | Failed | Refused)}
        for event in events:
            if (
                isinstance(event, Started)
                and (event.step, event.attempt) not in ended
                and keys.get(event.step) == event.key
            ):
                state.apply(event)
        return manifest.manifest(story_of(desk, ledger, desk.latest, state))


def manifest_path(what: str, wants: Wants | None = None, house: House | None = None) -> Path:
    """The manifest that is meant by its path, its folder, a recipe, a run's id, or nothing: the newest run's.

    Raises `UserError` where there is none.
    """
    wants, house = wants or Wants(), house or House()
    path = Path(what)
    if not what or not path.exists():
        if "/" in what or path.suffix in (".json", ".yaml", ".yml"):
            raise UserError(f"{what} does not exist.", "Name a recipe, a manifest, or a run.")
        return desks.latest_output(house, wants.workspace, what) / "manifest.json"
    if path.suffix in (".yaml", ".yml"):
        return desks.read(path, wants, house).output / "manifest.json"
    return path / "manifest.json" if path.is_dir() else path


def write(path: Path, text: str) -> None:
    """Puts a document at `path`, whole or not at all. Raises `OSError`."""
    write_text(path, text)


def report(path: Path) -> Path:
    """Makes the page beside a manifest again, and says where it is. Raises `UserError` for what is no manifest."""
    document = read_manifest(path)
    out = path.parent / "report.html"
    try:
        page = html.page(document)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise UserError(f"{path} is no manifest of this version: {error!r}.", "Run the recipe again.") from None
    write_text(out, page)
    return out


def verify(path: Path) -> list[str]:
    """What is wrong with the files of a manifest: absent, of another digest, or not decoding to their end."""
    document = read_manifest(path)
    found: list[str] = []
    files = [(shot["id"], output) for shot in document["shots"] for output in shot["outputs"].values()]
    if document.get("film") and document["film"].get("path"):
        files.append(("film", document["film"]))
    for name, output in files:
        wrong = _damage(path.parent, output)
        if wrong:
            found.append(f"{name}: {output['path']} {wrong}")
    return found


def _damage(folder: Path, output: Mapping[str, Any]) -> str:
    from pipeline.media.probe import check as decode

    file = folder / output["path"]
    try:
        if not file.resolve().is_relative_to(folder.resolve()):
            return "leaves the manifest's folder"
        if not file.is_file():
            return "is missing"
        if file_digest(file) != output["sha256"]:
            return "is not the file that was made: its digest differs"
        decode(file)
    except MediaError as error:
        return f"does not decode to its end: {error.fact}"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except (RuntimeError, ValueError):  # a loop of symlinks; a NUL or half a character in its name
        return "has no name that a file could have"
    return ""
