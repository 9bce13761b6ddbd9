"""The plan: a DAG of steps with keys, prices, actions and a reason for each. A value; nothing here does anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum

from pipeline.errors import Fault
from pipeline.events import Result
from pipeline.money import ZERO, Price
from pipeline.plan.budget import Limits
from pipeline.recipe.model import Recipe, Shot
from pipeline.steps.base import Work
from pipeline.values import dataclass, field


class Action(StrEnum):
    """What a run would do about a step."""

    RUN = "run"
    REUSE = "reuse"  # its result is there
    RESUME = "resume"  # the service has the job; ask how it stands
    BLOCKED = "blocked"  # a failure that stands, an unknown outcome, a cap, or something blocked before it


_DOING = (Action.RUN, Action.RESUME)  # a look at a member of an enum takes as long as five at a name, before 3.12


class Block(StrEnum):
    """Why a step is blocked, which decides how a run that meets it ends."""

    FAILURE = "failure"
    UNKNOWN = "unknown"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """What may be asked for where a step's request fails: rung `rung` of its shot's ladder; 0 is the shot as declared.

    `denied` is why a cap forbids it as things stand. A larger clip made of it by a service is a fallback of its own.
    """

    rung: int
    step: str  # "dawn/generate", or "dawn/upscale"
    provider: str
    model: str
    account: str  # empty where nobody charges
    key: str  # empty for what is made of a clip that is not there yet
    price: Price
    denied: str = ""

    @property
    def id(self) -> str:
        """What it is called, as in "fallback 1 of dawn/generate"."""
        return f"fallback {self.rung} of {self.step}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One unit of a plan. `key` names its result; `own` does not change when only an input's key does."""

    id: str  # "dawn/generate", "dawn@2/generate", "film"
    shot: str  # empty for the film
    take: int
    work: Work
    provider: str  # empty for work on this machine that no provider does
    model: str
    account: str  # empty where nobody charges
    lane: str
    needs: tuple[str, ...]
    key: str
    base: str  # the key before any redo
    own: str
    price: Price
    effort_seconds: float
    priority: int = 0
    retry: int = 0
    seed: int | None = None
    action: Action = Action.RUN
    why: str = ""
    block: Block | None = None
    cause: str = ""  # the class of the failure that blocks it: "moderation", or empty
    stale: bool = False  # reused although its key has changed: pinned, or not asked for
    follows: bool = False  # would run only because something before it changed
    result: Result | None = field(default=None, repr=False)  # what is reused, or fetched again for its file is gone
    job_id: str = ""  # what is resumed
    attempt: int = 0  # the number of the attempt that is resumed
    of_run: str = ""  # the run that began it, and
    of_step: str = ""  # the step's name there
    beside: str = ""  # the run that is making it at this moment, and has reserved its price
    note: str = ""  # what the plan chose, and what the other way would have cost
    rung: int = 0  # which of the shot's fallbacks it asks for; 0: the shot as declared
    fallback: tuple[Fallback, ...] = ()  # what may come after it where it fails
    twin: str = ""  # an earlier step of this plan with the same key, whose result serves this one too

    @property
    def kind(self) -> str:
        """The step kind's name."""
        return self.work.kind

    @property
    def fetched_again(self) -> bool:
        """It was made, its file is gone, and the service that made it is asked for it once more."""
        return self.action is Action.RESUME and self.result is not None

    @property
    def remote(self) -> bool:
        """A service does it, for money."""
        return bool(self.account)


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One take of a shot and the steps that serve it, whether they are in the plan or not.

    `shot` is the rung of its ladder that is asked for; `keys` are those of every rung's result, in turn.
    """

    shot: Shot
    take: int
    generate: str
    frames: tuple[str, ...] = ()  # last_frame steps
    upscale: str = ""
    keys: tuple[str, ...] = ()
    why: str = "not asked for"  # why none of its steps is in the plan, where none is

    @property
    def id(self) -> str:
        """`dawn` for the first take, `dawn@2` for the second."""
        return take_id(self.shot.id, self.take)


def take_id(shot: str, take: int) -> str:
    """`dawn` for the first take, `dawn@2` for the second."""
    return shot if take == 1 else f"{shot}@{take}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who is charged: its provider, what it counts, and what one credit costs in dollars where that is known."""

    name: str
    provider: str
    unit: str
    usd_per_credit: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a set of steps costs at most: credits by account, and dollars, None where one is not known."""

    credits: Mapping[str, Decimal]
    usd: Decimal | None
    unknown: Mapping[str, int] = field(default_factory=dict)  # account -> steps whose price nobody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would run, reuse, resume or is blocked. `steps` are in an order in which each comes after its needs."""

    recipe: Recipe
    takes: tuple[Take, ...]  # every take of every shot, asked for or not
    steps: tuple[Step, ...]
    film: str  # id of the film's step, or empty where the recipe has none
    lanes: Mapping[str, int]
    accounts: Mapping[str, Account]
    limits: Limits  # the tightest of recipe, configuration and flags
    redo: Mapping[str, int]  # base key -> number, where this plan asks for a fresh result
    warnings: tuple[Fault, ...] = ()
    uploads: Mapping[str, Step] = field(default_factory=dict)  # all there can be, also those that nothing needs now
    left: frozenset[str] = frozenset()  # steps that were not asked for, and are not made as the recipe says now

    def doing(self) -> tuple[Step, ...]:
        """The steps that would be carried out."""
        return tuple(step for step in self.steps if step.action in _DOING)

    def totals(self, *, follows: bool | None = None) -> Totals:
        """What running would cost at most; `follows` narrows it to the steps that only follow, or to the others."""
        steps = (s for s in self.steps if s.action is Action.RUN and follows in (None, s.follows))
        return total(step for step in steps if step.account)

    def fallbacks(self) -> tuple[Fallback, ...]:
        """What may be asked for, and paid for, beside the steps that would run: where they fail."""
        return tuple(one for step in self.steps for one in step.fallback if one.account)


def total(steps: Iterable[Step | Fallback]) -> Totals:
    """The upper prices of steps, added up."""
    credits: dict[str, Decimal] = {}
    unknown: dict[str, int] = {}
    usd: Decimal | None = ZERO
    for step in steps:
        if not step.price.known:
            unknown[step.account] = unknown.get(step.account, 0) + 1
        credits[step.account] = credits.get(step.account, ZERO) + step.price.high
        usd = None if usd is None or step.price.usd is None else usd + step.price.usd
    return Totals(credits=credits, usd=usd, unknown=unknown)
