"""What services still have of a run is cancelled where they can, and both books say the same whatever they answer."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.cancel import Cancelling, cancel
from pipeline.desk import Wants
from pipeline.documents import read_manifest
from pipeline.errors import Held
from pipeline.events import Cancelled, Event, Settled, Started
from pipeline.session import Outcome
from pipeline.stopping import End
from tests.conftest import ROOT
from tests.journeys.services import COST, YES, Quarter, Street, charged, creates, ledger, money, shots

D = Decimal
MOVIE = "seedance2-movie"
NOTHING = D(0)
Write = Callable[..., Path]

ONE = "defaults: {{provider: {}, duration: 4, resolution: 720p}}\nshots: [{{id: a, prompt: the sea at night}}]\n"
THREE = ONE.replace("]", ", {{id: b, chain: a, prompt: dawn}}, {{id: c, prompt: a gull}}]")


def left(path: Path, quarter: Quarter, jobs: int = 1, code: int = 1) -> Outcome:
    """A run of which services still have this many jobs, which take a minute; nobody waits for them any more."""
    quarter.stand.faults.add("slow_job", times=jobs, seconds=60)
    ended = api.run(path, YES, quarter.house(video_seconds=0.3))
    assert ended.exit_code == code
    return ended


def stop(path: Path, quarter: Quarter, **values: Any) -> Cancelling:
    """One `cancel` of this recipe's latest run."""
    return cancel(path.parent / ".rushes", quarter.house(), recipe=path, **{"yes": True, **values})


def ends(ended: Cancelling) -> dict[str, End]:
    return {job.submission.step: job.end for job in ended.jobs}


def told(path: Path) -> dict[str, Any]:
    """The shots of the manifest that lies there, which is what `status` tells too."""
    manifest = read_manifest(path.parent / "out" / "tale" / "manifest.json")
    return shots(manifest)


def happened(path: Path, kind: type[Event]) -> list[Any]:
    """Every event of a kind, of all runs."""
    with ledger(path.parent) as books:
        return [event for run in books.runs() for event in books.events(run.id) if isinstance(event, kind)]


def agree(path: Path, quarter: Quarter, reserved: Decimal = NOTHING) -> None:
    """The ledger has charged what the service has, and holds this much beside it."""
    with ledger(path.parent) as books:
        (held,) = books.held([("2000-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z")])
        assert sum((one.credits for one in held.values()), NOTHING) == charged(quarter.stand) + reserved
    spent = sum((event.charged for event in happened(path, Settled)), D(0))
    assert spent == charged(quarter.stand)


def finishes(path: Path, quarter: Quarter, *, made: int, asked: int) -> Outcome:
    """The next run is complete; so many results were charged for, so many requests were sent."""
    ended = api.run(path, YES, quarter.house())
    assert (ended.exit_code, ended.status) == (0, "complete")
    assert len(creates(quarter.stand)) == asked
    spent = money(ended, MOVIE)
    assert [spent["charged"], spent["reserved"], spent["unknown"]] == [made * COST[MOVIE], 0, 0]
    assert charged(quarter.stand) == made * COST[MOVIE]
    assert stop(path, quarter).jobs == ()
    return ended


