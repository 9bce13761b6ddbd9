"""`rushes approve`: what was picked, by which digest, what was let go, and what to type next."""

from __future__ import annotations

import argparse
import dataclasses
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline import ways
from pipeline.approve import Approved, approve
from pipeline.cli.console import Console, safe
from pipeline.cli.retyping import shown
from pipeline.desk import House, Wants
from pipeline.digest import dumps
from pipeline.errors import UserError
from pipeline.plan.model import take_id


def command(
    given: argparse.Namespace, wants: Wants, house: House, console: Console, show: Callable[[str], None]
) -> int:
    """Writes the picks and shows them. Raises `RushesError`s."""
    if not given.takes and not given.clear:
        raise UserError("no take is named.", f"Name one: rushes approve {shlex.quote(given.recipe)} TAKE")
    done = approve(Path(given.recipe), given.takes, wants, house, clear=given.clear)
    if given.format == "json":
        show(dumps(_document(done), indent=2))
    else:
        for shot, pick in done.picked.items():
            show(safe(f"{take_id(shot, pick.take)}  {pick.sha256}  {shown(done.files[shot])}"))
        for shot in done.cleared:
            if shot not in done.picked:
                show(safe(f"{shot}  has no pick any more"))
    for shot, fault in done.stale.items():
        console.say(f"{fault.fact} Let it go: {ways.approve(given.recipe, wants, '--clear', shot)}")
    console.say(f"Wrote {shown(done.path)}." if done.is_changed else f"{shown(done.path)} says so already.")
    if done.picked and done.stages:
        final = dataclasses.replace(done.wants, stage=done.stages[-1])
        console.say(f"Now: {shlex.join(['rushes', 'run', given.recipe, *ways.flags(final)])}")
    return 0


def invited(recipe: str, wants: Wants, document: Mapping[str, Any]) -> str:
    """What is typed to pick of the takes that a run has left in a stage to pick from; empty where nothing is to be."""
    shots = document["shots"]
    picked = {shot["id"] for shot in shots if shot["picked"] is not False}
    if wants.preview or not wants.stage or all(shot["id"] in picked or not shot["outputs"] for shot in shots):
        return ""
    return ways.approve(recipe, wants, "TAKE")


def _document(done: Approved) -> dict[str, object]:
    return {
        "file": str(done.path),
        "picks": [
            {"shot": shot, "take": pick.take, "sha256": pick.sha256, "path": str(done.files[shot])}
            for shot, pick in done.picked.items()
        ],
        "cleared": list(done.cleared),
        "stale": [fault.fact for fault in done.stale.values()],
    }
