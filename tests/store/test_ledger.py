"""What the ledger answers, and what it refuses to open."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from pipeline.errors import Advice, StoreError
from pipeline.events import (
    Artifact,
    Doubted,
    Event,
    Failed,
    Refused,
    Result,
    RunEnded,
    RunStarted,
    Settled,
    Skipped,
    Started,
    Submitted,
    Succeeded,
)
from pipeline.plan import spent
from pipeline.plan.budget import Limits
from pipeline.store import database
from pipeline.store.ledger import Kept, Ledger, Line, Pending, Run, Standing

AT = "2026-11-21T10:00:00.000Z"
RESULT = Result(
    outputs={"video": Artifact(sha256="sha256:" + "a" * 64, bytes=9, suffix=".mp4", seconds="5", fps="30000/1001")},
    facts={"matrix": "bt709", "pts": 12},
)
RUN = Run(id="run-1", recipe="lighthouse", recipe_path="/r.yaml", output="/out", date="2026-11-21", started_at=AT)


def about(key: str = "k1:a", step: str = "dawn/generate", attempt: int = 1) -> dict[str, Any]:
    """The fields that all events of an attempt share."""
    return {"at": AT, "step": step, "key": key, "attempt": attempt}


def paid(key: str = "k1:a", **other: Any) -> Started:
    """The beginning of an attempt that reserves 40.50 credits."""
    amounts = {"provider": "seegen", "account": "agency", "credits": Decimal("40.50"), "usd": Decimal("0.1")}
    return Started(**{**about(key), **amounts, **other})


def tell(ledger: Ledger, *events: Event, run: str = "run-1") -> None:
    """Writes events down, all of them durable."""

    async def go() -> None:
        async with ledger.journal(run) as journal:
            for event in events:
                await journal.commit(event)

    anyio.run(go)


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    """An empty ledger."""
    with Ledger(tmp_path / "ledger.sqlite3", patience_seconds=0.2) as ledger:
        yield ledger


EVERY: list[Event] = [
    RunStarted(at=AT, version="0.1"),
    paid(body="sha256:b"),
    Refused(**about(), error="busy", hint="wait", advice=Advice.SLOW_DOWN, after_seconds=1.1),
    paid(attempt=2, usd=None),
    Doubted(**about(attempt=2), error="reset"),
    Submitted(**about(attempt=2), job_id="task-1"),
    Settled(**about(attempt=2), charged=Decimal("0.10"), refunded=Decimal("1E+1"), usd=None, source="seegen"),
    Succeeded(**about(attempt=2), result=RESULT),
    Failed(**about("k1:b"), error="said no: \x00 “ü” 🎬", hint="say it otherwise", permanent=True),
    Skipped(at=AT, step="lamp/generate", key="k1:c", reason="needs", why="dawn failed"),
    RunEnded(at=AT, status="partial"),
]


def test_every_event_comes_back_as_it_was(ledger: Ledger) -> None:
    """All kinds of events are read in order, equal to what was told, types of amounts and times included."""
    tell(ledger, *EVERY)
    found = ledger.events("run-1")
    assert found == EVERY
    assert [type(getattr(event, "after_seconds", None)) for event in found].count(float) == 1
    assert ledger.events("run-2") == []


def test_what_a_run_has_spent_and_tried_is_told_without_its_events(ledger: Ledger) -> None:
    """The same book and the same failures as from all its events, and no other run's."""
    free = {"provider": "animatic", "account": "", "credits": Decimal(0), "usd": None}
    well, ill, taken = about("k1:f", "lamp/last_frame"), about("k1:g", "lamp/upscale", 3), about("k1:h", "lamp/x", 2)
    more, none = about("k1:m", "mole/generate"), about("k1:n", "nest/generate")
    told = [
        *EVERY[:-1],
        Started(**well, **free), Succeeded(**well, result=RESULT),
        Started(**ill, **free), Failed(**ill, error="no"),
        paid(**taken), Submitted(**taken, job_id="j"), Failed(**taken, error="no"),
        Failed(**about("k1:b", "reef/generate", 0), error="no"), paid("k1:i", step="reef/generate"),
        paid(**more), Settled(**more, charged=Decimal(50), refunded=Decimal(0), usd=Decimal(1), source="seegen"),
        Started(**none, account="naci", priced=False), Submitted(**none, job_id="j"),
        Settled(**none, charged=Decimal(7), refunded=Decimal(0), usd=None, source="naci"),
        Failed(**none, error="lost", undelivered=True),
    ]  # fmt: skip
    tell(ledger, *told)
    tell(ledger, paid(account="other"), run="run-2")
    assert spent.failures_of(ledger.failures("run-1")) == spent.failures_of(told) == {
        ("lamp/upscale", "k1:g"): 1, ("lamp/x", "k1:h"): 1, ("reef/generate", "k1:b"): 1, ("nest/generate", "k1:n"): 1,
    }  # fmt: skip
    for book in (spent.book_left(ledger, "run-1"), spent.book_of(told, Limits())):
        found = [book.sum("run", "agency"), book.sum("run", "naci"), book.sum("run", "usd"), book.sum("mole", "usd")]
        assert found == [Decimal("90.60"), 7, Decimal("1.1"), 1]
        assert (book.overrun, book.charged("agency")) == ({"agency"}, Decimal("50.10"))
    last = {"dawn/generate": 2, "lamp/last_frame": 1, "lamp/upscale": 3, "lamp/x": 2}
    assert ledger.tried("run-1") == last | dict.fromkeys(("reef/generate", "mole/generate", "nest/generate"), 1)
    assert (ledger.failures("run-2"), ledger.tried("run-2")) == ([], {"dawn/generate": 1})


