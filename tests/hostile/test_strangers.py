"""Plans, manifests, ledgers and workspaces that strangers made: refused in words, never believed, never waited for."""

from __future__ import annotations

import copy
import json
import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.main import main
from tests.hostile.case import HEAD

RECIPE = HEAD + "shots:\n- {id: a, prompt: p, duration: 1, resolution: 480p}\n"
VALUES: list[Any] = [
    *(None, True, 0, -1, 1e300, 10**400, "", "x", "../../../etc/passwd", "/etc/passwd", "a\0b", "\ud800", 1.5),
    *("\x1b[2J", "<script>alert(1)</script>", [], {}, [[]], [None], {"a": None}, "x" * 10_000, float("nan")),
    *("sha256:" + "0" * 64, "javascript:alert(1)", "file:///etc/passwd", {"\x1b[2J": "\x1b[2J"}),
]
COUNTING = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe that was run, its manifest, a saved plan and its workspace."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    assert main(["run", str(folder / "recipe.yaml"), "--quiet"]) == 0
    assert main(["plan", str(folder / "recipe.yaml"), "--out", str(folder / "plan.json"), "--quiet"]) == 0
    with sqlite3.connect(folder / ".rushes" / "ledger.sqlite3") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return folder


@pytest.fixture
def theirs(made: Path, tmp_path: Path) -> Path:
    """A copy of all that, to do harm with."""
    return Path(shutil.copytree(made, tmp_path / "theirs"))


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from _places(tree[key])


def changed(document: Any, chance: random.Random) -> Any:
    """A document in which a few values are others, are gone, or are somewhere else."""
    tree = copy.deepcopy(document)
    for _ in range(chance.choice((1, 1, 2, 4))):
        holder, key = chance.choice([*_places(tree)] or [({"x": 0}, "x")])
        match chance.randrange(4):
            case 0:
                del holder[key]
            case 1:
                donor, at = chance.choice([*_places(document)])
                holder[key] = copy.deepcopy(donor[at])
            case _:
                holder[key] = copy.deepcopy(chance.choice(VALUES))
    return tree


@pytest.mark.parametrize("seed", range(40))
def test_a_strange_manifest_is_refused_or_shown(theirs: Path, capsys: pytest.CaptureFixture[str], seed: int) -> None:
    """By whatever command reads one; nothing in it steers a terminal."""
    path = theirs / "out" / "t" / "manifest.json"
    document = changed(json.loads(path.read_text(encoding="utf-8")), random.Random(seed))
    path.write_text(json.dumps(document), encoding="utf-8")
    for command in (["report"], ["verify"], ["status"], ["status", "--format", "markdown"]):
        assert main([*command, str(path)]) in (0, 1, 2)
        told = capsys.readouterr()
        assert "\x1b" not in told.out + told.err
        assert "Traceback" not in told.err
    assert (theirs / "out" / "t" / "report.html").exists()


@pytest.mark.parametrize("seed", range(40))
def test_a_strange_plan_is_refused_or_run(theirs: Path, capsys: pytest.CaptureFixture[str], seed: int) -> None:
    """And writes nowhere but where its recipe does."""
    path = theirs / "plan.json"
    document = changed(json.loads(path.read_text(encoding="utf-8")), random.Random(seed))
    document["recipe"] = {**(document.get("recipe") or {}), "path": str(theirs / "recipe.yaml")}
    path.write_text(json.dumps(document), encoding="utf-8")
    beside = {*theirs.parent.iterdir()}
    assert main(["run", str(path), "--quiet", "--yes"]) in (0, 2)
    told = capsys.readouterr()
    assert "\x1b" not in told.out + told.err
    assert {*theirs.parent.iterdir()} == beside


@pytest.mark.parametrize("text", ["[" * 100_000, "{}", "[]", "null", '{"plan": 1e999999999}', "\0", "", '"' + "x" * 99])
def test_what_is_no_document_is_refused(theirs: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    """As a plan and as a manifest."""
    for name, command in (("plan.json", "run"), ("manifest.json", "report"), ("manifest.json", "verify")):
        (theirs / name).write_text(text, encoding="utf-8")
        assert main([command, str(theirs / name)]) == 2
        assert "Hint: " in capsys.readouterr().err


LEDGERS = {
    "a view that never ends": ["DROP TABLE runs", f"CREATE VIEW runs AS {COUNTING} WHERE i < 0"],
    "a trigger that never ends": [
        f"CREATE TRIGGER t BEFORE INSERT ON events BEGIN SELECT count(*) FROM ({COUNTING}); END"
    ],
    "tables that are gone": ["DROP TABLE runs", "DROP TABLE events"],
    "another's table": ["DROP TABLE runs", "CREATE TABLE runs (x)"],
}


@pytest.mark.parametrize("name", LEDGERS)
def test_a_strange_ledger_is_refused(theirs: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Before anything in it is asked for that could run without end."""
    with sqlite3.connect(theirs / ".rushes" / "ledger.sqlite3") as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for statement in LEDGERS[name]:
            connection.execute(statement)
    connection.close()
    recipe = str(theirs / "recipe.yaml")
    for command in (["plan"], ["status"], ["run", "--quiet"]):
        assert main([*command, recipe]) == 2
        assert "ledger" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["ledger.sqlite3", "version"])
def test_a_named_pipe_in_a_workspace_is_not_waited_for(
    theirs: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Nobody may ever write to it."""
    (theirs / ".rushes" / name).unlink()
    os.mkfifo(theirs / ".rushes" / name)
    for command in ("plan", "status", "run"):
        assert main([command, str(theirs / "recipe.yaml")]) == 2
        assert "no file" in (told := capsys.readouterr().err) or "no ordinary file" in told


@pytest.mark.parametrize("kind", ["garbage", "half", "nothing"])
def test_a_damaged_ledger_is_told(theirs: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    """In words; an empty file is a ledger that nobody has begun."""
    path = theirs / ".rushes" / "ledger.sqlite3"
    data = {"garbage": b"\0" * 5_000, "half": path.read_bytes()[:2_000], "nothing": b""}[kind]
    path.write_bytes(data)
    assert main(["plan", str(theirs / "recipe.yaml")]) == (2 if data else 0)
    assert "Traceback" not in capsys.readouterr().err
