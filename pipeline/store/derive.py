"""What follows from the events: attempts, results, standing failures and what is held, from the log alone.

The same statements bring the tables up to date after each group and make them anew from nothing, so they cannot differ.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from pipeline.store import holding

OPEN = """
  refused IS NULL AND succeeded IS NULL
  AND (failed IS NULL OR (doubted IS NOT NULL AND submitted IS NULL AND settled IS NULL))
  AND (submitted IS NOT NULL OR doubted IS NOT NULL OR (provider <> '' AND account <> ''))
"""
"""What makes an attempt pending. The condition is that of the index `attempts_open`, so that SQLite uses it."""

STEP_KINDS = frozenset(
    {"Started", "Submitted", "Refused", "Doubted", "Settled", "Succeeded", "Failed", "Cancelled", "Gone"}
)

# WHY: sets, not one statement an event: sqlite3 lets go of the interpreter lock at each row it steps over, and a busy
# event loop gives it back after 5 ms at worst.
_ATTEMPTS = """
INSERT INTO attempts (run, step, key, attempt, first, at, provider, account, credits, usd, job_id,
  charged, refunded, settled_usd, source, started, submitted, refused, doubted, settled, succeeded, failed)
SELECT run, step, key, attempt, seq, at,
  CASE kind WHEN 'Started' THEN json_extract(data, '$.provider') ELSE '' END,
  CASE kind WHEN 'Started' THEN json_extract(data, '$.account') ELSE '' END,
  CASE kind WHEN 'Started' THEN json_extract(data, '$.credits') ELSE '0' END,
  CASE kind WHEN 'Started' THEN json_extract(data, '$.usd') END,
  CASE kind WHEN 'Submitted' THEN json_extract(data, '$.job_id') END,
  CASE kind WHEN 'Settled' THEN json_extract(data, '$.charged') END,
  CASE kind WHEN 'Settled' THEN json_extract(data, '$.refunded') END,
  CASE kind WHEN 'Settled' THEN json_extract(data, '$.usd') END,
  CASE kind WHEN 'Settled' THEN json_extract(data, '$.source') END,
  CASE kind WHEN 'Started' THEN seq END,
  CASE kind WHEN 'Submitted' THEN seq END,
  CASE kind WHEN 'Refused' THEN seq END,
  CASE kind WHEN 'Doubted' THEN seq END,
  CASE kind WHEN 'Settled' THEN seq END,
  CASE kind WHEN 'Succeeded' THEN seq END,
  CASE WHEN kind IN ('Cancelled', 'Gone') OR (kind = 'Failed' AND NOT coalesce(json_extract(data, '$.undelivered'), 0))
  THEN seq END
FROM events
WHERE seq > :after
  AND kind IN ('Started', 'Submitted', 'Refused', 'Doubted', 'Settled', 'Succeeded', 'Failed', 'Cancelled', 'Gone')
ORDER BY seq
ON CONFLICT (key, run, step, attempt) DO UPDATE SET
  provider = iif(excluded.started, excluded.provider, provider),
  account = iif(excluded.started, excluded.account, account),
  credits = iif(excluded.started, excluded.credits, credits),
  usd = iif(excluded.started, excluded.usd, usd),
  at = iif(excluded.started, excluded.at, at),
  job_id = coalesce(excluded.job_id, job_id),
  charged = iif(excluded.settled, excluded.charged, charged),
  refunded = iif(excluded.settled, excluded.refunded, refunded),
  settled_usd = iif(excluded.settled, excluded.settled_usd, settled_usd),
  source = iif(excluded.settled, excluded.source, source),
  started = coalesce(excluded.started, started),
  submitted = coalesce(excluded.submitted, submitted),
  refused = coalesce(excluded.refused, refused),
  doubted = coalesce(excluded.doubted, doubted),
  settled = coalesce(excluded.settled, settled),
  succeeded = coalesce(excluded.succeeded, succeeded),
  failed = coalesce(excluded.failed, failed)
"""

_STANDING = """
INSERT INTO standing (key, seq)
SELECT key, seq FROM events
WHERE seq > :after AND kind = 'Failed' AND json_extract(data, '$.permanent') ORDER BY seq
ON CONFLICT (key) DO UPDATE SET seq = excluded.seq
"""

# WHY: attempt 0 is a result shared with an earlier step that asks for the same; what it cost stands with that one.
_RESULTS = """
INSERT INTO results (key, seq)
SELECT key, seq FROM events WHERE seq > :after AND kind = 'Succeeded' AND attempt > 0 ORDER BY seq
ON CONFLICT (key) DO UPDATE SET seq = excluded.seq
"""

_CURED = """
DELETE FROM standing WHERE key IN (SELECT key FROM events WHERE seq > :after AND kind = 'Succeeded')
AND seq < (SELECT seq FROM results WHERE results.key = standing.key)
"""


def advance(connection: sqlite3.Connection, *, after: int, kinds: Collection[str] = STEP_KINDS) -> None:
    """Brings the derived tables up to date with the events beyond `after`, all of these kinds; in a transaction."""
    since = {"after": after}
    if not STEP_KINDS.isdisjoint(kinds):
        moves = not holding.KINDS.isdisjoint(kinds)
        before = holding.touched(connection, after) if moves and after else []
        connection.execute(_ATTEMPTS, since)
        if moves:
            holding.note(connection, before, holding.touched(connection, after))
    if "Failed" in kinds:
        connection.execute(_STANDING, since)
    if "Succeeded" in kinds:
        connection.execute(_RESULTS, since)
        connection.execute(_CURED, since)


def anew(connection: sqlite3.Connection) -> None:
    """Makes the derived tables from the events alone; in a transaction."""
    for table in ("attempts", "results", "standing", "held"):
        connection.execute(f"DELETE FROM {table}")
    advance(connection, after=0)
