"""Every recipe of the library may be started from: no fault, a plan, the price its README names, and a film."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from pipeline import api, consent
from pipeline.cli.beginning import library, recipes
from pipeline.desk import Desk, House, Wants
from pipeline.plan.model import Plan
from pipeline.report.catalog import PLANS
from tests.conftest import rushes
from tests.golden.pinned import DATE, house, planned
from tests.recipes.pictures import MOST_BYTES, copy

NAMES = list(recipes())
TOLD = [name for name in NAMES if (library() / name / "README.md").exists()]
FREE = House(environ={})


def told(name: str) -> str:
    """What a recipe's README says."""
    return (library() / name / "README.md").read_text(encoding="utf-8")


def stated(name: str) -> list[tuple[str, str, str]]:
    """The providers that a README names, the stage if any, and what it says the recipe costs there."""
    return re.findall(r"^- `--provider ([\w-]+)(?: --stage ([\w-]+))?`: (.+)\.$", told(name), re.MULTILINE)


def said(desk: Desk) -> str:
    """What the table of a plan says is to be paid."""
    table = PLANS["table"](desk.plan, desk.book, 200)
    found = re.search(r"^To pay now: (.+)$", table, re.MULTILINE)
    return found[1] if found else ""


def makers(plan: Plan) -> set[str]:
    """Who makes the clips and stills of a plan."""
    return {step.provider for step in plan.steps if step.kind == "generate"}


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_without_fault_and_free_to_begin_with(name: str, tmp_path: Path) -> None:
    """No fault and no warning where there are keys; without any, all of it is drawn here."""
    recipe = copy(name, tmp_path)
    assert api.check(recipe, Wants(date=DATE), house()) == ()
    desk = api.plan(recipe, Wants(date=DATE), FREE)
    assert makers(desk.plan) == {"animatic"}
    assert consent.verdict(desk, FREE) is None


@pytest.mark.parametrize("name", TOLD)
def test_a_readme_says_what_the_plan_says(name: str, tmp_path: Path) -> None:
    """Each service it names makes every clip, within the recipe's own caps, for at most what it says."""
    recipe = copy(name, tmp_path)
    assert stated(name)
    for provider, stage, cost in stated(name):
        desk = planned(recipe, provider, stage)
        assert makers(desk.plan) == {provider}
        assert all(step.price.high is not None for step in desk.plan.steps)
        assert said(desk) == cost
        assert consent.verdict(desk, house()) is None


@pytest.mark.parametrize("name", TOLD)
def test_a_recipe_shows_itself(name: str) -> None:
    """A small picture of its result, its files by their names, and its line in the index."""
    picture = library() / name / "picture.jpg"
    assert picture.stat().st_size < MOST_BYTES
    with Image.open(picture) as shown:
        assert (shown.format, shown.width) == ("JPEG", 960)
    for text, folder in ((told(name), library() / name), ((library() / "README.md").read_text("utf-8"), library())):
        assert all((folder / link).exists() for link in re.findall(r"\]\(([^)]+)\)", text))
    assert f"]({name}/recipe.yaml)" in (library() / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_runs_and_then_has_nothing_to_do(name: str, tmp_path: Path) -> None:
    """On the animatic, small: every shot is made, and the same again begins no run."""
    recipe = copy(name, tmp_path)
    text = recipe.read_text(encoding="utf-8")
    recipe.write_text(text.replace("resolution: 720p", "resolution: 480p"), encoding="utf-8")
    wants = Wants(date=DATE)
    ended = api.run(recipe, wants, FREE)
    assert (ended.status, ended.exit_code) == ("complete", 0)
    assert {shot["status"] for shot in ended.manifest["shots"]} == {"done"}
    assert (ended.output / "film.mp4").exists() == ("\nfilm:" in text)
    again = api.run(recipe, wants, FREE)
    assert (again.began, again.exit_code) == (False, 0)


@pytest.mark.slow
def test_a_draft_is_chosen_from_and_made_final(tmp_path: Path) -> None:
    """As the README of that recipe says: drafts, picks by the command, and then only those, in their own folder."""
    recipe = copy("draft-to-final", tmp_path)
    for command in re.findall(r"^rushes (\w+) recipe\.yaml ([^#\n]+?) +#", told("draft-to-final"), re.MULTILINE):
        done = rushes(command[0], recipe, *command[1].split(), "--quiet")
        assert done.returncode == 0, done.stderr
    final = recipe.parent / "out" / "glassblower" / "final"
    assert sorted(path.name for path in (final / "shots").iterdir()) == ["breath.mp4", "gather@2.mp4", "window@3.mp4"]
    assert (final / "film.mp4").exists()


def test_a_quick_run_of_one(tmp_path: Path) -> None:
    """The tale of the ferry with half a second a shot, so that a recipe of the library runs each time tests do."""
    shutil.copytree(library() / "storyboard", tmp_path / "storyboard")
    recipe = tmp_path / "storyboard" / "recipe.yaml"
    text = recipe.read_text(encoding="utf-8").replace("duration: 4", "duration: 0.5").replace("1s", "0.2s")
    recipe.write_text(text.replace("720p", "480p").replace("seconds: 2", "seconds: 1"), encoding="utf-8")
    ended = api.run(recipe, Wants(), FREE)
    assert (ended.status, len(ended.manifest["shots"])) == ("complete", 6)
    assert (ended.output / "film.mp4").exists()
