"""What the workspace knows: its runs, their events, and which key has which result, or failed, or is still out there.

Reading is here; the events of a run under way are written through a `Journal`. Knows neither plans nor recipes: those
are JSON to it.
"""

from __future__ import annotations

import functools
import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pipeline import digest, events
from pipeline.errors import StoreError
from pipeline.events import Event
from pipeline.store import database, derive, entries, faults, holding
from pipeline.store.entries import Kept as Kept
from pipeline.store.entries import Line as Line
from pipeline.store.entries import Money as Money
from pipeline.store.entries import Pending as Pending
from pipeline.store.entries import Run as Run
from pipeline.store.entries import Standing as Standing
from pipeline.store.entries import Unsettled as Unsettled
from pipeline.store.holding import Held, Span

if TYPE_CHECKING:
    from pipeline.store.journal import Journal

_KEPT = """
SELECT r.key, e.data, e.run, e.step, a.provider, a.account, a.charged, a.settled_usd, a.source, e.at
FROM json_each(?) AS k JOIN results AS r ON r.key = k.value JOIN events AS e ON e.seq = r.seq
JOIN attempts AS a ON a.run = e.run AND a.step = e.step AND a.key = e.key AND a.attempt = e.attempt
"""
_MADE = "SELECT r.key FROM json_each(?) AS k JOIN results AS r ON r.key = k.value"
_STANDING = """
SELECT s.key, e.run, e.step, e.data, e.at
FROM json_each(?) AS k JOIN standing AS s ON s.key = k.value JOIN events AS e ON e.seq = s.seq
"""
_PENDING = f"""
SELECT key, run, step, attempt, provider, account, job_id, credits, usd,
  doubted IS NOT NULL AND submitted IS NULL, at, settled IS NOT NULL, settled IS NOT NULL AND
  (run, step, key, attempt) IN (SELECT run, step, key, attempt FROM events WHERE kind = 'Failed')
FROM attempts WHERE {derive.OPEN}"""
_WITH_REQUESTS = """
SELECT a.key, a.run, a.step, a.attempt, a.provider, a.account, a.job_id, a.credits, a.usd,
  a.doubted IS NOT NULL AND a.submitted IS NULL, a.at, a.settled IS NOT NULL,
  coalesce(r.recipe, ''), coalesce(r.recipe_path, ''), coalesce(r.output, ''), coalesce(r.options, '{}'), e.data
FROM (SELECT * FROM attempts WHERE %s) AS a
LEFT JOIN runs AS r ON r.id = a.run LEFT JOIN events AS e ON e.seq = a.started
"""
_UNSETTLED = _WITH_REQUESTS % derive.OPEN + " ORDER BY a.first"
_JOBS = (
    _WITH_REQUESTS % "account = ? AND submitted IS NOT NULL AND started IS NOT NULL AND at >= ?"
    + " ORDER BY a.first DESC LIMIT 20"
)
_EVENTS = "SELECT kind, data FROM events WHERE run = ? ORDER BY seq"
# WHY: from the table of attempts, since a run's events lie scattered and take ten times as long to gather.
_MONEY = f"""
SELECT step, attempt, account, credits, usd, charged, settled_usd, {holding.FREED} AS freed,
  coalesce(iif(charged <> credits, (SELECT json_extract(data, '$.priced') FROM events WHERE seq = started), 1), 1)
FROM attempts WHERE run = ? AND account <> '' ORDER BY first
"""
_TRIED = "SELECT step, max(attempt) FROM attempts WHERE run = ? AND started IS NOT NULL GROUP BY step"
_ILL = "SELECT 1 FROM attempts WHERE run = ? AND succeeded IS NULL AND (failed IS NOT NULL OR settled IS NOT NULL)"
_OF_FAILURES = """
SELECT kind, data FROM events WHERE run = ?1 AND kind IN ('Started', 'Submitted', 'Failed')
  AND (step, attempt) IN (SELECT step, attempt FROM events WHERE run = ?1 AND kind = 'Failed') ORDER BY seq
"""
# What is read later replaces what was read before: the attempt to go on with comes last.
_IN_ORDER = " ORDER BY job_id IS NOT NULL, first"
Asked = ParamSpec("Asked")
Found = TypeVar("Found")

_RUN = "SELECT id, recipe, recipe_path, output, date, status, started_at, finished_at, plan, options FROM runs"


def _decoding(asked: Callable[Asked, Found]) -> Callable[Asked, Found]:
    """Lets what a row cannot mean be told as a `StoreError`."""

    @functools.wraps(asked)
    def told(*given: Asked.args, **named: Asked.kwargs) -> Found:
        try:
            return asked(*given, **named)
        except entries.STRANGE as error:
            ledger = given[0]
            assert isinstance(ledger, Ledger)
            raise StoreError(
                f"The ledger {ledger.path} holds what this Rushes cannot read: {error}.",
                "Upgrade Rushes; or put back a copy of the ledger, or name another workspace with --workspace.",
            ) from error

    return told


