"""The recipe's folder: which of its files may be read, and what they are. Nothing outside it is ever opened.

Symbolic links are followed first and judged by where they lead; each file is read once, whoever names it.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

from pipeline.digest import BYTES_TAG
from pipeline.media.ending import missing_end
from pipeline.media.header import Header, header_in
from pipeline.media.sniff import Media
from pipeline.recipe.model import LocalFile
from pipeline.recipe.words import clipped, nearest

MIB = 1024 * 1024
MOST_BYTES: dict[Media, int] = {"image": 50 * MIB, "audio": 50 * MIB, "video": 500 * MIB}
MOST_PIXELS = 100_000_000
ARTICLED: dict[Media, str] = {"image": "a picture", "audio": "a sound", "video": "a video"}
_SIZED = frozenset({"png", "jpeg", "webp", "gif", "bmp"})
_LISTED = 1000


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
        self.real = Path(os.path.realpath(root))
        self._known: dict[str, tuple[LocalFile, Media]] = {}

    def file(self, name: str, due: Media | None) -> tuple[LocalFile, Media]:
        """A file by its path from the folder, and what it is. Raises `InputFault`; `due` is what it has to be."""
        if name not in self._known:
            self._known[name] = self._look(name, due)
        found, media = self._known[name]
        if due and media != due:
            raise InputFault(f"'{clipped(name)}' is {ARTICLED[media]}, not {ARTICLED[due]}.", f"Name {ARTICLED[due]}.")
        return found, media

    def _look(self, name: str, due: Media | None) -> tuple[LocalFile, Media]:
        real = self._inside(name)
        try:
            # The links have been followed: one that appears since then is not. A named pipe must not keep us waiting.
            descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise self._unreadable(name, real, error) from None
        told = os.fstat(descriptor)
        if not stat.S_ISREG(told.st_mode):
            os.close(descriptor)
            if stat.S_ISDIR(told.st_mode):
                raise InputFault(f"'{clipped(name)}' is a folder.", "Name a file in it.")
            raise InputFault(f"'{clipped(name)}' is no ordinary file.", "Name a picture, video or sound.")
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            return self._read(name, real, file, told.st_size, due)

    def _read(self, name: str, real: Path, file: BinaryIO, size: int, due: Media | None) -> tuple[LocalFile, Media]:
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

    def _inside(self, name: str) -> Path:
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
        real = Path(os.path.realpath(self.real / name))
        if not real.is_relative_to(self.real):
            way = "by '..'" if ".." in Path(name).parts else "by a symbolic link"
            fact = f"'{shown}' leads out of the recipe's folder {way}."
            raise InputFault(fact, "Copy the file beside the recipe, and name it from there.")
        return real

    def _unreadable(self, name: str, real: Path, error: OSError) -> InputFault:
        shown = clipped(name)
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            return InputFault(f"'{shown}' cannot be read: {error.strerror}.", "Name a file that you may read.")
        near = Path(name).parent
        try:
            there = [str(near / entry.name) for entry, _ in zip(real.parent.iterdir(), range(_LISTED), strict=False)]
        except OSError:
            there = []
        meant = nearest(name, there)
        hint = f"Did you mean '{meant}'?" if meant else "Put it there, or name another."
        return InputFault(f"There is no file '{shown}'.", hint)


def _check_pixels(shown: str, header: Header) -> None:
    width, height = header.width, header.height
    if not width:
        raise InputFault(f"'{shown}' begins like a picture and is none.", "Fetch or make it again.")
    if width * height > MOST_PIXELS:
        raise InputFault(f"'{shown}' has {width:,} x {height:,} pixels.", "Make it smaller: at most 100 million.")
