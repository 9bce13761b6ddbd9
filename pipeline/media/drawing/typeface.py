"""Which letters a font file has: its `cmap` read from its bytes. Knows the file format; draws nothing, never fails."""

from __future__ import annotations

import struct
from bisect import bisect_right
from functools import lru_cache
from pathlib import Path

from pipeline.values import dataclass

_TABLES_MOST = 200
_SPANS_MOST = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """The first face of a font file: its letters as rising spans of code points, and whether it has outlines."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    outlines: bool

    def has(self, code: int) -> bool:
        """Whether the face maps this code point to a glyph."""
        place = bisect_right(self.starts, code) - 1
        return place >= 0 and code <= self.ends[place]


_EMPTY = Face(starts=(), ends=(), outlines=False)


def _wide_spans(table: bytes) -> list[tuple[int, int]]:
    """The spans of a subtable of format 12."""
    count = min(struct.unpack_from(">I", table, 12)[0], _SPANS_MOST)
    return [struct.unpack_from(">II", table, 16 + 12 * index) for index in range(count)]


def _narrow_spans(table: bytes) -> list[tuple[int, int]]:
    """The spans of a subtable of format 4, single letters that map to nothing taken out."""
    count = struct.unpack_from(">H", table, 6)[0] // 2
    ends = struct.unpack_from(f">{count}H", table, 14)
    starts = struct.unpack_from(f">{count}H", table, 16 + 2 * count)
    deltas = struct.unpack_from(f">{count}H", table, 16 + 4 * count)
    base = 16 + 6 * count
    offsets = struct.unpack_from(f">{count}H", table, base)
    spans: list[tuple[int, int]] = []
    for index, (start, end, delta, offset) in enumerate(zip(starts, ends, deltas, offsets, strict=True)):
        if start == 0xFFFF or end < start:
            continue
        if offset == 0:
            spans.append((start, end))
            continue
        for code in range(start, end + 1):
            at = base + 2 * index + offset + 2 * (code - start)
            glyph = struct.unpack_from(">H", table, at)[0] if at + 2 <= len(table) else 0
            if glyph and (glyph + delta) & 0xFFFF:
                spans.append((code, code))
    return spans


def _spans(cmap: bytes) -> list[tuple[int, int]]:
    best: tuple[int, int] = (-1, 0)
    for index in range(min(struct.unpack_from(">H", cmap, 2)[0], _TABLES_MOST)):
        platform, encoding, offset = struct.unpack_from(">HHI", cmap, 4 + 8 * index)
        kind = struct.unpack_from(">H", cmap, offset)[0]
        if platform in (0, 3) and kind in (4, 12) and encoding != 14 and kind > best[0]:
            best = (kind, offset)
    if best[0] < 0:
        return []
    table = cmap[best[1] :]
    return _wide_spans(table) if best[0] == 12 else _narrow_spans(table)


@lru_cache(maxsize=512)
def face(path: Path) -> Face:
    """The first face in `path`; a face without letters where the file cannot be read or is no font."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
            start = struct.unpack_from(">I", head, 12)[0] if head[:4] == b"ttcf" else 0
            file.seek(start)
            count = min(struct.unpack(">4xH6x", file.read(12))[0], _TABLES_MOST)
            tables = {}
            for _ in range(count):
                name, offset, length = struct.unpack(">4s4xII", file.read(16))
                tables[name] = (offset, length)
            file.seek(tables[b"cmap"][0])
            spans = sorted(_spans(file.read(tables[b"cmap"][1])))
    except (OSError, KeyError, struct.error, ValueError, OverflowError, MemoryError):
        return _EMPTY
    outlines = b"glyf" in tables or b"CFF " in tables or b"CFF2" in tables
    return Face(starts=tuple(a for a, _ in spans), ends=tuple(b for _, b in spans), outlines=outlines)


def carries(path: Path, char: str) -> bool:
    """Whether the font file `path` has a glyph for `char`."""
    return face(path).has(ord(char))


def is_scalable(path: Path) -> bool:
    """Whether the glyphs of `path` are outlines; colour emoji of fixed size are not."""
    return face(path).outlines
