"""Where results and workspaces belong, however their places are written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import api
from pipeline.desk import House, Wants
from pipeline.errors import StoreError, UserError
from pipeline.providers.catalog import PROVIDERS
from tests import stub

Write = Callable[..., Path]
ONE = "shots:\n  - {id: a, kind: image, provider: stub, prompt: x}\n"
HOUSE = House(providers={**PROVIDERS, "stub": stub})


def test_a_recipe_is_the_same_from_wherever_it_is_run(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run, lock and caps go by the output folder: a relative path, an absolute one, one by a symlink name the same."""
    folder = tmp_path / "tales"
    folder.mkdir()
    path = write(ONE, folder=folder)
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(folder)
    first = api.run(Path("recipe.yaml"), house=HOUSE)
    monkeypatch.chdir(tmp_path)
    ways = [Path("tales/recipe.yaml"), path, Path("link/recipe.yaml"), Path("tales/../link/recipe.yaml")]
    again = [api.run(way, house=HOUSE) for way in ways]
    assert [(run.began, run.manifest["run"]["id"]) for run in again] == [(False, first.manifest["run"]["id"])] * 4
    assert api.status(path, house=HOUSE)["run"]["id"] == first.manifest["run"]["id"]


@pytest.mark.parametrize("name", ["~nobody-of-this-name/x", "~"])
def test_a_home_that_is_not_there_is_a_plain_name(name: str, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """No home folder is no fault."""
    monkeypatch.setenv("HOME", "/nowhere")
    for wants in (Wants(workspace=Path(name)), Wants(output=Path(name))):
        assert api.plan(write(ONE), wants, HOUSE).plan.steps


@pytest.mark.parametrize("given", [{"workspace": Path("\udcff")}, {"output": Path("\udcff")}])
def test_a_path_that_no_manifest_can_name_is_refused(given: dict[str, Path], write: Write) -> None:
    """Bytes that are not UTF-8 cannot be written into a ledger or a manifest."""
    with pytest.raises(UserError, match="not UTF-8"):
        api.plan(write(ONE), Wants(**given), HOUSE)  # type: ignore[arg-type]


def test_a_plan_refuses_the_workspace_that_a_run_would_refuse(write: Write, tmp_path: Path) -> None:
    """A folder with other things in it is no workspace, before any money is spent."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").touch()
    with pytest.raises(StoreError, match="no workspace"):
        api.plan(write(ONE), Wants(workspace=tmp_path / "other"), HOUSE)
