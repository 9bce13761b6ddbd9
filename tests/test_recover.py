"""What follows from a list, and what does not: a made-up service that lists its jobs, and a ledger written by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from pipeline import desk as desks
from pipeline.desk import House, Wants
from pipeline.errors import Advice, Held, JobLost, ProviderError, StoreError, UserError
from pipeline.events import Doubted, Event, Failed, Refused, Settled, Started, Submitted
from pipeline.providers.base import Call, Found, Listing, Lists, Reply, Status
from pipeline.providers.catalog import PROVIDERS
from pipeline.recover import before_run, exit_code, lock_of, names_of, recover
from pipeline.settle import Case, Decision, Fate, Settling, mark_of
from pipeline.store import database, locks, workspace
from pipeline.store.ledger import Ledger, Run, Unsettled

D = Decimal
AT = "2026-11-21T10:00:00.000Z"
NOON = datetime.fromisoformat(AT)
WORDS = {"prompt": "the sea"}


def minutes(number: float) -> str:
    """A moment so many minutes after the attempt began, as services write it."""
    return (NOON + timedelta(minutes=number)).isoformat().replace("+00:00", "Z")


def job(id: str, mark: str | None, at: str = AT) -> dict[str, Any]:
    return {"id": id, "mark": mark, "at": at}


class Register:
    """A page whose service lists jobs with their marks, a page of `size` at a time."""

    NAME = "register"
    CONCURRENCY = 1
    UNIT = "credits"
    SEED_LIMIT = 0

    def listing(self) -> Call:
        return Call(method="GET", path="/jobs/0")

    def listed(self, reply: Reply, request: Mapping[str, Any], mark: str) -> Listing:
        if reply.status != 200:
            raise ProviderError("register says no.", "Look at the key.")
        items, next_page = reply.json["items"], reply.json["next"]
        found = [Found(job_id=one["id"], created_at=one["at"]) for one in items]
        marks = {one["id"]: one["mark"] for one in items}
        return Listing(
            found=tuple(one for one in found if mark and marks[one.job_id] == mark),
            possible=tuple(one for one in found if marks[one.job_id] is None),
            complete=reply.json["complete"],
            next=Call(method="GET", path=f"/jobs/{next_page}") if next_page else None,
            oldest=min((one["at"] for one in items), default=""),
        )

    def poll(self, job_id: str) -> Call:
        return Call(method="GET", path=f"/job/{job_id}")

    def status(self, reply: Reply) -> Status:
        if reply.status == 404:
            raise JobLost("register has no such job.")
        return Status(done=False)


class Wire:
    """The service: `lists` are the lists that it shows one after the other, the last one for ever."""

    poll_seconds = 0.0

    def __init__(self, *lists: list[dict[str, Any]], size: int = 100, cut: bool = False, status: int = 200) -> None:
        self.lists, self.size, self.cut, self.status = list(lists), size, cut, status
        self.asked: list[str] = []

    async def send(self, call: Call) -> Reply:
        self.asked.append(call.path)
        kind, _, name = call.path.strip("/").partition("/")
        if kind == "job":
            return Reply(status=200 if name.startswith("job") else 404)
        page = int(name)
        items = self.lists[0][page * self.size : (page + 1) * self.size]
        more = len(self.lists[0]) > (page + 1) * self.size
        if not more and len(self.lists) > 1:
            self.lists.pop(0)
        following = page + 1 if more and not self.cut else 0
        return Reply(status=self.status, json={"items": items, "next": following, "complete": not more})

    async def download(self, url: str, out: Path) -> None:
        raise AssertionError


class Place:
    """A workspace with one run, and a house with the register in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        workspace.open_workspace(folder, create=True)
        self.begin("run-1", "tale", "/out")

    def begin(self, run: str, recipe: str, output: str) -> None:
        with Ledger(self.folder / "ledger.sqlite3") as ledger:
            path = f"/recipes/{recipe}.yaml"
            made = Run(id=run, recipe=recipe, recipe_path=path, output=output, date="2026-11-21", started_at=AT)
            ledger.begin(dataclasses.replace(made, plan=[], options={}))

    def tell(self, *events: Event, run: str = "run-1") -> None:
        with Ledger(self.folder / "ledger.sqlite3") as ledger:
            ledger.append(run, *events)

    def events(self, run: str = "run-1") -> list[Event]:
        with Ledger(self.folder / "ledger.sqlite3", read_only=True) as ledger:
            return ledger.events(run)

    def unsettled(self) -> list[Unsettled]:
        with Ledger(self.folder / "ledger.sqlite3", read_only=True) as ledger:
            return ledger.unsettled()

    def settle(self, wire: Wire, *decisions: Decision, **values: Any) -> list[Case]:
        return recover(self.folder, house(wire), decisions=decisions, **{"settle_seconds": 0.01, **values})

    def one(self, wire: Wire, *decisions: Decision, **values: Any) -> Case:
        (case,) = self.settle(wire, *decisions, **values)
        return case


