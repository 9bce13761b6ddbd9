"""`rushes recover`: what became of submissions of unknown outcome, and what to type where only the user can say."""

from __future__ import annotations

import argparse
import shlex
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.cli.console import Console, safe
from pipeline.cli.retyping import Place, again, place_of, recipe_of
from pipeline.desk import House
from pipeline.digest import dumps
from pipeline.errors import UserError
from pipeline.events import minute
from pipeline.recover import exit_code, recover
from pipeline.report.exact import plain
from pipeline.report.legible import cells, line, pad
from pipeline.settle import Case, Decision, Fate
from pipeline.stopping import Job

_HEAD = ("STEP", "ACCOUNT", "SINCE", "WHAT BECAME OF IT")
_TASK = "TASK_ID"
_GOES_ON = (Fate.ADOPTED, Fate.RELEASED, Fate.WRITTEN_OFF)


def command(given: argparse.Namespace, house: House, console: Console, show: Callable[[str], None], width: int) -> int:
    """Settles what can be settled and shows every submission that was unknown. Raises `UserError`, `StoreError`."""
    recipe = Path(given.recipe) if given.recipe else None
    place = place_of(recipe or Path("recipe.yaml"), given.workspace, house)
    cases = recover(place.folder, house, recipe=recipe, decisions=_decisions(given), tell=console.say)
    if given.format == "json":
        show(dumps(plain({"submissions": [_document(case, place) for case in cases]}), indent=2))
    elif cases:
        show(safe("\n".join(_table(cases, place, width))))
    if not cases:
        console.say(f"Nothing is of unknown outcome in the workspace {place.folder}.")
    for words in dict.fromkeys(again(case.submission, place) for case in cases if case.fate in _GOES_ON):
        console.say(f"Now: {words}")
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


def _table(cases: Sequence[Case], place: Place, width: int) -> Iterator[str]:
    """A row a submission; what became of it goes on below where it is long, and what is typed is never cut."""
    rows = [(case.name, case.submission.account, _since(case), became(case.fate, case)) for case in cases]
    head, *told = laid_out((_HEAD, *rows), width)
    yield from head
    for case, lines in zip(cases, told, strict=True):
        yield from lines
        for why, words in _ways(case, place):
            yield f"    {why}: {words}"


def became(how: str, what: Case | Job) -> str:
    """What became of something, with the way out where there is one."""
    return f"{how}: {what.told}." + (f" {what.hint}" if what.hint else "")


def laid_out(rows: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    """The lines of each row: its cells, and beside them the last, which goes on below where it is long."""
    widths = [max(cells(line(cell)) for cell in column) for column in list(zip(*rows, strict=True))[:-1]]
    return [_row(row[:-1], row[-1], widths, width) for row in rows]


def _row(row: Sequence[str], told: str, widths: Sequence[int], width: int) -> list[str]:
    start = "".join(f"{pad(line(cell), wide)}  " for cell, wide in zip(row, widths, strict=True))
    room = max(width, cells(start) + 40)
    space = " " * cells(start)
    return textwrap.wrap(
        line(told), room, initial_indent=start, subsequent_indent=space, break_long_words=False, break_on_hyphens=False
    )


def _since(case: Case) -> str:
    return minute(case.submission.at)


def _ways(case: Case, place: Place) -> Iterator[tuple[str, str]]:
    """What can be decided, each with the words to type."""
    if case.fate not in (Fate.ASKED, Fate.LEFT):
        return
    recover = ["rushes", "recover", *filter(None, [recipe_of(case.submission, place)])]
    if place.flag:
        recover += ["--workspace", str(place.flag)]
    for task in [one.job_id for one in case.candidates[:3]] or [_TASK]:
        yield (
            "if this is its task" if task != _TASK else "if its console shows it",
            shlex.join([*recover, "--adopt", f"{case.name}={task}"]),
        )
    yield "if it was certainly not taken", shlex.join([*recover, "--resubmit", case.name])
    yield "to give its money up", shlex.join([*recover, "--write-off", case.name])


def _document(case: Case, place: Place) -> dict[str, Any]:
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
        "commands": commands or ([again(one, place)] if case.fate in _GOES_ON else []),
    }
