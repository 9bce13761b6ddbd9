"""SeeGen's `sd2` and `sd2-fast` in both editions of its document: requests, limits, prices (S0:41-53, S0:102-198).

S0 = "Seedance 2.0 API", its newest sample of 2026-04-29; S1 = "SD 2.0 API", older, undated.
"""

from __future__ import annotations

import math
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
    of_flags,
    of_frames,
    of_inputs,
    of_prompt,
    of_unswitched,
    of_words,
    placed,
)
from pipeline.values import dataclass

NAME = "seegen"
MODELS = {"seedance-2": "sd2", "seedance-2-fast": "sd2-fast", "sd2": "sd2", "sd2-fast": "sd2-fast"}
PIXELS = {  # `resolution` is a shape in pixels, not a size (S0:119, A7)
    "1:1": "720x720",
    "3:4": "720x960",
    "4:3": "960x720",
    "16:9": "1280x720",
    "9:16": "720x1280",
    "21:9": "1280x540",
}
LONGEST_REFERENCE = 15  # S0:187


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What the two documents say differently."""

    limits: Limits
    sizes: Mapping[str, frozenset[str]]  # model -> what can be reached from 720p, in the same request
    full_hd: frozenset[str]  # models with 1080p of their own (S0:276)
    tiers: bool  # `outputResolution` exists
    by_length: bool  # video references are charged by their seconds
    prompt: str  # the places of single rules
    duration: str
    modes: str
    fields: str


def tier(wish: Wish, edition: Edition) -> tuple[str, str] | None:
    """The model's own size and the upscale that follow from a wish, None where no row has a price for it."""
    model = MODELS[wish.model]
    if wish.upscale:
        able = wish.resolution == "720p" and wish.upscale in edition.sizes[model]
        return ("720p", wish.upscale) if able else None
    if wish.resolution == "720p":
        return "720p", ""
    if wish.resolution == "1080p" and model in edition.full_hd:
        return "1080p", ""
    return ("720p", wish.resolution) if wish.resolution in edition.sizes[model] else None


def complaints(wish: Wish, edition: Edition) -> Iterable[Complaint]:
    """What sd2 and sd2-fast cannot do, and what they have no field for."""
    model = MODELS[wish.model]
    service = f"SeeGen's {model}"
    if tier(wish, edition) is None:
        yield _size(wish, model, edition)
    yield from of_words("ratio", service, wish.ratio, PIXELS, "S0:275" if edition.tiers else "S1:148", NAME)
    yield from of_duration(service, wish, 4, 15, edition.duration)
    yield from of_frames(service, wish, edition.modes)
    yield from of_inputs(service, wish, edition.limits)
    if not wish.inputs:
        yield from of_prompt(service, wish, edition.prompt)
    yield from of_unswitched(service, wish, ("seed", "audio", "watermark"), edition.fields, NAME)
    yield from of_flags("SeeGen", wish)
    if edition.by_length and any(item.media == "video" and item.seconds is None for item in wish.inputs):
        fact = "The length of a video reference is not known, and SeeGen charges by it (S0:42)."
        hint = f"Say `seconds:` with the reference; until then {LONGEST_REFERENCE} are priced."
        yield Complaint(field="references", fact=fact, hint=hint, warning=True)


def _size(wish: Wish, model: str, edition: Edition) -> Complaint:
    reachable = [*(["1080p"] if model in edition.full_hd else []), *sorted(edition.sizes[model])]
    place = "S0:43-53" if edition.tiers else "S1:154-159"
    if wish.upscale:
        ways = " or ".join(sorted(edition.sizes[model]))
        fact = f"SeeGen has no price for {model} at {wish.resolution} made {wish.upscale} in one go ({place})."
        hint = f"Make it at 720p with `upscale: {ways}`, or let another way enlarge it: `upscale: {{by: service}}`."
        return Complaint(field="upscale", fact=fact, hint=hint)
    sizes = ", ".join(["720p", *reachable])
    fact = f"SeeGen's {model} makes no {wish.resolution} ({place}): it makes {sizes}."
    return Complaint(field="resolution", fact=fact, hint=instead(wish.resolution, NAME))


