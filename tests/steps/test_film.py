"""`film`: real clips joined, a chain's repeated picture dropped, a bed laid under them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.media.probe import check
from pipeline.steps.base import Feed
from pipeline.steps.film import Film, Level, Part
from tests.media.clips import clip


def feed(name: str) -> Feed:
    return Feed(role="clip", step=f"{name}/generate", output="video")


def test_clips_that_agree_are_joined_without_encoding(tmp_path: Path) -> None:
    """Every picture once, in order; the facts say how and where each clip lies."""
    paths = [clip(tmp_path / f"{i}.mp4", range(i * 12, i * 12 + 12)) for i in range(2)]
    made = Film(clips=(feed("a"), feed("b")), seams=(False, False)).perform(paths, tmp_path)
    assert check(made.files["film"]).frames == made.facts["frames"] == 24
    assert made.facts["joined"] == "copied"
    assert [frames for _, _, frames in made.facts["cuts"]] == [12, 12]


def test_a_seam_loses_its_repeated_picture_and_a_bed_is_as_long_as_the_film(tmp_path: Path) -> None:
    """The chained clip's first picture is the one before it, shown once; the last input is the bed."""
    paths = [clip(tmp_path / "a.mp4", range(12)), clip(tmp_path / "b.mp4", range(11, 23))]
    bed = clip(tmp_path / "bed.mp4", range(2), sound_seconds=1.5)
    work = Film(clips=(feed("a"), feed("b")), seams=(False, True), bed=feed("bed"))
    made = work.perform([*paths, bed], tmp_path)
    seen = check(made.files["film"])
    assert seen.frames == 23
    assert seen.sound is not None
    assert float(seen.sound.seconds) == pytest.approx(float(seen.seconds), abs=0.05)


def test_a_size_re_encodes_to_it(tmp_path: Path) -> None:
    """`film.resolution` stands before the largest clip's shape."""
    paths = [clip(tmp_path / "a.mp4", range(4))]
    made = Film(clips=(feed("a"),), seams=(False,), size=(320, 192)).perform(paths, tmp_path)
    seen = check(made.files["film"])
    assert (seen.width, seen.height, seen.frames) == (320, 192, 4)


def test_order_seams_size_and_bed_decide_a_film() -> None:
    """The bed comes last among the inputs."""
    plain = Film(clips=(feed("a"), feed("b")), seams=(False, True))
    with_bed = Film(clips=plain.clips, seams=plain.seams, bed=feed("bed"))
    assert [f.step for f in with_bed.feeds] == ["a/generate", "b/generate", "bed/generate"]
    assert plain.words() != Film(clips=plain.clips, seams=(False, False)).words()
    assert plain.words() != Film(clips=plain.clips, seams=plain.seams, size=(2, 2)).words()


def test_parts_fade_are_left_and_lettered(tmp_path: Path) -> None:
    """Clips and cards in their order; the facts say how long the film is and where each clip lies."""
    paths = [clip(tmp_path / f"{i}.mp4", range(i * 24, i * 24 + 24), sound_seconds=1) for i in range(2)]
    bed = clip(tmp_path / "bed.mp4", range(2), sound_seconds=1.5)
    half = Decimal("0.5")
    work = Film(
        clips=(feed("a"), feed("b")),
        seams=(False, False),
        bed=feed("bed"),
        parts=(
            Part(clip=0, title="One", title_seconds=half, left_seconds=Decimal("0.25")),
            Part(clip=None, title="Two", title_seconds=Decimal(1), crossfade_seconds=half),
            Part(clip=1),
        ),
        level=Level(duck=True),
        fade_out_seconds=half,
    )
    made = work.perform([*paths, bed], tmp_path)
    assert made.facts["cuts"] == [[0, Decimal("0.75"), 18], [Decimal("1.25"), Decimal("2.25"), 24]]
    assert (made.facts["frames"], made.facts["seconds"]) == (54, Decimal("2.25"))
    assert check(made.files["film"]).frames == 54
