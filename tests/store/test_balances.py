"""Balances and what two of them tell: only what is certain, whatever was under way when they were asked."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.money import ZERO
from pipeline.store import balances
from pipeline.store.balances import Balance, Change, Span, compare
from pipeline.store.ledger import Ledger
from tests.store.spent import AT, attempt, tell

D = Decimal
LATER = "2026-11-21T10:00:00.000Z"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


def keep(path: Path, left: str, at: str = AT, account: str = "seegen") -> None:
    with Ledger(path) as ledger:
        asked = ledger.last()
    balances.keep(path, account, D(left), at=at, asked=asked)


def told(path: Path) -> list[tuple[Decimal, Decimal]]:
    return [(change.outside, change.came_in) for change in balances.changes(path)]


def test_what_this_ledger_spent_is_no_news(path: Path) -> None:
    """To the last digit, over a fall that several attempts explain, refused and given back ones among them."""
    keep(path, "1000")
    tell(path, "run-1", *attempt("a", "160", "submitted", "service 152.35 7.65", "done"))
    tell(path, "run-1", *attempt("b", "40", "refused"), *attempt("c", "80", "submitted", "service 0 80", "failed"))
    keep(path, "847.65", LATER)
    assert told(path) == []
    last = balances.latest(path, "seegen")
    assert last
    assert (last.credits, last.at) == (D("847.65"), LATER)


def test_what_was_spent_elsewhere_is_told_as_far_as_it_is_certain(path: Path) -> None:
    """Beyond what every attempt between may have taken, those under way at their upper amount."""
    keep(path, "1000")
    tell(path, "run-1", *attempt("a", "160", "submitted", "service 100 0", "done"), *attempt("b", "50", "submitted"))
    keep(path, "700", LATER)
    assert balances.changes(path) == [Change(account="seegen", since=AT, at=LATER, outside=D(90))]  # 300 less 160, 50


def test_what_came_in_is_told_as_far_as_it_is_certain(path: Path) -> None:
    """Beyond what attempts that were under way at the first balance may have given back."""
    tell(path, "run-1", *attempt("early", "30", "submitted"))
    keep(path, "1000")
    tell(path, "run-1", *attempt("a", "160", "submitted", "service 160 0", "done"))
    keep(path, "1000", LATER)
    assert told(path) == [(0, 130)]


def test_an_attempt_that_nobody_has_a_price_for_leaves_all_open(path: Path) -> None:
    """Until its service has told what it took."""
    keep(path, "1000")
    tell(path, "run-1", *attempt("a", "0", "submitted", priced=False, book=""))
    keep(path, "10", LATER)
    assert told(path) == []
    tell(path, "run-1", *attempt("a", "0", "submitted", "service 18 0", "done", priced=False, book="")[2:])
    assert told(path) == [(972, 0)]


def test_accounts_and_moments_are_told_apart(path: Path) -> None:
    """Each account by itself; from a moment on; one balance alone tells nothing, and no ledger has none."""
    assert balances.changes(path) == []
    assert balances.latest(path, "seegen") is None
    keep(path, "1000")
    keep(path, "500", account="agency")
    assert balances.changes(path) == []
    keep(path, "900", LATER)
    assert [change.account for change in balances.changes(path)] == ["seegen"]
    assert balances.changes(path, "agency") == balances.changes(path, since="2027") == []


def test_a_lost_request_is_weighed_by_the_balances_around_it(path: Path) -> None:
    """What the account fell by, less what all others certainly took; nothing where they leave it open."""

    def fell() -> Decimal | None:
        return balances.fell(path, "seegen", "k1:lost", "run-1", "lost/generate", 1)

    tell(path, "run-1", *attempt("lost", "40", "doubted"))
    keep(path, "1000")
    assert fell() is None
    tell(path, "run-2", *attempt("lost", "40", "doubted"), *attempt("a", "160", "submitted", "service 160 0", "done"))
    assert balances.fell(path, "seegen", "k1:lost", "run-2", "lost/generate", 1) is None
    tell(path, "run-1", *attempt("lost", "40", "refused")[1:])
    keep(path, "800", LATER)
    assert balances.fell(path, "seegen", "k1:lost", "run-2", "lost/generate", 1) is None  # run-1's was under way before
    keep(path, "800", "2026-11-21T11:00:00.000Z")
    tell(path, "run-3", *attempt("lost", "40", "doubted"))
    keep(path, "760", "2026-11-21T12:00:00.000Z")
    assert balances.fell(path, "seegen", "k1:lost", "run-3", "lost/generate", 1) is None  # run-2's is still open


def test_one_lost_request_alone_is_as_much_as_it_costs(path: Path) -> None:
    """Or nothing at all, where the service did not take it."""
    keep(path, "1000")
    tell(path, "run-1", *attempt("a", "160", "submitted", "service 160 0", "done"), *attempt("lost", "40", "doubted"))
    for left, fell in (("800", 40), ("840", 0), ("795", 45)):
        keep(path, left, f"2026-11-21T1{fell % 10}:00:00.000Z")
        assert balances.fell(path, "seegen", "k1:lost", "run-1", "lost/generate", 1) == fell


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 20), st.integers(0, 8), st.sampled_from([0, 1]), st.integers(0, 3), st.booleans()),
        max_size=6,
    ),
    st.integers(0, 20),
    st.integers(0, 20),
    st.booleans(),
)
def test_nothing_is_told_that_is_not_so(
    jobs: list[tuple[int, int, int, int, bool]], outside: int, came_in: int, pre_pay: bool
) -> None:
    """Random attempts around two balances at a service that takes money at the start or the end: no false news.

    What is told to be spent elsewhere, or come in, is never more than really was, less the other.
    """
    first, second = 10, 20
    spans, before, after = [], 0, 0
    for price, begun, share, length, heard in jobs:
        start, end = 3 * begun, 3 * begun + 1 + 5 * length
        charged = price * share
        for moment, side in ((first, "before"), (second, "after")):
            taken = charged if moment >= end else price if pre_pay and moment >= start else 0
            before, after = (before + taken, after) if side == "before" else (before, after + taken)
        spans.append(Span(start, end if heard else None, D(price), D(charged if heard else 0), heard))
    at_first = Balance(account="x", at=AT, credits=D(1000 - before), asked=first, told=first)
    left = 1000 - after - outside + came_in
    change = compare(at_first, Balance(account="x", at=LATER, credits=D(left), asked=second, told=second), spans)
    assert change.outside <= max(0, outside - came_in)
    assert change.came_in <= max(0, came_in - outside)
    if not jobs:
        assert (change.outside, change.came_in) == (max(ZERO, D(outside - came_in)), max(ZERO, D(came_in - outside)))
