"""What of a file fits the grammar: the rest is told of and left out, so that everything else can be looked at too."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from pipeline.recipe.explain import At, misfits
from pipeline.recipe.findings import Findings
from pipeline.recipe.gate import Check, compiled
from pipeline.recipe.schema import schema
from pipeline.recipe.words import said
from pipeline.values import dataclass

Item = tuple[At, dict[str, Any]]
"""An entry of `shots`: the way to it, and those of its fields that fit."""

_ANY: dict[str, Any] = {"type": "array", "minItems": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Shots that stand together: those of a scene, whose own fields `scene` are, or those in none."""

    at: At
    scene: dict[str, Any] | None
    shots: list[Item]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One file of a recipe, as far as it fits; `complete` is False where an entry of `shots` does not."""

    at: At
    fields: dict[str, Any]
    sections: list[Section]
    complete: bool


def sheet(value: Any, at: At, findings: Findings) -> Sheet:
    """The sheet of a recipe's value, or of a file that it includes where there is a way `at` to that."""
    kind = "part" if at else "recipe"
    if not at and isinstance(value, dict) and not {"scenes", "include"}.isdisjoint(value):
        kind = "recipe of parts"
    if at and not isinstance(value, dict):
        findings.add(at, f"What is included cannot be {said(value)}.", schema()["$defs"]["part"]["errorMessage"])
        return Sheet(at=at, fields={}, sections=[], complete=False)
    fields = _fitting(value, kind, at, findings)
    if not isinstance(value, dict):
        return Sheet(at=at, fields={}, sections=[], complete=False)
    if "shots" in value and "scenes" in value:
        hint = "Give the shots a scene of their own, or do without scenes."
        findings.add((*at, "scenes"), "Here are `scenes` beside `shots`.", hint, key=True)
    sections, complete = [], True
    if "shots" in value:
        shots, whole = _items(value["shots"], (*at, "shots"), findings)
        sections.append(Section(at=(*at, "shots"), scene=None, shots=shots))
        complete = whole
    scenes = value.get("scenes")
    for number, scene in enumerate(scenes if isinstance(scenes, list) else ()):
        way = (*at, "scenes", number)
        own = _fitting(scene, "scene", way, findings)
        listed = scene.get("shots") if isinstance(scene, dict) else None
        shots, whole = _items(listed, (*way, "shots"), findings)
        sections.append(Section(at=way, scene=own, shots=shots))
        complete = complete and whole
    complete = complete and (isinstance(scenes, list) or "scenes" not in value)
    rest = {key: part for key, part in fields.items() if key not in ("shots", "scenes")}
    return Sheet(at=at, fields=rest, sections=sections, complete=complete)


def _items(value: Any, at: At, findings: Findings) -> tuple[list[Item], bool]:
    """The entries of `shots`, and whether all of them are there."""
    if not isinstance(value, list):
        return [], False
    items = []
    for number, entry in enumerate(value):
        fields = _fitting(entry, "shot", (*at, number), findings)
        if isinstance(entry, dict):
            items.append(((*at, number), fields))
    return items, len(items) == len(value)


def _fitting(value: Any, kind: str, at: At, findings: Findings) -> dict[str, Any]:
    """The fields of a map that fit its grammar; tells of the others."""
    grammar, gate = _gates()[kind]
    if gate(value):
        fitting: dict[str, Any] = value
        return fitting
    ways = []
    for misfit in misfits(value, grammar, schema(), at):
        findings.misfit(misfit)
        ways.append(misfit.at[len(at) :])
    if not isinstance(value, dict):
        return {}
    return _less(value, ways, whole=kind == "shot")


def _less(value: Mapping[str, Any], ways: Collection[At], *, whole: bool) -> dict[str, Any]:
    """A map less what has been told of: its own fields, and those of maps in it unless they go as a `whole`."""
    gone = {way[0] for way in ways if len(way) == 1 or (way and whole)}
    kept = {key: part for key, part in value.items() if key not in gone}
    for key in {way[0] for way in ways if way} - gone:
        part = kept[str(key)]
        inside = [way[1:] for way in ways if way[:1] == (key,)]
        if isinstance(part, dict) and key == "stages":  # whose maps are told of field by field, as shots are
            kept[str(key)] = _less(part, inside, whole=False)
        elif isinstance(part, dict):
            bad = {way[0] for way in inside}
            kept[str(key)] = {name: inner for name, inner in part.items() if name not in bad}
    return kept


@cache
def _gates() -> dict[str, tuple[Mapping[str, Any], Check]]:
    """What each kind of map must be but for the shots and scenes in it, and the quick yes or no of that."""
    whole = schema()
    top = {key: part for key, part in whole.items() if key != "anyOf"}
    grammars = {
        "recipe": {**top, "required": [*top["required"], "shots"]},
        "recipe of parts": top,
        "part": whole["$defs"]["part"],
        "scene": whole["$defs"]["scene"],
        "shot": whole["$defs"]["shot"],
    }
    shallow = {kind: grammar if kind == "shot" else _shallow(grammar) for kind, grammar in grammars.items()}
    return {kind: (grammar, compiled(grammar, whole)) for kind, grammar in shallow.items()}


def _shallow(grammar: Mapping[str, Any]) -> Mapping[str, Any]:
    """A grammar that takes any entries of `shots` and `scenes`: each is looked at by itself."""
    lists = {
        key: {**{word: part for word, part in grammar["properties"][key].items() if word != "items"}, **_ANY}
        for key in ("shots", "scenes")
        if key in grammar["properties"]
    }
    return {**grammar, "properties": {**grammar["properties"], **lists}}
