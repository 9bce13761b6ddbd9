"""Whoever holds a recipe holds it over processes, boots and machines; what a suspended machine missed costs nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.config import Config
from pipeline.desk import Desk, House, Wants, at_work
from pipeline.errors import Held
from pipeline.events import Event, RunEnded, Started, Submitted, instant, later
from pipeline.providers.catalog import SERVICES
from pipeline.store import leases, workspace
from pipeline.store.claims import LEFT_SECONDS
from pipeline.store.leases import APART_SECONDS, Holder
from pipeline.store.ledger import Ledger, Run
from tests.conftest import ROOT
from tests.journeys.services import COST, Quarter, Street, charged, creates, money
from tests.till import Till

D = Decimal
MOVIE = "seedance2-movie"
EACH = COST[MOVIE]
SHOTS = f"defaults: {{provider: {MOVIE}, duration: 4, resolution: 720p}}\nshots:\n" + "".join(
    f"  - {{id: s{n}, prompt: the sea {n}}}\n" for n in range(3)
)
TILL = "defaults: {provider: till, duration: 2}\nshots:\n" + "".join(
    f"  - {{id: s{n}, prompt: the sea {n}}}\n" for n in range(3)
)
YES = Wants(yes=True, max_credits=D(1000))

Write = Callable[..., Path]
MakeHouse = Callable[..., tuple[House, Till]]


class Commands:
    """The command as a process of its own, here or on another machine, beside one service with one place."""

    def __init__(self, quarter: Quarter, folder: Path) -> None:
        self.quarter = quarter
        self.folder = folder
        settings = folder / "config.toml"
        settings.write_text(f"[providers.{MOVIE}]\npoll_seconds = 0.05\nconcurrency = 1\n")
        page, stand = SERVICES[MOVIE], quarter.stand
        self.environ = {
            **os.environ,
            "RUSHES_CONFIG": str(settings),
            "PYTHONPATH": str(ROOT),
            page.BASE_URL_ENV: stand.base_url,
            page.KEY_ENV: stand.key,
        }
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *words: str | Path, before: list[str] | None = None) -> subprocess.Popen[str]:
        command = [*(before or []), sys.executable, "-m", "pipeline", *map(str, words)]
        process = subprocess.Popen(
            command, env=self.environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._started.append(process)
        return process

    def run(self, path: Path, before: list[str] | None = None) -> subprocess.Popen[str]:
        return self.start("run", path, "--yes", "--max-credits", "1000", before=before)

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()


@contextmanager
def opened(street: Street, folder: Path, **settings: Any) -> Iterator[Commands]:
    with street(MOVIE, **settings) as quarter:
        commands = Commands(quarter, folder)
        try:
            yield commands
        finally:
            commands.close()


@pytest.fixture
def over_there(tmp_path: Path) -> list[str]:
    """What makes a command run on another machine: with its name, its boot, and none of this one's locks."""
    boot, folder = tmp_path / "boot_id", tmp_path / "locks-of-there"
    boot.write_text("11111111-2222-3333-4444-555555555555\n")
    folder.mkdir()
    locks = tmp_path / ".rushes" / "locks"
    elsewhere = f"hostname there && mount --bind {boot} /proc/sys/kernel/random/boot_id"
    before = ["unshare", "--uts", "--mount", "sh", "-c"]
    if not sys.platform.startswith("linux") or subprocess.run([*before, elsewhere], capture_output=True).returncode:
        pytest.skip("another machine needs the right to unshare and to mount")
    return [*before, f'{elsewhere} && mount --bind {folder} {locks} && exec "$@"', "there"]


def until(true: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def change(folder: Path, statement: str, *values: object) -> None:
    """Changes the ledger beside a recipe as time would have."""
    with closing(sqlite3.connect(folder / ".rushes" / "ledger.sqlite3", isolation_level=None, timeout=10)) as ledger:
        ledger.execute(statement, values)


def run_out(folder: Path) -> None:
    """Every lease was renewed last so long ago that it has run out on every machine."""
    change(folder, "UPDATE leases SET until = ?", later(instant(datetime.now(UTC)), -APART_SECONDS - 1))


def rows(folder: Path) -> list[Holder]:
    ledger = folder / ".rushes" / "ledger.sqlite3"
    if not ledger.exists():
        return []
    with closing(sqlite3.connect(ledger)) as connection:
        with contextlib.suppress(sqlite3.OperationalError):  # it is just being laid
            return leases.rows(connection)
        return []


def happened(folder: Path, kind: type[Event]) -> list[Event]:
    with Ledger(folder / ".rushes" / "ledger.sqlite3", read_only=True) as ledger:
        return [event for run in ledger.runs() for event in ledger.events(run.id) if isinstance(event, kind)]


def manifest(folder: Path, name: str = "tale") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "out" / name / "manifest.json").read_text())
    return found


# one machine


