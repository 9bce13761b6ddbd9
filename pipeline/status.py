"""Which run is asked after, and what is told of it: by its recipe where that would still make it, else by its manifest.

Nothing is written, and nothing is asked of a service.
"""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline import desk as desks
from pipeline.desk import Desk, House, Reading, Wants
from pipeline.documents import read_manifest
from pipeline.errors import RecipeError, UserError
from pipeline.events import Event, Started, minute
from pipeline.money import text
from pipeline.plan.model import Plan
from pipeline.plan.noted import Planned, planned
from pipeline.providers.catalog import CHEAPEST
from pipeline.retelling import wants_of
from pipeline.standing import standing
from pipeline.steps.upload import Upload
from pipeline.store import leases, workspace
from pipeline.store.ledger import Ledger, Run, Unsettled
from pipeline.values import dataclass
from pipeline.wants import output_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A run as a manifest tells of it, and in sentences what that leaves out; `folder` is that of its results.

    `advises` says whether the ways out in the document are about this run.
    """

    document: dict[str, Any]
    folder: Path
    remarks: tuple[str, ...] = ()
    advises: bool = True


def of_recipe(path: Path, wants: Wants, house: House) -> Told:
    """The latest run of a recipe, also while another process works on it. Raises `RecipeError`, `UserError`."""
    desk = _as_it_was_run(desks.lay(read_latest(path, wants, house), house), house)
    if desk.latest is None:
        raise UserError(f"{path} was never run here.", f"Run it: rushes run {path}")
    return _of_desk(desk, desk.latest, house)


def read_latest(path: Path, wants: Wants, house: House) -> Reading:
    """A recipe in the stage of its latest run, where none is named. Raises `RecipeError`, `UserError`."""
    reading = desks.read(path, wants, house)
    recipe, ledger = reading.recipe, workspace.ledger_path(reading.folder)
    if wants.stage or not recipe.stages or not ledger.exists():
        return reading
    found: dict[str, str] = {}
    with Ledger(ledger, read_only=True) as known:
        for stage in ("", *recipe.stages):
            output = output_of(recipe, dataclasses.replace(wants, stage=stage))
            if run := known.latest(recipe.name, str(output)):
                found[run.started_at] = stage
    stage = found[max(found)] if found else ""
    return desks.read(path, dataclasses.replace(wants, stage=stage), house) if stage else reading


def of_run(id: str, wants: Wants, house: House) -> Told:
    """The run of this id in the workspace of the current folder, or its newest where the id is empty.

    Raises `UserError` where there is none, and where its recipe is gone or was run again and its documents are too.
    """
    run, folder = desks.recorded(house, wants.workspace, id)
    with Ledger(workspace.ledger_path(folder), read_only=True) as ledger:
        latest = ledger.latest(run.recipe, run.output)
    if latest and latest.id == run.id:
        try:
            desk = desks.lay(desks.read(Path(run.recipe_path), wants_of(run, folder, house), house), house)
        except (RecipeError, UserError):
            desk = None
        if desk and desk.latest and desk.latest.id == run.id:
            return _of_desk(desk, desk.latest, house)
    manifest = manifest_of(run)
    shelf = workspace.open_workspace(folder, create=False)
    with Ledger(shelf.ledger, read_only=True) as ledger:
        now = _as_it_stands(run, shelf, ledger)
        document = _brought_up(read_manifest(manifest), now)
        remarks = _beside(document, _unsettled(now, ledger), run.recipe_path)
        return Told(document=document, folder=manifest.parent, remarks=tuple(remarks), advises=False)


def manifest_of(run: Run) -> Path:
    """The manifest that a run has left. Raises `UserError` where it left none, or another run's lies there."""
    path = Path(run.output) / "manifest.json"
    status = f"`rushes status {shlex.quote(run.recipe_path)}` tells how the recipe stands."
    if not path.exists():
        raise UserError(f"run {run.id} of {run.recipe} left no documents: {path} does not exist.", status)
    told = read_manifest(path)["run"]
    if told["id"] == run.id:
        return path
    if told["started_at"] > run.started_at:
        raise UserError(f"the manifest of run {run.id}, {path}, has been replaced by that of run {told['id']}.", status)
    raise UserError(f"run {run.id} of {run.recipe} left no documents: {path} is of run {told['id']}.", status)


def _as_it_was_run(desk: Desk, house: House) -> Desk:
    """The desk as its latest run had it: with that run's provider and variables, where nobody says others now."""
    wants = desk.wants.like(desk.latest, (*house.providers, CHEAPEST)) if desk.latest else desk.wants
    if wants == desk.wants:
        return desk
    return desks.lay(desks.read(desk.reading.path, wants, house), house)


