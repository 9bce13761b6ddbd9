"""Files by the digest of their bytes: staged, made durable, renamed into place, never changed afterwards.

Layout: `sha256/ab/<64 hex><suffix>` for what is kept, `stage/<token>/` for what a living process is writing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pipeline import digest
from pipeline.errors import StepError, StoreError
from pipeline.events import Artifact, instant
from pipeline.store import faults
from pipeline.store.copying import (
    copy_and_digest,
    copy_into_place,
    make_folders,
    refuse_unless_file,
    sync_file,
    sync_folder,
)
from pipeline.store.staging import Staging

_TAG = f"{digest.BYTES_TAG}:"
_SUFFIX = re.compile(r"(\.[A-Za-z0-9]{1,16})?")
_NAME = re.compile(r"sha256:([0-9a-f]{64})(?:\.[A-Za-z0-9]{1,16})?")


class Kept(NamedTuple):
    """A file that is kept: its digest, the ending of its name, its size, and when it was kept, as ISO time in UTC."""

    sha256: str
    suffix: str
    bytes: int
    at: str


class Artifacts:
    """The store at `folder`; nothing is created before something is written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._root = f"{folder}/{digest.BYTES_TAG}/"
        self._staging = Staging(folder / "stage")

    def stage(self) -> Path:
        """A fresh folder for a step to write into, on the store's disk; goes with this object. Raises `StoreError`."""
        return self._staging.fresh()

    def discard(self, path: Path) -> None:
        """Removes what `stage` gave, with everything in it; what cannot be removed goes when this process ends."""
        shutil.rmtree(path, ignore_errors=True)

    def keep(self, path: Path) -> tuple[str, int]:
        """Moves a finished file into the store: its digest ("sha256:<hex>") and size. Same bytes are kept once.

        When it returns, file and name are on the disk. Raises `StoreError`.
        """
        with faults.told(path):
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            with os.fdopen(file, "rb") as stream:
                _refuse_unless_file(os.fstat(file), path)
                hexes = hashlib.file_digest(stream, "sha256").hexdigest()
                size = os.fstat(file).st_size
                self._seal(path, hexes)
                os.fsync(file)
        self._into_place(path, hexes, size, _suffix(path))
        return _TAG + hexes, size

    def path(self, artifact: Artifact) -> Path:
        """Where the file of an artifact lies, or would lie."""
        return Path(self._where(artifact))

    def adopt(self, source: Path, *, sha256: str) -> Path:
        """Copies a user's file into the store, reading it once; its path there.

        Raises `StepError` when it is gone or has other bytes than `sha256` says, and `StoreError`.
        """
        folder = self.stage()
        copy = folder / f"adopted{_suffix(source)}"
        try:
            with _open_input(source) as reader, faults.told(copy):
                hexes, size = copy_and_digest(reader, copy)
            if _TAG + hexes != sha256:
                raise StepError(f"{source} changed since the plan was made.", "Plan again, then run that plan.")
            with faults.told(copy):
                self._seal(copy, hexes)
                sync_file(copy)
            self._into_place(copy, hexes, size, _suffix(source))
        finally:
            self.discard(folder)
        return self.path(Artifact(sha256=sha256, bytes=size, suffix=_suffix(source)))

    def missing(self, artifacts: Iterable[Artifact]) -> set[str]:
        """The digests of those that are absent or were changed in place; looks at sizes and times, seldom at bytes."""
        return {artifact.sha256 for artifact in artifacts if not self._is_sound(artifact)}

    def damaged(self, artifact: Artifact) -> str | None:
        """What is wrong with an artifact's file, all of its bytes read; None when nothing is."""
        path = self.path(artifact)
        try:
            size = path.stat().st_size
            if size != artifact.bytes:
                return f"{path} has {size} bytes instead of {artifact.bytes}."
            found = digest.file_digest(path)
        except FileNotFoundError:
            return f"{path} is gone."
        except OSError as error:
            return f"{path} cannot be read ({error.strerror})."
        return None if found == artifact.sha256 else f"{path} has other bytes than when it was kept."

    def distrust(self, artifact: Artifact) -> None:
        """Takes from a file the time that vouches for it, so that whoever looks at it next reads its bytes."""
        with contextlib.suppress(OSError):
            path = self.path(artifact)
            mark = _fraction_ns(artifact.sha256[7:]) + 1000
            time_ns = path.stat().st_mtime_ns // 1_000_000_000 * 1_000_000_000 + mark
            os.utime(path, ns=(time_ns, time_ns))

    def export(self, artifact: Artifact, to: Path) -> bool:
        """Puts a copy at `to`, whole or not at all; False when it is there already, by size and time.

        Creates the folders. Raises `StoreError`, also for a symlink at `to`, which is never written through.
        """
        source = self.path(artifact)
        with faults.told(to):
            wanted = _stat_kept(source)
            there = refuse_unless_file(to)
            if there and (there.st_size, there.st_mtime_ns) == (wanted.st_size, wanted.st_mtime_ns):
                return False
            copy_into_place(source, to, mtime_ns=wanted.st_mtime_ns)
        return True

    def files(self) -> Iterator[Kept]:
        """Every file that is kept, in the order of their digests; what bears no digest as its name is passed over.

        Raises `StoreError`.
        """
        root = Path(self._root)
        with faults.told(root):
            for path in sorted(root.glob("[0-9a-f][0-9a-f]/*")):
                there = path.lstat()
                named = _NAME.fullmatch(_TAG + path.name) and path.name[:2] == path.parent.name
                if named and stat.S_ISREG(there.st_mode):
                    at = instant(datetime.fromtimestamp(there.st_mtime, UTC))
                    yield Kept(_TAG + path.name[:64], path.name[64:], there.st_size, at)

    def remove(self, file: Kept) -> None:
        """Takes a kept file away, where it is still there. Raises `StoreError`."""
        path = Path(self._where(Artifact(sha256=file.sha256, bytes=file.bytes, suffix=file.suffix)))
        with faults.told(path):
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Removes what is still staged; more may be staged afterwards."""
        self._staging.close()

    def _where(self, artifact: Artifact) -> str:
        # WHY: these come out of a database; one that somebody else made must not lead out of the store.
        name = artifact.sha256 + artifact.suffix
        if not _NAME.fullmatch(name):
            raise StoreError(f"{name!r} is not the name of a stored file.", "The ledger is damaged: put back a copy.")
        return f"{self._root}{name[7:9]}/{name[7:]}"

    def _seal(self, path: Path, hexes: str) -> None:
        """Makes a file read-only, and gives its time of change a fraction that only these bytes have."""
        os.chmod(path, 0o444)  # noqa: PTH101 - the same call for texts and paths
        _stamp(path, hexes, time.time_ns())

    def _into_place(self, path: Path, hexes: str, size: int, suffix: str) -> None:
        place = self.path(Artifact(sha256=_TAG + hexes, bytes=size, suffix=suffix))
        with faults.told(place):
            # WHY: looked at again as late as can be; between here and the rename another process may bring the same
            # bytes, and then one replaces the other with its equal.
            if self._is_sound(Artifact(sha256=_TAG + hexes, bytes=size, suffix=suffix)):
                path.unlink()
                return
            make_folders(place.parent)
            path.replace(place)
            sync_folder(place.parent)

    def _is_sound(self, artifact: Artifact) -> bool:
        where = self._where(artifact)
        try:
            there = os.stat(where, follow_symlinks=False)  # noqa: PTH116 - a Path for each would cost more than the look
        except OSError:
            return False
        if there.st_size != artifact.bytes or not stat.S_ISREG(there.st_mode):
            return False
        hexes = artifact.sha256[7:]
        if there.st_mtime_ns % 1_000_000_000 == _fraction_ns(hexes):
            return True
        # WHY: another time may also come from a backup, a copied folder or a disk that keeps whole seconds: that is no
        # reason to buy a clip again. The bytes decide, and the time is set right so that they are read only once.
        if self.damaged(artifact) is not None:
            return False
        with contextlib.suppress(OSError):
            _stamp(Path(where), hexes, there.st_mtime_ns)
        return True


def _fraction_ns(hexes: str) -> int:
    # WHY: what tells that a stored file was changed in place is the fraction of a second in its time of change, made
    # from its digest. It needs no table, survives a lost ledger and a copy that keeps times, and whoever writes to the
    # file sets another one, but for one case in a million. Microseconds, since not every disk keeps more.
    return int(hexes[:10], 16) % 1_000_000 * 1000


def _stamp(path: Path, hexes: str, now_ns: int) -> None:
    time_ns = now_ns - now_ns % 1_000_000_000 + _fraction_ns(hexes)
    os.utime(path, ns=(time_ns, time_ns))


def _suffix(path: Path) -> str:
    return path.suffix if _SUFFIX.fullmatch(path.suffix) else ""


def _refuse_unless_file(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise StoreError(f"{path} is not a file, so it cannot be kept.", "Report this: a step left it.")


def _stat_kept(source: Path) -> os.stat_result:
    try:
        return source.lstat()
    except FileNotFoundError:
        raise StoreError(f"{source} is gone from the store.", "`rushes run` makes or fetches it again.") from None


def _open_input(source: Path) -> BinaryIO:
    try:
        # WHY: not to wait for ever where a pipe now bears the file's name.
        file = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise StepError(
            f"{source} cannot be read any more ({error.strerror}).", "Put it back, or plan again without it."
        ) from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise StepError(f"{source} is no file any more.", "Put the file back, or plan again without it.")
    return os.fdopen(file, "rb")
