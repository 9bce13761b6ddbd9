"""What a run leaves in its output folder: finished files in their places, its manifest and the page to review them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import ways
from pipeline.desk import Desk
from pipeline.digest import dumps, loads
from pipeline.engine.state import Phase, RunState
from pipeline.errors import UserError
from pipeline.events import Result
from pipeline.plan.model import Block, Plan, Step
from pipeline.plan.noted import LET_IN, planned
from pipeline.plan.spent import held
from pipeline.recipe.gate import compiled
from pipeline.report import html, manifest
from pipeline.report.story import Story, output_path
from pipeline.store import balances, workspace
from pipeline.store.copying import write_text
from pipeline.store.ledger import Ledger, Run
from pipeline.store.workspace import Workspace
from pipeline.wants import Wants, named_output


def put(plan: Plan, step: Step, result: Result, shelf: Workspace, output: Path) -> int:
    """Puts what a step made in its place; how many files were not there."""
    found = result.outputs.items()
    return sum(shelf.artifacts.export(a, output / output_path(plan, step, name, a.suffix)) for name, a in found)


def export(desk: Desk, state: RunState, shelf: Workspace) -> int:
    """Puts every finished file in its place, and says how many were not there; those that are stay as they are."""
    done = ((step, state.results.get(step.id)) for step in desk.plan.steps)
    return sum(put(desk.plan, step, result, shelf, desk.output) for step, result in done if result)


def story_of(desk: Desk, ledger: Ledger, run: Run, state: RunState) -> Story:
    """What the documents tell of a run: its plan with the reasons it began with, and all that happened."""
    noted = {line.id: line.why for line in planned(run)}
    steps = tuple(dataclasses.replace(step, why=_why(step, noted.get(step.id), state)) for step in desk.plan.steps)
    accounts, limits = desk.plan.accounts, desk.plan.limits
    return Story(
        run=run,
        plan=dataclasses.replace(desk.plan, steps=steps),
        phases=state.phase,
        whys=state.why,
        results=state.results,
        events=ledger.events(run.id),
        kept=ledger.kept(step.key for step in steps),
        folder=desk.output,
        flags=_flags(desk, run),
        held=held(ledger, limits, limits.at, limits.zone) if limits.at else {},
        unseen=[one for one in balances.changes(ledger.path, since=run.started_at) if one.account in accounts],
    )


def _flags(desk: Desk, run: Run) -> tuple[str, ...]:
    """The date and the folders that the run was given, as they are typed where the recipe lies."""
    asked, here = Wants().with_json(run.options), workspace.without_links(desk.recipe.folder)
    shelf = _seen(desk.reading.folder, here) if asked.workspace else None
    output = _seen(named_output(run), here) if asked.output else None
    return tuple(ways.flags(Wants(date=asked.date, workspace=shelf, output=output)))


def _seen(folder: Path, here: Path) -> Path:
    """A folder as it is named in another one."""
    folder = workspace.without_links(folder)
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def _why(step: Step, noted: str | None, state: RunState) -> str:
    """Why a step was made, as the run noted it; of one that is not let in by a cap, why it is not."""
    if noted == LET_IN and (step.block is Block.FAILURE or state.phase.get(step.id) in _NOT_BEGUN):
        return state.why.get(step.id, step.why)
    return step.why if noted is None else noted


_NOT_BEGUN = frozenset({None, Phase.SKIPPED, Phase.WAITING, Phase.READY})


def write_documents(folder: Path, document: Mapping[str, Any]) -> None:
    """The page and the manifest beside the results, each replaced in one move; the manifest comes last."""
    write_text(folder / "report.html", html.page(document))
    write_text(folder / "manifest.json", dumps(document, indent=2) + "\n")


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
    if not isinstance(document, dict) or not compiled(manifest.schema(), {})(document):
        raise UserError(
            f"{path} is no manifest of this version.", "Name a manifest.json that a run has left, or run again."
        )
    return document
