"""Copies in an output folder, by which the store is made whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.events import Artifact
from pipeline.store.artifacts import Artifacts
from pipeline.store.copies import Copies

BYTES = b"a clip"


@pytest.fixture
def store(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path / "store")


@pytest.fixture
def lost(store: Artifacts) -> Artifact:
    """What was kept, and is gone."""
    file = store.stage() / "clip.mp4"
    file.write_bytes(BYTES)
    sha256, size = store.keep(file)
    artifact = Artifact(sha256=sha256, bytes=size, suffix=".mp4")
    store.path(artifact).unlink()
    return artifact


def put(path: Path, data: bytes = BYTES) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("place", ["film.mp4", "shots/a.mp4", "frames/other.mp4"])
def test_a_copy_is_known_by_its_bytes_wherever_a_run_puts_files(
    place: str, lost: Artifact, store: Artifacts, tmp_path: Path
) -> None:
    """It is called as seen from the base; only with a store to put it into is anything written."""
    path = put(tmp_path / "out" / place)
    assert Copies(tmp_path / "out").find(lost) == str(path)
    assert store.missing([lost])
    assert Copies(tmp_path / "out", base=tmp_path, into=store).find(lost) == f"out/{place}"
    assert not store.missing([lost])


def test_what_is_no_copy_is_passed_over(lost: Artifact, store: Artifacts, tmp_path: Path) -> None:
    """Other bytes of the same size, another ending, a link, a folder that is one, and no folder at all."""
    out = tmp_path / "out"
    assert Copies(out, into=store).find(lost) == ""
    put(out / "shots" / "a.mp4", BYTES[::-1])
    put(out / "shots" / "a.mov")
    (out / "shots" / "b.mp4").symlink_to(put(tmp_path / "elsewhere" / "b.mp4"))
    (out / "frames").symlink_to(tmp_path / "elsewhere")
    assert Copies(out, into=store).find(lost) == ""
    assert store.missing([lost])


def test_a_copy_that_changes_after_it_was_read_is_not_taken(lost: Artifact, store: Artifacts, tmp_path: Path) -> None:
    """What goes into the store is judged as it goes in."""
    path = put(tmp_path / "shots" / "a.mp4")
    reads, mends = Copies(tmp_path), Copies(tmp_path, into=store)
    assert reads.find(lost) == mends.find(lost) == str(path)
    store.path(lost).unlink()
    put(path, BYTES[::-1])
    assert mends.find(lost) == ""
    assert store.missing([lost])
