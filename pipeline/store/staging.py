"""Folders that a living process writes into: each process has its own, and what a dead one left is swept away."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import threading
import weakref
from pathlib import Path

from pipeline.store import faults


class Staging:
    """The stage below `folder`; what dead processes left there is removed at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own: Path | None = None
        self._taking = threading.Lock()
        self._close: weakref.finalize[..., Staging] | None = None
        _sweep(folder)

    def fresh(self) -> Path:
        """A new, empty folder that nobody else writes to. Raises `StoreError`."""
        with faults.told(self._folder), self._taking:
            if self._own is None:
                self._own = self._take()
            path = self._own / secrets.token_hex(8)
            path.mkdir()
        return path

    def close(self) -> None:
        """Removes everything that was staged here and is still there."""
        with self._taking:
            if self._close is not None:
                self._close()
            self._own = None

    def _take(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        own = self._folder / secrets.token_hex(8)
        lock = None
        while lock is None:
            lock = _lock(own.with_suffix(".lock"), os.O_CREAT)
        own.mkdir()
        self._close = weakref.finalize(self, _let_go, lock, own, os.getpid())
        return own


def _lock(path: Path, flags: int = 0) -> int | None:
    """An open file that holds the lock at `path`; None when another holds it or has removed it."""
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # WHY: whoever sweeps may have locked and removed the file between our opening and our locking it.
        if os.fstat(file).st_ino == path.stat().st_ino:
            return file
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(file)
        raise
    os.close(file)
    return None


def _let_go(lock: int, own: Path, pid: int) -> None:
    # WHY: a forked child inherits this object, not what lies in the folder.
    if os.getpid() == pid:
        _remove(own)
    os.close(lock)


def _remove(own: Path) -> None:
    shutil.rmtree(own, ignore_errors=True)
    if not own.exists():
        with contextlib.suppress(OSError):
            own.with_suffix(".lock").unlink()


def _sweep(folder: Path) -> None:
    # WHY: a workspace may have come with somebody's recipe and lead anywhere: `poetry.lock` is not ours to sweep.
    with contextlib.suppress(OSError):
        for path in list(folder.glob(f"{'[0-9a-f]' * 16}.lock")):
            with contextlib.suppress(OSError):
                lock = _lock(path)
                if lock is not None:
                    _remove(path.with_suffix(""))
                    os.close(lock)
