"""How long others are waited for: a call, a file that drips, a host that asks for hours. Real servers, short times."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import httpx
import pytest

from pipeline.errors import Advice, ProviderError
from pipeline.providers import http, seedance2_movie, seegen
from pipeline.providers.base import Call
from pipeline.providers.download import Patience
from pipeline.providers.http import HttpWire
from tests.providers.test_http import KEY, LINK, caught, run, wire

GET, POST = Call(method="GET", path="/x"), Call(method="POST", path="/x", body={"a": 1})
SHORT = Patience(call_seconds=0.4, file_seconds=5, slow_seconds=0.4, slow_bytes=100)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


async def _drips(head: bytes, go: Callable[[HttpWire, str], Awaitable[Any]], patience: Patience, each: float) -> Any:
    """A listener that says `head`, and then a byte at a time without an end."""

    async def handle(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()
            try:
                await stream.send(head)
                while True:
                    await anyio.sleep(each)
                    await stream.send(b"1")
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                pass

    ended: Any = None
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        base = f"http://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}"
        async with anyio.create_task_group() as group:
            group.start_soon(listener.serve, handle)
            async with HttpWire(seegen, KEY, base=base, patience=patience) as line:
                try:
                    ended = await go(line, base)
                except ProviderError as error:
                    ended = error
            group.cancel_scope.cancel()
    return ended


@pytest.mark.parametrize("head", [HEAD, b"HTTP/1.1 200 OK\r\nX-Slow: "])
@pytest.mark.parametrize(
    ("call", "advice"),
    [(POST, Advice.DOUBT), (GET, Advice.LATER), (seedance2_movie.presign("a.png", "image/png"), Advice.LATER)],
)
def test_an_answer_that_drips_ends_a_call(head: bytes, call: Call, advice: Advice) -> None:
    """In its body or before it; what may have been bought is a doubt, what may be repeated is not."""
    error = run(lambda: _drips(head, lambda line, _: line.send(call), SHORT, 0.02))
    assert (type(error), error.advice) == (ProviderError, advice)
    assert "did not answer in time" in error.fact


def test_a_call_stands_in_line_as_long_as_it_must() -> None:
    """Its time begins when it is sent."""

    async def go(line: HttpWire, base: str) -> list[Any]:
        for _ in range(http.CALLS):
            line._line.acquire_nowait()
        found: list[Any] = []

        async def send() -> None:
            try:
                found.append(await line.send(POST))
            except ProviderError as error:
                found.append(error.advice)

        async with anyio.create_task_group() as group:
            group.start_soon(send)
            await anyio.sleep(SHORT.call_seconds * 2)
            assert found == []
            line._line.release()
        return found

    assert run(lambda: _drips(b"HTTP/1.1 204 No\r\n\r\n", go, SHORT, 9))[0].status == 204


def test_a_download_that_drips_is_given_up(tmp_path: Path) -> None:
    """LATER, with a way out, and nothing left behind; each byte is no new beginning."""
    error = run(lambda: _drips(HEAD, lambda line, base: line.download(f"{base}/f", tmp_path / "f"), SHORT, 0.02))
    assert error.advice is Advice.LATER
    assert "too slow" in error.fact
    assert "Run the same command again" in error.hint
    assert list(tmp_path.iterdir()) == []


def test_a_download_has_an_end_however_fast_it_drips(tmp_path: Path) -> None:
    """The whole time of a file."""
    brief = Patience(file_seconds=0.5, slow_seconds=0.2, slow_bytes=1)
    error = run(lambda: _drips(HEAD, lambda line, base: line.download(f"{base}/f", tmp_path / "f"), brief, 0.01))
    assert error.advice is Advice.LATER
    assert "not whole after" in error.fact
    assert list(tmp_path.iterdir()) == []


class _Cut(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self.content = content

    async def __aiter__(self) -> Any:
        yield self.content
        raise httpx.ReadError("cut")


def _in_pieces(content: bytes, size: int, asked: list[int]) -> Callable[[httpx.Request], httpx.Response]:
    def handler(request: httpx.Request) -> httpx.Response:
        start = int(request.headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        asked.append(start)
        told = {"content-range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        return httpx.Response(206 if start else 200, headers=told, stream=_Cut(content[start : start + size]))

    return handler


def test_a_byte_more_is_not_progress(tmp_path: Path) -> None:
    """Cut after each byte: given up after so many cuts."""
    asked: list[int] = []
    error = caught(lambda: wire(_in_pieces(b"x" * 100, 1, asked)).download(LINK, tmp_path / "f"))
    assert (error.advice, asked) == (Advice.LATER, [0, 1, 2, 3, 4])


def test_sixty_four_kilobytes_more_are(tmp_path: Path) -> None:
    """However often it is cut."""
    content, asked = b"x" * http.STEP * 12, list[int]()

    def handler(request: httpx.Request) -> httpx.Response:
        if len(asked) < 11:
            return _in_pieces(content, http.STEP, asked)(request)
        rest = content[11 * http.STEP :]
        told = {"content-range": f"bytes {11 * http.STEP}-{len(content) - 1}/{len(content)}"}
        return httpx.Response(206, headers=told, content=rest)

    digest = run(lambda: wire(handler).download(LINK, tmp_path / "f"))
    assert digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert len(asked) == 11


def test_nobody_makes_a_download_wait_for_an_hour(tmp_path: Path) -> None:
    """A minute at most between two pieces, whatever a host says."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    answer = httpx.MockTransport(lambda _: httpx.Response(429, headers={"retry-after": "3600"}))
    line = HttpWire(seegen, KEY, base="https://api.example/v1", transport=answer, sleep=sleep)
    assert caught(lambda: line.download(LINK, tmp_path / "f")).advice is Advice.LATER
    assert slept == [60.0] * (http.CUTS - 1)


@pytest.mark.parametrize("body", [{"prompt": "\ud800"}, {"a": float("nan")}])
def test_what_cannot_be_written_down_is_told_before_it_is_sent(body: dict[str, Any]) -> None:
    """NEVER: repeating cures nothing, and nothing was sent."""
    asked: list[str] = []
    line = wire(lambda request: (asked.append(request.url.path), httpx.Response(200))[1])
    for call in (Call(method="POST", path="/x", body=body), Call(method="GET", path="/x", query={"id": "\ud800"})):
        error = caught(lambda call=call: line.send(call))
        assert (error.advice, bool(error.hint)) == (Advice.NEVER, True)
    assert asked == []
