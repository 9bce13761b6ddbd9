"""Requests that are being sent: their answers are awaited though the run is to stop, until nobody wants to wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anyio


class Sending:
    """The requests of one process that have no answer yet; its length is how many."""

    def __init__(self) -> None:
        self._shields: set[anyio.CancelScope] = set()

    def __len__(self) -> int:
        return len(self._shields)

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Lets no cancellation from outside into the block, until `give_up`."""
        with anyio.CancelScope(shield=True) as shield:
            self._shields.add(shield)
            try:
                yield
            finally:
                self._shields.discard(shield)

    def give_up(self) -> None:
        """Whoever waits for an answer and was cancelled waits no more: nobody knows what became of the request."""
        for shield in self._shields:
            shield.shield = False
