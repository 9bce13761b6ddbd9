"""Larger clips and further keys: what is bought once more, from whom, and on whose account."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline import api
from pipeline.config import AccountSettings, Config
from pipeline.desk import Desk, Wants
from pipeline.digest import file_digest
from pipeline.emulators.settings import KEYS
from pipeline.errors import OverBudget, RecipeError, UserError
from pipeline.events import Event, Submitted
from tests.journeys.services import COST, YES, Street, agree, charged, creates, kept_bytes, ledger, money, shots

D = Decimal
Write = Callable[..., Path]

SIX = "defaults: {{provider: {}, duration: 6, resolution: 720p}}\nshots: [{{id: a, prompt: the sea}}]\n"


@pytest.mark.parametrize(("name", "clip"), [("seegen", D(240)), ("seedance2-movie", D("10.8"))])
def test_a_finished_clip_is_made_larger_and_not_made_anew(
    name: str, clip: Decimal, write: Write, street: Street
) -> None:
    """The standalone upscaler: planned and reserved by the clip as it was probed, with no second to spare."""
    path = write(SIX.format(name))
    with street(*dict.fromkeys((name, "seegen"))) as quarter:
        assert api.run(path, YES, quarter.house()).exit_code == 0
        assert charged(quarter.stand) == clip
        path.write_text(path.read_text().replace("prompt", "upscale: 2k, prompt"))
        assert api.plan(path, YES, quarter.house()).plan.totals().credits == {"seegen@rehearsal": 38 * D(6)}
        ended = api.run(path, YES, quarter.house())
        assert (ended.exit_code, shots(ended.manifest)["a"]["status"]) == (0, "done")
        made = quarter.standing.stands["seegen"].log.of("create")
        assert [entry.path.rpartition("/")[0] for entry in made][-1] == "/api/v1/upscale"
        assert sum(len(creates(stand)) for stand in quarter.standing.stands.values()) == 2
        assert money(ended, "seegen")["charged"] == 38 * D(6)  # S0:466
        source = quarter.bodies("seegen")[-1]["source"]["url"]
        video = ended.output / shots(ended.manifest)["a"]["outputs"]["video"]["path"]
        assert source == f"{quarter.standing.folder_url}/{file_digest(video).partition(':')[2]}.mp4"
    with ledger(path.parent) as books:
        started = [e for e in books.events(ended.manifest["run"]["id"]) if type(e).__name__ == "Started"]
    assert {e.step: e.credits for e in started if e.account} == {"a/upscale": 38 * D(6)}  # type: ignore[union-attr]


def test_a_fresh_clip_is_made_larger_in_one_go(write: Write, street: Street) -> None:
    """The same request at 30 a second more (S0:47) is cheaper than 38 a second afterwards (S0:466)."""
    path = write(SIX.format("seegen").replace("prompt", "upscale: 2k, prompt"))
    with street("seegen") as quarter:
        ended = api.run(path, YES, quarter.house())
        (body,) = quarter.bodies()
        assert (ended.exit_code, body["inputs"]["upscaleResolution"]) == (0, "2k")
        assert charged(quarter.stand) == money(ended, "seegen")["charged"] == (40 + 30) * D(6)


def test_a_clip_that_was_made_larger_is_made_larger_still(write: Write, street: Street) -> None:
    """The clip lies where the upscaler can read it: another size is one more upscale, and no clip."""
    path = write(SIX.format("seedance2-movie").replace("prompt", "upscale: 2k, prompt"))
    with street("seedance2-movie", "seegen") as quarter:
        assert api.run(path, YES, quarter.house()).exit_code == 0
        path.write_text(path.read_text().replace("2k", "4k"))
        ended = api.run(path, YES, quarter.house())
        assert (ended.exit_code, len(creates(quarter.stand))) == (0, 1)
        assert charged(quarter.standing.stands["seegen"]) == (38 + 50) * D(6)  # S0:466-467


AGENCY = {"accounts": {"agency": AccountSettings(provider="seegen", key_env="AGENCY_SEEGEN_KEY")}}
TWO = """
defaults: {provider: seegen, duration: 4, resolution: 720p}
shots:
  - {id: mine, prompt: one}
  - {id: mine-too, prompt: two}
  - {id: theirs, account: agency, prompt: three}
