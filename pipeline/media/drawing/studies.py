"""Scenes of one thing: portrait, character sheet, product; and the abstract. Each paints one stage."""

from __future__ import annotations

import math

from pipeline.media.drawing.cast import somebody
from pipeline.media.drawing.figures import Figure, paint_bust, paint_figure
from pipeline.media.drawing.paint import Color, Point, mix, waves
from pipeline.media.drawing.stage import Stage


def portrait(stage: Stage) -> None:
    """Head and shoulders against soft lights."""
    u, w, h, rng, colors = stage.u, stage.w, stage.h, stage.rng, stage.colors
    stage.back.fill(mix(colors.high, colors.near, 0.4), mix(colors.near, colors.mid, 0.3))
    stage.back.glow((w * (0.5 - stage.side * 0.26), h * 0.35), u * 0.95, mix(colors.low, colors.sun, 0.4), 0.75, 1.8)
    for _ in range(15):
        x, y, size = rng.random() * w, rng.random() * h * 0.85, u * rng.uniform(0.025, 0.1)
        tone = mix(colors.sun, colors.accent, rng.random() * 0.9)
        stage.back.oval(
            (x - size, y - size, x + size, y + size), tone, soft=size * 0.12, strength=rng.uniform(0.06, 0.2)
        )
    who = somebody(stage, turn="front")
    size = u * 0.66
    stage.hero = w * 0.5 + stage.side * u * 0.12
    paint_bust(stage.mid, (w * 0.5 + stage.side * u * 0.12, h - size * 0.82), size, who)
    edge = w * (0.5 - stage.side * 0.52)
    blur = [
        (edge, h * 0.3),
        (edge + stage.side * u * 0.2, h * 0.55),
        (edge + stage.side * u * 0.3, h + 9),
        (edge - stage.side * u * 0.2, h + 9),
    ]
    stage.fore.shape(blur, mix(colors.fore, colors.near, 0.2), soft=u * 0.04, strength=0.9)


def sheet(stage: Stage) -> None:
    """A character sheet: one figure in three views on paper, with height lines and the colours of the costume."""
    u, w, h = stage.u, stage.w, stage.h
    paper, ink = (232, 225, 211), (70, 66, 62)
    stage.back.fill(mix(paper, (255, 255, 255), 0.25), mix(paper, (190, 178, 160), 0.25))
    tall = min(h * 0.74, w * 0.52)
    foot = h * 0.5 + tall * 0.52
    for part in range(9):
        y = foot - tall * part / 8
        stage.back.line(
            [(w * 0.1, y), (w * 0.9, y)], max(1.0, u * 0.0016), mix(paper, ink, 0.26 if part % 4 == 0 else 0.12)
        )
    brief = stage.brief
    coat = brief.coat or mix(stage.colors.accent, (90, 96, 104), 0.35)
    gap = min(w * 0.235, tall * 0.72)
    cx = w * 0.5 - gap * 0.14
    for index, turn in enumerate(("front", "side", "back")):
        x = cx + (index - 1) * gap
        stage.back.line([(x, foot + tall * 0.04), (x, foot - tall * 1.06)], max(1.0, u * 0.0016), mix(paper, ink, 0.16))
        who = Figure(
            coat=coat,
            dark=(52, 50, 52),
            skin=(206, 164, 134),
            turn=turn,
            facing=1,
            lit=-1,
            dress=brief.dress,
            hat=brief.hat,
        )
        paint_figure(stage.mid, (x, foot), tall, who)
    x, size = cx + gap * 1.78, tall * 0.075
    for index, tone in enumerate((coat, mix(coat, (52, 50, 52), 0.5), (206, 164, 134), (52, 50, 52))):
        y = foot - tall * 0.86 + index * size * 2.6
        stage.mid.oval((x - size, y - size, x + size, y + size), mix(tone, ink, 0.25))
        stage.mid.oval((x - size * 0.94, y - size * 0.94, x + size * 0.94, y + size * 0.94), tone)


def product(stage: Stage) -> None:
    """Something on a plinth in a pool of light, a second thing beside it."""
    u, w, h, rng, side = stage.u, stage.w, stage.h, stage.rng, stage.side
    tone = stage.brief.coat or stage.colors.accent
    wall = mix(mix(tone, (236, 230, 220), 0.55), stage.colors.mid, 0.3)
    if stage.dark:
        wall = mix(wall, (24, 24, 30), 0.72)
    table = h * 0.7
    stage.back.fill(mix(wall, (0, 0, 0), 0.28), wall)
    stage.back.glow((w * 0.5 - side * u * 0.12, h * 0.36), u * 0.8, (255, 248, 235), 0.55, 1.8)
    stage.back.block((0, table, w, h), mix(wall, (255, 255, 255), 0.14), mix(wall, (0, 0, 0), 0.34), soft=u * 0.012)
    disc = (w * (0.5 + side * 0.2), h * 0.42, u * 0.27)
    stage.back.oval(
        (disc[0] - disc[2], disc[1] - disc[2], disc[0] + disc[2], disc[1] + disc[2]),
        mix(wall, tone, 0.5),
        mix(wall, tone, 0.25),
    )
    x = w * 0.5 - side * u * 0.03
    base = table + u * 0.1
    stage.mid.oval(
        (x - u * 0.34, base + u * 0.1, x + u * 0.52, base + u * 0.2),
        mix(wall, (0, 0, 0), 0.7),
        soft=u * 0.03,
        strength=0.5,
    )
    side_tone = mix(wall, (0, 0, 0), 0.22)
    stage.mid.block((x - u * 0.3, base, x + u * 0.3, base + u * 0.14), side_tone, mix(side_tone, (0, 0, 0), 0.3))
    stage.mid.oval(
        (x - u * 0.3, base - u * 0.05 + u * 0.14, x + u * 0.3, base + u * 0.05 + u * 0.14),
        mix(side_tone, (0, 0, 0), 0.3),
    )
    stage.mid.oval(
        (x - u * 0.3, base - u * 0.05, x + u * 0.3, base + u * 0.05),
        mix(wall, (255, 255, 255), 0.32),
        mix(wall, (255, 255, 255), 0.1),
    )
    _flask(stage, (x, base), u * rng.uniform(0.4, 0.46), mix(tone, (30, 28, 34), 0.25))
    leaf = mix((70, 88, 70), wall, 0.25)
    for angle in (-0.5, -0.15, 0.2, 0.5):
        px, py = w * (0.5 - side * 0.53), h * 1.02
        tip = (px + side * u * (0.36 + 0.1 * angle), py - u * (0.62 + 0.5 * angle))
        stage.fore.shape(
            [
                (px, py),
                ((px + tip[0]) / 2 - u * 0.05, (py + tip[1]) / 2),
                tip,
                ((px + tip[0]) / 2 + u * 0.05, (py + tip[1]) / 2 + u * 0.02),
            ],
            mix(leaf, (0, 0, 0), 0.35),
            soft=u * 0.01,
            strength=0.92,
        )


