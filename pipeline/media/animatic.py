"""The embedded renderer: draws a rough cut of a shot from its prompt, references and frames, as a storyboard would.

`draw_clip` makes an mp4 of 24 pictures a second, `draw_still` a picture; both carry a slate above and the prompt below
the picture, whose area `picture_box` tells. The same `Drawing` of the same files gives the same bytes on one machine
(text beyond Latin, Greek and Cyrillic is set in the machine's own fonts). Raise `RENDERER_VERSION` with every change
that shows.
"""

from __future__ import annotations

import io
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from PIL import Image

from pipeline.errors import MediaError
from pipeline.media import frames
from pipeline.media.drawing.board import Card
from pipeline.media.drawing.camera import Canvas, Planes, planes
from pipeline.media.drawing.moves import Film, Take, compose
from pipeline.media.drawing.paint import Color
from pipeline.media.drawing.slate import GROUND, INK, RATE, Slate, layout
from pipeline.media.drawing.sound import RATE as SOUND_RATE
from pipeline.media.drawing.sound import sound_bed
from pipeline.media.drawing.words import read
from pipeline.media.encode import Encoder
from pipeline.values import dataclass

RENDERER_VERSION = 1
_PRESET = "ultrafast"
_CRF = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture or video to draw from: of a video its first picture; `name` is written small beneath a reference.

    `drawn` says that this renderer made it, so that its bands are left away and its picture area alone is used.
    """

    path: Path
    drawn: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What to draw: `shot` is an id, `@2` for its second take; sizes in pixels, even; `seed` varies the framing."""

    shot: str
    prompt: str
    width: int
    height: int
    seconds: Decimal
    seed: int
    model: str = ""
    audio: bool = False
    watermark: bool = False
    first_frame: Picture | None = None
    last_frame: Picture | None = None
    references: tuple[Picture, ...] = ()


def picture_box(width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the picture area in a frame of this size, in pixels, all even."""
    return layout(width, height).box


def draw_clip(drawing: Drawing, out: Path) -> None:
    """Draw `drawing` as an mp4 at `out`: H.264 of `round(seconds * 24)` pictures, AAC where `audio` is wanted.

    Raises `MediaError` for pictures that cannot be read and sizes that cannot be drawn, `OSError` when `out` cannot
    be written.
    """
    count = max(1, round(drawing.seconds * RATE))
    film = _film(drawing)
    slate = _slate(drawing, film, count)
    canvas = Canvas(drawing.width, drawing.height)
    canvas.planes.lay(planes(slate.canvas))
    clock = _Clock(slate)
    bed = sound_bed(read(drawing.prompt, drawing.seed), count * SOUND_RATE // RATE) if drawing.audio else iter(())
    rate = SOUND_RATE if drawing.audio else None
    with Encoder(
        out,
        width=drawing.width,
        height=drawing.height,
        fps=Fraction(RATE),
        sound_rate=rate,
        crf=_CRF,
        preset=_PRESET,
    ) as encoder:
        for index in range(count):
            if index % RATE == 0 and (piece := next(bed, b"")):
                encoder.sound(piece)
            film.put(canvas.planes, slate.place.top, index, count)
            clock.put(canvas.planes, index, count)
            encoder.picture(canvas.frame)


def draw_still(drawing: Drawing, out: Path) -> None:
    """Draw `drawing` as one picture at `out`, PNG or JPEG by its suffix, with the same bands as a clip.

    Raises `MediaError` and `OSError` as `draw_clip` does.
    """
    film = _film(drawing)
    slate = _slate(drawing, film, None)
    slate.canvas.paste(film.flat, slate.place.box[:2])
    data = io.BytesIO()
    if out.suffix.lower() in (".jpg", ".jpeg"):
        slate.canvas.save(data, "JPEG", quality=93, subsampling=0)
    else:
        slate.canvas.save(data, "PNG", compress_level=4)
    out.write_bytes(data.getvalue())


def _film(drawing: Drawing) -> Film:
    width, height = drawing.width, drawing.height
    if width % 2 or height % 2 or not 64 <= width <= 8192 or not 64 <= height <= 8192:
        raise MediaError(
            f"A drawing of {width}x{height} pixels cannot be made: both sides must be even, from 64 to 8192.",
            "Ask for a common resolution and ratio.",
        )
    left, top, right, low = picture_box(width, height)
    size = right - left, low - top
    return compose(
        Take(
            prompt=drawing.prompt,
            seed=drawing.seed,
            size=size,
            first=_opened(drawing.first_frame, size),
            goes_on=drawing.first_frame is not None and drawing.first_frame.drawn,
            last=_opened(drawing.last_frame, size),
            cards=tuple(_card(picture) for picture in drawing.references),
            mark=drawing.watermark,
        )
    )


def _slate(drawing: Drawing, film: Film, count: int | None) -> Slate:
    return Slate(
        layout(drawing.width, drawing.height),
        shot=drawing.shot,
        prompt=drawing.prompt,
        model=drawing.model,
        frames=count,
        accent=film.accent,
    )


def _own(picture: Picture) -> Image.Image:
    """What `picture` shows, without the bands where this renderer drew it."""
    image = frames.picture(picture.path).convert("RGB")
    return image.crop(picture_box(*image.size)) if picture.drawn else image


def _opened(picture: Picture | None, size: tuple[int, int]) -> Image.Image | None:
    """The picture cut and scaled to fill `size`; untouched where it has that size already."""
    if picture is None:
        return None
    image = _own(picture)
    if image.size == size:
        return image
    scale = max(size[0] / image.width, size[1] / image.height)
    wide, high = size[0] / scale, size[1] / scale
    left, top = (image.width - wide) / 2, (image.height - high) / 2
    return image.resize(size, Image.Resampling.LANCZOS, (left, top, left + wide, top + high), reducing_gap=3.0)


def _card(picture: Picture) -> Card:
    return Card(image=_own(picture), name=picture.name)


def _levels(color: Color) -> tuple[int, int, int]:
    """A colour as it is written in the planes."""
    flat = planes(Image.new("RGB", (16, 16), color))
    return flat.y.tobytes()[0], flat.u.tobytes()[0], flat.v.tobytes()[0]


class _Clock:
    """The running time and the line that grows with it, laid on the planes of each frame."""

    def __init__(self, slate: Slate) -> None:
        self.slate = slate
        self.signs = slate.digits()
        self.ground, self.ink = _levels(GROUND)[0], _levels(INK)[0]
        self.accent = _levels(slate.accent)

    def put(self, whole: Planes, index: int, count: int) -> None:
        """Write the time of picture `index` of `count`."""
        left, top, right, low = self.slate.clock
        cell = Image.new("L", (right - left, low - top), self.ground)
        x = 0
        for char in self.slate.time(index):
            sign = self.signs[char]
            cell.paste(self.ink, (x, 0), sign)
            x += sign.width
        whole.y.paste(cell, (left, top))
        done = round(self.slate.place.width * (index + 1) / count / 2) * 2
        start, end = self.slate.rule
        whole.y.paste(self.accent[0], (0, start, done, end))
        whole.u.paste(self.accent[1], (0, start // 2, done // 2, end // 2))
        whole.v.paste(self.accent[2], (0, start // 2, done // 2, end // 2))
