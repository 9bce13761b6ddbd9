"""One clip of a film as its packets tell: what it is made of, how long each picture is shown, where its sound lies."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from pipeline.errors import MediaError
from pipeline.media.colour import HD_LINES, tagged_matrix
from pipeline.media.source import needed_picture_stream, opened
from pipeline.media.survey import Entry, sound_stream, survey
from pipeline.values import dataclass

RATES = tuple(Fraction(n) for n in (12, 15, 16, 24, 25, 30, 48, 50, 60))
_AVCC = 1  # first byte of H.264 headers as mp4 stores them; transport streams have another form
UNTAGGED_HD = "untagged HD"


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundTrack:
    """A clip's sound: `headers` are the decoder's, `entries` count in units of `base` from the stream's own zero."""

    codec: str
    headers: bytes
    rate: int
    layout: str
    base: Fraction
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reel:
    """A clip: `entries` in the order stored, `times` in the order shown, both in units of `base`; sizes in pixels.

    `width` and `height` are stored, `shown` is the size on the screen (turned, pixels squared). `seam` says that
    the first picture is left out of the film; `start`, `end` are the shown part, in units of `base`, in which lie
    the pictures from the one numbered `first` of `times` on, before the one numbered `stop`.
    """

    path: Path
    seam: bool
    codec: str
    headers: bytes
    base: Fraction
    width: int
    height: int
    shown: tuple[int, int]
    pix_fmt: str
    colour: str
    fps: Fraction
    entries: tuple[Entry, ...]
    times: tuple[int, ...]
    start: int
    end: int
    plain: bool
    sound: SoundTrack | None

    @property
    def origin(self) -> Fraction:
        """Where the shown part begins on the file's own clock, in seconds."""
        return self.start * self.base

    @property
    def seconds(self) -> Fraction:
        """How long the clip is seen in the film."""
        return (self.end - self.start) * self.base

    @property
    def steady(self) -> bool:
        """Whether its pictures come evenly, to the millisecond."""
        gaps = [after - before for before, after in pairwise(self.times)]
        return not gaps or _even(gaps, self.base)

    @property
    def first(self) -> int:
        """How many of its pictures lie before the shown part."""
        return bisect_left(self.times, self.start)

    @property
    def stop(self) -> int:
        """The number of the first of its pictures after the shown part; how many it has where there is none."""
        return bisect_left(self.times, self.end)

    @property
    def frames(self) -> int:
        """How many of its pictures are seen."""
        return self.stop - self.first


def load(path: Path, *, seam: bool, left_seconds: Fraction = Fraction(0)) -> Reel:
    """Read a clip's packets and its first picture; the pictures of its last `left_seconds` are not for the film.

    Raises `MediaError` where it is cut short, has no pictures or would have none left.
    """
    with opened(path) as container:
        needed_picture_stream(container, path)
        found = survey(container, path)
    with opened(path) as container:
        stream = needed_picture_stream(container, path)
        first = next(iter(container.decode(stream)), None)
        rotation = first.rotation if first is not None else 0
        base = stream.time_base or Fraction(1, 1000)
        shown = [entry for entry in found.pictures if entry.shown]
        times = tuple(sorted({entry.pts for entry in shown}))
        end = max(entry.pts + entry.duration for entry in shown)
        if end <= times[-1]:
            end = times[-1] + max(1, round(1 / (base * (stream.average_rate or 24))))
        rate = _rate(times, end, base, stream.average_rate)
        if left_seconds:
            end = _before(path, times, end, left_seconds / base)
        dropped = seam and len(times) > 1 and times[1] < end
        context = stream.codec_context
        headers = context.extradata or b""
        codec = context.codec.canonical_name
        sizes = (stream.width, stream.height)
        square = stream.sample_aspect_ratio or Fraction(1)
        return Reel(
            path=path,
            seam=seam,
            codec=codec,
            headers=headers,
            base=base,
            width=sizes[0],
            height=sizes[1],
            shown=_on_screen(sizes, square, rotation),
            pix_fmt=stream.pix_fmt or "",
            colour=_colour(stream.colorspace, stream.color_range, stream.height),
            fps=rate,
            entries=found.pictures,
            times=times,
            start=times[1] if dropped else times[0],
            end=end,
            plain=(
                codec == "h264"
                and headers[:1] == bytes([_AVCC])
                and found.timed
                and len(shown) == len(found.pictures) == len(times)
                and found.pictures[0].key
                and square == 1
                and not rotation
            ),
            sound=_sound(path, found.sounds),
        )


def _before(path: Path, times: Sequence[int], end: int, left: Fraction) -> int:
    """When the picture begins that is shown that long before the end: the next clip goes on from it."""
    found = max((time for time in times if time <= end - left), default=times[0])
    if found == times[0]:
        raise MediaError(
            f"{path.name} would have no picture left in the film: the next clip goes on before it begins.",
            "Chain with a smaller offset.",
        )
    return found


def _sound(path: Path, entries: tuple[Entry, ...]) -> SoundTrack | None:
    if not entries:
        return None
    with opened(path) as container:
        stream = sound_stream(container)
        if stream is None or stream.time_base is None:
            return None
        context = stream.codec_context
        return SoundTrack(
            codec=context.codec.canonical_name,
            headers=context.extradata or b"",
            rate=context.sample_rate,
            layout=context.layout.name,
            base=stream.time_base,
            entries=entries,
        )


def _on_screen(size: tuple[int, int], square: Fraction, rotation: int) -> tuple[int, int]:
    width, height = round(size[0] * square), size[1]
    return (height, width) if rotation % 180 else (width, height)


def _colour(matrix: int, span: int, height: int) -> str:
    """Matrix and range in a word; streams of one word decode alike."""
    name = tagged_matrix(matrix)
    if not name and height >= HD_LINES and span != 2:
        return UNTAGGED_HD
    return f"{name or 'untagged'} {'full' if span == 2 else 'limited'}"


def _rate(times: Sequence[int], end: int, base: Fraction, average: Fraction | None) -> Fraction:
    """Pictures a second: exact where they come evenly, else the next usual rate that shows them all."""
    gaps = [after - before for before, after in zip(times, [*times[1:], end], strict=True)]
    if average and _even(gaps, base):
        return min(average.limit_denominator(1001), RATES[-1])
    mean = len(times) / ((end - times[0]) * base)
    return next((rate for rate in RATES if rate >= mean), RATES[-1])


def _even(gaps: Sequence[int], base: Fraction) -> bool:
    return (max(gaps) - min(gaps)) * base <= max(base, Fraction(1, 1000))


def disagreement(reels: Sequence[Reel]) -> str:
    """Why these clips' pictures cannot be copied one after another; "" where they can."""
    first = reels[0]
    for reel in reels:
        if not reel.plain:
            return f"The pictures of {reel.path.name} are not in a form that can be copied ({reel.codec})"
        if reel.colour not in ("bt709 limited", UNTAGGED_HD):
            return f"The colours of {reel.path.name} are {reel.colour}, not BT.709"
        if (reel.width, reel.height) != (first.width, first.height):
            return f"{reel.path.name} is {reel.width}x{reel.height} and {first.path.name} {first.width}x{first.height}"
        for what, mine, others in (
            ("picture rate", reel.fps, first.fps),
            ("pixel format", reel.pix_fmt, first.pix_fmt),
            ("colours", reel.colour, first.colour),
            ("clock", reel.base, first.base),
            ("encoder settings", reel.headers, first.headers),
        ):
            if mine != others:
                return f"{reel.path.name} and {first.path.name} differ in their {what}"
    return ""
