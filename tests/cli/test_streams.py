"""Standard streams that are closed, full or no longer read, and a current folder that is gone: no fault of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.cli.console import Console
from pipeline.cli.main import _grouped
from pipeline.errors import StoreError
from tests.conftest import ROOT, rushes

Write = Callable[..., Path]
RUSHES = f"{sys.executable} -m pipeline"
CHAIN = (
    "defaults: {duration: 0.5, resolution: 480p, ratio: '1:1'}\nshots:\n"
    "  - {id: a, prompt: a red door}\n  - {id: b, chain: a, prompt: it opens}\n"
)


def bash(command: str) -> subprocess.CompletedProcess[str]:
    """A line of bash that fails with the first command of a pipe that does."""
    line = ["bash", "-o", "pipefail", "-c", command]
    return subprocess.run(line, capture_output=True, text=True, cwd=ROOT, timeout=60)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_not_stop_a_run(closed: str, write: Write) -> None:
    """What nobody wants to hear is not said, no file is opened in the streams' place, and the run ends well."""
    path = write(CHAIN)
    assert bash(f"{RUSHES} run {path} {closed}").returncode == 0
    assert rushes("verify", path.parent / "out" / "tale").returncode == 0


def test_a_run_goes_on_when_nobody_reads_its_progress(write: Write) -> None:
    """`rushes run RECIPE 2>&1 | head -1` makes every shot."""
    path = write(CHAIN)
    assert bash(f"{RUSHES} run {path} 2>&1 | head -1").returncode == 0
    assert json.loads((path.parent / "out" / "tale" / "manifest.json").read_text())["run"]["status"] == "complete"


def test_a_reader_that_goes_away_hides_no_failure(tmp_path: Path) -> None:
    """The exit code is the command's, whether or not its words were read."""
    assert bash(f"{RUSHES} check {tmp_path / 'none.yaml'} | head -0").returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_output_that_is_full_is_told() -> None:
    """Half a document never ends with 0."""
    done = bash(f"{RUSHES} schema recipe > /dev/full")
    assert (done.returncode, "No space left" in done.stderr) == (2, True)


def test_the_json_log_tells_whatever_a_step_found_out(write: Write) -> None:
    """A last frame's time is an exact number in the log, too."""
    done = rushes("run", write(CHAIN), "--log", "json")
    assert done.returncode == 0
    ends = [line for line in map(json.loads, done.stderr.splitlines()) if line.get("step") == "a/last_frame"]
    assert ends[-1]["result"]["facts"]["seconds"] > 0


def test_a_current_folder_that_is_gone_is_told(write: Write, tmp_path: Path) -> None:
    """Relative paths have no meaning there; absolute ones do."""
    gone = tmp_path / "gone"
    env = f"mkdir {gone} && cd {gone} && rmdir {gone} && PYTHONPATH={ROOT}"
    done = bash(f"{env} {RUSHES} check ../recipe.yaml")
    assert (done.returncode, "the folder you are in is gone" in done.stdout + done.stderr) == (2, True)
    assert bash(f"{env} {RUSHES} check {write(CHAIN)}").returncode == 0


def test_what_strangers_wrote_cannot_steer_the_terminal(write: Write) -> None:
    """Neither the hints nor the lines of a recipe that is checked."""
    path = write('shots:\n  - {id: "\\e[31m", prompt: x}\n  - {id: b, prompt: y, references: ["\\e[41m"]}\n')
    done = rushes("check", path)
    assert done.returncode == 2
    assert "\x1b" not in done.stdout + done.stderr


def test_the_worst_of_several_errors_decides() -> None:
    """A fault of ours is not hidden by a full disk beside it, and a stop of the user's making is told as such."""
    console = Console(quiet=True, log="text")
    assert _grouped(BaseExceptionGroup("", [StoreError("full", "free"), ValueError("ours")]), console) == 70
    assert _grouped(BaseExceptionGroup("", [BaseExceptionGroup("", [StoreError("full", "free")])]), console) == 2


def test_a_signal_amid_tasks_shows_no_traceback() -> None:
    """Whatever a process does when it is told to end: what its tasks then say of themselves is nobody's business."""
    code = (
        "import os, signal, sys, anyio\n"
        "from pipeline.cli import main as door\n"
        "async def told():\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    while True: pass\n"
        "async def go():\n"
        "    async with anyio.create_task_group() as tasks:\n"
        "        tasks.start_soon(told)\n"
        "door._heed_signals()\n"
        "try: anyio.run(go)\n"
        "except KeyboardInterrupt: sys.exit(130)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=30)
    assert (done.returncode, done.stderr) == (130, "")
