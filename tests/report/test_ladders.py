"""What documents say of fallbacks: of those that may come, and of the one that did."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

from pipeline.plan.budget import Book
from pipeline.recipe.gate import compiled
from pipeline.recipe.model import Budget, Caps
from pipeline.report import markdown, plan_json
from pipeline.report.plan_text import plan_table
from tests import made
from tests.made import Facts

FIRST = made.shot("a")
SOFT = dataclasses.replace(FIRST, prompt="soft", asked="soft")
LADDER = dataclasses.replace(FIRST, fallback=(SOFT, dataclasses.replace(SOFT, account="other")))
BUDGET = Budget(run=Caps(credits={"till": Decimal(100)}))


def test_the_table_tells_what_comes_after_a_failure() -> None:
    """A line for each below its step, with who is paid, how much, and the cap that forbids it."""
    plan = made.build(LADDER, budget=BUDGET)
    lines = plan_table(plan, width=140, book=Book(plan.limits)).splitlines()
    assert [" ".join(line.split()) for line in lines[1:4]] == [
        "+ a/generate till m 6 not made yet",
        "till m 6 if that fails: fallback 1",
        "other m 6 if that fails: fallback 2,"
        " but it needs 6 other credits, and the budget for the run gives other none",
    ]
    assert "Where shots fail, their fallbacks: up to 6 till credits more" in lines


def test_the_plan_as_json_has_them_with_their_keys() -> None:
    """Of the step that would run; of what fell, the rung it is on."""
    plan = made.build(LADDER)
    document = plan_json.plan_json(plan)
    assert compiled(plan_json.schema(), {})(document)
    (step,) = document["steps"]
    told = [(one["rung"], one["account"], one["credits"]["high"], one["key"]) for one in step["fallback"]]
    keys = plan.takes[0].keys
    assert (step["rung"], told) == (0, [(1, "till", 6, keys[1]), (2, "other", 6, keys[2])])
    fell = made.build(LADDER, known=Facts(failed={keys[0]: made.standing(plan.steps[0])}))
    (now,) = plan_json.plan_json(fell)["steps"]
    assert (now["rung"], [one["rung"] for one in now["fallback"]]) == (1, [2])
    (moved,) = plan_json.fallen(document["steps"], [now])
    assert (moved["key"], moved["credits"]) == (now["key"], step["fallback"][0]["credits"])


def test_a_shot_says_which_fallback_made_it() -> None:
    """Before its account and model; a shot as declared says nothing."""
    shot = {"fallback": 0, "account": "till", "provider": "till", "model": "m"}
    assert markdown.made_by(shot) == "till m"
    assert markdown.made_by({**shot, "fallback": 1}) == "fallback 1: till m"
