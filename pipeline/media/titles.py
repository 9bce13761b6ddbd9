"""A title as letters in the font that is always there: broken into lines, as large as fits, with a soft shadow."""

from __future__ import annotations

from PIL import Image, ImageFilter

from pipeline.media.drawing import lettering as type_case
from pipeline.values import dataclass

LEADING = 1.36  # from one base line to the next, in sizes of the type
_ROOM = (0.84, 0.4)  # of the picture's width and height, for letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Lettering:
    """Masks of the film's size: where there is ink, and where its shadow lies."""

    ink: Image.Image
    shadow: Image.Image


def lettering(text: str, size: tuple[int, int], *, low: bool) -> Lettering:
    """The text in the middle of a picture of `size` pixels, or in its lower third; a line of the text stays a line.

    Letters beyond Latin, Greek and Cyrillic are set in the machine's own fonts.
    """
    width, height = size
    lines, points = _set(text, (width * _ROOM[0], height * _ROOM[1]), round((width * height) ** 0.5 * 0.066))
    ink = Image.new("L", size)
    step = points * LEADING
    middle = height * (0.7 if low else 0.5)
    base = middle - step * (len(lines) - 1) / 2 + points * 0.36
    for line in lines:
        type_case.write(ink, (width - type_case.width(line, points)) / 2, base, line, points)
        base += step
    shadow = ink.filter(ImageFilter.GaussianBlur(points * 0.14)).point([min(170, round(v * 1.1)) for v in range(256)])
    return Lettering(ink=ink, shadow=shadow)


def _set(text: str, room: tuple[float, float], points: int) -> tuple[list[str], int]:
    """The lines of the text and the size of their type, smaller until all of it fits."""
    given = [line for line in map(type_case.plain, text.splitlines()) if line]
    while True:
        most = max(1, int(room[1] / (points * LEADING)))
        lines = [line for part in given for line in type_case.wrap(part, points, room[0], most + 1)]
        if len(lines) <= most or points <= 8:
            return lines[:most], points
        points = max(8, round(points * 0.9))
