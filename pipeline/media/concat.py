"""The film: clips one after another, copied where they agree, drawn again where they do not, sound at its picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial
from heapq import merge
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from pipeline.errors import MediaError
from pipeline.media import mix, splice
from pipeline.media.encode import aac, even_size, h264, mp4
from pipeline.media.redraw import rate_of, redrawn, shape_of, slots_of
from pipeline.media.reel import Reel, disagreement, load
from pipeline.media.relay import side_by_side
from pipeline.media.source import exact_seconds

FILM_CRF = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A clip of a film; `seam` says that its first picture repeats the last of the clip before, and is dropped."""

    path: Path
    seam: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """How a film was made: `cuts` are (start, end, pictures) of each clip, in seconds of the film.

    `joined` is "copied" where no picture or sound was encoded again, "part" where some pictures or the sound were,
    "encoded" where all pictures were; `why` is one sentence.
    """

    seconds: Decimal
    frames: int
    joined: Literal["copied", "part", "encoded"]
    why: str
    cuts: tuple[tuple[Decimal, Decimal, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sound:
    """What becomes of the film's sound: copied as laid, encoded, or none."""

    laid: mix.Laid | None
    encoded: bool
    why: str


def film(cuts: Sequence[Cut], out: Path, *, bed: Path | None = None, size: tuple[int, int] | None = None) -> Joined:
    """Join the clips into an mp4 at `out`; the same clips give the same bytes.

    `bed` is a sound file laid under the clips' own sound, as long as the film; `size` forces a shape in pixels.
    Raises `MediaError` where a clip or the bed is damaged or holds nothing to show or hear, `OSError`.
    """
    if not cuts:
        raise MediaError("A film needs at least one clip.", "Name its clips.")
    if size is not None:
        even_size(*size)
    reels = [load(cut.path, seam=cut.seam and number > 0) for number, cut in enumerate(cuts)]
    why = disagreement(reels)
    if not why and size is not None and size != (reels[0].width, reels[0].height):
        why = f"The film is to be {size[0]}x{size[1]} and the clips are {reels[0].width}x{reels[0].height}"
    heads: dict[int, splice.Head] | None = None
    if not why:
        heads = splice.heads(reels)
        if heads is None:
            why = "A repeated picture is dropped at a joint and the clips' encoder settings are not ours"
    if heads is None:
        return _encode(reels, out, bed, size or shape_of(reels), why)
    return _copy(reels, out, bed, heads)


def _copy(reels: Sequence[Reel], out: Path, bed: Path | None, heads: dict[int, splice.Head]) -> Joined:
    stretches = _stretches(reels, [reel.seconds for reel in reels])
    sound = _sound(stretches, bed)
    with mp4(out) as container:
        video = splice.copied_stream(container, reels[0])
        audio = _sound_stream(container, stretches, sound)
        pictures = splice.copied_packets(reels, heads, video)
        _mux(container, pictures, _sound_packets(container, stretches, sound, bed, audio))
    reasons = []
    if heads:
        again = sum(len(head.packets) for head in heads.values())
        reasons.append(f"{len(heads)} repeated pictures were dropped, {again} after them encoded")
    if sound.encoded:
        reasons.append(f"the sound was encoded because {sound.why}")
    why = "; ".join(reasons)
    return _joined(
        stretches,
        [reel.frames for reel in reels],
        "part" if reasons else "copied",
        f"{why[0].upper()}{why[1:]}." if why else "All streams agree.",
    )


def _encode(reels: Sequence[Reel], out: Path, bed: Path | None, size: tuple[int, int], why: str) -> Joined:
    rate = rate_of(reels)
    slots = slots_of(reels, rate)
    counts = [after - before for before, after in pairwise(slots)]
    stretches = _stretches(reels, [count / rate for count in counts])
    sound = _sound(stretches, bed)
    with mp4(out) as container:
        video = h264(container, width=size[0], height=size[1], fps=rate, crf=FILM_CRF)
        audio = _sound_stream(container, stretches, sound)

        clips = [partial(redrawn, reel, count, rate, size) for reel, count in zip(reels, counts, strict=True)]

        def pictures() -> Iterator[Packet[Any]]:
            for packet in side_by_side(clips, size=size, rate=rate, crf=FILM_CRF):
                packet.stream = video
                yield packet

        _mux(container, pictures(), _sound_packets(container, stretches, sound, bed, audio))
    return _joined(stretches, counts, "encoded", f"{why}.")


def _stretches(reels: Sequence[Reel], lengths: Iterable[Fraction]) -> list[mix.Stretch]:
    begin = Fraction(0)
    stretches = []
    for reel, length in zip(reels, lengths, strict=True):
        stretches.append(mix.Stretch(reel=reel, begin=begin, end=begin + length))
        begin += length
    return stretches


def _sound(stretches: Sequence[mix.Stretch], bed: Path | None) -> _Sound:
    if bed is not None:
        return _Sound(laid=None, encoded=True, why="there is a bed under it")
    if all(stretch.reel.sound is None for stretch in stretches):
        return _Sound(laid=None, encoded=False, why="")
    laid = mix.lay(stretches)
    if isinstance(laid, str):
        return _Sound(laid=None, encoded=True, why=laid)
    return _Sound(laid=laid, encoded=False, why="")


def _sound_stream(container: OutputContainer, stretches: Sequence[mix.Stretch], sound: _Sound) -> Any:
    if sound.laid is not None:
        return mix.copied_stream(container, stretches[0].reel)
    return aac(container, rate=mix.RATE) if sound.encoded else None


def _sound_packets(
    container: OutputContainer, stretches: Sequence[mix.Stretch], sound: _Sound, bed: Path | None, audio: Any
) -> Iterator[Packet[Any]]:
    if sound.laid is not None:
        yield from mix.copied_packets(stretches, sound.laid, audio)
    elif isinstance(audio, AudioStream):
        for frame in mix.mixed(stretches, bed):
            yield from audio.encode(frame)
        yield from audio.encode(None)


def _mux(container: OutputContainer, pictures: Iterator[Packet[Any]], sounds: Iterator[Packet[Any]]) -> None:
    for packet in merge(pictures, sounds, key=splice.seconds_of):
        container.mux(packet)


def _joined(
    stretches: Sequence[mix.Stretch],
    frames: Sequence[int],
    joined: Literal["copied", "part", "encoded"],
    why: str,
) -> Joined:
    return Joined(
        seconds=exact_seconds(stretches[-1].end),
        frames=sum(frames),
        joined=joined,
        why=why,
        cuts=tuple(
            (exact_seconds(stretch.begin), exact_seconds(stretch.end), count)
            for stretch, count in zip(stretches, frames, strict=True)
        ),
    )
