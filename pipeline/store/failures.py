"""Which requests failed in the end, whether their failure stands for their key or might not come again."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from pipeline import digest
from pipeline.store import database, faults

# WHY: attempt 0 of a step that was never begun is told too: its account is not served, or its input was refused.
_FAILED = """
SELECT a.key, e.data FROM attempts AS a JOIN events AS e ON e.seq = a.failed AND e.kind = 'Failed'
WHERE a.failed IS NOT NULL ORDER BY a.failed
"""


def failures(path: Path) -> dict[str, str]:
    """By key, the last error of every request that failed, also where it has a result by now. Raises `StoreError`."""
    try:
        with contextlib.closing(database.connect(path, read_only=True)) as connection:
            rows = connection.execute(_FAILED).fetchall()
    except sqlite3.Error as error:
        raise faults.of_sqlite(error, path) from error
    told = digest.loads(f"[{','.join(data for _, data in rows)}]")
    return {key: str(values["error"]) for (key, _), values in zip(rows, told, strict=True)}
