"""An entry of `shots` as its expansion knows it: read once, before its rows; and what each row comes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.recipe.explain import At
from pipeline.recipe.findings import Places
from pipeline.recipe.ladder import Override
from pipeline.recipe.mould import Mould
from pipeline.recipe.rows import Each, Excluded
from pipeline.recipe.setting import Setting
from pipeline.values import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A row of an entry: its fields as plain values, checked one by one, defaults filled in."""

    id: str
    scene: str  # the id of its scene, or empty
    fields: Mapping[str, Any]
    own: frozenset[str]
    row: str  # "weather 'calm'", or empty
    dated: bool
    rungs: tuple[Draft, ...] = ()  # its fallbacks
    places: Places = field(repr=False)


@dataclass(slots=True, kw_only=True)
class Entry:
    """One item of `shots`, its templates read."""

    at: At
    setting: Setting
    plain: dict[str, Any]
    moulds: dict[str, Mould]
    own: frozenset[str]
    each: Each
    excluded: Excluded | None = None
    dated: frozenset[str] = frozenset()
    rows: int = 1
    overrides: tuple[Override, ...] = ()
    clips: Entry | None = None  # as it is for a row that is a clip, where a stage is laid over those, and
    over: At = ()  # the way to that stage

    @property
    def templates(self) -> bool:
        """Whether anything in it has to be worked out for each row."""
        own = bool(self.moulds) or "prompt_file" in self.plain or any(one.moulds for one in self.overrides)
        return own or bool(self.clips and self.clips.templates)
