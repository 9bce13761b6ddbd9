"""A web server on a port of this machine, inside a task group: it catches no signal and lets a line be cut."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

HOST = "127.0.0.1"
_LINES: dict[tuple[Any, Any], asyncio.Transport] = {}
_BACKLOG = 2048


class _Line(H11Protocol):
    """A connection that can be found again by its two ends, so that it can be cut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _LINES[self.server, self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        _LINES.pop((self.server, self.client), None)
        super().connection_lost(exc)


class Cut(Response):
    """No answer: the line is cut after `seconds`."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__(status_code=500)
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.seconds:
            await anyio.sleep(self.seconds)
        line = _LINES.get((scope["server"], scope["client"]))
        if line is not None:
            line.abort()


class PortRefused(OSError):
    """A port of this machine that cannot be had; `port` is its number, `strerror` says why."""

    def __init__(self, port: int, error: OSError) -> None:
        super().__init__(error.errno, error.strerror)
        self.port = port


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bound(port: int) -> socket.socket:
    """A socket of our own on this machine; port 0 takes a free one. Raises `PortRefused`."""
    # asyncio turns Nagle off only where the protocol is named; without, each POST waits 40 ms for an acknowledgement
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
    except OSError as error:
        sock.close()
        raise PortRefused(port, error) from None
    return sock


@asynccontextmanager
async def listening(app: ASGIApp, sock: socket.socket) -> AsyncIterator[None]:
    """Serve `app` on `sock` while the block runs; the socket is closed after it."""
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)  # a line that is cut is meant to be
    config = uvicorn.Config(
        app, http=_Line, ws="none", lifespan="off", log_config=None, access_log=False, backlog=_BACKLOG
    )
    server = _Server(config)
    failed: Exception | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(partial(server.serve, sockets=[sock]))
        while not server.started:
            await anyio.sleep(0.005)
        try:
            yield
        except Exception as error:  # told as it is, not in the task group's wrapping
            failed = error
        finally:
            server.should_exit = server.force_exit = True
            for listener in server.servers:
                listener.close()
            for connection in list(server.server_state.connections):
                connection.transport.abort()
            for task in list(server.server_state.tasks):
                task.cancel()
            group.cancel_scope.cancel()  # uvicorn looks at `should_exit` ten times a second; nobody need wait for that
            sock.close()
    if failed is not None:
        raise failed
