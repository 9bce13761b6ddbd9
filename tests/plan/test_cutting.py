"""A film's work says what follows what: seams, clips left for the next, cards between; plain cuts say nothing new."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pipeline.recipe.model import Chain, Title
from pipeline.steps.film import Film, Level, Part
from tests import made

HALF = Decimal("0.5")


def _film(offset: str = "0", **values: Any) -> Film:
    shots = made.shot("a"), made.shot("b", chain=Chain(shot="a", offset_seconds=Decimal(offset))), made.shot("c")
    work = made.build(*shots, film=made.cut("a", "b", "c", **values)).steps[-1].work
    assert isinstance(work, Film)
    return work


def test_plain_cuts_have_the_words_they_always_had() -> None:
    """So that films made before are not made again."""
    plain = _film()
    assert plain.parts == ()
    assert plain.words() == {"seams": [False, True, False], "size": None, "method": "cut-1"}


def test_a_clip_is_left_where_its_chain_goes_on() -> None:
    """Half a second before its end, for the next begins with that frame; a crossfade over that time leaves nothing."""
    assert [part.left_seconds for part in _film("0.5").parts] == [HALF, 0, 0]
    faded = _film("0.5", crossfades=(Decimal("0.2"), HALF, Decimal(0)))
    assert [part.left_seconds for part in faded.parts] == [Decimal("0.3"), 0, 0]
    natural = _film("0.5", crossfades=(HALF, Decimal(0), Decimal(0)))
    assert [part.left_seconds for part in natural.parts] == [0, 0, 0]
    assert faded.seams == (False, False, False)


def test_a_card_parts_a_chain() -> None:
    """What goes on after it begins with its own first picture, and the clip before it is shown to its end."""
    title = Title(text="later", seconds=Decimal(2), at=1, card=True, crossfade_seconds=HALF)
    for offset in ("0", "0.5"):
        film = _film(offset, titles=(title,))
        assert film.seams == (False, False, False)
        assert film.parts == (
            Part(clip=0),
            Part(clip=None, title="later", title_seconds=Decimal(2), crossfade_seconds=HALF),
            Part(clip=1),
            Part(clip=2),
        )


def test_cards_stand_at_both_ends_and_titles_over_clips() -> None:
    """In the order of the recipe."""
    titles = [Title(text=text, seconds=Decimal(1), at=at, card=True) for text, at in (("x", 3), ("y", 0), ("z", 3))]
    over = Title(text="o", seconds=Decimal(1), at=2, card=False)
    parts = _film(titles=(*titles, over)).parts
    assert [(part.clip, part.title) for part in parts] == [
        (None, "y"), (0, ""), (1, ""), (2, "o"), (None, "x"), (None, "z"),
    ]  # fmt: skip


def test_all_that_shows_or_sounds_is_in_the_key() -> None:
    """Fades, titles, levels: each changes the film's words, and the level only where there is a sound."""
    bed = made.file("waves.mp3")
    films = [
        _film(),
        _film(crossfades=(HALF, Decimal(0), Decimal(0))),
        _film(titles=(Title(text="x", seconds=HALF, at=0, card=False),)),
        _film(titles=(Title(text="y", seconds=HALF, at=0, card=False),)),
        _film(fade_in_seconds=HALF),
        _film(fade_out_seconds=HALF),
        _film(audio=bed, level=Level(duck=True)),
        _film(audio=bed, level=Level(volume_db=HALF)),
    ]
    assert len({str(film.words()) for film in films}) == len(films)
    assert _film(level=Level(duck=True)).words() == _film(audio=bed).words() == _film().words()


def test_a_resolution_of_a_film_whose_first_clip_has_no_ratio_of_its_own() -> None:
    """The first that has one says the shape; where none has, it is 16:9."""
    shots = made.shot("a", ratio="adaptive"), made.shot("b", ratio="9:16")
    assert made.build(*shots, film=made.cut("a", "b", resolution="720p")).steps[-1].work.words()["size"] == [720, 1280]
    alone = made.build(shots[0], film=made.cut("a", resolution="720p")).steps[-1].work
    assert alone.words()["size"] == [1280, 720]


def test_a_shot_that_begins_anew_says_so_in_the_plan() -> None:
    """Beside why it runs."""
    note = "begins anew from keeper after 4 shots of its chain"
    (step,) = made.build(made.shot("a", note=note)).steps
    assert step.why.endswith(f"; {note}")
