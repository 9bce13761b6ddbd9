"""One picture drawn out of others: laid over each other in parts, darkened, lettered, all in the planes of 4:2:0."""

from __future__ import annotations

from fractions import Fraction

from av.video.frame import VideoFrame
from PIL import Image

from pipeline.media.drawing.camera import Canvas, Planes, planes_of
from pipeline.media.titles import Lettering

_BLACK = (16, 128, 128)
_INK = (235, 128, 128)


class Easel:
    """Holds one picture of `size` that is drawn upon; what it gives out changes with the next that is drawn."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._canvas = Canvas(*size)
        self._sizes = size, (size[0] // 2, size[1] // 2)

    def black(self) -> VideoFrame:
        """Nothing but black."""
        self._fill(_BLACK, None)
        return self._canvas.frame

    def copy(self, frame: VideoFrame) -> VideoFrame:
        """The frame on this easel; one that is here already stays as it is."""
        if frame is not self._canvas.frame:
            self._canvas.planes.lay(planes_of(frame))
        return self._canvas.frame

    def over(self, frame: VideoFrame, share: Fraction) -> None:
        """Lays `share`, 0 to 1 in steps of 1/255, of a frame over what is here."""
        full, half = (Image.new("L", size, round(255 * share)) for size in self._sizes)
        self._canvas.planes.lay(planes_of(frame), masks=(full, half))

    def darken(self, share: Fraction) -> None:
        """Takes `share`, 0 to 1, of the light away."""
        level = round(255 * share)
        self._fill(_BLACK, (Image.new("L", self._sizes[0], level), Image.new("L", self._sizes[1], level)))

    def letter(self, letters: Lettering, strength: Fraction) -> None:
        """Writes the letters and their shadow over what is here, at `strength` from 0 to 1."""
        for colour, mask in ((_BLACK, letters.shadow), (_INK, letters.ink)):
            full = mask if strength == 1 else mask.point([round(level * strength) for level in range(256)])
            self._fill(colour, (full, full.reduce(2)))

    def _fill(self, colour: tuple[int, int, int], masks: tuple[Image.Image, Image.Image] | None) -> None:
        full, half = masks or (None, None)
        planes: Planes = self._canvas.planes
        for plane, level, size, mask in (
            (planes.y, colour[0], self._sizes[0], full),
            (planes.u, colour[1], self._sizes[1], half),
            (planes.v, colour[2], self._sizes[1], half),
        ):
            plane.paste(level, (0, 0, *size), mask)
