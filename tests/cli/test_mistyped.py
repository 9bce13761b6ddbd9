"""Commands that say nothing: told as all errors are, with a way out; and the help that ways out lead to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.cli.commands import COMMANDS
from pipeline.cli.main import main

Write = Callable[..., Path]
ONE = "defaults: {duration: 0.5, resolution: 480p}\nshots: [{id: a, prompt: a red door}]\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["plan"], "error: the following arguments are required: RECIPE.\nHint: rushes plan --help"),
        (["plan", "r.yaml", "--prvider", "x"], "error: unrecognized arguments: --prvider x.\nHint: rushes plan --help"),
        (
            ["schema", "plans"],
            "error: argument NAME: invalid choice: 'plans' (choose from 'recipe', 'plan', 'manifest')",
        ),
        (["run", "plan.json"], "error: the plan plan.json cannot be read: No such file or directory.\nHint: "),
        (["plan", "r.yaml", "--max-credits", "=5"], "error: --max-credits =5 names no account.\nHint: Write "),
        (["check", "r.yaml", "--var", "x"], "error: --var x gives no value.\nHint: Write --var name=value."),
        (["init", "/dev/null"], "error: /dev/null is no folder.\nHint: Name one that is there"),
        (["plan", "r.yaml", "--date", "soon"], "error: --date soon is no date.\nHint: Write it as 2026-11-21."),
        (["plan", "/no/such.yaml"], "error: There is no file /no/such.yaml.\nHint: "),
        (["gc", "--log", "yaml"], "error: argument --log: invalid choice: 'yaml' (choose from 'text', 'json')."),
    ],
)
def test_a_mistyped_command_is_told_as_the_log_is_to_be(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As one JSON object where `--log json` is on the line, also where argparse already gives up; both exit with 2."""
    assert main(words) == 2
    assert capsys.readouterr().err.startswith(told)
    assert main([*words, "--log=json"]) == 2
    found = json.loads(capsys.readouterr().err)
    assert (found["level"], found["message"].startswith(told)) == ("error", True)


def test_what_rushes_has_written_is_no_recipe(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A saved plan and a manifest are named as such, with the command that reads them, not key by key."""
    monkeypatch.chdir(write(ONE).parent)
    assert main(["plan", "recipe.yaml", "--out", "plan.json"]) == main(["run", "recipe.yaml"]) == 0
    for words, told in (
        (
            ["plan", "plan.json"],
            "plan.json is a saved plan, not a recipe.\nHint: `rushes run plan.json` carries it out.",
        ),
        (["approve", "out/tale/manifest.json", "a"], "out/tale/manifest.json is a manifest, not a recipe."),
    ):
        capsys.readouterr()
        assert main(words) == 2
        assert capsys.readouterr().err.startswith(f"error: {told}")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_a_terminal(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 80 columns; each positional word is explained."""
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*filter(None, [command]), "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert not {"  RECIPE", "  RECIPE|PLAN", "  NAME"} & set(lines)


def test_each_fault_of_a_recipe_is_an_object_of_the_json_log(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """With its place."""
    path = write("shots:\n  - {id: a, promt: x}\n  - {id: b, prompt: y, duration: soon}\n")
    assert main(["plan", str(path), "--log", "json"]) == 2
    found = [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()]
    assert len(found) > 1
    assert all(message.startswith(f"{path}:") and " Hint: " in message for message in found)
