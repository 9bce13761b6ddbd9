"""What the monkey found, each by its shortest sequence."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

from pipeline import api
from pipeline.desk import House
from pipeline.recover import recover
from pipeline.settle import Decision, Fate
from tests.test_session import ONE, YES, die, edit
from tests.till import Till

Write = Callable[..., Path]
MakeHouse = Callable[..., tuple[House, Till]]


def test_what_another_recipe_sent_is_recovered_by_the_one_that_waits_for_it(
    tmp_path: Path, write: Write, house: MakeHouse
) -> None:
    """Two recipes share a key, and the answer to the first one's request was lost: the second's user may decide."""
    home, service = house({"first": ["lost"]})
    (tmp_path / "other").mkdir()
    paths = [write(ONE), write(ONE, "other", tmp_path / "other")]
    yes = dataclasses.replace(YES, workspace=tmp_path / "shelf")
    assert [api.run(path, yes, home).exit_code for path in paths] == [4, 4]
    (case,) = recover(tmp_path / "shelf", home, recipe=paths[1])
    assert case.fate is Fate.ASKED
    adopt = Decision(step="a", way="adopt", task="job-1")
    (case,) = recover(tmp_path / "shelf", home, recipe=paths[1], decisions=[adopt])
    assert case.fate is Fate.ADOPTED
    assert [api.run(path, yes, home).exit_code for path in reversed(paths)] == [0, 0]
    assert len(service.jobs) == 1


def test_a_file_that_is_lost_is_fetched_from_the_account_that_paid_for_it(write: Write, house: MakeHouse) -> None:
    """Its shot names another account since: what the first one bought is not bought by the second, also under a cap."""
    path = write(ONE)
    home, service = house()
    both = dataclasses.replace(home, wires={"till": service, "purse": service})
    assert api.run(path, YES, both).exit_code == 0
    edit(path, "{id: a", "{id: a, account: purse")
    edit(path, "prompt: first}", "prompt: first}\n  - {id: z, account: purse, prompt: other}")
    lose(path.parent)
    ended = api.run(path, YES, both)
    assert (ended.exit_code, len(service.jobs)) == (0, 2)


def test_a_redo_fetches_what_was_paid_for_and_never_seen(write: Write, house: MakeHouse) -> None:
    """A death between the charge and its bytes: the clip that is named is the one that is to come; then one more."""
    path = write(ONE)
    home, service = house()
    die(path, YES, home, "Settled", "a/generate")
    redo = dataclasses.replace(YES, redo=("a",))
    assert (api.run(path, redo, home).exit_code, len(service.jobs)) == (0, 1)
    assert (api.run(path, redo, home).exit_code, len(service.jobs)) == (0, 2)


def test_a_redo_that_took_a_job_up_and_was_cut_short_is_still_one_wish(write: Write, house: MakeHouse) -> None:
    """The job was under way when its shot was named: named again, it is what came of that; then it is another wish."""
    path = write(ONE)
    home, service = house()
    redo = dataclasses.replace(YES, redo=("a",))
    die(path, YES, home, "Submitted", "a/generate")
    die(path, redo, home, "Succeeded", "a/generate")
    api.run(path, YES, home)
    assert [(api.run(path, redo, home).exit_code, len(service.jobs)) for _ in range(2)] == [(0, 1), (0, 2)]


def test_what_another_recipe_made_anew_is_what_the_manifest_tells_of(
    tmp_path: Path, write: Write, house: MakeHouse
) -> None:
    """A shared result was lost, its service had it no more, and the other recipe bought it again: with other bytes."""
    home, service = house()
    (tmp_path / "other").mkdir()
    paths = [write(ONE), write(ONE, "other", tmp_path / "other")]
    yes = dataclasses.replace(YES, workspace=tmp_path / "shelf")
    ended = api.run(paths[0], yes, home)
    shutil.rmtree(tmp_path / "shelf" / "store" / "sha256")
    service.clip = longer(service.clip, tmp_path / "longer.mp4")
    assert api.run(paths[1], yes, home).exit_code == 0
    assert api.run(paths[0], yes, home).exit_code == 0
    assert api.verify(ended.output / "manifest.json", yes, home) == []
    before = (ended.output / "manifest.json").stat().st_mtime_ns
    assert not api.run(paths[0], yes, home).began
    assert (ended.output / "manifest.json").stat().st_mtime_ns == before


def longer(clip: Path, to: Path) -> Path:
    """The same clip in other bytes."""
    to.write_bytes(clip.read_bytes() + b"\x00\x00\x00\x08free")
    return to


def lose(folder: Path) -> None:
    """Takes away every clip that is stored, and all that was put out of them."""
    shutil.rmtree(folder / "out")
    shutil.rmtree(folder / ".rushes" / "store" / "sha256")
