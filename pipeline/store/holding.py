"""What every run on one ledger holds at each account, by when it was reserved: the table `held`, exact to the digit.

An attempt holds what it has reserved until it is settled, then what was charged; one that was refused, or failed or
was cancelled after its service took it, holds nothing. Follows from `attempts` alone; knows no caps and no time zones.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from pipeline.money import EXACT, ZERO

KINDS = frozenset({"Started", "Submitted", "Refused", "Doubted", "Settled", "Failed", "Cancelled", "Gone"})
"""The events that may change what is held."""

# WHY: a failure frees what its service has taken or refused; a doubt that no service cleared up is held all the same.
FREED = "(refused IS NOT NULL OR failed IS NOT NULL AND (doubted IS NULL OR submitted IS NOT NULL))"
"""Whether an attempt that was not settled holds nothing any more, by its row."""

_AMOUNTS = f"""
  CASE WHEN settled IS NOT NULL THEN charged WHEN {FREED} THEN '0' ELSE credits END,
  CASE WHEN settled IS NOT NULL THEN settled_usd WHEN {FREED} THEN '0' ELSE usd END
"""
_TOUCHED = f"""
SELECT a.account, a.at, {_AMOUNTS}
FROM (
  SELECT DISTINCT key, run, step, attempt FROM events
  WHERE seq > ? AND kind IN ('Started', 'Submitted', 'Refused', 'Doubted', 'Settled', 'Failed', 'Cancelled', 'Gone')
) AS t
JOIN attempts AS a ON a.key = t.key AND a.run = t.run AND a.step = t.step AND a.attempt = t.attempt
WHERE a.account <> ''
"""
_SUMS = """
SELECT p.key, h.account, h.credits, h.usd
FROM json_each(?) AS p JOIN held AS h ON h.grain = json_extract(p.value, '$[0]')
  AND h.span >= json_extract(p.value, '$[1]') AND h.span < json_extract(p.value, '$[2]')
"""

_NAMED = "WHERE grain = ? AND span = ? AND account = ?"

Name = tuple[str, str, str]
Row = tuple[str, str, str, str | None]
Span = tuple[str, str]
"""From one moment until before another, ISO times in UTC; the moments are looked at by the quarter of an hour."""


class Held(NamedTuple):
    """An amount of credits, and what of it is known in dollars."""

    credits: Decimal = ZERO
    usd: Decimal = ZERO

    def plus(self, other: Held) -> Held:
        """Both together, exactly."""
        return Held(EXACT.add(self.credits, other.credits), EXACT.add(self.usd, other.usd))

    def less(self, other: Held) -> Held:
        """What is left of it without the other, exactly."""
        return Held(EXACT.subtract(self.credits, other.credits), EXACT.subtract(self.usd, other.usd))


def add(one: Decimal, other: Decimal) -> Decimal:
    """The exact sum, however many digits it has."""
    return EXACT.add(one, other)


def touched(connection: sqlite3.Connection, after: int) -> list[Row]:
    """What the attempts hold now that the events beyond `after` speak of: (account, at, credits, usd)."""
    return connection.execute(_TOUCHED, (after,)).fetchall()


def note(connection: sqlite3.Connection, before: Iterable[Row], now: Iterable[Row]) -> None:
    """Puts what attempts hold now in the place of what they held before; in a transaction."""
    found: dict[Name, Held] = {}
    for rows, change in ((now, Held.plus), (before, Held.less)):
        for account, at, credits, usd in rows:
            amount = _held(credits, usd)
            for name in (("day", at[:10], account), ("quarter", quarter(at), account)):
                found[name] = change(found.get(name, Held()), amount)
    for name, difference in sorted(found.items()):
        if any(difference):
            row = connection.execute(f"SELECT credits, usd FROM held {_NAMED}", name).fetchone()
            left = difference.plus(_held(*row)) if row else difference
            if any(left):
                told = (*name, _text(left.credits), _text(left.usd))
                connection.execute("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?)", told)
            else:
                connection.execute(f"DELETE FROM held {_NAMED}", name)


def sums(connection: sqlite3.Connection, spans: Sequence[Span]) -> list[dict[str, Held]]:
    """For each span, by account, what is held of all that was reserved in it; one query, however many they are."""
    parts = [(number, part) for number, span in enumerate(spans) for part in _parts(*span)]
    found: list[dict[str, Held]] = [{} for _ in spans]
    for place, account, credits, usd in connection.execute(_SUMS, (json.dumps([part for _, part in parts]),)):
        mine = found[parts[place][0]]
        mine[account] = mine.get(account, Held()).plus(_held(credits, usd))
    return found


def quarter(at: str) -> str:
    """The quarter of an hour that a moment is in: "2026-11-21T10:15"."""
    # WHY: wherever people live, midnight falls on one, so that days of any time zone can be added up from them.
    minute = at[14:16]
    return f"{at[:14]}{int(minute) // 15 * 15:02}" if len(minute) == 2 and minute.isdecimal() else at[:16]


def _parts(since: str, until: str) -> list[tuple[str, str, str]]:
    """The whole days in UTC of a span, and the quarters of an hour before and after them: (grain, from, until)."""
    first, end = quarter(since), quarter(until)
    day = date.fromisoformat(first[:10])
    if not first.endswith("T00:00"):
        day += timedelta(days=1)
    whole, last = day.isoformat(), end[:10]
    if whole >= last:
        return [("quarter", first, end)]
    return [("quarter", first, whole), ("day", whole, last), ("quarter", last, end)]


def _held(credits: str, usd: str | None) -> Held:
    return Held(Decimal(credits), Decimal(usd) if usd is not None else ZERO)


def _text(value: Decimal) -> str:
    """One text an amount, however it came about."""
    return f"{EXACT.normalize(value):f}" if value else "0"
