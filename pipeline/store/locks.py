"""One holder at a time, by a lock that the kernel frees when its process dies, however it dies.

A child that was forked, not spawned, keeps the lock of its parent alive.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import Held, StoreError
from pipeline.store import faults

_GLANCES = 5  # so often a lock is tried that somebody may just be looking at
_GLANCE_SECONDS = 0.02


@contextmanager
def hold(folder: Path, name: str, *, run: str) -> Iterator[None]:
    """Holds `name` for this run. Raises `Held`, saying who has it and since when, and `StoreError`."""
    path = folder / f"{_safe(name)}.lock"
    with faults.told(path):
        folder.mkdir(parents=True, exist_ok=True)
        # WHY: the file stays when the lock is let go; two could hold "the" lock if one of them deleted it meanwhile.
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        try:
            _lock(lock)
        except BlockingIOError:
            raise _held(name, path, _holder(lock)) from None
        except OSError as error:
            raise _unlockable(error, path) from error
        with faults.told(path):
            _write(lock, _me(run))
        yield
    finally:
        os.close(lock)


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Waits until nobody else has a turn at the files of a folder, where its disk knows locks. Raises `StoreError`."""
    with faults.told(folder):
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def is_free(folder: Path, name: str) -> bool:
    """Whether the lock of `name` is there and nobody holds it; False also where that cannot be told."""
    try:
        lock = os.open(folder / f"{_safe(name)}.lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(lock)


def holder(folder: Path, name: str) -> dict[str, object] | None:
    """Who holds `name` now ({run, pid, host, since}, as far as it is known), or None when nobody does."""
    try:
        lock = os.open(folder / f"{_safe(name)}.lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _holder(lock)
    else:
        return None
    finally:
        os.close(lock)


def _lock(lock: int) -> None:
    for _ in range(_GLANCES):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # WHY: whoever looks whether it is held has it for a moment, too, and that must not turn a run away.
            time.sleep(_GLANCE_SECONDS)
        else:
            return
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _safe(name: str) -> str:
    # WHY: the digest keeps names apart that differ only in case, in signs or beyond the 60th.
    return f"{re.sub('[^A-Za-z0-9_-]+', '-', name)[:60]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _me(run: str) -> dict[str, object]:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return {"run": run, "pid": os.getpid(), "host": socket.gethostname(), "since": since}


def _write(lock: int, value: dict[str, object]) -> None:
    os.ftruncate(lock, 0)
    os.pwrite(lock, json.dumps(value).encode(), 0)


def _holder(lock: int) -> dict[str, object]:
    try:
        value = json.loads(os.pread(lock, 4096, 0))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _held(name: str, path: Path, holder: dict[str, object]) -> Held:
    if not {"run", "pid", "host", "since"} <= holder.keys():
        return Held(f"Another run holds {name}.", f"Wait until it ends. Its lock is {path}.")
    end = stop(holder["pid"], holder["host"], socket.gethostname())
    return Held(
        f"{holder['run']} holds {name} since {holder['since']} (process {holder['pid']} on {holder['host']}).",
        f"Wait until it ends, or stop it: {end}. Then run this again.",
    )


def stop(pid: object, host: object, here: str) -> str:
    """What stops a process, as it is typed; with its machine where that is not this one."""
    return f"kill -INT {pid}" + ("" if host == here else f" (on {host})")


def _unlockable(error: OSError, path: Path) -> StoreError:
    if error.errno in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
        return StoreError(
            f"{path} cannot be locked: this disk does not know locks ({error.strerror}).",
            "Put the workspace on a local disk with --workspace.",
        )
    return faults.of_os(error, path)
