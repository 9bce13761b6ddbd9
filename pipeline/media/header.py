"""What the headers of a picture, video or sound say it is, read without decoding a byte.

Bounded reads in plain Python: files come from strangers, and a hostile one costs no more than a good one. What is said
here is said by the file and may be a lie; `probe` asks the demuxers, `check` believes the decoders alone.
"""

from __future__ import annotations

from decimal import Decimal
from typing import BinaryIO

from pipeline.media import sounds
from pipeline.media.boxes import movie
from pipeline.media.ebml import segment
from pipeline.media.peek import Peek
from pipeline.media.sniff import HEAD_BYTES, Media, size_in, sniff
from pipeline.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a file says it is; `format` as `sniff` names it.

    `width` and `height` in pixels before any rotation, 0 where not known or a sound. `seconds` of a video or sound to
    the millisecond, None where not known.
    """

    media: Media
    format: str
    width: int = 0
    height: int = 0
    seconds: Decimal | None = None


def header_in(file: BinaryIO, size: int) -> Header | None:
    """The header of an open file of `size` bytes; None where its first bytes are of no known format.

    Raises `OSError`. Where the file stands afterwards is not said.
    """
    peek = Peek(file, size)
    found = sniff(peek.at(0, HEAD_BYTES))
    if found is None:
        return None
    media, kind = found
    width, height, seconds = 0, 0, None
    if media == "image":
        width, height = size_in(file) or (0, 0)
    elif kind in ("webm", "mkv"):
        width, height, seconds = segment(peek)
    elif kind in ("mp4", "mov"):
        width, height, seconds = movie(peek)
    else:
        seconds = _sound(peek, kind)
    return Header(media=media, format=kind, width=width, height=height, seconds=seconds)


def _sound(peek: Peek, kind: str) -> Decimal | None:
    match kind:
        case "m4a":
            return movie(peek)[2]
        case "wav":
            return sounds.wav(peek)
        case "mp3":
            return sounds.mp3(peek)
        case "flac":
            return sounds.flac(peek)
        case "ogg":
            return sounds.ogg(peek)
    return None
