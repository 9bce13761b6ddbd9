"""The wheel that users install: all that the package reads is in it, nothing else is, and it works by itself."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BACKEND = "hatchling"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an unpacked wheel of this checkout; skips where what builds it can neither be found nor fetched."""
    made = tmp_path_factory.mktemp("wheel")
    here = ["--no-build-isolation"] if importlib.util.find_spec(BACKEND) else []
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--disable-pip-version-check", *here, "-w", str(made)]
    done = subprocess.run([*command, str(ROOT)], capture_output=True, text=True)
    told = done.stdout + done.stderr
    if "No module named pip" in told or f"No matching distribution found for {BACKEND}" in told:
        pytest.skip(f"no wheel without pip and {BACKEND}, which is not installed and cannot be fetched: pip install it")
    assert done.returncode == 0, told
    (wheel,) = made.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(made / "unpacked")
    return made / "unpacked"


def files(folder: Path) -> set[str]:
    """What lies below a folder, but for what was compiled and what runs have left there."""
    left = {"__pycache__", "out"}
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(name) for name in found if left.isdisjoint(name.parts) and not name.name.startswith(".")}


def python(unpacked: Path, folder: Path, *words: str) -> str:
    """What Python prints that knows the unpacked package alone, in a folder elsewhere, for a user without settings."""
    ours = ("RUSHES_", "SEEGEN_", "SEEDANCE", "NACI_", "PYTHON", "XDG_")
    environ = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    environ |= {"PYTHONPATH": str(unpacked), "HOME": str(folder)}
    done = subprocess.run([sys.executable, *words], cwd=folder, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_is_the_package_and_its_library(unpacked: Path) -> None:
    """Templates, the database's schema, fonts and every recipe are in it; no test is, and nothing that runs leave."""
    within = {name for name in files(unpacked) if not name.partition("/")[0].endswith(".dist-info")}
    package = {f"pipeline/{name}" for name in files(ROOT / "pipeline")}
    library = {f"pipeline/library/{name}" for name in files(ROOT / "recipes") if "/" in name}
    assert within == package | library
    for name in (
        "store/schema.sql",
        "report/report.html.j2",
        "media/fonts/OFL-Inter.txt",
        "library/starter/recipe.yaml",
    ):
        assert f"pipeline/{name}" in within


def test_a_recipe_is_begun_and_planned_from_the_wheel_alone(unpacked: Path, tmp_path: Path) -> None:
    """In a folder that knows no checkout, by the version that the wheel says it is."""
    within = python(unpacked, tmp_path, "-c", "import pipeline; print(pipeline.__file__)")
    assert Path(within.strip()) == unpacked / "pipeline" / "__init__.py"
    (told,) = unpacked.glob("*.dist-info")
    version = python(unpacked, tmp_path, "-m", "pipeline", "--version").split()[-1]
    assert told.name == f"rushes-{version}.dist-info"
    listed = python(unpacked, tmp_path, "-m", "pipeline", "init", "--list")
    assert all(path.name in listed for path in (ROOT / "recipes").iterdir() if path.is_dir())
    python(unpacked, tmp_path, "-m", "pipeline", "init", "--from", "starter", "begun")
    planned = json.loads(python(unpacked, tmp_path, "-m", "pipeline", "plan", "begun/recipe.yaml", "--format", "json"))
    assert [step["action"] for step in planned["steps"]] == ["run"] * len(planned["steps"]) != []
