"""The journeys of shots whose provider is `cheapest`: who makes them, what is paid, that they stay where they are."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline import api
from pipeline.approve import approve
from pipeline.desk import Desk, Wants
from pipeline.digest import dumps, loads
from pipeline.errors import RecipeError, StalePlan, UserError
from pipeline.plan.model import Action, Step
from tests.conftest import ROOT
from tests.journeys.services import COST, YES, Quarter, Street, agree, creates, shots

D = Decimal
Write = Callable[..., Path]

MOVIE = "seedance2-movie"
RATES = {MOVIE: D("0.05"), "naci": D("0.01")}  # 4 seconds: seegen $0.64, movie $0.36, naci $0.72
DEARER = {MOVIE: D("0.5"), "naci": D("0.0001"), "seegen": D("0.002")}  # movie $3.60, naci $0.0072, seegen $0.32
SHOW = """
defaults: {provider: cheapest, duration: 4}
shots:
  - {id: sheet, kind: image, prompt: a character sheet}
  - {id: a, prompt: the sea at night}
  - {id: b, chain: a, prompt: the sea at dawn}
  - {id: c, prompt: the sea at noon, upscale: 2k}
  - {id: d, provider: seegen, prompt: the shore}
"""


def steps(desk: Desk) -> dict[str, Step]:
    """A plan's steps by id."""
    return {step.id: step for step in desk.plan.steps}


def makers(desk: Desk) -> dict[str, str]:
    """Who makes each take."""
    return {step.id.removesuffix("/generate"): step.provider for step in desk.plan.steps if step.kind == "generate"}


def made(quarter: Quarter) -> dict[str, int]:
    """How many requests each service took."""
    return {name: len(creates(stand)) for name, stand in quarter.standing.stands.items()}


def test_each_shot_by_whoever_makes_it_for_the_least(write: Write, street: Street) -> None:
    """Told with the next best; paid as planned; then nothing to do, however prices and keys change."""
    path = write(SHOW)
    with street("seegen", MOVIE, "naci") as quarter:
        house = quarter.house(usd_per_credit=RATES)
        desk = api.plan(path, YES, house)
        assert makers(desk) == {"sheet": "seegen", "a": MOVIE, "b": MOVIE, "c": "seegen", "d": "seegen"}
        why = {name: step.why for name, step in steps(desk).items()}
        assert why["a/generate"] == "not made yet; cheapest at $0.36, then seegen at $0.64"
        assert why["sheet/generate"] == "not made yet; cheapest at $0.06, the only one that can"
        larger = "2k by the same request for 120, 190 by seegen's upscaler"
        assert why["c/generate"] == f"not made yet; cheapest at $1.12, then {MOVIE} at $1.12; {larger}"
        assert why["d/generate"] == "not made yet"
        ended = api.run(path, YES, house)
        found = shots(ended.manifest)
        assert (ended.exit_code, {name: shot["provider"] for name, shot in found.items()}) == (0, makers(desk))
        assert found["a"]["why"] == why["a/generate"]
        assert (found["a"]["credits"]["charged"], found["d"]["credits"]["charged"]) == (COST[MOVIE], COST["seegen"])
        agree(path.parent, quarter)
        before, asked = (ended.output / "manifest.json").read_bytes(), made(quarter)
        keyless = {f"{name.replace('-', '_').upper()}_API_KEY": "" for name in quarter.standing.stands}
        for changed in (
            quarter.house(usd_per_credit=DEARER),
            quarter.house(keyless, usd_per_credit=DEARER, publish=None),
            quarter.house(),
        ):
            assert makers(api.plan(path, YES, changed)) == makers(desk)
            again = api.run(path, YES, changed)
            assert (again.began, again.exit_code, made(quarter)) == (False, 0, asked)
            assert (ended.output / "manifest.json").read_bytes() == before


