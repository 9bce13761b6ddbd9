"""What was spent: every way an attempt's money can go, days of a time zone, sums that agree however they are cut."""

from __future__ import annotations

import dataclasses
import random
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipeline.errors import StoreError
from pipeline.events import Event, RunEnded, RunStarted, Settled, Started, Submitted, Succeeded
from pipeline.store.spending import SOURCES, By, Entry, Spending, Sums, days, entries, summed, within
from tests.store.spent import AT, RESULT, SUMS, attempt, every_way, tell

D = Decimal
UTC, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")
WAYS: tuple[By, ...] = ("account", "day", "recipe", "shot")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


def total(path: Path, account: str = "seegen") -> Sums:
    return next(row.sums for row in summed(entries(path), "account", UTC).totals if row.account == account)


def one(path: Path, at_work: bool = True) -> Entry:
    (entry,) = entries(path, at_work=lambda recipe, output: at_work)
    return entry


def test_every_way_is_added_up_as_on_paper(path: Path) -> None:
    """Refused, doubted, settled for less and more, given back, failed, undelivered, given up, silent, under way."""
    tell(path, "run-1", *every_way())
    assert dataclasses.asdict(total(path)) == SUMS


@pytest.mark.parametrize(
    ("shot", "reserved", "unknown", "charged"),
    [
        ("as-said", 0, 0, D(160)),
        ("refused", 0, 0, None),
        ("doubted", 0, 70, None),
        ("failed", 0, 0, None),
        ("undelivered", 0, 0, D(20)),
        ("given-up", 0, 0, D(30)),
        ("under-way", 15, 0, None),
        ("found", 10, 0, None),
        ("mute", 5, 0, None),
        ("absent", 0, 0, None),
    ],
)
def test_an_attempt_holds_what_may_still_be_charged(
    shot: str, reserved: int, unknown: int, charged: Decimal | None, path: Path
) -> None:
    """What a service has is reserved, what it may have is unknown, and what has an end holds nothing."""
    tell(path, "run-1", *every_way())
    entry = next(entry for entry in entries(path) if entry.shot == shot)
    assert (entry.reserved, entry.unknown, entry.charged) == (reserved, unknown, charged)


def test_what_is_free_for_certain_is_no_money(path: Path) -> None:
    """What is drawn here, shared with a twin or priced at nothing is not in the ledger of money."""
    tell(path, "run-1", *every_way())
    assert not {"free", "drawn", "twin", "no-price-refused"} & {entry.shot for entry in entries(path)}


def test_an_amount_that_nobody_told_is_counted_and_not_taken_for_nothing(path: Path) -> None:
    """Work without a price: one charge told, one never told, one to come; so the dollars are not known."""
    tell(path, "run-1", *every_way())
    sums = total(path, "naci")
    assert (sums.attempts, sums.charged, sums.untold, sums.in_dollars) == (3, D(18), 2, False)
    assert sums.sources == {"service": D(18), "not told": 0}
    assert sums.books == ()


def test_credits_whose_price_is_not_known_are_not_taken_for_free(path: Path) -> None:
    """One charge without dollars makes the account's dollars unknown; what is known of them stays."""
    tell(path, "run-1", *attempt("a", "10", "submitted", "service 10 0", "done"))
    tell(path, "run-1", *attempt("b", "10", "submitted", "service 10 0", "done", rate=None))
    assert (total(path).usd, total(path).in_dollars) == (D("0.04"), False)


def test_silence_is_unknown_once_its_process_is_gone(path: Path) -> None:
    """A request that was never answered is under way while its process lives; then nobody knows."""
    tell(path, "run-1", RunStarted(at=AT, version="1"), *attempt("a", "10"))
    assert (one(path).reserved, one(path).unknown) == (10, 0)
    assert (one(path, at_work=False).reserved, one(path, at_work=False).unknown) == (0, 10)


@pytest.mark.parametrize(
    "later", [RunEnded(at=AT, status="interrupted"), RunStarted(at=AT, version="2")], ids=["ended", "taken up"]
)
def test_silence_is_unknown_once_its_run_was_let_go(later: Event, path: Path) -> None:
    """Also while another process is at work on the same recipe; a job that is named stays under way."""
    tell(path, "run-1", RunStarted(at=AT, version="1"), *attempt("a", "10"), later)
    assert (one(path).reserved, one(path).unknown) == (0, 10)
    tell(path, "run-1", attempt("a", "10", "submitted")[1])
    assert (one(path).reserved, one(path).unknown) == (10, 0)


