"""`rushes gc`: says what it would free, asks, frees no more than that; what went is made or fetched again."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.cli.main import main
from pipeline.desk import House, Wants
from pipeline.plan.model import Action
from pipeline.store import leases, workspace
from tests.till import Till

D = Decimal
RECIPE = """
rushes: 1
name: tale
shots:
  - {id: a, provider: till, duration: 2, prompt: the sea}
  - {id: b, provider: stub, kind: image, prompt: a door}
  - {id: c, provider: stub, kind: image, prompt: a wall, references: [keeper.png]}
"""


@pytest.fixture
def tale(tmp_path: Path, house: Callable[..., tuple[House, Till]], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A recipe that was run, whose bought shot then changed and was run again; a house, and the command."""
    from tests.recipe.written import png

    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE)
    (tmp_path / "keeper.png").write_bytes(png(8, 8))
    home, service = house()
    yes = Wants(yes=True, max_credits=D(100))
    assert api.run(path, yes, home).exit_code == 0
    (tmp_path / "till.mp4").write_bytes(service.clip.read_bytes() + b"\0" * 8)
    monkeypatch.chdir(tmp_path)

    def gc(*words: str) -> int:
        return main(["gc", *words], home)

    return path, home, service, yes, gc


def files(path: Path) -> set[str]:
    return {file.name for file in (path.parent / ".rushes" / "store" / "sha256").rglob("*") if file.is_file()}


def change(path: Path, service: Till, moving: bytes, home: House, yes: Wants) -> None:
    """The bought shot is asked for otherwise, and comes out otherwise."""
    other = path.parent / "other.mp4"
    other.write_bytes(moving)
    service.clip = other
    path.write_text(path.read_text().replace("the sea", "the lake").replace("a door", "a gate"))
    assert api.run(path, yes, home).exit_code == 0


def test_only_what_is_free_goes_unless_it_is_told(tale: Any, moving: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    """The input's copy goes at once; the clip that was bought and is shown no more needs --paid, and is told."""
    path, home, service, yes, gc = tale
    change(path, service, moving, home, yes)
    before = files(path)
    capsys.readouterr()
    assert gc("--dry-run", "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["dry_run"], told["files"], told["credits"]) == (True, 1, {})
    assert [group["what"] for group in told["groups"]] == ["copies of inputs"]
    assert told["stays"]["groups"] == [{"what": "bought from till", "files": 1, "bytes": told["stays"]["bytes"],
                                        "credits": {"till": 6}}]  # fmt: skip
    assert files(path) == before
    assert gc() == 4
    assert "there is no terminal to ask on" in capsys.readouterr().err
    assert files(path) == before
    assert gc("--yes") == 0
    assert len(before - files(path)) == 1
    assert gc("--yes", "--older-than", "1", "--paid") == 0
    assert len(before - files(path)) == 1
    assert gc("--yes", "--paid") == 0
    assert "bought for 6 till credits" in capsys.readouterr().err
    assert len(before - files(path)) == 2
    assert api.verify(path.parent / "out" / "tale" / "manifest.json", yes, home) == []
    assert api.run(path, house=home).began is False


def test_what_was_freed_comes_back(tale: Any, moving: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    """Asked for again as it was, the plan says that gc took it, and the service is asked for its file for nothing."""
    path, home, service, yes, gc = tale
    was = path.read_text()
    change(path, service, moving, home, yes)
    assert gc("--yes", "--paid") == 0
    path.write_text(was)
    step = api.plan(path, yes, home).plan.steps[0]
    assert (step.action, step.price.high) == (Action.RESUME, 0)
    assert step.why.startswith("freed by gc on ")
    assert step.why.endswith("; till may still have it: it is fetched again")
    ended = api.run(path, house=home)
    assert (ended.exit_code, len(service.jobs), service.charged) == (0, 2, 12)


def test_nothing_goes_beside_a_run(tale: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 5, naming who is at work."""
    path, _, _, _, gc = tale
    shelf = workspace.open_workspace(path.parent / ".rushes", create=False)
    before = files(path)
    with leases.hold(shelf, "other-12345678", who="Another run of other"):
        assert gc("--yes") == 5
    assert "Another run of other is at work" in capsys.readouterr().err
    assert files(path) == before


def test_what_cannot_be_understood_is_refused(tale: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A number of days that is none; an empty place has nothing to free."""
    *_, gc = tale
    assert gc("--older-than", "soon") == 2
    assert gc("--workspace", "elsewhere") == 0
    assert "Nothing to free" in capsys.readouterr().err
    assert not Path("elsewhere").exists()
