"""The `options` of a shot, each for one provider alone: their grammar, how they add to the defaults, what is refused.

Whether a provider knows an option, and what it costs, its own page says.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from pipeline import digest
from pipeline.recipe.explain import At
from pipeline.recipe.findings import Findings, Places
from pipeline.recipe.leaves import Leaves, Schema
from pipeline.recipe.words import choice, clipped, counted

MOST_KEYS = 20
MOST_ENTRIES = 100
MOST_LEVELS = 4
MOST_NAME = 100
MOST_TEXT = 20_000
Options = Mapping[str, Mapping[str, Any]]
"""Provider -> option -> JSON value: text, whole number, `Decimal`, truth, list or map."""

NONE: Options = MappingProxyType({})
UNREADABLE = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\ud800-\udfff]")
"""Control characters and halves of characters, which no service can read."""
_SAYS = "Write options by provider, as in `{seegen: {quality: high}}`."


def grammar(leaves: Leaves) -> Schema:
    """Options by provider; what is inside them `Judge` looks at, since no schema can count levels."""
    value = {
        "type": ["string", "number", "boolean", "array", "object"],
        "errorMessage": "Write a text, a number, true, false, a list or a map.",
    }
    of_one = {"type": "object", "additionalProperties": value, "maxProperties": MOST_KEYS, "errorMessage": _SAYS}
    return leaves.value(
        {
            "type": "object",
            "additionalProperties": leaves.value(of_one),
            "description": "What one provider alone understands, by its name; what its page does not know is unpriced.",
            "examples": [{"seegen": {"quality": "high"}}],
            "errorMessage": _SAYS,
        }
    )


def added(shared: Any, own: Any) -> Any:
    """Both options as one, by provider and key, where a shot's own win; what is no map is `own` alone."""
    if not isinstance(shared, dict) or not isinstance(own, dict):
        return own
    both = [name for name in shared if isinstance(shared[name], dict) and isinstance(own.get(name), dict)]
    return {**shared, **own, **{name: {**shared[name], **own[name]} for name in both}}


class Judge:
    """Looks at the options of one recipe's shots; what many of them share is looked at once."""

    def __init__(self, findings: Findings, providers: Collection[str]) -> None:
        self.findings, self.providers = findings, providers
        self._known: dict[int, tuple[Any, Options]] = {}  # by identity; what was given is kept, or ids would come again

    def options(self, given: Mapping[str, Mapping[str, Any]], places: Places) -> Options:
        """Read-only copies of the options; what cannot stand has been told of, and is left out."""
        if not given:
            return NONE
        known = self._known.get(id(given))
        if known is None:
            found = {
                name: self.of_one(name, inner, places) for name, inner in given.items() if self.is_known(name, places)
            }
            known = self._known[id(given)] = given, MappingProxyType(found)
        return known[1]

    def is_known(self, name: Any, places: Places) -> bool:
        """Whether there is such a provider; tells of it where not."""
        if name in self.providers:
            return True
        hint = choice(str(name), list(self.providers), "`rushes providers` lists them.")
        fact = f"There is no provider '{clipped(str(name))}'."
        self.findings.add(places.way_to("options", name), fact, hint, key=True)
        return False

    def of_one(self, name: str, given: Mapping[str, Any], places: Places) -> Mapping[str, Any]:
        """The options for one provider."""
        copied: dict[str, Any] = {}
        if self.are_keys(given, places.way_to("options", name), name):
            for key, value in given.items():
                copied[key] = self.value(value, places.way_to("options", name, key), f"{name}.{key}", 1)
        return MappingProxyType(copied)

    def value(self, value: Any, at: At, label: str, level: int) -> Any:
        """A copy of a JSON value inside `level` maps and lists, or None where it is none."""
        match value:
            case bool() | int():
                return value
            case Decimal():
                return value if self.is_number(value, at, label) else None
            case str():
                return value if self.is_text(value, at, label) else None
            case list() | dict() if level == MOST_LEVELS:
                fact = f"The option {clipped(label)} is nested more than {MOST_LEVELS} levels deep."
                return self.refuse(at, fact, "Does the provider's document have it so?")
            case list() if len(value) > MOST_ENTRIES:
                fact = f"The option {clipped(label)} has {counted(len(value))} entries."
                return self.refuse(at, fact, f"At most {MOST_ENTRIES} are read.")
            case list():
                return [self.value(part, (*at, i), f"{label}.{i}", level + 1) for i, part in enumerate(value)]
            case dict():
                if not self.are_keys(value, at, label):
                    return None
                return {key: self.value(part, (*at, key), f"{label}.{key}", level + 1) for key, part in value.items()}
        what = "is empty" if value is None else "is nothing that can be sent"
        return self.refuse(at, f"The option {clipped(label)} {what}.", "Give it a value, or leave it out.")

    def are_keys(self, given: Mapping[Any, Any], at: At, label: str) -> bool:
        """Whether the keys of a map are few, and texts."""
        if len(given) > MOST_KEYS:
            self.refuse(at, f"'{clipped(label)}' has {counted(len(given))} keys.", f"At most {MOST_KEYS} are read.")
            return False
        for key in given:
            if not isinstance(key, str) or not key.isprintable() or not 0 < len(key) <= MOST_NAME:
                fact = f"'{clipped(str(key))}' cannot be the name of an option."
                self.findings.add((*at, key), fact, f"A name is a text of at most {MOST_NAME} characters.", key=True)
                return False
        return True

    def is_text(self, value: str, at: At, label: str) -> bool:
        """Whether every service can read a text."""
        if len(value) > MOST_TEXT:
            fact = f"The option {clipped(label)} has {counted(len(value))} characters."
            self.refuse(at, fact, f"At most {counted(MOST_TEXT)} are read.")
        elif bad := UNREADABLE.search(value):
            fact = f"The option {clipped(label)} has the control character U+{ord(bad.group()):04X}."
            self.refuse(at, fact, "Delete it.")
        else:
            return True
        return False

    def is_number(self, value: Decimal, at: At, label: str) -> bool:
        """Whether JSON keeps a number exactly."""
        try:
            digest.canonical(value)
        except (ValueError, TypeError):
            fact = f"The option {clipped(label)} has more digits than a number in a request keeps."
            self.refuse(at, fact, "Write at most 15 digits, or put it in quotes where a text will do.")
            return False
        return True

    def refuse(self, at: At, fact: str, hint: str) -> None:
        """Tells of a value that cannot stand."""
        self.findings.add(at, fact, hint)
