"""What the user asks, to JSON and back, and the folder that it leads to and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline import api
from pipeline.desk import House
from pipeline.digest import dumps, loads
from pipeline.store.ledger import Ledger
from pipeline.wants import Wants, named_output

Write = Callable[..., Path]
EVERY = Wants(
    variables={"who": "he"},
    date="2026-11-21",
    stage="draft",
    provider="seegen",
    preview=True,
    only=("a",),
    redo=("b@2",),
    max_credits=Decimal("1.50"),
    max_each={"seegen": Decimal(2)},
    max_usd=Decimal("0.10"),
    workspace=Path("w"),
    output=Path("o"),
)


def test_what_is_noted_comes_back() -> None:
    """Through JSON too; consent and where one listens are the reader's own."""
    told = loads(dumps(EVERY.to_json()).encode())
    assert Wants().with_json(told) == EVERY
    assert Wants(yes=True, listen="x").with_json(told) == dataclasses.replace(EVERY, yes=True, listen="x")


def test_what_was_not_noted_was_not_asked_for() -> None:
    """A run of an earlier version knows no stage; a workspace that is named stays."""
    told = EVERY.to_json()
    del told["stage"]
    assert Wants(stage="final").with_json(told).stage == ""
    assert EVERY.with_json({}) == Wants(workspace=Path("w"))


@pytest.mark.parametrize(
    "wants", [Wants(), Wants(stage="draft"), Wants(stage="draft", preview=True, date="2026-11-21")]
)
def test_the_folder_that_was_named_is_found_again(wants: Wants, write: Write, tmp_path: Path) -> None:
    """A stage, a preview and a date have folders in each other below it."""
    path = write("stages: {draft: {takes: 1}, final: {}}\nshots: [{id: a, kind: image, prompt: x}]\n")
    ended = api.run(path, dataclasses.replace(wants, output=tmp_path / "there"), House())
    assert ended.output == (tmp_path / "there").joinpath(*wants.folders())
    with Ledger(tmp_path / ".rushes" / "ledger.sqlite3", read_only=True) as ledger:
        run = ledger.run(ended.manifest["run"]["id"])
    assert run
    assert named_output(run) == tmp_path / "there"