def house(wire: Wire | None) -> House:
    wires = {"register": wire} if wire else {}
    return House(providers={**PROVIDERS, "register": Register()}, wires=wires)  # type: ignore[dict-item]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / ".rushes")


def about(step: str = "a/generate", attempt: int = 1, key: str = "k1:a") -> dict[str, Any]:
    return {"at": AT, "step": step, "key": key, "attempt": attempt}


def sent(step: str = "a/generate", attempt: int = 1, **other: Any) -> Started:
    """A request for 40.50 credits was about to be sent."""
    values = {"provider": "register", "account": "register", "credits": D("40.50"), "usd": D("0.1"), "request": WORDS}
    return Started(**{**about(step, attempt, f"k1:{step[0]}"), **values, **other})


def mark(step: str = "a", attempt: int = 1, run: str = "run-1") -> str:
    return f"k1:{step} {run} {attempt}"


def test_the_register_is_a_list_and_its_lock_is_that_of_a_reading(place: Place, tmp_path: Path) -> None:
    """What stands in for a service satisfies the protocol; the lock's name is the one that a run takes."""
    assert isinstance(Register(), Lists)
    path = tmp_path / "recipe.yaml"
    path.write_text("rushes: 1\nname: tale\nshots: [{id: a, prompt: x}]\n")
    reading = desks.read(path, Wants(), House())
    one = SimpleNamespace(recipe=reading.recipe.name, output=str(reading.output))
    assert lock_of(one) == reading.lock  # type: ignore[arg-type]


def test_the_one_job_with_its_mark_is_adopted(place: Place) -> None:
    """The request is found among others by key, run and attempt, and its job is written down once."""
    place.tell(sent())
    (one,) = place.unsettled()
    assert (mark_of(one), one.request, one.recipe, one.output) == (mark(), WORDS, "tale", "/out")
    wire = Wire([job("job-2", mark(attempt=2)), job("job-1", mark(), minutes(-9)), job("job-0", mark("b"))])
    case = place.one(wire)
    assert (case.fate, case.job_id, exit_code([case])) == (Fate.ADOPTED, "job-1", 0)
    submitted = [event for event in place.events() if isinstance(event, Submitted)]
    assert [(event.step, event.attempt, event.job_id) for event in submitted] == [("a/generate", 1, "job-1")]
    assert place.settle(wire) == []
    assert wire.asked == ["/jobs/0"]


def test_a_doubted_request_is_looked_for_too(place: Place) -> None:
    """Whether its process died or heard nothing, it is the same."""
    place.tell(sent(), Doubted(**about(), error="reset"))
    assert place.one(Wire([job("job-1", mark())])).fate is Fate.ADOPTED


def test_twice_absent_is_released_and_once_is_not(place: Place) -> None:
    """What shows up at the second look was on its way; what does not is released, its reservation free."""
    place.tell(sent(), sent("b/generate"))
    wire = Wire([], [job("job-1", mark())])
    cases = place.settle(wire)
    assert [case.fate for case in cases] == [Fate.ADOPTED, Fate.RELEASED]
    refused = [event for event in place.events() if isinstance(event, Refused)]
    assert [(event.step, event.advice) for event in refused] == [("b/generate", Advice.LATER)]
    assert [one.step for one in place.unsettled()] == ["a/generate"]
    assert place.settle(wire) == []


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ([job("job-1", mark()), job("job-2", mark())], "lists 2 jobs that it may be: job-1, job-2"),
        ([job("job-1", mark(), "yesterday")], "does not say when that was made"),
        ([job("job-1", mark(), "")], "does not say when that was made"),
        ([job("job-1", mark(), "2026-11-21T10:00:00")], "does not say when that was made"),
        ([job(f"job-{n}", None) for n in range(7)], "lists 7 without a mark, each of which it may be: job-0, job-1,"),
        ([job("job-1", None, "")], "lists 1 without a mark"),
    ],
)
def test_what_may_be_it_is_never_guessed(items: list[dict[str, Any]], told: str, place: Place) -> None:
    """Two of its mark, one of no time, jobs without a mark: asked, and named."""
    place.tell(sent())
    case = place.one(Wire(items))
    assert (case.fate, exit_code([case])) == (Fate.ASKED, 4)
    assert told in case.told
    assert {found.job_id for found in case.candidates} == {item["id"] for item in items}
    assert len(place.events()) == 1


