"""What the disk and SQLite refuse, said once: a foreign error in, a `StoreError` with a fact and a way out."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import StoreError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})

FREE_SPACE = "Free some space there, then run the same command again: what is finished is kept."
MAY_WRITE = "Make it writable for you, or name another folder with --workspace."


def of_os(error: OSError, path: Path | str) -> StoreError:
    """The `StoreError` for what the operating system refused to do at `path`."""
    if error.errno in _FULL:
        return StoreError(f"The disk is full: {path} could not be written.", FREE_SPACE)
    if error.errno in _READ_ONLY:
        return StoreError(f"{path} is read-only for you ({error.strerror}).", MAY_WRITE)
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return StoreError(f"{path} cannot be a folder: a file is in its way.", "Move the file, or name another folder.")
    return StoreError(f"{path} could not be used: {error.strerror or error}.", "Mend that, then run it again.")


def of_sqlite(error: sqlite3.Error, path: Path | str) -> StoreError:
    """The `StoreError` for what SQLite refused to do with the ledger at `path`."""
    code = getattr(error, "sqlite_errorcode", None)
    match (code or 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return StoreError(f"The disk is full: the ledger {path} could not be written.", FREE_SPACE)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreError(
                f"The ledger {path} is locked by another process.",
                "End whatever has it open (a database browser, a backup), then run the same command again.",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return StoreError(f"The ledger {path} is read-only for you.", MAY_WRITE)
        case sqlite3.SQLITE_CANTOPEN:
            return StoreError(f"The ledger {path} could not be opened.", f"Look at the folder around it. {MAY_WRITE}")
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return StoreError(
                f"The ledger {path} is damaged ({error}).",
                "Put back a copy of it, or move it away to begin a new one; finished files stay in the store.",
            )
        case sqlite3.SQLITE_IOERR:
            # WHY: a disk quota or a limit on the size of files reaches us as a plain I/O error.
            return StoreError(
                f"The disk refused to write or read the ledger {path} ({error}).",
                "Look whether the disk is full or failing, then run the same command again: what is finished is kept.",
            )
        case _:
            return StoreError(f"The ledger {path} could not be used ({error}).", "Run it again; report it if it stays.")


@contextmanager
def told(path: Path | str) -> Iterator[None]:
    """Whatever the operating system refuses inside is raised as the `StoreError` for `path`."""
    try:
        yield
    except OSError as error:
        raise of_os(error, path) from error
