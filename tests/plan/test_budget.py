"""The book of a run's money: limits hold in any order of events, and what is given back can be used again."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UserError
from pipeline.plan.budget import Book, Limit, Limits, tightest
from pipeline.recipe.model import Budget, Caps

D = Decimal
AMOUNTS = st.decimals("0.01", "50", places=2)


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["x", "y"]), AMOUNTS, st.integers(0, 3)), max_size=40
    ),
    st.decimals("1", "100", places=2),
    st.decimals("1", "60", places=2),
)
def test_no_limit_is_ever_exceeded(
    wishes: list[tuple[str, str, Decimal, int]], run_cap: Decimal, take_cap: Decimal
) -> None:
    """Whatever is asked, refused, settled below its reservation, released or held: the sums keep below the caps."""
    limits = Limits(
        run=Limit(credits={"x": run_cap, "y": run_cap}, usd=run_cap / 10), take=Limit(credits={"x": take_cap})
    )
    book = Book(limits)
    for number, (take, account, credits, fate) in enumerate(wishes):
        usd = credits / 100
        if book.deny(take, account, credits, usd) is None:
            book.reserve(f"{take}/s", number, take=take, account=account, credits=credits, usd=usd)
        if fate == 0:
            book.settle(f"{take}/s", number, charged=credits / 2, usd=usd / 2)
        elif fate == 1:
            book.release(f"{take}/s", number)
        for unit in ("x", "y"):
            assert book.sum("run", unit) <= run_cap
        assert book.sum("run", "usd") <= run_cap / 10
        assert all(book.sum(name, "x") <= take_cap for name in ("a", "b"))
        for unit in ("x", "y", "usd"):
            assert book.sum("run", unit) == book.sum("a", unit) + book.sum("b", unit)


@given(st.permutations(["reserve", "settle", "release", "reserve", "settle", "release"]))
def test_an_entry_ends_once(moves: list[str]) -> None:
    """Duplicates and any order leave one end: settled or released, never both, and nothing counted twice."""
    book = Book(Limits())
    for move in moves:
        if move == "reserve":
            book.reserve("a/generate", 1, take="a", account="x", credits=D(7), usd=None)
        elif move == "settle":
            book.settle("a/generate", 1, charged=D(5), usd=None)
        else:
            book.release("a/generate", 1)
    state = book.state("a/generate", 1)
    assert book.sum("run", "x") == {"reserved": D(7), "settled": D(5), "released": D(0)}[state]


def test_a_charge_above_its_reservation_is_booked_and_remembered() -> None:
    """The overrun counts in full, and names its account."""
    book = Book(Limits())
    book.reserve("a/generate", 1, take="a", account="x", credits=D(7), usd=None)
    book.settle("a/generate", 1, charged=D(9), usd=None)
    assert book.sum("run", "x") == 9
    assert book.overrun == {"x"}


def test_the_tightest_of_all_caps_holds() -> None:
    """Recipe, configuration and flags are met together; an account that a map does not name gets nothing."""
    limits = tightest(
        [
            Budget(run=Caps(usd=D(8), credits={"x": D(100)}), on_exceed="skip"),
            Budget(run=Caps(usd=D(5))),
            Budget(run=Caps(credits={"x": D(120), "y": D(3)})),
        ],
        ["x", "y"],
    )
    assert limits.run == Limit(usd=D(5), credits={"x": D(100), "y": D(0)})
    assert limits.on_exceed == "skip"


def test_a_bare_number_must_say_whose_where_several_pay() -> None:
    """It is clear for one account, and a fault for two."""
    budget = Budget(run=Caps(bare=D(9)))
    assert tightest([budget], ["x"]).run.credits == {"x": D(9)}
    with pytest.raises(UserError, match="does not say whose"):
        tightest([budget], ["x", "y"])


def test_a_bare_number_is_of_the_account_that_pays_now() -> None:
    """Accounts that only paid before need no cap of it; a map that does not name them still gives them none."""
    assert tightest([Budget(run=Caps(bare=D(9)))], ["x", "y", "z"], idle=["x", "z"]).run.credits == {"y": D(9)}
    with pytest.raises(UserError, match="x, y all pay"):
        tightest([Budget(run=Caps(bare=D(9)))], ["x", "y", "z"], idle=["z"])
    named = Budget(run=Caps(credits={"y": D(9)}))
    assert tightest([named], ["x", "y"], idle=["x"]).run.credits == {"x": D(0), "y": D(9)}


def test_a_cap_in_the_hint_can_be_copied() -> None:
    """Without commas in its number, and by the account's own name in a rehearsal."""
    with pytest.raises(UserError) as caught:
        tightest([Budget(run=Caps(bare=D(2000)))], ["x@rehearsal", "y"])
    assert caught.value.fact == "a cap of 2,000 credits does not say whose: x@rehearsal, y all pay."
    assert caught.value.hint == "Name the account: --max-credits x=2000, or credits: {x: 2000} in YAML."


