"""`rushes ledger`: days, names and workspaces as they are given, and books that equal those of the services."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.cli.main import main
from pipeline.config import Config
from pipeline.desk import Desk, House, Wants, lay, read
from pipeline.digest import loads
from pipeline.emulators.settings import Settings
from pipeline.emulators.street import Stand, serve_beside
from pipeline.providers.catalog import SERVICES
from pipeline.store import locks, workspace
from tests.conftest import rushes
from tests.store.spent import attempt, every_way, tell
from tests.till import Till

D = Decimal
Write = Callable[..., Path]
MakeHouse = Callable[..., tuple[House, Till]]
YES = Wants(yes=True, max_credits=D(1000))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a workspace in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    return workspace.open_workspace(tmp_path / ".rushes", create=True).ledger


Ask = Callable[..., Any]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """The command's JSON, once it has ended well."""

    def ask(*args: str, house: House | None = None) -> Any:
        code = main(["ledger", "--format", "json", *args], house or House())
        out, err = capsys.readouterr()
        assert (code, err) == (0, "")
        return loads(out)

    return ask


def refusal(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    assert main(["ledger", *args], House()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_no_ledger_is_nothing_spent(tmp_path: Path) -> None:
    """Exit 0, a sentence on standard output, and no workspace is made."""
    done = rushes("ledger", cwd=tmp_path, env={"PATH": "", "PYTHONPATH": str(Path(api.__file__).parents[1])})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Nothing was spent here: {tmp_path / '.rushes'}\n"
    assert list(tmp_path.iterdir()) == []


def test_what_was_only_drawn_here_is_nothing_spent(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A ledger without any money in it."""
    tell(here, "run-1", *attempt("a", "0", "done", account=""))
    assert main(["ledger", "--by", "shot"], House()) == 0
    assert capsys.readouterr().out.startswith("Nothing was spent here")


@pytest.mark.parametrize("format", ["table", "json", "markdown"])
@pytest.mark.parametrize("by", ["account", "day", "recipe", "shot"])
def test_every_form_is_shown(by: str, format: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The charge is in each of them."""
    tell(here, "run-1", *every_way())
    assert main(["ledger", "--by", by, "--format", format], House()) == 0
    out, err = capsys.readouterr()
    assert ("431.5" in out, err) == (True, "")


def test_the_workspace_is_found_upward_or_named(
    here: Path, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a folder below it; by the variable; by the flag, which holds before the variable."""
    tell(here, "run-1", *every_way())
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    tmp_path.chmod(0o755)
    assert ask()["totals"][1]["charged"] == D("431.5")
    elsewhere = House(environ={"RUSHES_WORKSPACE": str(tmp_path / "other")})
    assert ask(house=elsewhere)["totals"] == []
    assert len(ask("--workspace", str(here.parent), house=elsewhere)["totals"]) == 2


def test_days_are_inclusive_and_those_of_the_configuration(here: Path, ask: Ask) -> None:
    """The hour before midnight in London is the next day in Berlin."""
    tell(here, "run-1", *attempt("late", "7", "submitted", at="2026-11-20T23:30:00.000Z"))
    tell(here, "run-1", *attempt("noon", "5", "submitted", at="2026-11-20T12:00:00.000Z"))
    berlin = House(config=Config(time_zone="Europe/Berlin"))
    rows = {row["day"]: row["reserved"] for row in ask("--by", "day", house=berlin)["rows"]}
    assert rows == {"2026-11-20": 5, "2026-11-21": 7}
    assert [row["reserved"] for row in ask("--by", "day")["rows"]] == [12]
    assert ask("--since", "2026-11-21", house=berlin)["totals"][0]["reserved"] == 7
    assert ask("--until", "2026-11-20", house=berlin)["totals"][0]["reserved"] == 5
    assert ask("--since", "2026-11-20", "--until", "2026-11-20")["totals"][0]["reserved"] == 12
    assert ask("--since", "2026-11-22")["totals"] == []


def test_one_account_or_recipe_alone(here: Path, ask: Ask) -> None:
    """A rehearsal is an account of its own name; a name that is known and spent nothing is no mistake."""
    tell(here, "run-1", *every_way())
    tell(here, "run-2", *attempt("a", "9", "submitted", account="seegen@rehearsal"), recipe="storm")
    tell(here, "run-3", *attempt("b", "0", "done", account=""), recipe="drawn")
    assert [row["account"] for row in ask("--account", "seegen")["totals"]] == ["seegen"]
    assert [row["account"] for row in ask("--account", "seegen@rehearsal")["totals"]] == ["seegen@rehearsal"]
    assert [row["reserved"] for row in ask("--recipe", "storm")["totals"]] == [9]
    assert ask("--recipe", "tale", "--account", "seegen@rehearsal")["totals"] == []
    assert ask("--account", "seedancee2")["totals"] == ask("--recipe", "drawn")["totals"] == []


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--since", "yesterday"], "--since yesterday is no date."),
        (["--until", "20261121"], "--until 20261121 is no date."),
        (["--since", "2026-11-22", "--until", "2026-11-21"], "is after --until 2026-11-21"),
        (["--account", "seegn"], "seegn is no account that was used here.\nHint: Did you mean seegen?"),
        (["--recipe", "tail"], "no recipe tail was run here.\nHint: Did you mean tale?"),
        (["--by", "week"], "invalid choice: 'week'"),
    ],
)
def test_a_slip_is_no_thrift(args: list[str], said: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody knows is refused with a way out, instead of shown as nothing spent."""
    tell(here, "run-1", *every_way())
    assert said in refusal(capsys, *args)


def test_a_workspace_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder of other things is not taken for an empty ledger."""
    (tmp_path / "novel.txt").write_text("x")
    assert "is no workspace" in refusal(capsys, "--workspace", str(tmp_path))


def test_what_a_dead_process_sent_is_unknown_and_a_live_ones_is_not(
    here: Path, ask: Ask, write: Write, house: MakeHouse
) -> None:
    """Whether it lives is told by the lock of its recipe and output, as a run itself holds it."""
    home, _ = house()
    path = write("defaults: {provider: till, duration: 2}\nshots:\n  - {id: a, prompt: first}\n")
    desk = lay(read(path, Wants(), home), home)
    tell(here, "run-1", *attempt("a", "6", account="till"), recipe="tale", output=str(desk.output))
    assert [(row["reserved"], row["unknown"]) for row in ask()["totals"]] == [(0, 6)]
    with locks.hold(here.parent / "locks", desk.reading.lock, run="run-1"):
        assert [(row["reserved"], row["unknown"]) for row in ask()["totals"]] == [(6, 0)]


def test_a_run_is_in_the_ledger_with_its_price_book(here: Path, ask: Ask, write: Write, house: MakeHouse) -> None:
    """What a service charged, what it refused and what it lost, as the service has it, and who said the price."""
    del here
    home, service = house({"second": ["lost"], "third": ["flagged"], "first": ["429"]})
    path = write(
        "defaults: {provider: till, duration: 2}\nshots:\n"
        "  - {id: a, prompt: first, takes: 2}\n  - {id: b, prompt: second}\n  - {id: c, prompt: third}\n"
    )
    assert api.run(path, YES, home).exit_code == 4
    (total,) = ask()["totals"]
    assert total["charged"] == service.charged == 12
    assert (total["unknown"], total["refunded"], total["attempts"]) == (6, 6, 5)
    assert (total["books"], total["usd"]) == (["till's price list"], None)
    assert {row["shot"]: row["charged"] for row in ask("--by", "shot")["rows"]} == {"a": 6, "a@2": 6, "b": 0, "c": 0}


def test_a_job_that_another_output_takes_up_is_charged_once(
    here: Path, ask: Ask, write: Write, house: MakeHouse
) -> None:
    """A process dies after its job was named, and a run with another output finishes it: one job, one charge."""
    home, service = house()
    path = write("defaults: {provider: till, duration: 2}\nshots:\n  - {id: a, prompt: first}\n")

    class DeathError(BaseException):
        pass

    def listen(_: Desk) -> Callable[[object], None]:
        def hear(event: object) -> None:
            if type(event).__name__ == "Submitted":
                raise DeathError

        return hear

    with pytest.raises(BaseExceptionGroup):
        api.run(path, YES, home, listen=listen)
    assert [(row["reserved"], row["charged"]) for row in ask()["totals"]] == [(6, 0)]
    ended = api.run(path, dataclasses.replace(YES, output=here.parents[1] / "elsewhere"), home)
    assert (ended.exit_code, len(service.jobs)) == (0, 1)
    assert [(row["reserved"], row["charged"], row["attempts"]) for row in ask()["totals"]] == [(0, 6, 1)]


# over real HTTP, with a service's own books

MOVIE = "seedance2-movie"
WALKS = """
defaults: {provider: seedance2-movie, duration: 5, resolution: 480p}
shots:
  - {id: dawn, prompt: "{{ who }} climbs", takes: 2}
  - {id: lamp, prompt: "{{ who }} lights the lamp", duration: 7}
  - {id: storm, prompt: "{{ who }} in the storm", model: seedance-2-fast, duration: 4}
"""


@pytest.fixture
def movie() -> Iterator[Stand]:
    settings = Settings(seconds_per_job=0.05, draw=False)
    with serve_beside([MOVIE], settings=settings) as stands:
        yield stands[MOVIE]


def environ(stand: Stand) -> Mapping[str, str]:
    page = SERVICES[MOVIE]
    return {page.BASE_URL_ENV: stand.base_url, page.KEY_ENV: stand.key}


def test_the_total_equals_the_services_books_to_the_last_digit(
    movie: Stand, here: Path, ask: Ask, write: Write
) -> None:
    """Fractional credits over two runs and a failure: charged, given back and counted as the service has them."""
    home = House(environ=environ(movie), config=Config(poll_seconds={MOVIE: D("0.02")}))
    wants = Wants(yes=True, max_each={MOVIE: D(1000)})
    movie.faults.add("job_fails", match="lamp")
    first = write("vars: {who: an old keeper}\n" + WALKS)
    assert api.run(first, wants, home).exit_code == 1
    (here.parents[1] / "two").mkdir()
    second = write("vars: {who: his daughter}\n" + WALKS, "second", here.parents[1] / "two")
    assert api.run(second, wants, home).exit_code == 0
    books = movie.books()
    (total,) = ask(house=home)["totals"]
    assert total["account"] == f"{MOVIE}@rehearsal"
    assert total["charged"] == books["totals"]["charged"]
    assert total["charged"] % 1 != 0
    assert total["refunded"] == books["totals"]["refunded"]
    assert total["estimated"] == books["totals"]["reserved"]
    assert (total["attempts"], total["reserved"], total["unknown"]) == (books["created"], 0, 0)
    assert all(book.startswith("seedance2.movie's API document, S2:") for book in total["books"])
    for by in ("day", "recipe", "shot"):
        assert sum(row["charged"] for row in ask("--by", by, house=home)["rows"]) == books["totals"]["charged"]


def test_the_command_itself_reads_the_configuration(movie: Stand, here: Path, write: Write) -> None:
    """As a process of its own, with the user's time zone and no key: reading the ledger asks nobody."""
    home = House(environ=environ(movie), config=Config(poll_seconds={MOVIE: D("0.02")}))
    path = write("vars: {who: she}\n" + WALKS)
    assert api.run(path, Wants(yes=True, max_each={MOVIE: D(1000)}), home).exit_code == 0
    asked = len(movie.log)
    config = path.with_name("config.toml")
    config.write_text('time_zone = "Pacific/Kiritimati"\n')
    run = functools.partial(rushes, "ledger", "--workspace", here.parent, "--by", "day", "--format", "json")
    done = run(env={"PATH": "", "RUSHES_CONFIG": str(config)})
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout, parse_float=D)
    assert told["time_zone"] == "Pacific/Kiritimati"
    assert told["totals"][0]["charged"] == movie.books()["totals"]["charged"]
    assert len(movie.log) == asked
