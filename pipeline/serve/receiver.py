"""The receiver: an ear on a port of this machine that hears webhooks, and rings the bell for the jobs they name.

What it hears may be forged, late, doubled or nothing at all, so nothing of it is kept, shown or believed beyond "look
at this job now". It speaks plain HTTP; TLS ends before it, at whatever leads the public address here.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import TracebackType
from urllib.parse import quote, unquote

import anyio
import anyio.abc
import h11

from pipeline.errors import UserError
from pipeline.providers.address import base_url
from pipeline.providers.hooks import Hooks
from pipeline.serve.bell import Bell

MOST_BODY = 1 << 20  # bytes
MOST_HEAD = 1 << 14  # bytes of a request's line and headers
MOST_LINES = 100  # connections at once; more are closed
LINE_SECONDS = 10.0  # for one connection
PARTING_SECONDS = 1.0  # for the other end to read its answer
LONGEST_CALLBACK = 512  # characters (S2:88)
_BREATH_SECONDS = 0.1
_PIECE = 1 << 14


class Receiver:
    """Listens on `listen` for what services send to `public`; an async context manager, on any loop that anyio has.

    `hooks` has, by account, the page and the secret that signs its webhooks (an empty text where none is known). The
    `token` is part of every path, so that only services know where to knock; without one it is random.
    """

    def __init__(
        self,
        listen: str,
        public: str,
        hooks: Mapping[str, tuple[Hooks, str]],
        bell: Bell,
        *,
        token: str = "",
        now: Callable[[], float] = time.time,
    ) -> None:
        """Raises `UserError` for an address or a public URL that is none, or is too long for a callback."""
        self._host, self._port = host_and_port(listen)
        self.address = listen.strip()  # once it listens, what it is bound to: "127.0.0.1:8088", "[::1]:8088"
        self._token = token or secrets.token_urlsafe(24)
        self._hooks, self._bell, self._now = dict(hooks), bell, now
        base = public_url(public)
        self._callbacks = {account: _callback(base, self._token, account) for account in hooks}
        self._lines = 0

    def __repr__(self) -> str:
        return f"<Receiver on {self.address}>"

    def callback(self, account: str) -> str:
        """The URL that this account's service is to tell; empty where the account has no hooks."""
        return self._callbacks.get(account, "")

    async def __aenter__(self) -> Receiver:
        """Raises `UserError` where the address is taken, or not to be had."""
        listeners = await self._bound()
        self.address = _address(listeners[0])
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        for listener in listeners:
            self._group.start_soon(self._accept, listener)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self._group.cancel_scope.cancel()
        # WHY: a group puts an error that passes through it into another; only a cancelling must pass.
        if isinstance(error, anyio.get_cancelled_exc_class()):
            return await self._group.__aexit__(kind, error, trace)
        await self._group.__aexit__(None, None, None)
        return None

    async def _bound(self) -> list[anyio.abc.SocketListener]:
        try:
            many = await anyio.create_tcp_listener(
                local_host=self._host or None, local_port=self._port, backlog=MOST_LINES
            )
        except (OSError, UnicodeError) as error:
            cause = (getattr(error, "strerror", "") or str(error)).lower()
            fact = f"--listen {self.address} cannot be had: {cause}."
            hint = "Name another address or another port (0: any that is free); --webhook must lead to it."
            raise UserError(fact, hint) from None
        return [one for one in many.listeners if isinstance(one, anyio.abc.SocketListener)]

    async def _accept(self, listener: anyio.abc.SocketListener) -> None:
        async with listener:
            while True:
                try:
                    stream = await listener.accept()
                except (OSError, anyio.BrokenResourceError):  # one that was gone already, or no file left to open
                    await anyio.sleep(_BREATH_SECONDS)
                    continue
                if self._lines >= MOST_LINES:
                    await anyio.aclose_forcefully(stream)
                    continue
                self._lines += 1
                self._group.start_soon(self._serve, stream)

    async def _serve(self, stream: anyio.abc.SocketStream) -> None:
        try:
            with anyio.move_on_after(LINE_SECONDS):
                await self._answer(stream)
        except Exception:
            pass  # WHY: a stranger's bytes end a connection, never a run; what was lost, the next poll tells
        finally:
            self._lines -= 1
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)

    async def _answer(self, stream: anyio.abc.SocketStream) -> None:
        """One request and its answer; then the line is closed, so that a slow client holds none."""
        line = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD)
        try:
            status = await self._status(stream, line)
        except h11.RemoteProtocolError as error:
            status = HTTPStatus(error.error_status_hint)
        headers = [("Content-Length", "0"), ("Connection", "close")]
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append(("Allow", "POST"))
        answer = h11.Response(status_code=status, headers=headers, reason=status.phrase.encode())
        await stream.send((line.send(answer) or b"") + (line.send(h11.EndOfMessage()) or b""))
        # WHY: closed with bytes unread, a connection is reset, and the answer may be lost on its way.
        await stream.send_eof()
        with anyio.move_on_after(PARTING_SECONDS):
            while True:
                await stream.receive(_PIECE)

    async def _status(self, stream: anyio.abc.SocketStream, line: h11.Connection) -> HTTPStatus:
        """What a request deserves. Raises `h11.RemoteProtocolError`, and what a stream raises."""
        request = await _next(stream, line)
        if not isinstance(request, h11.Request):
            raise anyio.EndOfStream
        account = self._account(request.target)
        if account is None:
            return HTTPStatus.NOT_FOUND
        if request.method != b"POST":
            return HTTPStatus.METHOD_NOT_ALLOWED
        headers: dict[str, str] = {}
        for raw_name, raw_value in request.headers:  # h11 gives names in lower case
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        if int(headers.get("content-length", "0")) > MOST_BODY:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        body = bytearray()
        while isinstance(event := await _next(stream, line), h11.Data):
            body += event.data
            if len(body) > MOST_BODY:
                return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return self._hear(account, bytes(body), headers)

    def _account(self, target: bytes) -> str | None:
        """Whose callback a request's target is. Before the token anything may stand: proxies add and take away."""
        path = target.decode("latin-1").partition("?")[0]
        parts = path.rsplit("/", 2)
        if len(parts) != 3 or not hmac.compare_digest(unquote(parts[1]).encode(), self._token.encode()):
            return None
        account = unquote(parts[2])
        return account if account in self._hooks else None

    def _hear(self, account: str, body: bytes, headers: Mapping[str, str]) -> HTTPStatus:
        page, secret = self._hooks[account]
        job_id = page.heard(body, headers, secret, self._now())
        if job_id:
            self._bell.ring(job_id)
            return HTTPStatus.OK
        # WHY: services send again what is refused, so only a signature that is at fault is: a body that names no job
        # will not name one the next time.
        badly_signed = secret and page.heard(body, headers, "", self._now())
        return HTTPStatus.UNAUTHORIZED if badly_signed else HTTPStatus.OK


