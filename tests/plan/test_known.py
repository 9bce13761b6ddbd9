"""What the drawing board may ask a workspace: from a real ledger and real files, or from nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.events import Artifact, Result, RunEnded, RunStarted, Started, Succeeded
from pipeline.plan.known import Nothing, Remembered, whole
from pipeline.store import journal
from pipeline.store.ledger import Ledger, Line, Run
from pipeline.store.workspace import Workspace, open_workspace
from tests import made

AT = made.clock()
LINE = Line(key="k1:a", base="k1:a", own="own:a")


@pytest.fixture
def shelf(tmp_path: Path) -> Workspace:
    """A workspace in which `a/generate` was made, with its file, and noted."""
    shelf = open_workspace(tmp_path / ".rushes", create=True)
    folder = shelf.artifacts.stage()
    (folder / "a.png").write_bytes(b"picture")
    sha256, size = shelf.artifacts.keep(folder / "a.png")
    result = Result(outputs={"image": Artifact(sha256=sha256, bytes=size, suffix=".png")})
    about = {"at": AT, "step": "a/generate", "key": "k1:a", "attempt": 1}
    with Ledger(shelf.ledger) as ledger:
        ledger.begin(Run(id="r", recipe="tale", recipe_path="", output="out", date="", started_at=AT), redo={"k1:b": 2})
        ended = RunEnded(at=AT, status="complete")
        events = [RunStarted(at=AT, version="0"), Started(**about), Succeeded(**about, result=result), ended]
        journal.write(ledger._connection, "r", [journal.row_of(event) for event in events])
        ledger.remember("tale", "out", {"a/generate": LINE})
    return shelf


def remembered(shelf: Workspace, ledger: Ledger, **values: object) -> Remembered:
    return Remembered(ledger, shelf.artifacts, **({"recipe": "tale", "output": "out", "unnoted": {}} | values))  # type: ignore[arg-type]


def test_a_workspace_tells_what_it_has(shelf: Workspace) -> None:
    """Results by key, redo numbers, and lines for this recipe and output alone."""
    with Ledger(shelf.ledger, read_only=True) as ledger:
        known = remembered(shelf, ledger)
        assert set(known.kept(["k1:a", "k1:b"])) == {"k1:a"}
        assert known.redos() == {"k1:b": 2}
        assert known.lines() == {"a/generate": LINE}
        assert remembered(shelf, ledger, output="elsewhere").lines() == {}
        assert known.standing(["k1:a"]) == known.pending(["k1:a"]) == {}


def test_what_a_dead_process_could_not_note_stands_before_what_was_noted(shelf: Workspace) -> None:
    """The later line of a step is its line."""
    later = Line(key="k1:c", base="k1:c", own="own:c")
    with Ledger(shelf.ledger, read_only=True) as ledger:
        assert remembered(shelf, ledger, unnoted={"a/generate": later}).lines() == {"a/generate": later}


def test_a_result_counts_only_with_all_its_files(shelf: Workspace) -> None:
    """Gone from the store, it is no result."""
    with Ledger(shelf.ledger, read_only=True) as ledger:
        known = remembered(shelf, ledger)
        kept = known.kept(["k1:a"])
        assert set(whole(kept, known)) == {"k1:a"}
        shelf.artifacts.path(kept["k1:a"].result.outputs["image"]).unlink()
        assert whole(kept, known) == {}


def test_no_workspace_knows_nothing() -> None:
    """Every question has an empty answer."""
    known = Nothing()
    assert not any((known.kept(["k"]), known.missing([]), known.standing(["k"]), known.pending(["k"]), known.redos()))
    assert known.lines() == {}