@pytest.mark.slow
def test_the_second_says_who_holds_it_and_a_dead_one_is_taken_over_at_once(
    write: Write, street: Street, tmp_path: Path
) -> None:
    """Exit 5 with the run, its process and since when; `plan` and `status` work meanwhile.

    After `kill -9` the same command goes on at once: one job for each shot, one charge.
    """
    path = write(SHOTS)
    with opened(street, tmp_path, seconds_per_job=1) as commands:
        first = commands.run(path)
        until(lambda: creates(commands.quarter.stand))
        second = commands.run(path)
        _, told = second.communicate()
        (row,) = rows(tmp_path)
        assert second.returncode == 5
        assert f"Another run of tale ({row.run}) holds {row.name} since 20" in told
        assert f"(process {first.pid} on {row.host})" in told
        assert f"kill -INT {first.pid}. Then" in told
        home = commands.quarter.house()
        assert api.plan(path, YES, home).continues is not None
        assert api.status(path, YES, home)["run"]["status"] == "running"
        assert rows(tmp_path)[0][:-1] == row[:-1]
        first.kill()
        first.wait()
        third = commands.run(path)
        third.communicate()
        assert third.returncode == 0
        assert len(creates(commands.quarter.stand)) == 3
        assert charged(commands.quarter.stand) == 3 * EACH
    assert rows(tmp_path) == []
    assert manifest(tmp_path)["run"]["id"] == row.run


@pytest.mark.slow
def test_places_of_a_killed_run_are_free_soon(write: Write, street: Street, tmp_path: Path) -> None:
    """Five minutes after the beginning of its job, and not when a clip's longest time is over.

    While its process lives the place is taken, whatever is waited for.
    """
    path, other = write(SHOTS), tmp_path / "other" / "recipe.yaml"
    other.parent.mkdir()
    other.write_text(f"rushes: 1\nname: other\n{SHOTS.replace('sea', 'harbour')}")
    with opened(street, tmp_path, seconds_per_job=60) as commands:
        first = commands.run(path)
        until(lambda: happened(tmp_path, Submitted) if rows(tmp_path) else [])
        ago = later(instant(datetime.now(UTC)), -LEFT_SECONDS - 1)
        change(tmp_path, "UPDATE attempts SET at = ?", ago)
        commands.environ["RUSHES_WORKSPACE"] = str(tmp_path / ".rushes")
        commands.run(other)
        until(lambda: len(rows(tmp_path)) == 2 and all(row.run for row in rows(tmp_path)))
        time.sleep(2)
        assert len(creates(commands.quarter.stand)) == 1
        first.kill()
        first.wait()
        killed = time.monotonic()
        until(lambda: len(creates(commands.quarter.stand)) == 2)
        assert time.monotonic() - killed < leases.BEAT_SECONDS + 5


# two machines


@pytest.mark.slow
def test_a_suspended_run_that_another_machine_takes_over(
    write: Write, street: Street, tmp_path: Path, over_there: list[str]
) -> None:
    """The other waits for the lease, takes up the job and makes the rest; the first wakes and begins nothing more."""
    path = write(SHOTS)
    with opened(street, tmp_path, seconds_per_job=2) as commands:
        stand = commands.quarter.stand
        first = commands.run(path)
        until(lambda: happened(tmp_path, Submitted) if rows(tmp_path) else [])
        first.send_signal(signal.SIGSTOP)
        early = commands.run(path, before=over_there)
        _, told = early.communicate()
        assert early.returncode == 5
        assert "if it gives no more sign of life, until 20" in told
        assert f"stop it there: kill -INT {first.pid} (on" in told
        run_out(tmp_path)
        second = commands.run(path, before=over_there)
        until(lambda: any(row.host == "there" and row.run for row in rows(tmp_path)))
        first.send_signal(signal.SIGCONT)
        _, told = first.communicate()
        assert first.returncode == 5
        assert "was suspended for too long, and has lost tale-" in told
        assert " on there)." in told
        assert "Traceback" not in told
        assert second.poll() is None
        second.communicate()
        assert second.returncode == 0
        assert len(creates(stand)) == 3
        assert charged(stand) == 3 * EACH
    ended = manifest(tmp_path)
    assert ended["run"]["status"] == "complete"
    (account,) = ended["budget"]["by_account"].values()
    assert D(str(account["charged"])) == 3 * EACH
    assert (account["reserved"], account["unknown"]) == (0, 0)
    assert [event.status for event in happened(tmp_path, RunEnded)] == ["complete"]  # type: ignore[union-attr]
    assert rows(tmp_path) == []


@pytest.mark.slow
def test_a_step_that_another_machine_makes_is_waited_for(
    write: Write, street: Street, tmp_path: Path, over_there: list[str]
) -> None:
    """Two recipes that ask for the same on two machines: made once, and both have it."""
    path, other = write(SHOTS), tmp_path / "other" / "recipe.yaml"
    other.parent.mkdir()
    other.write_text(f"rushes: 1\nname: other\n{SHOTS}")
    with opened(street, tmp_path, seconds_per_job=0.5) as commands:
        first = commands.run(path)
        until(lambda: happened(tmp_path, Started) if rows(tmp_path) else [])
        commands.environ["RUSHES_WORKSPACE"] = str(tmp_path / ".rushes")
        second = commands.run(other, before=over_there)
        for process in (first, second):
            process.communicate()
            assert process.returncode == 0
        assert len(creates(commands.quarter.stand)) == 3
        assert charged(commands.quarter.stand) == 3 * EACH
    assert (tmp_path / "other" / "out" / "other" / "shots" / "s2.mp4").stat().st_size


