"""`when`, `exclude` and `prompt_file`: which shots are there, and prompts that stand in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipe.written import HEAD, faults, loaded

A = "- {id: a, prompt: p}\n"
S = HEAD + "shots:\n"  # the first shot is in line 4


def ids(folder: Path, text: str, **files: bytes) -> list[str]:
    """The ids of a recipe without faults."""
    return [shot.id for shot in loaded(folder, text, **files).shots]


def test_when_is_looked_at_for_each_row(tmp_path: Path) -> None:
    """A row for which it is false is not there; the others keep their numbers."""
    text = (
        "shots:\n"
        "- id: 'h-{{ w }}'\n"
        "  each: {w: [calm, storm, fog]}\n"
        "  when: \"{{ w != 'storm' }}\"\n"
        "  prompt: '{{ w }} {{ shot.index }}'\n"
        "- {id: off, when: false, prompt: p}\n"
        "- {id: on, when: true, prompt: p}\n"
    )
    found = loaded(tmp_path, text).shots
    assert [(shot.id, shot.prompt) for shot in found] == [("h-calm", "calm 1"), ("h-fog", "fog 3"), ("on", "p")]


def test_two_shots_may_share_an_id_of_which_one_is_there(tmp_path: Path) -> None:
    """One entry for the draft and one for the rest, told apart by `when`."""
    text = (
        "vars: {draft: true}\nshots:\n"
        "- {id: a, when: '{{ draft }}', prompt: quick}\n- {id: a, when: '{{ not draft }}', prompt: slow}\n"
    )
    assert [shot.prompt for shot in loaded(tmp_path, text).shots] == ["quick"]


def test_when_may_use_the_date_without_making_a_shot_anew_each_date(tmp_path: Path) -> None:
    """The date decides whether it is asked for, and not what."""
    text = "shots:\n- {id: a, when: \"{{ run.date > '2026-01-01' }}\", prompt: p}\n"
    assert not loaded(tmp_path, text).shots[0].dated


def test_excluded_rows_are_left_out(tmp_path: Path) -> None:
    """Those that have all the values of an entry; true is not 1, and 5 is 5.0."""
    text = (
        "shots:\n- id: '{{ w }}-{{ n }}'\n  prompt: p\n  each: {w: [calm, storm], n: [1, 2]}\n"
        "  exclude: [{w: storm, n: 2.0}, {w: calm, n: 1}]\n"
    )
    assert ids(tmp_path, text) == ["calm-2", "storm-1"]


def test_an_entry_that_excludes_nothing_is_a_warning(tmp_path: Path) -> None:
    """Its place is told; with text for numbers in a table, so is why."""
    text = "shots:\n- {id: 'a-{{ n }}', prompt: p, each: {n: [1, 2]}, exclude: [{n: 2}, {n: true}]}\n"
    recipe = loaded(tmp_path, text)
    (warning,) = recipe.warnings
    assert [shot.id for shot in recipe.shots] == ["a-1"]
    assert (warning.fact, warning.place.column) == ("This leaves out no row of `each`.", 69)
    (warning,) = loaded(
        tmp_path, "shots:\n- {id: 'a-{{ n }}', prompt: p, each: n.csv, exclude: [{n: 2}]}\n", n_csv=b"n\n2\n"
    ).warnings
    assert "Cells of a CSV file are text" in warning.hint


@pytest.mark.parametrize(
    "text, line, column, fact, hint",
    [
        (S + "- {id: a, when: 'yes', prompt: p}\n", 4, 17, "'when' cannot be the text 'yes'", "true or false"),
        (
            S + "- {id: 'a-{{ n }}', when: '{{ n }}', each: {n: [x]}, prompt: p}\n",
            4,
            27,
            "'when' cannot be the text 'x' (n 'x')",
            "true or false",
        ),
        (
            S + "- {id: 'a-{{ n }}', each: {n: [x]}, exclude: [{m: 1}], prompt: p}\n",
            4,
            48,
            "No row of `each` has 'm'.",
            "n",
        ),
        (S + "- {id: a, exclude: [{m: 1}], prompt: p}\n", 4, 11, "There is no `each`", "give `each`"),
        (S + "- {id: a, prompt: p, prompt_file: p.txt}\n", 4, 22, "a prompt, and a file of one", "Keep"),
        (S + "- {id: a, prompt_file: q.txt}\n", 4, 24, "There is no file 'q.txt'", "'p.txt'"),
        (S + "- {id: a, prompt_file: ../p.txt}\n", 4, 24, "leads out of the recipe's folder", "Copy"),
        (
            S + "- {id: b, when: false, prompt: p}\n- {id: a, chain: b, prompt: p}\n",
            5,
            18,
            "The shot 'b' is left out by `when` at line 4.",
            "Name another",
        ),
        (
            S + "- {id: 'b-{{ n }}', each: {n: [1, 2]}, exclude: [{n: 2}], prompt: p}\nfilm: [b-1, b-2]\n",
            5,
            13,
            "The shot 'b-2' is left out by `exclude` at line 4.",
            "Name another",
        ),
        (HEAD + "defaults: {when: true}\nshots:\n" + A, 3, 12, "Unknown key 'when' in `defaults`", ""),
        (
            S + "- {id: a, prompt: p, fallback: [{prompt: p, prompt_file: p.txt}]}\n",
            4,
            45,
            "a prompt, and a file of one",
            "Keep",
        ),
    ],
)
def test_faults_stand_where_they_are(tmp_path: Path, text: str, line: int, column: int, fact: str, hint: str) -> None:
    """One cause is one fault, at its line and column."""
    (fault,) = faults(tmp_path, text, p_txt=b"p")
    assert (fault.place.line, fault.place.column) == (line, column)
    assert fact in fault.fact
    assert hint in fault.hint


def test_a_prompt_in_a_file_is_as_one_in_the_recipe(tmp_path: Path) -> None:
    """Its templates are worked out, line breaks at its end are dropped, and it stands in that file."""
    text = "vars: {who: he}\nshots:\n- {id: a, references: [k.png], prompt_file: p.txt}\n"
    from tests.recipe.written import png

    (shot,) = loaded(
        tmp_path, text, p_txt="\ufeff{{ who }} walks\r\nby {{ ref('k.png') }}\r\n".encode(), k_png=png()
    ).shots
    assert shot.prompt == "he walks\nby k.png"
    assert shot.asked != shot.prompt
    assert (shot.where("prompt").file, shot.where("prompt").line) == (str(tmp_path / "p.txt"), 1)


def test_each_row_may_have_a_file_of_its_own(tmp_path: Path) -> None:
    """The path may have templates; a file that is not there is told with its row."""
    text = "shots:\n- {id: '{{ n }}', each: {n: [a, b]}, prompt_file: '{{ n }}.txt'}\n"
    found = loaded(tmp_path, text, a_txt=b"first", b_txt=b"second").shots
    assert [shot.prompt for shot in found] == ["first", "second"]
    (tmp_path / "b.txt").unlink()
    (fault,) = faults(tmp_path, HEAD + text)
    assert fault.fact == "There is no file 'b.txt' (n 'b')."


def test_faults_of_a_prompt_stand_in_its_file(tmp_path: Path) -> None:
    """Once, however many shots have it."""
    text = S + "- {id: a, prompt_file: p.txt}\n- {id: b, prompt_file: p.txt}\n- {id: c, prompt_file: q.txt}\n"
    found = faults(tmp_path, text, p_txt=b"one\r\nby {{ nobody }}", q_txt=b"caf\xe9")
    told = [(Path(f.place.file).name, f.place.line, f.place.column) for f in found]
    assert told == [("p.txt", 2, 7), ("q.txt", 1, 4)]
    assert "Nothing is called 'nobody'" in found[0].fact
    assert "Save the prompt as UTF-8." in found[1].hint


def test_an_empty_prompt_in_a_file_is_told_there(tmp_path: Path) -> None:
    """As an empty one in the recipe is told there."""
    (fault,) = faults(tmp_path, S + "- {id: a, prompt_file: p.txt}\n", p_txt=b"\n")
    assert (Path(fault.place.file).name, fault.fact) == ("p.txt", "The prompt of 'a' is empty.")


def test_a_fallback_may_have_its_prompt_in_a_file(tmp_path: Path) -> None:
    """Over a prompt of the shot, in a file or not; `ref` is over its own references."""
    text = (
        "shots:\n- id: a\n  prompt_file: p.txt\n  fallback:\n  - {prompt_file: q.txt}\n  - {prompt: plain}\n"
        "  - {seed: 3}\n"
    )
    (shot,) = loaded(tmp_path, text, p_txt=b"first {{ shot.id }}", q_txt=b"second {{ shot.id }}").shots
    assert [rung.prompt for rung in shot.rungs] == ["first a", "second a", "plain", "first a"]
    files = [Path(rung.where("prompt").file).name for rung in shot.rungs]
    assert files == ["p.txt", "q.txt", "recipe.yaml", "p.txt"]


def test_the_digest_counts_what_is_read_beside_the_recipe(tmp_path: Path) -> None:
    """And is that of the recipe's text alone where nothing is."""
    text = "shots:\n- {id: a, prompt_file: p.txt}\n"
    first = loaded(tmp_path, text, p_txt=b"one").digest
    assert loaded(tmp_path, text, p_txt=b"two").digest != first
