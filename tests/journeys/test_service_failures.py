"""The journeys of every service when it says no, or nothing, or too late: what is paid, what is held, what is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline import api
from pipeline.emulators.settings import ALL
from pipeline.errors import OverBudget, RushesError, UserError
from tests.journeys.services import COST, YES, Quarter, Street, charged, creates, kept_bytes, money, shots

D = Decimal
Write = Callable[..., Path]

ONE = "defaults: {{provider: {}, duration: 4, resolution: 720p}}\nshots: [{{id: a, prompt: the sea at night}}]\n"
TWO = ONE.replace("]", ", {{id: b, chain: a, prompt: the sea at dawn}}]")
LISTED = ("seedance2-movie", "seedancee2")  # whose jobs can be listed: S2:181, S3:243
BALANCED = ("seegen", "seedance2-movie")  # whose documents have a question for the balance: S0:61, S2:214

POOR = {  # how each says that the credits are used up: code, HTTP status
    "seegen": ("", 402),  # S0:540
    "seedance2-movie": ("INSUFFICIENT_CREDIT", 0),  # S2:251
    "seedancee2": ("insufficient_credits", 402),  # S3:401
    "naci": ("insufficient_user_quota", 403),  # as its family
}
RETURNED = {"seedancee2": COST["seedancee2"]}  # S3:231-232; movie is post-pay (S2:232), the others tell no refund


def again_sends_nothing(path: Path, quarter: Quarter, exit_code: int) -> None:
    """The same command once more ends in the same way and asks for no clip."""
    before = len(creates(quarter.stand))
    assert api.run(path, YES, quarter.house()).exit_code == exit_code
    assert len(creates(quarter.stand)) == before


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("when", ["moderated_at_create", "moderated_later"])
def test_what_the_rules_forbid_is_never_sent_again(name: str, when: str, write: Write, street: Street) -> None:
    """Exit 1, nothing charged; it stands for its key until the prompt changes."""
    path = write(TWO.format(name))
    with street(name) as quarter:
        quarter.stand.faults.add(when)
        ended = api.run(path, YES, quarter.house())
        found = shots(ended.manifest)
        assert (ended.exit_code, found["a"]["status"], found["b"]["status"]) == (1, "failed", "skipped")
        assert (charged(quarter.stand), money(ended, name)["charged"], money(ended, name)["reserved"]) == (0, 0, 0)
        again_sends_nothing(path, quarter, 1)
        path.write_text(path.read_text().replace("at night", "at noon"))
        assert api.run(path, YES, quarter.house()).exit_code == 0
        assert len(quarter.stand.books()["jobs"]) == (2 if when == "moderated_at_create" else 3)


@pytest.mark.parametrize("name", ALL)
def test_retry_does_not_repeat_what_the_rules_forbid(name: str, write: Write, street: Street) -> None:
    """`retry` is for failures that may pass; the same request would be forbidden again."""
    path = write(ONE.format(name).replace("prompt", "retry: 1, prompt"))
    with street(name) as quarter:
        quarter.stand.faults.add("moderated_later", times=None)
        ended = api.run(path, YES, quarter.house())
        assert (ended.exit_code, len(creates(quarter.stand))) == (1, 1)


@pytest.mark.parametrize("name", ALL)
def test_a_refused_key_is_told_and_shown_nowhere(name: str, write: Write, street: Street) -> None:
    """401: exit 2 where a balance could be asked for first, else 1; no clip is made, and the key is in no file."""
    secret = "sk-this-is-nobodys-key-4711"
    path = write(ONE.format(name))
    with street(name) as quarter:
        variable = {
            "seegen": "SEEGEN_API_KEY",
            "seedance2-movie": "SEEDANCE2_MOVIE_API_KEY",
            "seedancee2": "SEEDANCEE2_API_KEY",
            "naci": "NACI_API_KEY",
        }[name]
        house = quarter.house({variable: secret})
        if name in BALANCED:
            with pytest.raises(UserError) as error:
                api.run(path, YES, house)
            assert (error.value.exit_code, creates(quarter.stand)) == (2, [])
            told = str(error.value)
        else:
            ended = api.run(path, YES, house)
            assert (ended.exit_code, ended.status) == (1, "failed")
            assert money(ended, name)["charged"] == money(ended, name)["reserved"] == 0
            told = shots(ended.manifest)["a"]["error"]
        assert quarter.stand.books()["jobs"] == []
        assert "401" in told or "INVALID_API_KEY" in told
        assert secret not in told
        assert secret.encode() not in kept_bytes(path.parent)
        assert api.run(path, YES, quarter.house()).exit_code == 0  # mended: nothing stands against it


@pytest.mark.parametrize("name", BALANCED)
def test_a_balance_that_is_known_to_be_short_refuses_the_run(name: str, write: Write, street: Street) -> None:
    """Exit 3 before anything is sent, with what is left and what is needed."""
    path = write(TWO.format(name))
    with street(name, credits=D(8) if name == "seedance2-movie" else D(200)) as quarter:
        with pytest.raises(OverBudget, match="credits left") as error:
            api.run(path, YES, quarter.house())
        assert (error.value.exit_code, creates(quarter.stand)) == (3, [])


@pytest.mark.parametrize("name", ALL)
def test_no_money_at_create_shuts_the_account(name: str, write: Write, street: Street) -> None:
    """The shot fails, others of the account are not tried; with money again the same command makes them."""
    path = write(ONE.format(name).replace("]", ", {id: b, prompt: other}, {id: c, prompt: third}]"))
    code, status = POOR[name]
    with street(name, concurrency=1) as quarter:
        quarter.stand.faults.add("refused", code=code, status=status, message="Insufficient credits")
        ended = api.run(path, YES, quarter.house(widths={name: 1}))
        assert (ended.exit_code, ended.status, len(creates(quarter.stand))) == (1, "failed", 1)
        assert charged(quarter.stand) == money(ended, name)["charged"] == money(ended, name)["reserved"] == 0
        again = api.run(path, YES, quarter.house(widths={name: 1}))
        assert again.exit_code == 0
        assert money(again, name)["charged"] == 3 * COST[name]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("fault", ["server_error_before", "server_error_after", "html_502_after", "lost_create"])
def test_what_nobody_knows_is_held_and_never_sent_again(name: str, fault: str, write: Write, street: Street) -> None:
    """5xx, a proxy's page or nothing after a create: unknown, its price held; exit 4 for ever, unless a list tells."""
    path = write(TWO.format(name))
    with street(name) as quarter:
        quarter.stand.faults.add(fault)
        ended = api.run(path, YES, quarter.house())
        found = shots(ended.manifest)
        assert (ended.exit_code, found["a"]["status"], found["b"]["status"]) == (4, "unknown", "pending")
        held = money(ended, name)
        assert (held["unknown"], held["charged"], held["reserved"]) == (COST[name], 0, 0)
        assert len(creates(quarter.stand)) == 1
        if name in LISTED:
            return  # the next run asks the list: tests/journeys/test_recover.py
        again_sends_nothing(path, quarter, 4)
        again_sends_nothing(path, quarter, 4)


