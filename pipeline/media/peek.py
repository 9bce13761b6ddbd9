"""A stranger's file read in small pieces: how many, and how large, is settled here and not by what the file claims."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import BinaryIO

MOST_READS = 4096
MOST_BYTES = 64 * 1024
_MOST_SECONDS = 10_000_000


class Peek:
    """An open file of `size` bytes: after `reads` pieces, or beyond its end, there is nothing more to be had.

    So whoever walks through a file ends, as long as every step reads a piece and an empty one ends the walk.
    """

    def __init__(self, file: BinaryIO, size: int, reads: int = MOST_READS) -> None:
        self.size = size
        self._file = file
        self._left = reads

    @property
    def spent(self) -> bool:
        """Whether a piece was refused because there had been too many: what came of it proves nothing."""
        return self._left < 0

    def at(self, place: int, count: int) -> bytes:
        """Up to `count` bytes, at most 64 KiB, from `place` on. Raises `OSError`."""
        self._left -= 1
        if self._left < 0 or not 0 <= place < self.size:
            return b""
        self._file.seek(place)
        return self._file.read(min(count, MOST_BYTES, self.size - place))


def big(data: bytes) -> int:
    """The number in bytes of which the first weighs most."""
    return int.from_bytes(data, "big")


def little(data: bytes) -> int:
    """The number in bytes of which the last weighs most."""
    return int.from_bytes(data, "little")


def length(count: int | Fraction, per_second: int) -> Decimal | None:
    """Seconds to the millisecond; None where there is no rate, no length, or one of more than a hundred days."""
    if per_second <= 0:
        return None
    seconds = Fraction(count, per_second)
    if not 0 < seconds < _MOST_SECONDS:
        return None
    return Decimal(round(seconds * 1000)) / 1000 or None
