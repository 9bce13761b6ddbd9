"""Files that are gone or damaged: put back, fetched again for nothing, made again here, or bought again if agreed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.desk import Desk, House
from pipeline.errors import DecisionNeeded
from pipeline.events import Artifact
from pipeline.plan.model import Action, Step
from pipeline.store import spending
from pipeline.store.artifacts import Artifacts
from pipeline.store.ledger import Ledger
from tests.journeys.services import COST, YES, Quarter, Street, charged, creates
from tests.till import Till

D = Decimal
DAWN = COST["seegen"]
BOTH = DAWN + 200  # lamp has 5 seconds
RECIPE = """
rushes: 1
name: tale
defaults: {provider: seegen, duration: 4, resolution: 720p}
shots:
  - {id: dawn, prompt: the sea at dawn}
  - {id: lamp, chain: dawn, prompt: the great lamp, duration: 5}
film: true
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE)
    return path


def stored(path: Path, step: str, home: House) -> tuple[Artifact, Path]:
    """The one artifact of a step, by the ledger, and where its file lies."""
    desk = api.plan(path, YES, home)
    key = next(s.key for s in desk.plan.steps if s.id == step)
    with Ledger(path.parent / ".rushes" / "ledger.sqlite3", read_only=True) as ledger:
        (artifact,) = ledger.kept([key])[key].result.outputs.values()
    return artifact, Artifacts(path.parent / ".rushes" / "store").path(artifact)


def without_copies(path: Path) -> None:
    """Takes the copies away that lie in the output, and leaves its documents."""
    output = path.parent / "out" / "tale"
    for folder in ("shots", "frames"):
        shutil.rmtree(output / folder)
    (output / "film.mp4").unlink(missing_ok=True)


def delete(file: Path) -> None:
    file.unlink()


def truncate(file: Path) -> None:
    file.chmod(0o644)
    os.truncate(file, file.stat().st_size // 2)


def flip(file: Path) -> None:
    """One bit, as an editor would: the file's time changes too."""
    file.chmod(0o644)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def rot(file: Path) -> None:
    """One bit, and nothing else tells of it."""
    there = file.stat()
    flip(file)
    os.utime(file, ns=(there.st_atime_ns, there.st_mtime_ns))


DAMAGES = [delete, pytest.param(truncate, marks=pytest.mark.slow), pytest.param(flip, marks=pytest.mark.slow)]


def step_of(path: Path, name: str, home: House) -> Step:
    return next(step for step in api.plan(path, YES, home).plan.steps if step.id == name)


def paid(path: Path) -> Decimal:
    """What the ledger says was charged."""
    entries = spending.entries(path.parent / ".rushes" / "ledger.sqlite3")
    return sum((entry.charged or D(0) for entry in entries), D(0))


@pytest.fixture
def tale(street: Street, path: Path) -> Any:
    """A street with a finished run of the recipe in it."""
    with street("seegen") as quarter:
        assert api.run(path, YES, quarter.house()).exit_code == 0
        yield quarter


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_the_service_still_has_is_fetched_again(damage: Callable[[Path], None], tale: Quarter, path: Path) -> None:
    """For nothing and without consent: no job, no charge, the same bytes, and what was made of it stays."""
    home = tale.house()
    artifact, file = stored(path, "dawn/generate", home)
    damage(file)
    without_copies(path)
    step = step_of(path, "dawn/generate", home)
    assert (step.action, step.price.high) == (Action.RESUME, 0)
    assert step.why == "its file is gone; seegen may still have it: it is fetched again"
    others = {s.id: s.action for s in api.plan(path, YES, home).plan.steps if s.id != "dawn/generate"}
    assert set(others.values()) == {Action.REUSE}
    ended = api.run(path, house=home)
    assert ended.exit_code == 0
    assert not any("other bytes" in warning for warning in ended.manifest["warnings"])
    assert Artifacts(path.parent / ".rushes" / "store").damaged(artifact) is None
    assert (len(creates(tale.stand)), charged(tale.stand), paid(path)) == (2, BOTH, BOTH)
    assert {shot["status"] for shot in ended.manifest["shots"]} == {"reused"}
    assert [shot["credits"]["charged"] for shot in ended.manifest["shots"]] == [DAWN, BOTH - DAWN]
    assert api.run(path, house=home).began is False


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["dawn/last_frame", "film"])
def test_what_was_made_here_is_made_again(name: str, damage: Callable[[Path], None], tale: Quarter, path: Path) -> None:
    """For nothing; the shot that was chained to the frame is left alone."""
    home = tale.house()
    artifact, file = stored(path, name, home)
    damage(file)
    without_copies(path)
    assert step_of(path, name, home).action is Action.RUN
    assert api.run(path, house=home).exit_code == 0
    assert Artifacts(path.parent / ".rushes" / "store").damaged(artifact) is None
    assert (len(creates(tale.stand)), paid(path)) == (2, BOTH)


