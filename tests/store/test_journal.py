"""What was said to be durable is there: after a kill, on a full disk, among several writers, under either loop."""

from __future__ import annotations

import dataclasses
import resource
import sqlite3
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from pipeline.errors import StoreError
from pipeline.events import Artifact, Event, Result, Started, Succeeded
from pipeline.store.ledger import Ledger, Run

pytestmark = pytest.mark.anyio

AT = "2026-11-21T10:00:00.000Z"
RESULT = Result(outputs={"video": Artifact(sha256="sha256:" + "a" * 64, bytes=9, suffix=".mp4")})
RUN = Run(id="run-1", recipe="r", recipe_path="/r.yaml", output="/out", date="2026-11-21", started_at=AT)

# Says each number after the commit of its event returned: argv is path, run, tasks, count ("0": for ever), limit.
WRITER = """
import os, resource, sys
from pathlib import Path
import anyio
from pipeline.errors import StoreError
from pipeline.events import Started
from pipeline.store.ledger import Ledger

path, run, tasks, count, limit = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:6])

def event(number):
    return Started(at="t", step=f"s{number}", key=f"k1:{run}-{number}", attempt=1, provider="p", account="a", credits=1)

async def work(journal, first):
    number = first
    while not count or number < count:
        await journal.commit(event(number))
        os.write(1, f"{number}\\n".encode())
        number += tasks

async def main():
    with Ledger(path) as ledger:
        async with ledger.journal(run) as journal:
            if limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            try:
                async with anyio.create_task_group() as group:
                    for first in range(tasks):
                        group.start_soon(work, journal, first)
            except* StoreError as errors:
                print("refused:", errors.exceptions[0].fact, flush=True)

anyio.run(main)
"""


def event(number: int) -> Started:
    """A paid attempt of step `s<number>`."""
    return Started(
        at=AT, step=f"s{number}", key=f"k1:{number}", attempt=1, provider="p", account="a", credits=Decimal(1)
    )


def numbers(events: list[Event]) -> list[int]:
    """Which attempts these are, in order."""
    return [int(found.step[1:]) for found in events if isinstance(found, Started)]


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    """An empty ledger."""
    with Ledger(tmp_path / "ledger.sqlite3", patience_seconds=0.3) as ledger:
        yield ledger


async def test_a_commit_returns_when_others_can_read_it(ledger: Ledger) -> None:
    """As soon as a commit returns, another connection sees the event and what follows from it."""
    async with ledger.journal("run-1") as journal:
        for number in range(20):
            await journal.commit(event(number))
            assert numbers(ledger.events("run-1")) == list(range(number + 1))
            assert f"k1:{number}" in ledger.pending()


async def test_posts_and_commits_keep_their_order(ledger: Ledger) -> None:
    """What is posted stands before the commit that follows it, and is durable with it."""
    async with ledger.journal("run-1") as journal:
        for number in range(0, 30, 3):
            journal.post(event(number))
            journal.post(event(number + 1))
            await journal.commit(event(number + 2))
            assert numbers(ledger.events("run-1")) == list(range(number + 3))


async def test_a_post_alone_is_written_soon_and_at_the_end(ledger: Ledger) -> None:
    """A post that no commit follows is durable within a second, and one just before the end with the end."""
    async with ledger.journal("run-1") as journal:
        journal.post(event(1))
        with anyio.fail_after(5):
            while not ledger.events("run-1"):
                await anyio.sleep(0.01)
        journal.post(event(2))
    assert numbers(ledger.events("run-1")) == [1, 2]


async def test_each_of_many_committers_is_served(ledger: Ledger) -> None:
    """Sixty-four tasks that commit at once each find their events there, in the order in which they told them."""

    async def work(first: int) -> None:
        for number in range(first, 640, 64):
            await journal.commit(event(number))

    async with ledger.journal("run-1") as journal, anyio.create_task_group() as group:
        for first in range(64):
            group.start_soon(work, first)
    found = numbers(ledger.events("run-1"))
    assert sorted(found) == list(range(640))
    for first in range(64):
        assert [n for n in found if n % 64 == first] == list(range(first, 640, 64))


async def test_what_is_cancelled_is_written_all_the_same(ledger: Ledger) -> None:
    """A commit that is cancelled while it waits, and a journal that is left by cancellation, lose no event."""
    with anyio.CancelScope() as scope:
        async with ledger.journal("run-1") as journal:
            journal.post(event(1))
            scope.cancel()
            await journal.commit(event(2))
    assert scope.cancelled_caught
    assert numbers(ledger.events("run-1")) == [1, 2]


async def test_what_cannot_be_told_is_refused_to_its_teller_alone(ledger: Ledger) -> None:
    """A fact that is no JSON raises where it is told, and the journal goes on."""
    async with ledger.journal("run-1") as journal:
        bad = Succeeded(at=AT, step="s", key="k1:a", attempt=1, result=Result(outputs={}, facts={"x": object()}))
        with pytest.raises(TypeError):
            await journal.commit(bad)
        await journal.commit(event(1))
    assert numbers(ledger.events("run-1")) == [1]
    with pytest.raises(RuntimeError, match="closed"):
        journal.post(event(2))


