"""Pictures of clips that agree, copied packetwise; where they are not a clip's own, drawn and encoded in between.

What is drawn reaches from one key frame that copying may end at to the next that it may go on from.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any

from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from pipeline.errors import MediaError
from pipeline.media.colour import to_bt709
from pipeline.media.encode import h264_context
from pipeline.media.nal import parameter_sets, units, with_lengths
from pipeline.media.reel import UNTAGGED_HD, Reel
from pipeline.media.relay import encoded
from pipeline.media.source import needed_picture_stream, opened
from pipeline.media.timeline import Stay, Timeline, drawn
from pipeline.values import dataclass

# The settings that our own clips are made with first; clips of other encoders match none.
PRESETS = ("veryfast", "superfast", "ultrafast", "faster", "fast", "medium", "slow")
PATCH_CRF = 15  # seconds at most, between pictures that are not encoded again: no one should see where
_TAG = "h264_metadata=colour_primaries=1:transfer_characteristics=1:matrix_coefficients=1:video_full_range_flag=0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """Packets of a clip from `place` of its entries on, before `end`; shown `shift` later than in the clip."""

    reel: Reel
    place: int
    end: int
    shift: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """Pictures of the film that are encoded: packets in the form and on the clock of the clips."""

    packets: tuple[Packet[Any], ...]


Piece = Copied | Patch


def pieces(timeline: Timeline) -> tuple[Piece, ...] | None:
    """The film piece after piece; None where something must be encoded that could not share the clips' headers."""
    times = ticks(timeline)
    touched = timeline.touched
    copies = [copy for stay in timeline.stays for copy in _copies(stay, touched, times)]
    edges = [(0, 0), *((first, stop) for first, stop, _ in copies), (timeline.frames, timeline.frames)]
    gaps = [(before[1], after[0]) for before, after in pairwise(edges) if before[1] < after[0]]
    if not gaps:
        return tuple(copy for _, _, copy in copies)
    reel = next(stay.part.reel for stay in timeline.stays if stay.part.reel)
    match = _matching(reel)
    if match is None or not all(_even(times[first:stop], reel.base, match[1]) for first, stop in gaps):
        return None
    patches = dict(zip(gaps, _patches(timeline, reel, gaps, times, *match), strict=True))
    found: list[tuple[int, Piece]] = [(first, copy) for first, _, copy in copies]
    found += [(first, patch) for (first, _), patch in patches.items()]
    return tuple(piece for _, piece in sorted(found, key=lambda one: one[0]))


def ticks(timeline: Timeline) -> tuple[int, ...]:
    """When each picture of the film is shown, and when the last ends, in units of the clips' common time base."""
    base = next(stay.part.reel.base for stay in timeline.stays if stay.part.reel)
    found: list[int] = []
    end = 0
    for stay in timeline.stays:
        begin = found[stay.first] if stay.since else end
        own = _own_ticks(stay, timeline.rate, base)
        found += [begin + own[number] for number in range(stay.since, stay.stop - stay.first)]
        end = begin + own[-1]
    return (*found, end)


def seconds(stay: Stay, rate: Fraction) -> Fraction:
    """How long a part is seen."""
    return stay.part.reel.seconds if stay.part.reel else (stay.stop - stay.first) / rate


def _own_ticks(stay: Stay, rate: Fraction, base: Fraction) -> list[int]:
    """When each picture of a part is shown after its first, and when the part ends."""
    reel = stay.part.reel
    if reel is None:
        return [round(number / rate / base) for number in range(stay.stop - stay.first + 1)]
    return [time - reel.start for time in (*reel.times[reel.first : reel.stop], reel.end)]


def _copies(stay: Stay, touched: Sequence[range], times: Sequence[int]) -> Iterator[tuple[int, int, Copied]]:
    """What of a clip is copied: first picture of the film, the one after the last, and the packets."""
    reel = stay.part.reel
    if reel is None:
        return
    # Where the picture numbered 0 of the whole clip would lie in the film.
    origin = stay.first - reel.first
    shift = times[stay.first] - reel.start
    keys = _safe_keys(reel)
    begin = stay.first
    for touch in (*touched, range(stay.stop, stay.stop + 1)):
        if touch.stop <= begin or touch.start > stay.stop:
            continue
        if begin < touch.start:
            first = next((key for key in keys if key >= begin - origin), len(reel.times))
            stop = max((key for key in keys if key <= touch.start - origin), default=0)
            if first < stop:
                yield origin + first, origin + stop, Copied(reel=reel, place=first, end=stop, shift=shift)
        begin = touch.stop


def _safe_keys(reel: Reel) -> list[int]:
    """The numbers of pictures, and so of packets, where copying may begin and end; the clip's own two ends as well.

    Such a picture is a key frame, all before it in the file are shown before it and all after it after it.
    """
    places = [0]
    latest = reel.times[0]
    for place, entry in enumerate(reel.entries):
        if place and entry.key and entry.pts > latest and bisect_left(reel.times, entry.pts) == place:
            places.append(place)
        latest = max(latest, entry.pts)
    return [*places, len(reel.entries)]