def test_a_copy_in_the_output_goes_back_into_the_store(tale: Quarter, path: Path) -> None:
    """Before its service is asked, which has it no more: nothing is sent, and a plan writes nothing."""
    home = tale.house()
    artifact, file = stored(path, "dawn/generate", home)
    delete(file)
    tale.stand.faults.add("link_expired", times=None)
    asked = len(tale.stand.log)
    step = step_of(path, "dawn/generate", home)
    assert (step.action, step.why) == (Action.REUSE, "its file is put back from out/tale/shots/dawn.mp4")
    told = [f"dawn: in the store, {file} is gone; its file is put back from out/tale/shots/dawn.mp4"]
    assert api.verify(path.parent / "out" / "tale" / "manifest.json", YES, home) == told
    assert not file.exists()
    ended = api.run(path, house=home)
    assert (ended.exit_code, ended.began, len(tale.stand.log)) == (0, False, asked)
    assert Artifacts(path.parent / ".rushes" / "store").damaged(artifact) is None
    assert step_of(path, "dawn/generate", home).why.startswith("made ")


@pytest.mark.parametrize("other", ["edited", "linked"])
def test_what_only_looks_like_a_copy_never_enters_the_store(other: str, tale: Quarter, path: Path) -> None:
    """A file of the right name and size and other bytes, and a link to the right ones: the service is asked."""
    home = tale.house()
    file = stored(path, "dawn/generate", home)[1]
    delete(file)
    copy = path.parent / "out" / "tale" / "shots" / "dawn.mp4"
    if other == "edited":
        rot(copy)
    else:
        copy.symlink_to(copy.rename(path.parent / "elsewhere.mp4"))
    assert step_of(path, "dawn/generate", home).action is Action.RESUME


def bought_only_if_agreed(path: Path, home: House, quarter: Quarter, jobs: int) -> None:
    """After the service was asked in vain: the plan has the price and why, and money waits for a yes."""
    step = step_of(path, "dawn/generate", home)
    assert (step.action, step.price.high) == (Action.RUN, DAWN)
    assert step.why == "its file is gone, and seegen does not have it any more"
    with pytest.raises(DecisionNeeded):
        api.run(path, house=home)
    assert (len(creates(quarter.stand)), paid(path)) == (jobs, BOTH)
    assert api.run(path, YES, home).exit_code == 0
    assert (len(creates(quarter.stand)), paid(path)) == (jobs + 1, BOTH + DAWN)
    assert api.run(path, house=home).began is False


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_link_that_is_dead_is_written_down(damage: Callable[[Path], None], tale: Quarter, path: Path) -> None:
    """Also the fresh one: the shot fails, nothing is bought, and the next plan says what making it anew costs."""
    home = tale.house()
    damage(stored(path, "dawn/generate", home)[1])
    without_copies(path)
    tale.stand.faults.add("link_expired", times=None)
    ended = api.run(path, YES, home)
    (dawn, lamp) = ended.manifest["shots"]
    assert (ended.exit_code, dawn["status"], lamp["status"]) == (1, "failed", "reused")
    assert dawn["error"].startswith("its file is gone, and seegen does not have it any more")
    assert dawn["hint"].startswith("`rushes plan` says what making it anew costs")
    assert (len(creates(tale.stand)), paid(path)) == (2, BOTH)
    tale.stand.faults.clear()
    bought_only_if_agreed(path, home, tale, jobs=2)


def test_a_job_that_the_service_has_forgotten_is_written_down(street: Street, path: Path) -> None:
    """It was restarted and knows nothing any more."""
    with street("seegen") as quarter:
        assert api.run(path, YES, quarter.house()).exit_code == 0
        delete(stored(path, "dawn/generate", quarter.house())[1])
        without_copies(path)
    with street("seegen") as quarter:
        home = quarter.house()
        assert step_of(path, "dawn/generate", home).action is Action.RESUME
        assert api.run(path, YES, home).exit_code == 1
        bought_only_if_agreed(path, home, quarter, jobs=0)


