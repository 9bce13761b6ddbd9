"""`film`: the clips joined in order, with an audio bed under them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pipeline.steps.base import Feed, Made

METHOD = "cut-1"  # part of every key: another way of joining gets another name


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """The clips in order; `seams[i]` says that clip i begins with the frame that clip i-1 ends with."""

    clips: tuple[Feed, ...]
    seams: tuple[bool, ...]
    bed: Feed | None = None
    size: tuple[int, int] | None = None

    kind: ClassVar[str] = "film"

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """The clips, then the bed."""
        return (*self.clips, self.bed) if self.bed else self.clips

    def words(self) -> Mapping[str, Any]:
        """The seams, the size and the method."""
        return {"seams": list(self.seams), "size": list(self.size) if self.size else None, "method": METHOD}

    def perform(self, inputs: Sequence[Path], folder: Path) -> Made:
        """Joins the clips, copying what need not be encoded again."""
        from pipeline.media import concat

        clips = inputs[: len(self.clips)]
        cuts = [concat.Cut(path=path, seam=seam) for path, seam in zip(clips, self.seams, strict=True)]
        out = folder / "film.mp4"
        joined = concat.film(cuts, out, bed=inputs[-1] if self.bed else None, size=self.size)
        facts = {
            "joined": joined.joined,
            "why": joined.why,
            "frames": joined.frames,
            "cuts": [[start, end, frames] for start, end, frames in joined.cuts],
        }
        return Made(files={"film": out}, facts=facts)
