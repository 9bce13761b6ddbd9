"""The filters, tests, functions and operators of templates, each bounded; the lists at the end are all there are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import cmp_to_key
from typing import Any

from pipeline.recipe.allowance import ENTRIES_A_STEP, TemplateFault, Work, text
from pipeline.recipe.mention import changed, joined
from pipeline.recipe.words import clipped, said
from pipeline.values import dataclass

MOST_DIGITS = 30
MOST_ENTRIES = 10_000
MOST_TRIMMED = 100
_LETTERS_A_STEP = 4  # where each is looked at by itself
_COMPARED_A_STEP = 4096
_SEARCHED_PLAINLY = 30_000  # in longer texts, Python's search is never slower than their length

Filter = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The circumstances of a call: whose allowance it uses, and where it stands in the template."""

    work: Work
    offset: int

    def fault(self, fact: str, hint: str) -> TemplateFault:
        """A fault at the call's place."""
        return TemplateFault(fact, hint, self.offset)

    def words(self, value: Any) -> str:
        """The value as text, its length counted."""
        found = text(value, self.offset, self.work)
        self.work.room(len(found), self.offset)
        return found

    def number(self, value: Any) -> Any:
        """The value where it is a number of bearable size. Raises `TemplateFault`."""
        if not isinstance(value, int | Decimal):
            raise self.fault(f"A number is due here, not {said(value)}.", "Write `| int` to read a text as a number.")
        if isinstance(value, Decimal) and not value.is_finite():
            raise self.fault("This is no number.", "Check the calculation.")
        size = value.adjusted() if isinstance(value, Decimal) else value.bit_length() * 3 // 10
        if abs(size) > MOST_DIGITS:
            raise self.fault(f"A number of more than {MOST_DIGITS} digits.", "Check the calculation.")
        return value

    def entries(self, value: Any) -> list[Any]:
        """The entries of a list, the keys of a map or the letters of a text, counted."""
        if value is None or isinstance(value, int | Decimal) or callable(value):
            raise self.fault(f"A list is due here, not {said(value)}.", "Write `[a, b]`.")
        if len(value) > MOST_ENTRIES:
            raise self.fault(f"The list has more than {MOST_ENTRIES:,} entries.", "Shorten it.")
        self.work.spend(1 + len(value) // ENTRIES_A_STEP, self.offset)
        return list(value)

    def search(self, part: Any, whole: str) -> str:
        """What is to be looked for in a text, as text; counted as the search may take at the worst."""
        found = self.words(part)
        self.work.room(len(whole), self.offset)
        if len(whole) < _SEARCHED_PLAINLY:
            self.work.spend(max(len(whole) - len(found), 0) * len(found) // _COMPARED_A_STEP, self.offset)
        return found


def truth(value: Any) -> bool:
    """Whether a value counts as true, as in Python."""
    return bool(value)


def same(call: Call, left: Any, right: Any) -> bool:
    """Equality, each entry of a list or map costing a step, so that lists of lists of lists end too."""
    call.work.spend(1, call.offset)
    if isinstance(left, str) and isinstance(right, str):
        call.work.room(min(len(left), len(right)), call.offset)
        return left == right
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(same(call, a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(call, part, right[key]) for key, part in left.items())
    plain = (str, int, Decimal, type(None))
    return isinstance(left, plain) and isinstance(right, plain) and bool(left == right)


def contains(call: Call, part: Any, whole: Any) -> bool:
    """`part in whole`."""
    if isinstance(whole, str):
        return call.search(part, whole) in whole
    if isinstance(whole, Mapping):
        return part in whole
    return any(same(call, part, entry) for entry in call.entries(whole))


def ordered(call: Call, left: Any, right: Any) -> int:
    """Below, at or above zero as `left` comes before, with or after `right`: two numbers or two texts."""
    call.work.spend(1, call.offset)
    if isinstance(left, str) and isinstance(right, str):
        call.work.room(min(len(left), len(right)), call.offset)
    else:
        left, right = call.number(left), call.number(right)
    return int(left > right) - int(left < right)


def _add(call: Call, left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        call.work.room(len(left) + len(right), call.offset)
        return joined((left, right))
    if isinstance(left, list) and isinstance(right, list):
        return call.entries([*call.entries(left), *call.entries(right)])
    return call.number(call.number(left) + call.number(right))


def _multiply(call: Call, left: Any, right: Any) -> Any:
    if isinstance(right, str | list):
        left, right = right, left
    if isinstance(left, str | list):
        times = call.number(right)
        if isinstance(left, list) and len(left) * times > MOST_ENTRIES:
            raise call.fault(f"The list has more than {MOST_ENTRIES:,} entries.", "Shorten it.")
        size = max(len(left) * int(times), 0)
        if isinstance(left, list):
            call.work.spend(1 + size // ENTRIES_A_STEP, call.offset)
        else:
            call.work.room(size, call.offset)
        return left * times
    return call.number(call.number(left) * call.number(right))


def _divide(call: Call, left: Any, right: Any) -> Any:
    done = Decimal(call.number(left)) / Decimal(call.number(right))
    return int(done) if done == done.to_integral_value() else call.number(done)


def _power(call: Call, left: Any, right: Any) -> Any:
    base, exponent = call.number(left), call.number(right)
    if abs(exponent) > 100:
        raise call.fault("The exponent is larger than 100.", "Check the calculation.")
    return call.number(
        base**exponent
        if exponent >= 0 and isinstance(base, int) and isinstance(exponent, int)
        else Decimal(base) ** Decimal(exponent)
    )


OPERATORS: Mapping[str, Callable[[Call, Any, Any], Any]] = {
    "+": _add,
    "-": lambda call, left, right: call.number(call.number(left) - call.number(right)),
    "*": _multiply,
    "/": _divide,
    "//": lambda call, left, right: call.number(call.number(left) // call.number(right)),
    "%": lambda call, left, right: call.number(call.number(left) % call.number(right)),
    "**": _power,
}


def slug(call: Call, value: Any) -> str:
    """Any text as an id: accents dropped, what is no letter or digit a '-'; another script keeps its code points."""
    plain = unicodedata.normalize("NFKD", call.words(value))
    call.work.room(len(plain), call.offset)
    call.work.spend(len(plain) // _LETTERS_A_STEP, call.offset)
    kept = "".join(c for c in plain if not unicodedata.combining(c))
    spelt = "".join(c if c.isascii() else f"-u{ord(c):04x}-" if c.isalnum() else "-" for c in kept)
    return call.work.made(re.sub(r"[^A-Za-z0-9_]+", "-", spelt).strip("-_").lower(), call.offset)


def _changed(change: Callable[..., str]) -> Filter:
    """A filter that makes a text of a text, and lets it name its references as long as their names stay whole."""

    def work_out(call: Call, value: Any, *given: Any, **named: Any) -> str:
        return changed(call.words(value), lambda whole: change(call, whole, *given, **named))

    return work_out


def _replace(call: Call, whole: str, old: Any, new: Any, count: int = -1) -> str:
    before, after = call.search(old, whole), call.words(new)
    most = whole.count(before) if count < 0 else min(whole.count(before), call.number(count))
    call.work.room(len(whole) + most * max(len(after) - len(before), 0), call.offset)
    return whole.replace(before, after, most)


def _join(call: Call, value: Any, d: Any = "") -> str:
    between, parts = call.words(d), [call.words(part) for part in call.entries(value)]
    call.work.room(sum(map(len, parts)) + len(between) * max(len(parts) - 1, 0), call.offset)
    return joined(parts, between)


def _default(_call: Call, value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    return default_value if value is None or (boolean and not value) else value


def _number(call: Call, value: Any, default: Any = None) -> Any:
    try:
        if not isinstance(value, str):
            return call.number(value)
        if len(value) > MOST_DIGITS:
            raise ValueError
        return call.number(Decimal(value.strip()))
    except (ArithmeticError, ValueError):
        if default is None:
            raise call.fault(f"{said(value).capitalize()} is no number.", "Check what it is.") from None
        return default


def _round(call: Call, value: Any, precision: int = 0, method: str = "common") -> Any:
    how = {"common": ROUND_HALF_UP, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR}.get(method)
    if how is None:
        raise call.fault(f"'{clipped(str(method))}' is no way to round.", "There are: common, ceil, floor.")
    if abs(call.number(precision)) > MOST_DIGITS:
        raise call.fault("That many digits are not kept.", "Round to fewer.")
    done = Decimal(call.number(value)).quantize(Decimal(1).scaleb(-precision), how)
    return int(done) if precision <= 0 else done


def _sort(call: Call, value: Any, reverse: bool = False) -> list[Any]:
    def folded(left: Any, right: Any) -> int:
        if isinstance(left, str) and isinstance(right, str):
            call.work.room(len(left), call.offset)
            call.work.room(len(right), call.offset)
            left, right = left.casefold(), right.casefold()
        return ordered(call, left, right)

    return sorted(call.entries(value), key=cmp_to_key(folded), reverse=bool(reverse))


def _unique(call: Call, value: Any) -> list[Any]:
    kept: list[Any] = []
    for entry in call.entries(value):
        if not any(same(call, entry, other) for other in kept):
            kept.append(entry)
    return kept


def _end(call: Call, value: Any, index: int) -> Any:
    found = call.entries(value)
    if not found:
        raise call.fault("The list is empty.", "Give it an entry.")
    return found[index]


def _extreme(call: Call, value: Any, sign: int) -> Any:
    found = _end(call, value, 0)
    for entry in call.entries(value):
        found = entry if ordered(call, entry, found) * sign > 0 else found
    return found


def _sum(call: Call, value: Any) -> Any:
    total: Any = 0
    for entry in call.entries(value):
        total = _add(call, total, entry)
    return total


def _reverse(call: Call, value: Any) -> Any:
    return call.words(value)[::-1] if isinstance(value, str) else call.entries(value)[::-1]


def _length(call: Call, value: Any) -> int:
    if not isinstance(value, str | list | tuple | Mapping):
        raise call.fault(f"A list or a text is due here, not {said(value)}.", "Check what it is.")
    return len(value)


def _titled(call: Call, whole: str) -> str:
    call.work.spend(len(whole) // _LETTERS_A_STEP, call.offset)
    return re.sub(r"[^\s\-(\[{<]+", lambda word: word.group()[0].upper() + word.group()[1:].lower(), whole)


def _truncate(
    call: Call, whole: str, length: int = 255, killwords: bool = False, end: str = "...", leeway: int = 5
) -> str:
    tail = call.words(end)
    if len(whole) <= call.number(length) + call.number(leeway):
        return whole
    cut = whole[: max(int(call.number(length)) - len(tail), 0)]
    return (cut if killwords else cut.rsplit(" ", 1)[0]) + tail


def _range(call: Call, *bounds: Any) -> list[int]:
    numbers = range(*(call.number(bound) for bound in bounds))
    if len(numbers) > MOST_ENTRIES:
        raise call.fault(f"range() makes more than {MOST_ENTRIES:,} numbers.", "Make it shorter.")
    call.work.spend(1 + len(numbers) // ENTRIES_A_STEP, call.offset)
    return list(numbers)


def _trim(call: Call, whole: str, chars: str | None = None) -> str:
    if chars is not None and len(call.words(chars)) > MOST_TRIMMED:
        raise call.fault(f"More than {MOST_TRIMMED} characters are to be trimmed.", "Name fewer.")
    return whole.strip(chars)


FILTERS: Mapping[str, Filter] = {
    "abs": lambda call, value: abs(call.number(value)),
    "capitalize": _changed(lambda _, whole: whole.capitalize()),
    "count": _length,
    "d": _default,
    "default": _default,
    "first": lambda call, value: _end(call, value, 0),
    "float": _number,
    "int": lambda call, value, default=None: int(_number(call, value, default)),
    "join": _join,
    "last": lambda call, value: _end(call, value, -1),
    "length": _length,
    "list": lambda call, value: call.entries(value),
    "lower": _changed(lambda _, whole: whole.lower()),
    "max": lambda call, value: _extreme(call, value, 1),
    "min": lambda call, value: _extreme(call, value, -1),
    "replace": _changed(_replace),
    "reverse": _reverse,
    "round": _round,
    "slug": slug,
    "sort": _sort,
    "string": lambda call, value: call.words(value),
    "sum": _sum,
    "title": _changed(_titled),
    "trim": _changed(_trim),
    "truncate": _changed(_truncate),
    "unique": _unique,
    "upper": _changed(lambda _, whole: whole.upper()),
    "wordcount": lambda call, value: len(call.words(value).split()),
}

TESTS: Mapping[str, Filter] = {
    "boolean": lambda _, value: isinstance(value, bool),
    "divisibleby": lambda call, value, num: call.number(value) % call.number(num) == 0,
    "eq": same,
    "equalto": same,
    "even": lambda call, value: call.number(value) % 2 == 0,
    "ge": lambda call, value, other: ordered(call, value, other) >= 0,
    "gt": lambda call, value, other: ordered(call, value, other) > 0,
    "in": contains,
    "le": lambda call, value, other: ordered(call, value, other) <= 0,
    "lt": lambda call, value, other: ordered(call, value, other) < 0,
    "mapping": lambda _, value: isinstance(value, Mapping),
    "ne": lambda call, value, other: not same(call, value, other),
    "none": lambda _, value: value is None,
    "number": lambda _, value: isinstance(value, int | Decimal),
    "odd": lambda call, value: call.number(value) % 2 == 1,
    "sequence": lambda _, value: isinstance(value, list | tuple | str),
    "string": lambda _, value: isinstance(value, str),
}

FUNCTIONS: Mapping[str, Filter] = {"range": _range}
