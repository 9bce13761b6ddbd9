"""The studio behind the desks: draws what jobs ask for, once per sheet, and takes stills from what it drew."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Coroutine
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from pipeline.emulators.inputs import Inputs
from pipeline.emulators.jobs import Job, Sheet
from pipeline.errors import MediaError
from pipeline.media import frames
from pipeline.media.animatic import Drawing, Picture, draw_clip, draw_still, picture_box
from pipeline.media.upscale import upscale

TYPES = {"mp4": "video/mp4", "png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
_SMALL = (160, 90)
_DRAWERS = 2
_BAND_TOLERANCE = 24

Spawn = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


class Studio:
    """Results by the digest of their sheet, in `folder`; with `draw` off every result is a small one."""

    def __init__(self, folder: Path, inputs: Inputs, *, draw: bool) -> None:
        self.folder, self.inputs, self.draw = folder, inputs, draw
        folder.mkdir(parents=True, exist_ok=True)
        self.spawn: Spawn = lambda work: None
        self.drawn: Callable[[], None] = lambda: None
        self._at_work: set[Path] = set()
        self._given_up: set[Path] = set()
        self._limiter: anyio.CapacityLimiter | None = None

    def ready(self, job: Job) -> bool:
        """Whether a job's result can be fetched; begins to draw it where not."""
        if job.sheet is None:
            return True
        path = self.path(job.sheet)
        if path.exists() or path in self._given_up:
            return True
        if path not in self._at_work:
            self._at_work.add(path)
            self.spawn(partial(self._draw, job.sheet))
        return False

    def sheet(self, sheet: Sheet) -> Sheet:
        """The sheet as it is drawn: small and alike where drawing is off."""
        if self.draw:
            return sheet
        width, height = _SMALL
        return Sheet(form=sheet.form, width=width, height=height, seconds=sheet.seconds, prompt="rehearsal")

    def path(self, sheet: Sheet) -> Path:
        """Where a sheet's result lies or will lie."""
        sheet = self.sheet(sheet)
        return self.folder / f"{sheet.key()}.{'jpg' if sheet.form == 'jpeg' else sheet.form}"

    async def still(self, sheet: Sheet, which: str) -> Path:
        """The true last picture of a clip as PNG (`last`), or its first as JPEG (`poster`)."""
        clip = self.path(sheet)
        path = clip.with_suffix(".last.png" if which == "last" else ".poster.jpg")
        if not path.exists():
            await anyio.to_thread.run_sync(_last if which == "last" else _poster, clip, path)
        return path

    async def _draw(self, sheet: Sheet) -> None:
        path = self.path(sheet)
        self._limiter = self._limiter or anyio.CapacityLimiter(_DRAWERS)
        try:
            await anyio.to_thread.run_sync(
                self._make, self.sheet(sheet), path, abandon_on_cancel=True, limiter=self._limiter
            )
        except (MediaError, OSError, ValueError):
            self._given_up.add(path)  # the job ends, and its link finds nothing
        finally:
            self._at_work.discard(path)
            self.drawn()

    def _make(self, sheet: Sheet, path: Path) -> None:
        part = path.with_name(f"{random.getrandbits(48):012x}.part{path.suffix}")
        try:
            try:
                self._one(sheet, part)
            except MediaError:  # an input that cannot be drawn from; the job is drawn without
                self._one(replace(sheet, first="", last="", references=(), source="", target=""), part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def _one(self, sheet: Sheet, out: Path) -> None:
        if sheet.source and sheet.target:
            upscale(self.inputs.path(sheet.source), out, to=sheet.target)
            return
        drawing = Drawing(
            shot=sheet.model or "rehearsal",
            prompt=sheet.prompt,
            width=sheet.width,
            height=sheet.height,
            seconds=Decimal(sheet.seconds or 0),
            seed=sheet.seed,
            model=sheet.model,
            audio=sheet.audio,
            watermark=sheet.watermark,
            first_frame=self._picture(sheet.first),
            last_frame=self._picture(sheet.last),
            references=tuple(
                picture for n, name in enumerate(sheet.references, 1) if (picture := self._picture(name, str(n)))
            ),
        )
        if sheet.form == "mp4":
            draw_clip(drawing, out)
        elif sheet.form == "webp":
            png = out.with_suffix(".png")
            draw_still(drawing, png)
            data = io.BytesIO()
            frames.picture(png).save(data, "WEBP")
            png.unlink()
            out.write_bytes(data.getvalue())
        else:
            draw_still(drawing, out)

    def _picture(self, name: str, label: str = "") -> Picture | None:
        if not name:
            return None
        path = self.inputs.path(name)
        return Picture(path=path, drawn=drawn_here(path), name=label) if path.exists() else None


def drawn_here(path: Path) -> bool:
    """Whether a picture has the renderer's dark bands, so that its picture area alone is carried on."""
    image = frames.picture(path).convert("RGB")
    left, top, right, low = picture_box(*image.size)
    if (left, top, right, low) == (0, 0, *image.size) or top < 2 or low > image.height - 2:
        return False
    corners = [image.getpixel((x, y)) for x in (1, image.width - 2) for y in (top // 2, image.height - 2)]
    return all(isinstance(c, tuple) and max(c[:3]) < _BAND_TOLERANCE for c in corners)


def _last(clip: Path, out: Path) -> None:
    part = out.with_name(f"{random.getrandbits(48):012x}.part.png")
    frames.last_frame(clip, part)
    part.replace(out)


def _poster(clip: Path, out: Path) -> None:
    part = out.with_name(f"{random.getrandbits(48):012x}.part.jpg")
    frames.picture(clip).save(part, "JPEG", quality=85)
    part.replace(out)
