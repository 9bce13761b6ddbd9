"""What a service may answer to a wish to cancel, and what then is booked: a made-up service, a ledger by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.cancel import Cancelling, cancel
from pipeline.desk import House, lock_name
from pipeline.errors import (
    AccountRefused,
    Advice,
    DecisionNeeded,
    Held,
    JobLost,
    ProviderError,
    UserError,
)
from pipeline.events import Cancelled, Doubted, Event, Failed, RunEnded, RunStarted, Settled, Started, Submitted
from pipeline.providers.base import Call, Cancels, Reply, Status
from pipeline.providers.catalog import PROVIDERS
from pipeline.stopping import End
from pipeline.store import leases, workspace
from pipeline.store.ledger import Ledger, Run, Unsettled

D = Decimal
AT = "2026-11-21T10:00:00.000Z"
LATE = "2026-11-21T11:00:00.000Z"


class Brake:
    """A page whose service can be told to stop a job; it answers with a word, and with money where there is some."""

    NAME = "brake"
    CONCURRENCY = 1
    UNIT = "credits"
    SEED_LIMIT = 0
    CANCELLED_COST = "It keeps a tenth of what it cancels."

    def cancel(self, job_id: str) -> Call:
        return Call(method="POST", path=f"/jobs/{job_id}/cancel", repeatable=True)

    def poll(self, job_id: str) -> Call:
        return Call(method="GET", path=f"/jobs/{job_id}")

    def status(self, reply: Reply) -> Status:
        word, told = reply.json["word"], reply.json
        match word:
            case "no":
                raise ProviderError("brake says that it is too late.")
            case "busy":
                raise ProviderError("brake is busy.", advice=Advice.LATER, after_seconds=0.001)
            case "lost":
                raise JobLost("brake has no such job.")
            case "key":
                raise AccountRefused("brake knows no such key.", "Look at the key.")
        money = {name: D(told[name]) if name in told else None for name in ("charged", "refunded")}
        if word in ("cancelled", "failed"):
            return Status(done=True, error=ProviderError(f"it is {word}."), cancelled=word == "cancelled", **money)
        return Status(done=word == "done", **money)

    def fault(self, reply: Reply) -> ProviderError:
        raise AssertionError


class Wire:
    """The service: what it says to a cancel and, one after the other, to a poll; the last word for ever."""

    poll_seconds = 0.001

    def __init__(self, to_cancel: str, *to_poll: str | Mapping[str, str]) -> None:
        self.to_cancel, self.to_poll = to_cancel, [_told(word) for word in to_poll]
        self.asked: list[str] = []

    async def send(self, call: Call) -> Reply:
        self.asked.append(f"{call.method} {call.path}")
        if call.method == "POST":
            return Reply(status=200, json={"word": self.to_cancel})
        told = self.to_poll.pop(0) if len(self.to_poll) > 1 else self.to_poll[0]
        return Reply(status=200, json=told)

    async def download(self, url: str, out: Path) -> None:
        raise AssertionError


def _told(word: str | Mapping[str, str]) -> Mapping[str, str]:
    return {"word": word} if isinstance(word, str) else word


class Place:
    """A workspace with one run that was interrupted, and a house with the brake in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        workspace.open_workspace(folder, create=True)
        self.begin("run-1")

    def begin(self, run: str, recipe: str = "tale") -> None:
        with Ledger(self.folder / "ledger.sqlite3") as ledger:
            path, output = f"/recipes/{recipe}.yaml", str(self.folder.parent / "out" / recipe)
            made = Run(id=run, recipe=recipe, recipe_path=path, output=output, date="2026-11-21", started_at=AT)
            ledger.begin(dataclasses.replace(made, plan=[], options={}))
        self.tell(RunStarted(at=AT, version="1"), run=run)

    def tell(self, *events: Event, run: str = "run-1") -> None:
        with Ledger(self.folder / "ledger.sqlite3") as ledger:
            ledger.append(run, *events)

    def events(self, kind: type[Event], run: str = "run-1") -> list[Any]:
        with Ledger(self.folder / "ledger.sqlite3", read_only=True) as ledger:
            return [event for event in ledger.events(run) if isinstance(event, kind)]

    def unsettled(self) -> list[Unsettled]:
        with Ledger(self.folder / "ledger.sqlite3", read_only=True) as ledger:
            return ledger.unsettled()

    def held(self) -> Decimal:
        with Ledger(self.folder / "ledger.sqlite3", read_only=True) as ledger:
            (span,) = ledger.held([("2026-11-21T00:00:00.000Z", "2026-11-22T00:00:00.000Z")])
            return span["brake"].credits if "brake" in span else D(0)

    def cancel(self, wire: Wire | None, **values: Any) -> Cancelling:
        wires = {"brake": wire} if wire else {}
        house = House(providers={**PROVIDERS, "brake": Brake()}, wires=wires)  # type: ignore[dict-item]
        return cancel(self.folder, house, **{"yes": True, "verdict_seconds": 0.05, **values})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / ".rushes")


