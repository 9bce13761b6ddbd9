"""How many times faster than it plays a 1280x720 animatic of 5 s is drawn on one core, beside the encoder alone."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from pipeline.media.animatic import Drawing, Picture, draw_clip, draw_still
from pipeline.media.encode import Encoder

SECONDS = 5
WIDTH, HEIGHT = 1280, 720
ROUNDS = 3


def drawing(prompt: str, **changes: object) -> Drawing:
    base = {"shot": "dawn", "prompt": prompt, "width": WIDTH, "height": HEIGHT, "seed": 1, "model": "seedance-2"}
    return Drawing(**{**base, "seconds": Decimal(SECONDS), **changes})  # type: ignore[arg-type]


def best(work: Callable[[], None]) -> float:
    """The shortest of some rounds, in seconds of one core: what else the machine does only makes it longer."""
    took = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return min(took)


def floor(out: Path, preset: str) -> None:
    """The same number of pictures, all the same, through the encoder."""
    data = os.urandom(WIDTH * 3) * HEIGHT
    with Encoder(out, width=WIDTH, height=HEIGHT, fps=Fraction(24), preset=preset) as encoder:
        for _ in range(SECONDS * 24):
            encoder.rgb(data)


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out, still = folder / "clip.mp4", folder / "still.png"
        draw_still(drawing("the keeper at the foot of spiral stairs"), still)
        on = Picture(path=still, drawn=True)
        given = Picture(path=still)
        cases = {
            "drawn, sliding": drawing("the keeper looks over the harbour at dawn, pan left"),
            "drawn, pushing in": drawing("push in over desert dunes at sunset"),
            "drawn, rain": drawing("the harbour in a storm, pan right"),
            "chained": drawing("he lights the great lamp at dusk", first_frame=on),
            "a given picture": drawing("push in", first_frame=given),
            "to a last frame": drawing("forest in the mist, pan left", last_frame=on),
            "with sound": drawing("the keeper looks over the harbour at dawn, pan left", audio=True),
        }
        for label, case in cases.items():
            print(f"{label:20s} {SECONDS / best(lambda case=case: draw_clip(case, out)):5.1f} x as fast as it plays")
        for preset in ("ultrafast", "veryfast"):
            took = best(lambda preset=preset: floor(out, preset))
            print(f"{'floor, ' + preset:20s} {SECONDS / took:5.1f} x (the encoder alone, one picture repeated)")


if __name__ == "__main__":
    main()
