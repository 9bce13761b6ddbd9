"""What a user may expect of the money, whatever was typed: a small model beside the services' books and the ledger."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.monkey.services import ACCOUNTS, Books, Job
from tests.monkey.tales import SIZES, Shot, Tale

D = Decimal
Wish = tuple[str, str, str]
"""What a shot asks for, whichever take, result and inputs: page, prompt, size."""


def wishes(tale: Tale, shot: Shot) -> list[Wish]:
    """What a shot may ask for, its fallback included."""
    size = SIZES[tale.stage]
    pages = [shot.who.partition("@")[0].replace("purse", "till"), *(["box"] if shot.falls else [])]
    return [(page, shot.prompt, size) for page in pages]


@dataclass(slots=True)
class Model:
    """How many good jobs there may be of each wish for the same inputs: one a take, and one for each fresh result."""

    takes: dict[Wish, int] = field(default_factory=lambda: defaultdict(int))
    fresh: dict[Wish, int] = field(default_factory=lambda: defaultdict(int))
    left: set[str] = field(default_factory=set)  # jobs beside which a fresh result was asked for

    def ask(self, tale: Tale, books: Books, coming: Container[str], redo: Iterable[str] = (), *, beside: bool) -> None:
        """A command asks for all of a tale, and for fresh results of some takes.

        Jobs that are `coming` are what is wished for; whoever names what was not delivered wants it beside that, and
        whoever names what is of unknown outcome may have it so once it is decided. What was never bought is not asked
        for anew, unless a command `beside` buys it meanwhile.
        """
        fresh = Counter(take.partition("@")[0] for take in redo if self._is_new(tale, take))
        for shot in tale.there():
            for wish in wishes(tale, shot):
                self.takes[wish] = max(self.takes[wish], shot.takes)
                if tale.stage == "final":  # it is made of whichever result of a draft was picked
                    self.takes[wish] = max(self.takes[wish], shot.takes + self.fresh[wish[0], wish[1], SIZES["draft"]])
                there = [job for job in books.jobs if job.what[:3] == wish and is_good(job) and job.id not in coming]
                if beside or there:
                    self.fresh[wish] += fresh[shot.id]
                    self.left |= {job.id for job in there if fresh[shot.id]}

    def _is_new(self, tale: Tale, take: str) -> bool:
        shot = next(shot for shot in tale.shots if shot.id == take.partition("@")[0])
        # WHY: what a chained shot asks for is another thing with each clip before it.
        return shot.chained or shot.asks not in tale.begun.get(f"{tale.stage}{take}", ())

    def too_many(self, books: Books) -> Iterator[str]:
        """Every wish that was bought more often than it was asked for, and every request that was bought twice."""
        same = Counter((job.body) for job in books.jobs if is_good(job))
        yield from (f"bought {number} times: {body}" for body, number in same.items() if number > 1)
        for what, number in Counter(job.what for job in books.jobs if is_good(job)).items():
            wish = (what[0], what[1], what[2])
            most = 1 if wish[0] == "lens" else self.takes[wish] + self.fresh[wish]
            if number > most:
                yield f"{number} of {what}, and {most} were asked for"


def is_good(job: Job) -> bool:
    """Whether a service has made, or is to make, what was asked for, and nobody gave it up."""
    return job.move not in ("flagged", "broke") and job.status != "cancelled" and not job.waived


@dataclass(frozen=True, slots=True)
class Attempt:
    """A paid attempt by the ledger's own events, added up here and nowhere else."""

    run: str
    step: str
    key: str
    attempt: int
    account: str
    credits: Decimal
    at: str
    seed: int | None  # of its request: it tells one result from the others
    job: str = ""
    charged: Decimal | None = None
    over: bool = False  # refused, or failed after it was taken
    doubted: bool = False
    made: bool = False
    undelivered: bool = False

    @property
    def held(self) -> Decimal:
        """What it has reserved or was charged."""
        return self.charged if self.charged is not None else D(0) if self.over else self.credits

    @property
    def is_known(self) -> bool:
        """Whether its outcome is."""
        return self.charged is not None or self.over


