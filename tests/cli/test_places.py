"""Which run, which folder, which recipe is meant; and the places where results may not go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.cli.main import main
from pipeline.desk import House
from pipeline.providers.catalog import PROVIDERS
from tests import stub

Write = Callable[..., Path]
ONE = "defaults: {provider: stub}\nshots:\n  - {id: a, kind: image, prompt: x}\n"
HOUSE = House(providers={**PROVIDERS, "stub": stub})


def run(*args: str | Path) -> int:
    return main([*map(str, args)], HOUSE)


def test_a_run_may_be_named_in_every_way(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its recipe, its manifest, its folder, its id, and by nothing at all: the newest of the workspace."""
    path = write(ONE)
    assert run("run", path, "--quiet") == 0
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out" / "tale"
    assert run("status", out) == 0
    told = capsys.readouterr().out
    name = told.split("run ")[1].split(" is")[0]
    for what in ([path], [out], [out / "manifest.json"], [name], []):
        assert run("status", *what) == 0
        assert name in capsys.readouterr().out
        assert run("verify", *what) == 0
        assert run("report", *what) == 0
        assert str(out / "report.html") in capsys.readouterr().out
    assert run("status", "20200101-000000-abcd") == 2
    assert "is no file, and no run" in capsys.readouterr().err


def test_two_recipes_of_one_name_do_not_share_a_folder(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second is told about the first; once the first is gone, its results are the second's."""
    path = write(ONE)
    assert run("run", path) == 0
    other = tmp_path / "other.yaml"
    other.write_text(path.read_text())
    capsys.readouterr()
    assert run("run", other) == 2
    assert "has the same name, tale" in capsys.readouterr().err
    path.unlink()
    assert run("run", other) == 0


def test_results_do_not_leave_the_recipes_folder_by_a_link(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder from a stranger whose `out` leads elsewhere writes nothing there."""
    (tmp_path / "victim").mkdir()
    folder = tmp_path / "shipped"
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path / "victim")
    assert run("run", write(ONE, folder=folder)) == 2
    assert "leads out of the recipe's folder" in capsys.readouterr().err
    assert list((tmp_path / "victim").iterdir()) == []
    assert run("run", folder / "recipe.yaml", "--output", tmp_path / "mine") == 0


def test_results_do_not_go_into_the_workspace(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where only the store writes."""
    assert run("run", write(ONE), "--output", tmp_path / ".rushes" / "store") == 2
    assert "would go into the workspace" in capsys.readouterr().err


def test_an_output_folder_that_cannot_be_is_told_before_anything_is_made(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file stands where the folder should be: exit 2, and no shot was begun."""
    (tmp_path / "out").write_text("a file")
    assert run("run", write(ONE)) == 2
    told = capsys.readouterr().err
    assert "out" in told
    assert "a/generate" not in told
