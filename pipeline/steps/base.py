"""What every step kind has: what decides its result, what it needs, and how it is done on this machine.

A step kind is one frozen class in a file of its own and a line in the catalog. It knows nothing of plans, runs or
money; what it is given are paths, what it leaves are files in a folder of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from pipeline.providers.fit import Fit
from pipeline.values import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One input of a step: another step's output, a file by its bytes, or a URL. Exactly one of them is given.

    How it gets to a service is no part of what it is: `upload` is the step that makes it reachable, `inside` puts it
    into the request itself, made to `fit` where it is a picture of our own. Nor is what the recipe calls it, `name`.
    """

    role: str  # "first_frame", "last_frame", "reference", "clip", "bed"
    step: str = ""
    output: str = ""
    path: Path | None = None
    sha256: str = ""
    url: str = ""
    upload: str = ""
    inside: bool = False
    fit: Fit | None = None
    usual: str = field(default="", compare=False)  # the step it would be without a pick, where it is another
    name: str = field(default="", compare=False)
    media: str = field(default="", compare=False)  # "image", "video" or "audio", where it is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a step left in its folder: files by output name, and facts worth telling (plain JSON)."""

    files: Mapping[str, Path]
    facts: Mapping[str, Any] = field(default_factory=dict)


class Work(Protocol):
    """One unit of a plan, as a value."""

    @property
    def kind(self) -> str:
        """The step kind's name: the last part of a step's id."""
        ...

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """The inputs, in the order in which they are handed to `perform`."""
        ...

    def words(self) -> Mapping[str, Any]:
        """What decides the result besides the inputs' bytes, as JSON; it goes into the step's key."""
        ...

    def perform(self, inputs: Sequence[Path], folder: Path) -> Made:
        """Makes the result in `folder` from the inputs' files; blocks. Raises `StepError`, `OSError`."""
        ...
