"""The ledger for people and for scripts: the same figures in each form, none of them cut, rehearsals apart."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.digest import loads
from pipeline.events import RunEnded
from pipeline.report.attempts import attempts, by_account
from pipeline.report.ledger_text import (
    FORMATS,
    REHEARSED,
    Asked,
    ledger_json,
    ledger_markdown,
    ledger_table,
    prices,
    told_by,
)
from pipeline.store.ledger import Ledger
from pipeline.store.spending import By, Spending, entries, summed
from tests.report.hostile import BROKEN, MARKUP, SCRIPT, TURNED
from tests.report.stories import plan, shot
from tests.store.spent import SUMS, attempt, every_way, tell

D = Decimal
ASKED = Asked(place="/w/.rushes", time_zone="Europe/Berlin")
WAYS: tuple[By, ...] = ("account", "day", "recipe", "shot")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger with every way on `seegen` and `naci`, one more account without dollars, and a rehearsal."""
    path = tmp_path / "ledger.sqlite3"
    tell(path, "run-1", *every_way())
    movie = attempt("walk@2", "7.2", "submitted", "service 7.2 0", "done", account="seedance2-movie", rate=None)
    tell(path, "run-2", *movie, recipe="storm")
    rehearsed = attempt("dawn", "1160.55", "submitted", "service 1160.55 0", account="seegen@rehearsal")
    tell(path, "run-3", *rehearsed, recipe="storm")
    return path


def spent(path: Path, by: By = "account") -> Spending:
    return summed(entries(path), by, ZoneInfo("Europe/Berlin"))


def document(path: Path, by: By = "account") -> Any:
    return loads(ledger_json(spent(path, by), ASKED))


def cells(line: str) -> list[str]:
    return re.split(r"  +", line.strip())


def test_a_line_an_account_with_every_figure(path: Path) -> None:
    """Estimated, reserved, unknown, charged, refunded, dollars, and who told the charges; never added up over two."""
    lines = ledger_table(spent(path), ASKED, 160).splitlines()
    assert cells(lines[0]) == [
        "ACCOUNT",
        "ATTEMPTS",
        "ESTIMATED",
        "RESERVED",
        "UNKNOWN",
        "CHARGED",
        "REFUNDED",
        "DOLLARS",
        "CHARGE TOLD",
    ]
    told = "376.5 by the service, 25 by the estimate, 30 by you"
    assert [cells(line) for line in lines[1:4]] == [
        ["naci", "3", "0", "0", "0", "18", "0", "not known", "18 by the service, 2 not told"],
        ["seedance2-movie", "1", "7.2", "0", "0", "7.2", "0", "not known", "by the service"],
        ["seegen", "14", "822", "30", "70", "431.5", "147.5", "$1.726", told],
    ]


def test_each_accounts_price_books_are_named(path: Path) -> None:
    """The document and the places in it; where the ledger does not tell it, that is said."""
    text = ledger_table(spent(path), ASKED, 160)
    assert "seegen: estimated by SeeGen's API document (S0:45, S0:47)" in text
    assert "naci: nothing was estimated, since no price was known" in text


def test_dollars_are_added_up_and_what_is_not_known_is_named(path: Path) -> None:
    """A total of dollars over real accounts alone; it is whole only where every charge has dollars."""
    assert "Dollars: $1.726, and what is not known of naci, seedance2-movie" in ledger_table(spent(path), ASKED, 160)
    told = document(path)["usd"]
    assert told == {"total": None, "known": D("1.726"), "not_known_for": ["naci", "seedance2-movie"]}


def test_dollars_of_several_accounts_are_one_sum(tmp_path: Path) -> None:
    """Where they are all known."""
    path = tmp_path / "ledger.sqlite3"
    for name in ("seegen", "agency"):
        tell(path, "run-1", *attempt(name, "10", "submitted", "service 10 0", "done", account=name))
    assert ledger_table(spent(path), ASKED).endswith("Dollars: $0.08")
    assert document(path)["usd"] == {"total": D("0.08"), "known": D("0.08"), "not_known_for": []}


