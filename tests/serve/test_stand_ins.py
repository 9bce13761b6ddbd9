"""What the services' stand-ins send over real HTTP, with their faults on, heard by a receiver."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from pipeline.emulators.settings import Settings
from pipeline.emulators.street import Stand, serve
from pipeline.providers import remote, seegen_upscaler
from pipeline.providers.catalog import SERVICES
from pipeline.providers.hooks import Hooks
from pipeline.providers.http import HttpWire
from pipeline.serve.bell import Bell
from pipeline.serve.receiver import Receiver
from tests.emulators.striking import SERVICES as NAMES
from tests.providers.wishes import wish

pytestmark = pytest.mark.anyio

SECRET = "whsec_test"
SLOW_SECONDS = 300.0  # between polls: who waits for them, waits too long
PATIENCE_SECONDS = 20


class Heard(Bell):
    """A bell that remembers who rang."""

    def __init__(self) -> None:
        super().__init__()
        self.rung: list[str] = []

    def ring(self, job_id: str) -> None:
        self.rung.append(job_id)
        super().ring(job_id)


@dataclass
class Scene:
    stand: Stand
    wire: HttpWire
    bell: Heard
    page: Any
    callback: str

    async def create(self) -> str:
        request = self.page.request(wish())
        return await remote.submit(self.page, self.wire, request, [], mark="k1:x", callback=self.callback)

    async def ended(self, job_id: str, page: Any = None) -> bool:
        """Whether the job is done well, as the service itself says when it is asked."""
        with anyio.fail_after(PATIENCE_SECONDS):
            status = await remote.wait(page or self.page, self.wire, job_id, partial(self.bell.sleep, job_id))
        return status.done and status.error is None

    async def delivered(self, count: int) -> list[int]:
        """The statuses of so many deliveries."""
        with anyio.fail_after(PATIENCE_SECONDS):
            while len(self.stand.deliveries) < count:
                await anyio.sleep(0.01)
        return [delivery.status for delivery in self.stand.deliveries]


@asynccontextmanager
async def scene(
    name: str, cache: Path, secret: str = SECRET, poll_seconds: float = SLOW_SECONDS, **settings: Any
) -> AsyncIterator[Scene]:
    """A stand, a wire to it that is slow to ask, and a receiver that the stand can reach."""
    given = Settings(**({"draw": False, "cache": cache, "seconds_per_job": 0.05} | settings))
    page = SERVICES[name]
    assert isinstance(page, Hooks)
    bell = Heard()
    hooks = {name: (page, secret if page.SECRET_ENV else "")}
    async with serve([name], settings=given) as stands:
        stand = stands[name]
        async with (
            HttpWire(page, stand.key, base=stand.base_url, poll_seconds=poll_seconds) as wire,
            Receiver("127.0.0.1:0", "http://127.0.0.1:9", hooks, bell) as receiver,
        ):
            callback = receiver.callback(name).replace("127.0.0.1:9", receiver.address)
            yield Scene(stand, wire, bell, page, callback)


every = pytest.mark.parametrize("name", NAMES)


@every
async def test_a_webhook_ends_the_waiting(name: str, tmp_path: Path) -> None:
    """Long before the next poll; a single call is taken with 200, so that none is sent again."""
    async with scene(name, tmp_path) as it:
        job_id = await it.create()
        assert await it.ended(job_id)
        assert set(it.bell.rung) == {job_id}
        assert set(await it.delivered(1)) == {200}


@every
async def test_a_webhook_that_comes_twice_changes_nothing(name: str, tmp_path: Path) -> None:
    """Nor a stale one behind the last, nor one before the create was answered."""
    async with scene(name, tmp_path) as it:
        for fault in ("webhook_duplicated", "webhook_out_of_order", "webhook_before_create"):
            sent = len(it.stand.deliveries)
            it.stand.faults.add(fault)
            job_id = await it.create()
            assert await it.ended(job_id)
            statuses = await it.delivered(sent + (1 if fault == "webhook_before_create" else 2))
            assert set(statuses) == {200}
            assert job_id in it.bell.rung
        assert it.stand.faults.struck == ["webhook_duplicated", "webhook_out_of_order", "webhook_before_create"]


@every
async def test_without_a_webhook_the_polls_go_on(name: str, tmp_path: Path) -> None:
    """One that is lost delays a job to its next poll."""
    async with scene(name, tmp_path, poll_seconds=0.1) as it:
        it.stand.faults.add("webhook_lost", times=None)
        assert await it.ended(await it.create())
        assert it.bell.rung == []


async def test_a_badly_signed_webhook_wakes_nobody(tmp_path: Path) -> None:
    """It is refused each time it is tried; the next one, well signed, is heard."""
    async with scene("seedancee2", tmp_path, seconds_per_retry=0.001) as it:
        it.stand.faults.add("webhook_badly_signed")
        await it.create()
        assert await it.delivered(4) == [401] * 4
        assert it.bell.rung == []
        job_id = await it.create()
        assert await it.ended(job_id)
        assert it.bell.rung == [job_id]


async def test_without_a_secret_of_ours_a_signed_webhook_is_a_hint(tmp_path: Path) -> None:
    """And with one, an unsigned webhook is none."""
    async with scene("seedancee2", tmp_path, secret="") as it:
        assert await it.ended(await it.create())
    async with scene("seedancee2", tmp_path, webhook_secret="", seconds_per_retry=0.001) as it:
        await it.create()
        assert await it.delivered(4) == [401] * 4


async def test_failed_jobs_are_told_of_too(tmp_path: Path) -> None:
    """The error is the service's answer to a question, not what the webhook says."""
    for name in NAMES:
        async with scene(name, tmp_path) as it:
            it.stand.faults.add("job_fails")
            assert not await it.ended(await it.create())


async def test_seegens_upscaler_tells_at_the_same_address(tmp_path: Path) -> None:
    """Its jobs are another kind, of the same account."""
    async with scene("seegen", tmp_path) as it:
        request = seegen_upscaler.request("4k")
        url = "https://cdn.example/clip.mp4"
        job_id = await remote.submit(seegen_upscaler, it.wire, request, [url], callback=it.callback)
        await it.ended(job_id, seegen_upscaler)
        assert job_id in it.bell.rung
