"""What templates may name, what their values are in a text, and what all of them together may cost.

Knows no grammar: `template` reads, `evaluate` works out, `functions` are the words; all of them spend here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Protocol

from pipeline.recipe.words import choice, clipped, counted, nearest
from pipeline.values import dataclass, field

MOST_TEXT = 100_000
MOST_STEPS = 300_000
MOST_READ = 2_000_000
MOST_DEPTH = 40
STEPS_A_SHOT = 30
CHARACTERS_A_STEP = 64
ENTRIES_A_STEP = 4
_READING = 60  # what beginning to read a template costs, in characters of it


class TemplateFault(Exception):
    """A template cannot be read or worked out: what is so, the way out, and the character it begins at."""

    def __init__(self, fact: str, hint: str, offset: int | None = 0) -> None:
        super().__init__(fact)
        self.fact = fact
        self.hint = hint
        self.offset = offset or 0  # some of jinja2's nodes do not know where they are
        self.at: At | None = None  # the way to the text, once someone knows it


At = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Borrowed:
    """A template in a file of its own: the way to it, its statements, and the names it may use."""

    at: At
    body: list[Any]
    names: frozenset[str]


class Library(Protocol):
    """Where templates in files come from."""

    def template(self, name: str, offset: int) -> Borrowed:
        """The template in a file, named at a character of another. Raises `TemplateFault`."""


Trees = dict[str, Any]
"""What templates were read to be, by their text."""


@dataclass(slots=True)
class Work:
    """What the templates of one recipe have cost so far: many small ones are bounded as one large one is."""

    steps: int = 0
    allowance: int = MOST_STEPS
    read: int = 0
    library: Library | None = None
    depth: int = 0  # of macros and files in each other
    trees: Trees = field(default_factory=Trees)  # all stages read the same

    @contextmanager
    def deeper(self, most: int, offset: int) -> Iterator[None]:
        """One macro or file further in. Raises `TemplateFault` where that are too many."""
        if self.depth >= most:
            raise TemplateFault(
                f"Macros call each other, more than {most} deep.", "Look for one that calls itself.", offset
            )
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def reading(self, source: str) -> None:
        """Counts a template before its grammar is read. Raises `TemplateFault` where there have been too many."""
        self.read += _READING + len(source)
        if self.read > MOST_READ:
            raise TemplateFault(
                "The templates of this recipe are too many to read.", "Many like shots are one with `each`."
            )

    def spend(self, steps: int = 1, offset: int = 0) -> None:
        """Counts steps. Raises `TemplateFault` where the recipe has used up its share."""
        self.steps += steps
        if self.steps > self.allowance:
            raise TemplateFault(
                "The templates of this recipe take too much work.", "Look for a loop that is too long.", offset
            )

    def made(self, text: str, offset: int = 0) -> str:
        """The text, counted. Raises `TemplateFault` where it is too long."""
        self.room(len(text), offset)
        return text

    def room(self, characters: int, offset: int = 0) -> None:
        """Counts a text before it is made."""
        if characters > MOST_TEXT:
            raise TemplateFault(
                f"This makes a text of {counted(characters)} characters; at most {counted(MOST_TEXT)} are allowed.",
                "Look for a repetition that is too long.",
                offset,
            )
        self.spend(1 + characters // CHARACTERS_A_STEP, offset)

    def settled(self, value: Any, depth: int = 1) -> Any:
        """A value that leaves its template, plain through and through, and counted as it unfolds.

        Lists of lists of one list are small here and endless wherever they are written down. Raises `TemplateFault`.
        """
        if callable(value):
            raise TemplateFault("A function stands here for a value.", "Call it, as in `range(3)`.")
        if not isinstance(value, list | tuple | Mapping):
            return value
        if depth > MOST_DEPTH:
            raise TemplateFault(f"This makes lists in lists, more than {MOST_DEPTH} deep.", "Make it flatter.")
        self.spend(1 + len(value) // ENTRIES_A_STEP)
        if isinstance(value, Mapping) and (bad := next((key for key in value if not isinstance(key, str)), "")) != "":
            raise TemplateFault(f"The key {clipped(str(bad))} is no text.", "Write `| string` after it.")
        for part in value.values() if isinstance(value, Mapping) else value:
            if not isinstance(part, str | int | Decimal):
                self.settled(part, depth + 1)
        return value


class Names(dict[str, Any]):
    """What a template may name, and why a name that one might expect is not there.

    Made of other names it has those too, without a copy: a recipe may have many, and a loop many turns. Only its own
    are gone through and counted.
    """

    __slots__ = ("absent", "outer")

    def __init__(self, names: Mapping[str, Any], absent: Mapping[str, str] | None = None) -> None:
        self.outer = names if isinstance(names, Names) else None
        super().__init__({} if self.outer is not None else names)
        self.absent: Mapping[str, str] = absent or {}

    def __missing__(self, name: str) -> Any:
        if self.outer is None:
            raise KeyError(name)
        return self.outer[name]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (self.outer is not None and name in self.outer)

    def every(self) -> Iterator[str]:
        """All names, the nearest first."""
        yield from self
        if self.outer is not None:
            yield from self.outer.every()

    def unknown(self, name: str, offset: int) -> TemplateFault:
        """The fault of naming something that is not there."""
        if name in self.absent:
            return TemplateFault(
                f"'{clipped(name)}' {self.absent[name]}", "Use it further down, or move it up.", offset
            )
        meant = nearest(name, self.every())
        hint = f"Did you mean '{meant}'?" if meant else "Declare it under `vars`, or give it with `each`."
        return TemplateFault(f"Nothing is called '{clipped(name)}' here.", hint, offset)


def attribute(value: Any, name: str, offset: int) -> Any:
    """`value.name` of a map. Raises `TemplateFault`: nothing else has parts, and no Python attribute is reachable."""
    if isinstance(value, Mapping) and name in value and not name.startswith("_"):
        return value[name]
    raise no_attribute(value, name, offset)


def no_attribute(value: Any, name: str, offset: int) -> TemplateFault:
    """The fault of asking a value for a part that it does not have."""
    if name.startswith("_"):
        return TemplateFault(
            f"'{clipped(name)}' begins with an underscore; such names are out of reach.",
            "Use a name of the recipe.",
            offset,
        )
    if isinstance(value, Mapping):
        keys = [key for key in value if isinstance(key, str)]
        return TemplateFault(f"There is no '.{clipped(name)}' here.", choice(name, keys, "Look at its keys."), offset)
    return TemplateFault(
        f"There is no '.{clipped(name)}' of a text, number or list.", "Use a filter, as in `| upper`.", offset
    )


def text(value: Any, offset: int, work: Work) -> str:
    """A value as it stands in a text. Raises `TemplateFault` for what has no plain form."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        raise TemplateFault("An empty value stands in a text.", "Give it a value, or `| default('…', true)`.", offset)
    if isinstance(value, list | tuple | Mapping):
        what = "map" if isinstance(value, Mapping) else "list"
        raise TemplateFault(f"A {what} stands in a text.", "Name a part of it, or write `| join(', ')`.", offset)
    if callable(value):
        raise TemplateFault("A function stands in a text.", "Call it, as in `ref('keeper')`.", offset)
    return work.made(str(value), offset)
