"""The film's sound: packets of clips that agree laid end to end, else all through libavfilter, sample by sample."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.error import BlockingIOError as NothingYet
from av.error import EOFError as AtEnd
from av.filter import Graph
from av.filter.context import FilterContext
from av.packet import Packet
from av.stream import Stream

from pipeline.errors import MediaError
from pipeline.media.reel import Reel, SoundTrack
from pipeline.media.source import opened
from pipeline.media.survey import sound_stream, survey

RATE = 48_000
BED_UNDER_SOUND_DB = -12
FADE_SECONDS = Fraction(3, 2)
_LAYOUT = "stereo"
_FORMAT = "fltp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A clip's place in the film: from `begin` to `end` in seconds of the film it is seen and heard."""

    reel: Reel
    begin: Fraction
    end: Fraction

    @property
    def samples(self) -> int:
        """How many samples of the film's sound are this clip's, counted so that rounding never adds up."""
        return round(self.end * RATE) - round(self.begin * RATE)


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
    tracks = [stretch.reel.sound for stretch in stretches]
    first = tracks[0]
    if first is None or any(track is None for track in tracks):
        return "some clips have no sound"
    length = first.entries[0].duration
    spans: list[tuple[int, int]] = []
    start = position = 0
    for number, (stretch, track) in enumerate(zip(stretches, tracks, strict=True)):
        if track is None or not _alike(first, track):
            return f"{stretch.reel.path.name} and {stretches[0].reel.path.name} differ in the form of their sound"
        places = _places(stretch, track)
        if any(entry.duration != length for entry in track.entries[:-1]) or not length:
            return f"the sound of {stretch.reel.path.name} has gaps"
        begin = 0 if number == 0 else _nearest(places, position)
        if number == 0:
            start = position = places[0]
        if abs(places[begin] - position) > length // 2 + 1:
            return (
                f"the sound of {stretch.reel.path.name} or of the clip before it does not last as long as its pictures"
            )
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
    shift = (stretch.begin - stretch.reel.origin) * track.rate
    return [round(entry.pts + shift) for entry in track.entries]


def _nearest(places: list[int], position: int) -> int:
    after = bisect_left(places, position)
    around = [place for place in (after - 1, after) if 0 <= place < len(places)]
    return min(around, key=lambda place: abs(places[place] - position))


def copied_stream(container: OutputContainer, reel: Reel) -> Stream:
    """A sound stream of the film with the headers of `reel`."""
    track = reel.sound
    assert track is not None
    out = container.add_mux_stream("aac", rate=track.rate)
    out.time_base = track.base
    with opened(reel.path) as source:
        BitStreamFilterContext("null", sound_stream(source), out)
    return out


def copied_packets(stretches: Sequence[Stretch], laid: Laid, out: Stream) -> Iterator[Packet[Any]]:
    """The packets chosen by `lay`, each one packet's length after the one before."""
    position = laid.start
    for stretch, (begin, stop) in zip(stretches, laid.spans, strict=True):
        track = stretch.reel.sound
        assert track is not None
        length = track.entries[0].duration
        with opened(stretch.reel.path) as container:
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


def mixed(stretches: Sequence[Stretch], bed: Path | None) -> Iterator[AudioFrame]:
    """The film's sound, 48 kHz stereo: each clip's at its pictures, silence where it has none, the bed beneath.

    The bed is 12 dB down where any clip has sound, ends with the film and fades out over its last 1.5 s.
    """
    total = sum(stretch.samples for stretch in stretches)
    speaks = any(stretch.reel.sound is not None for stretch in stretches)
    clips = (frame for stretch in stretches for frame in _clip(stretch))
    if bed is None:
        yield from _counted(clips)
        return
    under = _bed(bed, total, BED_UNDER_SOUND_DB if speaks else 0)
    if not speaks:
        yield from _counted(under)
        return
    graph = Graph()
    inputs = [_source(graph, "clips"), _source(graph, "bed")]
    mix = graph.add("amix", "inputs=2:normalize=0:duration=first")
    for pad, node in enumerate(inputs):
        node.link_to(mix, 0, pad)
    # Two loud sounds may add up to more than full scale; bent, not cut.
    limit = graph.add("alimiter", "level=disabled:limit=0.97:latency=1")
    sink = graph.add("abuffersink")
    graph.link_nodes(mix, limit, _stereo(graph), sink)
    graph.configure()
    yield from _counted(_run(list(zip(inputs, (_counted(clips), _counted(under)), strict=True)), sink, total))