def about(step: str = "a/generate", attempt: int = 1) -> dict[str, Any]:
    return {"at": AT, "step": step, "key": f"k1:{step[0]}", "attempt": attempt}


def job(step: str = "a/generate", attempt: int = 1, **other: Any) -> list[Event]:
    """A job that the service has, for 40.50 credits at 0.4 cents."""
    values = {"provider": "brake", "account": "brake", "credits": D("40.50"), "usd": D("0.162"), **other}
    return [Started(**about(step, attempt), **values), Submitted(**about(step, attempt), job_id=f"job-{step[0]}")]


def test_the_brake_can_be_pulled() -> None:
    """What stands in for a service satisfies the protocol."""
    assert isinstance(Brake(), Cancels)


@pytest.mark.parametrize("to_cancel", ["cancelled", "running", "no", "busy"])
def test_whatever_the_answer_a_job_that_then_is_cancelled_is(place: Place, to_cancel: str) -> None:
    """The service is asked how the job stands: it is over, its money is free, and nothing stands for its key."""
    place.tell(*job())
    ended = place.cancel(Wire(to_cancel, "cancelled"))
    assert ([one.end for one in ended.jobs], ended.exit_code) == ([End.CANCELLED], 0)
    (settled,), (cancelled,) = place.events(Settled), place.events(Cancelled)
    assert (settled.charged, settled.refunded, settled.usd, settled.source) == (0, 0, 0, "estimate")
    assert (cancelled.step, cancelled.attempt, cancelled.why) == ("a/generate", 1, "Cancelled, as you asked.")
    assert (place.unsettled(), place.held(), ended.run.status) == ([], 0, "partial")
    assert place.cancel(None).jobs == ()


def test_what_the_service_keeps_is_charged_to_the_last_digit(place: Place) -> None:
    """Charge and refund as it tells them, in dollars at the price of the reservation."""
    place.tell(*job())
    (one,) = place.cancel(Wire("ok", {"word": "cancelled", "charged": "4.05", "refunded": "36.45"})).jobs
    assert (one.charged, one.refunded) == (D("4.05"), D("36.45"))
    assert one.told == "brake charged 4.05 credits for it and gave 36.45 back"
    (settled,) = place.events(Settled)
    assert (settled.charged, settled.refunded, settled.usd, settled.source) == (
        D("4.05"), D("36.45"), D("0.0162"), "brake",
    )  # fmt: skip
    assert place.held() == D("4.05")


def test_what_stops_after_a_while_is_waited_for(place: Place) -> None:
    """Asked until it has ended; told to cancel once."""
    place.tell(*job())
    wire = Wire("running", "running", "running", "running", "cancelled")
    (one,) = place.cancel(wire, verdict_seconds=30).jobs
    assert one.end is End.CANCELLED
    assert wire.asked == ["POST /jobs/job-a/cancel", *["GET /jobs/job-a"] * 4]


@pytest.mark.parametrize(
    ("to_cancel", "told"),
    [
        ("no", "brake did not cancel it (brake says that it is too late): it goes on, for up to 40.5 credits"),
        ("running", "brake was told to cancel it and has not done so yet (brake is still at work after 0 seconds)"),
    ],
)
def test_a_job_that_does_not_stop_goes_on(place: Place, to_cancel: str, told: str) -> None:
    """Nothing is booked, its reservation stays, and the next run takes it up."""
    place.tell(*job())
    ended = place.cancel(Wire(to_cancel, "running"))
    ((one,), code) = ended.jobs, ended.exit_code
    assert (one.end, code, one.told.startswith(told)) == (End.GOES_ON, 1, True)
    assert one.told.endswith("the next run takes it up")
    assert (place.events(Settled), place.events(Cancelled), place.held()) == ([], [], D("40.5"))
    assert [one.job_id for one in place.unsettled()] == ["job-a"]


