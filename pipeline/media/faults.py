"""What libav's errors mean: a file that is at fault becomes `MediaError`, a disk that is at fault stays `OSError`."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from av.error import FFmpegError

from pipeline.errors import MediaError

# The disk and the user's rights are to blame for these; libav raises every other code for the file's contents too.
_OF_THE_DISK = frozenset(
    {errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """While open, libav's complaints about the contents of `path` come out as `MediaError`; the disk's as `OSError`."""
    try:
        yield
    except FFmpegError as error:
        if error.errno in _OF_THE_DISK:
            raise
        raise MediaError(
            f"{path.name} cannot be decoded to its end: {_words(error)}.",
            "The file is damaged, cut short or of an unknown kind; fetch or make it again.",
        ) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """While open, libav's complaints about making `path` come out as `MediaError`; the disk's as `OSError`."""
    try:
        yield
    except FFmpegError as error:
        if isinstance(error, OSError | MemoryError):
            raise
        raise MediaError(
            f"{path.name} cannot be written: {_words(error)}.",
            "The pictures or sounds given do not fit an mp4 of H.264 and AAC; check their size and rate.",
        ) from error


def _words(error: FFmpegError) -> str:
    return (error.strerror or type(error).__name__).rstrip(".")
