"""A holder over machines: an OS lock, which tells of this machine, and a lease in the ledger, which tells of all.

On one boot of one machine the lock alone decides, whatever a clock says: the kernel frees it when its process dies and
keeps it while that sleeps. Another machine sees no lock: it waits until the lease has run out by its own clock. Who was
suspended meanwhile and has lost its lease finds that out at its next beat, and at every claim in the same transaction.
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import Held, StoreError
from pipeline.events import instant, later
from pipeline.store import database, faults, locks
from pipeline.store.workspace import Workspace
from pipeline.values import dataclass

LEASE_SECONDS = 60.0
"""How long a lease holds after a beat: a few beats may fail, and nobody waits longer for a machine that died."""
BEAT_SECONDS = 10.0
APART_SECONDS = 60.0
"""How far the clocks of two machines may be apart: those that the network sets differ by less than a second.

Where they differ by more, a living lease may be taken over. Its holder then finds that out before it spends anything.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long leases last, how often they are renewed, and how far clocks may be apart."""

    lease_seconds: float = LEASE_SECONDS
    beat_seconds: float = BEAT_SECONDS
    apart_seconds: float = APART_SECONDS


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where a holder lives: `boot` tells one life of a machine from the next, and from every other machine's."""

    host: str
    boot: str
    now: Callable[[], datetime] = _now


class Holder(NamedTuple):
    """Who holds a name, and where. Moments are ISO in UTC; what is known by its lock alone has no boot and no until."""

    name: str
    who: str  # "Another run of lighthouse"
    run: str  # the id of the run it carries out, empty while that is not known
    host: str
    boot: str
    pid: int
    token: str
    since: str
    until: str


_FIELDS = ", ".join(Holder._fields)
_TAKE = f"INSERT OR REPLACE INTO leases ({_FIELDS}) VALUES ({', '.join('?' * len(Holder._fields))})"
_MINE = "WHERE name = ? AND token = ?"


@contextmanager
def hold(
    shelf: Workspace, name: str, *, who: str, machine: Machine | None = None, pace: Pace | None = None
) -> Iterator[Lease]:
    """Holds `name`, by the lock and by a lease that is renewed until the block ends.

    Raises `Held`, saying who has it, where, since when and for how long at most, and `StoreError`.
    """
    machine, pace = machine or here(), pace or Pace()
    with ExitStack() as stack:
        try:
            stack.enter_context(locks.hold(shelf.locks, name, run=who))
        except Held:
            other = holder(shelf, name, machine, pace)
            if other is None:
                raise
            raise _held(other, machine, pace) from None
        lease = Lease(shelf, name, machine, pace)
        stack.callback(lease.let_go)
        lease.take(who)
        yield lease


def holder(shelf: Workspace, name: str, machine: Machine | None = None, pace: Pace | None = None) -> Holder | None:
    """Who holds `name` now, on this machine or another one; None when nobody does. Writes nothing.

    Raises `StoreError`.
    """
    machine, pace = machine or here(), pace or Pace()
    with database.opened(shelf.ledger) as connection:
        row = next((row for row in rows(connection) if row.name == name), None)
    locked = locks.holder(shelf.locks, name)
    if locked is None:
        return row if row and row.boot != machine.boot and _lasts(row, machine, pace) else None
    if row and (row.host, row.pid) == (locked.get("host"), locked.get("pid")):
        return row
    who, host, since = (str(locked.get(word, "")) for word in ("run", "host", "since"))
    pid = locked.get("pid")
    return Holder(name, who, "", host, "", pid if isinstance(pid, int) else 0, "", since, "")


def living(shelf: Workspace) -> list[Holder]:
    """Whoever holds any name now, on this machine or another one. Writes nothing. Raises `StoreError`."""
    with database.opened(shelf.ledger) as connection:
        names = [row.name for row in rows(connection)]
    return [found for name in names if (found := holder(shelf, name))]


def rows(connection: sqlite3.Connection) -> list[Holder]:
    """Every lease that was not let go of, run out or not."""
    return [Holder._make(row) for row in connection.execute(f"SELECT {_FIELDS} FROM leases")]


def running(leases: list[Holder], machine: Machine | None = None, pace: Pace | None = None) -> frozenset[str]:
    """The runs among these leases that are carried out now: on this boot all, since what died here is cleared away."""
    machine, pace = machine or here(), pace or Pace()
    return frozenset(row.run for row in leases if row.boot == machine.boot or _lasts(row, machine, pace))


