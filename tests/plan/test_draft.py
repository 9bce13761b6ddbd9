"""A shot becomes steps: its inputs in order, its frames, its upscale; and what a service cannot do is told."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from pipeline.errors import RecipeError
from pipeline.plan.wish import wish_of
from pipeline.providers import animatic
from pipeline.recipe.model import Chain, Source, Upscale
from tests import made

D = Decimal


def test_a_take_in_portable_words() -> None:
    """The second take bears its number, and the next seed where one was given."""
    shot = made.shot("a", seed=7)
    assert (wish_of(shot, 1, (), animatic).shot, wish_of(shot, 1, (), animatic).seed) == ("a", 7)
    assert (wish_of(shot, 2, (), animatic).shot, wish_of(shot, 2, (), animatic).seed) == ("a@2", 8)
    assert wish_of(dataclasses.replace(shot, seed=None), 2, (), animatic).seed is None


def test_inputs_stand_in_one_order() -> None:
    """Chain or first frame, last frame, references as declared; the feeds beside them in the same order."""
    sheet = Source(name="sheet", media="image", shot="sheet")
    step = made.build(
        made.shot("sheet", kind="image", seconds=D(0)),
        made.shot("a"),
        made.shot("b", chain=Chain(shot="a"), last_frame=made.file("end.png"), references=(sheet, made.file("x.png"))),
    ).steps[-1]
    assert [(feed.role, feed.step or feed.sha256) for feed in step.work.feeds] == [
        ("first_frame", "a/last_frame"),
        ("last_frame", "sha256:end.png"),
        ("reference", "sheet/generate"),
        ("reference", "sha256:x.png"),
    ]
    assert step.work.words()["request"]["inputs"] == ["first_frame", "last_frame", "reference", "reference"]
    assert step.needs == ("a/last_frame", "sheet/generate")


def test_each_offset_has_a_frame_of_its_own() -> None:
    """Two chains from one moment share it, however the moment was written; only the first take has frames."""
    plan = made.build(
        made.shot("a", takes=2),
        made.shot("b", chain=Chain(shot="a", offset_seconds=D("0.2"))),
        made.shot("c", chain=Chain(shot="a", offset_seconds=D("0.20"))),
        made.shot("d", chain=Chain(shot="a")),
    )
    assert plan.takes[0].frames == ("a/last_frame", "a/last_frame-0.2s")
    assert plan.takes[1].frames == ()
    needs = {step.id: step.needs for step in plan.steps}
    assert needs["b/generate"] == needs["c/generate"] == ("a/last_frame-0.2s",)


def test_a_chain_takes_the_clip_before_upscaling_and_the_film_the_one_after() -> None:
    """Chained shots do not wait for upscales; a film shows them."""
    film = made.cut("a", "b", resolution="1080p")
    plan = made.build(made.shot("a", upscale=Upscale(to="2k")), made.shot("b", chain=Chain(shot="a")), film=film)
    steps = {step.id: step for step in plan.steps}
    assert steps["a/last_frame"].needs == steps["a/upscale"].needs == ("a/generate",)
    assert steps["film"].needs == ("a/upscale", "b/generate")
    assert steps["film"].work.words()["seams"] == [False, True]
    assert steps["film"].work.words()["size"] == [1920, 1080]


def test_a_seam_is_a_direct_continuation_alone() -> None:
    """Not with an offset, nor where another clip stands between."""
    later = made.shot("b", chain=Chain(shot="a", offset_seconds=D("0.2")))
    shots = [made.shot("a"), later, made.shot("c", chain=Chain(shot="a"))]
    seams = made.build(*shots, film=made.cut("a", "b", "c")).steps[-1].work.words()["seams"]
    assert seams == [False, False, False]


def test_money_follows_the_account() -> None:
    """A clip has its provider's price, in dollars where a credit's is known; work on this machine is free."""
    plan = made.build(made.shot("a", upscale=Upscale(to="2k")), usd_per_credit={"till": D("0.05")})
    clip, upscale = plan.steps
    assert (clip.account, clip.lane, clip.price.high, clip.price.usd) == ("till", "till", 6, D("0.30"))
    assert (upscale.account, upscale.lane, upscale.price.high, upscale.price.usd) == ("", "media", 0, 0)


def test_what_a_service_cannot_do_is_told_for_every_shot_at_once() -> None:
    """Also of shots that stand on a faulty one; each fault at its field."""
    lines = [lambda *_, line=line: dataclasses.replace(made.place(), line=line) for line in (1, 2, 3)]
    with pytest.raises(RecipeError) as caught:
        made.build(
            made.shot("a", resolution="4k", where=lines[0]),
            made.shot("b", resolution="4k", where=lines[1], chain=Chain(shot="a")),
            made.shot("c", where=lines[2]),
        )
    assert [(fault.place.line, fault.fact) for fault in caught.value.faults] == [
        (1, "till makes no 4k."),
        (2, "till makes no 4k."),
    ]


def test_a_derived_seed_is_sent_and_told() -> None:
    """Where none is given and the service takes one: in the request, the same for the same key."""
    one, two = (made.build(made.shot("a")).steps[0] for _ in range(2))
    assert one.seed == two.seed == one.work.words()["request"]["seed"]
    assert one.seed is not None
