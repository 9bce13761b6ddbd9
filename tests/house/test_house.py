"""The house rules that no linter knows: libraries in their rooms, small rooms, a lazy door, documents in step."""

from __future__ import annotations

import ast
import functools
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "pipeline"
FILES = sorted(PACKAGE.rglob("*.py"))

ROOMS = {  # library -> the rooms that may know it
    "av": ("media",),
    "PIL": ("media",),
    "yaml": ("recipe",),
    "jsonschema": ("recipe",),
    "jinja2": ("recipe", "report"),
    "sqlite3": ("store",),
    "obstore": ("store",),
    "httpx": ("providers",),
    "h11": ("serve",),
    "tqdm": ("cli",),
    "argparse": ("cli",),
    "anyio": (
        "engine",
        "providers",
        "store",
        "serve",
        "emulators",
        "session.py",
        "consent.py",
        "purse.py",
        "recover.py",
        "settle.py",
        "cancel.py",
        "stopping.py",
    ),
    "starlette": ("emulators",),
    "uvicorn": ("emulators",),
}


@functools.cache
def _nodes(path: Path) -> Sequence[ast.AST]:
    return [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]


@functools.cache
def _imports(path: Path) -> frozenset[str]:
    found = set()
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return frozenset(found)


@pytest.mark.parametrize("library", sorted(ROOMS))
def test_a_library_is_known_in_its_rooms_alone(library: str) -> None:
    """So that it can be exchanged there."""
    rooms = {
        path.relative_to(PACKAGE).parts[0] for path in FILES for name in _imports(path) if name.split(".")[0] == library
    }
    assert rooms <= set(ROOMS[library])


def test_only_the_door_prints_and_exits() -> None:
    """No print, no sys.exit, no reading of argv anywhere else."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        if path.relative_to(PACKAGE).parts[0] != "cli"
        for node in _nodes(path)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("print", "exit", "input")
        )
        or (isinstance(node, ast.Attribute) and node.attr in ("argv", "exit", "_exit", "stdout", "stderr"))
    ]
    assert found == []


def test_rooms_are_small() -> None:
    """No file of more than 400 lines, no function of more than 60; exceptions are named here with their reason."""
    long = [f"{path.relative_to(ROOT)}: {n}" for path in FILES if (n := len(path.read_text().splitlines())) > 400]
    for path in FILES:
        for node in _nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > 60:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length}")
    assert [name for name in long if not name.startswith("pipeline/cli/main.py")] == []  # argparse is one long list


def test_names_explain_themselves() -> None:
    """No drawer for what has no place."""
    assert [
        p for p in PACKAGE.rglob("*") if re.fullmatch(r"(utils?|helpers?|manager|common|misc)(\.py)?", p.name)
    ] == []


def test_nothing_carries_a_path_of_a_machine_or_a_secret() -> None:
    """Tracked text has no home folder, no temporary folder of ours, no host of a package registry."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    hosts = ("python" + "hosted", "py" + "pi.org", "npm" + "js.org", "deb" + "ian.org")
    bad = re.compile("|".join([r"/(?:root|work)/", r"/(?:home|Users)/[a-z]+/", *map(re.escape, hosts)]))
    found = []
    for name in filter(None, tracked.split("\0")):
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".json", ".j2", ".css", ".sql", ""} and path.is_file():
            found += [f"{name}: {m.group()}" for m in bad.finditer(path.read_text(encoding="utf-8", errors="replace"))]
    assert found == []


@pytest.mark.parametrize("name", ["recipe", "plan", "manifest"])
def test_schemas_are_in_step_with_the_code(name: str) -> None:
    """What `rushes schema` prints is what lies in schemas/: `make schemas` writes it anew."""
    printed = _rushes("schema", name).stdout
    assert json.loads(printed) == json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))


def test_help_imports_little() -> None:
    """`rushes --help` loads argparse and none of the heavy libraries, which together take 400 ms."""
    code = (
        "import sys\nfrom pipeline.cli.main import main\nmain(['--help'])\n"
        "print([m for m in sys.modules if m.split('.')[0] in "
        "('yaml','jsonschema','jinja2','anyio','httpx','tqdm','av','PIL','sqlite3','asyncio','decimal','dataclasses')],"
        " file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr.strip() == "[]"


def test_a_run_with_nothing_to_do_loads_no_codec() -> None:
    """Planning and looking up what is there needs neither PyAV nor Pillow nor httpx."""
    code = (
        "import sys\nfrom pipeline import api\nfrom pathlib import Path\n"
        "api.plan(Path('examples/lighthouse/recipe.yaml'))\n"
        "print([m for m in ('av', 'PIL', 'httpx', 'tqdm') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_no_test_patches_what_it_tests() -> None:
    """Everything but the outermost skin is real."""
    word = "mock." + "patch"
    assert [p for p in (ROOT / "tests").rglob("*.py") if word in p.read_text(encoding="utf-8")] == []


def _rushes(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *args], capture_output=True, text=True, check=True, cwd=ROOT
    )


def test_the_renderer_has_one_version() -> None:
    """The number in every animatic key is the renderer's own."""
    from pipeline.media import animatic as renderer
    from pipeline.providers import animatic as page

    assert page.RENDERER_VERSION == renderer.RENDERER_VERSION
