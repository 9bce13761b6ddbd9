"""How the clips of a film become each other, and its titles: what the recipe says, and whether there is room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from pipeline.recipe.explain import At
from pipeline.recipe.findings import Findings
from pipeline.recipe.inputs import seconds_of
from pipeline.recipe.model import Shot, Title
from pipeline.recipe.words import choice, clipped
from pipeline.values import dataclass

TITLE_SECONDS = 3
_FILM: At = ("film",)
_WHERE = ("over", "before", "after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What follows each shot of the film, in seconds of crossfade, and what is lettered; as `Film` has them."""

    crossfades: tuple[Decimal, ...]
    titles: tuple[Title, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A clip or a card in the order of the film: its name in words, its length, its joint and where that stands."""

    name: str
    seconds: Decimal
    crossfade: Decimal
    at: At
    title: tuple[Title, At] | None = None


def joined(told: Mapping[str, Any], shots: Sequence[Shot], findings: Findings, *, judged: bool) -> Joined:
    """The joints and titles of a film of these shots; `judged` says that all of its shots are known."""
    usual = seconds_of(told.get("crossfade", 0))
    joins: Mapping[str, Any] = told.get("joins") or {}
    ids = [shot.id for shot in shots]
    if judged:
        for name in joins:
            if name not in ids:
                fact = f"'{clipped(name)}' is no shot of the film."
                findings.add((*_FILM, "joins", name), fact, choice(name, ids, "Name shots of the film."), key=True)
    titles = list(_titles(told, ids, usual, findings)) if judged else []
    crossfades = [_crossfade(joins[shot.id]) if shot.id in joins else usual for shot in shots]
    ends_on_card = any(title.card and title.at == len(shots) for title, _ in titles)
    if crossfades and not ends_on_card:
        crossfades[-1] = Decimal(0)
    if judged:
        _judge(told, shots, crossfades, titles, findings)
    return Joined(
        crossfades=tuple(crossfades) if any(crossfades) else (),
        titles=tuple(title for title, _ in titles),
    )


def _crossfade(given: Any) -> Decimal:
    return Decimal(0) if given == "cut" else seconds_of(given)


def _titles(
    told: Mapping[str, Any], ids: Sequence[str], usual: Decimal, findings: Findings
) -> Iterator[tuple[Title, At]]:
    """The titles whose place is told, each with its way from the top of the recipe."""
    over: set[int] = set()
    for number, given in enumerate(told.get("titles") or ()):
        at = (*_FILM, "titles", number)
        ways = [way for way in _WHERE if way in given]
        if len(ways) > 1:
            fact = f"The title is {' and '.join(f'`{way}`' for way in ways)} a shot."
            findings.add((*at, ways[1]), fact, "Keep one of them.")
            continue
        name = given[ways[0]] if ways else ""
        if ways and name not in ids:
            fact = f"'{clipped(name)}' is no shot of the film."
            findings.add((*at, ways[0]), fact, choice(name, list(ids), "Name a shot of the film."))
            continue
        place = ids.index(name) if ways else 0
        card = ways != ["over"]
        if not card and place in over:
            fact = f"There are two titles over '{clipped(name)}'."
            findings.add((*at, "over"), fact, "Write both into one text, on two lines.")
            continue
        over |= set() if card else {place}
        title = Title(
            text=given["text"],
            seconds=seconds_of(given.get("seconds", TITLE_SECONDS)),
            at=place + (ways == ["after"]),
            card=card,
            crossfade_seconds=usual if card else Decimal(0),
        )
        if not title.text.strip():
            findings.add((*at, "text"), "The title is empty.", "Write what is to be seen.")
        yield title, at


def _judge(
    told: Mapping[str, Any],
    shots: Sequence[Shot],
    crossfades: Sequence[Decimal],
    titles: Sequence[tuple[Title, At]],
    findings: Findings,
) -> None:
    """Tells of fades and titles that their clips have no room for, and of clips that get black bars."""
    pieces = list(_pieces(told, shots, crossfades, titles))
    for before, after in pairwise(pieces):
        for piece in (before, after):
            if before.crossfade * 2 > piece.seconds:
                fact = (
                    f"A crossfade of {before.crossfade:f} s is longer than half of {piece.name}, "
                    f"which lasts {piece.seconds:f} s."
                )
                findings.add(before.at, fact, f"Write at most {piece.seconds / 2:f}s, or make it longer.")
    since = Decimal(0)
    for piece in pieces:
        room = piece.seconds - since - piece.crossfade
        if piece.title and not piece.title[0].card and piece.title[0].seconds > room:
            fact = (
                f"A title of {piece.title[0].seconds:f} s does not fit over {piece.name}, "
                f"which has {max(room, Decimal(0)):f} s to itself."
            )
            way: At = (
                (*piece.title[1], "seconds") if "seconds" in told["titles"][piece.title[1][-1]] else piece.title[1]
            )
            findings.add(way, fact, "Shorten it, or put it on a card with `before`.")
        since = piece.crossfade
    whole = sum((piece.seconds - piece.crossfade for piece in pieces), Decimal(0))
    for field in ("fade_in", "fade_out"):
        if seconds_of(told.get(field, 0)) * 2 > whole:
            fact = f"This fade is longer than half of the film, which lasts {whole:f} s."
            findings.add((*_FILM, field), fact, f"Write at most {whole / 2:f}s.")
    ratios = list(dict.fromkeys(shot.ratio for shot in shots if shot.ratio != "adaptive"))
    if len(ratios) > 1:
        way = (*_FILM, "shots") if "shots" in told else _FILM
        fact = f"The film has clips of {', '.join(ratios[:-1])} and {ratios[-1]}."
        findings.warn(way, fact, "It gets the shape of the largest; the others are shown whole between black bars.")


def _pieces(
    told: Mapping[str, Any],
    shots: Sequence[Shot],
    crossfades: Sequence[Decimal],
    titles: Sequence[tuple[Title, At]],
) -> Iterator[_Piece]:
    """Clips and cards in the order of the film; after the last there is no crossfade."""
    joins = told.get("joins") or {}
    usual: At = (*_FILM, "crossfade")
    for place in range(len(shots) + 1):
        for title, _ in titles:
            if title.card and title.at == place:
                last = place == len(shots)
                fade = Decimal(0) if last else title.crossfade_seconds
                yield _Piece(name="a title's card", seconds=title.seconds, crossfade=fade, at=usual)
        if place < len(shots):
            shot = shots[place]
            yield _Piece(
                name=f"'{shot.id}'",
                seconds=shot.seconds,
                crossfade=crossfades[place],
                at=(*_FILM, "joins", shot.id) if shot.id in joins else usual,
                title=next((one for one in titles if not one[0].card and one[0].at == place), None),
            )
