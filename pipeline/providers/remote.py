"""The one dance of every service: submit once, name the job, ask until it ends, fetch the bytes.

Pages say what to send and what an answer means; here is where waiting happens. What may have been accepted is never
sent again: only the answer that certainly says no comes back as advice to try later.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import anyio

from pipeline.errors import Advice, JobLost, LinkDied, ProviderError
from pipeline.media.sniff import HEAD_BYTES, sniff
from pipeline.providers import answers
from pipeline.providers.base import Call, Enlarges, RemotePage, Reply, Status, is_service

Sleep = Callable[[float], Awaitable[None]]
Fresh = Callable[[str], Awaitable[str]]
"""Asks the service for a link again, by the output's name; an empty text where it gives none."""

Told = Callable[[float, ProviderError], Awaitable[None]]
"""Hears how many seconds a service has asked for, and what it said, before they are waited."""

FRESH_SECONDS = 60.0  # a gateway may not know a job at once that it has just named
SLOWEST_SECONDS = 60.0  # between two questions, unless the service says more


async def silent(seconds: float, error: ProviderError) -> None:
    """Tells nobody."""


class Wire(Protocol):
    """How calls reach a service on one account's behalf."""

    async def send(self, call: Call) -> Reply:
        """Makes one call. Raises `ProviderError`: LATER where it certainly did not arrive, DOUBT where it may have."""
        ...

    async def download(self, url: str, out: Path) -> str | None:
        """Streams a link into a file, without credentials; gives its digest where it was taken on the way.

        Raises `LinkDied` where a fresh link may help, `ProviderError`, `OSError`.
        """
        ...

    poll_seconds: float


async def submit(
    page: RemotePage | Enlarges,
    wire: Wire,
    request: Mapping[str, Any],
    inputs: Sequence[str],
    *,
    mark: str = "",
    callback: str = "",
) -> str:
    """Creates the job and gives its id. Raises `ProviderError`; with advice DOUBT where it may have been accepted."""
    if is_service(page):
        reply = await wire.send(page.submit(request, inputs, mark, callback))
        # WHY: the page is asked first, whatever the status: a refusal that names a job has taken it.
        job_id = answers.read(page.NAME, "create", page.job_id, reply)
        if not job_id:
            raise answers.read(page.NAME, "create", functools.partial(page.fault, asked="create"), reply)
        return job_id
    reply = await wire.send(page.submit(request, inputs))
    if not 200 <= reply.status < 300:
        raise page.fault(reply)
    job_id = page.job_id(reply)
    if not job_id:
        raise page.fault(reply) if reply.json else _unreadable(page)
    return job_id


def _unreadable(page: RemotePage | Enlarges) -> ProviderError:
    return ProviderError(
        f"{page.NAME} took the request, but its answer cannot be read.",
        "Ask what became of it with `rushes recover`.",
        advice=Advice.DOUBT,
    )


async def wait(
    page: RemotePage | Enlarges,
    wire: Wire,
    job_id: str,
    sleep: Sleep = anyio.sleep,
    *,
    limit_seconds: float | None = None,
    told: Told = silent,
) -> Status:
    """Asks until the job has ended, slower with its age and as the service wishes, which is `told`.

    Raises `ProviderError`: NEVER where the service refuses to say, LATER after `limit_seconds`, when the job goes on.
    """
    seconds = wire.poll_seconds
    real = is_service(page)
    pace = max(wire.poll_seconds * 4, page.POLL_SECONDS if is_service(page) else 0.0)
    began, age, least = anyio.current_time(), 0.0, 0.0
    while limit_seconds is None or age < limit_seconds:
        pause = seconds * random.uniform(0.9, 1.1) if real else seconds  # so that many are not asked after at once
        pause = max(pause, least)
        if limit_seconds is not None:
            pause = min(pause, limit_seconds - age)
        await sleep(pause)
        age = anyio.current_time() - began
        try:
            status = await ask(page, wire, page.poll(job_id))
        except ProviderError as error:
            if error.advice is Advice.NEVER and not (isinstance(error, JobLost) and age < FRESH_SECONDS):
                raise
            slower = min(seconds * 1.5, SLOWEST_SECONDS) if real else seconds
            least = error.after_seconds or 0.0
            seconds = max(seconds, slower if error.after_seconds is None else least)
            if error.after_seconds is not None:
                await told(seconds if limit_seconds is None else min(seconds, limit_seconds - age), error)
            continue
        if status.done:
            return await _with_links(page, wire, status)
        seconds, least = min(seconds * 1.2, pace), 0.0
    raise ProviderError(
        f"{page.NAME} is still at work after {_long(age)}.",
        "Run the same command again: it goes on with the job, and pays nothing more.",
        advice=Advice.LATER,
    )


def _long(seconds: float) -> str:
    """A time as people say it: in seconds below 2 minutes."""
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"


async def ask(page: RemotePage | Enlarges, wire: Wire, call: Call) -> Status:
    """What a service answers of a job, once. Raises `ProviderError`."""
    reply = await wire.send(call)
    if is_service(page):
        return answers.read(page.NAME, "poll", page.status, reply)  # it says itself what an HTTP status is worth
    if not 200 <= reply.status < 300:
        raise page.fault(reply)
    return page.status(reply)


async def _with_links(page: RemotePage | Enlarges, wire: Wire, status: Status) -> Status:
    """The status, or that of the one more question that the page wants asked where no link was named."""
    if status.error or status.links or status.ask is None:
        return status
    try:
        again = await ask(page, wire, status.ask)
    except ProviderError:
        return status
    return again if again.done and again.links else status


async def standing(page: RemotePage | Enlarges, wire: Wire, job_id: str) -> Status:
    """How a job stands, asked once, with fresh links where it is done. Raises `ProviderError`."""
    return await _with_links(page, wire, await ask(page, wire, page.poll(job_id)))


def fresh_links(page: RemotePage | Enlarges, wire: Wire, job_id: str) -> Fresh:
    """What asks once more how the finished job stands, for a link in the place of one that died."""

    async def fresh(name: str) -> str:
        return (await standing(page, wire, job_id)).links.get(name, "")

    return fresh


MAIN = ("video", "image")


async def fetch(wire: Wire, links: Mapping[str, str], folder: Path, *, fresh: Fresh | None = None) -> dict[str, Path]:
    """Downloads every link into the folder; the names are the outputs', the endings say what the bytes are.

    An extra, such as a last frame, that cannot be had is left out. Raises `ProviderError` where there is no link, or
    where the clip or still itself cannot be had, also not by a `fresh` link.
    """
    if not links:
        raise ProviderError("The service says that it is done, and names no file.", advice=Advice.LATER)
    files: dict[str, Path] = {}
    for name, url in links.items():
        file = folder / name
        try:
            try:
                await wire.download(url, file)
            except LinkDied:
                again = await fresh(name) if fresh else ""
                if not again:
                    raise
                await wire.download(again, file)
        except ProviderError:
            if name in MAIN or not any(main in links for main in MAIN):
                raise
            continue
        files[name] = file.rename(file.with_suffix(_suffix(file)))
    return files


def _suffix(file: Path) -> str:
    # WHY: not by the URL: many services sign links that end in no file's name, or serve WebP as .png.
    with file.open("rb") as stream:
        seen = sniff(stream.read(HEAD_BYTES))
    return _STILLS.get(seen[1], ".mp4") if seen else ".mp4"


_STILLS = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
STILLS = frozenset(_STILLS.values())
