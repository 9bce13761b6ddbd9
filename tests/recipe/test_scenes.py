"""Scenes: ids of their shots, names inside them, their variables and defaults, and their chains."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.recipe.model import Recipe
from tests.recipe.written import HEAD, faults, loaded, png


def chains(recipe: Recipe) -> dict[str, str]:
    """Which shot each goes on from."""
    return {shot.id: shot.chain.shot if shot.chain else "" for shot in recipe.shots}


def test_ids_are_those_of_scene_and_shot(tmp_path: Path) -> None:
    """And shots of two scenes may be called the same; templates know the scene."""
    recipe = loaded(
        tmp_path,
        "scenes:\n"
        "- {id: calm, shots: [{id: dawn, prompt: '{{ scene.id }} {{ scene.index }} {{ scene.title }}'}]}\n"
        "- {id: storm, title: The Storm, shots: [{id: dawn, prompt: '{{ scene.title }} {{ shot.id }}'}]}\n"
        "film: [storm.dawn, calm.dawn]\n",
    )
    assert [(shot.id, shot.prompt) for shot in recipe.shots] == [
        ("calm.dawn", "calm 1 calm"),
        ("storm.dawn", "The Storm storm.dawn"),
    ]
    assert recipe.film
    assert recipe.film.shots == ("storm.dawn", "calm.dawn")


def test_a_name_means_the_scene_s_own_shot_first(tmp_path: Path) -> None:
    """Then a reference, or the full id of a shot of another scene."""
    recipe = loaded(
        tmp_path,
        "references: {sheet: {image: k.png}, other: {shot: a.sheet}}\n"
        "scenes:\n"
        "- id: a\n"
        "  shots:\n"
        "  - {id: sheet, kind: image, prompt: p}\n"
        "  - {id: x, references: [sheet, other], needs: [y], prompt: \"{{ ref('sheet') }}\"}\n"
        "  - {id: y, first_frame: sheet, prompt: p}\n"
        "- id: b\n"
        "  shots:\n"
        "  - {id: x, references: [sheet, a.sheet, k.png], prompt: p}\n"
        "  - {id: y, chain: {from: x, offset: 1s}, needs: [a.x], prompt: p}\n",
        k_png=png(),
    )
    by_id = {shot.id: shot for shot in recipe.shots}
    assert [source.shot for source in by_id["a.x"].references] == ["a.sheet", "a.sheet"]
    assert by_id["a.x"].references[0].name == "sheet"
    assert by_id["a.x"].needs == ("a.y",)
    assert by_id["a.y"].first_frame
    assert by_id["a.y"].first_frame.shot == "a.sheet"
    assert [source.shot for source in by_id["b.x"].references] == ["", "a.sheet", ""]
    assert (chains(recipe)["b.y"], by_id["b.y"].needs) == ("b.x", ("a.x",))


def test_variables_and_defaults_are_over_those_of_the_recipe(tmp_path: Path) -> None:
    """Variables may use those they replace; options are added by provider and key; fields stand where they are said."""
    recipe = loaded(
        tmp_path,
        "vars: {look: film, who: he}\n"
        "defaults: {duration: 7, ratio: '9:16', options: {seegen: {quality: high, style: soft}}}\n"
        "scenes:\n"
        "- id: a\n"
        "  vars: {look: '{{ look }}, rain', wet: '{{ look }} and wet'}\n"
        "  defaults: {duration: 3, options: {seegen: {style: hard}}}\n"
        "  shots:\n"
        "  - {id: x, prompt: '{{ who }} {{ wet }}', options: {seegen: {zoom: 2}}}\n"
        "- {id: b, shots: [{id: x, prompt: '{{ look }}'}]}\n",
    )
    first, second = recipe.shots
    assert (first.prompt, second.prompt) == ("he film, rain and wet", "film")
    assert (first.seconds, second.seconds, first.ratio) == (3, 7, "9:16")
    assert first.options == {"seegen": {"quality": "high", "style": "hard", "zoom": 2}}
    assert second.options == {"seegen": {"quality": "high", "style": "soft"}}
    assert [first.where(field).line for field in ("duration", "ratio", "prompt")] == [8, 4, 10]
    assert recipe.vars == {"look": "film", "who": "he"}


def test_a_chained_scene_chains_each_clip_to_the_one_before(tmp_path: Path) -> None:
    """Past stills, from row to row, and not where a shot says itself what it begins with, or is not there."""
    recipe = loaded(
        tmp_path,
        "defaults: {references: []}\n"
        "scenes:\n"
        "- id: s\n"
        "  chain: true\n"
        "  shots:\n"
        "  - {id: first, prompt: p}\n"
        "  - {id: still, kind: image, prompt: p}\n"
        "  - {id: 'row-{{ n }}', each: {n: [1, 2]}, prompt: p}\n"
        "  - {id: gone, when: false, prompt: p}\n"
        "  - {id: own, chain: {from: first, offset: 1s}, prompt: p}\n"
        "  - {id: cut, chain: false, prompt: p}\n"
        "  - {id: after, prompt: p}\n"
        "  - {id: framed, first_frame: still, prompt: p}\n"
        "  - {id: with, references: [still], prompt: p}\n"
        "  - {id: last, prompt: p, last_frame: still, fallback: [{seed: 1}, {references: [still]}]}\n"
        "- {id: t, shots: [{id: x, prompt: p}, {id: y, prompt: p}]}\n",
    )
    assert chains(recipe) == {
        "s.first": "",
        "s.still": "",
        "s.row-1": "s.first",
        "s.row-2": "s.row-1",
        "s.own": "s.first",
        "s.cut": "",
        "s.after": "s.cut",
        "s.framed": "",
        "s.with": "",
        "s.last": "s.with",
        "t.x": "",
        "t.y": "",
    }
    last = next(shot for shot in recipe.shots if shot.id == "s.last")
    assert [bool(rung.chain) for rung in last.rungs] == [True, True, False]
    assert (last.where("chain").line, last.where("chain").column) == (6, 10)


T = HEAD + "scenes:\n"


@pytest.mark.parametrize(
    "text, line, column, fact, hint",
    [
        (T + "- {id: a, shots: [{id: x, prompt: p}]}\nshots: [{id: y, prompt: p}]\n", 3, 1, "`scenes` beside", "scene"),
        (T + "- {id: a}\n", 4, 3, "'shots' is missing in a scene", "at least one"),
        (T + "- {id: a, shots: []}\n", 4, 18, "'shots' cannot be an empty list", "at least one"),
        (T + "- {id: a, shots: [{id: x, promt: p}]}\n", 4, 27, "Unknown key 'promt'", "'prompt'"),
        (
            T + "- {id: a, chian: true, shots: [{id: x, prompt: p}]}\n",
            4,
            11,
            "Unknown key 'chian' in a scene",
            "'chain'",
        ),
        (T + "- {id: a.b, shots: [{id: x, prompt: p}]}\n", 4, 8, "'id' cannot be the text 'a.b'", "letters"),
        (T + "- {id: a, shots: [{id: x.y, prompt: p}]}\n", 4, 24, "'x.y' cannot be an id", "slug"),
        (T + f"- {{id: {'a' * 60}, shots: [{{id: {'x' * 60}, prompt: p}}]}}\n", 4, 83, "121 characters", "Shorten"),
        (
            T + "- {id: a, shots: [{id: x, prompt: p}]}\n- {id: A, shots: [{id: y, prompt: p}]}\n",
            5,
            8,
            "There is a scene 'A' already: see line 4",
            "another id",
        ),
        (
            T + "- {id: a, shots: [{id: x, prompt: p}, {id: X, prompt: p}]}\n",
            4,
            44,
            "'a.X' is taken as 'a.x'",
            "another",
        ),
        (T + "- {id: con, shots: [{id: x, prompt: p}]}\n", 4, 8, "it is a device", "con-1"),
        (T + "- {id: a, chain: yes, shots: [{id: x, prompt: p}]}\n", 4, 18, "'chain' cannot be the text 'yes'", "true"),
        (
            T + "- {id: a, shots: [{id: x, prompt: p}]}\n- {id: b, shots: [{id: y, chain: x, prompt: p}]}\n",
            5,
            34,
            "There is no shot 'x'",
            "Did you mean 'a.x'?",
        ),
        (
            T + "- {id: dusk, shots: [{id: x, kind: image, prompt: p}, {id: y, first_frame: dusk.z, prompt: p}]}\n",
            4,
            76,
            "There is no shot or reference 'dusk.z'",
            "dusk.",
        ),
        (
            T + "- {id: a, shots: [{id: x, when: false, prompt: p}, {id: y, needs: [x], prompt: p}]}\n",
            4,
            68,
            "The shot 'a.x' is left out by `when` at line 4",
            "",
        ),
        (T + "- {id: a, shots: [{id: x, chain: x, prompt: p}]}\n", 4, 34, "'a.x' is chained to itself", ""),
        (T + "- {id: a, vars: {run: 1}, shots: [{id: x, prompt: p}]}\n", 4, 18, "'run' has a meaning of its own", ""),
        (T + "- {id: a, vars: {v: '{{ w }}'}, shots: [{id: x, prompt: p}]}\n", 4, 25, "Nothing is called 'w'", ""),
        (
            T + "- {id: a, defaults: {durration: 3}, shots: [{id: x, prompt: p}]}\n",
            4,
            22,
            "Unknown key 'durration' in `defaults`",
            "'duration'",
        ),
        (T + "- {id: a, shots: [{id: x, prompt: '{{ scene.name }}'}]}\n", 4, 39, "There is no '.name' here", ""),
        (HEAD + "shots: [{id: x, prompt: '{{ scene.id }}'}]\n", 3, 29, "Nothing is called 'scene' here", ""),
        (T + "- dawn\n", 4, 3, "cannot be the text 'dawn'", "A scene is a map"),
        (HEAD + "scenes: {}\n", 3, 9, "'scenes' cannot be an empty map", "at least one scene"),
    ],
)
def test_faults_stand_where_they_are(tmp_path: Path, text: str, line: int, column: int, fact: str, hint: str) -> None:
    """One cause is one fault, at its line and column."""
    (fault,) = faults(tmp_path, text)
    assert fact in fault.fact
    assert hint in fault.hint
    assert (fault.place.line, fault.place.column) == (line, column)


def test_a_file_is_a_file_in_a_scene_called_like_it(tmp_path: Path) -> None:
    """Where there is one."""
    text = "scenes:\n- {id: k, shots: [{id: x, references: [k.png], prompt: p}]}\n"
    assert loaded(tmp_path, text, k_png=png()).shots[0].references[0].file
