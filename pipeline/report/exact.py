"""Any value as JSON that `pipeline.digest.dumps` can write: exact where a JSON number is, else as near as it can."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any

_FITS = Context(prec=15)


def number(value: Decimal) -> Decimal:
    """The same amount, or the nearest one of 15 digits, which every JSON reader keeps."""
    return value if len(value.as_tuple().digits) <= 15 else _FITS.plus(value)


def plain(value: Any) -> Any:
    """A JSON value with texts for what JSON has no word for, such as dates, infinities and half characters."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return value.encode("utf-8", "replace").decode()
        case Decimal() if value.is_finite():
            return number(value)
        case float() if value == value and abs(value) != float("inf"):
            return value
        case Mapping():
            return {str(name): plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
    return str(value)