class Ledger:
    """The database at `path`, for reading from any thread and for what is not an event; a context manager.

    To read only, nothing is created and an absent one reads as empty. Everything raises `StoreError`.
    """

    def __init__(
        self, path: Path, *, read_only: bool = False, patience_seconds: float = database.PATIENCE_SECONDS
    ) -> None:
        self.path = path
        self._patience_seconds = patience_seconds
        self._lock = threading.RLock()
        self._connection = database.connect(path, read_only=read_only, patience_seconds=patience_seconds)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the file; may be called again."""
        with self._lock:
            self._connection.close()

    @_decoding
    def kept(self, keys: Iterable[str]) -> dict[str, Kept]:
        """The results that these keys have."""
        rows = self._rows(_KEPT, _list(keys))
        # WHY: one text is read in little more than half the time that a thousand take.
        told = digest.loads(f"[{','.join(row[1] for row in rows)}]")
        return {row[0]: entries.kept(row, values["result"]) for row, values in zip(rows, told, strict=True)}

    def made(self, keys: Iterable[str]) -> set[str]:
        """Those of these keys that have a result."""
        return {key for (key,) in self._rows(_MADE, _list(keys))}

    @_decoding
    def standing(self, keys: Iterable[str]) -> dict[str, Standing]:
        """The failures that stand for these keys."""
        found: dict[str, Standing] = {}
        for key, run, step, data, at in self._rows(_STANDING, _list(keys)):
            values = digest.loads(data)
            told = {name: values.get(name, "") for name in ("error", "hint", "cause")}
            found[key] = Standing(key=key, run=run, step=step, at=at, **told)
        return found

    @_decoding
    def pending(self, keys: Iterable[str] | None = None) -> dict[str, Pending]:
        """What is still out there for these keys, or for all; of several attempts the last one that has a job."""
        if keys is None:
            rows = self._rows(_PENDING + _IN_ORDER)
        else:
            rows = self._rows(_PENDING + " AND key IN (SELECT value FROM json_each(?))" + _IN_ORDER, _list(keys))
        return {row[0]: entries.pending(row) for row in rows}

    @_decoding
    def unsettled(self) -> list[Unsettled]:
        """Every attempt that has no end yet, also several of one key, in the order they were begun."""
        return [entries.unsettled(row) for row in self._rows(_UNSETTLED)]

    @_decoding
    def jobs(self, account: str, since: str) -> list[Unsettled]:
        """The newest 20 attempts of an account that its service took, begun at `since` (ISO, UTC) or later."""
        return [entries.unsettled(row) for row in self._rows(_JOBS, account, since)]

    def taken(self, provider: str, jobs: Iterable[str]) -> set[str]:
        """Those of these jobs of a provider that some attempt has."""
        query = "SELECT job_id FROM attempts WHERE provider = ? AND job_id IN (SELECT value FROM json_each(?))"
        return {row[0] for row in self._rows(query, provider, _list(jobs))}

    def last(self) -> int:
        """The number of the last event of all, 0 where there is none."""
        return int(self._rows("SELECT coalesce(max(seq), 0) FROM events")[0][0])

    def held(self, spans: Sequence[Span]) -> list[dict[str, Held]]:
        """For each span of time, by account, what is reserved, charged or unknown of all that was reserved in it."""
        with self._reading() as connection:
            return holding.sums(connection, spans)

    def redos(self, keys: Iterable[str] | None = None) -> dict[str, int]:
        """How often each of these base keys, or of all, was asked for anew, where it was."""
        if keys is None:
            return dict(self._rows("SELECT key, number FROM redos"))
        query = "SELECT r.key, r.number FROM json_each(?) AS k JOIN redos AS r ON r.key = k.value"
        return dict(self._rows(query, _list(keys)))

    @_decoding
    def runs(self, *, recipe: str | None = None, output: str | None = None, plans: bool = True) -> list[Run]:
        """The runs, newest first; without `plans` their plan and options are None, and many are listed quickly."""
        query = _RUN if plans else _RUN.replace("plan, options", "'null', 'null'")
        rows = self._rows(
            f"{query} WHERE (?1 IS NULL OR recipe = ?1) AND (?2 IS NULL OR output = ?2)"
            " ORDER BY started_at DESC, rowid DESC",
            recipe,
            output,
        )
        return [entries.run(row) for row in rows]

    @_decoding
    def latest(self, recipe: str, output: str) -> Run | None:
        """The newest run of this recipe with this output."""
        rows = self._rows(
            f"{_RUN} WHERE recipe = ? AND output = ? ORDER BY started_at DESC, rowid DESC LIMIT 1", recipe, output
        )
        return entries.run(rows[0]) if rows else None

    @_decoding
    def run(self, id: str) -> Run | None:
        """The run of this id."""
        rows = self._rows(f"{_RUN} WHERE id = ?", id)
        return entries.run(rows[0]) if rows else None

    @_decoding
    def events(self, run: str) -> list[Event]:
        """What happened in a run, in order."""
        return _told(self._rows(_EVENTS, run))

    def tried(self, run: str) -> dict[str, int]:
        """The number of the last attempt at each step that a run has begun."""
        return dict(self._rows(_TRIED, run))

    @_decoding
    def money(self, run: str) -> list[Money]:
        """The paid attempts of a run, in the order they were begun."""
        return [entries.money(row) for row in self._rows(_MONEY, run)]

    @_decoding
    def failures(self, run: str) -> list[Event]:
        """The failures in a run, each with how its attempt began, in order."""
        return _told(self._rows(_OF_FAILURES, run)) if self._rows(f"{_ILL} LIMIT 1", run) else []

    def steps_made(self, recipe: str, output: str) -> dict[str, Line]:
        """By step id, what it was last made or reused with, by any run of this recipe with this output."""
        rows = self._rows("SELECT step, key, base, own FROM lines WHERE recipe = ? AND output = ?", recipe, output)
        return {step: Line(key=key, base=base, own=own) for step, key, base, own in rows}

    def remember(self, recipe: str, output: str, lines: Mapping[str, Line]) -> None:
        """Notes by step id what steps were made or reused with, durably; others stay as they are."""
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO lines (recipe, output, step, key, base, own) VALUES (?, ?, ?, ?, ?, ?)",
                [(recipe, output, step, line.key, line.base, line.own) for step, line in lines.items()],
            )

    def begin(self, run: Run, *, redo: Mapping[str, int] | None = None) -> None:
        """Notes a run, or that a known one goes on with this plan, and raises each base key's redo number to the given.

        One durable transaction. A run that goes on keeps its first start, date and place.
        """
        told = digest.dumps(run.plan), digest.dumps(run.options)
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO runs (id, recipe, recipe_path, output, date, status, started_at, finished_at, plan,"
                " options) VALUES (?, ?, ?, ?, ?, 'running', ?, NULL, ?, ?) ON CONFLICT (id) DO UPDATE SET"
                " status = 'running', finished_at = NULL, plan = excluded.plan, options = excluded.options",
                (run.id, run.recipe, run.recipe_path, run.output, run.date, run.started_at, *told),
            )
            connection.executemany(
                "INSERT INTO redos (key, number) VALUES (?, ?)"
                " ON CONFLICT (key) DO UPDATE SET number = max(number, excluded.number)",
                list((redo or {}).items()),
            )

    def update_plan(self, run: str, plan: Any) -> None:
        """Replaces the plan of a run, durably."""
        with self._transaction() as connection:
            connection.execute("UPDATE runs SET plan = ? WHERE id = ?", (digest.dumps(plan), run))

    def update_options(self, run: str, options: Mapping[str, Any]) -> None:
        """Replaces the options of a run, durably."""
        with self._transaction() as connection:
            connection.execute("UPDATE runs SET options = ? WHERE id = ?", (digest.dumps(options), run))

    def rebuild(self) -> None:
        """Makes attempts, results and standing failures anew from the events alone."""
        with self._transaction() as connection:
            derive.anew(connection)

    def append(self, run: str, *events: Event) -> None:
        """Takes events of a run down on which no process works, all in one durable transaction."""
        from pipeline.store import journal  # claims and all: 20 ms that whoever only reads need not pay

        with self._lock:
            try:
                journal.write(self._connection, run, [journal.row_of(event) for event in events])
            except sqlite3.Error as error:
                raise faults.of_sqlite(error, self.path) from error

    def journal(self, run: str) -> Journal:
        """What takes down the events of this run, over a connection of its own."""
        from pipeline.store.journal import Journal

        return Journal(self.path, run, patience_seconds=self._patience_seconds)

    def _rows(self, query: str, *values: str | None) -> list[tuple[Any, ...]]:
        with self._reading() as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise faults.of_sqlite(error, self.path) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as connection, database.transaction(connection):
            yield connection


def _told(rows: Sequence[tuple[str, str]]) -> list[Event]:
    told = digest.loads(f"[{','.join(data for _, data in rows)}]")
    return [events.from_json(kind, values) for (kind, _), values in zip(rows, told, strict=True)]


def _list(keys: Iterable[str]) -> str:
    return json.dumps(list(keys))
