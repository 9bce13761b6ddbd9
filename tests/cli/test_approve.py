"""`rushes approve` and `--stage` as they are typed, on clips that are drawn here."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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


def test_a_link_is_not_written_through(drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nor replaced, nor is what it leads to shown, and a pipe is not waited for."""
    elsewhere, picks = tmp_path / "elsewhere.yaml", drawn.with_name("recipe.picks.yaml")
    elsewhere.write_text("a secret")
    picks.symlink_to(elsewhere)
    assert typed("approve", "recipe.yaml", "a") == 2
    capsys.readouterr()
    assert typed("approve", "recipe.yaml", "--clear", "a") == 2
    told = capsys.readouterr().err
    assert (f"{picks.name} is a symlink: nothing is written there." in told, "secret" in told) == (True, False)
    assert elsewhere.read_text() == "a secret"
    picks.unlink()
    os.mkfifo(picks)
    assert typed("approve", "recipe.yaml", "--clear", "a") == 2
    assert typed("gc", "--dry-run") == 0


def test_two_at_once_lose_no_pick(write: Write, tmp_path: Path) -> None:
    """Each changes what the one before has written."""
    shots = "".join(f"  - {{id: s{n}, prompt: x{n}}}\n" for n in range(6))
    path = write(f"defaults: {{kind: image, resolution: 480p}}\nshots:\n{shots}")
    assert typed("run", path, "--quiet") == 0
    with ThreadPoolExecutor() as pool:
        codes = list(pool.map(lambda n: typed("approve", path, f"s{n}", "--quiet"), range(6)))
    assert codes == [0] * 6
    text = (tmp_path / "recipe.picks.yaml").read_text()
    assert [f"s{n}: " in text for n in range(6)] == [True] * 6


