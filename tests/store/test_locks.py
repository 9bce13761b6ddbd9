"""One holder at a time, and never a dead one."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import Held, StoreError
from pipeline.store import locks

HOLDER = """
import sys
from pathlib import Path
from pipeline.store import locks
with locks.hold(Path(sys.argv[1]), "lighthouse", run="run-1"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_the_second_is_told_who_holds_it_since_when_and_what_to_do(tmp_path: Path) -> None:
    """A held lock raises `Held` with run, process, host and time, and names the way out."""
    with locks.hold(tmp_path, "lighthouse", run="run-1"):
        with pytest.raises(Held) as caught, locks.hold(tmp_path, "lighthouse", run="run-2"):
            pass
        found = locks.holder(tmp_path, "lighthouse")
    assert found is not None
    for part in ("run-1", "lighthouse", str(os.getpid()), socket.gethostname(), str(found["since"])):
        assert part in caught.value.fact
    assert str(os.getpid()) in caught.value.hint
    assert caught.value.exit_code == 5


def test_it_is_free_after_it_was_let_go(tmp_path: Path) -> None:
    """A lock can be held again after its holder left, with or without an exception, and has no holder meanwhile."""
    with pytest.raises(ZeroDivisionError), locks.hold(tmp_path, "a", run="run-1"):
        raise ZeroDivisionError
    assert locks.holder(tmp_path, "a") is None
    with locks.hold(tmp_path, "a", run="run-2"):
        found = locks.holder(tmp_path, "a")
    assert found is not None
    assert found["run"] == "run-2"


def test_whoever_looks_turns_nobody_away(tmp_path: Path) -> None:
    """Looking takes the lock for a moment; whoever takes it for good waits that out."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.005):
            locks.is_free(tmp_path, "a")
            locks.holder(tmp_path, "a")

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(200):
            with locks.hold(tmp_path, "a", run="run-1"):
                pass
    finally:
        ended.set()
        for looker in lookers:
            looker.join()


def test_free_is_what_is_there_and_not_held(tmp_path: Path) -> None:
    """What was never held is not known to be free, nor is what cannot be opened."""
    assert not locks.is_free(tmp_path, "a")
    with locks.hold(tmp_path, "a", run="run-1"):
        assert not locks.is_free(tmp_path, "a")
    assert locks.is_free(tmp_path, "a")


def test_it_is_free_after_kill_9(tmp_path: Path, spawn: Callable[..., Any]) -> None:
    """The kernel frees the lock of a killed process, and not before."""
    process = spawn(HOLDER, tmp_path)
    assert process.stdout.readline() == "held\n"
    with pytest.raises(Held, match="run-1"), locks.hold(tmp_path, "lighthouse", run="run-2"):
        pass
    process.kill()
    process.wait()
    with locks.hold(tmp_path, "lighthouse", run="run-2"):
        pass


@pytest.mark.parametrize("name", ["../../etc/passwd", "CON", "x" * 300, "a/b", "é" * 200, "a\nb", ""])
def test_any_name_stays_inside_the_folder(tmp_path: Path, name: str) -> None:
    """Whatever the name, the lock is one plain file inside the folder."""
    with locks.hold(tmp_path / "locks", name, run="run-1"):
        assert [path.suffix for path in (tmp_path / "locks").iterdir()] == [".lock"]
    assert [path.name for path in tmp_path.iterdir()] == ["locks"]


def test_names_that_look_alike_are_two(tmp_path: Path) -> None:
    """Names that differ only in case or in signs do not exclude each other."""
    with (
        locks.hold(tmp_path, "Shot", run="1"),
        locks.hold(tmp_path, "shot", run="2"),
        locks.hold(tmp_path, "s/hot", run="3"),
        locks.hold(tmp_path, "s:hot", run="4"),
    ):
        assert len(list(tmp_path.iterdir())) == 4


def test_a_read_only_folder_is_a_clear_error(read_only: tuple[Path, Callable[[], None]]) -> None:
    """Where no lock can be written, a `StoreError` names the file."""
    folder, close = read_only
    close()
    with pytest.raises(StoreError, match="read-only") as caught, locks.hold(folder, "a", run="1"):
        pass
    assert str(folder) in caught.value.fact
