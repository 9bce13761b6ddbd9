"""`kill -9` at each event of a run in turn: the next run goes on with it and leaves the same manifest."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.digest import loads

RECIPE = """
rushes: 1
name: killed
defaults: {duration: 0.5, resolution: 480p, ratio: "1:1"}
shots:
  - {id: key, kind: image, prompt: a red door}
  - {id: one, first_frame: key, prompt: the door opens}
  - {id: two, chain: one, prompt: a garden behind it}
  - {id: "rose-{{ c }}", each: {c: [red, white]}, prompt: "a {{ c }} rose"}
  - {id: tall, kind: image, prompt: a tall tree, upscale: 1080p}
film: {shots: [one, two, rose-red]}
"""
EVENTS = 18 + 2  # nine steps begin and end, and so does the run


def _killed(folder: Path, at: int) -> subprocess.CompletedProcess[str]:
    script = Path(__file__).with_name("killed.py")
    return subprocess.run(
        [sys.executable, str(script), str(folder / "recipe.yaml"), str(at)], capture_output=True, text=True
    )


def _manifest(folder: Path) -> dict[str, Any]:
    """What must be the same however often the run was killed: everything but times, attempts and the run's name."""
    manifest = loads((folder / "out" / "killed" / "manifest.json").read_bytes())
    manifest["recipe"]["path"] = ""
    for name in ("id", "started_at", "finished_at"):
        del manifest["run"][name]
    for shot in manifest["shots"]:
        del shot["attempts"]
    return manifest


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The manifest of a run that nobody killed."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "recipe.yaml").write_text(RECIPE)
    done = _killed(folder, 0)
    assert done.stdout.strip() == str(EVENTS), done.stderr
    return _manifest(folder)


AT = [pytest.param(at, marks=() if at % 3 == 1 else pytest.mark.slow) for at in range(1, EVENTS + 1)]


@pytest.mark.parametrize("at", AT)
def test_killed_at_an_event_and_resumed(at: int, whole: dict[str, Any], tmp_path: Path) -> None:
    """No finished shot is lost, the run keeps its name, and the manifest is the one of an undisturbed run."""
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    assert _killed(tmp_path, at).returncode == -signal.SIGKILL
    ended = api.run(tmp_path / "recipe.yaml")
    assert (ended.status, ended.exit_code) == ("complete", 0)
    assert _manifest(tmp_path) == whole
    assert api.verify(tmp_path / "out" / "killed" / "manifest.json") == []
