"""Amounts are exact decimals, whatever they are read from."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import money
from pipeline.money import FREE, Price

AMOUNTS = st.decimals("0", "999999999", places=3)


@given(AMOUNTS)
def test_an_amount_reads_as_it_is_written(value: Decimal) -> None:
    """What `text` writes for people says the same number, without exponent or trailing zeros."""
    written = money.text(value)
    assert money.amount(written.replace(",", "")) == value
    assert "E" not in written
    assert not ("." in written and written.endswith("0"))


@pytest.mark.parametrize(
    ("value", "written"), [("1000", "1,000"), ("1E+3", "1,000"), ("0.50", "0.5"), ("0", "0"), ("12345.6", "12,345.6")]
)
def test_thousands_stand_apart(value: str, written: str) -> None:
    """However the number was put."""
    assert money.text(Decimal(value)) == written


@pytest.mark.parametrize(
    "value", [True, 1.5, "", "five", "-1", -1, "NaN", "Infinity", None, [1], "1e30", "0.1234567890123456", "1e-30"]
)
def test_what_is_no_amount_is_named(value: object) -> None:
    """No floats, no truth values, nothing below zero or beyond counting; the sentence holds the value."""
    with pytest.raises(ValueError) as caught:
        money.amount(value)
    assert repr(value) in str(caught.value)


def test_a_price_in_dollars_is_known_or_not() -> None:
    """The upper amount counts; what is free costs 0 dollars even where a credit's price is not known."""
    price = Price(low=Decimal(1), high=Decimal(3), usd_per_credit=Decimal("0.05"))
    assert price.usd == Decimal("0.15")
    assert Price(low=Decimal(1), high=Decimal(3)).usd is None
    assert FREE.usd == 0
