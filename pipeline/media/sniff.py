"""What kind of file its first bytes say it is, and how large a picture its header says it is.

Plain Python on bounded reads: nothing here decodes, so a hostile file costs no more than a good one.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Literal

Media = Literal["image", "video", "audio"]
HEAD_BYTES = 64
"""`sniff` needs no more of a file than this."""

_MAGIC: tuple[tuple[int, bytes, Media, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image", "png"),
    (0, b"\xff\xd8\xff", "image", "jpeg"),
    (0, b"GIF87a", "image", "gif"),
    (0, b"GIF89a", "image", "gif"),
    (0, b"II*\x00", "image", "tiff"),
    (0, b"MM\x00*", "image", "tiff"),
    (0, b"fLaC", "audio", "flac"),
    (0, b"ID3", "audio", "mp3"),
)
_RIFF: dict[bytes, tuple[Media, str]] = {
    b"WEBP": ("image", "webp"),
    b"WAVE": ("audio", "wav"),
    b"AVI ": ("video", "avi"),
}
_STILL_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_SOUND_BRANDS = (b"M4A ", b"M4B ", b"M4P ", b"F4A ")
_MOVIE_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def sniff(head: bytes) -> tuple[Media, str] | None:
    """Media and format by the magic bytes of a file's first 64 bytes, or None where they say nothing known."""
    for offset, magic, media, kind in _MAGIC:
        if head.startswith(magic, offset):
            return media, kind
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _by_brand(head[8:12])
    if head[4:8] in _MOVIE_ATOMS:
        return "video", "mov"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return ("video", "webm") if b"webm" in head else ("video", "mkv")
    if head.startswith(b"OggS"):
        return ("video", "ogv") if b"theora" in head else ("audio", "ogg")
    if head.startswith(b"BM") and head[14:18] in (b"\x28\0\0\0", b"\x0c\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0"):
        return "image", "bmp"
    return _by_sync_word(head)


def _by_brand(brand: bytes) -> tuple[Media, str]:
    if brand in _STILL_BRANDS:
        return "image", "heic"
    if brand in (b"avif", b"avis"):
        return "image", "avif"
    if brand in _SOUND_BRANDS:
        return "audio", "m4a"
    return ("video", "mov") if brand == b"qt  " else ("video", "mp4")


def _by_sync_word(head: bytes) -> tuple[Media, str] | None:
    """Raw AAC and MPEG audio have no magic: a frame header whose fields are all possible stands for one."""
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0 and (head[2] >> 2) & 0xF < 13:
        return "audio", "aac"
    layer, bitrate, rate = (head[1] >> 1) & 3, head[2] >> 4, (head[2] >> 2) & 3
    if head[1] & 0xE0 == 0xE0 and (head[1] >> 3) & 3 != 1 and layer and bitrate not in (0, 15) and rate != 3:
        return "audio", "mp3"
    return None


def image_size(path: Path) -> tuple[int, int] | None:
    """Width and height by the header of a png, jpeg, webp, gif or bmp; None where it has none. Raises `OSError`."""
    with path.open("rb") as file:
        return size_in(file)


def size_in(file: BinaryIO) -> tuple[int, int] | None:
    """As `image_size`, of an open file, read from its beginning."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    found = sniff(head)
    match found[1] if found else "":
        case "png" if head[12:16] == b"IHDR":
            size = _big(head[16:20]), _big(head[20:24])
        case "gif":
            size = _little(head[6:8]), _little(head[8:10])
        case "bmp" if head[14:15] == b"\x0c":
            size = _little(head[18:20]), _little(head[20:22])
        case "bmp":
            size = _little(head[18:22]), abs(int.from_bytes(head[22:26], "little", signed=True))
        case "webp":
            size = _webp(head)
        case "jpeg":
            size = _jpeg(file)
        case _:
            return None
    return size if min(size) > 0 else None


def _webp(head: bytes) -> tuple[int, int]:
    match head[12:16]:
        case b"VP8 " if head[23:26] == b"\x9d\x01\x2a":
            return _little(head[26:28]) & 0x3FFF, _little(head[28:30]) & 0x3FFF
        case b"VP8L" if head[20:21] == b"\x2f":
            bits = _little(head[21:25])
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X" if len(head) >= 30:
            return _little(head[24:27]) + 1, _little(head[27:30]) + 1
    return 0, 0


_MOST_SEGMENTS = 4096
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _jpeg(file: BinaryIO) -> tuple[int, int]:
    file.seek(2)
    for _ in range(_MOST_SEGMENTS):
        head = file.read(4)
        filled = 0
        while head[:2] == b"\xff\xff":  # fill bytes before a marker
            head = head[1:] + file.read(1)
            filled += 1
            if len(head) < 4 or filled > _MOST_SEGMENTS:
                return 0, 0
        if len(head) < 4 or head[0] != 0xFF or head[1] == 0xDA:
            return 0, 0
        if head[1] in _FRAME_MARKERS:
            frame = file.read(5)
            return _big(frame[3:5]), _big(frame[1:3])
        file.seek(max(_big(head[2:4]) - 2, 0), 1)
    return 0, 0


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