def test_at_work_is_asked_of_the_recipe_and_its_output(path: Path) -> None:
    """Only where silence leaves it open."""
    asked = []
    tell(path, "run-1", *every_way())
    tell(path, "run-2", *attempt("quiet", "10"), recipe="storm", output="/elsewhere")
    list(entries(path, at_work=lambda *names: not asked.append(names)))  # type: ignore[func-returns-value]
    assert asked == [("storm", "/elsewhere")]


@pytest.mark.parametrize("again", [False, True])
def test_a_job_that_another_run_takes_up_is_one_charge(again: bool, path: Path) -> None:
    """It is told under the run that began it, however often it was settled; the other only shares what came of it."""
    begun = attempt("a", "10", "submitted", *(["service 9 1", "undelivered"] if again else []))
    tell(path, "run-1", *begun)
    about = {"at": "2026-11-21T10:00:00.000Z", "step": "a/generate", "key": "k1:a", "attempt": 1}
    settled = Settled(**about, charged=D(8), refunded=D(2), usd=D("0.032"), source="seegen")
    tell(path, "run-1", settled, Succeeded(**about, result=RESULT))
    shared = about | {"step": "b/generate", "attempt": 0}
    tell(path, "run-2", Succeeded(**shared, result=RESULT), recipe="other")
    entry = one(path)
    assert (entry.recipe, entry.shot, entry.at, entry.account) == ("tale", "a", AT, "seegen")
    assert (entry.reserved, entry.charged, entry.refunded, entry.usd) == (0, D(8), D(2), D("0.032"))


def test_a_charge_that_belongs_to_nobody_is_not_lost(path: Path) -> None:
    """A settlement without a start has no account, and is told all the same."""
    about = {"at": AT, "step": "a/generate", "key": "k1:a", "attempt": 1}
    tell(path, "run-1", Settled(**about, charged=D(8), refunded=D(0), usd=None, source="seegen"))
    assert (one(path).account, one(path).charged) == ("unnamed", D(8))


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-03-28T22:59:59.999Z", "2026-03-28"),
        ("2026-03-28T23:00:00.000Z", "2026-03-29"),  # summer time begins on this day
        ("2026-03-29T21:59:59.999Z", "2026-03-29"),
        ("2026-03-29T22:00:00.000Z", "2026-03-30"),
        ("2026-10-24T21:59:59.999Z", "2026-10-24"),
        ("2026-10-24T22:00:00.000Z", "2026-10-25"),  # and ends on this one, which has 25 hours
        ("2026-10-25T22:59:59.999Z", "2026-10-25"),
        ("2026-10-25T23:00:00.000Z", "2026-10-26"),
        ("2026-12-31T23:00:00.000Z", "2027-01-01"),
    ],
)
def test_a_day_is_that_of_the_users_time_zone(at: str, day: str) -> None:
    """Across midnight, the turn of the year, and both turns of the clock."""
    assert days(BERLIN)(at) == day


def test_zones_of_half_hours_have_their_own_midnight() -> None:
    """India's day begins at half past six in the evening."""
    day = days(ZoneInfo("Asia/Kolkata"))
    assert (day("2026-11-20T18:29:59Z"), day("2026-11-20T18:30:00Z")) == ("2026-11-20", "2026-11-21")


def test_an_amount_belongs_to_the_day_of_its_reservation(path: Path) -> None:
    """Also where it was settled on the next."""
    begun = attempt("a", "10", at="2026-11-20T22:59:00.000Z")
    later = attempt("a", "10", "submitted", "service 9 1", "done", at="2026-11-20T23:30:00.000Z")[1:]
    tell(path, "run-1", *begun, *later)
    (row,) = summed(entries(path), "day", BERLIN).rows
    assert (row.group, row.sums.charged) == (("2026-11-20",), D(9))


