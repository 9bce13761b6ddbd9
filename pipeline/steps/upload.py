"""`upload`: an input is made reachable for a service: published at a URL, put into its storage, or reviewed by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pipeline.providers.base import Media, Reach, Service
from pipeline.steps.base import Feed, Made
from pipeline.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """The content `source`, reachable in this way at `place`: a store that all can read, or an account's storage.

    `store` is where it is published on the way; empty where none is configured.
    """

    source: Feed
    media: Media
    way: Reach
    place: str
    store: str = ""
    page: Service | None = None  # the service that stores or reviews it; None where it is published for all
    account: str = ""  # on whose behalf

    kind: ClassVar[str] = "upload"

    @property
    def published(self) -> bool:
        """Whether the content must be readable at a URL of ours, and is not yet."""
        return self.way in ("url", "asset") and not self.source.url

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """The content."""
        return (self.source,)

    def words(self) -> Mapping[str, Any]:
        """The way and the place."""
        words: dict[str, Any] = {"way": self.way, "place": self.place}
        if self.source.fit:
            words["fit"] = [self.source.fit.most_bytes, self.source.fit.shortest, self.source.fit.longest]
        return words

    def perform(self, inputs: Sequence[Path], folder: Path) -> Made:
        """Is done by the room that speaks with services, not on this machine."""
        raise TypeError("an upload is no work for this machine")