async def _next(stream: anyio.abc.SocketStream, line: h11.Connection) -> object:
    """The next event of a request. Raises `h11.RemoteProtocolError`, and what a stream raises."""
    while True:
        event = line.next_event()
        if event is not h11.NEED_DATA:
            return event
        if line.they_are_waiting_for_100_continue:
            await stream.send(line.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        line.receive_data(await stream.receive(_PIECE))


def _address(listener: anyio.abc.SocketListener) -> str:
    host = str(listener.extra(anyio.abc.SocketAttribute.local_address)[0])
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def host_and_port(listen: str) -> tuple[str, int]:
    """The parts of "127.0.0.1:8088", ":8088" (an empty host: every address) or "[::1]:0". Raises `UserError`."""
    host, colon, port = listen.strip().rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host, bare = host[1:-1], False
    else:
        bare = True
    wrong = not colon or not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) < 1 << 16)
    if wrong or (bare and ":" in host) or not (host.isascii() and host.isprintable()) or set(host) & set(" /@[]"):
        hint = "Write HOST:PORT, as 127.0.0.1:8088, or :8088 for every address of this machine."
        raise UserError(f"--listen {listen[:100]!r} is no address.", hint)
    return host, int(port)


def public_url(text: str) -> str:
    """The public base URL without a slash at its end: https, or http to this machine. Raises `UserError`."""
    base = base_url(text.strip(), "--webhook")
    if not base.isascii():
        raise UserError("--webhook has letters in it that no URL has.", "Write its name as xn--..., its path with %.")
    return base


def _callback(base: str, token: str, account: str) -> str:
    url = f"{base}/{quote(token, safe='')}/{quote(account, safe='')}"
    if len(url) > LONGEST_CALLBACK:
        fact = f"--webhook makes a callback of {len(url)} characters, and services take {LONGEST_CALLBACK} (S2:88)."
        raise UserError(fact, "Use a shorter public URL.")
    return url
