"""One step from its slot to its artifact: gather the inputs, do the work or have it done, keep the bytes, say so.

Knows nothing of other steps, of lanes or of budgets; what it tells, it tells as events.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio
import anyio.to_thread

from pipeline.errors import Advice, MediaError, ProviderError, StepError
from pipeline.events import (
    Artifact,
    Doubted,
    Event,
    Failed,
    Refused,
    Result,
    Settled,
    Submitted,
    Succeeded,
)
from pipeline.money import ZERO
from pipeline.plan.model import Step
from pipeline.providers import remote
from pipeline.providers.base import Status, is_local
from pipeline.steps.base import Feed, Made
from pipeline.steps.generate import Generate
from pipeline.store.artifacts import Artifacts

if TYPE_CHECKING:
    from pipeline.providers.base import RemotePage

Emit = Callable[[Event], Awaitable[None]]
Results = Mapping[str, Result]
T = TypeVar("T")
_LINK = "It is paid: `rushes run` asks the service for its link again, and buys nothing."


class Worker:
    """Carries out steps with real files and real services. One for a run."""

    def __init__(
        self,
        artifacts: Artifacts,
        *,
        clock: Callable[[], str],
        wires: Mapping[str, remote.Wire] | None = None,
        threads: int = 2,
    ) -> None:
        self.artifacts = artifacts
        self.clock = clock
        self.wires = wires or {}
        self._threads = anyio.CapacityLimiter(max(1, threads))

    async def carry(self, step: Step, attempt: int, results: Results, emit: Emit) -> None:
        """Carries out an attempt that has been written down as started. Failures of the step are told as events."""
        sent = False
        taken_up = bool(step.job_id) and attempt == step.attempt  # the service has had its inputs
        try:
            feeds = () if taken_up else step.work.feeds
            inputs = [await self._thread(self._input, feed, results) for feed in feeds]
            sent = bool(step.account)
            if isinstance(step.work, Generate) and not is_local(step.work.page):
                result = await self._have_it_done(step, step.work, attempt, inputs, emit)
                if result is None:
                    return
            else:
                result = await self._thread(self._do, step, inputs)
        except StepError as error:
            await emit(
                Failed(
                    at=self.clock(),
                    step=step.id,
                    key=step.key,
                    attempt=attempt,
                    error=error.fact,
                    hint=error.hint,
                    permanent=sent and error.advice is Advice.NEVER,
                )
            )
            return
        await emit(Succeeded(at=self.clock(), step=step.id, key=step.key, attempt=attempt, result=result))

    async def _thread(self, work: Callable[..., T], *args: Any) -> T:
        return await anyio.to_thread.run_sync(
            functools.partial(work, *args), limiter=self._threads, abandon_on_cancel=True
        )

    def _input(self, feed: Feed, results: Results) -> Path | str:
        if feed.step:
            return self.artifacts.path(results[feed.step].outputs[feed.output])
        if feed.path is not None:
            return self.artifacts.adopt(feed.path, sha256=feed.sha256)
        return feed.url

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
            return self._keep(step.work.perform(paths, folder))
        except MediaError as error:
            names = zip(paths, map(_name, step.work.feeds), strict=True)
            fact = functools.reduce(lambda told, pair: told.replace(pair[0].name, pair[1]), names, error.fact)
            raise MediaError(fact, error.hint, advice=error.advice) from error
        finally:
            self.artifacts.discard(folder)

    def _keep(self, made: Made) -> Result:
        from pipeline.media.probe import probe  # PyAV is heavy: a run that makes nothing does not pay for it

        outputs: dict[str, Artifact] = {}
        for name, path in made.files.items():
            seen = probe(path)
            sha256, size = self.artifacts.keep(path)
            outputs[name] = Artifact(
                sha256=sha256,
                bytes=size,
                suffix=path.suffix,
                width=seen.width,
                height=seen.height,
                seconds=f"{seen.seconds.normalize():f}" if seen.kind == "video" else "",
                fps=str(seen.fps) if seen.fps and seen.kind == "video" else "",
            )
        return Result(outputs=outputs, facts=made.facts)

    async def _have_it_done(
        self, step: Step, work: Generate, attempt: int, inputs: list[Path | str], emit: Emit
    ) -> Result | None:
        """Work that a service does: submit, write the job down, wait, settle, download. None: no result."""
        page = cast("RemotePage", work.page)
        wire = self.wires[step.account]
        about: dict[str, Any] = {"step": step.id, "key": step.key, "attempt": attempt}
        job_id = step.job_id if attempt == step.attempt else ""
        if not job_id:
            # WHY: Ctrl-C in the middle of it would leave a request of which nobody knows whether it arrived.
            with anyio.CancelScope(shield=True):
                try:
                    job_id = await remote.submit(page, wire, work.request, [str(name) for name in inputs])
                except ProviderError as error:
                    await self._not_taken(error, about, emit)
                    return None
                await emit(Submitted(at=self.clock(), job_id=job_id, **about))
        try:
            status = await remote.wait(page, wire, job_id)
        except ProviderError as error:  # it has the job, and does not say how it stands: the money is held
            await emit(Doubted(at=self.clock(), error=error.fact, **about))
            return None
        await emit(self._settled(step, status, about))
        if status.error:
            raise status.error
        try:
            return await self._fetch(wire, status)
        except StepError as error:
            await emit(Failed(at=self.clock(), error=error.fact, hint=_LINK, undelivered=True, **about))
            return None

    async def _fetch(self, wire: remote.Wire, status: Status) -> Result:
        folder = await self._thread(self.artifacts.stage)
        try:
            files = await remote.fetch(wire, status.links, folder)
            return await self._thread(self._checked, files)
        finally:
            with anyio.CancelScope(shield=True):
                await self._thread(self.artifacts.discard, folder)

    def _checked(self, files: Mapping[str, Path]) -> Result:
        from pipeline.media.probe import check

        for path in files.values():
            check(path)
        return self._keep(Made(files=files))

    async def _not_taken(self, error: ProviderError, about: Mapping[str, Any], emit: Emit) -> None:
        if error.advice is Advice.DOUBT:
            await emit(Doubted(at=self.clock(), error=error.fact, **about))
            return
        await emit(
            Refused(
                at=self.clock(),
                error=error.fact,
                hint=error.hint,
                advice=error.advice,
                after_seconds=error.after_seconds,
                **about,
            )
        )

    def _settled(self, step: Step, status: Status, about: Mapping[str, Any]) -> Settled:
        """What the service says it took; where it is silent, nothing for a failure and the estimate for a success."""
        told = status.charged is not None
        charged = status.charged if status.charged is not None else (ZERO if status.error else step.price.high)
        rate = step.price.usd_per_credit
        return Settled(
            at=self.clock(),
            charged=charged,
            refunded=status.refunded or ZERO,
            usd=None if rate is None else charged * rate,
            source=step.provider if told else "estimate",
            **about,
        )


def _name(feed: Feed) -> str:
    """What the user calls an input, whose file in the store is named by its digest."""
    return str(feed.path) if feed.path else f"the {feed.output.replace('_', ' ')} of {feed.step.partition('/')[0]}"
