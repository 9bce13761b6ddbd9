"""One step from its slot to its artifact: gather the inputs, do the work or have it done, keep the bytes, say so.

Knows nothing of other steps, of lanes or of budgets; what it tells, it tells as events.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from pipeline.engine.away import Away, Means
from pipeline.engine.forbidden import in_recipe
from pipeline.engine.keep import Emit, Results, keep
from pipeline.errors import AccountRefused, Advice, MediaError, Moderated, StepError
from pipeline.events import Artifact, Failed, Result, Succeeded
from pipeline.plan.model import Step
from pipeline.steps.base import Feed
from pipeline.steps.upload import Upload
from pipeline.store import faults
from pipeline.store.artifacts import Artifacts

T = TypeVar("T")
_LOADING = threading.Lock()


class Worker:
    """Carries out steps with real files and real services. One for a run."""

    def __init__(
        self, artifacts: Artifacts, *, clock: Callable[[], str], means: Means | None = None, threads: int = 2
    ) -> None:
        self.artifacts = artifacts
        self.clock = clock
        self._threads = anyio.CapacityLimiter(max(1, threads))
        self.away = Away(artifacts, means or Means(), clock=clock, thread=self._thread)

    async def carry(self, step: Step, attempt: int, results: Results, emit: Emit) -> None:
        """Carries out an attempt that has been written down as started. Failures of the step are told as events."""
        try:
            result = await self._made(step, attempt, results, emit)
        except StepError as met:
            error = in_recipe(met, step.work)
            await emit(
                Failed(
                    at=self.clock(),
                    step=step.id,
                    key=step.key,
                    attempt=attempt,
                    error=error.fact,
                    hint=error.hint,
                    permanent=_stands(step, error),
                    cause=error.cause,
                )
            )
            return
        if result is not None:
            await emit(Succeeded(at=self.clock(), step=step.id, key=step.key, attempt=attempt, result=result))

    async def _made(self, step: Step, attempt: int, results: Results, emit: Emit) -> Result | None:
        content = functools.partial(self._content, results=results)
        if step.account:
            return await self.away.have_done(step, attempt, results, content, emit)
        inputs = [await self._thread(content, feed) for feed in step.work.feeds]
        if isinstance(step.work, Upload):
            return await self.away.upload(step.work, inputs[0], results, self.away.told(step, emit))
        return await self._thread(self._do, step, inputs)

    async def _thread(self, work: Callable[..., T], *args: Any) -> T:
        return await anyio.to_thread.run_sync(
            functools.partial(_after_media, work, *args), limiter=self._threads, abandon_on_cancel=True
        )

    def _content(self, feed: Feed, results: Results) -> Path | str:
        """The file that a feed means, or the URL."""
        if feed.step:
            made = results[feed.step].outputs.get(feed.output)
            if made is None:
                raise StepError(f"{feed.step} left no {feed.output}.", "Name its shot in --redo to make it anew.")
            return self._whole(feed, made)
        if feed.path is not None:
            return self.artifacts.adopt(feed.path, sha256=feed.sha256)
        return feed.url

    def _whole(self, feed: Feed, made: Artifact) -> Path:
        """The file of an earlier step, every byte as it was made. Raises `StepError` where it was damaged since."""
        if self.artifacts.damaged(made):
            self.artifacts.distrust(made)  # so that the next plan knows
            raise StepError(
                f"{_name(feed)} was damaged in the store since it was made.",
                "Run the same command again: it says how that is fetched or made again, and what that costs.",
            )
        return self.artifacts.path(made)

    def _do(self, step: Step, inputs: list[Path | str]) -> Result:
        """Work done on this machine, in a thread."""
        paths = []
        for name in inputs:
            if isinstance(name, str):
                raise StepError(
                    f"{step.id} needs {name}, and work on this machine opens no URL.",
                    "Download it into the recipe's folder and name the file.",
                )
            paths.append(name)
        folder = self.artifacts.stage()
        try:
            with faults.told(folder):
                return keep(self.artifacts, step.work.perform(paths, folder))
        except MediaError as error:
            names = zip(paths, map(_name, step.work.feeds), strict=True)
            fact = functools.reduce(lambda told, pair: told.replace(pair[0].name, pair[1]), names, error.fact)
            raise MediaError(fact, error.hint, advice=error.advice) from error
        finally:
            self.artifacts.discard(folder)


def _after_media(work: Callable[..., T], *args: Any) -> T:
    """Does work that may use media."""
    # WHY: PyAV's modules import each other in a circle, and two threads that begin at once would wait for each other.
    with _LOADING:
        from pipeline.media import source  # noqa: F401
    return work(*args)


def _stands(step: Step, error: StepError) -> bool:
    """Whether a failure stands for its key: a service has judged the request, and would judge it so again."""
    if isinstance(step.work, Upload):
        return isinstance(error, Moderated)
    return bool(step.account) and error.advice is Advice.NEVER and not isinstance(error, AccountRefused)


def _name(feed: Feed) -> str:
    """What the user calls an input, whose file in the store is named by its digest."""
    return str(feed.path) if feed.path else f"the {feed.output.replace('_', ' ')} of {feed.step.partition('/')[0]}"