def test_a_doubt_that_no_service_cleared_up_is_held_in_the_book_of_its_run(ledger: Ledger) -> None:
    """Although its step failed: as it is over all runs."""
    tell(ledger, paid(), Doubted(**about(), error="reset"), Failed(**about(), error="gave up"))
    assert spent.book_left(ledger, "run-1").sum("run", "agency") == Decimal("40.50")
    tell(ledger, Submitted(**about(), job_id="j"))
    assert spent.book_left(ledger, "run-1").sum("run", "agency") == 0


def test_which_keys_have_a_result_is_told_without_reading_it(ledger: Ledger) -> None:
    """Of the keys that are asked for: not of one that failed, nor of one that nobody asks about."""
    tell(ledger, *EVERY)
    assert ledger.made(["k1:a", "k1:b", "k1:none"]) == {"k1:a"}
    assert ledger.made(["k1:b"]) == set()


def test_half_a_character_does_not_stop_the_ledger(ledger: Ledger) -> None:
    """A text that is not whole Unicode is kept with a question mark in its place."""
    tell(ledger, Failed(**about(), error="no \udc80 file", permanent=True))
    assert ledger.standing(["k1:a"])["k1:a"].error == "no ? file"


def test_a_result_is_kept_with_what_it_cost(ledger: Ledger) -> None:
    """A paid result has the provider of its start and the money of its settlement, exact to the digit."""
    tell(ledger, *EVERY)
    assert ledger.kept(["k1:a", "k1:b", "k1:none"]) == {
        "k1:a": Kept(
            key="k1:a",
            result=RESULT,
            run="run-1",
            step="dawn/generate",
            provider="seegen",
            account="agency",
            charged=Decimal("0.10"),
            usd=None,
            source="seegen",
            at=AT,
        )
    }
    assert str(ledger.kept(["k1:a"])["k1:a"].charged) == "0.10"


def test_what_nobody_charged_is_free(ledger: Ledger) -> None:
    """A result without a settlement cost nothing, by the source "free"."""
    tell(ledger, Started(**about(), provider="animatic"), Succeeded(**about(), result=RESULT))
    found = ledger.kept(["k1:a"])["k1:a"]
    assert (found.charged, found.usd, found.source, found.provider) == (Decimal(0), Decimal(0), "free", "animatic")


def test_the_last_result_of_a_key_is_kept(ledger: Ledger) -> None:
    """A key that was made again, in any run, has the later result."""
    other = dataclasses.replace(RESULT, facts={"matrix": "bt601"})
    tell(ledger, Succeeded(**about(), result=RESULT))
    tell(ledger, Succeeded(**about(), result=other), run="run-2")
    found = ledger.kept(["k1:a"])["k1:a"]
    assert (found.result, found.run) == (other, "run-2")


