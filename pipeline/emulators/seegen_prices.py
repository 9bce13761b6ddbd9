"""What SeeGen takes, to the last credit: S0:43-60 and S0:262-265, S0:464-468, and the older S1:154-159."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

RATES = {"sd2": {"720p": 40, "1080p": 100}, "sd2-fast": {"720p": 32}}  # S0:45-49, no video input
RATES_WITH_VIDEO = {"sd2": {"720p": 30, "1080p": 75}, "sd2-fast": {"720p": 24}}
UPSCALE = {"1080p": 20, "2k": 30, "4k": 40}  # S0:47-52, a second of the output
OLDER_BASE = {"sd2": 40, "sd2-fast": 32}  # S1:156, whose fast column is 160 for five seconds
OLDER_UPSCALE = {"2k": 20, "4k": 40}  # S1:157-158
HAPPYHORSE = {"720p": 32, "1080p": 60}  # S0:263-264
IMAGES = {  # S0:57-59
    "1k": {"medium": 15, "high": 70},
    "2k": {"medium": 35, "high": 125},
    "4k": {"medium": 60, "high": 230},
}
STANDALONE = {"1080p": 25, "2k": 38, "4k": 50}  # S0:465-467
STANDALONE_LEAST_SECONDS = 5


def video(model: str, tier: str, upscale: str, out: int, videos: Sequence[Decimal]) -> Decimal:
    """Credits of an sd2 or sd2-fast clip of `out` seconds with these input videos (S0:42-52).

    The least input, out x 2/3, is not rounded: only so do the "from" prices of S0:21-24 come out.
    """
    extra = UPSCALE.get(upscale, 0) * out
    if not videos:
        return Decimal(RATES[model][tier] * out + extra)
    brought = max(Fraction(sum(math.ceil(seconds) for seconds in videos)), Fraction(out * 2, 3))
    whole = RATES_WITH_VIDEO[model][tier] * (out + brought) + extra
    return Decimal(whole.numerator) / Decimal(whole.denominator)


def older_video(model: str, upscale: str, out: int, *, with_video: bool) -> Decimal:
    """Credits by the older page: base, doubled with a video reference, and the upscale on top (S1:156-159)."""
    return Decimal((OLDER_BASE[model] * (2 if with_video else 1) + OLDER_UPSCALE.get(upscale, 0)) * out)


def happyhorse(tier: str, out: int) -> Decimal:
    """Credits of a happyhorse clip, whatever its mode (S0:263-265)."""
    return Decimal(HAPPYHORSE[tier] * out)


def image(tier: str, quality: str) -> Decimal:
    """Credits of one picture (S0:55-59)."""
    return Decimal(IMAGES[tier][quality])


def standalone(target: str, seconds: Decimal) -> Decimal:
    """Credits of a standalone upscale: begun seconds count whole (the page is silent), five at least (S0:464-468)."""
    return Decimal(STANDALONE[target] * max(STANDALONE_LEAST_SECONDS, math.ceil(seconds)))