def test_what_was_cancelled_costs_nothing_and_is_made_when_asked_for_again(write: Write, street: Street) -> None:
    """Told in the documents; what waited for it is not begun; the same run submits it as another attempt."""
    path = write(THREE.format(MOVIE))
    with street(MOVIE) as quarter:
        began = left(path, quarter, jobs=2)
        ended = stop(path, quarter)
        assert ends(ended) == {"a/generate": End.CANCELLED, "c/generate": End.CANCELLED}
        assert (ended.exit_code, ended.stale, ended.run.id) == (0, "", began.manifest["run"]["id"])
        found = told(path)
        assert {name: shot["status"] for name, shot in found.items()} == {
            "a": "cancelled",
            "b": "pending",
            "c": "cancelled",
        }
        assert [(one["status"], one["charged"]) for one in found["a"]["attempts"]] == [("cancelled", 0)]
        status = api.status(path, YES, quarter.house())
        assert (status["run"]["status"], list(shots(status).values())) == ("partial", list(found.values()))
        assert [job["stage"] for job in quarter.stand.books()["jobs"]] == ["cancelled"] * 2
        agree(path, quarter)
        plan = api.plan(path, YES, quarter.house()).plan
        assert plan.totals().credits == {f"{MOVIE}@rehearsal": 3 * COST[MOVIE]}
        again = finishes(path, quarter, made=3, asked=5)
    assert again.manifest["run"]["id"] == began.manifest["run"]["id"]
    tried = [one for one in shots(again.manifest)["a"]["attempts"] if one["account"]]
    assert [(one["status"], one["charged"]) for one in tried] == [("cancelled", 0), ("succeeded", COST[MOVIE])]
    assert sorted(event.attempt for event in happened(path, Started) if event.account) == [1, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("fault", "values"),
    [
        ("cancel_slow", {}),
        ("lost_create", {"on": "cancel"}),
        ("cut_before", {"on": "cancel"}),
        ("html_502_after", {"on": "cancel"}),
        ("not_json", {"on": "cancel"}),
        ("not_json", {"on": "query"}),
        ("rate_limited", {"on": "cancel", "retry_after": 1}),
        ("error_in_200", {"on": "cancel"}),
        ("odd_case", {}),
        ("extra_fields", {}),
    ],
)
def test_an_answer_that_is_lost_or_odd_changes_nothing(
    fault: str, values: dict[str, Any], write: Write, street: Street
) -> None:
    """Asked again, and believed only where the job itself is cancelled; booked once."""
    path = write(ONE.format(MOVIE))
    with street(MOVIE) as quarter:
        left(path, quarter)
        quarter.stand.faults.add(fault, **values)
        assert ends(stop(path, quarter)) == {"a/generate": End.CANCELLED}
        assert fault in quarter.stand.faults.struck
        assert stop(path, quarter).jobs == ()
        assert len(happened(path, Cancelled)) == 1
        agree(path, quarter)
        finishes(path, quarter, made=1, asked=2)


@pytest.mark.parametrize("errors", ["body", "status"])
def test_a_job_that_is_not_cancelled_goes_on_and_is_paid_once(errors: str, write: Write, street: Street) -> None:
    """Refused because it runs: its money stays reserved, and the next run takes it up."""
    path = write(ONE.format(MOVIE))
    with street(MOVIE, movie_errors=errors) as quarter:
        quarter.stand.faults.add("slow_job", seconds=2)
        assert api.run(path, YES, quarter.house(video_seconds=0.3)).exit_code == 1
        quarter.stand.faults.add("cancel_refused")
        ended = stop(path, quarter)
        assert (ends(ended), ended.exit_code) == ({"a/generate": End.GOES_ON}, 1)
        assert "TASK_CANCEL_NOT_ALLOWED" in ended.jobs[0].told
        agree(path, quarter, reserved=COST[MOVIE])
        assert told(path)["a"]["status"] == "pending"
        finishes(path, quarter, made=1, asked=1)


def test_a_job_that_had_finished_is_paid_and_fetched_by_the_next_run(write: Write, street: Street) -> None:
    """Its charge is booked by the cancel; its clip comes with the next run, and is not bought again."""
    path = write(ONE.format(MOVIE))
    with street(MOVIE) as quarter:
        quarter.stand.faults.add("slow_job", seconds=1)
        assert api.run(path, YES, quarter.house(video_seconds=0.3)).exit_code == 1
        time.sleep(1.2)
        ended = stop(path, quarter)
        assert (ends(ended), ended.exit_code) == ({"a/generate": End.FINISHED}, 0)
        assert (
            ended.jobs[0].told
            == f"it had finished before: {MOVIE} charged 7.2 credits for it; the next run takes it up"
        )
        assert told(path)["a"]["credits"]["charged"] == COST[MOVIE] == charged(quarter.stand)
        finishes(path, quarter, made=1, asked=1)


def test_a_job_that_had_failed_is_told_by_the_next_run(write: Write, street: Street) -> None:
    """Nothing was charged; what failed for good stands for its key, as if nobody had wished to cancel it."""
    path = write(ONE.format(MOVIE))
    with street(MOVIE) as quarter:
        quarter.stand.faults.add("slow_job", seconds=1)
        quarter.stand.faults.add("moderated_later")
        assert api.run(path, YES, quarter.house(video_seconds=0.3)).exit_code == 1
        time.sleep(1.2)
        assert ends(stop(path, quarter)) == {"a/generate": End.FINISHED}
        agree(path, quarter)
        again = api.run(path, YES, quarter.house())
        assert (again.exit_code, shots(again.manifest)["a"]["status"]) == (1, "failed")
        assert len(creates(quarter.stand)) == 1


