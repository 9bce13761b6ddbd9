"""How a run ended, for people: what is there and what it cost, what went wrong and why, and what to type next.

Whoever knows the command line says how each way out is typed; here is decided which of them there are.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pipeline.errors import listed
from pipeline.money import ZERO, text
from pipeline.report.legible import line
from pipeline.report.markdown import counted, money_lines, take_name
from pipeline.report.remedies import Remedy
from pipeline.values import dataclass, field

_MOST_NAMED = 12
_NARROWEST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What is typed next: the same command, that with `--redo` for some takes, the one that settles what is unknown.

    `recipe` is the file as it is named there; `caps` are sentences about what would do where a cap left work undone.
    """

    recipe: str
    again: str
    redo: Callable[[Sequence[str]], str]
    recover: str
    caps: Sequence[str] = ()


@dataclass(slots=True)
class _Group:
    """Takes that one cause has hit."""

    remedy: Remedy
    error: str
    hint: str
    cause: str
    by_verb: dict[str, list[str]] = field(default_factory=dict)
    attempts: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [name for names in self.by_verb.values() for name in names]


def ending(manifest: Mapping[str, Any], typed: Typed, *, width: int, folder: str) -> str:
    """All there is to say at the end of a run, in lines of at most `width` columns where words allow it.

    What is to be typed stands on a line of its own, however long. `folder` is the manifest's, as it is named here.
    """
    recipe, run, film = manifest["recipe"], manifest["run"], manifest.get("film")
    lines = _wrapped(f"{recipe['name']}: run {run['id']} is {run['status']}, {counted(manifest)}", width, "  ")
    lines += [part for said in money_lines(manifest) for part in _wrapped(said, width, "  ")]
    if film and film["path"]:
        stale = ", which is stale" if film["stale"] else ""
        lines.append(f"Film: {folder}/{film['path']}{stale}")
    elif film and film["error"]:
        lines += _wrapped(f"Film: {film['status']}: {film['error']}", width, "  ")
    return "\n".join([*lines, *troubles(manifest, typed, width=width)])


def troubles(manifest: Mapping[str, Any], typed: Typed, *, width: int) -> list[str]:
    """What went wrong, each cause once with all that it hit, and what to type next; nothing where all is well."""
    width = max(width, _NARROWEST)
    groups = _groups(manifest["shots"])
    waiting = [take_name(shot) for shot in manifest["shots"] if shot["remedy"] == Remedy.BEFORE]
    lines: list[str] = []
    for group in groups:
        lines += ["", *_wrapped(_head(group), width, "  ")]
        error = group.error if len(group.names) == 1 else _JOB.sub("", group.error)
        lines += _wrapped(error, width, "  ", first="  ")
        if group.hint and group.remedy is not Remedy.RECOVER:
            lines += _wrapped(group.hint, width, "  ", first="  ")
        lines += _wrapped(_cost(group), width, "  ", first="  ") if group.attempts else []
    if waiting:
        verb = "waits" if len(waiting) == 1 else "wait"
        lines += [
            "",
            *_wrapped(f"{_count(waiting)} {verb} for what is not there: {listed(waiting, _MOST_NAMED)}", width, "  "),
        ]
    ways = list(_ways(groups, waiting, manifest["shots"], typed))
    if ways:
        lines += ["", "What to type next:"]
    for why, words in ways:
        lines += _wrapped(why, width, "  ", first="  ")
        lines += [f"    {words}"] if words else []
    return lines


def _groups(shots: Iterable[Mapping[str, Any]]) -> list[_Group]:
    found: dict[tuple[Any, ...], _Group] = {}
    for shot in shots:
        if not shot["remedy"] or shot["remedy"] == Remedy.BEFORE:
            continue
        remedy = Remedy(shot["remedy"])
        error, cause = str(shot["error"] or shot["why"]), shot["cause"]
        verb = _VERBS.get(shot["status"], shot["status"])
        if fell := _fell(shot):
            error = f"{fell['error']} Its fallback {shot['fallback']} is not begun: {error}"
            verb, cause = _VERBS["failed"], fell["cause"]
        key = (remedy, cause, _alike(error, remedy, take_name(shot)), shot["hint"])
        group = found.setdefault(key, _Group(remedy, error, shot["hint"] or "", cause or ""))
        group.by_verb.setdefault(verb, []).append(take_name(shot))
        group.attempts += [attempt for attempt in shot["attempts"] if attempt["account"]]
    return sorted(found.values(), key=lambda group: _ORDER.index(group.remedy))


