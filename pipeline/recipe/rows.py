"""What an entry is unfolded over: the rows of `each`, where they stand, and those that `exclude` leaves out."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from decimal import Decimal
from itertools import product
from math import prod
from typing import Any

from pipeline.recipe.allowance import ENTRIES_A_STEP, Work
from pipeline.recipe.explain import At
from pipeline.recipe.findings import Findings
from pipeline.recipe.words import choice, clipped, said
from pipeline.values import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Each:
    """Lists by name, of which each combination is a row, or a list of rows; a shot without `each` has one empty row.

    `at` is where they stand if that is a file of their own, and `told` says there which line a row, counted from 1,
    is in.
    """

    value: Any = None
    at: At = ()
    told: Callable[[int], str] | None = None
    cells: bool = False  # its values are the cells of a table, all of them text

    @property
    def names(self) -> frozenset[str]:
        """What the rows give names to."""
        if isinstance(self.value, dict):
            return frozenset(self.value)
        return frozenset(name for row in self.value or () for name in row)

    def __len__(self) -> int:
        if self.value is None:
            return 1
        return prod(map(len, self.value.values())) if isinstance(self.value, dict) else len(self.value)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        if self.value is None:
            return iter([{}])
        if isinstance(self.value, dict):
            return (dict(zip(self.value, values, strict=True)) for values in product(*self.value.values()))
        return iter(self.value)

    def said(self, number: int, row: Mapping[str, Any]) -> str:
        """A row in a few words: where it stands in a file, and its first values."""
        told = ", ".join([f"{name} {_value(value)}" for name, value in list(row.items())[:4]])
        return f"{self.told(number)}: {told}" if self.told else told

    def way(self, number: int, name: str) -> At:
        """The way to a row's value in a file; empty where they stand in the recipe itself."""
        if not self.at:
            return ()
        if not isinstance(self.value, dict):
            return (*self.at, number - 1, name)
        rest = number - 1
        for other in reversed(self.value):
            rest, index = divmod(rest, len(self.value[other]))
            if other == name:
                return (*self.at, name, index)
        return self.at


@dataclass(slots=True, kw_only=True)
class Excluded:
    """The entries of `exclude`: by which names they tell rows, and which of them have told any."""

    at: At
    entries: list[Mapping[str, Any]]
    kinds: dict[tuple[str, ...], dict[Hashable, list[int]]] = field(default_factory=dict)
    met: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        for number, entry in enumerate(self.entries):
            names = tuple(sorted(entry))
            known = self.kinds.setdefault(names, {})
            known.setdefault(tuple(_same(entry[name]) for name in names), []).append(number)

    def entry(self, row: Mapping[str, Any], work: Work) -> int | None:
        """The number of the first entry that a row has all the values of; None where there is none."""
        found: list[int] = []
        for names, known in self.kinds.items():
            work.spend(len(names))
            if all(name in row for name in names):
                values = tuple(_same(row[name], work) for name in names)
                found += known.get(values, ())
        self.met.update(found)
        return min(found, default=None)

    def judge(self, names: frozenset[str], findings: Findings) -> bool:
        """Whether the entries name only what rows have; tells of it where not."""
        unknown = [(number, name) for number, entry in enumerate(self.entries) for name in entry if name not in names]
        for number, name in unknown:
            fact = f"No row of `each` has '{clipped(name)}'."
            findings.add((*self.at, number, name), fact, choice(name, sorted(names), "Look at `each`."), key=True)
        return not unknown

    def warn(self, each: Each, findings: Findings) -> None:
        """Tells of entries that left out nothing."""
        for number, entry in enumerate(self.entries):
            if number in self.met:
                continue
            numbers = any(not isinstance(value, str) for value in entry.values())
            quotes = "Cells of a CSV file are text: write it in quotes."
            hint = quotes if each.cells and numbers else "Correct it, or delete it."
            findings.warn((*self.at, number), "This leaves out no row of `each`.", hint)


def _same(value: Any, work: Work | None = None) -> Hashable:
    """A value as something to look up by: true is not 1, and 5 is 5.0."""
    if isinstance(value, bool):
        return ("switch", value)
    if isinstance(value, list | Mapping):
        if work:
            work.spend(1 + len(value) // ENTRIES_A_STEP)
        if isinstance(value, list):
            return ("list", *(_same(part, work) for part in value))
        return ("map", frozenset((key, _same(part, work)) for key, part in value.items()))
    return value if isinstance(value, str | int | Decimal) else None


def _value(value: Any) -> str:
    return (
        f"'{clipped(value)}'"
        if isinstance(value, str)
        else clipped(str(value))
        if isinstance(value, int)
        else said(value)
    )
