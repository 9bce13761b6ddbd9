"""Looks at the ledger and at the services' books all the while, and notes whatever is ever above a cap.

It adds up the events by itself, one after another, so that no sum of Rushes' own is believed.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from tests.torture.recipes import Tale
from tests.torture.standing import Standing

D = Decimal
PAUSE_SECONDS = 0.05
_NEW = "SELECT seq, run, kind, step, key, attempt, data FROM events WHERE seq > ? ORDER BY seq"

Name = tuple[str, str, str, int]  # run, step, key, attempt


@dataclass(slots=True)
class _Attempt:
    """The money of one attempt as its events have it so far."""

    recipe: str
    account: str
    credits: Decimal
    taken: bool = False
    doubted: bool = False
    charged: Decimal | None = None
    over: bool = False

    @property
    def held(self) -> Decimal:
        """What is reserved, charged or of unknown outcome."""
        return self.charged if self.charged is not None else D(0) if self.over else self.credits


@dataclass(slots=True)
class Books:
    """Every attempt by the events up to `seq`; `held` by scope and account, `most` the highest share of a cap."""

    caps_of_runs: Mapping[str, Mapping[str, Decimal]]
    caps_of_takes: Mapping[str, Mapping[str, Decimal]]
    caps_of_day: Mapping[str, Decimal]
    seq: int = 0
    most: dict[str, Decimal] = field(default_factory=lambda: {"run": D(0), "shot": D(0), "day": D(0)})
    broken: list[str] = field(default_factory=list)
    attempts: dict[Name, _Attempt] = field(default_factory=dict)
    held: defaultdict[tuple[str, ...], Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def hear(self, row: tuple[int, str, str, str, str, int, str], recipe: str) -> None:
        """Takes one event into account, and looks at every cap that it may have broken."""
        self.seq, run, kind, step, key, number, data = row
        told = json.loads(data, parse_float=D)
        name = (run, step, key, number)
        if kind == "Started" and told["account"]:
            one = _Attempt(recipe=recipe, account=told["account"], credits=D(told["credits"]))
            self.attempts[name] = one
            self._add(name, one, one.credits)
            return
        # A job that another run began may be taken up here: its money stands where it was begun.
        found = name if name in self.attempts else next((n for n in self.attempts if n[2:] == (key, number)), None)
        if found is None:
            return
        one = self.attempts[found]
        before = one.held
        match kind:
            case "Submitted":
                one.taken = True
            case "Doubted":
                one.doubted = True
            case "Refused":
                one.over = True
            case "Failed":
                one.over = one.over or one.taken or not one.doubted
            case "Settled":
                one.charged = D(told["charged"])
        self._add(found, one, one.held - before)

    def _add(self, name: Name, one: _Attempt, amount: Decimal) -> None:
        run, step = name[:2]
        short = one.account.removesuffix("@rehearsal")
        for scope, who, caps in (
            ("run", (run,), self.caps_of_runs.get(one.recipe, {})),
            ("shot", (run, step.partition("/")[0]), self.caps_of_takes.get(one.recipe, {})),
            ("day", (), self.caps_of_day),
        ):
            place = (scope, *who, one.account)
            self.held[place] += amount
            self.look(scope, self.held[place], caps.get(short), f"{place} at event {self.seq}")

    def look(self, scope: str, held: Decimal, cap: Decimal | None, where: str) -> None:
        """Notes an amount beside its cap."""
        if cap is None:
            return
        if held > cap:
            self.broken.append(f"{where}: {held} is held, and the cap is {cap}")
        if cap:
            self.most[scope] = max(self.most[scope], held / cap)

    def total(self, account: str) -> Decimal:
        """What is held at an account in all."""
        return self.held["day", account]


class Watcher:
    """Watches one workspace and its services from a thread of its own, until it is closed.

    Each look reads the ledger's new events, none of which is left out, and the books of one service in turn.
    """

    def __init__(
        self, ledger: Path, standing: Standing, tales: list[Tale], day: Mapping[str, Decimal], naci: Decimal
    ) -> None:
        self._ledger, self._standing, self._naci = ledger, standing, naci
        self.books = Books(
            caps_of_runs={tale.name: tale.run for tale in tales},
            caps_of_takes={tale.name: tale.shot for tale in tales},
            caps_of_day=day,
        )
        self.looks = 0
        self.failure: BaseException | None = None
        self._caps = sorted(day.items())
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Looks a last time and ends. Raises whatever it died of."""
        self._over.set()
        self._thread.join()
        if self.failure:
            raise self.failure

    def _watch(self) -> None:
        try:
            while not self._over.is_set():
                self._look()
                self._over.wait(PAUSE_SECONDS)
            self._look()
        except BaseException as error:
            self.failure = error

    def _look(self) -> None:
        name, cap = self._caps[self.looks % len(self._caps)]
        held = taken(self._standing.books(name), name, self._naci)
        self.books.look("day", held, cap, f"the books of {name}")
        self.looks += 1
        if not self._ledger.exists():
            return
        # A ledger that is being made, or locked by whoever makes it good after a kill, is looked at the next time.
        with contextlib.suppress(sqlite3.OperationalError):
            connection = sqlite3.connect(f"file:{self._ledger}?mode=ro", uri=True, timeout=5)
            try:
                recipes = dict(connection.execute("SELECT id, recipe FROM runs"))
                for row in connection.execute(_NEW, (self.books.seq,)).fetchall():
                    self.books.hear(row, recipes.get(row[1], ""))
            finally:
                connection.close()


def taken(books: Mapping[str, object], name: str, naci: Decimal) -> Decimal:
    """What a service holds and has charged, in the unit of the ledger; naci's books count in one of their own."""
    totals = books["totals"]
    assert isinstance(totals, dict)
    if name != "naci":
        return D(totals["held"]) + D(totals["charged"])
    jobs = books["jobs"]
    assert isinstance(jobs, list)
    return naci * sum(bool(job["held"] or job["charged"]) for job in jobs)


def settled(standing: Standing, names: list[str], seconds: float = 20) -> None:
    """Returns when no job is under way any more."""
    until = time.monotonic() + seconds
    while any(D(standing.books(name)["totals"]["held"]) for name in names) and time.monotonic() < until:
        time.sleep(0.05)
