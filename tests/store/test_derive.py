"""What follows from the events follows from them alone, however they are grouped and however often they are told."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import Advice
from pipeline.events import (
    Artifact,
    Cancelled,
    Doubted,
    Event,
    Failed,
    Gone,
    Refused,
    Result,
    RunEnded,
    RunStarted,
    Settled,
    Skipped,
    Started,
    Submitted,
    Succeeded,
)
from pipeline.store import database, journal
from pipeline.store.ledger import Ledger

Told = tuple[str, Event]
AMOUNTS = st.decimals(min_value=0, max_value=1000, places=3)
TIMES = st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2025-12-31T23:59:59Z"])
RESULTS = st.builds(
    lambda n: Result(outputs={"video": Artifact(sha256=f"sha256:{n:064}", bytes=n, suffix=".mp4")}), st.integers(0, 3)
)
ABOUT: dict[str, Any] = {
    "at": TIMES,
    "step": st.sampled_from(["dawn/generate", "lamp/generate"]),
    "key": st.sampled_from(["k1:a", "k1:b", "k1:c"]),
    "attempt": st.integers(1, 3),
}
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(RunStarted, at=TIMES, version=st.just("1")),
    st.builds(
        Started,
        **ABOUT,
        provider=st.sampled_from(["", "seegen"]),
        account=st.sampled_from(["", "seegen", "agency"]),
        credits=AMOUNTS,
        usd=st.none() | AMOUNTS,
    ),
    st.builds(Submitted, **ABOUT, job_id=st.sampled_from(["1", "2"])),
    st.builds(Refused, **ABOUT, error=st.just("busy"), advice=st.sampled_from(Advice)),
    st.builds(Doubted, **ABOUT, error=st.just("reset")),
    st.builds(Gone, **ABOUT, freed=st.booleans()),
    st.builds(
        Settled,
        **ABOUT,
        charged=AMOUNTS,
        refunded=AMOUNTS,
        usd=st.none() | AMOUNTS,
        source=st.sampled_from(["seegen", "estimate"]),
    ),
    st.builds(Succeeded, **ABOUT, result=RESULTS),
    st.builds(Failed, **ABOUT, error=st.text(max_size=5), permanent=st.booleans()),
    st.builds(Cancelled, **ABOUT, why=st.just("as you asked")),
    st.builds(Skipped, at=TIMES, step=ABOUT["step"], key=ABOUT["key"], reason=st.just("needs"), why=st.just("")),
    st.builds(RunEnded, at=TIMES, status=st.just("complete")),
)
TOLD = st.lists(st.tuples(st.sampled_from(["run-1", "run-2"]), EVENTS), max_size=40)


@contextmanager
def ledger_of(groups: list[list[Told]]) -> Iterator[Ledger]:
    """A ledger that was told these groups of events, one transaction each; each group is of one run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite3"
        connection = database.connect(path)
        connection.execute("PRAGMA synchronous = OFF")
        for group in groups:
            journal.write(connection, group[0][0], [journal.row_of(event) for _, event in group])
        connection.close()
        with Ledger(path) as ledger:
            yield ledger


def singly(told: list[Told]) -> list[list[Told]]:
    """Each event in a transaction of its own."""
    return [[one] for one in told]


