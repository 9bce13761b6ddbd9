"""SeeGen's other models: `happyhorse` (S0:199-265) and `gpt-image-2` for stills (S0:280-326).

S0 = "Seedance 2.0 API", its newest sample of 2026-04-29.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pipeline.money import UNPRICED, Price
from pipeline.providers.base import Complaint, Wish
from pipeline.providers.elsewhere import instead
from pipeline.providers.limits import (
    Limits,
    of_duration,
    of_frames,
    of_inputs,
    of_prompt,
    of_unswitched,
    of_words,
    placed,
)
from pipeline.providers.seegen_sd2 import NAME, USD_PER_CREDIT

HORSE = "happyhorse"
HORSE_RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4")  # S0:255
HORSE_RATES = {"720p": 32, "1080p": 60}  # credits a second, S0:263-264
HORSE_SEEDS = 2**31  # S0:256
HORSE_LIMITS = Limits(
    place="S0:200, S0:257-261",
    most={"image": 9, "video": 0, "audio": 0},
    side=(300, None),
    aspect=(Fraction(2, 5), Fraction(5, 2)),
    formats={"image": ("jpeg", "png", "bmp", "webp")},
    megabytes={"image": 10},
)
_HORSE_UNITS = 5000  # S0:250: 5000 characters, of which a CJK one counts twice


def horse_complaints(wish: Wish) -> Iterable[Complaint]:
    """What happyhorse cannot do: no last frame, no video or sound as reference, 720p and 1080p (S0:200, S0:250-256)."""
    service = "SeeGen's happyhorse"
    if wish.resolution not in HORSE_RATES:
        fact = f"{service} makes 720p and 1080p (S0:254), not {wish.resolution}."
        yield Complaint(field="resolution", fact=fact, hint=instead(wish.resolution, NAME))
    if wish.upscale:
        hint = "Use `model: seedance-2`, or let another way enlarge it: `upscale: {by: service}`."
        yield Complaint(field="upscale", fact=f"{service} makes nothing larger in one go (S0:248-256).", hint=hint)
    roles = {item.role for item in wish.inputs}
    if "last_frame" in roles:
        hint = f"Use `model: seedance-2`. {instead('last_frame', '')}"
        yield Complaint(field="last_frame", fact=f"{service} takes no last frame (S0:200).", hint=hint)
    if "first_frame" not in roles:
        yield from of_words("ratio", service, wish.ratio, HORSE_RATIOS, "S0:255", NAME)
        yield from of_prompt(service, wish, "S0:250")
    if "first_frame" in roles and "reference" in roles:
        yield from of_frames(service, wish, "S0:251-252")
    yield from of_inputs(service, wish, HORSE_LIMITS)
    yield from of_duration(service, wish, 3, 15, "S0:253")
    yield from of_unswitched(service, wish, ("audio", "watermark"), "S0:248-256", NAME)
    if wish.seed is not None and not 0 <= wish.seed < HORSE_SEEDS:
        fact = f"{service} takes seeds from 0 to {HORSE_SEEDS - 1} (S0:256)."
        yield Complaint(field="seed", fact=fact, hint="Give another seed.")
    if sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in wish.prompt) > _HORSE_UNITS:
        fact = f"{service} cuts prompts at 5000 characters, 2500 where they are Chinese, Japanese or Korean (S0:250)."
        yield Complaint(field="prompt", fact=fact, hint="Say it shorter.", warning=True)


def horse_request(wish: Wish) -> Mapping[str, Any]:
    """Text, first frame, or 1-9 references under "multi-reference"; a first frame gives its own shape (S0:255)."""
    inputs: dict[str, Any] = {}
    framed = any(item.role == "first_frame" for item in wish.inputs)
    if wish.inputs:
        if not framed:
            inputs["videoWorkflowTab"] = "multi-reference"
        inputs["urls"] = placed(wish, "image")
    if wish.prompt:
        inputs["prompt"] = wish.prompt
    inputs |= {"duration": f"{int(wish.seconds)}s", "outputResolution": wish.resolution}  # A12
    if not framed:
        inputs["ratio"] = wish.ratio
    if wish.seed is not None:
        inputs["seed"] = wish.seed
    return {"model": HORSE, "inputs": inputs | dict(wish.options)}


def horse_price(wish: Wish) -> Price:
    """32 or 60 credits a second, whatever the references (S0:263-265)."""
    rate = HORSE_RATES.get(wish.resolution)
    if rate is None or wish.upscale:
        return UNPRICED
    cost = rate * wish.seconds
    source = f"SeeGen's API document, S0:{263 if wish.resolution == '720p' else 264}"
    return Price(low=cost, high=cost, usd_per_credit=USD_PER_CREDIT, source=source)


STILL = "gpt-image-2"
STILL_RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4")  # S0:318
STILL_SIZES = {"480p": "1k", "720p": "1k", "1080p": "2k", "2k": "2k", "4k": "4k"}
"""Portable size -> the smallest of S0:317 that is not below it; their pixels are not documented."""
STILL_PRICES = {  # credits an image: medium, high; S0:57-59
    "1k": (15, 70, 57),
    "2k": (35, 125, 58),
    "4k": (60, 230, 59),
}
STILL_OPTIONS: Mapping[str, tuple[Any, ...]] = {
    "quality": ("medium", "high"),  # S0:316
    "outputFormat": ("png", "jpeg", "webp"),  # S0:319
}
STILL_LIMITS = Limits(
    place="S0:320-325",
    most={"image": 10, "video": 0, "audio": 0},
    side=(256, None),
    aspect=(Fraction(1, 3), Fraction(3)),
    formats={"image": ("jpeg", "png", "webp")},
    megabytes={"image": 50},
)


def still_complaints(wish: Wish) -> Iterable[Complaint]:
    """What gpt-image-2 cannot do."""
    service = "SeeGen's gpt-image-2"
    if wish.resolution not in STILL_SIZES:
        hint = f"Use one of {', '.join(STILL_SIZES)}."
        yield Complaint(field="resolution", fact=f"{service} has no {wish.resolution} (S0:317).", hint=hint)
    if wish.upscale:
        hint = "Ask for the size as `resolution`, or say `upscale: {by: local}`."
        yield Complaint(field="upscale", fact=f"{service} makes nothing larger in one go (S0:313-319).", hint=hint)
    yield from of_words("ratio", service, wish.ratio, STILL_RATIOS, "S0:318", NAME)
    yield from of_prompt(service, wish, "S0:314")
    yield from of_inputs(service, wish, STILL_LIMITS)
    for item in wish.inputs:
        if item.role != "reference":
            fact = f"{service} takes pictures as references, not as frames (S0:315)."
            yield Complaint(field=item.role, fact=fact, hint="Put it under `references`.")
    yield from of_unswitched(service, wish, ("seed", "watermark"), "S0:313-319", NAME)


def still_request(wish: Wish) -> Mapping[str, Any]:
    """Text to image, or an edit where there are references (S0:283, S0:315); size, shape and quality always said."""
    inputs: dict[str, Any] = {}
    if wish.inputs:
        inputs["urls"] = placed(wish, "image")
    inputs |= {
        "prompt": wish.prompt,
        "quality": "medium",
        "resolution": STILL_SIZES[wish.resolution],
        "aspectRatio": wish.ratio,
        "outputFormat": "png",
    }
    return {"model": STILL, "inputs": inputs | dict(wish.options)}


def still_price(wish: Wish) -> Price:
    """By size and quality, one image a task (S0:54-60)."""
    size = STILL_SIZES.get(wish.resolution)
    quality = wish.options.get("quality", "medium")
    if size is None or wish.upscale or quality not in STILL_OPTIONS["quality"]:
        return UNPRICED
    medium, high, line = STILL_PRICES[size]
    cost = Decimal(high if quality == "high" else medium)
    source = f"SeeGen's API document, S0:{line}"
    return Price(low=cost, high=cost, usd_per_credit=USD_PER_CREDIT, source=source)
