"""Money told, on the stand-ins: caps and what they leave, ways out that work, what differs, what nobody saw."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from pipeline import api
from pipeline.cli.main import main
from pipeline.desk import Desk, House, Wants
from pipeline.digest import loads
from pipeline.events import Event, Submitted
from pipeline.providers.catalog import SERVICES
from pipeline.recipe.model import Budget, Caps, Origin
from pipeline.store import balances
from tests.emulators.visit import Visitor
from tests.journeys.services import COST, YES, Quarter, Street, agree, ledger, shots

D = Decimal
Write = Callable[..., Path]
Capture = pytest.CaptureFixture[str]
BALANCED = ("seegen", "seedance2-movie")  # S0:61, S2:214

ONE = "defaults: {{provider: {}, duration: 4, resolution: 720p}}\nshots: [{{id: a, prompt: the sea at night}}]\n"
THREE = """
defaults: {{provider: {}, duration: 4, resolution: 720p}}
shots:
  - {{id: dawn, prompt: "he climbs the stairs"}}
  - {{id: "lamp", prompt: "he lights {{{{ what }}}}"}}
  - {{id: storm, prompt: "the sea storms"}}
vars: {{what: the lamp}}
"""


def told_by_ledger(path: Path, house: House, capsys: Capture, format: str = "json", *args: str) -> Any:
    """What `rushes ledger` says of the workspace beside a recipe."""
    capsys.readouterr()
    assert main(["ledger", "--workspace", str(path.parent / ".rushes"), "--format", format, *args], house) == 0
    out = capsys.readouterr().out
    return loads(out) if format == "json" else out


def order_elsewhere(quarter: Quarter, name: str) -> None:
    """The clip of the first job is ordered once more, past every ledger, and waited for."""
    stand = quarter.standing.stands[name]

    async def order() -> None:
        async with httpx.AsyncClient() as client:
            job = await Visitor(stand, client).create(quarter.bodies(name)[0])
            while not stand.desk.jobs[job].over:
                await anyio.sleep(0.01)

    anyio.run(order)


def change_prompt(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


# what nobody saw


@pytest.mark.parametrize("name", BALANCED)
def test_what_was_spent_elsewhere_is_told_at_the_next_start(
    name: str, write: Write, street: Street, capsys: Capture
) -> None:
    """By the balances that a run asks before and after it: to the digit, with the moments, and once."""
    path, account = write(ONE.format(name)), f"{name}@rehearsal"
    with street(name) as quarter:
        house = quarter.house()
        heard: list[str] = []
        assert api.run(path, YES, house, tell=heard.append).exit_code == 0
        assert (heard, told_by_ledger(path, house, capsys)["unseen"]) == ([], [])
        order_elsewhere(quarter, name)
        change_prompt(path, "at night", "at noon")
        assert api.run(path, YES, house, tell=heard.append).exit_code == 0
        (said,) = heard
        assert said.startswith(f"{account}: at least {COST[name]} credits were spent outside this ledger between 20")
        (unseen,) = told_by_ledger(path, house, capsys)["unseen"]
        assert (unseen["account"], unseen["outside"], unseen["came_in"]) == (account, COST[name], 0)
        assert said.rstrip(".") in " ".join(told_by_ledger(path, house, capsys, "table").split())
        assert said.rstrip(".") in told_by_ledger(path, house, capsys, "markdown").replace("&#64;", "@")
        agree(path.parent, quarter, unheard=1)
        change_prompt(path, "at noon", "at dawn")
        assert api.run(path, YES, house, tell=heard.append).exit_code == 0
        assert len(heard) == 1


@pytest.mark.parametrize("name", BALANCED)
def test_what_was_spent_elsewhere_meanwhile_is_in_the_manifest(name: str, write: Write, street: Street) -> None:
    """Told by the balance at the end of the run, in the words for people too; the next run says it again to nobody."""
    path = write(ONE.format(name))
    with street(name, seconds_per_job=0.3) as quarter:

        def listen(_: Desk) -> Callable[[Event], None]:
            def hear(event: Event) -> None:
                if isinstance(event, Submitted):
                    stand = quarter.standing.stands[name]
                    stand.desk.accept(dataclasses.replace(stand.desk.jobs[event.job_id], id="elsewhere"))

            return hear

        ended = api.run(path, YES, quarter.house(), listen=listen)
        assert ended.exit_code == 0
        found = ended.manifest["budget"]["unseen"]
        held = {"seegen": COST[name], "seedance2-movie": 0}[name]  # S2:232: nothing is taken before the end
        assert sum(one["outside"] for one in found) in (held, COST[name])
        if found:
            assert "spent outside this ledger" in (ended.output / "report.html").read_text()


@pytest.mark.parametrize("name", BALANCED)
def test_what_came_in_is_told_by_the_ledger(name: str, write: Write, street: Street, capsys: Capture) -> None:
    """Bought, or given back long after a charge was told; the charge itself stays as it was told."""
    path = write(ONE.format(name))
    with street(name) as quarter:
        house, desk = quarter.house(), quarter.stand.desk
        assert api.run(path, YES, house).exit_code == 0
        desk.opening += 1000
        change_prompt(path, "at night", "at noon")
        assert api.run(path, YES, house).exit_code == 0
        assert [one["came_in"] for one in told_by_ledger(path, house, capsys)["unseen"]] == [1000]
        job = next(iter(desk.jobs.values()))
        desk.change(job, charged=D(0), refunded=job.charged)
        change_prompt(path, "at noon", "at dawn")
        assert api.run(path, YES, house).exit_code == 0
        assert [one["came_in"] for one in told_by_ledger(path, house, capsys)["unseen"]] == [1000, COST[name]]
        assert told_by_ledger(path, house, capsys)["totals"][0]["charged"] == 3 * COST[name]
        desk.change(job, charged=job.charged, refunded=D(0))  # or else its books would be others than the ledger's


def test_providers_keep_the_balances_that_they_show(
    write: Write, street: Street, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the workspace of the current folder, where there is one; without one nothing is made."""
    path = write(ONE.format("seegen"))
    monkeypatch.chdir(path.parent)
    with street("seegen") as quarter:
        house = quarter.house()
        assert main(["providers", "--check", "seegen"], house) == 0
        assert not (path.parent / ".rushes").exists()
        assert api.run(path, YES, house).exit_code == 0
        order_elsewhere(quarter, "seegen")
        assert main(["providers", "--check", "seegen"], house) == 0
        capsys.readouterr()
        assert [one["outside"] for one in told_by_ledger(path, house, capsys)["unseen"]] == [160]


