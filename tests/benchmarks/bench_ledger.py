"""What the ledger and the store cost, each figure beside a floor from the same run (an argument names the folder)."""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import anyio

from pipeline.events import Artifact, Event, Result, Started, Succeeded
from pipeline.store import database, journal
from pipeline.store.artifacts import Artifacts
from pipeline.store.ledger import Ledger

AT = "2026-11-21T10:00:00.000Z"


def key(number: int) -> str:
    """A key of the length that keys have."""
    return f"k1:{number:064x}"


def events(count: int) -> list[Event]:
    """The two events of each of `count` steps that do nothing."""
    found: list[Event] = []
    for number in range(count):
        artifact = Artifact(sha256=f"sha256:{number:064x}", bytes=9, suffix=".mp4", width=1280, height=720, seconds="5")
        step = f"shot-{number}/generate"
        found += [
            Started(at=AT, step=step, key=key(number), attempt=1, provider="seegen", account="a", credits=Decimal(1)),
            Succeeded(at=AT, step=step, key=key(number), attempt=1, result=Result(outputs={"video": artifact})),
        ]
    return found


def timed(work: Callable[[], object], *, times: int = 1) -> float:
    """Milliseconds of the fastest of `times` goes."""
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best * 1000


def say(what: str, figure: float, unit: str, floor: str) -> None:
    """One line of the report."""
    print(f"{what:<58} {figure:9.3f} {unit:<9} {floor}")


def floor_ms(path: Path, count: int) -> float:
    """What SQLite alone takes for each of `count` durable inserts of an event's text."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE floor (seq INTEGER PRIMARY KEY, data TEXT)")
    rows = [journal.row_of(event)[5] for event in events(count // 2)]

    def work() -> None:
        for row in rows:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO floor (data) VALUES (?)", (row,))
            connection.execute("COMMIT")

    figure = timed(work) / count
    connection.close()
    return figure


async def committed(path: Path, told: list[Event], tasks: int) -> float:
    """Milliseconds in which `tasks` tasks commit these events."""

    async def work(mine: list[Event]) -> None:
        for event in mine:
            await taken.commit(event)

    with Ledger(path) as ledger:
        async with ledger.journal("run-1") as taken:
            began = time.perf_counter()
            async with anyio.create_task_group() as group:
                for first in range(tasks):
                    group.start_soon(work, told[first::tasks])
            return (time.perf_counter() - began) * 1000


def bench_commits(folder: Path) -> None:
    """Commits one after another and by 64 tasks at once, beside plain SQLite."""
    floor = floor_ms(folder / "floor.sqlite3", 1000)
    connection = database.connect(folder / "write.sqlite3")
    rows = [journal.row_of(event) for event in events(500)]

    def write() -> None:
        for row in rows:
            journal.write(connection, "run-1", [row])

    alone = timed(write) / len(rows)
    connection.close()
    say("an event with its derived rows, in the writer alone", alone, "ms", f"{floor:.3f} ms plain INSERT and COMMIT")
    for backend in ("asyncio", "trio"):
        for tasks in (1, 64):
            told = events(500 if tasks == 1 else 3200)
            path = folder / f"{backend}-{tasks}.sqlite3"
            figure = anyio.run(committed, path, told, tasks, backend=backend) / len(told)
            say(f"await commit, {tasks} at once, {backend}", figure, "ms/event", f"{floor:.3f} ms plain")


def bench_answers(folder: Path) -> None:
    """What a plan of 1,000 steps asks a ledger that holds 10,000."""
    path = folder / "answers.sqlite3"
    connection = database.connect(path)
    journal.write(connection, "run-1", [journal.row_of(event) for event in events(10_000)])
    plain = "SELECT data FROM events WHERE seq = ?"
    floor = timed(lambda: [connection.execute(plain, (n * 20,)).fetchone() for n in range(1, 1001)], times=5)
    connection.close()
    keys = [key(number * 10) for number in range(1000)]
    with Ledger(path, read_only=True) as ledger:
        say(
            "kept, 1,000 of 10,000 keys", timed(lambda: ledger.kept(keys), times=5), "ms", f"{floor:.1f} ms plain reads"
        )
        say("standing, 1,000 keys", timed(lambda: ledger.standing(keys), times=5), "ms", "")
        say("pending, 1,000 keys", timed(lambda: ledger.pending(keys), times=5), "ms", "")
        say("pending, all", timed(lambda: ledger.pending(), times=5), "ms", "")
        say("events of 10,000 steps", timed(lambda: ledger.events("run-1")), "ms", "")


def bench_artifacts(folder: Path) -> None:
    """Looking after 2,000 kept files, and keeping some."""
    store = Artifacts(folder / "store")
    kept: list[Artifact] = []
    stage = store.stage()

    def keep() -> None:
        for number in range(2000):
            path = stage / f"{number}.mp4"
            path.write_bytes(b"%d" % number)
            sha256, size = store.keep(path)
            kept.append(Artifact(sha256=sha256, bytes=size, suffix=".mp4"))

    each = timed(keep) / 2000
    paths = [store.path(artifact) for artifact in kept]
    floor = timed(lambda: [path.stat() for path in paths], times=5)
    say("missing, 2,000 files", timed(lambda: store.missing(kept), times=5), "ms", f"{floor:.1f} ms Path.stat alone")
    say("keep a tiny file, durably", each, "ms", "")
    store.close()


def main() -> None:
    """Prints every figure."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        bench_commits(Path(name))
        bench_answers(Path(name))
        bench_artifacts(Path(name))


if __name__ == "__main__":
    main()
