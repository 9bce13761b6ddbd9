"""Work that a service does: its inputs made reachable, submitted once, waited for, settled, fetched.

Knows nothing of other steps, of lanes or of budgets; what it tells, it tells as events, in the order that makes a run
safe to kill.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import anyio

from pipeline.digest import file_digest
from pipeline.engine.forbidden import in_recipe
from pipeline.engine.keep import Emit, InThread, Results, keep
from pipeline.engine.orders import asked_again
from pipeline.engine.sending import Sending
from pipeline.engine.turns import Turns
from pipeline.errors import AccountRefused, Advice, JobLost, LinkDied, ProviderError, StepError, StoreError
from pipeline.events import Cancelled, Doubted, Failed, Gone, Refused, Result, Settled, Submitted, later
from pipeline.money import ZERO
from pipeline.plan.enlarge import clip_of, price_of
from pipeline.plan.model import Step
from pipeline.providers import reach, remote
from pipeline.providers.base import Enlarges, RemotePage, Reviews, Status, Uploads
from pipeline.providers.fit import Fit
from pipeline.steps.base import Feed, Made
from pipeline.steps.generate import Generate
from pipeline.steps.upload import Upload
from pipeline.steps.upscale import Upscale
from pipeline.store import faults
from pipeline.store.artifacts import Artifacts
from pipeline.store.publish import Publish
from pipeline.values import dataclass, field

DOWNLOADS = 4  # at once: a line is seldom faster than this many, and a link that waits grows old
_LONG_SECONDS = 604_800  # a link whose life the document does not tell
_LINK = "It is paid: `rushes run` asks the service for its link again, and buys nothing."


def unheard(job_id: str) -> remote.Sleep:
    """How a job is waited for that nobody tells of."""
    return anyio.sleep


def untold(account: str) -> str:
    """No address to which a service could tell anything."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the house lends to work done elsewhere.

    `wires` are by account; `run` marks requests where a service echoes a mark; `sending` are those that are on the way,
    and `stands` says whether this process may still send; `sleep` waits before a job is asked after again, or until
    somebody rings; `callback` is where a service may say that a job has ended.
    """

    wires: Mapping[str, remote.Wire] = field(default_factory=dict)
    publish: Publish | None = None
    run: str = ""
    stands: Callable[[], bool] = lambda: True
    sending: Sending = field(default_factory=Sending)
    clip_seconds: float | None = None  # how long a job is waited for in this process
    upscale_seconds: float | None = None
    sleep: Callable[[str], remote.Sleep] = unheard
    callback: Callable[[str], str] = untold
    steps: Mapping[str, Step] = field(default_factory=dict)  # uploads, for one that has run out or was not needed


class Away:
    """Has work done by services, one step at a time."""

    def __init__(self, artifacts: Artifacts, means: Means, *, clock: Callable[[], str], thread: InThread) -> None:
        self.artifacts = artifacts
        self.means = means
        self.clock = clock
        self._thread = thread
        self._downloads = Turns(DOWNLOADS)
        self._again: dict[str, Result] = {}  # uploads that had run out, or that the plan had no use for

    def told(self, step: Step, emit: Emit) -> remote.Told:
        """Tells people of each long wait that a service asks for while it serves the step."""

        async def tell(seconds: float, error: ProviderError) -> None:
            if wait := asked_again(self.clock(), step.id, seconds, error.fact):
                await emit(wait)

        return tell

    # inputs

    async def upload(self, work: Upload, content: Path | str, results: Results, told: remote.Told) -> Result:
        """Makes an input reachable; the facts say how it is then called. Raises `StepError`, `OSError`."""
        if work.way == "upload":
            assert isinstance(content, Path)
            return await self._stored(work, content, told)
        if isinstance(content, str):
            name, url = hashlib.sha256(content.encode()).hexdigest(), content
        else:
            published = await self._thread(self._publish, work, content, results)
            if work.way == "url":
                return Result(outputs={}, facts={"published": published})
            name, url = published.partition(".")[0], await self._thread(self._link, published)
        page, wire = cast(Reviews, work.page), self.means.wires[work.account]
        return Result(outputs={}, facts={"address": await reach.review(page, wire, url, work.media, name, told=told)})

    async def _stored(self, work: Upload, content: Path, told: remote.Told) -> Result:
        page, wire = cast(Uploads, work.page), cast(reach.Stores, self.means.wires[work.account])
        fitted = self._fitted(content, work.source.fit)
        path = await self._thread(fitted.__enter__)
        try:
            name = f"{work.media}{await self._thread(reach.suffix_of, path)}"
            address = await reach.store(page, wire, path, name, told=told)
        finally:
            with anyio.CancelScope(shield=True):
                await self._thread(fitted.__exit__, None, None, None)
        return Result(outputs={}, facts={"address": address, "until": later(self.clock(), reach.KEPT_SECONDS)})

    def _publish(self, work: Upload, content: Path, results: Results) -> str:
        """The name under which the content can be read; that of a picture made to fit is its own digest."""
        publish, feed = self.means.publish, work.source
        if publish is None:
            raise StepError("An input must be readable by the service, and there is no place for it.", _PUBLISH)
        made = results[feed.step].outputs[feed.output].sha256 if feed.step else feed.sha256
        try:
            with self._fitted(content, feed.fit) as path:
                digest = made if path is content else file_digest(path)
                name = digest.rpartition(":")[2] + reach.suffix_of(path)
                publish.put(path, name, reach.mime_of(path))
                return name
        except StoreError as error:  # the store of inputs is not ours: only what needs it fails
            raise StepError(error.fact, error.hint) from error

    def _inside(self, path: Path, fit: Fit | None) -> str:
        """A file as part of a request."""
        with self._fitted(path, fit) as fitted:
            return reach.data_url(fitted)

    @contextmanager
    def _fitted(self, path: Path, fit: Fit | None) -> Iterator[Path]:
        """The picture as it may be sent, while the block runs: itself, or a copy that fits. Blocks."""
        from pipeline.media import still  # Pillow: only pictures that are sent pay for it

        if fit is None or still.fits(path, fit.most_bytes, fit.shortest, fit.longest):
            yield path
            return
        folder = self.artifacts.stage()
        try:
            out = folder / "fitted.png"
            still.make_fit(path, out, fit.most_bytes, fit.shortest, fit.longest)
            yield out
        finally:
            self.artifacts.discard(folder)

    def _link(self, published: str) -> str:
        if self.means.publish is None:
            raise StepError("An input was published, and its place is not configured any more.", _PUBLISH)
        try:
            return self.means.publish.link(published)
        except StoreError as error:
            raise StepError(error.fact, error.hint) from error

    async def addresses(
        self, step: Step, results: Results, content: Callable[[Feed], Path | str], told: remote.Told
    ) -> list[str]:
        """What the service is to call each input of a step. Raises `StepError`, `OSError`."""
        found = []
        for feed in step.work.feeds:
            if feed.upload:
                found.append(await self._address(feed, results, content, told))
                continue
            what = await self._thread(content, feed)
            if feed.inside and isinstance(what, Path):
                what = await self._thread(self._inside, what, feed.fit)
            found.append(str(what))
        return found

    async def _address(
        self, feed: Feed, results: Results, content: Callable[[Feed], Path | str], told: remote.Told
    ) -> str:
        result = self._again.get(feed.upload) or results.get(feed.upload)
        if result is None or result.facts.get("until", "9") <= self.clock():
            work = cast(Upload, self.means.steps[feed.upload].work)
            there = await self._thread(content, work.source)
            result = self._again[feed.upload] = await self.upload(work, there, results, told)
        published = result.facts.get("published")
        return await self._thread(self._link, published) if published else str(result.facts["address"])

    # jobs

    async def have_done(
        self, step: Step, attempt: int, results: Results, content: Callable[[Feed], Path | str], emit: Emit
    ) -> Result | None:
        """Submits, writes the job down, waits, settles, fetches. None: it has been told why there is no result."""
        work = cast("Generate | Upscale", step.work)
        page = cast("RemotePage | Enlarges", work.page)
        wire = self.means.wires[step.account]
        if step.fetched_again and attempt == step.attempt:
            return await self._fetch_again(step, work, page, wire, emit)
        about: dict[str, Any] = {"step": step.id, "key": step.key, "attempt": attempt}
        told = self.told(step, emit)
        job_id = step.job_id if attempt == step.attempt else ""
        if not job_id:
            try:
                _refuse_unfit(work, results)
                inputs = await self.addresses(step, results, content, told)
            except StepError as error:  # nothing was sent, so nothing stands for the key
                await emit(Failed(at=self.clock(), error=error.fact, hint=error.hint, cause=error.cause, **about))
                return None
            except anyio.get_cancelled_exc_class():
                with anyio.CancelScope(shield=True):
                    await self._not_taken(ProviderError(_STOPPED, advice=Advice.LATER), about, emit)
                raise
            # WHY: inputs take their time, and a machine that slept meanwhile may have lost the run to another.
            if not self.means.stands():
                await self._not_taken(ProviderError(_TAKEN_OVER, advice=Advice.LATER), about, emit)
                return None
            job_id = await self._submit(step, page, inputs, about, emit)
            if not job_id:
                return None
        limit = self.means.upscale_seconds if isinstance(work, Upscale) else self.means.clip_seconds
        try:
            sleep = self.means.sleep(job_id)
            status = await remote.wait(page, wire, job_id, sleep, limit_seconds=limit, told=told)
        except ProviderError as error:  # it has the job, and does not say how it stands: the money is held
            await emit(Doubted(at=self.clock(), error=error.fact, **about))
            return None
        await emit(self._settled(step, status, results, about))
        if status.cancelled:
            await emit(Cancelled(at=self.clock(), why=f"{step.provider} was told to cancel it.", **about))
            return None
        if status.error:
            raise status.error
        try:
            return await self._fetch(work, wire, status, remote.fresh_links(page, wire, job_id))
        except StepError as error:
            await emit(Failed(at=self.clock(), error=error.fact, hint=_LINK, undelivered=True, **about))
            return None

    async def _submit(
        self, step: Step, page: RemotePage | Enlarges, inputs: list[str], about: Mapping[str, Any], emit: Emit
    ) -> str:
        """Sends the request and writes down what came of it; gives the job's id, empty where none is known."""
        work, wire = cast("Generate | Upscale", step.work), self.means.wires[step.account]
        mark, callback = f"{step.key} {self.means.run} {about['attempt']}", self.means.callback(step.account)
        told: Submitted | Doubted
        try:
            # WHY: Ctrl-C in the middle of it would leave a request of which nobody knows whether it arrived.
            with self.means.sending.shielded():
                job_id = await remote.submit(page, wire, work.request, inputs, mark=mark, callback=callback)
            told = Submitted(at=self.clock(), job_id=job_id, **about)
        except ProviderError as error:
            with anyio.CancelScope(shield=True):
                await self._not_taken(in_recipe(error, work), about, emit)
            return ""
        except anyio.get_cancelled_exc_class():
            told = Doubted(at=self.clock(), error=_NOT_AWAITED, **about)
            with anyio.CancelScope(shield=True):
                await emit(told)
            raise
        with anyio.CancelScope(shield=True):
            await emit(told)
        return job_id

    async def _fetch_again(
        self, step: Step, work: Generate | Upscale, page: RemotePage | Enlarges, wire: remote.Wire, emit: Emit
    ) -> Result | None:
        """The files of a job that ended long ago and was settled then; nothing is paid, whatever comes of it.

        That its service has them no more is written down, so that the next plan says what making them anew costs.
        """
        about: dict[str, Any] = {"step": step.id, "key": step.key}
        try:
            ask = functools.partial(remote.standing, page, wire, step.job_id)
            status = await reach.patiently(ask, told=self.told(step, emit))
            if status.error:
                raise JobLost(status.error.fact)
            if not status.done:
                raise ProviderError(f"{step.provider} says that it is still at work on {step.job_id}.")
            made = await self._fetch(work, wire, status, remote.fresh_links(page, wire, step.job_id))
            return _beside(made, step.result)
        except (JobLost, LinkDied) as error:
            fact = f"its file is gone, and {step.provider} does not have it any more: {error.fact}"
            gone = Gone(at=self.clock(), attempt=step.attempt, freed=False, why=error.fact, **about)
            await emit(gone)
            hint = _ANEW
        except StepError as error:
            fact, hint = f"its file is gone, and could not be fetched again: {error.fact}", _LINK
        await emit(Failed(at=self.clock(), attempt=0, error=fact, hint=hint, undelivered=True, **about))
        return None

    async def _fetch(self, work: Generate | Upscale, wire: remote.Wire, status: Status, fresh: remote.Fresh) -> Result:
        folder = await self._thread(self.artifacts.stage)
        # WHY: of many results that wait to be fetched, the one whose link dies first must not be the last.
        dies = anyio.current_time() + (getattr(work.page, "LINK_SECONDS", 0) or _LONG_SECONDS)
        try:
            async with self._downloads.turn(dies):
                with faults.told(folder):
                    files = await remote.fetch(wire, status.links, folder, fresh=fresh)
            named = _as_asked(work, files)
            return await self._thread(checked, self.artifacts, named, status.facts)
        finally:
            with anyio.CancelScope(shield=True):
                await self._thread(self.artifacts.discard, folder)

    async def _not_taken(self, error: StepError, about: Mapping[str, Any], emit: Emit) -> None:
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
                account=isinstance(error, AccountRefused),
                cause=error.cause,
                **about,
            )
        )

    def _settled(self, step: Step, status: Status, results: Results, about: Mapping[str, Any]) -> Settled:
        """What the service says it took; where it is silent, nothing for a failure and the estimate for a success."""
        price = price_of(step, results)
        told = status.charged is not None
        charged = status.charged if status.charged is not None else (ZERO if status.error else price.high)
        rate = price.usd_per_credit
        return Settled(
            at=self.clock(),
            charged=charged,
            refunded=status.refunded or ZERO,
            usd=None if rate is None else charged * rate,
            source=step.provider if told else "estimate" if price.known else "not told",
            facts=status.facts,
            **about,
        )


