"""The recipe's folder: which of its files may be read, and what they are. Nothing outside it is ever opened.

Symbolic links are followed inside it; each file is read once, whoever names it and however.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from pipeline.digest import BYTES_TAG
from pipeline.media.ending import missing_end
from pipeline.media.header import Header, header_in
from pipeline.media.sniff import Media
from pipeline.recipe.model import LocalFile
from pipeline.recipe.walk import Endless, Ground, Outside
from pipeline.recipe.words import clipped, nearest

MIB = 1024 * 1024
MOST_BYTES: dict[Media, int] = {"image": 50 * MIB, "audio": 50 * MIB, "video": 500 * MIB}
MOST_PIXELS = 100_000_000
ARTICLED: dict[Media, str] = {"image": "a picture", "audio": "a sound", "video": "a video"}
_SIZED = frozenset({"png", "jpeg", "webp", "gif", "bmp"})
_LISTED = 1000
_MOST_HINTS = 100  # finding the name that was meant takes a while, and nobody reads more of them
_Found = tuple[LocalFile, Media]


class InputFault(Exception):
    """A text that names no usable input: what is so, and the way out."""

    def __init__(self, fact: str, hint: str) -> None:
        super().__init__(fact)
        self.fact = fact
        self.hint = hint


class Folder:
    """The folder a recipe lies in, and the files of it that have been looked at."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ground = Ground(Path(os.path.realpath(root)))
        self._known: dict[str, _Found | InputFault] = {}
        self._read: dict[tuple[int, ...], _Found | InputFault] = {}  # by what the system calls a file
        self._beside: dict[Path, list[str]] = {}
        self._missing = 0

    def file(self, name: str, due: Media | None) -> tuple[LocalFile, Media]:
        """A file by its path from the folder, and what it is. Raises `InputFault`; `due` is what it has to be."""
        known = self._known.get(name)
        if known is None:
            try:
                known = self._look(name, due)
            except InputFault as fault:
                known = fault
            self._known[name] = known
        if isinstance(known, InputFault):
            raise known.with_traceback(None)
        found, media = known
        if due and media != due:
            raise InputFault(f"'{clipped(name)}' is {ARTICLED[media]}, not {ARTICLED[due]}.", f"Name {ARTICLED[due]}.")
        return found, media

    def text(self, name: str, most: int) -> tuple[bytes, Path]:
        """The bytes of a text by its path from the folder, at most so many, and its path without links.

        Raises `InputFault`.
        """
        with self._opened(name) as (descriptor, real), open(descriptor, "rb", closefd=False) as file:
            data = file.read(most + 1)
        if len(data) > most:
            fact = f"'{clipped(name)}' has more than {most / MIB:,.1f} MiB, the most that is read of a text."
            raise InputFault(fact, "Is it the right file?")
        return data, real

    def _look(self, name: str, due: Media | None) -> tuple[LocalFile, Media]:
        with self._opened(name) as (descriptor, real):
            return self._once(name, real, descriptor, os.fstat(descriptor), due)

    @contextmanager
    def _opened(self, name: str) -> Iterator[tuple[int, Path]]:
        """The descriptor of an ordinary file, and its path without links. Raises `InputFault`."""
        shown = clipped(name)
        _check_name(name)
        try:
            with self._ground.opened(name) as (descriptor, real):
                told = os.fstat(descriptor)
                if stat.S_ISDIR(told.st_mode):
                    raise InputFault(f"'{shown}' is a folder.", "Name a file in it.")
                if not stat.S_ISREG(told.st_mode):
                    raise InputFault(f"'{shown}' is no ordinary file.", "Name a picture, a video, a sound or a text.")
                yield descriptor, real
        except Outside as outside:
            way = "a symbolic link" if outside.linked else "'..'"
            fact = f"'{shown}' leads out of the recipe's folder by {way}."
            raise InputFault(fact, "Copy the file beside the recipe, and name it from there.") from None
        except Endless:
            raise InputFault("This recipe names too many files.", "Make several recipes of it.") from None
        except OSError as error:
            raise self._unreadable(name, error) from None

    def _once(
        self, name: str, real: Path, descriptor: int, told: os.stat_result, due: Media | None
    ) -> tuple[LocalFile, Media]:
        """What was found when this very file was read, or is found now."""
        known = (told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns)
        if known not in self._read:
            with open(descriptor, "rb", closefd=False) as file:
                try:
                    self._read[known] = self._judge(name, real, file, told.st_size, due)
                except InputFault as fault:
                    self._read[known] = fault
        found = self._read[known]
        if isinstance(found, InputFault):
            raise found.with_traceback(None)
        local, media = found
        return local if local.name == name else replace(local, name=name, path=real), media

    def _judge(self, name: str, real: Path, file: BinaryIO, size: int, due: Media | None) -> tuple[LocalFile, Media]:
        shown, wanted = clipped(name), ARTICLED[due] if due else "a picture, video or sound"
        if size == 0:
            raise InputFault(f"'{shown}' is empty.", f"Put {wanted} there.")
        header = header_in(file, size)
        if header is None:
            raise InputFault(
                f"'{shown}' is not {wanted}, by its first bytes.", "Fetch or make it again; a name is not enough."
            )
        media = header.media
        most = MOST_BYTES[media]
        if size > most:
            fact = f"'{shown}' has {size / MIB:,.1f} MiB; {ARTICLED[media]} may have {most // MIB}."
            raise InputFault(fact, "Make it smaller.")
        if header.format in _SIZED:
            _check_pixels(shown, header)
        if media == "image" and (missing := missing_end(file, size, header.format)):
            raise InputFault(f"'{shown}' is cut short: {missing}.", "Fetch or make it again.")
        file.seek(0)
        digest = hashlib.sha256()
        read = 0
        while block := file.read(MIB):
            read += len(block)
            if read > most:
                raise InputFault(f"'{shown}' grows while it is read.", "Wait until it is whole.")
            digest.update(block)
        local = LocalFile(
            name=name,
            path=real,
            sha256=f"{BYTES_TAG}:{digest.hexdigest()}",
            bytes=read,
            format=header.format,
            width=header.width,
            height=header.height,
            seconds=header.seconds,
        )
        return local, media

    def _unreadable(self, name: str, error: OSError) -> InputFault:
        shown = clipped(name)
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            return InputFault(f"'{shown}' cannot be read: {error.strerror}.", "Name a file that you may read.")
        self._missing += 1
        meant = nearest(name, self._list(Path(name).parent)) if self._missing <= _MOST_HINTS else ""
        hint = f"Did you mean '{meant}'?" if meant else "Put it there, or name another."
        return InputFault(f"There is no file '{shown}'.", hint)

    def _list(self, near: Path) -> list[str]:
        """What lies in a folder below this one, by its path from here; nothing where there is none."""
        if near not in self._beside:
            self._beside[near] = []
            with suppress(OSError, Outside, Endless), self._ground.opened(str(near)) as (descriptor, _):
                names = os.listdir(descriptor)  # noqa: PTH208 - a descriptor, not a path
                self._beside[near] = [str(near / name) for name in names[:_LISTED]]
        return self._beside[near]


def _check_name(name: str) -> None:
    shown = clipped(name)
    if "\\" in name or re.match(r"[A-Za-z]:", name):
        raise InputFault(
            f"'{shown}' is no path from the recipe's folder.", "Write it with '/', as in assets/keeper.png."
        )
    if name.startswith(("/", "~")):
        fact = f"'{shown}' is an absolute path; a recipe reads only what lies in its folder."
        raise InputFault(fact, "Copy the file beside the recipe, and name it from there.")
    if not name.isprintable() or len(name) > 1000:
        raise InputFault(f"'{shown}' cannot be the path of a file.", "Give the file a plain name.")


def _check_pixels(shown: str, header: Header) -> None:
    width, height = header.width, header.height
    if not width:
        raise InputFault(f"'{shown}' begins like a picture and is none.", "Fetch or make it again.")
    if width * height > MOST_PIXELS:
        raise InputFault(f"'{shown}' has {width:,} x {height:,} pixels.", "Make it smaller: at most 100 million.")