@pytest.mark.parametrize("name", ALL)
def test_a_late_failure_costs_what_the_document_says(name: str, write: Write, street: Street) -> None:
    """Nothing, with the refund where the service tells one; not bought again, unless `retry` says so."""
    path = write(ONE.format(name))
    with street(name) as quarter:
        quarter.stand.faults.add("job_fails")
        ended = api.run(path, YES, quarter.house())
        shot = shots(ended.manifest)["a"]
        assert (ended.exit_code, shot["status"], shot["credits"]["charged"]) == (1, "failed", 0)
        assert shot["credits"]["refunded"] == RETURNED.get(name, 0)
        assert money(ended, name)["reserved"] == charged(quarter.stand) == 0
        again_sends_nothing(path, quarter, 1)
    other = write(ONE.format(name).replace("prompt: the sea", "retry: 1, prompt: a lake"), name="lake")
    with street(name) as quarter:
        quarter.stand.faults.add("job_fails")
        ended = api.run(other, YES, quarter.house())
        shot = shots(ended.manifest)["a"]
        assert (ended.exit_code, shot["status"], shot["credits"]["charged"]) == (0, "done", COST[name])
        assert [attempt["status"] for attempt in shot["attempts"]] == ["failed", "succeeded"]


@pytest.mark.parametrize("name", ["seedance2-movie", "naci"])
def test_a_job_that_expires_is_told_and_costs_nothing(name: str, write: Write, street: Street) -> None:
    """Movie says expired (S2:176); the gateway says IN_PROGRESS for ever, with Ark's expired inside."""
    path = write(ONE.format(name))
    with street(name) as quarter:
        quarter.stand.faults.add("job_expires" if name == "seedance2-movie" else "frozen")
        ended = api.run(path, YES, quarter.house(video_seconds=20))
        shot = shots(ended.manifest)["a"]
        assert (ended.exit_code, shot["status"], money(ended, name)["charged"]) == (1, "failed", 0)
        assert "expired" in shot["error"]


