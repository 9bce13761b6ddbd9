"""What the workspace already knows, as the drawing board needs it: results, failures, open jobs, earlier keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from pipeline.events import Artifact
from pipeline.store import lost
from pipeline.store.artifacts import Artifacts
from pipeline.store.copies import Copies
from pipeline.store.failures import failures
from pipeline.store.ledger import Kept, Ledger, Line, Pending, Standing
from pipeline.store.lost import Maker


class Known(Protocol):
    """What building a plan asks. Everything is answered in bulk."""

    def kept(self, keys: Iterable[str]) -> Mapping[str, Kept]:
        """Results by key."""
        ...

    def missing(self, artifacts: Iterable[Artifact]) -> set[str]:
        """Digests of those artifacts whose files are gone or visibly changed, and lie in the output no more."""
        ...

    def put_back(self) -> Mapping[str, str]:
        """By digest, where copies lie of what the store was found to lack: a run puts it back from there."""
        ...

    def standing(self, keys: Iterable[str]) -> Mapping[str, Standing]:
        """Failures that stand for their keys."""
        ...

    def pending(self, keys: Iterable[str]) -> Mapping[str, Pending]:
        """Paid attempts that have no end yet."""
        ...

    def making(self, keys: Iterable[str]) -> Mapping[str, str]:
        """By key, the other run at work that has begun to pay for it."""
        ...

    def makers(self, keys: Iterable[str]) -> Mapping[str, Maker]:
        """By key, which attempt made its result."""
        ...

    def failures(self) -> Mapping[str, str]:
        """By key, the last error of every request that ever failed."""
        ...

    def redos(self) -> Mapping[str, int]:
        """Base keys asked for anew, and how often."""
        ...

    def lines(self) -> Mapping[str, Line]:
        """For each step id of this recipe, what was last made for it."""
        ...


def whole(kept: Mapping[str, Kept], known: Known) -> dict[str, Kept]:
    """Of these results, by key, those whose files are all there as they were made."""
    gone = known.missing(artifact for found in kept.values() for artifact in found.result.outputs.values())
    if not gone:
        return dict(kept)
    return {
        key: found
        for key, found in kept.items()
        if gone.isdisjoint(artifact.sha256 for artifact in found.result.outputs.values())
    }


class Nothing:
    """A workspace that does not exist yet."""

    def kept(self, keys: Iterable[str]) -> Mapping[str, Kept]:
        """Nothing."""
        return {}

    def missing(self, artifacts: Iterable[Artifact]) -> set[str]:
        """Nothing."""
        return set()

    def put_back(self) -> Mapping[str, str]:
        """Nothing."""
        return {}

    def standing(self, keys: Iterable[str]) -> Mapping[str, Standing]:
        """Nothing."""
        return {}

    def pending(self, keys: Iterable[str]) -> Mapping[str, Pending]:
        """Nothing."""
        return {}

    def making(self, keys: Iterable[str]) -> Mapping[str, str]:
        """Nothing."""
        return {}

    def makers(self, keys: Iterable[str]) -> Mapping[str, Maker]:
        """Nothing."""
        return {}

    def failures(self) -> Mapping[str, str]:
        """Nothing."""
        return {}

    def redos(self) -> Mapping[str, int]:
        """Nothing."""
        return {}

    def lines(self) -> Mapping[str, Line]:
        """Nothing."""
        return {}


class Remembered:
    """A workspace's ledger and artifacts, for one recipe and output."""

    def __init__(
        self,
        ledger: Ledger,
        artifacts: Artifacts,
        *,
        recipe: str,
        output: str,
        unnoted: Mapping[str, Line],
        copies: Copies | None = None,
    ) -> None:
        self._ledger = ledger
        self._artifacts = artifacts
        self._recipe = recipe
        self._output = output
        self._unnoted = unnoted  # lines of a run whose process died before it could note them
        self._lines: Mapping[str, Line] | None = None
        self._copies = copies or Copies(Path(output))
        self._put_back: dict[str, str] = {}

    def kept(self, keys: Iterable[str]) -> Mapping[str, Kept]:
        """Results by key."""
        return self._ledger.kept(keys)

    def missing(self, artifacts: Iterable[Artifact]) -> set[str]:
        """Digests of those artifacts whose files are gone or visibly changed, and lie in the output no more."""
        asked = {artifact.sha256: artifact for artifact in artifacts}
        gone = self._artifacts.missing(asked.values())
        found = {sha256: path for sha256 in gone if (path := self._copies.find(asked[sha256]))}
        self._put_back |= found
        return gone - found.keys()

    def put_back(self) -> Mapping[str, str]:
        """By digest, where copies lie of what the store was found to lack: a run puts it back from there."""
        return self._put_back

    def standing(self, keys: Iterable[str]) -> Mapping[str, Standing]:
        """Failures that stand for their keys."""
        return self._ledger.standing(keys)

    def pending(self, keys: Iterable[str]) -> Mapping[str, Pending]:
        """Paid attempts that have no end yet."""
        return self._ledger.pending(keys)

    def making(self, keys: Iterable[str]) -> Mapping[str, str]:
        """Nothing: here no other run is known to be at work."""
        return {}

    def makers(self, keys: Iterable[str]) -> Mapping[str, Maker]:
        """By key, which attempt made its result."""
        return lost.makers(self._ledger.path, keys)

    def failures(self) -> Mapping[str, str]:
        """By key, the last error of every request that ever failed."""
        return failures(self._ledger.path)

    def redos(self) -> Mapping[str, int]:
        """Base keys asked for anew, and how often."""
        return self._ledger.redos()

    def lines(self) -> Mapping[str, Line]:
        """For each step id of this recipe, what was last made for it."""
        if self._lines is None:
            self._lines = {**self._ledger.steps_made(self._recipe, self._output), **self._unnoted}
        return self._lines
