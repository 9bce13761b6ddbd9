"""What the workspace knows, less what other processes are making at this moment: that is neither there nor lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pipeline.plan.known import Remembered
from pipeline.store.ledger import Pending


class Meanwhile(Remembered):
    """A workspace's ledger and artifacts beside other runs; `at_work` says whether a process carries a run out now."""

    at_work: Callable[[str], bool] = staticmethod(lambda run: False)

    def pending(self, keys: Iterable[str]) -> Mapping[str, Pending]:
        """Paid attempts that have no end yet, but for those of another run at work: whoever claims one waits for it."""
        found = super().pending(keys)
        busy = self._busy(found)
        return {key: pending for key, pending in found.items() if pending.run not in busy}

    def making(self, keys: Iterable[str]) -> Mapping[str, str]:
        """By key, the other run at work that has begun to pay for it."""
        found = super().pending(keys)
        busy = self._busy(found)
        return {key: pending.run for key, pending in found.items() if pending.run in busy}

    def _busy(self, found: Mapping[str, Pending]) -> set[str]:
        return {run for run in {pending.run for pending in found.values()} if self.at_work(run)}
