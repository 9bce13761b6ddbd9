"""The cut in a recipe: joints, titles and sound become exact numbers, and what its clips have no room for is told."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.recipe.model import Film, Title
from tests.recipe.written import HEAD, MP3, faults, loaded

SHOTS = "shots:\n- {id: a, prompt: p, duration: 3}\n- {id: b, prompt: q, duration: 2}\n- {id: c, prompt: r}\n"


def _film(folder: Path, text: str, **files: bytes) -> Film:
    film = loaded(folder, SHOTS + text, **files).film
    assert film is not None
    return film


def test_a_film_that_says_nothing_of_joints_cuts_them(tmp_path: Path) -> None:
    """No crossfade, no title, the bed as it always lay."""
    film = _film(tmp_path, "film: {shots: [a, b], audio: w.mp3}\n", w_mp3=MP3)
    assert (film.crossfades, film.titles, film.fade_in_seconds) == ((), (), 0)
    assert (film.level.fade_out_seconds, film.level.duck, film.level.volume_db) == (Decimal("1.5"), False, 0)


def test_crossfades_are_the_films_or_the_joints_own(tmp_path: Path) -> None:
    """A joint says seconds or `cut`; after the last clip there is none."""
    film = _film(tmp_path, "film: {shots: [a, b, c, a], crossfade: 0.5s, joins: {a: 1, b: cut}}\n")
    assert film.crossfades == (1, 0, Decimal("0.5"), 0)
    assert _film(tmp_path, "film: {shots: [a, b], joins: {a: cut}, crossfade: 1s}\n").crossfades == ()


def test_titles_lie_over_a_clip_or_on_cards(tmp_path: Path) -> None:
    """Over, before or after a shot, or at the beginning; cards fade as clips do; templates are worked out."""
    film = _film(
        tmp_path,
        "vars: {who: keeper}\nfilm:\n  crossfade: 0.5s\n  titles:\n  - {text: 'The {{ who }}'}\n"
        "  - {text: x, over: b, seconds: 1}\n  - {text: y, before: b}\n  - {text: z, after: c, seconds: 2.5}\n",
    )
    half = Decimal("0.5")
    assert film.titles == (
        Title(text="The keeper", seconds=Decimal(3), at=0, card=True, crossfade_seconds=half),
        Title(text="x", seconds=Decimal(1), at=1, card=False),
        Title(text="y", seconds=Decimal(3), at=1, card=True, crossfade_seconds=half),
        Title(text="z", seconds=Decimal("2.5"), at=3, card=True, crossfade_seconds=half),
    )
    assert film.crossfades == (half, half, half)


def test_the_sound_says_how_it_lies(tmp_path: Path) -> None:
    """Fades in seconds, its level in decibels, and whether it ducks."""
    text = "film: {audio: {from: w.mp3, fade_in: 1s, fade_out: 0.25, volume_db: -6.5, duck: true}, fade_out: 1s}\n"
    film = _film(tmp_path, text, w_mp3=MP3)
    assert film.audio is not None
    assert (film.level.fade_in_seconds, film.level.fade_out_seconds) == (1, Decimal("0.25"))
    assert (film.level.volume_db, film.level.duck, film.fade_out_seconds) == (Decimal("-6.5"), True, 1)


BAD = {
    "a fade longer than half a clip": (
        "{crossfade: 1.2s}",
        "crossfade",
        "longer than half of 'b', which lasts 2 s",
        "at most 1s",
    ),
    "a joint longer than half a clip": ("{joins: {b: 1.1}}", "joins: {b: ", "longer than half of 'b'", "at most 1s"),
    "a joint of no shot": ("{joins: {bb: 1}}", "joins: {", "'bb' is no shot of the film", "Did you mean 'b'?"),
    "a joint of a shot left out": ("{shots: [a, c], joins: {b: 1}}", "joins: {", "'b' is no shot of the film", "a, c"),
    "a joint in words": ("{joins: {a: fade}}", "joins: {a: ", "cannot be the text 'fade'", "or `cut`"),
    "a title of no shot": ("{titles: [{text: x, over: d}]}", "over: ", "'d' is no shot of the film", "a, b, c"),
    "a title at two places": ("{titles: [{text: x, over: a, after: b}]}", "after: ", "`over` and `after`", "Keep one"),
    "two titles over a shot": (
        "{titles: [{text: x, over: a, seconds: 1}, {text: y, over: a, seconds: 2}]}",
        "y, over: ",
        "two titles",
        "two lines",
    ),
    "a title too long for its clip": (
        "{crossfade: 0.5s, titles: [{text: x, over: b, seconds: 1.5}]}",
        "seconds: ",
        "does not fit over 'b', which has 1.0 s",
        "card",
    ),
    "a title too long by itself": (
        "{titles: [{text: x, over: b}]}",
        "titles: [",
        "A title of 3 s does not fit",
        "card",
    ),
    "a card shorter than its fades": (
        "{crossfade: 1s, titles: [{text: x, before: b, seconds: 1}]}",
        "crossfade: ",
        "a title's card",
        "0.5s",
    ),
    "an empty title": ("{titles: [{text: ' '}]}", "text: ", "The title is empty", "Write"),
    "a title without text": ("{titles: [{over: a}]}", "titles: [", "'text' is missing in a title", "at most 200"),
    "a title of many letters": (f"{{titles: [{{text: {'x' * 201}}}]}}", "text: ", "201 characters", "at most 200"),
    "a film of nothing but fades": ("{fade_in: 6s}", "fade_in: ", "half of the film, which lasts 10 s", "at most 5s"),
    "loudness beyond bounds": (
        "{audio: {from: w.mp3, volume_db: 30}}",
        "volume_db: ",
        "cannot be the number 30",
        "-60 to 20",
    ),
    "a bed that is nothing": ("{audio: {duck: true}}", "audio: ", "'from' is missing", ""),
    "a misspelt key": ("{crosfade: 1}", "{", "Unknown key 'crosfade'", "Did you mean 'crossfade'?"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_cut_is_told_at_its_place(tmp_path: Path, name: str) -> None:
    """One cause is one fault, at its column, with the fact and the way out."""
    film, before, fact, hint = BAD[name]
    (found,) = faults(tmp_path, f"{HEAD}{SHOTS}film: {film}\n", w_mp3=MP3)
    line = f"film: {film}"
    column = line.index(before) + (1 if before == "crossfade" else len(before) + 1)
    if before == "crossfade":
        column += len("crossfade: ")
    assert (found.place.line, found.place.column) == (7, column)
    assert fact in found.fact
    assert hint in found.hint


def test_a_shot_that_is_told_of_is_not_judged_again(tmp_path: Path) -> None:
    """Where a name is wrong, nothing is said of the room that its clip may have."""
    (found,) = faults(tmp_path, f"{HEAD}{SHOTS}film: {{shots: [a, zz], crossfade: 9s}}\n")
    assert "no shot 'zz'" in found.fact


def test_clips_of_several_shapes_are_warned_of(tmp_path: Path) -> None:
    """At the film, before anything is made."""
    recipe = loaded(tmp_path, SHOTS.replace("duration: 2", "ratio: '9:16'") + "film: true\n")
    (warning,) = recipe.warnings
    assert (warning.place.line, warning.fact) == (7, "The film has clips of 16:9 and 9:16.")
    assert "black bars" in warning.hint
