"""The wire: calls as HTTP on one account's behalf, downloads and uploads without its key. The one room with httpx.

    send       one call -> one `Reply`; the key travels in the page's headers to the base URL alone, redirects never
    download   a link -> a file: streamed, measured, digested, taken up where it was cut; no key, no cookies
    put        a file -> a presigned place: streamed; no key

Every exception of httpx is mapped in `advice_of`: LATER only where certainly nothing was sent. Nothing is waited for
without an end: `Patience` has a call's time and a file's.
"""

from __future__ import annotations

import functools
import logging
import os
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import anyio
import anyio.lowlevel
import httpcore
import httpx

from pipeline.digest import dumps, loads
from pipeline.errors import Advice, LinkDied, ProviderError, UserError
from pipeline.providers.address import base_url, is_loopback
from pipeline.providers.answers import TOO_LONG, retry_after, shown
from pipeline.providers.base import Call, Reply, Service
from pipeline.providers.download import AGAIN, PATIENCE, Download, Patience, is_inside, refusal, too_slow

CALLS = 32  # at once; the others stand in line here
# WHY: whenever a request comes or goes, httpx's pool looks at every connection for every request that waits in it:
# 35 ms with 500. So calls wait before it, and it has room for what else is under way. It keeps a connection no longer
# than small servers do (uvicorn: 5 s), so that none is used that the other end has just closed; and it keeps as many as
# it has, for it would else close and open them in turn.
LIMITS = httpx.Limits(max_connections=2 * CALLS, max_keepalive_connections=2 * CALLS, keepalive_expiry=4.0)
TIMEOUT = httpx.Timeout(connect=10.0, read=60.0, write=60.0, pool=300.0)
MOST_UNSENT_SECONDS = 330.0  # for a connection; a little more than TIMEOUT has for it
MOST_ANSWER = 4_000_000  # bytes of an answer that are read: `answers.TOO_LONG`
MOST_TEXT = 2000  # characters of an answer that is no JSON
MOST_FILE = 2_000_000_000
MOST_PAUSE = 60.0  # between two pieces of a file, whatever a Retry-After says
REDIRECTS = 5
CUTS = 5  # in a row without so many bytes more, before a download is given up
STEP = 64_000
HASTE = 0.2  # seconds: where polling starts in a rehearsal
HIDDEN = "[key]"
SHORTEST_KEY = 8  # a shorter one is no secret, and would be found in any word
_trusted = functools.cache(httpx.create_ssl_context)  # reading what is trusted takes longer than many a call
_REQUEST_IDS = ("x-request-id", "x-tt-logid", "x-amz-request-id", "cf-ray")

# WHY: asyncio reads up to 256 KB at a time; asked for 64, what lies above it cuts and copies that four times over.
httpcore.AsyncHTTP11Connection.READ_NUM_BYTES = 1 << 18

# WHY: at INFO httpx writes whole URLs, and the query of a presigned one is a credential.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

