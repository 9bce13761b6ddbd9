"""What the boxes of an mp4, mov or m4a say of its length and its pictures, after ISO/IEC 14496-12."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pipeline.media.peek import Peek, big, length
from pipeline.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box: `body` is where its content begins, `end` where it ends, which may be beyond what holds it."""

    kind: bytes
    body: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clock:
    """What mvhd says: units a second, and how many units the movie has; None: not known."""

    scale: int
    units: int | None


def boxes(peek: Peek, start: int, end: int) -> Iterator[Box]:
    """The boxes between two places in order, up to the first that cannot be one."""
    while start + 8 <= end:
        head = peek.at(start, 16)
        size, header = big(head[:4]), 8
        if size == 1:
            size, header = big(head[8:16]), 16
        elif size == 0 and any(head[4:8]):
            size = end - start  # it goes on to the end
        if len(head) < header or size < header:
            return
        yield Box(kind=head[4:8], body=start + header, end=start + size)
        start += size


def movie(peek: Peek) -> tuple[int, int, Decimal | None]:
    """Width and height of the first video track, as it is shown before any rotation (0: none), and the length.

    The length of a movie in fragments is what mehd says: mvhd may know the first fragment alone.
    """
    moov = _first(peek, b"moov", Box(kind=b"", body=0, end=peek.size))
    if moov is None:
        return 0, 0, None
    clock, size, fragmented, fragments = _Clock(scale=0, units=None), (0, 0), False, None
    for box in boxes(peek, moov.body, min(moov.end, peek.size)):
        if box.kind == b"mvhd" and not clock.scale:
            clock = _clock(peek, box)
        elif box.kind == b"trak" and not size[0]:
            size = _track(peek, box)
        elif box.kind == b"mvex":
            fragmented = True
            fragments = _fragments(peek, box)
    units = fragments if fragmented else clock.units
    return *size, None if units is None else length(units, clock.scale)


def _first(peek: Peek, kind: bytes, inside: Box) -> Box | None:
    return next((box for box in boxes(peek, inside.body, min(inside.end, peek.size)) if box.kind == kind), None)


def _clock(peek: Peek, mvhd: Box) -> _Clock:
    body = peek.at(mvhd.body, 32)
    scale, units = (body[20:24], body[24:32]) if body[:1] == b"\x01" else (body[12:16], body[16:20])
    return _Clock(scale=big(scale), units=_known(units))


def _fragments(peek: Peek, mvex: Box) -> int | None:
    mehd = _first(peek, b"mehd", mvex)
    if mehd is None:
        return None
    body = peek.at(mehd.body, 12)
    return _known(body[4:12] if body[:1] == b"\x01" else body[4:8])


def _known(units: bytes) -> int | None:
    """All ones stand for a length that the writer did not know."""
    return None if units == b"\xff" * len(units) else big(units)


def _track(peek: Peek, trak: Box) -> tuple[int, int]:
    """Width and height in pixels of a video track; zeros for any other."""
    header, media = _first(peek, b"tkhd", trak), _first(peek, b"mdia", trak)
    handler = _first(peek, b"hdlr", media) if media else None
    if header is None or handler is None or peek.at(handler.body, 12)[8:12] != b"vide":
        return 0, 0
    body = peek.at(header.body, 96)
    size = body[88:96] if body[:1] == b"\x01" else body[76:84]
    width, height = big(size[:4]) >> 16, big(size[4:8]) >> 16
    return (width, height) if width and height else (0, 0)
