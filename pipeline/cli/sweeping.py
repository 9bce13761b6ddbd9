"""`rushes gc`: frees the space of what nothing shows and nothing needs any more, after saying what that is."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline import money
from pipeline.cli.console import Console, can_ask
from pipeline.desk import House, workspace_of
from pipeline.digest import dumps
from pipeline.errors import DecisionNeeded, UserError
from pipeline.events import instant
from pipeline.money import ZERO
from pipeline.report.exact import plain
from pipeline.report.legible import table
from pipeline.store import sweeping, workspace
from pipeline.store.sweeping import Stray
from pipeline.values import dataclass

_KINDS: Mapping[str, str] = {
    "generate": "clips and stills drawn here",
    "last_frame": "frames",
    "upscale": "enlarged here",
    "film": "films",
    "input": "copies of inputs",
    "unknown": "from before this ledger",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What some files come to; `credits` are by account what the attempts were charged that made them."""

    files: int
    bytes: int
    credits: Mapping[str, Decimal]


def command(given: argparse.Namespace, house: House, console: Console, show: Callable[[str], None], width: int) -> int:
    """Frees what may go, or tells what would. Raises `DecisionNeeded`, `Held`, `UserError`, `StoreError`."""
    shelf = workspace.open_workspace(workspace_of(house, given.workspace), create=False)
    before = _before(given.older_than, house)
    old = [stray for stray in sweeping.strays(shelf) if not before or stray.file.at < before]
    chosen = [stray for stray in old if given.paid or not stray.bought]
    freed: list[Stray] = []
    if chosen and not given.dry_run:
        _agree(given, console, chosen)
        freed = sweeping.free(shelf, chosen)
    told = chosen if given.dry_run else freed
    if given.format == "json":
        show(dumps(_document(told, old, dry_run=given.dry_run), indent=2))
    elif told:
        show("\n".join(_table(told, width)))
    _say(console, given, told, [stray for stray in old if stray not in chosen], shelf.folder)
    return 0


def _before(days: str | None, house: House) -> str:
    """The moment before which a file must have been kept, as an ISO time in UTC; empty for any. Raises `UserError`."""
    if days is None:
        return ""
    if not days.isascii() or not days.isdecimal() or len(days) > 5:
        raise UserError(f"--older-than {days} is no number of days.", "Give a whole number: --older-than 30.")
    return instant(house.now() - timedelta(days=int(days)))


def _agree(given: argparse.Namespace, console: Console, chosen: Sequence[Stray]) -> None:
    """Asks whether these may go. Raises `DecisionNeeded` where there is no yes."""
    if given.yes:
        return
    whole = _sum(chosen)
    what = f"{_files(whole.files)} of {size(whole.bytes)}{_worth(whole)}"
    if not can_ask():
        raise DecisionNeeded(
            f"this would free {what}, and there is no terminal to ask on.",
            "Say --yes, or --dry-run to see what would go.",
        )
    if not console.ask(f"Free {what}?"):
        raise DecisionNeeded("nothing was freed: you said no.", "Run it again when you want it.")


def _say(
    console: Console, given: argparse.Namespace, told: Sequence[Stray], stay: Sequence[Stray], folder: Path
) -> None:
    whole = _sum(told)
    if told:
        word = "Would free" if given.dry_run else "Freed"
        console.say(f"{word} {_files(whole.files)} of {size(whole.bytes)}{_worth(whole)} in {folder}.")
    else:
        console.say(f"Nothing to free in {folder}: all that is there is shown or needed, or was bought.")
    if stay:
        left = _sum(stay)
        console.say(
            f"{_files(left.files)} of {size(left.bytes)}{_worth(left)}, that nothing shows: --paid frees that too."
        )


def _sum(some: Iterable[Stray]) -> Sum:
    some = list(some)
    credits: dict[str, Decimal] = {}
    for maker in {maker for stray in some for maker in stray.makers if maker.account}:
        credits[maker.account] = credits.get(maker.account, ZERO) + maker.credits
    return Sum(files=len(some), bytes=sum(stray.file.bytes for stray in some), credits=credits)


def _groups(some: Sequence[Stray]) -> dict[str, Sum]:
    """The files by what they are, in words."""
    found: dict[str, list[Stray]] = {}
    for stray in some:
        accounts = sorted({maker.account for maker in stray.makers if maker.account})
        word = f"bought from {', '.join(accounts)}" if accounts else _KINDS.get(stray.kind, stray.kind)
        found.setdefault(word, []).append(stray)
    return {word: _sum(group) for word, group in sorted(found.items())}


def _table(some: Sequence[Stray], width: int) -> list[str]:
    body = [[word, str(group.files), size(group.bytes), _credits(group)] for word, group in _groups(some).items()]
    return table(["WHAT", "FILES", "SIZE", "CREDITS"], body, width, right=frozenset({1, 2}))


def _document(told: Sequence[Stray], old: Sequence[Stray], *, dry_run: bool) -> Any:
    stay = [stray for stray in old if stray not in told]
    return plain(
        {
            "dry_run": dry_run,
            **_json(_sum(told)),
            "groups": [{"what": word, **_json(group)} for word, group in _groups(told).items()],
            "stays": {**_json(_sum(stay)), "groups": [{"what": w, **_json(g)} for w, g in _groups(stay).items()]},
        }
    )


def _json(whole: Sum) -> dict[str, Any]:
    return {"files": whole.files, "bytes": whole.bytes, "credits": dict(sorted(whole.credits.items()))}


def _credits(whole: Sum) -> str:
    return ", ".join(f"{money.text(amount)} {account}" for account, amount in sorted(whole.credits.items()))


def _worth(whole: Sum) -> str:
    credits = _credits(whole)
    return f", bought for {credits} credits" if credits else ""


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def size(count: int) -> str:
    """A number of bytes as people read it: "310 kB", "1.2 GB"."""
    amount, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}"