UNSENT: tuple[type[Exception], ...] = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""What happens before the first byte of a request leaves."""
MISTAKEN: tuple[type[Exception], ...] = (httpx.InvalidURL, httpx.UnsupportedProtocol)
"""What repeating cannot cure, since the address is wrong; nothing was sent."""


def advice_of(error: Exception, *, repeatable: bool) -> Advice:
    """LATER where certainly nothing was sent or the call may be repeated, NEVER for a wrong address, else DOUBT."""
    if isinstance(error, MISTAKEN):
        return Advice.NEVER
    return Advice.LATER if repeatable or isinstance(error, UNSENT) else Advice.DOUBT


FOREIGN: tuple[type[Exception], ...] = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.CookieConflict,
    httpx.StreamError,
    OSError,
    anyio.ClosedResourceError,
    anyio.BrokenResourceError,
    ValueError,
    ArithmeticError,
)
"""All that httpx and what lies under it raise; the last two of addresses and headers that nobody thought of."""


class HttpWire:
    """How calls reach one service on one account's behalf; an async context manager that closes its connections."""

    def __init__(
        self,
        page: Service,
        key: str,
        *,
        base: str = "",
        poll_seconds: float | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        patience: Patience = PATIENCE,
    ) -> None:
        self.name = page.NAME
        self.base = base_url(base or page.BASE_URL, page.BASE_URL_ENV)
        self._key = key.strip()
        if not self._key or not self._key.isascii() or not self._key.isprintable():
            raise UserError(f"the key of {self.name} is missing or is none.", f"Set {page.KEY_ENV} anew.")
        self._headers = dict(page.headers(self._key))
        self._here = is_loopback(urlsplit(self.base).hostname or "")
        pace = min(HASTE, page.POLL_SECONDS) if self._here else page.POLL_SECONDS
        self.poll_seconds = pace if poll_seconds is None else poll_seconds
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="download")
        self._now = now
        self._sleep = sleep
        self._patience = patience
        self._line = anyio.Semaphore(CALLS)
        self._client = httpx.AsyncClient(
            limits=LIMITS,
            timeout=TIMEOUT,
            transport=transport,
            verify=_trusted(),
            follow_redirects=False,
            event_hooks={"response": [_unread_location]},
            headers={"User-Agent": "rushes", "Accept-Encoding": "identity"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            trust_env=not self._here,  # a proxy is for the world outside
        )

    def __repr__(self) -> str:
        return f"<HttpWire {self.name} at {self.base}>"

    async def __aenter__(self) -> HttpWire:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._client.aclose()
        self._pool.shutdown(wait=False)

    async def send(self, call: Call) -> Reply:
        """Makes one call. Raises `ProviderError`: LATER where it certainly did not arrive, DOUBT where it may have.

        NEVER for a call that cannot be written down; nothing was sent then either.
        """
        request = self._request(call)
        fault: ProviderError
        try:
            async with self._line:
                with _limited(request, self._patience.call_seconds):
                    response = await self._client.send(request, stream=True)
                    try:
                        body = await _capped(response)
                    finally:
                        await response.aclose()
            return self._reply(response, body)
        except FOREIGN as error:
            repeatable = call.repeatable or call.method == "GET"
            fault = self._fault(error, advice_of(error, repeatable=repeatable))
        # WHY: raised out here, so that the foreign error, which holds the request and its key, is no part of this one.
        raise fault

    def _request(self, call: Call) -> httpx.Request:
        headers = dict(self._headers)
        content = None
        fault: ProviderError
        try:
            if call.body is not None:
                headers["Content-Type"] = "application/json"
                content = dumps(call.body).encode()
            return self._client.build_request(
                call.method, self.base + call.path, params=dict(call.query) or None, headers=headers, content=content
            )
        except httpx.InvalidURL as error:
            fault = self._fault(error, Advice.NEVER)
        except (ValueError, ArithmeticError, RecursionError):
            fact = f"{self.name} cannot be sent this request: it holds a character or a number that JSON cannot."
            fault = ProviderError(fact, "Nothing was sent. Look for broken characters in what the shot says.")
        raise fault

    def _reply(self, response: httpx.Response, body: bytes) -> Reply:
        value, text = None, TOO_LONG
        if len(body) < MOST_ANSWER:
            with suppress(ValueError, ArithmeticError, RecursionError):
                value = self._without_key(loads(body.decode("utf-8-sig")))
            text = "" if value is not None else body[: MOST_TEXT * 4].decode("utf-8", "replace")
        if response.is_redirect:
            value, text = None, f"a redirect to {_host(response.extensions.get('location', '')) or 'elsewhere'}"
        return Reply(
            status=response.status_code,
            json=value,
            text=self._hidden(text)[:MOST_TEXT],
            retry_after=retry_after(response.headers.get("retry-after"), self._now()),
            request_id=self._hidden(next((v for n in _REQUEST_IDS if (v := response.headers.get(n))), ""))[:100],
        )

    def _hidden(self, text: str) -> str:
        return text.replace(self._key, HIDDEN) if len(self._key) >= SHORTEST_KEY else text

    def _without_key(self, value: Any) -> Any:
        """An answer with the key taken out of every text in it: some services say it back."""
        if isinstance(value, str):
            return self._hidden(value)
        if isinstance(value, list):
            return [self._without_key(item) for item in value]
        if isinstance(value, dict):
            return {self._hidden(name): self._without_key(item) for name, item in value.items()}
        return value

    def _fault(self, error: Exception, advice: Advice, what: str = "") -> ProviderError:
        cause = _CAUSES.get(type(error).__name__, "the connection broke")
        host = what or urlsplit(self.base).hostname
        hint = {
            Advice.NEVER: "Look at the base URL.",
            Advice.LATER: "Nothing was bought; it is tried again.",
        }.get(advice, "It may have been taken: ask what became of it with `rushes recover`.")
        return ProviderError(f"{self.name}: {cause} ({host}).", hint, advice=advice)

    async def download(self, url: str, out: Path, *, most_bytes: int = MOST_FILE) -> str:
        """Streams a link into a file, without credentials, and gives the bytes' digest.

        Raises `LinkDied` for 401, 403, 404 and 410, `ProviderError` for what is no file, too large, too slow or stays
        cut, `OSError` for the disk.
        """
        with anyio.move_on_after(self._patience.file_seconds):
            return await self._downloaded(url, out, most_bytes)
        hours = self._patience.file_seconds / 3600
        raise too_slow(f"{self.name}: a download is too slow: it is not whole after {hours:g} hours.")

    async def _downloaded(self, url: str, out: Path, most_bytes: int) -> str:
        part = out.with_name(f"{out.name}.part")
        file = Download(part, most_bytes, self._pool, self._patience)
        failures, had = 0, 0
        try:
            while not file.whole:
                fault = await self._piece(url, file)
                if fault is None:
                    continue
                failures, had = (1, file.bytes) if file.bytes >= had + STEP else (failures + 1, had)
                if failures >= CUTS or fault.advice is not Advice.LATER or isinstance(fault, LinkDied):
                    raise fault
                pause = 0.5 * 2**failures if fault.after_seconds is None else fault.after_seconds
                await self._sleep(min(pause, MOST_PAUSE))
            digest = file.digest()
        except BaseException:
            file.close()
            part.unlink(missing_ok=True)
            raise
        file.close()
        os.replace(part, out)  # noqa: PTH105  # the same move as everywhere, and it says that it replaces
        return digest

    async def _piece(self, url: str, file: Download) -> ProviderError | None:
        """One request for what is missing of a file; None where it went as it should."""
        try:
            response = await self._open(url, file.headers())
        except FOREIGN as error:
            return self._fault(error, advice_of(error, repeatable=True), "a download")
        try:
            if response.status_code == 416:  # it has become another file, or is shorter than what we have
                file.restart()
            if response.status_code not in (200, 206):
                after = retry_after(response.headers.get("retry-after"), self._now())
                return refusal(self.name, response.url.host, response.status_code, after)
            file.begin(response.status_code, response.headers, response.url.host)
            try:
                async for chunk in response.aiter_raw():
                    await file.write(chunk)
            except FOREIGN as error:
                if isinstance(error, OSError):
                    raise  # of our own disk: what the network raises, httpx has wrapped
                return self._fault(error, Advice.LATER, "a download")
            return file.ended()
        finally:
            await response.aclose()

    async def _open(self, url: str, headers: Mapping[str, str]) -> httpx.Response:
        """The answer to a GET of a link, with redirects followed to where links may lead."""
        self._check(url)
        for _ in range(REDIRECTS + 1):
            request = self._client.build_request("GET", url, headers=dict(headers))
            with _limited(request, self._patience.call_seconds):
                response = await self._client.send(request, stream=True)
            target = response.extensions.get("location", "")
            if not (response.is_redirect and target):
                return response
            await response.aclose()
            try:
                url = urljoin(url, target)
            except ValueError:
                url = ""
            self._check(url, "was redirected to an address")
        raise ProviderError(f"{self.name}: a link leads round in circles.", AGAIN, advice=Advice.LATER)

    def _check(self, url: str, what: str = "gave a link") -> None:
        """A link may lead to https without a name or password in it, not by number to where only this machine can go.

        In a rehearsal it may also lead to this machine. What a name stands for is not looked up. Raises
        `ProviderError`.
        """
        address = ""
        with suppress(httpx.InvalidURL, ValueError, ArithmeticError):
            parts = httpx.URL(url)  # read by the one who will dial it
            host, port = parts.host, parts.port
            if parts.scheme:
                address = f"{parts.scheme[:10]}://{shown(host)[:100]}" + ("" if port is None else f":{port}"[:20])
            same = urlsplit(url).hostname in (host, parts.raw_host.decode())  # and nobody else would read another
            if (port is None or 0 < port < 1 << 16) and host and same and not parts.userinfo:
                if is_loopback(host) and self._here and parts.scheme in ("http", "https"):
                    return
                if parts.scheme == "https" and not (is_loopback(host) or is_inside(host)):
                    return
        fact = f"{self.name} {what} that is not followed: {address or 'no address'}."
        raise ProviderError(fact, "Only https links to public addresses are.")

    async def put(self, url: str, path: Path, content_type: str) -> None:
        """Streams a file into a presigned place, without the key. Raises `ProviderError`, `OSError`."""
        self._check(url)
        headers = {"Content-Type": content_type, "Content-Length": str(path.stat().st_size)}
        fault: ProviderError
        try:
            request = self._client.build_request("PUT", url, headers=headers, content=_stream(path))
            with _limited(request, self._patience.file_seconds):
                response = await self._client.send(request, stream=True)
                await response.aclose()
            if response.status_code in (200, 201, 204):
                return
            fact = f"{self.name}: {response.url.host} answered {response.status_code} to an upload."
            fault = ProviderError(fact, "A new place for it is asked for.", advice=Advice.LATER)
        except FOREIGN as error:
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                raise
            fault = self._fault(error, advice_of(error, repeatable=True), "an upload")
        raise fault


_CAUSES = {
    "ConnectError": "it cannot be reached",
    "ConnectTimeout": "it cannot be reached in time",
    "ReadTimeout": "it did not answer in time",
    "TimeoutError": "it did not answer in time",
    "WriteTimeout": "it did not take the request in time",
    "PoolTimeout": "no connection was free in time",
    "ProxyError": "the proxy refused the connection",
    "UnsupportedProtocol": "its address is none that can be asked",
    "InvalidURL": "its address is none that can be asked",
    "RemoteProtocolError": "it broke off its answer",
    "DecodingError": "its answer cannot be unpacked",
}


@contextmanager
def _limited(request: httpx.Request, seconds: float) -> Iterator[None]:
    """Gives a request so much time from its first byte on; raises `TimeoutError` after it."""
    with anyio.fail_after(MOST_UNSENT_SECONDS + seconds) as scope:

        async def happened(what: str, _: Mapping[str, Any]) -> None:
            if what == "http11.send_request_headers.started":
                scope.deadline = anyio.current_time() + seconds

        request.extensions["trace"] = happened
        yield


async def _unread_location(response: httpx.Response) -> None:
    # WHY: httpx reads every Location, followed or not, and takes one that it cannot read for a broken connection.
    response.extensions["location"] = response.headers.pop("location", "")


def _host(location: str) -> str:
    try:
        return shown(urlsplit(location).hostname or "")
    except ValueError:
        return ""


async def _capped(response: httpx.Response) -> bytes:
    """An answer's bytes, unpacked where they are packed all the same; no more than may be read."""
    raw = bytearray()
    async for chunk in response.aiter_raw():
        raw += chunk
        if len(raw) >= MOST_ANSWER:
            break
    if response.headers.get("content-encoding", "").lower() in ("gzip", "deflate"):
        try:
            return zlib.decompressobj(47).decompress(bytes(raw), MOST_ANSWER)
        except zlib.error:
            return b""
    return bytes(raw[:MOST_ANSWER])


async def _stream(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(1 << 18):
            yield chunk
            await anyio.lowlevel.checkpoint()
