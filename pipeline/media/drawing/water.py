"""Scenes by the water: the open sea and the harbour. Each paints one stage."""

from __future__ import annotations

from pipeline.media.drawing.cast import people
from pipeline.media.drawing.paint import Color, Point, Sheet, ground, mix, ridge
from pipeline.media.drawing.stage import Stage


def _water(stage: Stage, sun: Point) -> None:
    """The sea from the horizon down, its swell growing towards us, the light lying on it."""
    rng, colors, rough = stage.rng, stage.colors, stage.brief.light == "storm"
    top, u = stage.horizon, stage.u
    far, near = mix(colors.low, colors.far, 0.55), mix(colors.near, colors.fore, 0.3)
    stage.back.block((0, top, stage.w, stage.h), far, near)
    for row in range(46):
        depth = (row / 46) ** 1.7
        y = top + (stage.h - top) * depth + 2
        for _ in range(3):
            x, long = rng.random() * stage.w, u * (0.03 + 0.28 * depth) * rng.uniform(0.5, 1.4)
            lift = u * (0.001 + 0.007 * depth) * (1.8 if rough else 1)
            lighter = rng.random() < 0.5
            shade = mix(colors.low, far, 0.4) if lighter else mix(colors.near, colors.fore, 0.5)
            crest = [(x - long, y), (x - long * 0.2, y - lift), (x + long, y), (x + long * 0.1, y + lift * 0.7)]
            stage.back.shape(crest, shade, strength=0.3 if lighter else 0.22)
    shine = mix(colors.sun, colors.low, 0.15)
    for row in range(34):
        depth = (row / 34) ** 1.4
        y = top + (stage.h - top) * depth * 0.9 + 1
        wide = u * (0.02 + 0.12 * depth) * rng.uniform(0.3, 1.0)
        x = sun[0] + rng.uniform(-1, 1) * u * (0.02 + 0.07 * depth)
        thick = u * (0.0012 + 0.003 * depth)
        stage.back.oval((x - wide, y - thick, x + wide, y + thick), shine, strength=0.55 * (1 - 0.6 * depth))


def _lighthouse(stage: Stage, sheet: Sheet, foot: Point, tall: float) -> None:
    """A lighthouse `tall` pixels high, lit from the sun's side; its beam where lamps would be lit."""
    x, y = foot
    colors, lit = stage.colors, -stage.side
    wall = mix((236, 230, 218), colors.near, 0.18 if stage.brief.light in ("day", "dawn", "snow") else 0.42)
    shade = mix(wall, colors.near, 0.6)
    low, high = 0.105 * tall, 0.066 * tall
    if stage.dark or stage.brief.light == "dawn":
        _beam(stage, sheet, (x, y - 0.9 * tall), tall)
    tower = [(x - low, y), (x - high, y - 0.8 * tall), (x + high, y - 0.8 * tall), (x + low, y)]
    sheet.shape(tower, wall, mix(wall, colors.near, 0.3))
    band = mix(stage.brief.coat or (164, 62, 52), colors.near, 0.3)
    for start, end in ((0.22, 0.4), (0.58, 0.76)):
        w0, w1 = low + (high - low) * start / 0.8, low + (high - low) * end / 0.8
        stripe = [
            (x - w0, y - start * tall),
            (x - w1, y - end * tall),
            (x + w1, y - end * tall),
            (x + w0, y - start * tall),
        ]
        sheet.shape(stripe, band, mix(band, colors.fore, 0.25))
    dim = [
        (x - lit * low, y),
        (x - lit * high, y - 0.8 * tall),
        (x - lit * high * 0.1, y - 0.8 * tall),
        (x - lit * low * 0.1, y),
    ]
    sheet.shape(dim, shade, mix(shade, colors.fore, 0.4), soft=tall * 0.008, strength=0.72)
    for row in (0.14, 0.47):
        window = (x - high * 0.16, y - row * tall, x + high * 0.16, y - (row + 0.05) * tall)
        sheet.block(window, mix(colors.near, colors.fore, 0.7))
    _lantern(stage, sheet, foot, tall, high)


def _beam(stage: Stage, sheet: Sheet, lamp: Point, tall: float) -> None:
    """The light of a lighthouse and its two arms."""
    light = mix(stage.colors.sun, stage.colors.accent, 0.25)
    for side, reach, fall in ((-stage.side, 4.4, 0.3), (stage.side, 3.4, -0.24)):
        for spread, strength in ((0.44, 0.1), (0.24, 0.16)):
            end = lamp[0] + side * reach * tall
            beam = [lamp, (end, lamp[1] + (fall - spread) * tall), (end, lamp[1] + (fall + spread) * tall)]
            sheet.shape(beam, light, soft=stage.u * 0.008, strength=strength)
    sheet.glow(lamp, 0.42 * tall, mix(stage.colors.sun, stage.colors.accent, 0.4), 0.8, 2.2)


