"""`rushes plan --explain`: each field of a shot with the line that says it, and what that covers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import rushes

LOOK = """\
vars: {look: 35mm film}
defaults: {duration: 6, ratio: "9:16", options: {seegen: {quality: low, style: film}}}
"""
RECIPE = """\
rushes: 1
name: tale
include: [look.yaml]
vars: {mood: calm}
stages: {draft: {resolution: 480p, takes: 2}, final: {upscale: 2k}}
references: {k: {image: "https://x.example/k.png"}}
defaults:
  duration: 5
  references: [k]
  audio: true
  model: happyhorse-1
  options: {seegen: {quality: high}}
scenes:
  - id: storm
    chain: true
    defaults: {duration: 7, options: {seegen: {extra: 1}}}
    shots:
      - {id: dawn, prompt: "the {{ mood }} sea, {{ look }}", resolution: 1080p}
      - id: noon
        duration: 8
        prompt_file: noon.txt
        fallback: [{prompt: softer}, {resolution: 480p, options: {seegen: {quality: low}}}]
      - {id: still, kind: image, prompt: a still}
  - id: rows
    shots:
      - {id: "{{ who }}", each: rows.csv, prompt: "{{ who }} walks", duration: "{{ secs | float }}", model: "{{ m }}"}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A recipe in which every layer says something."""
    (tmp_path / "look.yaml").write_text(LOOK)
    (tmp_path / "noon.txt").write_text("noon, {{ look }}")
    (tmp_path / "rows.csv").write_text("who,secs,m\nkeeper,5,seedance-2\ncat,4,seedance-2-fast\n")
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path / "recipe.yaml"


def told(path: Path, *args: str) -> dict[str, dict[str, Any]]:
    """What is told of each field of one shot, as JSON."""
    done = rushes("plan", path, "--format", "json", *args)
    assert done.returncode == 0, done.stderr
    (shot,) = json.loads(done.stdout)
    return {field["field"]: field for field in shot["fields"]}


def where(layer: dict[str, Any]) -> tuple[str, str]:
    """A layer's name, and the file and line that it stands in."""
    place = layer["place"]
    return layer["layer"], f"{Path(place['file']).name}:{place['line']}" if place else ""


def test_each_field_names_the_layer_that_holds_and_those_it_covers(path: Path) -> None:
    """Own, scene, defaults, include, built-in; options by provider and key."""
    found = told(path, "--explain", "storm.dawn")
    assert (found["prompt"]["value"], where(found["prompt"]["from"])) == (
        "the calm sea, 35mm film", ("own", "recipe.yaml:18"),
    )  # fmt: skip
    assert where(found["resolution"]["from"]) == ("own", "recipe.yaml:18")
    assert (found["duration"]["value"], where(found["duration"]["from"])) == (7, ("scene storm", "recipe.yaml:16"))
    assert [(where(layer), layer["value"]) for layer in found["duration"]["covers"]] == [
        (("defaults", "recipe.yaml:8"), 5),
        (("included defaults", "look.yaml:2"), 6),
    ]
    assert where(found["ratio"]["from"]) == ("included defaults", "look.yaml:2")
    assert where(found["watermark"]["from"]) == ("built-in", "")
    options = {name: field for name, field in found.items() if name.startswith("options")}
    assert {name: (field["value"], where(field["from"])[1]) for name, field in options.items()} == {
        "options.seegen.quality": ("high", "recipe.yaml:12"),
        "options.seegen.style": ("film", "look.yaml:2"),
        "options.seegen.extra": (1, "recipe.yaml:16"),
    }
    assert [where(layer) for layer in options["options.seegen.quality"]["covers"]] == [
        ("included defaults", "look.yaml:2")
    ]


def test_flags_and_stages_lie_over_all(path: Path) -> None:
    """`--stage`, `--provider` and `--var` are told as what they are."""
    found = told(path, "--explain", "storm.dawn", "--stage", "draft", "--preview", "--var", "mood=wild")
    assert (found["resolution"]["value"], where(found["resolution"]["from"])) == (
        "480p", ("stage draft", "recipe.yaml:5"),
    )  # fmt: skip
    assert [(where(layer), layer["value"]) for layer in found["resolution"]["covers"]] == [
        (("own", "recipe.yaml:18"), "1080p")
    ]
    assert (found["prompt"]["value"], found["prompt"]["from"]["given"]) == ("the wild sea, 35mm film", ["mood"])
    path.write_text(path.read_text().replace("  duration: 5\n", "  duration: 5\n  provider: seegen\n"))
    moved = told(path, "--explain", "storm.dawn", "--provider", "animatic")["provider"]
    assert (moved["value"], where(moved["from"])) == ("animatic", ("--provider animatic", ""))
    assert [(where(layer), layer["value"]) for layer in moved["covers"]] == [(("defaults", "recipe.yaml:9"), "seegen")]


