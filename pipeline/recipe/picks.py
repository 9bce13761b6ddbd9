"""The picks of a recipe, which lie beside it: of which shot which take was approved, by number and digest.

They are read as safely as the recipe itself: inside its folder, within bounds, every fault at its line.
"""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import RecipeError
from pipeline.recipe import source
from pipeline.recipe.explain import misfits
from pipeline.recipe.files import InputFault
from pipeline.recipe.findings import Findings
from pipeline.recipe.gate import compiled
from pipeline.recipe.inputs import Inputs
from pipeline.recipe.leaves import Schema
from pipeline.recipe.model import Pick, Shot
from pipeline.recipe.parts import MOST_TAKES
from pipeline.recipe.source import Document, Text
from pipeline.recipe.texts import Texts
from pipeline.recipe.words import choice, clipped, said

WHAT = "picks file"
UNREADABLE = "Make it a file that you may read; or move it away, and `rushes approve` writes another."
_HINT = '`rushes approve` writes it; by hand it is `dawn: {take: 2, sha256: "sha256:..."}`, as the manifest has it.'


def path_of(recipe: Path) -> Path:
    """Where the picks of a recipe lie: `tale.picks.yaml` beside `tale.yaml`."""
    return recipe.with_name(f"{recipe.stem}.picks.yaml")


def grammar() -> Schema:
    """The JSON schema of a picks file."""
    pick: Schema = {
        "type": "object",
        "title": "a pick",
        "properties": {
            "take": {
                "type": "integer",
                "minimum": 1,
                "maximum": MOST_TAKES,
                "errorMessage": f"Write the number of a take, from 1 to {MOST_TAKES}.",
            },
            "sha256": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$", "errorMessage": _HINT},
        },
        "required": ["take", "sha256"],
        "additionalProperties": False,
        "errorMessage": _HINT,
    }
    return {"type": "object", "title": "picks", "additionalProperties": pick, "$defs": {}, "errorMessage": _HINT}


def read(recipe: Path, texts: Texts, findings: Findings) -> dict[str, Pick]:
    """The picks of a recipe by shot, none where there is no such file; what is wrong with it has been told of."""
    path = path_of(recipe)
    if not os.path.lexists(path):
        return {}
    try:
        data, _ = texts.folder.text(path.name, source.MOST_BYTES)
        text = source.decoded(data, str(path), WHAT)
        if is_bare(text):
            return {}
        document = source.document(text, WHAT)
    except InputFault as fault:
        findings.add((), f"The picks cannot be read: {fault.fact}", UNREADABLE, cause=path)
        return {}
    except RecipeError as error:
        findings.foreign(error.faults)
        return {}
    findings.foreign(document.faults)
    return _picks(document, texts, findings)


def is_bare(text: Text) -> bool:
    """Whether a text has nothing but comments."""
    lines = (line.strip() for line in text.characters.splitlines())
    return all(not line or line.startswith("#") for line in lines)


def _picks(document: Document, texts: Texts, findings: Findings) -> dict[str, Pick]:
    schema, way = grammar(), texts.add(document)
    if not isinstance(document.value, dict):
        findings.add(way, f"Picks cannot be {said(document.value)}.", _HINT)
        return {}
    if not compiled(schema, schema)(document.value):
        for misfit in misfits(document.value, schema, schema, way):
            findings.misfit(misfit)
        return {}
    if document.faults:
        return {}
    value: Mapping[str, Mapping[str, Any]] = document.value
    return {
        name: Pick(take=one["take"], sha256=one["sha256"], place=document.place((name,), key=True))
        for name, one in value.items()
    }


def judge(picks: Mapping[str, Pick], recipe: Path, inputs: Inputs, findings: Findings) -> None:
    """Tells of picks of shots that are not there, unless the recipe leaves those out on purpose."""
    for name in picks:
        if name in inputs.shots or name in inputs.left or not inputs.complete:
            continue
        clear = shlex.join(["rushes", "approve", str(recipe), "--clear", clipped(name)])
        hint = f"{choice(name, list(inputs.shots))} Or let the pick go: {clear}".lstrip()
        findings.astray(picks[name].place, f"There is no shot '{clipped(name)}' to pick a take of.", hint)


def applied(picks: Mapping[str, Pick], shots: Iterable[Shot], *, final: bool) -> tuple[Shot, ...]:
    """The shots with the takes that were picked of them; in the `final` stage a clip has that one alone."""
    return tuple(_applied(shot, picks.get(shot.id), final=final and shot.kind == "video") for shot in shots)


def _applied(shot: Shot, pick: Pick | None, *, final: bool) -> Shot:
    taken = pick.take if pick and (final or pick.take <= shot.takes) else 1
    if (shot.picked, shot.final) == (taken, final):
        return shot
    rungs = tuple(dataclasses.replace(rung, picked=taken, final=final) for rung in shot.fallback)
    return dataclasses.replace(shot, picked=taken, final=final, fallback=rungs)
