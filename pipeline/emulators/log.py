"""What was asked: every request with its time, its key's last four characters, its body and its answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

_MOST_ENTRIES = 10_000
_MOST_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request. `key` is its last four characters alone; `fault` names what was done to it."""

    at: float
    method: str
    path: str
    query: str
    op: str
    key: str
    body: str
    status: int
    answer: str
    fault: str
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The entry as JSON."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


class Log:
    """The latest requests, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_MOST_ENTRIES)

    def add(self, entry: Entry) -> None:
        """Remember a request."""
        self._entries.append(entry)

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def of(self, op: str) -> list[Entry]:
        """The requests of one operation."""
        return [entry for entry in self._entries if entry.op == op]


def short(data: bytes | str) -> str:
    """A text that fits a log, with its length where it was cut."""
    text = data if isinstance(data, str) else data[: _MOST_CHARACTERS * 4].decode("utf-8", "replace")
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}… ({len(data)})"
