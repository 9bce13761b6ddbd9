"""What the journeys with services have for a session: drawings are made once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.media.animatic import Drawing, draw_clip, draw_still
from tests.journeys.services import Quarter, Street, compared, quarter


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stand-ins keep what they have drawn."""
    return tmp_path_factory.mktemp("drawn")


@pytest.fixture
def street(drawn: Path, tmp_path: Path) -> Street:
    """Opens a quarter of services; when it is left, every ledger of the test agrees with their books."""

    @contextmanager
    def opened(*names: str, **settings: Any) -> Iterator[Quarter]:
        with quarter(*names, cache=drawn, **settings) as standing:
            yield standing
            for path in tmp_path.rglob("ledger.sqlite3"):
                compared(path, standing)

    return opened


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A PNG of 640x640."""
    path = tmp_path_factory.mktemp("inputs") / "keeper.png"
    draw_still(Drawing(shot="x", prompt="a keeper", width=640, height=640, seconds=Decimal(0), seed=1), path)
    return path.read_bytes()


@pytest.fixture(scope="session")
def moving(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A clip of two seconds."""
    path = tmp_path_factory.mktemp("inputs") / "walk.mp4"
    draw_clip(Drawing(shot="x", prompt="he walks", width=640, height=360, seconds=Decimal(2), seed=1), path)
    return path.read_bytes()
