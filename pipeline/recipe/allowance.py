"""What templates may name, what their values are in a text, and what all of them together may cost.

Knows no grammar: `template` reads, `evaluate` works out, `functions` are the words; all of them spend here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.recipe.words import choice, clipped, counted, nearest

MOST_TEXT = 100_000
MOST_STEPS = 700_000
STEPS_A_SHOT = 30
CHARACTERS_A_STEP = 64


class TemplateFault(Exception):
    """A template cannot be read or worked out: what is so, the way out, and the character it begins at."""

    def __init__(self, fact: str, hint: str, offset: int = 0) -> None:
        super().__init__(fact)
        self.fact = fact
        self.hint = hint
        self.offset = offset
        self.at: tuple[str | int, ...] | None = None  # the way to the text, once someone knows it


@dataclass(slots=True)
class Work:
    """What the templates of one recipe have cost so far: many small ones are bounded as one large one is."""

    steps: int = 0
    allowance: int = MOST_STEPS

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


class Names(dict[str, Any]):
    """What a template may name, and why a name that one might expect is not there."""

    __slots__ = ("absent",)

    def __init__(self, names: Mapping[str, Any], absent: Mapping[str, str] | None = None) -> None:
        super().__init__(names)
        self.absent: Mapping[str, str] = absent or {}

    def unknown(self, name: str, offset: int) -> TemplateFault:
        """The fault of naming something that is not there."""
        if name in self.absent:
            return TemplateFault(
                f"'{clipped(name)}' {self.absent[name]}", "Use it further down, or move it up.", offset
            )
        meant = nearest(name, self)
        hint = f"Did you mean '{meant}'?" if meant else "Declare it under `vars`, or give it with `each`."
        return TemplateFault(f"Nothing is called '{clipped(name)}' here.", hint, offset)


def attribute(value: Any, name: str, offset: int) -> Any:
    """`value.name` of a map. Raises `TemplateFault`: nothing else has parts, and no Python attribute is reachable."""
    if name.startswith("_"):
        raise TemplateFault(
            f"'{clipped(name)}' begins with an underscore; such names are out of reach.",
            "Use a name of the recipe.",
            offset,
        )
    if isinstance(value, Mapping):
        if name in value:
            return value[name]
        keys = [key for key in value if isinstance(key, str)]
        raise TemplateFault(f"There is no '.{clipped(name)}' here.", choice(name, keys, "Look at its keys."), offset)
    raise TemplateFault(
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
