"""What a service's rules forbid is named as the recipe calls it, with the way out that fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.engine.forbidden import in_recipe
from pipeline.errors import Moderated, Part, ProviderError
from pipeline.steps.base import Feed
from tests import made

KEEPER = Feed(role="reference", path=Path("keeper.png"), name="keeper", media="image")
SHEET = Feed(role="reference", step="sheet/generate", output="image", name="sheet", media="image")
WALK = Feed(role="reference", url="https://x.example/walk.mp4", name="walk", media="video")
OPENING = Feed(role="first_frame", step="opening/generate", output="image", name="opening", media="image")
CHAINED = Feed(role="first_frame", step="dawn/last_frame", output="last_frame", name="dawn", media="image")


@pytest.mark.parametrize(
    ("part", "feeds", "told", "hint"),
    [
        (Part.UNTOLD, (KEEPER,), "It does not say which part.", "old hint"),
        (Part.PROMPT, (KEEPER,), "It forbids the prompt.", "Reword the prompt"),
        (Part.OUTPUT, (KEEPER,), "It forbids what came of it.", "--redo"),
        (Part.IMAGE, (KEEPER, WALK), "It forbids the reference keeper.", "another picture"),
        (Part.IMAGE, (OPENING,), "It forbids the first frame, opening.", "another picture"),
        (Part.IMAGE, (CHAINED,), "It forbids the first frame, which is the last frame of dawn.", "another picture"),
        (Part.IMAGE, (KEEPER, SHEET), "It forbids one of these: the reference keeper; the reference sheet.", "picture"),
        (Part.VIDEO, (KEEPER, WALK), "It forbids the reference walk.", "another clip"),
        (Part.IMAGERY, (KEEPER, WALK), "one of these: the reference keeper; the reference walk.", "another input"),
        (Part.AUDIO, (KEEPER,), "It forbids an input (sound).", "Change what the shot stands on"),
        (Part.INPUT, (KEEPER,), "It forbids the reference keeper.", "another input"),
    ],
)
def test_a_part_is_what_the_recipe_calls_it(part: Part, feeds: tuple[Feed, ...], told: str, hint: str) -> None:
    """One input by its role and its name, several as those it may be; the service's own words come first."""
    error = in_recipe(Moderated("No.", "old hint", part=part), made.Idle(feeds=feeds))
    assert isinstance(error, Moderated)
    assert (error.fact.startswith("No. "), told in error.fact, hint in error.hint) == (True, True, True)
    assert (error.cause, error.part) == ("moderation", part)


def test_other_errors_stay_as_they_are() -> None:
    """They have no cause."""
    error = ProviderError("No.")
    assert in_recipe(error, made.IDLE) is error
    assert error.cause == ""
