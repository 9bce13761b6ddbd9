"""What of a plan the money allows: by order, by priority, and never more than the caps."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.money import ZERO
from pipeline.plan import afford, graph
from pipeline.plan.budget import Book, Limit, Limits
from pipeline.plan.model import Action, Block, Step
from tests import made

D = Decimal


def book(cap: object, policy: str = "stop", take: object = None) -> Book:
    limit = Limit(credits={"till": D(str(take))}) if take is not None else Limit()
    return Book(Limits(run=Limit(credits={"till": D(str(cap))}), take=limit, on_exceed=policy))  # type: ignore[arg-type]


A = made.step("a/generate", price="6")
B = made.step("b/generate", "a/generate", price="6")
C = made.step("c/generate", price="3", priority=5)
FREE = made.step("free/generate")
FILM = made.step("film", "b/generate", "free/generate")
ALL = (A, B, C, FREE, FILM)


def blocked(steps: tuple[Step, ...]) -> dict[str, str]:
    return {step.id: step.why for step in steps if step.action is Action.BLOCKED}


def test_the_first_that_does_not_fit_is_named() -> None:
    """In plan order, at upper prices, with what is left for it."""
    over = afford.first_denial(ALL, book(14))
    assert over is not None
    assert (over[0].id, over[1].left, over[1].asked) == ("c/generate", 2, 3)
    assert afford.first_denial(ALL, book(15)) is None


def test_refuse_blocks_nothing() -> None:
    """The run as a whole is refused elsewhere, so the plan shows what was wanted."""
    assert afford.fit(ALL, book(0, "refuse")) == ALL


def test_stop_blocks_from_the_first_that_does_not_fit() -> None:
    """Every paid step after it too, even a smaller one; what is free goes on, but for what needs them."""
    assert blocked(afford.fit(ALL, book(9))) == {
        "b/generate": "it needs 6 till credits; of 9 for the run, 3 are left",
        "c/generate": "the budget stopped the run at b/generate",
        "film": "waits for b/generate",
    }


def test_skip_serves_the_highest_priority_first() -> None:
    """`c` before `a`, although it comes later; a step is let in only with all that it needs."""
    assert set(blocked(afford.fit(ALL, book(9, "skip")))) == {"b/generate", "film"}
    assert set(blocked(afford.fit(ALL, book(8, "skip")))) == {"a/generate", "b/generate", "film"}


def test_a_take_has_a_cap_of_its_own() -> None:
    """Blocked by it, and not by the run's."""
    found = afford.fit((A, C), book(100, "skip", take=5))
    assert blocked(found) == {"a/generate": "it needs 6 till credits; of 5 for a, 5 are left"}
    assert found[0].block is Block.BUDGET


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(-2, 2), st.booleans()), min_size=1, max_size=8),
    st.integers(0, 30),
    st.sampled_from(["stop", "skip"]),
)
def test_what_is_let_in_fits_and_can_be_made(wishes: list[tuple[int, int, bool]], cap: int, policy: str) -> None:
    """The sum stays within the cap, nothing runs whose need is blocked, and nothing is blocked where all fits."""
    steps: list[Step] = []
    for i, (price, priority, chained) in enumerate(wishes):
        needs = [f"s{i - 1}/generate"] if chained and i else []
        steps.append(made.step(f"s{i}/generate", *needs, price=str(price), priority=priority))
    found = {step.id: step for step in afford.fit(steps, book(cap, policy))}
    spent = sum((step.price.high for step in found.values() if step.action is Action.RUN), ZERO)
    assert spent <= cap
    for step in found.values():
        if step.action is Action.RUN:
            assert all(found[name].action is Action.RUN for name in step.needs)
    if sum(step.price.high for step in steps) <= cap:
        assert not blocked(tuple(found.values()))


@pytest.mark.parametrize("policy", ["stop", "skip"])
def test_what_is_there_or_out_costs_nothing_more(policy: str) -> None:
    """Reused and resumed steps are neither counted again nor blocked."""
    there = made.step("a/generate", price="6", action=Action.REUSE)
    steps = (there, made.step("b/generate", price="6", action=Action.RESUME))
    assert afford.fit(steps, book(0, policy)) == steps


def random_steps(wishes: list[tuple[int, int, bool]]) -> list[Step]:
    """Steps of these prices and priorities, each chained to the one before where it is to be."""
    steps: list[Step] = []
    for i, (price, priority, chained) in enumerate(wishes):
        needs = [f"s{i - 1}/generate"] if chained and i else []
        steps.append(made.step(f"s{i}/generate", *needs, price=str(price), priority=priority))
    return steps


WISHES = st.lists(st.tuples(st.integers(0, 9), st.integers(-2, 2), st.booleans()), min_size=1, max_size=8)


@settings(max_examples=80, deadline=None)
@given(WISHES, st.integers(0, 30), st.booleans())
def test_nothing_that_fits_is_left_out(wishes: list[tuple[int, int, bool]], cap: int, by_priority: bool) -> None:
    """Under `skip`, and of what fits now: what is left out, with all it needs, does not fit beside what is let in."""
    steps = random_steps(wishes)
    fit = afford.fit if by_priority else afford.within
    found = {step.id: step for step in fit(steps, book(cap, "skip"))}
    left = cap - sum(step.price.high for step in found.values() if step.action is Action.RUN)
    needs = {step.id: step.needs for step in steps}
    for step in found.values():
        if step.action is Action.BLOCKED and step.account:
            wanted = [found[name] for name in graph.closure({step.id}, needs)]
            assert sum(one.price.high for one in wanted if one.action is Action.BLOCKED) > left


@settings(max_examples=80, deadline=None)
@given(WISHES, st.integers(0, 30))
def test_stop_lets_in_the_beginning_of_the_plan(wishes: list[tuple[int, int, bool]], cap: int) -> None:
    """Paid steps before the first that does not fit, none after it, and that one would break the cap."""
    found = afford.fit(random_steps(wishes), book(cap, "stop"))
    paid = [step for step in found if step.account]
    runs = [step.action is Action.RUN for step in paid]
    first = runs.index(False) if False in runs else len(runs)
    assert not any(runs[first:])
    if first < len(paid):
        assert sum(step.price.high for step in paid[: first + 1]) > cap
