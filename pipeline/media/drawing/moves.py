"""One shot as a film: which pictures it goes through and how the camera moves over them. Knows scenes, no file."""

from __future__ import annotations

import random
from typing import Protocol

from PIL import Image

from pipeline.media.drawing.board import Card, pinned, stamped
from pipeline.media.drawing.camera import Planes, Plate, Slide, ease, planes
from pipeline.media.drawing.light import PALETTES
from pipeline.media.drawing.paint import Color, cloudy
from pipeline.media.drawing.scene import Scene, draw_scene
from pipeline.media.drawing.weather import Fall, fall_of
from pipeline.media.drawing.words import READ_CHARACTERS, dice, read
from pipeline.values import dataclass

MARGIN = 0.07  # how much wider than the picture a scene is drawn on each side, as a share of the width
HEADROOM = 0.05  # the same above and below, as a share of the height
DEPTHS = (0.3, 0.62, 1.0)  # how far back, middle and front slide, as shares of the margin
MOVES = ("left", "right", "push", "pull", "rise")
DRAWN_ZOOM = 0.09
GIVEN_ZOOM = 1.12
FINE_PIXELS = 2_000_000  # above this a whole pixel is small enough a step
WASH_START, WASH_LASTS = 0.26, 0.36  # when one picture goes over into the next, as shares of the clip
WASH_SOFT = 120  # levels over which that edge is soft
DISSOLVE_START, DISSOLVE_END = 0.63, 0.97  # when the last frame comes in and is all there is
REST = 0.74  # when the camera rests before a last frame


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
    """Something the camera moves over; `rests` says that without the camera nothing in it moves."""

    rests: bool

    def put(self, onto: Planes, top: int, share: float, index: int) -> None:
        """Lay on `onto`, from row `top` down, what is seen when `share` of the move is done, at picture `index`."""


class Drawn:
    """A drawn scene: its layers slide apart, or the camera goes in or out while the nearest sinks away."""

    def __init__(self, scene: Scene, size: tuple[int, int], move: str, cards: Slide | None, fall: Fall | None) -> None:
        self.move = move
        self.margin = (scene.back.width - size[0]) // 2, (scene.back.height - size[1]) // 2
        self.cards = cards
        self.fall = fall
        self.rests = fall is None
        fine = size[0] * size[1] < FINE_PIXELS
        upright = move not in ("left", "right")
        self.fore = Slide(*scene.fore, size, upright=upright, fine=fine)
        if move in ("push", "pull"):
            flat = scene.back.copy()
            flat.paste(scene.mid[0], (0, 0), scene.mid[1])
            left, top = self.margin
            self.plate = Plate(flat.crop((left, top, left + size[0], top + size[1])))
            return
        self.back = Slide(scene.back, None, size, upright=upright, fine=fine)
        self.mid = Slide(*scene.mid, size, upright=upright, fine=fine)

    def put(self, onto: Planes, top: int, share: float, index: int) -> None:
        """See `Footage`."""
        x, y = self.margin
        if self.move in ("push", "pull"):
            inward = share if self.move == "push" else 1 - share
            self.plate.put(onto, top, 1 + DRAWN_ZOOM * inward)
            self.fore.put(onto, top, x, y * (1 - inward))
        else:
            way = (1 if self.move == "right" else -1) * (2 * share - 1)
            for layer, depth in zip((self.back, self.mid, self.fore), DEPTHS, strict=True):
                along = way * depth
                layer.put(onto, top, x + (0 if layer.upright else along * x), y + (along * y if layer.upright else 0))
        if self.fall is not None:
            self.fall.put(onto, top, index)
        if self.cards is not None:
            self.cards.put(onto, top)


class Zoomed:
    """A picture that was given, the camera going in or out; the whole of it is seen at one end."""

    def __init__(self, picture: Image.Image, about: tuple[float, float], *, inward: bool) -> None:
        self.rests = True
        self.plate = Plate(picture)
        self.about = about
        self.inward = inward

    def put(self, onto: Planes, top: int, share: float, index: int) -> None:
        """See `Footage`."""
        del index
        self.plate.put(onto, top, 1 + (GIVEN_ZOOM - 1) * (share if self.inward else 1 - share), *self.about)


class Panned:
    """A picture wider than the window, the camera going across from `start` to `end`, columns of the picture."""

    def __init__(self, picture: Image.Image, size: tuple[int, int], start: float, end: float) -> None:
        self.slide = Slide(picture, None, size, upright=False, fine=size[0] * size[1] < FINE_PIXELS)
        self.rests = True
        self.row = (picture.height - size[1]) / 2
        self.start, self.end = start, end

    def put(self, onto: Planes, top: int, share: float, index: int) -> None:
        """See `Footage`."""
        del index
        self.slide.put(onto, top, self.start + (self.end - self.start) * share, self.row)


