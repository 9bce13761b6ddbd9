"""`stub`: a local provider that makes one small still at once, for tests of everything around the drawing."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import MediaError
from pipeline.money import FREE, Price
from pipeline.providers.base import Complaint, Wish

NAME = "stub"
TITLE = "One grey point"
UNIT = ""
CONCURRENCY = 8
SEED_LIMIT = 0
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==")


def complaints(wish: Wish) -> Iterable[Complaint]:
    return ()


def request(wish: Wish) -> Mapping[str, Any]:
    return {"shot": wish.shot, "prompt": wish.prompt}


def price(wish: Wish) -> Price:
    return FREE


def effort_seconds(wish: Wish) -> float:
    return 1.0


def make(request: Mapping[str, Any], inputs: Sequence[Path], out: Path) -> None:
    if "fails" in request["prompt"]:
        raise MediaError("the pencil broke.", "Sharpen it.")
    out.write_bytes(PNG)