def test_a_balance_that_cannot_be_had_spoils_nothing(write: Write, street: Street) -> None:
    """The run is complete, and nothing is kept of it."""
    path = write(ONE.format("seegen"))
    with street("seegen") as quarter:
        quarter.stand.faults.add("html_502", on="balance", times=None)
        assert api.run(path, YES, quarter.house()).exit_code == 0
        assert balances.latest(path.parent / ".rushes" / "ledger.sqlite3", "seegen@rehearsal") is None
        agree(path.parent, quarter)


def test_a_lost_request_is_weighed_by_the_balance(write: Write, street: Street) -> None:
    """SeeGen has no list: that the balance fell by just this much is evidence, and the user decides all the same."""
    for fault, fell in (("lost_create", "exactly the 160 less that it costs"), ("hung_before", "no less than before")):
        (folder := Path(write(ONE.format("seegen")).parent / fault)).mkdir()
        path = write(ONE.format("seegen"), "tale", folder)
        with street("seegen") as quarter:
            quarter.stand.faults.add(fault, **({"seconds": 0.1} if fault == "hung_before" else {}))
            assert api.run(path, YES, quarter.house()).exit_code == 4
            from pipeline.recover import recover

            (case,) = recover(path.parent / ".rushes", quarter.house())
            assert fell in case.told
            assert "probably" in case.told
            assert case.fate == "asked"


