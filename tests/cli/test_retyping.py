"""What is printed to be typed next works as it stands, wherever it is read."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.cli.main import main
from pipeline.desk import House
from pipeline.providers.catalog import PROVIDERS
from tests import stub

Write = Callable[..., Path]
HOUSE = House(providers={**PROVIDERS, "stub": stub})
BROKEN = (
    "vars: {what: a door}\ndefaults: {provider: stub, kind: image}\n"
    'shots:\n  - {id: a, prompt: "{{ what }}"}\n  - {id: b, prompt: x}\n'
)


def typed(out: str) -> list[str]:
    """The commands on lines of their own."""
    return [line.strip() for line in out.splitlines() if line.startswith("    rushes ")]


@pytest.mark.parametrize("flags", [[], ["--output", "o"], ["--output", "o d", "--date", "2026-11-01"]])
def test_status_gives_the_command_of_its_run_from_any_folder(
    flags: list[str], write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """With its variables and its output as they are named from there; it goes on with that very run."""
    path = write(BROKEN)
    monkeypatch.chdir(path.parent)
    assert main(["run", "recipe.yaml", "--var", "what=it fails", "--quiet", *flags], HOUSE) == 1
    folder = next(tmp_path.rglob("manifest.json")).parent
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for what in (folder, folder / "manifest.json"):
        assert main(["status", str(what)], HOUSE) == 0
        out = capsys.readouterr().out
        assert "1 shot failed: a" in out
        (again,) = typed(out)
        assert main(shlex.split(again)[1:], HOUSE) == 1
        assert capsys.readouterr().out.split()[2] == out.split()[2]  # the id of the run


def test_a_saved_plan_is_gone_on_with_by_its_own_name(
    write: Write, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """`rushes run PLAN`, with the flags that were given beside it."""
    plan = str(tmp_path / "plan.json")
    assert main(["plan", str(write(BROKEN)), "--var", "what=it fails", "--out", plan], HOUSE) == 0
    capsys.readouterr()
    assert main(["run", plan, "--fail-fast"], HOUSE) == 1
    assert typed(capsys.readouterr().out) == [f"rushes run {plan} --max-failures 1"]
