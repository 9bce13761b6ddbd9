"""`last_frame`: the true last decoded frame of a clip, as a PNG, for the next shot to begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from pipeline.steps.base import Feed, Made
from pipeline.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LastFrame:
    """The frame shown `offset_seconds` before the end of `clip`; zero is the very last one."""

    clip: Feed
    offset_seconds: Decimal = Decimal(0)

    kind: ClassVar[str] = "last_frame"

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """The clip."""
        return (self.clip,)

    def words(self) -> Mapping[str, Any]:
        """The offset."""
        return {"offset_seconds": self.offset_seconds}

    def perform(self, inputs: Sequence[Path], folder: Path) -> Made:
        """Decodes the clip to its end. Raises `MediaError` for one that is cut short."""
        from pipeline.media import frames

        out = folder / "last.png"
        frame = frames.last_frame(inputs[0], out, offset_seconds=self.offset_seconds)
        facts = {
            "index": frame.index,
            "pts": frame.pts,
            "seconds": frame.seconds,
            "matrix": frame.matrix,
            "range": frame.range,
            "sha256": frame.sha256,
        }
        return Made(files={"last_frame": out}, facts=facts)