def test_a_permanent_failure_stands_until_its_key_succeeds(ledger: Ledger) -> None:
    """A permanent failure stands over runs, a passing one does not, and a success ends it."""
    tell(ledger, Failed(**about(), error="moderation", hint="reword", permanent=True))
    tell(ledger, Failed(**about("k1:b"), error="timeout"))
    assert ledger.standing(["k1:a", "k1:b"]) == {
        "k1:a": Standing(key="k1:a", run="run-1", step="dawn/generate", error="moderation", hint="reword", at=AT)
    }
    tell(ledger, Succeeded(**about(attempt=2), result=RESULT), run="run-2")
    assert ledger.standing(["k1:a"]) == {}


def test_one_transaction_knows_which_came_last(ledger: Ledger, tmp_path: Path) -> None:
    """A failure after a success in one group of events stands, and one before it does not."""

    async def go() -> None:
        async with ledger.journal("run-1") as journal:
            for key, first in (("k1:a", True), ("k1:b", False)):
                failed = Failed(**about(key), error="no", permanent=True)
                for event in (failed, Succeeded(**about(key), result=RESULT))[:: 1 if first else -1]:
                    journal.post(event)

    anyio.run(go)
    assert set(ledger.standing(["k1:a", "k1:b"])) == {"k1:b"}


SUBMITTED = Submitted(**about(), job_id="task-1")
DOUBTED = Doubted(**about(), error="reset")
SETTLED = Settled(**about(), charged=Decimal(40), refunded=Decimal(0), usd=None, source="seegen")
FAILED = Failed(**about(), error="no")
REFUSED = Refused(**about(), error="busy", advice=Advice.LATER)
SUCCEEDED = Succeeded(**about(), result=RESULT)
FREE = Started(**about(), provider="animatic")


@pytest.mark.parametrize(
    ("events", "job_id", "doubted", "settled"),
    [
        ([paid()], None, False, False),
        ([paid(), SUBMITTED], "task-1", False, False),
        ([FREE, SUBMITTED], "task-1", False, False),
        ([paid(), DOUBTED], None, True, False),
        ([FREE, DOUBTED], None, True, False),
        ([paid(), DOUBTED, FAILED], None, True, False),
        ([paid(), DOUBTED, SUBMITTED], "task-1", False, False),
        ([paid(), SUBMITTED, SETTLED], "task-1", False, True),
    ],
)
def test_what_has_no_end_is_pending(
    ledger: Ledger, events: list[Event], job_id: str | None, doubted: bool, settled: bool
) -> None:
    """Begun and paid, taken by a service, doubted, or paid without its bytes: each is still out there."""
    tell(ledger, *events)
    begun = events[0]
    assert isinstance(begun, Started)
    assert (
        ledger.pending(["k1:a"])
        == ledger.pending()
        == {
            "k1:a": Pending(
                key="k1:a",
                run="run-1",
                step="dawn/generate",
                attempt=1,
                provider=begun.provider,
                account=begun.account,
                job_id=job_id,
                credits=begun.credits,
                usd=begun.usd,
                doubted=doubted,
                at=AT,
                settled=settled,
            )
        }
    )
    assert ledger.pending(["k1:other"]) == {}


@pytest.mark.parametrize(
    "events",
    [
        [FREE],
        [paid(), REFUSED],
        [paid(), DOUBTED, REFUSED],
        [paid(), SUBMITTED, SETTLED, FAILED],
        [paid(), SUBMITTED, FAILED],
        [paid(), DOUBTED, SETTLED, FAILED],
        [paid(), SUBMITTED, SETTLED, SUCCEEDED],
    ],
)
def test_what_has_an_end_or_costs_nothing_is_not_pending(ledger: Ledger, events: list[Event]) -> None:
    """Refused, failed, succeeded, written off, or free and never sent: nothing is out there."""
    tell(ledger, *events)
    assert ledger.pending() == {}
    assert ledger.unsettled() == []


def test_what_has_no_known_price_is_pending_too(ledger: Ledger) -> None:
    """A request whose price nobody knows may cost as much as any: whether it arrived is asked, never tried."""
    tell(ledger, paid(credits=Decimal(0), usd=None, priced=False))
    assert len(ledger.unsettled()) == 1


def test_of_several_attempts_the_one_with_a_job_goes_on(ledger: Ledger) -> None:
    """A key with more than one open attempt goes on with the last that has a job; none of them is forgotten."""
    jobs = [Submitted(**about(attempt=number), job_id=f"task-{number}") for number in (2, 3)]
    tell(ledger, *(paid(attempt=number) for number in (1, 2, 3, 4)), *jobs)
    assert ledger.pending()["k1:a"].job_id == "task-3"
    assert [found.attempt for found in ledger.unsettled()] == [1, 2, 3, 4]


