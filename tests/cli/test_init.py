"""`rushes init`: a recipe of the library, whole, where nothing was before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.cli.beginning import library, recipes
from tests.conftest import rushes


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("flag", ["--from", "--recipe"])
def test_a_recipe_comes_with_all_its_files(flag: str, tmp_path: Path) -> None:
    """Byte for byte, and the schema for an editor; what is said names the commands that come next."""
    done = rushes("init", "mine", flag, "cities", cwd=tmp_path)
    assert done.returncode == 0
    found = files(tmp_path / "mine")
    assert json.loads(found.pop("recipe.schema.json"))["title"]
    assert found == files(library() / "cities")
    assert "rushes plan mine/recipe.yaml" in done.stderr
    assert "rushes run mine/recipe.yaml" in done.stderr
    assert "mine/README.md" in done.stderr
    assert rushes("check", tmp_path / "mine" / "recipe.yaml").returncode == 0


def test_without_a_name_it_is_the_starter(tmp_path: Path) -> None:
    """Two files, and nothing that would stand in the way of a README that is there."""
    (tmp_path / "README.md").write_text("mine", encoding="utf-8")
    assert rushes("init", cwd=tmp_path).returncode == 0
    assert sorted(files(tmp_path)) == ["README.md", "recipe.schema.json", "recipe.yaml"]


@pytest.mark.parametrize("there", ["recipe.yaml", "recipe.schema.json", "assets/flask.jpg", "README.md"])
def test_nothing_is_written_over(there: str, tmp_path: Path) -> None:
    """Not one file: where one of them is there, none is written, and it is named."""
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text("mine", encoding="utf-8")
    done = rushes("init", tmp_path, "--from", "cities")
    assert (done.returncode, f"{there} is already there" in done.stderr) == (2, True)
    assert files(tmp_path) == {there: b"mine"}


def test_a_link_that_leads_nowhere_is_there(tmp_path: Path) -> None:
    """It is not written through."""
    (tmp_path / "recipe.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    assert rushes("init", tmp_path).returncode == 2
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_a_misspelt_name_gets_the_nearest(tmp_path: Path) -> None:
    """And one that is like none gets all."""
    done = rushes("init", tmp_path / "a", "--from", "storybord")
    assert (done.returncode, "Did you mean 'storyboard'?" in done.stderr) == (2, True)
    done = rushes("init", tmp_path / "a", "--from", "../../etc")
    assert (done.returncode, all(name in done.stderr for name in recipes())) == (2, True)
    assert not (tmp_path / "a").exists()


def test_the_list_says_what_each_is(tmp_path: Path) -> None:
    """One line each, the starter first, and the same as JSON; nothing is written."""
    done = rushes("init", "--list", cwd=tmp_path)
    assert done.returncode == 0
    told = json.loads(rushes("init", "--list", "--format", "json", cwd=tmp_path).stdout)
    assert {one["name"]: one["summary"] for one in told} == recipes()
    assert told[0]["name"] == "starter"
    for one in told:
        assert one["name"] in done.stdout
        assert 20 < len(one["summary"]) < 120
    assert files(tmp_path) == {}
