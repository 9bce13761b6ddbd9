"""The `.rushes` folder: where it is, what lies where in it, and whether it may be used."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.store import faults
from pipeline.store.artifacts import Artifacts
from pipeline.store.copying import make_folders
from pipeline.values import dataclass, field

NAME = ".rushes"
VERSION = 1
_MARKER = "version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A `.rushes` folder and the places in it."""

    folder: Path
    artifacts: Artifacts = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "artifacts", Artifacts(self.folder / "store"))

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return ledger_path(self.folder)

    @property
    def locks(self) -> Path:
        """The folder of the locks."""
        return self.folder / "locks"

    @property
    def logs(self) -> Path:
        """The folder of logs of faults; made when the first is written."""
        return self.folder / "logs"


def ledger_path(folder: Path) -> Path:
    """The ledger's file in the workspace at `folder`, whether either is there or not."""
    return folder / "ledger.sqlite3"


def find(recipe: Path, *, named: Path | None = None) -> Path:
    """The workspace folder of a recipe: `named`, else the nearest `.rushes` upward, else where one is to be made.

    Looks up to the root of the git checkout or the home folder, and creates nothing. Raises `StoreError` for a link.
    """
    if named is not None:
        return Path(os.path.expanduser(named)).absolute()  # noqa: PTH111 - Path's raises where there is no such home
    beside = recipe.parent.resolve()
    for folder in (beside, *beside.parents):
        # WHY: whoever may write to /tmp could put a workspace there for everybody; only the recipe's own folder is
        # taken whatever its mode.
        if folder != beside and _anyone_may_write(folder):
            break
        if (folder / NAME).is_symlink():
            raise StoreError(
                f"{folder / NAME} is a link: whoever made it would decide whose results and money are meant.",
                "If it is yours, name where it leads with --workspace or RUSHES_WORKSPACE.",
            )
        if (folder / NAME).is_dir():
            return folder / NAME
        if folder == _home() or (folder / ".git").exists():
            break
    return beside / NAME


def without_links(path: Path | str) -> Path:
    """Where a path leads, whether anything is there or not. Raises `StoreError` for links upon links without end."""
    try:
        return Path(os.path.realpath(path))
    except RecursionError:
        raise StoreError(f"{path} is a link to a link, and so on without end.", "Take it away.") from None


def open_workspace(folder: Path, *, create: bool) -> Workspace:
    """The workspace at `folder`; made when it is not there and `create`, else an absent one is simply empty.

    Raises `StoreError` for what is not a folder, is not ours, is of a newer version, or (with `create`) cannot be
    written.
    """
    with faults.told(folder):
        if (folder.exists() or folder.is_symlink()) and not folder.is_dir():
            raise StoreError(
                f"{folder} is not a folder, so it cannot be the workspace.",
                "Move it, or name another with --workspace.",
            )
        ours = _check(folder) if folder.is_dir() else False
        if create:
            _prepare(folder, ours=ours)
    return Workspace(folder=folder)


def _check(folder: Path) -> bool:
    """Whether the folder is marked as a workspace of this version; refuses what is neither that nor empty."""
    marker = folder / _MARKER
    if marker.exists() and not marker.is_file():  # a named pipe would keep us waiting for ever
        raise StoreError(f"{folder} is no workspace: {_MARKER} is no file.", "Name another folder with --workspace.")
    try:
        text = (folder / _MARKER).read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        foreign = sorted(entry.name for entry in folder.iterdir() if not _is_beginning(entry.name))
        if foreign:
            raise StoreError(
                f"{folder} is no workspace: it holds other things ({', '.join(foreign[:3])}).",
                "Name an empty or a new folder with --workspace.",
            ) from None
        return False
    if not text.isascii() or not text.isdecimal():
        raise StoreError(
            f"{folder} is no workspace of Rushes: its {_MARKER} file says {text[:20]!r}.",
            "Name another folder with --workspace.",
        )
    if int(text) > VERSION:
        raise StoreError(
            f"The workspace {folder} was made by a newer Rushes (its version is {text}, this one knows {VERSION}).",
            "Upgrade Rushes, or name another folder with --workspace.",
        )
    return True


def _prepare(folder: Path, *, ours: bool) -> None:
    make_folders(folder)
    # WHY: written even when nothing is missing: only writing tells whether a folder can be written.
    beginning = folder / f".{_MARKER}-{secrets.token_hex(6)}"
    try:
        beginning.write_text(f"{VERSION}\n", encoding="utf-8")
        if not (folder / ".gitignore").exists():
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        if not ours:
            beginning.replace(folder / _MARKER)
    finally:
        with contextlib.suppress(OSError):
            beginning.unlink(missing_ok=True)
    (folder / "locks").mkdir(exist_ok=True)
    make_folders(folder / "store")


def _is_beginning(name: str) -> bool:
    """Whether a file of this name is left of a process that died while it made the workspace."""
    return name == ".gitignore" or name.startswith(f".{_MARKER}-")


def _anyone_may_write(folder: Path) -> bool:
    try:
        return bool(folder.stat().st_mode & stat.S_IWOTH)
    except OSError:
        return True


def _home() -> Path | None:
    try:
        return Path(os.path.expanduser("~")).resolve()  # noqa: PTH111 - Path.home() raises where there is no home
    except OSError:
        return None
