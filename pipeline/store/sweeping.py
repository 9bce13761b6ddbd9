"""Space is freed: stored files that nothing needs any more go, while no run is at work on the workspace.

First it is written down that they are gone, then they go; a death in between leaves files that are simply there.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from pipeline import digest
from pipeline.errors import Held
from pipeline.events import Event, Gone, instant
from pipeline.money import ZERO
from pipeline.store import database, leases
from pipeline.store.artifacts import Kept
from pipeline.store.ledger import Ledger
from pipeline.store.needed import needed
from pipeline.store.workspace import Workspace
from pipeline.values import dataclass

NAME = "gc"
"""What is held while space is freed; no recipe's lock is called so."""
PATIENCE_SECONDS = 10.0
_GLANCE_SECONDS = 0.1

# Attempt 0 is a result that another attempt made.
_MADE = """
SELECT e.key, e.run, e.step, e.attempt, a.account, a.charged, a.settled_usd, r.seq IS NOT NULL,
  json_extract(e.data, '$.result.outputs')
FROM events AS e
JOIN attempts AS a ON a.run = e.run AND a.step = e.step AND a.key = e.key AND a.attempt = e.attempt
LEFT JOIN results AS r ON r.key = e.key AND r.seq = e.seq
WHERE e.kind = 'Succeeded' AND e.attempt > 0
"""


class Maker(NamedTuple):
    """An attempt that made a file; `current`: what it made is its key's result. `credits` are what it was charged."""

    key: str
    run: str
    step: str
    attempt: int
    account: str
    credits: Decimal
    usd: Decimal | None
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """A stored file that nothing needs. `kind` is that of the step that made it, "input" or "unknown"."""

    file: Kept
    kind: str
    makers: tuple[Maker, ...] = ()

    @property
    def bought(self) -> bool:
        """Whether making it again costs money, or may: what was there before the ledger was nobody can say."""
        return self.kind == "unknown" or any(maker.account for maker in self.makers)


def strays(shelf: Workspace) -> list[Stray]:
    """Every stored file that nothing needs as things are now, in the order of the store. Raises `StoreError`."""
    with database.opened(shelf.ledger) as connection:
        connection.execute("BEGIN")  # all that is read is of one moment
        stay, made = needed(connection), _made(connection)
        first = connection.execute("SELECT min(started_at) FROM runs").fetchone()[0]
    found = []
    for file in shelf.artifacts.files():
        makers = tuple(made.get(file.sha256, ()))
        # WHY: a ledger that was lost and begun anew knows nothing of what was bought before.
        known = "input" if first and file.at[:19] >= first[:19] else "unknown"
        if file.sha256 not in stay:
            kind = makers[0].step.rpartition("/")[2] if makers else known
            found.append(Stray(file=file, kind=kind, makers=makers))
    return found


def free(shelf: Workspace, chosen: Collection[Stray]) -> list[Stray]:
    """Frees those of the chosen files that nothing needs at this moment, and gives them back.

    Raises `Held`, naming who is at work on the workspace, and `StoreError`; whatever is raised, all is consistent.
    """
    with _alone(shelf), Ledger(shelf.ledger) as ledger:
        names = {stray.file.sha256 for stray in chosen}
        found = [stray for stray in strays(shelf) if stray.file.sha256 in names]
        for run, events in _told(found).items():
            ledger.append(run, *events)
        for stray in found:
            shelf.artifacts.remove(stray.file)
    return found


def wait_for_end(shelf: Workspace) -> None:
    """Returns once nobody frees space here; whoever holds a recipe then knows that nobody begins to.

    Raises `Held` when that takes more than a few seconds, and `StoreError`.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    while other := leases.holder(shelf, NAME):
        if time.monotonic() > until:
            raise Held(
                f"gc frees space in {shelf.folder} since {other.since} (process {other.pid} on {other.host}).",
                "Wait until it ends, then run this again.",
            )
        time.sleep(_GLANCE_SECONDS)


@contextmanager
def _alone(shelf: Workspace) -> Iterator[None]:
    """Keeps runs out while the block runs. Raises `Held`."""
    # WHY: each side takes its own name first and then looks for the other's, so that never both go on.
    with leases.hold(shelf, NAME, who="gc"):
        for other in leases.living(shelf):
            if other.name != NAME:
                whose = f"{other.who} ({other.run})" if other.run else other.who
                raise Held(
                    f"{whose} is at work in {shelf.folder} since {other.since} (process {other.pid} on {other.host}).",
                    "Wait until it ends, then free space again: nothing is freed beside a run.",
                )
        yield


def _made(connection: sqlite3.Connection) -> dict[str, list[Maker]]:
    """By digest, every attempt that made such a file."""
    found: dict[str, list[Maker]] = {}
    for key, run, step, attempt, account, charged, usd, current, outputs in connection.execute(_MADE):
        amount = ZERO if charged is None else Decimal(charged)
        dollars = None if usd is None else Decimal(usd)
        maker = Maker(key, run, step, attempt, account, amount, dollars, bool(current))
        for artifact in digest.loads(outputs).values():
            found.setdefault(artifact["sha256"], []).append(maker)
    return found


def _told(found: Iterable[Stray]) -> dict[str, list[Event]]:
    """By run, that results of it are gone."""
    at = instant(datetime.now(UTC))
    events: dict[str, list[Event]] = {}
    for maker in dict.fromkeys(maker for stray in found for maker in stray.makers if maker.current):
        about = {"step": maker.step, "key": maker.key, "attempt": maker.attempt}
        events.setdefault(maker.run, []).append(Gone(at=at, freed=True, why="freed by gc", **about))  # type: ignore[arg-type]
    return events
