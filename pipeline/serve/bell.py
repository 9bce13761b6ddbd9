"""The bell: who waits for a job sleeps here, and wakes when the time is up or somebody says to look now.

Knows jobs by their ids alone, and believes nothing: a ring costs at most one question to the service.
"""

from __future__ import annotations

import math

import anyio

REST_SECONDS = 1.0  # between two early wakings for one job
MOST_UNHEARD = 10_000  # ids rung that nobody sleeps for
LONGEST_ID = 256  # characters; no service's are longer, and what is kept of strangers stays small


class Bell:
    """Rings for jobs, and those who sleep until one. For one event loop; from other threads nothing may be called."""

    def __init__(self) -> None:
        self._unheard: dict[str, None] = {}  # in the order they rang
        self._asleep: dict[str, list[anyio.Event]] = {}
        self._woken: dict[str, float] = {}  # when last, early, in that order

    def ring(self, job_id: str) -> None:
        """Wake who sleeps for this job, or else the next who will; of ids nobody sleeps for, the newest are kept."""
        if not job_id or len(job_id) > LONGEST_ID:
            return
        if sleepers := self._asleep.get(job_id):
            next((bell for bell in sleepers if not bell.is_set()), sleepers[0]).set()
            return
        self._unheard.pop(job_id, None)
        self._unheard[job_id] = None
        if len(self._unheard) > MOST_UNHEARD:
            del self._unheard[next(iter(self._unheard))]

    async def sleep(self, job_id: str, seconds: float) -> None:
        """Returns after `seconds`, or earlier where the job is rung or was while nobody slept.

        Early at most once a ring and once a second for one job; a ring that comes too soon waits for that second.
        """
        bell = anyio.Event()
        if job_id in self._unheard:
            del self._unheard[job_id]
            bell.set()
        self._asleep.setdefault(job_id, []).append(bell)
        served = False
        try:
            with anyio.move_on_after(seconds):
                await bell.wait()
                await self._early(job_id)
            served = True
        finally:
            self._leave(job_id, bell)
            if bell.is_set() and not served:  # whose sleep was cancelled has asked nothing
                self.ring(job_id)

    async def _early(self, job_id: str) -> None:
        """Returns once this job may be woken early, and counts it."""
        while (rest := self._woken.get(job_id, -math.inf) + REST_SECONDS - anyio.current_time()) > 0:
            await anyio.sleep(rest)
        now = anyio.current_time()
        for name in [name for name, when in self._woken.items() if when + REST_SECONDS <= now]:
            del self._woken[name]
        self._woken[job_id] = now

    def _leave(self, job_id: str, bell: anyio.Event) -> None:
        sleepers = self._asleep[job_id]
        sleepers.remove(bell)
        if not sleepers:
            del self._asleep[job_id]
