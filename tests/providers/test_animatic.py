"""The animatic's page: shapes, what it refuses, what decides a drawing, and a drawing."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.media.probe import check, probe
from pipeline.providers import animatic
from pipeline.providers.base import Input
from tests.providers.test_catalog import WISH

D = Decimal


@pytest.mark.parametrize(
    ("resolution", "ratio", "size"),
    [("720p", "16:9", (1280, 720)), ("1080p", "9:16", (1080, 1920)), ("480p", "1:1", (480, 480)),
     ("480p", "4:3", (640, 480)), ("720p", "21:9", (1680, 720)), ("4k", "adaptive", (3840, 2160))],
)  # fmt: skip
def test_the_short_side_is_the_resolutions(resolution: str, ratio: str, size: tuple[int, int]) -> None:
    """The long one follows the ratio, even to the pixel pair."""
    assert animatic.size(resolution, ratio) == size


@pytest.mark.parametrize(
    ("values", "field"),
    [({"ratio": "5:1"}, "ratio"), ({"seconds": D("0.4")}, "duration"), ({"seconds": D("60.5")}, "duration")],
)
def test_what_cannot_be_drawn_is_refused_at_its_field(values: dict[str, object], field: str) -> None:
    """A ratio without numbers, and clips of hardly any length or beyond a minute; a still has no length to refuse."""
    found = list(animatic.complaints(dataclasses.replace(WISH, **values)))
    assert [complaint.field for complaint in found] == [field]
    assert list(animatic.complaints(dataclasses.replace(WISH, kind="image", seconds=D(0)))) == []


def test_every_word_of_a_wish_decides_the_drawing() -> None:
    """But `people`, which only services ask for."""
    plain = animatic.request(WISH)
    changes = {"shot": "b", "kind": "image", "model": "m", "prompt": "q", "seconds": D(6), "resolution": "480p",
               "ratio": "1:1", "seed": 1, "audio": True, "watermark": True}  # fmt: skip
    for name, value in changes.items():
        assert animatic.request(dataclasses.replace(WISH, **{name: value})) != plain, name
    assert animatic.request(dataclasses.replace(WISH, people=True)) == plain
    one, two = (Input(role="reference", media="image", name=name) for name in ("keeper", "coat"))
    orders = [animatic.request(dataclasses.replace(WISH, inputs=inputs)) for inputs in ((one, two), (two, one))]
    assert orders[0] != orders[1]


def test_it_is_free_and_says_how_long_it_takes() -> None:
    """More pixels and more seconds take longer, which decides what is begun first."""
    assert animatic.price(WISH).usd == 0
    large = dataclasses.replace(WISH, resolution="1080p")
    assert animatic.effort_seconds(large) > animatic.effort_seconds(WISH) > 0


def test_a_request_becomes_a_clip_or_a_still_and_the_same_one_again(tmp_path: Path) -> None:
    """Of the asked shape and length, with frames and references by role; sounds among the inputs are passed over."""
    small = dataclasses.replace(WISH, shot="key", kind="image", seconds=D(0), resolution="480p", ratio="1:1", seed=3)
    still = tmp_path / "still.png"
    animatic.make(animatic.request(small), [], still)
    assert (probe(still).kind, probe(still).width, probe(still).height) == ("image", 480, 480)
    inputs = (
        Input(role="first_frame", media="image", name="key", provider="animatic"),
        Input(role="reference", media="image", name="keeper"),
        Input(role="reference", media="audio", name="waves"),
    )
    wish = dataclasses.replace(small, shot="a", kind="video", seconds=D("0.5"), inputs=inputs)
    clips = [tmp_path / "one.mp4", tmp_path / "two.mp4"]
    for clip in clips:
        animatic.make(animatic.request(wish), [still, still, tmp_path / "none.mp3"], clip)
    seen = check(clips[0])
    assert (seen.width, seen.height, seen.frames, seen.seconds) == (480, 480, 12, D("0.5"))
    assert clips[0].read_bytes() == clips[1].read_bytes()
