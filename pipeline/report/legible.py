"""Texts of strangers made fit for a line of a terminal, of a table, of XML: nothing in them can move or hide."""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"
_TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # marks of direction
_UNFIT = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff{_TURNING}]")
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_BREAKS = re.compile(r"[\t\n\r\x0b\x0c\x85\u2028\u2029]+ *")


def line(text: str) -> str:
    """One line of printable characters: breaks become spaces, escapes and marks of direction a replacement sign."""
    return _UNFIT.sub("\ufffd", _BREAKS.sub(" ", text)).strip()


def block(text: str) -> str:
    """The text without characters that XML and HTML forbid; line breaks and marks of direction stay."""
    return _NO_XML.sub("\ufffd", text)


def cells(text: str) -> int:
    """How many columns of a terminal a line takes."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(c) for c in text)


def _cells_of(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, width: int) -> str:
    """A line of at most `width` columns; a longer one ends in an ellipsis."""
    if len(text) <= width and text.isascii():
        return text
    if cells(text) <= width:
        return text
    kept = ""
    room = width - 1
    for character in text:
        room -= _cells_of(character)
        if room < 0:
            break
        kept += character
    return kept.rstrip() + ELLIPSIS if width > 0 else ""


def wrap(text: str, width: int, indent: str = "  ") -> list[str]:
    """The text in lines of at most `width` columns, those after the first indented; a longer word is cut."""
    lines = [""]
    for word in line(text).split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1].strip() else lines[-1] + word
        if lines[-1].strip() and cells(longer) > width:
            lines.append(indent + word)
        else:
            lines[-1] = longer
    return [fit(one, width) for one in lines]


def pad(text: str, width: int, *, right: bool = False) -> str:
    """The line filled up with spaces to `width` columns; `right` puts them before it."""
    space = " " * max(0, width - cells(text))
    return space + text if right else text + space


def table(
    head: list[str], body: list[list[str]], width: int, *, right: frozenset[int] = frozenset(), whole: bool = False
) -> list[str]:
    """Lines of a table of at most `width` columns: the last column gives way first, then the widest before it.

    What does not fit is cut; `whole` has the last column go on below instead.
    """
    cleaned = [[line(cell) for cell in row] for row in body]
    widths = [max(cells(row[i]) for row in [head, *cleaned]) for i in range(len(head))]
    gaps = 2 * (len(head) - 1)
    last = max(min(widths[-1], 16), width - gaps - sum(widths[:-1]))
    widths[-1] = min(widths[-1], last)
    while sum(widths) + gaps > width and max(widths[:-1]) > 8:
        widths[widths.index(max(widths[:-1]))] -= 1
    found = []
    for row in [head, *cleaned]:
        *first, final = row
        told, *more = wrap(final, widths[-1], "") if whole else [final]
        shown = [pad(fit(cell, widths[i]), widths[i], right=i in right) for i, cell in enumerate([*first, told])]
        found.append(fit("  ".join(shown).rstrip(), width))
        found += [" " * (sum(widths[:-1]) + gaps) + part for part in more]
    return found
