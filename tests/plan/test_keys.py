"""Keys: three pinned for ever, and what they depend on: the request, the inputs and their order, and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.plan.keys import derived_seed, keys
from pipeline.plan.model import Plan
from pipeline.recipe.model import Budget, Caps, Chain, Shot, Source, Upscale
from pipeline.steps.base import Feed
from pipeline.steps.generate import Generate
from pipeline.steps.last_frame import LastFrame
from tests import made, till

D = Decimal
REQUEST = {"prompt": "a lighthouse", "seconds": D("5.0"), "seed": None}
BYTES = Feed(role="reference", path=Path("anywhere/keeper.png"), sha256="sha256:" + "ab" * 32)
URL = Feed(role="last_frame", url="https://example.com/end.png")
STEP = Feed(role="first_frame", step="dawn/last_frame", output="last_frame")


def generate(*feeds: Feed) -> Generate:
    return Generate(page=till, output="video", request=REQUEST, feeds=feeds)


FRAME = LastFrame(clip=Feed(role="clip", step="dawn/last_frame", output="video"), offset_seconds=D("0.20"))


@pytest.mark.parametrize(
    ("work", "take", "key"),
    [
        (generate(), 1, "k1:7bee4ead160871b6e13a4ca65fd765ff5d6fa546b9fe3ed83cf7a662bd2075a7"),
        (generate(STEP, URL, BYTES), 2, "k1:5caad96db49811e97f1d2c4280a1941da7b8f766ef96682508ab35b710abf3ff"),
        (FRAME, 1, "k1:1eae3b0aadd1ac14656e7de4fedb2f4fd833661ecef170ea83fdc60d10e158dc"),
    ],
)
def test_these_keys_never_change(work: Any, take: int, key: str) -> None:
    """Whoever changes one of them makes every user buy everything again: raise the tag `k1` and say so instead."""
    assert keys(work, {"dawn/last_frame": "k1:" + "cd" * 32}, redos={}, take=take).key == key


def test_a_redo_has_a_key_of_its_own_and_keeps_its_base() -> None:
    """The number is in the key, and the key before it stays the base by which redos are counted."""
    plain = keys(generate(), {}, redos={})
    first, second = (keys(generate(), {}, redos={plain.key: number}) for number in (1, 2))
    assert len({plain.key, first.key, second.key}) == 3
    assert {plain.base, first.base, second.base} == {plain.key}


def test_a_changed_input_leaves_the_steps_own_part() -> None:
    """So that "changed" and "follows a changed one" can be told apart."""
    before, after = (keys(generate(STEP), {"dawn/last_frame": key}, redos={}) for key in ("k1:1", "k1:2"))
    assert before.key != after.key
    assert before.own == after.own
    assert before.own != keys(generate(STEP, BYTES), {"dawn/last_frame": "k1:1"}, redos={}).own


@given(st.permutations([STEP, URL, BYTES]), st.permutations([STEP, URL, BYTES]))
def test_the_order_of_inputs_is_in_the_key(one: list[Feed], two: list[Feed]) -> None:
    """Two keys are equal exactly when the inputs come in the same order."""
    found = [keys(generate(*feeds), {"dawn/last_frame": "k1:1"}, redos={}).key for feeds in (one, two)]
    assert (found[0] == found[1]) == (one == two)


@given(st.integers(0, 2**256 - 1), st.integers(1, 2**31))
def test_a_derived_seed_is_within_the_limit_and_the_keys_own(number: int, limit: int) -> None:
    """The same key gives the same seed, so that a task can be recognised by it."""
    key = f"k1:{number:064x}"
    assert 0 <= derived_seed(key, limit) < limit
    assert derived_seed(key, limit) == derived_seed(key, limit)


# Whole plans: a small recipe with every kind of step, one thing changed in it at a time.

PICTURE, OTHER = made.file("assets/keeper.png", "keeper"), made.file("assets/coat.png", "coat")


def scene(**values: Any) -> list[Shot]:
    """`a` with inputs and takes, `b` chained to it and upscaled, `z` apart; `values` change `a`."""
    first = made.shot("a", takes=2, references=(PICTURE, OTHER), seed=7)
    return [
        dataclasses.replace(first, **values),
        made.shot("b", chain=Chain(shot="a"), upscale=Upscale(to="2k")),
        made.shot("z"),
    ]


def keys_of(plan: Plan) -> dict[str, str]:
    return {step.id: step.key for step in plan.steps}


PLAIN = keys_of(made.build(*scene(), film=made.cut("a", "b")))
MOVED = tuple(dataclasses.replace(source, name=f"b/{source.name}", file=made.file("b/x.png", name).file)
              for source, name in ((PICTURE, "keeper"), (OTHER, "coat")))  # fmt: skip


@pytest.mark.parametrize(
    "values",
    [
        {"account": "agency"},
        {"priority": 9},
        {"retry": 3},
        {"pin": True},
        {"dated": True},
        {"needs": ("z",)},
        {"references": MOVED},
        {"takes": 3},
    ],
    ids=lambda values: "".join(values),
)
def test_what_decides_no_result_is_in_no_key(values: dict[str, Any]) -> None:
    """Account, priority, retry, pin, waiting, the paths of inputs: the same keys; more takes keep the earlier ones."""
    found = keys_of(made.build(*scene(**values), film=made.cut("a", "b")))
    assert PLAIN.items() <= found.items()


@pytest.mark.parametrize(
    "values",
    [
        {"budget": Budget(run=Caps(usd=D(5)), on_exceed="stop")},
        {"usd_per_credit": {"till": D("0.1")}},
        {"widths": {"till": 1}},
        {"processors": 64},
    ],
    ids=lambda values: "".join(values),
)
def test_money_and_machines_are_in_no_key(values: dict[str, Any]) -> None:
    """Budgets, prices, lanes and processors decide when and whether, never what."""
    assert keys_of(made.build(*scene(), film=made.cut("a", "b"), **values)) == PLAIN


def test_another_price_book_is_in_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that asks for more makes the same clip."""
    monkeypatch.setattr(till, "PER_SECOND", {name: price * 2 for name, price in till.PER_SECOND.items()})
    assert keys_of(made.build(*scene(), film=made.cut("a", "b"))) == PLAIN


