"""The fallbacks of a shot as they are written: what each says otherwise, where that stands, what gives way to it."""

from __future__ import annotations

from typing import Any

from pipeline.errors import Place
from pipeline.recipe.explain import At
from pipeline.recipe.findings import Places
from pipeline.recipe.mould import Mould
from pipeline.recipe.texts import entry_of
from pipeline.values import dataclass

FRAMES = ("first_frame", "last_frame", "chain")
NOT_FOR_STILLS = ("duration", "audio", *FRAMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One entry of `fallback`, its templates read; `at` is the way to it."""

    at: At
    plain: dict[str, Any]
    moulds: dict[str, Mould]

    @property
    def inherited(self) -> bool:
        """Whether it stands in the defaults, for every shot."""
        return not entry_of(self.at)

    def without(self, names: tuple[str, ...]) -> Override:
        """The override that does not say these fields."""
        return Override(
            at=self.at,
            plain={name: value for name, value in self.plain.items() if name not in names},
            moulds={name: made for name, made in self.moulds.items() if name not in names},
        )

    def says(self, field: str) -> bool:
        """Whether it says this field."""
        return field in self.plain or field in self.moulds


class RungPlaces(Places):
    """Where a fallback's fields stand: in its own entry, else where those of its shot do, else the entry itself."""

    __slots__ = ("override", "shot")

    def __init__(self, shot: Places, override: Override) -> None:
        super().__init__(shot.document, shot.at, shot.own, shot.shared)
        self.shot, self.override, self.rows = shot, override, shot.rows

    def way(self, field: str = "") -> At:
        """The way to a field from the top of the recipe."""
        field = "duration" if field == "seconds" else field
        if field in self.moved:
            return self.moved[field]
        if field and self.override.says(field):
            return (*self.override.at, field)
        found = self.shot.way(field) if field else ()
        return found if found and found != self.shot.way() else self.override.at

    def way_to(self, field: str, *keys: str) -> At:
        """The way into a map that the fallback adds to the shot's: to where its first two keys stand."""
        own = (*self.override.at, field)
        return (*own, *keys) if self.document.has((*own, *keys[:2])) else self.shot.way_to(field, *keys)

    def __call__(self, field: str = "") -> Place:
        """The place of a field, or of the entry."""
        return self.document.place(self.way(field))


def give_way(fields: dict[str, Any], override: Override) -> None:
    """Drops what a shot says and its fallback rules out by what it says: frames for references, and the other way."""
    frames = [field for field in FRAMES if override.says(field) and fields.get(field)]
    if frames and not override.says("references"):
        fields.pop("references", None)
    elif override.says("references") and fields.get("references") and not frames:
        for field in FRAMES:
            fields.pop(field, None)
    for field, other in (("chain", "first_frame"), ("first_frame", "chain")):
        if other in frames and not override.says(field):
            fields.pop(field, None)
