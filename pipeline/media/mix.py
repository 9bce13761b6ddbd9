"""The film's sound where it must be mixed: all through libavfilter, sample by sample."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.error import BlockingIOError as NothingYet
from av.error import EOFError as AtEnd
from av.filter import Graph
from av.filter.context import FilterContext

from pipeline.errors import MediaError
from pipeline.media.reel import Reel, SoundTrack
from pipeline.media.source import opened
from pipeline.media.survey import sound_stream, survey
from pipeline.values import dataclass

RATE = 48_000
BED_UNDER_SOUND_DB = -12
FADE_SECONDS = Fraction(3, 2)
RAMP_SECONDS = Fraction(3, 10)  # in which a ducked bed goes down and comes up
PAUSE_SECONDS = Fraction(1)  # a shorter silence does not bring it up
_LAYOUT = "stereo"
_FORMAT = "fltp"
_AT_ONCE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Bed:
    """A sound file beneath the film: faded at both ends, in seconds, and made `volume_db` decibels louder.

    Where clips have sound it lies 12 dB lower, throughout the film, or with `duck` only for as long as each is heard.
    """

    path: Path
    fade_in: Fraction = Fraction(0)
    fade_out: Fraction = FADE_SECONDS
    volume_db: Fraction = Fraction(0)
    duck: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A clip's place in the film, or a card's: from `begin` to `end` in seconds of the film it is seen and heard.

    Two that follow each other may overlap, and no three: then the one fades into the other. `origin` is when in the
    file at `path` it begins, in seconds; `sound` is None where it is silent.
    """

    begin: Fraction
    end: Fraction
    path: Path = Path()
    origin: Fraction = Fraction(0)
    sound: SoundTrack | None = None

    @classmethod
    def of(cls, reel: Reel | None, begin: Fraction, end: Fraction) -> Stretch:
        """The stretch of a clip, or of a card where there is none."""
        if reel is None:
            return cls(begin=begin, end=end)
        return cls(begin=begin, end=end, path=reel.path, origin=reel.origin, sound=reel.sound)

    @property
    def first(self) -> int:
        """The sample of the film that it begins with."""
        return round(self.begin * RATE)

    @property
    def samples(self) -> int:
        """How many samples of the film's sound are this clip's, counted so that rounding never adds up."""
        return round(self.end * RATE) - round(self.begin * RATE)


def mixed(
    stretches: Sequence[Stretch],
    bed: Bed | None,
    *,
    seconds: Fraction,
    fade_in: Fraction = Fraction(0),
    fade_out: Fraction = Fraction(0),
) -> Iterator[AudioFrame]:
    """The film's sound, 48 kHz stereo, as long as the film: each clip's at its pictures, silence else, the bed beneath.

    Where two clips overlap their sounds cross at equal power. The fades are those of the whole film, in seconds.
    """
    total = round(seconds * RATE)
    lanes = [lane for lane in _lanes(stretches) if any(voice.stretch.sound for voice in lane)]
    feeds = [_heard(lane, total) for lane in lanes]
    if bed is not None:
        feeds.append(_bed(bed, total, _heard_spans(lanes)))
    if not feeds:
        return
    graph = Graph()
    inputs = [_source(graph, f"in{place}") for place in range(len(feeds))]
    nodes = list(inputs)
    if len(feeds) > 1:
        mix = graph.add("amix", f"inputs={len(feeds)}:normalize=0:duration=first")
        for pad, node in enumerate(inputs):
            node.link_to(mix, 0, pad)
        # Two loud sounds may add up to more than full scale; bent, not cut.
        nodes = [mix, graph.add("alimiter", "level=disabled:limit=0.97:latency=1")]
    rise, fall = round(fade_in * RATE), round(fade_out * RATE)
    if rise:
        nodes.append(graph.add("afade", f"t=in:ss=0:ns={rise}"))
    if fall:
        nodes.append(graph.add("afade", f"t=out:ss={total - fall}:ns={fall}"))
    if len(nodes) == 1:
        yield from _counted(feeds[0])
        return
    sink = graph.add("abuffersink")
    graph.link_nodes(*nodes, _stereo(graph), sink)
    graph.configure()
    yield from _counted(_run([(node, _counted(feed)) for node, feed in zip(inputs, feeds, strict=True)], sink, total))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Voice:
    """A stretch with the samples at its two ends in which others are heard too."""

    stretch: Stretch
    since: int
    into: int


def _lanes(stretches: Sequence[Stretch]) -> list[list[_Voice]]:
    """The stretches in one row, or in two where some overlap, so that none overlaps another of its row."""
    shared = [max(0, one.first + one.samples - two.first) for one, two in pairwise(stretches)]
    voices = [
        _Voice(stretch=stretch, since=since, into=into)
        for stretch, since, into in zip(stretches, [0, *shared], [*shared, 0], strict=True)
    ]
    return [voices[::2], voices[1::2]] if any(shared) else [voices]


