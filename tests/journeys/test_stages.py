"""Drafts in three takes, picks, and finals of what was picked, over real HTTP: what is kept, made anew, and paid."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.approve import approve
from pipeline.desk import Desk, Wants
from pipeline.errors import DecisionNeeded, UserError
from pipeline.plan.model import Action, Step
from pipeline.session import Outcome
from tests.conftest import ROOT, rushes
from tests.journeys.services import YES, Quarter, Street, agree, charged, shots

D = Decimal
Write = Callable[..., Path]

STORY = """
defaults: {provider: seedancee2, model: seedance-2, duration: 4, resolution: 720p}
stages:
  draft: {model: seedance-2-mini, takes: 3}
  final: {upscale: 2k}
shots:
  - {id: dawn, prompt: he climbs the stairs}
  - {id: lamp, chain: dawn, prompt: he lights the lamp}
  - {id: dusk, prompt: he goes to sleep}
film: {shots: [dawn, lamp]}
"""
MINI, PRO = D(10) * 4, D(20) * 4  # S3:105, of four seconds at 720p
LARGER = D(38) * 5  # S0:466, of a clip a little longer than four seconds

UPSCALED = """
defaults: {provider: seegen, model: seedance-2-fast, duration: 4, resolution: 720p}
stages: {draft: {takes: 2}, final: {upscale: 2k}, }
shots:
  - {id: dawn, prompt: he climbs the stairs}
  - {id: lamp, chain: dawn, prompt: he lights the lamp}
"""


SMALL = """
defaults: {provider: seedancee2, model: seedance-2-mini, duration: 4, resolution: 480p}
stages: {draft: {takes: 3}, final: {model: seedance-2}}
shots:
  - {id: dawn, prompt: he climbs the stairs}
  - {id: lamp, chain: dawn, prompt: he lights the lamp}