def test_what_is_said_and_does_not_hold_is_told_with_the_reason(path: Path) -> None:
    """References that give way to a chain, a still without seconds, a model for clips; a chain that the scene makes."""
    noon = told(path, "--explain", "storm.noon")
    assert (noon["references"]["value"], where(noon["references"]["from"])) == ([], ("built-in", ""))
    assert noon["references"]["note"] == "gives way to what the shot begins or ends with"
    assert [where(layer) for layer in noon["references"]["covers"]] == [("defaults", "recipe.yaml:9")]
    assert (noon["chain"]["value"]["from"], where(noon["chain"]["from"])) == (
        "storm.dawn", ("scene storm", "recipe.yaml:15"),
    )  # fmt: skip
    assert (noon["prompt"]["value"], where(noon["prompt"]["from"])) == ("noon, 35mm film", ("own", "noon.txt:1"))
    still = told(path, "--explain", "storm.still")
    assert (still["duration"]["note"], len(still["duration"]["covers"])) == ("a still has none", 3)
    assert (still["model"]["value"], still["model"]["note"]) == ("gpt-image-2", "goes with another kind of shot")


def test_a_value_from_a_row_names_its_line_there(path: Path) -> None:
    """A globbed name gives every shot that it means, in the order of the recipe."""
    done = rushes("plan", path, "--format", "json", "--explain", "rows.*")
    found = json.loads(done.stdout)
    assert [shot["shot"] for shot in found] == ["rows.keeper", "rows.cat"]
    models = [next(field for field in shot["fields"] if field["field"] == "model") for shot in found]
    assert [(field["value"], field["from"]["row"]["line"]) for field in models] == [
        ("seedance-2", 2),
        ("seedance-2-fast", 3),
    ]


def test_what_a_fallback_says_lies_over_its_shot(path: Path) -> None:
    """Only what differs, each under the number of its rung."""
    done = rushes("plan", path, "--format", "json", "--explain", "storm.noon")
    (shot,) = json.loads(done.stdout)
    first, second = ({field["field"]: field for field in rung} for rung in shot["fallback"])
    assert (list(first), first["prompt"]["value"]) == (["prompt"], "softer")
    assert where(first["prompt"]["from"]) == ("fallback 1", "recipe.yaml:22")
    assert list(second) == ["resolution", "options.seegen.quality"]
    assert where(second["resolution"]["from"]) == ("fallback 2", "recipe.yaml:22")


def test_a_table_in_lines_of_the_terminal(path: Path) -> None:
    """Aligned, files told from the recipe's folder, nothing cut off."""
    done = rushes("plan", path, "--explain", "storm.dawn", env={**os.environ, "COLUMNS": "100"})
    lines = done.stdout.splitlines()
    assert lines[0] == "storm.dawn"
    assert lines[1].split() == ["FIELD", "VALUE", "FROM", "COVERS"]
    assert max(map(len, lines)) <= 100
    row = next(line for line in lines if line.startswith("duration"))
    assert row.split()[:5] == ["duration", "7", "scene", "storm", "recipe.yaml:16"]
    assert "look.yaml:2)" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


def test_a_misspelt_shot_gets_the_nearest(path: Path) -> None:
    """And a format that there is not says which there is."""
    done = rushes("plan", path, "--explain", "storm.dwan")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: --explain storm.dwan names no shot of this recipe.\nHint: Did you mean storm.dawn?\n"
    done = rushes("plan", path, "--explain", "storm.dawn", "--format", "svg")
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "error: --explain has no svg.")


def test_a_recipe_that_cannot_be_planned_is_explained_all_the_same(path: Path) -> None:
    """Its faults come after, on standard error; nothing is written and no key is needed."""
    path.write_text(path.read_text().replace("  duration: 5\n", "  duration: 5\n  provider: seegen\n"))
    done = rushes("plan", path, "--explain", "storm.still")
    assert (done.returncode, done.stdout.splitlines()[0]) == (2, "storm.still")
    assert "1 fault" in done.stderr or "faults." in done.stderr
    assert not (path.parent / ".rushes").exists()


def test_who_the_cheapest_is_stands_beside_its_line(tmp_path: Path) -> None:
    """The service that the plan has chosen, where the recipe or a flag leaves it to the plan, and why."""
    path = tmp_path / "recipe.yaml"
    path.write_text("rushes: 1\nname: tale\ndefaults: {provider: cheapest}\nshots:\n  - {id: a, prompt: the sea}\n")
    environ = {**os.environ, "SEEGEN_API_KEY": "k"}

    def provider(*args: str) -> dict[str, Any]:
        done = rushes("plan", path, "--explain", "a", "--format", "json", *args, env=environ)
        fields: dict[str, Any] = {field["field"]: field for field in json.loads(done.stdout)[0]["fields"]}
        assert fields["account"]["value"] == "seegen"
        found: dict[str, Any] = fields["provider"]
        return found

    found = provider()
    assert (found["value"], found["from"]["value"], where(found["from"])) == (
        "seegen", "cheapest", ("defaults", "recipe.yaml:3"),
    )  # fmt: skip
    assert found["note"] == "cheapest at $0.80, the only one that can"
    path.write_text(path.read_text().replace("{provider: cheapest}", "{upscale: 2k}"))
    assert provider("--provider", "seegen")["note"] is None  # and how it gets larger is no word about that
    path.write_text(path.read_text().replace("{upscale: 2k}", "{provider: cheapest}"))
    path.write_text(path.read_text().replace("cheapest", "animatic"))
    found = provider("--provider", "cheapest")
    assert (found["value"], found["from"]["layer"], where(found["covers"][0])) == (
        "seegen", "--provider cheapest", ("defaults", "recipe.yaml:3"),
    )  # fmt: skip
    assert found["note"] == "cheapest at $0.80, the only one that can"
