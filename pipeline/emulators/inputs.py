"""What requests bring: loopback URLs are fetched, data URLs decoded, uploads looked up; all else is unseen."""

from __future__ import annotations

import base64
import binascii
import hashlib
import urllib.parse
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread

from pipeline.emulators.loopback import fetch, is_loopback
from pipeline.errors import MediaError
from pipeline.media.probe import probe

MOST_BYTES = 600 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An input that was looked at: `name` is its file among the inputs; `kind` image, video or audio."""

    name: str
    kind: str
    format: str
    width: int
    height: int
    seconds: Decimal
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a document allows an input to be; None and empty where it is silent. Sides in pixels, ratios w/h."""

    kind: str
    formats: tuple[str, ...] = ()
    shortest: int = 0
    longest: int = 0
    ratio: tuple[float, float] | None = None
    most_bytes: int = 0
    seconds: tuple[Decimal, Decimal] | None = None


class Unreadable(Exception):
    """An input that cannot be fetched or is no media file; the text says why."""


class Inputs:
    """Files that came in, by the digest of their bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """Where an input lies."""
        return self.folder / name

    async def look(self, url: str) -> Seen | None:
        """What lies at a loopback or data URL; None for every other, which is believed. Raises `Unreadable`."""
        if url.startswith("data:"):
            return await anyio.to_thread.run_sync(partial(self._keep, decoded(url), url[:40]))
        if not is_loopback(url):
            return None
        return await anyio.to_thread.run_sync(self._fetched, url, abandon_on_cancel=True)

    async def keep(self, data: bytes) -> Seen:
        """What these bytes are, kept. Raises `Unreadable`."""
        return await anyio.to_thread.run_sync(partial(self._keep, data, "the upload"))

    def _fetched(self, url: str) -> Seen:
        try:
            data = fetch(url, MOST_BYTES)
        except (OSError, ValueError) as error:
            raise Unreadable(f"could not fetch {url}: {error}") from None
        return self._keep(data, url)

    def _keep(self, data: bytes, what: str) -> Seen:
        path = self.path(hashlib.sha256(data).hexdigest()[:40])
        if not path.exists():
            part = path.with_suffix(f".{id(data)}.part")
            part.write_bytes(data)
            part.replace(path)
        try:
            found = probe(path)
        except (MediaError, OSError) as error:
            raise Unreadable(f"{what} is no image, video or audio: {error}") from None
        seconds = found.sound.seconds if found.kind == "audio" and found.sound else found.seconds
        return Seen(
            name=path.name,
            kind=found.kind,
            format=found.format,
            width=found.width,
            height=found.height,
            seconds=seconds,
            size=len(data),
        )


def decoded(url: str) -> bytes:
    """The bytes of a data URL. Raises `Unreadable` where it is malformed."""
    head, comma, data = url.partition(",")
    if not comma:
        raise Unreadable("a data URL without a comma")
    try:
        if head.endswith(";base64"):
            return base64.b64decode(data, validate=True)
        return urllib.parse.unquote_to_bytes(data)
    except binascii.Error:
        raise Unreadable("a data URL whose base64 is broken") from None


def complaint(seen: Seen, limits: Limits) -> str:
    """What is wrong with an input by the document's limits; an empty text where nothing is."""
    short, long = min(seen.width, seen.height), max(seen.width, seen.height)
    if seen.kind != limits.kind:
        return f"must be {'an' if limits.kind[0] in 'aeiou' else 'a'} {limits.kind}, but is {seen.kind}"
    if limits.formats and seen.format not in limits.formats:
        return f"format {seen.format} is not one of {', '.join(limits.formats)}"
    if limits.shortest and short < limits.shortest:
        return f"shortest side must be at least {limits.shortest}px, but is {short}px"
    if limits.longest and long > limits.longest:
        return f"longest side must be at most {limits.longest}px, but is {long}px"
    if limits.ratio and not limits.ratio[0] <= seen.width / max(seen.height, 1) <= limits.ratio[1]:
        return f"aspect ratio must be between {limits.ratio[0]:g} and {limits.ratio[1]:g}"
    if limits.most_bytes and seen.size > limits.most_bytes:
        return f"file must be at most {limits.most_bytes // 1024 // 1024} MB"
    if limits.seconds and not limits.seconds[0] <= seen.seconds <= limits.seconds[1]:
        return f"duration must be between {limits.seconds[0]} and {limits.seconds[1]} seconds, but is {seen.seconds}"
    return ""