LINK = Source(name="https://x.example/a.png", media="image", url="https://x.example/a.png")
OF_A = {"a/generate", "a@2/generate", "a/last_frame", "b/generate", "b/upscale", "film"}


@pytest.mark.parametrize(
    ("values", "changed"),
    [
        ({"prompt": "other"}, OF_A),
        ({"seed": 8}, OF_A),
        ({"seconds": D(3)}, OF_A),
        ({"resolution": "1080p"}, OF_A),
        ({"references": (made.file("assets/keeper.png", "another"), OTHER)}, OF_A),
        ({"references": (OTHER, PICTURE)}, OF_A),
        ({"references": (PICTURE,), "first_frame": OTHER}, OF_A),
        ({"references": (PICTURE, LINK)}, OF_A),
        ({"seed": None}, OF_A),
    ],
)  # fmt: skip
def test_what_decides_a_result_is_in_its_key_and_in_those_that_follow(
    values: dict[str, Any], changed: set[str]
) -> None:
    """Prompt, seed, length, size, bytes, order and role of inputs: the step and its followers change, others do not."""
    found = keys_of(made.build(*scene(**values), film=made.cut("a", "b")))
    assert {name for name in found if found[name] != PLAIN[name]} == changed


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        (lambda b: {"chain": Chain(shot="a", offset_seconds=D("0.2"))}, {"b/generate", "b/upscale", "film"}),
        (lambda b: {"upscale": Upscale(to="4k")}, {"b/upscale", "film"}),
        (lambda b: {"upscale": Upscale(to="2k", by="local")}, set()),
        (lambda b: {"takes": 2, "chain": b.chain}, set()),
    ],
)
def test_a_followers_change_stays_with_it(change: Callable[[Shot], dict[str, Any]], changed: set[str]) -> None:
    """The offset of a chain and the size of an upscale are in the keys of what is made with them."""
    a, b, z = scene()
    found = keys_of(made.build(a, dataclasses.replace(b, **change(b)), z, film=made.cut("a", "b")))
    assert {name for name in PLAIN if name in found and found[name] != PLAIN[name]} == changed


