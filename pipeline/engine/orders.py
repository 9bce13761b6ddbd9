"""What the state of a run speaks in: the phases of a step, and the orders that it gives."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pipeline.events import Result
from pipeline.plan.model import Step


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
    AWAY = "away"  # a service has the job, and this process no longer asks how it stands


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
    """Do not begin a step: what it needs failed, a cap forbids it, or its account is not served."""

    step: Step
    reason: str  # "needs", "budget" or "account"
    why: str


@dataclass(frozen=True, slots=True)
class Rest:
    """Wake the step after some seconds, so that it can be sent again."""

    step: Step
    seconds: float


Order = Start | Share | Skip | Rest
