"""`status` tells the truth of a run that was killed, replaced, is under way, or whose recipe has changed since."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline import api
from pipeline.cli.main import main
from pipeline.desk import House
from pipeline.errors import UserError
from pipeline.events import Started, Submitted
from pipeline.store.ledger import Ledger, Run
from pipeline.store.workspace import open_workspace
from tests.conftest import ROOT
from tests.journeys.services import YES, Quarter, Street, ledger, shots
from tests.journeys.test_recover import until

Write = Callable[..., Path]
SEA = """defaults: {provider: seegen, duration: 4, resolution: 720p}
shots: [{id: a, prompt: the sea}, {id: b, prompt: a gull}]
"""


@contextmanager
def at_work(path: Path, quarter: Quarter) -> Iterator[str]:
    """The id of a run that is at work while the block runs, and is then killed: one job taken, one never answered."""
    quarter.stand.faults.add("slow_create", times=1, seconds=60, match="a gull")
    quarter.stand.faults.add("slow_job", times=1, seconds=60)
    command = [sys.executable, "-m", "pipeline", "run", str(path), "--yes", "--max-credits", "9999", "--quiet"]
    environ = {**os.environ, **quarter.house().environ}
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        until(lambda: (path.parent / ".rushes" / "ledger.sqlite3").exists())
        until(lambda: begun(path))
        with ledger(path.parent) as books:
            run = books.runs(plans=False)[0].id
        yield run
    finally:
        process.kill()
        process.wait()


def taken(path: Path) -> list[str]:
    """The jobs that services took."""
    with ledger(path.parent) as books:
        return [one.job_id for one in books.unsettled() if one.job_id]


def begun(path: Path) -> bool:
    """Whether both steps were sent and one of them was taken."""
    with ledger(path.parent) as books:
        events = [event for run in books.runs() for event in books.events(run.id)]
    return [sum(isinstance(event, kind) for event in events) for kind in (Started, Submitted)] == [2, 1]


def killed(path: Path, quarter: Quarter) -> str:
    """The id of a run whose process was killed."""
    with at_work(path, quarter) as run:
        pass
    return run


def spoken(*words: str | Path, house: House) -> int:
    """The exit code of a command."""
    return main([str(word) for word in words], house)


def test_a_killed_first_run_is_told_from_the_ledger(
    write: Write, street: Street, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is at work as such, then as interrupted: the job a service has, what is unknown, and what to type.

    The recipe, the run's id and nothing say the same; what needs documents says that there are none.
    """
    path = write(SEA)
    monkeypatch.chdir(path.parent)
    with street("seegen") as quarter:
        home = quarter.house()
        with at_work(path, quarter) as run:
            live = api.stands(run, house=home).document
            assert live["run"]["status"] == "running"
            assert "seegen has it as " in shots(live)["a"]["error"]
            assert [(shot["status"], shot["remedy"]) for shot in live["shots"]] == [("pending", None)] * 2
        for what in (run, "", str(path)):
            told = api.stands(what, house=home)
            found = shots(told.document)
            assert (told.document["run"]["id"], told.document["run"]["status"]) == (run, "interrupted")
            assert (found["a"]["status"], found["a"]["remedy"]) == ("pending", "again")
            assert "seegen has it as " in found["a"]["error"]
            assert (found["b"]["status"], found["b"]["remedy"]) == ("unknown", "recover")
            spent = told.document["budget"]["by_account"]["seegen@rehearsal"]
            assert (spent["reserved"], spent["unknown"], told.remarks) == (160, 160, ())
        assert spoken("status", house=home) == 0
        said = capsys.readouterr().out
        assert "is interrupted, 1 pending, 1 unknown" in said
        assert "rushes recover recipe.yaml" in said
        assert "rushes run recipe.yaml" in said
        for command in ("report", "verify"):
            assert spoken(command, run, house=home) == 2
            assert f"run {run} of tale left no documents" in capsys.readouterr().err
            assert spoken(command, path, house=home) == 2
            assert f"rushes status {path}" in capsys.readouterr().err


