"""Any value as JSON that `pipeline.digest.dumps` can write: exact where a JSON number is, else as near as it can."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal
from math import isfinite
from typing import Any

from pipeline import money

_FITS = Context(prec=15)


def number(value: Decimal) -> Decimal:
    """The same amount, or the nearest one of 15 digits, which every JSON reader keeps."""
    return value if len(value.as_tuple().digits) <= 15 else _FITS.plus(value)


def dollars(value: Any) -> str:
    """An amount of dollars from JSON, with its cents at least."""
    return money.dollars(Decimal(str(value)))


def plain(value: Any) -> Any:
    """A JSON value with texts for what JSON has no word for, such as dates, infinities and half characters."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return {plain(str(name)): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, Decimal) and value.is_finite():
        return number(value)
    if isinstance(value, float) and isfinite(value):
        return value
    return str(value)
