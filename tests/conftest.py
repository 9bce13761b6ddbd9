"""What many tests need: a recipe written where it may be run, and the command as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def own_configuration(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody's configuration, workspace or keys reach a test."""
    for name in [name for name in os.environ if name.startswith("RUSHES_") or name.endswith(("_API_KEY", "_BASE_URL"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
    return


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a recipe into a folder of its own, with `rushes: 1` and a name before the text."""

    def write(text: str, name: str = "tale", folder: Path = tmp_path) -> Path:
        path = folder / "recipe.yaml"
        path.write_text(f"rushes: 1\nname: {name}\n{text}", encoding="utf-8")
        return path

    return write


def rushes(*args: str | Path, **values: object) -> subprocess.CompletedProcess[str]:
    """The command, as a process of its own."""
    command = [sys.executable, "-m", "pipeline", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, cwd=values.pop("cwd", ROOT), **values)  # type: ignore[call-overload, no-any-return]
