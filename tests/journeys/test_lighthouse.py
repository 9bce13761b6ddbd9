"""The example, from text to manifest and film, as the command of a new user."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest

from pipeline.digest import loads
from pipeline.media.probe import check
from tests.conftest import ROOT, rushes

OUT = Path("out") / "lighthouse"


@pytest.fixture(scope="module")
def lighthouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's folder after a run, elsewhere than in the checkout."""
    folder = tmp_path_factory.mktemp("journey") / "lighthouse"
    shutil.copytree(ROOT / "examples" / "lighthouse", folder, ignore=shutil.ignore_patterns("out", ".rushes"))
    done = rushes("run", folder / "recipe.yaml")
    assert done.returncode == 0, done.stderr
    assert "complete" in done.stdout
    return folder


def test_every_shot_is_made_and_told(lighthouse: Path) -> None:
    """The manifest is valid, complete, and lists ten takes of eight shots, each with files that are there."""
    manifest = loads((lighthouse / OUT / "manifest.json").read_bytes())
    schema = json.loads((ROOT / "schemas" / "manifest.schema.json").read_text())
    jsonschema.validate(json.loads((lighthouse / OUT / "manifest.json").read_text()), schema)
    assert manifest["run"]["status"] == "complete"
    assert [shot["id"] if shot["take"] == 1 else f"{shot['id']}@{shot['take']}" for shot in manifest["shots"]] == [
        "sheet", "opening", "stairs", "lamp", "beam", "harbour-calm", "harbour-calm@2", "harbour-storm",
        "harbour-storm@2", "dawn",
    ]  # fmt: skip
    for shot in manifest["shots"]:
        assert shot["status"] == "done"
        for output in shot["outputs"].values():
            assert (lighthouse / OUT / output["path"]).stat().st_size == output["bytes"]


def test_the_film_has_every_clip_once_and_the_bed(lighthouse: Path) -> None:
    """Six clips of 72 frames less two seam frames, at the largest clip's shape, with sound as long as the picture."""
    film = check(lighthouse / OUT / "film.mp4")
    assert (film.width, film.height, film.frames) == (1920, 1080, 6 * 72 - 2)
    assert film.sound is not None
    assert abs(film.sound.seconds - film.seconds) < Decimal("0.05")


def test_the_chain_is_handed_over_exactly(lighthouse: Path) -> None:
    """The frame that `lamp` begins with is the last one of `stairs`: its number, time and bytes are told."""
    manifest = loads((lighthouse / OUT / "manifest.json").read_bytes())
    shots = {shot["id"]: shot for shot in manifest["shots"] if shot["take"] == 1}
    frame = shots["lamp"]["first_frame"]
    assert frame["sha256"] == shots["stairs"]["outputs"]["last_frame"]["sha256"]
    assert frame["index"] == 71


def test_verify_finds_the_damage_alone(lighthouse: Path) -> None:
    """A changed end of one clip is found and named, and nothing else is."""
    clip = lighthouse / OUT / "shots" / "dawn.mp4"
    whole = clip.read_bytes()
    clip.write_bytes(whole[:-100] + bytes(100))
    done = rushes("verify", lighthouse / OUT)
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    assert line.startswith("dawn: shots/dawn.mp4 is not the file that was made")
    done = rushes("run", lighthouse / "recipe.yaml")
    assert done.returncode == 0
    assert clip.read_bytes() == whole


def test_the_second_run_finds_nothing_to_do(lighthouse: Path) -> None:
    """It begins no run and leaves the manifest as it is."""
    before = (lighthouse / OUT / "manifest.json").read_bytes()
    done = rushes("run", lighthouse / "recipe.yaml")
    assert (done.returncode, "Nothing to do" in done.stderr) == (0, True)
    assert (lighthouse / OUT / "manifest.json").read_bytes() == before


def test_an_edited_prompt_reruns_that_shot_and_what_follows_it(lighthouse: Path) -> None:
    """A new prompt for `lamp` makes it, its upscale, `beam` and the film again, says why, and reuses the rest."""
    path = lighthouse / "recipe.yaml"
    path.write_text(path.read_text().replace("lights the great lamp", "lights the old lamp"))
    plan = json.loads(rushes("plan", path, "--format", "json").stdout)
    again = {step["id"]: step["why"] for step in plan["steps"] if step["action"] != "reuse"}
    assert list(again) == ["lamp/generate", "lamp/last_frame", "lamp/upscale", "beam/generate", "film"]
    assert again["lamp/generate"] == "changed since it was made"
    assert again["beam/generate"] == "follows lamp/last_frame, which changed"
