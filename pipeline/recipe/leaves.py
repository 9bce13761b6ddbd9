"""The smallest parts of the grammar: a number, a switch, a time, a name, each with words for whoever gets it wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Schema = dict[str, Any]

SECONDS = r"^[0-9]{1,6}(\.[0-9]{1,6})?s$"
TOLD = ("title", "description", "default", "examples", "errorMessage")
NULL: Schema = {"type": "null"}
OFF: Schema = {"enum": [False, None]}


class Leaves:
    """Makes schemas of single values, which a template may stand for, or not."""

    def __init__(self, *, templates: bool) -> None:
        self.templates = templates

    def value(self, schema: Schema) -> Schema:
        """A schema, or a template in its place."""
        if not self.templates:
            return schema
        told = {word: schema[word] for word in TOLD if word in schema}
        core = {word: part for word, part in schema.items() if word not in TOLD}
        ways = core["anyOf"] if set(core) == {"anyOf"} else [core]
        # Editors tell the words of the alternative that comes nearest, and none of those around it.
        says = {"errorMessage": told["errorMessage"]} if "errorMessage" in told else {}
        said = [way if way.get("type") in ("array", "object") else {**way, **says} for way in ways]
        return {**told, "anyOf": [*said, {"$ref": "#/$defs/template"}]}

    def frame(self, description: str) -> Schema:
        """A still by name, path or URL, or none."""
        return {**self.source(description), "anyOf": [{"type": "string", "minLength": 1}, NULL]}

    def source(self, description: str) -> Schema:
        """A text that names an input."""
        says = "Write a reference's name, a shot's id, a path such as assets/keeper.png or a URL."
        return {"anyOf": [{"type": "string", "minLength": 1}], "description": description, "errorMessage": says}

    def shot_name(self, description: str) -> Schema:
        """A text that names a shot."""
        return {"type": "string", "minLength": 1, "description": description, "errorMessage": "Write the id of a shot."}

    def named(self, description: str, known: Iterable[str], default: str | None) -> Schema:
        """A name of which the known ones are examples."""
        names = list(known)
        told: Schema = {
            "description": description,
            "errorMessage": "Write a name: letters, digits and any of . _ @ / : -",
        }
        if names:
            told["examples"] = names
        if default is not None:
            told["default"] = default
        return self.value({**told, "type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._@/:-]{0,99}$"})

    def switch(self, description: str) -> Schema:
        """True or false."""
        told = {"description": description, "default": False, "errorMessage": "Write true or false."}
        return self.value({**told, "type": "boolean"})

    def number(self, description: str, least: int, most: int, *, default: int) -> Schema:
        """A whole number within bounds."""
        says = f"Write a whole number from {least:,} to {most:,}."
        told = {"description": description, "default": default, "errorMessage": says}
        return self.value({**told, "type": "integer", "minimum": least, "maximum": most})

    def one_of(self, words: tuple[str, ...], description: str, *, default: str | None) -> Schema:
        """One of some words."""
        told: Schema = {"description": description, "errorMessage": f"Write {either(words)}."}
        if default is not None:
            told["default"] = default
        return self.value({**told, "enum": list(words)})

    def seconds(self, description: str, *, least: bool) -> Schema:
        """A time: a number, or a text such as 5s; `least`: more than nothing."""
        number: Schema = {"type": "number", "maximum": 3600, "exclusiveMinimum" if least else "minimum": 0}
        says = "Write seconds, as in 5, 5.5 or 5s" + ("; more than 0, at most 3,600." if least else ", at most 3,600.")
        told = {"description": description, "errorMessage": says}
        return self.value({**told, "anyOf": [number, {"type": "string", "pattern": SECONDS}]})


def either(words: Iterable[str]) -> str:
    """Words as a choice: `a, b or c`."""
    *before, last = words
    return f"{', '.join(before)} or {last}"
