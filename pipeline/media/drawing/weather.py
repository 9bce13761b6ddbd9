"""Rain and snow before a scene: one drawn sheet that falls for ever."""

from __future__ import annotations

import random

from PIL import Image, ImageDraw

from pipeline.media.drawing.camera import Planes
from pipeline.media.drawing.words import Brief

INDOORS = ("sheet", "stairs", "interior", "product", "portrait", "lamp", "space", "abstract")


class Fall:
    """Drops or flakes on a sheet that repeats, falling `speed` of the height and drifting `drift` of that a picture."""

    def __init__(self, tile: Image.Image, speed: float, drift: float, bright: int) -> None:
        self.size = tile.size
        self.speed, self.drift, self.bright = speed, drift, bright
        wide, high = tile.size
        self.sheet = Image.new("L", (wide * 2, high * 2))
        for at in ((0, 0), (wide, 0), (0, high), (wide, high)):
            self.sheet.paste(tile, at)

    def _mask(self, index: int) -> Image.Image:
        wide, high = self.size
        fallen = round(index * self.speed * high)
        x, y = round(fallen * self.drift) % wide, -fallen % high
        return self.sheet.crop((x, y, x + wide, y + high))

    def put(self, onto: Planes, top: int, index: int) -> None:
        """Lay what falls at picture `index` on `onto` from row `top` down; it has no colour of its own."""
        onto.y.paste(self.bright, (0, top), self._mask(index))

    def put_on(self, picture: Image.Image) -> None:
        """Lay what falls at the first picture on an RGB picture."""
        picture.paste((self.bright, self.bright, self.bright), (0, 0), self._mask(0))


def fall_of(brief: Brief, size: tuple[int, int]) -> Fall | None:
    """What falls in a scene, or None."""
    if brief.place in INDOORS or not (brief.rain or brief.light == "snow"):
        return None
    rng = random.Random(brief.dice ^ 3)
    wide, high = size
    tile = Image.new("L", size)
    draw = ImageDraw.Draw(tile)
    unit = min(size) / 540
    if brief.rain:
        for _ in range(150):
            x, y, long = rng.random() * wide, rng.random() * high, high * rng.uniform(0.03, 0.085)
            thick, dim = max(1, round(1.3 * unit)), rng.randint(26, 66)
            for dx in (-wide, 0):
                for dy in (-high, 0):
                    draw.line((x + dx, y + dy, x + dx - long * 0.22, y + dy + long), fill=dim, width=thick)
        return Fall(tile, 0.083, 0.22, 205)
    for _ in range(110):
        x, y, r = rng.random() * wide, rng.random() * high, unit * rng.choice((1.0, 1.4, 1.4, 2.4))
        for dx in (-wide, 0):
            for dy in (-high, 0):
                draw.ellipse((x + dx - r, y + dy - r, x + dx + r, y + dy + r), fill=rng.randint(90, 200))
    return Fall(tile, 0.0055, 0.3, 226)
