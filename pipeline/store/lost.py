"""Results whose files are gone: which attempt made each, and whether its service was asked for it again in vain."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from pipeline import digest, events
from pipeline.events import Gone
from pipeline.store import database
from pipeline.values import dataclass

_MAKERS = """
SELECT r.key, e.run, e.step, e.attempt, a.provider, a.account, coalesce(a.job_id, ''), a.at, g.data
FROM json_each(?) AS k JOIN results AS r ON r.key = k.value JOIN events AS e ON e.seq = r.seq
JOIN attempts AS a ON a.run = e.run AND a.step = e.step AND a.key = e.key AND a.attempt = e.attempt
LEFT JOIN events AS g ON g.seq = a.failed AND a.failed > a.succeeded AND g.kind = 'Gone'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """The attempt that made a result, begun at `at` (ISO, UTC); `gone` is what was told of its files since."""

    run: str
    step: str
    attempt: int
    provider: str
    account: str  # empty where nobody charged
    job_id: str
    at: str
    gone: Gone | None


def makers(path: Path, keys: Iterable[str]) -> dict[str, Maker]:
    """By key, which attempt made its last result, as the ledger at `path` has it. Raises `StoreError`."""
    with database.opened(path) as connection:
        rows = connection.execute(_MAKERS, (json.dumps(list(keys)),)).fetchall()
    return {
        key: Maker(
            run=run, step=step, attempt=attempt, provider=provider, account=account, job_id=job_id, at=at,
            gone=cast(Gone, events.from_json("Gone", digest.loads(gone))) if gone else None,
        )
        for key, run, step, attempt, provider, account, job_id, at, gone in rows
    }  # fmt: skip
