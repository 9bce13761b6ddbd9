"""A job: what was asked, how far it is, what was taken for it, what there is to draw; a value that is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, Literal

from pipeline.digest import canonical, dumps, key_of

Stage = Literal["pending", "queued", "running", "done", "failed", "cancelled", "expired"]
OVER = ("done", "failed", "cancelled", "expired")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a job's result shows. `form` is mp4, png, jpeg or webp; `seconds` a decimal text, of stills empty.

    `first`, `last` and `references` are names of files seen as inputs; with `target` the result is `source` scaled up.
    """

    form: str = "mp4"
    width: int = 1280
    height: int = 720
    seconds: str = "5"
    prompt: str = ""
    seed: int = 0
    model: str = ""
    audio: bool = False
    watermark: bool = False
    first: str = ""
    last: str = ""
    references: tuple[str, ...] = ()
    source: str = ""
    target: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The sheet as JSON."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def key(self) -> str:
        """The digest of what is drawn, as a file's name."""
        return key_of(self.as_dict()).partition(":")[2][:40]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A task, an upscale or an asset under review.

    `due` is when the next stage begins. Of `price`, `held` is set aside while the job runs; `charged` and `refunded`
    are what became of it. With `post_pay` nothing is deducted before the end, so nothing comes back (S2:232).
    `extra` is the service's own; `traits` the faults that stay with the job.
    """

    id: str
    kind: str
    account: str
    model: str
    created: float
    due: float
    price: Decimal = Decimal(0)
    pace: float = 0.0
    stage: Stage = "pending"
    fate: Stage = "done"
    code: str = ""
    message: str = ""
    started: float = 0.0
    ended: float = 0.0
    held: Decimal = Decimal(0)
    charged: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)
    post_pay: bool = False
    body: Any = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    traits: tuple[str, ...] = ()
    sheet: Sheet | None = None
    hook: str = ""
    serial: int = 0
    polls: int = 0

    @property
    def over(self) -> bool:
        """Whether no stage follows."""
        return self.stage in OVER

    def marks(self) -> tuple[str, ...]:
        """What tells one create from another: metadata, seed and prompt, where the body has them."""
        body = self.body if isinstance(self.body, dict) else {}
        inner = body.get("inputs") or body.get("input") or {}
        inner = inner if isinstance(inner, dict) else {}
        found = []
        if body.get("metadata") is not None:
            found.append(f"metadata:{canonical(body['metadata']).decode()}")
        seed = inner.get("seed", body.get("seed"))
        if seed is not None:
            found.append(f"seed:{seed}")
        content = body.get("content")
        texts = [item.get("text") for item in content if isinstance(item, dict)] if isinstance(content, list) else []
        prompt = inner.get("prompt") or body.get("prompt") or next((text for text in texts if text), None)
        if prompt is not None:
            found.append(f"prompt:{prompt}")
        return tuple(found)


def written(job: Job) -> str:
    """A job as one line of JSON."""
    values = {f.name: getattr(job, f.name) for f in fields(job)}
    for name in ("price", "held", "charged", "refunded"):
        values[name] = str(values[name])
    values["sheet"] = job.sheet.as_dict() if job.sheet else None
    return dumps(values)


def read(line: str) -> Job:
    """The job that `written` wrote. Raises `ValueError` for a line that is none."""
    values = json.loads(line)
    for name in ("price", "held", "charged", "refunded"):
        values[name] = Decimal(values[name])
    if values["sheet"] is not None:
        values["sheet"]["references"] = tuple(values["sheet"]["references"])
        values["sheet"] = Sheet(**values["sheet"])
    values["traits"] = tuple(values["traits"])
    return Job(**values)
