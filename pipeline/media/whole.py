"""Whether a file is as long as its own outermost boxes say; no decoder needed, and no slack."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import MediaError

_SEGMENT = b"\x18\x53\x80\x67"
_TS_PACKET = 188
_OPEN_ENDED = {0, 0xFFFFFFFF}  # RIFF sizes of files that were streamed


def whole(path: Path, kind: str) -> None:
    """Raises `MediaError` where the container promises more bytes than the file has; silent where it promises none."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(4096)
    if kind == "mp4":
        promised = _boxes(path, size)
    elif kind == "matroska":
        promised = _segment(head)
    elif kind in ("wav", "avi"):
        stated = int.from_bytes(head[4:8], "little")
        promised = 0 if stated in _OPEN_ENDED else 8 + stated
    elif kind == "mpegts":
        promised = -(-size // _TS_PACKET) * _TS_PACKET
    else:
        return
    if size < promised:
        raise cut_short(path)


def cut_short(path: Path) -> MediaError:
    """The error of a file that ends before it should."""
    return MediaError(f"{path.name} is cut short.", "The file did not arrive whole; fetch or make it again.")


def _boxes(path: Path, size: int) -> int:
    """Where the last box of an mp4 ends."""
    place = 0
    with path.open("rb") as file:
        while place < size:
            file.seek(place)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            if len(head) < 8 or (length == 0 and not any(head[4:8])):
                return place  # padding after the last box
            if length == 0:
                return size  # this box goes on to the end, whatever that is
            place += max(length, 8)
    return place


def _segment(head: bytes) -> int:
    """Where the segment of a matroska file ends; 0 where it does not say."""
    place = head.find(_SEGMENT)
    if place < 0 or place + 12 > len(head):
        return 0
    place += len(_SEGMENT)
    first = head[place]
    width = 9 - first.bit_length()
    if width > 8:
        return 0
    value = int.from_bytes(head[place : place + width], "big") & ((1 << 7 * width) - 1)
    unknown = value == (1 << 7 * width) - 1
    return 0 if unknown else place + width + value
