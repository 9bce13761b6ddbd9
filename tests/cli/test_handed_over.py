"""Manifests, saved plans and workspaces that somebody else handed over: data, of which nothing is believed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.main import main
from pipeline.desk import House
from pipeline.providers.catalog import PROVIDERS
from tests import stub

Write = Callable[..., Path]
STILLS = "defaults: {provider: stub, kind: image}\nshots:\n  - {id: a, prompt: x}\n  - {id: b, prompt: y}\n"
HOUSE = House(providers={**PROVIDERS, "stub": stub})


def put(document: Any, way: str, value: Any) -> Any:
    """A copy of the document with the value at a way like `shots.0.id`."""
    document = copy.deepcopy(document)
    *before, last = [int(step) if step.isdigit() else step for step in way.split(".")]
    place = document
    for step in before:
        place = place[step]
    place[last] = value
    return document


@pytest.fixture
def manifest(write: Write) -> Path:
    """The manifest of a run that worked."""
    path = write(STILLS)
    assert main(["run", str(path), "--quiet"], HOUSE) == 0
    return path.parent / "out" / "tale" / "manifest.json"


@pytest.mark.parametrize("command", ["verify", "report", "status"])
@pytest.mark.parametrize(
    ("way", "value"),
    [
        ("manifest", 99),
        ("shots", 5),
        ("shots.0", 5),
        ("shots.0.outputs", [1]),
        ("shots.0.outputs.image.path", 7),
        ("shots.0.outputs.image.sha256", None),
        ("shots.0.credits", 7),
        ("budget", 7),
        ("run", None),
        ("film", 7),
    ],
)
def test_a_manifest_of_another_shape_is_none(
    command: str, way: str, value: Any, manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2 with a fact and a hint, whatever is wrong in it and whoever reads it."""
    manifest.write_text(json.dumps(put(json.loads(manifest.read_text()), way, value)))
    assert main([command, str(manifest)], HOUSE) == 2
    assert "is no manifest" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["[" * 100_000, '{"manifest": 1e999999999}', "9" * 9999, "\xff"])
def test_json_that_would_burst_is_no_manifest(text: str, manifest: Path) -> None:
    """Depth and size that no manifest has are refused."""
    manifest.write_text(text)
    assert main(["verify", str(manifest)], HOUSE) == 2


@pytest.mark.parametrize("path", ["/etc/passwd", "../../recipe.yaml", "a\0b", "\ud800", "x" * 5000, "loop", ""])
def test_a_manifest_leads_nowhere(path: str, manifest: Path) -> None:
    """A path that leaves the folder, or that no file can have, is damage: exit 1."""
    (manifest.parent / "loop").symlink_to("loop")
    manifest.write_text(json.dumps(put(json.loads(manifest.read_text()), "shots.0.outputs.image.path", path)))
    assert main(["verify", str(manifest)], HOUSE) == 1


@pytest.fixture
def saved(write: Write, tmp_path: Path) -> Path:
    """A saved plan."""
    assert main(["plan", str(write(STILLS)), "--out", str(tmp_path / "plan.json"), "--max-usd", "100"], HOUSE) == 0
    return tmp_path / "plan.json"


@pytest.mark.parametrize(
    ("way", "value"),
    [
        ("plan", 99),
        ("recipe", []),
        ("recipe.path", 7),
        ("steps", 5),
        ("steps.0", {}),
        ("steps.0.credits.high", "a"),
        ("wants", {}),
        ("wants.yes", True),
        ("wants.follow", True),
        ("wants.only", [1]),
        ("wants.date", "../../x"),
        ("wants.variables", [1]),
        ("wants.max_usd", -5),
        ("wants.max_credits", "all"),
        ("wants.workspace", "/tmp"),
        ("wants.output", "/tmp"),
    ],
)
def test_a_plan_of_another_shape_is_not_run(
    way: str, value: Any, saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It cannot say yes, say where to write, or break us: exit 2, and nothing is made."""
    saved.write_text(json.dumps(put(json.loads(saved.read_text()), way, value)))
    assert main(["run", str(saved)], HOUSE) == 2
    assert "Hint: " in capsys.readouterr().err
    assert not (saved.parent / "out").exists()


def test_a_saved_plan_keeps_its_caps_and_takes_no_other_flags(saved: Path) -> None:
    """A whole number of dollars is an amount; `--only` would make another plan of it; a tighter cap does not."""
    assert main(["run", str(saved), "--only", "a"], HOUSE) == 2
    assert main(["run", str(saved), "--output", str(saved.parent / "other")], HOUSE) == 2
    assert main(["run", str(saved), "--max-usd", "5", "--yes"], HOUSE) == 0


def test_a_plan_for_another_output_runs_where_the_user_says_so_again(write: Write, tmp_path: Path) -> None:
    """The place comes from the command, and must be the one the plan was made for."""
    plan, there = str(tmp_path / "plan.json"), str(tmp_path / "there")
    assert main(["plan", str(write(STILLS)), "--out", plan, "--output", there], HOUSE) == 0
    assert main(["run", plan], HOUSE) == 2
    assert main(["run", plan, "--output", there], HOUSE) == 0
    assert (tmp_path / "there" / "manifest.json").exists()


def test_a_workspace_that_leads_elsewhere_removes_nothing_there(write: Write, tmp_path: Path) -> None:
    """Somebody else's lock files are not the stage of a dead process of ours."""
    path = write(STILLS)
    victim = tmp_path / "project"
    (victim / "poetry").mkdir(parents=True)
    (victim / "poetry.lock").touch()
    (path.parent / ".rushes" / "store").mkdir(parents=True)
    (path.parent / ".rushes" / "version").write_text("1\n")
    (path.parent / ".rushes" / "store" / "stage").symlink_to(victim)
    assert main(["plan", str(path)], HOUSE) == 0
    assert {file.name for file in victim.iterdir()} == {"poetry", "poetry.lock"}
