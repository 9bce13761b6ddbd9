"""Brushes: colours, gradients, grain, and a sheet that shapes are painted on. Knows no prompt and no video."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import pairwise

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Color = tuple[int, int, int]
Point = tuple[float, float]
Box = tuple[float, float, float, float]
_ROOTS = [round((value / 255) ** 0.5 * 255) for value in range(256)]
_CLEAR = [255] + [0] * 255


def tint(code: str) -> Color:
    """The colour written as six hexadecimal digits."""
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


def mix(one: Color, other: Color, share: float) -> Color:
    """`one` with `share` (0 to 1) of `other` in it."""
    return (
        round(one[0] + (other[0] - one[0]) * share),
        round(one[1] + (other[1] - one[1]) * share),
        round(one[2] + (other[2] - one[2]) * share),
    )


def ramp(size: tuple[int, int], stops: Sequence[tuple[float, Color]]) -> Image.Image:
    """A picture of `size` whose rows run through `stops`: (height from 0 at the top to 1, colour), in rising order."""
    width, height = size
    rows: list[bytes] = []
    last = max(1, height - 1)
    before = (-1.0, stops[0][1])
    for after in (*stops, (2.0, stops[-1][1])):
        span = max(1e-9, after[0] - before[0])
        while len(rows) < height and (at := len(rows) / last) <= after[0]:
            rows.append(bytes(mix(before[1], after[1], (at - before[0]) / span)) * width)
        before = after
    return Image.frombytes("RGB", size, b"".join(rows))


def speckle(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """Grey noise of `size`, 0 to 255, one tile repeated so that it costs next to nothing."""
    side = 192
    tile = Image.frombytes("L", (side, side), rng.randbytes(side * side))
    out = Image.new("L", size)
    for top in range(0, size[1], side):
        for left in range(0, size[0], side):
            out.paste(tile, (left, top))
    return out


def cloudy(rng: random.Random, size: tuple[int, int], cells: int) -> Image.Image:
    """Soft grey noise of `size` with about `cells` lumps across, stretched to the whole of 0 to 255."""
    small = (max(2, size[0] // 8), max(2, size[1] // 8))
    total = Image.new("L", small, 128)
    for octave, weight in ((1, 1.0), (2, 0.5), (5, 0.25)):
        across = max(2, cells * octave)
        down = max(2, round(across * size[1] / size[0]))
        grid = Image.frombytes("L", (across, down), rng.randbytes(across * down))
        total = Image.blend(total, grid.resize(small, Image.Resampling.BICUBIC), weight / (1 + weight))
    low, high = total.getextrema()
    if not isinstance(low, (int, float)) or not isinstance(high, (int, float)):
        raise AssertionError("a grey picture has one band")
    span = max(1.0, high - low)
    level = [min(255, max(0, round((value - low) * 255 / span))) for value in range(256)]
    return total.point(level).resize(size, Image.Resampling.BILINEAR)


def grained(rng: random.Random, picture: Image.Image, strength: int = 3) -> Image.Image:
    """`picture` with a film grain of `strength` levels, which also hides the steps of its gradients."""
    span = 2 * strength
    level = [round(value * span / 255) for value in range(256)]
    grain = speckle(rng, picture.size).point(level)
    return ImageChops.add(picture, Image.merge("RGB", (grain, grain, grain)), 1, -strength)


def vignetted(picture: Image.Image, depth: float = 0.34) -> Image.Image:
    """`picture` darkened towards its corners by `depth` (0 to 1)."""
    level = [round(255 * (1 - depth * (max(0, value - 70) / 185) ** 1.7)) for value in range(256)]
    small = Image.radial_gradient("L").point(level).resize((64, 64), Image.Resampling.BILINEAR)
    shade = small.resize(picture.size, Image.Resampling.BILINEAR)
    return ImageChops.multiply(picture, Image.merge("RGB", (shade, shade, shade)))


def radial(diameter: int, power: float = 2.0, strength: float = 1.0) -> Image.Image:
    """A round light of `diameter` pixels: `strength` (0 to 1) in the middle, falling with `power` to 0 at the rim."""
    level = [round(255 * strength * max(0.0, 1 - value / 181) ** power) for value in range(256)]
    return Image.radial_gradient("L").point(level).resize((diameter, diameter), Image.Resampling.BILINEAR)


def _share_of(mask: Image.Image, under: Image.Image) -> Image.Image | None:
    """How much of the colour laid through `mask` shows where `under` was covered before; None for all of it.

    Where nothing was, the colour counts whole, so that soft edges carry no foreign fringe.
    """
    least, most = under.getextrema()
    if most == 0:
        return None
    if least == 255:
        return mask
    thin = ImageChops.multiply(ImageChops.invert(under), mask.point(_ROOTS))
    return ImageChops.lighter(ImageChops.add(mask, thin), under.point(_CLEAR))


class Sheet:
    """A picture that shapes are painted on: opaque when given a `ground`, else clear, with its own coverage."""

    def __init__(self, size: tuple[int, int], ground: Image.Image | None = None) -> None:
        self.size = size
        self.image = ground if ground is not None else Image.new("RGB", size)
        self.alpha = None if ground is not None else Image.new("L", size)

    def fill(self, top: Color, low: Color) -> None:
        """Cover the whole sheet, running from `top` down to `low`."""
        self.stamp(Image.new("L", self.size, 255), (0, 0), ramp(self.size, ((0, top), (1, low))))

    def stamp(self, mask: Image.Image, at: tuple[int, int], paint: Color | Image.Image) -> None:
        """Lay `paint` (a colour, or a picture of the mask's size) through `mask`, its left top corner `at`."""
        left, top = max(0, at[0]), max(0, at[1])
        right, low = min(self.size[0], at[0] + mask.width), min(self.size[1], at[1] + mask.height)
        if right <= left or low <= top:
            return
        part = (left - at[0], top - at[1], right - at[0], low - at[1])
        if part != (0, 0, *mask.size):
            mask = mask.crop(part)
            paint = paint.crop(part) if isinstance(paint, Image.Image) else paint
        box = (left, top, right, low)
        cover: Image.Image | None = mask
        if self.alpha is not None:
            under = self.alpha.crop(box)
            cover = _share_of(mask, under)
            self.alpha.paste(ImageChops.screen(under, mask), box)
        self.image.paste(paint, box, cover)

    def shape(
        self, points: Sequence[Point], paint: Color, low: Color | None = None, *, soft: float = 0, strength: float = 1
    ) -> None:
        """Fill a polygon, its edges smoothed: `paint`, running down to `low` when given; `soft` is a blur in pixels."""
        margin = int(soft * 2) + 1
        across, along = [x for x, _ in points], [y for _, y in points]
        left, top = max(-margin, int(min(across)) - margin), max(-margin, int(min(along)) - margin)
        right = min(self.size[0] + margin, int(max(across)) + 1 + margin)
        down = min(self.size[1] + margin, int(max(along)) + 1 + margin)
        if right <= left or down <= top:
            return
        # Drawn twice as large and halved, which smooths the edges; a blur does that by itself.
        scale = 1 if soft >= 2 else 2
        mask = Image.new("L", ((right - left) * scale, (down - top) * scale))
        where = [((x - left) * scale, (y - top) * scale) for x, y in points]
        ImageDraw.Draw(mask).polygon(where, fill=round(255 * strength))
        if scale == 2:
            mask = mask.reduce(2)
        if soft:
            mask = mask.filter(ImageFilter.GaussianBlur(soft))
        filling: Color | Image.Image = paint if low is None else ramp(mask.size, ((0, paint), (1, low)))
        self.stamp(mask, (left, top), filling)

    def block(self, box: Box, paint: Color, low: Color | None = None, *, soft: float = 0, strength: float = 1) -> None:
        """Fill an upright rectangle given by two opposite corners."""
        x0, y0, x1, y1 = box
        self.shape([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], paint, low, soft=soft, strength=strength)

    def oval(
        self, box: Box, paint: Color, low: Color | None = None, *, soft: float = 0, strength: float = 1, turn: float = 0
    ) -> None:
        """Fill the ellipse inside `box`; `turn` leans it, as a share of its height."""
        cx, cy, rx, ry = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, (box[2] - box[0]) / 2, (box[3] - box[1]) / 2
        steps = max(32, round((rx + ry) * 0.4))
        around = [(math.cos(2 * math.pi * step / steps), math.sin(2 * math.pi * step / steps)) for step in range(steps)]
        points = [(cx + rx * c + turn * ry * s, cy + ry * s) for c, s in around]
        self.shape(points, paint, low, soft=soft, strength=strength)

    def line(self, points: Sequence[Point], width: float, paint: Color, strength: float = 1) -> None:
        """Draw a line of `width` pixels through `points`, smoothed; thinner than a pixel grows fainter instead."""
        if width < 1:
            strength, width = strength * width, 1
        for (x0, y0), (x1, y1) in pairwise(points):
            length = max(1e-6, ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5)
            ox, oy = (y0 - y1) / length * width / 2, (x1 - x0) / length * width / 2
            corners = ((x0 + ox, y0 + oy), (x1 + ox, y1 + oy), (x1 - ox, y1 - oy), (x0 - ox, y0 - oy))
            self.shape(corners, paint, strength=strength)

    def glow(self, at: Point, radius: float, paint: Color, strength: float = 1, power: float = 2.0) -> None:
        """Lay a round light of `radius` pixels around `at`."""
        size = max(2, round(radius * 2))
        mask = radial(size, power, strength)
        self.stamp(mask, (round(at[0] - size / 2), round(at[1] - size / 2)), paint)

    def veil(self, top: float, down: float, paint: Color, strength: float) -> None:
        """Lay a mist over the whole width that is thickest, `strength`, half way between the rows `top` and `down`."""
        height = max(2, round(down - top))
        rows = [
            round(255 * strength * (1 - abs(2 * row / height - 1)) ** 1.5).to_bytes(1, "big") * self.size[0]
            for row in range(height)
        ]
        self.stamp(Image.frombytes("L", (self.size[0], height), b"".join(rows)), (0, round(top)), paint)

    def lay(self, over: Sheet) -> None:
        """Lay the clear sheet `over` on this one."""
        if over.alpha is not None:
            self.stamp(over.alpha, (0, 0), over.image)


def ridge(
    rng: random.Random, width: float, base: float, rise: float, rough: float = 0.55, steps: int = 7
) -> list[Point]:
    """The outline of a range of hills: from left to right across `width`, around the row `base`, `rise` pixels high."""
    heights = [rng.random(), rng.random()]
    swing = 0.5
    for _ in range(steps):
        finer = []
        for one, two in pairwise(heights):
            finer += [one, (one + two) / 2 + (rng.random() - 0.5) * swing]
        heights = [*finer, heights[-1]]
        swing *= rough
    low, high = min(heights), max(heights)
    span = max(1e-6, high - low)
    last = len(heights) - 1
    return [(width * i / last, base - rise * (h - low) / span) for i, h in enumerate(heights)]


def waves(rng: random.Random, width: float, base: float, rise: float, turns: float) -> list[Point]:
    """A smooth rolling outline across `width`: two sines with about `turns` crests, around the row `base`."""
    shift, other, count = rng.random() * 6.28, rng.random() * 6.28, 96
    return [
        (
            width * i / count,
            base
            - rise
            * (0.65 * math.sin(shift + turns * 6.28 * i / count) + 0.35 * math.sin(other + turns * 13.7 * i / count)),
        )
        for i in range(count + 1)
    ]


def ground(outline: Sequence[Point], low: float) -> list[Point]:
    """The area from `outline` down to the row `low`."""
    return [*outline, (outline[-1][0], low), (outline[0][0], low)]
