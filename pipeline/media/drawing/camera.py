"""How pictures move: layers that slide, plates that are zoomed into, all in the planes of 4:2:0 so that it is quick."""

from __future__ import annotations

from collections.abc import Sequence

import av
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from PIL import Image

from pipeline.media import colour
from pipeline.values import dataclass

COSTLY = 20  # how many rectangles cost as much time as laying a whole picture through a mask
FINE = 1600  # pixels across that a plate is kept at while zoomed into, so that its edges move by less than a pixel


Area = tuple[int, int, int, int]


def ease(share: float) -> float:
    """0 to 1 for 0 to 1, starting and ending at rest."""
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planes:
    """A picture as brightness and two colours of half its width and height, BT.709 limited."""

    y: Image.Image
    u: Image.Image
    v: Image.Image

    def lay(self, other: Planes, top: int = 0, masks: tuple[Image.Image, Image.Image] | None = None) -> None:
        """Lay `other` on this picture from the even row `top` down, through masks of full and of half size if given."""
        full, half = masks or (None, None)
        self.y.paste(other.y, (0, top), full)
        self.u.paste(other.u, (0, top // 2), half)
        self.v.paste(other.v, (0, top // 2), half)

    def blend(self, other: Planes, share: float) -> Planes:
        """A new picture: `share` (0 to 1) of `other`, which has the same size, the rest of it from here."""
        return Planes(
            y=Image.blend(self.y, other.y, share),
            u=Image.blend(self.u, other.u, share),
            v=Image.blend(self.v, other.v, share),
        )

    def crop(self, left: int, top: int, wide: int, high: int) -> Planes:
        """A part of the picture; its colours start on the nearest even column and row."""
        box = (left // 2, top // 2, left // 2 + wide // 2, top // 2 + high // 2)
        return Planes(y=self.y.crop((left, top, left + wide, top + high)), u=self.u.crop(box), v=self.v.crop(box))


def _shared(frame: av.VideoFrame) -> Planes:
    """The memory of a frame as pictures, as wide as its rows are long; writable where Pillow allows it."""
    views = []
    for plane in frame.planes:
        size = plane.line_size, plane.height
        view = Image.frombuffer("L", size, memoryview(plane), "raw", "L", 0, 1)  # type: ignore[arg-type]
        view.readonly = 0
        views.append(view)
    return Planes(y=views[0], u=views[1], v=views[2])


class Canvas:
    """A yuv420p frame that Pillow paints on: `planes` to paint, `frame` to encode or scale."""

    def __init__(self, width: int, height: int) -> None:
        self._frame = av.VideoFrame(width, height, "yuv420p")
        self._frame.colorspace = Colorspace.ITU709
        self._frame.color_range = ColorRange.MPEG
        self.planes = _shared(self._frame)
        self.planes.y.paste(77, (0, 0, 2, 2))
        # A Pillow that copies instead of sharing costs a copy for each frame, nothing else.
        self._copies = bytes(memoryview(self._frame.planes[0])[:2]) != b"MM"

    @property
    def frame(self) -> av.VideoFrame:
        """The frame with all that was painted."""
        if self._copies:
            for plane, image in zip(self._frame.planes, (self.planes.y, self.planes.u, self.planes.v), strict=True):
                memoryview(plane)[: image.width * image.height] = image.tobytes()
        return self._frame


def planes_of(frame: av.VideoFrame) -> Planes:
    """The planes of a yuv420p frame, cut to its size."""
    wide, high = frame.width, frame.height
    whole = _shared(frame)
    half = (0, 0, (wide + 1) // 2, (high + 1) // 2)
    return Planes(y=whole.y.crop((0, 0, wide, high)), u=whole.u.crop(half), v=whole.v.crop(half))


def planes(picture: Image.Image) -> Planes:
    """The planes of an RGB picture whose sides are even."""
    frame = av.VideoFrame(picture.width, picture.height, "rgb24")
    colour.fill_rgb(frame, picture.tobytes())
    return planes_of(colour.to_bt709(frame, VideoReformatter()))


class Slide:
    """A layer seen through a window of `size`: it slides along one axis in quarters of a pixel.

    Clear where `alpha` is 0, opaque without it; `upright` slides up and down; `fine` is worth it for small pictures.
    """

    def __init__(
        self,
        picture: Image.Image,
        alpha: Image.Image | None,
        size: tuple[int, int],
        *,
        upright: bool,
        fine: bool = True,
    ) -> None:
        self.size = size
        self.upright = upright
        self.parts = 4 if fine else 1
        whole = (0, 0, *picture.size)
        self._boxes = [(whole, True)] if alpha is None else _covered(alpha, whole, size[0] * size[1] / COSTLY)
        color = planes(picture)
        self._bright = self._steps(color.y)
        self._tints = self._steps(color.u), self._steps(color.v)
        self._cover = self._steps(alpha) if alpha else []
        self._half = self._steps(alpha.reduce(2)) if alpha else []

    def _steps(self, image: Image.Image) -> list[Image.Image]:
        """The image moved back by 0, 1/4, 1/2 and 3/4 of a pixel: neighbours mixed once, not for every frame."""
        if self.parts == 1:
            return [image]
        one = (0, 1, image.width, image.height + 1) if self.upright else (1, 0, image.width + 1, image.height)
        beside = image.crop(one)
        edge = (0, image.height - 1) if self.upright else (image.width - 1, 0)
        beside.paste(image.crop((*edge, image.width, image.height)), edge)
        return [image] + [Image.blend(image, beside, part / self.parts) for part in range(1, self.parts)]

    def put(self, onto: Planes, top: int, x: float = 0, y: float = 0) -> None:
        """Lay the layer on `onto` from row `top` down, its column `x` and row `y` in the left top corner."""
        self._put(onto.y, self._bright, self._cover, (x, y, top), 1)
        for image, steps in zip((onto.u, onto.v), self._tints, strict=True):
            self._put(image, steps, self._half, (x / 2, y / 2, top // 2), 2)

    def _put(
        self,
        onto: Image.Image,
        steps: list[Image.Image],
        cover: list[Image.Image],
        at: tuple[float, float, int],
        coarse: int,
    ) -> None:
        along = at[1] if self.upright else at[0]
        whole, part = divmod(round(along * self.parts), self.parts)
        x, y = (round(at[0]), whole) if self.upright else (whole, round(at[1]))
        image = steps[part]
        last = min(image.width, x + self.size[0] // coarse), min(image.height, y + self.size[1] // coarse)
        for box, opaque in self._boxes:
            left, top = max(0, x, box[0] // coarse), max(0, y, box[1] // coarse)
            right, low = min(last[0], box[2] // coarse), min(last[1], box[3] // coarse)
            if right > left and low > top:
                window = (left, top, right, low)
                mask = None if opaque else cover[part].crop(window)
                onto.paste(image.crop(window), (left - x, top - y + at[2]), mask)


def _covered(alpha: Image.Image, box: Area, costly: float) -> list[tuple[Area, bool]]:
    """The rectangles, even on every side, outside of which `box` of a layer is clear; with each, whether it is opaque.

    Cut finer only where that spares more than another rectangle costs, which is as much as `costly` mixed pixels.
    """
    inked = alpha.crop(box).getbbox()
    if inked is None:
        return []
    # A layer that slides mixes each pixel with its neighbour: look one further on both sides.
    left, top = max(box[0], (box[0] + inked[0] - 2) // 2 * 2), max(box[1], (box[1] + inked[1] - 2) // 2 * 2)
    right, low = min(box[2], (box[0] + inked[2] + 1) // 2 * 2), min(box[3], (box[1] + inked[3] + 1) // 2 * 2)
    own = (left, top, right, low)
    beyond = (left, top, min(alpha.width, right + 2), min(alpha.height, low + 2))
    if alpha.crop(beyond).getextrema()[0] == 255:
        return [(own, True)]
    wide, high = right - left, low - top
    whole = [(own, False)]
    if wide * high < 2 * costly:
        return whole
    halves = [(left, top, left + wide // 4 * 2, low), (left + wide // 4 * 2, top, right, low)]
    if high > wide / 2:
        halves = [(left, top, right, top + high // 4 * 2), (left, top + high // 4 * 2, right, low)]
    parts = [part for half in halves for part in _covered(alpha, half, costly)]
    return min((whole, parts), key=lambda boxes: _cost(boxes, costly))


def _cost(boxes: Sequence[tuple[Area, bool]], costly: float) -> float:
    """What laying these rectangles costs, in mixed pixels; opaque ones are five times quicker."""
    return sum(costly + (box[2] - box[0]) * (box[3] - box[1]) * (0.2 if opaque else 1.0) for box, opaque in boxes)


class Plate:
    """A picture that the camera zooms into, shown at its own size."""

    def __init__(self, picture: Image.Image) -> None:
        self.size = picture.size
        self.exact = planes(picture)
        times = max(1.0, min(2.0, FINE / picture.width))
        wide, high = round(picture.width * times / 2) * 2, round(picture.height * times / 2) * 2
        canvas = Canvas(*self.size)
        canvas.planes.lay(self.exact)
        self._fine_size = wide, high
        self._fine = planes_of(
            colour.to_bt709(
                canvas.frame, VideoReformatter(), width=wide, height=high, interpolation=Interpolation.BICUBIC
            )
        )
        self._reformatter = VideoReformatter()
        self._part = canvas
        self._seen: tuple[tuple[int, int, int, int], Planes] | None = None

    def put(self, onto: Planes, top: int, zoom: float, x: float = 0.5, y: float = 0.5) -> None:
        """Lay the picture, enlarged `zoom` times about the point `x`, `y` (shares), on `onto` from row `top` down.

        At a zoom of 1 it is the picture itself, untouched.
        """
        if zoom <= 1.0:
            onto.lay(self.exact, top)
            return
        wide, high = self._fine_size
        across, down = round(wide / zoom / 2) * 2, round(high / zoom / 2) * 2
        part = (round((wide - across) * x), round((high - down) * y), across, down)
        if self._seen is None or self._seen[0] != part:
            if (self._part.frame.width, self._part.frame.height) != (across, down):
                self._part = Canvas(across, down)
            self._part.planes.lay(self._fine.crop(*part))
            seen = self._reformatter.reformat(
                self._part.frame, *self.size, format="yuv420p", interpolation=Interpolation.BILINEAR, threads=1
            )
            self._seen = part, planes_of(seen)
        onto.lay(self._seen[1], top)
