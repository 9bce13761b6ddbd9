"""Copies of stored files in an output folder, from which the store is put back where its own file is gone."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from pathlib import Path

from pipeline.digest import file_digest
from pipeline.errors import StepError
from pipeline.events import Artifact
from pipeline.store.artifacts import Artifacts

_PLACES = ("", "shots", "frames")


class Copies:
    """What lies in the output folder `output`, looked through when first asked; files count by their bytes alone.

    With a store to put them back `into`, each copy that is found is there again when it is told. Copies below the
    folder `base` are called as seen from there.
    """

    def __init__(self, output: Path, *, base: Path | None = None, into: Artifacts | None = None) -> None:
        self._output = output
        self._base = base
        self._into = into
        self._by_size: dict[tuple[int, str], list[Path]] | None = None
        self._digests: dict[Path, str] = {}

    def find(self, artifact: Artifact) -> str:
        """Where a copy lies, empty where none does. Raises `StoreError` where the store cannot be written."""
        if self._by_size is None:
            self._by_size = _sized(self._output)
        for path in self._by_size.get((artifact.bytes, artifact.suffix), ()):
            if self._digest(path) == artifact.sha256 and self._is_back(path, artifact):
                return str(path.relative_to(self._base) if self._base and self._base in path.parents else path)
        return ""

    def _digest(self, path: Path) -> str:
        if path not in self._digests:
            try:
                self._digests[path] = file_digest(path)
            except OSError:
                self._digests[path] = ""
        return self._digests[path]

    def _is_back(self, path: Path, artifact: Artifact) -> bool:
        if self._into is None:
            return True
        try:
            self._into.adopt(path, sha256=artifact.sha256)
        except StepError:  # it went, or was changed, since it was read
            return False
        return True


def _sized(output: Path) -> dict[tuple[int, str], list[Path]]:
    """The files that a run may have put there, by size and ending; what is a link, or leads to one, is passed over."""
    found: dict[tuple[int, str], list[Path]] = defaultdict(list)
    for folder in (output / place for place in _PLACES):
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            if folder.is_symlink():
                continue
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    path = Path(entry.path)
                    found[entry.stat(follow_symlinks=False).st_size, path.suffix].append(path)
    return found
