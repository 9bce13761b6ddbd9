"""A recipe becomes a plan: shots in order, cycles named, shots moved to another provider, lanes and accounts."""

from __future__ import annotations

import pytest

from pipeline.errors import RecipeError, UserError
from pipeline.plan.budget import Limit
from pipeline.recipe.model import Budget, Caps, Chain
from tests import made


def test_a_shot_may_stand_on_a_later_one() -> None:
    """The order of declaration decides nothing that a need decides; takes stay in the recipe's order."""
    plan = made.build(made.shot("b", chain=Chain(shot="a")), made.shot("a"), made.shot("c", needs=("a",)))
    assert [step.id for step in plan.steps] == ["a/generate", "a/last_frame", "b/generate", "c/generate"]
    assert [take.id for take in plan.takes] == ["b", "a", "c"]


def test_a_cycle_is_told_in_reading_order() -> None:
    """From the shot that is declared first, at the field that makes the link."""
    asked: list[str] = []

    def where(field: str = "") -> object:
        asked.append(field)
        return made.place()

    with pytest.raises(RecipeError, match="these shots wait for each other: a needs c needs b needs a"):
        made.build(
            made.shot("a", needs=("c",), where=where),
            made.shot("b", chain=Chain(shot="a")),
            made.shot("c", chain=Chain(shot="b")),
        )
    assert asked == ["needs"]


def test_shots_move_to_a_provider_that_can_make_them() -> None:
    """Those it cannot stay where they are, with a warning; a preview costs nothing."""
    plan = made.build(made.shot("a"), made.shot("b", ratio="5:1"), provider="animatic")
    assert [(step.provider, step.account) for step in plan.steps] == [("animatic", ""), ("till", "till")]
    assert "shot b stays on till" in plan.warnings[0].fact
    assert plan.totals().credits == {"till": 6}


def test_lanes_are_as_wide_as_account_and_machine_allow() -> None:
    """The user's width stands before the page's; local work has a slot for each processor."""
    shots = (made.shot("a"), made.shot("b", provider="animatic", account="animatic"))
    plan = made.build(*shots, film=made.cut("a", "b"), processors=5)
    assert plan.lanes == {"till": 3, "animatic": 5, "media": 5}
    assert made.build(*shots, widths={"till": 9, "animatic": 1}).lanes == {"till": 9, "animatic": 1}


def test_the_tightest_caps_of_recipe_and_flags_hold() -> None:
    """For the accounts that pay; a bare number is theirs where only one does."""
    plan = made.build(
        made.shot("a"),
        budget=Budget(run=Caps(credits={"till": made.Decimal(50)})),
        budgets=(Budget(run=Caps(bare=made.Decimal(7))),),
    )
    assert plan.limits.run == Limit(credits={"till": made.Decimal(7)})
    shots = (made.shot("a"), made.shot("b", account="agency"))
    with pytest.raises(UserError, match="does not say whose: agency, till all pay"):
        made.build(*shots, budget=Budget(run=Caps(bare=made.Decimal(7))))


def test_a_film_of_nothing_is_no_step() -> None:
    """Without `film` there is none, and the plan says so by an empty name."""
    assert made.build(made.shot("a")).film == ""
    assert made.build(made.shot("a"), film=made.cut("a")).film == "film"
