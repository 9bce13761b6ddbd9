"""How a prompt carries the names of its references, so that each service can name them in its own manner.

A mark is a name between two characters that no text of ours has. While a template is worked out, a text that names
references is a `Naming`: to every filter its plain text, with the marked one beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_OPEN, _SHUT = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}([^{_OPEN}{_SHUT}]+){_SHUT}|[{_OPEN}{_SHUT}]")


def marked(name: str) -> str:
    """The mark of a reference in a prompt: its name between U+E000 and U+E001."""
    return f"{_OPEN}{unmarked(name)}{_SHUT}"


def mentioned(text: str, word: Callable[[str], str]) -> str:
    """The text with `word(name)` in the place of every mark; a character of a mark that is none is dropped."""
    return _MARK.sub(lambda mark: word(mark[1]) if mark[1] else "", text)


def unmarked(text: str) -> str:
    """The text as people read it: names in the place of marks."""
    return text.replace(_OPEN, "").replace(_SHUT, "")


class Naming(str):
    """A text that names references, plain; `asked` is the same with its marks."""

    __slots__ = ("asked",)
    asked: str

    def __new__(cls, plain: str, asked: str) -> Naming:
        made = super().__new__(cls, plain)
        made.asked = asked
        return made


def naming(name: str) -> Naming:
    """A reference's name, as the value of `ref('name')`."""
    return Naming(name, marked(name))


def asked(text: str) -> str:
    """The text with its marks; those that it brings itself, and nobody made here, are dropped."""
    return text.asked if isinstance(text, Naming) else unmarked(text)


def joined(parts: Sequence[str], between: str = "") -> str:
    """The parts as one text, which names what they name."""
    plain = between.join(parts)
    if not any(isinstance(part, Naming) for part in (between, *parts)):
        return plain
    return Naming(plain, asked(between).join(map(asked, parts)))


def changed(text: str, change: Callable[[str], str]) -> str:
    """The changed text; it names what it named where the change leaves all names alone, and else is words only."""
    plain = change(text)
    if plain == text:
        return text
    if not isinstance(text, Naming):
        return plain
    kept = change(text.asked)
    whole = unmarked(kept) == unmarked(plain) and _names(kept) == _names(text.asked)
    return Naming(plain, kept) if whole else str(plain)


def _names(text: str) -> list[str]:
    return [mark[1] for mark in _MARK.finditer(text) if mark[1]]
