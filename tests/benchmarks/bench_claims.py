"""What a claim costs, beside a floor from the same run: plain durable inserts by one connection.

The ledger holds 100,000 attempts of the present month; each claim has caps for the day, the week and the month.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import anyio

from pipeline.events import Event, Settled, Started, Succeeded
from pipeline.plan.periods import span
from pipeline.store import database, journal
from pipeline.store.claims import Cap, Granted, Terms
from pipeline.store.ledger import Ledger
from tests import made
from tests.benchmarks.bench_ledger import floor_ms

NOW = datetime(2026, 11, 30, 20, tzinfo=UTC)
ATTEMPTS = 100_000
CLAIMS = 1280


def iso(moment: datetime) -> str:
    """As the ledger writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def start(number: int, moment: datetime = NOW) -> Started:
    """A paid attempt; every number has a step and a key of its own."""
    return Started(
        at=iso(moment), step=f"s{number}/generate", key=f"k1:{number:064x}", attempt=1, provider="seegen",
        account="seegen", credits=Decimal("40.5"), usd=Decimal("0.162"),
    )  # fmt: skip


def fill(path: Path, attempts: int) -> None:
    """A month of attempts that have ended."""
    connection = database.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    told: list[Event] = []
    for number in range(attempts):
        event = start(number + 10**6, NOW - timedelta(seconds=number * 29 * 86400 / attempts))
        about = {"at": event.at, "step": event.step, "key": event.key, "attempt": 1}
        told += [
            event,
            Settled(charged=Decimal(40), refunded=Decimal(0), usd=Decimal("0.16"), source="seegen", **about),  # type: ignore[arg-type]
            Succeeded(result=made.NOTHING, **about),  # type: ignore[arg-type]
        ]
    for first in range(0, len(told), 3000):
        journal.write(connection, "before", [journal.row_of(event) for event in told[first : first + 3000]])
    connection.close()


def terms() -> Terms:
    """Caps that nothing comes near, for every period and both units."""
    caps = [
        Cap(scope=period, unit=unit, most=Decimal(10**9), span=span(period, iso(NOW), "Asia/Kathmandu"))
        for period in ("day", "week", "month")
        for unit in ("seegen", "usd")
    ]
    return Terms(caps=tuple(caps), width=10_000)


async def claimed(path: Path, tasks: int, count: int, first: int) -> float:
    """Milliseconds a step: each of `tasks` claims a beginning and commits its end, one after another."""
    on = terms()

    async def work(mine: range) -> None:
        for number in mine:
            event = start(number)
            assert isinstance(await taken.claim(event, on), Granted)
            about = {"at": event.at, "step": event.step, "key": event.key, "attempt": 1}
            await taken.commit(
                Settled(charged=Decimal(40), refunded=Decimal(0), usd=Decimal("0.16"), source="seegen", **about)  # type: ignore[arg-type]
            )

    with Ledger(path) as ledger:
        async with ledger.journal("run-1") as taken:
            began = time.perf_counter()
            async with anyio.create_task_group() as group:
                for task in range(tasks):
                    group.start_soon(work, range(first + task, first + count, tasks))
            return (time.perf_counter() - began) * 1000 / count


def main() -> None:
    """Prints every figure."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        for attempts in (0, ATTEMPTS):
            path = Path(name) / f"{attempts}.sqlite3"
            fill(path, attempts)
            for tasks, count in ((1, CLAIMS // 8), (64, CLAIMS)):
                ours, floors = [], []
                for turn in range(3):
                    floors.append(2 * floor_ms(Path(name) / f"floor-{attempts}-{tasks}-{turn}", 500))
                    ours.append(anyio.run(claimed, path, tasks, count, (turn + 4 * tasks) * 100_000))
                figure, floor = statistics.median(ours), statistics.median(floors)
                print(
                    f"claim and settle, {tasks:>2} at once, {attempts:>7,} attempts this month: {figure:.3f} ms a step;"
                    f" floor {floor:.3f} ms (two plain commits); ratio {figure / floor:.2f}"
                )


if __name__ == "__main__":
    main()
