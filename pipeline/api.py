"""The house in a few calls: check, plan, run, status, report, verify. The only room that knows every wing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import desk as desks
from pipeline.desk import Desk, House, Wants
from pipeline.digest import file_digest, loads
from pipeline.engine.state import RunState
from pipeline.errors import Fault, MediaError, StalePlan, UserError
from pipeline.events import Failed, Refused, Started, Succeeded
from pipeline.report import html, manifest, plan_json
from pipeline.session import Consent, Listen, Outcome, agreed, carry_out, run_id_of, story_of
from pipeline.store import locks, workspace
from pipeline.store.copying import write_text
from pipeline.store.ledger import Ledger


def check(path: Path, wants: Wants | None = None, house: House | None = None) -> tuple[Fault, ...]:
    """The warnings of a recipe that can be run. Raises `RecipeError` with every fault, `UserError`."""
    return plan(path, wants, house).plan.warnings


def plan(path: Path, wants: Wants | None = None, house: House | None = None) -> Desk:
    """What a run would do, and why, and what it costs. Writes and spends nothing. Raises `RecipeError`, `UserError`."""
    return desks.lay(path, wants or Wants(), house or House())


def save_plan(desk: Desk) -> dict[str, Any]:
    """The plan as a document that `run` applies exactly, or refuses as stale."""
    return {**plan_json.plan_json(desk.plan), "wants": desk.wants.to_json()}


def open_plan(path: Path, document: Mapping[str, Any], wants: Wants, house: House) -> Desk:
    """The desk of a saved plan, planned again. Raises `StalePlan` where a step would now be another."""
    saved = document.get("wants")
    if not isinstance(saved, dict) or "steps" not in document:
        raise UserError(f"{path} is JSON, but no plan.", "Save one with: rushes plan RECIPE --out plan.json")
    names = {f.name for f in dataclasses.fields(Wants)}
    fixed: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in saved.items() if k in names}
    for cap in ("max_credits", "max_usd"):
        mine, its = getattr(wants, cap), fixed.get(cap)
        fixed[cap] = its if mine is None else mine if its is None else min(mine, its)
    again = desks.lay(Path(document["recipe"]["path"]), dataclasses.replace(wants, **fixed), house)
    before = {step["id"]: step for step in document["steps"]}
    now = {step["id"]: step for step in plan_json.plan_json(again.plan)["steps"]}
    for name in [*before, *(name for name in now if name not in before)]:
        why = _stale(before.get(name), now.get(name))
        if why:
            raise StalePlan(f"the plan {path} is stale: {name} {why}.", "Plan again, look at it, and run the new plan.")
    return again


def _stale(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> str:
    if before is None:
        return "is not in it"
    if now is None:
        return "is not in the recipe any more"
    if before["key"] != now["key"]:
        return "would now be made from something else"
    if before["action"] != now["action"] and not (now["action"] in ("reuse", "resume") and before["action"] == "run"):
        return f"would now be {now['action']} instead of {before['action']}"
    if now["credits"]["high"] > before["credits"]["high"]:
        return f"would now cost {now['credits']['high']} instead of {before['credits']['high']}"
    return ""


def run(
    path: Path,
    wants: Wants | None = None,
    house: House | None = None,
    *,
    listen: Listen | None = None,
    consent: Consent | None = None,
    saved: Mapping[str, Any] | None = None,
) -> Outcome:
    """Carries a recipe out, or a saved plan of it; a repeated call finishes the remainder, or finds nothing to do.

    `listen` makes a listener for the events of the run; `consent` is asked before money is spent where `wants.yes`
    does not already say so. Raises `RushesError`s of every kind; failures of shots are told in the outcome.
    """
    wants, house = wants or Wants(), house or House()

    def lay(wants: Wants) -> Desk:
        return desks.lay(path, wants, house) if saved is None else open_plan(path, saved, wants, house)

    desk = lay(wants)
    shelf = workspace.open_workspace(desk.folder, create=True)
    run_id = run_id_of(desk, house)
    with locks.hold(shelf.locks, desks.lock_name(desk), run=run_id), Ledger(shelf.ledger) as ledger:
        desk = agreed(lay(wants), house, consent)  # again, since another run may have ended before the lock was had
        return carry_out(desk, house, shelf, ledger, listen, run_id)


def status(path: Path, wants: Wants | None = None, house: House | None = None) -> dict[str, Any]:
    """The manifest of a recipe's latest run as it stands now, also while another process works on it.

    Raises `UserError` where it was never run.
    """
    wants, house = wants or Wants(), house or House()
    desk = desks.lay(path, wants, house)
    if desk.latest is None:
        raise UserError(f"{path} was never run here.", f"Run it: rushes run {path}")
    shelf = workspace.open_workspace(desk.folder, create=False)
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


def write(path: Path, text: str) -> None:
    """Puts a document at `path`, whole or not at all. Raises `OSError`."""
    write_text(path, text)


def report(path: Path) -> Path:
    """Makes the page beside a manifest again, and says where it is. Raises `UserError` for what is no manifest."""
    document = read_manifest(path)
    out = path.parent / "report.html"
    write_text(out, html.page(document))
    return out


def read_manifest(path: Path) -> dict[str, Any]:
    """A manifest's JSON. Raises `UserError` for what is none."""
    try:
        document = loads(path.read_bytes())
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}.", "Name a manifest.json that a run has left."
        ) from None
    except ValueError:
        document = None
    if not isinstance(document, dict) or "manifest" not in document or "shots" not in document:
        raise UserError(f"{path} is no manifest.", "Name a manifest.json that a run has left.")
    return document


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
    if not file.resolve().is_relative_to(folder.resolve()):
        return "leaves the manifest's folder"
    if not file.is_file():
        return "is missing"
    if file_digest(file) != output["sha256"]:
        return "is not the file that was made: its digest differs"
    try:
        decode(file)
    except MediaError as error:
        return f"does not decode to its end: {error.fact}"
    return ""
