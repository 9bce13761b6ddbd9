"""The journeys of shots that fail and have fallbacks: what is asked for next, what is paid, what is told."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline import api
from pipeline.desk import Wants
from pipeline.errors import DecisionNeeded, UserError
from tests.conftest import ROOT
from tests.journeys.services import COST, YES, Quarter, Street, agree, creates, shots

D = Decimal
Write = Callable[..., Path]

MOVIE = "seedance2-movie"
LADDER = """
defaults: {provider: seegen, duration: 4, resolution: 720p}
shots:
  - id: a
    prompt: the sea at night
    fallback:
      - {prompt: a calm sea at night}
      - {provider: seedance2-movie}
  - {id: b, chain: a, prompt: the sea at dawn}
"""


def forbid_twice(quarter: Quarter) -> None:
    """The shot as declared is refused at once, its softer words later."""
    quarter.stand.faults.add("moderated_at_create", match="the sea at night")
    quarter.stand.faults.add("moderated_later", match="a calm sea")


def asked(quarter: Quarter, name: str) -> list[str]:
    """The prompts that a service took, in turn."""
    prompts = ("the sea at night", "a calm sea at night", "the sea at dawn")
    return [prompt for body in quarter.bodies(name) for prompt in prompts if prompt in repr(body)]


def test_a_forbidden_shot_falls_to_softer_words_and_then_to_another_service(write: Write, street: Street) -> None:
    """Moderated twice on one service and made by another in the same run; what is chained goes on from its clip."""
    path = write(LADDER)
    with street("seegen", MOVIE) as quarter:
        forbid_twice(quarter)
        ended = api.run(path, YES, quarter.house())
        a, b = shots(ended.manifest)["a"], shots(ended.manifest)["b"]
        assert (ended.exit_code, ended.status, a["status"], b["status"]) == (0, "complete", "done", "done")
        assert (a["fallback"], a["provider"], a["account"], a["prompt"]) == (
            2, MOVIE, f"{MOVIE}@rehearsal", "the sea at night",
        )  # fmt: skip
        tried = [(one["fallback"], one["account"], one["status"]) for one in a["attempts"] if one["account"]]
        assert tried == [
            (0, "seegen@rehearsal", "refused"),
            (1, "seegen@rehearsal", "failed"),
            (2, f"{MOVIE}@rehearsal", "succeeded"),
        ]
        assert a["why"].startswith("fallback 2 of 2: fallback 1 failed: ")
        assert (b["fallback"], b["first_frame"]["from"]) == (0, "a/last_frame")
        assert asked(quarter, "seegen") == ["a calm sea at night", "the sea at dawn"]
        assert (a["credits"]["charged"], b["credits"]["charged"]) == (COST[MOVIE], COST["seegen"])
        agree(path.parent, quarter)
        page = (ended.output / "report.html").read_text()
        assert "fallback 2: seedance2-movie@rehearsal seedance-2" in page
        assert api.verify(ended.output / "manifest.json") == []
        before = (ended.output / "manifest.json").read_bytes()
        again = api.run(path, YES, quarter.house())
        assert (again.began, again.exit_code) == (False, 0)
        assert (ended.output / "manifest.json").read_bytes() == before
        assert [len(creates(stand)) for stand in quarter.standing.stands.values()] == [3, 1]


def test_an_account_without_money_falls_to_another_service_for_every_shot(write: Write, street: Street) -> None:
    """402 shuts the account: what was not even tried falls too, and is not bought again when there is money."""
    text = "defaults: {provider: seegen, duration: 4, fallback: [{provider: seedance2-movie}]}\nshots:\n"
    path = write(text + "".join(f"  - {{id: s{n}, prompt: wave {n}}}\n" for n in range(4)))
    with street("seegen", MOVIE, concurrency=1) as quarter:
        quarter.stand.faults.add("refused", status=402, message="Insufficient credits", times=None)
        ended = api.run(path, YES, quarter.house(widths={"seegen": 1}))
        found = shots(ended.manifest)
        assert (ended.exit_code, {shot["fallback"] for shot in found.values()}) == (0, {1})
        assert len(creates(quarter.stand)) == 1
        agree(path.parent, quarter)
        quarter.stand.faults.clear()
        assert api.run(path, YES, quarter.house()).began is False
        path.write_text(path.read_text() + "  - {id: s4, prompt: wave 4}\n")
        more = api.run(path, YES, quarter.house())
        assert {name: shot["fallback"] for name, shot in shots(more.manifest).items()} == {
            "s0": 1, "s1": 1, "s2": 1, "s3": 1, "s4": 0,
        }  # fmt: skip
        assert len(creates(quarter.stand)) == 2


def test_an_input_that_is_refused_falls_to_who_takes_it(write: Write, street: Street, picture: bytes) -> None:
    """A review that says no fails the request that needs it; the fallback needs none."""
    path = write(
        "references: {k: {image: k.png, people: true}}\n"
        "defaults: {provider: seegen, duration: 4}\nshots:\n"
        "  - {id: a, references: [k], prompt: she walks, fallback: [{provider: seedancee2, references: []}]}\n"
    )
    (path.parent / "k.png").write_bytes(picture)
    with street("seegen", "seedancee2") as quarter:
        quarter.stand.faults.add("asset_fails", message="a real person", times=None)
        ended = api.run(path, YES, quarter.house())
        assert (ended.exit_code, shots(ended.manifest)["a"]["fallback"]) == (0, 1)
        assert creates(quarter.stand) == []
        assert len(quarter.handed_in()) == 1
        agree(path.parent, quarter)
        assert api.run(path, YES, quarter.house()).began is False


def test_a_cap_that_names_one_account_stops_at_the_rung_of_the_other(write: Write, street: Street) -> None:
    """Told in the plan, and at the end as the reason: exit 3, the other shot is made, nothing is asked of the other."""
    path = write(
        LADDER.replace("shots:", "budget: {run: {credits: {seegen: 1000}}}\nshots:") + "  - {id: z, prompt: z}\n"
    )
    with street("seegen", MOVIE) as quarter:
        house = quarter.house({"SEEDANCE2_MOVIE_API_KEY": ""})  # nobody needs it
        told = {step.id: step for step in api.plan(path, Wants(yes=True), house).plan.steps}["a/generate"]
        assert [(one.rung, bool(one.denied)) for one in told.fallback] == [(1, False), (2, True)]
        forbid_twice(quarter)
        ended = api.run(path, Wants(yes=True), house)
        found = shots(ended.manifest)
        assert (ended.exit_code, found["z"]["status"]) == (3, "done")
        assert (found["a"]["status"], found["a"]["fallback"], found["b"]["status"]) == ("skipped", 2, "skipped")
        assert "the budget for the run gives seedance2-movie@rehearsal none" in found["a"]["error"]
        assert creates(quarter.standing.stands[MOVIE]) == []


def test_consent_knows_who_may_be_paid(write: Write, street: Street) -> None:
    """A missing key of a fallback's account is told before anything is spent; so is a cap that does not cover it."""
    path = write(LADDER)
    with street("seegen", MOVIE) as quarter:
        with pytest.raises(UserError, match="SEEDANCE2_MOVIE_API_KEY is not set"):
            api.run(path, YES, quarter.house({"SEEDANCE2_MOVIE_API_KEY": ""}))
        with pytest.raises(UserError, match="does not say whose"):
            api.run(path, Wants(yes=True, max_credits=D(1000)), quarter.house())
        with pytest.raises(DecisionNeeded, match="--yes would spend on"):
            api.run(path, Wants(yes=True), quarter.house())
        assert [creates(stand) for stand in quarter.standing.stands.values()] == [[], []]


