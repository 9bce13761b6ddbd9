"""All the texts a recipe is made of: its own and those it names, and the way from the top of the recipe into each.

A way that begins with `FILES` and a number leads into another file; what follows is the way inside it. Paths are from
the recipe's folder, whichever file says them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from pipeline.digest import bytes_digest
from pipeline.errors import Fault, Place
from pipeline.recipe import source
from pipeline.recipe.files import MIB, Folder, InputFault
from pipeline.recipe.source import Document, Text
from pipeline.recipe.words import clipped, counted
from pipeline.values import dataclass

FILES = "files"
"""How a way into another file begins; no key of the grammar is called so."""

MOST_FILES = 10_000
MOST_BYTES = 16 * MIB
At = tuple[str | int, ...]
Way = Sequence[str | int]


def entry_of(at: At) -> At:
    """The way to the entry of `shots` that a way leads into; empty where it leads elsewhere."""
    start = 2 if at[:1] == (FILES,) else 0
    if at[start : start + 1] == ("scenes",):
        start += 2
    return at[: start + 2] if at[start : start + 1] == ("shots",) and len(at) >= start + 2 else ()


def field_of(at: At) -> At:
    """The way inside a shot, a fallback, a stage or the defaults, from its field on; empty where it leads elsewhere."""
    entry = entry_of(at) or (at[:2] if at[:1] == ("stages",) else ())
    below = at[len(entry) :] if entry else at[at.index("defaults") + 1 :] if "defaults" in at[:5] else ()
    return below[2:] if below[:1] == ("fallback",) else below


class Readable(Protocol):
    """A text in which ways lead to places."""

    def place(self, path: Way, *, key: bool = False) -> Place:
        """The place of a value, or of its key."""

    def inside(self, path: Way, offset: int) -> Place:
        """The place of a character of the text at `path`."""

    def written(self, path: Way) -> str:
        """The text at `path`, or an empty one."""

    def said(self, path: Way) -> Any:
        """The plain value at `path`, or None."""

    def has(self, path: Way) -> bool:
        """Whether there is a value at `path`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """A file that is one text through and through, whatever the way."""

    text: Text

    def place(self, path: Way, *, key: bool = False) -> Place:
        """Where the text begins."""
        return self.text.at(0)

    def inside(self, path: Way, offset: int) -> Place:
        """The place of a character."""
        return self.text.at(offset)

    def written(self, path: Way) -> str:
        """The whole text."""
        return self.text.characters

    def said(self, path: Way) -> Any:
        """The whole text."""
        return self.text.characters

    def has(self, path: Way) -> bool:
        """Whether nothing inside it is asked for."""
        return not path


class Texts:
    """The texts of one recipe; `folder` is where the others lie."""

    def __init__(self, main: Document, folder: Folder) -> None:
        self.main, self.folder = main, folder
        self.others: list[Readable] = []
        self.real: dict[str, Path] = {}  # what was read, by the name it was read by
        self.digests: list[str] = []
        self.bytes = 0

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the recipe's own text."""
        return self.main.faults

    def read(self, name: str, what: str) -> Text:
        """The text of a file in the folder; `what` it is to be. Raises `InputFault`, and `RecipeError` inside it."""
        if len(self.digests) >= MOST_FILES:
            fact = f"This recipe names more than {counted(MOST_FILES)} texts."
            raise InputFault(fact, "Make several recipes of it.")
        data, self.real[name] = self.folder.text(name, source.MOST_BYTES)
        self.bytes += len(data)
        if self.bytes > MOST_BYTES:
            fact = f"With '{clipped(name)}' the texts of this recipe come to more than {MOST_BYTES // MIB} MiB."
            raise InputFault(fact, "Make several recipes of it.")
        self.digests.append(bytes_digest(data))
        return source.decoded(data, str(Path(self.main.text.file).parent / name), what)

    def add(self, text: Readable) -> At:
        """The way to another text, from now on."""
        self.others.append(text)
        return (FILES, len(self.others) - 1)

    def place(self, path: Way, *, key: bool = False) -> Place:
        """The place of the value at `path`, or of its key; of the nearest container where there is no such value."""
        text, way = self._behind(path)
        return text.place(way, key=key)

    def inside(self, path: Way, offset: int) -> Place:
        """The place of character `offset` of the text at `path`, however that text is quoted or folded."""
        text, way = self._behind(path)
        return text.inside(way, offset)

    def written(self, path: Way) -> str:
        """The text at `path` as it is written, or an empty one where no text is there."""
        text, way = self._behind(path)
        return text.written(way)

    def said(self, path: Way) -> Any:
        """The plain value at `path` as it is written, or None where there is none."""
        text, way = self._behind(path)
        return text.said(way)

    def has(self, path: Way) -> bool:
        """Whether there is a value at `path`."""
        text, way = self._behind(path)
        return text.has(way)

    def told(self, path: Way) -> str:
        """Where a value stands, for a sentence: its line, and its file where that is another than the recipe's own."""
        place = self.place(path)
        return f"line {place.line}" if place.file == self.main.text.file else f"{place.file}:{place.line}"

    def digest(self, own: str) -> str:
        """The digest of all texts; the recipe's own where there is no other."""
        return bytes_digest("\n".join([own, *self.digests]).encode()) if self.digests else own

    def _behind(self, path: Way) -> tuple[Readable, Way]:
        if len(path) > 1 and path[0] == FILES:
            number: Any = path[1]
            return self.others[number], path[2:]
        return self.main, path
