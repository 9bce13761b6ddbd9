"""A recipe's film as the work of one step: which clip goes on from which, what lies between them, in what size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from pipeline.plan.requests import feed_of
from pipeline.providers import animatic
from pipeline.recipe.model import Film as Cut
from pipeline.recipe.model import Shot, Title
from pipeline.steps.base import Feed
from pipeline.steps.film import Film, Part

_NONE = Decimal(0)


def film_of(cut: Cut, shots: Sequence[Shot], clips: Sequence[Feed]) -> Film:
    """The work of the film: `shots` are those of the cut in order, each as it is asked for, `clips` what it shows."""
    onward = [_onward(cut, shots, place) for place in range(len(shots))]
    parts = tuple(_parts(cut, onward))
    plain = tuple(Part(clip=place) for place in range(len(shots)))
    return Film(
        clips=tuple(clips),
        seams=tuple(offset == 0 for offset in onward),
        bed=feed_of("bed", cut.audio) if cut.audio else None,
        size=animatic.size(cut.resolution, _ratio(shots)) if cut.resolution else None,
        parts=() if parts == plain else parts,
        level=cut.level,
        fade_in_seconds=cut.fade_in_seconds,
        fade_out_seconds=cut.fade_out_seconds,
    )


def _ratio(shots: Sequence[Shot]) -> str:
    """The ratio of the first clip that has one in numbers."""
    return next((shot.ratio for shot in shots if shot.ratio != "adaptive"), "16:9")


def _onward(cut: Cut, shots: Sequence[Shot], place: int) -> Decimal | None:
    """How long before the end of the clip before it this one goes on; None where it does not, or a card is between."""
    chain = shots[place].chain
    if not place or chain is None or chain.shot != shots[place - 1].id:
        return None
    return None if any(title.card and title.at == place for title in cut.titles) else chain.offset_seconds


def _parts(cut: Cut, onward: Sequence[Decimal | None]) -> Iterator[Part]:
    over = {title.at: title for title in cut.titles if not title.card}
    for place in range(len(cut.shots)):
        yield from _cards(cut, place)
        crossfade = cut.crossfades[place] if cut.crossfades else _NONE
        left = (onward[place + 1] if place + 1 < len(onward) else None) or _NONE
        title = over.get(place)
        yield Part(
            clip=place,
            crossfade_seconds=crossfade,
            # WHY: what lies after the frame that the next begins with is seen only while the one fades into the other.
            left_seconds=max(_NONE, left - crossfade),
            title=title.text if title else "",
            title_seconds=title.seconds if title else _NONE,
        )
    yield from _cards(cut, len(cut.shots))


def _cards(cut: Cut, place: int) -> Iterator[Part]:
    for title in cut.titles:
        if title.card and title.at == place:
            yield _card(title)


def _card(title: Title) -> Part:
    return Part(clip=None, crossfade_seconds=title.crossfade_seconds, title=title.text, title_seconds=title.seconds)
