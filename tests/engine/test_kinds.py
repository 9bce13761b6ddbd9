"""What a service delivers is taken for what it is: by its bytes, and against what was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.engine.away import _as_asked
from pipeline.errors import ProviderError
from pipeline.providers import seegen, seegen_upscaler
from pipeline.steps.base import Feed
from pipeline.steps.generate import Generate
from pipeline.steps.upscale import Upscale

CLIP, PICTURE, FRAME = Path("video.mp4"), Path("video.png"), Path("last_frame.png")
MAKE = {kind: Generate(page=seegen, output=kind, request={}, feeds=()) for kind in ("video", "image")}
LARGER = Upscale(source=Feed(role="clip", step="a/generate", output="video"), to="2k", page=seegen_upscaler)


def test_the_name_is_what_was_asked_for() -> None:
    """A link that ends in nothing may be a still; the last frame beside a clip is no clip."""
    assert _as_asked(MAKE["image"], {"video": PICTURE}) == {"image": PICTURE}
    assert _as_asked(MAKE["video"], {"image": CLIP, "last_frame": FRAME}) == {"video": CLIP, "last_frame": FRAME}
    assert _as_asked(LARGER, {"video": CLIP}) == {"upscaled": CLIP}


@pytest.mark.parametrize(("kind", "path"), [("video", PICTURE), ("image", CLIP)])
def test_another_kind_is_not_delivered(kind: str, path: Path) -> None:
    """It is paid, and the next run asks for it again; nothing is built on it."""
    with pytest.raises(ProviderError, match="where a"):
        _as_asked(MAKE[kind], {"video": path})
