"""Many calls at once: no more are under way than the wire lets be, and every one is answered."""

from __future__ import annotations

import anyio
import httpx

from pipeline.providers import http, seegen
from pipeline.providers.base import Call
from pipeline.providers.http import HttpWire


def test_five_hundred_calls_stand_in_line() -> None:
    """At no moment are more under way than `CALLS`, which is less than the pool of connections has room for."""
    under_way, most = 0, 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await anyio.sleep(0.001)
        under_way -= 1
        return httpx.Response(200, stream=httpx.ByteStream(b"{}"))

    async def main() -> list[int]:
        statuses: list[int] = []

        async def ask(wire: HttpWire) -> None:
            statuses.append((await wire.send(Call(method="GET", path="/x"))).status)

        wire = HttpWire(seegen, "sk_canary_0123456789", transport=httpx.MockTransport(answer))
        async with wire, anyio.create_task_group() as group:
            for _ in range(500):
                group.start_soon(ask, wire)
        return statuses

    assert anyio.run(main) == [200] * 500
    assert most == http.CALLS
    assert http.LIMITS.max_connections is not None
    assert most < http.LIMITS.max_connections


def test_a_call_that_fails_leaves_the_line() -> None:
    """More failures than there are places, and the next call is still sent."""

    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there")

    async def main() -> int:
        failed = 0
        async with HttpWire(seegen, "sk_canary_0123456789", transport=httpx.MockTransport(answer)) as wire:
            for _ in range(http.CALLS + 1):
                try:
                    await wire.send(Call(method="GET", path="/x"))
                except http.ProviderError:
                    failed += 1
        return failed

    assert anyio.run(main) == http.CALLS + 1