def _flask(stage: Stage, at: Point, tall: float, tone: Color) -> None:
    x, y = at
    half, lit = tall * 0.24, -stage.side
    body = [
        (x - half, y - tall * 0.04),
        (x - half, y - tall * 0.56),
        (x - half * 0.8, y - tall * 0.68),
        (x - half * 0.36, y - tall * 0.74),
        (x + half * 0.36, y - tall * 0.74),
        (x + half * 0.8, y - tall * 0.68),
        (x + half, y - tall * 0.56),
        (x + half, y - tall * 0.04),
        (x + half * 0.8, y + tall * 0.01),
        (x - half * 0.8, y + tall * 0.01),
    ]
    stage.mid.shape(body, mix(tone, (255, 255, 255), 0.2), mix(tone, (0, 0, 0), 0.3))
    dim = [
        (x - lit * half, y - tall * 0.04),
        (x - lit * half, y - tall * 0.56),
        (x - lit * half * 0.5, y - tall * 0.66),
        (x - lit * half * 0.45, y),
    ]
    stage.mid.shape(dim, mix(tone, (0, 0, 0), 0.6), soft=tall * 0.02, strength=0.6)
    shine = [
        (x + lit * half * 0.78, y - tall * 0.1),
        (x + lit * half * 0.78, y - tall * 0.54),
        (x + lit * half * 0.58, y - tall * 0.58),
        (x + lit * half * 0.58, y - tall * 0.1),
    ]
    stage.mid.shape(shine, (255, 255, 255), soft=tall * 0.006, strength=0.55)
    cap = mix((212, 190, 150), tone, 0.3)
    stage.mid.block((x - half * 0.4, y - tall * 0.73, x + half * 0.4, y - tall), cap, mix(cap, (0, 0, 0), 0.35))
    label = mix((244, 239, 228), tone, 0.1)
    stage.mid.block((x - half * 0.62, y - tall * 0.18, x + half * 0.62, y - tall * 0.44), label, strength=0.9)
    for row, long in ((0.37, 0.36), (0.32, 0.22), (0.25, 0.3)):
        stage.mid.line(
            [(x - half * long, y - tall * row), (x + half * long, y - tall * row)],
            tall * 0.008,
            mix(tone, (0, 0, 0), 0.3),
            0.7,
        )


def abstract(stage: Stage) -> None:
    """Large quiet discs and flowing bands: a mood board where the words name nothing that can be drawn."""
    u, w, h, rng, colors = stage.u, stage.w, stage.h, stage.rng, stage.colors
    tones = [colors.accent, colors.low, colors.far, colors.near, mix(colors.accent, colors.high, 0.5), colors.mid]
    stage.back.fill(mix(colors.high, colors.near, rng.random() * 0.4), mix(colors.low, colors.mid, rng.random() * 0.6))
    big, x, y = u * rng.uniform(0.25, 0.36), stage.focus, h * rng.uniform(0.34, 0.46)
    stage.back.glow((x, y), big * 2.6, colors.sun, 0.5, 2.0)
    stage.back.oval(
        (x - big, y - big, x + big, y + big), mix(colors.sun, colors.accent, 0.25), mix(colors.accent, colors.low, 0.25)
    )
    small = big * rng.uniform(0.2, 0.42)
    angle = rng.uniform(0, 6.28)
    sx, sy = x + math.cos(angle) * big * 1.5, y + math.sin(angle) * big * 0.75
    stage.mid.oval((sx - small, sy - small, sx + small, sy + small), rng.choice(tones[2:]), soft=0)
    bands = rng.randint(3, 5)
    for index in range(bands):
        share = index / (bands - 1)
        outline = waves(rng, w, h * (0.5 + 0.42 * share), u * rng.uniform(0.05, 0.12), rng.uniform(0.5, 1.5))
        tone = mix(mix(rng.choice(tones), colors.near, 0.35), colors.fore, share * 0.65)
        target = (stage.back, stage.mid, stage.fore)[min(2, round(share * 2))]
        target.shape([*outline, (w, h + u), (0, h + u)], mix(tone, colors.low, 0.25), tone)
        target.line(outline, u * 0.003, mix(tone, colors.sun, 0.5), 0.5)
    if rng.random() < 0.6:
        for ring in (1.25, 1.5):
            arc = [
                (x + big * ring * math.cos(t / 24 * 6.283), y + big * ring * math.sin(t / 24 * 6.283))
                for t in range(25)
            ]
            stage.back.line(arc, u * 0.0025, mix(colors.sun, colors.low, 0.3), 0.5)
