"""`--only` and `--redo`: what is made, what is kept as it was, and what is left out."""

from __future__ import annotations

import pytest

from pipeline.errors import UserError
from pipeline.plan.model import Action, Plan
from pipeline.recipe.model import Chain, Shot, Upscale
from tests import made
from tests.made import Facts


def tale(prompt: str = "p") -> tuple[Shot, ...]:
    """`a`, `b` chained to it, `c` chained to `b`, and `d-1` apart with two takes."""
    return (
        made.shot("a", prompt=prompt),
        made.shot("b", chain=Chain(shot="a"), upscale=Upscale(to="2k")),
        made.shot("c", chain=Chain(shot="b")),
        made.shot("d-1", takes=2),
    )


BEFORE = made.build(*tale())


def running(plan: Plan) -> list[str]:
    return [step.id for step in plan.doing()]


def test_only_makes_a_shot_and_what_it_lacks() -> None:
    """`--only b` makes its clip, its upscale and frame, and `a` before it; nothing else is in the plan."""
    plan = made.build(*tale(), only=("b",))
    assert running(plan) == [step.id for step in plan.steps]
    assert set(running(plan)) == {
        "a/generate", "a/last_frame", "b/generate", "b/last_frame", "b/upscale",
    }  # fmt: skip
    assert plan.left == {"c/generate", "d-1/generate", "d-1@2/generate"}


def test_followers_keep_their_clips_marked_stale() -> None:
    """After an edit of `a`, `--only a` keeps `b` and `c` under the keys they were made with."""
    plan = made.build(*tale("new"), only=("a",), known=Facts.of(BEFORE))
    assert running(plan) == ["a/generate", "a/last_frame"]
    stale = {step.id: step.key for step in plan.steps if step.stale}
    assert stale == {step.id: step.key for step in BEFORE.steps if step.id[0] in "bc"}
    assert plan.left == set(stale)
    assert {step.why for step in plan.steps if step.stale} == {"kept as it was, not asked for"}


def test_a_follower_whose_old_clip_is_gone_is_left_out() -> None:
    """Nothing is kept that is not there."""
    facts = Facts.of(BEFORE, gone=frozenset({"c/generate"}))
    assert "c/generate" not in {s.id for s in made.build(*tale("new"), only=("a",), known=facts).steps}


@pytest.mark.parametrize(
    ("pattern", "names"),
    [("d-*", {"d-1/generate", "d-1@2/generate"}), ("d-1@2", {"d-1@2/generate"}), ("*@2", {"d-1@2/generate"})],
)
def test_a_pattern_names_shots_or_single_takes(pattern: str, names: set[str]) -> None:
    """A glob on the shot means every take of it."""
    assert set(running(made.build(*tale(), only=(pattern,)))) == names


def test_a_name_that_is_none_is_told_with_the_nearest() -> None:
    """For both flags."""
    with pytest.raises(UserError, match=r"--only e-1 names no shot.*Did you mean d-1\?"):
        made.build(*tale(), only=("e-1",))
    with pytest.raises(UserError, match=r"--redo zzz names no shot.*The shots are a, b, c, d-1\."):
        made.build(*tale(), redo=("zzz",))


def test_redo_asks_for_a_fresh_result_of_that_take_alone() -> None:
    """Its key is new, its base is not; followers keep their clips, as with `--only`."""
    plan = made.build(*tale(), redo=("b",), known=Facts.of(BEFORE))
    old = {step.id: step for step in BEFORE.steps}
    fresh = next(step for step in plan.steps if step.id == "b/generate")
    assert (fresh.base, fresh.why) == (old["b/generate"].key, "asked for anew")
    assert fresh.key != old["b/generate"].key
    assert plan.redo == {fresh.base: 1}
    assert running(plan) == ["b/generate", "b/last_frame", "b/upscale"]
    assert [step.id for step in plan.steps if step.stale] == ["c/generate"]


def test_each_redo_has_the_next_number() -> None:
    """Counted by base key; one that is not made yet keeps its number, one that failed for good does not."""
    facts = Facts.of(BEFORE, redone={BEFORE.steps[0].base: 2})
    begun = made.build(*tale(), redo=("a",), known=facts)
    assert begun.redo == {}
    assert (begun.steps[0].action, begun.steps[0].why) == (Action.RUN, "asked for anew")
    failed = Facts.of(BEFORE, redone=facts.redone, failed={begun.steps[0].key: made.standing(begun.steps[0])})
    assert set(made.build(*tale(), redo=("a",), known=failed).redo.values()) == {3}
    done = Facts.of(begun, redone=facts.redone)
    assert set(made.build(*tale(), redo=("a",), known=done).redo.values()) == {3}
    again = made.build(*tale(), redo=("a",), begun={"a": ""}, known=done)
    assert (again.redo, again.steps[0].action) == ({}, Action.REUSE)


def test_a_redo_of_two_that_ask_for_the_same_is_one() -> None:
    """Both show one fresh result, bought once."""
    twins = (made.shot("a", prompt="p"), made.shot("z", prompt="p"))
    plan = made.build(*twins, redo=("*",), known=Facts.of(made.build(*twins)))
    assert len({step.key for step in plan.steps}) == 1
    assert set(plan.redo.values()) == {1}
    assert plan.totals().credits == {"till": 6}


def test_a_pinned_shot_that_is_named_is_made_anew() -> None:
    """A pin keeps a stale result, and gives way to whoever asks for a fresh one."""
    facts = Facts.of(made.build(made.shot("a")))
    pinned = made.build(made.shot("a", prompt="new", pin=True), known=facts).steps[0]
    assert (pinned.action, pinned.stale, pinned.why) == (Action.REUSE, True, "pinned: keeps the one made before")
    fresh = made.build(made.shot("a", prompt="new", pin=True), redo=("a",), known=facts).steps[0]
    assert (fresh.action, fresh.stale) == (Action.RUN, False)


def test_a_pinned_shot_whose_clip_is_gone_is_made_as_it_is_now() -> None:
    """Never is a new request's result kept under the old one's key."""
    facts = Facts.of(made.build(made.shot("a")), gone=frozenset({"a/generate"}))
    step = made.build(made.shot("a", prompt="new", pin=True), known=facts).steps[0]
    assert (step.action, step.key) == (Action.RUN, made.build(made.shot("a", prompt="new")).steps[0].key)
