"""Several processes on one ledger: caps of days and the places at an account hold for all of them, and none starves."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.config import Config
from pipeline.desk import House, Wants
from pipeline.digest import loads
from pipeline.errors import OverBudget, UserError
from pipeline.events import Failed, Refused, Settled, Started
from pipeline.providers.catalog import SERVICES
from pipeline.recipe.model import Budget, Caps
from pipeline.store import database
from pipeline.store.ledger import Ledger
from tests.journeys.services import COST, Quarter, Street, charged, creates
from tests.till import Till

D = Decimal
SCRIPT = Path(__file__).with_name("together.py")
MOVIE = "seedance2-movie"
IDENTITY = f"{MOVIE}@rehearsal"
EACH = COST[MOVIE]


def recipe(folder: Path, name: str, prompts: list[str], budget: str = "{on_exceed: stop}") -> Path:
    """A recipe of a clip a prompt, in a folder of its own."""
    shots = "".join(f"  - {{id: s{i}, prompt: {prompt}}}\n" for i, prompt in enumerate(prompts))
    defaults = f"{{provider: {MOVIE}, duration: 4, resolution: 720p}}"
    path = folder / name / "recipe.yaml"
    path.parent.mkdir()
    path.write_text(f"rushes: 1\nname: {name}\nbudget: {budget}\ndefaults: {defaults}\nshots:\n{shots}")
    return path


def together(quarter: Quarter, paths: list[Path], workspace: Path, config: str = "") -> list[dict[str, Any]]:
    """How runs of these recipes end that begin at one moment, each in a process of its own."""
    settings = workspace.with_name("config.toml")
    settings.write_text(f"{config}\n[providers.{MOVIE}]\npoll_seconds = 0.05\n")
    page = SERVICES[MOVIE]
    stand = quarter.stand
    environ = {"RUSHES_CONFIG": str(settings), page.BASE_URL_ENV: stand.base_url, page.KEY_ENV: stand.key}
    processes = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), str(path), str(workspace)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ,
        )
        for path in paths
    ]  # fmt: skip
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        found = []
        for process in processes:
            out, err = process.communicate(timeout=240)
            assert process.returncode == 0, err
            found.append(loads(out))
        return found
    finally:
        for process in processes:
            process.kill()


def most_held(workspace: Path) -> tuple[Decimal, int]:
    """The most that was ever reserved and charged, and in flight, at any moment: by every event, in their order."""
    connection = database.connect(workspace / "ledger.sqlite3", read_only=True)
    rows = connection.execute("SELECT run, kind, data FROM events ORDER BY seq").fetchall()
    connection.close()
    from pipeline import events

    held: dict[tuple[str, str, int], Decimal] = {}
    flying: set[tuple[str, str, int]] = set()
    most, most_flying = D(0), 0
    for run, kind, data in rows:
        event = events.from_json(kind, loads(data))
        if isinstance(event, Started) and event.account:
            held[run, event.step, event.attempt] = event.credits
            flying.add((run, event.step, event.attempt))
        elif isinstance(event, Settled | Refused | Failed):
            name = (run, event.step, event.attempt)
            flying.discard(name)
            held[name] = event.charged if isinstance(event, Settled) else held[name] if name in held else D(0)
        most, most_flying = max(most, sum(held.values(), D(0))), max(most_flying, len(flying))
    return most, most_flying


def most_at_once(quarter: Quarter) -> int:
    """The most jobs that the service had at one moment."""
    jobs = [job for job in quarter.stand.desk.jobs.values() if job.kind != "asset"]
    moments = sorted([(job.created, 1) for job in jobs] + [(job.ended, -1) for job in jobs])
    most = running = 0
    for _, change in moments:
        running += change
        most = max(most, running)
    return most


@pytest.mark.slow
def test_eight_processes_share_one_day(street: Street, tmp_path: Path) -> None:
    """At no moment is more held than the day's cap, all of it is used, and every process gets some of it."""
    workspace = tmp_path / "shared"
    workspace.mkdir()
    paths = [recipe(tmp_path, f"tale-{n}", [f"tale {n} shot {i}" for i in range(6)]) for n in range(8)]
    cap = 20 * EACH + 1
    with street(MOVIE, seconds_per_job=1, concurrency=None) as quarter:
        ended = together(quarter, paths, workspace, f'[budget.day]\ncredits = "{cap}"')
        assert charged(quarter.stand) == 20 * EACH
        assert (len(creates(quarter.stand)), most_at_once(quarter)) == (20, 3)
    most, flying = most_held(workspace)
    assert cap - 1 <= most <= cap
    assert flying <= 3
    made = [sum(status == "done" for status, _ in found["shots"].values()) for found in ended]
    assert sum(made) == 20
    assert min(made) >= 1, made
    assert {found["code"] for found in ended} == {3}
    why = next(error for status, error in ended[0]["shots"].values() if status == "skipped")
    assert "of 145 for today, 1 are left" in why or "budget stopped the run" in why


