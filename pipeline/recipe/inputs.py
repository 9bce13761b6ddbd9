"""A text that names an input -> its `Source`: a reference, a shot, a file in the folder or a URL, in that order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import chain
from typing import Any, cast
from urllib.parse import urlsplit

from pipeline.recipe.explain import At
from pipeline.recipe.files import ARTICLED, Folder, InputFault
from pipeline.recipe.findings import Findings
from pipeline.recipe.model import Kind, Media, Source
from pipeline.recipe.words import choice, clipped
from pipeline.values import dataclass

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(//|\Z)|(?:data|file|https?):", re.IGNORECASE)
_MOST_HINTS = 100
_FILE_ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}\Z")
_VIDEO_ENDINGS = (".mp4", ".mov", ".webm", ".mkv")
_AUDIO_ENDINGS = (".mp3", ".wav", ".m4a", ".aac", ".flac", ".ogg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What others need to know of a shot that they name."""

    id: str
    kind: Kind
    people: bool


class Inputs:
    """All that texts of one recipe can name. `complete` is False where a name may be missing by another fault."""

    def __init__(self, findings: Findings, folder: Folder, shots: Mapping[str, Made], *, complete: bool) -> None:
        self.findings, self.folder, self.shots, self.complete = findings, folder, shots, complete
        self.left: Mapping[str, str] = {}  # shots that are not there -> what leaves them out
        self.scenes = {name.split(".")[0] for name in shots if "." in name}
        self.references: dict[str, Source] = {}
        self.broken: set[str] = set()  # references that have been told of
        self._hints: dict[str, str] = {}

    def declare(self, declared: Mapping[str, tuple[Mapping[str, Any] | None, At]]) -> None:
        """Reads the `references` of the recipe, each with the way to it; None for one that has been told of."""
        for name, (entry, at) in declared.items():
            source = self._declared(name, entry, at) if entry is not None else None
            if source is None:
                self.broken.add(name)
                continue
            if name in self.shots and source.shot != name:
                hint = "Rename one of them: shots and references share their names."
                self.findings.add(at, f"'{name}' is a shot and a reference.", hint, key=True)
            self.references[name] = source

    def _declared(self, name: str, entry: Mapping[str, Any], at: At) -> Source | None:
        kinds = [kind for kind in ("image", "video", "audio", "shot") if kind in entry]
        if len(kinds) != 1:
            fact = f"The reference '{name}' has {'no source' if not kinds else ' and '.join(kinds)}."
            self.findings.add(at, fact, "Give it exactly one of image, video, audio and shot.")
            return None
        kind, text = kinds[0], str(entry[kinds[0]])
        people = bool(entry.get("people", False))
        try:
            if kind == "shot":
                made = self.shot(text)
                if made is None:
                    return None
                return Source(name=name, media=made.kind, shot=made.id, people=people or made.people)
            media = cast(Media, kind)
            if _SCHEME.match(text):
                seconds = seconds_of(entry["seconds"]) if "seconds" in entry else None
                return Source(name=name, media=media, url=url(text), seconds=seconds, people=people)
            file, _ = self.folder.file(text, media)
        except InputFault as fault:
            self.findings.add((*at, kind), fault.fact, fault.hint)
            return None
        if "seconds" in entry:
            self.findings.warn((*at, "seconds"), "The length of a file is read from the file.", "Leave `seconds` out.")
        return Source(name=name, media=media, file=file, people=people)

    def shot(self, id: str, scene: str = "") -> Made | None:
        """A shot by its id, or its name in a scene; None where a fault may have hidden it. Raises `InputFault`."""
        if made := self._shot(id, scene):
            return made
        self._left_out(id, scene)
        if not self.complete:
            return None
        hint = self._meant(id, self.shots, "Look at the ids under `shots`.")
        raise InputFault(f"There is no shot '{clipped(id)}'.", hint)

    def _shot(self, name: str, scene: str) -> Made | None:
        return (self.shots.get(f"{scene}.{name}") if scene else None) or self.shots.get(name)

    def _left_out(self, name: str, scene: str) -> None:
        """Raises `InputFault` where this is a shot that is not there on purpose."""
        for full in (f"{scene}.{name}", name):
            if why := self.left.get(full):
                raise InputFault(f"The shot '{clipped(full)}' is left out by {why}.", "Name another, or let it in.")

    def source(self, text: str, at: At, scene: str = "") -> Source | None:
        """What a text names, in a scene its own shots first; tells of it and answers None where it is nothing."""
        try:
            return self._source(text, scene)
        except InputFault as fault:
            self.findings.add(at, fault.fact, fault.hint)
            return None

    def _source(self, text: str, scene: str) -> Source | None:
        within = self.shots.get(f"{scene}.{text}") if scene else None
        if text in self.references and within is None:
            return self.references[text]
        if text in self.broken and within is None:
            return None
        if made := within or self.shots.get(text):
            return Source(name=text, media=made.kind, shot=made.id, people=made.people)
        self._left_out(text, scene)
        if _SCHEME.match(text):
            address = url(text)
            return Source(name=text, media=_media_of_url(address), url=address)
        if "/" in text or "\\" in text or _FILE_ENDING.search(text):
            try:
                file, media = self.folder.file(text, None)
                return Source(name=text, media=media, file=file)
            except InputFault:
                if "/" in text or text.split(".")[0] not in self.scenes:  # else it is rather a shot of that scene
                    raise
        if not self.complete:
            return None
        names = chain(self.references, self.shots)
        hint = self._meant(text, names, "Declare it under `references`; a path has a '/' or a file ending.")
        raise InputFault(f"There is no shot or reference '{clipped(text)}'.", hint)

    def _meant(self, name: str, known: Iterable[str], otherwise: str) -> str:
        """The best hint for a name that is not there, found once for each, and for no more than anybody reads."""
        if name not in self._hints:
            if len(self._hints) == _MOST_HINTS:
                return otherwise
            names = list(known)
            whole = next((other for other in names if other.endswith(f".{name}")), "")
            self._hints[name] = f"Did you mean '{whole}'?" if whole else choice(name, names, otherwise)
        return self._hints[name]

    def still(self, text: str, at: At, field: str, scene: str = "") -> Source | None:
        """As `source`, for a frame: a picture."""
        source = self.source(text, at, scene)
        if source is None or source.media == "image":
            return source
        if source.shot and source.media == "video":
            way = "Say `chain` to go on from its last frame." if field == "first_frame" else "Name a still."
            self.findings.add(at, f"'{clipped(text)}' is a video shot, and `{field}` is a picture.", way)
        else:
            self.findings.add(
                at, f"'{clipped(text)}' is {ARTICLED[source.media]}, and `{field}` is a picture.", "Name a still."
            )
        return None