class Film:
    """A shot from its first to its last picture; `accent` is the colour the eye goes to in it, `flat` all in one."""

    def __init__(self, start: Footage, flat: Image.Image, accent: Color) -> None:
        self.start = start
        self.flat = flat
        self.accent = accent
        self.then: Footage | None = None
        self.last: Planes | None = None
        self._wash: tuple[Image.Image, Image.Image] | None = None
        self._other: Planes | None = None
        self._rested = False

    def wash_into(self, then: Footage, wash: Image.Image) -> None:
        """Go over into `then`, the darkest places of `wash` first."""
        self.then = then
        self._wash = wash, wash.reduce(2)

    def put(self, onto: Planes, top: int, index: int, count: int) -> None:
        """Lay picture number `index` of `count` on `onto` from row `top` down."""
        share = index / max(1, count - 1)
        if self.last is not None:
            self._put_towards(self.last, onto, top, 1.0 if count == 1 else share, index)
            return
        done = ease((share - WASH_START) / WASH_LASTS) if self.then is not None else 0.0
        if done < 1:
            self.start.put(onto, top, ease(share), index)
        elif self.then is not None:
            self.then.put(onto, top, ease(share), index)
        if self.then is not None and 0 < done < 1:
            other = self._scratch()
            self.then.put(other, 0, ease(share), index)
            onto.lay(other, top, self._masks(done))

    def _put_towards(self, last: Planes, onto: Planes, top: int, share: float, index: int) -> None:
        """The camera comes to rest, the picture dissolves into `last`, which is reached a moment before the end."""
        mixed = ease((share - DISSOLVE_START) / (DISSOLVE_END - DISSOLVE_START))
        move = ease(share / REST)
        if mixed >= 1:
            onto.lay(last, top)
        elif mixed <= 0:
            self.start.put(onto, top, move, index)
        else:
            under = self._scratch()
            if move < 1 or not self._rested:
                self.start.put(under, 0, move, index)
                self._rested = move >= 1 and self.start.rests
            onto.lay(under.blend(last, mixed), top)

    def _scratch(self) -> Planes:
        if self._other is None:
            wide, high = self.flat.size
            half = wide // 2, high // 2
            self._other = Planes(y=Image.new("L", (wide, high)), u=Image.new("L", half), v=Image.new("L", half))
        return self._other

    def _masks(self, done: float) -> tuple[Image.Image, Image.Image]:
        """How much of the new picture has come through the old, as wet colour through paper."""
        if self._wash is None:
            raise AssertionError("a film that goes over has its wash")
        reach = done * (255 + WASH_SOFT)
        level = [round(min(1.0, max(0.0, (reach - value) / WASH_SOFT)) * 255) for value in range(256)]
        return self._wash[0].point(level), self._wash[1].point(level)


def _scene_of(take: Take) -> Scene:
    wide, high = take.size
    margin = round(wide * MARGIN / 2) * 2, round(high * HEADROOM / 2) * 2
    return draw_scene(take.prompt, take.seed, (wide + 2 * margin[0], high + 2 * margin[1]))


def _drawn(take: Take, moves: tuple[str, ...]) -> tuple[Drawn, Image.Image, Color]:
    """The footage of a drawn scene, the same flat, and its accent; its move is one of `moves`."""
    scene = _scene_of(take)
    brief = scene.brief
    fall = fall_of(brief, take.size)
    left, top = (scene.back.width - take.size[0]) // 2, (scene.back.height - take.size[1]) // 2
    flat = scene.flat((left, top, left + take.size[0], top + take.size[1]))
    if fall is not None:
        fall.put_on(flat)
    board = pinned(take.cards, take.size, take.seed, mark=take.mark, right=scene.hero < 0.5)
    cards = None
    if board is not None:
        flat.paste(board[0], (0, 0), board[1])
        cards = Slide(*board, take.size, upright=False, fine=False)
    move = brief.move if brief.move in moves else moves[brief.dice % len(moves)]
    return Drawn(scene, take.size, move, cards, fall), flat, scene.accent


def _given(take: Take, first: Image.Image, move: str) -> Footage:
    """The footage of the first frame: the camera goes over it as the prompt says."""
    chance = random.Random(dice("camera", take.prompt[:READ_CHARACTERS], take.seed))
    wide, high = take.size
    if move in ("left", "right") and take.last is None:
        larger = round(wide * GIVEN_ZOOM / 2) * 2, round(high * GIVEN_ZOOM / 2) * 2
        room = larger[0] - wide
        ends = (0, room) if move == "right" else (room, 0)
        return Panned(first.resize(larger, Image.Resampling.BICUBIC), take.size, *ends)
    about = chance.uniform(0.32, 0.68), chance.uniform(0.38, 0.62)
    return Zoomed(first, about, inward=move != "pull" or take.goes_on)


def _going_on(take: Take, first: Image.Image) -> Film:
    """The film of a shot that goes on from another drawn one: the camera travels on into a scene of its own."""
    then, _, accent = _drawn(take, ("left", "right"))
    wide, high = take.size
    room = round(wide * MARGIN / 2) * 2
    chance = random.Random(dice("wash", take.prompt[:READ_CHARACTERS], take.seed))
    # The wash comes from the side that the camera travels to, and so covers what lies beyond the old picture's edge.
    field = Image.linear_gradient("L").rotate(90 if then.move == "left" else 270)
    wash = Image.blend(cloudy(chance, take.size, 5), field.resize(take.size), 0.6)
    beyond = Image.new("RGB", (wide + room, high))
    rightward = then.move == "right"
    beyond.paste(first, (0 if rightward else room, 0))
    strip = first.crop((wide - room, 0, wide, high) if rightward else (0, 0, room, high))
    beyond.paste(strip.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (wide if rightward else 0, 0))
    film = Film(Panned(beyond, take.size, *((0, room) if rightward else (room, 0))), first, accent)
    film.wash_into(then, wash)
    return film


def compose(take: Take) -> Film:
    """The film of a take."""
    if take.first is None:
        start, flat, accent = _drawn(take, MOVES)
        film = Film(start, flat, accent)
    else:
        brief = read(take.prompt, take.seed)
        first = stamped(take.first, take.mark)
        if take.goes_on and take.last is None:
            film = _going_on(take, first)
        else:
            film = Film(_given(take, first, brief.move), first, brief.coat or PALETTES[brief.light].accent)
    if take.last is not None:
        film.last = planes(stamped(take.last, take.mark))
    return film
