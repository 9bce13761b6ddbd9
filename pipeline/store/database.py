"""One SQLite connection to a ledger, opened the one right way; knows the schema's version, not what the rows mean."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.store import derive, faults

VERSION = 3
_OURS = (
    0x52555348  # "RUSH": SQLite keeps it in the file's header, so that another program's database is not taken for ours
)
_SCHEMA = Path(__file__).with_name("schema.sql")
PATIENCE_SECONDS = 10.0


def connect(path: Path, *, read_only: bool = False, patience_seconds: float = PATIENCE_SECONDS) -> sqlite3.Connection:
    """An open connection to the ledger at `path`, made if it is not there; to read only, an absent one reads as empty.

    Raises `StoreError` when it cannot be opened, is another program's, is damaged or is of a newer version.
    """
    if path.exists() and not path.is_file():  # a named pipe would keep us waiting for ever
        raise StoreError(f"{path} is no ordinary file, so it cannot be the ledger.", "Move it away.")
    try:
        connection = _open(path, read_only=read_only, patience_seconds=patience_seconds)
    except sqlite3.Error as error:
        raise faults.of_sqlite(error, path) from error
    try:
        if _is_blank(connection, path):
            if read_only:
                connection.close()
                connection = _sqlite("file::memory:", patience_seconds)
            _lay(connection)
            if read_only:
                connection.execute("PRAGMA query_only = ON")
        elif _version(connection) < VERSION:
            if read_only:
                # WHY: it may lie where nobody may write, and another process may have it open; a copy reads the same.
                connection = _copied(connection, patience_seconds)
            _bring_up(connection)
            if read_only:
                connection.execute("PRAGMA query_only = ON")
        if not read_only:
            # WHY: FULL alone makes a commit durable in WAL; NORMAL may lose the last ones when the power goes.
            connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error as error:
        connection.close()
        raise faults.of_sqlite(error, path) from error
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def opened(path: Path, *, read_only: bool = True) -> Iterator[sqlite3.Connection]:
    """A connection as `connect` gives it, closed when the block ends. What SQLite says in it is a `StoreError`."""
    with contextlib.closing(connect(path, read_only=read_only)) as connection:
        try:
            yield connection
        except sqlite3.Error as error:
            raise faults.of_sqlite(error, path) from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All writes inside are durable together when it ends, or none is there."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # WHY: after a full disk SQLite has often rolled back by itself, and then says that there is nothing to undo.
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _open(path: Path, *, read_only: bool, patience_seconds: float) -> sqlite3.Connection:
    if not read_only:
        return _sqlite(f"file:{_quoted(path)}?mode=rwc", patience_seconds)
    if not path.exists():
        return _sqlite("file::memory:", patience_seconds)
    connection = _sqlite(f"file:{_quoted(path)}?mode=ro", patience_seconds)
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        if path.with_name(path.name + "-wal").exists():
            raise
        # WHY: SQLite wants to write a -shm file even to read; without a -wal the main file is the whole truth, and in a
        # folder that is read-only for us nobody changes it meanwhile.
        return _sqlite(f"file:{_quoted(path)}?mode=ro&immutable=1", patience_seconds)
    return connection


def _sqlite(uri: str, patience_seconds: float) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=patience_seconds, check_same_thread=False)


def _quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path.absolute()))


def _is_blank(connection: sqlite3.Connection, path: Path) -> bool:
    # WHY: one look at all of it; between two, another process that lays its tables would be taken for another program.
    connection.execute("BEGIN")
    try:
        return _looks_blank(connection, path)
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


def _looks_blank(connection: sqlite3.Connection, path: Path) -> bool:
    version = _version(connection)
    if connection.execute("PRAGMA application_id").fetchone()[0] != _OURS:
        if version or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise StoreError(f"{path} is a database of another program.", "Name another folder with --workspace.")
        return True
    if version > VERSION:
        raise StoreError(
            f"The ledger {path} was written by a newer Rushes (its version is {version}, this one knows {VERSION}).",
            "Upgrade Rushes, or name another folder with --workspace.",
        )
    # WHY: a workspace may come with somebody else's recipe, and a view in the place of a table may run without end.
    made = "SELECT name FROM sqlite_master WHERE type NOT IN ('table', 'index') OR sql LIKE 'CREATE VIRTUAL%' LIMIT 1"
    if strange := connection.execute(made).fetchone():
        raise StoreError(
            f"The ledger {path} holds {str(strange[0])[:40]!r}, which Rushes never makes.",
            "Do not use it; name another folder with --workspace.",
        )
    return False


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _copied(connection: sqlite3.Connection, patience_seconds: float) -> sqlite3.Connection:
    """A copy in memory of what is there now; the original is closed."""
    copy = _sqlite("file::memory:", patience_seconds)
    with contextlib.closing(connection):
        connection.backup(copy)
    return copy


def _bring_up(connection: sqlite3.Connection) -> None:
    """Gives an older ledger this version's tables, what follows from its events made anew; in one transaction."""
    with transaction(connection):
        if _version(connection) < VERSION:  # another process may have done it meanwhile
            for statement in _statements():
                connection.execute(statement)
            derive.anew(connection)
            connection.execute(f"PRAGMA user_version = {VERSION}")


def _statements() -> Iterator[str]:
    """The schema's statements, one by one: `executescript` would end the transaction that it is called in."""
    statement = ""
    for line in _SCHEMA.read_text(encoding="utf-8").splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _lay(connection: sqlite3.Connection) -> None:
    _to_wal(connection)
    connection.executescript(
        f"BEGIN IMMEDIATE;\n{_SCHEMA.read_text(encoding='utf-8')}\n"
        f"PRAGMA application_id = {_OURS};\nPRAGMA user_version = {VERSION};\nCOMMIT;"
    )


def _to_wal(connection: sqlite3.Connection) -> None:
    # WHY: two processes that make a new ledger at once are told "locked" here without any waiting by SQLite itself.
    for pause_seconds in (0.01, 0.05, 0.2, 0.5, 1.0):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            time.sleep(pause_seconds)
        else:
            return
    connection.execute("PRAGMA journal_mode = WAL")