def test_what_is_unknown_is_told_in_another_shell(
    write: Write, street: Street, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the rehearsal's variables the recipe would be made by the real service: that is said, and not advised."""
    path = write(SEA)
    monkeypatch.chdir(path.parent)
    with street("seegen") as quarter:
        killed(path, quarter)
        elsewhere = House()
        told = api.stands(str(path), house=elsewhere)
        assert not told.advises
        assert [part for part in told.remarks if part.startswith("b/generate: sent to seegen@rehearsal on ")]
        assert spoken("status", path, house=elsewhere) == 0
        said = capsys.readouterr().out
        assert "`rushes recover " in said
        assert "`rushes plan" in said
        assert "What to type next" not in said


def test_a_stopped_run_says_what_services_have(
    write: Write, street: Street, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end, its documents and its status: once for all of them; another shell tells it, and advises no new run."""
    path = write(SEA)
    monkeypatch.chdir(path.parent)
    with street("seegen") as quarter:
        quarter.stand.faults.add("slow_job", times=2, seconds=60)
        command = [sys.executable, "-m", "pipeline", "run", "recipe.yaml", "--yes", "--max-credits", "9999"]
        environ = {**os.environ, **quarter.house().environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        until(lambda: (path.parent / ".rushes" / "ledger.sqlite3").exists() and len(taken(path)) == 2)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate()
        assert process.returncode == 130
        assert "2 shots not there yet: a, b\n  seegen has it\n  Run the same command again" in said
        assert "320 seegen@rehearsal credits reserved" in said
        for job in taken(path):
            assert f"seegen has it as {job}" in (path.parent / "out" / "tale" / "report.html").read_text()
        told = api.stands(str(path), house=House())
        assert {shot["status"] for shot in told.document["shots"]} == {"pending"}
        assert not told.advises
        assert [job in remark for job, remark in zip(taken(path), told.remarks[1:], strict=True)] == [True, True]


def test_a_changed_recipe_leaves_a_finished_run_as_it_was(
    write: Write, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own documents are shown, with the word that the recipe has changed; put back, nothing is said."""
    path = write(SEA)
    monkeypatch.chdir(path.parent)
    with street("seegen") as quarter:
        home = quarter.house()
        ended = api.run(path, YES, home)
        for changed in (SEA.replace("a gull", "two gulls"), SEA.replace("}]", "}, {id: c, prompt: dawn}]")):
            write(changed)
            told = api.stands(str(path), house=home)
            assert {name: shot["status"] for name, shot in shots(told.document).items()} == {"a": "done", "b": "done"}
            (remark,) = told.remarks
            assert "has changed since: `rushes plan" in remark
        write(SEA)
        assert api.stands(str(path), house=home).remarks == ()
        elsewhere = api.stands(ended.manifest["run"]["id"], house=House())
        assert {shot["status"] for shot in elsewhere.document["shots"]} == {"done"}
        assert len(elsewhere.remarks) == 1


def test_an_earlier_run_is_not_told_with_the_documents_of_a_later_one(
    write: Write, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`status`, `verify` and `report` of its id say whose documents lie there; those of the later run are its own."""
    path = write(SEA)
    monkeypatch.chdir(path.parent)
    with street("seegen") as quarter:
        home = quarter.house()
        first = api.run(path, YES, home).manifest["run"]["id"]
        write(SEA.replace("a gull", "two gulls"))
        second = api.run(path, YES, home).manifest["run"]["id"]
        assert first != second
        assert api.stands(second, house=home).document["run"]["id"] == second
        for ask in (api.stands, api.manifest_path):
            with pytest.raises(UserError, match=f"of run {first}.* has been replaced by that of run {second}"):
                ask(first, house=home)
        path.unlink()
        assert api.stands(second, house=home).document["run"]["id"] == second


def test_a_run_that_died_before_its_first_event_is_told(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """Noted, and not a word more: interrupted when it began, with everything left to do."""
    path = write(SEA.replace("provider: seegen", "provider: animatic"))
    desk = api.plan(path)
    shelf = open_workspace(desk.reading.folder, create=True)
    began = "2026-11-21T09:00:00.000Z"
    with Ledger(shelf.ledger) as ledger:
        ledger.begin(
            Run(
                id="20261121-090000-0000", recipe=desk.recipe.name, recipe_path=str(path), output=str(desk.output),
                date=desk.recipe.date, started_at=began, plan=[], options=desk.wants.to_json(),
            )
        )  # fmt: skip
    document = api.stands(str(path)).document
    assert (document["run"]["status"], document["run"]["started_at"]) == ("interrupted", began)
    assert {shot["status"] for shot in document["shots"]} == {"pending"}
    assert spoken("status", path, house=House()) == 0
    assert "is interrupted, 2 pending" in capsys.readouterr().out
