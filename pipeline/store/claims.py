"""What may begin, over every run on one ledger: whose money is left, who has room, what another run is making already.

Decided inside the transaction that writes the beginning down, so that no two processes are let in where one may be.
Nothing here waits and nothing here knows recipes, time zones or services: caps come with their moments worked out.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from pipeline import digest
from pipeline.events import Result, Started, later
from pipeline.money import ZERO
from pipeline.store import derive, holding, leases
from pipeline.store.holding import Held, Span
from pipeline.values import dataclass

SENDING_SECONDS = 900.0
"""How long an attempt that no service has named yet is taken to be on its way: inputs go first, and may be large."""
LEFT_SECONDS = 300.0
"""How long an attempt takes a place that no process asks after: most are done by then, and services keep limits too."""
LONGEST_SECONDS = 172_800.0
"""What began longer ago than two days takes no place at its account, whatever is said of it."""
DOLLARS = "usd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """The most that may be held of what is reserved in one span of time.

    `unit` is an account, or "usd" for the dollars of all accounts that are, as the asking one, rehearsals or not.
    """

    scope: str  # "day", "week" or "month"
    unit: str
    most: Decimal
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms an attempt may begin."""

    caps: tuple[Cap, ...] = ()
    width: int = 0  # the account's places, over all processes; 0: as many as one likes
    known: int = 0  # the last event that its plan knows of: what came later was made meanwhile
    job_seconds: float = LONGEST_SECONDS  # a job that has gone on for longer takes no place any more
    rest_seconds: float = 1.0  # how soon it is asked again
    apart: str = ""  # the ending of accounts that are rehearsals; empty: there are none
    lease: str = ""  # the token without which nothing begins; empty: none is needed


@dataclass(frozen=True, slots=True)
class Granted:
    """It has begun: the beginning is durable."""


@dataclass(frozen=True, slots=True)
class Over:
    """A cap forbids it: `left` is what that leaves, `asked` what would be reserved."""

    cap: Cap
    left: Decimal
    asked: Decimal


@dataclass(frozen=True, slots=True)
class Full:
    """Every place of its account is taken, or due to somebody who has waited for longer."""