def _lantern(stage: Stage, sheet: Sheet, foot: Point, tall: float, high: float) -> None:
    """The gallery, the glazing and the dome on a tower `high` pixels wide to each side."""
    (x, y), colors = foot, stage.colors
    wall = mix((236, 230, 218), colors.near, 0.3)
    dark = mix(colors.near, colors.fore, 0.7)
    for size, row, thick in ((1.5, 0.8, 0.022), (1.4, 0.855, 0.006), (0.95, 0.955, 0.012)):
        sheet.block((x - high * size, y - row * tall, x + high * size, y - (row + thick) * tall), dark)
    for post in range(-4, 5):
        sheet.line(
            [(x + post * high * 0.34, y - 0.82 * tall), (x + post * high * 0.34, y - 0.858 * tall)], tall * 0.004, dark
        )
    glass = (
        mix(colors.accent, (255, 250, 230), 0.5)
        if stage.dark or stage.brief.light == "dawn"
        else mix(colors.high, wall, 0.4)
    )
    sheet.block((x - high * 0.7, y - 0.822 * tall, x + high * 0.7, y - 0.955 * tall), glass)
    for bar in (-0.7, -0.25, 0.25, 0.7):
        sheet.line([(x + bar * high, y - 0.82 * tall), (x + bar * high, y - 0.955 * tall)], tall * 0.006, dark)
    sheet.shape(
        [
            (x - high, y - 0.962 * tall),
            (x - high * 0.5, y - 1.01 * tall),
            (x, y - 1.03 * tall),
            (x + high * 0.5, y - 1.01 * tall),
            (x + high, y - 0.962 * tall),
        ],
        dark,
    )
    sheet.line([(x, y - 1.02 * tall), (x, y - 1.08 * tall)], tall * 0.006, dark)


def _boat(sheet: Sheet, at: Point, size: float, hull: Color, sail: Color, dark: Color, *, sails: bool) -> None:
    """A small boat `size` pixels long whose waterline is at `at`, its reflection under it."""
    x, y = at
    body = [
        (x - 0.5 * size, y - 0.13 * size),
        (x + 0.56 * size, y - 0.17 * size),
        (x + 0.4 * size, y),
        (x - 0.4 * size, y),
    ]
    sheet.shape([(px, 2 * y - py * 1.0) for px, py in body], dark, strength=0.3, soft=size * 0.015)
    sheet.shape(body, hull, dark)
    sheet.line([(x, y - 0.12 * size), (x, y - 1.0 * size)], size * 0.022, dark)
    if sails:
        sheet.shape(
            [
                (x + 0.03 * size, y - 0.95 * size),
                (x + 0.46 * size, y - 0.24 * size),
                (x + 0.03 * size, y - 0.22 * size),
            ],
            sail,
            mix(sail, dark, 0.3),
        )
        sheet.shape(
            [
                (x - 0.03 * size, y - 0.84 * size),
                (x - 0.36 * size, y - 0.22 * size),
                (x - 0.03 * size, y - 0.22 * size),
            ],
            mix(sail, dark, 0.2),
            mix(sail, dark, 0.45),
        )
    else:
        sheet.shape(
            [
                (x - 0.28 * size, y - 0.14 * size),
                (x - 0.28 * size, y - 0.36 * size),
                (x + 0.02 * size, y - 0.36 * size),
                (x + 0.06 * size, y - 0.14 * size),
            ],
            mix(sail, dark, 0.35),
            dark,
        )
        sheet.line([(x, y - 0.95 * size), (x + 0.5 * size, y - 0.2 * size)], size * 0.008, dark)
        sheet.line([(x, y - 0.95 * size), (x - 0.46 * size, y - 0.15 * size)], size * 0.008, dark)