def _matching(reel: Reel) -> tuple[str, Fraction] | None:
    """The preset and the clock with which our encoder writes the headers that the clip has."""
    for base in (1 / reel.fps, reel.base):
        for preset in PRESETS:
            with suppress(MediaError):
                headers = _encoder(reel, preset, base).extradata or b""
                if units(headers) == parameter_sets(reel.headers):
                    return preset, base
    return None


def _even(times: Sequence[int], reel_base: Fraction, base: Fraction) -> bool:
    """Whether all of these pictures come on ticks of an encoder's clock that begins with the first."""
    return all(((time - times[0]) * reel_base / base).denominator == 1 for time in times)


def _encoder(reel: Reel, preset: str, base: Fraction) -> VideoCodecContext:
    context = h264_context(
        width=reel.width, height=reel.height, fps=reel.fps, time_base=base, crf=PATCH_CRF, preset=preset
    )
    context.open()
    return context


def _patches(
    timeline: Timeline,
    reel: Reel,
    gaps: Sequence[tuple[int, int]],
    times: Sequence[int],
    preset: str,
    base: Fraction,
) -> Iterator[Patch]:
    """Those stretches of pictures, drawn and encoded."""
    showings = [partial(shown, stay.part.reel) if stay.part.reel else _nothing for stay in timeline.stays]

    def pictures(first: int, stop: int) -> Iterator[VideoFrame]:
        for number, frame in enumerate(drawn(timeline, showings, (reel.width, reel.height), first, stop), first):
            frame.pts = int((times[number] - times[first]) * reel.base / base)
            frame.time_base, frame.duration = base, 0
            yield frame

    done = encoded(partial(_encoder, reel, preset, base), [partial(pictures, *gap) for gap in gaps])
    for (first, _), packets in zip(gaps, done, strict=True):
        yield Patch(packets=tuple(_stored_like(packet, times[first], base / reel.base) for packet in packets))


def _nothing(_number: int) -> Iterator[VideoFrame]:
    return iter(())


def shown(reel: Reel, number: int) -> Iterator[VideoFrame]:
    """The pictures of a clip that are seen, from that number on, in its own size."""
    reformatter = VideoReformatter()
    first = reel.first + number
    key = max(key for key in _safe_keys(reel) if key <= first)
    with opened(reel.path) as container:
        for frame in _decoded(container, needed_picture_stream(container, reel.path), reel, key):
            if frame.pts is None or frame.pts < reel.times[first]:
                continue
            if frame.pts >= reel.end:
                return
            yield to_bt709(frame, reformatter)


def _decoded(container: InputContainer, stream: VideoStream, reel: Reel, key: int) -> Iterator[VideoFrame]:
    """The clip's frames from one of its key frames on, or from its beginning where there is no leap to that."""
    if key:
        container.seek(reel.entries[key].pts, stream=stream)
        started = False
        for packet in container.demux(stream):
            started = started or packet.pts == reel.entries[key].pts
            if started:
                yield from packet.decode()
        if started:
            return
        container.seek(0)
    yield from container.decode(stream)


def _stored_like(packet: Packet[Any], begin: int, scale: Fraction) -> Packet[Any]:
    """An encoder's packet in the form and on the clock of the clips' own."""
    fresh: Packet[Any] = Packet(with_lengths(bytes(packet)))
    fresh.pts = begin + int((packet.pts or 0) * scale)
    fresh.is_keyframe = packet.is_keyframe
    return fresh


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


def _timing(found: Sequence[Piece]) -> _Timing:
    stored: list[int] = []
    for piece in found:
        if isinstance(piece, Patch):
            stored += [packet.pts or 0 for packet in piece.packets]
        else:
            stored += [entry.pts + piece.shift for entry in piece.reel.entries[piece.place : piece.end]]
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


def packets(found: Sequence[Piece], out: Stream) -> Iterator[Packet[Any]]:
    """The pictures of all pieces one after another, times continuous, in units of the clips' common time base."""
    timing = _timing(found)
    index = 0
    for piece in found:
        for packet in piece.packets if isinstance(piece, Patch) else _stored(piece):
            yield _placed(packet, timing, index, out)
            index += 1


def _placed(packet: Packet[Any], timing: _Timing, index: int, out: Stream) -> Packet[Any]:
    pts = timing.stored[index]
    place = bisect_left(timing.sorted, pts)
    packet.stream = out
    assert out.time_base is not None
    packet.time_base = out.time_base
    packet.pts = pts
    packet.dts = timing.decode_time(index)
    if place + 1 < len(timing.sorted):
        packet.duration = timing.sorted[place + 1] - pts
    return packet


def _stored(piece: Copied) -> Iterator[Packet[Any]]:
    """The clip's packets as it has them, tagged where the clip is not."""
    with opened(piece.reel.path) as container:
        stream = needed_picture_stream(container, piece.reel.path)
        tag = BitStreamFilterContext(_TAG, stream) if piece.reel.colour == UNTAGGED_HD else None
        count = 0
        for packet in container.demux(stream):
            if not packet.size:
                continue
            count += 1
            if count > piece.end:
                break
            if count > piece.place:
                if tag is None:
                    yield packet
                else:
                    yield from tag.filter(packet)


def _filter(reel: Reel) -> str:
    return _TAG if reel.colour == UNTAGGED_HD else "null"


def seconds_of(packet: Packet[Any]) -> Fraction:
    """When a packet must be decoded."""
    return (packet.dts or 0) * packet.time_base
