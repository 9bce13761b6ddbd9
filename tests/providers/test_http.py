"""The wire: what it sends and to whom, what it makes of every answer and of every break, and that keys stay with it."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import inspect
import logging
import traceback
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import httpx
import pytest

from pipeline.errors import Advice, LinkDied, ProviderError, UserError
from pipeline.providers import http, seedance2_movie, seegen
from pipeline.providers.answers import TOO_LONG, retry_after
from pipeline.providers.base import Call
from pipeline.providers.http import HttpWire, advice_of, base_url

KEY = "sk_canary_0123456789"
GET, POST = Call(method="GET", path="/x", query={"a": "b c"}), Call(method="POST", path="/x", body={"prompt": "é"})
Handler = Callable[[httpx.Request], Any]


async def _no_sleep(seconds: float) -> None:
    await anyio.lowlevel.checkpoint()


def wire(handler: Handler, *, base: str = "https://api.example/v1", page: Any = seegen) -> HttpWire:
    async def answer(request: httpx.Request) -> httpx.Response:
        response = handler(request)
        if inspect.isawaitable(response):
            response = await response
        if not response.is_stream_consumed:
            return response
        # What was made from bytes has been read already; over a wire it has not.
        return httpx.Response(response.status_code, headers=response.headers, stream=_Stream(_some(response.content)))

    transport = httpx.MockTransport(answer)
    return HttpWire(page, KEY, base=base, transport=transport, now=lambda: 1_700_000_000.0, sleep=_no_sleep)


class _Stream(httpx.AsyncByteStream):
    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self.chunks = chunks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.chunks


async def _some(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def run(go: Callable[[], Any]) -> Any:
    async def main() -> Any:
        return await go()

    return anyio.run(main)


def caught(go: Callable[[], Any]) -> ProviderError:
    with pytest.raises(ProviderError) as error:
        run(go)
    return error.value


# Calls


def test_a_call_is_sent_with_the_key_to_the_base_url_alone() -> None:
    """Method, path, query, JSON body with exact numbers; the page's headers."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"taskId": "t"}, headers={"x-request-id": "r-1", "retry-after": "3"})

    line = wire(handler)
    reply = run(lambda: line.send(GET))
    run(lambda: line.send(POST))
    assert (reply.status, reply.json, reply.request_id, reply.retry_after) == (200, {"taskId": "t"}, "r-1", 3)
    assert str(seen[0].url) == "https://api.example/v1/x?a=b+c"
    assert seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert (seen[1].method, seen[1].content) == ("POST", '{"prompt": "é"}'.encode())
    assert seen[1].headers["content-type"] == "application/json"


def test_each_page_has_its_own_header() -> None:
    """X-API-Key for movie, and nothing in Authorization."""
    seen: list[httpx.Headers] = []
    line = wire(lambda request: (seen.append(request.headers), httpx.Response(200))[1], page=seedance2_movie)
    run(lambda: line.send(GET))
    assert seen[0]["x-api-key"] == KEY
    assert "authorization" not in seen[0]


@pytest.mark.parametrize(
    ("body", "value", "text"),
    [
        (b'{"a": 14}', {"a": 14}, ""),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}, ""),
        (b"<html>502</html>", None, "<html>502</html>"),
        (b"", None, ""),
        (b"\xff\xfe\x00", None, "\ufffd\ufffd\x00"),
        (b"[" * 100_000, None, "[" * 2000),
        (b'{"a": "' + b"x" * 5_000_000, None, TOO_LONG),
    ],
)
def test_what_is_no_json_is_text(body: bytes, value: Any, text: str) -> None:
    """Pages, broken texts and deep nests are told as what they begin with, endless bodies as that."""
    reply = run(lambda: wire(lambda _: httpx.Response(200, content=body)).send(GET))
    assert reply.text == text
    assert str(reply.json) == str(value)


def test_numbers_are_exact() -> None:
    """14.4 credits are 14.4."""
    from decimal import Decimal

    reply = run(lambda: wire(lambda _: httpx.Response(200, content=b'{"cost": 14.4}')).send(GET))
    assert reply.json == {"cost": Decimal("14.4")}


def test_a_packed_answer_is_unpacked_up_to_a_limit() -> None:
    """Packed though not asked for; a bomb is no JSON and no memory."""
    small, bomb = gzip.compress(b'{"a": 1}'), gzip.compress(b'{"a": "' + b"x" * 50_000_000 + b'"}')
    for body, value in ((small, {"a": 1}), (bomb, None)):
        stream = httpx.ByteStream(body)
        line = wire(lambda _, s=stream: httpx.Response(200, stream=s, headers={"content-encoding": "gzip"}))
        assert run(lambda line=line: line.send(GET)).json == value


