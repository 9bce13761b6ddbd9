"""`include`: what several files say together, what holds where they differ, and where faults of each stand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import Fault, RecipeError
from pipeline.recipe.load import load
from pipeline.recipe.model import Recipe
from tests.recipe.written import DATE, HEAD, png, write

OWN = "shots: [{id: own, prompt: '{{ look }}'}]\n"


def files(folder: Path, text: str, others: dict[str, str]) -> Path:
    """A recipe of this text, the head written for it, and the files beside it."""
    for name, other in others.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(other)
    return write(folder, HEAD + text)


def read(folder: Path, text: str, **others: str) -> Recipe:
    """The recipe of these texts; `look_yaml=…` is `look.yaml`."""
    return load(files(folder, text, {name.replace("_", "."): other for name, other in others.items()}), date=DATE)


def wrong(folder: Path, text: str, **others: str) -> list[tuple[str, Fault]]:
    """What is wrong with them, each with its file."""
    with pytest.raises(RecipeError) as caught:
        read(folder, text, **others)
    return [(os.path.relpath(fault.place.file, folder), fault) for fault in caught.value.faults]


def test_an_included_file_brings_all_it_may(tmp_path: Path) -> None:
    """Variables, defaults, references and shots, which come before the recipe's own; paths are from its folder."""
    (tmp_path / "k.png").write_bytes(png())
    path = files(
        tmp_path,
        "include: [lib/look.yaml]\nshots: [{id: own, references: [keeper], prompt: '{{ look }}'}]\n",
        {
            "lib/look.yaml": "include: [lib/more.yaml]\nvars: {look: 'film, {{ rain }}'}\ndefaults: {duration: 7}\n"
            "references: {keeper: {image: k.png}}\nshots: [{id: theirs, prompt: '{{ rain }}'}]\n",
            "lib/more.yaml": "vars: {rain: rain}\nscenes: [{id: s, shots: [{id: x, prompt: p}]}]\n",
        },
    )
    recipe = load(path, date=DATE)
    assert [(shot.id, shot.prompt, shot.seconds) for shot in recipe.shots] == [
        ("s.x", "p", 7),
        ("theirs", "rain", 7),
        ("own", "film, rain", 7),
    ]
    theirs, own = recipe.shots[1:]
    assert theirs.where("prompt").file == str(tmp_path / "lib/look.yaml")
    assert (own.where("duration").file, own.where("duration").line) == (str(tmp_path / "lib/look.yaml"), 3)
    assert own.where("prompt").file == str(path)


def test_what_a_file_says_holds_over_what_it_includes(tmp_path: Path) -> None:
    """By name and field; options by provider and key. What is included sees what replaces it."""
    recipe = read(
        tmp_path,
        "include: [look.yaml]\nvars: {tone: dark, who: 'she in {{ tone }}'}\n"
        "defaults: {duration: 3, options: {seegen: {style: own}}}\nshots: [{id: own, prompt: '{{ look }}'}]\n",
        look_yaml="vars: {who: he, look: 'film of {{ who }}'}\n"
        "defaults: {duration: 7, ratio: '9:16', options: {seegen: {style: a, zoom: 1}}}\n",
    )
    (shot,) = recipe.shots
    assert (shot.prompt, shot.seconds, shot.ratio) == ("film of she in dark", 3, "9:16")
    assert shot.options == {"seegen": {"style": "own", "zoom": 1}}


def test_two_files_that_disagree_are_a_fault_of_both_places(tmp_path: Path) -> None:
    """Unless they say the same, or whoever includes both decides."""
    others = {
        "a_yaml": "vars: {look: film, same: 1}\ndefaults: {duration: 3, options: {seegen: {x: 1, z: 1}}}\n",
        "b_yaml": "vars: {look: tape, same: 1}\ndefaults: {duration: 4, options: {seegen: {x: 2, y: 1}}}\n",
    }
    found = wrong(tmp_path, "include: [a.yaml, b.yaml]\n" + OWN, **others)
    assert [(file, fault.place.line, fault.place.column) for file, fault in found] == [
        ("b.yaml", 1, 14),
        ("b.yaml", 2, 22),
        ("b.yaml", 2, 47),
    ]
    assert found[0][1].fact == f"'look' of `vars` is said otherwise here than at {tmp_path}/a.yaml:1."
    own = "include: [a.yaml, b.yaml]\nvars: {look: own}\ndefaults: {duration: 5, options: {seegen: {x: 3}}}\n" + OWN
    (shot,) = read(tmp_path, own, **others).shots
    assert (shot.prompt, shot.options) == ("own", {"seegen": {"x": 3, "y": 1, "z": 1}})


