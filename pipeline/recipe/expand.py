"""One entry of `shots` -> its rows: `each` unfolded and counted first, templates worked out, ids checked.

A `Draft` still speaks the words of the YAML; `build` turns it into a `Shot`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any

from pipeline.recipe.allowance import STEPS_A_SHOT, Names, TemplateFault, Work
from pipeline.recipe.explain import At, misfits
from pipeline.recipe.findings import Findings, Places
from pipeline.recipe.functions import Call
from pipeline.recipe.gate import Check, compiled
from pipeline.recipe.mention import Naming, naming
from pipeline.recipe.mould import Mould, mould
from pipeline.recipe.options import added
from pipeline.recipe.schema import strict
from pipeline.recipe.variables import RESERVED, Variables
from pipeline.recipe.words import choice, clipped, counted, said

MOST_SHOTS = 100_000
MOST_ID = 100
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")
DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin", "conout"] + [f"{port}{n}" for port in ("com", "lpt") for n in range(10)]
)
_FRAMES = ("first_frame", "last_frame", "chain")
_NOT_FOR_STILLS = ("duration", "audio", *_FRAMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A row of an entry: its fields as plain values, checked one by one, defaults filled in."""

    id: str
    index: int
    fields: Mapping[str, Any]
    own: frozenset[str]
    row: str  # "weather 'calm'", or empty
    dated: bool
    places: Places = field(repr=False)


@dataclass(slots=True, kw_only=True)
class Entry:
    """One item of `shots`, its templates read."""

    index: int
    plain: dict[str, Any]
    moulds: dict[str, Mould]
    own: frozenset[str]
    each: Any = None
    dated: frozenset[str] = frozenset()
    rows: int = 1