def test_a_step_that_two_recipes_share_is_made_once(street: Street, tmp_path: Path) -> None:
    """Begun at the same moment: one job and one charge for each of the two that both ask for, and both have them."""
    workspace = tmp_path / "shared"
    workspace.mkdir()
    paths = [recipe(tmp_path, f"tale-{n}", ["the sea", "the harbour", f"tale {n}"]) for n in range(2)]
    with street(MOVIE, seconds_per_job=0.5) as quarter:
        ended = together(quarter, paths, workspace)
        assert [found["code"] for found in ended] == [0, 0], ended
        assert charged(quarter.stand) == 4 * EACH
        assert len(creates(quarter.stand)) == 4
    for n in range(2):
        folder = tmp_path / f"tale-{n}" / "out" / f"tale-{n}"
        assert all((folder / "shots" / f"s{i}.mp4").stat().st_size for i in range(3))
    with Ledger(workspace / "ledger.sqlite3", read_only=True) as ledger:
        now = datetime.now(UTC)
        span = tuple((now + timedelta(days=n)).isoformat(timespec="milliseconds")[:23] + "Z" for n in (-1, 1))
        assert ledger.held([span])[0][IDENTITY].credits == 4 * EACH  # type: ignore[list-item]


def test_the_places_at_an_account_are_for_all_processes(street: Street, tmp_path: Path) -> None:
    """Four processes with four clips each, three places: the service never has a fourth job, and all are made."""
    workspace = tmp_path / "shared"
    workspace.mkdir()
    paths = [recipe(tmp_path, f"tale-{n}", [f"tale {n} shot {i}" for i in range(4)]) for n in range(4)]
    with street(MOVIE, seconds_per_job=0.2, concurrency=None) as quarter:
        ended = together(quarter, paths, workspace)
        assert (len(creates(quarter.stand)), most_at_once(quarter)) == (16, 3)
    assert [found["code"] for found in ended] == [0] * 4


# one process after the other, with a clock of its own

FIVE = "defaults: {{provider: till, duration: 2}}\nbudget: {}\nshots:\n" + "".join(
    f"  - {{{{id: s{i}, prompt: shot {i} {{}}}}}}\n" for i in range(5)
)
YES = Wants(yes=True, max_credits=D(1000))


