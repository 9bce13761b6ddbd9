"""Who of a brief stands in a scene, dressed for its light. Knows stage and figures."""

from __future__ import annotations

from pipeline.media.drawing.figures import Figure, paint_figure
from pipeline.media.drawing.paint import Point, mix
from pipeline.media.drawing.stage import Stage


def somebody(stage: Stage, *, turn: str = "back", facing: int | None = None, pose: str = "") -> Figure:
    """The person of the brief, in this stage's light."""
    brief, colors = stage.brief, stage.colors
    night = {"night": 0.45, "storm": 0.3, "dusk": 0.22, "fog": 0.2}.get(brief.light, 0.08)
    coat = brief.coat or mix(colors.accent, colors.near, 0.35)
    return Figure(
        coat=mix(coat, colors.fore, night),
        dark=mix(colors.fore, (40, 38, 40), 0.3),
        skin=mix((214, 168, 136), colors.near, 0.2 + night),
        pose=pose or (brief.pose if brief.pose != "sit" else "stand"),
        turn=turn,
        facing=facing if facing is not None else -stage.side,
        lit=-stage.side,
        dress=brief.dress,
        hat=brief.hat,
    )


def people(stage: Stage, foot: Point, tall: float) -> None:
    """Whoever the brief mentions, around `foot`, on the middle sheet."""
    count = stage.brief.people
    if count:
        stage.hero = foot[0]
    for index in range(count):
        turn = ("back", "side", "back")[index]
        shift = (0.0, 0.42, -0.36)[index] * tall
        size = tall * (1, 0.94, 0.9)[index]
        who = somebody(stage, turn=turn if stage.brief.pose != "walk" else "side")
        if index:
            grey = mix(stage.colors.near, stage.colors.fore, 0.3 + 0.3 * index)
            who = Figure(
                coat=grey, dark=who.dark, skin=who.skin, pose=who.pose, turn=turn, facing=who.facing, lit=who.lit
            )
        paint_figure(stage.mid, (foot[0] + shift, foot[1] + index * 0.01 * tall), size, who)
