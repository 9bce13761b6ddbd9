"""The desk of one service: its jobs, their stages as time passes, and each account to the last digit."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.emulators.jobs import Job, Stage, read, written

_PENDING, _QUEUED = 0.2, 0.1  # of the time a job takes; the rest it runs


class Desk:
    """Jobs by id. `ready` says whether a job's result can be fetched; `changed` hears of every new stage.

    With a `store` every change is a line of its own, written before anybody is answered; a desk opened on the same
    folder goes on where the last one stopped.
    """

    def __init__(
        self,
        *,
        opening: Decimal,
        now: Callable[[], float],
        slots: int | None = None,
        store: Path | None = None,
        ready: Callable[[Job], bool] = lambda job: True,
    ) -> None:
        self.opening, self.now, self.slots, self.ready = opening, now, slots, ready
        self.changed: Callable[[Job], None] = lambda job: None
        self.jobs: dict[str, Job] = {}
        self._place: dict[str, int] = {}
        self._heap: list[tuple[float, int, str]] = []  # due, place, id: who came first goes first
        self._waiting: dict[str, deque[str]] = {}
        self._undrawn: list[str] = []
        self._charged: dict[str, Decimal] = {}
        self._set_aside: dict[str, Decimal] = {}
        self._running: Counter[str] = Counter()
        self._open: Counter[str] = Counter()
        self._file = None
        if store is not None:
            store.mkdir(parents=True, exist_ok=True)
            path = store / "jobs.jsonl"
            self._recall(path)
            self._file = path.open("a", encoding="utf-8")

    def _recall(self, path: Path) -> None:
        lines = path.read_bytes().decode("utf-8", "replace").splitlines() if path.exists() else []
        for line in lines:
            try:
                job = read(line)
            except (ValueError, TypeError, KeyError):
                continue  # a line that a kill cut short was never answered for
            self._put(job)
        part = path.with_suffix(".part")
        part.write_text("".join(f"{written(job)}\n" for job in self.jobs.values()), encoding="utf-8")
        part.replace(path)

    def close(self) -> None:
        """Let go of the folder."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def available(self, account: str) -> Decimal:
        """What an account may still spend: opening less charged less held."""
        return self.total(account) - self._set_aside.get(account, Decimal(0))

    def total(self, account: str) -> Decimal:
        """What an account has, with what is held for jobs that run."""
        return self.opening - self._charged.get(account, Decimal(0))

    def used(self, account: str) -> Decimal:
        """What was charged to an account."""
        return self._charged.get(account, Decimal(0))

    def open_jobs(self, account: str) -> int:
        """How many jobs of an account are not over; assets and upscales are not counted (S0:543 says tasks)."""
        return self._open[account]

    def accept(self, job: Job) -> Job:
        """Take a job in, hold its price and let its result be drawn."""
        job = replace(job, held=job.price, due=job.created + job.pace * _PENDING)
        self._write(job)
        if job.fate == "done" and "frozen" not in job.traits:
            self.ready(job)
        return job

    def change(self, job: Job, **values: Any) -> Job:
        """The job with other values, kept and written."""
        job = replace(job, **values)
        self._write(job)
        return job

    def get(self, id: str, account: str | None = None) -> Job | None:
        """A job by its id, None where there is none, or where it is another account's."""
        job = self.jobs.get(id)
        return job if job is not None and (account is None or job.account == account) else None

    def newest(self, account: str, *kinds: str) -> Iterator[Job]:
        """An account's jobs of these kinds, the newest first."""
        return (job for job in reversed(self.jobs.values()) if job.account == account and job.kind in kinds)

    def due(self) -> float | None:
        """When the next stage of any job begins."""
        return self._heap[0][0] if self._heap else None

    def advance(self) -> None:
        """Bring every job to the stage that the time allows."""
        now = self.now()
        while self._heap and self._heap[0][0] <= now:
            moment, _, name = heapq.heappop(self._heap)
            job = self.jobs[name]
            if not job.over and job.due == moment:
                self._step(job)

    def wake(self) -> None:
        """Look again at the jobs whose results were not yet there."""
        for name in self._undrawn:
            heapq.heappush(self._heap, (self.jobs[name].due, self._place[name], name))
        self._undrawn.clear()

    def finish(self, job: Job, fate: Stage, code: str = "", message: str = "", at: float | None = None) -> Job:
        """End a job, now or `at` a moment, and settle its price: charged when done, given back otherwise."""
        done = fate == "done"
        job = replace(
            job,
            stage=fate,
            code=code,
            message=message,
            ended=self.now() if at is None else at,
            held=Decimal(0),
            charged=job.price if done else Decimal(0),
            refunded=Decimal(0) if done or job.post_pay else job.price,
        )
        self._write(job)
        self._next_in_turn(job.account, job.ended)
        self.changed(job)
        return job

    def _step(self, job: Job) -> None:
        """One stage on, unless the job must wait for a place or for its result."""
        if job.stage == "pending":
            if self.slots is not None and job.kind != "asset" and self._running[job.account] >= self.slots:
                self._waiting.setdefault(job.account, deque()).append(job.id)
                return
            self._write(replace(job, stage="queued", due=job.due + job.pace * _QUEUED))
            self.changed(self.jobs[job.id])
        elif job.stage == "queued":
            rest = job.pace * (1 - _PENDING - _QUEUED)
            self._write(replace(job, stage="running", started=job.due, due=job.due + rest))
            self.changed(self.jobs[job.id])
        elif "frozen" in job.traits:
            self._write(replace(job, due=float("1e18")))
        elif job.fate == "done" and not self.ready(job):
            self._undrawn.append(job.id)
        else:
            self.finish(job, job.fate, job.code, job.message, job.due)

    def _next_in_turn(self, account: str, moment: float) -> None:
        """The job that waits longest for a place begins now that one is free."""
        waiting = self._waiting.get(account)
        while waiting:
            job = self.jobs[waiting.popleft()]
            if not job.over:
                job = replace(job, due=max(job.due, moment))
                self.jobs[job.id] = job
                heapq.heappush(self._heap, (job.due, self._place[job.id], job.id))
                return

    def _write(self, job: Job) -> None:
        self._put(job)
        if self._file is not None:
            self._file.write(f"{written(job)}\n")
            self._file.flush()

    def _put(self, job: Job) -> None:
        old = self.jobs.get(job.id)
        self.jobs[job.id] = job
        self._place.setdefault(job.id, len(self._place))
        account = job.account
        self._set_aside[account] = self._set_aside.get(account, Decimal(0)) + job.held - (old.held if old else 0)
        self._charged[account] = self._charged.get(account, Decimal(0)) + job.charged - (old.charged if old else 0)
        if job.kind in ("video", "image"):
            self._open[account] += (not job.over) - (old is not None and not old.over)
            self._running[account] += _runs(job) - (old is not None and _runs(old))
        if not job.over and (old is None or old.due != job.due or old.stage != job.stage):
            heapq.heappush(self._heap, (job.due, self._place[job.id], job.id))


def _runs(job: Job) -> bool:
    return job.stage in ("queued", "running")
