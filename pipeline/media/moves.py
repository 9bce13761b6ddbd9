"""One shot as a film: which pictures it goes through and how the camera moves over them. Knows scenes, no file."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from pipeline.media.board import Card, pinned, stamped
from pipeline.media.camera import Plate, Planes, Slide, ease, planes
from pipeline.media.paint import Color, cloudy
from pipeline.media.scene import Scene, draw_scene
from pipeline.media.scene_light import PALETTES
from pipeline.media.scene_words import dice, read
from pipeline.media.weather import Fall, fall_of

MARGIN = 0.07  # how much wider than the picture a scene is drawn on each side, as a share of the width
HEADROOM = 0.05  # the same above and below, as a share of the height
DEPTHS = (0.3, 0.62, 1.0)  # how far back, middle and front slide, as shares of the margin
DEEPEST_ZOOM = 1.12
_SOFT = 120  # levels over which the wash from one picture to the next is soft


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """What a film is made of: `size` of the picture in pixels, pictures of that size, cards to pin on the scene.

    `goes_on` says that `first` is the end of another drawn film, which is left for a scene of its own.
    """

    prompt: str
    seed: int
    size: tuple[int, int]
    first: Image.Image | None = None
    goes_on: bool = False
    last: Image.Image | None = None
    cards: tuple[Card, ...] = ()
    mark: bool = False


class Footage(Protocol):
    """Something the camera moves over."""

    def at(self, share: float, index: int) -> Planes:
        """What the camera sees when `share` (0 to 1) of the move is done, at picture `index`."""


class Drawn:
    """A drawn scene: its layers slide apart, or the camera goes in or out while the nearest sinks away."""

    def __init__(self, scene: Scene, size: tuple[int, int], cards: Slide | None, fall: Fall | None) -> None:
        self.size = size
        self.move = scene.brief.move
        self.margin = (scene.back.width - size[0]) // 2, (scene.back.height - size[1]) // 2
        self.cards = cards
        self.fall = fall
        fine = size[0] * size[1] < 2_000_000
        upright = self.move in ("rise", "push", "pull")
        self.fore = Slide(*scene.fore, upright=upright, fine=fine)
        if self.move in ("push", "pull"):
            flat = scene.back.copy()
            flat.paste(scene.mid[0], (0, 0), scene.mid[1])
            left, top = self.margin
            self.plate = Plate(flat.crop((left, top, left + size[0], top + size[1])))
            return
        self.back = Slide(scene.back, None, upright=upright, fine=fine)
        self.mid = Slide(*scene.mid, upright=upright, fine=fine)
        self.seen = planes(Image.new("RGB", size))

    def at(self, share: float, index: int) -> Planes:
        """See `Footage`."""
        seen = self._zoomed(share) if self.move in ("push", "pull") else self._slid(share)
        if self.fall is not None:
            self.fall.put(seen, index)
        if self.cards is not None:
            self.cards.put(seen, 0, 0)
        return seen

    def _zoomed(self, share: float) -> Planes:
        inward = share if self.move == "push" else 1 - share
        seen = self.plate.window(1 + 0.09 * inward)
        seen = seen.copy() if seen is self.plate.exact else seen
        self.fore.put(seen, self.margin[0], self.margin[1] * (1.0 - inward))
        return seen

    def _slid(self, share: float) -> Planes:
        way = {"left": -1.0, "right": 1.0, "rise": -1.0}[self.move] * (2 * share - 1)
        seen = self.seen
        for layer, depth in zip((self.back, self.mid, self.fore), DEPTHS, strict=True):
            x, y = (float(side) for side in self.margin)
            if self.move == "rise":
                y += way * depth * self.margin[1]
            else:
                x += way * depth * self.margin[0]
            layer.put(seen, x, y)
        return seen


class Given:
    """A picture that was given: the camera goes in, out or across; `still_first` starts on it exactly."""

    def __init__(self, picture: Image.Image, move: str, chance: random.Random, *, still_first: bool) -> None:
        self.move = "push" if still_first or move == "rise" else move
        self.about = chance.uniform(0.32, 0.68), chance.uniform(0.38, 0.62)
        self.pan: Slide | None = None
        if self.move in ("left", "right"):
            wide, high = picture.size
            larger = (round(wide * DEEPEST_ZOOM / 2) * 2, round(high * DEEPEST_ZOOM / 2) * 2)
            self.room = larger[0] - wide, larger[1] - high
            scaled = picture.resize(larger, Image.Resampling.BICUBIC)
            self.pan = Slide(scaled, None, upright=False, fine=wide * high < 2_000_000)
            self.seen = planes(Image.new("RGB", picture.size))
        else:
            self.plate = Plate(picture)

    def at(self, share: float, index: int) -> Planes:
        """See `Footage`."""
        del index
        if self.pan is not None:
            along = share if self.move == "right" else 1 - share
            self.pan.put(self.seen, self.room[0] * along, self.room[1] / 2)
            return self.seen
        inward = share if self.move == "push" else 1 - share
        return self.plate.window(1 + (DEEPEST_ZOOM - 1) * inward, *self.about)


class Film:
    """A shot from its first to its last picture; `accent` is the colour the eye goes to in it."""

    def __init__(
        self,
        start: Footage,
        then: Footage | None,
        last: Plate | None,
        flat: Image.Image,
        accent: Color,
        wash: Image.Image,
    ) -> None:
        self.start, self.then, self.last = start, then, last
        self.flat = flat
        self.accent = accent
        self.wash = wash
        self.half = wash.reduce(2)

    def still(self) -> Image.Image:
        """The whole shot in one picture."""
        return self.flat

    def picture(self, index: int, count: int) -> Planes:
        """Picture number `index` of `count`."""
        share = index / max(1, count - 1)
        if self.then is None:
            seen = self.start.at(ease(share), index)
        else:
            # The old picture is left between a quarter and three quarters of the time.
            done = ease((share - 0.22) / 0.5)
            if done <= 0:
                seen = self.start.at(ease(share), index)
            elif done >= 1:
                seen = self.then.at(ease(share), index)
            else:
                seen = self._washed(self.start.at(ease(share), index), self.then.at(ease(share), index), done)
        if self.last is not None and share > 0.6:
            goal = self.last.window(1 + 0.04 * (1 - ease((share - 0.6) / 0.4)))
            seen = seen.blend(goal, ease((share - 0.6) / 0.36)) if count > 1 else goal
        return seen

    def _washed(self, old: Planes, new: Planes, done: float) -> Planes:
        """`new` come through `old` as wet colour through paper: darkest places of the wash first."""
        reach = done * (255 + _SOFT)
        level = [round(min(1.0, max(0.0, (reach - value) / _SOFT)) * 255) for value in range(256)]
        mask, half = self.wash.point(level), self.half.point(level)
        return Planes(
            y=Image.composite(new.y, old.y, mask),
            u=Image.composite(new.u, old.u, half),
            v=Image.composite(new.v, old.v, half),
        )


def _scene_of(take: Take) -> Scene:
    wide, high = take.size
    margin = round(wide * MARGIN / 2) * 2, round(high * HEADROOM / 2) * 2
    return draw_scene(take.prompt, take.seed, (wide + 2 * margin[0], high + 2 * margin[1]))


def _drawn(take: Take) -> tuple[Drawn, Image.Image, Color]:
    """The footage of a drawn scene, the same flat, and its accent."""
    scene = _scene_of(take)
    fall = fall_of(scene.brief, take.size)
    cards = None
    left, top = (scene.back.width - take.size[0]) // 2, (scene.back.height - take.size[1]) // 2
    flat = scene.flat().crop((left, top, left + take.size[0], top + take.size[1]))
    if fall is not None:
        fall.put_on(flat)
    board = pinned(take.cards, take.size, take.seed, take.mark)
    if board is not None:
        flat.paste(board[0], (0, 0), board[1])
        cards = Slide(*board, upright=False, fine=False)
    return Drawn(scene, take.size, cards, fall), flat, scene.accent


def compose(take: Take) -> Film:
    """The film of a take."""
    chance = random.Random(dice("camera", take.prompt[:4000], take.seed))
    last = Plate(stamped(take.last, take.mark)) if take.last is not None else None
    brief = read(take.prompt, take.seed)
    accent = brief.coat or PALETTES[brief.light].accent
    # A gradient under the lumps makes the wash run from one side to the other.
    field = Image.linear_gradient("L").rotate(chance.choice((90, 270, 90, 270, 180))).resize(take.size)
    wash = Image.blend(cloudy(chance, take.size, 5), field, 0.55)
    if take.first is None:
        start, flat, accent = _drawn(take)
        return Film(start, None, last, flat, accent, wash)
    first = stamped(take.first, take.mark)
    given = Given(first, brief.move, chance, still_first=take.goes_on or take.last is not None)
    then = _drawn(take)[0] if take.goes_on and take.last is None else None
    return Film(given, then, last, first, accent, wash)
