"""A file of a take or of the film, as documents tell of it."""

from __future__ import annotations

from decimal import Decimal

from pipeline.events import Artifact
from pipeline.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A file below the output folder; `duration` in seconds, `fps` an exact number or a text like 30000/1001."""

    path: str
    sha256: str
    bytes: int
    width: int
    height: int
    duration: Decimal | None
    fps: Decimal | str | None


def output_of(path: str, artifact: Artifact) -> Output:
    """An artifact as it lies at `path`."""
    fps: Decimal | str | None = artifact.fps or None
    if fps and "/" not in str(fps):
        fps = Decimal(fps)
    return Output(
        path=path,
        sha256=artifact.sha256,
        bytes=artifact.bytes,
        width=artifact.width,
        height=artifact.height,
        duration=Decimal(artifact.seconds) if artifact.seconds else None,
        fps=fps,
    )