def test_a_run_is_begun_ended_and_taken_up_again(ledger: Ledger) -> None:
    """A run that goes on has its first start and its new plan, and is running until it ends again."""
    ledger.begin(dataclasses.replace(RUN, plan=[{"credits": Decimal("0.5")}], options={"yes": True}))
    assert ledger.run("run-1") == dataclasses.replace(RUN, plan=[{"credits": Decimal("0.5")}], options={"yes": True})
    tell(ledger, RunStarted(at=AT, version="1"), RunEnded(at="2026-11-21T11:00:00Z", status="interrupted"))
    ended = ledger.run("run-1")
    assert ended is not None
    assert (ended.status, ended.finished_at) == ("interrupted", "2026-11-21T11:00:00Z")
    ledger.begin(dataclasses.replace(RUN, started_at="2026-11-22", plan=[2]))
    again = ledger.run("run-1")
    assert again is not None
    assert (again.status, again.finished_at, again.started_at, again.plan) == ("running", None, AT, [2])
    ledger.update_plan("run-1", [3])
    assert ledger.runs()[0].plan == [3]
    assert ledger.runs(plans=False)[0].plan is None


def test_runs_come_newest_first(ledger: Ledger) -> None:
    """Runs are listed by their start, of two within one tick the later begun first, and by recipe and output."""
    for name, at in (("a", "2026-01-02"), ("b", "2026-01-01"), ("c", "2026-01-02")):
        ledger.begin(dataclasses.replace(RUN, id=name, started_at=at))
    ledger.begin(dataclasses.replace(RUN, id="d", output="/elsewhere", started_at="2026-01-03"))
    assert [run.id for run in ledger.runs()] == ["d", "c", "a", "b"]
    assert [run.id for run in ledger.runs(recipe="lighthouse", output="/out")] == ["c", "a", "b"]
    latest = ledger.latest("lighthouse", "/out")
    assert latest is not None
    assert latest.id == "c"
    assert ledger.latest("other", "/out") is None
    assert ledger.run("none") is None


def test_redo_numbers_only_rise(ledger: Ledger) -> None:
    """A redo's number is that of the greatest ever begun, also when a run is begun twice."""
    ledger.begin(RUN, redo={"k1:a": 2, "k1:b": 1})
    ledger.begin(RUN, redo={"k1:a": 1})
    assert ledger.redos(["k1:a", "k1:c"]) == {"k1:a": 2}
    assert ledger.redos() == {"k1:a": 2, "k1:b": 1}


def test_what_a_step_was_made_with_is_remembered(ledger: Ledger) -> None:
    """The last line of each step is known by recipe and output."""
    first, second = (Line(key=f"k1:{n}", base=f"k1:b{n}", own=f"k1:o{n}") for n in (1, 2))
    ledger.remember("r", "out", {"a/generate": first, "b/generate": first})
    ledger.remember("r", "out", {"b/generate": second})
    ledger.remember("r", "elsewhere", {"a/generate": second})
    assert ledger.steps_made("r", "out") == {"a/generate": first, "b/generate": second}
    assert ledger.steps_made("other", "out") == {}


def test_a_thousand_keys_are_one_question(ledger: Ledger) -> None:
    """More keys than SQLite takes as parameters are answered, and unknown ones are left out."""
    tell(ledger, *(Succeeded(**about(f"k1:{n}"), result=RESULT) for n in range(5)))
    keys = [f"k1:{n}" for n in range(40_000)]
    assert set(ledger.kept(keys)) == {f"k1:{n}" for n in range(5)}
    assert [*ledger.standing(keys), *ledger.pending(keys), *ledger.redos(keys)] == []


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    """What is no database, or one with its pages overwritten, is a `StoreError` that names the file."""
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(b"not a database, but long enough to look like one " * 100)
    for read_only in (True, False):
        with pytest.raises(StoreError, match="damaged") as caught:
            Ledger(path, read_only=read_only)
        assert str(path) in caught.value.fact
    path.unlink()
    with Ledger(path) as ledger:
        tell(ledger, *(Succeeded(**about(f"k1:{n}"), result=RESULT) for n in range(100)))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with Ledger(path) as ledger, pytest.raises(StoreError, match="damaged"):
        ledger.kept([f"k1:{n}" for n in range(100)])


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    """A database that is not ours is not touched."""
    path = tmp_path / "other.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE photos (name TEXT)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        Ledger(path)
    assert path.read_bytes() == before


