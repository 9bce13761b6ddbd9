"""`upscale`: a finished clip or still is made larger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pipeline.steps.base import Feed, Made

METHOD = "lanczos-1"  # part of every key: a better method gets another name
SIZES = ("1080p", "2k", "4k")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upscale:
    """The clip or still `source`, enlarged on this machine until its short side is that of `to`."""

    source: Feed
    to: str
    still: bool = False

    kind: ClassVar[str] = "upscale"

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """The clip or still."""
        return (self.source,)

    def words(self) -> Mapping[str, Any]:
        """The size and the method."""
        return {"to": self.to, "method": METHOD}

    def perform(self, inputs: Sequence[Path], folder: Path) -> Made:
        """Enlarges it, keeping its sound and timing."""
        from pipeline.media import upscale

        out = folder / ("upscaled.png" if self.still else "upscaled.mp4")
        upscale.upscale(inputs[0], out, to=self.to)
        return Made(files={"upscaled": out})
