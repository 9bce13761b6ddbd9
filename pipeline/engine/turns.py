"""Turns: a few may do something at once, and of those who wait the most pressing is next."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio


class Turns:
    """At most `width` at once. A smaller `order` goes first, of equals whoever came first."""

    def __init__(self, width: int) -> None:
        self._free = width
        self._waiting: list[tuple[float, int, anyio.Event]] = []
        self._count = itertools.count()

    @asynccontextmanager
    async def turn(self, order: float) -> AsyncIterator[None]:
        """Waits for a turn, and gives it on at the end."""
        if self._free:
            self._free -= 1
        else:
            called = anyio.Event()
            entry = (order, next(self._count), called)
            heapq.heappush(self._waiting, entry)
            try:
                await called.wait()
            except BaseException:
                self._leave(entry)
                raise
        try:
            yield
        finally:
            self._next()

    def _next(self) -> None:
        if self._waiting:
            heapq.heappop(self._waiting)[2].set()
        else:
            self._free += 1

    def _leave(self, entry: tuple[float, int, anyio.Event]) -> None:
        """One that waited is gone; a turn that it had been given already goes on to the next."""
        if entry[2].is_set():
            self._next()
        else:
            self._waiting.remove(entry)
            heapq.heapify(self._waiting)