class Expansion:
    """All entries of a recipe on their way to drafts. `complete` is False where an id could not be told."""

    def __init__(self, findings: Findings, variables: Variables, work: Work) -> None:
        self.findings, self.variables, self.work = findings, variables, work
        self.complete = True
        self.checks: dict[str, Check] = {}
        self.ids: dict[str, tuple[str, int, str, int]] = {}  # folded id -> id, entry, row in words, its number
        self.defaults: frozenset[str] = frozenset()

    def drafts(self, entries: list[tuple[int, dict[str, Any]]], defaults: Mapping[str, Any]) -> list[Draft]:
        """The drafts of all entries in order; none where they would be too many."""
        self.defaults = frozenset(defaults)
        shared = {key: (value, self.moulded(value, ("defaults", key))) for key, value in defaults.items()}
        known = [self.entry(index, entry, shared) for index, entry in entries]
        total = 0
        for entry in known:
            total += entry.rows
            if total > MOST_SHOTS:
                fact = f"This makes {counted(total)} shots; a recipe may have {counted(MOST_SHOTS)}."
                self.findings.add(("shots", entry.index, "each"), fact, "Shorten its lists, or make several recipes.")
                self.complete = False
                return []
        self.work.allowance += STEPS_A_SHOT * total
        return [draft for entry in known for draft in self.unfolded(entry)]

    def moulded(self, value: Any, at: At) -> Mould | None:
        """The mould of a value; a template that cannot be read is told, and its field left out."""
        try:
            return mould(value, at)
        except TemplateFault as fault:
            self.findings.template(fault, at)
            return Mould(frozenset(), _nothing)

    def entry(self, index: int, given: dict[str, Any], shared: Mapping[str, tuple[Any, Mould | None]]) -> Entry:
        """An entry with its templates read and its rows counted."""
        entry = Entry(index=index, plain={}, moulds={}, own=frozenset(given), dated=self.variables.dated)
        for key, value in given.items():
            made = self.moulded(value, ("shots", index, key))
            if key == "each":
                self.each(entry, value, made)
            elif made:
                entry.moulds[key] = made
            else:
                entry.plain[key] = value
        for key, (value, made) in shared.items():
            if key == "options" and key in entry.own:
                self.add_options(entry, value, made)
            elif key in entry.own:
                continue
            elif made:
                entry.moulds[key] = made
            else:
                entry.plain[key] = value
        return entry

    def add_options(self, entry: Entry, shared: Any, made: Mould | None) -> None:
        """Lets an entry have those options of the defaults that it does not say itself."""
        own, own_made = entry.plain.pop("options", None), entry.moulds.get("options")
        if made is None and own_made is None:
            entry.plain["options"] = added(shared, own)
            return

        def make(names: Names, work: Work) -> Any:
            beneath = made.make(names, work) if made else shared
            above = own_made.make(names, work) if own_made else own
            return _BROKEN if _BROKEN in (beneath, above) else added(beneath, above)

        told = [part.names for part in (made, own_made) if part]
        entry.moulds["options"] = Mould(frozenset[str]().union(*told), make)

    def each(self, entry: Entry, value: Any, made: Mould | None) -> None:
        """Settles what an entry is unfolded over."""
        at = ("shots", entry.index, "each")
        if made:
            try:
                value = made.make(self.variables.names, self.work)
            except TemplateFault as fault:
                self.findings.template(fault, at)
                value = None
        if value is None or value is _BROKEN or not self.fits("each", value, at, ""):
            entry.rows, self.complete = 0, False
            return
        names = set(value) if isinstance(value, dict) else {name for row in value for name in row}
        if taken := sorted(names & RESERVED):
            self.findings.add(at, f"'{taken[0]}' has a meaning of its own in templates.", "Give it another name.")
        entry.each = value
        entry.rows = prod(map(len, value.values())) if isinstance(value, dict) else len(value)
        dated = names if made and made.names & self.variables.dated else set()
        entry.dated = (self.variables.dated - names) | dated

    def unfolded(self, entry: Entry) -> Iterator[Draft]:
        """The drafts of one entry."""
        if not entry.rows:
            return
        for number, row in enumerate(_rows(entry.each), 1):
            if draft := self.draft(entry, row, number):
                yield draft

    def draft(self, entry: Entry, row: Mapping[str, Any], number: int) -> Draft | None:
        """One row, worked out; None where another has its id."""
        fields, of = dict(entry.plain), _said(row)
        names = self.variables.names
        if entry.moulds:
            names = Names(names, {"shot": "is not known yet while its id is made."})
            names.update(row)
        places = Places(self.findings.document, entry.index, entry.own, self.defaults)
        self.work_out(entry, "id", names, fields, of, places)
        usable = self.named(entry, fields, of, number)
        if entry.moulds:
            self.work_out(entry, "kind", names, fields, of, places)
            names.absent = {}
            names["shot"] = {"id": fields["id"], "kind": fields.get("kind", "video"), "index": number}
            for key in entry.moulds:
                if key not in ("id", "kind", "prompt"):
                    self.work_out(entry, key, names, fields, of, places)
        self.settle(fields, entry.own)
        if "prompt" in entry.moulds:
            names["ref"] = _ref(fields.get("references") or [])
            self.work_out(entry, "prompt", names, fields, of, places)
        if not usable:
            return None
        dated = any(made.names & entry.dated for made in entry.moulds.values())
        return Draft(
            id=fields["id"], index=entry.index, fields=fields, own=entry.own, row=of, dated=dated, places=places
        )

    def work_out(self, entry: Entry, key: str, names: Names, fields: dict[str, Any], of: str, places: Places) -> None:
        """Makes a field from its template, and checks it as it is now."""
        made = entry.moulds.get(key)
        if made is None:
            return
        at = places.way(key)
        try:
            value = made.make(names, self.work)
        except TemplateFault as fault:
            self.findings.template(fault, at)
            entry.moulds[key] = Mould(made.names, _nothing)  # told once, and no better in the next row
            return
        if value is not _BROKEN and self.fits(key, value, at, of):
            fields[key] = value

    def fits(self, key: str, value: Any, at: At, of: str) -> bool:
        """Whether a rendered field is what the grammar lets it be; tells of it where not."""
        root = strict()
        schema = root["$defs"]["shot"]["properties"][key]
        if key not in self.checks:
            self.checks[key] = compiled(schema, root)
        if self.checks[key](value):
            return True
        found = list(misfits(value, schema, root, at))
        for misfit in found:
            self.findings.misfit(misfit, of)
        return not found

    def settle(self, fields: dict[str, Any], own: frozenset[str]) -> None:
        """Drops inherited fields that make no sense here."""
        if fields.get("kind") == "image":
            for key in _NOT_FOR_STILLS:
                if key not in own:
                    fields.pop(key, None)
        for key, other in (("chain", "first_frame"), ("first_frame", "chain")):
            if key not in own and other in own and fields.get(other):
                fields.pop(key, None)
        if "chain" not in own and _from(fields.get("chain")) == fields["id"]:
            fields.pop("chain", None)
        if "references" not in own and fields.get("references") and any(fields.get(frame) for frame in _FRAMES):
            fields["references"] = []
            fact = "Shots with frames do without these references: services take one or the other."
            self.findings.warn(("defaults", "references"), fact, "Give `references` to the shots that need them.")

    def named(self, entry: Entry, fields: dict[str, Any], of: str, number: int) -> bool:
        """Whether a row can be told from the others by its id; tells of an id that cannot stand."""
        if "id" not in fields:
            fields["id"], self.complete = f"shot-{entry.index + 1}-{number}", False
            return True
        named: str = fields["id"]
        flaw = id_flaw(named)
        clash = self.clash(entry, named, of, number)
        if fact := flaw or clash:
            told = f"{fact[0][:-1]} ({of})." if of and flaw else fact[0]
            self.findings.add(("shots", entry.index, "id"), told, fact[1])
        return clash is None

    def clash(self, entry: Entry, id: str, of: str, number: int) -> tuple[str, str] | None:
        """What is wrong where an id is there already; remembers it where not."""
        known = self.ids.setdefault(id.casefold(), (id, entry.index, of, number))
        first, index, row, at = known
        if (index, at) == (entry.index, number):
            return None
        if index == entry.index:
            hint = "Put what differs into the id, as in `dawn-{{ name }}`."
            return f"Two rows of `each` make the id '{id}': ({row}) and ({of}).", hint
        line = self.findings.document.place(("shots", index, "id")).line
        same = "" if first == id else f" as '{first}', which is the same to some file systems"
        return f"The id '{id}' is taken{same}: see line {line}.", "Give one of them another id."


