"""`film`: the clips joined in order, cut or faded, with titles, and an audio bed under them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pipeline.steps.base import Feed, Made
from pipeline.values import dataclass

if TYPE_CHECKING:
    from pipeline.media.concat import Bed, Card, Cut

METHOD = "cut-1"  # part of every key: another way of joining gets another name
_NONE = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A clip by its place among the clips, or a card where `clip` is None.

    It fades into the next part; `left_seconds` before its end a clip is left for the next, which goes on from there.
    A title is over the clip's beginning, or on the card, for `title_seconds`.
    """

    clip: int | None
    crossfade_seconds: Decimal = _NONE
    left_seconds: Decimal = _NONE
    title: str = ""
    title_seconds: Decimal = _NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """How a bed lies beneath the film: its fades, how much louder it is made, whether it ducks under the clips."""

    fade_in_seconds: Decimal = _NONE
    fade_out_seconds: Decimal = Decimal("1.5")
    volume_db: Decimal = _NONE
    duck: bool = False


PLAIN = Level()
"""As a bed lies where the recipe names nothing but the sound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """The clips in order; `seams[i]` says that clip i begins with the frame that clip i-1 ends with.

    `parts` are clips and cards in order; empty: the clips alone, one cut to the next.
    """

    clips: tuple[Feed, ...]
    seams: tuple[bool, ...]
    bed: Feed | None = None
    size: tuple[int, int] | None = None
    parts: tuple[Part, ...] = ()
    level: Level = PLAIN
    fade_in_seconds: Decimal = _NONE
    fade_out_seconds: Decimal = _NONE

    kind: ClassVar[str] = "film"

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """The clips, then the bed."""
        return (*self.clips, self.bed) if self.bed else self.clips

    def words(self) -> Mapping[str, Any]:
        """The seams, the size and the method; of all else what is not as it is by itself."""
        words: dict[str, Any] = {
            "seams": list(self.seams),
            "size": list(self.size) if self.size else None,
            "method": METHOD,
        }
        if self.parts:
            words["parts"] = [
                [part.clip, part.crossfade_seconds, part.left_seconds, part.title, part.title_seconds]
                for part in self.parts
            ]
        if self.bed and self.level != PLAIN:
            level = self.level
            words["level"] = [level.fade_in_seconds, level.fade_out_seconds, level.volume_db, level.duck]
        if self.fade_in_seconds or self.fade_out_seconds:
            words["fades"] = [self.fade_in_seconds, self.fade_out_seconds]
        return words

    def perform(self, inputs: Sequence[Path], folder: Path) -> Made:
        """Joins the clips, copying what need not be encoded again."""
        from pipeline.media import concat

        out = folder / "film.mp4"
        joined = concat.film(
            self._cuts(inputs),
            out,
            bed=self._bed(inputs[-1]) if self.bed else None,
            size=self.size,
            fade_in=self.fade_in_seconds,
            fade_out=self.fade_out_seconds,
        )
        facts = {
            "joined": joined.joined,
            "why": joined.why,
            "seconds": joined.seconds,
            "frames": joined.frames,
            "cuts": [[start, end, frames] for start, end, frames in joined.cuts],
        }
        return Made(files={"film": out}, facts=facts)

    def _cuts(self, inputs: Sequence[Path]) -> list[Cut | Card]:
        from pipeline.media.concat import Card, Cut

        found: list[Cut | Card] = []
        for part in self.parts or [Part(clip=place) for place in range(len(self.clips))]:
            if part.clip is None:
                found.append(Card(title=part.title, seconds=part.title_seconds, crossfade=part.crossfade_seconds))
                continue
            found.append(
                Cut(
                    path=inputs[part.clip],
                    seam=self.seams[part.clip],
                    left_seconds=part.left_seconds,
                    crossfade=part.crossfade_seconds,
                    title=part.title,
                    title_seconds=part.title_seconds,
                )
            )
        return found

    def _bed(self, path: Path) -> Bed:
        from pipeline.media.concat import Bed

        return Bed(
            path=path,
            fade_in=Fraction(self.level.fade_in_seconds),
            fade_out=Fraction(self.level.fade_out_seconds),
            volume_db=Fraction(self.level.volume_db),
            duck=self.level.duck,
        )
