"""A prompt as a drawn scene in three layers that a camera can move apart: the same words and seed, the same scene."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from PIL import Image

from pipeline.media.drawing import land, rooms, studies, water
from pipeline.media.drawing.paint import Color, Sheet, grained, vignetted
from pipeline.media.drawing.stage import Stage
from pipeline.media.drawing.words import Brief, read
from pipeline.values import dataclass

PAINTERS: Mapping[str, Callable[[Stage], None]] = {
    "abstract": studies.abstract,
    "city": land.city,
    "desert": land.desert,
    "field": land.field,
    "forest": land.forest,
    "harbour": water.harbour,
    "interior": rooms.interior,
    "lamp": rooms.lamp,
    "mountain": land.mountain,
    "portrait": studies.portrait,
    "product": studies.product,
    "sea": water.sea,
    "sheet": studies.sheet,
    "space": land.space,
    "stairs": rooms.stairs,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A finished scene: `back` opaque, `mid` and `fore` clear where nothing stands; all of one size in pixels.

    `hero` is where across the eye rests, as a share of the width.
    """

    brief: Brief
    accent: Color
    hero: float
    back: Image.Image
    mid: tuple[Image.Image, Image.Image]
    fore: tuple[Image.Image, Image.Image]

    def flat(self, box: tuple[int, int, int, int] | None = None) -> Image.Image:
        """The three layers as one picture, or the part of it in `box`, nothing moved."""
        box = box or (0, 0, *self.back.size)
        whole = self.back.crop(box)
        for image, alpha in (self.mid, self.fore):
            whole.paste(image.crop(box), (0, 0), alpha.crop(box))
        return whole


def _layer(sheet: Sheet) -> tuple[Image.Image, Image.Image]:
    return sheet.image, sheet.alpha or Image.new("L", sheet.size)


def draw_scene(prompt: str, seed: int, size: tuple[int, int]) -> Scene:
    """The scene of a prompt, `size` pixels."""
    brief = read(prompt, seed)
    stage = Stage(brief, size)
    PAINTERS[brief.place](stage)
    rng = random.Random(brief.dice ^ 1)
    back = vignetted(grained(rng, stage.back.image))
    mid, fore = _layer(stage.mid), _layer(stage.fore)
    return Scene(
        brief=brief,
        accent=stage.colors.accent,
        hero=stage.hero / stage.w,
        back=back,
        mid=(grained(rng, mid[0], 2), mid[1]),
        fore=fore,
    )
