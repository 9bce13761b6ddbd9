"""What many tests need: a recipe written where it may be run, and the command as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from pipeline.desk import House
from pipeline.providers.catalog import PROVIDERS
from tests import stub, till
from tests.till import Till

ROOT = Path(__file__).resolve().parents[1]

hypothesis.settings.register_profile("patient", deadline=None)  # how quick a machine is just now proves nothing
hypothesis.settings.load_profile("patient")


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


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real clip of half a second, for a service to deliver."""
    from pipeline.media.encode import Encoder

    path = tmp_path_factory.mktemp("till") / "clip.mp4"
    with Encoder(path, width=64, height=64, fps=Fraction(24)) as encoder:
        for i in range(12):
            encoder.rgb(bytes([i * 20, 90, 120]) * 64 * 64)
    return path


@pytest.fixture
def house(clip: Path) -> Callable[..., tuple[House, Till]]:
    """A house with the till in it, scripted, and the stub."""

    def make(script: Mapping[str, Iterable[str]] | None = None, **values: Any) -> tuple[House, Till]:
        service = Till(clip, script)
        return House(providers={**PROVIDERS, "till": till, "stub": stub}, wires={"till": service}, **values), service

    return make


def rushes(*args: str | Path, **values: object) -> subprocess.CompletedProcess[str]:
    """The command, as a process of its own."""
    command = [sys.executable, "-m", "pipeline", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, cwd=values.pop("cwd", ROOT), **values)  # type: ignore[call-overload, no-any-return]
