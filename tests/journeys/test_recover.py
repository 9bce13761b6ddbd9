"""Submissions whose answer was lost: found by the service's list, shown to be absent from it, or put to the user."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.documents import read_manifest
from pipeline.errors import UserError
from pipeline.events import Event, Refused, Settled, Submitted
from pipeline.recover import exit_code, recover
from pipeline.settle import Case, Decision, Fate
from tests.conftest import ROOT
from tests.journeys.services import COST, YES, Quarter, Street, charged, creates, ledger, money, shots

D = Decimal
Write = Callable[..., Path]

ONE = "defaults: {{provider: {}, duration: 4, resolution: 720p}}\nshots: [{{id: a, prompt: the sea at night}}]\n"
TWO = ONE.replace("]", ", {{id: b, chain: a, prompt: the sea at dawn}}]")
SAME_SEED = (
    ONE.format("seedance2-movie").replace("prompt", "seed: 7, prompt").replace("]", ", {id: b, seed: 7, prompt: x}]")
)
LISTED = ("seedance2-movie", "seedancee2")
TAKEN = ("lost_create", "server_error_after", "html_502_after")
NOT_TAKEN = ("cut_before", "server_error_before")


def settle(path: Path, quarter: Quarter, *decisions: Decision, **values: object) -> list[Case]:
    """One `recover` of this recipe."""
    return recover(path.parent / ".rushes", quarter.house(**values), recipe=path, decisions=decisions)  # type: ignore[arg-type]


def fates(cases: list[Case]) -> dict[str, Fate]:
    return {case.submission.step: case.fate for case in cases}


def happened(path: Path, kind: type[Event]) -> list[Event]:
    """Every event of a kind, of all runs."""
    with ledger(path.parent) as books:
        return [event for run in books.runs() for event in books.events(run.id) if isinstance(event, kind)]


def finishes(path: Path, quarter: Quarter, name: str, *, made: int, asked: int) -> None:
    """The next run is complete; so many jobs were made by so many requests, and both books say the same."""
    ended = api.run(path, YES, quarter.house())
    assert (ended.exit_code, ended.status) == (0, "complete")
    assert (len(quarter.stand.books()["jobs"]), len(creates(quarter.stand))) == (made, asked)
    spent = money(ended, name)
    assert [spent["charged"], spent["reserved"], spent["unknown"]] == [made * COST[name], 0, 0]
    if name != "naci":  # its books count in another unit
        assert charged(quarter.stand) == made * COST[name]
    assert settle(path, quarter) == []


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize("fault", TAKEN)
def test_a_job_whose_answer_was_lost_is_found_and_finished(name: str, fault: str, write: Write, street: Street) -> None:
    """Adopted by its mark, told once, paid once; the run goes on with it and makes what follows."""
    path = write(TWO.format(name))
    with street(name) as quarter:
        quarter.stand.faults.add(fault)
        assert api.run(path, YES, quarter.house()).exit_code == 4
        (case,) = settle(path, quarter)
        (job,) = quarter.stand.books()["jobs"]
        assert (case.submission.step, case.fate, case.job_id) == ("a/generate", Fate.ADOPTED, job["id"])
        assert settle(path, quarter) == []
        finishes(path, quarter, name, made=2, asked=2)
    assert len([event for event in happened(path, Submitted) if event.step == "a/generate"]) == 1  # type: ignore[union-attr]


@pytest.mark.parametrize("name", LISTED)
def test_a_request_that_never_arrived_is_released_and_sent_again(name: str, write: Write, street: Street) -> None:
    """Absent from two complete lists: its money is free, and the next run sends it, once."""
    path = write(ONE.format(name))
    with street(name) as quarter:
        quarter.stand.faults.add("cut_before")
        assert api.run(path, YES, quarter.house()).exit_code == 4
        began = time.monotonic()
        (case,) = settle(path, quarter)
        assert (case.fate, len(quarter.stand.log.of("list"))) == (Fate.RELEASED, 2)
        assert time.monotonic() - began >= 0.5
        told = api.status(path, YES, quarter.house())
        assert told["budget"]["by_account"][f"{name}@rehearsal"]["unknown"] == 0
        assert settle(path, quarter) == []
        finishes(path, quarter, name, made=1, asked=2)
    (event,) = happened(path, Refused)
    assert "twice absent" in event.error  # type: ignore[union-attr]


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize("fault", [*TAKEN, *NOT_TAKEN])
def test_a_run_settles_its_own_before_it_plans(name: str, fault: str, write: Write, street: Street) -> None:
    """One more `run` is enough: what a list shows needs nobody's word, and is told."""
    path = write(ONE.format(name))
    told: list[str] = []
    with street(name) as quarter:
        quarter.stand.faults.add(fault)
        assert api.run(path, YES, quarter.house()).exit_code == 4
        again = api.run(path, YES, quarter.house(), tell=told.append)
        assert (again.exit_code, len(quarter.stand.books()["jobs"])) == (0, 1)
        assert len(creates(quarter.stand)) == (1 if fault in TAKEN else 2)
        assert money(again, name)["charged"] == charged(quarter.stand) == COST[name]
    assert len(told) == 1
    assert told[0].startswith("a/generate was of unknown outcome: ")


