"""The colours of a scene at an hour and in a weather, and the sky they make. Knows paint; knows no prompt."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import fields, replace

from PIL import Image, ImageDraw, ImageFilter

from pipeline.media.drawing.paint import Color, Sheet, cloudy, mix, ramp, tint
from pipeline.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The colours of one light, from the top of the sky to what stands nearest; `accent` is what the eye goes to."""

    high: Color
    mid: Color
    low: Color
    sun: Color
    far: Color
    near: Color
    fore: Color
    accent: Color


def _palette(text: str) -> Palette:
    names = [field.name for field in fields(Palette)]
    return Palette(**{name: tint(code) for name, code in zip(names, text.split(), strict=True)})


PALETTES: Mapping[str, Palette] = {
    "dawn": _palette("40506f a58a95 f0cba6 ffe9c6 9a8696 4d5068 20263a e5a352"),
    "day": _palette("6c97b4 a5c4cf e9eade fff8e2 93adb2 52726f 21353a d77f42"),
    "dusk": _palette("2f3153 9c5a6c f0a56c ffd8a2 76536b 3d3049 181521 f0b45e"),
    "night": _palette("0a1220 182740 375069 e6ecf0 22344b 131f31 070c14 efc579"),
    "storm": _palette("2a343d 4a5962 909b9e cfd6d5 586770 313e46 12181d dcb458"),
    "fog": _palette("8b979d b2bbbc d8d8d0 f3f1e8 a3adaf 6b787e 2d373d c98f4e"),
    "snow": _palette("8499b1 bccad5 eeebe6 fffaf0 a9b8c6 70869a 26374a cf7450"),
    "overcast": _palette("67767f 9aa5a6 d3d1c6 f1eee2 8d999b 55625f 1f292c cf9a4c"),
    "room": _palette("1b1816 3b3029 7d6450 ffe2b0 5a4a3e 31281f 120f0d e9b566"),
}


def palette_of(light: str, rng: random.Random) -> Palette:
    """The palette of a light, each colour leaning a little, as no two days are alike."""
    lean = mix((255, 214, 170), (170, 205, 255), rng.random())
    base = PALETTES[light]
    return replace(base, high=mix(base.high, lean, 0.06), mid=mix(base.mid, lean, 0.08), far=mix(base.far, lean, 0.05))


def paint_sky(size: tuple[int, int], horizon: float, colors: Palette) -> Image.Image:
    """A clear sky down to the row `horizon`, the same light mirrored faintly below it."""
    line = horizon / size[1]
    stops = (
        (0.0, colors.high),
        (line * 0.62, colors.mid),
        (line, colors.low),
        (1.0, mix(colors.low, colors.near, 0.7)),
    )
    return ramp(size, stops)


def paint_clouds(sheet: Sheet, rng: random.Random, horizon: float, colors: Palette, heavy: float) -> None:
    """Long banks of cloud above `horizon`; `heavy` from 0 (wisps) to 1 (a closed sky)."""
    width, height = sheet.size[0], round(horizon)
    small = (max(8, width // 6), max(8, height // 6))
    mask = Image.new("L", small)
    draw = ImageDraw.Draw(mask)
    for _ in range(round(5 + 12 * heavy)):
        cx, cy = rng.random() * small[0], small[1] * (0.08 + 0.8 * rng.random() ** 1.2)
        long, thick = small[0] * rng.uniform(0.1, 0.3), small[1] * rng.uniform(0.012, 0.05 + 0.05 * heavy)
        for _ in range(5):
            dx, dy = rng.uniform(-0.6, 0.6) * long, rng.uniform(-1, 1) * thick
            part = long * rng.uniform(0.3, 0.7)
            draw.ellipse((cx + dx - part, cy + dy - thick, cx + dx + part, cy + dy + thick), fill=rng.randint(90, 220))
    mask = mask.filter(ImageFilter.GaussianBlur(max(1.0, small[1] / 40)))
    if heavy > 0.6:
        mask = Image.blend(mask, cloudy(rng, small, 4), 0.45)
    level = [round(value * (0.45 + 0.35 * heavy)) for value in range(256)]
    mask = mask.point(level).resize((width, height), Image.Resampling.BILINEAR)
    shade = mix(colors.low, colors.sun, 0.35) if heavy < 0.6 else mix(colors.high, colors.fore, 0.25)
    sheet.stamp(mask, (0, 0), ramp((width, height), ((0, mix(shade, colors.high, 0.45)), (1, shade))))


def paint_stars(sheet: Sheet, rng: random.Random, horizon: float, count: int, color: Color) -> None:
    """Stars of three sizes, fewer towards `horizon`."""
    unit = max(1.0, min(sheet.size) / 540)
    for _ in range(count):
        x, y = rng.random() * sheet.size[0], horizon * rng.random() ** 1.6 * 0.9
        size = unit * rng.choice((0.5, 0.7, 0.7, 1.1))
        sheet.oval((x - size, y - size, x + size, y + size), color, strength=rng.uniform(0.35, 0.9))
