"""Turns: never more than may be, the most pressing next, and nobody who left is called."""

from __future__ import annotations

import anyio
import pytest

from pipeline.engine.turns import Turns

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_the_most_pressing_is_next() -> None:
    """Of those who wait, the smallest order; of equals, whoever came first."""
    turns, seen, go = Turns(1), [], anyio.Event()

    async def take(name: str, order: float) -> None:
        async with turns.turn(order):
            seen.append(name)
            if name == "first":
                await go.wait()

    async with anyio.create_task_group() as group:
        for name, order in (("first", 9), ("late", 5), ("soon", 1), ("also soon", 1)):
            group.start_soon(take, name, order)
            await anyio.wait_all_tasks_blocked()
        go.set()
    assert seen == ["first", "soon", "also soon", "late"]


async def test_never_more_than_the_width() -> None:
    """Fifty want to, three may."""
    turns, now, most = Turns(3), 0, 0

    async def take(order: float) -> None:
        nonlocal now, most
        async with turns.turn(order):
            now += 1
            most = max(most, now)
            await anyio.sleep(0)
            now -= 1

    async with anyio.create_task_group() as group:
        for i in range(50):
            group.start_soon(take, i % 7)
    assert (most, now) == (3, 0)


async def test_who_left_is_not_called() -> None:
    """Cancelled while waiting, or at the very moment of being called: the turn goes on."""
    turns, seen = Turns(1), []

    async def leave(scope: anyio.CancelScope) -> None:
        with scope:
            async with turns.turn(0):
                await anyio.sleep(60)

    async def stay() -> None:
        async with turns.turn(1):
            seen.append("stayed")

    early, late = anyio.CancelScope(), anyio.CancelScope()
    async with anyio.create_task_group() as group:
        async with turns.turn(0):
            for scope in (early, late):
                group.start_soon(leave, scope)
            group.start_soon(stay)
            await anyio.wait_all_tasks_blocked()
            early.cancel()
            await anyio.wait_all_tasks_blocked()
        late.cancel()  # it has been called and has not run yet
    assert seen == ["stayed"]
    async with turns.turn(0):
        seen.append("again")
    assert seen == ["stayed", "again"]
