"""`upscale`: a real clip and a real still made larger."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.media.probe import check, probe
from pipeline.recipe.schema import schema
from pipeline.steps.base import Feed
from pipeline.steps.upscale import SIZES, Upscale
from tests.media.clips import card, clip

SOURCE = Feed(role="clip", step="a/generate", output="video")


def test_a_clip_keeps_its_frames_and_time(tmp_path: Path) -> None:
    """Its short side becomes the size's; as many pictures, as long, with its sound."""
    path = clip(tmp_path / "clip.mp4", range(3), sound_seconds=0.125)
    made = Upscale(source=SOURCE, to="1080p").perform([path], tmp_path)
    before, after = check(path), check(made.files["upscaled"])
    assert (after.width, after.height, after.frames) == (1800, 1080, 3)
    assert after.seconds == before.seconds
    assert after.sound is not None


def test_a_still_becomes_a_still(tmp_path: Path) -> None:
    """As a PNG."""
    card(5).save(tmp_path / "still.png")
    made = Upscale(source=SOURCE, to="1080p", still=True).perform([tmp_path / "still.png"], tmp_path)
    seen = probe(made.files["upscaled"])
    assert (seen.kind, seen.width, seen.height) == ("image", 1800, 1080)


@pytest.mark.parametrize("size", SIZES)
def test_each_size_is_in_the_key(size: str) -> None:
    """With the method, so that a better one makes it anew."""
    assert Upscale(source=SOURCE, to=size).words()["to"] == size
    assert Upscale(source=SOURCE, to=size).words()["method"]
    assert f'"{size}"' in str(schema()).replace("'", '"')
