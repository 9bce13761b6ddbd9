"""`rushes recover` as typed: what it shows, what it says to type, how it exits; over real HTTP."""

from __future__ import annotations

import functools
import json
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from pipeline import api
from pipeline.cli.main import main
from pipeline.desk import House, Wants
from pipeline.emulators.settings import Settings
from pipeline.emulators.street import Stand, serve_beside
from pipeline.money import amount
from tests.cli.typed import Typed, environ_of

RECIPE = """
defaults: {duration: 4, resolution: 480p}
shots:
  - {id: dawn, provider: seedancee2, prompt: the sea at dawn}
  - {id: dusk, provider: naci, prompt: the sea at dusk}
"""
Shown = functools.partial(Typed, "recover")
GO_ON = "rushes run recipe.yaml --max-credits seedancee2=1000 --max-credits naci=1000"
NACI = '[providers.naci]\nprices = {"sd2.0" = {480p = 9}}\n'


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Stand]]:
    settings = Settings(seconds_per_job=0.05, draw=False, cache=tmp_path_factory.mktemp("drawn"))
    with serve_beside(("seedancee2", "naci"), settings=settings) as stands:
        yield stands


@pytest.fixture
def environ(street: Mapping[str, Stand], tmp_path: Path) -> dict[str, str]:
    (tmp_path / "config.toml").write_text(NACI)
    return {**environ_of(street), "RUSHES_CONFIG": str(tmp_path / "config.toml")}


@pytest.fixture
def lost(
    write: Callable[..., Path], street: Mapping[str, Stand], environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A recipe both of whose submissions were cut off before they arrived; its folder is where one stands."""
    path = write(RECIPE)
    monkeypatch.chdir(path.parent)
    for stand in street.values():
        stand.faults.clear()
        stand.faults.add("cut_before")
    caps = {name: amount(1000) for name in street}
    assert api.run(path, Wants(yes=True, max_each=caps), House.of_user(environ)).exit_code == 4
    return path


def test_what_became_of_each_and_what_to_type(
    lost: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row each, no word of a command cut; the commands do what they say, and 0 follows 4."""
    monkeypatch.setenv("COLUMNS", "60")
    shown = Shown(capsys, environ)
    assert shown.code == 4
    lines = shown.out.splitlines()
    assert lines[0].split() == ["STEP", "ACCOUNT", "SINCE", "WHAT", "BECAME", "OF", "IT"]
    words = " ".join(shown.out.split())
    assert "released: seedancee2 never got it: it was twice absent from its list; the next run sends it again." in words
    assert "asked: naci has no list of jobs to find it by." in words
    typed = [line.partition(": ")[2] for line in lines if line.startswith("    ") and "rushes recover" in line]
    assert typed == [
        "rushes recover recipe.yaml --adopt dusk/generate=TASK_ID",
        "rushes recover recipe.yaml --resubmit dusk/generate",
        "rushes recover recipe.yaml --write-off dusk/generate",
    ]
    assert shown.err == f"Now: {GO_ON}\n"
    again = Shown(capsys, environ, *shlex.split(typed[1])[2:])
    assert (again.code, "released: the user says that it was not taken" in " ".join(again.out.split())) == (0, True)
    nothing = Shown(capsys, environ)
    assert (nothing.code, nothing.out) == (0, "")
    assert nothing.err.startswith("Nothing is of unknown outcome in the workspace ")


def test_commands_do_not_name_a_recipe_that_is_not_there(
    lost: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither after the folder was moved, nor where another one stands in its place."""
    moved = lost.parent.rename(lost.parent.with_name("moved"))
    monkeypatch.chdir(moved)
    environ["RUSHES_CONFIG"] = str(moved / "config.toml")
    shown = Shown(capsys, environ)
    assert "rushes recover --resubmit dusk/generate" in shown.out
    assert "Now: rushes run RECIPE --max-credits " in shown.err
    (lost.parent / ".rushes").mkdir(parents=True)
    lost.write_text("")
    assert "rushes recover --resubmit dusk/generate" in Shown(capsys, environ).out


def test_json_has_all_of_it(lost: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exact amounts, times, outcomes and commands; nothing else on standard output."""
    shown = Shown(capsys, environ, "--format", "json", "--quiet", str(lost))
    assert (shown.code, shown.err) == (4, "")
    first, second = json.loads(shown.out)["submissions"]
    assert (first["step"], first["outcome"], first["credits"], first["account"]) == (
        "dawn/generate",
        "released",
        40,
        "seedancee2@rehearsal",
    )
    assert first["commands"] == [GO_ON]
    assert (second["step"], second["outcome"], second["task_id"], second["candidates"]) == (
        "dusk/generate",
        "asked",
        None,
        [],
    )
    assert len(second["commands"]) == 3
    empty = Shown(capsys, environ, "--format", "json", "--write-off", "dusk")
    assert json.loads(empty.out)["submissions"][0]["outcome"] == "written off"
    assert json.loads(Shown(capsys, environ, "--format", "json").out) == {"submissions": []}


@pytest.mark.parametrize(
    ("args", "fact"),
    [
        (["--adopt", "dusk"], "--adopt dusk names no task."),
        (["--adopt", "dusk="], "--adopt dusk= names no task."),
        (["--adopt", "dusk=nobody"], "naci knows no task nobody:"),
        (["--resubmit", "noon"], "noon is no submission of unknown outcome."),
        (["other.yaml"], "other.yaml was never run in the workspace"),
    ],
)
def test_what_cannot_be_done_is_said(
    args: list[str], fact: str, lost: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, what is so and the way out; nothing is settled by the way."""
    shown = Shown(capsys, environ, *args)
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.startswith(f"error: {fact}")
    assert "\nHint: " in shown.err
    assert "Traceback" not in shown.err
    assert Shown(capsys, environ, "--format", "json").out.count('"released"') == 1


def test_a_missing_key_leaves_it(lost: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Told with the variable's name; the other is put to the user; where it is, is said by --workspace."""
    place = str(lost.parent / ".rushes")
    os.chdir("/")
    shown = Shown(capsys, {**environ, "SEEDANCEE2_API_KEY": ""}, "--workspace", place)
    words = " ".join(shown.out.split())
    assert shown.code == 4
    assert "left: could not be looked up: SEEDANCEE2_API_KEY is not set" in words
    assert f"rushes recover {os.path.relpath(lost)} --workspace {place} --resubmit dawn/generate" in shown.out


def test_a_run_tells_what_it_settled(lost: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error; `--quiet` silences it."""
    code = main(
        ["run", str(lost), "--yes", "--max-credits", "seedancee2=100", "--max-credits", "naci=100"],
        House.of_user(environ),
    )
    out, err = capsys.readouterr()
    assert code == 4
    assert "dawn/generate was of unknown outcome: seedancee2 never got it" in err
    assert "was of unknown outcome" not in out
