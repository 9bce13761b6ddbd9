"""`--provider` and `--preview`: what moves, and what is told of that which stays."""

from __future__ import annotations

import dataclasses

from pipeline.plan.moving import listed
from tests import made


def test_a_few_names_are_listed_and_the_rest_counted() -> None:
    """Nobody reads a hundred names."""
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcdef")) == "a, b, c, d and 2 more"


def test_a_fallback_that_cannot_move_stays_and_is_told() -> None:
    """The shot moves; its fallback is what only its own provider makes."""
    first = made.shot("a", provider="animatic", account="")
    large = dataclasses.replace(first, resolution="4k")
    plan = made.build(dataclasses.replace(first, fallback=(large,)), provider="till")
    (step,) = plan.steps
    assert (step.provider, [one.provider for one in step.fallback]) == ("till", ["animatic"])
    (warning,) = plan.warnings
    assert warning.fact == "shot a (fallback 1) stays on animatic: till makes no 4k."