def _of_desk(desk: Desk, run: Run, house: House) -> Told:
    """The run as its recipe tells of it, or where that would make another now, as the run's own documents do."""
    shelf = workspace.open_workspace(desk.reading.folder, create=False)
    with Ledger(shelf.ledger, read_only=True) as ledger:
        run = _as_it_stands(run, shelf, ledger)
        if not _has_changed(desk.plan, run, ledger.events(run.id)):
            return Told(document=standing(desk, ledger, run), folder=desk.output)
        path = str(desk.reading.path)
        plan = f"`rushes plan {shlex.quote(path)}` says what follows."
        remarks = [f"The recipe (or its date, or a base URL) has changed since: {plan}"]
        try:
            document = _brought_up(read_manifest(manifest_of(run)), run)
        except UserError:
            document = standing(desk, ledger, run)
            remarks.append(f"Run {run.id} left no documents: its shots are told as they would be made now.")
        remarks += _beside(document, _unsettled(run, ledger), path)
        return Told(document=document, folder=desk.output, remarks=tuple(remarks), advises=False)


def _as_it_stands(run: Run, shelf: workspace.Workspace, ledger: Ledger) -> Run:
    """The run, interrupted where it is under way by its record and nobody carries it out."""
    if run.status != "running" or leases.holder(shelf, desks.lock_name(run.recipe, run.output)):
        return run
    run = ledger.run(run.id) or run  # it may have come to its end just now
    return dataclasses.replace(run, status="interrupted") if run.status == "running" else run


def _brought_up(document: dict[str, Any], run: Run) -> dict[str, Any]:
    """A run's own manifest with what the ledger says of the run."""
    told = {"status": run.status, "finished_at": run.finished_at}
    return {**document, "run": {**document["run"], **told}}


def _unsettled(run: Run, ledger: Ledger) -> list[Unsettled]:
    return [one for one in ledger.unsettled() if one.run == run.id and one.account]


def _beside(document: Mapping[str, Any], unsettled: Sequence[Unsettled], recipe: str) -> Iterator[str]:
    """What services have or may have of a run, and what its document has as open that was settled since."""
    for one in unsettled:
        yield f"{one.step}: {_open(one, recipe)}"
    attempts = (attempt for shot in document["shots"] for attempt in shot["attempts"])
    shown = dict.fromkeys(attempt["step"] for attempt in attempts if attempt["status"] in ("running", "unknown"))
    still = {one.step for one in unsettled}
    yield from (f"{step}: that was settled since." for step in shown if step not in still)


def _open(one: Unsettled, recipe: str) -> str:
    """What is known of an attempt that has no end, and the way on where that is not its run's own."""
    since, credits = f"{minute(one.at)} UTC", f"{text(one.credits)} credits"
    if one.job_id:
        return f"{one.account} has it as {one.job_id} since {since}, for up to {credits}."
    recover = f"`rushes recover {shlex.quote(recipe)}` asks the service"
    return f"sent to {one.account} on {since}, nobody knows if it arrived, and {credits} are held: {recover}."


def _has_changed(plan: Plan, run: Run, events: Sequence[Event]) -> bool:
    """Whether a run of the recipe would now make something else than this run did, or on another account."""
    now = {step.id: step for step in plan.steps if not isinstance(step.work, Upload)}
    lines = {line.id: line for line in planned(run)}
    asked = {event.step: event for event in events if isinstance(event, Started) and event.account}
    for name, event in asked.items():
        step = now.get(name)
        if step and step.key == event.key and step.account not in ("", event.account):
            return True
    fallen = _on_other_rungs(plan, lines)
    settled = {name for name, line in lines.items() if not line.stale} - fallen - _stale(plan)
    if any(name not in now or _differs(now[name].own, lines[name]) for name in settled):
        return True
    narrowed = run.options.get("only") or run.options.get("redo")
    return not narrowed and bool(now.keys() - lines.keys() - fallen)


def _differs(own: str, line: Planned) -> bool:
    return bool(line.own) and own != line.own


def _stale(plan: Plan) -> set[str]:
    return {step.id for step in plan.steps if step.stale}


def _on_other_rungs(plan: Plan, lines: Mapping[str, Planned]) -> set[str]:
    """The steps of takes that the run fell back for, or may have; and the film, which is made of them."""
    keys = {step.id: step.key for step in plan.steps}
    found: set[str] = set()
    for take in plan.takes:
        line = lines.get(take.generate)
        if line and line.key in take.keys and line.key != keys.get(take.generate):
            found |= {take.generate, *take.frames, take.upscale, plan.film}
    return found
