"""Ports for tests that must name one before it is bound."""

from __future__ import annotations

import itertools
import os
import socket

_APART = 10
# WHY: each is tried once in this process, and other processes begin elsewhere.
_BASES = itertools.chain(*(range(first, 32_000, _APART) for first in (20_000 + os.getpid() % 1100 * _APART, 20_000)))


def free(count: int = 1) -> int:
    """The first of so many ports in a row, at most 10, that nobody has; below those that systems give out themselves.

    Raises `RuntimeError` where there are none.
    """
    for base in _BASES:
        socks = [socket.socket() for _ in range(count)]
        try:
            for number, sock in enumerate(socks):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(("127.0.0.1", base + number))
        except OSError:
            continue
        else:
            return base
        finally:
            for sock in socks:
                sock.close()
    raise RuntimeError(f"no {count} ports in a row are free")