def id_flaw(id: str) -> tuple[str, str] | None:
    """What is wrong with a text as an id, and the way out; None where nothing is."""
    if len(id) > MOST_ID:
        return (
            f"The id '{clipped(id)}' has {counted(len(id))} characters; at most {MOST_ID} are allowed.",
            "Shorten it.",
        )
    if not ID.match(id):
        hint = (
            "Use letters, digits, '_' and '-', beginning with a letter or digit; the filter `slug` makes any text fit."
        )
        return f"'{clipped(id)}' cannot be an id.", hint
    if id.casefold() in DEVICES:
        return f"'{id}' cannot be an id: on Windows it is a device, not a file.", f"Write {id}-1, or another name."
    return None


_BROKEN = object()


def _nothing(_names: Names, _work: Work) -> Any:
    return _BROKEN


def _rows(each: Any) -> Iterator[Mapping[str, Any]]:
    if each is None:
        return iter([{}])
    if isinstance(each, dict):
        return (dict(zip(each, values, strict=True)) for values in product(*each.values()))
    return iter(each)


def _said(row: Mapping[str, Any]) -> str:
    if not row:
        return ""
    told = [f"{name} {_value(value)}" for name, value in list(row.items())[:4]]
    return ", ".join(told)


def _value(value: Any) -> str:
    return (
        f"'{clipped(value)}'"
        if isinstance(value, str)
        else clipped(str(value))
        if isinstance(value, int)
        else said(value)
    )


def _from(chain: Any) -> Any:
    return chain.get("from") if isinstance(chain, dict) else chain


def _ref(references: list[str]) -> Callable[..., Naming]:
    def ref(call: Call, name: Any) -> Naming:
        if name not in references:
            fact = f"ref('{clipped(str(name))}'): this shot has no such reference."
            raise call.fault(fact, choice(str(name), references, "Name it under `references` of the shot."))
        return naming(str(name))

    return ref