@pytest.mark.parametrize("name", ALL)
def test_the_time_limit_leaves_the_job_with_the_service(name: str, write: Write, street: Street) -> None:
    """Exit 1 and pending, its price reserved; the same command takes the very same job up and pays once."""
    path = write(TWO.format(name))
    with street(name, seconds_per_job=1.2) as quarter:
        ended = api.run(path, YES, quarter.house(video_seconds=0.1))
        found = shots(ended.manifest)
        assert (ended.exit_code, found["a"]["status"], found["b"]["status"]) == (1, "pending", "pending")
        assert (money(ended, name)["reserved"], money(ended, name)["charged"]) == (COST[name], 0)
        again = api.run(path, YES, quarter.house())
        found = shots(again.manifest)
        assert (again.exit_code, len(creates(quarter.stand))) == (0, 2)
        first = found["a"]["attempts"][0]
        assert first["task_id"] == json.loads(creates(quarter.stand)[0].answer).get("taskId", first["task_id"])
        assert len([a for a in found["a"]["attempts"] if a["step"] == "a/generate"]) == 1
        assert (money(again, name)["charged"], money(again, name)["reserved"]) == (2 * COST[name], 0)


@pytest.mark.parametrize("way", ["body", "status"])
def test_movies_two_ways_to_say_no(way: str, write: Write, street: Street) -> None:
    """CONCURRENCY_LIMIT_REACHED with an id is a task that waits; without one it is held (S2:256, B8)."""
    path = write(ONE.format("seedance2-movie"))
    with street("seedance2-movie", movie_errors=way) as quarter:
        quarter.stand.faults.add("concurrency_with_task")
        ended = api.run(path, YES, quarter.house())
        assert (ended.exit_code, len(creates(quarter.stand))) == (0, 1)
        path.write_text(path.read_text().replace("at night", "at noon"))
        quarter.stand.faults.add("concurrency_without_id")
        held = api.run(path, YES, quarter.house())
        assert (held.exit_code, money(held, "seedance2-movie")["unknown"]) == (4, COST["seedance2-movie"])
        again_sends_nothing(path, quarter, 0)  # its list has it


def test_a_missing_key_is_said_before_anything_is_sent(write: Write, street: Street) -> None:
    """Exit 2 with the variable's name, for a service whose balance nobody can ask for too."""
    for name in ALL:
        path = write(ONE.format(name))
        with street(name) as quarter:
            house = quarter.house()
            for variable in [variable for variable in house.environ if variable.endswith("_API_KEY")]:
                with pytest.raises(RushesError, match=variable) as error:
                    api.run(path, YES, quarter.house({variable: ""}))
                assert (error.value.exit_code, len(quarter.stand.log)) == (2, 0)
