"""Digests and the canonical JSON under them; the form is a contract, pinned for ever by a golden test.

Canonical: keys sorted, no white space, UTF-8, a `Decimal` written as the shortest number of its value. A digest
carries a tag that says what it is of: `sha256:` for bytes, `k1:` for what decides a step's result.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

KEY_TAG = "k1"
BYTES_TAG = "sha256"
_MOST_EXPONENT = 400


def dumps(value: Any, *, indent: int | None = None) -> str:
    """JSON text in which every `Decimal` of at most 15 digits is an exact number; keys stay in the order given."""
    if indent is None:
        return _ENCODER.encode(value)
    return json.dumps(value, ensure_ascii=False, indent=indent, default=_number, allow_nan=False)


def loads(text: str | bytes) -> Any:
    """The value of a JSON text, with `Decimal` for numbers that have a point or an exponent. Raises `ValueError`."""
    try:
        return json.loads(text, parse_float=_decimal)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def canonical(value: Any) -> bytes:
    """The one byte string of a JSON value, whatever the order its keys came in."""
    return _CANONICAL.encode(value).encode()


def key_of(value: Any) -> str:
    """`k1:` and 64 hex digits: the digest of a JSON value's canonical form."""
    return f"{KEY_TAG}:{hashlib.sha256(canonical(value)).hexdigest()}"


def bytes_digest(data: bytes) -> str:
    """`sha256:` and 64 hex digits of these bytes."""
    return f"{BYTES_TAG}:{hashlib.sha256(data).hexdigest()}"


def file_digest(path: Path) -> str:
    """`sha256:` and 64 hex digits of a file's bytes, read as a stream. Raises `OSError`."""
    with path.open("rb") as file:
        return f"{BYTES_TAG}:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _decimal(text: str) -> Decimal:
    # WHY: written out, 1e999999999 takes a gigabyte; no number of ours comes near.
    try:
        number = Decimal(text)
    except ArithmeticError:  # an exponent that no Decimal can have
        raise ValueError(f"{text[:40]} is beyond any amount") from None
    if abs(number.adjusted()) > _MOST_EXPONENT:
        raise ValueError(f"{text[:40]} is beyond any amount")
    return number


def _number(value: object) -> int | float:
    if isinstance(value, Decimal) and value.is_finite():
        if value == value.to_integral_value():
            return int(value)
        number = float(value)
        if Decimal(repr(number)) == value:
            return number
        raise ValueError(f"{value} has more digits than a JSON number keeps exactly")
    raise TypeError(f"{type(value).__name__} is not JSON")


_ENCODER = json.JSONEncoder(ensure_ascii=False, default=_number, allow_nan=False)
_CANONICAL = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_number, allow_nan=False, check_circular=False
)
