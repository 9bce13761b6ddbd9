"""Pictures made to fit what a service takes, changed as little as that needs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from pipeline.media.still import fits, make_fit


def noise(path: Path, width: int, height: int) -> Path:
    Image.frombytes("RGB", (width, height), os.urandom(width * height * 3)).save(path)
    return path


@pytest.mark.parametrize(
    ("size", "bounds", "expected"),
    [
        ((300, 200), (0, 400, 0), (600, 400)),
        ((8000, 2000), (0, 0, 6000), (6000, 1500)),
        ((640, 360), (30_000_000, 300, 6000), (640, 360)),
    ],
)
def test_sides_are_brought_within_bounds(
    tmp_path: Path, size: tuple[int, int], bounds: tuple[int, int, int], expected: tuple[int, int]
) -> None:
    """Enlarged to the shortest side, reduced to the longest, the shape kept."""
    path = tmp_path / "a.png"
    Image.new("RGB", size, (10, 90, 200)).save(path)
    assert fits(path, *bounds) is (expected == size)
    make_fit(path, tmp_path / "out.png", *bounds)
    assert Image.open(tmp_path / "out.png").size == expected
    assert fits(tmp_path / "out.png", *bounds)


def test_bytes_are_brought_below_the_limit(tmp_path: Path) -> None:
    """The worst picture there is, noise, comes out below, and no smaller than it must."""
    path = noise(tmp_path / "a.png", 400, 300)
    assert not fits(path, 200_000, 0, 0)
    make_fit(path, tmp_path / "out.png", 200_000, 0, 0)
    assert 100_000 < (tmp_path / "out.png").stat().st_size <= 200_000
