"""Whether a picture file ends where it should, by its structure alone.

Only what is certain counts: bytes after the end are fine, and what cannot be followed is presumed whole.
"""

from __future__ import annotations

from typing import BinaryIO

from pipeline.media.boxes import boxes
from pipeline.media.peek import MOST_BYTES, Peek, big, little

_MOST_STEPS = 65_536
_OPEN_ENDED = 0xFFFFFFFF


def missing_end(file: BinaryIO, size: int, kind: str) -> str:
    """What shows that a picture of `size` bytes is cut short, in words, or nothing; `kind` as `sniff` names it.

    Raises `OSError`.
    """
    peek = Peek(file, size, reads=_MOST_STEPS)
    match kind:
        case "png":
            return _png(peek)
        case "jpeg":
            return _jpeg(peek)
        case "gif":
            return _gif(peek)
        case "webp":
            return _promised(peek, _riff(peek), slack=1)  # some leave out what makes the last chunk even
        case "bmp":
            return _promised(peek, _bmp(peek))
        case "heic" | "avif":
            return _promised(peek, _boxed(peek))
    return ""


def _promised(peek: Peek, size: int, slack: int = 0) -> str:
    return f"{size:,} bytes are promised, and {peek.size:,} are there" if size > peek.size + slack else ""


_IEND = b"\0\0\0\0IEND"


def _png(peek: Peek) -> str:
    if _IEND in peek.at(max(0, peek.size - MOST_BYTES), MOST_BYTES):
        return ""
    place = 8
    while len(head := peek.at(place, 8)) == 8:
        if head[4:] == b"IEND" or not head[4:].isalpha():
            return ""
        place += 12 + big(head[:4])
    return "" if peek.spent else "its last chunk, IEND, is missing"


_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_SCAN, _END = 0xDA, 0xD9


def _jpeg(peek: Peek) -> str:
    """The end is looked for behind the start of the scan: a thumbnail before it has one of its own."""
    place = 2
    while head := peek.at(place, 4):
        if head[0] != 0xFF:
            return ""
        if head[1:2] == b"\xff":  # a fill byte before a marker
            place += 1
            continue
        marker = head[1] if len(head) > 1 else 0x01
        if marker == _END:
            return ""
        if marker == _SCAN:
            return _scanned(peek, place)
        place += 2 if marker in _ALONE else 2 + max(2, big(head[2:4]))
    return "" if peek.spent else "it ends before its pixels begin"


def _scanned(peek: Peek, start: int) -> str:
    """In the data of the pixels every FF is followed by 00 or a restart, so that FF D9 is no part of them."""
    place = max(start, peek.size - MOST_BYTES)
    while block := peek.at(place, MOST_BYTES):
        if b"\xff\xd9" in block:
            return ""
        if place == start:
            return "its end marker is missing"
        place = max(start, place - MOST_BYTES + 1)  # a marker may lie across two blocks
    return ""


def _gif(peek: Peek) -> str:
    if peek.at(max(0, peek.size - MOST_BYTES), MOST_BYTES).rstrip(b"\0\r\n").endswith(b"\0;"):
        return ""
    screen = peek.at(10, 1)
    place = 13 + _colours(screen)
    while head := peek.at(place, 10):
        if head[0] == 0x3B:
            return ""
        if head[0] == 0x21:
            place += 2
        elif head[0] == 0x2C:
            place += 11 + _colours(head[9:10])
        else:
            return ""
        while count := peek.at(place, 1).rstrip(b"\0"):
            place += 1 + count[0]
        place += 1
    return "" if peek.spent else "its trailer is missing"


def _colours(flags: bytes) -> int:
    """The bytes of the colour table that these flags announce."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _riff(peek: Peek) -> int:
    size = little(peek.at(4, 4))
    return 0 if size == _OPEN_ENDED else 8 + size


def _bmp(peek: Peek) -> int:
    """Where the last pixel of an uncompressed picture lies; the size in the file's own header is often wrong."""
    head = peek.at(0, 34)
    if len(head) < 34 or little(head[14:18]) < 40 or little(head[30:34]) not in (0, 3):
        return 0
    width, bits = little(head[18:22]), little(head[28:30])
    height = abs(int.from_bytes(head[22:26], "little", signed=True))
    row = -(-width * bits // 8)
    return little(head[10:14]) + (row + -row % 4) * (height - 1) + row


def _boxed(peek: Peek) -> int:
    """Where the last of the known boxes ends; others may be what a camera appended."""
    end = 0
    for box in boxes(peek, 0, peek.size):
        if box.kind not in (b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip"):
            break
        end = box.end
    return end
