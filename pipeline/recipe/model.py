"""The nouns of the reading room: what a recipe says once it has been read, checked and expanded.

Values only: nothing here reads a file, and nothing past here carries a dict of the recipe. Seconds and amounts are
exact `Decimal`s. Names of shots have been resolved: a `shot` text is always the id of a shot of the same recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pipeline.errors import Fault, Place
from pipeline.recipe.mention import unmarked
from pipeline.steps.film import PLAIN, Level
from pipeline.values import dataclass, field

Kind = Literal["video", "image"]
Media = Literal["image", "video", "audio"]
UpscaleBy = Literal["cheapest", "provider", "service", "local"]
OnExceed = Literal["refuse", "stop", "skip"]
Where = Callable[..., Place]
"""`where("prompt")` is the place of a field in the YAML text, `where()` that of the whole entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """A file inside the recipe's folder, as it was when the recipe was read. `name` is relative to that folder."""

    name: str
    path: Path
    sha256: str
    bytes: int
    format: str = ""  # "png", "mp4"
    width: int = 0  # in pixels; 0: not known
    height: int = 0
    seconds: Decimal | None = None  # of a video or sound; None: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an input comes from: exactly one of `file`, `url` and `shot` is given.

    `name` is what the recipe calls it (a reference's name, a shot's id, the path). `media` is known for files and for
    shots; for a URL it is what the recipe says, `image` where it says nothing. `seconds` is the length of a video or
    sound given by URL, where the recipe tells it.
    """

    name: str
    media: Media
    file: LocalFile | None = None
    url: str = ""
    shot: str = ""
    seconds: Decimal | None = None
    people: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The clip goes on from the last frame of `shot`, or from the frame `offset_seconds` before its end."""

    shot: str
    offset_seconds: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upscale:
    """A finished clip or still is made larger: `to` 1080p, 2k or 4k."""

    to: str
    by: UpscaleBy = "cheapest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One clip or still as declared, after `each`; `takes` results of it are asked for.

    `prompt` is what people read, `asked` the same with a mark for each reference it names (`recipe.mention`), so that
    a service may name it in its own manner; without any it is the prompt. `options` are JSON values by provider.
    """

    id: str
    kind: Kind
    prompt: str
    provider: str
    model: str
    account: str
    seconds: Decimal  # a still has 0
    resolution: str
    ratio: str
    seed: int | None
    audio: bool
    watermark: bool
    people: bool
    references: tuple[Source, ...]
    first_frame: Source | None
    last_frame: Source | None
    chain: Chain | None
    upscale: Upscale | None
    takes: int
    needs: tuple[str, ...]
    priority: int
    retry: int
    pin: bool
    picked: int = 1  # the take that a chain, a frame, a reference and the film use
    final: bool = False  # that take alone is made, and only where it was picked
    fallback: tuple[Shot, ...] = ()  # what is asked for in its place, one after the other, where it fails
    dated: bool = False  # its request, or one of its fallbacks', uses run.date, so it is made anew each date
    note: str = ""  # what was settled otherwise than it says, for the plan
    asked: str = field(default="", repr=False)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    where: Where = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if unmarked(self.asked) != self.prompt:  # it was left out, or belongs to the prompt before this one
            object.__setattr__(self, "asked", self.prompt)

    @property
    def rungs(self) -> tuple[Shot, ...]:
        """The shot as declared, then its fallbacks: what may be asked for, in turn."""
        return (self, *self.fallback)

    @property
    def numbers(self) -> Sequence[int]:
        """The takes that there are to be, by their numbers."""
        return (self.picked,) if self.final else range(1, self.takes + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a cap was written: `place` is a line ("recipe.yaml:6"), a file or a flag, `name` what is written there.

    `name` is a setting with its tables ("budget.run.credits.seegen"), and empty for a flag.
    """

    source: Literal["recipe", "configuration", "flag"]
    place: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name} in {self.place}" if self.source == "configuration" else self.place


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """Upper limits of one scope; None is no limit. `credits` maps accounts; `bare` is credits of the one that pays.

    `origins` says where they were written: of "usd", of each account, and as "" of all credits.
    """

    usd: Decimal | None = None
    credits: Mapping[str, Decimal] | None = None
    bare: Decimal | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict, compare=False, repr=False)

    def __bool__(self) -> bool:
        return self.usd is not None or self.credits is not None or self.bare is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a run of the recipe may cost, in all and for one take of a shot, and what all runs may in a period."""

    run: Caps = Caps()
    shot: Caps = Caps()
    day: Caps = Caps()
    week: Caps = Caps()
    month: Caps = Caps()
    on_exceed: OnExceed = "refuse"

    def of(self, scope: str) -> Caps:
        """The caps of one of `SCOPES`."""
        found: Caps = getattr(self, scope)
        return found


SCOPES = ("run", "shot", "day", "week", "month")
"""What a budget has caps for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """Letters over the shot numbered `at` of the film, or on a card before it (after the last: as many as there are).

    A card fades into what comes after it.
    """

    text: str
    seconds: Decimal
    at: int
    card: bool
    crossfade_seconds: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """The cut: the shots in order, an audio bed under it, a resolution (empty: the largest clip's).

    `crossfades` are seconds after each shot, empty where all are cut. The whole rises from black and falls to it.
    """

    shots: tuple[str, ...]
    audio: Source | None = None
    resolution: str = ""
    crossfades: tuple[Decimal, ...] = ()
    titles: tuple[Title, ...] = ()
    level: Level = PLAIN
    fade_in_seconds: Decimal = Decimal(0)
    fade_out_seconds: Decimal = Decimal(0)
    where: Where = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """The take of a shot that was approved, by its number and the digest of its file; `place` is where that stands."""

    take: int
    sha256: str  # "sha256:<64 hex>"
    place: Place = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A recipe that can be planned: every name resolved, every template rendered, every file looked at."""

    name: str
    title: str
    path: Path
    digest: str  # of the recipe's text
    date: str  # run.date, ISO
    vars: Mapping[str, Any]
    shots: tuple[Shot, ...]
    budget: Budget
    film: Film | None
    stage: str = ""  # the one that the shots are in; empty: they are as declared
    stages: tuple[str, ...] = ()  # all that there are
    picks: Mapping[str, Pick] = field(default_factory=dict)  # by shot; of takes in `drafts`
    others: Mapping[str, Recipe] = field(default_factory=dict, compare=False, repr=False)  # as it is in other stages
    warnings: tuple[Fault, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)  # ids of shots that are not there -> what leaves them out

    @property
    def folder(self) -> Path:
        """The folder the recipe lies in; nothing outside it is read."""
        return self.path.parent

    @property
    def drafts(self) -> str:
        """The stage that picks are of takes in, empty for the shots as declared: the one before the last."""
        return self.stages[-2] if len(self.stages) > 1 else ""

    @property
    def draft(self) -> Recipe | None:
        """The recipe as it is in that stage, where this is the last."""
        return self.others.get(self.drafts) if self.is_final else None

    @property
    def is_final(self) -> bool:
        """Whether only what was picked is made: in the last stage."""
        return bool(self.stage) and self.stage == self.stages[-1]