def test_movies_full_house_without_an_id_is_looked_up(write: Write, street: Street) -> None:
    """CONCURRENCY_LIMIT_REACHED without a task: the newest tasks are listed before anything is sent again (B8)."""
    path = write(ONE.format("seedance2-movie"))
    with street("seedance2-movie") as quarter:
        quarter.stand.faults.add("concurrency_without_id")
        assert api.run(path, YES, quarter.house()).exit_code == 4
        assert fates(settle(path, quarter)) == {"a/generate": Fate.ADOPTED}
        finishes(path, quarter, "seedance2-movie", made=1, asked=1)


def test_two_jobs_that_may_be_either_are_put_to_the_user(write: Write, street: Street) -> None:
    """Two shots with one seed, both lost: never guessed, named both, and each adopted by the user's word."""
    path = write(SAME_SEED)
    with street("seedance2-movie") as quarter:
        quarter.stand.faults.add("lost_create", times=2)
        assert api.run(path, YES, quarter.house()).exit_code == 4
        jobs = {job.body["content"][-1]["text"]: job.id for job in quarter.stand.desk.jobs.values()}
        cases = settle(path, quarter)
        assert fates(cases) == {"a/generate": Fate.ASKED, "b/generate": Fate.ASKED}
        for case in cases:
            assert {found.job_id for found in case.candidates} == set(jobs.values())
            assert all(name in case.told for name in jobs.values())
        assert exit_code(cases) == 4
        assert api.run(path, YES, quarter.house()).exit_code == 4
        both = [
            Decision(step=s, way="adopt", task=jobs[p]) for s, p in (("a", "the sea at night"), ("b/generate", "x"))
        ]
        assert set(fates(settle(path, quarter, *both)).values()) == {Fate.ADOPTED}
        finishes(path, quarter, "seedance2-movie", made=2, asked=2)


def test_one_job_that_two_requests_may_have_made_is_nobodys(write: Write, street: Street) -> None:
    """Two shots with one seed, of which one never arrived: the job may show either shot."""
    path = write(SAME_SEED)
    with street("seedance2-movie") as quarter:
        quarter.stand.faults.add("cut_before", match="sea at night")
        quarter.stand.faults.add("lost_create", match='"x"')
        assert api.run(path, YES, quarter.house()).exit_code == 4
        (job,) = quarter.stand.desk.jobs.values()
        cases = settle(path, quarter)
        assert fates(cases) == {"a/generate": Fate.ASKED, "b/generate": Fate.ASKED}
        assert "may as well be that of b/generate" in cases[0].told
        told = settle(path, quarter, Decision(step="b", way="adopt", task=job.id))
        assert fates(told) == {"a/generate": Fate.RELEASED, "b/generate": Fate.ADOPTED}
        finishes(path, quarter, "seedance2-movie", made=2, asked=3)


def crowd(quarter: Quarter, count: int) -> None:
    """So many later jobs of others on the account, all over."""
    desk = quarter.stand.desk
    (job,) = desk.jobs.values()
    for number in range(count):
        extra = {**job.extra, "seed": 1000 + number, "metadata": {"customer_job_id": f"other {number}"}}
        created = job.created + number + 1
        desk.change(job, id=f"other-{number}", stage="cancelled", extra=extra, created=created, price=D(0), held=D(0))


