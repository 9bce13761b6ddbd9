"""`last_frame`: the picture a real clip ends on, and which one it is."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from pipeline.digest import file_digest
from pipeline.errors import MediaError
from pipeline.steps.base import Feed
from pipeline.steps.last_frame import LastFrame
from tests.media.clips import clip, number_of

CLIP = Feed(role="clip", step="a/generate", output="video")


@pytest.mark.parametrize(("offset", "number"), [("0", 9), ("0.125", 7)])
def test_the_frame_and_what_is_known_of_it(offset: str, number: int, tmp_path: Path) -> None:
    """The one shown at the end, or so long before it; number, colours and digest are told."""
    path = clip(tmp_path / "clip.mp4", range(10), bframes=2)
    made = LastFrame(clip=CLIP, offset_seconds=Decimal(offset)).perform([path], tmp_path)
    with Image.open(made.files["last_frame"]) as image:
        assert number_of(image) == number
    assert (made.facts["index"], made.facts["matrix"], made.facts["range"]) == (number, "bt709", "limited")
    assert made.facts["sha256"] == file_digest(made.files["last_frame"])


def test_a_clip_that_is_cut_short_is_an_error(tmp_path: Path) -> None:
    """Never a wrong frame."""
    path = clip(tmp_path / "clip.mp4", range(24))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(MediaError):
        LastFrame(clip=CLIP).perform([path], tmp_path)


def test_the_offset_decides_by_its_value() -> None:
    """However it was written."""
    from pipeline.digest import canonical

    one, two = (LastFrame(clip=CLIP, offset_seconds=Decimal(text)).words() for text in ("0.2", "0.20"))
    assert canonical(one) == canonical(two)
