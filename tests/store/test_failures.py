"""Which requests failed in the end, as the ledger tells it."""

from __future__ import annotations

from pathlib import Path

from pipeline.events import Failed, Refused, Started, Submitted
from pipeline.store.failures import failures
from pipeline.store.ledger import Ledger, Run

AT = "2026-01-01T00:00:00.000Z"


def test_failures_are_told_by_key_the_last_error_first(tmp_path: Path) -> None:
    """Those that stand, those that might pass, and those of what was never begun; not what is paid and not there."""
    path = tmp_path / "ledger.sqlite3"

    def about(key: str, attempt: int = 1) -> dict[str, object]:
        return {"at": AT, "step": f"{key}/generate", "key": key, "attempt": attempt}

    with Ledger(path) as ledger:
        ledger.begin(Run(id="r", recipe="x", recipe_path="x", output="x", date="x", started_at=AT, plan=[], options={}))
        ledger.append(
            "r",
            Started(**about("a"), account="till"),  # type: ignore[arg-type]
            Submitted(**about("a"), job_id="j"),  # type: ignore[arg-type]
            Failed(**about("a"), error="once."),  # type: ignore[arg-type]
            Started(**about("a", 2), account="till"),  # type: ignore[arg-type]
            Failed(**about("a", 2), error="flagged.", permanent=True),  # type: ignore[arg-type]
            Started(**about("b"), account="till"),  # type: ignore[arg-type]
            Refused(**about("b"), error="busy."),  # type: ignore[arg-type]
            Failed(**about("b"), error="busy."),  # type: ignore[arg-type]
            Failed(**about("c", 0), error="no money."),  # type: ignore[arg-type]
            Started(**about("d"), account="till"),  # type: ignore[arg-type]
            Failed(**about("d"), error="no link.", undelivered=True),  # type: ignore[arg-type]
            Started(**about("e"), account="till"),  # type: ignore[arg-type]
        )
    assert failures(path) == {"a": "flagged.", "b": "busy.", "c": "no money."}
