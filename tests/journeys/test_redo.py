"""What `--redo` buys again on services, and what it leaves alone."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import api
from pipeline.recover import recover
from pipeline.settle import Decision
from tests.conftest import rushes
from tests.journeys.services import YES, Quarter, Street, agree, creates, shots
from tests.journeys.test_signals import started, until

Write = Callable[[str], Path]

LARGER = """
defaults: {provider: seedance2-movie, duration: 4, resolution: 720p}
shots:
  - {id: a, prompt: waves, upscale: {to: 2k, by: service}}
"""
TAKES = """
defaults: {provider: naci, duration: 4, resolution: 720p}
shots:
  - {id: c, prompt: waves, takes: 2}
"""


def test_an_upscale_that_failed_is_sent_again_and_its_clip_is_kept(write: Write, street: Street) -> None:
    """`--redo a` of a finished clip whose upscale failed buys the upscale alone; named again, it buys the clip too."""
    path = write(LARGER)
    again = dataclasses.replace(YES, redo=("a",))
    with street("seedance2-movie", "seegen") as quarter:
        movie, seegen = (quarter.standing.stands[name] for name in ("seedance2-movie", "seegen"))
        seegen.faults.add("job_fails", times=2)
        assert api.run(path, YES, quarter.house()).exit_code == 1
        assert (len(creates(movie)), len(creates(seegen))) == (1, 1)
        assert api.run(path, again, quarter.house()).exit_code == 1
        assert (len(creates(movie)), len(creates(seegen))) == (1, 2)
        ended = api.run(path, again, quarter.house())
        assert ended.exit_code == 0
        assert (len(creates(movie)), len(creates(seegen))) == (1, 3)
        assert "upscaled" in shots(ended.manifest)["a"]["outputs"]
        assert not api.run(path, YES, quarter.house()).began
        assert api.run(path, again, quarter.house()).exit_code == 0
        assert (len(creates(movie)), len(creates(seegen))) == (2, 4)


def test_the_first_of_several_takes_is_named_alone(write: Write, street: Street) -> None:
    """`c` means every take of a shot, `c@1` its first."""
    path = write(TAKES)
    with street("naci") as quarter:
        quarter.stand.faults.add("job_fails")
        assert api.run(path, YES, quarter.house(widths={"naci": 1})).exit_code == 1
        ended = api.run(path, dataclasses.replace(YES, redo=("c@1",)), quarter.house())
        assert (ended.exit_code, len(creates(quarter.stand))) == (0, 3)


# cut short

ONE = "defaults: {{provider: {}, duration: 4, resolution: 720p}}\nshots: [{{id: a, prompt: the sea}}]\n"
PAID = ("--yes", "--max-credits", "1000")
ANEW = dataclasses.replace(YES, redo=("a",))


def killed(quarter: Quarter, path: Path, *words: str) -> None:
    """A redo whose request the service has, and whose process dies before it hears the answer."""
    quarter.stand.faults.add("slow_create", seconds=20)
    there = len(quarter.stand.desk.jobs)
    with started(quarter, "run", path, *PAID, *words) as process:
        until(lambda: len(quarter.stand.desk.jobs) > there)
        process.send_signal(signal.SIGKILL)
        assert process.wait(20) == -signal.SIGKILL
    quarter.stand.faults.clear()


@pytest.mark.parametrize("plain", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_redo_killed_before_its_answer_is_held_where_nothing_can_be_known(
    plain: bool, write: Write, street: Street
) -> None:
    """A service without a list: exit 4 however often it is typed, also after a run; adopted, it is what was wished."""
    path = write(ONE.format("seegen"))
    with street("seegen") as quarter:
        assert api.run(path, YES, quarter.house()).exit_code == 0
        killed(quarter, path, "--redo", "a")
        for wants in (*([YES] if plain else []), ANEW, ANEW):
            assert api.run(path, wants, quarter.house()).exit_code == 4
        assert len(quarter.bodies()) == 2
        job = list(quarter.stand.desk.jobs)[-1]
        recover(path.parent / ".rushes", quarter.house(), decisions=[Decision(step="a", way="adopt", task=job)])
        assert api.run(path, ANEW, quarter.house()).exit_code == 0
        assert len(quarter.bodies()) == 2
        agree(path.parent, quarter)


@pytest.mark.parametrize("plain", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_redo_killed_before_its_answer_is_found_by_its_list(plain: bool, write: Write, street: Street) -> None:
    """It is adopted and there, whether by a run in between or by itself; named once more, another is bought."""
    path = write(ONE.format("seedance2-movie"))
    with street("seedance2-movie") as quarter:
        old = shots(api.run(path, YES, quarter.house()).manifest)["a"]["key"]
        killed(quarter, path, "--redo", "a")
        for wants in (*([YES] if plain else []), ANEW):
            ended = api.run(path, wants, quarter.house())
            assert (ended.exit_code, shots(ended.manifest)["a"]["key"] != old) == (0, True)
        assert len(quarter.bodies()) == 2
        assert api.run(path, ANEW, quarter.house()).exit_code == 0
        assert len(quarter.bodies()) == 3
        agree(path.parent, quarter)


def test_two_redos_at_once_are_one(write: Write, street: Street) -> None:
    """The second ends with 5 and asks for nothing; the first finishes."""
    path = write(ONE.format("seegen"))
    with street("seegen") as quarter:
        assert api.run(path, YES, quarter.house()).exit_code == 0
        quarter.stand.faults.add("slow_create", seconds=2)
        with started(quarter, "run", path, *PAID, "--redo", "a") as first:
            until(lambda: len(quarter.bodies()) == 2)
            environ = {**quarter.house().environ, "PATH": "/usr/bin:/bin"}
            second = rushes("run", path, *PAID, "--redo", "a", env=environ)
            assert (second.returncode, "Traceback" in second.stderr) == (5, False), second.stderr
            assert first.wait(30) == 0
        assert len(quarter.bodies()) == 2


@pytest.mark.slow
def test_a_redo_in_a_stage_is_of_that_stage(write: Write, street: Street) -> None:
    """Cut short in the drafts, the same word without the stage is another wish."""
    path = write(ONE.format("seegen") + "stages: {draft: {resolution: 1080p}, final: {}}\n")
    draft, again = (dataclasses.replace(wants, stage="draft") for wants in (YES, ANEW))
    with street("seegen") as quarter:
        assert [api.run(path, wants, quarter.house()).exit_code for wants in (draft, YES)] == [0, 0]
        killed(quarter, path, "--redo", "a", "--stage", "draft")
        assert api.run(path, ANEW, quarter.house()).exit_code == 0
        assert len(quarter.bodies()) == 4
        assert api.run(path, again, quarter.house()).exit_code == 4
        assert len(quarter.bodies()) == 4


def test_an_upscale_of_a_fresh_clip_of_unknown_outcome_is_held_with_its_clip(write: Write, street: Street) -> None:
    """Neither the clip nor the upscale is bought again, also after a run; adopted, both are there."""
    path = write(LARGER)
    with street("seedance2-movie", "seegen") as quarter:
        movie, seegen = (quarter.standing.stands[name] for name in ("seedance2-movie", "seegen"))
        assert api.run(path, YES, quarter.house()).exit_code == 0
        seegen.faults.add("lost_create")
        for wants in (ANEW, ANEW, YES, ANEW):
            assert api.run(path, wants, quarter.house()).exit_code == 4
        assert (len(creates(movie)), len(creates(seegen))) == (2, 2)
        job = [job.id for job in seegen.desk.jobs.values() if job.kind == "upscale"][-1]
        recover(path.parent / ".rushes", quarter.house(), decisions=[Decision(step="a", way="adopt", task=job)])
        assert api.run(path, ANEW, quarter.house()).exit_code == 0
        assert (len(creates(movie)), len(creates(seegen))) == (2, 2)
        assert api.run(path, ANEW, quarter.house()).exit_code == 0
        assert (len(creates(movie)), len(creates(seegen))) == (3, 3)
