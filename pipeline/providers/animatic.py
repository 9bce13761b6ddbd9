"""`animatic`, the embedded default: draws a rough cut of a shot on this machine, with no key and at no cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.money import FREE, Price
from pipeline.providers.base import Complaint, Wish

NAME = "animatic"
TITLE = "Animatic: a rough cut drawn locally, free"
UNIT = ""
CONCURRENCY = 0  # as many as this machine has processors
SEED_LIMIT = 2**31
RENDERER_VERSION = 1  # part of every key: raise it when the same request is drawn differently

SHORT_SIDES = {"480p": 480, "720p": 720, "1080p": 1080, "2k": 1440, "4k": 2160}
RATIOS = {
    "16:9": (16, 9),
    "4:3": (4, 3),
    "1:1": (1, 1),
    "3:4": (3, 4),
    "9:16": (9, 16),
    "21:9": (21, 9),
    "adaptive": (16, 9),
}
LONGEST_SECONDS = 60


def size(resolution: str, ratio: str) -> tuple[int, int]:
    """Width and height in even pixels: the short side is the resolution's, the long one follows the ratio."""
    short = SHORT_SIDES[resolution]
    across, down = RATIOS[ratio]
    long = round(short * max(across, down) / min(across, down) / 2) * 2
    return (long, short) if across >= down else (short, long)


def complaints(wish: Wish) -> Iterable[Complaint]:
    """What cannot be drawn: a ratio or resolution without numbers, a clip of no length or of more than a minute."""
    if wish.ratio not in RATIOS:
        yield Complaint(
            field="ratio", fact=f"animatic cannot draw the ratio {wish.ratio}.", hint=f"Use one of {', '.join(RATIOS)}."
        )
    if wish.upscale:
        yield Complaint(
            field="upscale", fact="animatic draws nothing larger in one go.", hint="Say `by: local`, or leave `by` out."
        )
    if wish.kind == "video" and not Decimal("0.5") <= wish.seconds <= LONGEST_SECONDS:
        yield Complaint(
            field="duration",
            fact=f"animatic cannot draw a clip of {wish.seconds} seconds.",
            hint=f"Give a duration from 0.5 to {LONGEST_SECONDS} seconds, or split the shot and chain the parts.",
        )


def request(wish: Wish) -> Mapping[str, Any]:
    """Everything the drawing depends on; the shot's name is on its slate, so it belongs to the request."""
    width, height = size(wish.resolution, wish.ratio)
    return {
        "renderer": RENDERER_VERSION,
        "shot": wish.shot,
        "kind": wish.kind,
        "model": wish.model,
        "prompt": wish.prompt,
        "seconds": wish.seconds,
        "width": width,
        "height": height,
        "seed": wish.seed,
        "audio": wish.audio,
        "watermark": wish.watermark,
        "inputs": [
            {"role": item.role, "name": item.name, "media": item.media, "drawn": item.provider == NAME}
            for item in wish.inputs
        ],
    }


def price(wish: Wish) -> Price:
    """Nothing, always."""
    return FREE


def effort_seconds(wish: Wish) -> float:
    """A sixth of the clip's length at 720p, more with its area."""
    width, height = size(wish.resolution, wish.ratio if wish.ratio in RATIOS else "16:9")
    return max(0.2, float(wish.seconds) / 6) * (width * height) / (1280 * 720)


def make(request: Mapping[str, Any], inputs: Sequence[Path], out: Path) -> None:
    """Draws the request: an mp4 or a still, by the suffix of `out`."""
    from pipeline.media import animatic  # PyAV and Pillow are heavy: only drawing pays for them

    frames: dict[str, animatic.Picture] = {}
    references: list[animatic.Picture] = []
    for item, path in zip(request["inputs"], inputs, strict=True):
        if item["media"] == "audio":
            continue
        picture = animatic.Picture(path=path, drawn=item["drawn"], name=item["name"])
        if item["role"] == "reference":
            references.append(picture)
        else:
            frames[item["role"]] = picture
    drawing = animatic.Drawing(
        shot=request["shot"],
        prompt=request["prompt"],
        width=request["width"],
        height=request["height"],
        seconds=Decimal(request["seconds"]),
        seed=request["seed"],
        model=request["model"],
        audio=request["audio"],
        watermark=request["watermark"],
        first_frame=frames.get("first_frame"),
        last_frame=frames.get("last_frame"),
        references=tuple(references),
    )
    (animatic.draw_still if request["kind"] == "image" else animatic.draw_clip)(drawing, out)
