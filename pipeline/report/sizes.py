"""Which clips came out smaller than they were asked for, and which came another time as another file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Protocol

from pipeline.events import Result
from pipeline.plan.model import Step, Take
from pipeline.providers.animatic import SHORT_SIDES

# WHY: services keep the area of a resolution rather than its short side (720p at 21:9 comes as 1470x630, a ratio of
# 0.875), while the next lower resolution is at most three quarters of it.
_STILL_ENOUGH = 0.85
_SPARE_SECONDS = 1  # a service's clip may come out a few frames longer or shorter


class Made(Protocol):
    """A file that was made: pixels, and seconds where it has any."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def duration(self) -> Decimal | None: ...


def warnings_of(take: Take, made: Mapping[str, Made]) -> Iterator[str]:
    """A sentence for each output of a take that is clearly smaller, or of another length, than was asked for."""
    wanted: dict[str, str] = {take.shot.kind: take.shot.resolution}
    if take.shot.upscale:
        wanted["upscaled" if take.upscale else take.shot.kind] = take.shot.upscale.to
    for name, resolution in wanted.items():
        found = made.get(name)
        asked = SHORT_SIDES.get(resolution, 0)
        if found and min(found.width, found.height) < asked * _STILL_ENOUGH:
            size = f"{found.width}x{found.height}"
            yield f"{take.id}: its {name} is {size}, smaller than the {resolution} that was asked for."
    clip = made.get("video")
    if clip and clip.duration is not None and abs(clip.duration - take.shot.seconds) > _SPARE_SECONDS:
        asked_for = f"{take.shot.seconds.normalize():f}"
        yield f"{take.id}: its clip has {clip.duration.normalize():f} seconds, and {asked_for} were asked for."


def replaced(step: Step, made: Result | None) -> str:
    """A sentence about a result that was fetched again and came with other bytes, else nothing."""
    if made is None or "replaces" not in made.facts:
        return ""
    return f"{step.id}: what {step.provider} delivered again has other bytes than what it had delivered first."
