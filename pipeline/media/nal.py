"""The two ways to write down H.264: with start codes as encoders do, with lengths as mp4 does."""

from __future__ import annotations

import re

_START = re.compile(rb"\x00\x00\x01")
_LENGTH_BYTES = 4


def units(stream: bytes) -> list[bytes]:
    """The units of a stream with start codes, without them."""
    pieces = _START.split(stream)[1:]
    # A unit never ends in zeros; those belong to the next start code.
    return [piece.rstrip(b"\0") for piece in pieces if piece.rstrip(b"\0")]


def with_lengths(stream: bytes) -> bytes:
    """A packet with start codes as mp4 stores it: each unit behind its length in four bytes."""
    return b"".join(len(unit).to_bytes(_LENGTH_BYTES, "big") + unit for unit in units(stream))


def parameter_sets(headers: bytes) -> list[bytes] | None:
    """The sequence and picture parameter sets of an mp4's decoder headers; None where they are of another form."""
    if len(headers) < 7 or headers[0] != 1 or headers[4] & 3 != _LENGTH_BYTES - 1:
        return None
    found: list[bytes] = []
    place = 5
    for mask in (0x1F, 0xFF):
        if place >= len(headers):
            return None
        count = headers[place] & mask
        place += 1
        for _ in range(count):
            length = int.from_bytes(headers[place : place + 2], "big")
            found.append(headers[place + 2 : place + 2 + length])
            place += 2 + length
    return found if place <= len(headers) else None
