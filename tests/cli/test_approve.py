"""`rushes approve` and `--stage` as they are typed, on clips that are drawn here."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.cli.main import main
from pipeline.desk import House
from pipeline.digest import loads
from pipeline.providers.catalog import PROVIDERS
from tests import stub

Write = Callable[..., Path]
HOUSE = House(providers={**PROVIDERS, "stub": stub})
STORY = (
    "defaults: {kind: image, duration: 1, resolution: 480p}\nstages: {draft: {takes: 2}, final: {resolution: 720p}}\n"
    "shots:\n  - {id: a, kind: video, prompt: x}\n  - {id: b, prompt: y, takes: 2}\n"
)
SIMPLE = "defaults: {kind: image, resolution: 480p}\nshots:\n  - {id: a, prompt: x, takes: 2}\n"


def typed(*words: str | Path) -> int:
    return main([str(word) for word in words], HOUSE)


@pytest.fixture
def drawn(write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A recipe without stages, whose two takes are there."""
    path = write(SIMPLE)
    monkeypatch.chdir(path.parent)
    assert typed("run", "recipe.yaml", "--quiet") == 0
    capsys.readouterr()
    return path


def test_what_is_picked_is_printed_and_written(drawn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The take, the digest of its file and where that lies, and the same as JSON; a second time changes nothing."""
    assert typed("approve", "recipe.yaml", "a@2") == 0
    name, digest, file = capsys.readouterr().out.split()
    assert (name, file) == ("a@2", "out/tale/shots/a@2.png")
    shown = {shot["take"]: shot for shot in loads((drawn.parent / "out/tale/manifest.json").read_bytes())["shots"]}
    assert shown[2]["outputs"]["image"]["sha256"] == digest
    assert [shown[take]["picked"] for take in (1, 2)] == [False, True]
    before = drawn.with_name("recipe.picks.yaml").stat().st_mtime_ns
    assert typed("approve", "recipe.yaml", "a@*2", "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["picks"] == [{"shot": "a", "take": 2, "sha256": digest, "path": str(drawn.parent / file)}]
    assert drawn.with_name("recipe.picks.yaml").stat().st_mtime_ns == before
    assert typed("run", "recipe.yaml", "--quiet") == 0
    assert typed("plan", "recipe.yaml") == 0


def test_picks_are_let_go(drawn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also of a recipe that cannot be read, and beside new ones; a name that is not there gets the nearest."""
    assert typed("approve", "recipe.yaml", "a") == 0
    drawn.write_text("rushes: 1\n")
    assert typed("approve", "recipe.yaml", "--clear", "b") == 2
    assert "There are picks of: a." in capsys.readouterr().err
    assert typed("approve", "recipe.yaml", "--clear", "*") == 0
    assert "a  has no pick any more" in capsys.readouterr().out
    assert "a:" not in drawn.with_name("recipe.picks.yaml").read_text()
    assert typed("approve", "recipe.yaml") == 2


def test_what_is_refused_writes_nothing(drawn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No such take, a preview, a stage that picks are not of."""
    for words, fact in (
        (["a@3"], "names no take of this recipe"),
        (["zz"], "names no take of this recipe"),
        (["a", "--preview"], "a preview's takes are drawings"),
        (["a", "--stage", "x"], "has no stage x"),
    ):
        assert typed("approve", "recipe.yaml", *words) == 2
        assert fact in capsys.readouterr().err
    assert not drawn.with_name("recipe.picks.yaml").exists()


def test_a_link_is_not_written_through(drawn: Path, tmp_path: Path) -> None:
    """Nor replaced."""
    elsewhere = tmp_path / "elsewhere.yaml"
    elsewhere.write_text("")
    drawn.with_name("recipe.picks.yaml").symlink_to(elsewhere)
    assert typed("approve", "recipe.yaml", "a") == 2
    assert elsewhere.read_text() == ""


def test_a_stale_pick_stops_plan_and_run(drawn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 4 with the line; the commands that are named work as they stand."""
    assert typed("approve", "recipe.yaml", "a@2") == 0
    drawn.write_text(drawn.read_text().replace("prompt: x", "prompt: z"))
    capsys.readouterr()
    assert typed("plan", "recipe.yaml", "--output", "out/tale") == 4
    told = capsys.readouterr().err
    assert "recipe.picks.yaml:2: The pick of a@2 is stale" in told
    command = told.partition("anew: ")[2].splitlines()[0]
    for words in command.split(" && "):
        assert main([*shlex.split(words)[1:], "--quiet"], HOUSE) == 0
    assert typed("plan", "recipe.yaml") == 0


def test_a_stage_goes_with_its_run(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status, report and verify find the latest; a saved plan and what is typed again have it; check tells all."""
    path = write(STORY)
    monkeypatch.chdir(path.parent)
    assert typed("plan", "recipe.yaml", "--stage", "draft", "--out", "plan.json") == 0
    assert typed("run", "plan.json", "--stage", "final", "--quiet") == 2
    assert typed("run", "plan.json", "--quiet") == 0
    assert (path.parent / "out/tale/draft/shots/a@2.mp4").exists()
    capsys.readouterr()
    assert typed("status", "recipe.yaml", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["run"]["stage"] == "draft"
    assert typed("verify", "recipe.yaml") == typed("report", "recipe.yaml") == 0
    assert typed("check", "recipe.yaml") == 0
    path.write_text(path.read_text().replace("final: {resolution: 720p}", "final: {provider: naci, ratio: '1:1'}"))
    capsys.readouterr()
    assert typed("check", "recipe.yaml") == 2
    assert "naci makes clips of 4 to 15 whole seconds" in capsys.readouterr().out


def test_status_types_the_stage_again(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failed shot of a stage is gone on with in that stage."""
    path = write("stages: {draft: {takes: 1}, final: {}}\nshots: [{id: a, provider: stub, prompt: it fails}]\n")
    monkeypatch.chdir(path.parent)
    assert typed("run", "recipe.yaml", "--stage", "draft", "--quiet") == 1
    assert typed("status") == 0
    assert "rushes run recipe.yaml --stage draft" in capsys.readouterr().out