def _heard(lane: Sequence[_Voice], total: int) -> Iterator[AudioFrame]:
    """A row of clips, each at its place, and silence between them."""
    position = 0
    for voice in lane:
        if voice.stretch.sound is None:
            continue
        yield from _silence(voice.stretch.first - position)
        yield from _clip(voice)
        position = voice.stretch.first + voice.stretch.samples
    yield from _silence(total - position)


def _heard_spans(lanes: Iterable[Sequence[_Voice]]) -> list[tuple[int, int]]:
    """From which sample on and up to which some clip is heard, short pauses between them left out."""
    spans: list[tuple[int, int]] = []
    voices = [voice.stretch for lane in lanes for voice in lane if voice.stretch.sound]
    for voice in sorted(voices, key=lambda voice: voice.begin):
        end = voice.first + voice.samples
        if spans and voice.first - spans[-1][1] < PAUSE_SECONDS * RATE:
            spans[-1] = spans[-1][0], max(end, spans[-1][1])
        else:
            spans.append((voice.first, end))
    return spans


def _clip(voice: _Voice) -> Iterator[AudioFrame]:
    """Exactly as many samples as the clip has in the film, beginning with its first shown picture."""
    stretch, total = voice.stretch, voice.stretch.samples
    if total <= 0:
        return
    # A quarter of a sine each way: the squares of the two add up to one at every sample.
    shape = [("afade", f"t=in:ss=0:ns={voice.since}:curve=qsin")] if voice.since else []
    if voice.into:
        shape.append(("afade", f"t=out:ss={total - voice.into}:ns={voice.into}:curve=qsin"))
    with opened(stretch.path) as container:
        stream = sound_stream(container)
        assert stream is not None
        yield from _trimmed(container.decode(stream), stream, total, begin=stretch.origin, shape=shape)


def _silence(samples: int) -> Iterator[AudioFrame]:
    return _level([(0, 0.0), (samples, 0.0)])


def _level(points: Sequence[tuple[int, float]]) -> Iterator[AudioFrame]:
    """Samples of one value that goes straight from each point (sample, value) to the next."""
    for (begin, value), (end, then) in pairwise(points):
        for first in range(begin, end, _AT_ONCE):
            count = min(_AT_ONCE, end - first)
            if value == then:
                data = array("f", [value]) * count
            else:
                step = (then - value) / (end - begin)
                data = array("f", [value + step * (first - begin + place) for place in range(count)])
            frame = AudioFrame(_FORMAT, _LAYOUT, count)
            for plane in frame.planes:
                memoryview(plane)[: 4 * count] = data.tobytes()
            frame.sample_rate = RATE
            yield frame


def _bed(bed: Bed, total: int, heard: Sequence[tuple[int, int]]) -> Iterator[AudioFrame]:
    path = bed.path
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
        lasts = min(Fraction(total, RATE), Fraction(length))
        rise, fall = min(bed.fade_in, lasts / 2), min(bed.fade_out, lasts / 2)
        decibels = bed.volume_db + (BED_UNDER_SOUND_DB if heard and not bed.duck else 0)
        shape = [("volume", f"{float(decibels):g}dB")]
        if rise:
            shape.append(("afade", f"t=in:st=0:d={float(rise):.6f}"))
        if fall:
            shape.append(("afade", f"t=out:st={float(lasts - fall):.6f}:d={float(fall):.6f}"))
        frames = _trimmed(container.decode(stream), stream, total, begin=begin, shape=shape)
        yield from _ducked(frames, total, heard) if bed.duck and heard else frames


def _ducked(frames: Iterator[AudioFrame], total: int, heard: Sequence[tuple[int, int]]) -> Iterator[AudioFrame]:
    """The bed, lower where a clip is heard: it goes down before that and comes up after it."""
    low, ramp = 10 ** (BED_UNDER_SOUND_DB / 20), round(RAMP_SECONDS * RATE)
    points = [(0, low if heard[0][0] < ramp else 1.0)]
    for begin, end in heard:
        if begin >= ramp:
            points += [(begin - ramp, 1.0), (begin, low)]
        points.append((end, low))
        if end + ramp <= total:
            points.append((end + ramp, 1.0))
    points.append((total, points[-1][1]))
    graph = Graph()
    inputs = [_source(graph, "bed"), _source(graph, "level")]
    product = graph.add("amultiply")
    for pad, node in enumerate(inputs):
        node.link_to(product, 0, pad)
    sink = graph.add("abuffersink")
    graph.link_nodes(product, _stereo(graph), sink)
    graph.configure()
    yield from _run([(inputs[0], _counted(frames)), (inputs[1], _counted(_level(points)))], sink, total)


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
