"""The journeys of every service, from a recipe's text over real HTTP to manifest and ledger: what goes as it should."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.emulators.settings import ALL
from pipeline.money import ZERO
from tests.journeys.services import COST, YES, Quarter, Street, charged, creates, ledger, money, shots

D = Decimal
Write = Callable[..., Path]

SHOW = """
defaults: {provider: animatic, duration: 4, resolution: 720p}
references: {keeper: {image: keeper.png}}
shots:
  - {id: sheet, kind: image, references: [keeper], prompt: a character sheet}
  - {id: dawn, prompt: he climbs the stairs}
  - {id: noon, chain: dawn, prompt: he lights the lamp}
  - {id: dusk, chain: noon, prompt: he goes to sleep}
  - {id: large, duration: 5, upscale: 2k, prompt: the sea}
  - {id: harbour, references: [keeper], takes: 2, prompt: a calm harbour}
"""
CLIPS = ("dawn", "noon", "dusk", "harbour", "harbour@2")  # of four seconds each

SHEET = {"seegen": D(15)}  # 1k at medium quality, S0:57
LARGE = {  # five seconds, made 2k in the same request where the service can
    "seegen": (40 + 30) * D(5),  # S0:47
    "seegen-older": 40 * D(5) + 20 * D(5),  # S1:156-157
    "seedance2-movie": D("1.8") * 5,  # S2:237
    "seedancee2": D(20) * 5,  # S3:105
    "naci": D(18) * 5,  # the configuration
}
UPSCALER = 38 * D(5)  # S0:466, of a clip of five seconds
SPARE = D(38)  # the second that a clip may come out longer


def provider_of(edition: str) -> str:
    return "seegen" if edition == "seegen-older" else edition


def opened(street: Street, edition: str) -> Any:
    older = edition == "seegen-older"
    config = {"editions": {"seegen": edition}} if older else {}
    names = dict.fromkeys((provider_of(edition), "seegen"))
    return street(*names, config=config, edition="seegen-older" if older else "seegen")


def check_attempts(found: Mapping[str, Any], name: str, stand: Any) -> None:
    """Every paid attempt of these shots names a job in the service's books, with what that was charged."""
    jobs = {job["id"]: job["charged"] for job in stand.books()["jobs"]}
    for shot in found.values():
        for attempt in shot["attempts"]:
            if attempt["account"] != f"{name}@rehearsal":
                continue
            assert attempt["status"] == "succeeded"
            told = jobs.pop(attempt["task_id"])
            if name == "naci":
                tokens = 86_400 if attempt["charged"] == COST["naci"] else 108_000  # 1280 x 720 x 24 x s / 1024
                assert (attempt["source"], attempt["reported"]["tokens"]) == ("estimate", tokens)
            else:
                assert (attempt["source"], attempt["charged"]) == (name, told)
    assert jobs == {}


