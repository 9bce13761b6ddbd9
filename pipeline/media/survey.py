"""Every packet of a file, counted without decoding: where pictures and sounds begin and end, whether all is there."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream

from pipeline.media.source import picture_stream, sniff
from pipeline.media.whole import cut_short, whole
from pipeline.values import dataclass

_SLACK = Fraction(1, 5)  # seconds by which a container's own figure may exceed what it holds
_PROMISING = {"matroska", "wav", "flac", "avi"}  # containers that end in silence when cut, yet state how long they are


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A packet's times in units of its stream's time base; `shown` is False where an edit list hides it."""

    pts: int
    dts: int
    duration: int
    key: bool
    shown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Packets of the picture and the first sound stream in the order stored; `timed` where each has its pts."""

    pictures: tuple[Entry, ...]
    sounds: tuple[Entry, ...]
    timed: bool


def survey(container: InputContainer, path: Path) -> Survey:
    """Read a freshly opened file to its end. Raises `MediaError` where packets are missing or cut short."""
    whole(path, sniff(path))
    video = picture_stream(container)
    audio = sound_stream(container)
    wanted: list[Stream] = [stream for stream in (video, audio) if stream is not None]
    tables: dict[int, list[Entry]] = {stream.index: [] for stream in wanted}
    timed = True
    for packet in container.demux(*wanted):
        if not packet.size:
            continue
        if packet.is_corrupt:
            raise cut_short(path)
        if packet.pts is None:
            timed = False
        pts = packet.pts if packet.pts is not None else packet.dts or 0
        tables[packet.stream.index].append(
            Entry(
                pts=pts,
                dts=packet.dts if packet.dts is not None else pts,
                duration=packet.duration or 0,
                key=packet.is_keyframe,
                shown=not packet.is_discard,
            )
        )
    found = Survey(
        pictures=tuple(tables[video.index]) if video else (),
        sounds=tuple(tables[audio.index]) if audio else (),
        timed=timed,
    )
    _all_there(container, path, found)
    return found


def _all_there(container: InputContainer, path: Path, found: Survey) -> None:
    """Raises `MediaError` where the headers count more packets or seconds than there are."""
    video, audio = picture_stream(container), sound_stream(container)
    ends = []
    for stream, table in ((video, found.pictures), (audio, found.sounds)):
        if stream is None or not table or stream.time_base is None:
            continue
        ends.append(max(entry.pts + entry.duration for entry in table) * stream.time_base)
    if video is not None and not found.pictures:
        raise cut_short(path)
    start = Fraction(max(0, container.start_time or 0), 1_000_000)
    if sniff(path) in _PROMISING and container.duration and ends:
        promised = Fraction(container.duration, 1_000_000) + start
        frame = 2 / video.average_rate if video is not None and video.average_rate else Fraction(0)
        if max(ends) + max(_SLACK, frame) < promised:
            raise cut_short(path)


def sound_stream(container: InputContainer) -> AudioStream | None:
    """The first sound stream that can be decoded."""
    return next((stream for stream in container.streams.audio if stream.codec_context is not None), None)
