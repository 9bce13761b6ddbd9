"""Everything Rushes can say no with, drawn as one tree; knows no other room.

    RushesError            exit  who can mend it
    ├── UserError             2  the user: recipe, configuration, command
    │   ├── RecipeError       2  … at places in the recipe, all of them at once
    │   └── StalePlan         2  … by planning again
    ├── StoreError            2  the user: a disk that is full, a folder that is read-only
    ├── Held                  5  another run, by ending
    ├── DecisionNeeded        4  the user, by answering
    ├── OverBudget            3  the user, by raising a cap or asking for less
    └── StepError             1  fails one step and what stands on it, never the run
        ├── MediaError        1  … a file that is not what it should be
        └── ProviderError     1  … a service's answer, with advice
            ├── Moderated        … its rules forbid the content: the same request fails again
            ├── AccountRefused   … the key, the account or its money: the user mends it, the request is not at fault
            ├── JobLost          … it does not know the job
            └── LinkDied         … a result's link no longer leads to it: a fresh one may

Whoever knows the cause writes `fact` (what is so) and `hint` (the way out); only `pipeline.cli` prints them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import ClassVar

from pipeline.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """A point in a text file: `line` and `column` count from 1; `text` is that whole line, for the caret."""

    file: str
    line: int
    column: int
    text: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with a recipe: where, what is so, and the way out. A warning stops nothing."""

    place: Place
    fact: str
    hint: str
    warning: bool = False

    def __str__(self) -> str:
        word = "warning: " if self.warning else ""
        return f"{self.place}: {word}{self.fact} Hint: {self.hint}"


class RushesError(Exception):
    """Anything Rushes refuses or cannot do: `fact` is what is so, `hint` the way out."""

    exit_code: ClassVar[int] = 70

    def __init__(self, fact: str, hint: str = "") -> None:
        super().__init__(f"{fact} Hint: {hint}" if hint else fact)
        self.fact = fact
        self.hint = hint


class UserError(RushesError):
    """The recipe, the configuration or the command is not right."""

    exit_code = 2


class RecipeError(UserError):
    """The faults of a recipe, sorted by place; never empty."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(sorted(set(faults), key=lambda fault: (fault.place, fault.fact)))
        Exception.__init__(self, "\n".join(map(str, self.faults)))
        self.fact = self.faults[0].fact
        self.hint = self.faults[0].hint


class StalePlan(UserError):
    """A saved plan no longer describes what would happen."""


class StoreError(RushesError):
    """The workspace cannot be read or written."""

    exit_code = 2


class Held(RushesError):
    """Another run holds this recipe."""

    exit_code = 5


class DecisionNeeded(RushesError):
    """Only the user can say how to go on."""

    exit_code = 4


class OverBudget(RushesError):
    """A cap forbids what was asked."""

    exit_code = 3


class Advice(StrEnum):
    """What the one who knows the cause says about trying again; the engine decides."""

    NEVER = "never"  # repeating cannot cure it: bad input, moderation
    LATER = "later"  # temporary, and certainly not accepted or not billed
    SLOW_DOWN = "slow_down"  # as LATER, and the lane is too wide
    DOUBT = "doubt"  # it may have been accepted: hold, never send again by itself


class StepError(RushesError):
    """One step did not work; the rest of the run goes on. `advice` says whether trying again may help."""

    exit_code = 1
    cause: ClassVar[str] = ""  # a class of failures that scripts may tell from the others
    advice: Advice

    def __init__(
        self, fact: str, hint: str = "", *, advice: Advice = Advice.NEVER, after_seconds: float | None = None
    ) -> None:
        super().__init__(fact, hint)
        self.advice = advice
        self.after_seconds = after_seconds


class MediaError(StepError):
    """A picture, video or sound is not what it should be: cut short, undecodable, of another kind."""


class ProviderError(StepError):
    """A service refused or failed a request."""


class Part(StrEnum):
    """What a service's rules forbid, as far as it says."""

    UNTOLD = ""
    PROMPT = "prompt"
    IMAGE = "image"  # an input, and so below
    VIDEO = "video"
    AUDIO = "audio"
    IMAGERY = "imagery"  # a picture or a clip
    INPUT = "input"
    OUTPUT = "output"


class Moderated(ProviderError):
    """A service's rules forbid what was asked for or what came of it; `part` says which, as far as the service does."""

    cause = "moderation"

    def __init__(
        self, fact: str, hint: str = "", *, part: Part = Part.UNTOLD, after_seconds: float | None = None
    ) -> None:
        super().__init__(fact, hint, after_seconds=after_seconds)
        self.part = part


class AccountRefused(ProviderError):
    """A service does not serve this account: its key, its standing, its money, or the address it is asked at."""


class JobLost(ProviderError):
    """A service does not know a job that it once named."""


class LinkDied(ProviderError):
    """A link to a result has expired or is forbidden; the result may still be there."""


def listed(names: Sequence[str], most: int = 4) -> str:
    """The first of the names for a sentence, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
