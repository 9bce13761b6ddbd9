"""Whether and when to try again after a refusal: who knows the cause gave the advice, here it is decided. Pure."""

from __future__ import annotations

from pipeline.errors import Advice

MOST_REFUSALS = 8  # of one step in one run; each was certainly not accepted, so none can have cost anything
FIRST_SECONDS = 1.0
LONGEST_SECONDS = 60.0


def wait_seconds(advice: Advice, refusals: int, after_seconds: float | None) -> float | None:
    """How long to wait before sending again after the `refusals`-th refusal, or None to give up.

    The service's own word holds where it gave one; otherwise the wait doubles up to a minute.
    """
    if advice in (Advice.NEVER, Advice.DOUBT) or refusals >= MOST_REFUSALS:
        return None
    if after_seconds is not None:
        return after_seconds
    return float(min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** (refusals - 1)))
