"""The documents of a run that is over, written anew when something was settled in it afterwards."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from pipeline import desk as desks
from pipeline.desk import House, Wants
from pipeline.documents import read_manifest, write_documents
from pipeline.errors import RushesError, UserError
from pipeline.providers.catalog import CHEAPEST
from pipeline.standing import standing
from pipeline.store.ledger import Ledger, Run
from pipeline.wants import named_output


def write_anew(run: Run, folder: Path, house: House, ledger: Ledger) -> str:
    """Writes the run's documents, unless they tell of it as it is; gives why that cannot be done, else nothing.

    Those of a run that is not the latest of its recipe there, or is still under way, are left as they are.
    """
    latest = ledger.latest(run.recipe, run.output)
    if run.status == "running" or latest is None or latest.id != run.id or _is_told(run):
        return ""
    try:
        desk = desks.lay(desks.read(Path(run.recipe_path), wants_of(run, folder, house), house), house)
        if desk.latest is None or desk.latest.id != run.id:
            return f"{run.recipe_path} is not the recipe any more that was run."
        write_documents(desk.output, standing(desk, ledger, run))
    except RushesError as error:
        return error.fact
    except OSError as error:
        return f"{error.filename or run.output}: {error.strerror}."
    return ""


def _is_told(run: Run) -> bool:
    """Whether the manifest where its results lie is of this run, and as late as its end."""
    try:
        told = read_manifest(Path(run.output) / "manifest.json")["run"]
    except UserError:
        return False
    return (told["id"], told["finished_at"]) == (run.id, run.finished_at)


def wants_of(run: Run, folder: Path, house: House) -> Wants:
    """What the run was asked for, as its documents tell of it: all of the recipe, where its results lie."""
    told = Wants().with_json(run.options)
    return dataclasses.replace(
        told,
        provider=told.provider if told.provider in (*house.providers, CHEAPEST) else "",
        only=(),
        redo=(),
        workspace=folder,
        output=named_output(run),
    )
