"""Ark's video tasks, which stand under the naci gateway (S4:29-31): body rules, sizes, tokens and their list price."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from pipeline.emulators.inputs import Limits, Seen, Unreadable, complaint
from pipeline.emulators.jobs import Sheet

RATIOS = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "adaptive")
SIZES: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "480p": {"16:9": (864, 496), "4:3": (752, 560), "1:1": (640, 640), "21:9": (992, 432)},
    "720p": {"16:9": (1280, 720), "4:3": (1112, 834), "1:1": (960, 960), "21:9": (1470, 630)},
    "1080p": {"16:9": (1920, 1080), "4:3": (1664, 1248), "1:1": (1440, 1440), "21:9": (2206, 946)},
    "4k": {"16:9": (3840, 2160), "4:3": (3326, 2494), "1:1": (2880, 2880), "21:9": (4398, 1886)},
}
RATES: Mapping[str, Mapping[str, tuple[int, int]]] = {  # CNY a million tokens: without and with video input
    "2.0": {"480p": (46, 28), "720p": (46, 28), "1080p": (51, 31), "4k": (26, 16)},
    "2.0-fast": {"480p": (37, 22), "720p": (37, 22)},
    "2.0-mini": {"480p": (23, 14), "720p": (23, 14)},
}
FIELDS = (
    "model",
    "content",
    "safety_identifier",
    "callback_url",
    "return_last_frame",
    "service_tier",
    "execution_expires_after",
    "priority",
    "generate_audio",
    "draft",
    "camera_fixed",
    "watermark",
    "seed",
    "resolution",
    "ratio",
    "duration",
    "frames",
    "tools",
    "output_format",
    "omni_reference_task_type",
)
ROLES = {
    "image_url": ("first_frame", "last_frame", "reference_image"),
    "video_url": ("reference_video",),
    "audio_url": ("reference_audio",),
}
MEGABYTE = 1024 * 1024
MOST_BODY_BYTES = 64 * MEGABYTE
FLAGS = re.compile(r" --(rs|rt|dur|seed|cf|wm)\b")
LIMITS = {
    "image_url": Limits(
        kind="image",
        formats=("jpeg", "png", "webp", "bmp", "tiff", "gif", "heic"),
        shortest=300,
        longest=6000,
        ratio=(0.4, 2.5),
        most_bytes=30 * MEGABYTE,
    ),
    "video_url": Limits(
        kind="video", formats=("mp4", "mov"), most_bytes=200 * MEGABYTE, seconds=(Decimal("1.9"), Decimal("15.5"))
    ),
    "audio_url": Limits(
        kind="audio", formats=("wav", "mp3"), most_bytes=15 * MEGABYTE, seconds=(Decimal("1.9"), Decimal("15.5"))
    ),
}
MOST_ALL_SECONDS = Decimal("15.5")
_MOST = {"image_url": 9, "video_url": 3, "audio_url": 3}
_UNSEEN_SECONDS = Decimal(5)


class ArkError(Exception):
    """A refusal in Ark's form: `{"error": {code, message, param, type}}` with its HTTP status."""

    def __init__(self, code: str, message: str, param: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code, self.param, self.status = code, param, status

    def value(self) -> dict[str, Any]:
        """The body of the refusal."""
        return {"error": {"code": self.code, "message": str(self), "param": self.param, "type": "BadRequest"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request that was understood; `brought` is the seconds of its input videos."""

    family: str
    resolution: str
    ratio: str
    seconds: int
    brought: Decimal | None
    audio: bool
    watermark: bool
    seed: int
    last_frame: bool
    callback: str
    sheet: Sheet


def frame_size(resolution: str, ratio: str, first: Seen | None) -> tuple[int, int]:
    """Width and height of a clip; `adaptive` takes the ratio nearest to the first picture's."""
    if ratio == "adaptive":
        wanted = first.width / first.height if first and first.height else 16 / 9
        ratio = min(RATIOS[:-1], key=lambda text: abs(_share(text) - wanted))
    if ratio in SIZES[resolution]:
        return SIZES[resolution][ratio]
    width, height = SIZES[resolution]["4:3" if ratio == "3:4" else "16:9"]
    return height, width


def _share(ratio: str) -> float:
    across, down = ratio.split(":")
    return int(across) / int(down)


def tokens(size: tuple[int, int], out: int, brought: Decimal | None, way: Literal["formula", "measured"]) -> int:
    """Tokens of a clip of `out` seconds and `brought` seconds of input video, None without any.

    By the page's formula W x H x 24 x seconds / 1024, or as measured with one picture more; with video input at least
    ceil(out x 5/3) seconds are billed.
    """
    seconds = Decimal(out)
    if brought is not None:
        seconds = max(out + brought, Decimal(math.ceil(out * 5 / 3)))
    pictures = 24 * seconds + (1 if way == "measured" else 0)
    return int(size[0] * size[1] * pictures / 1024)


def cny(family: str, resolution: str, used: int, *, with_video: bool) -> Decimal:
    """Ark's list price of so many tokens."""
    return Decimal(used) * RATES[family][resolution][with_video] / 1_000_000


def family_of(model: str) -> str:
    """`2.0`, `2.0-fast` or `2.0-mini`, by an upstream model's name."""
    return "2.0-fast" if "fast" in model else "2.0-mini" if "mini" in model else "2.0"


@dataclass(slots=True, kw_only=True)
class Reader:
    """Reads one task's body by Ark's strong rules; `look` sees what lies at a URL and may raise `Unreadable`."""

    given: Mapping[str, Any]
    family: str
    look: Callable[[str], Awaitable[Seen | None]]

    def whole(self, name: str, least: int, most: int, default: int) -> int:
        """An integer field within a range."""
        value = self.given.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise invalid(name, f"must be an integer from {least} to {most}")
        return int(value)

    def switch(self, name: str, default: bool) -> bool:
        """A boolean field."""
        value = self.given.get(name, default)
        if not isinstance(value, bool):
            raise invalid(name, "must be a boolean")
        return value

    async def order(self) -> Order:
        """What this request asks. Raises `ArkError`."""
        resolution = self.given.get("resolution", "720p")
        if resolution not in RATES[self.family]:
            raise invalid("resolution", f"must be one of {', '.join(RATES[self.family])} for this model")
        ratio = self.given.get("ratio", "adaptive")
        if ratio not in RATIOS:
            raise invalid("ratio", f"must be one of {', '.join(RATIOS)}")
        seconds = self.given.get("duration", 5)
        if isinstance(seconds, bool) or not isinstance(seconds, int) or (seconds != -1 and not 4 <= seconds <= 15):
            raise invalid("duration", "must be an integer from 4 to 15, or -1")
        seconds = 5 if seconds == -1 else seconds
        seed = self.whole("seed", -1, 2147483647, -1)
        callback = self.given.get("callback_url") or ""
        if not isinstance(callback, str):
            raise invalid("callback_url", "must be a string")
        if len(str(self.given.get("safety_identifier") or "")) > 64:
            raise invalid("safety_identifier", "must be at most 64 characters")
        if self.given.get("service_tier", "default") != "default":
            raise ArkError(
                "InvalidParameter.UnsupportedParameter", "service_tier flex is not supported", "service_tier"
            )
        self.whole("execution_expires_after", 3600, 259200, 172800)
        audio, mark = self.switch("generate_audio", True), self.switch("watermark", False)
        last = self.switch("return_last_frame", False)
        prompt, media = await self.content()
        roles = {role: seen for _, role, seen in media if role}
        size = frame_size(str(resolution), str(ratio), roles.get("first_frame"))
        films = [seen for kind, _, seen in media if kind == "video_url"]
        brought = sum((film.seconds if film else _UNSEEN_SECONDS for film in films), Decimal(0)) if films else None
        first, end = roles.get("first_frame"), roles.get("last_frame")
        sheet = Sheet(
            width=size[0],
            height=size[1],
            seconds=str(seconds),
            prompt=prompt,
            seed=max(seed, 0),
            model=self.family,
            audio=audio,
            watermark=mark,
            first=first.name if first else "",
            last=end.name if end else "",
            references=tuple(seen.name for _, role, seen in media if seen and role == "reference_image"),
        )
        return Order(
            family=self.family,
            resolution=str(resolution),
            ratio=str(ratio),
            seconds=seconds,
            brought=brought,
            audio=audio,
            watermark=mark,
            seed=seed,
            last_frame=last,
            callback=callback,
            sheet=sheet,
        )

    async def content(self) -> tuple[str, list[tuple[str, str, Seen | None]]]:
        """The prompt, and kind, role and sight of each input."""
        items = self.given.get("content")
        if not isinstance(items, list) or not items:
            raise ArkError("MissingParameter.content", "The parameter `content` is missing", "content")
        texts: list[str] = []
        media: list[tuple[str, str, Seen | None]] = []
        for item in items:
            kind = item.get("type") if isinstance(item, dict) else None
            if kind == "text":
                if not isinstance(item.get("text"), str):
                    raise invalid("content.text", "must be a string")
                texts.append(item["text"])
            elif kind in ROLES:
                media.append(await self.input(kind, item))
            else:
                raise invalid("content.type", "is not valid")
        if not texts and not media:
            raise ArkError("MissingParameter.content", "The parameter `content` is missing", "content")
        return "\n".join(texts), self.roles(media)

    async def input(self, kind: str, item: Mapping[str, Any]) -> tuple[str, str, Seen | None]:
        """One image, video or sound, looked at where it can be."""
        value = item.get(kind)
        url = value.get("url") if isinstance(value, dict) else None
        if not isinstance(url, str) or not url:
            raise ArkError("InvalidParameter", f"The parameter `content.{kind}` is not valid", f"content.{kind}")
        role = item.get("role") or ""
        if role and role not in ROLES[kind]:
            raise invalid("content.role", f"must be one of {', '.join(ROLES[kind])}")
        if not role and kind != "image_url":
            raise invalid("content.role", f"role must be specified for {kind.partition('_')[0]} contents")
        if kind == "video_url" and url.startswith("data:"):
            raise invalid("content.video_url", "reference_video must be provided as a web url")
        if not url.startswith(("http://", "https://", "data:", "asset://")):
            raise ArkError("InvalidParameter", f"The parameter `content.{kind}` is not valid", f"content.{kind}")
        try:
            seen = await self.look(url)
        except Unreadable as error:
            raise invalid(f"content.{kind}", str(error)) from None
        if seen is not None and (wrong := complaint(seen, LIMITS[kind])):
            raise invalid(f"content.{kind}", wrong)
        return kind, str(role), seen

    def roles(self, media: list[tuple[str, str, Seen | None]]) -> list[tuple[str, str, Seen | None]]:
        """The inputs with the one role that may be left out; refuses what must not stand together."""
        images = [entry for entry in media if entry[0] == "image_url"]
        if any(not role for _, role, _ in images):
            if len(images) > 1:
                raise invalid("content.role", "role must be specified for image contents")
            media = [(k, role or ("first_frame" if k == "image_url" else ""), seen) for k, role, seen in media]
        roles = [role for _, role, _ in media]
        frames = [role for role in roles if role in ("first_frame", "last_frame")]
        if frames and len(frames) != len(roles):
            raise invalid("content", "first/last frame content cannot be mixed with reference media content")
        if frames not in ([], ["first_frame"], ["first_frame", "last_frame"], ["last_frame", "first_frame"]):
            raise invalid("content", "one first_frame, and at most one last_frame beside it")
        for kind, most in _MOST.items():
            if sum(1 for entry in media if entry[0] == kind) > most:
                raise invalid("content", f"at most {most} {kind} items")
        if roles and set(roles) == {"reference_audio"}:
            raise invalid("content", "reference_audio cannot be the only reference")
        for kind in ("video_url", "audio_url"):
            lengths = [seen.seconds for k, _, seen in media if k == kind and seen]
            if sum(lengths, Decimal(0)) > MOST_ALL_SECONDS:
                raise invalid(f"content.{kind}", "total duration must be at most 15 seconds")
        return media


def invalid(param: str, what: str) -> ArkError:
    """A wrong value, in Ark's words."""
    return ArkError("InvalidParameter", f"The parameter `{param}` specified in the request is not valid: {what}", param)
