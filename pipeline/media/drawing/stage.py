"""The stage a scene is painted on: three sheets, from the sky to what stands nearest, and its light."""

from __future__ import annotations

import random

from PIL import Image

from pipeline.media.drawing.light import Palette, paint_clouds, paint_sky, paint_stars, palette_of
from pipeline.media.drawing.paint import Color, Point, Sheet, mix
from pipeline.media.drawing.words import Brief


class Stage:
    """Three sheets of `size` pixels that the camera moves apart; `u` is the length that things are measured by.

    `focus` is where across the eye should rest, off the middle as in a good picture; `hero` where it does in the end.
    """

    def __init__(self, brief: Brief, size: tuple[int, int]) -> None:
        self.brief = brief
        self.size = size
        self.w, self.h = size
        self.u = min(self.h, self.w * 0.8)
        self.rng = random.Random(brief.dice)
        self.side = self.rng.choice((-1, 1))
        self.focus = self.w * (0.5 + self.side * self.rng.uniform(0.09, 0.16) * min(1.0, self.w / self.h / 1.6))
        self.colors: Palette = palette_of(brief.light, self.rng)
        self.hero = self.focus
        self.horizon = self.h * self.rng.uniform(0.6, 0.68)
        self.back = Sheet(size, Image.new("RGB", size))
        self.mid = Sheet(size)
        self.fore = Sheet(size)

    @property
    def dark(self) -> bool:
        """Whether lamps would be lit."""
        return self.brief.light in ("night", "dusk", "storm", "fog")

    def sky(self, *, clouds: float | None = None) -> Point:
        """Paint the sky with its sun or moon; returns where that stands."""
        light, rng = self.brief.light, self.rng
        self.back = Sheet(self.size, paint_sky(self.size, self.horizon, self.colors))
        across = self.w * (0.5 - self.side * rng.uniform(0.1, 0.24))
        heights = {"dawn": 0.86, "dusk": 0.84, "day": 0.3, "night": 0.3, "snow": 0.42}
        at = (across, self.horizon * (heights.get(light, 0.5) + rng.uniform(-0.06, 0.06)))
        if light == "night":
            paint_stars(self.back, rng, self.horizon, 90, self.colors.sun)
        strength = {"storm": 0.25, "fog": 0.5, "overcast": 0.4, "night": 0.42}.get(light, 0.75)
        self.back.glow(at, self.u * 0.75, self.colors.sun, strength * 0.8, 2.4)
        if light in ("dawn", "dusk", "day", "night", "snow", "fog"):
            size = self.u * (0.034 if light in ("day", "night") else 0.05)
            disc = mix(self.colors.sun, (255, 255, 255), 0.35)
            self.back.oval((at[0] - size, at[1] - size, at[0] + size, at[1] + size), disc, strength=0.92)
        heavy = {"storm": 1.0, "overcast": 0.7, "fog": 0.3, "night": 0.2, "day": 0.35}.get(light, 0.45)
        paint_clouds(self.back, rng, self.horizon, self.colors, heavy if clouds is None else clouds)
        return at

    def mist(self, row: float, thick: float, strength: float = 0.5) -> None:
        """A mist on the back sheet around `row`, `thick` in units."""
        self.back.veil(row - thick * self.u, row + thick * self.u, self.colors.low, strength)

    def tone(self, depth: float) -> Color:
        """What a thing looks like through the air: 0 far, 0.5 near, 1 before the lens."""
        if depth < 0.5:
            return mix(self.colors.far, self.colors.near, depth * 2)
        return mix(self.colors.near, self.colors.fore, depth * 2 - 1)
