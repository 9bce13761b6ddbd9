"""Which requests failed in the end, whether their failure stands for their key or might not come again."""

from __future__ import annotations

from pathlib import Path

from pipeline import digest
from pipeline.store import database

# WHY: attempt 0 of a step that was never begun is told too: its account is not served, or its input was refused.
_FAILED = """
SELECT a.key, e.data FROM attempts AS a JOIN events AS e ON e.seq = a.failed AND e.kind = 'Failed'
WHERE a.failed IS NOT NULL ORDER BY a.failed
"""


def failures(path: Path) -> dict[str, str]:
    """By key, the last error of every request that failed, also where it has a result by now. Raises `StoreError`."""
    with database.opened(path) as connection:
        rows = connection.execute(_FAILED).fetchall()
    told = digest.loads(f"[{','.join(data for _, data in rows)}]")
    return {key: str(values["error"]) for (key, _), values in zip(rows, told, strict=True)}
