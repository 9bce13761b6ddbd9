"""The tree of refusals is as drawn, each with its exit code; faults are told in the order of the text."""

from __future__ import annotations

import re

import pytest

from pipeline import errors
from pipeline.errors import Advice, Fault, MediaError, Place, ProviderError, RecipeError, RushesError, StepError

DRAWN = {name: int(code or 1) for name, code in re.findall(r"[├└]── (\w+) +(\d?)", errors.__doc__ or "")}


def _tree(kind: type[RushesError]) -> set[type[RushesError]]:
    return {kind}.union(*map(_tree, kind.__subclasses__()))


def test_the_tree_is_the_one_that_is_drawn() -> None:
    """Every class is in the drawing with its exit code, and nothing else is; one step's failures are all 1."""
    told = {kind.__name__: kind.exit_code for kind in _tree(RushesError) if kind.__module__ == errors.__name__}
    assert told == {**DRAWN, "RushesError": 70}


def test_a_refusal_says_the_fact_and_the_way_out() -> None:
    """Both are there as values, and as one sentence after the other."""
    error = errors.UserError("it is so.", "Do this.")
    assert (error.fact, error.hint, str(error)) == ("it is so.", "Do this.", "it is so. Hint: Do this.")
    assert str(errors.Held("it is so.")) == "it is so."


def test_faults_are_sorted_by_place_and_told_once() -> None:
    """Whatever order they were found in; the first one speaks for all where only one may."""
    early, late = Place(file="r.yaml", line=2, column=9), Place(file="r.yaml", line=10, column=1)
    one, two = Fault(place=early, fact="a.", hint="A."), Fault(place=late, fact="b.", hint="B.")
    error = RecipeError([two, one, two])
    assert str(error) == "r.yaml:2:9: a. Hint: A.\nr.yaml:10:1: b. Hint: B."
    assert (error.fact, error.hint, error.exit_code) == ("a.", "A.", 2)
    assert str(Fault(place=early, fact="a.", hint="A.", warning=True)) == "r.yaml:2:9: warning: a. Hint: A."


@pytest.mark.parametrize("kind", [StepError, MediaError, ProviderError])
def test_nothing_is_repeated_unless_somebody_said_so(kind: type[StepError]) -> None:
    """Advice is never by default."""
    assert kind("no.").advice is Advice.NEVER
    assert kind("no.", advice=Advice.LATER, after_seconds=3).after_seconds == 3
