"""Scenes under a roof: a room, a winding stair, the lantern room of a lighthouse. Each paints one stage."""

from __future__ import annotations

import math

from PIL import Image

from pipeline.media.drawing.cast import people, somebody
from pipeline.media.drawing.figures import Figure, paint_figure
from pipeline.media.drawing.light import PALETTES
from pipeline.media.drawing.paint import Color, Point, mix, ramp, waves
from pipeline.media.drawing.stage import Stage


def _walls(stage: Stage) -> tuple[Color, Color, Color]:
    """Wall in the light, wall in the shade, and the light itself, for a room at this hour."""
    room, light = PALETTES["room"], stage.colors
    wall = mix(mix(room.low, light.mid, 0.35), stage.brief.coat or light.accent, 0.1)
    if stage.brief.light == "night":
        wall = mix(wall, light.near, 0.45)
    return wall, mix(wall, room.fore, 0.72), mix(light.sun, light.low, 0.25)


def interior(stage: Stage) -> None:
    """A room with one window, its light on the floor, a table with a lamp, somebody by the window."""
    u, w, h, side = stage.u, stage.w, stage.h, stage.side
    wall, shade, light = _walls(stage)
    floor = h * 0.74
    stage.back.fill(mix(shade, wall, 0.35), wall)
    for panel in range(-6, 12):
        x = w * 0.5 + panel * u * 0.23
        stage.back.line([(x, 0), (x, floor)], u * 0.003, mix(wall, shade, 0.55), 0.55)
    x0, wide, top, low = w * (0.5 + side * 0.2) - u * 0.17, u * 0.34, h * 0.14, h * 0.57
    stage.back.glow((x0 + wide / 2, (top + low) / 2), u * 0.72, light, 0.5, 2.2)
    frame = mix(shade, (0, 0, 0), 0.25)
    stage.back.block((x0 - u * 0.018, low + u * 0.018, x0 + wide + u * 0.018, top - u * 0.018), frame)
    colors = stage.colors
    stage.back.block((x0, low, x0 + wide, top), mix(colors.mid, colors.high, 0.3), mix(colors.low, colors.sun, 0.5))
    stage.back.shape(
        [
            (x0, low),
            (x0, low - u * 0.07),
            (x0 + wide * 0.4, low - u * 0.12),
            (x0 + wide, low - u * 0.06),
            (x0 + wide, low),
        ],
        colors.far,
    )
    for part in (1 / 3, 2 / 3):
        stage.back.line([(x0 + wide * part, top), (x0 + wide * part, low)], u * 0.008, frame)
    stage.back.line([(x0, top + (low - top) * 0.45), (x0 + wide, top + (low - top) * 0.45)], u * 0.008, frame)
    stage.back.block((0, floor, w, h), mix(shade, wall, 0.35), mix(shade, (0, 0, 0), 0.3))
    stage.back.line([(0, floor), (w, floor)], u * 0.012, mix(shade, (0, 0, 0), 0.3))
    shift = -side * u * 0.5
    pool = [
        (x0 + shift * 0.55, floor + u * 0.03),
        (x0 + wide + shift * 0.55, floor + u * 0.03),
        (x0 + wide * 1.15 + shift, h * 0.97),
        (x0 - wide * 0.2 + shift, h * 0.97),
    ]
    stage.back.shape(pool, light, soft=u * 0.012, strength=0.4)
    shaft = [(x0, top), (x0 + wide, top), (x0 + wide * 1.15 + shift, h * 0.97), (x0 - wide * 0.2 + shift, h * 0.97)]
    stage.back.shape(shaft, light, soft=u * 0.03, strength=0.1)
    _picture_frame(stage, (w * (0.5 - side * 0.2), h * 0.3), u * 0.1, frame, wall)
    if stage.brief.people:
        people(stage, (w * 0.5 + side * u * 0.02, floor + u * 0.13), u * 0.56)
    _table(stage, w * (0.5 - side * 0.31), floor, shade)
    dark = mix(shade, (0, 0, 0), 0.62)
    chair = w * (0.5 + side * 0.37)
    stage.fore.shape(
        [
            (chair - u * 0.16, h + 2),
            (chair - u * 0.14, h - u * 0.24),
            (chair - u * 0.09, h - u * 0.29),
            (chair + u * 0.09, h - u * 0.29),
            (chair + u * 0.14, h - u * 0.24),
            (chair + u * 0.16, h + 2),
        ],
        dark,
    )


