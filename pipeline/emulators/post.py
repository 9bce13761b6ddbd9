"""Webhooks: sent when a job changes, tried again as the document says, spoilt where a fault asks for it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import anyio
import anyio.to_thread

from pipeline.digest import dumps
from pipeline.emulators.call import Service
from pipeline.emulators.desk import Desk
from pipeline.emulators.faults import Faults
from pipeline.emulators.jobs import Job
from pipeline.emulators.loopback import is_loopback, post

RETRIES = (1, 5, 30)  # S0:511, in units of `seconds_per_retry`


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One try of a webhook; `status` is 0 where nobody answered, -1 where the place is not on this machine."""

    job: str
    stage: str
    url: str
    status: int
    body: str


@dataclass(slots=True, kw_only=True)
class Post:
    """Sends a service's webhooks, only to this machine, and remembers each try."""

    service: Service
    desk: Desk
    faults: Faults
    seconds_per_retry: float
    spawn: Callable[[Callable[[], Coroutine[Any, Any, None]]], None]
    deliveries: list[Delivery] = field(default_factory=list)
    delivered: set[str] = field(default_factory=set)

    def changed(self, job: Job) -> None:
        """Send what this change asks for."""
        if job.hook and self.service.hooks(job):
            self.spawn(partial(self._send, job))

    async def _send(self, job: Job) -> None:
        struck = [fault.name for fault in self.faults.take_all("hook", "hook", f"{job.hook} {job.id}")]
        if "webhook_lost" in struck:
            return
        good = "webhook_badly_signed" not in struck
        await self._deliver(job, good, RETRIES)
        if "webhook_duplicated" in struck:
            await self._deliver(job, good, ())
        if "webhook_out_of_order" in struck:
            await self._deliver(replace(job, stage="running"), good, ())
        self.delivered.add(job.id)

    async def _deliver(self, job: Job, good: bool, waits: Sequence[int]) -> None:
        body = dumps(self.service.shown(job)).encode()
        for wait in (*waits, None):
            headers = {"Content-Type": "application/json", **self.service.hook_headers(job, body, well_signed=good)}
            status = -1
            if is_loopback(job.hook):
                status = await anyio.to_thread.run_sync(post, job.hook, body, headers, abandon_on_cancel=True)
            self.deliveries.append(
                Delivery(job=job.id, stage=job.stage, url=job.hook, status=status, body=body.decode())
            )
            if status == -1 or 200 <= status < 300 or wait is None:
                return
            await anyio.sleep(wait * self.seconds_per_retry)
