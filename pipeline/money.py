"""Exact money: amounts are `Decimal`, never floats; credits belong to an account, dollars to nobody.

Knows nothing of who pays for what: caps and reservations live in `pipeline.engine.budget`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

ZERO = Decimal(0)
MOST_DIGITS = 15  # what a JSON number keeps exactly in every reader


def amount(value: object) -> Decimal:
    """A non-negative finite amount of at most 15 digits from an int, a Decimal or a text.

    Raises `ValueError` with a sentence that names the value.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError(f"{value!r} is not an amount of money.")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is not an amount of money.") from None
    if not number.is_finite() or number < 0:
        raise ValueError(f"{value!r} is not an amount of money: it must be zero or more.")
    if len(number.normalize().as_tuple().digits) > MOST_DIGITS or abs(number.adjusted()) > MOST_DIGITS:
        raise ValueError(f"{value!r} has more digits than money is counted in here ({MOST_DIGITS}).")
    return number


def text(value: Decimal) -> str:
    """An amount as people write it: no exponent, no trailing zeros, thousands apart."""
    return f"{value.normalize():,f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one request costs on one account: an expected and an upper amount of credits, and dollars where known.

    `low <= high`; `high` is what is reserved. `source` names the price book, or is empty for what is free.
    `known` is False where no price book covers the request: the amounts are then at best a part.
    """

    low: Decimal
    high: Decimal
    usd_per_credit: Decimal | None = None
    source: str = ""
    known: bool = True

    @property
    def usd(self) -> Decimal | None:
        """The upper amount in dollars; zero for what is free, None where a credit's price is not known."""
        if not self.known:
            return None
        if self.high == 0:
            return ZERO
        return None if self.usd_per_credit is None else self.high * self.usd_per_credit


FREE = Price(low=ZERO, high=ZERO)
UNPRICED = Price(low=ZERO, high=ZERO, known=False)
