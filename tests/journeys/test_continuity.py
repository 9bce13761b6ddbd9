"""A chained film from its text to its file: what fades, what begins anew, and what is not made or paid for again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline import api
from pipeline.digest import loads
from pipeline.media.probe import check
from tests.conftest import rushes
from tests.journeys.services import COST, YES, Street, charged, shots

Write = Callable[..., Path]

FILM = """
defaults: {resolution: 480p, duration: 1}
shots:
  - {id: dawn, prompt: dawn over the cliff, audio: true}
  - {id: lamp, chain: {from: dawn, offset: 0.5s}, prompt: he lights the lamp}
  - {id: beam, chain: lamp, prompt: the beam sweeps over the sea}
"""
CUT = """
film:
  crossfade: 0.5s
  joins: {lamp: cut}
  fade_out: 0.5s
  titles: [{text: The Keeper, over: dawn, seconds: 0.5}]
"""


def test_a_film_is_faded_and_lettered_and_made_anew_alone(write: Write) -> None:
    """Its length is that of its clips less what they share; another title makes the film again, and nothing else."""

    def run(text: str) -> Any:
        done = rushes("run", write(text))
        assert done.returncode == 0, done.stderr
        return loads((out / "manifest.json").read_bytes())

    out = write(FILM).parent / "out" / "tale"
    first = run(FILM + CUT)
    seen = check(out / "film.mp4")
    # The crossfade is as long as the offset; the chain's repeated picture is dropped where there is a cut.
    assert seen.frames == 3 * 24 - 12 - 1
    assert seen.sound is not None
    assert "clips fade into each other" in first["film"]["why"]
    again = run(FILM + CUT.replace("The Keeper", "Another"))
    assert again["film"]["key"] != first["film"]["key"]
    assert {shot["status"] for shot in again["shots"]} == {"reused"}
    cut = run(FILM + "film: true\n")
    # A plain cut leaves `dawn` where `lamp` goes on from it.
    assert check(out / "film.mp4").frames == 12 + 24 + 23
    assert cut["film"]["joined"] == "part"


def test_a_film_without_room_is_told_of_before_anything_is_made(write: Write) -> None:
    """With its line and column, and what is the most."""
    recipe = write("shots: [{id: a, prompt: p, duration: 1}, {id: b, prompt: q}]\nfilm: {crossfade: 1}\n")
    done = rushes("run", recipe)
    assert done.returncode == 2
    assert "recipe.yaml:4:19: A crossfade of 1 s is longer than half of 'a', which lasts 1 s." in done.stderr
    assert not list(recipe.parent.rglob("*.mp4"))


def test_a_chain_begins_anew_from_the_keeper_on_a_service(write: Write, street: Street, picture: bytes) -> None:
    """Every second shot is sent the reference's own picture and not the frame before; the plan says which and why."""
    recipe = write(
        "defaults: {provider: seegen, duration: 4, reanchor: {every: 2, to: keeper}}\n"
        "references: {keeper: {image: keeper.png}}\nshots:\n- {id: a, first_frame: keeper, prompt: a}\n"
        "- {id: b, chain: a, prompt: b}\n- {id: c, chain: b, prompt: c}\n- {id: d, chain: c, prompt: d}\n"
    )
    (recipe.parent / "keeper.png").write_bytes(picture)
    with street("seegen") as quarter:
        plan = api.plan(recipe, YES, quarter.house()).plan
        why = {step.shot: step.why for step in plan.steps if step.kind == "generate"}
        assert "begins anew from keeper after 2 shots of its chain" in why["c"]
        assert not any("anew" in why[name] for name in "abd")
        assert {step.id for step in plan.steps if step.kind == "last_frame"} == {"a/last_frame", "c/last_frame"}
        ended = api.run(recipe, YES, quarter.house())
        assert ended.exit_code == 0
        found = shots(ended.manifest)
        assert found["c"]["first_frame"]["sha256"] == found["a"]["first_frame"]["sha256"]
        assert found["c"]["first_frame"]["sha256"] != found["d"]["first_frame"]["sha256"]
        for _ in range(2):
            assert charged(quarter.stand) == 4 * COST["seegen"]
            assert api.run(recipe, YES, quarter.house()).exit_code == 0