def test_dollars_that_nobody_knows_are_no_zero(tmp_path: Path) -> None:
    """Without a price of a credit there is no sum."""
    path = tmp_path / "ledger.sqlite3"
    tell(path, "run-1", *attempt("a", "10", "submitted", "service 10 0", "done", rate=None))
    assert ledger_table(spent(path), ASKED).endswith("Dollars: not known of seegen")


@pytest.mark.parametrize("by", WAYS)
def test_rehearsals_come_last_and_apart(by: By, path: Path) -> None:
    """Under their own title, and in no total of dollars."""
    real, title, rehearsed = ledger_table(spent(path, by), ASKED, 160).partition(REHEARSED)
    assert title
    assert "@rehearsal" not in real
    assert "1,160.55" in rehearsed
    assert "Dollars" not in rehearsed
    assert [row["rehearsal"] for row in document(path, by)["totals"]] == [False, False, False, True]
    real, title, rehearsed = ledger_markdown(spent(path, by), ASKED).partition(f"## {REHEARSED}")
    assert ("1,160.55" in rehearsed, "rehearsal" in real, "Dollars" in rehearsed) == (True, False, False)


def test_a_rehearsal_alone_has_no_dollars(tmp_path: Path) -> None:
    """Its title comes first, and nothing real was spent."""
    path = tmp_path / "ledger.sqlite3"
    tell(path, "run-1", *attempt("a", "10", "submitted", "service 10 0", "done", account="naci@rehearsal"))
    text = ledger_table(spent(path), ASKED)
    assert text.startswith(REHEARSED)
    assert "Dollars" not in text
    assert document(path)["usd"] == {"total": 0, "known": 0, "not_known_for": []}


def test_blocks_by_account_end_in_their_sum(path: Path) -> None:
    """A day is said to be that of the time zone; recipe and shot stand in columns of their own."""
    text = ledger_table(spent(path, "day"), ASKED, 160)
    assert "seegen, days of Europe/Berlin\nDAY " in text
    assert re.search(r"\n2026-11-20 +14 +822 .*\ntotal +14 +822 ", text)
    lines = ledger_table(spent(path, "shot"), ASKED, 160).splitlines()
    assert cells(next(line for line in lines if "walk@2" in line))[:4] == ["storm", "walk@2", "1", "7.2"]
    assert sum(line.startswith("total ") for line in lines) == 4


@pytest.mark.parametrize("by", WAYS)
@pytest.mark.parametrize("width", [20, 40, 80, 110, 200])
def test_no_figure_is_ever_cut(by: By, width: int, path: Path) -> None:
    """However narrow the terminal: the sources then stand below, and only names are shortened."""
    text = ledger_table(spent(path, by), ASKED, width)
    sums = next(row.sums for row in spent(path, by).totals if row.account == "seegen")
    assert re.search(rf"{sums.attempts} +822 +30 +70 +431\.5 +147\.5 +\$1\.726", text)
    assert "376.5 by the service, 25 by the estimate, 30 by you" in " ".join(text.split())
    if width >= 110:
        assert max(map(len, text.splitlines())) <= width


def test_json_has_every_row_with_exact_numbers(path: Path) -> None:
    """Rows by account and group, totals, sources and books; the text carries the digits as they are."""
    told = document(path, "shot")
    row = next(row for row in told["rows"] if row["shot"] == "less")
    assert row == {
        "account": "seegen",
        "rehearsal": False,
        "recipe": "tale",
        "shot": "less",
        "attempts": 1,
        "estimated": 200,
        "reserved": 0,
        "unknown": 0,
        "charged": D("152.5"),
        "refunded": D("47.5"),
        "usd": D("0.61"),
        "sources": {"service": D("152.5"), "estimate": 0, "user": 0, "not_told": 0},
        "untold": 0,
        "differences": {"attempts": 1, "more": 0, "less": D("47.5")},
        "books": ["SeeGen's API document, S0:47"],
    }
    assert (told["by"], told["time_zone"], told["since"]) == ("shot", "Europe/Berlin", None)
    assert '"charged": 1160.55,' in ledger_json(spent(path), ASKED)


