"""Values and names as people say them, for facts and hints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

_SHOWN = 40
_NAME = 100
_COMPARED = 300


def nearest(word: str, known: Iterable[str]) -> str:
    """The known name most like `word`, or an empty text where none is near."""
    import difflib

    folded = word.casefold()[:100]
    names = {name.casefold(): name for name in known}
    if len(names) > _COMPARED:
        # Comparing is slow: of very many, only those that might be the same but for a slip of the hand.
        alike = (name for name in names if name[:1] == folded[:1] and abs(len(name) - len(folded)) <= 2)
        names = {name: names[name] for name in islice(alike, _COMPARED)}
    found = difflib.get_close_matches(folded, names, n=1, cutoff=0.6)
    return names[found[0]] if found else ""


def choice(word: str, known: Sequence[str], otherwise: str = "") -> str:
    """A hint: the name that was probably meant, else all of them where they are few, else `otherwise`."""
    if found := nearest(word, known):
        return f"Did you mean '{clipped(found, _NAME)}'?"
    if known and len(known) <= 12:
        shown = ", ".join(clipped(name, _NAME) for name in known)
        return f"There {'is' if len(known) == 1 else 'are'}: {shown}."
    return otherwise


def clipped(text: str, most: int = _SHOWN) -> str:
    """A text short enough for a sentence, its control characters escaped."""
    return legible(text if len(text) <= most else text[: most - 1] + "…")


def legible(shown: str) -> str:
    """A text with its control characters, and all else that is not seen, escaped."""
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)


def said(value: Any) -> str:
    """What a value is, as one would say it: `the text 'no'`, `the number 5`, `a list`."""
    match value:
        case None:
            return "empty"
        case bool():
            return f"the switch {str(value).lower()}"
        case str():
            return f"the text '{clipped(value)}'" if value else "an empty text"
        case int() | Decimal():
            return f"the number {clipped(str(value))}"
        case list() | tuple():
            return "a list" if value else "an empty list"
    return "a map of keys" if value else "an empty map"


def counted(number: int) -> str:
    """A count with its thousands apart."""
    return f"{number:,}"
