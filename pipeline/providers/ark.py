"""What lies under several services: Volcengine Ark / BytePlus ModelArk, its content items, limits and error codes.

Speaks for Ark's task API as of August 2026, as its official SDK (volcengine-python-sdk 5.0.54) and command line
(ark-cli 551d6a6) have it; naci's document names it as its reference (S4:29-31).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from pipeline.providers.answers import Kind
from pipeline.providers.base import Wish
from pipeline.providers.limits import Limits

PLACE = "Ark's API page"
RATIOS = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "adaptive")
SEED_LIMIT = 2**31  # [-1, 2147483647]
LINK_SECONDS = 86_400
MOST_BODY = 64_000_000  # bytes of a request

LIMITS = Limits(
    place=PLACE,
    most={"image": 9, "video": 3, "audio": 3},
    seconds=(2, 15),
    total_seconds=15,
    side=(300, 6000),
    aspect=(Fraction(2, 5), Fraction(5, 2)),
    formats={
        "image": ("jpeg", "png", "webp", "bmp", "tiff", "gif", "heic", "heif"),
        "video": ("mp4", "mov"),
        "audio": ("wav", "mp3"),
    },
    megabytes={"image": 30, "video": 200, "audio": 15},
)


def content(wish: Wish) -> list[Mapping[str, Any]]:
    """The content items of a wish: the prompt, then each input as {"url": ...} with its role."""
    items: list[Mapping[str, Any]] = [{"type": "text", "text": wish.prompt}] if wish.prompt else []
    for i, item in enumerate(wish.inputs):
        kind = f"{item.media}_url"
        role = f"reference_{item.media}" if item.role == "reference" else item.role
        items.append({"type": kind, kind: {"url": {"input": i}}, "role": role})
    return items


_PREFIXES = (  # ark-cli error-codes.md:50-106; the first that fits
    ("MissingParameter", Kind.PERMANENT),
    ("InvalidParameter", Kind.PERMANENT),
    ("InvalidImageURL", Kind.PERMANENT),
    ("AuthenticationError", Kind.CONFIG),
    ("InvalidAccountStatus", Kind.CONFIG),
    ("AccessDenied", Kind.CONFIG),
    ("AccountOverdueError", Kind.MONEY),
    ("OperationDenied", Kind.CONFIG),
    ("InvalidEndpointOrModel", Kind.CONFIG),
    ("ModelNotOpen", Kind.CONFIG),
    ("NotFound", Kind.LOST),
    ("ServerOverloaded", Kind.WAIT),
    ("RequestBurstTooFast", Kind.BUSY),
    ("QuotaExceeded", Kind.BUSY),
    ("InflightBatchsizeExceeded", Kind.BUSY),
    ("SetLimitExceeded", Kind.MONEY),
    ("InternalServiceError", Kind.AMBIGUOUS),
)


def kind_of(code: str) -> Kind | None:
    """The class of one of Ark's codes, None for what is none of them."""
    if "SensitiveContentDetected" in code:
        return Kind.MODERATION
    if "RateLimitExceeded" in code:
        return Kind.BUSY
    return next((kind for start, kind in _PREFIXES if code.startswith(start)), None)
