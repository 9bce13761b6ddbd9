"""Exact money: amounts are `Decimal`, never floats; credits belong to an account, dollars to nobody.

Knows nothing of who pays for what: caps and reservations live in `pipeline.engine.budget`.
"""

from __future__ import annotations

from decimal import Context, Decimal

from pipeline.values import dataclass

ZERO = Decimal(0)
EXACT = Context(prec=200)
"""To reckon in: credits times a rate have more digits than the usual context keeps."""
MOST_DIGITS = 15  # what a JSON number keeps exactly in every reader
_MOST_CHARACTERS = 100  # that a text of so many digits, with its zeros and blanks, may need


def amount(value: object) -> Decimal:
    """A non-negative finite amount of at most 15 digits from an int, a Decimal or a text.

    Raises `ValueError` with a sentence that names the value.
    """
    if isinstance(value, int) and abs(value) >= 10**_MOST_CHARACTERS:
        raise ValueError(f"A whole number has more digits than money is counted in here ({MOST_DIGITS}).")
    shown = repr(value)[:_MOST_CHARACTERS]
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str) or not _is_plain(value):
        raise ValueError(f"{shown} is not an amount of money.")
    try:
        number = Decimal(value)
    except ArithmeticError:
        raise ValueError(f"{shown} is not an amount of money.") from None
    if not number.is_finite() or number < 0:
        raise ValueError(f"{shown} is not an amount of money: it must be zero or more.")
    # WHY: the exponent first; one that is beyond reach cannot be normalized.
    if abs(number.adjusted()) > MOST_DIGITS or len(number.normalize().as_tuple().digits) > MOST_DIGITS:
        raise ValueError(f"{shown} has more digits than money is counted in here ({MOST_DIGITS}).")
    return number


def _is_plain(value: int | Decimal | str) -> bool:
    """Whether a text is short and has no signs that Python alone reads in numbers: `1_0`, or foreign digits."""
    return not isinstance(value, str) or (len(value) <= _MOST_CHARACTERS and value.isascii() and "_" not in value)


def text(value: Decimal) -> str:
    """An amount as people write it: no exponent, no trailing zeros, thousands apart."""
    return f"{value.normalize():,f}"


def dollars(value: Decimal) -> str:
    """An amount of dollars as people write it, with its cents at least."""
    shown = value.normalize()
    return f"${shown:,.2f}" if int(shown.as_tuple().exponent) >= -2 else f"${shown:,f}"


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
