"""A step's files become artifacts; and the few shapes that those who carry out steps share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

from pipeline.engine.orders import Waiting
from pipeline.events import Artifact, Event, Result
from pipeline.steps.base import Made
from pipeline.store.artifacts import Artifacts

Emit = Callable[[Event | Waiting], Awaitable[None]]
Results = Mapping[str, Result]
T = TypeVar("T")


class InThread(Protocol):
    """Does blocking work beside the loop."""

    async def __call__(self, work: Callable[..., T], *args: Any) -> T: ...


def keep(artifacts: Artifacts, made: Made) -> Result:
    """Keeps what a step has left in its folder, each file probed. Blocks. Raises `MediaError`, `StoreError`."""
    from pipeline.media.probe import probe  # PyAV is heavy: a run that makes nothing does not pay for it

    outputs: dict[str, Artifact] = {}
    for name, path in made.files.items():
        seen = probe(path)
        sha256, size = artifacts.keep(path)
        outputs[name] = Artifact(
            sha256=sha256,
            bytes=size,
            suffix=path.suffix,
            width=seen.width,
            height=seen.height,
            seconds=f"{seen.seconds.normalize():f}" if seen.kind == "video" else "",
            fps=str(seen.fps) if seen.fps and seen.kind == "video" else "",
        )
    return Result(outputs=outputs, facts=made.facts)
