"""A shot without words: it may go by a picture alone, as some services' documents have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import RecipeError
from pipeline.recipe.load import load

HEAD = "rushes: 1\nname: t\nshots:\n  - {id: k, kind: image, prompt: p}\n"


def read(folder: Path, shot: str) -> str:
    path = folder / "recipe.yaml"
    path.write_text(HEAD + f"  - {shot}\n", encoding="utf-8")
    return load(path, variables={}, date="2026-01-01", providers=("animatic",)).shots[-1].prompt


@pytest.mark.parametrize("shot", ["{id: a, first_frame: k}", "{id: a, references: [k]}"])
def test_a_picture_may_stand_for_words(tmp_path: Path, shot: str) -> None:
    """First frame, chain or references: what a service then wants of words, its page says."""
    assert read(tmp_path, shot) == ""


@pytest.mark.parametrize("shot", ["{id: a}", "{id: a, prompt: ' '}"])
def test_something_must_be_said(tmp_path: Path, shot: str) -> None:
    """Neither words nor pictures: one fault, at the shot."""
    with pytest.raises(RecipeError) as caught:
        read(tmp_path, shot)
    assert [fault.place.line for fault in caught.value.faults] == [5]
