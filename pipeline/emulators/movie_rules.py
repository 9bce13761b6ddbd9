"""What seedance2.movie's task takes and refuses (S2:76-105) and what it costs (S2:230-241)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipeline.emulators.ark import RATIOS, frame_size
from pipeline.emulators.call import Call
from pipeline.emulators.inputs import Seen
from pipeline.emulators.jobs import Sheet

PER_SECOND = {  # S2:236-241
    "seedance-2.0": {"1080p": Decimal("4.5"), "720p": Decimal("1.8"), "480p": Decimal("0.9")},
    "seedance-2.0-fast": {"1080p": Decimal("3.312"), "720p": Decimal("1.44"), "480p": Decimal("0.72")},
}
FIELDS = (
    "model",
    "content",
    "resolution",
    "ratio",
    "duration",
    "generate_audio",
    "seed",
    "watermark",
    "callback_url",
    "return_last_frame",
)
KINDS = ("text", "image_url", "video_url", "audio_url", "sample_id")  # S2:100-105
_MOST = {"image_url": 9, "video_url": 3, "audio_url": 3}  # the page names no counts: those of Ark


class Bad(Exception):
    """A request that is refused, with the document's code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request that was understood; `shown` is what the query gives back of it."""

    model: str
    price: Decimal
    sheet: Sheet
    shown: Mapping[str, Any]
    callback: str


def price(model: str, resolution: str, seconds: int) -> Decimal:
    """Credits, not rounded: 26.50 in S2:239 is 26.496 written short."""
    return PER_SECOND[model][resolution] * seconds


@dataclass(slots=True, kw_only=True)
class Reader:
    """Reads one task's body; `find` looks up an uploaded file_path and gives None where there is none."""

    call: Call
    given: Mapping[str, Any]
    find: Callable[[str], Awaitable[Seen | None]]

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """A text field that must be one of these."""
        value = self.given.get(name, default)
        if value not in choices:
            raise bad(f"{name} must be one of {', '.join(choices)}")
        return str(value)

    def switch(self, name: str) -> bool:
        """A boolean field, false unless given (S2:85, S2:87, S2:89)."""
        value = self.given.get(name, False)
        if not isinstance(value, bool):
            raise bad(f"{name} must be a boolean")
        return value

    def whole(self, name: str, least: int, most: int, default: int | None) -> int | None:
        """An integer field within a range."""
        value = self.given.get(name, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise bad(f"{name} must be {least}-{most}")
        return int(value)

    async def order(self) -> Order:
        """What this request asks. Raises `Bad`."""
        self.call.note_unknown(self.given, FIELDS)
        if "content" not in self.given:
            raise Bad("MISSING_PARAMETER", "Missing parameter: content")
        model = self.choice("model", tuple(PER_SECOND), "seedance-2.0")
        resolution = self.choice("resolution", ("480p", "720p", "1080p"), "720p")
        ratio = self.choice("ratio", RATIOS, "16:9")
        duration = self.whole("duration", 4, 15, 5) or 5
        seed = self.whole("seed", -1, 2**63, None)
        callback = self.given.get("callback_url") or ""
        if not isinstance(callback, str) or len(callback) > 512:
            raise bad("callback_url must be a string of at most 512 characters")
        audio, mark, last = self.switch("generate_audio"), self.switch("watermark"), self.switch("return_last_frame")
        prompt, images = await self.content()
        width, height = frame_size(resolution, ratio, images[0] if images else None)
        sheet = Sheet(
            width=width,
            height=height,
            seconds=str(duration),
            prompt=prompt,
            seed=seed if seed and seed > 0 else 0,
            model=model,
            audio=audio,
            watermark=mark,
            first=images[0].name if len(images) == 1 else "",
            references=tuple(image.name for image in images) if len(images) > 1 else (),
        )
        shown = {
            "resolution": resolution,
            "ratio": ratio,
            "duration": duration,
            "generate_audio": audio,
            "seed": seed,
            "return_last_frame": last,
        }
        return Order(model=model, price=price(model, resolution, duration), sheet=sheet, shown=shown, callback=callback)

    async def content(self) -> tuple[str, list[Seen]]:
        """The prompt and the images that were uploaded (S2:98-105)."""
        items = self.given["content"]
        if not isinstance(items, list) or not items:
            raise bad("content must be an array of at least 1 item")
        texts: list[str] = []
        images: list[Seen] = []
        counts = dict.fromkeys(_MOST, 0)
        for place, item in enumerate(items):
            kind = item.get("type") if isinstance(item, dict) else None
            if kind not in KINDS:
                raise bad(f"content[{place}].type must be one of {', '.join(KINDS)}")
            self.call.note_unknown(item, ("type", kind), f"content[{place}].")
            value = item.get(kind)
            if isinstance(value, dict) and isinstance(value.get("url"), str):
                self.call.notes.append(f"content[{place}].{kind} is an object; the page shows a string (S2:311)")
                value = value["url"]
            if not isinstance(value, str) or not value:
                raise bad(f"content[{place}].{kind} must be a string")
            if kind == "text":
                texts.append(value)
            if kind not in counts:
                continue
            counts[kind] += 1
            if counts[kind] > _MOST[kind]:
                raise bad(f"content: at most {_MOST[kind]} {kind} items")
            seen = await self.media(place, kind, value)
            if seen is not None and kind == "image_url":
                images.append(seen)
        return "\n".join(texts), images

    async def media(self, place: int, kind: str, value: str) -> Seen | None:
        """What a file_path holds; sound, which cannot be uploaded (S2:49-54), is believed at any URL."""
        if kind == "audio_url":
            if not value.startswith(("http://", "https://")):
                raise bad(f"content[{place}].audio_url must be a public URL")
            return None
        seen = await self.find(value)
        if seen is None:
            raise bad(f"content[{place}].{kind}: use the file_path from upload, {value[:80]} is none of yours")
        if seen.kind != kind.partition("_")[0]:
            raise bad(f"content[{place}].{kind}: the file is {seen.kind}")
        return seen


def bad(what: str) -> Bad:
    """A wrong value, in the words of S2:33."""
    return Bad("INVALID_PARAMETER", f"Invalid parameter: {what}")
