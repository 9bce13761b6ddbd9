"""The film: clips and cards one after another, copied where they agree, else drawn again; sound at its picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from heapq import merge
from pathlib import Path
from typing import Any, Literal

from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame

from pipeline.errors import MediaError
from pipeline.media import laying, mix, splice
from pipeline.media.encode import aac, even_size, h264, mp4
from pipeline.media.mix import Bed as Bed
from pipeline.media.redraw import rate_of, redrawn, shape_of
from pipeline.media.reel import Reel, disagreement, load
from pipeline.media.relay import side_by_side
from pipeline.media.source import exact_seconds
from pipeline.media.timeline import Part, Stay, Timeline, drawn, laid
from pipeline.values import dataclass

FILM_CRF = 19  # without macroblock trees about what 16 is with them


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A clip of a film; `seam` says that its first picture repeats the last of the clip before, and is dropped.

    `left_seconds` before its end it is left for the next; `crossfade` seconds it fades into the next. `title` is
    lettered over its first `title_seconds`.
    """

    path: Path
    seam: bool = False
    left_seconds: Decimal = Decimal(0)
    crossfade: Decimal = Decimal(0)
    title: str = ""
    title_seconds: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A title on black for so many seconds, silent; it fades into the next as a clip does."""

    title: str
    seconds: Decimal
    crossfade: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """How a film was made: `cuts` are (start, end, pictures) of each clip, in seconds of the film.

    Two cuts that overlap fade into each other; what lies between two is a card. `joined` is "copied" where no picture
    or sound was encoded again, "part" where some pictures or the sound were, "encoded" where all pictures were;
    `why` is one sentence.
    """

    seconds: Decimal
    frames: int
    joined: Literal["copied", "part", "encoded"]
    why: str
    cuts: tuple[tuple[Decimal, Decimal, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sound:
    """What becomes of the film's sound: copied as laid, encoded, or none."""

    laid: laying.Laid | None
    encoded: bool
    why: str


def film(
    parts: Sequence[Cut | Card],
    out: Path,
    *,
    bed: Bed | None = None,
    size: tuple[int, int] | None = None,
    fade_in: Decimal = Decimal(0),
    fade_out: Decimal = Decimal(0),
) -> Joined:
    """Join the clips and cards into an mp4 at `out`; the same ones give the same bytes.

    `bed` is laid under the clips' own sound, as long as the film; `size` forces a shape in pixels; the film rises from
    black and falls to it, pictures and sound, in as many seconds. A fade that does not fit is shortened.
    Raises `MediaError` where a clip or the bed is damaged or holds nothing to show or hear, `OSError`.
    """
    if not any(isinstance(part, Cut) for part in parts):
        raise MediaError("A film needs at least one clip.", "Name its clips.")
    if size is not None:
        even_size(*size)
    loaded = [_loaded(part, place) for place, part in enumerate(parts)]
    reels = [part.reel for part in loaded if part.reel]
    fades = {"fade_in": Fraction(fade_in), "fade_out": Fraction(fade_out)}
    why = disagreement(reels)
    if not why and size is not None and size != (reels[0].width, reels[0].height):
        why = f"The film is to be {size[0]}x{size[1]} and the clips are {reels[0].width}x{reels[0].height}"
    if not why:
        timeline = laid(loaded, reels[0].fps, counted=True, **fades)
        uneven = next((reel for reel in reels if not reel.steady), None)
        if timeline.touched and uneven:
            why = f"The pictures of {uneven.path.name} do not come evenly"
        elif (pieces := splice.pieces(timeline)) is None:
            why = "Pictures at its joints are encoded again and the clips' encoder settings are not ours"
        else:
            return _copy(_Film(timeline=timeline, out=out, bed=bed), reels[0], pieces)
    timeline = laid(loaded, rate_of(reels), counted=False, **fades)
    return _encode(_Film(timeline=timeline, out=out, bed=bed), size or shape_of(reels), why)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Film:
    """What is to be written where."""

    timeline: Timeline
    out: Path
    bed: Bed | None


def _loaded(part: Cut | Card, place: int) -> Part:
    if isinstance(part, Card):
        return Part(
            reel=None, crossfade=Fraction(part.crossfade), title=part.title, title_seconds=Fraction(part.seconds)
        )
    return Part(
        reel=load(part.path, seam=part.seam and place > 0, left_seconds=Fraction(part.left_seconds)),
        crossfade=Fraction(part.crossfade),
        title=part.title,
        title_seconds=Fraction(part.title_seconds),
    )