def _rocks(stage: Stage, sheet: Sheet, left: float, right: float, low: float, rise: float, tone: Color) -> None:
    """A rocky headland between the columns `left` and `right` that falls towards its open end."""
    outline = ridge(stage.rng, right - left, 0, rise * 0.3, 0.62, 6)
    tall = right > stage.w * 0.75  # the land is on the right and falls to the left
    points = [
        (left + x, low - rise * height**0.8 + y * min(1.0, height * 5))
        for x, y in outline
        for height in ((x if tall else right - left - x) / (right - left),)
    ]
    below = low + stage.u * 0.02
    if below < stage.h:
        shadow = [
            (left, low),
            (right, low),
            (right, low + rise * 0.8),
            (left + (right - left) * 0.5, low + rise * 0.45),
        ]
        sheet.shape(shadow, mix(tone, stage.colors.fore, 0.4), soft=stage.u * 0.02, strength=0.35)
    foot = ground(points, low + stage.u * 0.3) if below >= stage.h else [*points, (right, low), (left, low)]
    sheet.shape(foot, mix(tone, stage.colors.low, 0.16), mix(tone, stage.colors.fore, 0.5))
    for _ in range(7):
        x, y = points[stage.rng.randrange(4, len(points) - 4)]
        drop = rise * stage.rng.uniform(0.15, 0.4)
        face = [
            (x, y + 3),
            (x + drop * 0.45, y + drop * 0.5),
            (x + drop * 0.1, y + drop * 1.5),
            (x - drop * 0.2, y + drop * 0.8),
        ]
        sheet.shape(face, stage.colors.fore, strength=0.28)


def _gulls(stage: Stage, count: int) -> None:
    for _ in range(count):
        x, y = stage.w * stage.rng.uniform(0.15, 0.85), stage.horizon * stage.rng.uniform(0.2, 0.7)
        size = stage.u * stage.rng.uniform(0.008, 0.018)
        dark = mix(stage.colors.near, stage.colors.high, 0.3)
        stage.back.line([(x - size, y - size * 0.45), (x, y), (x + size, y - size * 0.5)], size * 0.16, dark, 0.9)


def sea(stage: Stage) -> None:
    """Open water, a headland with a lighthouse where one is meant, a boat, somebody on the rocks."""
    colors, u, side = stage.colors, stage.u, stage.side
    sun = stage.sky()
    stage.back.shape(
        ground(ridge(stage.rng, stage.w, stage.horizon, u * 0.07), stage.horizon + 1), mix(colors.far, colors.low, 0.45)
    )
    _water(stage, sun)
    stage.mist(stage.horizon, 0.07, 0.45)
    edge = stage.w * (0.5 + side * 0.5)
    reach = stage.w * 0.5 if stage.brief.lighthouse else stage.w * 0.34
    base = stage.horizon + u * 0.1
    left, right = (edge - reach, edge + u * 0.1) if side > 0 else (edge - u * 0.1, edge + reach)
    _rocks(stage, stage.mid, left, right, base, u * 0.2, stage.tone(0.4))
    if stage.brief.lighthouse:
        foot = (edge - side * reach * 0.42, base - u * 0.085)
        _lighthouse(stage, stage.mid, foot, min(u * 0.62, stage.horizon * 0.82))
        house = (foot[0] + side * u * 0.14, base - u * 0.12)
        _hut(stage, house, u * 0.1)
    if stage.brief.boat or not stage.brief.lighthouse:
        at = (stage.w * (0.5 - side * stage.rng.uniform(0.04, 0.2)), stage.horizon + u * 0.075)
        _boat(stage.mid, at, u * 0.13, stage.tone(0.7), mix(colors.sun, colors.far, 0.25), stage.tone(0.85), sails=True)
    _shore(stage)
    _gulls(stage, 4)


def _hut(stage: Stage, at: Point, size: float) -> None:
    x, y = at
    wall, roof = mix(stage.colors.low, stage.colors.near, 0.5), stage.tone(0.85)
    stage.mid.block((x - size, y + size * 0.6, x + size, y - size * 0.2), wall, stage.tone(0.6))
    stage.mid.shape(
        [
            (x - size * 1.12, y - size * 0.15),
            (x - size * 0.7, y - size * 0.72),
            (x + size * 0.7, y - size * 0.72),
            (x + size * 1.12, y - size * 0.15),
        ],
        roof,
    )
    pane = stage.colors.accent if stage.dark else stage.tone(0.75)
    stage.mid.block((x - size * 0.4, y + size * 0.25, x - size * 0.1, y), pane)


def _shore(stage: Stage) -> None:
    """Dark rocks before the lens, and whoever stands there."""
    u, side = stage.u, stage.side
    low = stage.h + u * 0.02
    reach = stage.w * 0.62
    left, right = (-u * 0.1, reach) if side > 0 else (stage.w - reach, stage.w + u * 0.1)
    sheet = stage.mid if stage.brief.people else stage.fore
    _rocks(stage, sheet, left, right, low, u * 0.24, stage.tone(0.86))
    if stage.brief.people:
        stand = stage.w * (0.5 - side * 0.21)
        people(stage, (stand, low - u * 0.13), u * 0.42)
    tuft = ground(ridge(stage.rng, stage.w, stage.h + u * 0.01, u * 0.055, 0.7, 8), stage.h + u * 0.2)
    stage.fore.shape(tuft, mix(stage.colors.fore, (0, 0, 0), 0.25))