_ANEW = "`rushes plan` says what making it anew costs, and the next run makes it anew, with your yes."
_STOPPED = "the run was interrupted before anything was sent."
_NOT_AWAITED = "the run was ended before the service had answered."
_TAKEN_OVER = "the run was taken over before anything was sent."
_PUBLISH = "Configure one: [publish] store = ..., or RUSHES_PUBLISH."


def _beside(made: Result, before: Result | None) -> Result:
    """What was fetched again, with the digests that its files had before where these are others now."""
    first = before.outputs if before else {}
    others = {name: first[name].sha256 for name, now in made.outputs.items() if name in first and first[name] != now}
    return Result(outputs=made.outputs, facts={**made.facts, "replaces": others}) if others else made


def _refuse_unfit(work: Generate | Upscale, results: Results) -> None:
    """Raises `ProviderError` for a clip that came out otherwise than was asked for, and cannot be made larger."""
    if not isinstance(work, Upscale) or work.page is None:
        return
    clip = clip_of(results[work.source.step].outputs[work.source.output])
    for complaint in work.page.complaints(clip, work.to):
        if not complaint.warning:
            raise ProviderError(complaint.fact, complaint.hint)


def _as_asked(work: Generate | Upscale, files: Mapping[str, Path]) -> Mapping[str, Path]:
    """The files by what they are to be. Raises `ProviderError` for a picture where a clip is due, and the other way."""
    due = "video" if isinstance(work, Upscale) else work.output
    found: dict[str, Path] = {}
    for name, path in files.items():
        if name not in remote.MAIN:
            found[name] = path
            continue
        # WHY: a link's ending may say nothing, or lie: the bytes have said what the file is.
        kind = "image" if path.suffix in remote.STILLS else "video"
        if kind != due:
            words = {"video": "a clip", "image": "a picture"}
            raise ProviderError(f"The service delivered {words[kind]} where {words[due]} is due.")
        found["upscaled" if isinstance(work, Upscale) else due] = path
    return found


def checked(artifacts: Artifacts, files: Mapping[str, Path], facts: Mapping[str, Any]) -> Result:
    """Keeps files that a service delivered, each decoded to its end. Raises `MediaError`, `OSError`."""
    from pipeline.media.probe import check

    for path in files.values():
        check(path)
    return keep(artifacts, Made(files=files, facts=facts))