# one process, whose lease is taken while it looks away


def stolen_at(kind: type[Event], folder: Path) -> Callable[[Desk], Callable[[Event], None]]:
    """A listener that lets another machine take the lease as soon as an event of this kind is heard."""

    def listen(_: Desk) -> Callable[[Event], None]:
        def hear(event: Event) -> None:
            if isinstance(event, kind):
                now = instant(datetime.now(UTC))
                change(
                    folder,
                    "UPDATE leases SET host = 'there', boot = 'there', token = 'there', until = ?",
                    later(now, 60),
                )

        return hear

    return listen


@pytest.mark.parametrize(("kind", "asked"), [(Started, 0), (Submitted, 1)])
def test_nothing_is_sent_after_the_lease_was_lost(
    kind: type[Event], asked: int, write: Write, house: MakeHouse, tmp_path: Path
) -> None:
    """Neither what has just begun, whose inputs may have taken long, nor anything that would begin now.

    What is out there is left resumable, the end of the run is not written down, and no document is.
    """
    home, service = house()
    path = write(TILL)
    home = dataclasses.replace(home, config=Config(widths={"till": 1}))
    with pytest.raises(Held, match=r"has lost tale-.* on there") as caught:
        api.run(path, YES, home, listen=stolen_at(kind, tmp_path))
    assert caught.value.exit_code == 5
    assert len(service.jobs) == asked
    assert happened(tmp_path, RunEnded) == []
    assert not (tmp_path / "out" / "tale" / "manifest.json").exists()
    assert [row.token for row in rows(tmp_path)] == ["there"]
    with pytest.raises(Held, match=r"until 20.* at the latest"):
        api.run(path, YES, home)
    change(tmp_path, "DELETE FROM leases")
    ended = api.run(path, YES, home)
    assert (ended.exit_code, len(service.jobs)) == (0, 3)
    assert service.charged == ended.manifest["budget"]["by_account"]["till"]["charged"] == 18


@pytest.mark.parametrize(("seconds", "held"), [(30, True), (-30, True), (-90, False)])
def test_a_run_on_another_machine_is_at_work_until_its_lease_has_run_out(
    seconds: float, held: bool, write: Write, house: MakeHouse, tmp_path: Path
) -> None:
    """Then what it has out there is taken up, and not waited for."""
    home, _ = house()
    other = api.plan(write(TILL, name="other"), YES, home)
    desk = api.plan(write(TILL), YES, home)
    shelf = workspace.open_workspace(desk.reading.folder, create=True)
    now = instant(datetime.now(UTC))
    run = leases.Holder(other.reading.lock, "Another", "r-1", "there", "there", 1, "t", now, later(now, seconds))
    with Ledger(shelf.ledger) as ledger:
        ledger.begin(
            Run(id="r-1", recipe="other", recipe_path="", output=str(other.output), date="", started_at=now, plan=[])
        )
        change(tmp_path, f"INSERT INTO leases VALUES ({', '.join('?' * len(run))})", *run)
        assert at_work(desk.reading, ledger)("r-1") is held
        assert at_work(other.reading, ledger)("r-1") is False


def test_looking_leaves_no_trace(write: Write, house: MakeHouse, tmp_path: Path) -> None:
    """Neither a plan nor a status makes a workspace, a ledger or a lock."""
    home, _ = house()
    path = write(TILL)
    api.plan(path, YES, home)
    assert [each.name for each in tmp_path.iterdir()] == ["recipe.yaml"]


def test_consent_that_takes_longer_than_a_lease_is_asked_in_vain(
    write: Write, house: MakeHouse, tmp_path: Path
) -> None:
    """A machine that fell asleep at the question and was taken over meanwhile begins no run at all."""
    home, service = house()

    def consent(desk: Desk, question: str) -> bool:
        stolen_at(Started, tmp_path)(desk)(Started(at="", step="", key="", attempt=1))
        return True

    with pytest.raises(Held, match="has lost tale-"):
        api.run(write(TILL), Wants(max_credits=D(1000)), home, consent=consent)
    assert service.jobs == {}
    with Ledger(tmp_path / ".rushes" / "ledger.sqlite3", read_only=True) as ledger:
        assert ledger.runs() == []


def test_money_is_that_of_the_books(write: Write, street: Street, tmp_path: Path) -> None:
    """A run under a lease costs what the service charges, and leaves no lease behind."""
    with street(MOVIE) as quarter:
        ended = api.run(write(SHOTS), YES, quarter.house())
        assert money(ended, MOVIE)["charged"] == charged(quarter.stand) == 3 * EACH
    assert rows(tmp_path) == []
