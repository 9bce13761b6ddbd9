"""The receiver on a real port: whom it hears, whom it refuses, and that nobody outside can harm it."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio
import anyio.abc
import h11
import pytest
import trio
import trio.testing

from pipeline.errors import UserError
from pipeline.providers import seedancee2, seegen
from pipeline.providers.hooks import Hooks
from pipeline.serve.bell import Bell
from pipeline.serve.receiver import MOST_BODY, MOST_LINES, Receiver, host_and_port, public_url

pytestmark = pytest.mark.anyio

NOW = 1_770_000_000
SECRET = "whsec_test"
BODY = b'{"taskId": "task_1", "status": "COMPLETED"}'
SIGNED = b'{"data":{"id":"vid_1","status":"completed"}}'
HOOKS: Mapping[str, tuple[Hooks, str]] = {
    "seegen": (seegen, ""),
    "seegen@rehearsal": (seegen, ""),
    "seedancee2": (seedancee2, SECRET),
}


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Heard(Bell):
    """A bell that remembers who rang."""

    def __init__(self) -> None:
        super().__init__()
        self.rung: list[str] = []

    def ring(self, job_id: str) -> None:
        self.rung.append(job_id)
        super().ring(job_id)


@dataclass
class Site:
    receiver: Receiver
    bell: Heard

    def path(self, account: str = "seegen") -> str:
        return urlsplit(self.receiver.callback(account)).path

    async def line(self) -> anyio.abc.SocketStream:
        host, _, port = self.receiver.address.rpartition(":")
        return await anyio.connect_tcp(host.strip("[]"), int(port))

    async def raw(self, data: bytes, *, half: bool = False) -> bytes:
        """What comes back for these bytes, to the end."""
        async with await self.line() as line:
            await line.send(data)
            if half:
                await line.send_eof()
            return await rest(line)

    async def tell(
        self, path: str = "", body: bytes = BODY, method: str = "POST", headers: Mapping[str, str] | None = None
    ) -> int:
        """The status of one request; its answer must be empty and carry nothing of ours or of the sender's."""
        lines = [f"{method} {path or self.path()} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        return status_of(await self.raw("\r\n".join([*lines, "", ""]).encode() + body))


async def rest(line: anyio.abc.SocketStream) -> bytes:
    data = b""
    with anyio.fail_after(400):  # of a clock that may run fast
        while True:
            try:
                data += await line.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return data


def status_of(answer: bytes) -> int:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(answer)
    response = connection.next_event()
    assert isinstance(response, h11.Response)
    assert {name for name, _ in response.headers} <= {b"content-length", b"connection", b"allow"}
    assert isinstance(connection.next_event(), h11.EndOfMessage)
    return response.status_code


@asynccontextmanager
async def listening(listen: str = "127.0.0.1:0", public: str = "https://hooks.example/in/") -> AsyncIterator[Site]:
    bell = Heard()
    async with Receiver(listen, public, HOOKS, bell, now=lambda: float(NOW)) as receiver:
        yield Site(receiver, bell)


def signature(body: bytes, moment: int = NOW, secret: str = SECRET) -> dict[str, str]:
    mac = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Seedancee2-Signature": f"t={moment},v1={mac}"}


async def test_a_hint_is_taken() -> None:
    """At its callback's path, also where a proxy took the base away, put another before it, or unescaped it."""
    async with listening() as site:
        assert site.receiver.callback("seegen").startswith("https://hooks.example/in/")
        assert site.receiver.callback("nobody") == ""
        token, account = site.path("seegen@rehearsal").rsplit("/", 2)[1:]
        assert account == "seegen%40rehearsal"
        paths = [site.path(), f"/{token}/seegen", f"/a/b/{token}/seegen@rehearsal", site.path() + "?x=1"]
        for path in [*paths, f"http://elsewhere/{token}/{account}"]:
            assert await site.tell(path) == 200
        assert site.bell.rung == ["task_1"] * 5


async def test_what_is_none_of_ours_is_taken_in_silence() -> None:
    """A body without an id, or no JSON at all: services would send it again for nothing."""
    async with listening() as site:
        for body in (b"", b"{}", b"not json", b"\xff\x00", b"[" * 100_000):
            assert await site.tell(body=body) == 200
        assert await site.tell(site.path("seedancee2"), b"not json") == 200
        assert site.bell.rung == []


async def test_signatures_are_verified_where_a_secret_is_known() -> None:
    """Missing, wrong, old, or of another body: 401, and no ring."""
    async with listening() as site:
        path = site.path("seedancee2")
        assert await site.tell(path, SIGNED, headers=signature(SIGNED)) == 200
        assert site.bell.rung == ["vid_1"]
        for headers in ({}, signature(SIGNED, secret="other"), signature(SIGNED, NOW - 301), signature(BODY)):
            assert await site.tell(path, SIGNED, headers=headers) == 401
        assert site.bell.rung == ["vid_1"]


async def test_other_paths_and_methods_are_refused() -> None:
    """404 before all else: without the token nobody learns which accounts there are."""
    async with listening() as site:
        token = site.path().split("/")[2]
        strange = [
            "/",
            "/in",
            f"/in/{token}",
            f"/in/{token}/",
            f"/in/{token}/nobody",
            "/in/x/seegen",
            f"/{token}x/seegen",
        ]
        for path in [*strange, f"{site.path()}/", "/%ff/%00", f"/in/{token[:-1]}/seegen", "*"]:
            assert await site.tell(path) == 404
            assert await site.tell(path, b"", method="GET") == 404
        for method in ("GET", "PUT", "DELETE", "OPTIONS"):
            assert await site.tell(method=method) == 405
        assert b"Allow: POST" in await site.raw(f"GET {site.path()} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert site.bell.rung == []


async def test_bodies_have_a_limit() -> None:
    """413 from the length that is told, or from what comes; exactly the limit is still heard."""
    async with listening() as site:
        assert await site.tell(body=BODY + b" " * (MOST_BODY - len(BODY))) == 200
        assert await site.tell(body=b" " * (MOST_BODY + 1)) == 413
        head = f"POST {site.path()} HTTP/1.1\r\nHost: x\r\n"
        told = f"{head}Content-Length: {10**15}\r\n\r\n".encode()
        assert status_of(await site.raw(told)) == 413
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        chunked = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode()
        assert status_of(await site.raw(chunked + chunk * 17)) == 413
        assert status_of(await site.raw(chunked + b"2b\r\n" + BODY + b"\r\n0\r\n\r\n")) == 200
        assert site.bell.rung == ["task_1"] * 2


async def test_heads_have_a_limit() -> None:
    """431 for headers without an end, 400 for what is no HTTP."""
    async with listening() as site:
        start = f"POST {site.path()} HTTP/1.1\r\nHost: x\r\n".encode()
        assert status_of(await site.raw(start + b"X: " + b"y" * 100_000)) == 431
        assert status_of(await site.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")) == 400
        assert status_of(await site.raw(start + b"Content-Length: -5\r\n\r\n")) == 400
        assert await site.tell() == 200


async def test_a_sender_that_waits_for_leave_gets_it() -> None:
    """Expect: 100-continue."""
    async with listening() as site, await site.line() as line:
        head = f"POST {site.path()} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\nExpect: 100-continue\r\n\r\n"
        await line.send(head.encode())
        assert (await line.receive()).startswith(b"HTTP/1.1 100 ")
        await line.send(BODY)
        assert status_of(await rest(line)) == 200
        assert site.bell.rung == ["task_1"]


async def test_half_a_delivery_is_none() -> None:
    """Broken off in the head, in the body, or before any byte; and the next one is heard."""
    async with listening() as site:
        whole = f"POST {site.path()} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY
        for end in (0, 5, len(whole) - 50, len(whole) - 1):
            assert await site.raw(whole[:end], half=True) == b""
        assert site.bell.rung == []
        assert status_of(await site.raw(whole, half=True)) == 200
        for _ in range(20):  # a line that is reset
            line = await site.line()
            line.extra(anyio.abc.SocketAttribute.raw_socket).setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
            )
            await line.send(whole[:20])
            await anyio.aclose_forcefully(line)
        assert await site.tell() == 200


async def test_only_one_request_is_heard_on_a_line() -> None:
    """Whatever is sent behind it."""
    async with listening() as site:
        one = f"POST {site.path()} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY
        assert status_of(await site.raw(one * 50)) == 200
        assert site.bell.rung == ["task_1"]


async def test_a_flood_of_duplicates_is_answered_and_wakes_once() -> None:
    """Three hundred deliveries, forty at a time: 200 to each, one question at once."""
    async with listening() as site:
        statuses: list[int] = []

        async def tell() -> None:
            for _ in range(10):
                statuses.append(await site.tell())

        async with anyio.create_task_group() as group:
            for _ in range(30):
                group.start_soon(tell)
        assert statuses == [200] * 300
        begun = anyio.current_time()
        await site.bell.sleep("task_1", 60)
        assert anyio.current_time() - begun < 0.5
        with anyio.move_on_after(1.5):
            await site.bell.sleep("task_1", 60)
            pytest.fail("one ring woke twice")


async def test_more_lines_than_there_may_be_are_closed() -> None:
    """And once the others are gone, there is room again."""
    async with listening() as site:
        lines = [await site.line() for _ in range(MOST_LINES)]
        await anyio.wait_all_tasks_blocked()
        async with await site.line() as one_more:
            assert await rest(one_more) == b""
        for line in lines:
            await line.aclose()
        with anyio.fail_after(10):
            while True:
                try:
                    assert await site.tell() == 200
                    break
                except (AssertionError, OSError, anyio.BrokenResourceError):
                    await anyio.sleep(0.05)
        assert site.bell.rung == ["task_1"]


def test_slow_senders_and_slow_readers_hold_a_line_for_ten_seconds() -> None:
    """A byte now and then, a body that does not come, an answer that nobody reads. Time runs twenty times as fast."""

    async def story() -> None:
        async with listening() as site:
            head = f"POST {site.path()} HTTP/1.1\r\nHost: x\r\n".encode()

            async def drip(line: anyio.abc.SocketStream) -> None:
                with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                    for i in range(1000):
                        await line.send(b"X-%d: y\r\n" % i)
                        await anyio.sleep(0.5)

            for start in (b"", head, head + b"Content-Length: 500\r\n\r\n{"):
                begun = anyio.current_time()
                async with await site.line() as line, anyio.create_task_group() as group:
                    await line.send(start)
                    if start == head:
                        group.start_soon(drip, line)
                    assert await rest(line) == b""
                    group.cancel_scope.cancel()
                assert 8 < anyio.current_time() - begun < 200
            async with await site.line() as line:
                await line.send(head + b"Content-Length: 2\r\n\r\n{}")
                await anyio.sleep(30)
                assert status_of(await rest(line)) == 200
            assert site.bell.rung == []

    trio.run(story, clock=trio.testing.MockClock(rate=20))


async def test_an_address_that_is_taken_says_the_way_out() -> None:
    """Exit 2 with the address in it; and the address is free again once the receiver is gone."""
    async with listening() as site:
        taken = site.receiver.address
        with pytest.raises(UserError) as error:
            async with listening(taken):
                pass
        assert taken in error.value.fact
        assert "in use" in error.value.fact
        assert "another port" in error.value.hint
    async with listening(taken) as site:
        assert site.receiver.address == taken
        assert await site.tell() == 200
    for nowhere in ("192.0.2.1:0", f"{'x' * 70}.example:0"):
        with pytest.raises(UserError, match="cannot be had"):
            async with listening(nowhere):
                pass


async def test_it_listens_on_every_address_or_on_the_newer_kind() -> None:
    """As `:0` and `[::1]:0` say."""
    async with listening(":0") as site:
        port = site.receiver.address.rpartition(":")[2]
        async with await anyio.connect_tcp("127.0.0.1", int(port)) as line:
            await line.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert status_of(await rest(line)) == 404
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return  # this machine has none
    async with listening("[::1]:0") as site:
        assert site.receiver.address.startswith("[::1]:")
        assert await site.tell() == 200


async def test_an_error_in_the_block_comes_out_as_it_is() -> None:
    """Not in a group of exceptions; a cancelling goes through, and lines that are open are closed."""
    lines: list[anyio.abc.SocketStream] = []

    async def stumble() -> None:
        async with listening() as site:
            lines.append(await site.line())
            raise KeyError

    with pytest.raises(KeyError):
        await stumble()
    async with lines[0] as line:
        assert await rest(line) == b""
    with anyio.move_on_after(0.05) as scope:
        async with listening():
            await anyio.sleep_forever()
    assert scope.cancelled_caught


async def test_a_page_that_breaks_ends_a_line_and_nothing_else() -> None:
    """A run goes on, whatever a stranger sends."""

    class Broken:
        SECRET_ENV = ""

        def heard(self, body: bytes, headers: Mapping[str, str], secret: str, now: float) -> str | None:
            raise RuntimeError

    async with Receiver("127.0.0.1:0", "https://x.example", {"a": (Broken(), "")}, Heard()) as receiver:
        site = Site(receiver, Heard())
        for _ in range(2):
            assert await site.raw(f"POST {site.path('a')} HTTP/1.1\r\nHost: x\r\n\r\n".encode()) == b""


@pytest.mark.parametrize(
    "text, parts",
    [("127.0.0.1:8088", ("127.0.0.1", 8088)), (":8088", ("", 8088)), ("[::1]:0", ("::1", 0)), ("a.b:1", ("a.b", 1))],
)
def test_addresses_that_can_be_listened_on(text: str, parts: tuple[str, int]) -> None:
    assert host_and_port(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8088",
        "localhost",
        "::1:80",
        "[::1]",
        "x:",
        "x:-1",
        "x:65536",
        "x:٣",
        "http://x:80",
        "a b:80",
        "x:80/y",
        "[x:8",
    ],
)
def test_addresses_that_are_none(text: str) -> None:
    """Each is refused with an example of one."""
    with pytest.raises(UserError) as error:
        host_and_port(text)
    assert "HOST:PORT" in error.value.hint


@pytest.mark.parametrize(
    "text",
    ["", "hooks.example", "http://hooks.example", "ftp://x", "https://x?a=1", "https://x/?", "https://x#y", "https://u:p@x",
     "https://x y", "https://é.example", "http://10.0.0.1/", "https://[x", "https://x/\n/y"],
)  # fmt: skip
def test_public_urls_that_are_none(text: str) -> None:
    """Https, or http to this machine, and nothing behind the path."""
    with pytest.raises(UserError, match="--webhook"):
        public_url(text)


def test_public_urls_that_are() -> None:
    """A slash at the end is taken away."""
    assert public_url("https://hooks.example/base/") == "https://hooks.example/base"
    assert public_url("http://localhost:8088") == "http://localhost:8088"


def test_a_callback_is_at_most_512_characters() -> None:
    """Refused before anything is sent; the token is not in the message."""
    with pytest.raises(UserError, match="512") as error:
        Receiver("127.0.0.1:0", f"https://x.example/{'y' * 480}", HOOKS, Bell(), token="hush")
    assert "hush" not in str(error.value)


def test_tokens_are_random_unless_given() -> None:
    """And do not show in its name."""
    one, other = (Receiver(":0", "https://x.example", HOOKS, Bell()) for _ in range(2))
    assert one.callback("seegen") != other.callback("seegen")
    token = one.callback("seegen").split("/")[-2]
    assert len(token) >= 32
    assert token not in repr(one)
    given = Receiver(":0", "https://x.example", HOOKS, Bell(), token="t0ken")
    assert given.callback("seegen") == "https://x.example/t0ken/seegen"
