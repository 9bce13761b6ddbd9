"""`rushes approve` where the disk refuses: the picks stay whole, nothing lies beside them, and the way out is told."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.test_approve import SIMPLE, typed
from tests.store import conftest as cellar

disk, read_only = cellar.disk, cellar.read_only
NOBODY = 65534
WRITABLE = "Make it and its folder writable for you: picks lie beside their recipe."
READABLE = "Make it a file that you may read; or move it away, and `rushes approve` writes another."


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    """Where else results and workspace lie, as it is typed."""
    return ["--workspace", str(tmp_path / "shelf"), "--output", str(tmp_path / "there")]


def picked(folder: Path, places: list[str]) -> Path:
    """The picks of a recipe in this folder, whose first take is picked of two."""
    recipe = folder / "recipe.yaml"
    recipe.write_text(f"rushes: 1\nname: tale\n{SIMPLE}")
    assert typed("run", recipe, "--quiet", *places) == 0
    assert typed("approve", recipe, "a@1", *places) == 0
    return folder / "recipe.picks.yaml"


def is_refused(picks: Path, places: list[str], capsys: pytest.CaptureFixture[str], fact: str, hint: str) -> None:
    """Another pick and none at all are refused in these words, and everything in the folder is as it was."""
    before = {path: path.read_bytes() for path in picks.parent.iterdir() if path.suffix == ".yaml"}
    names = sorted(picks.parent.iterdir())
    for words in (["a@2"], ["--clear", "a"]):
        capsys.readouterr()
        assert typed("approve", picks.with_name("recipe.yaml"), *words, *places) == 2
        told = capsys.readouterr()
        assert (fact in told.err, f"Hint: {hint}" in told.err, "Traceback" in told.err, told.out) == (
            True, True, False, "",
        ), told.err  # fmt: skip
        assert sorted(picks.parent.iterdir()) == names
        assert {path: path.read_bytes() for path in before} == before


def test_on_a_full_disk(disk: cellar.Disk, places: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """With its room back it is done."""
    picks = picked(disk.folder, places)
    filler = disk.fill()
    hint = "Free some space there, then type it again: the picks are as they were."
    is_refused(picks, places, capsys, f"The disk is full: {picks} could not be written.", hint)
    filler.unlink()
    assert typed("approve", picks.with_name("recipe.yaml"), "a@2", *places) == 0
    assert "take: 2" in picks.read_text()


def test_in_a_read_only_folder(
    read_only: tuple[Path, Callable[[], None]], places: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """No other workspace would help: the picks lie beside the recipe."""
    folder, close = read_only
    picks = picked(folder, places)
    close()
    is_refused(picks, places, capsys, f"{picks} is read-only for you", WRITABLE)


@contextmanager
def as_nobody() -> Iterator[None]:
    """As a user to whom nothing here belongs, where we may become one."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may look into."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_of_picks_that_may_not_be_read(open_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another user's: told as picks, not as the recipe, by every command that reads them."""
    recipe, picks = open_folder / "recipe.yaml", open_folder / "recipe.picks.yaml"
    recipe.write_text(f"rushes: 1\nname: tale\n{SIMPLE}")
    picks.write_text(f'a: {{take: 1, sha256: "sha256:{"0" * 64}"}}\n')
    picks.chmod(0)
    with as_nobody():
        for command, *words in (("approve", "--clear", "a"), ("approve", "a"), ("plan",)):
            assert typed(command, recipe, *words) == 2
            told = capsys.readouterr()
            assert ("recipe.picks.yaml' cannot be read: Permission denied." in told.err, READABLE in told.err) == (
                True, True,
            ), told.err  # fmt: skip
    assert sorted(open_folder.iterdir()) == [picks, recipe]
