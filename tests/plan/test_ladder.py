"""Which rung of a shot's ladder is asked for, by what is known of each, and what a plan tells of those below it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import RecipeError
from pipeline.plan.ladder import Chance, choose
from pipeline.plan.model import Action, Block, Plan, Step
from pipeline.plan.setting import Passed
from pipeline.recipe.model import Budget, Caps, Chain, Shot
from tests import made
from tests.made import Facts

KEPT, OUT, FRESH = Chance.KEPT, Chance.OUT, Chance.FRESH
FAILED, STANDS, PASSED = Chance.FAILED, Chance.STANDS, Chance.PASSED
THERE = (KEPT, OUT)


@pytest.mark.parametrize(
    ("chances", "chosen"),
    [
        ([FRESH, FRESH], 0),
        ([KEPT, KEPT], 0),
        ([OUT, KEPT], 0),  # of unknown outcome, or with a service: its money is held
        ([FRESH, KEPT], 0),  # the shot was edited since
        ([STANDS, FRESH], 1),
        ([PASSED, FRESH], 1),
        ([FAILED, FRESH], 0),  # it might do better now
        ([FAILED, KEPT], 1),  # a replacement is there
        ([FAILED, OUT], 1),
        ([FAILED, STANDS, KEPT], 2),
        ([FAILED, STANDS, FRESH], 0),
        ([STANDS, FAILED, KEPT], 2),
        ([STANDS, FAILED, FRESH], 1),
        ([PASSED, STANDS, OUT], 2),
        ([STANDS, STANDS], None),
        ([PASSED, STANDS], None),
    ],
)
def test_the_rung_by_what_is_known(chances: list[Chance], chosen: int | None) -> None:
    """The first that has not failed for good; one that may do better only where nothing below it is there."""
    assert choose(chances) == chosen


@given(st.lists(st.sampled_from(list(Chance)), min_size=1, max_size=8))
def test_nothing_is_bought_beside_what_is_there(chances: list[Chance]) -> None:
    """Never one after a kept one, never one that failed for good; of what is there below a failure the first."""
    number = choose(chances)
    if number is None:
        assert set(chances) <= {STANDS, PASSED}
        return
    assert not any(chance in THERE for chance in chances[:number])
    assert chances[number] not in (STANDS, PASSED)
    if chances[number] is FAILED:
        assert not any(chance in THERE for chance in chances)
    if chances[number] is FRESH:
        assert set(chances[:number]) <= {STANDS, PASSED}


def ladder(**values: Any) -> Shot:
    """`a`, then softer words, then on another account."""
    first = made.shot("a", **values)
    softer = dataclasses.replace(first, prompt="softer", asked="softer")
    return dataclasses.replace(first, fallback=(softer, dataclasses.replace(softer, account="other")))


FOLLOWER = made.shot("b", chain=Chain(shot="a"))
BEFORE = made.build(ladder(), FOLLOWER)
A = BEFORE.steps[0]
KEYS = BEFORE.takes[0].keys


def at(rung: int) -> Step:
    """The step of `a` on a rung, as far as the known asks of it."""
    return dataclasses.replace(A, key=KEYS[rung])


def step(plan: Plan, name: str = "a/generate") -> Step:
    return {one.id: one for one in plan.steps}[name]


def test_a_ladder_is_told_before_it_is_needed() -> None:
    """Each rung below with who is paid and how much; two that ask the same of two accounts have one key."""
    assert (A.rung, A.why) == (0, "not made yet")
    told = [(one.rung, one.step, one.account, one.price.high, one.denied) for one in A.fallback]
    assert told == [(1, "a/generate", "till", 6, ""), (2, "a/generate", "other", 6, "")]
    assert len(KEYS) == 3
    assert KEYS[1] == KEYS[2] != KEYS[0]
    assert set(BEFORE.accounts) == {"till", "other"}


def test_what_stands_is_not_asked_for_again_and_followers_go_on_from_the_fallback() -> None:
    """The plan is on the next rung, says why, and what is chained to it gets its keys from there."""
    plan = made.build(ladder(), FOLLOWER, known=Facts(failed={KEYS[0]: made.standing(A)}))
    found = step(plan)
    assert (found.rung, found.key, found.action) == (1, KEYS[1], Action.RUN)
    assert found.why == "fallback 1 of 2: the shot as declared failed: flagged."
    assert plan.takes[0].shot.prompt == "softer"
    assert step(plan, "b/generate").key != step(BEFORE, "b/generate").key
    assert [one.rung for one in found.fallback] == [2]


def test_a_kept_fallback_is_reused_and_nothing_may_come_after_it() -> None:
    """Its result is there: nothing is to pay."""
    facts = Facts(made={KEYS[1]: dataclasses.replace(made.kept(A), account="till")}, tried={KEYS[0]: "busy."})
    found = step(made.build(ladder(), known=facts))
    assert (found.rung, found.action, found.fallback) == (1, Action.REUSE, ())
    edited = made.build(ladder(prompt="other"), known=facts)
    assert (step(edited).rung, step(edited).action) == (0, Action.RUN)


def test_an_account_of_its_own_is_a_rung_of_its_own() -> None:
    """What one account was refused another may get; what it has is taken up on it."""
    passed = {(KEYS[0], "till"): Passed(error="no"), (KEYS[1], "till"): Passed(error="no money.")}
    found = step(made.build(ladder(), passed=passed))
    assert (found.rung, found.account) == (2, "other")
    facts = Facts(failed={KEYS[0]: made.standing(A)}, open={KEYS[1]: made.pending(at(1), account="other")})
    found = step(made.build(ladder(), known=facts))
    assert (found.rung, found.account, found.action) == (2, "other", Action.RESUME)


def test_an_unknown_outcome_never_falls() -> None:
    """Its money is held: the plan waits, whatever failed in the same process."""
    facts = Facts(open={KEYS[0]: made.pending(A, None)}, tried={KEYS[0]: "lost."})
    found = step(made.build(ladder(), known=facts))
    assert (found.rung, found.block) == (0, Block.UNKNOWN)


def test_what_failed_now_and_does_not_fall_waits_for_the_next_command() -> None:
    """Paid and not delivered: another rung would be paid for beside it."""
    found = step(made.build(ladder(), passed={(KEYS[0], "till"): Passed(error="no link.", falls=False)}))
    assert (found.rung, found.block, found.why) == (0, Block.FAILURE, "no link.")


def test_when_every_rung_has_failed_each_is_told() -> None:
    """Blocked as without a ladder, on the last rung."""
    facts = Facts(failed={KEYS[0]: made.standing(A), KEYS[1]: made.standing(at(1))})
    plan = made.build(ladder(), FOLLOWER, known=facts)
    found = step(plan)
    assert (found.rung, found.block) == (2, Block.FAILURE)
    assert found.why == (
        "no fallback is left: the shot as declared failed: flagged.; "
        "fallback 1 failed: flagged.; fallback 2 failed: flagged."
    )
    assert step(plan, "b/generate").block is Block.FAILURE


def test_takes_fall_one_by_one() -> None:
    """The second take is on its own rung."""
    plan = made.build(ladder(takes=2))
    facts = Facts(failed={plan.takes[1].keys[0]: made.standing(plan.steps[1])})
    rungs = [one.rung for one in made.build(ladder(takes=2), known=facts).steps]
    assert rungs == [0, 1]


def test_a_redo_begins_at_the_top_with_fresh_numbers() -> None:
    """Every rung gets one; a redo that was begun goes on where it was, and is sent again only once all is spent."""
    known: Mapping[str, Any] = {KEYS[0]: made.standing(A)}
    plan = made.build(ladder(), known=Facts(failed=known), redo=("a",))
    found = step(plan)
    assert (found.rung, found.why, set(plan.redo.values())) == (0, "asked for anew", {1})
    assert len(plan.redo) == 2  # the two rungs below ask for the same
    numbers = dict(plan.redo)
    fresh = plan.takes[0].keys
    begun = {"redo": ("a",), "begun": dict.fromkeys(["a"], "")}
    facts = Facts(failed={fresh[0]: made.standing(A)}, redone=numbers)
    again = made.build(ladder(), known=facts, **begun)
    assert (step(again).rung, step(again).key, again.redo) == (1, fresh[1], {})
    spent = Facts(failed={key: made.standing(A) for key in fresh}, redone=numbers)
    assert step(made.build(ladder(), known=spent, **begun)).rung == 0
    now = {(key, account): Passed(error="no") for key in fresh for account in ("till", "other")}
    assert step(made.build(ladder(), known=spent, passed=now, **begun)).block is Block.FAILURE


def test_a_cap_that_gives_a_fallback_nothing_is_told_with_it() -> None:
    """An account that a map does not name gets none; the rung is told as denied, and in a further round left out."""
    budget = Budget(run=Caps(credits={"till": Decimal(100)}))
    plan = made.build(ladder(), budget=budget)
    assert [bool(one.denied) for one in step(plan).fallback] == [False, True]
    assert "gives other none" in step(plan).fallback[1].denied
    passed = {(KEYS[0], "till"): Passed(error="no"), (KEYS[1], "till"): Passed(error="no")}
    plan = made.build(ladder(), FOLLOWER, made.shot("z"), budget=budget, passed=passed)
    assert (step(plan).block, step(plan, "z/generate").action) == (Block.BUDGET, Action.RUN)
    assert plan.limits.on_exceed == "refuse"


def test_cycles_through_a_fallback_are_faults() -> None:
    """A fallback that goes on from what follows the shot could never begin."""
    first = made.shot("a")
    loop = dataclasses.replace(first, fallback=(dataclasses.replace(first, chain=Chain(shot="b")),))
    with pytest.raises(RecipeError, match="a needs b needs a"):
        made.build(loop, FOLLOWER)


def test_frames_for_rungs_that_are_not_asked_for_are_not_taken() -> None:
    """A fallback that would begin with a frame of another shot costs that shot nothing until it is due."""
    first = made.shot("z")
    chained = dataclasses.replace(first, fallback=(dataclasses.replace(first, chain=Chain(shot="a")),))
    plan = made.build(made.shot("a"), chained)
    assert [one.id for one in plan.steps] == ["a/generate", "z/generate"]
    assert plan.takes[0].frames == ()
    fell = Facts(failed={plan.takes[1].keys[0]: made.standing(plan.steps[1])})
    assert [one.id for one in made.build(made.shot("a"), chained, known=fell).steps] == [
        "a/generate",
        "a/last_frame",
        "z/generate",
    ]


def test_a_move_takes_the_fallbacks_along_and_drops_what_is_then_the_same() -> None:
    """`--provider` moves each rung; two that ask the same of one account are one."""
    first = ladder()
    plan = made.build(first, provider="animatic", accounts={})
    found = step(plan)
    assert [(one.rung, one.provider) for one in found.fallback] == [(1, "animatic")]


def test_faults_of_a_fallback_are_told_once_and_as_its_own() -> None:
    """A rung that no page can make is a fault although nothing has failed yet."""
    first = made.shot("a")
    bad = dataclasses.replace(first, resolution="4k")
    with pytest.raises(RecipeError) as error:
        made.build(dataclasses.replace(first, fallback=(bad, dataclasses.replace(bad, prompt="x", asked="x"))))
    assert [fault.fact for fault in error.value.faults] == ["Fallback 1 of a: till makes no 4k."]