def test_more_of_a_shot_is_had_where_it_is(write: Write, street: Street) -> None:
    """A further take and an upscale of what is there: whoever would be the cheapest by now."""
    path = write("defaults: {provider: cheapest, duration: 4}\nshots:\n  - {id: a, prompt: the sea}\n")
    with street("seegen", MOVIE, "naci") as quarter:
        assert api.run(path, YES, quarter.house(usd_per_credit=RATES)).exit_code == 0
        path.write_text(path.read_text().replace("prompt: the sea", "prompt: the sea, takes: 2, upscale: 2k"))
        later = quarter.house(usd_per_credit=DEARER)
        found = steps(api.plan(path, YES, later))
        assert (found["a/generate"].action, found["a@2/generate"].provider) == (Action.REUSE, MOVIE)
        assert found["a/upscale"].action is Action.RUN
        assert "asked before at $3.98, then naci at" in found["a@2/generate"].why
        ended = api.run(path, YES, later)
        assert (ended.exit_code, made(quarter)) == (0, {"seegen": 2, MOVIE: 2, "naci": 0})
        agree(path.parent, quarter)
        assert api.run(path, YES, quarter.house(usd_per_credit=RATES)).began is False
        fresh = dataclasses.replace(YES, redo=("a@1",))
        assert makers(api.plan(path, fresh, later))["a"] == MOVIE  # its other take is there


def test_redo_asks_who_is_the_cheapest_now(write: Write, street: Street) -> None:
    """A fresh result of all there is has nothing to stay with."""
    path = write("shots:\n  - {id: a, provider: cheapest, duration: 4, prompt: the sea}\n")
    with street("seegen", MOVIE) as quarter:
        api.run(path, YES, quarter.house(usd_per_credit=RATES))
        later = quarter.house(usd_per_credit=DEARER)
        fresh = dataclasses.replace(YES, redo=("a",))
        ended = api.run(path, fresh, later)
        assert (ended.exit_code, made(quarter)) == (0, {"seegen": 1, MOVIE: 1})
        assert makers(api.plan(path, YES, quarter.house(usd_per_credit=RATES))) == {"a": "seegen"}
        assert api.run(path, YES, quarter.house(usd_per_credit=RATES)).began is False
        agree(path.parent, quarter)


@pytest.mark.slow
def test_what_was_picked_is_shown_by_whoever_made_it(write: Write, street: Street) -> None:
    """Also where a fresh result was had of another service since."""
    path = write("shots:\n  - {id: a, provider: cheapest, duration: 4, prompt: the sea}\n")
    with street("seegen", MOVIE, draw=True) as quarter:
        api.run(path, YES, quarter.house(usd_per_credit=RATES))
        approve(path, ["a"], Wants(), quarter.house(usd_per_credit=RATES))
        later = quarter.house(usd_per_credit=DEARER)
        fresh = dataclasses.replace(YES, redo=("a",))
        assert api.run(path, fresh, later).exit_code == 0
        assert made(quarter) == {"seegen": 1, MOVIE: 1}
        desk = api.plan(path, YES, later)
        assert (makers(desk), desk.stale, desk.plan.doing()) == ({"a": MOVIE}, (), ())
        agree(path.parent, quarter)


TWICE = """
shots:
  - {id: a, provider: cheapest, duration: 4, prompt: the sea at night, takes: 2, fallback: [{provider: cheapest}]}
"""