def test_a_ledger_that_another_process_lays_meanwhile_is_ours(tmp_path: Path) -> None:
    """Two first runs at once: what one lays while the other looks is not taken for another program's database."""
    path = tmp_path / "ledger.sqlite3"
    looking = sqlite3.connect(path, isolation_level=None)

    def lay(statement: str) -> None:
        if "sqlite_master" in statement:  # its name is read, its tables are not
            looking.set_trace_callback(None)
            with contextlib.suppress(StoreError):
                database.connect(path, patience_seconds=0).close()

    looking.set_trace_callback(lay)
    assert database._is_blank(looking, path)
    looking.close()
    database.connect(path).close()


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    """A ledger of a later version opens neither for reading nor for writing, and says to upgrade."""
    path = tmp_path / "ledger.sqlite3"
    Ledger(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {database.VERSION + 1}")
    connection.close()
    for read_only in (True, False):
        with pytest.raises(StoreError, match="newer Rushes") as caught:
            Ledger(path, read_only=read_only)
        assert "Upgrade" in caught.value.hint


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET data = 'nope'",
        "UPDATE events SET data = '{}'",
        "UPDATE runs SET options = '[]'",
        "UPDATE runs SET plan = '3'",
        "UPDATE attempts SET credits = 'many'",
    ],
)
def test_rows_that_no_rushes_wrote_are_told(tmp_path: Path, change: str) -> None:
    """A ledger may come from anybody, or be damaged: a clear refusal, whatever stands in it."""
    path = tmp_path / "ledger.sqlite3"
    with Ledger(path) as ledger:
        ledger.begin(RUN)
        ledger.append(RUN.id, paid())
    with sqlite3.connect(path) as connection:
        connection.execute(change)
    with Ledger(path, read_only=True) as ledger, pytest.raises(StoreError, match="cannot read"):
        _ = ledger.events(RUN.id), ledger.runs(), ledger.unsettled()


def test_an_event_of_a_later_time_is_told(ledger: Ledger, tmp_path: Path) -> None:
    """An event that this version does not know is a `StoreError` to whoever reads it."""
    tell(ledger, RunStarted(at=AT, version="9"))
    connection = sqlite3.connect(ledger.path)
    connection.execute("UPDATE events SET kind = 'Teleported'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="Teleported"):
        ledger.events("run-1")


def test_reading_writes_nothing(tmp_path: Path, read_only: tuple[Path, Callable[[], None]]) -> None:
    """A ledger in a folder that is read-only is read, and refuses whatever would change it."""
    folder, close = read_only
    path = folder / "ledger.sqlite3"
    with Ledger(path) as ledger:
        ledger.begin(RUN)
    close()
    with Ledger(path, read_only=True) as ledger:
        assert [run.id for run in ledger.runs()] == ["run-1"]
        with pytest.raises(StoreError, match="read-only"):
            ledger.begin(RUN)
    with pytest.raises(StoreError) as caught, Ledger(path) as ledger:
        ledger.begin(RUN)
    assert str(path) in caught.value.fact


def test_one_locked_by_another_process_is_told(ledger: Ledger) -> None:
    """While another process holds the database, writing waits its patience and then says so; reading goes on."""
    ledger.begin(RUN)
    other = sqlite3.connect(ledger.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="locked by another process") as caught:
        ledger.begin(RUN)
    assert str(ledger.path) in caught.value.fact
    assert ledger.run("run-1") is not None
    other.execute("ROLLBACK")
    other.close()
    ledger.begin(RUN)


def test_a_copy_without_its_log_is_read_too(ledger: Ledger, tmp_path: Path) -> None:
    """After a clean end the one file is the whole ledger."""
    tell(ledger, SUCCEEDED)
    ledger.close()
    shutil.copy(ledger.path, tmp_path / "copy.sqlite3")
    with Ledger(tmp_path / "copy.sqlite3", read_only=True) as copy:
        assert set(copy.kept(["k1:a"])) == {"k1:a"}
