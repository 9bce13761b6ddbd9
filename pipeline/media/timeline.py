"""Where everything of a film lies, counted in its pictures: clips, cards, what fades into what, what is lettered.

Knows no codec: `drawn` asks each clip for its pictures and draws what is to be seen of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from fractions import Fraction

from av.video.frame import VideoFrame

from pipeline.errors import MediaError
from pipeline.media.dissolve import Easel
from pipeline.media.reel import Reel
from pipeline.media.titles import Lettering, lettering
from pipeline.values import dataclass

RAMP_SECONDS = Fraction(2, 5)  # in which a title comes and goes

Showing = Callable[[int], Iterator[VideoFrame]]
"""The pictures of a clip from a number on, each yuv420p BT.709 in the film's size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One clip of a film, or a card where `reel` is None; lengths in seconds.

    `crossfade` is how long it fades into the next. `title` is lettered over the clip's first `title_seconds` that
    nothing fades into, or on the card for as long as it lasts.
    """

    reel: Reel | None
    crossfade: Fraction = Fraction(0)
    title: str = ""
    title_seconds: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Where a part lies: seen from picture `first` of the film on, before `stop`; it shares `into` with the next.

    `since` is how many of its first pictures it shares with the one before. A title is on `titled` pictures of it,
    from `since` on over a clip and from the first on a card.
    """

    part: Part
    first: int
    stop: int
    since: int
    into: int
    titled: int

    @property
    def lettered(self) -> range:
        """The pictures of the film that its title is on."""
        begin = self.first + (self.since if self.part.reel else 0)
        return range(begin, begin + self.titled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A film at `rate` pictures a second, which rises from black in its first `rise` and falls to it in the last."""

    rate: Fraction
    stays: tuple[Stay, ...]
    rise: int = 0
    fall: int = 0

    @property
    def frames(self) -> int:
        """How many pictures the film has."""
        return self.stays[-1].stop

    @property
    def touched(self) -> tuple[range, ...]:
        """The pictures that are not a clip's own: cards, crossfades, titles, and the film's rise and fall."""
        found = [range(self.rise), range(self.frames - self.fall, self.frames)]
        for stay in self.stays:
            found.append(range(stay.stop - stay.into, stay.stop))
            found.append(stay.lettered if stay.part.reel else range(stay.first, stay.stop))
        return tuple(sorted((one for one in found if one), key=lambda one: (one.start, one.stop)))


def laid(
    parts: Sequence[Part],
    rate: Fraction,
    *,
    counted: bool,
    fade_in: Fraction = Fraction(0),
    fade_out: Fraction = Fraction(0),
) -> Timeline:
    """The parts one after another at `rate` pictures a second; rounding never adds up.

    `counted` says that every picture of a clip is a picture of the film; else a clip has as many as fill its time.
    A crossfade is shortened to half of the shorter of the two parts that it joins, so that no three meet; a title to
    the pictures that its clip has to itself.
    """
    lengths = [_seconds(part, rate, counted=counted) for part in parts]
    stays: list[Stay] = []
    begin, first, since = Fraction(0), 0, 0
    for place, (part, length) in enumerate(zip(parts, lengths, strict=True)):
        end = begin + length
        stop = max(round(end * rate), first + 1)
        into = 0
        if place + 1 < len(parts):
            into = min(round(part.crossfade * rate), (stop - first) // 2, int(lengths[place + 1] * rate) // 2)
        titled = stop - first
        if part.reel:
            titled = min(round(part.title_seconds * rate), titled - since - into) if part.title else 0
        stays.append(Stay(part=part, first=first, stop=stop, since=since, into=into, titled=titled))
        begin, first, since = end - into / rate, stop - into, into
    half = stays[-1].stop // 2
    return Timeline(
        rate=rate,
        stays=tuple(stays),
        rise=min(round(fade_in * rate), half),
        fall=min(round(fade_out * rate), half),
    )


def _seconds(part: Part, rate: Fraction, *, counted: bool) -> Fraction:
    """How long a part is seen: a card in whole pictures, and a clip too where its own are counted."""
    if part.reel is None:
        return max(1, round(part.title_seconds * rate)) / rate
    return part.reel.frames / rate if counted else part.reel.seconds


def drawn(
    timeline: Timeline, showings: Sequence[Showing], size: tuple[int, int], begin: int, stop: int
) -> Iterator[VideoFrame]:
    """The pictures of the film from `begin` on, before `stop`; each is to be used before the next is asked for."""
    easel, beside = Easel(size), Easel(size)
    near = [place for place, stay in enumerate(timeline.stays) if stay.first < stop and stay.stop > begin]
    views = {place: _View(timeline, place, showings[place], size) for place in near}
    with ExitStack() as stack:
        for view in views.values():
            stack.enter_context(closing(view))
        for number in range(begin, stop):
            seen = [place for place in near if timeline.stays[place].first <= number < timeline.stays[place].stop]
            frame = views[seen[0]].at(number, easel)
            if len(seen) > 1:
                stay = timeline.stays[seen[0]]
                frame = easel.copy(frame)
                done = Fraction(number - (stay.stop - stay.into) + 1, stay.into + 1)
                easel.over(views[seen[1]].at(number, beside), done)
            lit = _light(timeline, number)
            if lit < 1:
                frame = easel.copy(frame)
                easel.darken(1 - lit)
            yield frame


def _light(timeline: Timeline, number: int) -> Fraction:
    """How much of a picture is seen while the film rises from black or falls to it: 0 to 1."""
    left = timeline.frames - 1 - number
    risen = Fraction(number, timeline.rise) if number < timeline.rise else Fraction(1)
    return min(risen, Fraction(left, timeline.fall) if left < timeline.fall else Fraction(1))


class _View:
    """One part as it is seen, picture after picture, its title upon it."""

    def __init__(self, timeline: Timeline, place: int, showing: Showing, size: tuple[int, int]) -> None:
        self.stay, self.showing, self.size = timeline.stays[place], showing, size
        self.ramp = min(round(RAMP_SECONDS * timeline.rate), self.stay.titled // 3)
        self.pictures: Iterator[VideoFrame] | None = None
        self.letters: Lettering | None = None

    def at(self, number: int, easel: Easel) -> VideoFrame:
        """The picture of the film with that number, as far as this part decides it."""
        part = self.stay.part
        if part.reel is None:
            frame = easel.black()
        else:
            if self.pictures is None:
                self.pictures = self.showing(number - self.stay.first)
            found = next(self.pictures, None)
            if found is None:
                raise MediaError(f"{part.reel.path.name} has fewer pictures than it says.", "Fetch or make it again.")
            frame = found
        if number not in self.stay.lettered:
            return frame
        self.letters = self.letters or lettering(part.title, self.size, low=part.reel is not None)
        frame = easel.copy(frame)
        easel.letter(self.letters, self._strength(number))
        return frame

    def _strength(self, number: int) -> Fraction:
        lettered = self.stay.lettered
        edge = min(number - lettered.start, lettered.stop - 1 - number)
        return Fraction(edge + 1, self.ramp + 1) if edge < self.ramp else Fraction(1)

    def close(self) -> None:
        if self.pictures is not None and hasattr(self.pictures, "close"):
            self.pictures.close()
