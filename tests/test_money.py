"""Amounts are exact decimals, whatever they are read from."""

from __future__ import annotations

import contextlib
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


@pytest.mark.parametrize(
    "value",
    [
        "1e9999999",
        "-1e9999999",
        "1e-9999999",
        "0e9999999",
        "1_0",
        "\u0663",
        "9" * 5000,
        Decimal("1e9999999"),
        "sNaN",
    ],
)
def test_what_only_a_liar_writes_is_no_amount(value: object) -> None:
    """Nothing but `ValueError` comes of it, in one short line; 1_0 is not ten."""
    with pytest.raises(ValueError) as caught:
        money.amount(value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("digits", [30, 99, 100, 5000])
def test_an_endless_whole_number_is_no_amount(digits: int) -> None:
    """Nor is its opposite; the sentence is short, though Python writes none of more than 4,300 digits."""
    for value in (10**digits, -(10**digits)):
        with pytest.raises(ValueError, match=r"amount|digits than money") as caught:
            money.amount(value)
        assert len(str(caught.value)) < 200


@given(st.text(alphabet="0123456789eE+-._ naNif", max_size=30) | st.integers() | st.decimals())
def test_anything_is_an_amount_or_a_value_error(value: object) -> None:
    """And an amount can always be written for people."""
    with contextlib.suppress(ValueError):
        money.text(money.amount(value))


def test_a_price_in_dollars_is_known_or_not() -> None:
    """The upper amount counts; what is free costs 0 dollars even where a credit's price is not known."""
    price = Price(low=Decimal(1), high=Decimal(3), usd_per_credit=Decimal("0.05"))
    assert price.usd == Decimal("0.15")
    assert Price(low=Decimal(1), high=Decimal(3)).usd is None
    assert FREE.usd == 0