def _picture_frame(stage: Stage, at: Point, size: float, frame: Color, wall: Color) -> None:
    x, y = at
    stage.back.block((x - size, y - size * 0.7, x + size, y + size * 0.7), frame)
    inner = size * 0.86
    stage.back.block(
        (x - inner, y - inner * 0.66, x + inner, y + inner * 0.66),
        mix(wall, stage.colors.high, 0.4),
        mix(wall, stage.colors.low, 0.5),
    )
    stage.back.shape(
        [
            (x - inner, y + inner * 0.66),
            (x - inner * 0.4, y - inner * 0.1),
            (x + inner * 0.1, y + inner * 0.3),
            (x + inner * 0.5, y),
            (x + inner, y + inner * 0.66),
        ],
        stage.tone(0.4),
    )


def _table(stage: Stage, x: float, floor: float, shade: Color) -> None:
    u, warm = stage.u, stage.colors.accent
    top, dark = floor - u * 0.06, mix(shade, (0, 0, 0), 0.35)
    for leg in (-0.2, 0.19):
        stage.mid.block((x + leg * u - u * 0.012, floor + u * 0.2, x + leg * u + u * 0.012, top), dark)
    stage.mid.shape(
        [
            (x - u * 0.25, top),
            (x - u * 0.21, top - u * 0.035),
            (x + u * 0.21, top - u * 0.035),
            (x + u * 0.25, top),
            (x + u * 0.25, top + u * 0.02),
            (x - u * 0.25, top + u * 0.02),
        ],
        mix(shade, warm, 0.22),
        dark,
    )
    lamp = (x - u * 0.05, top - u * 0.2)
    stage.mid.glow((lamp[0], lamp[1] + u * 0.04), u * 0.34, warm, 0.55, 2.4)
    stage.mid.line([(lamp[0], top - u * 0.02), (lamp[0], lamp[1])], u * 0.009, dark)
    stage.mid.shape(
        [
            (lamp[0] - u * 0.075, lamp[1] + u * 0.05),
            (lamp[0] - u * 0.042, lamp[1] - u * 0.045),
            (lamp[0] + u * 0.042, lamp[1] - u * 0.045),
            (lamp[0] + u * 0.075, lamp[1] + u * 0.05),
        ],
        mix(warm, (255, 246, 220), 0.45),
        warm,
    )
    stage.mid.block(
        (x + u * 0.06, top - u * 0.025, x + u * 0.17, top - u * 0.05), mix(stage.brief.coat or warm, shade, 0.45)
    )


