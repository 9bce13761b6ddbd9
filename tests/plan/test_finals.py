"""What the last stage makes of picks: which takes, from which seeds, what it keeps; and which picks hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pipeline.errors import Place
from pipeline.plan import build as building
from pipeline.plan import finals
from pipeline.plan.finals import Drafted
from pipeline.plan.model import Plan
from pipeline.plan.setting import Setting
from pipeline.providers.catalog import PROVIDERS
from pipeline.recipe.model import Chain, Film, Pick, Recipe, Shot, Source
from pipeline.recipe.picks import applied
from tests import made, till

PLACE = Place(file="picks.yaml", line=3, column=1)


def picked(**takes: int) -> dict[str, Pick]:
    return {
        shot: Pick(take=take, sha256=f"{shot}@{take}/generate".replace("@1/", "/"), place=PLACE)
        for shot, take in takes.items()
    }


def recipe(picks: Mapping[str, Pick], *shots: Shot, stage: str = "final", film: Film | None = None) -> Recipe:
    bare = made.recipe(shots=shots, film=film)
    shots = applied(picks, bare.shots, final=stage == "final")
    return dataclasses.replace(bare, shots=shots, picks=picks, stage=stage, stages=("draft", "final"))


def plan(of: Recipe, known: made.Facts | None = None, **values: Any) -> Plan:
    setting = Setting(providers={**PROVIDERS, "till": till}, **values)
    return building.build(of, known or made.Facts(), setting)


A, B, C = (made.shot(name, takes=3) for name in "abc")
CHAINED = made.shot("b", takes=3, chain=Chain(shot="a"))


def test_a_chain_and_a_film_use_the_picked_take() -> None:
    """In any stage; without a pick the first, under the keys that they ever had."""
    before = plan(recipe({}, A, CHAINED, stage="draft", film=made.cut("a", "b")))
    assert [step.id for step in before.steps if "last_frame" in step.id] == ["a/last_frame"]
    after = plan(recipe(picked(a=2, b=3), A, CHAINED, stage="draft", film=made.cut("a", "b")))
    keys = {step.id: step for step in after.steps}
    assert [name for name in keys if "last_frame" in name] == ["a@2/last_frame"]
    assert [feed.step for feed in keys["b@2/generate"].work.feeds] == ["a@2/last_frame"]
    assert [feed.step for feed in keys["film"].work.feeds] == ["a@2/generate", "b@3/generate"]
    own = {step.id: step.own for step in before.steps}
    assert keys["b/generate"].own == own["b/generate"]  # it only follows
    assert keys["a/generate"].key == before.steps[0].key


def test_a_frame_and_a_reference_are_those_of_the_picked_still() -> None:
    """By the take's own step."""
    still = made.shot("s", kind="image", takes=2)
    source = Source(name="s", media="image", shot="s")
    clip = made.shot("a", first_frame=source)
    found = {step.id: step for step in plan(recipe(picked(s=2), still, clip)).steps}
    assert "a/generate" not in found  # no take of it is picked
    found = {step.id: step for step in plan(recipe(picked(s=2, a=1), still, clip)).steps}
    assert list(found) == ["s@2/generate", "a/generate"]
    assert [feed.step for feed in found["a/generate"].work.feeds] == ["s@2/generate"]


def test_what_is_not_picked_is_named_and_left_out() -> None:
    """With what needs it, and the film; each take says why it is not there."""
    made_of = plan(recipe(picked(b=2, c=1), A, CHAINED, C, film=made.cut("b", "c")))
    assert [step.id for step in made_of.steps] == ["c/generate"]
    assert [(take.id, take.why) for take in made_of.takes] == [
        ("a", "no take of it is picked"),
        ("b@2", "needs a, of which no take is picked"),
        ("c", "not asked for"),
    ]
    (warning,) = made_of.warnings
    assert warning.fact == "No take is picked of a: final does not make it, nor b, which needs it, and not the film."
    assert made_of.left == frozenset()


def test_a_final_has_the_seed_of_its_draft() -> None:
    """Where both have one; where the request is the same it is the very take that was picked."""
    drafts = plan(recipe({}, A, B, stage="draft"))
    base = {step.id: step.base for step in drafts.steps}
    told = {
        "a@2": Drafted(base=base["a@2/generate"], seed=5, told="take 2 of draft"),
        "b": Drafted(base="k1:other", seed=7, told="take 1 of draft"),
    }
    found = {step.id: step for step in plan(recipe(picked(a=2, b=1), A, B), drafted=told).steps}
    kept, anew = found["a@2/generate"], found["b/generate"]
    assert (kept.base, kept.why) == (base["a@2/generate"], "take 2 of draft, as it was picked")
    assert anew.why.endswith(("same seed", "will differ: no seed"))
    assert (anew.seed == 7) == anew.why.endswith("same seed")
    redone = plan(recipe(picked(a=2, b=1), A, B), drafted=told, redo=("a",))
    assert {step.id: step.key for step in redone.steps}["a@2/generate"] == kept.key


def test_the_rung_that_was_picked_is_asked_for_first() -> None:
    """A draft that its shot fell back to is kept, and what failed before it is not tried again."""
    ladder = made.shot("a", takes=2, fallback=(made.shot("a", takes=2, prompt="softer"),))
    softer = plan(recipe({}, ladder.fallback[0], stage="draft")).steps[0]
    told = {"a": Drafted(base=softer.base, seed=None, told="take 1 of draft")}
    (step,) = plan(recipe(picked(a=1), ladder), drafted=told).steps
    assert (step.key, step.rung, step.why) == (softer.key, 1, "take 1 of draft, as it was picked")


def test_a_pick_holds_while_its_take_is_the_one_that_is_reused() -> None:
    """Else it is told of at its place: another file, not there, no such take."""
    of = recipe(picked(a=2, b=1), A, B, stage="draft")
    bare = plan(of)
    assert finals.stale(of, plan(of, made.Facts.of(bare))) == ()
    (first, second) = finals.stale(of, bare)
    assert first.fact == "The pick of a@2 is stale: that take is not there as it would be made now: not made yet."
    assert (first.place, second.fact[:13]) == (PLACE, "The pick of b")
    other = dataclasses.replace(of, picks={"a": Pick(take=2, sha256="sha256:other", place=PLACE)})
    (fault,) = finals.stale(other, plan(of, made.Facts.of(bare)))
    assert fault.fact == "The pick of a@2 is stale: that take is another file now."
    gone = dataclasses.replace(of, picks={"a": Pick(take=4, sha256="x", place=PLACE)})
    (fault,) = finals.stale(gone, bare)
    assert fault.fact == "The pick of a@4 is stale: a has 3 takes."


def test_drafts_tell_what_finals_are_made_after() -> None:
    """By the id of the picked take."""
    of = recipe(picked(a=2), A, B)
    drafts = plan(recipe({}, A, B, stage="draft"))
    (found,) = finals.drafted(of, drafts).items()
    step = next(step for step in drafts.steps if step.id == "a@2/generate")
    assert found == ("a@2", Drafted(base=step.base, seed=step.seed, told="take 2 of draft"))