def test_a_pick_is_written_whatever_lies_in_the_output(drawn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A manifest that is a link, or was changed by hand; and one that can be marked tells when a pick is let go."""
    manifest = drawn.parent / "out/tale/manifest.json"
    assert typed("approve", "recipe.yaml", "a@2") == 0
    assert typed("approve", "recipe.yaml", "--clear", "a") == 0
    assert [shot["picked"] for shot in loads(manifest.read_bytes())["shots"]] == [False, False]
    moved = manifest.with_name("moved.json")
    manifest.rename(moved)
    manifest.symlink_to(moved)
    capsys.readouterr()
    assert typed("approve", "recipe.yaml", "a@2") == 0
    assert "a@2" in capsys.readouterr().out
    assert "a:" in drawn.with_name("recipe.picks.yaml").read_text()


def test_what_is_picked_is_what_lies_there(drawn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A recipe that was changed back since has another result than its documents show: that is to be looked at."""
    before = drawn.read_text()
    drawn.write_text(before.replace("prompt: x", "prompt: z"))
    assert typed("run", "recipe.yaml", "--quiet") == 0
    drawn.write_text(before)
    capsys.readouterr()
    assert typed("approve", "recipe.yaml", "a") == 2
    told = capsys.readouterr().err
    assert "a as it would be reused now is not what" in told
    look = told.partition("Look at it: ")[2].strip()
    assert main([*shlex.split(look)[1:], "--quiet"], HOUSE) == 0
    assert typed("approve", "recipe.yaml", "a") == 0


def test_a_pick_of_a_shot_that_is_gone_names_its_command(drawn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside the names that there are; it works as it stands."""
    assert typed("approve", "recipe.yaml", "a") == 0
    drawn.write_text(drawn.read_text().replace("id: a", "id: b"))
    capsys.readouterr()
    assert typed("plan", "recipe.yaml") == 2
    command = capsys.readouterr().err.partition("Or let the pick go: ")[2].splitlines()[0]
    assert main(shlex.split(command)[1:], HOUSE) == 0
    assert typed("plan", "recipe.yaml") == 0


def test_what_a_complete_redo_left_is_typed_without_it(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shot that was added since is not made by making another anew."""
    path = write(SIMPLE)
    monkeypatch.chdir(path.parent)
    assert typed("run", "recipe.yaml", "--quiet") == 0
    assert typed("run", "recipe.yaml", "--redo", "a@1", "--quiet") == 0
    path.write_text(path.read_text() + "  - {id: b, prompt: y}\n")
    capsys.readouterr()
    assert typed("status", "recipe.yaml") == 0
    told = capsys.readouterr().out
    assert ("rushes run recipe.yaml\n" in told, "--redo" in told) == (True, False)


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


def test_no_page_of_a_preview_offers_what_approve_refuses(
    drawn: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its takes are drawings; the one that was picked is marked there all the same."""
    page = drawn.parent / "out/tale/preview/report.html"
    assert typed("run", "recipe.yaml", "--preview", "--quiet") == 0
    assert "rushes approve" not in page.read_text()
    assert "rushes approve" in (drawn.parent / "out/tale/report.html").read_text()
    assert typed("approve", "recipe.yaml", "a@2") == 0
    assert typed("run", "recipe.yaml", "--preview", "--redo", "a", "--quiet") == 0
    shots = loads(page.with_name("manifest.json").read_bytes())["shots"]
    assert [shot["picked"] for shot in shots if shot["id"] == "a"] == [None, True]
    assert "rushes approve" not in page.read_text()


def test_drafts_end_with_what_is_typed_to_pick(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the places that were named; no more once each shot has its pick, nor by a preview."""
    path = write(STORY)
    monkeypatch.chdir(path.parent)
    place = ["--workspace", "shelf", "--output", "there"]
    assert typed("run", "recipe.yaml", "--stage", "draft", *place) == 0
    invited = capsys.readouterr().err.partition("and pick: ")[2].splitlines()[0]
    assert main([*shlex.split(invited.replace("TAKE", "a@2 b"))[1:]], HOUSE) == 0
    told = capsys.readouterr()
    assert "there/draft/shots/a@2.mp4" in told.out
    final = told.err.partition("Now: ")[2].splitlines()[0]
    for words in (shlex.split(final)[1:], ["run", "recipe.yaml", "--stage", "draft", *place]):
        assert main(words, HOUSE) == 0
        assert "and pick" not in capsys.readouterr().err
    assert typed("run", "recipe.yaml", "--stage", "draft", "--preview", *place) == 0
    assert "and pick" not in capsys.readouterr().err


def test_status_types_the_stage_again(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failed shot of a stage is gone on with in that stage."""
    path = write("stages: {draft: {takes: 1}, final: {}}\nshots: [{id: a, provider: stub, prompt: it fails}]\n")
    monkeypatch.chdir(path.parent)
    assert typed("run", "recipe.yaml", "--stage", "draft", "--quiet") == 1
    assert typed("status") == 0
    assert "rushes run recipe.yaml --stage draft" in capsys.readouterr().out


def test_the_page_types_where_its_run_was(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its line picks as it stands where the recipe lies, also of a page that was made again from elsewhere."""
    path = write(SIMPLE)
    (path.parent / "elsewhere").mkdir()
    monkeypatch.chdir(path.parent / "elsewhere")
    places = ["--workspace", "../shelf", "--output", "there", "--date", "2026-01-02"]
    assert typed("run", "../recipe.yaml", *places, "--quiet") == 0
    page = path.parent / "elsewhere/there/2026-01-02/report.html"
    flags = "--date 2026-01-02 --workspace shelf --output elsewhere/there"
    for again in ([], ["report", "there/2026-01-02", "--workspace", "../shelf"]):
        assert not again or typed(*again) == 0
        assert f"<code>rushes approve recipe.yaml a@2 {flags}</code>" in page.read_text()
    monkeypatch.chdir(path.parent)
    capsys.readouterr()
    assert typed("approve", "recipe.yaml", "a@2", *flags.split()) == 0
    assert "elsewhere/there/2026-01-02/shots/a@2.png" in capsys.readouterr().out
    assert path.with_name("recipe.picks.yaml").exists()


def test_the_page_of_a_usual_run_types_no_more_than_the_take(drawn: Path) -> None:
    """Nothing was said of places, so that nothing is to be said again."""
    page = (drawn.parent / "out/tale/report.html").read_text()
    assert "<code>rushes approve recipe.yaml a@2</code>" in page
