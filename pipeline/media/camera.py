"""How pictures move: layers that slide, plates that are zoomed into, all in the planes of 4:2:0 so that it is quick."""

from __future__ import annotations

from dataclasses import dataclass

import av
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from PIL import Image

from pipeline.media import colour

FINE = 1920  # pixels across that a plate is kept at while zoomed into, so that its edges move by less than a pixel


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

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.y.size

    def copy(self) -> Planes:
        """The same picture to paint on."""
        return Planes(y=self.y.copy(), u=self.u.copy(), v=self.v.copy())

    def blend(self, other: Planes, share: float) -> Planes:
        """This picture with `share` (0 to 1) of `other`."""
        return Planes(
            y=Image.blend(self.y, other.y, share),
            u=Image.blend(self.u, other.u, share),
            v=Image.blend(self.v, other.v, share),
        )


def _plane(frame: av.VideoFrame, index: int) -> Image.Image:
    plane = frame.planes[index]
    whole = Image.frombuffer("L", (plane.line_size, plane.height), bytes(plane), "raw", "L", 0, 1)
    return whole.crop((0, 0, plane.width, plane.height))


def planes_of(frame: av.VideoFrame) -> Planes:
    """The planes of a yuv420p frame."""
    return Planes(y=_plane(frame, 0), u=_plane(frame, 1), v=_plane(frame, 2))


def planes(picture: Image.Image) -> Planes:
    """The planes of an RGB picture whose sides are even."""
    frame = av.VideoFrame(picture.width, picture.height, "rgb24")
    colour.fill_rgb(frame, picture.tobytes())
    return planes_of(colour.to_bt709(frame, VideoReformatter()))


def frame_of(whole: Planes) -> av.VideoFrame:
    """The planes as a yuv420p frame, tagged BT.709 limited."""
    frame = av.VideoFrame(*whole.size, "yuv420p")
    for plane, image in zip(frame.planes, (whole.y, whole.u, whole.v), strict=True):
        wide = image if image.width == plane.line_size else image.crop((0, 0, plane.line_size, image.height))
        memoryview(plane)[: plane.line_size * image.height] = wide.tobytes()
    frame.colorspace = Colorspace.ITU709
    frame.color_range = ColorRange.MPEG
    return frame


class Slide:
    """A layer that slides along one axis in quarters of a pixel; clear where `alpha` is 0, opaque without it."""

    def __init__(self, picture: Image.Image, alpha: Image.Image | None, *, upright: bool, fine: bool) -> None:
        self.upright = upright
        self.parts = 4 if fine else 1
        self.empty = alpha is not None and alpha.getbbox() is None
        self.box = (0, 0, *picture.size)
        if self.empty:
            return
        if alpha is not None:
            left, top, right, low = alpha.getbbox() or self.box
            left, top = left // 2 * 2, top // 2 * 2
            right, low = min(picture.width, (right + 5) // 2 * 2), min(picture.height, (low + 5) // 2 * 2)
            self.box = (left, top, right, low)
            picture, alpha = picture.crop(self.box), alpha.crop(self.box)
        whole = planes(picture)
        self.bright = self._steps(whole.y)
        self.tints = self._steps(whole.u), self._steps(whole.v)
        self.cover = self._steps(alpha) if alpha else None
        self.half = self._steps(alpha.reduce(2)) if alpha else None

    def _steps(self, image: Image.Image) -> list[Image.Image]:
        """The image moved back by 0, 1/4, 1/2 and 3/4 of a pixel: neighbours mixed once, not for every frame."""
        one = (0, 1, image.width, image.height + 1) if self.upright else (1, 0, image.width + 1, image.height)
        beside = image.crop(one)
        edge = (0, image.height - 1) if self.upright else (image.width - 1, 0)
        beside.paste(image.crop((*edge, image.width, image.height)), edge)
        return [image] + [Image.blend(image, beside, part / self.parts) for part in range(1, self.parts)]

    def _put(
        self, onto: Image.Image, steps: list[Image.Image], cover: list[Image.Image] | None, at: tuple[float, float]
    ) -> None:
        along = at[1] if self.upright else at[0]
        whole, part = divmod(round(along * self.parts), self.parts)
        x, y = (round(at[0]), whole) if self.upright else (whole, round(at[1]))
        left, top = max(0, x), max(0, y)
        right = min(steps[0].width, x + onto.width)
        low = min(steps[0].height, y + onto.height)
        if right <= left or low <= top:
            return
        window = (left, top, right, low)
        mask = cover[part].crop(window) if cover else None
        onto.paste(steps[part].crop(window), (left - x, top - y), mask)

    def put(self, onto: Planes, x: float, y: float) -> None:
        """Lay the layer on `onto` so that its column `x` and row `y`, in pixels, come to the left top corner."""
        if self.empty:
            return
        x, y = x - self.box[0], y - self.box[1]
        self._put(onto.y, self.bright, self.cover, (x, y))
        for image, steps in zip((onto.u, onto.v), self.tints, strict=True):
            self._put(image, steps, self.half, (x / 2, y / 2))


class Plate:
    """A picture that the camera zooms into; `window` gives what it sees, of the size of the picture given."""

    def __init__(self, picture: Image.Image) -> None:
        self.size = picture.size
        self.exact = planes(picture)
        times = max(1.0, min(2.0, FINE / picture.width))
        wide, high = round(picture.width * times / 2) * 2, round(picture.height * times / 2) * 2
        scaled = colour.to_bt709(
            frame_of(self.exact), VideoReformatter(), width=wide, height=high, interpolation=Interpolation.BICUBIC
        )
        self.fine = planes_of(scaled)
        self.reformatter = VideoReformatter()

    def window(self, zoom: float, x: float = 0.5, y: float = 0.5) -> Planes:
        """The picture enlarged `zoom` times (1 or more) about the point `x`, `y` (shares of width and height)."""
        if zoom <= 1.0:
            return self.exact
        wide, high = self.fine.size
        across, down = round(wide / zoom / 2) * 2, round(high / zoom / 2) * 2
        left, top = round((wide - across) * x), round((high - down) * y)
        box = (left, top, left + across, top + down)
        half = (left // 2, top // 2, left // 2 + across // 2, top // 2 + down // 2)
        part = Planes(y=self.fine.y.crop(box), u=self.fine.u.crop(half), v=self.fine.v.crop(half))
        seen = self.reformatter.reformat(
            frame_of(part), *self.size, format="yuv420p", interpolation=Interpolation.BILINEAR, threads=1
        )
        return planes_of(seen)
