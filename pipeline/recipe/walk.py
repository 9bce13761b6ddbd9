"""A path inside a folder, opened part by part from the folder's own descriptor, so that no link leads out of it.

A path that was looked at and is then opened by its name can be exchanged in between, each folder of it too. Here
every part is opened beneath the one before and never through a link: a link is read, and its parts are walked instead.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOST_PARTS = 256  # of one path, those of links included
MOST_WALKED = 200_000  # of all paths together
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC  # a named pipe must not keep us waiting
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Outside(Exception):
    """A path leads out of its folder; `linked`: by a symbolic link."""

    def __init__(self, *, linked: bool) -> None:
        super().__init__()
        self.linked = linked


class Endless(Exception):
    """More was walked than anybody needs."""


class Ground:
    """A real folder that is walked in, and how far that has gone already."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._walked = 0

    @contextmanager
    def opened(self, name: str) -> Iterator[tuple[int, Path]]:
        """The descriptor of a path in the folder, and that path without links.

        The descriptor may be a folder's, and is closed afterwards. Raises `Outside`, `Endless`, `OSError`.
        """
        if self._walked > MOST_WALKED:
            raise Endless
        walk = _Walk(self.root)
        try:
            yield walk.to(name), self.root.joinpath(*walk.names)
        finally:
            self._walked += walk.parts + 1
            for descriptor in walk.open:
                os.close(descriptor)


class _Walk:
    """One way from a folder down: the descriptors of what is open, and the names of all but the first."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.open = [os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]
        self.names: list[str] = []
        self.parts = 0
        self.linked = False

    def to(self, name: str) -> int:
        """The descriptor of what the name stands for."""
        ahead = _parts(name)
        while ahead:
            part = ahead.pop()
            self.parts += 1
            if self.parts > MOST_PARTS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            if part == "..":
                self.up()
            elif (target := self.link(part)) is not None:
                self.linked = True
                ahead += _parts(self.inside(target) if target.startswith("/") else target)
            else:
                self.open.append(os.open(part, _FOLDER if ahead else _FILE, dir_fd=self.open[-1]))
                self.names.append(part)
        return self.open[-1]

    def up(self) -> None:
        if not self.names:
            raise Outside(linked=self.linked)
        os.close(self.open.pop())
        self.names.pop()

    def link(self, part: str) -> str | None:
        """What a link says; None for anything else."""
        try:
            return os.readlink(part, dir_fd=self.open[-1])
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return None

    def inside(self, target: str) -> str:
        """An absolute path as one from the folder, to which the walk goes back."""
        try:
            way = Path(os.path.realpath(target)).relative_to(self.root)
        except (ValueError, RecursionError):
            raise Outside(linked=True) from None
        while self.names:
            self.up()
        return str(way)


def _parts(path: str) -> list[str]:
    """The parts of a path, the last one first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]
