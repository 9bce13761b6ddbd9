"""Which stored files something still needs: a manifest, a pick, what a recipe last showed, or a run that is not done.

When in doubt a file is needed: a manifest that cannot be understood keeps whatever its runs have made.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline import digest
from pipeline.store import derive, faults

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LINES = "SELECT DISTINCT key FROM lines"
# A run that is not complete may go on, with its plan as it was; so may one of which a service still has a job.
_PLANS = f"SELECT plan FROM runs WHERE status <> 'complete' OR id IN (SELECT run FROM attempts WHERE {derive.OPEN})"
_OUTPUTS = "SELECT json_extract(e.data, '$.result.outputs') FROM results AS r JOIN events AS e ON e.seq = r.seq"
_OF_KEYS = f"{_OUTPUTS} WHERE r.key IN (SELECT value FROM json_each(?))"
_OF_FOLDER = (
    f"{_OUTPUTS} WHERE r.key IN (SELECT a.key FROM attempts AS a JOIN runs ON runs.id = a.run WHERE runs.output = ?)"
)


def needed(connection: sqlite3.Connection) -> set[str]:
    """The digests ("sha256:<hex>") of all that must stay, by this ledger. Raises `StoreError`."""
    found = set(_digests(connection.execute(_OF_KEYS, (json.dumps(sorted(_keys(connection))),))))
    for (folder,) in connection.execute("SELECT DISTINCT output FROM runs").fetchall():
        shown = _shown(Path(folder) / "manifest.json")
        found |= set(_digests(connection.execute(_OF_FOLDER, (folder,)))) if shown is None else shown
    recipes = {Path(path).parent for (path,) in connection.execute("SELECT DISTINCT recipe_path FROM runs") if path}
    for folder in recipes:
        found |= _picked(folder)
    return found


def _keys(connection: sqlite3.Connection) -> set[str]:
    found = {key for (key,) in connection.execute(_LINES)}
    for (text,) in connection.execute(_PLANS):
        plan = digest.loads(text) or ()
        found.update(line[1] for line in plan)
    return found


def _digests(rows: Iterable[tuple[str]]) -> Iterator[str]:
    for (outputs,) in rows:
        for artifact in digest.loads(outputs).values():
            yield artifact["sha256"]


def _shown(manifest: Path) -> set[str] | None:
    """The digests that a manifest names, none where it is not there; None where it cannot be understood."""
    with faults.told(manifest):
        try:
            text = manifest.read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return set()
    try:
        digest.loads(text)
    except ValueError:
        return None
    return set(_DIGEST.findall(text))


def _picked(folder: Path) -> set[str]:
    """The digests in the picks of the recipes in a folder."""
    found: set[str] = set()
    for path in folder.glob("*.picks.yaml"):
        with faults.told(path):
            if not path.is_file():  # WHY: a named pipe would be waited for, a device never ends
                continue
            found.update(_DIGEST.findall(path.read_text(encoding="utf-8", errors="replace")))
    return found