"""


def test_two_keys_of_one_service(write: Write, street: Street) -> None:
    """Each key's books are charged with its own shots; lanes of one job each do not wait for each other."""
    path = write(TWO)
    ours, agency = KEYS["seegen"]
    with street("seegen", config=AGENCY, seconds_per_job=0.8) as quarter:
        ended = api.run(path, YES, quarter.house({"AGENCY_SEEGEN_KEY": agency}, widths={"seegen": 1}))
        assert ended.exit_code == 0
        found = shots(ended.manifest)
        assert [found[name]["account"] for name in ("mine", "theirs")] == ["seegen@rehearsal", "agency@rehearsal"]
        assert money(ended, "seegen")["charged"] == 2 * COST["seegen"]
        assert money(ended, "agency")["charged"] == COST["seegen"]
        accounts = quarter.stand.books()["accounts"]
        told = {name.rpartition("-")[2]: account["charged"] for name, account in accounts.items()}
        assert told == {ours[-4:]: 2 * COST["seegen"], agency[-4:]: COST["seegen"]}
        spans = [(job.created, job.ended, job.account) for job in quarter.stand.desk.jobs.values()]
        (theirs,) = [span for span in spans if span[2].endswith(agency[-4:])]
        mine = sorted(span for span in spans if span is not theirs)
        assert mine[1][0] >= mine[0][1]
        assert theirs[0] < mine[0][1]
        assert agency.encode() not in kept_bytes(path.parent)
        assert api.run(path, YES, quarter.house({"AGENCY_SEEGEN_KEY": agency})).began is False


def test_accounts_that_are_none_are_faults_at_their_line(write: Write, street: Street) -> None:
    """One that nobody has declared, and one of another service: both told, each at its line, nothing sent."""
    path = write(
        TWO.replace("account: agency", "account: agnecy")
        + "  - {id: other, provider: seedancee2, account: agency, prompt: four}\n"
    )
    with street("seegen", config=AGENCY) as quarter:
        with pytest.raises(RecipeError) as error:
            api.run(path, YES, quarter.house({"AGENCY_SEEGEN_KEY": "sk-agency"}))
        told = {fault.place.line: f"{fault.fact} {fault.hint}" for fault in error.value.faults}
        lines = path.read_text().splitlines()
        at = {name: next(i for i, line in enumerate(lines, 1) if f"id: {name}" in line) for name in ("theirs", "other")}
        assert "Did you mean agency?" in told[at["theirs"]]
        assert "The account 'agency' is with seegen" in told[at["other"]]
        assert len(quarter.stand.log) == 0


def test_a_cap_holds_for_its_account_alone(write: Write, street: Street) -> None:
    """A `credits` map that does not name an account refuses it."""
    path = write(TWO)
    with street("seegen", config=AGENCY) as quarter:
        house = quarter.house({"AGENCY_SEEGEN_KEY": KEYS["seegen"][1]})
        with pytest.raises(OverBudget, match="agency"):
            api.run(path, Wants(yes=True, max_each={"seegen": D(320), "agency": D(159)}), house)
        assert creates(quarter.stand) == []
        assert api.run(path, Wants(yes=True, max_each={"seegen": D(320), "agency": D(160)}), house).exit_code == 0


class DeathError(BaseException):
    """The process ends once its job is taken."""


def dies(_desk: Desk) -> Callable[[Event], None]:
    def hear(event: Event) -> None:
        if isinstance(event, Submitted):
            raise DeathError

    return hear


def test_a_job_is_asked_after_where_it_was_begun(write: Write, street: Street) -> None:
    """Whatever account its shot names since: no other key sees it, and nothing is paid on two."""
    path = write("defaults: {provider: seegen, account: agency, duration: 4}\nshots: [{id: a, prompt: the sea}]\n")
    with street("seegen", config=AGENCY) as quarter:
        house = quarter.house({"AGENCY_SEEGEN_KEY": KEYS["seegen"][1]})
        with pytest.raises(BaseExceptionGroup):
            api.run(path, YES, house, listen=dies)
        path.write_text(path.read_text().replace(" account: agency,", ""))
        with pytest.raises(UserError, match="the account agency@rehearsal is not in the configuration any more"):
            api.run(path, YES, dataclasses.replace(house, config=Config()))
        ended = api.run(path, YES, house)
        assert (ended.exit_code, len(creates(quarter.stand))) == (0, 1)
        assert shots(ended.manifest)["a"]["account"] == "agency@rehearsal"
        agree(path.parent, quarter)