@dataclass(slots=True)
class Seen:
    """The ledger's events added up, one after another; `caps` of the command whose events are being looked at."""

    last: int = 0
    noted: tuple[object, ...] = (0,)  # what changes when anything is written down, an event or not
    attempts: dict[tuple[str, str, str, int], Attempt] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)  # jobs of which a service was said to have nothing any more

    def look(self, ledger: Path, caps: Mapping[str, Mapping[str, Decimal]], day: Decimal | None) -> int:
        """Takes new events into account and gives back how many there were; `caps` are by recipe and account."""
        if not ledger.exists():
            return 0
        before = self.last
        with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as connection:
            recipes = dict(connection.execute("SELECT id, recipe FROM runs"))
            noted = connection.execute("SELECT id, options FROM runs UNION ALL SELECT * FROM redos").fetchall()
            rows = connection.execute(
                "SELECT seq, run, kind, step, key, attempt, data FROM events WHERE seq > ? ORDER BY seq", (self.last,)
            ).fetchall()
        self.noted = (rows[-1][0] if rows else self.last, *noted)
        for seq, run, kind, step, key, number, data in rows:
            self.last = seq
            self._hear((run, step, key, number), kind, json.loads(data))
            if kind == "Started":
                self._cap(run, (run, step, key, number), caps.get(recipes.get(run, ""), {}), day)
        return self.last - before

    def _hear(self, name: tuple[str, str, str, int], kind: str, told: dict[str, Any]) -> None:
        if kind == "Started" and told["account"]:
            self.attempts[name] = Attempt(
                *name, told["account"], D(told["credits"]), told["at"], told["request"].get("seed")
            )
        one = self.attempts.get(name)
        if one is None:
            return
        if kind == "Submitted":
            one = dataclasses.replace(one, job=told["job_id"])
        elif kind == "Settled":
            one = dataclasses.replace(one, charged=D(told["charged"]))
        elif kind == "Succeeded":
            one = dataclasses.replace(one, made=True)
        elif kind == "Gone" and not told["freed"]:
            self.gone.add(one.job)
        elif kind == "Failed" and told["undelivered"]:
            one = dataclasses.replace(one, undelivered=True)
        elif kind == "Doubted":
            one = dataclasses.replace(one, doubted=True)
        elif kind == "Refused" or (kind == "Failed" and (one.job or not one.doubted)):
            one = dataclasses.replace(one, over=True)
        self.attempts[name] = one

    def _cap(self, run: str, name: Any, caps: Mapping[str, Decimal], day: Decimal | None) -> None:
        begun = self.attempts.get(name)
        if begun is None:
            return
        mine = sum((one.held for one in self.attempts.values() if (one.run, one.account) == (run, begun.account)), D(0))
        if mine > caps.get(begun.account, mine):
            self.broken.append(f"run {run} holds {mine} of {begun.account}, and its cap is {caps[begun.account]}")
        when = (begun.at[:10], begun.account)
        today = sum((one.held for one in self.attempts.values() if (one.at[:10], one.account) == when), D(0))
        if day and today > day:
            self.broken.append(f"{today} of {begun.account} are held on {begun.at[:10]}, and the cap is {day}")

    def differs(self, books: Books) -> Iterator[str]:
        """Where the ledger does not agree with the services' books."""
        jobs = {job.id: job for job in books.jobs}
        named = Counter(one.job for one in self.attempts.values() if one.job)
        yield from (f"{name} is that of {number} attempts" for name, number in named.items() if number > 1)
        for one in self.attempts.values():
            if one.job and one.charged not in (None, jobs[one.job].charged):
                yield f"{one.step} was charged {one.charged}, and {one.job} cost {jobs[one.job].charged}"
        for account in (account for accounts in ACCOUNTS.values() for account in accounts):
            mine = [one for one in self.attempts.values() if one.account == account]
            held = sum((one.held for one in mine), D(0))
            there = (job for job in books.jobs if job.account == account and (job.id in named or not job.waived))
            due = sum((job.charged for job in there), D(0))
            if held < due:
                yield f"{account}: the ledger holds {held}, and its service has taken {due}"
            waived = any(job.waived and job.account == account and job.id not in named for job in books.jobs)
            if all(one.is_known for one in mine) and held != due and not waived and not self._given_up(mine):
                yield f"{account}: the ledger has {held} in the end, and its service {due}"

    def made(self) -> set[str]:
        """The jobs whose results are there, or were."""
        return {one.job for one in self.attempts.values() if one.made}

    def coming(self) -> set[str]:
        """The jobs that a service was known to have, and of which nothing is there yet."""
        return {one.job for one in self.attempts.values() if one.job and not one.made and not one.undelivered}

    def left(self, books: Books, keys: Mapping[str, str], excused: Container[str]) -> Iterator[str]:
        """Jobs that were bought and are not there; `keys` are those of the results that are shown, by take."""
        by_job = {one.job: one for one in self.attempts.values() if one.job}
        shown = {job.what for job in books.jobs if (one := by_job.get(job.id)) and one.key in keys.values()}
        for job in books.jobs:
            one = by_job.get(job.id)
            if job.id in excused:
                continue
            if one and job.what in shown and is_good(job) and not one.made and take_of(one.step) in keys:
                yield f"{job.id} of {one.step} was bought and is not there"

    def _given_up(self, mine: Iterable[Attempt]) -> bool:
        return any(one.charged is not None and not one.job for one in mine)


def take_of(step: str) -> str:
    """The take of a step, its number always told."""
    name = step.partition("/")[0]
    return name if "@" in name else f"{name}@1"
