"""What can happen in a run, one frozen class an event; console, ledger, report and tests hear the same ones.

The order of events is what makes a run safe to kill:

    Started, durable -> send -> Submitted | Refused | Doubted -> poll -> Settled -> bytes kept -> Succeeded | Failed
                                                                         -> Cancelled

Adding an event is one class here and its name in `Event`; every `match` that forgot it is found by the type checker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

from pipeline.errors import Advice
from pipeline.values import dataclass


def instant(moment: datetime) -> str:
    """A moment as events have it: ISO in UTC with milliseconds, "2026-11-21T09:10:00.000Z", so that texts compare."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def later(at: str, seconds: float) -> str:
    """The moment so many seconds after an event's, or before it where they are less than 0."""
    return instant(datetime.fromisoformat(at) + timedelta(seconds=seconds))


def minute(at: str) -> str:
    """An event's moment as people read it, in UTC: "2026-11-21 09:10"."""
    return at[:16].replace("T", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file that a step made, by content. `seconds` and `fps` are exact texts ("5", "24", "30000/1001"), or empty."""

    sha256: str  # "sha256:<64 hex>"
    bytes: int
    suffix: str  # ".mp4"
    width: int = 0
    height: int = 0
    seconds: str = ""
    fps: str = ""

    def to_json(self) -> dict[str, Any]:
        """A plain dict of every field."""
        return {name: getattr(self, name) for name in _ARTIFACT_FIELDS}


_ARTIFACT_FIELDS = tuple(f.name for f in fields(Artifact))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a step leaves behind: its files by name (`video`, `image`, `last_frame`, `upscaled`, `film`) and facts."""

    outputs: Mapping[str, Artifact]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A plain dict: {outputs: {name: artifact}, facts}."""
        return {"outputs": {name: a.to_json() for name, a in self.outputs.items()}, "facts": dict(self.facts)}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Result:
        """The inverse of `to_json`."""
        return Result(
            outputs={name: Artifact(**artifact) for name, artifact in value["outputs"].items()}, facts=value["facts"]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A process took the run up; the first one of a run begins it. `at` is an ISO time in UTC, here and below."""

    at: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """An attempt is about to be made; `credits` and `usd` are reserved from now on. `body` is its request's digest.

    `request` is what a service is asked, in its own words and without addresses: by it a lost job is found again.
    `priced` is False where nobody knows what it will cost: then nothing is reserved, and any charge is taken.
    `book` is the price book that the amount comes from, such as "SeeGen's API document, S0:45".
    """

    at: str
    step: str
    key: str
    attempt: int
    provider: str = ""
    account: str = ""
    credits: Decimal = Decimal(0)
    usd: Decimal | None = None
    body: str = ""
    priced: bool = True
    request: Mapping[str, Any] = field(default_factory=dict)
    book: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The service accepted the request and named the job."""

    at: str
    step: str
    key: str
    attempt: int
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The service certainly did not take the request: the reservation is released.

    `account`: it does not serve the account, so the request is not at fault, and nothing more is sent on it for now.
    `cause` is "moderation" where its rules forbid the request, else empty.
    """

    at: str
    step: str
    key: str
    attempt: int
    error: str
    hint: str = ""
    advice: Advice = Advice.NEVER
    after_seconds: float | None = None
    account: bool = False
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubted:
    """Nobody knows whether the service took the request, or how the job stands that it has taken.

    The reservation is held, and nothing is sent again by itself; after `Submitted` a later process asks again.
    """

    at: str
    step: str
    key: str
    attempt: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the attempt cost in the end. `source` says who said so: the service, the estimate, or the user."""

    at: str
    step: str
    key: str
    attempt: int
    charged: Decimal
    refunded: Decimal
    usd: Decimal | None
    source: str
    facts: Mapping[str, Any] = field(default_factory=dict)  # what else the service told of it: tokens, a seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """The step's bytes are kept; whatever needs it may start."""

    at: str
    step: str
    key: str
    attempt: int
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The step will not be tried again in this run; `permanent` means that its failure stands for its key.

    `undelivered`: the service did its work and was paid, and only its bytes are missing. The attempt stays open, so
    that a later process asks for them again, and nobody buys them again. `cause` is "moderation" where a service's
    rules forbid what was asked for or what came of it, else empty.
    """

    at: str
    step: str
    key: str
    attempt: int
    error: str
    hint: str = ""
    permanent: bool = False
    undelivered: bool = False
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The attempt has ended because the user wished it: nothing stands for its key, and it is no failure to retry.

    The same run may be asked to submit it anew, as another attempt with a price of its own.
    """

    at: str
    step: str
    key: str
    attempt: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The files of an attempt that succeeded are no more. `freed`: taken away, and whoever made them may have them yet.

    Otherwise the service was asked for them again, and has them no more.
    """

    at: str
    step: str
    key: str
    attempt: int
    freed: bool
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """The step was not begun.

    `reason` is "needs" (what it needs failed), "budget", "account" (it is not served) or "failures" (there were as many
    as the run was to bear).
    """

    at: str
    step: str
    key: str
    reason: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """The process let go of the run: complete, partial, stopped, failed or interrupted."""

    at: str
    status: str


Event = (
    RunStarted
    | Started
    | Submitted
    | Refused
    | Doubted
    | Settled
    | Succeeded
    | Failed
    | Cancelled
    | Gone
    | Skipped
    | RunEnded
)
EVENTS: Mapping[str, type[Event]] = {cls.__name__: cls for cls in get_args(Event)}

_FIELDS: Mapping[type, tuple[str, ...]] = {cls: tuple(f.name for f in fields(cls)) for cls in EVENTS.values()}
_READERS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("credits", "usd", "charged", "refunded"), Decimal),
    "after_seconds": float,
    "advice": Advice,
    "result": Result.from_json,
}
_READ = {kind: [(f.name, _READERS[f.name]) for f in fields(cls) if f.name in _READERS] for kind, cls in EVENTS.items()}


def to_json(event: Event) -> dict[str, Any]:
    """A plain dict of an event's fields, amounts as exact texts; its class name is kept beside it, not in it."""
    values: dict[str, Any] = {}
    for name in _FIELDS[type(event)]:
        value = getattr(event, name)
        if isinstance(value, Decimal):
            value = str(value)
        elif isinstance(value, Result):
            value = value.to_json()
        values[name] = value
    return values


def from_json(kind: str, values: Mapping[str, Any]) -> Event:
    """The event of class `kind` that `to_json` wrote. Raises `KeyError` for a kind this version does not know."""
    fixed: dict[str, Any] = dict(values)
    for name, read in _READ[kind]:
        if fixed.get(name) is not None:
            fixed[name] = read(fixed[name])
    return EVENTS[kind](**fixed)
