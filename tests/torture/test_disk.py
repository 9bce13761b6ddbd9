"""Disks that are full, read-only or slow, and processes that die at the disk: told well, and gone on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.services import Street
from tests.torture.hardship import NAME, Machine, machine, shim, small_disk

pytestmark = pytest.mark.slow
KILOBYTE = 1024


def _fill(disk: Path, left: int) -> None:
    """Fills a disk but for so many bytes."""
    space = os.statvfs(disk)
    filler = disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, space.f_bavail * space.f_frsize - left))


def _until_done(one: Machine, disk: Path, left: int) -> None:
    """A run on a disk with so much space ends well or is told of; with the space given back it finishes."""
    _fill(disk, left)
    done = one.run()
    # Work on this machine that finds no space fails its step alone (1); the next run settles what was doubted (4).
    one.is_told_well(done, 0, 1, 2, 4)
    if done.returncode == 2:
        assert "full" in done.stderr or "No space" in done.stderr, done.stderr
    (disk / "filler").unlink()
    one.finishes()


@pytest.mark.parametrize("left", [*range(0, 160, 16), *range(160, 400, 48)])
def test_a_workspace_disk_that_is_full_at_each_write(left: int, street: Street, tmp_path: Path) -> None:
    """Whatever write finds no space, the run says that the disk is full, and goes on where space is made."""
    with small_disk(tmp_path / "disk", 8) as disk, street(NAME) as quarter:
        one = machine(quarter, tmp_path, workspace=disk / "workspace")
        _until_done(one, disk, left * KILOBYTE)


@pytest.mark.parametrize("left", [0, 8, 24, 48, 96])
def test_an_output_disk_that_is_full_at_each_write(left: int, street: Street, tmp_path: Path) -> None:
    """The same for where the results go: what was paid for lies in the workspace."""
    with small_disk(tmp_path / "disk", 8) as disk, street(NAME) as quarter:
        one = machine(quarter, tmp_path, output=disk / "out")
        _until_done(one, disk, left * KILOBYTE)


def test_a_read_only_workspace(street: Street, tmp_path: Path) -> None:
    """Half done, then read-only: nothing is sent, the user is told, and afterwards it goes on."""
    with small_disk(tmp_path / "disk", 8) as disk, street(NAME) as quarter:
        one = machine(quarter, tmp_path, workspace=disk / "workspace")
        one.is_told_well(one.rushes("run", str(one.recipe), "--yes", "--output", str(one.output), "--only", "a"), 0)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        done = one.run()
        one.is_told_well(done, 2)
        assert "read-only" in done.stderr
        assert quarter.stand.books()["created"] == 1
        where = (str(one.recipe), "--output", str(one.output))
        for words in (("plan", *where), ("status", *where), ("ledger",)):
            one.is_told_well(one.rushes(*words), 0)
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        one.finishes()


def test_killed_at_each_durable_write(street: Street, tmp_path: Path) -> None:
    """The process dies just before its nth write reaches the disk, for every second n: the next run finishes."""
    library = shim(tmp_path)
    for number in range(1, 200, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        with street(NAME) as quarter:
            one = machine(quarter, folder)
            done = one.run(LD_PRELOAD=library, SHIM_DIES=str(number))
            if done.returncode == 0:
                assert number > 10
                print(f"killed at every second of {number - 1} durable writes")
                return
            assert done.returncode == -signal.SIGKILL, done.stderr
            one.finishes()
    raise AssertionError("it never came to an end")


def test_a_disk_that_is_slow(street: Street, tmp_path: Path) -> None:
    """Each write takes half a second until it is durable: a slow run, and nothing else."""
    library = shim(tmp_path)
    with street(NAME) as quarter:
        one = machine(quarter, tmp_path)
        one.is_told_well(one.run(LD_PRELOAD=library, SHIM_SLOW="500"), 0)
        one.finishes()


@pytest.mark.parametrize("seconds, code", [(4, 0), (14, 2)])
def test_a_ledger_that_another_process_has_locked(seconds: int, code: int, street: Street, tmp_path: Path) -> None:
    """For less than the patience of ten seconds it is waited for; beyond, the user is told who to look for."""
    lock = (
        "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "c.execute('BEGIN EXCLUSIVE'); print('locked', flush=True); time.sleep(float(sys.argv[2]))"
    )
    with street(NAME) as quarter:
        one = machine(quarter, tmp_path)
        one.is_told_well(one.rushes("run", str(one.recipe), "--yes", "--output", str(one.output), "--only", "a"), 0)
        ledger = str(one.workspace / "ledger.sqlite3")
        command = [sys.executable, "-c", lock, ledger, str(seconds)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "locked\n"
            done = one.run()
            one.is_told_well(done, code)
            if code:
                assert "locked by another process" in done.stderr
        one.finishes()
