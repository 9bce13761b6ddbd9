"""People as a storyboard artist blocks them in: a head, a coat, a stance, light from one side. No face ever."""

from __future__ import annotations

from pipeline.media.drawing.paint import Color, Point, Sheet, mix
from pipeline.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """How someone looks and stands: `turn` is front, side or back; `facing` -1 left, 1 right; `lit` where light is."""

    coat: Color
    dark: Color
    skin: Color
    pose: str = "stand"
    turn: str = "back"
    facing: int = 1
    lit: int = 1
    dress: bool = False
    hat: bool = False


def _at(foot: Point, tall: float, facing: int, points: tuple[Point, ...]) -> list[Point]:
    return [(foot[0] + facing * x * tall, foot[1] - y * tall) for x, y in points]


def _legs(sheet: Sheet, foot: Point, tall: float, who: Figure) -> None:
    if who.dress:
        hem = mix(who.coat, who.dark, 0.35)
        sheet.shape(_at(foot, tall, who.facing, ((-0.15, 0.02), (-0.07, 0.5), (0.07, 0.5), (0.16, 0.02))), hem)
        return
    stride = 0.12 if who.pose == "walk" else 0.035
    lift = 0.05 if who.pose == "walk" else 0.0
    one = ((-0.075, 0.46), (0.01, 0.46), (-stride + 0.035, 0.0), (-stride - 0.03, 0.0))
    two = (
        (-0.01, 0.46),
        (0.075, 0.46),
        (stride + 0.045, 0.22),
        (stride + 0.05, lift),
        (stride - 0.02, lift),
        (0.0, 0.25),
    )
    sheet.shape(_at(foot, tall, who.facing, one), mix(who.dark, (0, 0, 0), 0.15))
    sheet.shape(_at(foot, tall, who.facing, two), who.dark)
    for x, y in ((-stride, 0.0), (stride + 0.01, lift)):
        shoe = ((x - 0.035, y), (x - 0.03, y + 0.03), (x + 0.03, y + 0.03), (x + 0.075, y + 0.008), (x + 0.075, y))
        sheet.shape(_at(foot, tall, who.facing, shoe), mix(who.dark, (0, 0, 0), 0.4))


def _arm(sheet: Sheet, foot: Point, tall: float, who: Figure, color: Color) -> None:
    shoulder = 0.79
    if who.pose == "reach":
        arm = ((0.05, shoulder), (0.09, shoulder - 0.06), (0.25, 0.93), (0.225, 0.965))
        hand = (foot[0] + who.facing * 0.245 * tall, foot[1] - 0.955 * tall)
        sheet.shape(_at(foot, tall, who.facing, arm), color)
        size = 0.024 * tall
        sheet.oval((hand[0] - size, hand[1] - size, hand[0] + size, hand[1] + size), who.skin)
        return
    swing = 0.07 if who.pose == "walk" else 0.01
    hanging = ((0.07, shoulder), (0.115, shoulder - 0.05), (0.12 + swing, 0.5), (0.075 + swing, 0.47), (0.05, 0.62))
    sheet.shape(_at(foot, tall, who.facing, hanging), color)


def paint_figure(sheet: Sheet, foot: Point, tall: float, who: Figure) -> None:
    """Paint someone `tall` pixels high whose feet stand at `foot`."""
    shade = mix(who.coat, who.dark, 0.55)
    light = mix(who.coat, (255, 244, 222), 0.28)
    # A shadow under the feet, so that nobody floats.
    flat = (foot[0] - 0.2 * tall, foot[1] - 0.018 * tall, foot[0] + 0.2 * tall, foot[1] + 0.022 * tall)
    sheet.oval(flat, mix(who.dark, (0, 0, 0), 0.5), soft=0.008 * tall, strength=0.5)
    _legs(sheet, foot, tall, who)
    lean = 0.035 if who.pose == "walk" else 0.0
    wide = 0.1 if who.turn == "side" else 0.125
    hem = 0.3 if not who.dress else 0.42
    coat: tuple[Point, ...] = (
        (-wide - 0.012, hem),
        (-wide * 0.86, 0.55),
        (-wide + lean, 0.765),
        (-0.06 + lean, 0.83),
        (0.055 + lean, 0.835),
        (wide + lean, 0.77),
        (wide * 0.86, 0.55),
        (wide + 0.012, hem - 0.01),
    )
    sheet.shape(_at(foot, tall, who.facing, coat), mix(who.coat, light, 0.25), mix(who.coat, shade, 0.45))
    dim = -1 if who.lit * who.facing > 0 else 1
    half: tuple[Point, ...] = (
        (dim * (wide + 0.01), hem),
        (dim * wide * 0.86, 0.55),
        (dim * wide + lean, 0.765),
        (dim * 0.05 + lean, 0.83),
    )
    sheet.shape(
        _at(foot, tall, who.facing, (*half, (dim * 0.015 + lean, 0.7), (dim * 0.03, hem))), shade, strength=0.75
    )
    if who.turn == "front":
        sheet.line(_at(foot, tall, who.facing, ((0.0, 0.8), (0.005, hem))), 0.008 * tall, shade)
    belt = mix(who.coat, who.dark, 0.7)
    sheet.line(_at(foot, tall, who.facing, ((-wide * 0.87, 0.56), (wide * 0.87, 0.555))), 0.014 * tall, belt, 0.8)
    _arm(sheet, foot, tall, who, mix(who.coat, shade, 0.35) if who.pose != "reach" else light)
    _head(sheet, foot, tall, who, lean * 1.3)