@pytest.mark.parametrize("edition", ["seegen", "seegen-older", "seedance2-movie", "seedancee2", "naci"])
def test_one_show_on_every_service(edition: str, write: Write, street: Street, picture: bytes) -> None:
    """One recipe, moved by --provider: charged by the documents' formulas, once, as planned but for a spare second."""
    path = write(SHOW)
    (path.parent / "keeper.png").write_bytes(picture)
    name = provider_of(edition)
    wants = dataclasses.replace(YES, provider=name)
    with opened(street, edition) as quarter:
        assert isinstance(quarter, Quarter)
        plan = api.plan(path, wants, quarter.house()).plan
        ended = api.run(path, wants, quarter.house())
        found = shots(ended.manifest)
        assert (ended.exit_code, ended.status) == (0, "complete")
        assert {shot["status"] for shot in found.values()} == {"done"}

        still, stays = found["sheet"], "sheet stays on animatic"
        assert still["provider"] == ("seegen" if edition in SHEET else "animatic")
        assert any(stays in warning.fact for warning in plan.warnings) == (edition not in SHEET)
        assert any(stays in warning for warning in ended.manifest["warnings"]) == (edition not in SHEET)

        assert still["credits"]["charged"] == SHEET.get(edition, ZERO)
        assert [found[clip]["credits"]["charged"] for clip in CLIPS] == [COST[name]] * 5
        assert found["large"]["credits"]["charged"] == LARGE[edition]
        assert {found[clip]["account"] for clip in CLIPS} == {f"{name}@rehearsal"}

        cost = SHEET.get(edition, ZERO) + 5 * COST[name] + LARGE[edition]
        estimated = dict(plan.totals().credits)
        assert estimated.pop(f"{name}@rehearsal") == money(ended, name)["charged"] == cost
        assert money(ended, name)["reserved"] == money(ended, name)["unknown"] == 0
        stands = quarter.standing.stands
        if name != "naci":  # its books are Ark's, and its prices the user's
            assert charged(stands[name]) == cost
        if name != "seegen":
            assert estimated == {"seegen@rehearsal": UPSCALER + SPARE}
            assert found["large"]["credits"]["others"] == {"seegen@rehearsal": UPSCALER}
            assert charged(stands["seegen"]) == money(ended, "seegen")["charged"] == UPSCALER
        for service, stand in stands.items():
            check_attempts(found, service, stand)
            assert stand.books()["totals"]["held"] == 0
            assert not [note for entry in stand.log for note in entry.notes if "a key was sent" in note]

        asked = {service: len(stand.log) for service, stand in stands.items()}
        again = api.run(path, wants, quarter.house())
        assert (again.began, again.exit_code) == (False, 0)
        assert api.plan(path, wants, quarter.house()).plan.totals().credits == {}
        assert {service: len(stand.log) for service, stand in stands.items()} == asked
        assert api.verify(ended.output / "manifest.json") == []


ONE = "defaults: {{provider: {}, duration: 4, resolution: 720p}}\nshots: [{{id: a, prompt: the sea at night}}]\n"


@pytest.mark.parametrize("name", ALL)
def test_the_ledger_says_what_the_service_says(name: str, write: Write, street: Street) -> None:
    """Started, submitted, settled, succeeded, in that order; charged by the document's formula to NAME@rehearsal."""
    path = write(ONE.format(name))
    with street(name) as quarter:
        ended = api.run(path, YES, quarter.house())
        assert (ended.exit_code, len(creates(quarter.stand))) == (0, 1)
    with ledger(path.parent) as books:
        events = books.events(ended.manifest["run"]["id"])
    told = [event for event in events if getattr(event, "step", "") == "a/generate"]
    assert [type(event).__name__ for event in told] == ["Started", "Submitted", "Settled", "Succeeded"]
    started, submitted, settled, _ = told
    assert (started.account, started.credits) == (f"{name}@rehearsal", COST[name])  # type: ignore[union-attr]
    assert submitted.job_id == quarter.stand.books()["jobs"][0]["id"]  # type: ignore[union-attr]
    assert settled.charged == COST[name]  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("odd", ["odd_case", "extra_fields", "unknown_status", "html_502"])
def test_odd_answers_to_polls_are_no_end(name: str, odd: str, write: Write, street: Street) -> None:
    """A status in another case, unknown fields, unknown words and a proxy's page: the job goes on and is paid once."""
    path = write(ONE.format(name))
    with street(name, seconds_per_job=0.2) as quarter:
        many = None if odd in ("odd_case", "extra_fields") else 2
        quarter.stand.faults.add(odd, times=many, on="query")
        if odd == "extra_fields":
            quarter.stand.faults.add(odd, times=None, on="create")
        ended = api.run(path, YES, quarter.house())
        assert (ended.exit_code, len(creates(quarter.stand))) == (0, 1)
        assert odd in quarter.stand.faults.struck
        assert money(ended, name)["charged"] == COST[name]


@pytest.mark.parametrize("name", ALL)
def test_a_service_that_is_busy_is_asked_again(name: str, write: Write, street: Street) -> None:
    """429 with Retry-After: certainly not taken, so it is sent again after that, paid once, and the refusal told."""
    path = write(ONE.format(name))
    with street(name) as quarter:
        quarter.stand.faults.add("rate_limited", retry_after=1)
        ended = api.run(path, YES, quarter.house())
        first, second = creates(quarter.stand)
        assert (ended.exit_code, first.fault, len(quarter.stand.books()["jobs"])) == (0, "rate_limited", 1)
        assert second.at - first.at >= 0.9
        attempts = shots(ended.manifest)["a"]["attempts"]
        assert [attempt["status"] for attempt in attempts] == ["refused", "succeeded"]
        assert money(ended, name)["charged"] == COST[name]


