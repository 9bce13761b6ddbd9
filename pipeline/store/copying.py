"""A file's bytes at another place: whole or not at all, durable, sharing blocks with it where the disk can."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import StoreError
from pipeline.store import faults

_FICLONE = 0x40049409  # linux/fs.h: share the blocks of a whole file until one side is changed


def copy_into_place(source: Path, to: Path, *, mtime_ns: int) -> None:
    """Replaces `to` by a copy of `source` with this time of change, creating its folders. Raises `OSError`."""
    with source.open("rb") as reader, _replacing(to) as writer:
        if not _share_blocks(reader.fileno(), writer.fileno()):
            shutil.copyfileobj(reader, writer, 1 << 20)
        writer.flush()
        os.utime(writer.fileno(), ns=(mtime_ns, mtime_ns))


def write_text(to: Path, text: str) -> None:
    """Replaces `to` by this text, whole or not at all, creating its folders; who may read and write it stays.

    Raises `StoreError`, also at a symlink.
    """
    with faults.told(to):
        there = refuse_unless_file(to)
        with _replacing(to, there and functools.partial(_opened_as, there)) as writer:
            writer.write(text.encode("utf-8", "replace"))


def _opened_as(there: os.stat_result, path: str, flags: int) -> int:
    """A new file that those may read and write who may the one that it is to replace, and nobody else."""
    mode = there.st_mode & 0o777
    file = os.open(path, flags, 0o600)
    try:
        os.fchown(file, -1, there.st_gid)
    except OSError:
        mode &= ~0o070 | (mode & 0o007) << 3  # it has another group now, which may what all may
    with contextlib.suppress(OSError):  # there are disks without modes
        os.fchmod(file, mode)
    return file


def refuse_unless_file(to: Path) -> os.stat_result | None:
    """The status of the file at `to`, None where nothing is. Raises `StoreError` for what must not be replaced."""
    try:
        there = to.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(there.st_mode):
        what = "a symlink" if stat.S_ISLNK(there.st_mode) else "not a file"
        raise StoreError(f"{to} is {what}: nothing is written there.", "Move it away, then run the same command again.")
    return there


@contextmanager
def _replacing(to: Path, opener: Callable[[str, int], int] | None = None) -> Iterator[BinaryIO]:
    make_folders(to.parent)
    copy = to.parent / f".rushes-{secrets.token_hex(8)}"
    try:
        with open(copy, "xb", opener=opener) as writer:  # a Path has none
            yield writer
            writer.flush()
            os.fsync(writer.fileno())
        copy.replace(to)
    except BaseException:
        with contextlib.suppress(OSError):
            copy.unlink(missing_ok=True)
        raise
    sync_folder(to.parent)


def copy_and_digest(reader: BinaryIO, to: Path) -> tuple[str, int]:
    """Writes everything the reader has to a new file; their SHA-256 in hex digits and their size. Raises `OSError`."""
    hashing, size = hashlib.sha256(), 0
    with to.open("xb") as writer:
        while chunk := reader.read(1 << 20):
            hashing.update(chunk)
            size += writer.write(chunk)
    return hashing.hexdigest(), size


def sync_file(path: Path) -> None:
    """Makes a file's bytes durable. Raises `OSError`."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable. Raises `OSError`."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def make_folders(folder: Path) -> None:
    """Makes a folder and those above it, each name durable before anything is put into it. Raises `OSError`."""
    if not folder.is_dir():
        make_folders(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def _share_blocks(reader: int, writer: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(writer, _FICLONE, reader)
    except OSError:
        return False
    return True
