"""What ends a process from outside ends a run as Ctrl-C does: nothing is lost, and what it holds is let go of."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.documents import read_manifest
from tests.conftest import ROOT
from tests.journeys.services import YES, Quarter, Street, creates

Write = Callable[..., Path]
ONE = "defaults: {provider: seegen, duration: 4, resolution: 720p}\nshots: [{id: a, prompt: the sea}]\n"


@contextmanager
def started(quarter: Quarter, *words: str | Path, **streams: Any) -> Iterator[subprocess.Popen[str]]:
    """The command as a process of its own, until the block ends."""
    environ = {**quarter.house().environ, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "pipeline", *map(str, words)]
    process = subprocess.Popen(command, env=environ, text=True, **streams)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(true: Callable[[], object]) -> None:
    for _ in range(400):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError


@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGHUP])
def test_at_the_question_it_is_as_ctrl_c(word: signal.Signals, write: Write, street: Street) -> None:
    """Exit 130 in the same words, and the recipe is held by nobody."""
    path = write(ONE)
    with street("seegen") as quarter:
        ours, theirs = pty.openpty()
        with started(quarter, "run", path, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE) as process:
            os.close(theirs)
            told = b""
            while b"[y/N]" not in told:
                told += os.read(ours, 4096)
            time.sleep(0.3)  # until it reads
            process.send_signal(word)
            assert process.wait(20) == 130
            assert b"Nothing is lost" in os.read(ours, 4096)
        os.close(ours)
        assert creates(quarter.stand) == []
        assert api.run(path, YES, quarter.house()).exit_code == 0


def test_a_terminal_that_closes_leaves_a_manifest(write: Write, street: Street) -> None:
    """Hung up during the run, twice: exit 130, its job is known, and the same command pays nothing more."""
    path = write(ONE)
    with street("seegen") as quarter:
        quarter.stand.faults.add("slow_job", seconds=2)
        pipe = subprocess.PIPE
        with started(quarter, "run", path, "--yes", "--max-credits", "1000", stdout=pipe, stderr=pipe) as process:
            until(lambda: quarter.stand.log.of("query"))
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGHUP)
            out, err = process.communicate(timeout=20)
        assert (process.returncode, "Traceback" in err) == (130, False), err
        assert "is interrupted" in out
        assert read_manifest(path.parent / "out" / "tale" / "manifest.json")["run"]["status"] == "interrupted"
        assert api.run(path, YES, quarter.house()).exit_code == 0
        assert len(creates(quarter.stand)) == 1


def test_nohup_is_heeded(write: Write, street: Street) -> None:
    """A run that was begun with it goes on to its end."""
    path = write(ONE)
    with street("seegen") as quarter:
        quarter.stand.faults.add("slow_job", seconds=0.5)
        heed = "import os, signal as s, sys; s.signal(s.SIGHUP, s.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
        words = [sys.executable, "-c", heed, sys.executable, "-m", "pipeline", "run", str(path), "--yes"]
        environ = {**quarter.house().environ, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
        process = subprocess.Popen([*words, "--max-credits", "1000"], env=environ, stdout=subprocess.DEVNULL)
        try:
            until(lambda: quarter.stand.log.of("query"))
            process.send_signal(signal.SIGHUP)
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()
