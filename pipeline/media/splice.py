"""Pictures of clips that agree, copied packetwise; where a first one is dropped, encoded up to the next key frame."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import VideoReformatter

from pipeline.errors import MediaError
from pipeline.media.colour import to_bt709
from pipeline.media.encode import h264_context
from pipeline.media.nal import parameter_sets, units, with_lengths
from pipeline.media.reel import UNTAGGED_HD, Reel
from pipeline.media.source import needed_picture_stream, opened

# The settings that our own clips are made with first; clips of other encoders match none.
PRESETS = ("veryfast", "superfast", "ultrafast", "faster", "fast", "medium", "slow")
HEAD_CRF = 12  # a second at most, between pictures that are not encoded again: no one should see where
_TAG = "h264_metadata=colour_primaries=1:transfer_characteristics=1:matrix_coefficients=1:video_full_range_flag=0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The encoded beginning of a clip whose first picture is dropped; copying goes on at `place` of its entries."""

    packets: tuple[Packet[Any], ...]
    place: int


def heads(reels: Sequence[Reel]) -> dict[int, Head] | None:
    """An encoded beginning for each clip that loses its first picture; None where none could share the headers."""
    wanted = [index for index, reel in enumerate(reels) if reel.start > reel.times[0]]
    if not wanted:
        return {}
    match = _matching(reels[0])
    if match is None or any(not _even(reels[index], match[1]) for index in wanted):
        return None
    return {index: _head(reels[index], *match) for index in wanted}


def _matching(reel: Reel) -> tuple[str, Fraction] | None:
    """The preset and the clock with which our encoder writes the headers that the clip has."""
    for base in (1 / reel.fps, reel.base):
        for preset in PRESETS:
            with suppress(MediaError):
                headers = _encoder(reel, preset, base).extradata or b""
                if units(headers) == parameter_sets(reel.headers):
                    return preset, base
    return None


def _even(reel: Reel, base: Fraction) -> bool:
    """Whether every picture of the clip comes on a tick of that clock."""
    return all(((time - reel.times[0]) * reel.base / base).denominator == 1 for time in reel.times)


def _encoder(reel: Reel, preset: str, base: Fraction) -> VideoCodecContext:
    context = h264_context(
        width=reel.width, height=reel.height, fps=reel.fps, time_base=base, crf=HEAD_CRF, preset=preset
    )
    context.open()
    return context


def _head(reel: Reel, preset: str, base: Fraction) -> Head:
    place = _next_key(reel)
    stop = reel.entries[place].pts if place < len(reel.entries) else reel.end
    encoder = _encoder(reel, preset, base)
    reformatter = VideoReformatter()
    packets: list[Packet[Any]] = []
    with opened(reel.path) as container:
        for frame in container.decode(needed_picture_stream(container, reel.path)):
            if frame.pts is None or frame.pts >= stop:
                break
            if frame.pts < reel.start:
                continue
            picture = to_bt709(frame, reformatter)
            picture.pts = int((frame.pts - reel.start) * reel.base / base)
            picture.time_base, picture.duration = base, 0
            packets += encoder.encode(picture)
    packets += encoder.encode(None)
    return Head(packets=tuple(_stored_like(packet, reel, base) for packet in packets), place=place)


def _stored_like(packet: Packet[Any], reel: Reel, base: Fraction) -> Packet[Any]:
    """An encoder's packet in the form and on the clock of the clip's own."""
    fresh: Packet[Any] = Packet(with_lengths(bytes(packet)))
    fresh.pts = reel.start + int((packet.pts or 0) * base / reel.base)
    fresh.is_keyframe = packet.is_keyframe
    return fresh


def _next_key(reel: Reel) -> int:
    """The place of the first later key frame that nothing after it in the file is shown before; the end if none."""
    earliest = [reel.end] * (len(reel.entries) + 1)
    for place in range(len(reel.entries) - 1, -1, -1):
        earliest[place] = min(earliest[place + 1], reel.entries[place].pts)
    for place, entry in enumerate(reel.entries):
        if place and entry.key and entry.pts == earliest[place] and entry.pts >= reel.start:
            return place
    return len(reel.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timing:
    """Presentation times of all packets of the film in stored order, and the same sorted."""

    stored: tuple[int, ...]
    sorted: tuple[int, ...]
    delay: int

    def decode_time(self, index: int) -> int:
        """Strictly rising, and never after the packet's own presentation."""
        if index >= self.delay:
            return self.sorted[index - self.delay]
        step = self.sorted[1] - self.sorted[0] if len(self.sorted) > 1 else 1
        return self.sorted[0] - (self.delay - index) * step


def _timing(reels: Sequence[Reel], encoded: dict[int, Head]) -> _Timing:
    stored: list[int] = []
    begin = 0
    for index, reel in enumerate(reels):
        shift = begin - reel.start
        head = encoded.get(index)
        if head is not None:
            stored += [(packet.pts or 0) + shift for packet in head.packets]
        stored += [entry.pts + shift for entry in reel.entries[head.place if head else 0 :]]
        begin += reel.end - reel.start
    order = sorted(stored)
    delay = max(index - bisect_left(order, pts) for index, pts in enumerate(stored))
    return _Timing(stored=tuple(stored), sorted=tuple(order), delay=delay)


def copied_stream(container: OutputContainer, reel: Reel) -> Stream:
    """A stream of the film with the headers of `reel`, tagged BT.709 whether `reel` said so or not."""
    out = container.add_mux_stream("h264", rate=reel.fps)
    out.time_base = reel.base
    with opened(reel.path) as source:
        BitStreamFilterContext(_filter(reel), needed_picture_stream(source, reel.path), out)
    return out


def copied_packets(reels: Sequence[Reel], encoded: dict[int, Head], out: Stream) -> Iterator[Packet[Any]]:
    """The pictures of all clips one after another, times continuous, in units of the clips' common time base."""
    timing = _timing(reels, encoded)
    index = 0
    for number, reel in enumerate(reels):
        head = encoded.get(number)
        for packet in head.packets if head else ():
            yield _placed(packet, timing, index, reel, out)
            index += 1
        for packet in _stored(reel, head.place if head else 0):
            yield _placed(packet, timing, index, reel, out)
            index += 1


def _placed(packet: Packet[Any], timing: _Timing, index: int, reel: Reel, out: Stream) -> Packet[Any]:
    pts = timing.stored[index]
    place = bisect_left(timing.sorted, pts)
    packet.stream = out
    packet.time_base = reel.base
    packet.pts = pts
    packet.dts = timing.decode_time(index)
    if place + 1 < len(timing.sorted):
        packet.duration = timing.sorted[place + 1] - pts
    return packet


def _stored(reel: Reel, place: int) -> Iterator[Packet[Any]]:
    """The clip's packets from that place on, tagged where the clip is not."""
    with opened(reel.path) as container:
        stream = needed_picture_stream(container, reel.path)
        tag = BitStreamFilterContext(_TAG, stream) if reel.colour == UNTAGGED_HD else None
        count = 0
        for packet in container.demux(stream):
            if not packet.size:
                continue
            count += 1
            if count > place:
                if tag is None:
                    yield packet
                else:
                    yield from tag.filter(packet)


def _filter(reel: Reel) -> str:
    return _TAG if reel.colour == UNTAGGED_HD else "null"


def seconds_of(packet: Packet[Any]) -> Fraction:
    """When a packet must be decoded."""
    return (packet.dts or 0) * packet.time_base