@pytest.mark.parametrize(
    "items",
    [
        [job("job-1", mark(), minutes(-11))],
        [job("job-1", None, minutes(-11))],
        [job("job-1", None, str(int(NOON.timestamp()) - 11 * 60))],
        [job("job-1", None, str((int(NOON.timestamp()) - 11 * 60) * 1000))],
        [job("job-1", mark(), "2026-11-21T18:45:00+09:00")],
    ],
)
def test_what_was_made_before_is_not_it(items: list[dict[str, Any]], place: Place) -> None:
    """More than ten minutes before it was sent, in whatever form a service writes its times."""
    place.tell(sent())
    assert place.one(Wire(items)).fate is Fate.RELEASED


def test_a_job_that_another_attempt_has_is_not_it(place: Place) -> None:
    """Of two jobs of one mark the ledger knows one: the other is found."""
    place.tell(sent(), sent("b/generate"), Submitted(**about("b/generate", key="k1:b"), job_id="job-2"))
    wire = Wire([job("job-1", mark()), job("job-2", mark()), job("job-2", mark("b"))])
    assert place.one(wire).job_id == "job-1"


def test_a_list_that_lacks_what_was_taken_proves_nothing(place: Place) -> None:
    """A job taken after this one was sent must be in any list that shows absence."""
    place.tell(sent(), sent("b/generate"), Submitted(**about("b/generate", key="k1:b"), job_id="job-2"))
    case = place.one(Wire([job("job-9", mark("z"))]))
    assert (case.fate, "lacks the job job-2 too" in case.told) == (Fate.ASKED, True)
    assert place.one(Wire([job("job-2", mark("b"))])).fate is Fate.RELEASED


LONG = [job(f"job-{n}", mark("z"), minutes(-n)) for n in range(300)]


def test_pages_are_read_until_they_go_back_far_enough(place: Place) -> None:
    """Newest first, as the pages themselves show: beyond ten minutes before the request nothing is read."""
    place.tell(sent())
    wire = Wire(LONG, size=5)
    assert place.one(wire).fate is Fate.RELEASED
    assert wire.asked == [f"/jobs/{n}" for n in range(3)] * 2


def test_oldest_first_is_read_to_its_end(place: Place) -> None:
    """A page of old jobs alone shows nothing: the request's job is the last of them all."""
    place.tell(sent())
    wire = Wire([*reversed(LONG), job("job-new", mark())], size=100)
    assert (place.one(wire).job_id, wire.asked) == ("job-new", [f"/jobs/{n}" for n in range(4)])


def test_one_page_without_a_next_shows_absence_by_a_later_job_alone(place: Place) -> None:
    """A full page that goes back far enough may be the oldest jobs: one that came after the request tells."""
    place.tell(sent())
    case = place.one(Wire(LONG, size=20, cut=True))
    assert (case.fate, "goes back so far" in case.told) == (Fate.ASKED, True)
    place.tell(sent("b/generate", at=minutes(1)), Submitted(**about("b/generate", key="k1:b"), job_id="job-b"))
    later = [job("job-b", mark("b"), minutes(1)), *LONG]
    assert place.one(Wire(later, size=20, cut=True)).fate is Fate.RELEASED
    place.tell(sent("c/generate", at=minutes(-200)))
    cases = place.settle(Wire(later, size=20, cut=True))
    assert [case.fate for case in cases] == [Fate.ASKED]


def test_what_was_not_written_down_is_not_absent(place: Place) -> None:
    """An attempt without its request may be found by its mark, and proves nothing where it is not."""
    place.tell(sent(request={}))
    case = place.one(Wire([]))
    assert (case.fate, "not written down" in case.told) == (Fate.ASKED, True)
    assert place.one(Wire([job("job-1", mark())])).fate is Fate.ADOPTED


def test_what_is_no_submission_is_left_alone(place: Place) -> None:
    """Work of this machine, jobs that are known, ends of every kind: nothing is asked."""
    place.tell(
        sent("a/generate", provider="animatic", account=""),
        sent("b/generate"),
        Submitted(**about("b/generate", key="k1:b"), job_id="job-2"),
        Doubted(**about("b/generate", key="k1:b"), error="no answer"),
        sent("c/generate"),
        Refused(**about("c/generate", key="k1:c"), error="busy"),
        sent("d/generate"),
        Failed(**about("d/generate", key="k1:d"), error="an input is gone"),
    )
    wire = Wire([])
    assert (place.settle(wire), wire.asked) == ([], [])


