"""What the state of a run speaks in: the phases of a step, the orders that it gives, and what it waits for."""

from __future__ import annotations

from enum import Enum

from pipeline.events import Result
from pipeline.plan.model import Block, Step
from pipeline.values import dataclass


class Phase(Enum):
    """Where a step stands. WAITING for what it needs, READY for a slot, RESTING before it is sent again."""

    WAITING = "waiting"
    READY = "ready"
    RUNNING = "running"
    RESTING = "resting"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    AWAY = "away"  # a service has the job, and this process no longer asks how it stands


BLOCKED = {Block.FAILURE: Phase.FAILED, Block.UNKNOWN: Phase.UNKNOWN, Block.BUDGET: Phase.SKIPPED}
LIVE = frozenset({Phase.WAITING, Phase.READY, Phase.RUNNING, Phase.RESTING})


@dataclass(frozen=True, slots=True)
class Start:
    """Begin this attempt of a step, or take up its job where it stands."""

    step: Step
    attempt: int


@dataclass(frozen=True, slots=True)
class Share:
    """Give a step the result of its twin."""

    step: Step
    result: Result


@dataclass(frozen=True, slots=True)
class Skip:
    """Do not begin a step: its needs failed, a cap forbids it, its account is not served, or too much has failed."""

    step: Step
    reason: str  # "needs", "budget", "account" or "failures"
    why: str


@dataclass(frozen=True, slots=True)
class Rest:
    """Wake the step after some seconds, so that it can be sent again."""

    step: Step
    seconds: float
    why: str  # what its last refusal said


Order = Start | Share | Skip | Rest


LONG_SECONDS = 10.0
"""What a step waits for longer than this, people are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A step that waits for longer than one would think, and why: told while it lasts, and never written down.

    `account`: every step of it waits for the same, this one first. `seconds`: for how long, where that is known.
    """

    at: str
    step: str
    why: str
    account: str = ""
    seconds: float | None = None


def asked_again(at: str, step: str, seconds: float, why: str) -> Waiting | None:
    """What people are told of a step whose service is asked again after so long; None: it is not long."""
    if seconds <= LONG_SECONDS:
        return None
    return Waiting(at=at, step=step, why=f"asked again in {seconds:.0f} s: {why}", seconds=seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """The run is to stop, and waits for the answers to so many requests, so as not to lose what they may have begun."""

    at: str
    requests: int
