"""What was spent: every attempt that is about money, read from the ledger, and sums over them; never writes.

Credits of different accounts are different things and are never added together; dollars are. Knows neither which
accounts are rehearsals nor how sums are shown.
"""

from __future__ import annotations

import functools
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, localcontext
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from pipeline.money import EXACT, ZERO
from pipeline.store import database
from pipeline.values import dataclass

By = Literal["account", "day", "recipe", "shot"]
Source = Literal["service", "estimate", "user", "not told"]
SOURCES: tuple[Source, ...] = ("service", "estimate", "user", "not told")
_OURS: Mapping[str, Source] = MappingProxyType({"estimate": "estimate", "user": "user", "not told": "not told"})

# The state: 0 holds nothing, 1 a service has it, 2 nobody answered, 3 it was doubted. Doubt and silence are over once a
# job was named.
_PAID = """
SELECT a.first, a.run, a.step, a.at,
  CASE WHEN a.account <> '' THEN a.account WHEN a.provider <> '' THEN a.provider ELSE 'unnamed' END,
  a.credits, a.charged, a.refunded, a.settled_usd, a.source,
  CASE
  WHEN a.charged IS NOT NULL OR a.refused IS NOT NULL OR a.succeeded IS NOT NULL THEN 0
  WHEN a.submitted IS NULL AND a.doubted IS NOT NULL THEN 3
  WHEN a.failed IS NOT NULL THEN 0
  WHEN a.submitted IS NULL THEN 2
  ELSE 1 END,
  json_extract(e.data, '$.book'), json_extract(e.data, '$.priced')
FROM attempts AS a LEFT JOIN events AS e ON e.seq = a.started
WHERE a.account <> '' OR a.settled IS NOT NULL
"""
# WHY: the index `events_once` finds them: what is no step's has no digest.
_LET_GO = "SELECT max(seq) FROM events WHERE run = ? AND digest IS NULL AND kind IN ('RunStarted', 'RunEnded')"


# WHY: tuples, here and below: made by the hundred thousand, frozen dataclasses would take a second more.
class Entry(NamedTuple):
    """One attempt's money in its account's credits; `at` is the ISO time, in UTC, of its reservation.

    `reserved` and `unknown` are still held; `charged` is None until somebody said what it cost, `usd` is that in
    dollars where a credit's price was known. `untold` is what costs, or may yet cost, an amount that nobody has told.
    `book` is the price book of `estimated`, empty where none was told.
    """

    account: str
    recipe: str
    shot: str  # with its take: "dawn@2"
    at: str
    estimated: Decimal
    reserved: Decimal
    unknown: Decimal
    charged: Decimal | None
    refunded: Decimal
    usd: Decimal | None
    source: Source | None
    untold: bool
    book: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What entries of one account come to; `sources` splits `charged` by who said so, of what was charged at all.

    `usd` is what was charged in dollars as far as it is known, and `in_dollars` whether that is all of it; `untold`
    counts the attempts whose amount nobody has told.
    """

    attempts: int
    estimated: Decimal
    reserved: Decimal
    unknown: Decimal
    charged: Decimal
    refunded: Decimal
    usd: Decimal
    in_dollars: bool
    untold: int
    sources: Mapping[Source, Decimal]
    books: tuple[str, ...]
    differing: int = 0  # attempts that were not charged what their estimate said, and by how much in all: above, below
    more: Decimal = ZERO
    less: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The sums of one group of one account: `group` is (), (day,), (recipe,) or (recipe, shot)."""

    account: str
    group: tuple[str, ...]
    sums: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Rows by account and group, and each account's total."""

    by: By
    rows: tuple[Row, ...]
    totals: tuple[Row, ...]


class _Told(NamedTuple):
    """A row of the ledger: an attempt as it stands; `first` is the place of its first event, which names it."""

    first: int
    run: str
    step: str
    at: str
    account: str
    credits: str
    charged: str | None
    refunded: str | None
    usd: str | None
    source: str | None
    state: int
    book: str | None
    priced: int | None


def entries(path: Path, *, at_work: Callable[[str, str], bool] | None = None) -> Iterator[Entry]:
    """Every attempt of the ledger at `path` that is about money, in no order; an absent ledger has none.

    What is free for certain is not about money. `at_work` says of a recipe and its output folder whether a process is
    at work on it: what was sent by one that is gone, and never answered, is unknown. Raises `StoreError`.
    """
    with database.opened(path) as connection:
        connection.execute("BEGIN")  # all that is read is of one moment
        reader = _Reader(connection, at_work or (lambda recipe, output: True))
        for row in connection.execute(_PAID):
            entry = reader.entry(_Told._make(row))
            if entry.estimated or entry.charged or entry.refunded or entry.untold:
                yield entry


def accounts(path: Path) -> set[str]:
    """Every account that an attempt of the ledger at `path` was made on. Raises `StoreError`."""
    with database.opened(path) as connection:
        return {row[0] for row in connection.execute("SELECT DISTINCT account FROM attempts WHERE account <> ''")}