def test_each_fault_stands_in_its_file(tmp_path: Path) -> None:
    """Of grammar, templates, names and files alike, all at once."""
    found = wrong(
        tmp_path,
        "include: [a.yaml, b.yaml, c.yaml]\nvars: {look: film}\nshots: [{id: own, chain: z, prompt: p}]\n",
        a_yaml="budget: {}\nvars: {x: '{{ nope }}'}\ndefaults: {durration: 4}\n",
        b_yaml="references: {r: {image: no.png}}\nshots:\n- {id: b, promt: p}\n- {id: OWN, prompt: '{{ who }}'}\n",
        c_yaml="vars: [\n",
    )
    assert [(file, fault.place.line) for file, fault in found] == [
        ("a.yaml", 1),
        ("a.yaml", 2),
        ("a.yaml", 3),
        ("b.yaml", 1),
        ("b.yaml", 3),
        ("b.yaml", 4),
        ("c.yaml", 2),
        ("recipe.yaml", 5),
    ]


@pytest.mark.parametrize(
    "include, column, fact",
    [
        ("[recipe.yaml]", 11, "'recipe.yaml' includes itself: recipe.yaml -> recipe.yaml."),
        ("[a.yaml, ./a.yaml]", 19, "'./a.yaml' is included twice: recipe.yaml -> ./a.yaml, and before that at line 3."),
        ("[no.yaml]", 11, "There is no file 'no.yaml'."),
        ("[../a.yaml]", 11, "leads out of the recipe's folder by '..'"),
        ("[link.yaml]", 11, "leads out of the recipe's folder by a symbolic link"),
        ("[lib]", 11, "'lib' is a folder."),
        ("[/etc/passwd]", 11, "is an absolute path"),
        ("[3]", 11, "An entry of 'include' cannot be the number 3."),
        ("a.yaml", 10, "'include' cannot be the text 'a.yaml'."),
    ],
)
def test_what_cannot_be_included_is_told_where_it_is_named(
    tmp_path: Path, include: str, column: int, fact: str
) -> None:
    """Once, and shots that may have come from there are not missed."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "link.yaml").symlink_to("/etc/hostname")
    (tmp_path / "a.yaml").write_text("vars: {look: x}\n")
    found = wrong(tmp_path, f"include: {include}\nshots: [{{id: own, prompt: p}}]\n")
    ((file, fault),) = found
    assert (file, fault.place.line, fault.place.column) == ("recipe.yaml", 3, column)
    assert fact in fault.fact


def test_a_loop_names_its_chain(tmp_path: Path) -> None:
    """Where it closes."""
    ((file, fault),) = wrong(
        tmp_path,
        "include: [a.yaml]\n" + OWN.replace("{{ look }}", "p"),
        a_yaml="include: [b.yaml]\n",
        b_yaml="include: [a.yaml]\n",
    )
    assert (file, fault.fact) == ("b.yaml", "'a.yaml' includes itself: recipe.yaml -> a.yaml -> b.yaml -> a.yaml.")


def test_files_without_end_are_refused(tmp_path: Path) -> None:
    """By how deep they include each other, and by how large they are together."""
    for number in range(40):
        (tmp_path / f"f{number}.yaml").write_text(f"include: [f{number + 1}.yaml]\n")
    ((_, fault),) = wrong(tmp_path, "include: [f0.yaml]\nshots: [{id: own, prompt: p}]\n")
    assert "more than 20 deep" in fault.fact
    for number in range(6):
        (tmp_path / f"g{number}.yaml").write_text("#" + "x" * 3_500_000 + f"\nvars: {{v{number}: 1}}\n")
    names = ", ".join(f"g{number}.yaml" for number in range(6))
    ((_, fault), *_) = wrong(tmp_path, f"include: [{names}]\nshots: [{{id: own, prompt: p}}]\n")
    assert "come to more than 16 MiB" in fault.fact


def test_a_recipe_may_be_nothing_but_what_it_includes(tmp_path: Path) -> None:
    """As long as there is a shot."""
    assert read(tmp_path, "include: [a.yaml]\n", a_yaml="shots: [{id: x, prompt: p}]\n").shots[0].id == "x"
    ((_, fault),) = wrong(tmp_path, "include: [a.yaml]\n", a_yaml="vars: {x: 1}\n")
    assert fault.fact == "No shot is in this recipe, or in what it includes."


def test_a_scene_and_a_shot_are_not_called_the_same(tmp_path: Path) -> None:
    """The names of their files would meet: `a.2k` is a shot of the scene, and the larger clip of the other."""
    ((file, fault),) = wrong(
        tmp_path,
        "include: [a.yaml]\nscenes: [{id: a, shots: [{id: 2k, prompt: p}]}]\n",
        a_yaml="shots: [{id: a, upscale: 2k, prompt: p}]\n",
    )
    assert (file, fault.fact) == ("a.yaml", "'a' is a shot and a scene: see line 4.")


def test_given_variables_replace_those_of_included_files(tmp_path: Path) -> None:
    """`--var` knows them all."""
    path = files(tmp_path, "include: [a.yaml]\n" + OWN, {"a.yaml": "vars: {look: film}\n"})
    assert load(path, variables={"look": "tape"}, date=DATE).shots[0].prompt == "tape"