def test_what_another_process_holds_is_told_and_left(place: Place) -> None:
    """5 where nothing else is left, 4 where something is; the other recipe's submission is settled all the same."""
    place.begin("run-2", "other", "/out")
    place.tell(sent())
    place.tell(sent("b/generate"), run="run-2")
    (first, _) = place.unsettled()
    wire = Wire([job("job-2", "k1:b run-2 1"), job("job-1", mark())])
    with locks.hold(place.folder / "locks", lock_of(first), run="A run"):
        cases = place.settle(wire, Decision(step="a", way="write-off"))
    assert [case.fate for case in cases] == [Fate.AT_WORK, Fate.ADOPTED]
    assert (exit_code(cases), exit_code([*cases, dataclasses.replace(cases[0], fate=Fate.ASKED)])) == (5, 4)
    assert "A run holds tale-" in cases[0].told
    assert [type(event) for event in place.events()] == [Started]


def test_one_recipe_alone(place: Place) -> None:
    """By its path; one that was never run there is refused, not passed over."""
    place.begin("run-2", "other", "/out")
    place.tell(sent())
    place.tell(sent("b/generate"), run="run-2")
    case = place.one(Wire([]), recipe=Path("/recipes/other.yaml"))
    assert (case.submission.run, case.fate) == ("run-2", Fate.RELEASED)
    with pytest.raises(UserError, match=r"new\.yaml was never run"):
        place.settle(Wire([]), recipe=Path("/recipes/new.yaml"))


def test_a_job_that_a_submission_under_way_may_have_made_is_nobodys(place: Place) -> None:
    """Two runs with one mark, one of them still at work: its answer may come yet."""
    place.begin("run-2", "other", "/out")
    place.tell(sent())
    place.tell(sent("b/generate"), run="run-2")

    class Same(Register):
        def listed(self, reply: Reply, request: Mapping[str, Any], mark: str) -> Listing:
            return super().listed(reply, request, "both" if mark else "")

    home = dataclasses.replace(house(Wire([job("job-1", "both")])), providers={"register": Same()})  # type: ignore[dict-item]
    with locks.hold(place.folder / "locks", lock_of(place.unsettled()[1]), run="A run"):
        cases = recover(place.folder, home, settle_seconds=0.01)
    assert [case.fate for case in cases] == [Fate.ASKED, Fate.AT_WORK]
    assert "may as well be that of b/generate" in cases[0].told


def test_what_the_user_decides_is_exact(place: Place) -> None:
    """Given up: the reservation is the charge, by the user's word, in one transaction with its end."""
    place.tell(sent())
    wire = Wire([])
    assert place.one(wire, Decision(step="a", way="write-off")).fate is Fate.WRITTEN_OFF
    _, settled, failed = place.events()
    assert isinstance(settled, Settled)
    assert [settled.charged, settled.refunded, settled.usd, settled.source] == [D("40.50"), 0, D("0.1"), "user"]
    assert isinstance(failed, Failed)
    assert not failed.permanent
    assert (place.unsettled(), wire.asked) == ([], [])


def test_a_task_is_asked_for_before_it_is_adopted(place: Place) -> None:
    """One that the service does not know, or that is another attempt's, is refused, and nothing at all is written."""
    place.tell(sent(), sent("b/generate"), sent("c/generate"))
    place.tell(Submitted(**about("c/generate", key="k1:c"), job_id="job-3"))
    wire = Wire([])
    off = Decision(step="a", way="write-off")
    for task, told in (("task-1", "knows no task task-1"), ("job-3", "that of another attempt")):
        with pytest.raises(UserError, match=told):
            place.settle(wire, off, Decision(step="b", way="adopt", task=task))
    assert len(place.events()) == 4
    cases = place.settle(wire, off, Decision(step="b", way="adopt", task="job-7"))
    assert [(case.fate, case.job_id) for case in cases] == [(Fate.WRITTEN_OFF, ""), (Fate.ADOPTED, "job-7")]
    assert [path for path in wire.asked if "jobs" in path] == []


@pytest.mark.parametrize(
    ("decisions", "fact", "hint"),
    [
        ([("z", "resubmit", "")], "z is no submission", "Unknown: a/generate#1, a/generate#2, b/generate."),
        ([("a", "resubmit", "")], "a may mean 2", "Say which: a/generate#1, a/generate#2."),
        ([("b", "resubmit", ""), ("b/generate", "write-off", "")], "b/generate is decided twice", "Decide it once."),
        ([("b", "adopt", "t"), ("a/generate#1", "adopt", "t")], "the task t cannot be", "Look up whose it is."),
    ],
)
def test_a_decision_means_one_submission(
    decisions: list[tuple[Any, Any, Any]], fact: str, hint: str, place: Place
) -> None:
    """By shot, by step, with its attempt where that is needed; what it may mean is told."""
    place.tell(sent(), sent(attempt=2), sent("b/generate"))
    with pytest.raises(UserError) as error:
        place.settle(Wire([]), *(Decision(step=step, way=way, task=task) for step, way, task in decisions))
    assert fact in error.value.fact
    assert error.value.hint == hint
    assert len(place.events()) == 3


