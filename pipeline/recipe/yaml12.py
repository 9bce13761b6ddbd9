"""YAML events -> plain values with the meaning of YAML 1.2's core schema, within bounds.

Built on the event stream, where PyYAML's own composer would read `9:16` as 556 and `no` as False, keep the last of two
equal keys in silence, and recurse until the process dies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml
from yaml import events as on

from pipeline.recipe import syntax
from pipeline.recipe.syntax import Flaw
from pipeline.recipe.words import clipped

MOST_DEPTH = 40
MOST_FLAWS = 1_000
MOST_NODES = 400_000
MOST_DIGITS = 40
MOST_EXPONENT = 100

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {
    word: truth for truth, name in ((True, "true"), (False, "false")) for word in (name, name.title(), name.upper())
}
_NUMBER_STARTS = frozenset("0123456789+-.")
_WHOLE = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_ENDLESS = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_BASES = {"0o": 8, "0x": 16}


@dataclass(slots=True, kw_only=True)
class Tree:
    """A plain value, the spots of its parts by container, and what is wrong with the text; `broken`: past reading."""

    value: Any = None
    root: Any = None
    # id(container) -> (spot of the value, where its key begins) of each part in order; no key in a list
    entries: dict[int, list[tuple[Spot, int | None]]] = field(default_factory=dict)
    _orders: dict[int, dict[str, int]] = field(default_factory=dict)  # of maps that were asked for
    flaws: list[Flaw] = field(default_factory=list)
    broken: bool = False

    def spot(self, container: Any, step: str | int) -> tuple[Spot, int | None]:
        """Where a part of a list or map stands, and its key. Raises `LookupError`, `TypeError` where there is none."""
        entries = self.entries[id(container)]
        if not isinstance(container, dict):
            return entries[step]  # type: ignore[index]
        order = self._orders.get(id(container))
        if order is None:
            order = self._orders[id(container)] = {key: at for at, key in enumerate(container)}
        return entries[order[step]]  # type: ignore[index]


class Spot:
    """Where a node stands in the text: all that is kept of an event, which is ten times as large."""

    __slots__ = ("end", "start", "style", "value")

    def __init__(self, event: Any) -> None:
        self.start: int = event.start_mark.index
        self.end: int = event.end_mark.index
        self.value: str | None = getattr(event, "value", None)
        self.style: str | None = getattr(event, "style", None)


class _Stop(Exception):
    """Reading further would be guesswork or without end."""


@dataclass(slots=True)
class _Open:
    """A container whose end has not been read yet."""

    container: Any
    entries: list[tuple[Spot, int | None]]
    event: Any
    nodes_before: int
    key: str | None = None
    key_start: int | None = None
    skip: bool = False  # the value to come has a key that cannot stand


def scalar(text: str) -> Any:
    """The value of an unquoted scalar: None, bool, int, Decimal or str. Raises `ValueError` for an unusable number."""
    if text in _NULLS:
        return None
    if text[0] not in _NUMBER_STARTS:
        return _BOOLS.get(text, text)
    if _WHOLE.match(text):
        _check_digits(text)
        base = _BASES.get(text[:2])
        return int(text[2:], base) if base else int(text)
    if _DECIMAL.match(text):
        _check_digits(text)
        try:
            number = Decimal(text)
        except ArithmeticError:  # its exponent is beyond Decimal itself
            number = Decimal("inf")
        if not number.is_finite() or abs(number.adjusted()) > MOST_EXPONENT:
            raise ValueError(f"The number {text} is beyond what a recipe can use.")
        return number
    if _ENDLESS.match(text):
        raise ValueError(f"{text} is no number a recipe can use.")
    return text


def _check_digits(text: str) -> None:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"A number of {len(text):,} digits is more than a recipe can use.")


def build(text: str) -> Tree:
    """The tree of a YAML text that holds one document; never raises, but says in `flaws` what is wrong."""
    return _Builder(text).run()


class _Builder:
    """Folds the event stream into values without recursion; one a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = Tree()
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Any, int]] = {}  # name -> value, nodes in it
        self.kept: list[Any] = []  # values of refused keys, kept alive so that no id is used twice
        self.keys: dict[str, str] = {}  # each once, however often it is written
        self.nodes = 0
        self.documents = 0

    def run(self) -> Tree:
        """Reads all events."""
        try:
            for event in _events(self.text):
                kind = type(event)
                if kind is on.ScalarEvent:
                    self.scalar(event)
                elif kind is on.MappingStartEvent:
                    self.open(event, {})
                elif kind is on.SequenceStartEvent:
                    self.open(event, [])
                elif kind is on.MappingEndEvent or kind is on.SequenceEndEvent:
                    self.close()
                elif kind is on.AliasEvent:
                    self.alias(event)
                elif kind is on.DocumentStartEvent:
                    self.document(event)
        except yaml.YAMLError as error:
            self.tree.flaws.append(syntax.flaw_of(error, self.text))
            self.tree.broken = True
        except _Stop:
            self.tree.broken = True
        return self.tree

    def flaw(self, event: Any, fact: str, hint: str) -> None:
        self.tree.flaws.append(Flaw(index=event.start_mark.index, fact=fact, hint=hint))
        if len(self.tree.flaws) >= MOST_FLAWS:
            raise _Stop

    def stop(self, event: Any, fact: str, hint: str) -> None:
        self.flaw(event, fact, hint)
        raise _Stop

    def document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            self.stop(event, "A second document begins here.", "Keep one recipe a file: delete the line with '---'.")

    def scalar(self, event: Any) -> None:
        value: Any = event.value
        if event.tag is not None:
            self.tagged(event)
        elif event.implicit[0]:
            try:
                value = scalar(value)
            except ValueError as error:
                self.flaw(event, str(error), "Write a smaller number, or put a text in quotes.")
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, 1)
        self.add(value, event)

    def tagged(self, event: Any) -> None:
        if event.tag not in ("!", "tag:yaml.org,2002:str"):
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.flaw(event, f"The tag {clipped(tag)} is not read here.", "Delete the tag; a text goes in quotes.")

    def open(self, event: Any, container: Any) -> None:
        if len(self.stack) >= MOST_DEPTH:
            self.stop(event, f"This is nested more than {MOST_DEPTH} levels deep.", "Is it a recipe?")
        if event.tag is not None:
            self.tagged(event)
        # Counted before its parts, so that an alias to a container that is still open is seen as such.
        opened = _Open(container, [], event, self.nodes)
        self.add(container, event)
        self.tree.entries[id(container)] = opened.entries
        self.stack.append(opened)

    def close(self) -> None:
        done = self.stack.pop()
        if done.event.anchor is not None:
            self.anchors[done.event.anchor] = (done.container, self.nodes - done.nodes_before)

    def alias(self, event: Any) -> None:
        found = self.anchors.get(event.anchor)
        inside = any(opened.event.anchor == event.anchor for opened in self.stack)
        if found is None or inside:
            what = "stands for something it is part of" if inside else "is unknown here"
            self.stop(
                event,
                f"The alias *{clipped(event.anchor)} {what}.",
                "Write it out; a text that begins with * needs quotes.",
            )
            return
        value, nodes = found
        self.nodes += nodes - 1
        self.add(value, event)

    def add(self, value: Any, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            self.stop(
                event, f"The recipe unfolds to more than {MOST_NODES:,} values.", "Many like shots are one with `each`."
            )
        if not self.stack:
            self.tree.value, self.tree.root = value, Spot(event)
            return
        top = self.stack[-1]
        if type(top.container) is list:
            top.container.append(value)
            top.entries.append((Spot(event), None))
        elif top.skip:
            top.skip = False
            self.kept.append(value)
        elif top.key is None:
            self.key(top, value, event)
        else:
            top.container[top.key] = value
            top.entries.append((Spot(event), top.key_start))
            top.key = None

    def key(self, top: _Open, value: Any, event: Any) -> None:
        if type(value) is not str:
            self.kept.append(value)
            top.skip = True
            if isinstance(value, dict) and self.text.startswith("{", event.start_mark.index):
                self.stop(
                    top.event, "A text that begins with '{' is not in quotes.", 'Write it in quotes: "{{ name }}".'
                )
            self.flaw(event, "This key is no text.", "Put it in quotes, or write a name.")
        elif value == "<<" and event.implicit[0]:
            top.skip = True
            hint = "Say what all shots share under `defaults`, or use `each`."
            self.flaw(event, "The merge key << is not read here.", hint)
        elif value in top.container:
            top.skip = True
            _, before = top.entries[list(top.container).index(value)]
            first = self.text.count("\n", 0, before) + 1
            fact = f"The key '{clipped(value)}' is here twice; the first is in line {first}."
            self.flaw(event, fact, "Delete one of them.")
        else:
            top.key, top.key_start = self.keys.setdefault(value, value), event.start_mark.index


def _events(text: str) -> Iterator[Any]:
    """Libyaml's events where PyYAML was built with it, else the pure ones: five times slower, and the same."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    yield from yaml.parse(text, Loader=loader)