def test_a_job_is_found_on_a_later_page(write: Write, street: Street) -> None:
    """Movie's list is read on, a hundred a page, until the job is in sight."""
    path = write(ONE.format("seedance2-movie"))
    with street("seedance2-movie", seconds_per_job=0.3) as quarter:
        quarter.stand.faults.add("lost_create")
        assert api.run(path, YES, quarter.house()).exit_code == 4
        crowd(quarter, 230)
        assert fates(settle(path, quarter)) == {"a/generate": Fate.ADOPTED}
        assert [entry.query for entry in quarter.stand.log.of("list")] == [f"page={n}&page_size=100" for n in (1, 2, 3)]


def test_a_list_that_does_not_go_back_far_enough_proves_nothing(write: Write, street: Street) -> None:
    """Seedancee2 shows a hundred jobs and no way to the others (C5): a job beyond them is not taken for absent."""
    path = write(ONE.format("seedancee2"))
    with street("seedancee2", seconds_per_job=0.3) as quarter:
        quarter.stand.faults.add("lost_create")
        assert api.run(path, YES, quarter.house()).exit_code == 4
        (job,) = quarter.stand.desk.jobs
        crowd(quarter, 100)
        (case,) = settle(path, quarter)
        assert case.fate is Fate.ASKED
        assert "does not show that it goes back so far" in case.told
        assert fates(settle(path, quarter, Decision(step="a", way="adopt", task=job))) == {"a/generate": Fate.ADOPTED}


@pytest.mark.parametrize("name", ["seegen", "naci"])
def test_without_a_list_only_the_user_can_say(name: str, write: Write, street: Street) -> None:
    """Asked, and what is left of SeeGen's credits is shown; the task that the user names is finished and paid once."""
    path = write(ONE.format(name))
    with street(name, credits=D(1000)) as quarter:
        quarter.stand.faults.add("lost_create")
        assert api.run(path, YES, quarter.house()).exit_code == 4
        time.sleep(0.2)
        (case,) = settle(path, quarter)
        assert (case.fate, exit_code([case])) == (Fate.ASKED, 4)
        assert case.left == (D(840) if name == "seegen" else None)
        assert "has no list of jobs" in case.told
        with pytest.raises(UserError, match=f"{name} knows no task cgt-nobody"):
            settle(path, quarter, Decision(step="a", way="adopt", task="cgt-nobody"))
        assert happened(path, Submitted) == []
        (job,) = quarter.stand.desk.jobs
        (case,) = settle(path, quarter, Decision(step="a/generate", way="adopt", task=job))
        assert (case.fate, case.job_id) == (Fate.ADOPTED, job)
        finishes(path, quarter, name, made=1, asked=1)


@pytest.mark.parametrize("name", ["seegen", "naci"])
def test_what_the_user_says_was_not_taken_is_sent_again(name: str, write: Write, street: Street) -> None:
    """Its reservation is free at once; the next run sends it again, once."""
    path = write(ONE.format(name))
    with street(name) as quarter:
        quarter.stand.faults.add("cut_before")
        assert api.run(path, YES, quarter.house()).exit_code == 4
        (case,) = settle(path, quarter, Decision(step="a", way="resubmit"))
        assert case.fate is Fate.RELEASED
        finishes(path, quarter, name, made=1, asked=2)
    (event,) = happened(path, Refused)
    assert event.error == "The user says that it was not taken."  # type: ignore[union-attr]


def test_what_the_list_shows_is_not_sent_again_though_the_user_says_so(write: Write, street: Street) -> None:
    """`--resubmit` of a job that is plainly there adopts it: it is paid once."""
    path = write(ONE.format("seedancee2"))
    with street("seedancee2") as quarter:
        quarter.stand.faults.add("lost_create")
        assert api.run(path, YES, quarter.house()).exit_code == 4
        assert fates(settle(path, quarter, Decision(step="a", way="resubmit"))) == {"a/generate": Fate.ADOPTED}
        finishes(path, quarter, "seedancee2", made=1, asked=1)


