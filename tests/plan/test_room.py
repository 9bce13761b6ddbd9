"""What caps leave: one shape for each scope, exact, and never a promise that a claim would break."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from pipeline.plan.budget import Book, Limits, tightest
from pipeline.plan.model import Action, Block, Step
from pipeline.plan.room import Room, rooms
from pipeline.recipe.model import Budget, Caps, Origin
from tests import made

D = Decimal
NOON = "2026-11-21T11:00:00.000Z"
LINE = Origin(source="recipe", place="recipe.yaml:6", name="budget.run.credits")
FILE = Origin(source="configuration", place="/mine/config.toml", name="budget.day.credits")
FLAG = Origin(source="flag", place="--max-credits")


def of(limits: Limits, *steps: Step, held: Mapping[tuple[str, str], Decimal] | None = None, **how: Any) -> list[Room]:
    book = Book(limits)
    book.watch(held or {})
    return list(rooms(limits, book, steps, **how))


def capped(*budgets: Budget, accounts: tuple[str, ...] = ("till",), zone: str = "Europe/Berlin") -> Limits:
    return tightest(budgets, accounts, at=NOON, zone=zone)


def test_every_scope_has_its_room() -> None:
    """Before, asked and left; a period with its beginning and end; a take is the one that comes nearest."""
    budget = Budget(run=Caps(bare=D(20)), shot=Caps(bare=D(8)), day=Caps(bare=D(100), usd=D(9)))
    steps = [made.step("a/generate", price="6"), made.step("b/generate", price="3"), made.step("b/upscale", price="4")]
    found = of(capped(budget), *steps, held={("day", "till"): D(90), ("day", "usd"): D("0.5")})
    assert [(r.scope, r.take, r.unit, r.cap, r.before, r.asked, r.left) for r in found] == [
        ("run", "", "till", 20, 0, 13, 7),
        ("shot", "b", "till", 8, 0, 7, 1),
        ("day", "", "till", 100, 90, 13, -3),
        ("day", "", "usd", 9, D("0.5"), None, None),
    ]
    assert (found[2].since, found[2].until) == ("2026-11-20T23:00:00.000Z", "2026-11-21T23:00:00.000Z")


def test_the_tightest_says_where_it_was_written() -> None:
    """Of a recipe, a configuration and a flag that one which holds; of equal ones the first."""
    budgets = [
        Budget(run=Caps(bare=D(20), origins={"": LINE}), day=Caps(bare=D(50))),
        Budget(run=Caps(bare=D(30)), day=Caps(bare=D(40), origins={"": FILE})),
        Budget(run=Caps(bare=D(10), origins={"": FLAG})),
    ]
    assert [(r.scope, r.cap, str(r.origin)) for r in of(capped(*budgets))] == [
        ("run", 10, "--max-credits"),
        ("day", 40, "budget.day.credits in /mine/config.toml"),
    ]
    assert str(of(capped(*budgets[:2]))[0].origin) == "recipe.yaml:6"
    assert [cap.most for cap in capped(*budgets).given if cap.scope == "run"] == [20, 30, 10]


def test_an_account_that_a_map_leaves_out_is_told_where_to_be_written() -> None:
    """It gets nothing, and its own name stands in the setting."""
    limits = capped(Budget(run=Caps(credits={"agency": D(9)}, origins={"": LINE})), accounts=("till@rehearsal",))
    (room,) = of(limits)
    assert (room.cap, room.origin and room.origin.name) == (0, "budget.run.credits.till")


def test_what_would_not_run_asks_for_nothing() -> None:
    """Reused, resumed, blocked; what a cap has blocked asks where that is wanted."""
    limits = capped(Budget(run=Caps(bare=D(20))))
    steps = [made.step(f"{a}/generate", price="6", action=a) for a in (Action.REUSE, Action.RESUME, Action.BLOCKED)]
    over = made.step("over/generate", price="5", action=Action.BLOCKED, block=Block.BUDGET)
    assert of(limits, *steps, over)[0].asked == 0
    assert of(limits, *steps, over, blocked=True)[0].asked == 5


def test_a_run_that_goes_on_counts_what_it_has_spent() -> None:
    """Also of takes that ask for nothing more."""
    limits = capped(Budget(run=Caps(bare=D(20)), shot=Caps(bare=D(8))))
    book = Book(limits)
    book.reserve("a/generate", 1, take="a", account="till", credits=D(7), usd=None)
    run, take = rooms(limits, book, [made.step("b/generate", price="6")])
    assert (run.before, run.left) == (7, 7)
    assert (take.take, take.before, take.asked, take.left) == ("a", 7, 0, 1)


@pytest.mark.parametrize("accounts", [("till",), ("till@rehearsal",), ("till", "till@rehearsal")])
def test_dollars_of_a_period_are_of_real_money_or_of_rehearsals(accounts: tuple[str, ...]) -> None:
    """Never of both together, and only of those that pay."""
    limits = capped(Budget(week=Caps(usd=D(5))), accounts=accounts)
    steps = [made.step(f"s{i}/generate", price="2", usd="0.5", account=name) for i, name in enumerate(accounts)]
    held = {("week", "usd"): D(1), ("week", "usd@rehearsal"): D(2)}
    found = of(limits, *steps, held=held)
    assert {room.unit: (room.before, room.asked) for room in found} == {
        f"usd{name.removeprefix('till')}": (D(2 if "@" in name else 1), D(1)) for name in accounts
    }
