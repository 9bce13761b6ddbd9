"""`rushes cancel` as typed: what it asks, what it shows, what it says to type, how it exits; over real HTTP."""

from __future__ import annotations

import functools
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline import api
from pipeline.cli.main import main
from pipeline.config import Config
from pipeline.desk import House, Wants
from pipeline.documents import read_manifest
from pipeline.emulators.settings import Settings
from pipeline.emulators.street import Stand, serve_beside
from pipeline.providers.catalog import SERVICES
from tests.cli.typed import Typed, environ_of
from tests.conftest import ROOT

RECIPE = """
defaults: {duration: 4, resolution: 480p}
shots:
  - {id: dawn, provider: seedance2-movie, prompt: the sea at dawn}
  - {id: dusk, provider: seedancee2, prompt: the sea at dusk}
"""
Shown = functools.partial(Typed, "cancel")
GO_ON = "rushes run recipe.yaml --max-credits seedance2-movie=1000 --max-credits seedancee2=1000"


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Stand]]:
    settings = Settings(seconds_per_job=60, draw=False, cache=tmp_path_factory.mktemp("drawn"))
    with serve_beside(("seedance2-movie", "seedancee2"), settings=settings) as stands:
        yield stands


@pytest.fixture
def environ(street: Mapping[str, Stand]) -> dict[str, str]:
    return environ_of(street)


@pytest.fixture
def left(write: Callable[..., Path], environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe of which two services have a job; its folder is where one stands."""
    path = write(RECIPE)
    monkeypatch.chdir(path.parent)
    caps = {"seedance2-movie": Decimal(1000), "seedancee2": Decimal(1000)}
    house = House(config=Config(video_seconds=0.3), environ=environ)
    assert api.run(path, Wants(yes=True, max_each=caps), house).exit_code == 1
    return path


def test_what_became_of_each_and_what_to_type(
    left: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row each, how the run goes on, exit 1 where a job does; the second time only that one is left."""
    monkeypatch.setenv("COLUMNS", "100")
    shown = Shown(capsys, environ, "--yes")
    assert shown.code == 1
    assert shown.out.splitlines()[0].split() == ["STEP", "ACCOUNT", "TASK", "WHAT", "BECAME", "OF", "IT"]
    assert "cancelled: seedance2-movie charged nothing for it." in shown.words
    assert "goes on: seedancee2 cannot cancel a job: it goes on, for up to 40 credits" in shown.words
    assert shown.err == f"To go on with the run, and have made what was cancelled: {GO_ON}\n"
    again = Shown(capsys, environ, "recipe.yaml")  # nothing to cancel is nothing to ask
    assert (again.code, "dawn/generate" in again.out, "dusk/generate" in again.out) == (1, False, True)
    nothing = Shown(capsys, environ, "--only", "dawn")
    assert (nothing.code, nothing.out) == (0, "")
    assert nothing.err.startswith("No service has anything of run ")


def test_json_has_all_of_it(left: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exact amounts, outcomes, tasks; nothing else on standard output."""
    run = read_manifest(left.parent / "out" / "tale" / "manifest.json")["run"]["id"]
    shown = Shown(capsys, environ, run, "--yes", "--format", "json", "--quiet")
    assert (shown.code, shown.err) == (1, "")
    told = json.loads(shown.out)
    assert (told["run"], told["status"], told["documents"], told["others"]) == (run, "partial", None, {})
    first, second = told["jobs"]
    assert (first["step"], first["outcome"], first["reserved"], first["charged"], first["refunded"]) == (
        "dawn/generate", "cancelled", 3.6, 0, 0,
    )  # fmt: skip
    assert (second["outcome"], second["charged"], len(second["task_id"]) > 5) == ("goes on", None, True)


@pytest.mark.parametrize(
    ("args", "code", "fact"),
    [
        ([], 4, "there is no terminal to ask on"),
        (["--yes", "--only", "noon"], 2, "--only noon names no shot of run "),
        (["other.yaml"], 2, "other.yaml was never run in the workspace "),
        (["20260101-000000-ffff"], 2, "20260101-000000-ffff is no recipe, and no run in the workspace "),
    ],
)
def test_what_cannot_be_done_is_said(
    args: list[str], code: int, fact: str, left: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str],
    street: Mapping[str, Stand],
) -> None:  # fmt: skip
    """What is so and the way out; nothing is cancelled by the way."""
    before = len(street["seedance2-movie"].log.of("cancel"))
    shown = Shown(capsys, environ, *args)
    assert (shown.code, shown.out) == (code, "")
    assert fact in shown.err
    assert "\nHint: " in shown.err
    assert len(street["seedance2-movie"].log.of("cancel")) == before


@pytest.mark.parametrize(("answer", "code", "word"), [("n", 4, "you said no"), ("y", 1, "charged nothing")])
def test_on_a_terminal_it_asks_and_says_what_is_known_of_the_money(
    answer: str, code: int, word: str, left: Path, environ: dict[str, str]
) -> None:
    """Which job, for how much, and what the service's document says; only yes is yes."""
    theirs, ours = pty.openpty()
    command = [sys.executable, "-m", "pipeline", "cancel", "--workspace", str(left.parent / ".rushes")]
    process = subprocess.Popen(
        command, env={**environ, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, stdin=ours, stdout=ours, stderr=ours
    )
    os.close(ours)
    os.write(theirs, f"{answer}\n".encode())
    screen = b""
    while chunk := _read(theirs):
        screen += chunk
    assert process.wait(30) == code
    os.close(theirs)
    words = " ".join(screen.decode().split())
    assert "dawn/generate: seedance2-movie@rehearsal has it as " in words
    assert "for up to 3.6 credits." in words
    assert "seedance2-movie: It charges only for what it has completed" in words
    assert "Cancel this job? [y/N]" in words
    assert word in words


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # nobody writes to it any more
        return b""


def test_a_missing_key_leaves_the_job(left: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Told with the variable's name; its money stays reserved."""
    shown = Shown(capsys, {**environ, "SEEDANCE2_MOVIE_API_KEY": ""}, "--yes")
    assert shown.code == 1
    assert (
        "left: could not be asked, so its 3.6 credits stay reserved: SEEDANCE2_MOVIE_API_KEY is not set" in shown.words
    )
    typed = shown.err.rpartition(": ")[2].strip()
    assert typed == GO_ON


def test_who_can_cancel_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """`rushes providers` says it of each."""
    assert main(["providers", "--format", "json"], House()) == 0
    rows = json.loads(capsys.readouterr().out)
    rows = rows["providers"] if isinstance(rows, dict) else rows
    able = {row["provider"]: row["cancels"] for row in rows if row["provider"] in SERVICES}
    assert able == {"seegen": False, "seedance2-movie": True, "seedancee2": False, "naci": False}