class _Reader:
    """Makes entries of rows, and looks up what a row does not say."""

    def __init__(self, connection: sqlite3.Connection, at_work: Callable[[str, str], bool]) -> None:
        self._connection = connection
        self._at_work = at_work
        rows = connection.execute("SELECT id, recipe, output FROM runs")
        self._runs = {run: (recipe, output) for run, recipe, output in rows}
        self._exact = functools.cache(Decimal)

    def entry(self, told: _Told) -> Entry:
        """The money of an attempt."""
        exact = self._exact
        estimated = exact(told.credits)
        held = estimated if told.state else ZERO
        unknown = held if told.state == 3 or (told.state == 2 and self._is_let_go(told)) else ZERO
        source: Source | None = None
        if told.charged is not None:
            source = _OURS.get(told.source or "not told", "service")
        return Entry(
            account=told.account,
            recipe=self._runs.get(told.run, ("", ""))[0],
            shot=told.step.partition("/")[0],
            at=told.at,
            estimated=estimated,
            reserved=held if not unknown else ZERO,
            unknown=unknown,
            charged=None if told.charged is None else exact(told.charged),
            refunded=exact(told.refunded or "0"),
            usd=None if told.usd is None else exact(told.usd),
            source=source,
            untold=source == "not told" or (told.state > 0 and told.priced == 0),
            book=told.book or "",
        )

    def _is_let_go(self, told: _Told) -> bool:
        """Whether the process that began an attempt has let go of its run, or died."""
        last = self._connection.execute(_LET_GO, (told.run,)).fetchone()[0]
        return (last or 0) > told.first or not self._at_work(*self._runs.get(told.run, ("", "")))


def days(zone: ZoneInfo) -> Callable[[str], str]:
    """What tells the ISO date, in this time zone, of an ISO time in UTC."""

    @functools.cache
    def of_minute(minute: str) -> str:
        return datetime.fromisoformat(minute + "+00:00").astimezone(zone).date().isoformat()

    return lambda at: of_minute(at[:16])


def within(spent: Iterable[Entry], zone: ZoneInfo, *, since: str = "", until: str = "") -> Iterator[Entry]:
    """The entries whose day in this time zone is neither before `since` nor after `until`, both ISO dates or empty."""
    day = days(zone)
    last = until or "9999-12-31"
    return (entry for entry in spent if since <= day(entry.at) <= last)


def summed(spent: Iterable[Entry], by: By, zone: ZoneInfo) -> Spending:
    """The entries added up by account and day, recipe or shot; a day is that of the reservation in this time zone."""
    day = days(zone)
    group: Mapping[By, Callable[[Entry], tuple[str, ...]]] = {
        "account": lambda entry: (),
        "day": lambda entry: (day(entry.at),),
        "recipe": lambda entry: (entry.recipe,),
        "shot": lambda entry: (entry.recipe, entry.shot),
    }
    of = group[by]
    groups: defaultdict[tuple[str, tuple[str, ...]], _Tally] = defaultdict(_Tally)
    whole: defaultdict[str, _Tally] = defaultdict(_Tally)
    with localcontext(EXACT):
        for entry in spent:
            groups[entry.account, of(entry)].add(entry)
        for (account, _), tally in groups.items():
            whole[account].join(tally)
    return Spending(
        by=by,
        rows=tuple(Row(account=name, group=key, sums=groups[name, key].sums()) for name, key in sorted(groups)),
        totals=tuple(Row(account=name, group=(), sums=whole[name].sums()) for name in sorted(whole)),
    )


class _Tally:
    """Sums while entries are added."""

    def __init__(self) -> None:
        self._attempts = self._untold = 0
        self._estimated = self._reserved = self._unknown = ZERO
        self._charged = self._refunded = self._usd = ZERO
        self._differing, self._more, self._less = 0, ZERO, ZERO
        self._in_dollars = True
        self._sources: dict[Source, Decimal] = {}
        self._books: dict[str, None] = {}

    def add(self, entry: Entry) -> None:
        """Counts an entry."""
        self._attempts += 1
        self._estimated += entry.estimated
        self._reserved += entry.reserved
        self._unknown += entry.unknown
        self._refunded += entry.refunded
        if entry.book:
            self._books[entry.book] = None
        if entry.source and entry.charged is not None:
            self._charged += entry.charged
            self._sources[entry.source] = self._sources.get(entry.source, ZERO) + entry.charged
            if entry.charged != entry.estimated and (entry.estimated or entry.book):  # else there was no estimate
                self._differing += 1
                self._more += max(ZERO, entry.charged - entry.estimated)
                self._less += max(ZERO, entry.estimated - entry.charged)
        if entry.usd is not None:
            self._usd += entry.usd
        elif entry.charged:
            self._in_dollars = False
        if entry.untold:
            self._untold += 1
            self._in_dollars = False

    def join(self, other: _Tally) -> None:
        """Counts all that another has counted."""
        self._attempts += other._attempts
        self._untold += other._untold
        self._estimated += other._estimated
        self._reserved += other._reserved
        self._unknown += other._unknown
        self._charged += other._charged
        self._refunded += other._refunded
        self._usd += other._usd
        self._differing += other._differing
        self._more += other._more
        self._less += other._less
        self._in_dollars &= other._in_dollars
        self._books |= other._books
        for source, charged in other._sources.items():
            self._sources[source] = self._sources.get(source, ZERO) + charged

    def sums(self) -> Sums:
        """What was added, as a value."""
        return Sums(
            attempts=self._attempts,
            estimated=self._estimated,
            reserved=self._reserved,
            unknown=self._unknown,
            charged=self._charged,
            refunded=self._refunded,
            usd=self._usd,
            in_dollars=self._in_dollars,
            untold=self._untold,
            sources={source: self._sources[source] for source in SOURCES if source in self._sources},
            books=tuple(sorted(self._books)),
            differing=self._differing,
            more=self._more,
            less=self._less,
        )