def request(wish: Wish, edition: Edition) -> Mapping[str, Any]:
    """The body of createTask; the mode is said wherever there are inputs, shape and size always (A25, A26)."""
    own, upscale = tier(wish, edition) or ("720p", "")
    inputs: dict[str, Any] = {}
    for field, media in (("urls", "image"), ("videoUrls", "video"), ("audioUrls", "audio")):
        found = placed(wish, media)  # type: ignore[arg-type]
        if found:
            inputs[field] = found
    if wish.prompt:
        inputs["prompt"] = wish.prompt
    inputs["duration"] = f"{int(wish.seconds)}s"
    inputs["resolution"] = PIXELS[wish.ratio]
    if edition.tiers:
        inputs["outputResolution"] = own
    if wish.inputs:
        inputs["videoInputMode"] = "reference" if wish.inputs[0].role == "reference" else "keyframe"
    if upscale:
        inputs["upscaleResolution"] = upscale
    return {"model": MODELS[wish.model], "inputs": inputs | dict(wish.options)}


RATES = {  # credits a second, (without, with) video input; S0:45-52
    ("sd2", "720p"): (40, 30),
    ("sd2", "1080p"): (100, 75),
    ("sd2-fast", "720p"): (32, 24),
}
UPSCALES = {"": 0, "1080p": 20, "2k": 30, "4k": 40}  # credits a second of output; S0:47-52
LINES = {
    ("sd2", "720p"): 45,
    ("sd2", "1080p"): 46,
    ("sd2", "2k"): 47,
    ("sd2", "4k"): 48,
    ("sd2-fast", "720p"): 49,
    ("sd2-fast", "1080p"): 50,
    ("sd2-fast", "2k"): 51,
    ("sd2-fast", "4k"): 52,
}
USD_PER_CREDIT = Decimal("0.004")  # S0:36


def seconds_in(wish: Wish) -> tuple[Fraction, Fraction] | None:
    """Seconds of input that are charged, expected and at most, None without video input (S0:42, A3).

    Expected as written: each clip rounded up, two thirds of the output at least. At most: that minimum rounded up too;
    and a clip that is still to be made may come out a few frames longer than was asked for.
    """
    clips = [item for item in wish.inputs if item.media == "video"]
    if not clips:
        return None
    likely = most = 0
    for item in clips:
        seconds = LONGEST_REFERENCE if item.seconds is None else math.ceil(item.seconds)
        likely += seconds
        most += min(seconds + 1, max(seconds, LONGEST_REFERENCE)) if item.provider else seconds
    least = Fraction(wish.seconds) * 2 / 3
    return max(Fraction(likely), least), max(Fraction(most), Fraction(math.ceil(least)))


def price(wish: Wish, edition: Edition) -> Price:
    """(rate + upscale) x out; with video input: rate x (out + in) + upscale x out (S0:43-52, A4)."""
    found = tier(wish, edition)
    model = MODELS[wish.model]
    if found is None:
        return UNPRICED
    own, upscale = found
    rate, rate_in = RATES[model, own]
    out = Fraction(wish.seconds)
    charged = seconds_in(wish)
    if charged is None:
        low = high = (rate + UPSCALES[upscale]) * out
    else:
        low, high = (rate_in * (out + taken) + UPSCALES[upscale] * out for taken in charged)
    source = f"SeeGen's API document, S0:{LINES[model, upscale or own]}"
    return Price(low=exact(low), high=exact(high), usd_per_credit=USD_PER_CREDIT, source=source)


def exact(value: Fraction) -> Decimal:
    """A fraction as a Decimal: exact where it is one, else rounded up at the sixth place."""
    scaled = value * 1_000_000
    return (Decimal(math.ceil(scaled)) / 1_000_000).normalize() + Decimal(0)
