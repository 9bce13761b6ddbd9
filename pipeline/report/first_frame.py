"""Where the picture comes from that a clip begins with, as documents tell of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pipeline.events import Result
from pipeline.plan.model import Step, Take
from pipeline.steps.base import Feed

_FACTS = ("index", "pts", "seconds", "matrix", "range")


def first_frame(
    take: Take, step: Step | None, steps: Mapping[str, Step], result_of: Callable[[Step], Result | None]
) -> Mapping[str, Any] | None:
    """A step, a file or a URL, and the picture's digest; of a chain also which picture it is. None: none was given."""
    shot = take.shot
    if shot.chain is None and shot.first_frame is None:
        return None
    feeds: Iterable[Feed] = step.work.feeds if step else ()
    feed = next((feed for feed in feeds if feed.role == "first_frame"), None)
    if feed and feed.step:
        source = steps.get(feed.step)
        result = result_of(source) if source else None
        picture = result.outputs.get(feed.output) if result else None
        facts = dict(result.facts) if result and feed.output == "last_frame" else {}
        return {"from": feed.step, "sha256": picture.sha256 if picture else None} | {
            name: facts[name] for name in _FACTS if name in facts
        }
    if shot.first_frame is None:
        return {"from": shot.chain.shot if shot.chain else "", "sha256": None}
    source_file = shot.first_frame.file
    if source_file:
        return {"from": source_file.name, "sha256": source_file.sha256}
    return {"from": shot.first_frame.url or shot.first_frame.shot, "sha256": None}
