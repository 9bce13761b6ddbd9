"""A ledger made by hand with every way an attempt's money can go, and what its sums are, added up on paper."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.errors import Advice
from pipeline.events import (
    Artifact,
    Doubted,
    Event,
    Failed,
    Refused,
    Result,
    RunStarted,
    Settled,
    Started,
    Submitted,
    Succeeded,
)
from pipeline.store import database, journal
from pipeline.store.ledger import Ledger, Run

D = Decimal
AT = "2026-11-20T10:00:00.000Z"
RESULT = Result(outputs={"video": Artifact(sha256="sha256:" + "a" * 64, bytes=9, suffix=".mp4")})
SEEGEN, OLDER = "SeeGen's API document, S0:45", "SeeGen's API document, S0:47"


def tell(path: Path, run: str, *events: Event, recipe: str = "tale", output: str = "/out") -> None:
    """Writes the events of a run down; the run is begun where it is not there yet."""
    with Ledger(path) as ledger:
        if ledger.run(run) is None:
            ledger.begin(
                Run(id=run, recipe=recipe, recipe_path="/r.yaml", output=output, date="2026-11-20", started_at=AT)
            )
    connection = database.connect(path)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        journal.write(connection, run, [journal.row_of(event) for event in events])
    finally:
        connection.close()


def attempt(
    shot: str,
    credits: str,
    *moves: str,
    account: str = "seegen",
    number: int = 1,
    at: str = AT,
    rate: str | None = "0.004",
    **more: Any,
) -> list[Event]:
    """An attempt at a shot: its start, and what followed, in words.

    `submitted`, `refused`, `doubted`, `done`, `failed`, `undelivered`, or `service 150 10`: who said what was charged
    and given back.
    """
    about: dict[str, Any] = {"at": at, "step": f"{shot}/generate", "key": f"k1:{shot}", "attempt": number}
    values: dict[str, Any] = {"provider": account, "account": account, "credits": D(credits), "book": SEEGEN, **more}
    found: list[Event] = [Started(**about, **values)]
    for move in moves:
        match move.split():
            case ["submitted"]:
                found.append(Submitted(**about, job_id=f"job-{shot}-{number}"))
            case ["refused"]:
                found.append(Refused(**about, error="busy", advice=Advice.LATER))
            case ["doubted"]:
                found.append(Doubted(**about, error="no answer"))
            case ["done"]:
                found.append(Succeeded(**about, result=RESULT))
            case ["failed"]:
                found.append(Failed(**about, error="no"))
            case ["undelivered"]:
                found.append(Failed(**about, error="its link died", undelivered=True))
            case [source, charged, refunded]:
                usd = None if rate is None else D(charged) * D(rate)
                said = {"service": account, "silence": "not told"}.get(source, source)
                found.append(Settled(**about, charged=D(charged), refunded=D(refunded), usd=usd, source=said))
    return found


def every_way() -> list[Event]:
    """A run on `seegen` with each way once, on `naci` without prices, and what is no money."""
    ways: Sequence[list[Event]] = [
        attempt("as-said", "160", "submitted", "service 160 0", "done"),
        attempt("less", "200", "submitted", "service 152.5 47.5", "done", book=OLDER),
        attempt("more", "40", "submitted", "service 44 0", "done"),
        attempt("given-back", "100", "submitted", "service 0 100", "failed"),
        attempt("refused", "80", "refused"),
        attempt("doubted", "70", "doubted", "failed"),
        attempt("failed", "60", "submitted", "failed"),
        attempt("undelivered", "20", "submitted", "service 20 0", "undelivered"),
        attempt("given-up", "30", "doubted", "user 30 0", "failed"),
        attempt("silent", "25", "submitted", "estimate 25 0", "done"),
        attempt("under-way", "15", "submitted"),
        attempt("found", "10", "doubted", "submitted"),
        attempt("mute", "5", "submitted", "doubted"),
        attempt("absent", "7", "doubted", "refused"),
        attempt("free", "0", "submitted", "done"),
        attempt("no-price", "0", "submitted", "silence 0 0", "done", account="naci", priced=False, rate=None, book=""),
        attempt("no-price-yet", "0", "submitted", account="naci", priced=False, book=""),
        attempt("no-price-told", "0", "submitted", "service 18 0", account="naci", priced=False, rate=None, book=""),
        attempt("no-price-refused", "0", "refused", account="naci", priced=False, book=""),
        attempt("drawn", "0", "done", account=""),
    ]
    shared = Succeeded(at=AT, step="twin/generate", key="k1:as-said", attempt=0, result=RESULT)
    return [RunStarted(at=AT, version="1"), *(event for way in ways for event in way), shared]


SUMS = {
    "attempts": 14,
    "estimated": D(822),
    "reserved": D(30),
    "unknown": D(70),
    "charged": D("431.5"),
    "refunded": D("147.5"),
    "usd": D("1.726"),
    "in_dollars": True,
    "untold": 0,
    "sources": {"service": D("376.5"), "estimate": D(25), "user": D(30)},
    "books": (SEEGEN, OLDER),
    "differing": 3,
    "more": D(4),
    "less": D("147.5"),
}
"""What `every_way` comes to on `seegen`."""