async def test_after_one_failure_nothing_more_is_taken(ledger: Ledger) -> None:
    """While another process locks the database a commit fails, and so does all that follows, although it let go."""
    other = sqlite3.connect(ledger.path, isolation_level=None)
    async with ledger.journal("run-1") as journal:
        await journal.commit(event(1))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another process") as caught:
            await journal.commit(event(2))
        assert str(ledger.path) in caught.value.fact
        assert caught.value.hint
        other.execute("ROLLBACK")
        with pytest.raises(StoreError, match="locked"):
            await journal.commit(event(3))
        with pytest.raises(StoreError, match="locked"):
            journal.post(event(4))
    other.close()
    assert numbers(ledger.events("run-1")) == [1]


async def test_a_post_that_could_not_be_written_is_told_at_the_end(ledger: Ledger) -> None:
    """Where nobody heard of a failure, leaving the journal raises it."""
    other = sqlite3.connect(ledger.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        async with ledger.journal("run-1") as journal:
            journal.post(event(1))
    other.close()


async def test_a_full_disk_loses_nothing_that_was_durable(disk: Any) -> None:
    """On a full disk a commit says so; every event whose commit returned is there, and room makes it go on."""
    path, done = disk.folder / "ledger.sqlite3", -1
    with Ledger(path) as ledger:
        filler = disk.folder / "filler"
        filler.write_bytes(b"x" * 100_000)
        async with ledger.journal("run-1") as journal:

            async def fill() -> None:
                nonlocal done
                for number in range(10_000):
                    await journal.commit(event(number))
                    done = number

            with pytest.raises(StoreError, match="disk is full") as caught:
                await fill()
        assert str(path) in caught.value.fact
        assert done > 10
        assert numbers(ledger.events("run-1")) == list(range(done + 1))
        filler.unlink()
        async with ledger.journal("run-1") as journal:
            await journal.commit(event(done + 1))
        assert numbers(ledger.events("run-1")) == list(range(done + 2))
        ledger.rebuild()


def test_a_limit_on_the_size_of_files_is_told(tmp_path: Path, spawn: Callable[..., Any]) -> None:
    """Where the system lets no file grow, a commit says so, and what was durable before is there."""
    assert resource.RLIMIT_FSIZE is not None
    path = tmp_path / "ledger.sqlite3"
    Ledger(path).close()
    process = spawn(WRITER, path, "run-1", 1, 0, 200_000)
    out, err = process.communicate(timeout=60)
    *said, refusal = out.splitlines()
    assert refusal.startswith("refused: "), err
    assert str(path) in refusal
    with Ledger(path) as ledger:
        assert numbers(ledger.events("run-1")) == [int(number) for number in said]


@pytest.mark.parametrize(("tasks", "after_seconds"), [(1, 0.05), (1, 0.3), (16, 0.1), (64, 0.3)])
def test_kill_9_loses_nothing_that_was_durable(
    tmp_path: Path, spawn: Callable[..., Any], tasks: int, after_seconds: float
) -> None:
    """Killed in the midst of commits: every event whose commit returned is there, each task's in order, with no gap."""
    path = tmp_path / "ledger.sqlite3"
    process = spawn(WRITER, path, "run-1", tasks, 0, 0)
    first = process.stdout.readline()
    time.sleep(after_seconds)
    process.kill()
    said = [int(line) for line in (first + process.stdout.read()).splitlines()]
    process.wait()
    with Ledger(path) as ledger:
        found = numbers(ledger.events("run-1"))
        assert said
        assert set(said) <= set(found)
        for task in range(tasks):
            mine = [number for number in found if number % tasks == task]
            assert mine == list(range(task, task + len(mine) * tasks, tasks))
        assert set(ledger.pending()) == {f"k1:run-1-{number}" for number in found}
        before = ledger.pending()
        ledger.rebuild()
        assert ledger.pending() == before


def test_several_processes_write_to_one_ledger(tmp_path: Path, spawn: Callable[..., Any]) -> None:
    """Processes that make a new ledger and write to it at once all succeed, and no event is lost or out of order."""
    path = tmp_path / "ledger.sqlite3"
    processes = [spawn(WRITER, path, f"run-{number}", 8, 200, 0) for number in range(3)]
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    with Ledger(path) as ledger:
        for number in range(3):
            found = numbers(ledger.events(f"run-{number}"))
            assert sorted(found) == list(range(200))
            for task in range(8):
                assert [n for n in found if n % 8 == task] == list(range(task, 200, 8))
        assert len(ledger.pending()) == 600


def test_looking_at_the_ledger_does_not_import_an_event_loop(spawn: Callable[..., Any]) -> None:
    """Importing the store costs neither anyio nor asyncio."""
    process = spawn(
        "import sys, pipeline.store.ledger, pipeline.store.workspace, pipeline.store.locks;"
        "print(sorted({'anyio', 'asyncio', 'trio', 'subprocess'} & sys.modules.keys()))"
    )
    out, err = process.communicate(timeout=60)
    assert out == "[]\n", err


async def test_events_of_two_runs_are_durable_together(ledger: Ledger) -> None:
    """Each under its own run, in one transaction: what cannot be written as a whole is not there in part."""
    for name in ("run-1", "run-2"):
        ledger.begin(dataclasses.replace(RUN, id=name))
    ledger.append("run-1", event(1))
    async with ledger.journal("run-2") as journal:
        done = Succeeded(at=AT, step="s1", key="k1:1", attempt=1, result=RESULT)
        shared = dataclasses.replace(done, step="t1", attempt=0)
        last = ledger.last()
        await journal.commit_together([("run-1", done), ("", shared)])
        assert (ledger.events("run-1"), ledger.events("run-2")) == ([event(1), done], [shared])
        assert ledger.last() == last + 2
        assert ledger.kept(["k1:1"])["k1:1"].run == "run-1"
