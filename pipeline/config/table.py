"""The tables of one TOML file as they are asked for; every fault names the file and the setting, with the way out."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline import money
from pipeline.errors import UserError
from pipeline.values import dataclass, field

MOST_TEXT = 2000  # characters


def nearest(word: str, known: Collection[str], prefix: str = "", more: str = "") -> str:
    """The way out for a word that is not known: the one that is almost it, else all of them and what more there is."""
    near = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {prefix}{near[0]}?" if near else f"Known here: {', '.join(known)}.{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of a file. `name` is its dotted name, empty for the whole; what is read is noted in `origins`."""

    path: Path
    name: str
    data: Mapping[str, Any]
    origins: dict[str, str] = field(default_factory=dict)  # of the whole file: setting -> where it stands

    def __contains__(self, name: str) -> bool:
        return name in self.data

    def setting(self, name: str) -> str:
        """The dotted name of a setting in this table."""
        return f"{self.name}.{name}" if self.name else name

    def fault(self, name: str, fact: str, hint: str) -> UserError:
        """What is wrong with a setting of this table."""
        return UserError(f"{self.path}: {self.setting(name)} {fact}", hint)

    def known(self, names: Collection[str], more: str = "") -> None:
        """Raises `UserError` for a name that is none of these; `more` is said where none of them is almost it."""
        for name in self.data:
            if name not in names:
                raise self.fault(name, "is not a setting.", nearest(name, names, self.setting(""), more))

    def table(self, name: str) -> Table:
        """A table in this one, empty where there is none."""
        value = self.data.get(name, {})
        if not isinstance(value, dict):
            raise self.fault(name, "must be a table.", f"Write it as [{self.setting(name)}].")
        return Table(path=self.path, name=self.setting(name), data=value, origins=self.origins)

    def text(self, name: str, hint: str) -> str:
        """A text that is not blank and fits a line; a fault says nothing of what stands there."""
        if name not in self.data:
            raise self.fault(name, "is missing.", hint)
        value = self.data[name]
        if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > MOST_TEXT:
            raise self.fault(name, "is no text that fits.", hint)
        self.note(name)
        return value

    def switch(self, name: str, default: bool) -> bool:
        """True or false, as TOML writes them."""
        if name not in self.data:
            return default
        value = self.data[name]
        if not isinstance(value, bool):
            raise self.fault(name, f"is {value!r}.", "Write true or false, without quotes.")
        self.note(name)
        return value

    def whole(self, name: str, least: int, most: int) -> int:
        """A whole number in these bounds."""
        value: object = self.data[name]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.fault(name, f"is {value!r}.", f"Give a whole number from {least} to {most}.")
        self.note(name)
        return value

    def amount(self, name: str) -> Decimal:
        """An exact amount of zero or more, also where TOML wrote a float."""
        value = self.data[name]
        try:
            found = money.amount(str(value) if isinstance(value, float) else value)
        except ValueError as error:
            raise self.fault(name, f"is not understood: {error}", "Give a number of zero or more.") from None
        self.note(name)
        return found

    def seconds(self, name: str, most: int) -> Decimal:
        """A time of more than no seconds, and at most these."""
        found = self.amount(name)
        if not 0 < found <= most:
            hint = f"Give seconds, more than 0 and at most {most:,}."
            raise self.fault(name, f"is {money.text(found)}.", hint)
        return found

    def note(self, name: str) -> None:
        """Remembers where a setting stands."""
        self.origins[self.setting(name)] = str(self.path)
