"""Where results and workspaces belong, what a run goes on with, and what it has spent so far."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from pipeline import api, desk
from pipeline.config import Config
from pipeline.desk import House, Wants
from pipeline.errors import StoreError, UserError
from pipeline.events import Doubted, Failed, Refused, Settled, Started, Submitted
from pipeline.plan import spent
from pipeline.plan.budget import Limits
from pipeline.providers.catalog import PROVIDERS
from tests import stub

AT = "2026-01-01T00:00:00.000Z"

Write = Callable[..., Path]
ONE = "shots:\n  - {id: a, kind: image, provider: stub, prompt: x}\n"
HOUSE = House(providers={**PROVIDERS, "stub": stub})


def test_a_recipe_is_the_same_from_wherever_it_is_run(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run, lock and caps go by the output folder: a relative path, an absolute one, one by a symlink name the same."""
    folder = tmp_path / "tales"
    folder.mkdir()
    path = write(ONE, folder=folder)
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(folder)
    first = api.run(Path("recipe.yaml"), house=HOUSE)
    monkeypatch.chdir(tmp_path)
    ways = [Path("tales/recipe.yaml"), path, Path("link/recipe.yaml"), Path("tales/../link/recipe.yaml")]
    again = [api.run(way, house=HOUSE) for way in ways]
    assert [(run.began, run.manifest["run"]["id"]) for run in again] == [(False, first.manifest["run"]["id"])] * 4
    assert api.status(path, house=HOUSE)["run"]["id"] == first.manifest["run"]["id"]


@pytest.mark.parametrize("name", ["~nobody-of-this-name/x", "~"])
def test_a_home_that_is_not_there_is_a_plain_name(name: str, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """No home folder is no fault."""
    monkeypatch.setenv("HOME", "/nowhere")
    for wants in (Wants(workspace=Path(name)), Wants(output=Path(name))):
        assert api.plan(write(ONE), wants, HOUSE).plan.steps


@pytest.mark.parametrize("given", [{"workspace": Path("\udcff")}, {"output": Path("\udcff")}])
def test_a_path_that_no_manifest_can_name_is_refused(given: dict[str, Path], write: Write) -> None:
    """Bytes that are not UTF-8 cannot be written into a ledger or a manifest."""
    with pytest.raises(UserError, match="not UTF-8"):
        api.plan(write(ONE), Wants(**given), HOUSE)  # type: ignore[arg-type]


def test_a_plan_refuses_the_workspace_that_a_run_would_refuse(write: Write, tmp_path: Path) -> None:
    """A folder with other things in it is no workspace, before any money is spent."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").touch()
    with pytest.raises(StoreError, match="no workspace"):
        api.plan(write(ONE), Wants(workspace=tmp_path / "other"), HOUSE)


def test_a_preview_and_a_date_have_folders_of_their_own(write: Write, tmp_path: Path) -> None:
    """Below the output, whichever it is."""
    path = write(ONE)
    beside = tmp_path / "out" / "tale"
    elsewhere = tmp_path / "there"
    for wants, place in (
        (Wants(), beside),
        (Wants(preview=True), beside / "preview"),
        (Wants(date="2026-01-02"), beside / "2026-01-02"),
        (Wants(preview=True, date="2026-01-02", output=elsewhere), elsewhere / "preview" / "2026-01-02"),
    ):
        assert desk.read(path, wants, HOUSE).output == place


def test_the_users_time_zone_decides_the_date() -> None:
    """At one moment it is two days in two places; the clock itself is always in UTC."""
    moment = datetime(2026, 1, 1, 23, 30, tzinfo=UTC)
    houses = [House(now=lambda: moment, config=Config(time_zone=zone)) for zone in ("UTC", "Europe/Berlin")]
    assert [house.today() for house in houses] == ["2026-01-01", "2026-01-02"]
    assert [house.clock() for house in houses] == ["2026-01-01T23:30:00.000Z"] * 2


def test_a_continued_run_keeps_its_date(write: Write) -> None:
    """A dated recipe that goes on tomorrow is still that of today; a complete one is made anew."""
    path = write(
        "defaults: {kind: image, provider: stub}\nshots:\n"
        '  - {id: a, prompt: "on {{ run.date }}"}\n  - {id: b, prompt: fails}\n'
    )
    days = iter([1, 2, 3])

    def run() -> Any:
        moment = datetime(2026, 1, next(days), tzinfo=UTC)
        return api.run(path, house=dataclasses.replace(HOUSE, now=lambda: moment)).manifest

    first, second = run(), run()
    assert (second["run"]["id"], second["shots"][0]["prompt"]) == (first["run"]["id"], "on 2026-01-01")
    path.write_text(path.read_text().replace("fails", "works"))
    assert run()["run"]["status"] == "complete"
    later = api.plan(path, house=dataclasses.replace(HOUSE, now=lambda: datetime(2026, 1, 4, tzinfo=UTC)))
    assert (later.continues, later.recipe.shots[0].prompt) == (None, "on 2026-01-04")


def test_the_book_of_a_history_says_what_is_held() -> None:
    """Settled counts as charged, refused and failed as nothing, a doubt as it was reserved."""

    def began(step: str, attempt: int = 1) -> Started:
        return Started(at=AT, step=step, key="k", attempt=attempt, account="till", credits=D(6))

    about = {"at": AT, "key": "k", "attempt": 1}
    history = (
        began("a/generate"), Settled(**about, step="a/generate", charged=D(5), refunded=D(1), usd=None, source="till"),
        began("b/generate"), Refused(**about, step="b/generate", error="busy"), began("b/generate", 2),
        began("c/generate"), Doubted(**about, step="c/generate", error="no answer"),
        began("d@2/generate"), Submitted(**about, step="d@2/generate", job_id="j"),
        Failed(**about, step="d@2/generate", error="no"),
    )  # fmt: skip
    book = spent.book_of(history, Limits())
    assert {take: book.sum(take, "till") for take in ("run", "a", "b", "c", "d@2")} == {
        "run": 17, "a": 5, "b": 6, "c": 6, "d@2": 0,
    }  # fmt: skip
    assert spent.failures_of(history) == {("d@2/generate", "k"): 1}
