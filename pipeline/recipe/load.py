"""A recipe file -> a `Recipe`: read, check shape, expand, check shots, build; every fault on the way is told at once.

Reading runs no code, opens no socket and reads nothing outside the recipe's folder.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.digest import bytes_digest
from pipeline.errors import RecipeError
from pipeline.providers.catalog import PROVIDERS
from pipeline.recipe import cut, source
from pipeline.recipe.allowance import TemplateFault, Work
from pipeline.recipe.build import Builder
from pipeline.recipe.expand import Expansion
from pipeline.recipe.explain import At, misfits
from pipeline.recipe.files import Folder
from pipeline.recipe.findings import Findings
from pipeline.recipe.gate import Check, compiled
from pipeline.recipe.inputs import Inputs, Made
from pipeline.recipe.model import Recipe
from pipeline.recipe.mould import mould
from pipeline.recipe.schema import schema, strict
from pipeline.recipe.variables import Variables, settle


def load(
    path: Path,
    *,
    variables: Mapping[str, str] | None = None,
    date: str,
    providers: Collection[str] = tuple(PROVIDERS),
) -> Recipe:
    """The recipe in a file. `variables` replace those of `vars`; `date` is `run.date`, ISO.

    Raises `RecipeError` with all its faults, `UserError` where there is no such file or variable.
    """
    data = source.read(path)
    with _no_collection():
        return _loaded(data, path, variables or {}, date, providers)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Nothing made here is garbage before the end, and looking for it costs a third of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _loaded(data: bytes, path: Path, variables: Mapping[str, str], date: str, providers: Collection[str]) -> Recipe:
    document = source.parse(data, str(path))
    findings, work = Findings(document), Work()
    value = _shaped(document.value, findings)
    given = settle(value.get("vars") or {}, variables, date, findings, work)
    entries: list[tuple[int, dict[str, Any]]] = value.get("shots", [])
    expansion = Expansion(findings, given, work)
    expansion.complete = len(entries) == len(document.value.get("shots") or ()) if value else False
    drafts = expansion.drafts(entries, value.get("defaults") or {})
    made = {d.id: Made(kind=d.fields.get("kind", "video"), people=d.fields.get("people", False)) for d in drafts}
    inputs = Inputs(findings, Folder(path.parent), made, complete=expansion.complete)
    inputs.declare(_rendered("references", value, given, findings, work))
    shots = Builder(findings, inputs, providers).shots(drafts)
    film = cut.film(_rendered("film", value, given, findings, work), shots, inputs, findings)
    budget = cut.budget(_rendered("budget", value, given, findings, work), findings)
    title = _rendered("title", value, given, findings, work)
    if findings.faults:
        raise RecipeError(findings.faults)
    return Recipe(
        name=value["name"],
        title=title or value["name"],
        path=path,
        digest=bytes_digest(data),
        date=date,
        vars=given.declared,
        shots=shots,
        budget=budget,
        film=film,
        warnings=tuple(sorted(findings.warnings, key=lambda fault: fault.place)),
    )


@cache
def _gates() -> tuple[Check, Check]:
    """The shape of a recipe but for its shots, and that of a shot."""
    whole = schema()
    properties = {**whole["properties"], "shots": {"type": "array", "minItems": 1}}
    return compiled({**whole, "properties": properties}, whole), compiled(whole["$defs"]["shot"], whole)


def _shaped(value: Any, findings: Findings) -> dict[str, Any]:
    """The value less what does not fit the grammar, which is told of; `shots` with the place of each in the list."""
    whole = schema()
    top, shot = _gates()
    told: set[At] = set()

    def tell(part: Any, grammar: Mapping[str, Any], at: At) -> None:
        for misfit in misfits(part, grammar, whole, at):
            findings.misfit(misfit)
            told.add(misfit.at)

    if not top(value):
        without = {**whole, "properties": {**whole["properties"], "shots": _list_of_shots(whole)}}
        tell(value, without, ())
    if not isinstance(value, dict):
        return {}
    shots = value.get("shots")
    entries = list(enumerate(shots)) if isinstance(shots, list) else []
    for index, entry in entries:
        if not shot(entry):
            tell(entry, whole["$defs"]["shot"], ("shots", index))
    if not told:
        return {**value, "shots": entries}
    below: dict[At, list[At]] = {}
    for way in told:
        below.setdefault(way[:2] if way[:1] == ("shots",) else way[:1], []).append(way)
    rest = {key: part for key, part in value.items() if (key,) not in told and key != "shots"}
    maps = [(index, entry) for index, entry in entries if isinstance(entry, dict)]
    return {
        **{key: _without(part, below.get((key,), ()), 1) for key, part in rest.items()},
        "shots": [(index, _without(entry, below.get(("shots", index), ()), 2)) for index, entry in maps],
    }


def _list_of_shots(whole: Mapping[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in whole["properties"]["shots"].items() if key != "items"}


def _without(part: Any, told: Collection[At], depth: int) -> Any:
    """A map less its fields that have been told of; whatever is deeper takes its field with it."""
    if not isinstance(part, dict):
        return part
    bad = {way[depth] for way in told if len(way) > depth}
    return {key: value for key, value in part.items() if key not in bad} if bad else part


_EMPTY: Mapping[str, Any] = {"references": {}, "budget": {}}


def _rendered(key: str, value: Mapping[str, Any], variables: Variables, findings: Findings, work: Work) -> Any:
    """A field of the recipe itself, its templates worked out and what they made checked."""
    empty = _EMPTY.get(key)
    found = value.get(key)
    if found is None:
        return empty
    try:
        made = mould(found, (key,))
        if made is None:
            return found
        found = made.make(variables.names, work)
    except TemplateFault as fault:
        findings.template(fault, (key,))
        return empty
    grammar = strict()
    bad = list(misfits(found, grammar[key], grammar, (key,)))
    for misfit in bad:
        findings.misfit(misfit)
    return empty if bad else found