@pytest.mark.parametrize("times", [1, None])
def test_the_next_best_where_the_cheapest_fails(times: int | None, write: Write, street: Street) -> None:
    """`fallback: [{provider: cheapest}]`, for one of two takes or for both; the next run finds all of it there."""
    path = write(TWICE)
    with street("seegen", MOVIE) as quarter:
        house = quarter.house(usd_per_credit=RATES)
        first = steps(api.plan(path, YES, house))["a/generate"]
        assert (first.provider, [(one.rung, one.provider) for one in first.fallback]) == (MOVIE, [(1, "seegen")])
        quarter.standing.stands[MOVIE].faults.add("moderated_later", match="night", times=times)
        ended = api.run(path, YES, house)
        by = sorted(shot["provider"] for shot in shots(ended.manifest).values())
        assert (ended.exit_code, by) == (0, ["seegen", "seegen"] if times is None else [MOVIE, "seegen"])
        assert made(quarter) == {"seegen": 2 if times is None else 1, MOVIE: 2}
        agree(path.parent, quarter)
        before = (ended.output / "manifest.json").read_bytes()
        for rates in (RATES, DEARER):
            again = api.run(path, YES, quarter.house(usd_per_credit=rates))
            assert (again.began, again.exit_code) == (False, 0)
            told = api.plan(path, YES, quarter.house(usd_per_credit=rates))
            assert sorted(step.rung for step in steps(told).values()) == ([1, 1] if times is None else [0, 1])
        assert (ended.output / "manifest.json").read_bytes() == before


def test_what_failed_for_good_is_not_bought_elsewhere_unasked(write: Write, street: Street) -> None:
    """Without a fallback a failure stands: the same prices ask nobody again."""
    path = write("shots:\n  - {id: a, provider: cheapest, duration: 4, prompt: the sea at night}\n")
    with street("seegen", MOVIE) as quarter:
        quarter.standing.stands[MOVIE].faults.add("moderated_later", match="night", times=None)
        house = quarter.house(usd_per_credit=RATES)
        assert api.run(path, YES, house).exit_code == 1
        assert api.run(path, YES, house).exit_code == 1
        assert made(quarter) == {"seegen": 0, MOVIE: 1}
        agree(path.parent, quarter)


def test_a_saved_plan_keeps_its_choice(write: Write, street: Street, tmp_path: Path) -> None:
    """Applied as it was saved though another would be cheaper now; stale where it would cost more."""
    path = write("shots:\n  - {id: a, provider: cheapest, duration: 4, prompt: the sea}\n")
    with street("seegen", MOVIE) as quarter:
        saved = loads(dumps(api.save_plan(api.plan(path, YES, quarter.house(usd_per_credit=RATES)))))
        dearer = quarter.house(usd_per_credit=DEARER)
        assert makers(api.plan(path, YES, dearer)) == {"a": "seegen"}
        with pytest.raises(StalePlan, match=r"would now cost 3\.6"):
            api.run(tmp_path / "plan.json", YES, dearer, saved=saved)
        cheaper = quarter.house(usd_per_credit={**RATES, "seegen": D("0.001")})
        assert makers(api.plan(path, YES, cheaper)) == {"a": "seegen"}
        ended = api.run(tmp_path / "plan.json", YES, cheaper, saved=saved)
        assert (ended.exit_code, made(quarter)) == (0, {"seegen": 0, MOVIE: 1})
        agree(path.parent, quarter)


def test_every_shot_is_moved_that_somebody_can_make(write: Write, street: Street, picture: bytes) -> None:
    """`--provider cheapest` moves what was said otherwise; what nobody can make stays, and is told of."""
    path = write(
        "references: {k: {image: k.png}}\ndefaults: {duration: 4}\nshots:\n"
        "  - {id: a, prompt: the sea}\n"
        "  - {id: b, provider: naci, references: [k], prompt: the sea}\n"
        "  - {id: short, duration: 3, prompt: a wave}\n"
    )
    (path.parent / "k.png").write_bytes(picture)
    with street("seegen", MOVIE, "naci") as quarter:
        house = quarter.house(usd_per_credit=RATES)
        wants = dataclasses.replace(YES, provider="cheapest")
        desk = api.plan(path, wants, house)
        assert makers(desk) == {"a": MOVIE, "b": MOVIE, "short": "animatic"}
        (warning,) = [one for one in desk.plan.warnings if "short" in one.fact]
        assert warning.fact.splitlines()[0] == (
            "No configured service can make short, so what the recipe says holds: animatic."
        )
        assert [line.split()[0] for line in warning.fact.splitlines()[1:]] == ["seegen:", MOVIE, "seedancee2", "naci"]
        assert max(map(len, warning.fact.splitlines())) <= 122
        ended = api.run(path, wants, house)
        assert (ended.exit_code, made(quarter)) == (0, {"seegen": 0, MOVIE: 2, "naci": 0})
        assert api.run(path, wants, house).began is False
        assert api.status(path, Wants(), house)["shots"][0]["provider"] == MOVIE
        agree(path.parent, quarter)


