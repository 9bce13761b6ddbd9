"""`upscale`: a finished clip or still is made larger, on this machine or by a service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pipeline.providers.base import Enlarges
from pipeline.steps.base import Feed, Made
from pipeline.values import dataclass, field

METHOD = "lanczos-1"  # part of every key: a better method gets another name
SIZES = ("1080p", "2k", "4k")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upscale:
    """The clip or still `source`, enlarged until its short side is that of `to`; by `page` for `maker`, or here."""

    source: Feed
    to: str
    still: bool = False
    page: Enlarges | None = None
    maker: str = ""
    request: Mapping[str, Any] = field(default_factory=dict)

    kind: ClassVar[str] = "upscale"

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """The clip or still."""
        return (self.source,)

    def words(self) -> Mapping[str, Any]:
        """The size, and the method or the service's request."""
        if self.page is None:
            return {"to": self.to, "method": METHOD}
        return {"to": self.to, "provider": self.maker, "request": self.request}

    def perform(self, inputs: Sequence[Path], folder: Path) -> Made:
        """Enlarges it here, keeping its sound and timing."""
        from pipeline.media import upscale

        if self.page is not None:
            raise TypeError(f"{self.page.NAME} makes its results elsewhere")
        out = folder / ("upscaled.png" if self.still else "upscaled.mp4")
        upscale.upscale(inputs[0], out, to=self.to)
        return Made(files={"upscaled": out})
