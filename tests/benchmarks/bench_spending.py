"""What adding up a ledger of 100,000 attempts takes, however it is cut (an argument names the folder)."""

from __future__ import annotations

import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.events import Event, Settled, Started, Submitted
from pipeline.store import database, journal
from pipeline.store.spending import By, entries, summed

COUNT, GROUP = 100_000, 5_000
REQUEST = {"prompt": "x" * 1500}
WAYS: tuple[By, ...] = ("account", "day", "recipe", "shot")


def attempt(number: int) -> list[Event]:
    """An attempt from its start to its settlement, somewhere in a year."""
    at = f"2026-{1 + number % 12:02}-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:00.000Z"
    about: dict[str, Any] = {"at": at, "step": f"s{number % 300}/generate", "key": f"k1:{number:064x}", "attempt": 1}
    credits = Decimal(1 + number % 999) / 10
    account = ("seegen", "seedance2-movie", "agency")[number % 3]
    return [
        Started(
            **about, provider="seegen", account=account, credits=credits, request=REQUEST, book=f"A, S0:{number % 9}"
        ),
        Submitted(**about, job_id=f"{number}"),
        Settled(**about, charged=credits, refunded=Decimal(0), usd=credits / 250, source="seegen"),
    ]


def main(folder: Path) -> None:
    """Makes the ledger, and adds it up in each way."""
    path = folder / "ledger.sqlite3"
    connection = database.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    for first in range(0, COUNT, GROUP):
        events = (event for number in range(first, first + GROUP) for event in attempt(number))
        journal.write(connection, f"run-{first}", [journal.row_of(event) for event in events])
    connection.close()
    for by in WAYS:
        began, worked = time.perf_counter(), time.process_time()
        sums = summed(entries(path), by, ZoneInfo("Europe/Berlin"))
        took, busy = time.perf_counter() - began, time.process_time() - worked
        print(f"{COUNT:,} attempts by {by:<8} {len(sums.rows):>4} rows {took:6.2f} s ({busy:.2f} s of a processor)")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as made:
        main(Path(made))