def test_a_refusal_is_not_waited_for(place: Place) -> None:
    """One look, since the service has said that it goes on."""
    place.tell(*job())
    wire = Wire("no", "running")
    place.cancel(wire, verdict_seconds=3600)
    assert wire.asked == ["POST /jobs/job-a/cancel", "GET /jobs/job-a"]


@pytest.mark.parametrize(
    ("told", "charged", "words"),
    [
        ({"word": "done", "charged": "40.5"}, D("40.5"), "it had finished before: brake charged 40.5 credits for it"),
        ({"word": "failed", "charged": "0"}, D(0), "it had failed before (it is failed): brake charged nothing for it"),
        ({"word": "failed"}, D(0), "it had failed before (it is failed): brake charged nothing for it"),
    ],
)
def test_what_had_ended_is_booked_and_stays_open(
    place: Place, told: Mapping[str, str], charged: Decimal, words: str
) -> None:
    """Its charge is known at once; its bytes, or its failure, are for the next run to take in."""
    place.tell(*job())
    ended = place.cancel(Wire("no", told))
    ((one,), code) = ended.jobs, ended.exit_code
    assert (one.end, one.charged, code) == (End.FINISHED, charged, 0)
    assert one.told == f"{words}; the next run takes it up"
    assert ([event.charged for event in place.events(Settled)], place.events(Cancelled)) == ([charged], [])
    assert [(one.job_id, one.settled) for one in place.unsettled()] == [("job-a", True)]
    again = Wire("no", told)
    (once_more,) = place.cancel(again).jobs
    assert (once_more.end, again.asked) == (End.FINISHED, [])


def test_what_had_finished_at_a_cost_nobody_tells_is_not_guessed(place: Place) -> None:
    """The next run books it as every run does."""
    place.tell(*job())
    (one,) = place.cancel(Wire("no", "done")).jobs
    assert (one.end, one.charged, place.events(Settled), place.held()) == (End.FINISHED, None, [], D("40.5"))


@pytest.mark.parametrize(("word", "fact"), [("lost", "brake has no such job"), ("key", "brake knows no such key")])
def test_a_service_that_does_not_tell_is_left_alone(place: Place, word: str, fact: str) -> None:
    """Nothing is concluded from it: the money stays reserved."""
    place.tell(*job())
    ended = place.cancel(Wire(word, word))
    ((one,), code) = ended.jobs, ended.exit_code
    assert (one.end, code) == (End.LEFT, 1)
    assert one.told == f"could not be asked, so its 40.5 credits stay reserved: {fact}"
    assert (len(place.unsettled()), place.held()) == (1, D("40.5"))


def test_an_account_that_is_gone_leaves_its_jobs_alone(place: Place) -> None:
    """Others are cancelled all the same."""
    place.tell(*job(), *job("b/generate", account="other"))
    ended = place.cancel(Wire("ok", "cancelled"))
    assert [one.end for one in ended.jobs] == [End.CANCELLED, End.LEFT]
    assert "other is no account here" in ended.jobs[1].told


def test_what_nobody_knows_is_named_and_left_to_recover(place: Place) -> None:
    """Whether its process died or heard nothing: exit 4, nothing is sent for it, nothing is written of it."""
    first, doubted = job()[0], job("b/generate")[0]
    place.tell(first, doubted, Doubted(**about("b/generate"), error="reset"))
    wire = Wire("ok", "cancelled")
    ended = place.cancel(wire)
    assert [(one.end, one.hint) for one in ended.jobs] == [(End.UNKNOWN, "`rushes recover` settles it.")] * 2
    assert (ended.exit_code, wire.asked, place.held()) == (4, [], 81)


def test_the_jobs_of_the_shots_that_are_named_alone(place: Place) -> None:
    """A pattern of shots or takes; one that names nothing is a mistake, before anything is sent."""
    place.tell(*job("a/generate"), *job("b@2/generate"), *job("c/generate"))
    wire = Wire("ok", "cancelled")
    with pytest.raises(UserError, match="--only d names no shot of run run-1"):
        place.cancel(wire, only=["a", "d"])
    assert wire.asked == []
    assert [one.submission.step for one in place.cancel(wire, only=["b", "c*"]).jobs] == ["b@2/generate", "c/generate"]
    assert [one.step for one in place.unsettled()] == ["a/generate"]