def test_an_endless_answer_is_left() -> None:
    """No more is read than may be."""
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1_000_000
            yield b"x" * 1_000_000

    reply = run(lambda: wire(lambda _: httpx.Response(200, content=endless())).send(GET))
    assert reply.json is None
    assert read < 10_000_000


def test_a_redirect_is_not_followed() -> None:
    """The key would travel with it; the page hears where it led."""
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return httpx.Response(307, headers={"location": "https://elsewhere.example/v1/x"})

    reply = run(lambda: wire(handler).send(POST))
    assert (seen, reply.status, reply.text) == (["api.example"], 307, "a redirect to elsewhere.example")
    assert seegen.fault(reply).advice is Advice.NEVER


def test_cookies_are_not_kept() -> None:
    """A service cannot make one call know of another."""
    seen: list[str | None] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("cookie"))
        return httpx.Response(200, headers={"set-cookie": "a=b; Path=/"})

    line = wire(handler)
    for _ in range(2):
        run(lambda: line.send(GET))
    assert seen == [None, None]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        ("2.5", 2.5),
        ("-4", 0.0),
        ("999999999", 3600.0),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("Tue, 14 Nov 2023 22:13:00 GMT", 0.0),
        ("soon", None),
        ("nan", None),
        ("inf", 3600.0),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(value: str | None, seconds: float | None) -> None:
    """From 0 to an hour."""
    assert retry_after(value, now=1_700_000_000.0) == seconds


@pytest.mark.parametrize(
    "good", ["https://seegen.ai/api/v1/", "http://127.0.0.1:8080", "http://localhost/x", "http://[::1]:1"]
)
def test_base_urls_are_https_or_this_machine(good: str) -> None:
    """As they are, without the slash at the end."""
    assert base_url(good, "SEEGEN_BASE_URL") == good.rstrip("/")


@pytest.mark.parametrize(
    "bad",
    ["http://seegen.ai", "http://127.0.0.1.evil.example", "ftp://x/y", "seegen.ai", "", "https://", "https://[",
     "https://me:pw@x.example", "https://x.example?a=b", "https://x.example#a", "http://192.168.0.1", "https://x:y/"],
)  # fmt: skip
def test_other_base_urls_are_refused(bad: str) -> None:
    """By the setting's name, and without what stands in it."""
    with pytest.raises(UserError, match="SEEGEN_BASE_URL") as error:
        base_url(bad, "SEEGEN_BASE_URL")
    assert "pw" not in str(error.value)


