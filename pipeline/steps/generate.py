"""`generate`: a provider makes a clip or a still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pipeline.providers.base import LocalPage, RemotePage, is_local
from pipeline.steps.base import Feed, Made
from pipeline.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Generate:
    """One take of a shot, in its provider's own words; `request` includes the seed that is sent."""

    page: LocalPage | RemotePage
    output: str  # "video" or "image"
    request: Mapping[str, Any]
    feeds: tuple[Feed, ...]
    maker: str = ""  # whose results these are, where not the provider's: a rehearsal's are never taken for real ones

    kind: ClassVar[str] = "generate"

    def words(self) -> Mapping[str, Any]:
        """The provider and the request."""
        return {"provider": self.maker or self.page.NAME, "request": self.request}

    def perform(self, inputs: Sequence[Path], folder: Path) -> Made:
        """Draws it here; only a local provider's step is performed this way."""
        if not is_local(self.page):
            raise TypeError(f"{self.page.NAME} makes its results elsewhere")
        out = folder / ("clip.mp4" if self.output == "video" else "still.png")
        self.page.make(self.request, inputs, out)
        return Made(files={self.output: out})
