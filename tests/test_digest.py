"""The canonical form, which is a contract, and exact numbers in JSON."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import digest

AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | AMOUNTS | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def test_the_canonical_form_is_pinned() -> None:
    """Keys sorted, no white space, UTF-8 unescaped, a Decimal as the shortest number of its value."""
    value = {"b": [Decimal("5.0"), Decimal("0.50"), None, True], "a": "Größe", "c": {"z": 1, "y": Decimal("1E+3")}}
    assert digest.canonical(value) == '{"a":"Größe","b":[5,0.5,null,true],"c":{"y":1000,"z":1}}'.encode()


def test_digests_bear_their_tags(tmp_path: Path) -> None:
    """`sha256:` for bytes and files alike, `k1:` for values; the rest is plain SHA-256."""
    (tmp_path / "file").write_bytes(b"rushes")
    hexes = hashlib.sha256(b"rushes").hexdigest()
    assert digest.bytes_digest(b"rushes") == digest.file_digest(tmp_path / "file") == f"sha256:{hexes}"
    assert digest.key_of({}) == f"k1:{hashlib.sha256(b'{}').hexdigest()}"


@given(JSON)
def test_what_is_written_is_read_again(value: Any) -> None:
    """Every JSON value with Decimals comes back equal, indented or not."""
    assert digest.loads(digest.dumps(value)) == value
    assert digest.loads(digest.dumps(value, indent=2)) == value


@pytest.mark.parametrize("text", ["[" * 100_000, "1e999999999", "[1E-5000]", "{"])
def test_what_would_burst_is_refused_as_it_is_read(text: str) -> None:
    """Depth and exponents that nothing of ours has are a `ValueError`, like any text that is no JSON."""
    with pytest.raises(ValueError):
        digest.loads(text)


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=5), st.randoms())
def test_the_order_of_keys_decides_nothing(value: dict[str, Any], chance: Any) -> None:
    """A map has one canonical form, however it was put together."""
    items = list(value.items())
    chance.shuffle(items)
    assert digest.canonical(dict(items)) == digest.canonical(value)


@given(AMOUNTS)
def test_equal_amounts_have_one_form(value: Decimal) -> None:
    """5, 5.0 and 5E+0 are one number, and so one key."""
    assert digest.canonical(value) == digest.canonical(value.normalize()) == digest.canonical(value * Decimal("1.000"))


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("0.12345678901234567890"), float("inf"), object(), {1, 2}])
def test_what_json_cannot_keep_exactly_is_refused(value: object) -> None:
    """No silent rounding, no NaN, no object's address in a key."""
    with pytest.raises((ValueError, TypeError)):
        digest.canonical({"x": value})
