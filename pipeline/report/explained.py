"""Where the fields of shots come from: for a terminal, and as JSON. Spends nothing, and knows no service."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.digest import dumps
from pipeline.errors import Place
from pipeline.money import text
from pipeline.plan.model import Plan
from pipeline.providers.catalog import CHEAPEST
from pipeline.recipe.layers import Layer, Told, fields_of, said_by
from pipeline.recipe.model import Recipe, Shot
from pipeline.report.exact import plain
from pipeline.report.legible import line, table
from pipeline.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A shot's fields, and what each of its fallbacks says otherwise.

    `rung` is the one that its first take asks for; `steps` are why each of its takes would be made, or is there.
    """

    shot: str
    fields: tuple[Told, ...]
    fallback: tuple[tuple[Told, ...], ...]
    rung: int
    steps: Mapping[str, str]


def explained(
    recipe: Recipe, plan: Plan | None, names: Iterable[str], *, flag: str, variables: Mapping[str, str]
) -> list[Explained]:
    """The shots of these names; `flag` is the one that moves shots to another provider, or empty.

    Without a plan, of a recipe that cannot be planned, they are told as they are declared.
    """
    wanted = set(names)
    return [_shot(plan, shot, flag, variables) for shot in recipe.shots if shot.id in wanted]


def _shot(plan: Plan | None, shot: Shot, flag: str, variables: Mapping[str, str]) -> Explained:
    steps = [step for step in plan.steps if step.shot == shot.id and step.kind == "generate"] if plan else []
    takes = plan.takes if plan else ()
    first = next((take for take in takes if take.shot.id == shot.id), None)
    step = next((step for step in steps if first and step.id == first.generate), None)
    rung = step.rung if step else 0
    fields = fields_of(shot, variables)
    if first and not rung:
        is_chosen = shot.provider == CHEAPEST or flag.endswith(f" {CHEAPEST}")
        note = step.note if step and is_chosen else ""
        settled = {"provider": first.shot.provider, "account": first.shot.account}
        fields = [_settled(told, settled[told.field], flag, note) if told.field in settled else told for told in fields]
    return Explained(
        shot=shot.id,
        fields=tuple(told for told in fields if told.value not in (None, []) or told.layer.place or told.covers),
        fallback=tuple(tuple(said_by(one, variables)) for one in shot.fallback),
        rung=rung,
        steps={step.id: step.why for step in steps},
    )


def _settled(told: Told, value: str, flag: str, note: str) -> Told:
    """A field that the plan settles: by a flag, or where the recipe leaves it to the plan."""
    if value == told.value:
        return told
    if not flag:
        return dataclasses.replace(told, value=value, note=note if told.field == "provider" else told.note)
    covered = (told.layer, *told.covers) if told.layer.place else told.covers
    named = told.field == "provider"
    return Told(
        field=told.field, value=value, layer=Layer(name=flag), covers=covered, note=note if named else told.note
    )


def as_text(found: Sequence[Explained], width: int, folder: Path) -> str:
    """A table a shot, in lines of at most `width` columns; files are told from the recipe's folder."""
    width = max(40, width)
    return "\n\n".join("\n".join(_lines(one, width, folder)) for one in found)


def _lines(one: Explained, width: int, folder: Path) -> Iterator[str]:
    yield line(one.shot)
    body = [_row(told, folder) for told in one.fields]
    for number, fields in enumerate(one.fallback, 1):
        asked = "asked for now" if number == one.rung else ""
        body.append([f"fallback {number}", asked, "", ""])
        body += [_row(told, folder) for told in fields]
    yield from table(["FIELD", "VALUE", "FROM", "COVERS"], body, width, whole=True)


def _row(told: Told, folder: Path) -> list[str]:
    covered = "; ".join(f"{_shown(layer.value)} ({_from(layer, folder)})" for layer in told.covers)
    return [told.field, _shown(told.value), _from(told.layer, folder), "; ".join(filter(None, (told.note, covered)))]


def _from(layer: Layer, folder: Path) -> str:
    parts = [layer.name]
    if layer.place:
        parts.append(_line(layer.place, folder))
    besides = [f"--var {name}" for name in layer.given]
    besides += [f"row {_line(layer.row, folder)}"] if layer.row else []
    return ", ".join([" ".join(parts), *besides])


def _line(place: Place, folder: Path) -> str:
    return f"{os.path.relpath(place.file, folder)}:{place.line}"


def _shown(value: Any) -> str:
    """A value as one would write it in a recipe."""
    match value:
        case None | []:
            return "none"
        case bool():
            return str(value).lower()
        case Decimal():
            return text(value)
        case list():
            return ", ".join(map(_shown, value))
        case {"from": before, "offset": offset}:
            return f"{before}, {_shown(offset)} s before its end" if offset else str(before)
        case {"to": to, "by": by}:
            return f"{to} by {by}"
        case dict():
            return dumps(plain(value))
    return str(value)


def as_json(found: Sequence[Explained]) -> list[dict[str, Any]]:
    """The same as JSON values; a `place` is null where nothing in the recipe says it."""
    return [
        {
            "shot": one.shot,
            "rung": one.rung,
            "fields": [_field(told) for told in one.fields],
            "fallback": [[_field(told) for told in fields] for fields in one.fallback],
            "why": dict(one.steps),
        }
        for one in found
    ]


def _field(told: Told) -> dict[str, Any]:
    return {
        "field": told.field,
        "value": plain(told.value),
        "from": _layer(told.layer),
        "covers": [_layer(layer) for layer in told.covers],
        "note": told.note or None,
    }


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "layer": layer.name,
        "place": _place(layer.place),
        "value": plain(layer.value),
        "given": list(layer.given),
        "row": _place(layer.row),
    }


def _place(place: Place | None) -> dict[str, Any] | None:
    return {"file": place.file, "line": place.line, "column": place.column} if place else None
