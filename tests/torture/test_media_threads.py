"""Work in several threads that is the first to need PyAV, whose modules import each other in a circle."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

_SCRIPT = """
import importlib, sys, time
from pathlib import Path
import anyio
from pipeline.engine.worker import Worker
from pipeline.store.artifacts import Artifacts

def use(name, later):
    time.sleep(later)
    importlib.import_module(name)

async def main():
    worker = Worker(Artifacts(Path(sys.argv[1])), clock=lambda: "", threads=4)
    later = float(sys.argv[2])
    async with anyio.create_task_group() as tasks:
        for number, name in enumerate(("still", "probe", "mix")):
            tasks.start_soon(worker._thread, use, f"pipeline.media.{name}", number * later)

anyio.run(main)
"""


@pytest.mark.parametrize("later", [0.0, 0.02, 0.04, 0.05, 0.07])
def test_threads_that_begin_at_once(later: float, tmp_path: object) -> None:
    """However they fall in with each other, none of them finds half a module, and none waits for ever."""
    command = [sys.executable, "-c", _SCRIPT, str(tmp_path), str(later)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
