"""The whole grammar, from several texts to clips: scenes, included files, tables, prompts and templates in files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.digest import loads
from tests.conftest import rushes

RECIPE = """\
rushes: 1
name: whole
include: [look.yaml]
defaults: {duration: 1, resolution: 480p}
scenes:
  - id: shore
    chain: true
    shots:
      - {id: dawn, prompt_file: prompts/dawn.txt}
      - {id: noon, prompt: "{% from 'macros.j2' import seen %}{{ seen('noon') }}", upscale: 1080p}
  - id: towns
    shots:
      - id: "{{ town | slug }}"
        each: towns.csv
        exclude: [{town: Rome}]
        when: "{{ weather != 'fog' }}"
        prompt: "{{ town }} in {{ weather }}"
film: [shore.dawn, shore.noon, towns.oslo]
"""
FILES = {
    "look.yaml": "vars: {look: film, who: he}\nscenes: [{id: before, shots: [{id: title, prompt: '{{ look }}'}]}]\n",
    "prompts/dawn.txt": "{{ who }} at dawn\n",
    "macros.j2": "{% macro seen(time) %}{{ who }} at {{ time }}, {{ look }}{% endmacro %}",
    "towns.csv": "town,weather\nOslo,calm\nRome,calm\nParis,fog\n",
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the recipe after its run."""
    folder = tmp_path_factory.mktemp("grammar")
    (folder / "recipe.yaml").write_text(RECIPE)
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    done = rushes("run", folder / "recipe.yaml")
    assert done.returncode == 0, done.stderr
    return folder


def test_shots_of_all_files_are_made(made: Path) -> None:
    """Files are called as their shots, dot and all, and the manifest tells what was asked for."""
    out = made / "out" / "whole"
    manifest = loads((out / "manifest.json").read_bytes())
    assert {shot["id"]: shot["prompt"] for shot in manifest["shots"]} == {
        "before.title": "film",
        "shore.dawn": "he at dawn",
        "shore.noon": "he at noon, film",
        "towns.oslo": "Oslo in calm",
    }
    assert sorted(path.name for path in (out / "shots").iterdir()) == [
        "before.title.mp4",
        "shore.dawn.mp4",
        "shore.noon.1080p.mp4",
        "shore.noon.mp4",
        "towns.oslo.mp4",
    ]
    assert (out / "frames" / "shore.dawn.last.png").is_file()
    assert rushes("verify", out).returncode == 0


def test_nothing_is_left_to_do_and_globs_find_scenes(made: Path) -> None:
    """What is there is there; a glob over a scene is a glob over its shots; one left out is no shot."""
    assert "Nothing to do" in rushes("run", made / "recipe.yaml").stderr
    plan = rushes("plan", made / "recipe.yaml", "--redo", "shore.*", "--format", "json").stdout
    redone = {step["shot"] for step in loads(plan.encode())["steps"] if step["action"] == "run" and step["shot"]}
    assert redone == {"shore.dawn", "shore.noon"}
    done = rushes("plan", made / "recipe.yaml", "--only", "towns.rome")
    assert (done.returncode, "left out by `exclude` at line 15" in done.stderr) == (2, True)


def test_a_prompt_has_the_same_key_in_a_file_or_in_the_recipe(made: Path, tmp_path: Path) -> None:
    """What is asked for decides, and not where it stands."""

    def keys(folder: Path) -> dict[str, str]:
        steps = loads(rushes("plan", folder / "recipe.yaml", "--format", "json").stdout.encode())["steps"]
        return {step["id"]: step["key"] for step in steps}

    plain = tmp_path / "plain"
    shutil.copytree(made, plain, ignore=shutil.ignore_patterns("out", ".rushes"))
    text = RECIPE.replace("prompt_file: prompts/dawn.txt", "prompt: he at dawn")
    (plain / "recipe.yaml").write_text(text)
    assert keys(plain) == keys(made)


def test_a_fault_in_any_file_is_told_there(made: Path, tmp_path: Path) -> None:
    """By its file, line and column, with the line and a caret."""
    broken = tmp_path / "broken"
    shutil.copytree(made, broken, ignore=shutil.ignore_patterns("out", ".rushes"))
    (broken / "prompts/dawn.txt").write_text("so\n{{ whom }} at dawn\n")
    done = rushes("check", broken / "recipe.yaml")
    assert done.returncode == 2
    told = "prompts/dawn.txt:2:4: Nothing is called 'whom' here.\n    2 | {{ whom }} at dawn\n           ^\n"
    assert told in done.stdout
    assert "Did you mean 'who'?" in done.stdout