def test_a_lane_narrows_for_a_while(write: Write, street: Street) -> None:
    """After three 429 on a lane of three the next job goes alone; in the end all are made, each once."""
    listed = "\n".join(f"  - {{id: s{i}, prompt: number {i}}}" for i in range(5))
    path = write(f"defaults: {{provider: seedancee2, duration: 4}}\nshots:\n{listed}\n")
    with street("seedancee2", seconds_per_job=0.2) as quarter:
        quarter.stand.faults.add("rate_limited", times=3, retry_after=1)
        ended = api.run(path, YES, quarter.house())
        assert (ended.exit_code, charged(quarter.stand)) == (0, 5 * COST["seedancee2"])
        jobs = [job for job in quarter.stand.desk.jobs.values() if job.kind == "video"]
        first, second, *_ = sorted(jobs, key=lambda job: job.created)
        assert second.created >= first.ended


@pytest.mark.parametrize("name", ALL)
def test_an_expired_link_is_asked_for_again(name: str, write: Write, street: Street) -> None:
    """403 to the first link: one more question gives a fresh one, and nothing is bought again."""
    path = write(ONE.format(name))
    with street(name) as quarter:
        quarter.stand.faults.add("link_expired")
        ended = api.run(path, YES, quarter.house())
        assert (ended.exit_code, len(creates(quarter.stand))) == (0, 1)
        dead, alive = quarter.stand.log.of("download")[:2]
        assert (dead.status, alive.status) == (403, 200)
        assert dead.query != alive.query


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("cut", ["truncated_download", "short_download"])
def test_half_a_clip_is_no_clip(name: str, cut: str, write: Write, street: Street) -> None:
    """A cut is mended by asking for the rest; half a file that claims to be whole is paid and not delivered."""
    path = write(ONE.format(name))
    with street(name) as quarter:
        quarter.stand.faults.add(cut)
        ended = api.run(path, YES, quarter.house())
        shot = shots(ended.manifest)["a"]
        if cut == "short_download":
            assert (ended.exit_code, shot["status"], shot["outputs"]) == (1, "failed", {})
            assert shot["credits"]["charged"] == COST[name]
            ended = api.run(path, YES, quarter.house())
            shot = shots(ended.manifest)["a"]
        assert (ended.exit_code, shot["status"], len(creates(quarter.stand))) == (0, "done", 1)
        assert shot["credits"]["charged"] == COST[name]
        assert api.verify(ended.output / "manifest.json") == []


@pytest.mark.parametrize("name", ALL)
def test_a_restart_of_the_service_between_submit_and_poll(
    name: str, write: Write, street: Street, tmp_path: Path
) -> None:
    """The limit passes, the service goes and comes back elsewhere with its state: the very same job is taken up."""
    path = write(ONE.format(name))
    state = tmp_path / "state"
    with street(name, state=state, seconds_per_job=1.2) as quarter:
        ended = api.run(path, YES, quarter.house(video_seconds=0.1))
        assert (ended.exit_code, shots(ended.manifest)["a"]["status"]) == (1, "pending")
        assert money(ended, name)["reserved"] == COST[name]
    with street(name, state=state, seconds_per_job=1.2) as quarter:
        again = api.run(path, YES, quarter.house())
        shot = shots(again.manifest)["a"]
        assert (again.exit_code, shot["status"], creates(quarter.stand)) == (0, "done", [])
        assert again.manifest["run"]["id"] == ended.manifest["run"]["id"]
        assert [attempt["task_id"] for attempt in shot["attempts"]] == [quarter.stand.books()["jobs"][0]["id"]]
        assert money(again, name)["charged"] == COST[name]
        assert money(again, name)["reserved"] == 0