@dataclass(frozen=True, slots=True)
class Busy:
    """An attempt with the same key is open; `job_id` is empty while no service has named one."""

    run: str
    account: str
    at: str
    job_id: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The same request may have been sent already, and nobody knows what became of it."""

    run: str
    account: str
    at: str


@dataclass(frozen=True, slots=True)
class Made:
    """Another attempt has made it meanwhile."""

    result: Result


@dataclass(frozen=True, slots=True)
class Stands:
    """Another attempt failed meanwhile, and the same request would fail again."""

    run: str
    error: str
    hint: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Ousted:
    """Its process was suspended for so long that another holds its recipe now: nothing more may begin there."""


Verdict = Ousted | Granted | Over | Full | Busy | Lost | Made | Stands


class Claim(NamedTuple):
    """A beginning that is asked for, and the terms on which it may be."""

    event: Started
    terms: Terms


def decide(connection: sqlite3.Connection, run: str, claims: Sequence[Claim]) -> list[Verdict]:
    """What becomes of each claim of a run, in their order, each after those that were granted before it.

    In a transaction, whose caller adds what was granted. Asks a handful of queries, however many claims there are.
    """
    there = leases.rows(connection)
    tokens = {"", *(row.token for row in there)}
    if any(claim.terms.lease not in tokens for claim in claims):
        return [Ousted()] * len(claims)
    meanwhile = _Meanwhile(connection, claims)
    places = _Places(connection, run, claims, leases.running(there))
    money = _Money(connection, claims)
    verdicts: list[Verdict] = []
    for claim in claims:
        verdict = meanwhile.verdict(claim) or places.verdict(claim) or money.verdict(claim) or Granted()
        if isinstance(verdict, Granted):
            meanwhile.grant(run, claim.event)
            places.grant(claim.event)
            money.grant(claim.event)
        elif not isinstance(verdict, Full):
            places.leave(claim.event)
        verdicts.append(verdict)
    places.note(connection)
    return verdicts


# What is pending for a plan is in a claim's way.
_OPEN = f"""
SELECT key, run, account, at, coalesce(job_id, ''), doubted IS NOT NULL AND submitted IS NULL
FROM attempts
WHERE {derive.OPEN} AND key IN (SELECT value FROM json_each(?)) ORDER BY job_id IS NOT NULL, first
"""
_ENDED = """
SELECT k.value, e.seq, e.run, e.kind, e.data FROM json_each(?) AS k
JOIN (SELECT key, seq FROM standing UNION ALL SELECT key, seq FROM results) AS r ON r.key = k.value
JOIN events AS e ON e.seq = r.seq WHERE r.seq > ?
"""


def _stands(run: str, told: Mapping[str, Any]) -> Stands:
    return Stands(run, *(str(told.get(name, "")) for name in ("error", "hint", "cause")))


class _Meanwhile:
    """What other attempts with the same keys have come to since the plan was made."""

    def __init__(self, connection: sqlite3.Connection, claims: Sequence[Claim]) -> None:
        keys = json.dumps(sorted({claim.event.key for claim in claims}))
        known = min(claim.terms.known for claim in claims)
        self._open: dict[str, Busy | Lost] = {}
        for key, run, account, at, job_id, doubted in connection.execute(_OPEN, (keys,)):
            self._open[key] = Lost(run, account, at) if doubted else Busy(run, account, at, job_id)
        self._ended: dict[str, tuple[int, Made | Stands]] = {}
        for key, seq, run, kind, data in connection.execute(_ENDED, (keys, known)):
            told = digest.loads(data)
            made = kind == "Succeeded"
            end = Made(Result.from_json(told["result"])) if made else _stands(run, told)
            self._ended[key] = max((seq, end), self._ended.get(key, (0, end)), key=lambda one: one[0])

    def verdict(self, claim: Claim) -> Verdict | None:
        seq, end = self._ended.get(claim.event.key, (0, None))
        return end if end and seq > claim.terms.known else self._open.get(claim.event.key)

    def grant(self, run: str, event: Started) -> None:
        self._open[event.key] = Busy(run, event.account, event.at, "")


# WHY: the first five terms are those of the index `attempts_in_flight`, so that SQLite uses it. Nobody asks any more
# after a job of a run that has ended, or that was doubted after its service had named it.
_IN_FLIGHT = """
SELECT a.account, a.at, a.run, a.first, a.submitted IS NOT NULL,
  r.status <> 'running' OR (a.submitted IS NOT NULL AND a.doubted > a.submitted)
FROM attempts AS a LEFT JOIN runs AS r ON r.id = a.run
WHERE a.refused IS NULL AND a.succeeded IS NULL AND a.failed IS NULL AND a.settled IS NULL AND a.started IS NOT NULL
  AND a.account IN (SELECT value FROM json_each(?)) AND a.at >= ? AND (a.submitted IS NOT NULL OR a.doubted IS NULL)