def _head(sheet: Sheet, foot: Point, tall: float, who: Figure, lean: float) -> None:
    cx, cy, r = foot[0] + who.facing * lean * tall, foot[1] - 0.915 * tall, 0.058 * tall
    neck = ((-0.022 + lean, 0.82), (0.022 + lean, 0.82), (0.02 + lean, 0.88), (-0.02 + lean, 0.88))
    sheet.shape(_at(foot, tall, who.facing, neck), mix(who.skin, who.dark, 0.4))
    hair = mix(who.dark, (70, 60, 54), 0.4)
    face = hair if who.turn == "back" else who.skin
    sheet.oval((cx - r * 0.86, cy - r * 1.12, cx + r * 0.86, cy + r * 1.12), face, mix(face, who.dark, 0.35))
    if who.turn != "back":
        back = -who.facing * r * 0.22 if who.turn == "side" else 0
        top = cy - r * 1.2
        sheet.oval((cx - r * 0.95 + back, top, cx + r * 0.95 + back, cy - r * 0.18), hair)
        if who.turn == "side":
            sheet.oval((cx - r * 0.95 + back, cy - r * 0.9, cx + back, cy + r * 0.75), hair)
    if who.dress:
        side = 0 if who.turn != "side" else -who.facing * r * 0.4
        length = cy + r * (2.1 if who.turn == "back" else 1.1)
        if who.turn == "back":
            sheet.oval((cx - r * 1.02 + side, cy - r * 1.15, cx + r * 1.02 + side, length), hair)
    if who.hat:
        brim, crown = mix(who.coat, who.dark, 0.3), mix(who.coat, (255, 244, 222), 0.12)
        low = 0.95 if who.turn == "back" else 0.35
        sheet.oval((cx - r * 1.05, cy - r * 1.65, cx + r * 1.05, cy + r * low), crown, brim)
        tilt = 0.0 if who.turn != "side" else -who.facing * 0.25 * r
        sheet.oval((cx - r * 1.6 + tilt, cy - r * 0.42, cx + r * 1.6 + tilt, cy + r * (low - 0.23)), brim)
        if who.turn == "front":
            sheet.oval((cx - r * 0.78, cy - r * 0.12, cx + r * 0.78, cy + r * 0.32), mix(who.skin, who.dark, 0.45))


def paint_bust(sheet: Sheet, at: Point, size: float, who: Figure) -> None:
    """Paint head and shoulders `size` pixels high, the chin's height at `at`, lit from one side."""
    x, y = at
    shade, light = mix(who.coat, who.dark, 0.55), mix(who.coat, (255, 240, 215), 0.3)
    body = [
        (-0.62, 1.0),
        (-0.58, 0.62),
        (-0.44, 0.42),
        (-0.17, 0.3),
        (-0.13, 0.1),
        (0.13, 0.1),
        (0.17, 0.3),
        (0.44, 0.42),
    ]
    body += [(0.58, 0.62), (0.62, 1.0)]
    sheet.shape(
        [(x + px * size, y + py * size) for px, py in body], mix(who.coat, light, 0.2), shade, soft=size * 0.006
    )
    d = -who.lit
    half = [(d * 0.62, 1.0), (d * 0.58, 0.62), (d * 0.44, 0.42), (d * 0.17, 0.3), (d * 0.06, 0.36), (d * 0.12, 1.0)]
    sheet.shape([(x + px * size, y + py * size) for px, py in half], who.dark, soft=size * 0.03, strength=0.55)
    neck = [(-0.12, 0.36), (-0.115, 0.0), (0.115, 0.0), (0.12, 0.36), (0.0, 0.43)]
    sheet.shape([(x + px * size, y + py * size) for px, py in neck], mix(who.skin, who.dark, 0.45))
    for lapel in (-1, 1):
        fold = [(lapel * 0.02, 0.48), (lapel * 0.17, 0.27), (lapel * 0.27, 0.4), (lapel * 0.1, 0.8)]
        tone = light if lapel == who.lit else shade
        sheet.shape([(x + px * size, y + py * size) for px, py in fold], tone, shade, strength=0.8)
    hair = mix(who.dark, (66, 56, 50), 0.5)
    if who.dress:
        sheet.oval((x - 0.31 * size, y - 0.52 * size, x + 0.31 * size, y + 0.36 * size), hair, who.dark)
        throat = [(-0.11, 0.0), (0.11, 0.0), (0.13, 0.3), (0.0, 0.44), (-0.13, 0.3)]
        sheet.shape([(x + px * size, y + py * size) for px, py in throat], mix(who.skin, who.dark, 0.42))
    face = (x - 0.205 * size, y - 0.42 * size, x + 0.205 * size, y + 0.12 * size)
    sheet.oval(face, who.skin, mix(who.skin, who.dark, 0.18))
    sheet.oval(
        (x - (0.205 if d < 0 else 0.01) * size, face[1], x + (0.01 if d < 0 else 0.205) * size, face[3]),
        mix(who.skin, who.dark, 0.75),
        soft=size * 0.035,
        strength=0.6,
    )
    cap = [
        (-0.225, -0.12),
        (-0.235, -0.28),
        (-0.17, -0.42),
        (-0.03, -0.49),
        (0.12, -0.46),
        (0.215, -0.34),
        (0.228, -0.12),
    ]
    cap += [(0.19, -0.2), (0.12, -0.3), (-0.05, -0.29), (-0.17, -0.22)]
    sheet.shape([(x + px * size, y + py * size) for px, py in cap], hair, who.dark, soft=size * 0.004)
    if who.hat:
        sheet.oval((x - 0.25 * size, y - 0.6 * size, x + 0.25 * size, y - 0.1 * size), light, shade)
        sheet.oval((x - 0.38 * size, y - 0.3 * size, x + 0.38 * size, y - 0.17 * size), who.coat, shade)