def _fell(shot: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The last failure above the fallback of a shot that is not begun, None where there is none."""
    if shot["status"] != "skipped":
        return None
    failed = (a for a in reversed(shot["attempts"]) if a["error"] and a["fallback"] is not None)
    return next((a for a in failed if a["fallback"] < shot["fallback"]), None)


_ORDER = (Remedy.CHANGE, Remedy.AGAIN, Remedy.RECOVER, Remedy.BUDGET)
_VERBS = {
    "failed": "failed",
    "skipped": "not begun",
    "unknown": "of unknown outcome",
    "pending": "not there yet",
    "cancelled": "cancelled",
}
_OWN = re.compile(r"^\S+/\S+: |request id:? [^\s,)]+")
_JOB = re.compile(r" as \S+ since \S+ \S+ UTC$")


def _alike(error: str, remedy: Remedy, name: str) -> str:
    """The words of an error without what differs from one shot to the next."""
    bare = _JOB.sub("", _OWN.sub("", error)).replace(f"for {name},", "for it,")
    return re.sub(r"[0-9][0-9.,]*", "#", bare) if remedy is Remedy.BUDGET else bare


def _head(group: _Group) -> str:
    of = " by moderation" if group.cause == "moderation" else ""
    return "; ".join(
        f"{_count(names)} {verb}{of if verb == 'failed' else ''}: {listed(names, _MOST_NAMED)}"
        for verb, names in group.by_verb.items()
    )


def _count(names: Sequence[str]) -> str:
    return f"{len(names)} shot" + ("s" if len(names) > 1 else "")


def _cost(group: _Group) -> str:
    """What the tries of a group have cost, by account."""
    sums: dict[str, dict[str, Decimal]] = {}
    for attempt in group.attempts:
        amounts = sums.setdefault(attempt["account"], dict.fromkeys(("charged", "given back", "unknown", "out"), ZERO))
        if attempt["charged"] is not None:
            amounts["charged"] += Decimal(str(attempt["charged"]))
            amounts["given back"] += Decimal(str(attempt["refunded"]))
        elif attempt["status"] in ("unknown", "running"):
            held = "unknown" if attempt["status"] == "unknown" else "out"
            amounts[held] += Decimal(str(attempt["estimated"]))
    words = {"unknown": "held until the outcome is known", "out": "reserved for what is under way"}
    told = [
        f"{text(amount)} {account} credits {words.get(what, what)}"
        for account, amounts in sums.items()
        for what, amount in amounts.items()
        if amount
    ]
    return f"Cost: {', '.join(told) or 'nothing was charged'}."


def _ways(
    groups: Sequence[_Group], waiting: Sequence[str], shots: Sequence[Mapping[str, Any]], typed: Typed
) -> Iterator[tuple[str, str]]:
    """Why something is typed, and what; the latter empty where nothing is."""
    by = {remedy: [n for group in groups if group.remedy is remedy for n in group.names] for remedy in _ORDER}
    change, again = by[Remedy.CHANGE], by[Remedy.AGAIN]
    if by[Remedy.RECOVER]:
        yield f"To learn what became of {listed(by[Remedy.RECOVER], _MOST_NAMED)}:", typed.recover
    if again:
        more = f", and with {listed(change, _MOST_NAMED)} once changed in {typed.recipe}" if change else ""
        yield f"To go on with {listed(again, _MOST_NAMED)}{more}:", typed.again
    elif change:
        yield f"Once you have changed {listed(change, _MOST_NAMED)} in {typed.recipe}:", typed.again
    elif waiting and by[Remedy.RECOVER]:
        yield f"Then, to go on with {listed(waiting, _MOST_NAMED)}:", typed.again
    if anew := _redoable(change, shots):
        as_is = "it is" if len(anew) == 1 else "they are"
        yield f"Or, to try {listed(anew, _MOST_NAMED)} once more as {as_is}:", typed.redo(anew)
    for sentence in typed.caps if by[Remedy.BUDGET] else ():
        why, colon, words = sentence.partition(": rushes ")
        yield (f"{why}:", f"rushes {words}") if colon else (sentence, "")


def _redoable(names: Sequence[str], shots: Sequence[Mapping[str, Any]]) -> list[str]:
    """These takes as `--redo` names them alone: the first take's name means all takes of its shot."""
    there = {str(shot["id"]) for shot in shots if take_name(shot) not in names}
    return [f"{name}@1" if name in there else name for name in names]


def _wrapped(said: str, width: int, indent: str = "", *, first: str = "") -> list[str]:
    return textwrap.wrap(
        line(said),
        max(width, _NARROWEST),
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