"""
_WAITING = (
    "SELECT account, since, run, step FROM waiting WHERE account IN (SELECT value FROM json_each(?)) AND until >= ?"
)
_WAIT = """
INSERT INTO waiting (account, run, step, since, until) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (account, run, step) DO UPDATE SET since = excluded.since, until = excluded.until
"""

_MOVE = "UPDATE waiting SET since = ? WHERE account = ? AND run = ?"


class _Taken(NamedTuple):
    """An attempt that may take a place: since when, of which run, its first event, and what is known of its job."""

    at: str
    run: str
    first: int
    has_job: bool
    left: bool  # no process asks after it


class _Places:
    """The places of each account, and who waits for one; whoever has waited longest comes first.

    A run that is given a place lines up anew with all its other steps, so that runs take turns, however large they are.
    """

    def __init__(
        self, connection: sqlite3.Connection, run: str, claims: Sequence[Claim], running: Collection[str]
    ) -> None:
        self._run = run
        self._running = running
        accounts = json.dumps(sorted({claim.event.account for claim in claims}))
        now = min(claim.event.at for claim in claims)
        self._taken: dict[str, list[_Taken]] = {}  # by account
        for account, *values in connection.execute(_IN_FLIGHT, (accounts, later(now, -LONGEST_SECONDS))):
            self._taken.setdefault(account, []).append(_Taken(*values))
        self._waiting: dict[str, dict[tuple[str, str], str]] = {}  # by account, (run, step) -> since when
        for account, since, whose, step in connection.execute(_WAITING, (accounts, now)):
            self._waiting.setdefault(account, {})[whose, step] = since
        self._kept: dict[tuple[str, str], str] = {}  # by account and step, until when
        self._gone: set[tuple[str, str]] = set()
        self._moved: dict[str, str] = {}  # by account, since when the run's steps wait now

    def verdict(self, claim: Claim) -> Full | None:
        event, terms = claim
        if not terms.width:
            return None
        taken = sum(self._takes(one, event.at, terms) for one in self._taken.get(event.account, ()))
        line = self._waiting.get(event.account, {})
        me = (self._run, event.step)
        mine = line.get(me, event.at)
        if terms.width - taken > sum((since, *who) < (mine, *me) for who, since in line.items()):
            return None
        self._waiting.setdefault(event.account, {})[me] = mine
        # WHY: a process that is slow for a while must not lose its turn, and one that is dead must not keep it.
        self._kept[event.account, event.step] = later(event.at, max(5.0, 5 * terms.rest_seconds))
        return Full()

    def _takes(self, one: _Taken, now: str, terms: Terms) -> bool:
        """Whether an attempt takes a place at this moment."""
        # WHY: a job of this run's earlier processes may belong to a shot that has been changed since.
        mine = one.run == self._run
        left = one.left or (one.first <= terms.known if mine else one.run not in self._running)
        seconds = terms.job_seconds if one.has_job else SENDING_SECONDS
        return one.at >= later(now, -(min(LEFT_SECONDS, seconds) if left else seconds))

    def grant(self, event: Started) -> None:
        self._taken.setdefault(event.account, []).append(_Taken(event.at, self._run, 1 << 62, False, False))
        self.leave(event)
        line = self._waiting.get(event.account, {})
        for who in [who for who in line if who[0] == self._run]:
            line[who] = self._moved[event.account] = event.at

    def leave(self, event: Started) -> None:
        """The step waits no more."""
        if self._waiting.get(event.account, {}).pop((self._run, event.step), None):
            self._gone.add((event.account, event.step))
            self._kept.pop((event.account, event.step), None)

    def note(self, connection: sqlite3.Connection) -> None:
        """Writes down who waits from now on."""
        if self._gone:
            gone = [(account, self._run, step) for account, step in sorted(self._gone)]
            connection.executemany("DELETE FROM waiting WHERE account = ? AND run = ? AND step = ?", gone)
        for account, since in self._moved.items():
            connection.execute(_MOVE, (since, account, self._run))
        if self._kept:
            line = {name: self._waiting[name[0]][self._run, name[1]] for name in self._kept}
            kept = [(name[0], self._run, name[1], line[name], until) for name, until in sorted(self._kept.items())]
            connection.executemany(_WAIT, kept)


class _Money:
    """What is held in the spans of time that have caps, by account."""

    def __init__(self, connection: sqlite3.Connection, claims: Iterable[Claim]) -> None:
        spans = sorted({cap.span for claim in claims for cap in claim.terms.caps})
        self._held: dict[Span, dict[str, Held]] = {}
        if spans:
            self._held = dict(zip(spans, holding.sums(connection, spans), strict=True))

    def verdict(self, claim: Claim) -> Over | None:
        event, terms = claim
        for cap in terms.caps:
            asked = (event.usd or ZERO) if cap.unit == DOLLARS else event.credits if cap.unit == event.account else ZERO
            before = spent(self._held[cap.span], cap.unit, event.account, terms.apart)
            if asked and holding.add(before, asked) > cap.most:
                return Over(cap, max(ZERO, cap.most - before), asked)
        return None

    def grant(self, event: Started) -> None:
        for (since, until), held in self._held.items():
            if since <= event.at < until:
                held[event.account] = held.get(event.account, Held()).plus(Held(event.credits, event.usd or ZERO))


def spent(held: Mapping[str, Held], unit: str, account: str, apart: str) -> Decimal:
    """How much of a cap's unit is held: credits of that account, or the dollars that count where `account` pays.

    Real dollars are never counted together with those of rehearsals, whose accounts' names end with `apart`.
    """
    if unit != DOLLARS:
        return held.get(unit, Held()).credits
    found, rehearsed = Held(), bool(apart) and account.endswith(apart)
    for name, amount in held.items():
        if (bool(apart) and name.endswith(apart)) == rehearsed:
            found = found.plus(amount)
    return found.usd
