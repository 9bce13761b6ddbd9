"""Ports for tests that must name one before it is bound."""

from __future__ import annotations

import contextlib
import random
import socket


def free(count: int = 1) -> int:
    """The first of so many ports in a row that nobody has, below those that systems give out by themselves."""
    while True:
        first = random.SystemRandom().randrange(20_000, 30_000)
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
