"""The film's sound where its clips agree: their packets laid end to end, each clip's at its pictures."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from pipeline.media.mix import Stretch
from pipeline.media.reel import SoundTrack
from pipeline.media.source import opened
from pipeline.media.survey import sound_stream
from pipeline.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """Which packets of each clip's sound make up the film's: (first, one past the last) for each clip."""

    spans: tuple[tuple[int, int], ...]
    start: int


def lay(stretches: Sequence[Stretch]) -> Laid | str:
    """Which packets to copy so that each clip's sound lies within half a packet of its pictures; else why not.

    The packets follow each other without gap or overlap, so that nothing adds up from joint to joint, and the
    encoder's lead-in is left out of every clip but the first, unless it fills a gap.
    """
    tracks = [stretch.sound for stretch in stretches]
    first = tracks[0]
    if first is None or any(track is None for track in tracks):
        return "some clips have no sound"
    length = first.entries[0].duration
    spans: list[tuple[int, int]] = []
    start = position = 0
    for number, (stretch, track) in enumerate(zip(stretches, tracks, strict=True)):
        if track is None or not _alike(first, track):
            return f"{stretch.path.name} and {stretches[0].path.name} differ in the form of their sound"
        places = _places(stretch, track)
        if any(entry.duration != length for entry in track.entries[:-1]) or not length:
            return f"the sound of {stretch.path.name} has gaps"
        begin = 0 if number == 0 else _nearest(places, position)
        if number == 0:
            start = position = places[0]
        if abs(places[begin] - position) > length // 2 + 1:
            return f"the sound of {stretch.path.name} or of the clip before it does not last as long as its pictures"
        stop = begin
        edge = stretch.end * track.rate - (length // 2 if number + 1 < len(stretches) else 0)
        while stop < len(places) and position <= edge:
            position += length
            stop += 1
        spans.append((begin, stop))
    return Laid(spans=tuple(spans), start=start)


def _alike(one: SoundTrack, other: SoundTrack) -> bool:
    return (
        one.codec == other.codec == "aac"
        and bool(one.headers)
        and one.base == Fraction(1, one.rate)
        and (one.headers, one.rate, one.layout, one.base) == (other.headers, other.rate, other.layout, other.base)
    )


def _places(stretch: Stretch, track: SoundTrack) -> list[int]:
    """Where each packet of the clip should begin, in samples of the film."""
    shift = (stretch.begin - stretch.origin) * track.rate
    return [round(entry.pts + shift) for entry in track.entries]


def _nearest(places: list[int], position: int) -> int:
    after = bisect_left(places, position)
    around = [place for place in (after - 1, after) if 0 <= place < len(places)]
    return min(around, key=lambda place: abs(places[place] - position))


def copied_stream(container: OutputContainer, stretch: Stretch) -> Stream:
    """A sound stream of the film with the headers of that clip's."""
    track = stretch.sound
    assert track is not None
    out = container.add_mux_stream("aac", rate=track.rate)
    out.time_base = track.base
    with opened(stretch.path) as source:
        BitStreamFilterContext("null", sound_stream(source), out)
    return out


def copied_packets(stretches: Sequence[Stretch], laid: Laid, out: Stream) -> Iterator[Packet[Any]]:
    """The packets chosen by `lay`, each one packet's length after the one before."""
    position = laid.start
    for stretch, (begin, stop) in zip(stretches, laid.spans, strict=True):
        track = stretch.sound
        assert track is not None
        length = track.entries[0].duration
        with opened(stretch.path) as container:
            count = -1
            for packet in container.demux(sound_stream(container)):
                count += 1 if packet.size else 0
                if count >= stop:
                    break
                if count < begin or not packet.size:
                    continue
                # A new packet, without the marks that tell a player to skip samples in the middle of the film.
                fresh: Packet[Any] = Packet(bytes(packet))
                fresh.stream, fresh.time_base = out, track.base
                fresh.pts = fresh.dts = position
                fresh.duration, fresh.is_keyframe = length, True
                position += length
                yield fresh