"""
SMALL_MINI = D(5) * 4  # S3:107


def at(stage: str, **more: Any) -> Wants:
    return dataclasses.replace(YES, stage=stage, **more)


def run(path: Path, stage: str, quarter: Quarter, **more: Any) -> Outcome:
    return api.run(path, at(stage, **more), quarter.house())


def plan(path: Path, stage: str, quarter: Quarter) -> Desk:
    return api.plan(path, at(stage), quarter.house())


def pick(path: Path, quarter: Quarter, *takes: str, clear: Sequence[str] = ()) -> Any:
    return approve(path, takes, Wants(), quarter.house(), clear=clear)


def steps(desk: Desk) -> dict[str, Step]:
    return {step.id: step for step in desk.plan.steps}


def drafted(path: Path, quarter: Quarter) -> None:
    """Drafts of all shots, `dawn@2` and `lamp@3` picked, the drafts of `lamp` made again after that `dawn`."""
    assert run(path, "draft", quarter).exit_code == 0
    pick(path, quarter, "dawn@2")
    assert run(path, "draft", quarter, follow=True).exit_code == 0
    pick(path, quarter, "lamp@3")


def test_a_draft_is_picked_and_its_final_made(write: Write, street: Street) -> None:
    """Finals have the seed and frames of what was picked, chain from each other, and cost what they should, once."""
    path = write(STORY)
    with street("seedancee2", "seegen") as quarter:
        stands = quarter.standing.stands
        drafted(path, quarter)
        drafts = D(3) * 3 * MINI + 3 * MINI  # nine takes, and those of the lamp once more
        assert charged(stands["seedancee2"]) == drafts
        there = (path.parent / "out/tale/draft/shots/dawn.mp4").read_bytes()

        desk = plan(path, "final", quarter)
        found = steps(desk)
        assert [name for name in found if "/upload" not in name] == [
            "dawn@2/generate",
            "dawn@2/last_frame",
            "dawn@2/upscale",
            "lamp@3/generate",
            "lamp@3/upscale",
            "film",
        ]
        assert "anew after take 2 of draft: same seed" in found["dawn@2/generate"].why
        assert desk.plan.totals().credits == {
            "seedancee2@rehearsal": 2 * PRO,
            "seegen@rehearsal": 2 * LARGER,
        }
        assert [w.fact for w in desk.plan.warnings if "dusk" in w.fact] == [
            "No take is picked of dusk: final does not make it."
        ]

        ended = run(path, "final", quarter)
        assert (ended.exit_code, ended.status) == (0, "complete")
        assert charged(stands["seedancee2"]) == drafts + 2 * PRO
        assert charged(stands["seegen"]) == 2 * LARGER
        seeds = {name: shot["seed"] for name, shot in shots(api.status(path, at("draft"), quarter.house())).items()}
        pro = [body["input"] for body in quarter.bodies("seedancee2") if body["model"] == "pro"]
        sent = {asked["prompt"]: asked for asked in pro}
        assert sent["he climbs the stairs"]["seed"] == seeds["dawn@2"]
        assert sent["he lights the lamp"]["seed"] == seeds["lamp@3"]
        made = shots(ended.manifest)
        assert ended.manifest["run"]["stage"] == "final"
        assert [(name, made[name]["picked"], made[name]["status"]) for name in ("dawn@2", "lamp@3", "dusk")] == [
            ("dawn@2", True, "done"),
            ("lamp@3", True, "done"),
            ("dusk", False, "pending"),
        ]
        assert made["dusk"]["why"] == "no take of it is picked"
        assert made["lamp@3"]["first_frame"]["from"] == "dawn@2/last_frame"
        final = path.parent / "out/tale/final"
        assert (final / "shots/dawn@2.2k.mp4").exists()
        assert (final / "film.mp4").exists()
        assert (path.parent / "out/tale/draft/shots/dawn.mp4").read_bytes() == there
        assert api.verify(final / "manifest.json") == []

        asked = {name: len(stand.log) for name, stand in stands.items()}
        again = run(path, "final", quarter)
        assert (again.began, again.exit_code) == (False, 0)
        cut = run(path, "draft", quarter)  # the film of the drafts shows what was picked since
        assert cut.manifest["film"]["status"] == "done"
        assert {name: len(stand.log) for name, stand in stands.items()} == asked
        agree(path.parent, quarter)


def test_what_is_only_to_be_larger_is_kept(write: Write, street: Street) -> None:
    """The picked clip itself is enlarged by a service, though the provider makes it larger for less only anew."""
    path = write(UPSCALED)
    with street("seegen") as quarter:
        drafted_for = run(path, "draft", quarter)
        assert drafted_for.exit_code == 0
        pick(path, quarter, "dawn@2")
        paid = charged(quarter.stand)
        found = steps(plan(path, "final", quarter))
        assert found["dawn@2/generate"].action is Action.REUSE
        assert found["dawn@2/generate"].why == "take 2 of draft, as it was picked"
        ended = run(path, "final", quarter)
        assert (ended.exit_code, ended.status) == (0, "complete")
        assert charged(quarter.stand) == paid + LARGER
        made, before = shots(ended.manifest), shots(drafted_for.manifest)
        assert made["dawn@2"]["outputs"]["video"]["sha256"] == before["dawn@2"]["outputs"]["video"]["sha256"]
        assert made["lamp"]["why"] == "no take of it is picked"

        anew = run(path, "final", quarter, redo=("dawn",))
        assert (anew.began, charged(quarter.stand)) == (False, paid + LARGER)
        agree(path.parent, quarter)


def test_a_service_without_seeds_is_told_of(write: Write, street: Street) -> None:
    """Where a final is made anew and nobody can say of which seed the draft was, the plan says that it will differ."""
    path = write(UPSCALED.replace("upscale: 2k", "model: seedance-2"))
    with street("seegen") as quarter:
        assert run(path, "draft", quarter).exit_code == 0
        pick(path, quarter, "dawn")
        why = steps(plan(path, "final", quarter))["dawn/generate"].why
        assert why == "not made yet; anew after take 1 of draft: will differ: no seed"
        assert run(path, "final", quarter).exit_code == 0


def test_a_stale_pick_is_a_decision(write: Write, street: Street) -> None:
    """A changed prompt: exit 4 in both stages before anything is sent, with the line and the way out."""
    path = write(STORY)
    with street("seedancee2", "seegen") as quarter:
        drafted(path, quarter)
        asked = len(quarter.stand.log)
        path.write_text(path.read_text().replace("he climbs", "she climbs"))
        for stage in ("draft", "final"):
            with pytest.raises(DecisionNeeded) as refused:
                run(path, stage, quarter)
            assert "recipe.picks.yaml:2: The pick of dawn@2 is stale" in refused.value.fact
            assert f"rushes approve {path} --clear dawn" in refused.value.hint
        assert len(quarter.stand.log) == asked

        pick(path, quarter, clear=("dawn", "lamp"))
        assert run(path, "draft", quarter, follow=True).exit_code == 0
        pick(path, quarter, "dawn@3")
        assert "dawn@3/generate" in steps(plan(path, "final", quarter))


@pytest.mark.slow
def test_a_pick_stands_when_its_take_is_made_again(write: Write, street: Street) -> None:
    """A redo in the drafts keeps the old result, which the final and the next draft go on with until it is let go."""
    path = write(SMALL)
    picks = path.with_name("recipe.picks.yaml")
    with street("seedancee2", draw=True) as quarter:
        drafted(path, quarter)
        assert run(path, "final", quarter).exit_code == 0
        old, paid = picks.read_text(), charged(quarter.stand)

        again = shots(run(path, "draft", quarter, redo=("dawn@2",)).manifest)["dawn@2"]
        assert charged(quarter.stand) == paid + SMALL_MINI
        assert (again["status"], again["picked"]) == ("done", False)
        assert run(path, "final", quarter).began is False
        assert not plan(path, "draft", quarter).stale

        pick(path, quarter, "dawn@2")  # which now is the new one, as it lies there
        assert again["outputs"]["video"]["sha256"] in picks.read_text()
        assert steps(plan(path, "draft", quarter))["lamp@3/generate"].follows
        picks.write_text(old)

        back = shots(run(path, "draft", quarter).manifest)
        assert (back["dawn@2"]["picked"], back["lamp@3"]["status"]) == (True, "reused")
        assert back["dawn@2"]["outputs"]["video"]["sha256"] in old
        assert not plan(path, "final", quarter).plan.doing()
        assert charged(quarter.stand) == paid + SMALL_MINI
        agree(path.parent, quarter)


@pytest.mark.slow
def test_what_only_gets_larger_stays_the_result_that_was_picked(write: Write, street: Street) -> None:
    """Also where its draft was made again before the final."""
    path = write(UPSCALED)
    with street("seegen", draw=True) as quarter:
        assert run(path, "draft", quarter).exit_code == 0
        sha256 = pick(path, quarter, "dawn").picked["dawn"].sha256
        assert run(path, "draft", quarter, redo=("dawn@1",)).exit_code == 0
        paid = charged(quarter.stand)
        for more in ({}, {"redo": ("dawn",)}):
            made = shots(run(path, "final", quarter, **more).manifest)["dawn"]
            assert made["outputs"]["video"]["sha256"] == sha256
        assert charged(quarter.stand) == paid + LARGER
        agree(path.parent, quarter)


@pytest.mark.slow
def test_a_fresh_result_under_way_is_not_bought_twice(write: Write, street: Street) -> None:
    """A redo of a picked take is killed, the drafts go on with the pick, and that redo again takes its job up."""
    path = write(SMALL)
    with street("seedancee2", seconds_per_job=1) as quarter:
        assert run(path, "draft", quarter).exit_code == 0
        pick(path, quarter, "dawn@2")
        script = Path(__file__).with_name("killed_stages.py")
        command = [sys.executable, str(script), str(path), "draft", "4", "dawn@2"]
        environ = {**os.environ, **quarter.house().environ}
        killed = subprocess.run(command, env=environ, capture_output=True, text=True, cwd=ROOT)
        assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
        desk = plan(path, "draft", quarter)
        assert steps(desk)["dawn@2/generate"].action is Action.REUSE
        assert "Say --redo dawn@2 to have it: it is not bought again." in [w.hint for w in desk.plan.warnings]
        assert run(path, "draft", quarter, follow=True).exit_code == 0
        jobs = len(quarter.bodies())
        assert run(path, "draft", quarter, redo=("dawn@2",)).exit_code == 0
        assert len(quarter.bodies()) == jobs
        agree(path.parent, quarter)


def test_picks_are_of_takes_as_they_were_asked_for(write: Write, street: Street) -> None:
    """`approve` takes the provider from the run of the drafts; a final that forgets it is told what to type."""
    path = write(UPSCALED.replace("provider: seegen, ", ""))
    with street("seegen") as quarter:
        assert run(path, "draft", quarter, provider="seegen").exit_code == 0
        done = pick(path, quarter, "dawn")
        assert done.wants.provider == "seegen"
        with pytest.raises(DecisionNeeded) as refused:
            run(path, "final", quarter)
        asked = f"Ask as for those takes: rushes run {path} --stage final --provider seegen"
        assert refused.value.hint.startswith(asked)
        assert run(path, "final", quarter, provider="seegen").exit_code == 0


def test_what_is_not_made_is_not_picked(write: Write, street: Street) -> None:
    """Nothing is written for a take that is not there, that follows another pick, or of another stage."""
    path = write(STORY)
    with street("seedancee2", "seegen") as quarter:
        with pytest.raises(UserError, match="dawn@2 is not made as it would be now: not made yet"):
            pick(path, quarter, "dawn@2")
        assert run(path, "draft", quarter).exit_code == 0
        with pytest.raises(UserError, match="lamp is not made as it would be now: follows dawn@2"):
            pick(path, quarter, "dawn@2", "lamp")
        with pytest.raises(UserError, match="dawn@2 and dawn@3 are takes of one shot"):
            pick(path, quarter, "dawn@2", "d*@3")
        with pytest.raises(UserError, match="picks are of takes of draft, the stage before the last"):
            approve(path, ["dawn"], Wants(stage="final"), quarter.house())
        assert not path.with_name("recipe.picks.yaml").exists()
        done = pick(path, quarter, "*")
        assert {shot: taken.take for shot, taken in done.picked.items()} == {"dawn": 1, "lamp": 1, "dusk": 1}
        after = pick(path, quarter, "dawn@2")
        assert after.stale["lamp"].fact.startswith(
            "The pick of lamp is stale: that take is not there as it would be made now"
        )


EVENTS = 10


@pytest.mark.slow
@pytest.mark.parametrize("stop", range(2, EVENTS + 1))
def test_a_killed_final_is_gone_on_with(stop: int, write: Write, street: Street) -> None:
    """`kill -9` at an event of the final: the next command ends the same run, and no request was sent twice."""
    path = write(UPSCALED.replace("takes: 2", "takes: 1, duration: 5").replace("chain: dawn, ", ""))
    script = Path(__file__).with_name("killed_stages.py")
    with street("seegen") as quarter:
        publish = quarter.config.publish
        assert publish
        assert run(path, "draft", quarter).exit_code == 0
        pick(path, quarter, "dawn", "lamp")
        config = path.parent / "config.toml"
        config.write_text(f'[publish]\nstore = "{publish.store}"\nbase_url = "{publish.base_url}"\n')
        environ = {**os.environ, **quarter.house().environ, "RUSHES_CONFIG": str(config)}
        command = [sys.executable, str(script), str(path), "final"]
        killed = subprocess.run([*command, str(stop)], env=environ, capture_output=True, text=True, cwd=ROOT)
        assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
        ended = subprocess.run([*command, "0"], env=environ, capture_output=True, text=True, cwd=ROOT)
        code = int(ended.stdout.split()[0]) if ended.stdout else ended.stderr
        prompts = [body["input"]["prompt"] for body in quarter.bodies() if "prompt" in body.get("input", {})]
        assert len(prompts) <= 4
        if code == 4:  # killed after a request was written down, before its answer: held
            manifest = api.status(path, at("final"), quarter.house())
            assert any(account["unknown"] for account in manifest["budget"]["by_account"].values())
            return
        assert code == 0
        agree(path.parent, quarter)


@pytest.mark.slow
def test_the_commands_as_one_types_them(write: Write, tmp_path: Path) -> None:
    """Real processes: run, approve, final, status of the latest stage; what is printed names files and digests."""
    path = write(
        "defaults: {duration: 0.5, resolution: 480p}\nstages: {draft: {takes: 2}, final: {resolution: 720p}}\n"
        "shots:\n  - {id: sheet, kind: image, prompt: a sheet}\n"
        "  - {id: dawn, first_frame: sheet, prompt: he climbs}\n  - {id: lamp, prompt: he lights}\n"
    )
    refused = rushes("run", path, "--stage", "final")
    assert (refused.returncode, "no take is picked of any shot" in refused.stderr) == (4, True)
    assert rushes("run", path, "--stage", "draft", "--quiet").returncode == 0
    page = (tmp_path / "out/tale/draft/report.html").read_text()
    assert "rushes approve recipe.yaml dawn@2" in page
    done = rushes("approve", path, "dawn@2")
    assert done.returncode == 0, done.stderr
    name, digest, file = done.stdout.split()
    assert (name, Path(file).name) == ("dawn@2", "dawn@2.mp4")
    text = (tmp_path / "recipe.picks.yaml").read_text()
    assert f'dawn: {{take: 2, sha256: "{digest}"}}' in text
    page = (tmp_path / "out/tale/draft/report.html").read_text()
    assert "picked" in page
    assert "rushes approve recipe.yaml dawn@2" not in page
    again = rushes("approve", path, "dawn@2")
    assert "says so already" in again.stderr
    assert rushes("run", path, "--stage", "final", "--quiet").returncode == 0
    told = rushes("status", path, "--format", "json")
    assert '"stage": "final"' in told.stdout
    assert rushes("verify", path).returncode == 0
    assert rushes("run", path, "--stage", "finel").returncode == 2
    missing = rushes("approve", path, "dawm@2")
    assert (missing.returncode, "Did you mean dawn@2?" in missing.stderr) == (2, True)
    cleared = rushes("approve", path, "--clear", "dawn", "--format", "json")
    assert (cleared.returncode, '"dawn"' in cleared.stdout) == (0, True)
    assert rushes("run", path, "--stage", "final").returncode == 4
