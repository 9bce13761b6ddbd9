"""What accounts had left whenever that was asked, and what two balances tell that no attempt of any run explains.

Only what is certain is told: an attempt that was under way at a balance may be in it in full, in part or not at all.
Credits that came in and others that were spent elsewhere between two balances hide each other.
"""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from pipeline.money import EXACT, ZERO
from pipeline.store import database
from pipeline.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What an account had left at a moment (ISO, UTC): the ledger's last event was `asked` before, `told` after it."""

    account: str
    at: str
    credits: Decimal
    asked: int
    told: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What two balances of an account tell: credits certainly spent outside this ledger, or certainly come in.

    At most one of the two is more than nothing. What came in was bought, or given back later than was told.
    """

    account: str
    since: str  # ISO times in UTC, of the balance before and of this one
    at: str
    outside: Decimal = ZERO
    came_in: Decimal = ZERO

    def __bool__(self) -> bool:
        return bool(self.outside or self.came_in)


def keep(path: Path, account: str, credits: Decimal, *, at: str, asked: int) -> None:
    """Writes a balance down in the ledger at `path`; `asked` is its last event before the question. `StoreError`."""
    with database.opened(path, read_only=False) as connection, database.transaction(connection):
        told = connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0]
        connection.execute(
            "INSERT OR REPLACE INTO balances (account, told, at, asked, credits) VALUES (?, ?, ?, ?, ?)",
            (account, told, at, asked, f"{credits:f}"),
        )


def changes(path: Path, account: str = "", *, since: str = "") -> list[Change]:
    """What each balance told, of one account or of all, kept at `since` (ISO, UTC) or later. Raises `StoreError`."""
    with database.opened(path) as connection:
        rows = connection.execute("SELECT DISTINCT account FROM balances WHERE ?1 IN ('', account)", (account,))
        names = [row[0] for row in rows.fetchall()]
        found = []
        for name in names:
            kept = [pair for pair in pairwise(_balances(connection, name)) if pair[1].at >= since]
            spans = _spans(connection, name, kept[0][0].asked) if kept else []
            found += [change for before, after in kept if (change := compare(before, after, spans))]
        return found


def latest(path: Path, account: str) -> Balance | None:
    """The last balance of an account. Raises `StoreError`."""
    with database.opened(path) as connection:
        return next(iter(_balances(connection, account)[-1:]), None)


def fell(path: Path, account: str, key: str, run: str, step: str, attempt: int) -> Decimal | None:
    """By how much an account fell since the last balance before an attempt, less what all others took for certain.

    Up to its last balance; less than nothing where it rose. None where no two such balances are there, or other
    attempts leave it open. It is evidence of what the attempt cost, and no proof. Raises `StoreError`.
    """
    with database.opened(path) as connection:
        row = connection.execute(
            "SELECT first FROM attempts WHERE key = ? AND run = ? AND step = ? AND attempt = ?",
            (key, run, step, attempt),
        ).fetchone()
        kept = _balances(connection, account)
        first = row[0] if row else 0
        before = next((one for one in reversed(kept) if one.told < first), None)
        if before is None or kept[-1].asked < first:
            return None
        others = [span for span in _spans(connection, account, before.asked) if span.first != first]
    took = EXACT.subtract(before.credits, kept[-1].credits)
    for span in others:
        if span.first > kept[-1].told:
            continue
        if span.first <= before.told or span.end is None or span.end > kept[-1].asked or not span.certain:
            return None
        took = EXACT.subtract(took, span.charged)
    return took


class Span(NamedTuple):
    """What an attempt may have done to its account's balance, and between which events: `end` is None while it may."""

    first: int
    end: int | None
    most: Decimal | None  # that it may have taken; None: nobody knows
    charged: Decimal  # what it took in the end
    certain: bool  # the service itself has said so


def compare(before: Balance, after: Balance, spans: list[Span]) -> Change:
    """What two balances tell beside what these attempts explain."""
    took = EXACT.subtract(before.credits, after.credits)
    most: Decimal | None = ZERO
    least = ZERO
    for span in spans:
        if span.first > after.told or (span.end is not None and span.end <= before.asked):
            continue
        most = None if most is None or span.most is None else EXACT.add(most, span.most)
        if span.first <= before.told:  # it may have been counted already, and what it held be given back
            least = EXACT.subtract(least, span.most or ZERO)
        elif span.end is not None and span.end <= after.asked and span.certain:
            least = EXACT.add(least, span.charged)
    return Change(
        account=after.account,
        since=before.at,
        at=after.at,
        outside=ZERO if most is None else max(ZERO, EXACT.subtract(took, most)),
        came_in=max(ZERO, EXACT.subtract(least, took)) if most is not None else ZERO,
    )


# WHY: what was doubted and then refused or given up was ended by somebody's word; until then it may have been charged.
_SPANS = """
SELECT first, coalesce(settled, refused, CASE WHEN submitted IS NOT NULL THEN failed END),
  credits, charged, source, refused IS NOT NULL AND doubted IS NULL AND charged IS NULL
FROM attempts WHERE account = ?1
  AND coalesce(settled, refused, CASE WHEN submitted IS NOT NULL THEN failed END, ?2 + 1) > ?2
"""
_OURS = frozenset({"estimate", "user", "not told"})


def _spans(connection: sqlite3.Connection, account: str, after: int) -> list[Span]:
    """The attempts of an account that were not over at the event `after`."""
    found = []
    for first, end, reserved, charged, source, free in connection.execute(_SPANS, (account, after)):
        credits, took = Decimal(reserved), Decimal(charged or 0)
        most = ZERO if free else max(credits, took) if credits or charged is not None else None
        certain = free or (charged is not None and source not in _OURS)
        found.append(Span(first, end, most, took, certain))
    return found


def _balances(connection: sqlite3.Connection, account: str) -> list[Balance]:
    rows = connection.execute(
        "SELECT account, at, credits, asked, told FROM balances WHERE account = ? ORDER BY told, at", (account,)
    )
    return [
        Balance(account=name, at=at, credits=Decimal(credits), asked=asked, told=told)
        for name, at, credits, asked, told in rows
    ]