def _clip(stretch: Stretch) -> Iterator[AudioFrame]:
    """Exactly as many samples as the clip has in the film, beginning with its first shown picture."""
    graph = Graph()
    reel, total = stretch.reel, stretch.samples
    if total <= 0:
        return
    if reel.sound is None:
        silence = graph.add("anullsrc", f"r={RATE}:cl={_LAYOUT}:n=1024")
        sink = graph.add("abuffersink")
        graph.link_nodes(silence, graph.add("atrim", f"end_sample={total}"), _stereo(graph), sink)
        graph.configure()
        yield from _run([], sink, total)
        return
    with opened(reel.path) as container:
        stream = sound_stream(container)
        assert stream is not None
        yield from _trimmed(container.decode(stream), stream, total, begin=reel.origin)


def _bed(path: Path, total: int, decibels: int) -> Iterator[AudioFrame]:
    with opened(path) as container:
        if sound_stream(container) is None:
            raise MediaError(f"{path.name} holds no sound.", "Name an mp3, wav, m4a or ogg file as the bed.")
        found = survey(container, path)
    with opened(path) as container:
        stream = sound_stream(container)
        assert stream is not None
        assert stream.time_base is not None
        begin = found.sounds[0].pts * stream.time_base if found.sounds else Fraction(0)
        begin = max(begin, Fraction(0))
        length = (found.sounds[-1].pts + found.sounds[-1].duration) * stream.time_base - begin if found.sounds else 0
        heard = min(Fraction(total, RATE), Fraction(length))
        fade = min(FADE_SECONDS, heard / 2)
        shape = [
            ("volume", f"{decibels}dB"),
            ("afade", f"t=out:st={float(heard - fade):.6f}:d={float(fade):.6f}"),
        ]
        yield from _trimmed(container.decode(stream), stream, total, begin=begin, shape=shape)


def _trimmed(
    frames: Iterable[AudioFrame],
    stream: AudioStream,
    total: int,
    *,
    begin: Fraction,
    shape: Sequence[tuple[str, str]] = (),
) -> Iterator[AudioFrame]:
    """`total` samples of 48 kHz stereo from `begin` seconds of the stream's clock on, silence where it has none."""
    graph = Graph()
    base = Fraction(1, stream.codec_context.sample_rate)
    source = graph.add_abuffer(template=stream, time_base=base)
    chain = [
        # Gaps in the clip's own clock and a late beginning become silence, an early one is cut: never stretched.
        graph.add("aresample", f"{RATE}:async=1:min_hard_comp=0.01:first_pts=0"),
        _stereo(graph),
        *(graph.add(name, arguments) for name, arguments in shape),
        graph.add("apad", f"whole_len={total}"),
        graph.add("atrim", f"end_sample={total}"),
    ]
    sink = graph.add("abuffersink")
    graph.link_nodes(source, *chain, sink)
    graph.configure()
    yield from _run([(source, _shifted(frames, begin, base))], sink, total)


def _shifted(frames: Iterable[AudioFrame], begin: Fraction, base: Fraction) -> Iterator[AudioFrame]:
    """The frames with `begin` as their zero; those wholly before it left out."""
    for frame in frames:
        at = (frame.pts or 0) * (frame.time_base or base)
        frame.pts = round((at - begin) / base)
        frame.time_base = base
        if frame.pts + frame.samples > 0:
            yield frame


def _source(graph: Graph, name: str) -> FilterContext:
    return graph.add_abuffer(sample_rate=RATE, format=_FORMAT, layout=_LAYOUT, time_base=Fraction(1, RATE), name=name)


def _stereo(graph: Graph) -> FilterContext:
    return graph.add("aformat", f"sample_fmts={_FORMAT}:sample_rates={RATE}:channel_layouts={_LAYOUT}")


def _run(
    feeds: list[tuple[FilterContext, Iterator[AudioFrame]]], sink: FilterContext, total: int
) -> Iterator[AudioFrame]:
    """What comes out of a configured graph while its inputs are fed in turn, at most `total` samples."""
    done = 0
    live = list(feeds)
    with ExitStack() as closing:
        for _, frames in feeds:
            if hasattr(frames, "close"):
                closing.callback(frames.close)
        while done < total:
            for feed in list(live):
                frame = next(feed[1], None)
                feed[0].push(frame)
                if frame is None:
                    live.remove(feed)
            finished = not live
            while done < total:
                try:
                    out = sink.pull()
                except NothingYet:
                    break
                except AtEnd:
                    return
                if isinstance(out, AudioFrame):
                    done += out.samples
                    yield out
                    finished = False
            if finished:
                return


def _counted(frames: Iterable[AudioFrame]) -> Iterator[AudioFrame]:
    """The frames timed by counting their samples."""
    position = 0
    for frame in frames:
        frame.pts, frame.time_base = position, Fraction(1, RATE)
        position += frame.samples
        yield frame