def stairs(stage: Stage) -> None:
    """A winding stair around its pillar, a slit of a window, the light that falls through, somebody on the steps."""
    u, w, h, side = stage.u, stage.w, stage.h, stage.side
    wall, shade, light = _walls(stage)
    wall = mix(wall, (150, 146, 138), 0.45)
    shade = mix(wall, PALETTES["room"].fore, 0.72)
    across = (
        (0.0, mix(shade, (0, 0, 0), 0.3)),
        (0.3, mix(wall, shade, 0.5)),
        (0.55, wall),
        (0.8, mix(wall, shade, 0.6)),
        (1.0, mix(shade, (0, 0, 0), 0.35)),
    )
    turned = ramp((h, w), across).transpose(Image.Transpose.ROTATE_90)
    stage.back.stamp(Image.new("L", stage.size, 255), (0, 0), turned)
    for row in range(12):
        y = h * (row + 0.4) / 12
        stage.back.line(
            [(w * i / 12, y + u * 0.05 * math.sin(i / 12 * 3.14)) for i in range(13)], u * 0.003, shade, 0.32
        )
        for column in range(7):
            x = w * (column + 0.5 * (row % 2)) / 7
            stage.back.line([(x, y + u * 0.05), (x, y + h / 12 + u * 0.05)], u * 0.003, shade, 0.22)
    at = (w * (0.5 + side * 0.27), h * 0.25)
    stage.back.glow(at, u * 0.6, light, 0.6, 2.3)
    tall, half = u * 0.15, u * 0.04
    arch = [
        (at[0] - half, at[1] + tall),
        (at[0] - half, at[1] - tall * 0.6),
        (at[0], at[1] - tall),
        (at[0] + half, at[1] - tall * 0.6),
        (at[0] + half, at[1] + tall),
    ]
    stage.back.shape([(at[0] + (x - at[0]) * 1.4, at[1] + (y - at[1]) * 1.12) for x, y in arch], shade)
    stage.back.shape(arch, mix(stage.colors.mid, (255, 255, 255), 0.25), mix(stage.colors.sun, stage.colors.low, 0.3))
    shaft = [arch[2], arch[0], (w * (0.5 - side * 0.36), h * 1.02), (w * (0.5 - side * 0.04), h * 1.02), arch[4]]
    stage.back.shape(shaft, light, soft=u * 0.02, strength=0.2)
    _winding_steps(stage, wall, shade)
    arc = waves(stage.rng, w, h + u * 0.06, u * 0.02, 0.6)
    stage.fore.shape([*arc, (w, h + u), (0, h + u)], mix(shade, (0, 0, 0), 0.7))
    edge = w * (0.5 + side * 0.5)
    rail = [
        (edge, h * 0.32),
        (edge - side * u * 0.1, h * 0.5),
        (edge - side * u * 0.3, h * 0.78),
        (edge - side * u * 0.62, h * 1.02),
    ]
    stage.fore.line(rail, u * 0.026, mix(shade, (0, 0, 0), 0.72))
    for (x, y), low in zip(rail[1:], (0.3, 0.3, 0.1), strict=True):
        stage.fore.line([(x, y), (x, y + h * low + u * 0.2)], u * 0.012, mix(shade, (0, 0, 0), 0.72))


def _winding_steps(stage: Stage, wall: Color, shade: Color) -> None:
    u, w, h, side = stage.u, stage.w, stage.h, stage.side
    cx, reach, rise = w * (0.5 - side * 0.03), u * 0.5, u * 0.057
    base, count = h + u * 0.01, 24
    steps = []
    for index in range(count):
        one, two = index * 0.34 + 0.9, index * 0.34 + 1.3
        steps.append((math.sin((one + two) / 2), index, one, two))
    pillar = [(cx - u * 0.07, h + 2), (cx - u * 0.055, -2), (cx + u * 0.055, -2), (cx + u * 0.07, h + 2)]
    standing: Point | None = None
    done = False
    for depth, index, one, two in sorted(steps, key=lambda step: (step[0] >= 0, step[1])):
        if depth >= 0 and not done:
            stage.mid.shape(pillar, mix(wall, shade, 0.35))
            stage.mid.shape(
                [(cx + side * u * 0.0, h + 2), (cx, -2), (cx - side * u * 0.055, -2), (cx - side * u * 0.07, h + 2)],
                shade,
                soft=u * 0.012,
                strength=0.8,
            )
            done = True
        y, flat = base - index * rise, 0.2
        p0 = (cx, y)
        p1 = (cx + side * reach * math.cos(one), y + reach * flat * math.sin(one))
        p2 = (cx + side * reach * math.cos(two), y + reach * flat * math.sin(two))
        near = 0.5 + 0.5 * depth
        tread = mix(
            mix(wall, shade, 0.55), mix(wall, stage.colors.sun, 0.3), near * (0.9 if math.cos(one) > -0.3 else 0.5)
        )
        riser = mix(shade, wall, 0.3 * near)
        if y < -u * 0.2:
            continue
        stage.mid.shape([p1, p2, (p2[0], p2[1] + rise), (p1[0], p1[1] + rise)], mix(riser, (0, 0, 0), 0.15))
        stage.mid.shape([p0, p1, (p1[0], p1[1] + rise), (p0[0], p0[1] + rise)], riser)
        stage.mid.shape([p0, p1, p2], tread)
        if depth > 0.35 and 2 <= index <= 4:
            standing = ((p0[0] + p1[0] + p2[0]) / 3 + (p1[0] - cx) * 0.25, (p1[1] + p2[1]) / 2)
    if stage.brief.people and standing is not None:
        people(stage, (standing[0], standing[1] + u * 0.01), u * 0.46)


