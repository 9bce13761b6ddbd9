"""The why that a run notes of a step of its plan: true of how the step is made, in whichever process that is."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pipeline.plan.model import Action, Block
from pipeline.plan.noted import LET_IN, why_of
from tests import made

REUSED, RESUMED, BLOCKED = ({"action": action} for action in (Action.REUSE, Action.RESUME, Action.BLOCKED))
DENIED = {**BLOCKED, "block": Block.BUDGET}
OUT = "till has it as job-7 since 2026-01-01 00:00 UTC"


@pytest.mark.parametrize(
    ("now", "before", "noted"),
    [
        ({}, "", "so now"),
        (REUSED, "not made yet", "not made yet"),
        (RESUMED, "not made yet", "not made yet"),
        ({}, OUT, "so now"),  # that job was cancelled, and another is bought
        ({"follows": True}, "follows a/generate, which changed", "follows a/generate, which changed"),
        ({**BLOCKED, "block": Block.FAILURE}, "not made yet", "not made yet"),
        (DENIED, "", LET_IN),  # nobody reads it before that is so
        (DENIED, "not made yet", LET_IN),
        (REUSED, LET_IN, LET_IN),
        ({}, LET_IN, "so now"),  # the cap was lifted
        ({**BLOCKED, "block": Block.FAILURE}, LET_IN, "so now"),
        ({"beside": "r-1"}, "", "run r-1 was making it"),
    ],
)
def test_a_step_keeps_the_why_it_began_with_while_it_goes_on(now: dict[str, Any], before: str, noted: str) -> None:
    """What is bought anew, or let in after all, has a reason of its own."""
    assert why_of(dataclasses.replace(made.step("a/generate"), why="so now", **now), before) == noted
