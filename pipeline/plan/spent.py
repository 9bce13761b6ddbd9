"""What was spent and tried before: by a run's earlier processes, and by every run in the present periods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from pipeline.events import Cancelled, Event, Failed, Refused, Settled, Started, Submitted
from pipeline.money import ZERO
from pipeline.plan.budget import Book, Limits, dollars_of
from pipeline.plan.periods import span
from pipeline.store.holding import add
from pipeline.store.ledger import Ledger, Money


def book_of(history: Iterable[Event], limits: Limits) -> Book:
    """The book that the events of a run's earlier processes left behind, under these limits."""
    book = Book(limits)
    for event in history:
        match event:
            case Started() if event.account:
                _reserve(book, event)
            case Settled():
                book.settle(event.step, event.attempt, charged=event.charged, usd=event.usd)
            case Refused() | Failed() | Cancelled():
                book.release(event.step, event.attempt)
            case _:
                pass
    return book


def book_left(ledger: Ledger, run: str) -> Book:
    """The book that a run's earlier processes left behind, by its attempts and without limits. Raises `StoreError`."""
    book = Book(Limits())
    for one in ledger.money(run):
        _reserve(book, one)
        if one.charged is not None:
            book.settle(one.step, one.attempt, charged=one.charged, usd=one.charged_usd)
        elif one.freed:
            book.release(one.step, one.attempt)
    return book


def _reserve(book: Book, one: Started | Money) -> None:
    take = one.step.partition("/")[0]
    book.reserve(
        one.step,
        one.attempt,
        take=take,
        account=one.account,
        credits=one.credits,
        usd=one.usd,
        priced=one.priced,
    )


def failures_of(history: Iterable[Event]) -> dict[tuple[str, str], int]:
    """How often each step failed with each key in a run's earlier processes; what no service took is not counted.

    The failure of an attempt that another run began (attempt 0 here) is.
    """
    failed = [event for event in history if isinstance(event, Failed)]
    if not failed:
        return {}
    free = {(event.step, event.attempt) for event in history if isinstance(event, Started) and not event.account}
    tried = free | {(event.step, event.attempt) for event in history if isinstance(event, Submitted)}
    counted = (e for e in failed if (e.step, e.attempt) in tried or (e.attempt == 0 and not e.undelivered))
    return Counter((event.step, event.key) for event in counted)


def held(ledger: Ledger, limits: Limits, at: str, zone: str) -> dict[tuple[str, str], Decimal]:
    """What all runs have reserved and spent in the periods of a moment that have limits, as `Book.watch` wants it."""
    found: dict[tuple[str, str], Decimal] = {}
    periods = tuple(limits.windows)
    for period, accounts in zip(periods, ledger.held([span(name, at, zone) for name in periods]), strict=True):
        for account, amount in accounts.items():
            for unit, value in ((account, amount.credits), (dollars_of(account), amount.usd)):
                found[period, unit] = add(found.get((period, unit), ZERO), value)
    return found
