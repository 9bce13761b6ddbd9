"""A file of unknown making, opened without trust: known by its first bytes, never by its name; no other file, no link.

Only the demuxer that those bytes name is used, and it may open this one file, so that playlists and other texts that
point elsewhere lead nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from pipeline.errors import MediaError
from pipeline.media.faults import reading

MAX_PIXELS = 80_000_000  # two 8K pictures; a decoded one takes a quarter of a gigabyte
PICTURES = {"png": "PNG", "jpeg": "JPEG", "gif": "GIF", "webp": "WEBP", "bmp": "BMP", "tiff": "TIFF", "avif": "AVIF"}
_DEMUXERS = {
    "mp4": "mov",
    "matroska": "matroska",
    "avi": "avi",
    "mpegts": "mpegts",
    "flv": "flv",
    "wav": "wav",
    "mp3": "mp3",
    "aac": "aac",
    "ogg": "ogg",
    "flac": "flac",
    "aiff": "aiff",
}
_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"\x1a\x45\xdf\xa3", "matroska"),
    (b"FLV\x01", "flv"),
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"ID3", "mp3"),
)
_RIFF = {b"WAVE": "wav", b"AVI ": "avi", b"WEBP": "webp"}
_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"}
_TEXT_STARTS = (b"<", b"{", b"[", b"#", b"%", b"ffconcat")


def sniff(path: Path) -> str:
    """What the first bytes say the file is: a key of `PICTURES` or the name of a container.

    Raises `MediaError` for what is no picture, video or sound, `OSError` where there is no file to read.
    """
    if path.exists() and not path.is_file():
        raise MediaError(f"{path.name} is not a file.", "Name a picture, a video or a sound.")
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        raise MediaError(f"{path.name} is empty.", "Fetch or make it again.")
    found = _sniffed(head)
    if found is None:
        looks = " It looks like text." if head.lstrip()[:8].startswith(_TEXT_STARTS) or head.isascii() else ""
        raise MediaError(
            f"{path.name} is no picture, video or sound that can be read here.{looks}",
            "Use PNG, JPEG or WebP pictures, mp4, mov or webm videos, mp3, wav, m4a or ogg sounds.",
        )
    return found


def _sniffed(head: bytes) -> str | None:
    for start, name in _STARTS:
        if head.startswith(start):
            return name
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[4:8] in _BOXES:
        return "avif" if head[8:12] in (b"avif", b"avis") else "mp4"
    if head[0] == 0x47 and len(head) > 376 and head[188] == 0x47 and head[376] == 0x47:
        return "mpegts"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "aac" if head[1] & 0x06 == 0 else "mp3"
    return None


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """A video or sound file, ready to demux and decode strictly; libav's complaints in the block become `MediaError`.

    Damage is an error in the decoders used, never hidden. Raises `MediaError` for pictures and for anything else.
    """
    kind = sniff(path)
    if kind not in _DEMUXERS:
        raise MediaError(f"{path.name} is a {kind.upper()} picture.", "A video or a sound is needed here.")
    options = {"protocol_whitelist": "file", "max_pixels": str(MAX_PIXELS)}
    with reading(path), av.open(f"file:{path}", format=_DEMUXERS[kind], options=options) as container:
        for stream in [known for known in container.streams if known.codec_context is not None]:
            context = stream.codec_context
            context.options = {"max_pixels": str(MAX_PIXELS)}
            context.thread_count = 1
            if isinstance(stream, VideoStream):
                context.options = context.options | {"err_detect": "explode"}
                bounded(path, stream.width, stream.height)
        yield container


def bounded(path: Path, width: int, height: int) -> None:
    """Raises `MediaError` where `width` x `height` is more than is decoded here."""
    if width * height > MAX_PIXELS:
        raise MediaError(
            f"{path.name} has {width}x{height} pixels, more than {MAX_PIXELS // 1_000_000} million.",
            "Scale it down first.",
        )


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The first stream of moving pictures, cover art aside."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic and stream.codec_context is not None:
            return stream
    return None


def needed_picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """As `picture_stream`, or `MediaError` where the file holds none."""
    stream = picture_stream(container)
    if stream is None:
        raise MediaError(f"{path.name} holds no pictures.", "A video is needed here.")
    return stream


def exact_seconds(value: Fraction | None) -> Decimal:
    """A duration in seconds as a decimal to the microsecond; nothing is 0."""
    if value is None:
        return Decimal(0)
    micros = round(value * 1_000_000)
    return (Decimal(micros) / 1_000_000).normalize() + Decimal(0) if micros else Decimal(0)
