"""Webhooks as the pages hear them: what a page says of them, and a body that may be anything.

What a delivery tells is believed as far as "look at this job now", and no further: the answer to a poll is the truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from pipeline.digest import loads


@runtime_checkable
class Hooks(Protocol):
    """A service that tells when a job has changed."""

    SECRET_ENV: str  # the variable with the secret that signs its webhooks; empty where it signs nothing

    def heard(self, body: bytes, headers: Mapping[str, str], secret: str, now: float) -> str | None:
        """The job's id in a delivery, None where there is none; `now` in unix seconds; raises nothing.

        Where a `secret` is given, also None for a signature that is missing, wrong or out of time.
        """
        ...


def told(body: bytes) -> Any:
    """The JSON value of a delivery's body, None where it is no JSON."""
    try:
        return loads(body)
    except (ValueError, ArithmeticError):
        return None
