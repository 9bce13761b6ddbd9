"""One holder over machines: never two that may begin something, never a dead one for ever."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import Held, StoreError
from pipeline.store import database, leases, locks
from pipeline.store.leases import Holder, Lease, Machine, Pace
from pipeline.store.workspace import Workspace, open_workspace
from tests.store.conftest import Disk, Spawn

QUICK = Pace(lease_seconds=0.5, beat_seconds=0.05, apart_seconds=0.2)
NAME = "lighthouse-1a2b3c4d"
HOLDER = """
import sys
from pathlib import Path
from pipeline.errors import Held
from pipeline.store import leases
from pipeline.store.workspace import Workspace

class Elsewhere(Workspace):
    "The same folder as another machine has it: the locks of this one are not seen there."
    locks = property(lambda self: self.folder / f"locks-of-{sys.argv[2]}")

here = sys.argv[2] == "here"
shelf = (Workspace if here else Elsewhere)(folder=Path(sys.argv[1]))
machine = leases.here() if here else leases.Machine(host=sys.argv[2], boot=sys.argv[2])
pace = leases.Pace(lease_seconds=0.5, beat_seconds=0.05, apart_seconds=0.2)
with leases.hold(shelf, "lighthouse-1a2b3c4d", who="A run of another machine", machine=machine, pace=pace) as lease:
    lease.carries("run-1")
    print("held", flush=True)
    for line in sys.stdin:
        try:
            lease.check()
            print("mine", flush=True)
        except Held as error:
            print(error.fact, flush=True)
"""


class Elsewhere(Workspace):
    """The same folder as another machine has it: no lock of this one is seen there."""

    @property
    def locks(self) -> Path:
        return self.folder / "locks-of-there"


class Clock:
    """The system's clock of one machine, which may be wrong by so many seconds."""

    def __init__(self, wrong_seconds: float = 0) -> None:
        self.wrong_seconds = wrong_seconds

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.wrong_seconds)


HERE = leases.here()
THERE = Machine(host="there", boot="boot of there")


