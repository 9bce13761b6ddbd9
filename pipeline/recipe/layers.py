"""Where a shot's fields come from: the layers of a recipe that say each, the one that holds first.

A shot's own entry lies over the defaults of its scene, those over the recipe's, those over what is included; a stage
lies over all of them, and a fallback over the shot. What nobody says has a value of its own in the grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pipeline.errors import Place
from pipeline.recipe.explain import At
from pipeline.recipe.findings import Places
from pipeline.recipe.ladder import FRAMES, NOT_FOR_STILLS, RungPlaces
from pipeline.recipe.model import Shot, Source
from pipeline.recipe.template import is_template
from pipeline.recipe.texts import FILES, Texts
from pipeline.values import dataclass

BUILT_IN = "built-in"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ONE_NAME = re.compile(r"\s*\{\{\s*([A-Za-z][A-Za-z0-9_]*)\s*\}\}\s*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Who says a field: "own", "defaults", "stage draft", and so on; where, and the plain value as it is written."""

    name: str
    place: Place | None = None  # None: nowhere in the recipe
    value: Any = None
    given: tuple[str, ...] = ()  # variables of its template that were given with --var
    row: Place | None = None  # where its value stands in a file of rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A field's value as a plain one, the layer that holds, and those that it covers, the nearest first."""

    field: str  # "duration", "options.seegen.quality"
    value: Any
    layer: Layer
    covers: tuple[Layer, ...] = ()
    note: str = ""


def fields_of(shot: Shot, variables: Mapping[str, str]) -> list[Told]:
    """Each field of a shot as it is declared; `variables` are those that were given with --var."""
    places = _places(shot)
    return [_told(field, value, shot, places, variables) for field, value in _values(shot).items()]


def said_by(rung: Shot, variables: Mapping[str, str]) -> list[Told]:
    """The fields that a fallback says otherwise than its shot."""
    places = _places(rung)
    if not isinstance(places, RungPlaces):
        return []
    found = [_told(field, value, rung, places, variables) for field, value in _values(rung).items()]
    return [told for told in found if told.layer.name.startswith("fallback")]


def _places(shot: Shot) -> Places:
    places: Any = shot.where  # which is how a recipe that was read from a text says where things stand
    assert isinstance(places, Places)
    return places


def _values(shot: Shot) -> dict[str, Any]:
    """A shot's fields by the names of the grammar, as plain values."""
    chain = shot.chain
    return {
        "id": shot.id,
        "kind": shot.kind,
        "prompt": shot.prompt,
        "provider": shot.provider,
        "model": shot.model,
        "account": shot.account or None,
        "duration": shot.seconds if shot.kind == "video" else None,
        "resolution": shot.resolution,
        "ratio": shot.ratio,
        "seed": shot.seed,
        "audio": shot.audio,
        "watermark": shot.watermark,
        "people": shot.people,
        **{f"options.{name}.{key}": value for name, some in shot.options.items() for key, value in some.items()},
        "references": [source.name for source in shot.references],
        "first_frame": _named(shot.first_frame),
        "last_frame": _named(shot.last_frame),
        "chain": {"from": chain.shot, "offset": chain.offset_seconds} if chain else None,
        "upscale": {"to": shot.upscale.to, "by": shot.upscale.by} if shot.upscale else None,
        "takes": shot.takes,
        "needs": list(shot.needs),
        "priority": shot.priority,
        "retry": shot.retry,
        "pin": shot.pin,
        "fallback": len(shot.fallback) or None,
    }


def _named(source: Source | None) -> str | None:
    return source.name if source else None


def _told(field: str, value: Any, shot: Shot, places: Places, variables: Mapping[str, str]) -> Told:
    """A field with its layers; one that is said and makes no sense here is passed over, and says why."""
    layers = list(_layers(field, places, variables))
    if field == "first_frame" and not layers and value:
        layers = list(_layers("reanchor", places, variables))
    if layers and (why := _passed_over(field, value, layers[0].value, shot)):
        return Told(field=field, value=value, layer=Layer(name=BUILT_IN), covers=tuple(layers), note=why)
    if not layers:
        return Told(field=field, value=value, layer=Layer(name=BUILT_IN))
    return Told(field=field, value=value, layer=layers[0], covers=tuple(layers[1:]))


def _layers(field: str, places: Places, variables: Mapping[str, str]) -> Iterator[Layer]:
    """The layers that say a field, the one that holds first."""
    way = tuple(field.split(".", 2))
    texts = places.document
    moved = places.moved.get(field)
    if moved and field == "chain":
        yield Layer(name=f"scene {_scene(texts, moved)}", place=texts.place(moved), value=texts.said(moved))
    for name, base in _bases(places):
        at = (*base, *way)
        if texts.has(at):
            yield _layer(name, at, places, variables)
        elif field == "prompt" and texts.has((*base, "prompt_file")):
            at = (*base, "prompt_file")
            yield replace(_layer(name, at, places, variables), place=texts.place(moved or at))


def _bases(places: Places) -> Iterator[tuple[str, At]]:
    """The layers of a shot by name, with the way to each, the nearest first."""
    if isinstance(places, RungPlaces):
        yield f"fallback {int(places.override.at[-1]) + 1}", places.override.at
        yield from _bases(places.shot)
        return
    if places.over:
        yield f"stage {places.over[-1]}", places.over
    yield "own", places.at
    for way in places.shared:
        inner = way[2:] if way[:1] == (FILES,) else way
        name = f"scene {_scene(places.document, way)}" if inner[:1] == ("scenes",) else "defaults"
        yield (f"included {name}" if inner != way else name), way


def _scene(texts: Texts, way: At) -> str:
    return str(texts.said((*way[:-1], "id")))


def _layer(name: str, at: At, places: Places, variables: Mapping[str, str]) -> Layer:
    texts = places.document
    value = texts.said(at)
    if not isinstance(value, str) or not is_template(value):
        return Layer(name=name, place=texts.place(at), value=value)
    whole = _ONE_NAME.match(value)
    row = places.rows(whole[1]) if whole else ()
    return Layer(
        name=name,
        place=texts.place(at),
        value=value,
        given=tuple(word for word in dict.fromkeys(_NAME.findall(value)) if word in variables),
        row=texts.place(row) if row else None,
    )


def _passed_over(field: str, value: Any, said: Any, shot: Shot) -> str:
    """Why what a layer says of a field does not hold for this shot; empty where it does."""
    if isinstance(said, str) and is_template(said):
        return ""
    if field in NOT_FOR_STILLS and shot.kind == "image" and said:
        return "a still has none"
    if field in ("references", *FRAMES) and said and not value:
        return shot.note or "gives way to what the shot begins or ends with"
    if field in ("model", "account") and said != value:
        return "goes with another kind of shot" if field == "model" else "goes with another provider"
    return ""
