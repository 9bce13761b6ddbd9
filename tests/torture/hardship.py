"""A user whose machine is in a bad way: the command on one recipe, real services, disks and clocks that are bent."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.digest import loads
from pipeline.emulators.settings import KEYS
from pipeline.providers.catalog import SERVICES
from tests.journeys.services import Quarter

ROOT = Path(__file__).resolve().parents[2]
NAME = "seedancee2"
EACH = Decimal(80)  # of 4 seconds at 720p, S3:105
RECIPE = f"""
rushes: 1
name: hard
defaults: {{provider: {NAME}, duration: 4, resolution: 720p}}
budget: {{run: {{credits: {{{NAME}: 240}}}}, shot: {{credits: {{{NAME}: 80}}}}, on_exceed: stop}}
shots:
  - {{id: a, prompt: the sea at night}}
  - {{id: b, chain: a, prompt: the sea at dawn}}
  - {{id: c, prompt: a red door}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One recipe, its workspace, and the services that it meets."""

    quarter: Quarter
    recipe: Path
    workspace: Path
    output: Path
    environ: Mapping[str, str]

    def rushes(self, *words: str, seconds: float = 120, **more: str) -> subprocess.CompletedProcess[str]:
        """A command on the workspace; `more` is added to its environment."""
        command = [sys.executable, "-m", "pipeline", *words, "--workspace", str(self.workspace)]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, timeout=seconds, env={**self.environ, **more}
        )

    def run(self, **more: str) -> subprocess.CompletedProcess[str]:
        """The recipe run, or gone on with."""
        words = ("run", str(self.recipe), "--yes", "--output", str(self.output))
        return self.rushes(*words, **more)

    def is_told_well(self, done: subprocess.CompletedProcess[str], *codes: int) -> None:
        """It ended with one of these codes, without a traceback or a key; a refusal is one message with a hint."""
        said = done.stdout + done.stderr
        assert done.returncode in codes, said
        assert "Traceback" not in said
        assert "fault in Rushes itself" not in said
        assert not any(key in said for keys in KEYS.values() for key in keys)
        if done.returncode == 2:
            assert done.stderr.count("error: ") == 1, done.stderr
            assert "\nHint: " in done.stderr

    def finishes(self) -> None:
        """The next run, helped where only the user can say, is complete; each shot was made once and paid once."""
        self.is_told_well(self.run(), 0)
        manifest = loads((self.output / "manifest.json").read_bytes())
        assert manifest["run"]["status"] == "complete"
        assert {shot["status"] for shot in manifest["shots"]} <= {"done", "reused"}
        books = self.quarter.stand.books()
        assert (books["created"], books["totals"]["charged"], books["totals"]["held"]) == (3, 3 * EACH, 0)
        (row,) = loads(self.rushes("ledger", "--format", "json").stdout)["totals"]
        assert (row["charged"], row["reserved"], row["unknown"]) == (3 * EACH, 0, 0)
        verified = self.rushes("verify", str(self.output / "manifest.json"))
        assert verified.returncode == 0, verified.stdout + verified.stderr


def machine(quarter: Quarter, folder: Path, *, workspace: Path | None = None, output: Path | None = None) -> Machine:
    """A machine with everything below `folder`, but what is placed elsewhere."""
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE)
    config = folder / "config.toml"
    caps = f"{{{NAME} = 240, seegen = 1000}}"
    config.write_text(f"[providers.{NAME}]\npoll_seconds = 0.05\n[budget.day]\ncredits = {caps}\n")
    stand = quarter.stand
    page = SERVICES[stand.name]
    environ = {
        "PATH": os.environ["PATH"],
        "RUSHES_CONFIG": str(config),
        page.BASE_URL_ENV: stand.base_url,
        page.KEY_ENV: stand.key,
        "RUSHES_PUBLISH": quarter.standing.folder.as_uri(),
        "RUSHES_PUBLISH_BASE_URL": quarter.standing.folder_url,
        "TMPDIR": str(folder),
    }
    return Machine(
        quarter=quarter,
        recipe=recipe,
        workspace=workspace or folder / "workspace",
        output=output or folder / "out",
        environ=environ,
    )


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own of that size. Skips the test where none can be made."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def shim(folder: Path) -> str:
    """The library of shim.c, compiled into `folder`, for LD_PRELOAD. Skips the test where that cannot be."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("there is no C compiler here, or no Linux")
    library = folder / "shim.so"
    source = Path(__file__).with_name("shim.c")
    made = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"the shim cannot be compiled here: {made.stderr.strip()}")
    return str(library)
