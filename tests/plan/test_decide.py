"""What a run would do about each step, and why, from what is known by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pipeline.plan.model import Action, Block, Plan, Step
from pipeline.recipe.model import Chain, Shot, Upscale
from tests import made
from tests.made import Facts


def shots(**values: Any) -> tuple[Shot, ...]:
    """`a`, and `b` chained to it; `values` change `a`."""
    return made.shot("a", **values), made.shot("b", chain=Chain(shot="a"))


def by_id(plan: Plan) -> Mapping[str, Step]:
    return {step.id: step for step in plan.steps}


def told(plan: Plan) -> dict[str, tuple[str, str]]:
    return {step.id: (step.action.value, step.why) for step in plan.steps}


BEFORE = made.build(*shots())
A, FRAME, B = BEFORE.steps


def test_nothing_known_means_everything_runs() -> None:
    """Each step says that it was not made yet; nothing follows a change."""
    assert set(told(BEFORE).values()) == {("run", "not made yet")}
    assert not any(step.follows for step in BEFORE.steps)


def test_what_is_there_is_reused_by_key() -> None:
    """The result comes with the step, and the plan says when it was made."""
    plan = made.build(*shots(), known=Facts.of(BEFORE))
    assert {step.action for step in plan.steps} == {Action.REUSE}
    assert plan.steps[0].why == "made 2026-01-01 00:00 UTC"
    assert plan.steps[0].result == made.kept(A).result


def test_a_changed_shot_and_what_follows_it_are_told_apart() -> None:
    """The one that was edited changed; the others only follow, and say whom."""
    plan = made.build(*shots(prompt="new"), known=Facts.of(BEFORE))
    assert told(plan) == {
        "a/generate": ("run", "changed since it was made"),
        "a/last_frame": ("run", "follows a/generate, which changed"),
        "b/generate": ("run", "follows a/last_frame, which changed"),
    }
    assert [step.follows for step in plan.steps] == [False, True, True]
    assert plan.totals(follows=True).credits == {"till": 6}


def test_what_is_made_of_a_named_take_comes_with_it() -> None:
    """Its own upscale is no follower, unless the take itself only follows; another shot's always is."""
    shots = made.shot("a"), made.shot("b", chain=Chain(shot="a"), upscale=Upscale(to="2k", by="local"))
    known = Facts.of(made.build(*shots))
    follows = {step.id for step in made.build(*shots, known=known, redo=("b",)).steps if step.follows}
    assert follows == set()
    changed = (made.shot("a", prompt="new"), shots[1])
    plan = made.build(*changed, known=known, only=("b",))
    assert {step.id for step in plan.steps if step.follows} == {"a/last_frame", "b/generate", "b/upscale"}


def test_a_file_that_is_gone_is_made_again() -> None:
    """Its key has a result whose bytes are not there: it runs, and what has its own bytes stays."""
    plan = made.build(*shots(), known=Facts.of(BEFORE, gone=frozenset({"a/generate"})))
    assert told(plan)["a/generate"] == ("run", "its file is gone from the store, or was changed there")
    assert by_id(plan)["b/generate"].action is Action.REUSE


def test_a_file_that_is_gone_is_bought_once() -> None:
    """While a job is out for it, that is taken up; of two shots with this one key, one runs and the other shares."""
    facts = Facts.of(BEFORE, gone=frozenset({"a/generate"}), open={A.key: made.pending(A)})
    assert by_id(made.build(*shots(), known=facts))["a/generate"].action is Action.RESUME
    twins = (made.shot("a", prompt="p"), made.shot("z", prompt="p"))
    one = made.build(*twins)
    facts = Facts.of(one, "a/generate", gone=frozenset({"a/generate"}))
    steps = made.build(*twins, known=facts).steps
    assert [(step.action, step.twin, step.account) for step in steps] == [
        (Action.RUN, "", "till"),
        (Action.RUN, "a/generate", ""),
    ]


def test_a_job_that_is_out_is_taken_up_under_its_number() -> None:
    """The plan knows the job, its attempt, and since when."""
    step = by_id(made.build(*shots(), known=Facts(open={A.key: made.pending(A)})))["a/generate"]
    assert (step.action, step.job_id, step.attempt) == (Action.RESUME, "job-7", 3)
    assert step.why == "till has it as job-7 since 2026-01-01 00:00 UTC"


def test_an_unknown_outcome_blocks_and_says_so_all_the_way_down() -> None:
    """What was sent and not answered is not sent again; each follower names what it waits for."""
    plan = made.build(*shots(), known=Facts(open={A.key: made.pending(A, None)}))
    assert {(step.action, step.block) for step in plan.steps} == {(Action.BLOCKED, Block.UNKNOWN)}
    assert [step.why for step in plan.steps] == [
        "sent to till on 2026-01-01 00:00 UTC, and nobody knows if it arrived",
        "waits for a/generate",
        "waits for a/last_frame",
    ]


def test_a_failure_stands_for_its_key_until_the_shot_changes() -> None:
    """The same request is blocked with the failure's words, also for a twin; another prompt runs."""
    facts = Facts(failed={A.key: made.standing(A)})
    plan = made.build(*shots(), dataclasses.replace(shots()[0], id="z"), known=facts)
    assert {step.block for step in plan.steps} == {Block.FAILURE}
    assert by_id(plan)["a/generate"].why == "failed in run r, and the same request would fail again: flagged."
    assert by_id(plan)["z/generate"].why.startswith("asks for the same as a/generate: failed in run r")
    assert {step.action for step in made.build(*shots(prompt="new"), known=facts).steps} == {Action.RUN}


def test_two_that_ask_for_the_same_are_bought_once() -> None:
    """The later one shares: no account, no price, and it waits for the first."""
    plan = made.build(made.shot("a", prompt="p"), made.shot("z", prompt="p"))
    second = by_id(plan)["z/generate"]
    assert (second.twin, second.needs, second.price.high) == ("a/generate", ("a/generate",), 0)
    assert plan.totals().credits == {"till": 6}
    assert "shot z asks for the same as a" in plan.warnings[0].fact