def url(text: str) -> str:
    """A URL that may be fetched later: https, or http to this machine. Raises `InputFault`."""
    shown = clipped(text, 80)
    try:
        parts = urlsplit(text)
        host, secret = parts.hostname or "", parts.password or parts.username
        _ = parts.port
    except ValueError:
        raise InputFault(f"'{shown}' is no URL.", "Write it like https://example.com/keeper.png.") from None
    if parts.scheme not in ("http", "https"):
        raise InputFault(
            f"'{shown}' is no URL that services can fetch.", "Use https, or a path inside the recipe's folder."
        )
    if not host or len(text) > 2048 or any(not c.isprintable() or c.isspace() for c in text):
        raise InputFault(f"'{shown}' is no URL.", "Write it like https://example.com/keeper.png.")
    if secret:
        raise InputFault(
            f"The URL to {host} carries a name or a password.", "Publish the file without one; a recipe is no secret."
        )
    if parts.scheme == "http" and not _is_loopback(host):
        raise InputFault(f"'{shown}' is plain http.", "Use https; http is only for this machine.")
    return text


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None


def _media_of_url(address: str) -> Media:
    path = urlsplit(address).path.casefold()
    if path.endswith(_VIDEO_ENDINGS):
        return "video"
    return "audio" if path.endswith(_AUDIO_ENDINGS) else "image"


def seconds_of(value: Any) -> Decimal:
    """Seconds from 5, 5.5 or "5s", as the grammar allows them."""
    return Decimal(value.removesuffix("s")) if isinstance(value, str) else Decimal(value)