def test_takes_without_a_seed_are_told_apart_by_their_number() -> None:
    """With a given seed each has the next one; without, the number is in the key; either way all keys differ."""
    for seed in (7, None):
        found = made.build(made.shot("a", takes=3, seed=seed)).steps
        assert len({step.key for step in found}) == 3
        assert len({step.seed for step in found}) == 3
    assert [step.seed for step in made.build(made.shot("a", takes=3, seed=7)).steps] == [7, 8, 9]


def test_a_shots_name_is_in_the_key_on_animatic_alone() -> None:
    """Elsewhere a renamed shot keeps its clip; on animatic the name is on the slate."""
    for provider, account, same in (("till", "till", True), ("animatic", "animatic", False)):
        one, two = (
            made.build(made.shot(name, prompt="p", provider=provider, account=account)).steps[0] for name in "ab"
        )
        assert (one.key == two.key) is same


def test_a_moved_file_is_in_no_key_on_animatic_either() -> None:
    """A reference has its name on its card; a picture given by path has none."""
    found = [
        made.build(made.shot("a", provider="animatic", references=(made.file(path, "same"),))).steps[0].key
        for path in ("keeper.png", "assets/./k.png")
    ]
    assert found[0] == found[1]


# Any small recipe.


@st.composite
def recipes(draw: st.DrawFn) -> list[Shot]:
    """Shots that chain, refer, wait and multiply, in any order of declaration."""
    shots: list[Shot] = []
    for i in range(draw(st.integers(1, 6))):
        before = [shot.id for shot in shots]
        values: dict[str, Any] = {
            "prompt": draw(st.sampled_from(["p", "q"])),
            "takes": draw(st.integers(1, 3)),
            "seed": draw(st.none() | st.integers(0, 9)),
            "priority": draw(st.integers(-1, 1)),
            "upscale": draw(st.none() | st.just(Upscale(to="2k"))),
        }
        if before and draw(st.booleans()):
            offset = draw(st.sampled_from([D(0), D("0.2"), D("0.20")]))
            values["chain"] = Chain(shot=draw(st.sampled_from(before)), offset_seconds=offset)
        if before and draw(st.booleans()):
            values["needs"] = tuple(draw(st.lists(st.sampled_from(before), max_size=2)))
        shots.append(made.shot(f"s{i}", **values))
    return draw(st.permutations(shots))


@settings(max_examples=50, deadline=None)
@given(recipes(), st.booleans())
def test_any_recipe_becomes_steps_in_order(shots: list[Shot], film: bool) -> None:
    """Ids are unique, each step comes after all it needs, and every step of every take is there and in `takes`."""
    plan = made.build(*shots, film=made.cut(*(shot.id for shot in shots)) if film else None)
    place = {step.id: i for i, step in enumerate(plan.steps)}
    assert len(place) == len(plan.steps)
    for step in plan.steps:
        assert all(place[name] < place[step.id] for name in step.needs)
        assert step.id in (plan.film,) or any(
            step.id in (take.generate, take.upscale, *take.frames) for take in plan.takes
        )
    assert sum(step.kind == "generate" for step in plan.steps) == sum(shot.takes for shot in shots)


@settings(max_examples=50, deadline=None)
@given(recipes(), st.integers(0, 5), st.data())
def test_a_key_depends_on_what_is_upstream_and_on_nothing_else(
    shots: list[Shot], which: int, data: st.DataObject
) -> None:
    """A change of one shot's prompt changes its keys and its followers', and no other; the declared order none."""
    shot = shots[which % len(shots)]
    changed = [dataclasses.replace(s, prompt="new") if s is shot else s for s in shots]
    before, after = made.build(*shots), made.build(*data.draw(st.permutations(changed)))
    follows = {shot.id}
    for step in before.steps:
        takes = {name.partition("/")[0].partition("@")[0] for feed in step.work.feeds if (name := feed.step)}
        if takes & follows:
            follows.add(step.shot)
    one, two = keys_of(before), keys_of(after)
    assert {name for name in one if one[name] != two[name]} == {s.id for s in before.steps if s.shot in follows}


@settings(max_examples=50, deadline=None)
@given(recipes())
def test_more_takes_keep_the_earlier_ones(shots: list[Shot]) -> None:
    """Raising every `takes` by one adds steps and changes none."""
    more = [dataclasses.replace(shot, takes=shot.takes + 1) for shot in shots]
    assert keys_of(made.build(*shots)).items() <= keys_of(made.build(*more)).items()