def _copy(film: _Film, reel: Reel, pieces: Sequence[splice.Piece]) -> Joined:
    times = [tick * reel.base for tick in splice.ticks(film.timeline)]
    stretches = [
        mix.Stretch.of(stay.part.reel, times[stay.first], times[stay.first] + splice.seconds(stay, film.timeline.rate))
        for stay in film.timeline.stays
    ]
    sound = _sound(film, stretches)
    with mp4(film.out) as container:
        video = splice.copied_stream(container, reel)
        audio = _sound_stream(container, stretches, sound)
        sounds = _sound_packets(film, stretches, sound, audio, times[-1])
        _mux(container, splice.packets(pieces, video), sounds)
    reasons = []
    again = sum(len(piece.packets) for piece in pieces if isinstance(piece, splice.Patch))
    if again:
        reasons.append(f"{again} of {film.timeline.frames} pictures were encoded again: {_touches(film.timeline)}")
    if sound.encoded:
        reasons.append(f"the sound was encoded because {sound.why}")
    why = "; ".join(reasons)
    return _joined(
        film.timeline,
        stretches,
        times[-1],
        "part" if reasons else "copied",
        f"{why[0].upper()}{why[1:]}." if why else "All streams agree.",
    )


def _touches(timeline: Timeline) -> str:
    """What the pictures that are no clip's own are there for, in a few words."""
    stays = timeline.stays
    found = {
        "repeated ones were dropped": any(stay.part.reel and stay.part.reel.first for stay in stays),
        "clips go on before others end": any(
            stay.part.reel and stay.part.reel.stop < len(stay.part.reel.times) for stay in stays
        ),
        "clips fade into each other": any(stay.into for stay in stays),
        "titles are upon them": any(stay.titled for stay in stays),
        "the film rises from black or falls to it": bool(timeline.rise or timeline.fall),
    }
    return ", ".join(words for words, there in found.items() if there)


def _encode(film: _Film, size: tuple[int, int], why: str) -> Joined:
    timeline = film.timeline
    rate, stays = timeline.rate, timeline.stays
    stretches = [mix.Stretch.of(stay.part.reel, stay.first / rate, stay.stop / rate) for stay in stays]
    seconds = timeline.frames / rate
    sound = _sound(film, stretches)
    with mp4(film.out) as container:
        video = h264(container, width=size[0], height=size[1], fps=rate, crf=FILM_CRF)
        audio = _sound_stream(container, stretches, sound)
        showings = [partial(_redrawn, stay, rate, size) for stay in stays]
        clips = [partial(drawn, timeline, showings, size, stay.first + stay.since, stay.stop) for stay in stays]

        def pictures() -> Iterator[Packet[Any]]:
            for packet in side_by_side(clips, size=size, rate=rate, crf=FILM_CRF):
                packet.stream = video
                yield packet

        _mux(container, pictures(), _sound_packets(film, stretches, sound, audio, seconds))
    return _joined(timeline, stretches, seconds, "encoded", f"{why}.")


def _redrawn(stay: Stay, rate: Fraction, size: tuple[int, int], number: int) -> Iterator[VideoFrame]:
    if stay.part.reel:
        yield from redrawn(stay.part.reel, stay.stop - stay.first, rate, size, start=number)


def _sound(film: _Film, stretches: Sequence[mix.Stretch]) -> _Sound:
    timeline = film.timeline
    if film.bed is not None:
        return _Sound(laid=None, encoded=True, why="there is a bed under it")
    if all(stretch.sound is None for stretch in stretches):
        return _Sound(laid=None, encoded=False, why="")
    why = ""
    if any(stay.into for stay in timeline.stays):
        why = "clips fade into each other"
    elif any(stay.part.reel is None for stay in timeline.stays):
        why = "cards are silent"
    elif timeline.rise or timeline.fall:
        why = "the film rises or falls"
    found = why or laying.lay(stretches)
    if isinstance(found, str):
        return _Sound(laid=None, encoded=True, why=found)
    return _Sound(laid=found, encoded=False, why="")


def _sound_stream(container: OutputContainer, stretches: Sequence[mix.Stretch], sound: _Sound) -> Any:
    if sound.laid is not None:
        return laying.copied_stream(container, stretches[0])
    return aac(container, rate=mix.RATE) if sound.encoded else None


def _sound_packets(
    film: _Film, stretches: Sequence[mix.Stretch], sound: _Sound, audio: Any, seconds: Fraction
) -> Iterator[Packet[Any]]:
    if sound.laid is not None:
        yield from laying.copied_packets(stretches, sound.laid, audio)
    elif isinstance(audio, AudioStream):
        rate = film.timeline.rate
        fades = {"fade_in": film.timeline.rise / rate, "fade_out": film.timeline.fall / rate}
        for frame in mix.mixed(stretches, film.bed, seconds=seconds, **fades):
            yield from audio.encode(frame)
        yield from audio.encode(None)


def _mux(container: OutputContainer, pictures: Iterator[Packet[Any]], sounds: Iterator[Packet[Any]]) -> None:
    for packet in merge(pictures, sounds, key=splice.seconds_of):
        container.mux(packet)


def _joined(
    timeline: Timeline,
    stretches: Sequence[mix.Stretch],
    seconds: Fraction,
    joined: Literal["copied", "part", "encoded"],
    why: str,
) -> Joined:
    return Joined(
        seconds=exact_seconds(seconds),
        frames=timeline.frames,
        joined=joined,
        why=why,
        cuts=tuple(
            (exact_seconds(stretch.begin), exact_seconds(stretch.end), stay.stop - stay.first)
            for stretch, stay in zip(stretches, timeline.stays, strict=True)
            if stay.part.reel
        ),
    )
