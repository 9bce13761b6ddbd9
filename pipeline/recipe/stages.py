"""The stages of a recipe: what each says otherwise than the shots do, laid over every clip.

Stills are as declared in every stage: clips stand on them, so that a final begins with the picture its draft began
with. A stage says how clips are made, and never what they stand on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import UserError
from pipeline.recipe.entry import Entry
from pipeline.recipe.explain import At
from pipeline.recipe.ladder import Override
from pipeline.recipe.leaves import Schema
from pipeline.recipe.mould import Mould
from pipeline.recipe.parts import NOT_SHARED, Parts
from pipeline.recipe.setting import Settings, both
from pipeline.recipe.words import nearest
from pipeline.values import dataclass

MOST_STAGES = 5
MOST_RESULTS = 100_000  # in all stages together
NAME = r"^(?!(preview|shots|frames)$)[a-z][a-z0-9-]{0,49}$"
_STANDS_ON = ("references", "first_frame", "last_frame", "chain", "reanchor", "needs")


def grammar(parts: Parts) -> Schema:
    """All stages by name."""
    return {
        "type": "object",
        "propertyNames": {
            "pattern": NAME,
            "errorMessage": "A stage's name has small letters, digits and '-', begins with a letter, and is none of"
            " preview, shots and frames.",
        },
        "additionalProperties": {"$ref": "#/$defs/stage"},
        "minProperties": 1,
        "maxProperties": MOST_STAGES,
        "description": "What `--stage NAME` lays over every clip; without it the shots are as declared. The results of"
        " a stage go to a folder of its name, so that none replaces another's. The last stage is the final: it makes"
        " only shots of which a take was picked (`rushes approve`), and picks are of takes in the stage before it, or"
        " of the shots as declared where it is the only one.",
        "examples": [{"draft": {"model": "seedance-2-mini", "takes": 3}, "final": {"upscale": "2k"}}],
        "errorMessage": "Write stages by name, as in `{draft: {takes: 3}, final: {upscale: 2k}}`.",
    }


def stage(parts: Parts) -> Schema:
    """What one stage may say."""
    left_out = {*NOT_SHARED, *_STANDS_ON, "kind"}
    return {
        "type": "object",
        "title": "a stage",
        "description": "Fields laid over those of every clip, `options` by provider and key; stills are as declared.",
        "properties": {key: part for key, part in parts.fields().items() if key not in left_out},
        "additionalProperties": False,
        "errorMessage": "Write what differs in this stage, as in `{model: seedance-2-mini, takes: 3}`.",
    }


def names(value: Any) -> tuple[str, ...]:
    """The names of the stages that a recipe's value has, in its order."""
    found = value.get("stages") if isinstance(value, Mapping) else None
    return tuple(map(str, found)) if isinstance(found, Mapping) else ()


def room(stages: int) -> tuple[int, str]:
    """How many results a recipe with so many stages may have in each, and as declared; and where that is so."""
    where = f" in each of its {stages} stages" if stages > 1 else " in its stage" if stages else ""
    return MOST_RESULTS // (stages + 1), where


def refuse_unknown(stage: str, known: Sequence[str], path: Path) -> None:
    """Raises `UserError` for a stage that the recipe does not have."""
    if not stage or stage in known:
        return
    if near := nearest(stage, known):
        hint = f"Did you mean {near}?"
    else:
        hint = f"It has {', '.join(known)}." if known else "Declare it: `stages: {draft: {takes: 3}, final: {}}`."
    raise UserError(f"{path} has no stage {stage}.", hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage that was chosen, its templates read; `at` is the way to it."""

    at: At
    plain: Mapping[str, Any]
    moulds: Mapping[str, Mould]
    fallback: tuple[Override, ...] | None

    @classmethod
    def of(cls, name: str, value: Any, settings: Settings) -> Stage | None:
        """The stage of this name in the recipe's own fields; None where there is none, or it was told of."""
        said = value.get("stages", {}).get(name) if name else None
        if not isinstance(said, dict):
            return None
        at: At = ("stages", name)
        made = {key: settings.moulded(part, (*at, key)) for key, part in said.items() if key != "fallback"}
        return cls(
            at=at,
            plain={key: said[key] for key, part in made.items() if part is None},
            moulds={key: part for key, part in made.items() if part is not None},
            fallback=settings.overrides(said["fallback"], (*at, "fallback")) if "fallback" in said else None,
        )

    def over(self, entry: Entry) -> Entry:
        """An entry of `shots` with this stage laid over it."""
        said = self.plain.keys() | self.moulds.keys()
        gone = set(said)
        if "provider" in said and "account" not in said and self.plain.get("provider") != entry.plain.get("provider"):
            gone.add("account")  # WHY: it is the other provider's
        plain = {**_less(entry.plain, gone), **self.plain}
        moulds = {**_less(entry.moulds, gone), **self.moulds}
        if "options" in said and "options" in entry.plain.keys() | entry.moulds.keys():
            below = entry.plain.get("options"), entry.moulds.get("options")
            value, made = both(below, (self.plain.get("options"), self.moulds.get("options")))
            plain, moulds = _less(plain, ("options",)), _less(moulds, ("options",))
            if made:
                moulds["options"] = made
            else:
                plain["options"] = value
        return dataclasses.replace(
            entry,
            plain=plain,
            moulds=moulds,
            own=(entry.own - gone) | said,
            overrides=entry.overrides if self.fallback is None else self.fallback,
            over=self.at,
        )


def _less(fields: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    gone = frozenset(names)
    return {key: part for key, part in fields.items() if key not in gone}