# what differs


@pytest.mark.parametrize(("more", "said"), [(D(7), "(7 more than estimated)"), (D(-7), "(7 less than estimated)")])
def test_a_charge_that_differs_from_its_estimate_is_told_everywhere(
    more: Decimal, said: str, write: Write, street: Street, capsys: Capture
) -> None:
    """In the manifest with its attempt, in words, on the page, and in the ledger's sums; as the books have it."""
    path = write(ONE.format("seegen"))
    with street("seegen", seconds_per_job=0.3) as quarter:

        def listen(_: Desk) -> Callable[[Event], None]:
            def hear(event: Event) -> None:
                if isinstance(event, Submitted):
                    desk = quarter.stand.desk
                    desk.change(desk.jobs[event.job_id], price=desk.jobs[event.job_id].price + more)

            return hear

        ended = api.run(path, YES, quarter.house(), listen=listen)
        agree(path.parent, quarter)
        (one,) = ended.manifest["budget"]["differences"]
        assert (one["step"], one["estimated"], one["charged"]) == ("a/generate", 160, 160 + more)
        attempt = shots(ended.manifest)["a"]["attempts"][0]
        assert (attempt["estimated"], attempt["charged"], attempt["book"]) == (
            160, 160 + more, "SeeGen's API document, S0:45",
        )  # fmt: skip
        assert said in (ended.output / "report.html").read_text()
        total = told_by_ledger(path, quarter.house(), capsys)["totals"][0]
        assert total["differences"] == {"attempts": 1, "more": max(more, 0), "less": max(-more, 0)}
        assert "1 charge differs from that, 7 " in told_by_ledger(path, quarter.house(), capsys, "table")


def test_what_is_given_back_is_told(write: Write, street: Street) -> None:
    """Seedancee2 tells of a failed job what it gave back: it was reserved, nothing was charged."""
    path = write(ONE.format("seedancee2"))
    with street("seedancee2") as quarter:
        quarter.stand.faults.add("job_fails")
        ended = api.run(path, YES, quarter.house())
        (one,) = ended.manifest["budget"]["differences"]
        assert (one["charged"], one["refunded"], one["status"]) == (0, COST["seedancee2"], "failed")
        agree(path.parent, quarter)


# caps and ways out


def configured(quarter: Quarter, **caps: Caps) -> House:
    return quarter.house(budget=Budget(**caps), time_zone="Europe/Berlin")


def test_a_day_is_shown_with_what_all_runs_leave_of_it(write: Write, street: Street, capsys: Capture) -> None:
    """Plan, manifest and ledger say the same of it, and where it was written."""
    origin = Origin(source="configuration", place="/mine/config.toml", name="budget.day.credits.seegen")
    day = Caps(credits={"seegen": D(500)}, origins={"seegen": origin})
    path = write(THREE.format("seegen"))
    with street("seegen") as quarter:
        house = configured(quarter, day=day)
        ended = api.run(path, dataclasses.replace(YES, only=("dawn",)), house)
        assert main(["plan", str(path), "--only", "lamp"], house) == 0
        line = "Cap for today (Europe/Berlin): 500 seegen@rehearsal credits, 160 spent or held by all runs, "
        where = " (budget.day.credits.seegen in /mine/config.toml)"
        assert f"{line}180 left after this{where}" in " ".join(capsys.readouterr().out.split())
        assert main(["plan", str(path), "--format", "json"], house) == 0
        (cap,) = loads(capsys.readouterr().out)["limits"]["caps"]
        assert (cap["scope"], cap["cap"], cap["before"], cap["asked"], cap["left"]) == ("day", 500, 160, 320, 20)
        assert main(["plan", str(path), "--format", "markdown"], house) == 0
        assert "180 left after this" not in (said := capsys.readouterr().out)
        assert "20 left after this" in said
        (cap,) = [one for one in ended.manifest["budget"]["caps"] if one["scope"] == "day"]
        assert (cap["before"], cap["left"], cap["place"]) == (160, 340, "config.toml")
        assert "160 spent or held by all runs, 340 left" in (ended.output / "report.html").read_text()
        told = told_by_ledger(path, house, capsys)["caps"]
        assert [(one["scope"], one["unit"], one["before"], one["left"]) for one in told] == [
            ("day", "seegen", 0, 500), ("day", "seegen@rehearsal", 160, 340),
        ]  # fmt: skip
        assert f"{line}340 left{where}" in " ".join(told_by_ledger(path, house, capsys, "table").split())
        agree(path.parent, quarter)


