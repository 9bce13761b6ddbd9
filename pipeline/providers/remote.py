"""The one dance of every service: submit once, name the job, ask until it ends, fetch the bytes.

Pages say what to send and what an answer means; here is where waiting happens. What may have been accepted is never
sent again: only the answer that certainly says no comes back as advice to try later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import anyio

from pipeline.errors import Advice, ProviderError
from pipeline.media.sniff import HEAD_BYTES, sniff
from pipeline.providers.base import Call, RemotePage, Reply, Status


class Wire(Protocol):
    """How calls reach a service on one account's behalf."""

    async def send(self, call: Call) -> Reply:
        """Makes one call. Raises `ProviderError`: LATER where it certainly did not arrive, DOUBT where it may have."""
        ...

    async def download(self, url: str, out: Path) -> None:
        """Streams a link into a file, without credentials. Raises `ProviderError`, `OSError`."""
        ...

    poll_seconds: float


async def submit(page: RemotePage, wire: Wire, request: Mapping[str, Any], inputs: Sequence[str]) -> str:
    """Creates the job and gives its id. Raises `ProviderError`; with advice DOUBT where it may have been accepted."""
    reply = await wire.send(page.submit(request, inputs))
    if not 200 <= reply.status < 300:
        raise page.fault(reply)
    job_id = page.job_id(reply)
    if not job_id:
        raise page.fault(reply) if reply.json else _unreadable(page)
    return job_id


def _unreadable(page: RemotePage) -> ProviderError:
    return ProviderError(
        f"{page.NAME} took the request, but its answer cannot be read.",
        "Ask what became of it with `rushes recover`.",
        advice=Advice.DOUBT,
    )


async def wait(
    page: RemotePage, wire: Wire, job_id: str, sleep: Callable[[float], Awaitable[None]] = anyio.sleep
) -> Status:
    """Asks until the job has ended, slower with its age. Raises `ProviderError` where the service refuses to say."""
    seconds = wire.poll_seconds
    while True:
        await sleep(seconds)
        try:
            reply = await wire.send(page.poll(job_id))
        except ProviderError as error:
            if error.advice is Advice.NEVER:
                raise
            seconds = max(seconds, error.after_seconds or 0.0)
            continue
        if not 200 <= reply.status < 300:
            fault = page.fault(reply)
            if fault.advice is Advice.NEVER:
                raise fault
            seconds = max(seconds, fault.after_seconds or 0.0)
            continue
        status = page.status(reply)
        if status.done:
            return status
        seconds = min(seconds * 1.2, wire.poll_seconds * 4)


async def fetch(wire: Wire, links: Mapping[str, str], folder: Path) -> dict[str, Path]:
    """Downloads every link into the folder; the names are the outputs', the endings say what the bytes are."""
    files: dict[str, Path] = {}
    for name, url in links.items():
        file = folder / name
        await wire.download(url, file)
        files[name] = file.rename(file.with_suffix(_suffix(file)))
    return files


def _suffix(file: Path) -> str:
    # WHY: not by the URL: many services sign links that end in no file's name, or serve WebP as .png.
    with file.open("rb") as stream:
        seen = sniff(stream.read(HEAD_BYTES))
    return _STILLS.get(seen[1], ".mp4") if seen else ".mp4"


_STILLS = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