def test_the_same_key_as_with_the_name_written_out(write: Write, street: Street) -> None:
    """Seeds, chains and all: who wrote the provider down finds what the cheapest one made."""
    path = write(SHOW)
    with street("seegen", MOVIE) as quarter:
        house = quarter.house(usd_per_credit=RATES)
        settled = {name: step.key for name, step in steps(api.plan(path, YES, house)).items() if step.kind != "upload"}
        path.write_text(
            path.read_text()
            .replace("cheapest", MOVIE)
            .replace("{id: sheet", "{id: sheet, provider: seegen")
            .replace("{id: c", "{id: c, provider: seegen")
        )
        said = {name: step.key for name, step in steps(api.plan(path, YES, house)).items() if step.kind != "upload"}
        assert said == settled


def test_an_account_of_ones_own_pays_where_its_service_is_chosen(write: Write, street: Street) -> None:
    """`account` names one of a service; of another service its own account pays, or the only one that has a key."""
    text = "shots:\n  - {id: a, provider: cheapest, ACCOUNT duration: 4, prompt: the sea}\n"
    config = {"accounts": {"agency": _agency()}}
    with street("seegen", MOVIE, config=config) as quarter:
        key = quarter.stand.key

        def payer(account: str, environ: Mapping[str, str], **more: object) -> tuple[str, str]:
            path = write(text.replace("ACCOUNT", account))
            step = steps(api.plan(path, YES, quarter.house(environ, **more)))["a/generate"]
            return step.provider, step.account

        agency = {"AGENCY_KEY": key}
        assert payer("account: agency,", agency) == ("seegen", "agency@rehearsal")
        assert payer("account: agency,", agency, usd_per_credit=RATES) == (MOVIE, f"{MOVIE}@rehearsal")
        assert payer("", agency) == ("seegen", "seegen@rehearsal")
        with pytest.raises(RecipeError, match="There is no account 'agence'"):
            payer("account: agence,", agency)


def _agency() -> object:
    from pipeline.config.model import AccountSettings

    return AccountSettings(provider="seegen", key_env="AGENCY_KEY")


def test_who_needs_a_key_is_told_when_something_is_to_be_bought(write: Write, street: Street) -> None:
    """A take that stays where the first one is, of which the key has gone since: nothing moves, the key is named."""
    path = write("shots:\n  - {id: a, provider: cheapest, duration: 4, prompt: the sea}\n")
    with street("seegen", MOVIE) as quarter:
        api.run(path, YES, quarter.house(usd_per_credit=RATES))
        path.write_text(path.read_text().replace("prompt:", "takes: 2, prompt:"))
        keyless = quarter.house({"SEEDANCE2_MOVIE_API_KEY": ""}, usd_per_credit=RATES)
        with pytest.raises(UserError, match="SEEDANCE2_MOVIE_API_KEY is not set"):
            api.run(path, YES, keyless)
        assert made(quarter) == {"seegen": 0, MOVIE: 1}