@pytest.mark.slow
def test_a_service_that_is_down_for_a_moment_has_lost_nothing(tale: Quarter, path: Path) -> None:
    """What passes is not written down: the shot fails for now, and the next run asks again."""
    home = tale.house()
    delete(stored(path, "dawn/generate", home)[1])
    without_copies(path)
    tale.stand.faults.add("truncated_download", times=None)
    ended = api.run(path, YES, home)
    assert (ended.exit_code, ended.manifest["shots"][0]["status"]) == (1, "failed")
    assert step_of(path, "dawn/generate", home).action is Action.RESUME
    tale.stand.faults.clear()
    assert api.run(path, house=home).exit_code == 0
    assert (len(creates(tale.stand)), paid(path)) == (2, BOTH)


def test_rot_is_found_before_it_is_used(tale: Quarter, path: Path) -> None:
    """No frame is taken from a clip of other bytes than were made; that fails, and the next run mends it."""
    home = tale.house()
    rot(stored(path, "dawn/generate", home)[1])
    without_copies(path)
    path.write_text(path.read_text().replace("chain: dawn", "chain: {from: dawn, offset: 0.5s}"))
    ended = api.run(path, YES, home)
    assert (ended.exit_code, len(creates(tale.stand))) == (1, 2)
    assert "needs dawn/last_frame" in str(ended.manifest["shots"][1]["error"])
    assert step_of(path, "dawn/generate", home).action is Action.RESUME
    assert api.run(path, YES, home).exit_code == 0
    assert (len(creates(tale.stand)), paid(path)) == (3, BOTH + BOTH - DAWN)


def test_verify_tells_the_store_and_the_exports_apart(tale: Quarter, path: Path) -> None:
    """And what a run does about each; then it does just that."""
    home = tale.house()
    output = path.parent / "out" / "tale"
    manifest = output / "manifest.json"
    assert api.verify(manifest, YES, home) == []
    clip, frame = stored(path, "dawn/generate", home)[1], stored(path, "dawn/last_frame", home)[1]
    rot(clip)
    frame.unlink()
    rot(output / "shots" / "lamp.mp4")
    (output / "film.mp4").unlink()
    (output / "shots" / "dawn.mp4").unlink()
    assert api.verify(manifest, YES, home) == [
        "dawn: shots/dawn.mp4 is missing; it comes back with the one in the store",
        f"dawn: in the store, {clip} has other bytes than when it was kept; "
        "a run asks seegen for it again, for nothing",
        f"dawn: in the store, {frame} is gone; its file is put back from out/tale/frames/dawn.last.png",
        "lamp: shots/lamp.mp4 is not the file that was made: its digest differs; a run puts it back",
        "film: film.mp4 is missing; a run puts it back",
    ]
    assert api.run(path, house=home).exit_code == 0
    assert api.verify(manifest, YES, home) == []
    assert len(creates(tale.stand)) == 2


def test_verify_says_what_is_bought_again(tale: Quarter, path: Path) -> None:
    """Its price, and that a run asks first; the exported file is told apart."""
    home = tale.house()
    clip = stored(path, "dawn/generate", home)[1]
    clip.unlink()
    (path.parent / "out" / "tale" / "shots" / "dawn.mp4").unlink()
    tale.stand.faults.add("link_expired", times=None)
    output = path.parent / "out" / "tale"
    before = (output / "manifest.json").read_bytes()
    api.run(path, YES, home)
    with Ledger(path.parent / ".rushes" / "ledger.sqlite3", read_only=True) as ledger:
        first = ledger.runs()[-1].id
    assert first in before.decode()
    (output / "manifest.json").write_bytes(before)
    assert api.verify(output / "manifest.json", YES, home) == [
        "dawn: shots/dawn.mp4 is missing; it comes back with the one in the store",
        f"dawn: in the store, {clip} is gone; its file is gone, and seegen does not have it any more: "
        "a run makes it again for up to 160 seegen@rehearsal credits, and asks first",
    ]


def test_other_bytes_are_kept_and_told(
    path: Path, house: Callable[..., tuple[House, Till]], tmp_path: Path, clip: Path, moving: bytes
) -> None:
    """A service may make the file anew: it is taken as it is now, with a warning."""
    path.write_text(RECIPE.replace("seegen", "till").replace("film: true", ""))
    home, service = house()

    def consent(_: Desk, question: str) -> bool:
        return True

    api.run(path, house=home, consent=consent)
    delete(stored(path, "dawn/generate", home)[1])
    without_copies(path)
    service.clip = tmp_path / "other.mp4"
    service.clip.write_bytes(moving)
    for _ in range(2):
        ended = api.run(path, house=home)
        told = "dawn/generate: what till delivered again has other bytes than what it had delivered first."
        assert (ended.exit_code, told in ended.manifest["warnings"]) == (0, True)
    assert (path.parent / "out" / "tale" / "shots" / "dawn.mp4").read_bytes() == moving
    assert len(service.jobs) == 2
