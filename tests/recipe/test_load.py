"""A recipe file becomes a `Recipe`, with everything worked out."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.digest import bytes_digest
from pipeline.errors import RecipeError, UserError
from pipeline.recipe.load import load
from pipeline.recipe.model import Chain, Upscale
from tests.recipe.written import DATE, HEAD, MP3, MP4, faults, loaded, png, write

WHOLE = """\
title: The Lighthouse Keeper
vars:
  keeper: an old keeper
  look: 35mm film
  line: "{{ keeper }}, {{ look }}"
defaults: {provider: animatic, model: seedance-2, duration: 4.5, ratio: 9:16}
budget:
  run: {usd: 8, credits: {seegen: 2000}}
  shot: {credits: 400.5}
  day: {credits: {seegen: 5000}}
  month: {usd: "{{ 50 * 2 }}"}
  on_exceed: skip
references:
  keeper: {image: keeper.png, people: true}
  sheet: {shot: sheet}
  waves: {audio: waves.mp3}
  sea: {video: "https://example.com/sea.mp4", seconds: 3s}
shots:
  - id: sheet
    kind: image
    model: gpt-image-2
    references: [keeper]
    prompt: "sheet of {{ line }}"
  - id: opening
    kind: image
    references: [sheet, keeper.png]
    prompt: stairs
  - id: dawn
    first_frame: keeper
    last_frame: keeper.png
    prompt: he climbs
    seed: 7
    audio: true
  - id: lamp
    chain: {from: dawn, offset: 0.2s}
    prompt: he lights it
    upscale: {to: 2k, by: local}
    needs: [opening]
    priority: 3
    retry: 1
    pin: true
  - id: "harbour-{{ weather | slug }}-{{ n }}"
    each: {weather: [Calm Sea, storm], n: [1, 2]}
    references: [sheet, sea]
    duration: "{{ n + 4 }}"
    takes: 2
    prompt: "{{ ref('sheet') }} in {{ weather }}"
