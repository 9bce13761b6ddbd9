"""The stand-ins need asyncio; media files are drawn once a session and shown on loopback, as a user's own would be."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.media.animatic import Drawing, draw_clip, draw_still


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stand-ins of all tests keep what they drew."""
    return tmp_path_factory.mktemp("drawn")


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of media that tests show to the stand-ins."""
    return tmp_path_factory.mktemp("shelf")


def drawing(width: int, height: int, seconds: str = "1") -> Drawing:
    return Drawing(shot="x", prompt="a cat runs", width=width, height=height, seconds=Decimal(seconds), seed=1)


@pytest.fixture(scope="session")
def clip(shelf: Path) -> Callable[..., str]:
    """Draws a small clip at least so long, once, and gives its name on the shelf."""

    def clip(seconds: str, width: int = 64, height: int = 64) -> str:
        frames = math.ceil(Decimal(seconds) * 24)
        path = shelf / f"{width}x{height}-{frames}.mp4"
        if not path.exists():
            draw_clip(drawing(width, height, str(Decimal(frames) / 24)), path)
        return path.name

    return clip


@pytest.fixture(scope="session")
def still(shelf: Path) -> Callable[..., str]:
    """Draws a picture, once, and gives its name on the shelf."""

    def still(width: int = 512, height: int = 512, form: str = "png") -> str:
        path = shelf / f"{width}x{height}.{form}"
        if not path.exists():
            draw_still(drawing(width, height), path)
        return path.name

    return still
