"""No cap is exceeded at any moment, whoever asks; who waits longest comes first; what others make is found out."""

from __future__ import annotations

import random
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import Advice
from pipeline.events import (
    Artifact,
    Doubted,
    Event,
    Failed,
    Refused,
    Result,
    Settled,
    Started,
    Submitted,
    Succeeded,
    instant,
    later,
)
from pipeline.store import claims, database, holding, journal
from pipeline.store.claims import Busy, Cap, Claim, Full, Granted, Lost, Made, Ousted, Over, Stands, Terms, Verdict
from pipeline.store.leases import Holder, here
from pipeline.store.ledger import Ledger

D = Decimal
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = ("2026-11-21T00:00:00.000Z", "2026-11-22T00:00:00.000Z")
RESULT = Result(outputs={"video": Artifact(sha256="sha256:a", bytes=1, suffix=".mp4")})


def at(seconds: float = 0) -> str:
    """So many seconds after noon."""
    return (NOON + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def start(step: str = "a/generate", key: str = "", **values: Any) -> Started:
    fields: dict[str, Any] = {"at": at(), "attempt": 1, "provider": "till", "account": "till", "credits": D(6)}
    return Started(step=step, key=key or f"k1:{step}", **{**fields, **values})


def about(event: Started) -> dict[str, Any]:
    return {"at": event.at, "step": event.step, "key": event.key, "attempt": event.attempt}


def settled(event: Started, charged: object, usd: object = None) -> Settled:
    amount = None if usd is None else D(str(usd))
    return Settled(**about(event), charged=D(str(charged)), refunded=D(0), usd=amount, source="till")


def capped(most: object, unit: str = "till", span: tuple[str, str] = DAY, **values: Any) -> Terms:
    return Terms(caps=(Cap(scope="day", unit=unit, most=D(str(most)), span=span),), **values)


class Book:
    """One process's connection to a ledger."""

    def __init__(self, path: Path) -> None:
        self.connection = database.connect(path)
        self.connection.execute("PRAGMA synchronous = OFF")

    def tell(self, *events: Event, run: str = "r") -> None:
        journal.write(self.connection, run, [journal.row_of(event) for event in events])

    def claim(self, *events: Started, terms: Terms | None = None, run: str = "r") -> list[Verdict]:
        return journal.write(self.connection, run, [], [Claim(event, terms or Terms()) for event in events])

    def lease(self, run: str, *, boot: str = "", until: float = 60.0) -> None:
        """Notes a lease of a run: of this boot, where no other is named, until so many seconds from now."""
        now = instant(datetime.now(UTC))
        row = Holder(run, "A run", run, "host", boot or here().boot, 1, f"token of {run}", now, later(now, until))
        self.connection.execute(f"INSERT OR REPLACE INTO leases VALUES ({', '.join('?' * len(row))})", row)

    def one(self, event: Started, terms: Terms | None = None, run: str = "r") -> Verdict:
        return self.claim(event, terms=terms, run=run)[0]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    """An empty ledger."""
    book = Book(tmp_path / "ledger.sqlite3")
    yield book
    book.connection.close()


# money


def test_what_is_granted_is_written_and_what_is_not_leaves_nothing(book: Book) -> None:
    """Three of 6 fit in 20; the fourth is told what is left, and only three beginnings stand in the log."""
    verdicts = book.claim(*(start(f"s{i}") for i in range(4)), terms=capped(20))
    assert verdicts[:3] == [Granted()] * 3
    assert isinstance(verdicts[3], Over)
    assert (verdicts[3].left, verdicts[3].asked) == (2, 6)
    assert book.connection.execute("SELECT count(*), max(step) FROM events").fetchone() == (3, "s2")


@pytest.mark.parametrize(
    ("fate", "left"),
    [
        ([], 4),
        ([("Settled", 1.25)], D("8.75")),
        ([("Refused", 0)], 10),
        ([("Submitted", 0), ("Failed", 0)], 10),
        ([("Submitted", 0), ("Settled", 2), ("Failed", 0)], 8),
        ([("Doubted", 0)], 4),
        ([("Doubted", 0), ("Failed", 0)], 4),
        ([("Submitted", 0), ("Doubted", 0)], 4),
        ([("Submitted", 0), ("Settled", 6), ("Undelivered", 0)], 4),
        ([("Submitted", 0), ("Undelivered", 0)], 4),
        ([("Submitted", 0), ("Settled", 9)], 1),
    ],
)
def test_what_an_attempt_holds(fate: list[tuple[str, float]], left: Decimal, book: Book) -> None:
    """Its reservation until it ends, then its charge; a doubt and what is paid and not delivered are held."""
    event = start()
    assert book.one(event) == Granted()
    for kind, amount in fate:
        told: dict[str, Event] = {
            "Settled": settled(event, amount),
            "Refused": Refused(**about(event), error="busy", advice=Advice.LATER),
            "Submitted": Submitted(**about(event), job_id="j"),
            "Doubted": Doubted(**about(event), error="no answer"),
            "Failed": Failed(**about(event), error="broke"),
            "Undelivered": Failed(**about(event), error="link died", undelivered=True),
        }
        book.tell(told[kind])
    verdict = book.one(start("b", credits=D(11)), capped(10))
    assert isinstance(verdict, Over)
    assert verdict.left == left


def test_an_amount_belongs_to_the_day_of_its_reservation(book: Book) -> None:
    """What was reserved before midnight counts there, whenever it is settled, and the new day begins with nothing."""
    eve = start(at="2026-11-20T23:59:59.999Z")
    before = ("2026-11-20T00:00:00.000Z", "2026-11-21T00:00:00.000Z")
    assert book.one(eve, capped(6, span=before)) == Granted()
    book.tell(settled(eve, 6))
    assert isinstance(book.one(start("b", at=eve.at), capped(6, span=before)), Over)
    assert book.one(start("b", at="2026-11-21T00:00:00.000Z"), capped(6)) == Granted()


def test_a_day_is_that_of_a_time_zone(book: Book) -> None:
    """In Kathmandu, a quarter to six ahead, midnight is at 18:15 in UTC: to the millisecond."""
    span = ("2026-11-20T18:15:00.000Z", "2026-11-21T18:15:00.000Z")
    for moment in ("2026-11-20T18:14:59.999Z", "2026-11-20T18:15:00.000Z", "2026-11-21T18:15:00.000Z"):
        book.tell(start(moment, at=moment))
    verdict = book.one(start(at="2026-11-21T18:14:59.999Z", credits=D(99)), capped(7, span=span))
    assert isinstance(verdict, Over)
    assert verdict.left == 1


def test_dollars_are_those_of_all_accounts_but_not_of_rehearsals(book: Book) -> None:
    """Real accounts are added up, rehearsals among themselves, and what has no price in dollars counts none."""
    for account, usd in (("till", D(3)), ("other", D(2)), ("till@rehearsal", D(50)), ("third", None)):
        book.tell(start(account, account=account, usd=usd))
    terms = capped(6, "usd", apart="@rehearsal")
    verdict = book.one(start(usd=D("1.01")), terms)
    assert isinstance(verdict, Over)
    assert verdict.left == 1
    assert book.one(start(usd=D(1)), terms) == Granted()
    rehearsed = book.one(start("b", usd=D(1), account="till@rehearsal"), terms)
    assert isinstance(rehearsed, Over)
    assert rehearsed.left == 0


def test_amounts_are_exact_to_the_last_digit(book: Book) -> None:
    """A sum of many digits is no rounder than its parts: the very last one decides."""
    tiny = D("0.000000000000001")
    book.tell(start("big", credits=D("999999999999999")), start("small", credits=tiny))
    cap = capped("999999999999999.000000000000002")
    assert isinstance(book.one(start("b", credits=3 * tiny), cap), Over)
    assert book.one(start("b", credits=tiny), cap) == Granted()
    assert isinstance(book.one(start("c", credits=tiny), cap), Over)


AMOUNT = st.decimals("0.01", "20", places=2)
MOVES = st.lists(
    st.tuples(
        st.integers(0, 2),  # whose
        st.sampled_from(["claim", "claim", "claim", "settle", "refuse", "fail", "doubt", "more"]),
        AMOUNT,
        st.sampled_from([-7200, 0, 43_000, 43_300, 86_000]),  # over midnight
        st.sampled_from(["till", "other"]),
    ),
    max_size=40,
)


@contextmanager
def books(count: int) -> Iterator[list[Book]]:
    with tempfile.TemporaryDirectory() as folder:
        found = [Book(Path(folder) / "ledger.sqlite3") for _ in range(count)]
        try:
            yield found
        finally:
            for book in found:
                book.connection.close()


@settings(max_examples=50, deadline=None)
@given(MOVES, st.decimals("1", "60", places=2), st.decimals("1", "6", places=2))
def test_no_interleaving_exceeds_a_cap_and_none_is_lost(
    moves: list[tuple[int, str, Decimal, int, str]], day_cap: Decimal, usd_cap: Decimal
) -> None:
    """Three runs claim, settle, give back and doubt in any order: each cap of each day is kept, and the sums are so."""
    held: dict[str, list[tuple[str, str, Decimal]]] = {}  # by step: day, account, amount
    with books(3) as processes:
        for number, (whose, move, amount, seconds, account) in enumerate(moves):
            mine = [event for event in opened(processes[whose], f"run-{whose}") if event.account == account]
            if move == "claim":
                event = start(f"s{number}", at=at(seconds), credits=amount, account=account, usd=amount / 10)
                day = event.at[:10]
                span = (
                    f"{day}T00:00:00.000Z",
                    f"{datetime.fromisoformat(day).date() + timedelta(days=1)}T00:00:00.000Z",
                )
                caps = [
                    Cap(scope="day", unit=unit, most=most, span=span)
                    for unit, most in ((account, day_cap), ("usd", usd_cap))
                ]
                verdict = processes[whose].one(event, Terms(caps=tuple(caps)), f"run-{whose}")
                credits = sum((a for d, n, a in _all(held) if (d, n) == (day, account)), D(0))
                usd = sum((a / 10 for d, _, a in _all(held) if d == day), D(0))
                fits = credits + amount <= day_cap and usd + amount / 10 <= usd_cap
                assert isinstance(verdict, Granted) == fits
                if fits:
                    held[event.step] = [(day, account, amount)]
            elif mine:
                event = mine[-1]
                day = event.at[:10]
                end: dict[str, tuple[Event, Decimal]] = {
                    "settle": (settled(event, event.credits / 2, event.credits / 20), event.credits / 2),
                    "more": (Submitted(**about(event), job_id="j"), event.credits),
                    "refuse": (Refused(**about(event), error="busy"), D(0)),
                    "fail": (Failed(**about(event), error="broke"), D(0)),
                    "doubt": (Doubted(**about(event), error="?"), event.credits),
                }
                processes[whose].tell(end[move][0], run=f"run-{whose}")
                held[event.step] = [(day, account, end[move][1])]
            for day in ("2026-11-21", "2026-11-22"):
                span = (f"{day}T00:00:00.000Z", f"{day[:-1]}{int(day[-1]) + 1}T00:00:00.000Z")
                sums = holding.sums(processes[0].connection, [span])[0]
                for name in ("till", "other"):
                    there = sum((a for d, n, a in _all(held) if (d, n) == (day, name)), D(0))
                    assert sums.get(name, holding.Held()).credits == there
                    assert there <= day_cap
        connection = processes[0].connection
        before = sorted(connection.execute("SELECT * FROM held").fetchall())
        with database.transaction(connection):
            from pipeline.store import derive

            derive.anew(connection)
        assert sorted(connection.execute("SELECT * FROM held").fetchall()) == before
        assert connection.execute("SELECT count(*) FROM events WHERE kind = 'Started'").fetchone()[0] == len(held)


def _all(held: dict[str, list[tuple[str, str, Decimal]]]) -> list[tuple[str, str, Decimal]]:
    return [one for entries in held.values() for one in entries]


def opened(book: Book, run: str) -> list[Started]:
    """The attempts of a run that nothing was said of yet."""
    query = (
        "SELECT step, key, at, account, credits FROM attempts WHERE run = ? AND refused IS NULL AND failed IS NULL"
        " AND settled IS NULL AND doubted IS NULL AND submitted IS NULL ORDER BY first"
    )
    return [
        start(step, key, at=moment, account=account, credits=D(credits))
        for step, key, moment, account, credits in book.connection.execute(query, (run,))
    ]


# places


def test_no_more_than_its_places_at_one_account(book: Book) -> None:
    """Over all runs; another account has its own, and an end frees one."""
    terms = Terms(width=2)
    first, second = start("a"), start("b")
    assert book.claim(first, second, terms=terms) == [Granted()] * 2
    assert book.one(start("c"), terms, "other") == Full()
    assert book.one(start("d", account="bank"), terms, "other") == Granted()
    book.tell(Submitted(**about(first), job_id="j"), settled(first, 6))
    assert book.one(start("c"), terms, "other") == Granted()


def test_what_takes_a_place_and_for_how_long(book: Book) -> None:
    """A job while it may take, a request while it may be on its way, a doubt and what is older than two days: none."""
    long = start("long", at=at(-3000))
    book.tell(long, Submitted(**about(long), job_id="j"), start("dead", at=at(-901)), start("old", at=at(-172_801)))
    doubt = start("doubt")
    book.tell(doubt, Doubted(**about(doubt), error="?"))
    assert book.one(start("a"), Terms(width=1, job_seconds=3600)) == Full()
    assert book.one(start("b", at=at(1)), Terms(width=1, job_seconds=2700), "other") == Full()  # `a` waits before it
    assert book.one(start("a"), Terms(width=1, job_seconds=2700)) == Granted()


def test_a_job_that_nobody_asks_after_gives_its_place_up_soon(book: Book) -> None:
    """After five minutes: that of a run that has ended, one that was doubted, one of this run's earlier processes."""
    for number, run in enumerate(("ended", "doubted", "own")):
        event = start(run, at=at(-400 + number))
        book.tell(event, Submitted(**about(event), job_id="j"), run=run)
        book.lease(run)
    assert book.one(start("a"), Terms(width=3), "own") == Full()
    assert book.one(start("a"), Terms(width=3, known=99), "own") == Granted()
    book.tell(settled(start("a"), 6), run="own")
    doubt = start("doubted")
    assert book.one(start("b"), Terms(width=3), "new") == Full()
    book.tell(Doubted(**about(doubt), error="?"), run="doubted")
    assert book.one(start("b"), Terms(width=3), "new") == Granted()
    query = "INSERT INTO runs VALUES ('ended', '', '', '', '', 'interrupted', '', NULL, '', '')"
    assert book.one(start("c"), Terms(width=3), "new") == Full()
    book.connection.execute(query)
    assert book.one(start("c"), Terms(width=3), "new") == Granted()
    recent = start("d", at=at(-200))
    book.tell(recent, Submitted(**about(recent), job_id="j"), run="ended")
    assert book.one(start("e"), Terms(width=4), "new") == Full()


@pytest.mark.parametrize(
    ("boot", "until", "verdict"),
    [
        ("", -9999.0, Full()),
        ("another", 30.0, Full()),
        ("another", -30.0, Full()),
        ("another", -90.0, Granted()),
    ],
)
def test_a_run_without_a_living_holder_gives_its_places_up_soon(
    boot: str, until: float, verdict: Verdict, book: Book
) -> None:
    """On this boot a lease is alive while it is there; another machine's until it has run out, and a minute longer."""
    event = start("job", at=at(-400))
    book.tell(event, Submitted(**about(event), job_id="j"), start("sending", at=at(-400)), run="other")
    assert book.claim(start("a"), start("b"), terms=Terms(width=2)) == [Granted()] * 2
    for step in ("a", "b"):
        book.tell(settled(start(step), 6))
    book.lease("other", boot=boot, until=until)
    assert book.claim(start("c"), start("d"), terms=Terms(width=2)) == [verdict] * 2


def test_nothing_begins_without_the_lease_that_it_needs(book: Book) -> None:
    """Whoever has lost it is told so, in the transaction of the claim, and nothing of it is written."""
    book.lease("r")
    assert book.one(start("a"), capped(20, lease="token of r")) == Granted()
    assert book.claim(start("b"), start("c"), terms=capped(20, lease="before")) == [Ousted()] * 2
    book.connection.execute("DELETE FROM leases")
    assert book.one(start("b"), capped(20, lease="token of r")) == Ousted()
    assert book.connection.execute("SELECT count(*) FROM events").fetchone() == (1,)


def test_who_has_waited_longest_comes_first(book: Book) -> None:
    """A run that ends a job and asks at once does not overtake one that asked before; a dead one is passed over."""
    terms, first = Terms(width=1, rest_seconds=1), start("a")
    assert book.one(first, terms) == Granted()
    assert book.one(start("b", at=at(1)), terms, "slow") == Full()
    assert book.one(start("c", at=at(2)), terms, "late") == Full()
    book.tell(settled(first, 6))
    assert book.one(start("d", at=at(3)), terms) == Full()
    assert book.one(start("c", at=at(4)), terms, "late") == Full()
    assert book.one(start("c", at=at(6.5)), terms, "late") == Granted()  # `slow` was not heard of for five seconds
    assert book.connection.execute("SELECT run, step FROM waiting").fetchall() == [("r", "d"), ("slow", "b")]


def test_runs_take_turns(book: Book) -> None:
    """A large run that has lined up with ten steps before a small one comes: each gets a place in turn."""
    terms = Terms(width=1, rest_seconds=1)
    order: list[str] = []
    assert book.one(start("first"), terms, "third") == Granted()
    last = start("first")
    large = [start(f"l{n}", at=at(1)) for n in range(10)]
    assert book.claim(*large, terms=terms, run="large") == [Full()] * 10
    small = [start(f"s{n}", at=at(2)) for n in range(2)]
    assert book.claim(*small, terms=terms, run="small") == [Full()] * 2
    for second in range(3, 11):
        book.tell(settled(last, 6), run="third" if not order else order[-1])
        for run, steps in (("large", large), ("small", small)):
            for event in list(steps):
                again = start(event.step, at=at(second))
                if book.one(again, terms, run) == Granted():
                    steps.remove(event)
                    order.append(run)
                    last = again
    assert order[:4] == ["large", "small", "large", "small"]
    assert len(order) == 8


def test_a_step_that_is_told_otherwise_waits_no_more(book: Book) -> None:
    """It leaves the line when a cap forbids it, so that nobody waits behind it."""
    first = start("a")
    assert book.one(first, Terms(width=1)) == Granted()
    assert book.one(start("b"), Terms(width=1), "other") == Full()
    book.tell(settled(first, 6))
    assert isinstance(book.one(start("b"), capped(7, width=1), "other"), Over)
    assert book.connection.execute("SELECT count(*) FROM waiting").fetchone() == (0,)


# what others make


def test_another_attempt_with_the_same_key_is_waited_for(book: Book) -> None:
    """Also in one and the same group; then its result is there, unless the plan knew of it."""
    first, second = start("a", "k1:same"), start("b", "k1:same")
    assert book.claim(first, second) == [Granted(), Busy("r", "till", at(), "")]
    book.tell(Submitted(**about(first), job_id="job-1"))
    assert book.one(second, run="other") == Busy("r", "till", at(), "job-1")
    book.tell(settled(first, 6), Succeeded(**about(first), result=RESULT))
    assert book.one(second, run="other") == Made(RESULT)
    last = book.connection.execute("SELECT max(seq) FROM events").fetchone()[0]
    assert book.one(second, Terms(known=last), "other") == Granted()  # its files were gone


def test_what_nobody_knows_the_outcome_of_is_not_sent_again(book: Book) -> None:
    """A doubt without a job is lost; a job that is doubted is still waited for."""
    first, second = start("a"), start("b")
    book.tell(first, Doubted(**about(first), error="?"))
    book.tell(second, Submitted(**about(second), job_id="j"), Doubted(**about(second), error="?"))
    again = [start("c", "k1:a"), start("d", "k1:b")]
    assert book.claim(*again, run="other") == [Lost("r", "till", at()), Busy("r", "till", at(), "j")]


def test_a_failure_that_stands_is_told(book: Book) -> None:
    """With the service's words; one that may pass is no reason, nor one that the plan knew of."""
    first, second = start("a"), start("b")
    for event, permanent in ((first, True), (second, False)):
        failed = Failed(**about(event), error="flagged.", hint="Change it.", permanent=permanent)
        book.tell(event, Submitted(**about(event), job_id="j"), failed)
    again = [start("c", "k1:a"), start("d", "k1:b")]
    assert book.claim(*again, run="other") == [Stands("r", "flagged.", "Change it."), Granted()]
    assert book.one(start("e", "k1:a"), Terms(known=99), "third") == Granted()


# several at once


def test_two_journals_share_one_cap(tmp_path: Path) -> None:
    """Two threads with a journal each, 16 tasks in each, one cap: as much as fits is granted, to the last credit."""
    path = tmp_path / "ledger.sqlite3"
    Ledger(path).close()
    granted: dict[str, int] = {}

    async def go(run: str) -> None:
        async def work(first: int) -> None:
            for number in range(first, 160, 16):
                verdict = await taken.claim(start(f"{run}-{number}", credits=D("0.1")), capped("20.05"))
                granted[run] = granted.get(run, 0) + isinstance(verdict, Granted)

        with Ledger(path) as ledger:
            async with ledger.journal(run) as taken, anyio.create_task_group() as group:
                for first in range(16):
                    group.start_soon(work, first)

    threads = [threading.Thread(target=anyio.run, args=(go, f"run-{n}")) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(granted.values()) == 200
    with Ledger(path) as ledger:
        assert ledger.held([DAY])[0]["till"].credits == 20
        assert ledger.last() == 200


@pytest.mark.anyio
async def test_a_claim_sees_what_was_told_before_it(tmp_path: Path) -> None:
    """A settlement that was only posted gives its money back before the next claim is decided."""
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        async with ledger.journal("r") as taken:
            for number in range(20):
                event = start(f"s{number}")
                assert await taken.claim(event, capped(10, width=1)) == Granted()
                taken.post(settled(event, 0))


# what was there before


def test_a_ledger_of_version_1_is_brought_up(tmp_path: Path) -> None:
    """Opened to read it reads right and stays as it is; opened to write it has the tables, made from its events."""
    path = tmp_path / "ledger.sqlite3"
    book = Book(path)
    event = start()
    book.tell(event, Submitted(**about(event), job_id="j"), settled(event, "4.5"), start("b"))
    book.connection.execute("PRAGMA user_version = 1")
    for what in ("TABLE held", "TABLE waiting", "INDEX attempts_in_flight", "TABLE leases", "TABLE balances"):
        book.connection.execute(f"DROP {what}")
    book.connection.close()
    with Ledger(path, read_only=True) as ledger:
        assert ledger.held([DAY])[0]["till"].credits == D("10.5")
        assert set(ledger.pending()) == {"k1:a/generate", "k1:b"}
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (1,)
    with Ledger(path) as ledger:
        assert ledger.held([DAY])[0]["till"].credits == D("10.5")
    book = Book(path)
    assert isinstance(book.one(start("c"), capped(16)), Over)
    assert book.one(start("c"), capped(17)) == Granted()
    assert book.connection.execute("PRAGMA user_version").fetchone() == (3,)
    book.connection.close()


def test_several_bring_one_ledger_up_at_once(tmp_path: Path) -> None:
    """Whoever comes first does it, and the others wait for that."""
    path = tmp_path / "ledger.sqlite3"
    book = Book(path)
    for number in range(300):
        book.tell(start(f"s{number}", credits=D("0.1")))
    book.connection.execute("PRAGMA user_version = 1")
    for what in ("TABLE held", "TABLE waiting", "INDEX attempts_in_flight", "TABLE leases", "TABLE balances"):
        book.connection.execute(f"DROP {what}")
    book.connection.close()
    with ThreadPoolExecutor(8) as pool:
        for opened_one in pool.map(lambda _: database.connect(path), range(8)):
            assert holding.sums(opened_one, [DAY])[0]["till"].credits == 30
            opened_one.close()


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_spans_are_added_up_from_days_and_quarters(chance: random.Random) -> None:
    """Whatever the quarter of an hour a span begins and ends at: each reservation in it counts once, no other does."""
    base = datetime(2026, 10, 1, tzinfo=UTC)
    with books(1) as (book,):
        moments = [base + timedelta(minutes=chance.randrange(0, 43_200)) for _ in range(30)]
        book.tell(*(start(f"s{n}", at=_iso(moment), credits=D(1)) for n, moment in enumerate(moments)))
        for _ in range(10):
            since = base + timedelta(minutes=15 * chance.randrange(0, 2880))
            until = since + timedelta(minutes=15 * chance.choice([1, 4, 95, 96, 97, 672, 2900]))
            sums = holding.sums(book.connection, [(_iso(since), _iso(until))])[0]
            assert sums.get("till", holding.Held()).credits == sum(since <= moment < until for moment in moments)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_the_indexes_are_used(book: Book) -> None:
    """However long the ledger is, a claim looks at few rows."""
    queries = (
        (claims._IN_FLIGHT, ("[]", ""), "SEARCH a USING INDEX attempts_in_flight (account=? AND at>?)"),
        (claims._OPEN, ("[]",), "SEARCH attempts USING PRIMARY KEY (key=?)"),
        (holding._SUMS, ("[]",), "SEARCH h USING PRIMARY KEY (grain=? AND span>? AND span<?)"),
    )
    for query, values, way in queries:
        assert way in " ".join(row[3] for row in book.connection.execute(f"EXPLAIN QUERY PLAN {query}", values))
