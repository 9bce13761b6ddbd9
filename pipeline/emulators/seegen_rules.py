"""What SeeGen's createTask takes and refuses, from S0:102-326 and, for the older edition, S1:42-151."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pipeline.emulators import seegen_prices as prices
from pipeline.emulators.call import Call
from pipeline.emulators.inputs import Limits, Seen, complaint
from pipeline.emulators.jobs import Sheet

RESOLUTIONS = ("720x720", "720x960", "960x720", "1280x720", "720x1280", "1280x540")
SD2 = ("prompt", "urls", "videoUrls", "audioUrls", "duration", "resolution", "outputResolution", "videoInputMode")
HAPPY = ("prompt", "urls", "videoWorkflowTab", "duration", "outputResolution", "ratio", "seed")
PICTURE = ("prompt", "urls", "quality", "resolution", "aspectRatio", "outputFormat")
MEGABYTE = 1024 * 1024
SD2_IMAGE = Limits(kind="image", shortest=400)  # S0:198
REFERENCE_VIDEO = Limits(kind="video", seconds=(Decimal(0), Decimal("15.5")))  # S0:197; frames round a clip's end
REFERENCE_AUDIO = Limits(kind="audio", seconds=(Decimal(0), Decimal("15.5")))
HAPPY_IMAGE = Limits(  # S0:257-261
    kind="image", formats=("jpeg", "png", "bmp", "webp"), shortest=300, ratio=(0.4, 2.5), most_bytes=10 * MEGABYTE
)
EDIT_IMAGE = Limits(  # S0:320-325
    kind="image", formats=("jpeg", "png", "webp"), shortest=256, ratio=(1 / 3, 3.0), most_bytes=50 * MEGABYTE
)
_SCALE = {"720p": (1, 1), "1080p": (3, 2), "2k": (2, 1), "4k": (3, 1)}
_LONG_SIDE = {"1k": 1024, "2k": 2048, "4k": 4096}


class Invalid(Exception):
    """A request that is refused with 400; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request that was understood: its kind, its price and what is to be drawn."""

    kind: str
    price: Decimal
    sheet: Sheet


@dataclass(slots=True, kw_only=True)
class Reader:
    """Reads the `inputs` of one request; `find` looks at a URL or an asset:// reference and may raise `Invalid`."""

    call: Call
    given: Mapping[str, Any]
    older: bool
    find: Callable[[str, str], Awaitable[Seen | None]]
    seen: dict[str, Seen | None] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """A text field."""
        value = self.given.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise Invalid(f"{name} must be a string")
        return value

    def choice(self, name: str, choices: tuple[str, ...], default: str = "") -> str:
        """A text field that must be one of these."""
        value = self.text(name, default)
        if value and value not in choices:
            raise Invalid(f"{name} must be one of {', '.join(choices)}")
        return value

    def urls(self, name: str, most: int) -> list[str]:
        """A list of URLs."""
        value = self.given.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise Invalid(f"{name} must be an array of URL strings")
        if len(value) > most:
            raise Invalid(f"{name}: at most {most} allowed, got {len(value)}")
        for url in value:
            if not url.startswith(("http://", "https://", "asset://")):
                raise Invalid(f"{name}: {url[:60]} is not an HTTP URL or an asset:// reference")
        return value

    async def checked(self, urls: list[str], limits: Limits) -> list[Seen | None]:
        """What lies at these URLs, within the document's limits."""
        found = []
        for url in urls:
            seen = await self.find(url, limits.kind)
            if seen is not None and (wrong := complaint(seen, limits)):
                raise Invalid(f"{url[:80]}: {wrong}")
            found.append(seen)
        return found

    def seconds(self, pattern: str, default: str) -> int:
        """The duration in seconds."""
        value = self.text("duration", default)
        match = re.fullmatch(pattern, value)
        if match is None:
            raise Invalid(f'duration "{value}" is not allowed')
        return int(match[1])

    async def order(self, model: str) -> Order:
        """What this request asks of `model`. Raises `Invalid`."""
        match model:
            case "sd2" | "sd2-fast":
                return await self._sd2(model)
            case "happyhorse" if not self.older:
                return await self._happyhorse()
            case "gpt-image-2" if not self.older:
                return await self._picture()
        raise Invalid(f'model "{model}" is not available')

    async def _sd2(self, model: str) -> Order:
        self.call.note_unknown(self.given, (*SD2, "upscaleResolution"), "inputs.")
        tier = "720p" if self.older else self.choice("outputResolution", ("720p", "1080p"), "720p")
        upscale = self.choice("upscaleResolution", ("2k", "4k") if self.older else ("1080p", "2k", "4k"))
        if model == "sd2-fast" and tier == "1080p":
            raise Invalid('outputResolution "1080p" is for sd2 only; use upscaleResolution for sd2-fast')  # S0:276
        if upscale and (tier == "1080p" or (model == "sd2" and upscale == "1080p")):
            raise Invalid("this upscaleResolution has no price")  # no row in S0:45-52; a reading
        out = self.seconds(r"([4-9]|1[0-5])s", "5s")
        size = self.choice("resolution", RESOLUTIONS)
        mode = self.choice("videoInputMode", ("keyframe", "reference"), "keyframe")
        urls, videos, audios = self.urls("urls", 9), self.urls("videoUrls", 3), self.urls("audioUrls", 3)
        self._mode(mode, size, urls, videos, audios)
        images = await self.checked(urls, SD2_IMAGE)
        films = await self.checked(videos, REFERENCE_VIDEO)
        await self.checked(audios, REFERENCE_AUDIO)
        lengths = [film.seconds if film else Decimal(5) for film in films]
        width, height = size_of(size or nearest(images[0] if images else None), upscale or tier)
        names = [seen.name if seen else "" for seen in images]
        keyframes = mode == "keyframe"
        if self.older:
            price = prices.older_video(model, upscale, out, with_video=bool(videos))
        else:
            price = prices.video(model, tier, upscale, out, lengths)
        sheet = Sheet(
            width=width,
            height=height,
            seconds=str(out),
            prompt=self.text("prompt"),
            model=model,
            first=names[0] if keyframes and names else "",
            last=names[1] if keyframes and len(names) > 1 else "",
            references=() if keyframes else tuple(filter(None, names)),
        )
        return Order(kind="video", price=price, sheet=sheet)

    def _mode(self, mode: str, size: str, urls: list[str], videos: list[str], audios: list[str]) -> None:
        if mode == "keyframe":
            if videos or audios:
                raise Invalid("videoUrls and audioUrls need videoInputMode reference")  # S0:272-273
            if len(urls) > 2:
                raise Invalid("keyframe mode takes one or two image URLs")  # S0:136, S0:159
            if not urls and not self.text("prompt").strip():
                raise Invalid("prompt is required for text-to-video")  # S0:270
            return
        if not size:
            raise Invalid("resolution is required for reference mode")  # S0:192
        if not urls and not videos and audios:
            raise Invalid("audio cannot be the only reference")  # S0:188
        if not urls and not videos:
            raise Invalid("reference mode needs at least one reference")
        if len(urls) + len(videos) + len(audios) > 12:
            raise Invalid("at most 12 reference files in total")  # S0:196
        if not self.older and any(not url.startswith("asset://") for url in videos):
            raise Invalid("videoUrls must be asset:// URIs; external URLs are rejected")  # S0:187

    async def _happyhorse(self) -> Order:
        self.call.note_unknown(self.given, HAPPY, "inputs.")
        for name in ("videoUrls", "audioUrls", "videoInputMode", "upscaleResolution"):
            if self.given.get(name):
                raise Invalid(f"happyhorse does not support {name}")  # S0:200
        urls = self.urls("urls", 9)
        fused = self.choice("videoWorkflowTab", ("multi-reference",)) != ""
        if fused and not urls:
            raise Invalid("multi-reference needs 1-9 image URLs")  # S0:251-252
        if not fused and len(urls) > 1:
            raise Invalid("image-to-video takes exactly 1 image URL; last frames are not supported")
        prompt = self.text("prompt")
        if not prompt.strip() and (fused or not urls):
            raise Invalid("prompt is required")  # S0:250
        tier = self.choice("outputResolution", ("720p", "1080p"), "720p")
        ratio = self.choice("ratio", ("16:9", "9:16", "1:1", "4:3", "3:4"), "16:9")
        seed = self.given.get("seed")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= 2147483647):
            raise Invalid("seed must be an integer from 0 to 2147483647")  # S0:256
        out = self.seconds(r"([3-9]|1[0-5])s?", "5")
        images = await self.checked(urls, HAPPY_IMAGE)
        names = [seen.name if seen else "" for seen in images]
        first = images[0] if images and not fused else None
        short = 720 if tier == "720p" else 1080
        sheet = Sheet(
            width=_even(short * (first.width / first.height if first else 1)) if first else _of(ratio, short)[0],
            height=_even(short) if first else _of(ratio, short)[1],
            seconds=str(out),
            prompt=prompt,
            seed=seed or 0,
            model="happyhorse",
            first=names[0] if first else "",
            references=tuple(filter(None, names)) if fused else (),
        )
        return Order(kind="video", price=prices.happyhorse(tier, out), sheet=sheet)

    async def _picture(self) -> Order:
        self.call.note_unknown(self.given, PICTURE, "inputs.")
        if not self.text("prompt").strip():
            raise Invalid("prompt is required")  # S0:314
        tier = self.choice("resolution", ("1k", "2k", "4k"), "2k")
        quality = self.choice("quality", ("medium", "high"), "medium")
        ratio = self.choice("aspectRatio", ("1:1", "16:9", "9:16", "4:3", "3:4"), "1:1")
        form = self.choice("outputFormat", ("png", "jpeg", "webp"), "png")
        if self.given.get("urls") == []:
            raise Invalid("urls must hold 1-10 images in edit mode")  # S0:315
        images = await self.checked(self.urls("urls", 10), EDIT_IMAGE)
        across, down = map(int, ratio.split(":"))
        long = _LONG_SIDE[tier]
        sheet = Sheet(
            form=form,
            width=_even(long * min(1, across / down)),
            height=_even(long * min(1, down / across)),
            seconds="",
            prompt=self.text("prompt"),
            model="gpt-image-2",
            references=tuple(seen.name for seen in images if seen),
        )
        return Order(kind="image", price=prices.image(tier, quality), sheet=sheet)


def size_of(resolution: str, tier: str) -> tuple[int, int]:
    """Width and height of a clip: `resolution` is its ratio in pixels (S0:275), `tier` its quality."""
    width, height = map(int, resolution.split("x"))
    up, down = _SCALE[tier]
    return _even(width * up / down), _even(height * up / down)


def nearest(seen: Seen | None) -> str:
    """The resolution whose ratio is nearest to a picture's; 16:9 where there is none."""
    if seen is None or not seen.height:
        return "1280x720"
    ratio = seen.width / seen.height
    return min(RESOLUTIONS, key=lambda text: abs(int(text.split("x")[0]) / int(text.split("x")[1]) - ratio))


def _of(ratio: str, short: int) -> tuple[int, int]:
    across, down = map(int, ratio.split(":"))
    return _even(short * max(1, across / down)), _even(short * max(1, down / across))


def _even(side: float) -> int:
    return max(2, round(side / 2) * 2)