@pytest.mark.parametrize("name", ["seegen", "seedancee2", "naci"])
def test_a_service_that_cannot_cancel_is_asked_nothing(name: str, write: Write, street: Street) -> None:
    """Said for each job, with what it may cost; the next run takes it up."""
    path = write(ONE.format(name))
    with street(name) as quarter:
        quarter.stand.faults.add("slow_job", seconds=2)
        assert api.run(path, YES, quarter.house(video_seconds=0.3)).exit_code == 1
        asked = len(quarter.stand.log)
        ended = stop(path, quarter, yes=False)
        assert (ends(ended), ended.exit_code) == ({"a/generate": End.GOES_ON}, 1)
        assert ended.jobs[0].told.startswith(f"{name} cannot cancel a job: it goes on, for up to {COST[name]} credits")
        assert len(quarter.stand.log) == asked
        ended_well = api.run(path, YES, quarter.house())
        assert (ended_well.exit_code, len(creates(quarter.stand))) == (0, 1)


def test_what_nobody_knows_is_left_to_recover(write: Write, street: Street) -> None:
    """Named, exit 4; the other job is cancelled all the same."""
    path = write(THREE.format(MOVIE))
    with street(MOVIE) as quarter:
        quarter.stand.faults.add("lost_create", match="at night")
        left(path, quarter, jobs=2, code=4)
        ended = stop(path, quarter)
        assert (ends(ended), ended.exit_code) == ({"a/generate": End.UNKNOWN, "c/generate": End.CANCELLED}, 4)
        agree(path, quarter, reserved=COST[MOVIE])
        assert [shot["status"] for shot in told(path).values()] == ["unknown", "pending", "cancelled"]


def test_one_shot_alone_is_cancelled(write: Write, street: Street) -> None:
    """The jobs of the others are left as they are."""
    path = write(THREE.format(MOVIE))
    with street(MOVIE) as quarter:
        left(path, quarter, jobs=2)
        assert ends(stop(path, quarter, only=["c"])) == {"c/generate": End.CANCELLED}
        agree(path, quarter, reserved=COST[MOVIE])
        assert [shot["status"] for shot in told(path).values()] == ["pending", "pending", "cancelled"]
        assert ends(stop(path, quarter)) == {"a/generate": End.CANCELLED}
        agree(path, quarter)


def test_a_recipe_that_has_changed_or_gone_is_cancelled_all_the_same(write: Write, street: Street) -> None:
    """What is at the service is cancelled by the ledger; documents that cannot be made are said to be old."""
    path = write(ONE.format(MOVIE))
    with street(MOVIE) as quarter:
        left(path, quarter)
        path.write_text("shots: [")
        ended = stop(path, quarter)
        assert (ends(ended), ended.exit_code) == ({"a/generate": End.CANCELLED}, 0)
        assert ended.stale
        agree(path, quarter)
        write(ONE.format(MOVIE))
        assert (stop(path, quarter).stale, told(path)["a"]["status"]) == ("", "cancelled")


def test_a_leftover_of_a_changed_shot_is_cancelled_and_the_run_stays_complete(write: Write, street: Street) -> None:
    """The job of the earlier words is out there still, though the run has all that it now makes."""
    path = write(ONE.format(MOVIE))
    with street(MOVIE) as quarter:
        left(path, quarter)
        write(ONE.format(MOVIE).replace("night", "noon"))
        assert api.run(path, YES, quarter.house()).exit_code == 0
        ended = stop(path, quarter)
        assert (ends(ended), ended.run.status, ended.stale) == ({"a/generate": End.CANCELLED}, "complete", "")
        agree(path, quarter)
        again = api.run(path, YES, quarter.house())
        assert (again.began, again.exit_code, told(path)["a"]["status"]) == (False, 0, "done")


