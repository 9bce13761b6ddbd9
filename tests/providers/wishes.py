"""Wishes, inputs and answers as short as a test wants them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pipeline.providers.base import Complaint, Input, Reply, Wish

D = Decimal


def wish(**said: Any) -> Wish:
    """Five seconds of 720p in 16:9 by `seedance-2`, but for what is said."""
    plain: dict[str, Any] = {
        "shot": "dawn",
        "kind": "video",
        "model": "seedance-2",
        "prompt": "he climbs",
        "seconds": Decimal(5),
        "resolution": "720p",
        "ratio": "16:9",
        "seed": None,
        "audio": False,
        "watermark": False,
        "people": False,
    }
    said["seconds"] = Decimal(str(said.get("seconds", 5)))
    return Wish(**(plain | said))


def still(**said: Any) -> Wish:
    """A still by `gpt-image-2`."""
    return wish(**({"kind": "image", "model": "gpt-image-2", "seconds": 0} | said))


def image(**said: Any) -> Input:
    return Input(**({"role": "reference", "media": "image", "name": "keeper"} | said))


def video(seconds: str | None = "5", **said: Any) -> Input:
    length = None if seconds is None else Decimal(seconds)
    return Input(**({"role": "reference", "media": "video", "name": "walk", "seconds": length} | said))


def audio(seconds: str | None = "5", **said: Any) -> Input:
    length = None if seconds is None else Decimal(seconds)
    return Input(**({"role": "reference", "media": "audio", "name": "waves", "seconds": length} | said))


def first(**said: Any) -> Input:
    return image(role="first_frame", **said)


def last(**said: Any) -> Input:
    return image(role="last_frame", **said)


def ok(value: Any, status: int = 200, **said: Any) -> Reply:
    return Reply(status=status, json=value, **said)


def faults(complaints: Iterable[Complaint]) -> list[str]:
    """The fields that something is wrong with."""
    return [complaint.field for complaint in complaints if not complaint.warning]


def warnings(complaints: Iterable[Complaint]) -> list[str]:
    """The fields that are warned of."""
    return [complaint.field for complaint in complaints if complaint.warning]
