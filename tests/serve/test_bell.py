"""The bell: it wakes early where it is rung, and a flood of rings costs one waking a second. In virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from itertools import pairwise

import anyio
import pytest
import trio
import trio.testing

from pipeline.serve.bell import MOST_UNHEARD, Bell


def play(story: Callable[[], Awaitable[None]]) -> None:
    trio.run(story, clock=trio.testing.MockClock(autojump_threshold=0))


async def slept(bell: Bell, job_id: str, seconds: float) -> float:
    begun = anyio.current_time()
    await bell.sleep(job_id, seconds)
    return round(anyio.current_time() - begun, 6)


async def ring_at(bell: Bell, seconds: float, *job_ids: str) -> None:
    await anyio.sleep(seconds)
    for job_id in job_ids:
        bell.ring(job_id)


def test_without_a_ring_the_whole_time_is_slept() -> None:
    """Also where other jobs are rung; and no time at all is none."""

    async def story() -> None:
        bell = Bell()
        bell.ring("b")
        assert await slept(bell, "a", 5) == 5
        assert await slept(bell, "a", 0) == 0
        assert await slept(bell, "b", 5) == 0

    play(story)


def test_a_ring_wakes_at_once_and_one_time() -> None:
    """While one sleeps, or before, as with a webhook that comes before the answer to the create."""

    async def story() -> None:
        bell = Bell()
        async with anyio.create_task_group() as group:
            group.start_soon(ring_at, bell, 2, "a")
            assert await slept(bell, "a", 60) == 2
        assert await slept(bell, "a", 60) == 60
        bell.ring("a")
        bell.ring("a")
        assert await slept(bell, "a", 60) == 0
        assert await slept(bell, "a", 60) == 60

    play(story)


def test_a_flood_of_rings_wakes_once_a_second() -> None:
    """A thousand duplicates over ten seconds are ten questions; the last ring is not lost."""

    async def story() -> None:
        bell = Bell()
        times: list[float] = []

        async def ask() -> None:
            while True:
                await bell.sleep("a", 60)
                times.append(anyio.current_time() - begun)

        begun = anyio.current_time()
        with anyio.move_on_after(100):
            async with anyio.create_task_group() as group:
                group.start_soon(ask)
                for _ in range(1000):
                    await anyio.sleep(0.01)
                    bell.ring("a")
                    bell.ring("a")
                await anyio.sleep_forever()
        early = [t for t in times if t < 20]
        assert len(early) == 11
        assert all(later - sooner >= 0.999999 for sooner, later in pairwise(early))
        assert early[-1] >= 10
        assert times[11:] == [pytest.approx(early[-1] + 60)]

    play(story)


def test_a_ring_that_comes_too_soon_waits_for_its_second_or_the_end_of_the_sleep() -> None:
    """And a sleep that ended by itself has asked, so that its ring is spent."""

    async def story() -> None:
        bell = Bell()
        bell.ring("a")
        assert await slept(bell, "a", 60) == 0
        bell.ring("a")
        assert await slept(bell, "a", 0.4) == 0.4
        bell.ring("a")
        assert await slept(bell, "a", 60) == 0.6
        assert await slept(bell, "a", 5) == 5

    play(story)


def test_each_job_has_its_own_second() -> None:
    """A flood for one keeps no other waiting."""

    async def story() -> None:
        bell = Bell()
        for job_id in ("a", "b"):
            bell.ring(job_id)
        assert await slept(bell, "a", 60) == 0
        bell.ring("a")
        assert await slept(bell, "b", 60) == 0

    play(story)


def test_two_sleepers_of_one_id_share_its_rings() -> None:
    """One ring, one waking."""

    async def story() -> None:
        bell = Bell()
        took: list[float] = []

        async def nap() -> None:
            took.append(await slept(bell, "a", 30))

        async with anyio.create_task_group() as group:
            group.start_soon(nap)
            group.start_soon(nap)
            group.start_soon(ring_at, bell, 3, "a")
        assert took == [3, 30]

    play(story)


def test_a_cancelled_sleep_leaves_its_ring() -> None:
    """Nobody has asked yet, so the next sleep is short."""

    async def story() -> None:
        bell = Bell()
        bell.ring("a")
        assert await slept(bell, "a", 60) == 0
        bell.ring("a")
        with anyio.move_on_after(0.1):
            await bell.sleep("a", 60)
        assert await slept(bell, "a", 60) == 0.9

    play(story)


def test_strangers_are_forgotten() -> None:
    """Of ids that nobody sleeps for, the newest are kept; a job that is slept for is not pushed out by them."""

    async def story() -> None:
        bell = Bell()
        bell.ring("old")
        async with anyio.create_task_group() as group:
            group.start_soon(partial(ring_at, bell, 1, "mine", *(f"x{i}" for i in range(MOST_UNHEARD))))
            assert await slept(bell, "mine", 60) == 1
        assert await slept(bell, "old", 7) == 7
        assert await slept(bell, "x0", 7) == 0
        bell.ring("")
        bell.ring("y" * 1_000_000)
        assert await slept(bell, "y" * 1_000_000, 7) == 7
        assert not bell._asleep
        assert len(bell._unheard) <= MOST_UNHEARD
        assert all(len(name) < 1000 for name in bell._unheard)

    play(story)


@pytest.mark.anyio
async def test_it_rings_on_asyncio_too() -> None:
    """In real time."""
    bell = Bell()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(ring_at, bell, 0.01, "a")
            await bell.sleep("a", 60)