@pytest.mark.parametrize("by", WAYS)
def test_json_rows_come_to_its_totals(by: By, path: Path) -> None:
    """Whatever they are cut by."""
    told = document(path, by)
    for sums in told["totals"]:
        rows = [row for row in told["rows"] if row["account"] == sums["account"]]
        for word in ("attempts", "estimated", "reserved", "unknown", "charged", "refunded", "untold"):
            assert sum(row[word] for row in rows) == sums[word]
    seegen = next(row for row in told["totals"] if row["account"] == "seegen")
    assert {word: seegen[word] for word in ("estimated", "unknown", "charged", "refunded", "usd")} == {
        word: SUMS[word] for word in ("estimated", "unknown", "charged", "refunded", "usd")
    }


def test_markdown_has_the_same_table(path: Path) -> None:
    """A row a group, a strong one a total, and the books below."""
    text = ledger_markdown(spent(path, "recipe"), ASKED)
    assert "| seedance2-movie | storm | 1 | 7.2 | 0 | 0 | 7.2 | 0 | not known | by the service |" in text
    assert "| **seegen** | **total** | **14** | **822** | **30** | **70** | **431.5** | **147.5** |" in text
    assert "- seegen: estimated by SeeGen's API document (S0:45, S0:47)" in text
    assert {line.count("|") for line in text.splitlines() if line.startswith("|")} == {11}


@pytest.mark.parametrize("by", WAYS)
@pytest.mark.parametrize("said", [BROKEN, MARKUP, SCRIPT, TURNED], ids=["broken", "markup", "script", "turned"])
def test_names_of_strangers_stay_texts(said: str, by: By, tmp_path: Path) -> None:
    """In a ledger that came from elsewhere a name may hold anything: it moves nothing and is no markup."""
    path = tmp_path / "ledger.sqlite3"
    events = attempt(said.replace("/", ""), "10", "submitted", "service 10 0", account=said, book=f"{said}, {said}")
    tell(path, "run-1", *events, recipe=said)
    for show in (ledger_table, ledger_markdown):
        text = show(spent(path, by), ASKED, 110)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", text)
    bare = re.sub(r"&#\d+;", "", ledger_markdown(spent(path, by), ASKED))
    assert not re.search(r"[<>`@\[\]]|https?://|javascript\(", bare)
    json.loads(ledger_json(spent(path, by), ASKED))


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_spent_is_said(format: str, tmp_path: Path) -> None:
    """With what was asked for and where; JSON has the same shape as ever."""
    asked = Asked(place="/w/.rushes", since="2026-11-01", until="2026-11-30", account="seegen", recipe="tale")
    text = FORMATS[format](spent(tmp_path / "ledger.sqlite3"), asked, 80)
    if format == "json":
        told = json.loads(text)
        assert (told["rows"], told["totals"], told["usd"]["total"]) == ([], [], 0)
        assert (told["since"], told["until"]) == ("2026-11-01", "2026-11-30")
    else:
        assert "Nothing was spent here on seegen for tale from 2026-11-01 to 2026-11-30: /w/.rushes" in text


def test_who_told_a_charge(path: Path) -> None:
    """One teller alone needs no amount; where nothing was charged nobody told it."""
    tell(path, "run-4", *attempt("x", "10", "refused", account="idle"))
    tell(path, "run-4", *attempt("y", "10", "refused", account="earlier", book=""))
    sums = {row.account: row.sums for row in spent(path).totals}
    assert [told_by(sums[name]) for name in ("seedance2-movie", "idle", "naci")] == [
        "by the service",
        "-",
        "18 by the service, 2 not told",
    ]
    assert prices(sums["earlier"]) == "the ledger does not tell which price book its estimates come from"
    assert prices(sums["idle"]) == "estimated by SeeGen's API document (S0:45)"


def test_the_ledger_says_what_the_manifest_says(path: Path) -> None:
    """The same events come to the same amounts by either way of reading them."""
    tell(path, "run-1", RunEnded(at="2026-11-20T11:00:00.000Z", status="partial"))
    with Ledger(path, read_only=True) as ledger:
        tried = attempts(ledger.events("run-1"), plan(shot("other")))
    money = by_account([one for found in tried.values() for one in found], ["seegen"])["seegen"]
    sums = next(row.sums for row in spent(path).totals if row.account == "seegen")
    assert (money.reserved, money.unknown, money.charged) == (sums.reserved, sums.unknown, sums.charged)
    assert (money.refunded, money.usd) == (sums.refunded, sums.usd)