film: {shots: [dawn, lamp], audio: waves, resolution: 1080p}
"""


def test_a_whole_recipe_is_read(tmp_path: Path) -> None:
    """Every field of the language arrives in the nouns, defaults filled in and names resolved."""
    recipe = loaded(tmp_path, WHOLE, keeper_png=png(), waves_mp3=MP3)
    shots = {shot.id: shot for shot in recipe.shots}
    assert list(shots) == [
        "sheet", "opening", "dawn", "lamp",
        "harbour-calm-sea-1", "harbour-calm-sea-2", "harbour-storm-1", "harbour-storm-2",
    ]  # fmt: skip
    sheet, opening, dawn, lamp, calm = (shots[name] for name in list(shots)[:5])
    assert (sheet.kind, sheet.prompt, sheet.seconds) == ("image", "sheet of an old keeper, 35mm film", Decimal(0))
    assert (opening.model, dawn.model) == ("gpt-image-2", "seedance-2")
    assert [source.shot or (source.file and source.file.name) for source in opening.references] == [
        "sheet",
        "keeper.png",
    ]
    keeper = sheet.references[0]
    assert keeper.people
    assert keeper.file is not None
    assert (keeper.file.sha256, keeper.file.bytes) == (bytes_digest(png()), len(png()))
    assert dawn.first_frame == keeper
    assert dawn.last_frame is not None
    assert not dawn.last_frame.people
    assert (dawn.seconds, dawn.ratio, dawn.resolution, dawn.seed) == (Decimal("4.5"), "9:16", "720p", 7)
    assert (dawn.audio, dawn.watermark, dawn.takes, dawn.account) == (True, False, 1, "animatic")
    assert lamp.chain == Chain(shot="dawn", offset_seconds=Decimal("0.2"))
    assert lamp.upscale == Upscale(to="2k", by="local")
    assert (lamp.needs, lamp.priority, lamp.retry, lamp.pin) == (("opening",), 3, 1, True)
    assert (calm.prompt, calm.seconds, calm.takes) == ("sheet in Calm Sea", Decimal(5), 2)
    assert calm.references[1].url == "https://example.com/sea.mp4"
    assert (calm.references[1].media, calm.references[1].seconds) == ("video", Decimal(3))
    assert recipe.film is not None
    assert (recipe.film.shots, recipe.film.resolution) == (("dawn", "lamp"), "1080p")
    assert recipe.film.audio is not None
    assert recipe.film.audio.media == "audio"
    assert (recipe.budget.run.usd, recipe.budget.run.credits) == (Decimal(8), {"seegen": Decimal(2000)})
    assert (recipe.budget.day.credits, recipe.budget.month.usd) == ({"seegen": Decimal(5000)}, Decimal(100))
    assert not recipe.budget.week
    assert (recipe.budget.shot.bare, recipe.budget.on_exceed) == (Decimal("400.5"), "skip")
    assert recipe.vars["line"] == "an old keeper, 35mm film"
    assert (recipe.name, recipe.title, recipe.date) == ("test", "The Lighthouse Keeper", DATE)
    assert recipe.digest == bytes_digest((HEAD + WHOLE).encode())
    assert recipe.warnings == ()


def test_a_shot_knows_where_its_fields_stand(tmp_path: Path) -> None:
    """`where` finds a field in the entry, an inherited one in the defaults, and anything else at the entry."""
    text = "defaults: {duration: 6}\nshots:\n  - id: a\n    prompt: hello\n"
    where = loaded(tmp_path, text).shots[0].where
    assert [(where(field).line, where(field).column) for field in ("prompt", "duration", "seed", "")] == [
        (6, 13), (3, 22), (5, 5), (5, 5),
    ]  # fmt: skip
    assert where("prompt").text == "    prompt: hello"


def test_only_what_names_the_date_is_dated(tmp_path: Path) -> None:
    """A shot is dated where its texts use run.date, also by way of a variable."""
    text = (
        'vars: {day: "{{ run.date }}"}\nshots:\n- {id: a, prompt: "on {{ run.date }}"}\n'
        '- {id: b, prompt: "on {{ day | upper }}"}\n- {id: c, prompt: they run.date}\n'
    )
    recipe = loaded(tmp_path, text)
    assert [shot.dated for shot in recipe.shots] == [True, True, False]
    assert recipe.shots[1].prompt == f"on {DATE}"


def test_variables_of_the_command_replace_those_of_the_recipe(tmp_path: Path) -> None:
    """A `--var` keeps the type that the recipe gave it, and is never read as a template."""
    path = write(
        tmp_path,
        HEAD
        + 'vars: {n: 1, on: false, who: ada}\nshots:\n- {id: "s{{ n }}", audio: "{{ on }}", prompt: "{{ who }}"}\n',
    )
    shot = load(path, variables={"n": "0o11", "on": "true", "who": "{{ 7*7 }}"}, date=DATE).shots[0]
    assert (shot.id, shot.audio, shot.prompt) == ("s9", True, "{{ 7*7 }}")


@pytest.mark.parametrize(
    "given, fact, hint",
    [
        ({"wo": "x"}, "--var wo: the recipe has no such variable.", "Did you mean 'who'?"),
        ({"n": "many"}, "--var n cannot be the text 'many'.", "Write a number"),
        ({"n": "true"}, "--var n cannot be the switch true.", "Write a number"),
        ({"on": "yes"}, "--var on cannot be the text 'yes'.", "Write true or false"),
        ({"names": "x"}, "--var names: its value is a list", "Change it in the recipe."),
    ],
)
def test_a_variable_that_does_not_fit_is_the_users_error(
    tmp_path: Path, given: dict[str, str], fact: str, hint: str
) -> None:
    """An undeclared `--var`, or one of another type, is refused with the way out."""
    path = write(tmp_path, HEAD + "vars: {n: 1, on: false, who: ada, names: [a]}\nshots: [{id: a, prompt: b}]\n")
    with pytest.raises(UserError) as caught:
        load(path, variables=given, date=DATE)
    assert caught.value.fact.startswith(fact)
    assert caught.value.hint.startswith(hint)


def test_what_makes_no_sense_for_a_still_is_not_inherited(tmp_path: Path) -> None:
    """A still takes neither a clip's model nor its frames, length or sound from the defaults."""
    text = (
        "defaults: {model: seedance-2, duration: 9, audio: true, chain: b, account: mine}\nshots:\n"
        "- {id: a, kind: image, prompt: p, provider: animatic}\n- {id: b, prompt: p}\n- {id: c, prompt: p}\n"
    )
    still, first, second = loaded(tmp_path, text).shots
    assert (still.model, still.seconds, still.audio, still.chain) == ("gpt-image-2", Decimal(0), False, None)
    assert (still.account, first.account) == ("animatic", "mine")
    assert (first.chain, second.chain) == (None, Chain(shot="b"))