def test_a_preview_draws_the_shot_itself(write: Write, street: Street) -> None:
    """Every rung moves; those that then ask for the same are gone."""
    path = write(LADDER)
    with street("seegen", MOVIE) as quarter:
        plan = api.plan(path, dataclasses.replace(YES, preview=True), quarter.house()).plan
    step = {one.id: one for one in plan.steps}["a/generate"]
    assert (step.provider, [(one.rung, one.provider) for one in step.fallback]) == ("animatic", [(1, "animatic")])


EVENTS = 24


@pytest.mark.slow
@pytest.mark.parametrize("at", range(2, EVENTS))
def test_killed_between_rounds_and_in_them(at: int, write: Write, street: Street) -> None:
    """`kill -9` at each event: the next command ends at the same result, and no request was sent twice."""
    path = write(LADDER)
    script = Path(__file__).with_name("killed_fallback.py")
    with street("seegen", MOVIE) as quarter:
        forbid_twice(quarter)
        config = path.parent / "config.toml"
        publish = quarter.config.publish
        assert publish
        config.write_text(f'[publish]\nstore = "{publish.store}"\nbase_url = "{publish.base_url}"\n')
        environ = {**os.environ, **quarter.house().environ, "RUSHES_CONFIG": str(config)}
        command = [sys.executable, str(script), str(path)]
        killed = subprocess.run([*command, str(at)], env=environ, capture_output=True, text=True, cwd=ROOT)
        assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
        ended = subprocess.run([*command, "0"], env=environ, capture_output=True, text=True, cwd=ROOT)
        code = int(ended.stdout.split()[0]) if ended.stdout else ended.stderr
        manifest = api.status(path, YES, quarter.house())
        assert all(len(found) == len(set(found)) for found in (asked(quarter, "seegen"), asked(quarter, MOVIE)))
        if code == 4:  # killed after a request was written down, before its answer: held
            assert any(account["unknown"] for account in manifest["budget"]["by_account"].values())
            return
        found = shots(manifest)
        assert (code, found["a"]["fallback"], found["a"]["status"], found["b"]["status"]) == (0, 2, "done", "done")
        agree(path.parent, quarter)
