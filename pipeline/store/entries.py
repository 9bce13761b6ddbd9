"""What the ledger's rows say, as values. A row that no Rushes wrote raises one of `STRANGE`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from pipeline import digest
from pipeline.events import Result
from pipeline.money import ZERO
from pipeline.values import dataclass

STRANGE = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError)
"""What decoding a row raises that somebody else wrote, or that was damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A result that is there for its key, and what it cost when it was made; `source` "free" is what nobody charged."""

    key: str
    result: Result
    run: str
    step: str
    provider: str
    account: str
    charged: Decimal
    usd: Decimal | None
    source: str
    at: str


# WHY: a tuple: a run that goes on may read ten thousand.
class Money(NamedTuple):
    """A paid attempt of a run: what it reserved, and what it came to.

    `charged`, with `charged_usd`, is None until it was settled; until then `freed` says that it holds nothing any more.
    `priced` is False where nobody knew what it would cost, so that nothing was reserved.
    """

    step: str
    attempt: int
    account: str
    credits: Decimal
    usd: Decimal | None
    charged: Decimal | None
    charged_usd: Decimal | None
    freed: bool
    priced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A failure that repeating cannot cure: it stands for its key."""

    key: str
    run: str
    step: str
    error: str
    hint: str
    at: str
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An attempt at a service that has no end yet; without `job_id` nobody knows whether the service took it.

    `settled` means that it is paid and its bytes are not there, `undelivered` that they were then asked for in vain.
    """

    key: str
    run: str
    step: str
    attempt: int
    provider: str
    account: str
    job_id: str | None
    credits: Decimal
    usd: Decimal | None
    doubted: bool
    at: str
    settled: bool = False
    undelivered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled(Pending):
    """Such an attempt with what it asked, and the run it belongs to; `request` is empty where that was not kept."""

    recipe: str
    recipe_path: str
    output: str
    options: Mapping[str, Any]  # of the run
    request: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a step was last made or reused with: its key, that key before any redo, and its own part of it."""

    key: str
    base: str
    own: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The carrying out of one plan; `status` is "running" until it ended, `plan` and `options` are JSON values."""

    id: str
    recipe: str
    recipe_path: str
    output: str
    date: str
    status: str = "running"
    started_at: str
    finished_at: str | None = None
    plan: Any = None
    options: Any = None


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def kept(row: tuple[Any, ...], result: Mapping[str, Any]) -> Kept:
    """The result of a key: its row, and what the event of its row says of it."""
    key, _, run, step, provider, account, charged, usd, source, at = row
    free = charged is None
    return Kept(
        key=key,
        result=Result.from_json(result),
        run=run,
        step=step,
        provider=provider,
        account=account,
        charged=ZERO if free else Decimal(charged),
        usd=ZERO if free else _amount(usd),
        source="free" if free else source,
        at=at,
    )


def money(row: tuple[Any, ...]) -> Money:
    """A paid attempt, of its columns."""
    step, attempt, account, credits, usd, charged, charged_usd, freed, priced = row
    return Money(
        step, attempt, account, Decimal(credits), _amount(usd), _amount(charged), _amount(charged_usd),
        bool(freed), bool(priced),
    )  # fmt: skip


def pending(row: tuple[Any, ...]) -> Pending:
    """An attempt that has no end yet."""
    return Pending(**_about(row), undelivered=bool(row[12]))


def unsettled(row: tuple[Any, ...]) -> Unsettled:
    """Such an attempt, its run's columns and the event that began it."""
    *_, recipe, recipe_path, output, options, started = row
    return Unsettled(
        **_about(row),
        recipe=recipe,
        recipe_path=recipe_path,
        output=output,
        options=digest.loads(options) or {},
        request=digest.loads(started).get("request", {}) if started else {},
    )


def _about(row: tuple[Any, ...]) -> dict[str, Any]:
    key, run, step, attempt, provider, account, job_id, reserved, usd, doubted, at, settled, *_ = row
    return {
        "key": key,
        "run": run,
        "step": step,
        "attempt": attempt,
        "provider": provider,
        "account": account,
        "job_id": job_id,
        "credits": Decimal(reserved),
        "usd": _amount(usd),
        "doubted": bool(doubted),
        "at": at,
        "settled": bool(settled),
    }


def run(row: tuple[Any, ...]) -> Run:
    """A run, of all its columns."""
    names = ("id", "recipe", "recipe_path", "output", "date", "status", "started_at", "finished_at")
    plan, options = digest.loads(row[8]), digest.loads(row[9])
    if not isinstance(plan, list | None) or not isinstance(options, dict | None):
        raise ValueError(f"the run {row[0]} has no plan and options")
    return Run(**dict(zip(names, row, strict=False)), plan=plan, options=options)
