"""What Seedancee2 takes and refuses (S3:124-149, S3:372-387) and what it costs (S3:98-107)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipeline.emulators.ark import RATIOS, frame_size
from pipeline.emulators.call import Call
from pipeline.emulators.inputs import Limits, Seen, Unreadable, complaint
from pipeline.emulators.jobs import Sheet

RATES = {  # S3:105-107
    "pro": {"480p": 10, "720p": 20, "1080p": 50},
    "fast": {"480p": 8, "720p": 16},
    "mini": {"480p": 5, "720p": 10},
}
FIELDS = (
    "prompt",
    "generation_type",
    "image_urls",
    "video_url",
    "video_urls",
    "audio_urls",
    "start_image_url",
    "end_image_url",
    "duration",
    "resolution",
    "aspect_ratio",
    "generate_audio",
    "watermark",
    "seed",
    "return_last_frame",
)
IMAGE = Limits(kind="image", formats=("jpeg", "png", "webp", "bmp", "tiff", "gif"))  # S3:376
VIDEO = Limits(kind="video")
AUDIO = Limits(kind="audio")


class Invalid(Exception):
    """A request that is refused with invalid_request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request that was understood."""

    price: Decimal
    sheet: Sheet
    last_frame: bool


def price(model: str, resolution: str, seconds: int) -> Decimal:
    """Credits of one output (S3:101); references cost nothing."""
    return Decimal(RATES[model][resolution] * seconds)


@dataclass(slots=True, kw_only=True)
class Reader:
    """Reads one request's `input`; `look` sees what lies at a URL and may raise `Unreadable`."""

    call: Call
    given: Mapping[str, Any]
    look: Callable[[str], Awaitable[Seen | None]]

    def url(self, name: str) -> str:
        """A URL field; empty where it is not given."""
        value = self.given.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or not value.startswith(("http://", "https://")):
            raise Invalid(f"input.{name} must be a URL.")
        return value

    def urls(self, name: str, most: int) -> list[str]:
        """A list of URLs."""
        value = self.given.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(
            isinstance(item, str) and item.startswith(("http://", "https://")) for item in value
        ):
            raise Invalid(f"input.{name} must be an array of URLs.")
        if len(value) > most:
            raise Invalid(f"input.{name} supports up to {most} items.")
        return value

    def switch(self, name: str) -> bool:
        """A boolean field; the page names no default, so that false is one."""
        value = self.given.get(name)
        if value is not None and not isinstance(value, bool):
            raise Invalid(f"input.{name} must be a boolean.")
        return bool(value)

    async def seen(self, urls: list[str], limits: Limits) -> list[Seen | None]:
        """What lies at these URLs, within the limits."""
        found = []
        for url in urls:
            try:
                seen = await self.look(url)
            except Unreadable as error:
                raise Invalid(str(error)) from None
            if seen is not None and (wrong := complaint(seen, limits)):
                raise Invalid(f"{url[:80]}: {wrong}")
            found.append(seen)
        return found

    async def order(self, model: str) -> Order:
        """What this request asks. Raises `Invalid`."""
        given = self.given
        self.call.note_unknown(given, FIELDS, "input.")
        prompt = given.get("prompt")
        if not isinstance(prompt, str) or not prompt.strip():
            raise Invalid("input.prompt is required.")
        duration = given.get("duration", 5)
        if isinstance(duration, bool) or not isinstance(duration, int) or not 4 <= duration <= 15:
            raise Invalid("input.duration must be an integer between 4 and 15.")
        resolution = given.get("resolution", "720p")
        if resolution not in RATES[model]:
            raise Invalid(f"input.resolution must be one of {', '.join(RATES[model])} for model {model}.")
        ratio = given.get("aspect_ratio", "adaptive")
        if ratio not in RATIOS:
            raise Invalid(f"input.aspect_ratio must be one of {', '.join(RATIOS)}.")
        seed = given.get("seed")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
            raise Invalid("input.seed must be an integer.")
        frames, references = await self._pictures()
        await self.seen(self._videos(), VIDEO)
        await self.seen(self.urls("audio_urls", 3), AUDIO)
        first = frames[0] if frames else (references[0] if references else None)
        width, height = frame_size(str(resolution), str(ratio), first)
        sheet = Sheet(
            width=width,
            height=height,
            seconds=str(duration),
            prompt=prompt,
            seed=seed if seed and seed > 0 else 0,
            model=model,
            audio=self.switch("generate_audio"),
            watermark=self.switch("watermark"),
            first=frames[0].name if frames and frames[0] else "",
            last=frames[1].name if len(frames) > 1 and frames[1] else "",
            references=tuple(seen.name for seen in references if seen),
        )
        return Order(
            price=price(model, str(resolution), duration), sheet=sheet, last_frame=self.switch("return_last_frame")
        )

    def _videos(self) -> list[str]:
        one, many = self.url("video_url"), self.urls("video_urls", 3)
        if one and many:
            raise Invalid("input.video_url and input.video_urls must not be sent together.")  # S3:139
        return [one] if one else many

    async def _pictures(self) -> tuple[list[Seen | None], list[Seen | None]]:
        """First and last frame, and references (S3:136-142, S3:377-378)."""
        mode = self.given.get("generation_type", "omni_reference")
        if mode not in ("omni_reference", "first_and_last_frames"):
            raise Invalid("input.generation_type must be omni_reference or first_and_last_frames.")
        images = self.urls("image_urls", 9)
        start, end = self.url("start_image_url"), self.url("end_image_url")
        if mode == "omni_reference":
            if start or end:
                raise Invalid("input.start_image_url and end_image_url are for first_and_last_frames.")
            return [], await self.seen(images, IMAGE)
        if not start and not end and len(images) == 2:
            self.call.notes.append("first and last frame by image_urls: the page does not say whether this is meant")
            start, end, images = *images, []
        if not start or not end or images:
            raise Invalid("first_and_last_frames requires exactly 2 images: start_image_url and end_image_url.")
        return await self.seen([start, end], IMAGE), []