@pytest.mark.parametrize("name", ["seegen", "seedancee2"])
def test_what_is_written_off_counts_as_spent_and_is_made_anew(name: str, write: Write, street: Street) -> None:
    """Our books then say twice what the service charged at most: the user's word is the source, and caps hold."""
    path = write(ONE.format(name))
    with street(name) as quarter:
        quarter.stand.faults.add("cut_before")
        assert api.run(path, YES, quarter.house()).exit_code == 4
        (case,) = settle(path, quarter, Decision(step="a", way="write-off"))
        assert case.fate is Fate.WRITTEN_OFF
        assert settle(path, quarter) == []
        ended = api.run(path, YES, quarter.house())
        assert (ended.exit_code, charged(quarter.stand)) == (0, COST[name])
        spent = money(ended, name)
        assert [spent["charged"], spent["unknown"], spent["reserved"]] == [2 * COST[name], 0, 0]
        attempts = shots(ended.manifest)["a"]["attempts"]
        assert [(one["status"], one["source"]) for one in attempts] == [("failed", "user"), ("succeeded", name)]
    assert len([event for event in happened(path, Settled) if event.source == "user"]) == 1  # type: ignore[union-attr]


@pytest.mark.parametrize("way", ["resubmit", "write-off"])
def test_what_is_settled_after_the_end_of_a_run_is_told_by_its_documents(
    way: Any, write: Write, street: Street
) -> None:
    """The shot was made otherwise since: nothing is sent again; manifest, page and the next run say what it cost."""
    path = write(ONE.format("naci"))
    with street("naci") as quarter:
        home = quarter.house()
        quarter.stand.faults.add("cut_before")
        assert api.run(path, YES, home).exit_code == 4
        path.write_text(path.read_text().replace("prompt: ", "prompt: once more "))
        ended = api.run(path, YES, home)
        assert money(ended, "naci")["unknown"] == COST["naci"]
        (case,) = settle(path, quarter, Decision(step="a", way=way))
        assert case.told.endswith("a/generate has another result by now")
        manifest = read_manifest(ended.output / "manifest.json")
        told = manifest["budget"]["by_account"]["naci@rehearsal"]
        charged = COST["naci"] * (2 if way == "write-off" else 1)
        assert (told["charged"], told["unknown"], told["reserved"]) == (charged, 0, 0)
        assert manifest["run"]["status"] == ended.status
        again = api.run(path, YES, home)
        assert (again.began, again.manifest["budget"], len(creates(quarter.stand))) == (False, manifest["budget"], 2)


def test_documents_that_a_recovery_could_not_write_are_mended_by_the_next_report(write: Write, street: Street) -> None:
    """It says why they are old; the page is then made from what the ledger knows."""
    path = write(ONE.format("naci"))
    with street("naci") as quarter:
        home, heard = quarter.house(), []
        quarter.stand.faults.add("cut_before")
        output = api.run(path, YES, home).output
        text = path.read_text()
        path.write_text("rushes: 2")
        decision = Decision(step="a", way="write-off")
        recover(path.parent / ".rushes", home, recipe=path, decisions=[decision], tell=heard.append)
        assert heard[0].startswith(f"The page and the manifest in {output} do not tell of it yet: ")
        path.write_text(text)
        api.report(output / "manifest.json", house=home)
    told = read_manifest(output / "manifest.json")["budget"]["by_account"]["naci@rehearsal"]
    assert (told["charged"], told["unknown"]) == (COST["naci"], 0)


def test_an_upscale_is_looked_for_where_upscales_are(write: Write, street: Street) -> None:
    """SeeGen's upscaler has another query than its videos: a task of the one is not known to the other."""
    path = write(ONE.format("seedance2-movie").replace("prompt", "upscale: 2k, prompt"))
    with street("seegen", "seedance2-movie") as quarter:
        quarter.stand.faults.add("lost_create", match="upscale")
        assert api.run(path, YES, quarter.house()).exit_code == 4
        (case,) = settle(path, quarter)
        assert (case.name, case.fate) == ("a/upscale", Fate.ASKED)
        (job,) = (job.id for job in quarter.stand.desk.jobs.values() if job.kind == "upscale")
        assert fates(settle(path, quarter, Decision(step="a", way="adopt", task=job))) == {"a/upscale": Fate.ADOPTED}
        ended = api.run(path, YES, quarter.house())
        assert (ended.exit_code, len(creates(quarter.stand))) == (0, 1)