@dataclasses.dataclass
class Clock:
    """A time that is set by hand."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def tale(tmp_path: Path, house: Callable[..., tuple[House, Till]]) -> Callable[..., Any]:
    """Runs a recipe of five clips of 6 credits at a moment, each word with clips of its own, on one ledger."""
    clock = Clock(datetime(2026, 11, 21, 12, tzinfo=UTC))

    def run(
        word: str, moment: str = "", budget: str = "{on_exceed: stop}", settings: Budget | None = None, **config: Any
    ) -> Any:
        if moment:
            clock.now = datetime.fromisoformat(moment)
        path = tmp_path / word / "recipe.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"rushes: 1\nname: {word}\n" + FIVE.format(budget, *[word] * 5))
        home, _ = house(config=Config(budget=settings, **config), now=clock)
        return api.run(path, dataclasses.replace(YES, workspace=tmp_path / "shared"), home)

    return run


def done(ended: Any) -> int:
    return sum(shot["status"] == "done" for shot in ended.manifest["shots"])


@pytest.mark.parametrize(
    ("period", "moments"),
    [
        ("day", ["2026-11-21T00:00+01:00", "2026-11-21T23:59:59.999+01:00", "2026-11-22T00:00+01:00"]),
        ("week", ["2026-11-16T00:00+01:00", "2026-11-22T23:59:59.999+01:00", "2026-11-23T00:00+01:00"]),
        ("month", ["2026-10-01T00:00+02:00", "2026-10-31T23:59:59.999+01:00", "2026-11-01T00:00+01:00"]),
    ],
)
def test_a_period_is_over_every_run_and_begins_anew(period: str, moments: list[str], tale: Callable[..., Any]) -> None:
    """From its first moment to its last in the user's time zone, from Monday, over changes of the clocks; then anew."""
    budget = f"{{{period}: {{credits: {{till: 45}}}}, on_exceed: stop}}"
    made = [
        done(tale(word, moment, budget, time_zone="Europe/Berlin"))
        for word, moment in zip(("one", "two", "three"), moments, strict=True)
    ]
    assert made == [5, 2, 5]


def test_a_run_over_midnight_gets_the_new_day(tmp_path: Path, house: Callable[..., tuple[House, Till]]) -> None:
    """The window is that of each claim: what the old day had no money for is made on the new one."""
    moment = datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)
    clock = Clock(moment)
    path = tmp_path / "recipe.yaml"
    path.write_text("rushes: 1\nname: tale\n" + FIVE.format("{day: {credits: {till: 30}}}", *["night"] * 5))
    home, _ = house(now=clock)

    def listen(_: object) -> Callable[[object], None]:
        def hear(event: object) -> None:
            if type(event).__name__ == "Settled":
                clock.now = moment + timedelta(seconds=2)

        return hear

    assert api.run(path, YES, home, listen=listen).exit_code == 0
    path.write_text(path.read_text().replace("night", "morning"))
    with pytest.raises(OverBudget, match="it needs 6 till credits; of 30 for today, 0 are left"):
        api.run(path, YES, home)
    midnight = "2026-11-22T00:00:00.000Z"
    with Ledger(tmp_path / ".rushes" / "ledger.sqlite3", read_only=True) as ledger:
        days = ledger.held([("2026-11-21T00:00:00.000Z", midnight), (midnight, "2026-11-23T00:00:00.000Z")])
    assert [day["till"].credits for day in days] == [18, 12]


def test_the_plan_knows_what_others_have_spent(tale: Callable[..., Any]) -> None:
    """Refused before anything is sent, in the words of the cap; the tightest of recipe and configuration holds."""
    assert done(tale("one")) == 5
    with pytest.raises(OverBudget, match=r"at s1/generate.* of 40 for today, 4 are left"):
        tale("two", budget="{day: {credits: {till: 40}}}")
    settings = Budget(week=Caps(credits={"till": D(35)}), day=Caps(bare=D(100)))
    with pytest.raises(OverBudget, match="of 35 for this week, 5 are left"):
        tale("two", budget="{day: {credits: {till: 400}}}", settings=settings)
    assert done(tale("two", budget="{month: {credits: {till: 41}}, on_exceed: skip}")) == 1


def test_dollars_of_a_day_need_a_price(tale: Callable[..., Any]) -> None:
    """A cap in dollars is a fault where a credit's price is not known, and holds over runs where it is."""
    with pytest.raises(UserError, match="what a credit of till costs is not known"):
        tale("one", budget="{day: {usd: 1}}")
    rate = {"usd_per_credit": {"till": D("0.05")}}
    assert done(tale("one", **rate)) == 5
    with pytest.raises(OverBudget, match=r"it needs \$0.3; of \$2 for today, \$0.2 is left"):
        tale("two", budget="{day: {usd: 2}}", **rate)
