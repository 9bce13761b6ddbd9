"""Where the workspace is, and when it is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import StoreError
from pipeline.events import Artifact
from pipeline.store import workspace
from pipeline.store.ledger import Ledger, Line


def test_the_nearest_one_upward_is_found(tmp_path: Path) -> None:
    """Of several `.rushes` above a recipe the nearest is taken."""
    (tmp_path / "a/b/c").mkdir(parents=True)
    (tmp_path / ".rushes").mkdir()
    (tmp_path / "a/.rushes").mkdir()
    assert workspace.find(tmp_path / "a/b/c/recipe.yaml") == tmp_path / "a/.rushes"


def test_it_is_made_beside_the_recipe_where_there_is_none(tmp_path: Path) -> None:
    """Without any above it the place is beside the recipe, and looking creates nothing."""
    (tmp_path / "a").mkdir()
    assert workspace.find(tmp_path / "a/recipe.yaml") == tmp_path / "a/.rushes"
    assert list((tmp_path / "a").iterdir()) == []


def test_the_search_ends_at_the_git_root(tmp_path: Path) -> None:
    """A workspace at the git root is found, one above it is not."""
    (tmp_path / "repo/.git").mkdir(parents=True)
    (tmp_path / "repo/recipes").mkdir()
    (tmp_path / ".rushes").mkdir()
    assert workspace.find(tmp_path / "repo/recipes/r.yaml") == tmp_path / "repo/recipes/.rushes"
    (tmp_path / "repo/.rushes").mkdir()
    assert workspace.find(tmp_path / "repo/recipes/r.yaml") == tmp_path / "repo/.rushes"


def test_the_search_ends_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workspace in the home folder is found, one above it is not."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home/films").mkdir(parents=True)
    (tmp_path / ".rushes").mkdir()
    assert workspace.find(tmp_path / "home/films/r.yaml") == tmp_path / "home/films/.rushes"
    (tmp_path / "home/.rushes").mkdir()
    assert workspace.find(tmp_path / "home/films/r.yaml") == tmp_path / "home/.rushes"


def test_a_folder_that_anyone_may_write_to_is_not_trusted(tmp_path: Path) -> None:
    """A workspace that lies in a folder like /tmp is not taken for a recipe below it."""
    (tmp_path / "mine").mkdir()
    (tmp_path / ".rushes").mkdir()
    tmp_path.chmod(0o777)
    assert workspace.find(tmp_path / "mine/r.yaml") == tmp_path / "mine/.rushes"


def test_a_named_one_is_the_folder_itself(tmp_path: Path) -> None:
    """`--workspace` names the folder, whatever lies upward."""
    (tmp_path / ".rushes").mkdir()
    assert workspace.find(tmp_path / "r.yaml", named=tmp_path / "elsewhere") == tmp_path / "elsewhere"


def test_a_new_one_is_complete_and_ignored_by_git(tmp_path: Path) -> None:
    """A made workspace has its marker, hides itself from git, and opens again."""
    made = workspace.open_workspace(tmp_path / "x/.rushes", create=True)
    assert (made.folder / ".gitignore").read_text() == "*\n"
    assert sorted(path.name for path in made.folder.iterdir()) == [".gitignore", "locks", "store", "version"]
    assert workspace.open_workspace(made.folder, create=True) == made
    assert workspace.open_workspace(made.folder, create=False) == made


def test_an_absent_one_reads_as_empty_and_is_not_made(tmp_path: Path) -> None:
    """Without `create`, what is not there has no results and no files, and stays not there."""
    absent = workspace.open_workspace(tmp_path / ".rushes", create=False)
    artifact = Artifact(sha256="sha256:" + "0" * 64, bytes=1, suffix=".mp4")
    assert absent.artifacts.missing([artifact]) == {artifact.sha256}
    with Ledger(absent.ledger, read_only=True) as ledger:
        assert ledger.runs() == []
        assert ledger.kept(["k1:x"]) == {}
        with pytest.raises(StoreError, match="read-only"):
            ledger.remember("r", "out", {"a/generate": Line(key="k", base="k", own="o")})
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    """A file, a dangling link, or a file on the way to it cannot be a workspace."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for folder in (tmp_path / "file", tmp_path / "link", tmp_path / "file/.rushes"):
        with pytest.raises(StoreError) as caught:
            workspace.open_workspace(folder, create=True)
        assert str(folder) in caught.value.fact
        assert caught.value.hint


@pytest.mark.parametrize("name", ["holiday.mp4", "ledger.sqlite3", "store"])
def test_a_folder_of_other_things_is_refused(tmp_path: Path, name: str) -> None:
    """A folder with things in it and no marker is somebody's, and nothing is written into it."""
    (tmp_path / name).write_text("mine")
    with pytest.raises(StoreError, match=name):
        workspace.open_workspace(tmp_path, create=True)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_a_killed_beginning_left_is_taken_over(tmp_path: Path) -> None:
    """A folder in which only the beginning of a workspace lies is a workspace to be."""
    (tmp_path / ".gitignore").write_text("*\n")
    (tmp_path / ".version-abc").write_text("")
    workspace.open_workspace(tmp_path, create=True)
    assert (tmp_path / "version").read_text() == "1\n"


@pytest.mark.parametrize(("text", "word"), [("2", "newer"), ("99\n", "newer"), ("hello", "no workspace"), ("", "no")])
def test_another_version_is_refused(tmp_path: Path, text: str, word: str) -> None:
    """A newer version, or a marker that is none, is not touched."""
    (tmp_path / "version").write_text(text)
    for create in (True, False):
        with pytest.raises(StoreError, match=word):
            workspace.open_workspace(tmp_path, create=create)


def test_a_read_only_one_is_refused_for_writing_alone(read_only: tuple[Path, Callable[[], None]]) -> None:
    """A workspace that cannot be written opens for reading, ledger included, and says no to a run."""
    folder, close = read_only
    made = workspace.open_workspace(folder / ".rushes", create=True)
    with Ledger(made.ledger) as ledger:
        ledger.remember("r", "out", {})
    close()
    again = workspace.open_workspace(folder / ".rushes", create=False)
    with Ledger(again.ledger, read_only=True) as ledger:
        assert ledger.steps_made("r", "out") == {}
    with pytest.raises(StoreError, match="read-only") as caught:
        workspace.open_workspace(folder / ".rushes", create=True)
    assert "--workspace" in caught.value.hint
    with pytest.raises(StoreError, match="read-only"):
        workspace.open_workspace(folder / "new", create=True)


def test_a_full_disk_is_told(disk: Any) -> None:
    """A workspace that does not fit on its disk is refused with that reason, and fits once there is room."""
    filler = disk.fill()
    with pytest.raises(StoreError, match="disk is full"):
        workspace.open_workspace(disk.folder / ".rushes", create=True)
    filler.unlink()
    workspace.open_workspace(disk.folder / ".rushes", create=True)


def test_a_link_that_is_found_is_not_followed(tmp_path: Path) -> None:
    """A recipe that comes with a `.rushes` leading elsewhere reaches nobody's results; by its name it may be used."""
    other, recipe = tmp_path / "other", tmp_path / "theirs" / "recipe.yaml"
    workspace.open_workspace(other, create=True)
    recipe.parent.mkdir()
    (recipe.parent / workspace.NAME).symlink_to(other)
    with pytest.raises(StoreError, match="is a link"):
        workspace.find(recipe)
    assert workspace.find(recipe, named=recipe.parent / workspace.NAME) == recipe.parent / workspace.NAME