def test_the_choice_is_in_the_plan_for_scripts(write: Write, street: Street) -> None:
    """Provider, price and why, as JSON."""
    path = write("shots:\n  - {id: a, provider: cheapest, duration: 4, prompt: the sea}\n")
    with street("seegen", MOVIE, "seedancee2") as quarter:
        desk = api.plan(path, YES, quarter.house(usd_per_credit=RATES))
        (step,) = json.loads(dumps(api.save_plan(desk)))["steps"]
        assert (step["provider"], step["usd"]) == (MOVIE, 0.36)
        assert step["why"] == (
            "not made yet; cheapest at $0.36, then seegen at $0.64;"
            " seedancee2: price in dollars unknown: set usd_per_credit"
        )


CHAINED = """
defaults: {provider: cheapest, duration: 4}
shots:
  - {id: a, prompt: the sea at night}
  - {id: b, chain: a, prompt: the sea at dawn}
"""


@pytest.mark.slow
@pytest.mark.parametrize("at", range(2, 14))
def test_killed_at_each_event_and_prices_changed_before_the_next_command(at: int, write: Write, street: Street) -> None:
    """`kill -9`, then dearer: what was sent is taken up where it is, and nothing is bought twice."""
    path = write(CHAINED)
    script = Path(__file__).with_name("killed_fallback.py")
    with street("seegen", MOVIE) as quarter:
        config = path.parent / "config.toml"
        publish = quarter.config.publish
        assert publish
        place = f'[publish]\nstore = "{publish.store}"\nbase_url = "{publish.base_url}"\n'
        rate = '[providers.seedance2-movie]\nusd_per_credit = "{}"\n'
        environ = {**os.environ, **quarter.house().environ, "RUSHES_CONFIG": str(config)}

        def ran(at: int, usd: str) -> subprocess.CompletedProcess[str]:
            config.write_text(place + rate.format(usd))
            command = [sys.executable, str(script), str(path), str(at)]
            return subprocess.run(command, env=environ, capture_output=True, text=True, cwd=ROOT)

        killed = ran(at, "0.05")
        assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
        sent = made(quarter)[MOVIE]
        ended = ran(0, "9")
        code = int(ended.stdout.split()[0]) if ended.stdout else ended.stderr
        assert made(quarter)[MOVIE] == sent
        if code == 4:  # killed after a request was written down, before its answer: held
            return
        found = shots(api.status(path, YES, quarter.house()))
        assert (code, {shot["status"] for shot in found.values()}) == (0, {"done"})
        assert sum(made(quarter).values()) == len(found)
        agree(path.parent, quarter)


def test_a_stage_of_ones_own_choice(write: Write, street: Street) -> None:
    """A stage may leave it to prices; what its picked take is made larger from is where the draft made it."""
    path = write(
        "defaults: {provider: seegen, duration: 4}\n"
        "stages: {draft: {provider: cheapest, takes: 2}, final: {provider: cheapest, upscale: 2k}}\n"
        "shots:\n  - {id: a, prompt: the sea}\n"
    )
    with street("seegen", MOVIE) as quarter:
        draft, final = (dataclasses.replace(YES, stage=name) for name in ("draft", "final"))
        assert makers(api.plan(path, YES, quarter.house(usd_per_credit=RATES))) == {"a": "seegen"}
        ended = api.run(path, draft, quarter.house(usd_per_credit=RATES))
        assert (ended.exit_code, made(quarter)) == (0, {"seegen": 0, MOVIE: 2})
        clip = shots(ended.manifest)["a@2"]["outputs"]["video"]["sha256"]
        path.with_name("recipe.picks.yaml").write_text(f'a: {{take: 2, sha256: "{clip}"}}\n')
        found = steps(api.plan(path, final, quarter.house(usd_per_credit=DEARER)))
        assert (found["a@2/generate"].action, found["a@2/generate"].provider) == (Action.REUSE, MOVIE)
        ended = api.run(path, final, quarter.house(usd_per_credit=DEARER))
        assert (ended.exit_code, made(quarter)) == (0, {"seegen": 1, MOVIE: 2})
        agree(path.parent, quarter)