def test_days_are_inclusive(path: Path) -> None:
    """From the first moment of the first day to the last of the last, in the user's time zone."""
    for day, at in enumerate(["2026-11-19T22:59Z", "2026-11-19T23:00Z", "2026-11-20T22:59Z", "2026-11-20T23:00Z"]):
        tell(path, "run-1", *attempt(f"s{day}", "10", at=at))

    def found(since: str, until: str) -> set[str]:
        return {entry.shot for entry in within(entries(path), BERLIN, since=since, until=until)}

    assert found("2026-11-20", "2026-11-20") == {"s1", "s2"}
    assert found("2026-11-20", "") == {"s1", "s2", "s3"}
    assert found("", "2026-11-20") == {"s0", "s1", "s2"}
    assert found("", "") == {"s0", "s1", "s2", "s3"}


def many(path: Path, count: int) -> None:
    """Attempts of three runs and two recipes on three accounts, at amounts with many places, over a few days."""
    chance = random.Random(7)
    for run in range(3):
        events: list[Event] = []
        for n in range(count):
            shot = f"s{n % 7}" + (f"@{n % 3 + 1}" if n % 3 else "")
            credits = f"{chance.randrange(10**9) / 10**6:.6f}"
            source = chance.choice(["service", "estimate", "user"])
            moves = chance.choice([["submitted"], ["doubted"], ["submitted", f"{source} {credits} 0.1", "done"]])
            at = f"2026-03-{chance.randrange(27, 31)}T{chance.randrange(24):02}:{n % 60:02}:00.000Z"
            account = chance.choice(["seegen", "naci", "movie@rehearsal"])
            events += attempt(shot, credits, *moves, account=account, number=run * count + n, at=at, rate="0.0123456")
        tell(path, f"run-{run}", *events, recipe=["tale", "storm"][run % 2])


def added(sums: Spending, account: str) -> list[object]:
    """The rows of an account, added up by hand."""
    own = [row.sums for row in sums.rows if row.account == account]
    found: list[object] = [sum(s.attempts for s in own)]
    found += [sum(getattr(s, word) for s in own) for word in ("estimated", "reserved", "unknown", "charged")]
    found += [sum(s.refunded for s in own), sum(s.usd for s in own)]
    return [*found, {source: sum(s.sources.get(source, D(0)) for s in own) for source in SOURCES}]


def test_sums_are_equal_however_they_are_cut(path: Path) -> None:
    """Rows by account, day, recipe or shot come to the same totals, to the last digit."""
    many(path, 60)
    cut = {by: summed(entries(path), by, BERLIN) for by in WAYS}
    assert len({repr(sums.totals) for sums in cut.values()}) == 1
    for account in ("seegen", "naci", "movie@rehearsal"):
        assert len({repr(added(sums, account)) for sums in cut.values()}) == 1
        assert sum(sums for sums in total(path, account).sources.values()) == total(path, account).charged
    assert {row.group for row in cut["recipe"].rows} == {("tale",), ("storm",)}
    assert len(cut["day"].rows) > 9
    assert ("tale", "s1@2") in {row.group for row in cut["shot"].rows}


def test_sums_of_many_digits_are_exact(path: Path) -> None:
    """A large amount takes no digit from a small one."""
    tell(path, "run-1", *attempt("a", "1", "submitted", "service 999999999999999 0", rate="1.0001"))
    tell(path, "run-1", *attempt("b", "1", "submitted", "service 0.000000000000001 0", rate="1.0001"))
    assert str(total(path).charged) == "999999999999999.000000000000001"
    assert str(total(path).usd) == "1000099999999998.9999000000000010001"


def test_an_absent_ledger_has_nothing_and_is_not_made(path: Path) -> None:
    """Reading creates no file."""
    assert list(entries(path)) == []
    assert not path.exists()


def test_reading_changes_nothing(path: Path) -> None:
    """Not a byte of the ledger."""
    tell(path, "run-1", *every_way())
    before = path.read_bytes()
    list(entries(path))
    assert path.read_bytes() == before


def test_an_event_of_an_earlier_version_tells_no_book(path: Path) -> None:
    """Its estimate is there, and where it comes from is not."""
    about = {"at": AT, "step": "a/generate", "key": "k1:a", "attempt": 1}
    started = Started(**about, provider="seegen", account="seegen", credits=D(5))
    tell(path, "run-1", started, Submitted(**about, job_id="1"))
    assert (one(path).estimated, one(path).book, total(path).books) == (D(5), "", ())


def test_what_is_no_ledger_is_refused(path: Path) -> None:
    """With a fact and a way out."""
    path.write_bytes(b"no database at all" * 400)
    with pytest.raises(StoreError, match=r"ledger\.sqlite3"):
        list(entries(path))
