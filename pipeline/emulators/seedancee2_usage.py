"""Seedancee2's usage summary (S3:266-329): what was charged there includes what came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pipeline.emulators.jobs import Job
from pipeline.emulators.kit import iso

_DEFAULT_DAYS, _MOST_DAYS = 30, 365
_SECONDS_A_DAY = 86_400


def usage(jobs: Sequence[Job], query: Mapping[str, str], now: float) -> dict[str, Any]:
    """Sums over the jobs created between `start` and `end`, by model and by day. Raises `ValueError`."""
    limit = query.get("limit", str(_DEFAULT_DAYS))
    if not limit.isdigit() or not 1 <= int(limit) <= _MOST_DAYS:
        raise ValueError("limit must be between 1 and 365.")
    start = _moment(query, "start", now - _DEFAULT_DAYS * _SECONDS_A_DAY)
    end = _moment(query, "end", now)
    counted = [job for job in jobs if start <= job.created <= end]
    models = sorted({job.model for job in counted})
    days = sorted({_day(job) for job in counted}, reverse=True)[: int(limit)]
    return {
        "range": {"start": iso(start), "end": iso(end)},
        "summary": _sum(counted),
        "by_model": [{"model": name, **_sum([job for job in counted if job.model == name])} for name in models],
        "timeline": [{"date": day, **_sum([job for job in counted if _day(job) == day])} for day in sorted(days)],
    }


def _moment(query: Mapping[str, str], name: str, default: float) -> float:
    if name not in query:
        return default
    try:
        moment = datetime.fromisoformat(query[name])
    except ValueError:
        raise ValueError(f"{name} must be an ISO 8601 datetime.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _day(job: Job) -> str:
    return iso(job.created)[:10]


def _sum(jobs: Sequence[Job]) -> dict[str, Any]:
    charged = sum((job.charged + job.refunded for job in jobs), Decimal(0))
    refunded = sum((job.refunded for job in jobs), Decimal(0))
    stages = [job.stage for job in jobs]
    return {
        "total_jobs": len(jobs),
        "pending_jobs": stages.count("pending") + stages.count("queued"),
        "processing_jobs": stages.count("running"),
        "completed_jobs": stages.count("done"),
        "failed_jobs": stages.count("failed") + stages.count("expired"),
        "credits_charged": charged,
        "credits_refunded": refunded,
        "net_credits": charged - refunded,
    }
