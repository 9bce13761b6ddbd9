"""The text of a recipe and the way back to it: plain values, and the line and column of each.

Knows bytes and YAML, and nothing of what a recipe means.
"""

from __future__ import annotations

import os
import re
import stat
from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import Fault, Place, RecipeError, UserError
from pipeline.media.sniff import HEAD_BYTES, sniff
from pipeline.recipe import syntax, yaml12
from pipeline.values import dataclass, field

MOST_BYTES = 4 * 1024 * 1024
Path_ = Sequence[str | int]
"""The way to a value from the top: keys and indexes."""

_NEVER_TEXT = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff\\ufeff\\ufffe\\uffff]"
)
_WIDE = ((b"\xff\xfe\0\0", "UTF-32"), (b"\0\0\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A recipe's characters and where its lines begin, so that an index becomes a place."""

    file: str
    characters: str
    starts: Sequence[int] = field(repr=False)
    lines: dict[int, str] = field(default_factory=dict, repr=False, compare=False)  # those that were asked for

    def at(self, index: int) -> Place:
        """The place of the character at `index`."""
        index = min(max(index, 0), len(self.characters))
        row = bisect_right(self.starts, index) - 1
        start = self.starts[row]
        end = self.starts[row + 1] - 1 if row + 1 < len(self.starts) else len(self.characters)
        # A line may be the whole file, and everything in it may be a fault: they share the one text.
        line = self.lines.get(row)
        if line is None:
            line = self.lines[row] = self.characters[start:end].rstrip("\r")
        return Place(file=self.file, line=row + 1, column=index - start + 1, text=line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The plain value of a recipe's text, and the place of each key and value in it."""

    text: Text
    value: Any
    faults: tuple[Fault, ...]
    tree: yaml12.Tree = field(repr=False)

    def place(self, path: Path_, *, key: bool = False) -> Place:
        """The place of the value at `path`, or of its key; of the nearest container where there is no such value."""
        spot, key_start = self._spot(path)
        return self.text.at(key_start if key and key_start is not None else spot.start)

    def inside(self, path: Path_, offset: int) -> Place:
        """The place of character `offset` of the text at `path`, however that text is quoted or folded."""
        spot, _ = self._spot(path)
        return self.text.at(syntax.index_inside(self.text.characters, spot, offset))

    def written(self, path: Path_) -> str:
        """The text at `path` as it is written, or an empty one where no text is there."""
        node = self.said(path)
        return node if isinstance(node, str) else ""

    def said(self, path: Path_) -> Any:
        """The plain value at `path` as it is written, or None where there is none."""
        node = self.value
        for step in path:
            try:
                node = node[step]
            except (KeyError, IndexError, TypeError):
                return None
        return node

    def has(self, path: Path_) -> bool:
        """Whether the text has a value at `path`."""
        node = self.value
        for step in path:
            try:
                node = node[step]
            except (KeyError, IndexError, TypeError):
                return False
        return True

    def _spot(self, path: Path_) -> tuple[yaml12.Spot, int | None]:
        node, spot, key_start = self.value, self.tree.root, None
        for step in path:
            try:
                spot, key_start = self.tree.spot(node, step)
            except (LookupError, TypeError):
                break
            node = node[step]
        return spot, key_start


def read(path: Path) -> bytes:
    """The bytes of a recipe file. Raises `UserError` where there is none, it is no file, too big or unreadable."""
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for someone to write to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise UserError(f"There is no file {path}.", _instead_of(path)) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name has a NUL"
        raise UserError(f"{str(path)!r} cannot be read: {reason}.", "Name a recipe that you may read.") from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise UserError(f"{path} is a folder, not a recipe.", _instead_of(path / "recipe.yaml"))
        raise UserError(f"{path} is no ordinary file.", "Name a recipe, a YAML file.")
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise UserError(
            f"{path} is larger than {MOST_BYTES // 1024**2} MiB, the most a recipe may have.",
            "Is it a recipe? Many like shots are one entry with `each`.",
        )
    return data


def parse(data: bytes, file: str) -> Document:
    """The document in these bytes. Raises `RecipeError` where they are no YAML text at all."""
    return document(decoded(data, file))


def document(text: Text, what: str = "recipe") -> Document:
    """The document of a YAML text that is to be a recipe, or `what` else. Raises `RecipeError` where it is none."""
    tree = yaml12.build(text.characters)
    faults = tuple(Fault(place=text.at(flaw.index), fact=flaw.fact, hint=flaw.hint) for flaw in tree.flaws)
    if tree.broken:
        raise RecipeError(faults)
    if tree.value is None:
        hint = "`rushes init` writes a small one that runs." if what == "recipe" else "Write something there."
        raise RecipeError([Fault(place=text.at(0), fact=f"The {what} is empty.", hint=hint)])
    return Document(text=text, value=tree.value, faults=faults, tree=tree)


def decoded(data: bytes, file: str, what: str = "recipe") -> Text:
    """The characters of a file that is to be a recipe, or `what` else. Raises `RecipeError` where it is no text."""
    for mark, name in _WIDE:
        if data.startswith(mark):
            fact = f"The {what} is written in {name}."
            raise RecipeError([_fault(_text(file, ""), 0, fact, "Save it as UTF-8.")])
    found = sniff(data[:HEAD_BYTES])
    if found and not data.isascii():
        fact = f"This is a file of kind {found[0]} ({found[1]}), not a {what}."
        hint = "Name the YAML file of the recipe." if what == "recipe" else "Name a text file."
        raise RecipeError([_fault(_text(file, ""), 0, fact, hint)])
    try:
        characters = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        text = _text(file, before + data[error.start : error.start + 80].decode("utf-8", "replace"))
        fact = f"The byte 0x{data[error.start]:02x} is not UTF-8."
        raise RecipeError([_fault(text, len(before), fact, f"Save the {what} as UTF-8.")]) from None
    text = _text(file, characters)
    if bad := _NEVER_TEXT.search(characters):
        raise RecipeError([_never_text(text, bad.start(), bad.group(), what)])
    return text


def _never_text(text: Text, index: int, character: str, what: str) -> Fault:
    if character in "\x85\u2028\u2029":
        fact = f"The line separator U+{ord(character):04X} is here; readers of YAML disagree about what it is."
        return _fault(text, index, fact, "Write an ordinary line break.")
    name = "A NUL" if character == "\0" else f"The control character U+{ord(character):04X}"
    return _fault(text, index, f"{name} is here; a {what} is text.", "Delete it; is this the right file?")


def changed(text: Text, characters: str) -> Text:
    """The text of the same file with these characters."""
    return _text(text.file, characters)


def _text(file: str, characters: str) -> Text:
    # An array, since a file may be nothing but line breaks.
    starts = array("L", [0])
    starts.extend(match.end() for match in re.finditer("\n", characters))
    return Text(file=file, characters=characters, starts=starts)


def _fault(text: Text, index: int, fact: str, hint: str) -> Fault:
    return Fault(place=text.at(index), fact=fact, hint=hint)


def _instead_of(path: Path) -> str:
    try:
        names = sorted(entry.name for entry in path.parent.iterdir() if entry.suffix in (".yaml", ".yml"))[:1000]
    except OSError:
        names = []
    from pipeline.recipe.words import nearest

    found = nearest(path.name, names) or (names[0] if names else "")
    return f"Did you mean {path.parent / found}?" if found else "`rushes init` writes a small one that runs."


def as_mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one: for looking further where a fault has been told already."""
    return value if isinstance(value, dict) else {}