@pytest.fixture
def shelf(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return open_workspace(tmp_path / "shared", create=True)


@pytest.fixture
def over_there(shelf: Workspace) -> Workspace:
    """The same workspace as another machine has it."""
    return Elsewhere(folder=shelf.folder)


def hold(shelf: Workspace, machine: Machine = HERE, pace: Pace = QUICK, who: str = "A run") -> Any:
    return leases.hold(shelf, NAME, who=who, machine=machine, pace=pace)


def rows(shelf: Workspace) -> list[Holder]:
    with closing(database.connect(shelf.ledger, read_only=True)) as connection:
        return leases.rows(connection)


@contextmanager
def abandoned(shelf: Workspace, machine: Machine, pace: Pace = QUICK) -> Iterator[Lease]:
    """A lease that nobody renews any more, although it was never let go of."""
    with hold(shelf, machine, replace(pace, beat_seconds=3600)) as lease:
        yield lease


def refusal(shelf: Workspace, machine: Machine = HERE, pace: Pace = QUICK) -> Held:
    with pytest.raises(Held) as caught, hold(shelf, machine, pace):
        pass
    return caught.value


def until(true: Callable[[], object], seconds: float = 5) -> None:
    """Returns once it is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


# one machine


def test_the_second_is_told_who_holds_it(shelf: Workspace) -> None:
    """Who, which run, since when, which process where, and how to stop it; with its end the name is free again."""
    with hold(shelf) as lease:
        assert "A run holds lighthouse-1a2b3c4d since 20" in refusal(shelf).fact
        lease.carries("run-7")
        error = refusal(shelf)
        found = leases.holder(shelf, NAME, HERE, QUICK)
    assert found is not None
    assert (found.run, found.pid, found.host) == ("run-7", os.getpid(), HERE.host)
    assert error.fact == (
        f"A run (run-7) holds {NAME} since {found.since[:19].replace('T', ' ')} UTC"
        f" (process {os.getpid()} on {HERE.host})."
    )
    assert f"kill -INT {os.getpid()}. Then" in error.hint
    assert error.exit_code == 5
    assert leases.holder(shelf, NAME, HERE, QUICK) is None
    assert rows(shelf) == []


def test_a_lock_without_a_lease_is_held_too(shelf: Workspace) -> None:
    """What its file says is told: the lease may be about to be written."""
    with locks.hold(shelf.locks, NAME, run="A run"):
        found = leases.holder(shelf, NAME, HERE)
        assert "A run holds" in refusal(shelf).fact
    assert found is not None
    assert (found.who, found.run, found.pid, found.until) == ("A run", "", os.getpid(), "")


def test_after_kill_9_it_is_free_at_once_here(shelf: Workspace, spawn: Spawn) -> None:
    """The lock is free, and a lease of this boot counts for nothing without it."""
    process = spawn(HOLDER, shelf.folder, "here")
    assert process.stdout.readline() == "held\n"  # type: ignore[union-attr]
    assert "(run-1)" in refusal(shelf).fact
    process.kill()
    process.wait()
    assert [row.run for row in rows(shelf)] == ["run-1"]
    assert leases.holder(shelf, NAME, HERE, QUICK) is None
    with hold(shelf) as lease:
        assert [row.token for row in rows(shelf)] == [lease.token]


def test_one_that_sleeps_keeps_it_here(shelf: Workspace, spawn: Spawn) -> None:
    """Stopped for longer than the lease, with its lock held: nobody on this boot takes it, and it goes on."""
    process = spawn(HOLDER, shelf.folder, "here")
    assert process.stdin
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    process.send_signal(signal.SIGSTOP)
    time.sleep(QUICK.lease_seconds + QUICK.apart_seconds + 0.2)
    assert "(run-1)" in refusal(shelf).fact
    with leases.hold(shelf, "another", who="Another", machine=HERE, pace=QUICK):  # which tidies up
        assert "run-1" in leases.running(rows(shelf), HERE, QUICK)
    process.send_signal(signal.SIGCONT)
    process.stdin.write("?\n")
    process.stdin.flush()
    assert process.stdout.readline() == "mine\n"


@pytest.mark.parametrize("seconds", [-(10**7), 10**7])
def test_a_clock_that_jumps_neither_loses_nor_keeps_it_here(shelf: Workspace, seconds: float) -> None:
    """On one boot no moment is compared: the lock alone decides."""
    clock = Clock()
    machine = replace(HERE, now=clock)
    with hold(shelf, machine) as lease:
        clock.wrong_seconds = seconds
        assert refusal(shelf, machine)
        before = rows(shelf)[0].until
        until(lambda: rows(shelf)[0].until != before)
        clock.wrong_seconds = 0
        assert refusal(shelf, machine)
        assert lease.stands()
    with hold(shelf, machine):
        pass


def test_the_dead_of_this_boot_are_cleared_away_by_others(shelf: Workspace, spawn: Spawn) -> None:
    """A process at work on something else does so at its beats: what waits for the dead one's places knows it then."""
    process = spawn(HOLDER, shelf.folder, "here")
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    with leases.hold(shelf, "another", who="Another", machine=HERE, pace=QUICK) as lease:
        time.sleep(3 * QUICK.beat_seconds)
        assert len(rows(shelf)) == 2
        process.kill()
        process.wait()
        until(lambda: [row.token for row in rows(shelf)] == [lease.token])


# two machines


def test_another_machine_is_told_until_when(shelf: Workspace, over_there: Workspace) -> None:
    """It sees no lock: the lease says who, and when it is free at the latest; the hint leads to that machine."""
    pace = Pace()
    with hold(shelf, THERE, pace) as lease:
        lease.carries("run-1")
        assert isinstance(over_there, Elsewhere)
        found = leases.holder(over_there, NAME, HERE, pace)
        error = refusal(over_there, HERE, pace)
    assert found is not None
    assert (found.run, found.host, found.pid) == ("run-1", "there", os.getpid())
    latest = datetime.fromisoformat(found.until) + timedelta(seconds=pace.apart_seconds)
    assert f"until {latest:%Y-%m-%d %H:%M:%S} UTC at the latest" in error.fact
    assert f"stop it there: kill -INT {os.getpid()} (on there)" in error.hint
    with hold(over_there, HERE, pace):
        pass


def test_after_kill_9_another_machine_waits_until_it_has_run_out(shelf: Workspace, spawn: Spawn) -> None:
    """Not before, and not much later."""
    process = spawn(HOLDER, shelf.folder, "there")
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    time.sleep(QUICK.lease_seconds * 2)
    assert "on there)" in refusal(shelf).fact
    process.kill()
    died = time.monotonic()
    process.wait()
    while leases.holder(shelf, NAME, HERE, QUICK):
        time.sleep(0.01)
    assert 0.5 <= time.monotonic() - died <= 5  # a second, and as much more as a busy machine takes
    with hold(shelf) as lease:
        assert [row.token for row in rows(shelf)] == [lease.token]


def test_a_boot_is_not_the_next_one(shelf: Workspace) -> None:
    """After a power cut the lease of a machine's last life has to run out: nothing else tells it from another's."""
    with abandoned(Elsewhere(folder=shelf.folder), replace(HERE, boot="the last one")):
        assert refusal(shelf)
        until(lambda: leases.holder(shelf, NAME, HERE, QUICK) is None)
        with hold(shelf):
            pass


def test_one_that_slept_finds_itself_taken_over(shelf: Workspace, spawn: Spawn) -> None:
    """At its next beat and whenever it asks, and is told by whom; it takes nothing back when that one has ended."""
    process = spawn(HOLDER, shelf.folder, "there")
    assert process.stdin
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    process.send_signal(signal.SIGSTOP)
    until(lambda: leases.holder(shelf, NAME, HERE, QUICK) is None)
    with hold(shelf) as lease:
        lease.carries("run-2")
        process.send_signal(signal.SIGCONT)
        process.stdin.write("?\n")
        process.stdin.flush()
        fact = process.stdout.readline()
        assert "suspended for too long, and has lost lighthouse-1a2b3c4d: A run (run-2) holds" in fact
        time.sleep(3 * QUICK.beat_seconds)
        assert lease.stands()
    assert "to another, which has ended by now" in process.communicate("?\n")[0]
    assert process.returncode == 0
    assert rows(shelf) == []


def test_a_beat_finds_out_by_itself(shelf: Workspace) -> None:
    """Without being asked: whoever watches `lost` may stop what is under way."""
    with hold(shelf, THERE) as lease:
        assert not lease.lost
        with closing(sqlite3.connect(shelf.ledger, isolation_level=None)) as connection:
            connection.execute("UPDATE leases SET token = 'of another'")
        until(lambda: lease.lost)
        with pytest.raises(Held, match="has lost lighthouse"):
            lease.carries("run-1")
    assert [row.token for row in rows(shelf)] == ["of another"]


@pytest.mark.parametrize("wrong_seconds", [-50, 50])
def test_clocks_may_differ_by_a_minute(shelf: Workspace, over_there: Workspace, wrong_seconds: float) -> None:
    """A holder whose clock is wrong by less is never taken over while it beats."""
    with hold(over_there, replace(THERE, now=Clock(wrong_seconds)), replace(QUICK, lease_seconds=5)):
        time.sleep(0.2)
        assert refusal(shelf, HERE, replace(QUICK, lease_seconds=5, apart_seconds=60))


def test_a_dead_lease_of_a_clock_far_ahead_runs_out(shelf: Workspace, over_there: Workspace) -> None:
    """The first that is refused brings it back to what a lease can last; a living holder puts it forward again."""
    with ExitStack() as stack:
        living = stack.enter_context(hold(over_there, replace(THERE, now=Clock(10**7))))
        for _ in range(3):
            assert refusal(shelf)
            time.sleep(QUICK.lease_seconds)
        assert living.stands()
    with abandoned(over_there, replace(THERE, now=Clock(10**7))) as dead:
        assert refusal(shelf)
        time.sleep(QUICK.lease_seconds + QUICK.apart_seconds + 0.05)
        with hold(shelf):
            assert not dead.stands()


def test_ten_that_come_at_once_and_one_gets_it(shelf: Workspace, spawn: Spawn) -> None:
    """Of ten machines that see no lock of each other's, one transaction lets one in."""
    processes = [spawn(HOLDER, shelf.folder, f"machine-{number}") for number in range(10)]
    heard = []
    for process in processes:
        assert process.stdout
        heard.append(process.stdout.readline())
    assert heard.count("held\n") == 1
    assert len(rows(shelf)) == 1


# disks and files


def test_looking_writes_nothing(tmp_path: Path, read_only: tuple[Path, Callable[[], None]]) -> None:
    """Neither where there is no workspace nor in one that nobody may write to."""
    assert leases.holder(Workspace(folder=tmp_path / "none"), NAME) is None
    assert not (tmp_path / "none").exists()
    folder, close = read_only
    shelf = open_workspace(folder / "w", create=True)
    with hold(shelf):
        pass
    before = sorted(path.name for path in shelf.folder.rglob("*"))
    close()
    assert leases.holder(shelf, NAME) is None
    assert sorted(path.name for path in shelf.folder.rglob("*")) == before


def test_a_read_only_workspace_is_a_clear_error(read_only: tuple[Path, Callable[[], None]]) -> None:
    """Told before anything is begun, with the file and a way out."""
    folder, close = read_only
    shelf = open_workspace(folder / "w", create=True)
    with hold(shelf):
        pass
    close()
    with pytest.raises(StoreError, match="read-only") as caught, hold(shelf):
        pass
    assert str(shelf.folder) in caught.value.fact
    assert "--workspace" in caught.value.hint


def test_a_full_disk_is_a_clear_error(disk: Disk) -> None:
    """And what is held meanwhile is let go of without another one."""
    shelf = open_workspace(disk.folder / "w", create=True)
    with hold(shelf) as lease:
        filler = disk.fill()
        with pytest.raises(StoreError, match="full"):
            lease.carries("x" * 100_000)
    filler.unlink()
    with hold(shelf):
        pass


def test_a_ledger_that_is_locked_for_a_while_costs_no_lease(shelf: Workspace) -> None:
    """Beats that fail are made up for; a beat that waits keeps nobody from letting go."""
    with hold(shelf) as lease, closing(sqlite3.connect(shelf.ledger, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(QUICK.lease_seconds)
        other.execute("ROLLBACK")
        before = rows(shelf)[0].until
        until(lambda: rows(shelf)[0].until > before)
        assert lease.stands()


def test_boots_have_names() -> None:
    """The same for every process of this boot."""
    assert leases.here().boot == leases.here().boot != ""
