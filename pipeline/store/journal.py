"""The way events become durable: one writer thread, everything told meanwhile in one transaction, one wake-up a group.

Knows the tables `events` and `runs`; what follows from the events is `derive`'s.
"""

from __future__ import annotations

import contextlib
import json
import queue
import sqlite3
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from pipeline import digest, events
from pipeline.errors import StoreError
from pipeline.events import Event, Started
from pipeline.store import claims, database, derive, faults
from pipeline.store.claims import Claim, Granted, Terms, Verdict

if TYPE_CHECKING:
    import anyio

LINGER_SECONDS = 0.05  # how long a posted event waits for a commit to travel with

_INSERT = """
INSERT INTO events (run, at, kind, step, key, attempt, data, digest)
SELECT coalesce(json_extract(value, '$[7]'), :run),
  json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
  json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'), json_extract(value, '$[6]')
FROM json_each(:rows) WHERE true ORDER BY json_each.id
ON CONFLICT (run, digest) DO NOTHING
"""
_LAST = "SELECT coalesce(max(seq), 0) FROM events"

Row = tuple[str, str, str | None, str | None, int | None, str, str | None, str | None]


class _Told(NamedTuple):
    rows: tuple[Row, ...]
    waiting: anyio.Event | None
    claim: _Asked | None = None


