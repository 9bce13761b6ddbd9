"""A recipe and the files that it includes, as one: who says what, and where.

What a file says holds over what it includes. Two included files may say the same; where they disagree, and the file
that includes both says nothing, that is a fault of both.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import RecipeError
from pipeline.recipe import source
from pipeline.recipe.explain import At
from pipeline.recipe.files import InputFault
from pipeline.recipe.findings import Findings
from pipeline.recipe.shape import Section, Sheet, sheet
from pipeline.recipe.words import clipped

Said = tuple[Any, At]
"""A value and the way to where it is said."""

_MOST_DEEP = 20
_MAPS = ("vars", "references", "defaults")


@dataclass(slots=True, kw_only=True)
class Whole:
    """What files say together: by field and name, the nearest last; `defaults` are those of each file by themselves."""

    fields: dict[str, Any] = field(default_factory=dict)
    vars: dict[str, Said] = field(default_factory=dict)
    references: dict[str, Said] = field(default_factory=dict)
    defaults: list[tuple[At, dict[str, Any]]] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    complete: bool = True


def whole(findings: Findings) -> Whole:
    """The recipe and all that it includes; what is wrong with any of them has been told of."""
    return _Reader(findings).read()


class _Reader:
    """Follows `include` from file to file."""

    def __init__(self, findings: Findings) -> None:
        self.findings, self.texts = findings, findings.document
        name = Path(self.texts.main.text.file)
        self.known = {Path(os.path.realpath(name)): ""}  # a file without links -> where it is included
        self.chain = [name.name]
        self.open = set(self.known)

    def read(self) -> Whole:
        """The recipe itself, and on from there."""
        own = sheet(self.texts.main.value, (), self.findings)
        found = self.with_included(own)
        found.fields = own.fields
        if not found.sections and not self.findings.faults:
            self.findings.add((), "No shot is in this recipe, or in what it includes.", "Write `shots` or `scenes`.")
        return found

    def with_included(self, own: Sheet) -> Whole:
        """A file and what it includes."""
        named = own.fields.get("include")
        below = [
            self.included(name, (*own.at, "include", number))
            for number, name in enumerate(named if isinstance(named, list) else ())
            if isinstance(name, str)
        ]
        made = Whole(complete=own.complete)
        for one in below:
            made.vars.update(one.vars)
            made.references.update(one.references)
            made.defaults += one.defaults
            made.sections += one.sections
            made.complete = made.complete and one.complete
        self.judge(own, below)
        for key, said in (("vars", made.vars), ("references", made.references)):
            for name, value in (own.fields.get(key) or {}).items():
                said.pop(name, None)
                said[name] = value, (*own.at, key, name)
        if defaults := own.fields.get("defaults"):
            made.defaults.append(((*own.at, "defaults"), defaults))
        made.sections += own.sections
        return made

    def judge(self, own: Sheet, below: list[Whole]) -> None:
        """Tells of what two included files say differently, where nobody decides."""
        decided = {way for key in _MAPS for way, _, _ in _ways(key, own.fields.get(key) or {}, ())}
        first: dict[At, Said] = {}
        for one in below:
            for way, value, at in _all(one):
                if way in decided or any(way[:end] in decided for end in range(2, len(way))):
                    continue
                before = first.setdefault(way, (value, at))
                if before[0] != value or type(before[0]) is not type(value):
                    other = self.texts.told(before[1])
                    fact = f"'{clipped(str(way[-1]))}' of `{way[0]}` is said otherwise here than at {other}."
                    place = self.texts.told((*own.at, "include"))
                    self.findings.add(at, fact, f"Say it where both are included, as at {place}, or in one of them.")

    def included(self, name: str, at: At) -> Whole:
        """What a file says that is included at a place; nothing where it cannot be."""
        try:
            if len(self.chain) > _MOST_DEEP:
                raise InputFault(f"Files include files, more than {_MOST_DEEP} deep.", "Include it from the recipe.")
            text = self.texts.read(name, "included file")
            real = self.texts.real[name]
            if real in self.known:
                return self.again(name, real, at)
            self.known[real] = self.texts.told(at)
            document = source.document(text, "included file")
        except InputFault as fault:
            self.findings.add(at, fault.fact, fault.hint)
            return Whole(complete=False)
        except RecipeError as error:
            self.findings.foreign(error.faults)
            return Whole(complete=False)
        self.findings.foreign(document.faults)
        self.chain.append(name)
        self.open.add(real)
        found = self.with_included(sheet(document.value, self.texts.add(document), self.findings))
        self.open.discard(real)
        self.chain.pop()
        return found

    def again(self, name: str, real: Path, at: At) -> Whole:
        """Tells of a file that is included while it is read, or a second time."""
        chain = clipped(" -> ".join([*self.chain, name]), 300)
        if real in self.open:
            self.findings.add(at, f"'{clipped(name)}' includes itself: {chain}.", "Take this one out.")
        else:
            fact = f"'{clipped(name)}' is included twice: {chain}, and before that at {self.known[real]}."
            self.findings.add(at, fact, "Include it once: what it says is there for all.")
        return Whole()


def _all(one: Whole) -> Iterator[tuple[At, Any, At]]:
    """All that an included file and those below it say: its way by key and name, its value, where that stands."""
    for key, said in (("vars", one.vars), ("references", one.references)):
        for name, (value, at) in said.items():
            yield (key, name), value, at
    last: dict[At, tuple[Any, At]] = {}
    for at, defaults in one.defaults:
        for way, value, place in _ways("defaults", defaults, at):
            last[way] = value, place
    for way, (value, place) in last.items():
        yield way, value, place


def _ways(key: str, said: Any, at: At) -> Iterator[tuple[At, Any, At]]:
    """What one map says, options down to each key of a provider."""
    if not isinstance(said, dict):
        return
    for name, value in said.items():
        inner = value.items() if key == "defaults" and name == "options" and isinstance(value, dict) else ()
        if not inner:
            yield (key, name), value, (*at, name)
        for provider, options in inner:
            if not isinstance(options, dict):
                yield (key, name, provider), options, (*at, name, provider)
                continue
            for option, part in options.items():
                yield (key, name, provider, option), part, (*at, name, provider, option)
