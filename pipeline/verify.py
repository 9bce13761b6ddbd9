"""What is wrong with the files of a run, those that were exported and those in the store, and what a run would do.

A manifest may come from anybody: nothing is read on its word but the files below its folder. What is known of the run
comes from the workspace above it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from pipeline import desk as desks
from pipeline.desk import House, Wants
from pipeline.digest import file_digest
from pipeline.documents import read_manifest
from pipeline.errors import MediaError, RushesError
from pipeline.events import Artifact
from pipeline.money import text
from pipeline.plan.model import Action, Step
from pipeline.retelling import wants_of
from pipeline.store import workspace
from pipeline.store.artifacts import Artifacts
from pipeline.store.ledger import Ledger, Run


def verify(path: Path, wants: Wants, house: House) -> list[str]:
    """A sentence for each damaged file of a manifest: exported or stored, and what a run of its recipe does about it.

    What was found damaged is looked at anew by the next plan. Raises `UserError` for what is no manifest.
    """
    document = read_manifest(path)
    files = [(shot["id"], output) for shot in document["shots"] for output in shot["outputs"].values()]
    if document.get("film") and document["film"].get("path"):
        files.append(("film", document["film"]))
    folder = desks.workspace_of(house, wants.workspace, path)
    run = run_of(folder, document, path)
    store = workspace.open_workspace(folder, create=False).artifacts if run else None
    lost = {output["sha256"]: fact for _, output in files if (fact := _stored(store, output))}
    ways = _ways(run, folder, house) if run and lost else {}
    found: list[str] = []
    for name, output in files:
        way, fact = ways.get(output["sha256"], ""), lost.get(output["sha256"])
        wrong = _exported(path.parent, output)
        if wrong:
            back = "" if not run else "a run puts it back" if not fact else "it comes back with the one in the store"
            found.append(f"{name}: {output['path']} {wrong}" + (f"; {back}" if back else ""))
        if fact:
            found.append(f"{name}: in the store, {fact}" + (f"; {way}" if way else ""))
    return found


def run_of(folder: Path, document: Mapping[str, Any], path: Path) -> Run | None:
    """The run that left this manifest here, where the workspace knows it."""
    ledger = workspace.ledger_path(folder)
    if not ledger.exists():
        return None
    with Ledger(ledger, read_only=True) as known:
        run = known.run(str(document["run"]["id"]))
    return run if run and run.output == os.path.realpath(path.parent) else None


def _stored(store: Artifacts | None, output: Mapping[str, Any]) -> str | None:
    """What is wrong with the file in the store that an output is a copy of; the next plan looks at its bytes too."""
    if store is None:
        return None
    suffix = PurePath(output["path"]).suffix
    artifact = Artifact(sha256=output["sha256"], bytes=output["bytes"], suffix=suffix)
    damage = store.damaged(artifact)
    if damage:
        store.distrust(artifact)
    return damage.rstrip(".") if damage else None


def _exported(folder: Path, output: Mapping[str, Any]) -> str:
    from pipeline.media.probe import check as decode

    file = folder / output["path"]
    try:
        if not file.resolve().is_relative_to(folder.resolve()):
            return "leaves the manifest's folder"
        if not file.is_file():
            return "is missing"
        if file_digest(file) != output["sha256"]:
            with contextlib.suppress(OSError):
                os.utime(file)  # WHY: size and time are what a run goes by when it puts files in their places
            return "is not the file that was made: its digest differs"
        decode(file)
    except MediaError as error:
        return f"does not decode to its end: {error.fact}"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except (RuntimeError, ValueError):  # a loop of symlinks; a NUL or half a character in its name
        return "has no name that a file could have"
    return ""


def _ways(run: Run, folder: Path, house: House) -> dict[str, str]:
    """By digest, what a run of the recipe, as it is now, would do about a file that is damaged in the store."""
    wants = dataclasses.replace(wants_of(run, folder, house), max_credits=None, max_each={}, max_usd=None)
    try:
        desk = desks.lay(desks.read(Path(run.recipe_path), wants, house), house)
        with Ledger(workspace.ledger_path(folder), read_only=True) as ledger:
            kept = ledger.kept(step.key for step in desk.plan.steps)
    except RushesError:
        return {}
    found: dict[str, str] = {}
    for step in desk.plan.steps:
        for artifact in kept[step.key].result.outputs.values() if step.key in kept else ():
            found[artifact.sha256] = _way(step)
    return found


def _way(step: Step) -> str:
    if step.fetched_again:
        return f"a run asks {step.provider} for it again, for nothing"
    if step.action is Action.RUN and step.account:
        price = f"up to {text(step.price.high)} {step.account} credits" if step.price.known else "an unknown price"
        return f"{step.why}: a run makes it again for {price}, and asks first"
    if step.action is Action.RUN:
        return "a run makes it again, for nothing"
    return step.why if step.action in (Action.BLOCKED, Action.REUSE) else ""