class _Asked:
    """A claim, and what became of it once it was decided."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.verdict: Verdict | None = None


def row_of(event: Event, run: str = "") -> Row:
    """The row of an event: (at, kind, step, key, attempt, data, digest, run). Raises what `json` raises.

    `run` is named for an event of another run than the one that is written.
    """
    kind = type(event).__name__
    data = digest.dumps(events.to_json(event))
    try:
        encoded = data.encode()
    except UnicodeEncodeError:
        # WHY: half a character (from a file's name, or a service's answer) is no text that SQLite could give back.
        encoded = data.encode("utf-8", "replace")
        data = encoded.decode()
    if kind not in derive.STEP_KINDS:
        step, key = getattr(event, "step", None), getattr(event, "key", None)
        return (event.at, kind, step, key, None, data, None, run or None)
    once = blake2b(encoded, digest_size=16, person=kind.encode()).hexdigest()
    return (event.at, kind, event.step, event.key, event.attempt, data, once, run or None)  # type: ignore[union-attr]


def write(connection: sqlite3.Connection, run: str, rows: list[Row], asked: Sequence[Claim] = ()) -> list[Verdict]:
    """Adds rows in their order, then what is granted of the claims, in one durable transaction; tells each verdict.

    Every table is up to date with the rows when the claims are decided, and with what was granted in the end.
    """
    with database.transaction(connection):
        if rows:
            _add(connection, run, rows)
        if not asked:
            return []
        verdicts = claims.decide(connection, run, asked)
        granted = [row_of(c.event) for c, verdict in zip(asked, verdicts, strict=True) if isinstance(verdict, Granted)]
        if granted:
            _add(connection, run, granted)
    return verdicts


def _add(connection: sqlite3.Connection, run: str, rows: list[Row]) -> None:
    kinds = {row[1] for row in rows}
    after = connection.execute(_LAST).fetchone()[0]
    connection.execute(_INSERT, {"run": run, "rows": json.dumps(rows, ensure_ascii=False)})
    derive.advance(connection, after=after, kinds=kinds)
    if "RunEnded" in kinds or "RunStarted" in kinds:
        _note_status(connection, run, rows)


def _note_status(connection: sqlite3.Connection, run: str, rows: list[Row]) -> None:
    at, kind, *_, data, _, _ = next(row for row in reversed(rows) if row[1] in ("RunStarted", "RunEnded"))
    status, finished_at = ("running", None) if kind == "RunStarted" else (digest.loads(data)["status"], at)
    connection.execute("UPDATE runs SET status = ?, finished_at = ? WHERE id = ?", (status, finished_at, run))


class Journal:
    """Takes down the events of one run, in order; an async context manager under asyncio or trio.

    After one failure nothing more is taken: every later call raises `StoreError`.
    """

    def __init__(self, path: Path, run: str, *, patience_seconds: float = database.PATIENCE_SECONDS) -> None:
        self._path = path
        self._run = run
        self._patience_seconds = patience_seconds
        self._told: queue.SimpleQueue[_Told | None] = queue.SimpleQueue()
        self._urgent = threading.Event()  # somebody waits for what was told
        self._failure: StoreError | None = None
        self._failure_told = False
        self._open = False

    async def __aenter__(self) -> Journal:
        import anyio

        self._new_event = anyio.Event
        self._connection = database.connect(self._path, patience_seconds=self._patience_seconds)
        self._wake = _loop_waker()
        self._ended = anyio.Event()
        self._open = True
        self._thread = threading.Thread(target=self._write_all, name=f"journal of {self._run}", daemon=True)
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Everything told is durable; raises `StoreError` if it is not and nobody heard of it yet."""
        import anyio

        self._open = False
        self._told.put(None)
        self._urgent.set()
        with anyio.CancelScope(shield=True):
            await self._ended.wait()
        self._thread.join()
        if self._failure is not None and not self._failure_told and error is None:
            raise self._refusal()

    async def commit(self, event: Event) -> None:
        """Returns when the event is durable. Raises `StoreError` if it could not be written.

        Cancelled while it waits, the event is written all the same.
        """
        await self.commit_together([("", event)])

    async def commit_together(self, told: Sequence[tuple[str, Event]]) -> None:
        """As `commit`, for events that are durable all or none, each with the run it is of: empty for this one."""
        waiting = self._new_event()
        self._put(_Told(tuple(row_of(event, run) for run, event in told), waiting))
        await waiting.wait()
        if self._failure is not None:
            raise self._refusal()

    async def claim(self, event: Started, terms: Terms) -> Verdict:
        """Says whether an attempt may begin, over every run on this ledger; if it may, its beginning is durable.

        Whatever was told before is taken into account. Raises `StoreError` if that could not be decided. Cancelled
        while it waits, the attempt may have begun all the same.
        """
        asked = _Asked(Claim(event, terms))
        waiting = self._new_event()
        self._put(_Told((row_of(event),), waiting, asked))
        await waiting.wait()
        if self._failure is not None:
            raise self._refusal()
        assert asked.verdict is not None
        return asked.verdict

    def post(self, event: Event) -> None:
        """Takes the event down in order; durable at the latest with the next commit, and soon without one."""
        self._put(_Told((row_of(event),), None))

    def _put(self, told: _Told) -> None:
        if self._failure is not None:
            raise self._refusal()
        if not self._open:
            raise RuntimeError("This journal is closed.")
        self._told.put(told)
        if told.waiting is not None:
            self._urgent.set()

    def _refusal(self) -> StoreError:
        self._failure_told = True
        assert self._failure is not None
        refusal = StoreError(self._failure.fact, self._failure.hint)
        refusal.__cause__ = self._failure.__cause__
        return refusal

    def _write_all(self) -> None:
        more = True
        while more:
            group, more = self._next_group()
            if group and self._failure is None:
                try:
                    self._write(group)
                except sqlite3.Error as error:
                    self._failure = faults.of_sqlite(error, self._path)
                    self._failure.__cause__ = error
                except BaseException as error:
                    self._failure = StoreError(f"The ledger {self._path} could not be written ({error!r}).")
                    self._failure.__cause__ = error
            waiting = [told.waiting for told in group if told.waiting is not None]
            if waiting and more:
                self._wake(partial(_set_all, waiting))
        self._connection.close()
        self._wake(partial(_set_all, [*waiting, self._ended]))

    def _write(self, group: Sequence[_Told]) -> None:
        asked = [told.claim for told in group if told.claim is not None]
        rows = [row for told in group if told.claim is None for row in told.rows]
        verdicts = write(self._connection, self._run, rows, [one.claim for one in asked])
        for one, verdict in zip(asked, verdicts, strict=True):
            one.verdict = verdict

    def _next_group(self) -> tuple[list[_Told], bool]:
        """What was told since the last group, and whether more may follow; waits for the first one."""
        group = [self._told.get()]
        # WHY: what nobody waits for travels with the next commit, or with what else is told meanwhile: a write to the
        # disk for each would take the interpreter's lock from the event loop again and again.
        self._urgent.wait(LINGER_SECONDS)
        self._urgent.clear()
        try:
            while True:
                group.append(self._told.get_nowait())
        except queue.Empty:
            pass
        more = None not in group
        return [told for told in group if told is not None], more


def _set_all(waiting: list[anyio.Event]) -> None:
    for event in waiting:
        event.set()


def _loop_waker() -> Callable[[Callable[[], object]], None]:
    """What calls a function soon in the event loop that runs now, from any thread and without waiting for it."""
    # WHY: anyio's own way back from a thread starts a task and waits for it; that is most of what a commit may cost.
    if "asyncio" in sys.modules:
        import asyncio

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            return _unless_closed(lambda call: loop.call_soon_threadsafe(call))
    import trio

    return _unless_closed(trio.lowlevel.current_trio_token().run_sync_soon)


def _unless_closed(soon: Callable[[Callable[[], object]], object]) -> Callable[[Callable[[], object]], None]:
    def wake(call: Callable[[], object]) -> None:
        # The loop may have ended, and whoever waited with it (trio.RunFinishedError is a RuntimeError too).
        with contextlib.suppress(RuntimeError):
            soon(call)

    return wake