def grouped(told: list[Told], chance: random.Random) -> list[list[Told]]:
    """The same events in the same order, as if some had waited for others."""
    groups: list[list[Told]] = []
    for one in told:
        if groups and groups[-1][0][0] == one[0] and chance.random() < 0.7:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def tables(ledger: Ledger) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of what is derived."""
    connection = sqlite3.connect(ledger.path)
    try:
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr)
            for name in ("attempts", "results", "standing", "held")
        }
    finally:
        connection.close()


def steps(ledger: Ledger) -> list[Told]:
    """The events of steps that the ledger holds, run by run."""
    kinds = (RunStarted, RunEnded, Skipped)
    return [(run, e) for run in ("run-1", "run-2") for e in ledger.events(run) if not isinstance(e, kinds)]


@settings(max_examples=40, deadline=None)
@given(TOLD)
def test_the_tables_made_anew_are_the_same(told: list[Told]) -> None:
    """For any events in any order, `rebuild` gives the rows that were there."""
    with ledger_of(singly(told)) as ledger:
        before = tables(ledger)
        ledger.rebuild()
        assert tables(ledger) == before


@settings(max_examples=40, deadline=None)
@given(TOLD, st.randoms(use_true_random=False))
def test_how_events_are_grouped_makes_no_difference(told: list[Told], chance: random.Random) -> None:
    """Many events in one transaction leave the same rows as one by one."""
    with ledger_of(singly(told)) as one, ledger_of(grouped(told, chance)) as many:
        assert tables(one) == tables(many)
        assert one.events("run-1") == many.events("run-1")


@settings(max_examples=40, deadline=None)
@given(TOLD, st.randoms(use_true_random=False))
def test_telling_an_event_again_changes_nothing(told: list[Told], chance: random.Random) -> None:
    """Events told again, at any later place, in one transaction or another, leave log and answers as they were."""
    again = list(told)
    for at, one in enumerate(told):
        for _ in range(chance.choice([0, 0, 1, 2])):
            place = chance.randint(again.index(one) + 1, len(again))
            again.insert(max(place, at + 1), one)
    keys = ["k1:a", "k1:b", "k1:c"]
    with ledger_of(singly(told)) as once, ledger_of(grouped(again, chance)) as often:
        assert steps(often) == steps(once)
        assert often.kept(keys) == once.kept(keys)
        assert often.standing(keys) == once.standing(keys)
        assert often.pending() == once.pending()
        assert often.unsettled() == once.unsettled()


@settings(max_examples=40, deadline=None)
@given(TOLD)
def test_the_answers_are_those_of_a_plain_reading(told: list[Told]) -> None:
    """Results and standing failures are what a loop over the distinct events finds."""
    results: dict[str, Result] = {}
    standing: set[str] = set()
    seen: set[str] = set()
    for run, event in told:
        if f"{run}{event}" in seen:
            continue
        seen.add(f"{run}{event}")
        if isinstance(event, Succeeded):
            results[event.key] = event.result
            standing.discard(event.key)
        elif isinstance(event, Failed) and event.permanent:
            standing.add(event.key)
    keys = ["k1:a", "k1:b", "k1:c"]
    with ledger_of(singly(told)) as ledger:
        assert {key: found.result for key, found in ledger.kept(keys).items()} == results
        assert set(ledger.standing(keys)) == standing


@settings(max_examples=100, deadline=None)
@given(TOLD)
def test_every_reservation_ends_in_one_way(told: list[Told]) -> None:
    """Settled, released or held: what is held is the last charge, nothing, or all of it, and only the last is open."""
    with ledger_of(singly(told)) as ledger:
        rows = sqlite3.connect(ledger.path).execute(
            "SELECT at, account, credits, charged, refused, doubted, submitted, succeeded, failed FROM attempts"
        )
        held: dict[str, Decimal] = {}
        for at, account, credits, charged, refused, doubted, submitted, _, failed in rows:
            unknown = doubted is not None and submitted is None
            released = charged is None and (refused is not None or (failed is not None and not unknown))
            amount = Decimal(0) if released else Decimal(credits if charged is None else charged)
            if account:
                held[f"{at[:10]} {account}"] = held.get(f"{at[:10]} {account}", Decimal(0)) + amount
        found = sqlite3.connect(ledger.path).execute("SELECT span, account, credits FROM held WHERE grain = 'day'")
        sums = {f"{span} {account}": Decimal(credits) for span, account, credits in found}
        assert {name: amount for name, amount in sums.items() if amount} == {n: a for n, a in held.items() if a}
        cancelled = {(e.key, run, e.step, e.attempt) for run, e in told if isinstance(e, Cancelled)}
        for one in ledger.unsettled():
            if (one.key, one.run, one.step, one.attempt) in cancelled:
                assert one.doubted  # whether a service took it at all, a wish does not say
                assert one.job_id is None


def test_amounts_keep_every_digit(tmp_path: Path) -> None:
    """An amount is stored as its exact text, trailing zeros and all."""
    connection = database.connect(tmp_path / "ledger.sqlite3")
    at: dict[str, Any] = {"at": "t", "step": "s", "key": "k1:a", "attempt": 1}
    events: list[Event] = [
        Started(**at, provider="p", account="a", credits=Decimal("0.100"), usd=Decimal("123456789.012345")),
        Settled(**at, charged=Decimal("0.30"), refunded=Decimal("1E-7"), usd=Decimal("0"), source="p"),
    ]
    journal.write(connection, "run-1", [journal.row_of(event) for event in events])
    rows = connection.execute("SELECT credits, usd, charged, refunded, settled_usd FROM attempts").fetchall()
    connection.close()
    assert rows == [("0.100", "123456789.012345", "0.30", "1E-7", "0")]