def test_a_dated_run_has_its_documents_where_they_are(write: Write, street: Street) -> None:
    """Variables, date and folder are those that the run was asked for with."""
    path = write(
        ONE.format(MOVIE)
        .replace("the sea at night", "'the {{ place }} at night'")
        .replace("defaults", "vars: {place: x}\ndefaults")
    )
    wants = Wants(yes=True, max_each=YES.max_each, date="2026-01-02", variables={"place": "harbour"})
    with street(MOVIE) as quarter:
        quarter.stand.faults.add("slow_job", seconds=60)
        assert api.run(path, wants, quarter.house(video_seconds=0.3)).exit_code == 1
        ended = stop(path, quarter)
        assert (ends(ended), ended.stale) == ({"a/generate": End.CANCELLED}, "")
        manifest = read_manifest(path.parent / "out" / "tale" / "2026-01-02" / "manifest.json")
        assert (shots(manifest)["a"]["status"], shots(manifest)["a"]["prompt"]) == ("cancelled", "the harbour at night")


def test_what_was_cancelled_elsewhere_ends_a_run_without_a_failure(write: Write, street: Street) -> None:
    """In the service's own console, while a run waits: partial, exit 1, and not repeated though `retry` allows it."""
    path = write(ONE.format(MOVIE).replace("prompt", "retry: 2, prompt"))
    with street(MOVIE) as quarter:
        left(path, quarter)
        (job,) = quarter.stand.desk.jobs.values()
        quarter.stand.desk.finish(job, "cancelled")
        ended = api.run(path, YES, quarter.house())
        assert (ended.exit_code, ended.status) == (1, "partial")
        assert shots(ended.manifest)["a"]["status"] == "cancelled"
        assert len(creates(quarter.stand)) == 1
        agree(path, quarter)
        finishes(path, quarter, made=1, asked=2)


def started(quarter: Quarter, *words: str | Path) -> subprocess.Popen[str]:
    environ = {**quarter.house().environ, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    return subprocess.Popen([sys.executable, *map(str, words)], env=environ, stdout=subprocess.PIPE, text=True)


def until(true: Callable[[], object]) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError


def test_a_run_at_work_is_stopped_first(write: Write, street: Street) -> None:
    """Exit 5 with the process that has it; Ctrl-C leaves its job running, and then it can be cancelled."""
    path = write(ONE.format(MOVIE))
    with street(MOVIE) as quarter:
        quarter.stand.faults.add("slow_job", seconds=60)
        process = started(quarter, "-m", "pipeline", "run", path, "--yes", "--max-credits", "1000")
        try:
            until(lambda: quarter.stand.log.of("query"))
            with pytest.raises(Held) as held:
                stop(path, quarter)
            assert f"kill -INT {process.pid}" in held.value.hint
            assert len(quarter.stand.log.of("cancel")) == 0
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130
        finally:
            process.kill()
            process.communicate()
        assert told(path)["a"]["status"] == "pending"
        assert ends(stop(path, quarter)) == {"a/generate": End.CANCELLED}
        agree(path, quarter)
        finishes(path, quarter, made=1, asked=2)


def kill(quarter: Quarter, path: Path, at: int) -> subprocess.CompletedProcess[str]:
    """A cancel that is killed at its nth moment; at 0 it is not."""
    process = started(quarter, Path(__file__).with_name("killed_cancel.py"), path, str(at))
    out, _ = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out)


@pytest.mark.slow
@pytest.mark.parametrize("again", ["cancel", "run"])
def test_killed_at_any_moment_it_ends_right(again: str, write: Write, street: Street) -> None:
    """Whether it is cancelled again or the run goes on: one end for the job, both books the same, made once after."""
    path = write(ONE.format(MOVIE))
    with street(MOVIE) as quarter:
        left(path, quarter)
        moments = int(kill(quarter, path, 0).stdout)
        assert moments >= 8
        for at in range(1, moments + 1):
            left(path, quarter)
            assert kill(quarter, path, at).returncode == -signal.SIGKILL
            before = len(creates(quarter.stand))
            if again == "cancel":
                assert stop(path, quarter).stale == ""
            else:
                # What was not heard to be cancelled is waited for, or was and is told as such.
                ended = api.run(path, Wants(), quarter.house(video_seconds=0.3)) if _pending(path) else None
                assert ended is None or ended.exit_code == 1
                stop(path, quarter)
            assert len(creates(quarter.stand)) == before
            assert (told(path)["a"]["status"], _pending(path)) == ("cancelled", 0)
            agree(path, quarter)
        assert len(happened(path, Cancelled)) == moments + 1
        finishes(path, quarter, made=1, asked=moments + 2)


def _pending(path: Path) -> int:
    with ledger(path.parent) as books:
        return len(books.unsettled())