@pytest.mark.slow
def test_a_service_that_cannot_be_asked_is_told_and_left(write: Write, street: Street) -> None:
    """No key, another key, an answer that says nothing: exit 4, nothing concluded; a run passes over it too."""
    path = write(ONE.format("seedancee2"))
    with street("seedancee2") as quarter:
        quarter.stand.faults.add("lost_create")
        assert api.run(path, YES, quarter.house()).exit_code == 4
        for key in ("", "sk_seedancee2_nobody"):
            (case,) = settle(path, quarter, environ={"SEEDANCEE2_API_KEY": key})
            assert (case.fate, exit_code([case])) == (Fate.LEFT, 4)
            assert "SEEDANCEE2_API_KEY" in case.told or "API key" in case.told
            assert "sk_seedancee2_nobody" not in case.told
        quarter.stand.faults.add("error_in_200", on="list", times=None)
        (case,) = settle(path, quarter)
        assert case.fate is Fate.LEFT
        assert api.run(path, YES, quarter.house()).exit_code == 4
        quarter.stand.faults.clear()
        finishes(path, quarter, "seedancee2", made=1, asked=1)


def test_a_list_of_another_account_proves_nothing(write: Write, street: Street) -> None:
    """A key of somebody else lists none of our jobs: what is absent there was not refused."""
    path = write(TWO.format("seedancee2").replace("chain: a, ", ""))
    with street("seedancee2") as quarter:
        quarter.stand.faults.add("lost_create", match="at night")
        assert api.run(path, YES, quarter.house(widths={"seedancee2": 1})).exit_code == 4
        (case,) = settle(path, quarter, environ={"SEEDANCEE2_API_KEY": quarter.stand.keys[1]})
        assert case.fate is Fate.ASKED
        assert "lacks the job" in case.told
        finishes(path, quarter, "seedancee2", made=2, asked=2)


def test_two_at_once_settle_it_once(write: Write, street: Street) -> None:
    """Whoever comes second is told that another is at work, or finds nothing to do; one event is written."""
    path = write(ONE.format("seedance2-movie"))
    with street("seedance2-movie") as quarter:
        quarter.stand.faults.add("cut_before")
        assert api.run(path, YES, quarter.house()).exit_code == 4
        found: list[list[Case]] = []
        threads = [threading.Thread(target=lambda: found.append(settle(path, quarter))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(case.fate for cases in found for case in cases) == [Fate.AT_WORK, Fate.AT_WORK, Fate.RELEASED]
        assert len(happened(path, Refused)) == 1
        finishes(path, quarter, "seedance2-movie", made=1, asked=2)


@contextmanager
def started(quarter: Quarter, *words: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command as a process of its own, until the block ends."""
    environ = {**quarter.house().environ, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "pipeline", *map(str, words)]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(true: Callable[[], object]) -> None:
    for _ in range(6000):
        if true():
            return
        time.sleep(0.005)
    raise AssertionError


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize(("fault", "fate"), [("slow_create", Fate.ADOPTED), ("hung_before", Fate.RELEASED)])
def test_killed_before_the_answer(name: str, fault: str, fate: Fate, write: Write, street: Street) -> None:
    """`kill -9` between the request and its answer: told as at work before, and settled after; made once."""
    path = write(ONE.format(name))
    with street(name) as quarter:
        quarter.stand.faults.add(fault, seconds=30)
        with started(quarter, "run", path, "--yes", "--max-credits", "1000") as process:
            until(lambda: quarter.stand.faults.struck if fault == "hung_before" else quarter.stand.desk.jobs)
            cases = settle(path, quarter)
            assert (fates(cases), exit_code(cases)) == ({"a/generate": Fate.AT_WORK}, 5)
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert fates(settle(path, quarter)) == {"a/generate": fate}
        ended = api.run(path, YES, quarter.house())
        assert (ended.exit_code, len(quarter.stand.books()["jobs"])) == (0, 1)
        assert money(ended, name)["charged"] == charged(quarter.stand) == COST[name]


def test_killed_while_it_recovers(write: Write, street: Street) -> None:
    """A recovery that dies between its two looks has decided nothing; the next one begins anew."""
    path = write(ONE.format("seedancee2"))
    with street("seedancee2") as quarter:
        quarter.stand.faults.add("cut_before")
        assert api.run(path, YES, quarter.house()).exit_code == 4
        with started(quarter, "recover", path) as process:
            until(lambda: quarter.stand.log.of("list"))
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert happened(path, Refused) == []
        assert fates(settle(path, quarter)) == {"a/generate": Fate.RELEASED}
        finishes(path, quarter, "seedancee2", made=1, asked=2)
