"""The books of one service: every job's money, every account's sum, and how often the same thing was created."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from pipeline.emulators.desk import Desk


def books(desk: Desk) -> dict[str, Any]:
    """Accounts, jobs and creates by mark, as JSON with exact `Decimal` amounts; assets cost nothing and come apart."""
    every = list(desk.jobs.values())
    paid = [job for job in every if job.kind != "asset"]
    marks = Counter(mark for job in paid for mark in job.marks())
    names = sorted({job.account for job in every})
    return {
        "accounts": {
            name: {
                "opening": desk.opening,
                "held": desk.total(name) - desk.available(name),
                "charged": desk.used(name),
                "available": desk.available(name),
                "jobs": sum(1 for job in paid if job.account == name),
            }
            for name in names
        },
        "totals": {
            "reserved": sum((job.price for job in paid), Decimal(0)),
            "held": sum((job.held for job in paid), Decimal(0)),
            "charged": sum((job.charged for job in paid), Decimal(0)),
            "refunded": sum((job.refunded for job in paid), Decimal(0)),
        },
        "created": len(paid),
        "assets": len(every) - len(paid),
        "creates_by_mark": dict(marks),
        "jobs": [
            {
                "id": job.id,
                "kind": job.kind,
                "account": job.account,
                "model": job.model,
                "stage": job.stage,
                "reserved": job.price,
                "held": job.held,
                "charged": job.charged,
                "refunded": job.refunded,
                "marks": list(job.marks()),
                "faults": list(job.traits),
            }
            for job in every
        ],
    }
