"""Which clips came out smaller than they were asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.plan.model import Take
from pipeline.providers.animatic import SHORT_SIDES

# WHY: services keep the area of a resolution rather than its short side (720p at 21:9 comes as 1470x630, a ratio of
# 0.875), while the next lower resolution is at most three quarters of it.
_STILL_ENOUGH = 0.85


def warnings_of(take: Take, made: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    """A sentence for each output of a take whose short side is clearly below the resolution that was asked for."""
    wanted: dict[str, str] = {take.shot.kind: take.shot.resolution}
    if take.shot.upscale:
        wanted["upscaled" if take.upscale else take.shot.kind] = take.shot.upscale.to
    for name, resolution in wanted.items():
        width, height = made.get(name, (0, 0))
        asked = SHORT_SIDES.get(resolution, 0)
        if width and height and min(width, height) < asked * _STILL_ENOUGH:
            yield f"{take.id}: its {name} is {width}x{height}, smaller than the {resolution} that was asked for."
