"""Scenes on land: city, forest, mountain, desert, field; and space, which has none. Each paints one stage."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image

from pipeline.media.drawing.cast import people
from pipeline.media.drawing.light import paint_stars
from pipeline.media.drawing.paint import Color, Point, Sheet, cloudy, ground, mix, ramp, ridge, waves
from pipeline.media.drawing.stage import Stage


def _blocks(stage: Stage, sheet: Sheet, base: float, rise: float, tone: Color, *, lit: float, gap: bool) -> None:
    """A row of buildings on the row `base`, up to `rise` pixels high; the share `lit` of their windows is lit."""
    rng, u, x = stage.rng, stage.u, -stage.u * 0.1
    pane, step = u * 0.0075, u * 0.021
    while x < stage.w:
        wide = u * rng.uniform(0.07, 0.17)
        centre = abs(x + wide / 2 - stage.focus) / stage.w
        tall = rise * rng.uniform(0.4, 1.0) * (0.62 + 0.38 * math.cos(min(1.0, centre * 2) * 3.14))
        if gap:
            tall = rise * rng.uniform(0.5, 1.0) * (0.25 + 1.5 * min(0.5, centre))
        top = base - max(tall, rise * 0.18)
        wall = mix(tone, stage.colors.low, rng.uniform(0, 0.1))
        sheet.block((x, base, x + wide, top), wall, mix(wall, stage.colors.low, 0.22))
        if rng.random() < 0.4:
            inset = wide * rng.uniform(0.18, 0.3)
            cap = top - u * rng.uniform(0.015, 0.05)
            sheet.block((x + inset, top + 1, x + wide - inset, cap), wall)
            if rng.random() < 0.5:
                sheet.line([(x + wide / 2, cap), (x + wide / 2, cap - u * 0.06)], u * 0.003, wall)
        for row in range(1, min(16, int((base - top) / step))):
            for column in range(1, int(wide / step)):
                if rng.random() < lit:
                    px, py = x + column * step, top + row * step
                    glow = mix(stage.colors.accent, (255, 236, 200), rng.random() * 0.4)
                    tint = glow if stage.dark else mix(wall, stage.colors.fore, 0.3)
                    sheet.block((px, py, px + pane, py + pane * 1.4), tint, strength=0.85)
        x += wide + (u * rng.uniform(0.0, 0.03) if gap else -1)


def city(stage: Stage) -> None:
    """A street between three rows of buildings, a wet road, lamps, somebody in the middle of it."""
    colors, u, rng = stage.colors, stage.u, stage.rng
    stage.horizon = stage.h * 0.68
    stage.sky()
    _blocks(stage, stage.back, stage.horizon, stage.h * 0.42, stage.tone(0.06), lit=0.05, gap=False)
    stage.mist(stage.horizon, 0.22, 0.5)
    _blocks(
        stage,
        stage.mid,
        stage.horizon + u * 0.03,
        stage.h * 0.56,
        stage.tone(0.42),
        lit=0.14 if stage.dark else 0.2,
        gap=True,
    )
    road = stage.horizon + u * 0.03
    far = mix(colors.near, colors.low, 0.35)
    stage.mid.block((0, road, stage.w, stage.h), far, stage.tone(0.85))
    vanish = (stage.focus, road)
    for side in (-1, 1):
        kerb = [
            (vanish[0] + side * u * 0.1, road),
            (vanish[0] + side * u * 0.9, stage.h),
            (vanish[0] + side * u * 3.2, stage.h),
            (vanish[0] + side * u * 0.55, road),
        ]
        stage.mid.shape(kerb, stage.tone(0.55), stage.tone(0.75), strength=0.75)
    for start, end in ((0.12, 0.2), (0.32, 0.46), (0.66, 0.92)):
        y0, y1 = road + (stage.h - road) * start, road + (stage.h - road) * end
        w0, w1 = u * 0.012 * start, u * 0.022 * end
        stage.mid.shape(
            [(vanish[0] - w0, y0), (vanish[0] + w0, y0), (vanish[0] + w1, y1), (vanish[0] - w1, y1)],
            colors.low,
            strength=0.5,
        )
    if stage.dark:
        for _ in range(12):
            x, y = rng.random() * stage.w, road + (stage.h - road) * rng.random()
            stage.mid.oval(
                (x - u * 0.008, y, x + u * 0.008, y + u * rng.uniform(0.06, 0.16)),
                colors.accent,
                soft=u * 0.008,
                strength=0.28,
            )
    people(stage, (vanish[0] - stage.side * u * 0.12, road + (stage.h - road) * 0.66), u * 0.4)
    for x, tall in ((0.5 + stage.side * 0.34, 0.66), (0.5 - stage.side * 0.4, 0.5)):
        _street_lamp(stage, stage.w * x, u * tall)


def _street_lamp(stage: Stage, x: float, tall: float) -> None:
    foot, dark = stage.h + stage.u * 0.02, mix(stage.colors.fore, (0, 0, 0), 0.2)
    head = foot - tall - stage.u * 0.12
    reach = (1 if x < stage.w / 2 else -1) * stage.u * 0.09
    stage.fore.line(
        [(x, foot), (x, head + stage.u * 0.03), (x + reach * 0.3, head), (x + reach, head)], stage.u * 0.012, dark
    )
    if stage.dark:
        stage.fore.glow((x + reach, head + stage.u * 0.01), stage.u * 0.14, stage.colors.accent, 0.55, 2.6)
    bulb = mix(stage.colors.accent, (255, 250, 230), 0.5) if stage.dark else stage.tone(0.8)
    stage.fore.oval(
        (x + reach - stage.u * 0.022, head - stage.u * 0.004, x + reach + stage.u * 0.022, head + stage.u * 0.014), bulb
    )


def _conifer(sheet: Sheet, x: float, foot: float, tall: float, tone: Color, lean: float) -> None:
    """A fir: tiers of boughs on a trunk."""
    points_left, points_right = [], []
    tiers = 7
    for tier in range(tiers):
        top, low = tier / tiers, (tier + 1) / tiers
        wide = tall * 0.19 * low
        points_left += [(x - wide * 0.45, foot - tall * (1 - top)), (x - wide, foot - tall * (1 - low) + tall * 0.02)]
        points_right += [
            (x + wide * 0.45, foot - tall * (1 - top)),
            (x + wide * (1 + lean), foot - tall * (1 - low) + tall * 0.01),
        ]
    sheet.shape([(x, foot - tall * 1.04), *points_right, *reversed(points_left)], tone)
    sheet.block((x - tall * 0.018, foot + tall * 0.09, x + tall * 0.018, foot), tone)


def forest(stage: Stage) -> None:
    """A wood in layers of mist, tall trunks before the lens, a path where the light falls."""
    colors, u, rng = stage.colors, stage.u, stage.rng
    stage.horizon = stage.h * 0.66
    at = stage.sky(clouds=0.2)
    for depth, tall, count in ((0.05, 0.5, 26), (0.28, 0.62, 17)):
        base = stage.horizon + u * 0.1 * depth
        outline = ground(waves(rng, stage.w, base, u * 0.02, 2), stage.h)
        for index in range(count):
            x = stage.w * (index + rng.random()) / count
            clear = min(1.0, 0.45 + abs(x - stage.focus) / stage.w * 2)
            _conifer(
                stage.back,
                x,
                base + u * 0.02,
                u * tall * rng.uniform(0.55, 1.05) * clear,
                stage.tone(depth),
                rng.uniform(-0.2, 0.2),
            )
        stage.back.shape(outline, stage.tone(depth), mix(stage.tone(depth), colors.low, 0.4))
        stage.mist(base, 0.2, 0.55)
    for shift in (-0.1, 0.02, 0.13):
        ray = [
            (at[0], at[1] - u * 0.2),
            (stage.focus + shift * stage.w - u * 0.05, stage.h * 0.95),
            (stage.focus + shift * stage.w + u * 0.09, stage.h * 0.95),
        ]
        stage.back.shape(ray, colors.sun, soft=u * 0.02, strength=0.16)
    floor = stage.horizon + u * 0.09
    stage.mid.shape(ground(waves(rng, stage.w, floor, u * 0.015, 2), stage.h), stage.tone(0.5), stage.tone(0.8))
    path = [
        (stage.focus - u * 0.02, floor),
        (stage.focus + u * 0.03, floor),
        (stage.focus + u * 0.36, stage.h),
        (stage.focus - u * 0.3, stage.h),
    ]
    stage.mid.shape(
        path, mix(colors.low, colors.near, 0.42), mix(colors.near, colors.low, 0.12), soft=u * 0.012, strength=0.8
    )
    for index in range(9):
        x = stage.w * (index + rng.random()) / 9
        if abs(x - stage.focus) > u * 0.3:
            _conifer(
                stage.mid, x, floor + u * 0.05, u * rng.uniform(0.5, 0.82), stage.tone(0.55), rng.uniform(-0.2, 0.2)
            )
    people(stage, (stage.focus, stage.h - u * 0.13), u * 0.42)
    _trunks(stage)


def _trunks(stage: Stage) -> None:
    """Trunks and undergrowth before the lens."""
    colors, u, rng = stage.colors, stage.u, stage.rng
    for place, wide in ((0.06, 0.05), (0.2, 0.026), (0.93, 0.06), (0.8, 0.022)):
        x, half = stage.w * place, u * wide
        trunk = [
            (x - half * 1.5, stage.h + 2),
            (x - half, stage.h * 0.72),
            (x - half * 0.8, -2),
            (x + half * 0.8, -2),
            (x + half, stage.h * 0.72),
            (x + half * 1.7, stage.h + 2),
        ]
        tone = mix(colors.fore, (0, 0, 0), 0.15) if wide > 0.03 else stage.tone(0.85)
        stage.fore.shape(trunk, tone)
        stage.fore.line(
            [(x, stage.h * rng.uniform(0.2, 0.4)), (x + u * rng.choice((-0.16, 0.16)), stage.h * 0.14)],
            half * 0.4,
            tone,
        )
    stage.fore.shape(
        ground(ridge(rng, stage.w, stage.h + u * 0.01, u * 0.07, 0.75, 8), stage.h + u),
        mix(colors.fore, (0, 0, 0), 0.25),
    )


def _snow(stage: Stage, crest: Sequence[Point], tone: Color) -> None:
    """Snow on what rises highest, its lower edge torn: bright on the side of the light, blue in its own shade."""
    colors, u = stage.colors, stage.u
    line = stage.horizon - u * 0.3
    high = [point for point in crest if point[1] < line]
    if len(high) < 3:
        return
    top = min(range(len(high)), key=lambda index: high[index][1])
    shade, bright = mix(tone, colors.high, 0.45), mix(colors.sun, colors.low, 0.35)
    for side, face in ((1, high[: top + 1]), (-1, high[top:])):
        torn = [(x, y + (line - y) * stage.rng.uniform(0.25, 0.85)) for x, y in face[1:-1]]
        edge = [(high[top][0], high[top][1] + (line - high[top][1]) * 0.7), *(torn if side < 0 else torn[::-1])]
        outline = [*face, *(edge if side > 0 else edge[::-1])]
        color = bright if side == stage.side else shade
        stage.back.shape(outline, color, mix(color, tone, 0.6), strength=0.78)


def mountain(stage: Stage) -> None:
    """Ranges behind ranges with mist between, snow on the highest, firs before the lens."""
    colors, u, rng = stage.colors, stage.u, stage.rng
    stage.horizon = stage.h * 0.74
    stage.sky()
    peak = stage.focus + stage.side * u * 0.1
    crest = ridge(rng, stage.w, stage.horizon, u * 0.16, 0.6, 7)
    crest = [(x, y - u * 0.46 * max(0.0, 1 - abs(x - peak) / (u * 0.62)) ** 1.1) for x, y in crest]
    tone = stage.tone(0.12)
    stage.back.shape(ground(crest, stage.h), tone, mix(tone, colors.low, 0.5))
    _snow(stage, crest, tone)
    stage.mist(stage.horizon - u * 0.02, 0.22, 0.55)
    for depth, rise, drop in ((0.3, 0.24, 0.02), (0.5, 0.19, 0.1)):
        base = stage.horizon + u * drop
        tone = stage.tone(depth)
        sheet = stage.back if depth < 0.4 else stage.mid
        sheet.shape(ground(ridge(rng, stage.w, base, u * rise, 0.56), stage.h), tone, mix(tone, colors.low, 0.32))
        if depth < 0.4:
            stage.mist(base, 0.12, 0.5)
    ledge = stage.h - u * 0.05
    slope = [
        (x, y - u * 0.1 * (0.5 + stage.side * (0.5 - x / stage.w)))
        for x, y in ridge(rng, stage.w, ledge, u * 0.07, 0.6)
    ]
    stage.mid.shape(ground(slope, stage.h + u), stage.tone(0.78), stage.tone(0.95))
    if stage.brief.people:
        stand = stage.w * (0.5 - stage.side * 0.2)
        row = min(y for x, y in slope if abs(x - stand) < u * 0.05)
        people(stage, (stand, row + u * 0.02), u * 0.36)
    for index in range(5):
        x = stage.w * (0.5 + stage.side * (0.22 + 0.07 * index)) + rng.uniform(-1, 1) * u * 0.02
        _conifer(
            stage.fore,
            x,
            stage.h,
            u * rng.uniform(0.24, 0.5),
            mix(colors.fore, (0, 0, 0), 0.15),
            rng.uniform(-0.2, 0.2),
        )
    stage.fore.shape(
        ground(ridge(rng, stage.w, stage.h + u * 0.01, u * 0.05, 0.7), stage.h + u), mix(colors.fore, (0, 0, 0), 0.2)
    )


def desert(stage: Stage) -> None:
    """Dunes, each with a lit and a shaded flank along its crest."""
    colors, u, rng = stage.colors, stage.u, stage.rng
    stage.horizon = stage.h * 0.56
    stage.sky(clouds=0.15)
    sand = mix((222, 178, 120), colors.low, 0.4 if not stage.dark else 0.25)
    sand = mix(sand, colors.near, {"night": 0.72, "dusk": 0.18, "storm": 0.5}.get(stage.brief.light, 0.06))
    stage.back.shape(ground(ridge(rng, stage.w, stage.horizon, u * 0.09), stage.h), mix(colors.far, sand, 0.3), sand)
    stage.mist(stage.horizon, 0.1, 0.5)
    for index, (row, rise) in enumerate(((0.04, 0.03), (0.14, 0.06), (0.27, 0.09))):
        sheet = stage.back if index < 2 else stage.mid
        outline = waves(rng, stage.w, stage.horizon + u * row, u * rise, rng.uniform(1.0, 1.7))
        light = mix(sand, colors.sun, 0.2 - 0.06 * index)
        sheet.shape(ground(outline, stage.h + u), light, mix(sand, colors.near, 0.25 + 0.12 * index))
        # The shaded flank: from the crest line down, out to where the slip face ends.
        at = min(range(24, len(outline) - 24), key=lambda place: outline[place][1])
        way = range(at, at + stage.side * 22, stage.side)
        edge = [outline[place] for place in way]
        span = edge[-1][0] - edge[0][0]
        inner = [
            (x - span * 0.22, y + (u * (0.05 + 0.1 * index)) * math.sin(math.pi * (i + 1) / 23) + 1)
            for i, (x, y) in enumerate(edge)
        ]
        flank = [*edge, *reversed(inner)]
        sheet.shape(flank, mix(sand, colors.near, 0.52), mix(sand, colors.near, 0.34), strength=0.62)
    people(stage, (stage.focus, stage.horizon + u * 0.34), u * 0.26)
    near = waves(rng, stage.w, stage.h - u * 0.03, u * 0.07, 0.8)
    stage.fore.shape(ground(near, stage.h + u), mix(sand, colors.fore, 0.62), mix(sand, colors.fore, 0.85))


def field(stage: Stage) -> None:
    """Rolling hills, a path to the light, a lone tree."""
    colors, u, rng = stage.colors, stage.u, stage.rng
    stage.horizon = stage.h * 0.6
    stage.sky()
    grass = mix((122, 132, 84), colors.near, 0.5 if stage.dark else 0.28)
    stage.back.shape(
        ground(ridge(rng, stage.w, stage.horizon, u * 0.1), stage.h), mix(colors.far, colors.low, 0.3), grass
    )
    stage.mist(stage.horizon, 0.1, 0.45)
    for row, rise, dim in ((0.03, 0.03, 0.45), (0.12, 0.045, 0.25)):
        tone = mix(grass, colors.low, dim)
        stage.back.shape(
            ground(waves(rng, stage.w, stage.horizon + u * row, u * rise, 1.3), stage.h),
            tone,
            mix(tone, colors.near, 0.3),
        )
        stage.mist(stage.horizon + u * row, 0.06, 0.25)
    base = stage.horizon + u * 0.2
    stage.mid.shape(
        ground(waves(rng, stage.w, base, u * 0.04, 1.0), stage.h + u),
        mix(grass, colors.near, 0.25),
        mix(grass, colors.fore, 0.6),
    )
    road = [
        (stage.focus + stage.side * u * shift, base + (stage.h - base) * down)
        for down, shift in ((0.02, 0.2), (0.2, 0.05), (0.45, 0.14), (1.0, -0.1))
    ]
    wide = (0.006, 0.02, 0.06, 0.2)
    edge = [(x - u * w, y) for (x, y), w in zip(road, wide, strict=True)] + [
        (x + u * w, y) for (x, y), w in zip(reversed(road), reversed(wide), strict=True)
    ]
    stage.mid.shape(edge, mix(colors.low, grass, 0.3), mix(colors.low, grass, 0.6), soft=u * 0.004, strength=0.7)
    _tree(stage, stage.w * (0.5 + stage.side * 0.26), base + u * 0.06, u * 0.46)
    people(stage, (stage.focus - stage.side * u * 0.05, stage.h - u * 0.12), u * 0.38)
    for _ in range(64):
        x, size = rng.random() * stage.w, u * rng.uniform(0.04, 0.13)
        blade = [
            (x, stage.h + 2),
            (x + size * 0.05, stage.h - size * 0.6),
            (x + size * rng.uniform(-0.4, 0.5), stage.h - size),
            (x + size * 0.12, stage.h + 2),
        ]
        stage.fore.shape(blade, mix(colors.fore, grass, 0.12))


def _tree(stage: Stage, x: float, foot: float, tall: float) -> None:
    colors, rng = stage.colors, stage.rng
    bark, leaf = stage.tone(0.85), stage.tone(0.66)
    trunk = [
        (x - tall * 0.04, foot),
        (x - tall * 0.02, foot - tall * 0.5),
        (x + tall * 0.02, foot - tall * 0.5),
        (x + tall * 0.045, foot),
    ]
    stage.mid.shape(trunk, bark)
    spots = []
    for index in range(22):
        angle, reach = index * 2.4, tall * 0.24 * math.sqrt((index + 0.5) / 22)
        spots.append((x + reach * math.cos(angle) * 1.3, foot - tall * 0.72 + reach * math.sin(angle) * 0.85))
    tones = ((mix(leaf, colors.fore, 0.35), 1.0, 0.0), (leaf, 0.8, 0.025), (mix(leaf, colors.sun, 0.07), 0.62, 0.06))
    for tone, share, shift in tones:
        for cx, cy in spots[:: 1 if share == 1.0 else 2]:
            size = tall * rng.uniform(0.09, 0.13) * share
            cx, cy = cx - stage.side * shift * tall, cy - shift * tall
            stage.mid.oval((cx - size, cy - size * 0.85, cx + size, cy + size * 0.85), tone)
    stage.mid.oval(
        (x - tall * 0.4, foot - tall * 0.02, x + tall * 0.4, foot + tall * 0.04),
        colors.fore,
        soft=tall * 0.02,
        strength=0.4,
    )


def space(stage: Stage) -> None:
    """A planet's lit limb against the stars, a small moon, somebody afloat where one is meant."""
    u, rng, h = stage.u, stage.rng, stage.h
    deep, haze = (8, 11, 20), mix((38, 52, 84), stage.colors.accent, rng.random() * 0.3)
    stage.back.stamp(Image.new("L", stage.size, 255), (0, 0), ramp(stage.size, ((0, deep), (1, mix(deep, haze, 0.35)))))
    dust = cloudy(rng, stage.size, 3).point([max(0, value - 120) * 6 // 10 for value in range(256)])
    stage.back.stamp(dust, (0, 0), mix(haze, (150, 130, 150), 0.3))
    paint_stars(stage.back, rng, h * 1.1, 160, (236, 236, 230))
    cx, cy, r = stage.w * (0.5 + stage.side * 0.2), h * 1.28, u * 0.95
    stage.back.glow((cx, cy), r * 1.22, mix(haze, (150, 200, 240), 0.6), 0.9, 0.6)
    globe = mix((62, 92, 120), stage.brief.coat or stage.colors.accent, 0.25)
    stage.mid.oval((cx - r, cy - r, cx + r, cy + r), mix(globe, (225, 235, 240), 0.45), mix(globe, deep, 0.75))
    for index in range(9):
        y = cy - r * (0.9 - 0.075 * index)
        x, long = cx + rng.uniform(-0.5, 0.4) * r * (0.3 + 0.1 * index), r * rng.uniform(0.1, 0.3)
        thick = u * rng.uniform(0.006, 0.014)
        stage.mid.oval((x - long, y - thick, x + long, y + thick), (232, 236, 234), soft=u * 0.009, strength=0.3)
    mx, my, m = stage.w * (0.5 - stage.side * 0.25), h * 0.28, u * 0.075
    stage.mid.oval((mx - m, my - m, mx + m, my + m), (205, 200, 190))
    stage.mid.oval(
        (mx - m + stage.side * m * 0.55, my - m, mx + m + stage.side * m * 0.55, my + m),
        mix(deep, haze, 0.2),
        soft=m * 0.12,
        strength=0.94,
    )
    people(stage, (stage.focus, h * 0.82), u * 0.4)
