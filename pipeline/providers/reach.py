"""Inputs on their way to a service: stored there, handed in for review, or put into the request itself.

All of it is free and may be repeated, so that what fails for a moment is tried again here.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

import anyio

from pipeline.errors import Advice, ProviderError
from pipeline.media.sniff import HEAD_BYTES, Media, sniff
from pipeline.providers import answers
from pipeline.providers.base import Asset, Assets, Call, Reply, Reviews, Uploads
from pipeline.providers.remote import Sleep, Told, Wire, silent

T = TypeVar("T")
TRIES = 6
MOST_UNREADABLE = 2  # answers in a row of calls that are tried again: the next one is no better
MOST_PAUSE_SECONDS = 60.0  # whatever a Retry-After says
KEPT_SECONDS = 3600  # S2 does not say how long it keeps what was stored there (B16)
REVIEW_LIMIT_SECONDS = 1800.0
MOST_PAGES = 40
MIME = {
    "png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif", "bmp": "image/bmp",
    "tiff": "image/tiff", "heic": "image/heic", "mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm",
    "mp3": "audio/mpeg", "wav": "audio/wav", "m4a": "audio/mp4", "aac": "audio/aac", "ogg": "audio/ogg",
    "flac": "audio/flac",
}  # fmt: skip
_SUFFIXES = {"jpeg": "jpg"}
_SERVICE = "The service"


class Stores(Wire, Protocol):
    """A wire that can also put bytes into a place that a service has named."""

    async def put(self, url: str, path: Path, content_type: str) -> None:
        """Streams a file there, without the key. Raises `ProviderError`, `OSError`."""
        ...


def format_of(path: Path) -> str:
    """What a file is by its first bytes: "png", "mp4"; empty where nobody knows. Raises `OSError`."""
    with path.open("rb") as file:
        found = sniff(file.read(HEAD_BYTES))
    return found[1] if found else ""


def suffix_of(path: Path) -> str:
    """The ending that says what a file is, whatever it is called: ".png", ".jpg", ".mp4"."""
    kind = format_of(path)
    return f".{_SUFFIXES.get(kind, kind)}" if kind else path.suffix


def mime_of(path: Path) -> str:
    """The MIME type of a file, by its bytes."""
    return MIME.get(format_of(path), "application/octet-stream")


def data_url(path: Path) -> str:
    """A file as a URL that holds it (RFC 2397), for requests that carry their inputs."""
    return f"data:{mime_of(path)};base64,{base64.b64encode(path.read_bytes()).decode()}"


async def patiently(call: Callable[[], Awaitable[T]], sleep: Sleep = anyio.sleep, told: Told = silent) -> T:
    """What a free call brings; tried again while its failure is one that passes, when its service wishes, as is `told`.

    Raises `ProviderError`.
    """
    seconds = 0.5
    unreadable = 0
    for last in range(TRIES, 0, -1):
        try:
            return await call()
        except ProviderError as error:
            unreadable += isinstance(error, answers.Unreadable)
            if error.advice is Advice.NEVER or last == 1 or unreadable >= MOST_UNREADABLE:
                raise
            pause = seconds if error.after_seconds is None else min(error.after_seconds, MOST_PAUSE_SECONDS)
            if error.after_seconds is not None:
                await told(pause, error)
            await sleep(pause)
            seconds *= 2
    raise AssertionError


async def store(
    page: Uploads, wire: Stores, path: Path, name: str, sleep: Sleep = anyio.sleep, *, told: Told = silent
) -> str:
    """Puts a file into a service's storage and gives its address there. Raises `ProviderError`, `OSError`."""
    kind = page.CONTENT_TYPES.get(format_of(path))
    if kind is None:
        known = ", ".join(page.CONTENT_TYPES)
        raise ProviderError(f"The service stores no such file ({path.suffix or 'no ending'}).", f"It stores {known}.")

    async def once() -> str:
        slot = answers.read(_SERVICE, "other", page.slot, await wire.send(page.presign(name, kind)))
        await wire.put(slot.url, path, kind)
        return slot.address

    return await patiently(once, sleep, told)


async def review(
    page: Reviews, wire: Wire, url: str, media: Media, name: str, sleep: Sleep = anyio.sleep, *, told: Told = silent
) -> str:
    """The address of a reviewed input; one of this name that was approved before is used again.

    Raises `ProviderError`: `Moderated` where the review refuses it, LATER where it takes too long.
    """
    found = await _approved(page, wire, media, name, sleep, told)
    if found:
        return found

    async def hand_in() -> str:
        return _standing(page, await wire.send(page.review(url, media, name))).id

    handed_in = await patiently(hand_in, sleep, told)

    async def ask() -> str:
        asset = _standing(page, await wire.send(page.ask_asset(handed_in)))
        return asset.address if asset.done else ""

    pace = min(page.REVIEW_SECONDS, wire.poll_seconds) if wire.poll_seconds < 1 else page.REVIEW_SECONDS
    age = 0.0
    while age < REVIEW_LIMIT_SECONDS:
        await sleep(pace)
        age += pace
        if address := await patiently(ask, sleep, told):
            return address
    raise ProviderError(
        f"The review of an input has taken more than {REVIEW_LIMIT_SECONDS / 60:.0f} minutes.",
        "Run the same command again: what has been approved by then is used.",
        advice=Advice.LATER,
    )


def _standing(page: Reviews, reply: Reply) -> Asset:
    """The asset in an answer. Raises `ProviderError`, also where the review refused it."""
    asset = answers.read(_SERVICE, "other", page.asset, reply)
    if asset.error:
        raise asset.error
    return asset


async def _listed(page: Reviews, wire: Wire, call: Call, media: Media) -> Assets:
    return answers.read(_SERVICE, "other", lambda reply: page.asset_list(reply, media), await wire.send(call))


async def _approved(page: Reviews, wire: Wire, media: Media, name: str, sleep: Sleep, told: Told) -> str:
    """The address of an approved asset of this name, empty where there is none or the list cannot be had."""
    call = page.assets(media)
    for _ in range(MOST_PAGES):
        try:
            listed = await patiently(functools.partial(_listed, page, wire, call, media), sleep, told)
        except ProviderError:
            return ""
        for asset in listed.items:
            if asset.name == name and asset.done and not asset.error:
                return asset.address
        if listed.next is None:
            return ""
        call = listed.next
    return ""