def test_names_that_only_the_run_tells_apart(place: Place) -> None:
    """The same step of two recipes: its run comes first, and that name is understood."""
    place.begin("run-2", "other", "/out")
    place.tell(sent())
    place.tell(sent(), run="run-2")
    cases = place.settle(Wire([]), Decision(step="run-2/a/generate#1", way="write-off"))
    assert [(case.name, case.fate) for case in cases] == [
        ("run-1/a/generate#1", Fate.RELEASED),
        ("run-2/a/generate#1", Fate.WRITTEN_OFF),
    ]


def test_what_cannot_be_asked_is_left(place: Place) -> None:
    """An account that is gone, an answer that is none; the user's word holds all the same."""
    place.tell(sent())
    case = recover(place.folder, house(None), settle_seconds=0.01)[0]
    assert (case.fate, "register is no account here" in case.told) == (Fate.LEFT, True)
    case = place.one(Wire([], status=401))
    assert (case.fate, case.told, case.hint) == (
        Fate.LEFT,
        "could not be looked up: register says no",
        "Look at the key.",
    )
    assert place.one(Wire([], status=401), Decision(step="a", way="resubmit")).fate is Fate.RELEASED


def test_a_workspace_without_a_ledger_has_nothing_unknown(tmp_path: Path) -> None:
    """Nothing is made there either."""
    folder = tmp_path / "none" / ".rushes"
    assert recover(folder, house(None)) == []
    with pytest.raises(UserError, match="is no submission of unknown outcome"):
        recover(folder, house(None), decisions=[Decision(step="a", way="resubmit")])
    assert not folder.exists()


def test_before_a_run_its_own_is_settled_alone(place: Place, tmp_path: Path) -> None:
    """Those of its recipe and output, where a list can be asked; the others wait for `recover`."""
    path = tmp_path / "recipe.yaml"
    path.write_text("rushes: 1\nname: tale\nshots: [{id: a, prompt: x}]\n")
    reading = desks.read(path, Wants(), House())
    place.begin("run-2", "tale", str(reading.output))
    place.tell(sent())
    place.tell(sent("b/generate"), sent("c/generate", provider="naci", account="naci"), run="run-2")
    wire = Wire([job("job-2", "k1:b run-2 1"), job("job-1", mark())])
    told: list[str] = []
    with Ledger(place.folder / "ledger.sqlite3") as ledger:
        before_run(reading, house(None), ledger, told.append)
        assert (told, wire.asked) == ([], [])
        before_run(reading, house(wire), ledger, told.append)
        before_run(reading, house(wire), ledger, told.append)
    assert told == [
        "b/generate was of unknown outcome: register has it as job-2: the next run goes on with it, "
        "and pays nothing more."
    ]
    assert [one.job_id for one in place.unsettled()] == [None, "job-2", None]
    assert wire.asked == ["/jobs/0"]


def test_whoever_has_lost_the_lease_meanwhile_settles_nothing(place: Place) -> None:
    """A machine that slept while the list came finds its recipe taken over, and writes nothing of what it had seen."""
    place.tell(sent())

    class Slow(Wire):
        async def send(self, call: Call) -> Reply:
            with closing(database.connect(place.folder / "ledger.sqlite3")) as connection:
                connection.execute("UPDATE leases SET token = 'of another', host = 'there', boot = 'there'")
            return await super().send(call)

    with pytest.raises(Held, match=r"has lost tale-.* on there"):
        place.settle(Slow([job("job-1", mark())]))
    assert [type(event) for event in place.events()] == [Started]


def test_a_full_disk_is_told_as_it_is(place: Place) -> None:
    """What cannot be written down is not settled, and the error is the store's own."""
    place.tell(sent())

    class Full(Ledger):
        def append(self, run: str, *events: Event) -> None:
            raise StoreError("The disk is full.")

    with Full(place.folder / "ledger.sqlite3") as ledger:
        work = Settling(house(Wire([])), ledger, names_of(place.unsettled()), {}, 0.01)
        with pytest.raises(StoreError, match="full"):
            anyio.run(work.go, place.unsettled())
    assert len(place.events()) == 1