def harbour(stage: Stage) -> None:
    """A harbour: gabled houses along the water, masts, boats, a quay before the lens and who looks from it."""
    colors, u, rng = stage.colors, stage.u, stage.rng
    stage.horizon = stage.h * rng.uniform(0.56, 0.6)
    sun = stage.sky()
    stage.back.shape(ground(ridge(rng, stage.w, stage.horizon, u * 0.16), stage.horizon + 2), stage.tone(0.05))
    _water(stage, sun)
    stage.mist(stage.horizon, 0.09, 0.5)
    row = stage.horizon + u * 0.03
    _waterfront(stage, row)
    stage.mid.block((0, row - 1, stage.w, row + u * 0.02), stage.tone(0.75))
    for index in range(3):
        at = (
            stage.w * (0.5 + stage.side * (-0.3 + 0.24 * index)) + rng.uniform(-1, 1) * u * 0.05,
            row + u * (0.07 + 0.06 * index),
        )
        hull = mix(stage.brief.coat or colors.accent, colors.near, 0.5) if index == 1 else stage.tone(0.7)
        _boat(
            stage.mid,
            at,
            u * (0.15 + 0.07 * index),
            hull,
            mix(colors.sun, colors.near, 0.45),
            stage.tone(0.92),
            sails=False,
        )
    _quay(stage)
    _gulls(stage, 5)


def _waterfront(stage: Stage, row: float) -> None:
    """Gabled houses side by side on `row`, a gap here and there, their lit windows on the water."""
    colors, u, rng = stage.colors, stage.u, stage.rng
    x = -u * 0.1
    while x < stage.w:
        wide, tall = u * rng.uniform(0.07, 0.13), u * rng.uniform(0.09, 0.2)
        wall = mix(mix(colors.near, colors.far, rng.random() * 0.7), colors.accent, rng.choice((0, 0, 0.12, 0.2)))
        if rng.random() < 0.86:
            roof = [
                (x, row),
                (x, row - tall),
                (x + wide / 2, row - tall - wide * 0.42),
                (x + wide, row - tall),
                (x + wide, row),
            ]
            stage.mid.shape(roof, wall, mix(wall, colors.fore, 0.3))
            cap = [(x - 2, row - tall), (x + wide / 2, row - tall - wide * 0.46), (x + wide + 2, row - tall)]
            stage.mid.line(cap, u * 0.008, mix(wall, colors.fore, 0.55))
            for floor in range(1, int(tall / (u * 0.045))):
                for pane in (0.28, 0.62):
                    px, py = x + wide * pane, row - floor * u * 0.045
                    lit = stage.dark and rng.random() < 0.5
                    tone = colors.accent if lit else mix(wall, colors.fore, 0.45)
                    stage.mid.block((px, py, px + u * 0.012, py - u * 0.019), tone)
                    if lit:
                        stage.mid.shape(
                            [(px, row + u * 0.01), (px + u * 0.01, row + u * 0.01), (px + u * 0.006, row + u * 0.07)],
                            tone,
                            soft=u * 0.004,
                            strength=0.4,
                        )
        x += wide


def _quay(stage: Stage) -> None:
    """The quay before the lens, its bollards, and who looks from it."""
    colors, u = stage.colors, stage.u
    quay = stage.h - u * 0.1
    deck = stage.mid if stage.brief.people else stage.fore
    deck.shape(
        [(0, quay), (stage.w, quay - u * 0.02), (stage.w, stage.h), (0, stage.h)], stage.tone(0.82), stage.tone(1)
    )
    deck.line([(0, quay), (stage.w, quay - u * 0.02)], u * 0.008, mix(colors.low, colors.near, 0.5), 0.7)
    if stage.brief.people:
        people(stage, (stage.focus, quay + u * 0.045), u * 0.47)
    for post in (0.12, 0.36, 0.9):
        x = stage.w * (0.5 + stage.side * (post - 0.5))
        stage.fore.shape(
            [
                (x - u * 0.028, stage.h),
                (x - u * 0.022, quay - u * 0.1),
                (x + u * 0.022, quay - u * 0.1),
                (x + u * 0.028, stage.h),
            ],
            mix(colors.fore, (0, 0, 0), 0.2),
        )
        stage.fore.oval(
            (x - u * 0.034, quay - u * 0.125, x + u * 0.034, quay - u * 0.085), mix(colors.fore, colors.near, 0.2)
        )
