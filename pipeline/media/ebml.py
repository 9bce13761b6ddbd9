"""What the elements of a webm or mkv say of its length and its pictures, after RFC 8794 and RFC 9559."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from pipeline.media.peek import Peek, big, length
from pipeline.values import dataclass

_SEGMENT, _INFO, _TRACKS = 0x18538067, 0x1549A966, 0x1654AE6B
_TIMESTAMP_SCALE, _DURATION = 0x2AD7B1, 0x4489
_TRACK_ENTRY, _TRACK_TYPE, _VIDEO, _PIXEL_WIDTH, _PIXEL_HEIGHT = 0xAE, 0x83, 0xE0, 0xB0, 0xBA
_PICTURES = 1
_NANOSECONDS = 1_000_000_000
_MOST_PIXELS_ACROSS = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Element:
    id: int
    body: int
    end: int


def segment(peek: Peek) -> tuple[int, int, Decimal | None]:
    """Width and height of the first video track as stored (0: none), and the length; None where it was streamed."""
    found = next((element for element in _elements(peek, 0, peek.size) if element.id == _SEGMENT), None)
    size: tuple[int, int] | None = None
    seconds: Decimal | None = None
    informed = False
    for element in _inside(peek, found) if found else ():
        if element.id == _INFO and not informed:
            seconds, informed = _length(peek, element), True
        elif element.id == _TRACKS and size is None:
            size = _first_video(peek, element)
        if informed and size is not None:
            break
    return *(size or (0, 0)), seconds


def _inside(peek: Peek, element: _Element) -> Iterator[_Element]:
    return _elements(peek, element.body, min(element.end, peek.size))


def _elements(peek: Peek, start: int, end: int) -> Iterator[_Element]:
    """The elements between two places in order, up to the first that cannot be one."""
    while start < end:
        head = peek.at(start, 12)
        id_bytes = 9 - head[0].bit_length() if head else 0
        if not 1 <= id_bytes <= 4 or len(head) <= id_bytes:
            return
        size_bytes = 9 - head[id_bytes].bit_length()
        header = id_bytes + size_bytes
        if size_bytes > 8 or len(head) < header:
            return
        size, unknown = big(head[id_bytes:header]) - (1 << 7 * size_bytes), (1 << 7 * size_bytes) - 1
        body = start + header
        start = end if size == unknown else body + size
        yield _Element(id=big(head[:id_bytes]), body=body, end=start)


def _length(peek: Peek, info: _Element) -> Decimal | None:
    scale, duration = 1_000_000, 0.0
    for element in _inside(peek, info):
        if element.id == _TIMESTAMP_SCALE:
            scale = _number(peek, element)
        elif element.id == _DURATION:
            data = peek.at(element.body, min(element.end - element.body, 8))
            duration = struct.unpack({4: ">f", 8: ">d"}[len(data)], data)[0] if len(data) in (4, 8) else 0.0
    return length(Fraction(duration) * scale, _NANOSECONDS) if math.isfinite(duration) else None


def _first_video(peek: Peek, tracks: _Element) -> tuple[int, int]:
    for track in _inside(peek, tracks):
        if track.id != _TRACK_ENTRY:
            continue
        kind, picture = 0, None
        for element in _inside(peek, track):
            if element.id == _TRACK_TYPE:
                kind = _number(peek, element)
            elif element.id == _VIDEO:
                picture = element
        if kind == _PICTURES and picture is not None:
            told = {element.id: _number(peek, element) for element in _inside(peek, picture)}
            size = told.get(_PIXEL_WIDTH, 0), told.get(_PIXEL_HEIGHT, 0)
            return size if min(size) > 0 and max(size) <= _MOST_PIXELS_ACROSS else (0, 0)
    return 0, 0


def _number(peek: Peek, element: _Element) -> int:
    return big(peek.at(element.body, min(element.end - element.body, 8)))