@pytest.mark.parametrize("key", ["", "  ", "line\nbreak", "schlüssel"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    """Before anything is sent, by the name of its variable."""
    with pytest.raises(UserError, match="SEEGEN_API_KEY"):
        HttpWire(seegen, key)


# Breaks


def _tree(root: type[BaseException]) -> set[type[BaseException]]:
    return {root}.union(*(_tree(child) for child in root.__subclasses__()))


HTTPX = sorted(
    {
        value
        for _, value in inspect.getmembers(httpx, inspect.isclass)
        if issubclass(value, Exception) and value is not Exception
    },
    key=lambda cls: cls.__name__,
)
NOTHING_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"}
WRONG_ADDRESS = {"InvalidURL", "UnsupportedProtocol"}


def _error(kind: type[Exception]) -> Exception:
    if kind is httpx.HTTPStatusError:
        return kind("x", request=httpx.Request("GET", "https://x"), response=httpx.Response(500))  # type: ignore[call-arg]
    values = len(
        [
            p
            for p in inspect.signature(kind).parameters.values()
            if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
        ]
    )
    return kind(*["x"] * values)


@pytest.mark.parametrize("kind", HTTPX)
def test_every_exception_of_httpx_is_mapped(kind: type[Exception]) -> None:
    """LATER only where certainly nothing was sent: all others may have been taken. Whatever httpx adds is a doubt."""
    assert issubclass(kind, http.FOREIGN)

    def handler(_: httpx.Request) -> httpx.Response:
        raise _error(kind)

    expected = (
        Advice.LATER
        if kind.__name__ in NOTHING_SENT
        else Advice.NEVER
        if kind.__name__ in WRONG_ADDRESS
        else Advice.DOUBT
    )
    assert caught(lambda: wire(handler).send(POST)).advice is expected
    again = Advice.NEVER if kind.__name__ in WRONG_ADDRESS else Advice.LATER
    assert caught(lambda: wire(handler).send(GET)).advice is again
    presign = seedance2_movie.presign("a.png", "image/png")
    assert caught(lambda: wire(handler).send(presign)).advice is again


def test_the_tree_of_httpx_has_no_other_roots() -> None:
    """Nothing that httpx can raise escapes the mapping."""
    assert all(issubclass(kind, http.FOREIGN) for root in (httpx.HTTPError, httpx.StreamError) for kind in _tree(root))
    assert {
        kind.__name__ for kind in HTTPX if advice_of(_error(kind), repeatable=False) is Advice.LATER
    } == NOTHING_SENT


def test_nothing_listens_means_nothing_was_sent() -> None:
    """A real refused connection: LATER."""
    line = HttpWire(seegen, KEY, base="http://127.0.0.1:9")
    assert caught(lambda: line.send(POST)).advice is Advice.LATER


async def _serve(answers: list[bytes], go: Callable[[HttpWire, str], Any]) -> Any:
    """A real listener that says each answer to one connection and hangs up."""

    async def handle(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(answers.pop(0))

    ended: Any = None
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        base = f"http://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}"
        async with anyio.create_task_group() as group:
            group.start_soon(listener.serve, handle)
            async with HttpWire(seegen, KEY, base=base, sleep=_no_sleep) as line:
                try:
                    ended = await go(line, base)
                except ProviderError as error:
                    ended = error
            group.cancel_scope.cancel()
    if isinstance(ended, ProviderError):
        raise ended
    return ended


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", b"SSH-2.0-OpenSSH\r\n"])
def test_a_real_connection_that_breaks_after_the_request_is_a_doubt(answer: bytes) -> None:
    """No answer, half of one, or another protocol: the request was there."""
    error = caught(lambda: _serve([answer or b"\r\n"], lambda line, _: line.send(POST)))
    assert error.advice is Advice.DOUBT


def test_a_real_download_that_is_cut_goes_on(tmp_path: Path) -> None:
    """The connection ends before the length that was promised; the rest comes by Range."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(CLIP)}\r\n\r\n".encode()
    tail = f"bytes 1000-{len(CLIP) - 1}/{len(CLIP)}"
    rest = f"HTTP/1.1 206 OK\r\nContent-Range: {tail}\r\nContent-Length: {len(CLIP) - 1000}\r\n\r\n".encode()
    answers = [head + CLIP[:1000], rest + CLIP[1000:]]
    out = tmp_path / "clip"
    assert run(lambda: _serve(answers, lambda line, base: line.download(f"{base}/clip", out))) == DIGEST
    assert out.read_bytes() == CLIP


# Keys


def test_the_key_is_in_no_error_log_or_text(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """A service that says the key back, and every way to fail, with all loggers open: the canary is nowhere."""
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []

    def echo(request: httpx.Request) -> httpx.Response:
        said = f"bad key {KEY} in {request.headers}"
        headers = {"x-request-id": KEY}
        if request.url.path.endswith("/html"):
            return httpx.Response(401, text=f"<p>{said}", headers=headers)
        return httpx.Response(401, json={"message": said, KEY: [KEY, {"x": KEY}]}, headers=headers)

    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError(f"broke with {KEY}", request=request)

    for handler in (echo, broken):
        line = wire(handler)
        texts += [repr(line), str(line)]
        for call in (GET, POST, Call(method="GET", path="/html")):
            try:
                reply = run(lambda line=line, call=call: line.send(call))
                texts += [repr(reply), str(seegen.fault(reply)), repr(seegen.fault(reply))]
            except ProviderError as error:
                texts += [str(error), repr(error.__dict__), "".join(traceback.format_exception(error))]
                texts += [repr(error.__context__ and error.__context__.__dict__)]
        for go in (
            lambda line=line: line.download(f"https://cdn.example/x?sig={KEY}", tmp_path / "x"),
            lambda line=line: line.put(f"https://cdn.example/x?sig={KEY}", Path(__file__), "video/mp4"),
        ):
            with pytest.raises(ProviderError) as error:
                run(go)
            texts += [str(error.value), repr(error.value)]
    assert KEY not in "\n".join([*texts, caplog.text, *(str(record.__dict__) for record in caplog.records)])


# Downloads


CLIP = bytes(range(1, 251)) * 4000  # a million bytes, none of them `<` or `{` at the beginning
DIGEST = f"sha256:{hashlib.sha256(CLIP).hexdigest()}"
LINK = "https://cdn.example/clip.mp4?sig=abc"


def file(request: httpx.Request, content: bytes = CLIP, **headers: str) -> httpx.Response:
    """A server that knows Range."""
    asked = request.headers.get("range")
    if not asked:
        return httpx.Response(200, content=content, headers=headers)
    start = int(asked.removeprefix("bytes=").removesuffix("-"))
    told = headers | {"content-range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
    return httpx.Response(206, content=content[start:], headers=told)


def test_a_download_carries_no_key_and_comes_whole(tmp_path: Path) -> None:
    """Its digest is that of its bytes; nothing is left beside it; redirects are followed, to https alone."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.host == "cdn.example":
            return httpx.Response(302, headers={"location": "https://edge.example/y"})
        return file(request)

    out = tmp_path / "clip"
    assert run(lambda: wire(handler).download(LINK, out)) == DIGEST
    assert out.read_bytes() == CLIP
    assert [path.name for path in tmp_path.iterdir()] == ["clip"]
    assert [request.url.host for request in seen] == ["cdn.example", "edge.example"]
    assert not any(KEY in str(request.headers) or "authorization" in request.headers for request in seen)


def _cut(content: bytes, after: int) -> AsyncIterator[bytes]:
    async def stream() -> AsyncIterator[bytes]:
        yield content[:after]
        raise httpx.ReadError("cut")

    return stream()


def test_a_cut_download_goes_on_where_it_was(tmp_path: Path) -> None:
    """By Range, of the same version; the digest is of the whole."""
    seen: list[dict[str, str]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append({name: request.headers[name] for name in ("range", "if-range") if name in request.headers})
        if len(seen) == 1:
            headers = {"content-length": str(len(CLIP)), "etag": '"v1"'}
            return httpx.Response(200, stream=_Stream(_cut(CLIP, 400_000)), headers=headers)
        return file(request, etag='"v1"')

    assert run(lambda: wire(handler).download(LINK, tmp_path / "clip")) == DIGEST
    assert seen == [{}, {"range": "bytes=400000-", "if-range": '"v1"'}]


@pytest.mark.parametrize("second", ["whole", "416", "elsewhere"])
def test_a_server_without_range_or_with_another_file_begins_anew(second: str, tmp_path: Path) -> None:
    """A 200 or a 416 to a Range: from the first byte; a part that was not asked for is never joined on."""
    asked = 0

    def handler(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        if asked == 1:
            return httpx.Response(200, stream=_Stream(_cut(b"old" * 100, 300)), headers={"content-length": "9999"})
        if asked == 2 and second == "416":
            return httpx.Response(416)
        if asked == 2 and second == "elsewhere":
            return httpx.Response(206, content=CLIP[5:], headers={"content-range": f"bytes 5-999999/{len(CLIP)}"})
        return httpx.Response(200, content=CLIP)

    go = lambda: wire(handler).download(LINK, tmp_path / "clip")  # noqa: E731
    if second == "elsewhere":
        assert caught(go).advice is Advice.LATER
        assert list(tmp_path.iterdir()) == []
    else:
        assert run(go) == DIGEST


def test_a_short_answer_is_no_file(tmp_path: Path) -> None:
    """Fewer bytes than Content-Length says, again and again: given up, with nothing left behind."""
    asked = 0

    def handler(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return httpx.Response(200, stream=_Stream(_some(b"abc")), headers={"content-length": "10"})

    error = caught(lambda: wire(handler).download(LINK, tmp_path / "clip"))
    assert "cut at 3 of 10 bytes" in error.fact
    assert asked == http.CUTS
    assert list(tmp_path.iterdir()) == []


REFUSED = [
    (httpx.Response(200, html="<html>expired</html>"), Advice.LATER),
    (httpx.Response(200, json={"code": "expired"}), Advice.LATER),
    (httpx.Response(200, content=b"  <?xml?><Error/>"), Advice.LATER),
    (httpx.Response(200, content=b'{"error": 1}', headers={"content-type": "video/mp4"}), Advice.LATER),
    (httpx.Response(200, content=b"x", headers={"content-length": "3000000000"}), Advice.NEVER),
    (httpx.Response(400), Advice.NEVER),
    (httpx.Response(302, headers={"location": "http://cdn.example/plain"}), Advice.NEVER),
    (httpx.Response(302, headers={"location": "http://127.0.0.1/inside"}), Advice.NEVER),
    (httpx.Response(302, headers={"location": "https://me:pw@cdn.example/"}), Advice.NEVER),
    (httpx.Response(302, headers={"location": "file:///etc/passwd"}), Advice.NEVER),
    (httpx.Response(302, headers={"location": "/clip.mp4"}), Advice.LATER),
]


@pytest.mark.parametrize(("answer", "advice"), REFUSED)
def test_what_is_no_file_is_refused(answer: httpx.Response, advice: Advice, tmp_path: Path) -> None:
    """Pages, messages, giants, and redirects to anything but https; nothing is left behind."""
    error = caught(lambda: wire(lambda _: answer).download(LINK, tmp_path / "clip"))
    assert error.advice is advice
    assert "sig" not in str(error)
    assert list(tmp_path.iterdir()) == []


def test_a_download_without_a_length_is_measured_as_it_comes(tmp_path: Path) -> None:
    """The limit holds on what arrives."""

    def handler(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=_Stream(_some(b"abc", b"def", b"ghi")))

    line = wire(handler)
    assert run(lambda: line.download(LINK, tmp_path / "a", most_bytes=9)).startswith("sha256:")
    assert "more than 8 bytes" in caught(lambda: line.download(LINK, tmp_path / "b", most_bytes=8)).fact
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_dead_link_is_told_at_once(status: int, tmp_path: Path) -> None:
    """So that a fresh one is asked for."""
    asked: list[int] = []
    line = wire(lambda _: (asked.append(1), httpx.Response(status))[1])
    assert isinstance(caught(lambda: line.download(LINK, tmp_path / "clip")), LinkDied)
    assert asked == [1]


@pytest.mark.parametrize("first", [429, 500, 503, "broken"])
def test_a_busy_host_is_asked_again(first: Any, tmp_path: Path) -> None:
    """A download buys nothing."""
    answers = iter([first])

    def handler(request: httpx.Request) -> httpx.Response:
        answer = next(answers, 200)
        if answer == "broken":
            raise httpx.ConnectError("x")
        return file(request) if answer == 200 else httpx.Response(answer)

    assert run(lambda: wire(handler).download(LINK, tmp_path / "clip")) == DIGEST


def test_links_to_this_machine_are_for_rehearsals() -> None:
    """Plain http to loopback only where the service itself is there."""
    here = wire(file, base="http://127.0.0.1:8080")
    here._check("http://127.0.0.1:9/x")
    here._check("https://cdn.example/x")
    for bad in ("http://cdn.example/x", "ftp://127.0.0.1/x", "https://[", "x"):
        with pytest.raises(ProviderError):
            here._check(bad)


# Uploads


def test_an_upload_streams_the_file_without_the_key(tmp_path: Path) -> None:
    """PUT with its length and the type that was asked for."""
    path = tmp_path / "scene.png"
    path.write_bytes(CLIP)
    seen: list[httpx.Request] = []

    async def handler(request: httpx.Request) -> httpx.Response:
        await request.aread()
        seen.append(request)
        return httpx.Response(200)

    run(lambda: wire(handler).put("https://s3.example/b/x?X-Amz-Signature=abc", path, "image/png"))
    request = seen[0]
    assert (request.method, request.content) == ("PUT", CLIP)
    assert request.headers["content-type"] == "image/png"
    assert request.headers["content-length"] == str(len(CLIP))
    assert "transfer-encoding" not in request.headers
    assert KEY not in str(request.headers)


@pytest.mark.parametrize("status", [301, 400, 403, 500])
def test_a_refused_upload_is_tried_with_a_new_place(status: int, tmp_path: Path) -> None:
    """LATER: nothing is bought by an upload; its signature is in no error."""
    path = tmp_path / "scene.png"
    path.write_bytes(b"x")
    error = caught(lambda: wire(lambda _: httpx.Response(status)).put("https://s3.example/x?sig=1", path, "image/png"))
    assert (error.advice, "sig" in str(error)) == (Advice.LATER, False)
    assert caught(lambda: wire(file).put("http://s3.example/x", path, "image/png")).advice is Advice.NEVER


def test_connections_are_closed_with_the_wire() -> None:
    """As an async context manager."""

    async def go() -> bool:
        async with wire(file) as line:
            pass
        with contextlib.suppress(RuntimeError):
            await line.send(GET)
            return False
        return True

    assert run(go)