def test_inherited_references_yield_to_frames(tmp_path: Path) -> None:
    """References of the defaults are left out where a shot has frames, with one warning for all."""
    text = (
        "defaults: {references: [keeper.png]}\nshots:\n- {id: a, prompt: p}\n"
        "- {id: b, chain: a, prompt: p}\n- {id: c, chain: b, prompt: p}\n"
    )
    recipe = loaded(tmp_path, text, keeper_png=png())
    assert [len(shot.references) for shot in recipe.shots] == [1, 0, 0]
    assert [(fault.place.line, fault.warning) for fault in recipe.warnings] == [(3, True)]


def test_frames_count_as_people_where_their_shot_does(tmp_path: Path) -> None:
    """A still with people in it brings them into each frame and reference that it becomes."""
    text = (
        "references: {face: {shot: a}}\nshots:\n- {id: a, kind: image, people: true, prompt: p}\n"
        "- {id: b, first_frame: a, prompt: p}\n- {id: c, references: [face], prompt: p}\n"
    )
    _, framed, referring = loaded(tmp_path, text).shots
    assert framed.first_frame is not None
    assert framed.first_frame.people
    assert referring.references[0].people


def test_film_true_is_every_clip_in_order(tmp_path: Path) -> None:
    """`film: true` takes the video shots as they come, `false` makes none, a list chooses."""
    shots = "shots:\n- {id: a, prompt: p}\n- {id: b, kind: image, prompt: p}\n- {id: c, prompt: p}\n"
    films = [loaded(tmp_path, f"{shots}film: {film}\n").film for film in ("true", "false", "[c, a]")]
    assert [film and film.shots for film in films] == [("a", "c"), None, ("c", "a")]


def test_a_file_may_hide_behind_a_link_inside_the_folder(tmp_path: Path) -> None:
    """A symbolic link is followed where it stays inside, and refused where it leads out."""
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.png").write_bytes(png())
    text = "shots:\n- {id: a, kind: image, prompt: p, references: [link.png]}\n"
    (inside / "real.png").write_bytes(png())
    (inside / "link.png").symlink_to("real.png")
    assert loaded(inside, text).shots[0].references[0].name == "link.png"
    (inside / "link.png").unlink()
    (inside / "link.png").symlink_to("../secret.png")
    (fault,) = faults(inside, HEAD + text)
    assert fault.fact == "'link.png' leads out of the recipe's folder by a symbolic link."


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """A named pipe in the place of a recipe or a picture is told of at once."""
    os.mkfifo(tmp_path / "pipe.png")
    (fault,) = faults(tmp_path, HEAD + "shots:\n- {id: a, kind: image, prompt: p, references: [pipe.png]}\n")
    assert "no ordinary file" in fault.fact
    with pytest.raises(UserError, match="no ordinary file"):
        load(tmp_path / "pipe.png", date=DATE)


def test_each_file_is_hashed_once(tmp_path: Path) -> None:
    """A thousand shots that use one picture share what was found out about it."""
    text = 'shots:\n- {id: "a{{ n }}", each: {n: "{{ range(1000) | list }}"}, prompt: p, references: [sea.mp4]}\n'
    shots = loaded(tmp_path, text, sea_mp4=MP4).shots
    assert len({id(shot.references[0].file) for shot in shots}) == 1
    assert shots[0].references[0].media == "video"


@pytest.mark.parametrize("what", ["nothing", "folder", "large"])
def test_what_is_no_recipe_file_is_the_users_error(tmp_path: Path, what: str) -> None:
    """No file, a folder and a file that is too large are refused before anything is read."""
    path = write(tmp_path, HEAD)
    if what == "nothing":
        path = tmp_path / "recipe.yml"
    elif what == "folder":
        path = tmp_path
    else:
        path.write_bytes(b"#" * (4 * 1024 * 1024 + 1))
    with pytest.raises(UserError) as caught:
        load(path, date=DATE)
    assert not isinstance(caught.value, RecipeError)
    words = {"nothing": "There is no file", "folder": "is a folder", "large": "larger than 4 MiB"}
    assert words[what] in caught.value.fact
    assert what == "large" or "recipe.yaml" in caught.value.hint


def test_a_good_recipe_needs_neither_jsonschema_nor_jinja2(tmp_path: Path) -> None:
    """Plain names in templates and a recipe without faults load without the two slow imports."""
    path = write(tmp_path, HEAD + 'vars: {a: b}\nshots: [{id: a, prompt: "x {{ a }}"}]\n')
    code = (
        "import sys; from pathlib import Path; from pipeline.recipe.load import load\n"
        f"load(Path({str(path)!r}), date='2026-01-01')\n"
        "print([name for name in ('jsonschema', 'jinja2', 'av', 'PIL') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