def lamp(stage: Stage) -> None:
    """The lantern room of a lighthouse: the great lens aglow, glazing and the sea's sky behind, its keeper."""
    u, w, h, side, colors = stage.u, stage.w, stage.h, stage.side, stage.colors
    stage.horizon = h * 0.72
    stage.sky()
    stage.back.block((0, stage.horizon, w, h), mix(colors.far, colors.low, 0.3), stage.tone(0.6))
    at = (w * (0.5 + side * 0.11), h * 0.43)
    warm = mix(colors.accent, (255, 240, 205), 0.35)
    dark = mix(colors.fore, (30, 22, 18), 0.4)
    for column in range(-7, 9):
        x = w * 0.5 + column * u * 0.27 + side * u * 0.08
        bend = (x - at[0]) * 0.08
        stage.mid.line([(x - bend, -2), (x, h * 0.78)], u * 0.014, dark)
    for row in (0.06, 0.42, 0.76):
        stage.mid.line(
            [(w * i / 10, h * row + u * 0.05 * (1 - ((i - 5) / 5) ** 2)) for i in range(11)], u * 0.012, dark
        )
    stage.mid.shape([(0, h * 0.8), (w * 0.5, h * 0.86), (w, h * 0.8), (w, h), (0, h)], mix(dark, warm, 0.12), dark)
    stage.back.glow(at, u * 0.95, warm, 0.75, 2.0)
    _lens(stage, at, warm, dark)
    if stage.brief.people:
        foot = (at[0] - side * u * 0.4, h * 0.985)
        stage.hero = (foot[0] + at[0]) / 2
        who = somebody(stage, turn="side", facing=side, pose="reach")
        warm_coat = Figure(
            coat=mix(who.coat, warm, 0.2),
            dark=who.dark,
            skin=mix(who.skin, warm, 0.35),
            pose="reach",
            turn="side",
            facing=side,
            lit=side,
            dress=who.dress,
            hat=who.hat,
        )
        paint_figure(stage.mid, foot, u * 0.66, warm_coat)
    for x in (0.02, 0.98):
        stage.fore.shape(
            [(w * x - u * 0.07, -2), (w * x + u * 0.05, -2), (w * x + u * 0.08, h + 2), (w * x - u * 0.06, h + 2)],
            mix(dark, (0, 0, 0), 0.4),
        )


def _lens(stage: Stage, at: Point, warm: Color, dark: Color) -> None:
    """The great lens: rings of glass in a cage of brass, on its pedestal."""
    u, h = stage.u, stage.h
    tall, wide = u * 0.3, u * 0.19
    stage.mid.oval((at[0] - wide, at[1] - tall, at[0] + wide, at[1] + tall), mix(warm, (255, 250, 235), 0.4), warm)
    for ring in (0.86, 0.7, 0.54, 0.38):
        tone = mix(warm, (255, 253, 244), 0.55) if round(ring * 100) % 32 == 6 else mix(warm, dark, 0.18)
        stage.mid.oval(
            (at[0] - wide * ring, at[1] - tall * ring, at[0] + wide * ring, at[1] + tall * ring), tone, strength=0.75
        )
    stage.mid.oval((at[0] - wide * 0.24, at[1] - tall * 0.2, at[0] + wide * 0.24, at[1] + tall * 0.2), (255, 253, 240))
    for rib in (-0.72, -0.36, 0.36, 0.72):
        bow = [
            (at[0] + wide * rib * math.cos(t), at[1] + tall * math.sin(t))
            for t in (-1.45, -1.0, -0.5, 0.0, 0.5, 1.0, 1.45)
        ]
        stage.mid.line(bow, u * 0.005, mix(dark, warm, 0.3))
    for row, size in ((1.0, 0.8), (-1.0, 0.62)):
        y = at[1] + tall * row
        stage.mid.shape(
            [
                (at[0] - wide * size, y - u * 0.022),
                (at[0] + wide * size, y - u * 0.022),
                (at[0] + wide * size * 1.08, y + u * 0.03),
                (at[0] - wide * size * 1.08, y + u * 0.03),
            ],
            dark,
        )
    stage.mid.shape(
        [
            (at[0] - wide * 0.5, at[1] + tall),
            (at[0] + wide * 0.5, at[1] + tall),
            (at[0] + wide * 0.75, h),
            (at[0] - wide * 0.75, h),
        ],
        mix(dark, warm, 0.16),
        dark,
    )
