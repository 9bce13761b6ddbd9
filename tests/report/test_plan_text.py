"""The plan for a terminal: marks, columns, prices, and what the caps leave."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from pipeline.plan.budget import Book
from pipeline.recipe.model import Caps
from pipeline.report.legible import cells
from pipeline.report.plan_text import plan_table
from tests.report.hostile import hostile_plan
from tests.report.stories import Memory, Told, cut, lighthouse, plan, shot

TILL = Caps(credits={"till": Decimal(120)})


def test_every_action_has_its_mark_price_and_reason() -> None:
    """+ is to make, = is there, > is under way at a service, ! is blocked."""
    first = Told(plan(shot("a"), shot("b", provider="till"), shot("c", provider="till"), shot("d", provider="till")))
    first.make("a/generate").start("b/generate").submit("b/generate", "job-1")
    first.start("c/generate").fail("c/generate", "refused")
    found = plan_table(plan(*first.plan.recipe.shots, known=Memory(first.events)), width=140).splitlines()
    assert found == [
        "   STEP        BY                   CREDITS  WHY",
        "=  a/generate  animatic seedance-2           made 2026-01-01 12:00 UTC",
        ">  b/generate  till seedance-2           50  till has it as job-1 since 2026-01-01 12:00 UTC",
        "!  c/generate  till seedance-2           50  failed in run 20260101-120000-ab12, and the same request would "
        "fail again: refused",
        "+  d/generate  till seedance-2           50  not made yet",
        "",
        "4 steps: + 1 to make, = 1 there, > 1 under way, ! 1 blocked",
        "To pay now: up to 50 till credits ($0.20)",
    ]


def test_what_only_follows_a_change_is_priced_apart() -> None:
    """The changed shot is paid now; the one chained to it stands on a line of its own."""
    shots = (shot("a", provider="till"), shot("b", chain="a", provider="till"))
    first = Told(plan(*shots)).make()
    changed = plan(shot("a", provider="till", prompt="new"), shots[1], known=Memory(first.events), caps=TILL)
    # WHY: that a step only follows is told by its own key, which this memory does not keep.
    steps = tuple(replace(step, follows=step.id != "a/generate") for step in changed.steps)
    lines = plan_table(replace(changed, steps=steps), width=100).splitlines()
    assert lines[-3:] == [
        "To pay now: up to 50 till credits ($0.20)",
        "Only following a change: up to 50 till credits ($0.20) (b)",
        "Cap for the run: 120 till credits, 20 left after this",
    ]


def test_a_film_alone_that_follows_names_no_shot() -> None:
    """Where only work on this machine follows a change there is nothing to be priced apart."""
    found = plan(shot("a"), film=cut("a"))
    steps = tuple(replace(step, follows=not step.provider) for step in found.steps)
    assert "Only following" not in plan_table(replace(found, steps=steps), width=100)


def test_caps_count_what_the_run_has_already_spent() -> None:
    """With the book of the run that is continued, what is left is what is really left; too much is said."""
    found = plan(shot("a", provider="till"), caps=Caps(credits={"till": Decimal(120)}, usd=Decimal("0.3")))
    book = Book(found.limits)
    book.reserve("x", 1, take="x", account="till", credits=Decimal(60), usd=Decimal("0.24"))
    assert plan_table(found, width=100, book=book).splitlines()[-2:] == [
        "Cap for the run: 120 till credits, 60 spent or held, 10 left after this",
        "Cap for the run: $0.30, $0.24 spent or held, $0.14 too much",
    ]


def test_a_free_plan_costs_nothing() -> None:
    """Nothing is nothing, not 0 of something; an empty plan says so."""
    assert plan_table(plan(shot("a")), width=80).splitlines()[-1] == "To pay now: nothing"
    assert "Nothing is asked for." in plan_table(plan(), width=80)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("drawn", [lighthouse(), hostile_plan(), plan(shot("x" * 100, model="日本語" * 20))])
def test_no_line_is_wider_than_the_terminal(width: int, drawn: object) -> None:
    """Columns give way with an ellipsis; wide characters count as two; nothing moves the cursor."""
    text = plan_table(drawn, width=width)  # type: ignore[arg-type]
    assert max(cells(line) for line in text.splitlines()) <= width
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
