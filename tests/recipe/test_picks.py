"""Picks beside a recipe: read as safely as it is, and written without losing anything of what stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import Place, RecipeError, UserError
from pipeline.recipe.model import Pick
from pipeline.recipe.picks_text import HEAD as FIRST
from pipeline.recipe.picks_text import changed
from tests.recipe.written import HEAD, faults, loaded

A, B = (f"sha256:{digit * 64}" for digit in "ab")
SHOTS = "shots:\n  - {id: dawn, prompt: x, takes: 3}\n  - {id: lamp, chain: dawn, prompt: y}\n"
NOWHERE = Place(file="", line=0, column=0)


def pick(take: int, sha256: str = A) -> Pick:
    return Pick(take=take, sha256=sha256, place=NOWHERE)


def beside(folder: Path, text: str | bytes) -> Path:
    path = folder / "recipe.picks.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_pick_says_which_take_others_use(tmp_path: Path) -> None:
    """One that a shot does not have is not used, and one of a shot without is the first."""
    beside(tmp_path, f"dawn: {{take: 2, sha256: '{A}'}}\nlamp: {{take: 7, sha256: '{B}'}}\n")
    recipe = loaded(tmp_path, SHOTS)
    assert [(shot.picked, list(shot.numbers)) for shot in recipe.shots] == [(2, [1, 2, 3]), (1, [1])]
    assert (recipe.picks["dawn"].sha256, recipe.picks["lamp"].place.line) == (A, 2)


@pytest.mark.parametrize("text", ["", "# none yet\n\n", "{}\n"])
def test_none_is_picked(text: str, tmp_path: Path) -> None:
    """Nothing, nothing but comments, and an empty map are no picks."""
    beside(tmp_path, text)
    assert loaded(tmp_path, SHOTS).picks == {}


@pytest.mark.parametrize(
    "text, line, fact",
    [
        ("dawn: 2\n", 1, "'dawn' cannot be the number 2."),
        ("# x\ndawn: {take: 2}\n", 2, "'sha256' is missing in a pick."),
        ("dawn: {take: 0, sha256: x}\n", 1, "'take' cannot be the number 0."),
        (f"dawn: {{take: 1, sha256: {A}, by: me}}\n", 1, "Unknown key 'by' in a pick."),
        (f"\ndusk: {{take: 1, sha256: '{A}'}}\n", 2, "There is no shot 'dusk' to pick a take of."),
        ("[dawn]\n", 1, "Picks cannot be a list."),
        ("dawn: &a [*a]\n", 1, ""),
        (b"\xff\xfe", 1, ""),
        ("dawn: {", 1, ""),
    ],
)
def test_what_is_wrong_is_told_at_its_line(text: str | bytes, line: int, fact: str, tmp_path: Path) -> None:
    """In the picks file, beside the faults of the recipe itself."""
    path = beside(tmp_path, text)
    told = [fault for fault in faults(tmp_path, HEAD + SHOTS) if fault.place.file == str(path)]
    assert told
    assert told[0].place.line == line
    assert fact in [fault.fact for fault in told] or not fact


def test_no_link_leads_out_of_the_folder(tmp_path: Path) -> None:
    """What lies elsewhere is not read."""
    folder = tmp_path / "here"
    folder.mkdir()
    (tmp_path / "picks.yaml").write_text("secret: {}\n")
    (folder / "recipe.picks.yaml").symlink_to(tmp_path / "picks.yaml")
    (fault,) = faults(folder, HEAD + SHOTS)
    assert "leads out of the recipe's folder by a symbolic link" in fault.fact
    assert "secret" not in fault.fact


KEPT = f"""# of the first reel
dawn: {{take: 1, sha256: "{A}"}}  # the calm one

# of the second
lamp:
  take: 2   # not three
  sha256: "{B}"
"""


def test_a_new_file_says_what_it_is() -> None:
    """A line a pick; ids that YAML would read otherwise are quoted."""
    text = changed("", "p", picked={"dawn": pick(2), "1e3": pick(1)})
    assert text == FIRST + f'dawn: {{take: 2, sha256: "{A}"}}\n"1e3": {{take: 1, sha256: "{A}"}}\n'


def test_comments_and_other_picks_stay() -> None:
    """A pick that is there changes in its two values alone, however it is written; others go to the end."""
    text = changed(KEPT, "p", picked={"lamp": pick(3, A), "dawn": pick(2, B), "dusk": pick(1)})
    changed_lines = KEPT.replace(f'take: 1, sha256: "{A}"', f'take: 2, sha256: "{B}"')
    changed_lines = changed_lines.replace("take: 2   #", "take: 3   #").replace(f'  sha256: "{B}"', f'  sha256: "{A}"')
    assert text == changed_lines + f'dusk: {{take: 1, sha256: "{A}"}}\n'


def test_a_pick_goes_with_its_lines_alone() -> None:
    """The comments before the next one stay."""
    assert changed(KEPT, "p", picked={}, cleared=["dawn"]) == KEPT.replace(KEPT.splitlines()[1] + "\n", "")
    assert changed(KEPT, "p", picked={}, cleared=["lamp"]) == KEPT.partition("lamp:")[0]
    assert changed(KEPT, "p", picked={"dawn": pick(2)}, cleared=["lamp", "dawn"]).endswith(
        f'dawn: {{take: 2, sha256: "{A}"}}\n'
    )


def test_a_map_in_braces_is_changed_in_place() -> None:
    """As it may be written by hand."""
    text = f"# mine\n{{dawn: {{take: 2, sha256: '{A}'}}, lamp: {{take: 1, sha256: '{B}'}}}}\n"
    more = changed(text, "p", picked={"dusk": pick(1)})
    assert more == text.replace("}}\n", f'}}, dusk: {{take: 1, sha256: "{A}"}}}}\n')
    assert changed(more, "p", picked={}, cleared=["dusk"]) == text
    assert changed(text, "p", picked={}, cleared=["dawn"]) == f"# mine\n{{lamp: {{take: 1, sha256: '{B}'}}}}\n"
    assert changed("{}\n", "p", picked={"dawn": pick(1)}) == f'{{ dawn: {{take: 1, sha256: "{A}"}}}}\n'


def test_what_cannot_be_changed_without_loss_stays_as_it_is() -> None:
    """Anchors that picks share, and text that is no picks at all."""
    with pytest.raises(UserError, match="cannot be changed without loss"):
        changed(f"dawn: &a {{take: 1, sha256: '{A}'}}\nlamp: *a\n", "p", picked={"lamp": pick(2)})
    with pytest.raises(RecipeError):
        changed("dawn: 1\n", "p", picked={"lamp": pick(2)})