def test_which_run_is_meant(place: Place) -> None:
    """The newest, a recipe's latest, or that of an id; other runs with jobs are named."""
    place.begin("run-2", "song")
    place.tell(*job())
    ended = place.cancel(None)
    assert (ended.run.id, ended.jobs, ended.others) == ("run-2", (), {"run-1": 1})
    wire = Wire("no", "running")
    assert place.cancel(wire, recipe=Path("/recipes/tale.yaml")).run.id == "run-1"
    assert place.cancel(wire, run="run-1").run.id == "run-1"
    for values in ({"run": "run-3"}, {"recipe": Path("/recipes/poem.yaml")}):
        with pytest.raises(UserError, match="in the workspace"):
            place.cancel(wire, **values)


def test_consent_is_asked_for_before_anything_is_sent(place: Place) -> None:
    """With the jobs and what each service says of the money; without a terminal only --yes will do."""
    place.tell(*job())
    wire, asked = Wire("ok", "cancelled"), []

    def consent(jobs: Any, costs: Mapping[str, str]) -> bool:
        asked.append(([one.step for one in jobs], costs))
        return False

    with pytest.raises(DecisionNeeded, match="you said no"):
        place.cancel(wire, yes=False, consent=consent)
    with pytest.raises(DecisionNeeded, match="Say --yes"):
        place.cancel(wire, yes=False)
    assert asked == [(["a/generate"], {"brake": Brake.CANCELLED_COST})]
    assert (wire.asked, place.events(RunEnded)) == ([], [])
    assert place.cancel(Wire("ok", "cancelled"), yes=False, consent=lambda *_: True).exit_code == 0


def test_a_run_that_somebody_holds_is_not_touched(place: Place) -> None:
    """Exit 5, who has it and how to stop that."""
    place.tell(*job())
    shelf = workspace.open_workspace(place.folder, create=True)
    name = lock_name("tale", str(place.folder.parent / "out" / "tale"))
    with leases.hold(shelf, name, who="Another run of tale"), pytest.raises(Held) as held:
        place.cancel(Wire("ok", "cancelled"))
    assert (held.value.exit_code, "kill -INT" in held.value.hint) == (5, True)
    assert held.value.hint.endswith("What it has at services can be cancelled then.")


def test_a_run_that_was_done_stays_so(place: Place) -> None:
    """Only a leftover of another request was cancelled: the run has all that it was to make."""
    place.tell(*job(), RunEnded(at=LATE, status="complete"))
    assert place.cancel(Wire("ok", "cancelled")).run.status == "complete"


def test_a_recipe_that_cannot_be_read_keeps_nothing_from_being_cancelled(place: Place) -> None:
    """The books are right; that the documents are not is said."""
    place.tell(*job())
    ended = place.cancel(Wire("ok", "cancelled"))
    assert (ended.exit_code, "/recipes/tale.yaml" in ended.stale) == (0, True)


def test_a_lease_that_is_lost_meanwhile_books_nothing(place: Place) -> None:
    """Another machine has taken the recipe over: what it hears from the service is for it to write down."""
    place.tell(*job())

    class Robbed(Wire):
        async def send(self, call: Call) -> Reply:
            with Ledger(place.folder / "ledger.sqlite3") as ledger:
                ledger._connection.execute("UPDATE leases SET token = 'theirs', host = 'elsewhere'")
            return await super().send(call)

    with pytest.raises(Held):
        place.cancel(Robbed("ok", "cancelled"))
    assert (place.events(Settled), place.events(Cancelled)) == ([], [])


def test_many_at_once(place: Place) -> None:
    """Each is told once and booked once, in whatever order the service answers."""
    place.tell(*(event for n in range(1, 61) for event in job(f"s{n}/generate", n)))
    wire = Wire("ok", "cancelled")
    ended = place.cancel(wire)
    assert [one.end for one in ended.jobs] == [End.CANCELLED] * 60
    assert (len(wire.asked), place.held(), len(place.events(Cancelled))) == (120, 0, 60)
    assert len(place.events(RunEnded)) == 1


def test_what_was_cancelled_is_no_failure(place: Place) -> None:
    """Nothing stands for its key, and no failure is told of it."""
    place.tell(*job())
    place.cancel(Wire("ok", "cancelled"))
    with Ledger(place.folder / "ledger.sqlite3", read_only=True) as ledger:
        assert ledger.standing(["k1:a"]) == {}
    assert place.events(Failed) == []