def test_what_is_printed_works(write: Write, street: Street, tmp_path: Path) -> None:
    """Each command of a refusal, typed into a shell as it stands: what fits now, then all of it; exit 0 both times."""
    (folder := tmp_path / "my films").mkdir()
    path = write(THREE.format("seegen"), "tale", folder)
    with street("seegen") as quarter:
        page = SERVICES["seegen"]
        found = str(Path(sys.executable).parent)
        environ = {
            page.BASE_URL_ENV: quarter.stand.base_url,
            page.KEY_ENV: quarter.stand.key,
            "PATH": f"{found}:{os.environ['PATH']}",
            "RUSHES_WORKSPACE": str(tmp_path / "work"),
        }

        def typed(words: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(["sh", "-c", words], env=environ, cwd=tmp_path, capture_output=True, text=True)

        asked = f"rushes run '{path}' --yes --max-credits seegen=330 --var \"what=the keeper's lamp\""
        refused = typed(asked)
        assert refused.returncode == 3
        assert "of 330 for the run, 10 are left (--max-credits)" in refused.stderr
        ways = dict(line.removeprefix("Hint: ").split(": ", 1) for line in refused.stderr.splitlines() if ": " in line)
        now = typed(ways["Within the caps now"])
        assert (now.returncode, len(quarter.bodies())) == (0, 2), now.stderr
        refused = typed(asked.replace("330", "150"))
        ways = dict(line.removeprefix("Hint: ").split(": ", 1) for line in refused.stderr.splitlines() if ": " in line)
        whole = typed(ways["To make all of it"])
        assert (whole.returncode, len(quarter.bodies())) == (0, 3), whole.stderr
        assert any("the keeper's lamp" in str(body) for body in quarter.bodies())


@pytest.mark.parametrize("policy", ["stop", "skip"])
def test_money_that_comes_back_is_used_in_the_same_run(policy: str, write: Write, street: Street) -> None:
    """Two clips fit; one fails and is given back: the third is made at once, and no cap was exceeded."""
    path = write(f"budget: {{run: {{credits: {{seegen: 330}}}}, on_exceed: {policy}}}\n" + THREE.format("seegen"))
    with street("seegen") as quarter:
        quarter.stand.faults.add("job_fails", match="lamp")
        ended = api.run(path, YES, quarter.house())
        found = {name: shot["status"] for name, shot in shots(ended.manifest).items()}
        assert (found, ended.exit_code) == ({"dawn": "done", "lamp": "failed", "storm": "done"}, 1)
        assert ended.manifest["budget"]["caps"][0]["left"] == 10
        agree(path.parent, quarter)
        whys = [shot["why"] for shot in ended.manifest["shots"]]
        assert whys == ["not made yet", "not made yet", "made after money came back"]
        (path.parent / "out" / path.stem / "manifest.json").unlink(missing_ok=True)
        later = api.run(path, YES, quarter.house())
        assert (later.began, [shot["why"] for shot in later.manifest["shots"]]) == (False, whys)


@pytest.mark.parametrize("fault", ["moderated_later", "moderated_at_create"])
def test_what_failed_before_a_forbidden_fallback_is_told(
    fault: str, write: Write, street: Street, capsys: Capture
) -> None:
    """The shot has failed by moderation, in the service's words; that its fallback is not begun is said beside it."""
    path = write(
        "budget: {run: {credits: {seegen: 170}}, on_exceed: stop}\n"
        "defaults: {provider: seegen, duration: 4, resolution: 720p}\n"
        "shots: [{id: dawn, prompt: he climbs, fallback: [{prompt: he rests, duration: 8}]}]\n"
    )
    with street("seegen") as quarter:
        quarter.stand.faults.add(fault, match="climbs")
        assert main(["run", str(path), "--yes"], quarter.house()) == 3
        said = " ".join(capsys.readouterr().out.split())
        assert "1 shot failed by moderation: dawn" in said
        assert "oderation" in said.split("moderation: dawn")[1]
        assert "Its fallback 1 is not begun: it needs 320 seegen@rehearsal credits" in said
        assert "shot not begun" not in said


def test_what_was_estimated_is_told_alike_everywhere(write: Write, street: Street, capsys: Capture) -> None:
    """An attempt that failed, its shot changed and made after all: the manifest and the ledger count both attempts."""
    path = write("budget: {run: {credits: {seegen: 900}}}\n" + ONE.format("seegen"))
    with street("seegen") as quarter:
        house = quarter.house()
        quarter.stand.faults.add("job_fails", match="night")
        assert api.run(path, YES, house).exit_code == 1
        change_prompt(path, "at night", "at noon")
        assert main(["run", str(path), "--yes"], house) == 0
        assert "160 credits charged of 320 estimated" in capsys.readouterr().out
        manifest = api.run(path, YES, house).manifest
        (total,) = told_by_ledger(path, house, capsys)["totals"]
        assert total["estimated"] == manifest["budget"]["by_account"]["seegen@rehearsal"]["estimated"] == 320


def test_under_stop_what_was_left_out_is_told_as_it_ended(write: Write, street: Street) -> None:
    """Three clips, money for one, which fails: the next is made in its place, and the last names what is asked now."""
    path = write("budget: {run: {credits: {seegen: 170}}, on_exceed: stop}\n" + THREE.format("seegen"))
    with street("seegen") as quarter:
        quarter.stand.faults.add("job_fails", match="climbs")
        found = shots(api.run(path, YES, quarter.house()).manifest)
        assert {name: shot["status"] for name, shot in found.items()} == {
            "dawn": "failed", "lamp": "done", "storm": "skipped",
        }  # fmt: skip
        assert found["lamp"]["why"] == "made after money came back"
        assert found["storm"]["why"] == found["storm"]["error"]
        assert "of 170 for the run, 10 are left" in found["storm"]["why"]


@pytest.mark.parametrize("policy", ["stop", "skip"])
def test_what_a_cap_left_undone_says_which_and_where(policy: str, write: Write, street: Street) -> None:
    """In the manifest, with exit code 3; the day's cap with its end."""
    path = write(
        f"budget: {{run: {{credits: {{seegen: 900}}}}, day: {{credits: {{seegen: 330}}}}, on_exceed: {policy}}}\n"
        + THREE.format("seegen")
    )
    with street("seegen") as quarter:
        ended = api.run(path, Wants(yes=True), quarter.house(time_zone="Europe/Berlin"))
        storm = shots(ended.manifest)["storm"]
        assert (ended.exit_code, storm["status"]) == (3, "skipped")
        assert f"of 330 for today, 10 are left ({path}:3; until 20" in storm["error"]
        assert storm["error"].endswith("00:00 Europe/Berlin)")
        agree(path.parent, quarter)
        with ledger(path.parent) as known:
            assert known.latest("tale", str(ended.output)) is not None
