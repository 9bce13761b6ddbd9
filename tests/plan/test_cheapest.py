"""Who makes a shot for the least: who competes, who is left out and why, and what stays where it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import accounts
from pipeline.config import Config
from pipeline.config.model import NaciSettings
from pipeline.errors import RecipeError
from pipeline.plan.build import build
from pipeline.plan.cheapest import refuse_too_many
from pipeline.plan.model import Action, Plan
from pipeline.plan.setting import Setting
from pipeline.providers.catalog import SERVICES
from pipeline.recipe.model import Budget, Shot, Upscale
from pipeline.store.ledger import Line
from tests import made
from tests.made import Facts

D = Decimal
MOVIE = "seedance2-movie"
ALL = tuple(SERVICES)
PRICES = NaciSettings(prices={"sd2.0": {"720p": D(18)}})
RATES = {"seedance2-movie": D("0.05"), "seedancee2": D("0.01"), "naci": D("0.01")}  # $0.36, $0.80, $0.72; seegen $0.64

SETTING = Setting(providers=accounts.pages(Config()))


def shot(id: str = "a", **values: Any) -> Shot:
    """A clip of four seconds by whoever is the cheapest."""
    fields = {"provider": "cheapest", "account": "", "model": "seedance-2", "seconds": D(4)}
    return made.shot(id, **(fields | values))


def plan(
    *shots: Shot,
    keys: Iterable[str] = ALL,
    rates: dict[str, Decimal] | None = None,
    known: Facts | None = None,
    **values: Any,
) -> Plan:
    """The plan of these shots for a user who has set the keys of these services, at these dollars a credit."""
    rates = RATES if rates is None else rates
    config = Config(usd_per_credit=rates, naci=PRICES)
    setting = Setting(
        providers=accounts.pages(config),
        usd_per_credit=rates,
        accounts=dict(zip(ALL, ALL, strict=True)),
        configured=frozenset(keys),
        **{"published": "file:///pub", **values},
    )
    recipe = made.recipe(shots=shots, budget=Budget())
    return build(recipe, known or made.Nothing(), setting)


def makers(plan: Plan) -> list[str]:
    """Who makes each take."""
    return [step.provider for step in plan.steps if step.kind == "generate"]


@pytest.mark.parametrize(
    ("keys", "rates", "maker", "why"),
    [
        (ALL, RATES, MOVIE, "cheapest at $0.36, then seegen at $0.64"),
        (("seegen", "naci"), RATES, "seegen", "cheapest at $0.64, then naci at $0.72"),
        (("seedancee2", "naci"), RATES, "naci", "cheapest at $0.72, then seedancee2 at $0.80"),
        (("naci",), RATES, "naci", "cheapest at $0.72, the only one that can"),
        (("naci",), {}, "naci", "cheapest (price in dollars unknown: set usd_per_credit), the only one that can"),
        (
            ("seegen", "naci"),
            {},
            "seegen",
            "cheapest at $0.64; naci: price in dollars unknown: set usd_per_credit",
        ),
        (("seegen", "naci"), {"naci": D("0.64") / 72}, "seegen", "cheapest at $0.64, then naci at $0.64"),
        (ALL, {**RATES, "seedancee2": D(0)}, "seedancee2", "cheapest at $0.00, then seedance2-movie at $0.36"),
    ],
)
def test_the_least_in_dollars(keys: tuple[str, ...], rates: dict[str, Decimal], maker: str, why: str) -> None:
    """Whose key is set and whose price in dollars is known; of equals the first of the catalog; the next best told."""
    found = plan(shot(), keys=keys, rates=rates)
    assert (makers(found), found.steps[0].why) == ([maker], f"not made yet; {why}")


def test_nobody_competes_whose_price_is_unknown() -> None:
    """Of several and no price in dollars: a fault, a line each, and where to write it."""
    with pytest.raises(RecipeError) as error:
        plan(shot("a"), shot("b"), keys=("naci", "seedancee2"), rates={})
    (fault,) = error.value.faults
    assert fault.fact.splitlines() == [
        "Who makes a, b for the least cannot be told: no price in dollars is known.",
        "  seedancee2: price in dollars unknown: set usd_per_credit",
        "  naci: price in dollars unknown: set usd_per_credit",
    ]


def test_a_shot_that_nobody_configured_can_make() -> None:
    """Each service says why not, in a short line; the one that could is named with the key that is missing."""
    still = shot("s", kind="image", model="gpt-image-2", seconds=D(0))
    with pytest.raises(RecipeError) as error:
        plan(still, shot("b"), keys=(MOVIE,))
    (fault,) = error.value.faults
    first, *lines = fault.fact.splitlines()
    assert first == "No configured service can make s."
    assert [line.split(":")[0].split()[0] for line in lines] == [MOVIE, "seedancee2", "naci", "seegen"]
    assert lines[-1] == "  seegen: could, and SEEGEN_API_KEY is not set"
    assert max(map(len, lines)) <= 122
    assert "seegen" in fault.hint


def test_without_any_service_the_animatic_draws_and_that_is_told() -> None:
    """Never else."""
    found = plan(shot("a"), shot("b"), keys=())
    assert makers(found) == ["animatic", "animatic"]
    (warning,) = found.warnings
    assert warning.fact.startswith("No service is configured, so animatic draws")
    assert makers(plan(shot(), keys=("naci",), rates={})) == ["naci"]


def test_an_input_that_cannot_be_given_is_a_reason() -> None:
    """Without a place to publish, who reads pictures by URL alone is left out, and who takes bytes is not."""
    with_picture = shot(first_frame=made.file("k.png"), seconds=D(5))
    found = plan(with_picture, published="")
    assert makers(found) == [MOVIE]
    assert makers(plan(with_picture, published="", keys=("seegen", MOVIE), rates={MOVIE: D(9)})) == [MOVIE]
    assert makers(plan(with_picture, keys=("seegen", MOVIE), rates={MOVIE: D(9)})) == ["seegen"]


def test_the_upscale_is_part_of_the_price() -> None:
    """Which is left to a service only where its key is set."""
    from pipeline.providers.catalog import UPSCALERS

    large = shot(upscale=Upscale(to="2k"))
    found = plan(large, upscalers=UPSCALERS, rates={MOVIE: D("0.06")})  # $0.43 and $0.76 are more than $1.12
    assert makers(found) == ["seegen"]
    found = plan(large, upscalers=UPSCALERS, rates={MOVIE: D("0.04")})
    assert [(step.kind, step.provider) for step in found.steps if step.account] == [
        ("generate", MOVIE),
        ("upscale", "seegen"),
    ]
    with pytest.raises(RecipeError, match="leaves the upscale to seegen, of which no key is set"):
        plan(large, upscalers=UPSCALERS, keys=(MOVIE,))


def test_what_is_there_or_under_way_stays() -> None:
    """Kept or pending, by whoever: prices and keys may change."""
    before = plan(shot())
    step = before.steps[0]
    dear = {**RATES, MOVIE: D(9)}
    assert makers(plan(shot(), rates=dear)) == ["seegen"]
    for known in (Facts.of(before), Facts(open={step.key: made.pending(step, account=MOVIE)})):
        for keys in (ALL, ("seegen",), ()):
            again = plan(shot(), rates=dear, known=known, keys=keys)
            assert (makers(again), again.steps[0].key) == ([MOVIE], step.key)
            assert again.steps[0].action in (Action.REUSE, Action.RESUME)


def test_of_two_that_are_there_the_one_that_is_shown() -> None:
    """Another shot may have been made of the same words elsewhere, for nothing that this one would be charged."""
    mine = plan(shot())
    other = plan(shot(provider="seegen", account="seegen"))
    known = dataclasses.replace(
        Facts.of(mine), made={step.key: made.kept(step) for step in (mine.steps[0], other.steps[0])}
    )
    assert makers(plan(shot(), known=known, rates={**RATES, MOVIE: D(9)})) == [MOVIE]


def test_a_failure_alone_holds_nothing() -> None:
    """Where nothing is there, prices decide: they are as they were, unless the user has changed them."""
    step = plan(shot()).steps[0]
    known = Facts(failed={step.key: made.standing(step)})
    assert makers(plan(shot(), known=known)) == [MOVIE]
    anew = plan(shot(), known=Facts(tried={step.key: "lost"}))
    assert anew.steps[0].why == "not made yet; cheapest at $0.36, then seegen at $0.64"
    assert makers(plan(shot(), known=known, rates={**RATES, MOVIE: D(9)})) == ["seegen"]


def test_what_is_there_needs_no_price() -> None:
    """Prices in dollars that are known no more are no fault where nothing is chosen any more."""
    asked = dataclasses.replace(shot(), fallback=(shot(),))
    (step,) = plan(asked).steps
    fallen = dataclasses.replace(made.kept(step), key=step.fallback[0].key)
    known = Facts(made={fallen.key: fallen}, failed={step.key: made.standing(step)})
    for rates in ({}, RATES):
        (after,) = plan(asked, rates=rates, known=known, keys=("seegen", MOVIE)).steps
        assert (after.action, after.key, after.rung) == (Action.REUSE, fallen.key, 1)


def ladder(**values: Any) -> Shot:
    """By the cheapest, then by the next, then by the one after that."""
    first = shot(**values)
    return dataclasses.replace(first, fallback=(first, first))


def test_each_fallback_is_the_next_best() -> None:
    """And one for whom nobody is left is taken away, which is told."""
    (step,) = plan(ladder()).steps
    assert [step.provider, *(one.provider for one in step.fallback)] == [MOVIE, "seegen", "naci"]
    found = plan(ladder(), keys=("seegen", MOVIE))
    assert [one.provider for one in found.steps[0].fallback] == ["seegen"]
    (warning,) = found.warnings
    assert warning.fact.splitlines()[0] == "No other configured service can make fallback 2 of a."


@given(
    fate=st.lists(st.sampled_from(["kept", "failed", "fresh"]), min_size=3, max_size=3),
    prices=st.permutations([D("0.01"), D("0.05"), D("0.09"), D(1)]),
)
def test_what_is_there_is_never_bought_beside(fate: list[str], prices: list[Decimal]) -> None:
    """Whatever became of three rungs and of prices: a clip that is there is what the plan shows."""
    (step,) = plan(ladder()).steps
    keys = dict(zip((step.key, *(one.key for one in step.fallback)), fate, strict=True))
    kept = {key: dataclasses.replace(made.kept(step), key=key) for key, how in keys.items() if how == "kept"}
    failed = {key: dataclasses.replace(made.standing(step), key=key) for key, how in keys.items() if how == "failed"}
    rates = dict(zip(ALL, prices, strict=True))
    (after,) = plan(ladder(), rates=rates, known=Facts(made=kept, failed=failed)).steps
    if kept:
        assert (after.action, after.key in kept) == (Action.REUSE, True)


fates = st.dictionaries(st.tuples(st.integers(1, 3), st.sampled_from(ALL)), st.booleans(), max_size=8)
dollars = st.lists(st.sampled_from([D("0.001"), D("0.01"), D("0.05"), D("0.09"), D(1)]), min_size=4, max_size=4)


@given(rungs=st.integers(1, 4), takes=st.integers(1, 3), fails=fates, before=dollars, after=dollars)
def test_once_a_run_has_ended_prices_change_nothing(
    rungs: int, takes: int, fails: dict[tuple[int, str], bool], before: list[Decimal], after: list[Decimal]
) -> None:
    """Whichever takes fail for good at whichever services: the next plan, at other prices, shows all that is there."""
    one = shot(takes=takes)
    asked = dataclasses.replace(one, fallback=(one,) * (rungs - 1))
    known = Facts()
    rates = dict(zip(ALL, before, strict=True))
    for _ in range(rungs + 1):
        found = plan(asked, rates=rates, known=known)
        for step in (step for step in found.steps if step.action is Action.RUN):
            if fails.get((step.take, step.provider)):
                known = dataclasses.replace(known, failed={**known.failed, step.key: made.standing(step)})
            else:
                known = dataclasses.replace(known, made={**known.made, step.key: made.kept(step)})
    ended = plan(asked, rates=rates, known=known)
    assert all(step.action in (Action.REUSE, Action.BLOCKED) for step in ended.steps)
    lines = {step.id: Line(key=step.key, base=step.base, own=step.own) for step in ended.steps}
    known = dataclasses.replace(known, noted=lines)
    later = plan(asked, rates=dict(zip(ALL, after, strict=True)), known=known)
    there = {step.id: step.key for step in ended.steps if step.action is Action.REUSE}
    assert {step.id: step.key for step in later.steps if step.action is Action.REUSE} == there


def test_a_plan_of_a_rung_that_was_asked_for_by_name() -> None:
    """A fallback by the cheapest asks nobody who was asked for the same before it."""
    first = shot(provider=MOVIE, account=MOVIE)
    (step,) = plan(dataclasses.replace(first, fallback=(shot(),))).steps
    assert (step.provider, [one.provider for one in step.fallback]) == (MOVIE, ["seegen"])
    softer = shot(prompt="softer")
    (step,) = plan(dataclasses.replace(first, fallback=(softer,))).steps
    assert [one.provider for one in step.fallback] == [MOVIE]


def test_no_more_is_compared_than_a_recipe_may_have_results() -> None:
    """Every service counts, for each take of each rung whose provider is open, also by `--provider`."""
    many = [shot(f"a{n}", takes=100) for n in range(251)]
    assert refuse_too_many(many[:250], SETTING, 0) is None
    for shots, setting, stages, most in (
        (many, SETTING, 0, "100,000 requests; a recipe may have no more."),
        (many[:126], SETTING, 1, "50,000 requests; a recipe may have no more in its stage."),
        (
            [dataclasses.replace(one, provider="seegen") for one in many],
            dataclasses.replace(SETTING, provider="cheapest"),
            0,
            "100,000 requests; a recipe may have no more.",
        ),
    ):
        with pytest.raises(RecipeError) as refused:
            refuse_too_many(shots, setting, stages)
        assert refused.value.fact.endswith(most)
        assert "4 services" in refused.value.fact
    named = [dataclasses.replace(one, provider="seegen") for one in many]
    assert refuse_too_many(named, SETTING, 0) is None
    with pytest.raises(RecipeError, match="100,000 requests"):
        plan(*many)
