"""`rushes recover`: what became of submissions of unknown outcome, and what to type where only the user can say."""

from __future__ import annotations

import argparse
import os
import shlex
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.cli.console import Console, safe
from pipeline.desk import House
from pipeline.digest import dumps
from pipeline.errors import UserError
from pipeline.events import minute
from pipeline.recover import exit_code, recover
from pipeline.report.exact import plain
from pipeline.report.legible import cells, line, pad
from pipeline.settle import Case, Decision, Fate
from pipeline.store import workspace

_HEAD = ("STEP", "ACCOUNT", "SINCE", "WHAT BECAME OF IT")
_TASK = "TASK_ID"
_GOES_ON = (Fate.ADOPTED, Fate.RELEASED, Fate.WRITTEN_OFF)


def command(given: argparse.Namespace, house: House, console: Console, show: Callable[[str], None], width: int) -> int:
    """Settles what can be settled and shows every submission that was unknown. Raises `UserError`, `StoreError`."""
    recipe = Path(given.recipe) if given.recipe else None
    named = given.workspace or house.environ.get("RUSHES_WORKSPACE")
    folder = workspace.find(recipe or Path("recipe.yaml"), named=Path(named) if named else None)
    cases = recover(folder, house, recipe=recipe, decisions=_decisions(given))
    if given.format == "json":
        show(dumps(plain({"submissions": [_document(case, given.workspace) for case in cases]}), indent=2))
    elif cases:
        show(safe("\n".join(_table(cases, given.workspace, width))))
    if not cases:
        console.say(f"Nothing is of unknown outcome in the workspace {folder}.")
    for again in dict.fromkeys(_again(case, given.workspace) for case in cases if case.fate in _GOES_ON):
        console.say(f"Now: {again}")
    return exit_code(cases)


def _decisions(given: argparse.Namespace) -> list[Decision]:
    """What the flags say. Raises `UserError` for one that names no task."""
    found = []
    for pair in given.adopt:
        step, equals, task = pair.partition("=")
        if not step or not equals or not task.strip():
            raise UserError(f"--adopt {pair} names no task.", "Write --adopt STEP=TASK_ID.")
        found.append(Decision(step=step, way="adopt", task=task.strip()))
    found += [Decision(step=step, way="resubmit") for step in given.resubmit]
    found += [Decision(step=step, way="write-off") for step in given.write_off]
    return found


def _table(cases: Sequence[Case], place: str | None, width: int) -> Iterator[str]:
    """A row a submission; what became of it goes on below where it is long, and what is typed is never cut."""
    rows = [(case.name, case.submission.account, _since(case)) for case in cases]
    widths = [max(cells(line(row[i])) for row in (*rows, _HEAD[:3])) for i in range(3)]
    yield from _row(_HEAD[:3], _HEAD[3], widths, width)
    for case, row in zip(cases, rows, strict=True):
        told = f"{case.fate}: {case.told}." + (f" {case.hint}" if case.hint else "")
        yield from _row(row, told, widths, width)
        for why, words in _ways(case, place):
            yield f"    {why}: {words}"


def _row(row: Sequence[str], told: str, widths: Sequence[int], width: int) -> list[str]:
    start = "".join(f"{pad(line(cell), wide)}  " for cell, wide in zip(row, widths, strict=True))
    room = max(width, cells(start) + 40)
    space = " " * cells(start)
    return textwrap.wrap(
        line(told), room, initial_indent=start, subsequent_indent=space, break_long_words=False, break_on_hyphens=False
    )


def _since(case: Case) -> str:
    return minute(case.submission.at)


def _ways(case: Case, place: str | None) -> Iterator[tuple[str, str]]:
    """What can be decided, each with the words to type."""
    if case.fate not in (Fate.ASKED, Fate.LEFT):
        return
    recover = ["rushes", "recover", *_recipe(case), *_workspace(place)]
    for task in [one.job_id for one in case.candidates[:3]] or [_TASK]:
        yield (
            "if this is its task" if task != _TASK else "if its console shows it",
            shlex.join([*recover, "--adopt", f"{case.name}={task}"]),
        )
    yield "if it was certainly not taken", shlex.join([*recover, "--resubmit", case.name])
    yield "to give its money up", shlex.join([*recover, "--write-off", case.name])


def _again(case: Case, place: str | None) -> str:
    """The command that goes on with its run."""
    options = case.submission.options
    words = ["rushes", "run", *_recipe(case)]
    for name, value in (options.get("variables") or {}).items():
        words += ["--var", f"{name}={value}"]
    for name in ("date", "provider", "output"):
        if options.get(name):
            words += [f"--{name}", str(options[name])]
    if options.get("preview"):
        words.append("--preview")
    return shlex.join([*words, *_workspace(place or str(options.get("workspace") or ""))])


def _recipe(case: Case) -> list[str]:
    """Its recipe as one would type it here."""
    path = case.submission.recipe_path
    if not path:
        return []
    here = os.path.relpath(path)
    return [path if here.startswith("..") else here]


def _workspace(place: str | None) -> list[str]:
    return ["--workspace", place] if place else []


def _document(case: Case, place: str | None) -> dict[str, Any]:
    one = case.submission
    commands = [words for _, words in _ways(case, place)]
    return {
        "step": one.step,
        "name": case.name,
        "recipe": one.recipe,
        "recipe_path": one.recipe_path,
        "run": one.run,
        "attempt": one.attempt,
        "key": one.key,
        "provider": one.provider,
        "account": one.account,
        "since": one.at,
        "credits": one.credits,
        "usd": one.usd,
        "outcome": case.fate.value,
        "told": case.told,
        "hint": case.hint or None,
        "task_id": case.job_id or None,
        "candidates": [{"task_id": found.job_id, "created_at": found.created_at or None} for found in case.candidates],
        "credits_left": case.left,
        "commands": commands or ([_again(case, place)] if case.fate in _GOES_ON else []),
    }