def test_a_rehearsal_goes_by_the_name_of_its_account() -> None:
    """Unless the map names the rehearsal itself; one that names neither gives it nothing."""
    of_x = {"x": D(9), "y": D(5)}
    assert tightest([Budget(run=Caps(credits=of_x))], ["x@rehearsal"]).run.credits == {"x@rehearsal": D(9)}
    own = {**of_x, "x@rehearsal": D(30)}
    assert tightest([Budget(run=Caps(credits=own))], ["x", "x@rehearsal"]).run.credits == {
        "x": D(9),
        "x@rehearsal": D(30),
    }
    assert tightest([Budget(run=Caps(credits={"y": D(5)}))], ["x@rehearsal"]).run.credits == {"x@rehearsal": D(0)}
    assert tightest([Budget(run=Caps(credits={"x@rehearsal": D(5)}))], ["x"]).run.credits == {"x": D(0)}


def test_the_budget_of_one_account_tightens_that_one_alone() -> None:
    """Its bare number is its own, whoever else pays; it loosens nothing, and says nothing of what happens then."""
    of_accounts = {
        "x": Budget(run=Caps(bare=D(50)), shot=Caps(bare=D(7)), on_exceed="stop"),
        "z": Budget(run=Caps(bare=D(1))),
    }
    given = [Budget(run=Caps(usd=D(3), credits={"x": D(100), "y": D(20)}), on_exceed="skip")]
    limits = tightest(given, ["x", "y"], of_accounts)
    assert limits.run == Limit(usd=D(3), credits={"x": D(50), "y": D(20)})
    assert limits.take == Limit(credits={"x": D(7)})
    assert limits.on_exceed == "skip"
    assert tightest([Budget(run=Caps(bare=D(9)))], ["x"], of_accounts).run.credits == {"x": D(9)}
    assert tightest([], ["x@rehearsal", "y"], of_accounts).run.credits == {"x@rehearsal": D(50)}
    with pytest.raises(UserError, match="does not say whose"):
        tightest([Budget(run=Caps(bare=D(9)))], ["x", "y"], of_accounts)


def test_the_budget_of_one_account_has_no_dollars() -> None:
    """They are counted over all accounts, so a cap on one's would be kept by nobody."""
    with pytest.raises(ValueError, match="in credits, not in dollars"):
        tightest([], ["x"], {"x": Budget(run=Caps(usd=D(1)))})


def test_a_denial_says_what_is_left() -> None:
    """The sentence has the amount asked, the cap and the rest."""
    book = Book(Limits(run=Limit(credits={"x": D(10)})))
    book.reserve("a/generate", 1, take="a", account="x", credits=D(8), usd=None)
    assert str(book.deny("b", "x", D("2.5"), None)) == ("it needs 2.5 x credits; of 10 for the run, 2 are left")


DAYS = Limits(windows={"day": Limit(credits={"x": D(10)}), "month": Limit(usd=D(5))})


def test_a_period_counts_what_every_run_has_spent() -> None:
    """A book that watches begins with the ledger's sums and adds what it reserves; its own history is in them."""
    book = Book(DAYS)
    book.reserve("a/generate", 1, take="a", account="x", credits=D(4), usd=D(1))
    assert book.deny("b", "x", D(99), D(99)) is None
    book.watch({("day", "x"): D(7), ("month", "usd"): D(1), ("week", "x"): D(50)})
    assert str(book.deny("b", "x", D("3.5"), None)) == "it needs 3.5 x credits; of 10 for today, 3 are left"
    assert str(book.deny("b", "x", D(2), D("4.5"))) == "it needs $4.5; of $5 for this month, $4 is left"
    trial = book.copy()
    trial.reserve("b/generate", 1, take="b", account="x", credits=D(3), usd=D(1))
    assert trial.deny("c", "x", D(1), None) is not None
    assert book.deny("c", "x", D(1), None) is None
    book.settle("a/generate", 1, charged=D(1), usd=D("0.25"))
    assert book.sum("day", "x") == 4


