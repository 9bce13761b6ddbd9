"""The process that carries the monkey's commands out, and a folder in memory for all that they leave."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.conftest import ROOT


class Theatre:
    """The process in which commands are carried out, one for all examples, and a folder for their clips."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")  # WHY: what is durable there costs nothing, and no machine dies here
        self.folder = Path(tempfile.mkdtemp(prefix="monkey-", dir=memory if os.access(memory, os.W_OK) else None))
        self.numbers = itertools.count(1)
        clips = self.folder / "clips"
        clips.mkdir()
        command = [sys.executable, "-m", "tests.monkey.stage", str(clips)]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("RUSHES_")}
        self.stage = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environ
        )

    def ask(self, told: dict[str, Any]) -> list[dict[str, Any]]:
        assert self.stage.stdin is not None
        assert self.stage.stdout is not None
        self.stage.stdin.write(json.dumps(told) + "\n")
        self.stage.stdin.flush()
        return list(json.loads(self.stage.stdout.readline()))

    def close(self) -> None:
        assert self.stage.stdin is not None
        self.stage.stdin.close()
        self.stage.wait()
        assert self.stage.stdout is not None
        self.stage.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
