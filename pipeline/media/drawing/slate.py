"""The bands around the picture: above it shot, take, model and running time, below it the prompt. Knows text, no scene.

The bands never cover the picture, so that a picture can be taken out of a frame and drawn on.
"""

from __future__ import annotations

from PIL import Image

from pipeline.media.drawing import lettering
from pipeline.media.drawing.paint import Color
from pipeline.values import dataclass

GROUND: Color = (17, 18, 20)
INK: Color = (236, 231, 221)
QUIET: Color = (139, 137, 131)
RULE: Color = (46, 47, 50)
RATE = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where things stand in a frame of `width` x `height` pixels; `top` and `low` are the bands' heights."""

    width: int
    height: int
    top: int
    low: int
    margin: int
    size: int
    lines: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The picture area: left, top, right, bottom."""
        return 0, self.top, self.width, self.height - self.low


def _even(value: float) -> int:
    return max(2, round(value / 2) * 2)


def layout(width: int, height: int) -> Layout:
    """The layout for a frame of this size, the same in proportion at every size of a ratio.

    At 1280x720 and 720x1280 the bands end where the encoder's blocks of 16 do, which it does quicker.
    """
    unit = (width * height) ** 0.5 / 960
    tall = height > width * 1.15
    top, low = _even((64 if tall else 48) * unit), _even((160 if tall else 96) * unit)
    size = max(7, round((25 if tall else 23) * unit))
    if top + low > height * 0.42:
        top, low = _even(height * 0.12), _even(height * 0.26)
    margin, lines = round(30 * unit), 4 if tall else 2
    return Layout(width=width, height=height, top=top, low=low, margin=margin, size=size, lines=lines)


def timecode(frame: int) -> str:
    """Frame number `frame` as minutes, seconds and frames at 24 a second."""
    seconds, part = divmod(frame, RATE)
    return f"{seconds // 60:02d}:{seconds % 60:02d}:{part:02d}"


class Slate:
    """The bands of one drawing, painted once; only the running time is drawn anew for each frame.

    `frames` is how many pictures the clip has, None for a still, which has no running time.
    """

    def __init__(self, place: Layout, *, shot: str, prompt: str, model: str, frames: int | None, accent: Color) -> None:
        self.place = place
        self.accent = accent
        self.frames = frames or 0
        self.still = frames is None
        self.small = max(6, round(place.size * 0.74))
        self.base = round(place.top * 0.5 + place.size * 0.36)
        self.digit = max(lettering.width(digit, self.small, bold=True) for digit in "0123456789")
        self.canvas = Image.new("RGB", (place.width, place.height), GROUND)
        self._caption(prompt)
        self.clock = self._clock_box()
        self._title(shot, model)

    def _ink(self, text: str, left: float, base: float, size: int, color: Color, *, bold: bool = False) -> float:
        mask = Image.new("L", (self.canvas.width, round(size * 2.2)))
        end = lettering.write(mask, left, size * 1.5, text, size, bold=bold)
        self.canvas.paste(color, (0, round(base - size * 1.5)), mask)
        return end

    def _caption(self, prompt: str) -> None:
        place = self.place
        text = lettering.plain(prompt)
        room = place.width - 2 * place.margin
        lines = lettering.wrap(text, place.size, room, place.lines)
        step = place.size * 1.36
        top = place.height - place.low
        base = top + (place.low - step * len(lines)) / 2 + place.size * 1.04
        for index, line in enumerate(lines):
            left = float(place.margin)
            if not lettering.is_rightward(text):
                left = place.width - place.margin - lettering.width(line, place.size)
            self._ink(line, left, base + index * step, place.size, INK)

    def _clock_box(self) -> tuple[int, int, int, int]:
        """Where the running time stands: even on every side, for the colour's half resolution."""
        place = self.place
        wide = self._digits_width("00:00:00")
        total = lettering.width(self._length(), self.small)
        right = place.width - place.margin - total
        left = int(right - wide) // 2 * 2
        half = round(self.small * 0.72)
        middle = place.top // 2
        return left, (middle - half) // 2 * 2, left + round(wide + 3) // 2 * 2, (middle + half) // 2 * 2

    def _length(self) -> str:
        return "" if self.still else f"  / {timecode(self.frames)}"

    def _digits_width(self, text: str) -> float:
        return sum(self.digit * (0.5 if char == ":" else 1.0) for char in text)

    def _title(self, shot: str, model: str) -> None:
        place = self.place
        name, _, take = lettering.plain(shot).partition("@")
        limit = (self.clock[0] if not self.still else place.width - place.margin) - place.margin
        room = limit - place.margin
        tick = round(place.size * 0.2)
        mark = (
            place.margin,
            round(self.base - place.size * 0.8),
            place.margin + tick,
            round(self.base + place.size * 0.08),
        )
        self.canvas.paste(self.accent, mark)
        left = place.margin + tick + place.size * 0.6
        shown = lettering.wrap(name, place.size, max(place.size * 3.0, room * 0.55), 1)
        left = self._ink(shown[0] if shown else "–", left, self.base, place.size, INK, bold=True)
        for text in (f"take {take or 1}", lettering.plain(model)):
            gap = place.size * 0.9
            if text and left + gap + lettering.width(text, self.small) < limit:
                left = self._ink(text, left + gap, self.base, self.small, QUIET)
        if self.still:
            self._ink(
                "still", place.width - place.margin - lettering.width("still", self.small), self.base, self.small, QUIET
            )
        else:
            self._ink(self._length(), self.clock[2], self.base, self.small, QUIET)
        rule = max(2, round(place.size * 0.09) // 2 * 2)
        self.canvas.paste(RULE, (0, place.top - rule, place.width, place.top))
        self.rule = (place.top - rule, place.top)

    def time(self, frame: int) -> str:
        """What the clock shows at picture `frame`."""
        return timecode(frame)

    def digits(self) -> dict[str, Image.Image]:
        """Each sign of the running time as a grey picture as high as the clock's box."""
        height = self.clock[3] - self.clock[1]
        out = {}
        for char in "0123456789:":
            cell = self._digits_width(char)
            mask = Image.new("L", (max(1, round(cell)), height))
            own = lettering.width(char, self.small, bold=True)
            lettering.write(mask, (cell - own) / 2, self.base - self.clock[1], char, self.small, bold=True)
            out[char] = mask
        return out