def test_a_book_under_other_limits_goes_its_own_way() -> None:
    """It has the same entries and overruns and keeps to no period; what becomes of one changes nothing in the other."""
    book = Book(DAYS)
    book.watch({("day", "x"): D(7)})
    book.reserve("a/generate", 1, take="a", account="x", credits=D(4), usd=D(1))
    book.reserve("b/generate", 1, take="b", account="y", credits=D(1), usd=None)
    book.settle("b/generate", 1, charged=D(2), usd=None)
    other = book.under(Limits(run=Limit(credits={"x": D(5)})))
    assert (other.sum("run", "x"), other.sum("a", "x"), other.sum("day", "x")) == (4, 4, 0)
    assert (other.charged("y"), other.overrun, other.takes("x")) == (2, {"y"}, ["a"])
    assert str(other.deny("c", "x", D(2), None)) == "it needs 2 x credits; of 5 for the run, 1 are left"
    other.settle("a/generate", 1, charged=D(3), usd=D(1))
    assert (other.state("a/generate", 1), book.state("a/generate", 1)) == ("settled", "reserved")
    assert (other.sum("run", "x"), book.sum("run", "x"), book.sum("day", "x")) == (3, 4, 11)


def test_what_is_charged_as_it_was_reserved_changes_no_sum() -> None:
    """It is settled all the same: it cannot be released any more, and is no overrun."""
    book = Book(DAYS)
    book.reserve("a/generate", 1, take="a", account="x", credits=D(4), usd=D(1))
    book.settle("a/generate", 1, charged=D("4.0"), usd=D(1))
    book.release("a/generate", 1)
    assert (book.sum("run", "x"), book.sum("run", "usd"), book.charged("x"), book.overrun) == (4, 1, 4, set())


def test_the_dollars_of_rehearsals_count_apart() -> None:
    """In a period they are never added to real ones, which another run may have spent."""
    book = Book(DAYS)
    book.watch({("month", "usd"): D("4.5"), ("month", "usd@rehearsal"): D(1)})
    assert book.deny("a", "x", D(1), D(1)) is not None
    assert book.deny("a", "x@rehearsal", D(1), D(4)) is None
    assert book.deny("a", "x@rehearsal", D(1), D("4.1")) is not None


def test_a_shot_may_be_called_like_a_period() -> None:
    """Its take is not taken for all runs of a day."""
    book = Book(Limits(take=Limit(credits={"x": D(5)}), windows={"day": Limit(credits={"x": D(100)})}))
    book.watch({("day", "x"): D(50)})
    book.reserve("day/generate", 1, take="day", account="x", credits=D(4), usd=None)
    assert (book.sum("day", "x"), book.sum("the shot day", "x")) == (54, 4)
    assert str(book.deny("day", "x", D(2), None)) == "it needs 2 x credits; of 5 for the shot day, 1 are left"


def test_the_tightest_of_all_periods_holds() -> None:
    """Recipe, configuration and an account's own; what limits nothing is not there, a bare number says whose."""
    limits = tightest(
        [Budget(day=Caps(credits={"x": D(100)}), week=Caps(usd=D(9))), Budget(day=Caps(credits={"x": D(80)}))],
        ["x", "y"],
        {"x": Budget(day=Caps(bare=D(50)), month=Caps(bare=D(500)))},
    )
    assert limits.windows == {
        "day": Limit(credits={"x": D(50), "y": D(0)}), "week": Limit(usd=D(9)), "month": Limit(credits={"x": D(500)}),
    }  # fmt: skip
    with pytest.raises(UserError) as caught:
        tightest([Budget(day=Caps(bare=D(9)))], ["x", "y"])
    assert caught.value.hint == "Name the account: credits: {x: 9} in YAML."


@given(st.permutations(["reserve", "forget", "settle", "release", "reserve"]))
def test_what_is_forgotten_was_never_there(moves: list[str]) -> None:
    """An entry that still stands as it was reserved can be taken back, and reserved anew; an end stays."""
    book = Book(Limits())
    for move in moves:
        if move == "reserve":
            book.reserve("a/generate", 1, take="a", account="x", credits=D(7), usd=D(1))
        elif move == "forget":
            book.forget("a/generate", 1)
        elif move == "settle":
            book.settle("a/generate", 1, charged=D(5), usd=None)
        else:
            book.release("a/generate", 1)
    state = book.state("a/generate", 1)
    assert book.sum("run", "x") == {"reserved": 7, "settled": 5, "released": 0, "none": 0}[state]
