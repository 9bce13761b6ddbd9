"""What was spent, for people and for scripts: a table, JSON or Markdown, the same figures in each.

No figure is ever cut to fit, and what stands with an account of a rehearsal comes apart, after what is real.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.digest import dumps
from pipeline.money import ZERO, text
from pipeline.plan.room import Room
from pipeline.providers.address import REHEARSAL
from pipeline.report.caps import cap_lines, caps_json, unseen, unseen_json
from pipeline.report.exact import dollars, plain
from pipeline.report.legible import cells, fit, line, pad, wrap
from pipeline.store.balances import Change
from pipeline.store.spending import By, Row, Source, Spending, Sums
from pipeline.values import dataclass

REHEARSED = "Rehearsals, whose credits are no money"
_FIGURES = ("attempts", "estimated", "reserved", "unknown", "charged", "refunded", "dollars")
_TOLD = "charge told"
_GROUPS: Mapping[By, tuple[str, ...]] = {
    "account": (),
    "day": ("day",),
    "recipe": ("recipe",),
    "shot": ("recipe", "shot"),
}
_TELLERS: Mapping[Source, str] = {
    "service": "by the service",
    "estimate": "by the estimate",
    "user": "by you",
    "not told": "by nobody",
}
_LEAST_NAME = 12  # columns of a name that is cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the sums were asked for: days and names are empty where all are meant, `place` is the workspace's folder."""

    place: str
    time_zone: str = "UTC"
    since: str = ""
    until: str = ""
    account: str = ""
    recipe: str = ""

    def __str__(self) -> str:
        days = f"from {self.since} " * bool(self.since) + f"to {self.until}" * bool(self.until)
        parts = [self.account and f"on {self.account}", self.recipe and f"for {self.recipe}", days.strip()]
        return " ".join(filter(None, parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What the ledger tells beside its sums: what the user's caps leave now, and what balances say that it does not."""

    caps: Sequence[Room] = ()
    changes: Sequence[Change] = ()

    def lines(self, zone: str) -> list[str]:
        """A sentence for each."""
        said = list(cap_lines(caps_json(self.caps, asked=False), zone, {}))
        return said + list(unseen(map(unseen_json, self.changes)))


NOTHING = Beside()


def ledger_table(spent: Spending, asked: Asked, width: int = 110, beside: Beside = NOTHING) -> str:
    """A line a group and blocks by account, in `width` columns where the figures leave names any room."""
    notes = [part for said in beside.lines(asked.time_zone) for part in wrap(said, max(width, 40))]
    if not spent.totals:
        return "\n".join([nothing(asked), *notes])
    lines: list[str] = []
    for title, part in _parts(spent):
        lines += ["", title, ""] if title and lines else [title, ""] if title else []
        lines += _accounts(part, width) if spent.by == "account" else _blocks(part, asked, width)
        if not title:
            lines += textwrap.wrap(worth(part), width)
    return "\n".join([*lines, *([""] if notes else []), *notes])


def ledger_markdown(spent: Spending, asked: Asked, width: int = 0, beside: Beside = NOTHING) -> str:
    """The same as Markdown: a table of every group and total, then where the figures come from."""
    notes = [f"- {_cell(said)}" for said in beside.lines(asked.time_zone)]
    if not spent.totals:
        return "\n".join([_cell(nothing(asked)), *([""] if notes else []), *notes, ""])
    lines = ["# Ledger", ""]
    names = ["account", *_GROUPS[spent.by]]
    for title, part in _parts(spent):
        lines += [f"## {_cell(title)}", ""] if title else []
        lines.append(f"| {' | '.join([*names, *_FIGURES, _TOLD])} |")
        lines.append(f"|{'---|' * len(names)}{'---:|' * len(_FIGURES)}---|")
        for row in part.rows:
            lines.append(_grid_row([row.account, *row.group], row.sums))
        if part.by != "account":
            for row in part.totals:
                lines.append(_grid_row([row.account, *["total", ""][: len(names) - 1]], row.sums, strong=True))
        lines += ["", *(f"- {_cell(f'{row.account}: {prices(row.sums)}{differing(row.sums)}')}" for row in part.totals)]
        lines += [f"- {_cell(worth(part))}"] if not title else []
        lines.append("")
    return "\n".join([*lines, *notes, *([""] if notes else [])])


def ledger_json(spent: Spending, asked: Asked, width: int = 0, beside: Beside = NOTHING) -> str:
    """The same as JSON with exact numbers; `usd` is null where dollars are not all known."""
    real = [row for row in spent.totals if not _is_rehearsal(row)]
    unknown = [row.account for row in real if not row.sums.in_dollars]
    known = sum((row.sums.usd for row in real), ZERO)
    document = {
        "by": spent.by,
        "time_zone": asked.time_zone,
        "since": asked.since or None,
        "until": asked.until or None,
        "rows": [_document(row, spent.by) for row in _in_order(spent.rows)],
        "totals": [_document(row, "account") for row in _in_order(spent.totals)],
        "usd": {"total": None if unknown else known, "known": known, "not_known_for": unknown},
        "caps": caps_json(beside.caps, asked=False),
        "unseen": [unseen_json(change) for change in beside.changes],
    }
    return dumps(plain(document), indent=2)


Show = Callable[[Spending, Asked, int, Beside], str]
FORMATS: Mapping[str, Show] = {"table": ledger_table, "json": ledger_json, "markdown": ledger_markdown}


def nothing(asked: Asked) -> str:
    """The sentence for sums of nothing."""
    said = str(asked)
    return f"Nothing was spent here{f' {said}' if said else ''}: {line(asked.place)}"


def told_by(sums: Sums) -> str:
    """Who said what was charged: one teller, or how much each of them told; `-` where nothing was charged."""
    parts = [(charged, _TELLERS[source]) for source, charged in sums.sources.items() if charged]
    untold = f"{sums.untold} not told" if sums.untold else ""
    if len(parts) == 1 and not untold:
        return parts[0][1]
    return ", ".join([*(f"{text(charged)} {teller}" for charged, teller in parts), *filter(None, [untold])]) or "-"


def prices(sums: Sums) -> str:
    """The price books that the estimates come from, each with its places."""
    places: dict[str, list[str]] = {}
    for book in sums.books:
        name, comma, place = book.rpartition(", ")
        places.setdefault(name if comma else book, []).extend([place] if comma else [])
    if not sums.estimated:
        return "nothing was estimated, since no price was known"
    if not places:
        return "the ledger does not tell which price book its estimates come from"
    books = (f"{name} ({', '.join(found)})" if found else name for name, found in places.items())
    return f"estimated by {'; '.join(books)}"


def differing(sums: Sums) -> str:
    """How many charges are not what was estimated, and by how much; empty where none is."""
    if not sums.differing:
        return ""
    noun = "charge differs" if sums.differing == 1 else "charges differ"
    parts = [f"{text(sums.more)} more"] * bool(sums.more) + [f"{text(sums.less)} less"] * bool(sums.less)
    return f"; {sums.differing} {noun} from that, {' and '.join(parts)} in all"


def worth(spent: Spending) -> str:
    """What all accounts were charged in dollars, as far as that is known."""
    known = sum((row.sums.usd for row in spent.totals), ZERO)
    unknown = [row.account for row in spent.totals if not row.sums.in_dollars]
    if not unknown:
        return f"Dollars: {dollars(known)}"
    whose = ", ".join(unknown)
    some = any(row.sums.usd for row in spent.totals)
    return f"Dollars: {dollars(known)}, and what is not known of {whose}" if some else f"Dollars: not known of {whose}"


def _is_rehearsal(row: Row) -> bool:
    return row.account.endswith(REHEARSAL)


def _in_order(rows: Sequence[Row]) -> list[Row]:
    """The rows of real accounts, then those of rehearsals."""
    return sorted(rows, key=_is_rehearsal)


def _parts(spent: Spending) -> Iterator[tuple[str, Spending]]:
    """What is real, without a title, then what was rehearsed, each only where there is any."""
    for title, rehearsed in (("", False), (REHEARSED, True)):
        rows = tuple(row for row in spent.rows if _is_rehearsal(row) is rehearsed)
        totals = tuple(row for row in spent.totals if _is_rehearsal(row) is rehearsed)
        if totals:
            yield title, Spending(by=spent.by, rows=rows, totals=totals)


def _accounts(spent: Spending, width: int) -> Iterator[str]:
    """A line an account, then where its figures come from."""
    body = [([row.account], row.sums) for row in spent.totals]
    shown, told = _table(["account"], body, width)
    yield from shown
    yield ""
    for row in spent.totals:
        yield from _sourced(f"{row.account}: ", row.sums, width, tellers=not told)


def _blocks(spent: Spending, asked: Asked, width: int) -> Iterator[str]:
    """A block an account: a line a group, their sum, and where the figures come from."""
    names = _GROUPS[spent.by]
    zone = f", days of {asked.time_zone}" if spent.by == "day" else ""
    for total in spent.totals:
        own = [(list(row.group), row.sums) for row in spent.rows if row.account == total.account]
        shown, told = _table(names, [*own, (["total", *[""] * (len(names) - 1)], total.sums)], width)
        yield f"{line(total.account)}{zone}"
        yield from shown
        yield from _sourced("", total.sums, width, tellers=not told)
        yield ""


def _sourced(start: str, sums: Sums, width: int, *, tellers: bool) -> list[str]:
    """Where an account's figures come from, in lines; `tellers`: also who told the charges."""
    charged = f"{_TOLD} {told_by(sums)}; " if tellers and (sums.charged or sums.untold) else ""
    said = line(f"{start}{charged}{prices(sums)}{differing(sums)}")
    return textwrap.wrap(said, max(width, 40), subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _table(names: Sequence[str], body: Sequence[tuple[list[str], Sums]], width: int) -> tuple[list[str], bool]:
    """Lines of a table, and whether it has room for who told the charges; only names are cut, to a dozen columns."""
    left = [[line(name) or "?" * (not i) for i, name in enumerate(group)] for group, _ in body]
    head = [name.upper() for name in (*names, *_FIGURES, _TOLD)]
    rows = [[*group, *_figures(sums), told_by(sums)] for group, (_, sums) in zip(left, body, strict=True)]
    widths = [max(cells(row[i]) for row in [head, *rows]) for i in range(len(head))]
    told = sum(widths) + 2 * (len(widths) - 1) <= width
    if not told:
        widths.pop()
    room = width - sum(widths[len(names) :]) - 2 * (len(widths) - 1)
    while sum(widths[: len(names)]) > room and max(widths[: len(names)]) > _LEAST_NAME:
        widths[widths.index(max(widths[: len(names)]))] -= 1
    right = range(len(names), len(names) + len(_FIGURES))
    return [
        "  ".join(pad(fit(row[i], wide), wide, right=i in right) for i, wide in enumerate(widths)).rstrip()
        for row in [head, *rows]
    ], told


def _figures(sums: Sums) -> list[str]:
    amounts = (sums.estimated, sums.reserved, sums.unknown, sums.charged, sums.refunded)
    return [f"{sums.attempts:,}", *map(text, amounts), dollars(sums.usd) if sums.in_dollars else "not known"]


def _document(row: Row, by: By) -> dict[str, Any]:
    sums = row.sums
    return {
        "account": row.account,
        "rehearsal": _is_rehearsal(row),
        **dict(zip(_GROUPS[by], row.group, strict=True)),
        "attempts": sums.attempts,
        "estimated": sums.estimated,
        "reserved": sums.reserved,
        "unknown": sums.unknown,
        "charged": sums.charged,
        "refunded": sums.refunded,
        "usd": sums.usd if sums.in_dollars else None,
        "sources": {source.replace(" ", "_"): sums.sources.get(source, ZERO) for source in _TELLERS},
        "untold": sums.untold,
        "books": list(sums.books),
        "differences": {"attempts": sums.differing, "more": sums.more, "less": sums.less},
    }


_MARKUP = re.compile(r"[\\`*_\[\]#!|<>~&@]|:(?=//)|(?<=www)\.", re.IGNORECASE)


def _cell(said: str) -> str:
    """A text as Markdown that shows exactly that: no markup, no link, no HTML."""
    return _MARKUP.sub(lambda sign: f"&#{ord(sign[0])};", line(said))


def _grid_row(names: Sequence[str], sums: Sums, *, strong: bool = False) -> str:
    mark = "**" if strong else ""
    shown = [_cell(cell) for cell in (*names, *_figures(sums), told_by(sums))]
    return f"| {' | '.join(f'{mark}{cell}{mark}' if cell else '' for cell in shown)} |"