class Lease:
    """A lease that is renewed by a thread of its own; `lost` says that another holder was found in its place."""

    def __init__(self, shelf: Workspace, name: str, machine: Machine, pace: Pace) -> None:
        self.name = name
        self.token = secrets.token_hex(16)
        self.lost = False
        self._shelf = shelf
        self._machine = machine
        self._pace = pace
        self._over = threading.Event()
        self._connection = _connect(shelf.ledger)
        self._thread = threading.Thread(target=self._beat, name=f"lease of {name}", daemon=True)

    def take(self, who: str) -> None:
        """Takes the lease, the lock being held. Raises `Held`, `StoreError`."""
        with _told(self._shelf.ledger):
            _tidy(self._connection, self._shelf.locks, self._machine, self._pace)
            with database.transaction(self._connection):
                other = self._row(self._connection)
                if other and other.boot != self._machine.boot and _lasts(other, self._machine, self._pace):
                    raise _held(other, self._machine, self._pace)
                host, boot, now = self._machine.host, self._machine.boot, instant(self._machine.now())
                mine = Holder(self.name, who, "", host, boot, os.getpid(), self.token, now, self._until())
                self._connection.execute(_TAKE, mine)
        self._thread.start()

    def carries(self, run: str) -> None:
        """Notes which run is carried out. Raises `Held` where the lease is lost, `StoreError`."""
        with _told(self._shelf.ledger):
            self._connection.execute(f"UPDATE leases SET run = ? {_MINE}", (run, self.name, self.token))
        self.check()

    def stands(self) -> bool:
        """Whether the lease is not lost, as the ledger has it now. Raises `StoreError`."""
        if not self.lost:
            with _told(self._shelf.ledger):
                row = self._row(self._connection)
            self.lost = row is None or row.token != self.token
        return not self.lost

    def check(self) -> None:
        """Raises `Held` where the lease is lost, saying to whom, and `StoreError`."""
        if self.stands():
            return
        with _told(self._shelf.ledger):
            other = self._row(self._connection)
        raise _lost(self.name, other)

    def let_go(self) -> None:
        """Ends it; what of that cannot be written ends by itself."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute(f"DELETE FROM leases {_MINE}", (self.name, self.token))
        self._connection.close()

    def _row(self, connection: sqlite3.Connection) -> Holder | None:
        found = connection.execute(f"SELECT {_FIELDS} FROM leases WHERE name = ?", (self.name,)).fetchone()
        return Holder._make(found) if found else None

    def _until(self) -> str:
        return later(instant(self._machine.now()), self._pace.lease_seconds)

    def _beat(self) -> None:
        """Renews the lease until it is let go of, or lost."""
        connection: sqlite3.Connection | None = None
        while not self.lost and not self._over.wait(self._pace.beat_seconds):
            # WHY: a ledger that is locked or full for a while may be free at the next beat; what relies on the ledger
            # hears of it there, and nothing is spent but by a claim, which looks at the lease again.
            with contextlib.suppress(sqlite3.Error, StoreError):
                connection = connection or _connect(self._shelf.ledger)
                renew = f"UPDATE leases SET until = ? {_MINE}"
                self.lost = not connection.execute(renew, (self._until(), self.name, self.token)).rowcount
                _tidy(connection, self._shelf.locks, self._machine, self._pace)
        if connection:
            connection.close()


def _connect(ledger: Path) -> sqlite3.Connection:
    connection = database.connect(ledger)
    # WHY: a lease guards no longer than its machine runs, so a beat need not wait for the disk.
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


@contextmanager
def _told(ledger: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise faults.of_sqlite(error, ledger) from error


def _lasts(row: Holder, machine: Machine, pace: Pace) -> bool:
    """Whether a lease of another machine has not certainly run out."""
    return later(row.until, pace.apart_seconds) >= instant(machine.now())


def _tidy(connection: sqlite3.Connection, folder: Path, machine: Machine, pace: Pace) -> None:
    """Ends the leases of what has died on this boot, and brings back those that would last longer than any can.

    A clock that was set wrong for a while must not keep a dead lease alive; a living one is renewed after this.
    """
    now = instant(machine.now())
    until = later(now, pace.lease_seconds)
    for row in rows(connection):
        if row.boot == machine.boot:
            if locks.is_free(folder, row.name):
                connection.execute(f"DELETE FROM leases {_MINE}", (row.name, row.token))
        elif row.until > later(until, pace.apart_seconds):
            connection.execute(f"UPDATE leases SET until = ? {_MINE}", (until, row.name, row.token))


def _named(row: Holder) -> str:
    who = f"{row.who or 'Another process'} ({row.run})" if row.run else row.who or "Another process"
    return f"{who} holds {row.name} since {_second(row.since)} (process {row.pid} on {row.host})"


def _held(row: Holder, machine: Machine, pace: Pace) -> Held:
    stop = locks.stop(row.pid, row.host, machine.host)
    if row.boot in ("", machine.boot):
        return Held(f"{_named(row)}.", f"Wait until it ends, or stop it: {stop}. Then run this again.")
    until = _second(later(row.until, pace.apart_seconds))
    return Held(
        f"{_named(row)}; if it gives no more sign of life, until {until} at the latest.",
        f"Wait until it ends, or stop it there: {stop}. Then run this again.",
    )


def _lost(name: str, row: Holder | None) -> Held:
    began = f"This process was suspended for too long, and has lost {name}"
    if row is None:
        hint = "Run the same command again: it takes up what services have, and pays nothing twice."
        return Held(f"{began} to another, which has ended by now.", hint)
    hint = "Nothing more was begun here, and what services have is taken up there: let that one finish."
    return Held(f"{began}: {_named(row)}.", hint)


def _second(at: str) -> str:
    return f"{at[:19].replace('T', ' ')} UTC"


def here() -> Machine:
    """The machine that this process runs on, with the system's own clock."""
    return Machine(host=socket.gethostname(), boot=_boot())


@functools.cache
def _boot() -> str:
    """What tells this boot of this machine from all others; where the system has no such thing, the machine's name."""
    # WHY: containers on one machine share it, as they share the locks of a folder that they share.
    found = _boot_of_macos() if sys.platform == "darwin" else _boot_of_linux()
    return found or f"host {socket.gethostname()}"


def _boot_of_linux() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _boot_of_macos() -> str:
    import ctypes

    size = ctypes.c_size_t(64)
    text = ctypes.create_string_buffer(size.value)
    try:
        failed = ctypes.CDLL(None).sysctlbyname(b"kern.bootsessionuuid", text, ctypes.byref(size), None, 0)
    except (OSError, AttributeError):
        return ""
    return "" if failed else text.value.decode("ascii", "replace")
