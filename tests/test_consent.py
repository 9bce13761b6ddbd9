"""Before anything is spent: what stands against a run, in which order it is told, and what the accounts say."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast

import anyio
import pytest

from pipeline import consent
from pipeline.config import AccountSettings, Config
from pipeline.desk import Desk, House, Reading, Wants
from pipeline.errors import AccountRefused, DecisionNeeded, OverBudget, ProviderError, RushesError, UserError
from pipeline.money import Price
from pipeline.plan.budget import Book, Limit, Limits
from pipeline.plan.model import Action, Plan, Step
from pipeline.providers import seegen
from pipeline.steps.base import Feed
from pipeline.steps.upload import Upload
from tests import made
from tests.till import Till

D = Decimal
UNKNOWN = Price(low=D(0), high=D(0), known=False)
DAWN = made.step("dawn/generate", price="6", provider="till")
FREE = made.step("cut/generate")
LOST = made.step(
    "keeper.png/upload",
    work=Upload(source=Feed(role="source", path=Path("keeper.png"), sha256="x"), media="image", way="url", place=""),
)


def unpriced(name: str = "fog/generate", **values: Any) -> Step:
    return dataclasses.replace(made.step(name, price="1", **values), price=UNKNOWN)


def limits(credits: str = "", usd: str = "", shot: str = "", **values: Any) -> Limits:
    """Of the run: credits of the till, dollars; of one shot: credits of the till."""
    run = Limit(usd=D(usd) if usd else None, credits={"till": D(credits)} if credits else {})
    return Limits(run=run, take=Limit(credits={"till": D(shot)} if shot else {}), **values)


def desk(*steps: Step, limits: Limits | None = None, **wants: Any) -> Desk:
    plan: Plan = made.plan(steps, limits=limits)
    reading = Reading(
        path=plan.recipe.path,
        wants=Wants(**wants),
        recipe=plan.recipe,
        output=Path("/nowhere/out"),
        folder=Path("/nowhere/.rushes"),
    )
    book = Book(plan.limits)
    return Desk(
        reading=reading, recipe=plan.recipe, plan=plan, latest=None, continues=None,
        tried={}, failed={}, unnoted={}, book=book,
    )  # fmt: skip


def refused(desk: Desk) -> RushesError:
    found = consent.verdict(desk)
    assert found is not None
    return found


# the verdict


def test_nothing_stands_against_a_run_that_can_be_paid() -> None:
    """With or without caps, and where there is nothing to do."""
    for found in (desk(DAWN), desk(DAWN, limits=limits("6", shot="6")), desk(FREE), desk()):
        assert consent.verdict(found) is None


def test_what_stands_against_a_run_is_told_in_one_order() -> None:
    """The cap, a place for inputs, an unknown price, dollars without a rate: each once the one before is mended."""
    fog, narrow = unpriced(), limits("5", usd="9")
    assert isinstance(refused(desk(LOST, fog, DAWN, limits=narrow)), OverBudget)
    wide = limits("50", usd="9")
    assert 'read "keeper.png" at a URL' in refused(desk(LOST, fog, DAWN, limits=wide)).fact
    assert "what fog/generate costs is not known, and a cap" in refused(desk(fog, DAWN, limits=wide)).fact
    assert "a cap is in dollars" in refused(desk(DAWN, limits=wide)).fact
    priced = made.step("dawn/generate", price="6", usd="0.5")
    assert consent.verdict(desk(priced, limits=wide)) is None


def test_a_cap_that_forbids_a_step_says_which_and_by_how_much() -> None:
    """Exit code 3, with the plan's whole price; under `stop` and `skip` the run begins all the same."""
    night = made.step("night/generate", price="1,200".replace(",", ""))
    error = refused(desk(DAWN, night, limits=limits("1000")))
    assert error.exit_code == 3
    assert error.fact == (
        "the plan costs up to 1,206 till credits, and a cap forbids it at night/generate: "
        "it needs 1,200 till credits; of 1,000 for the run, 994 are left."
    )
    assert "on_exceed: stop" in error.hint
    for policy in ("stop", "skip"):
        assert consent.verdict(desk(DAWN, night, limits=limits("1000", on_exceed=policy))) is None


def test_what_would_not_run_stands_against_nothing() -> None:
    """Reused, taken up or blocked: neither its price, nor its place, nor its dollars."""
    for action in (Action.REUSE, Action.RESUME, Action.BLOCKED):
        steps = [dataclasses.replace(step, action=action) for step in (LOST, unpriced(), DAWN)]
        assert consent.verdict(desk(*steps, limits=limits("1", usd="1"))) is None
        assert consent.paid(desk(*steps).plan) == []


def test_a_plan_without_a_place_is_the_users_to_mend() -> None:
    """Exit code 2, and where to write one."""
    error = refused(desk(LOST))
    assert (type(error), error.exit_code) == (UserError, 2)
    assert "RUSHES_PUBLISH" in error.hint


# what nobody has a price for


@pytest.mark.parametrize("caps", [limits("99"), limits(usd="99"), limits(shot="99")])
def test_an_unknown_price_is_refused_under_any_cap(caps: Limits) -> None:
    """Also where the user allows it: that cap could not be kept."""
    for allowed in (False, True):
        error = refused(desk(unpriced(), limits=caps, allow_unpriced=allowed))
        assert (type(error), error.exit_code) == (UserError, 2)
        assert error.fact == "what fog/generate costs is not known, and a cap is set that could not be kept."
        assert "--allow-unpriced" not in error.hint


def test_an_unknown_price_wants_a_word_where_there_is_no_cap() -> None:
    """It says how many there are, and the word."""
    error = refused(desk(unpriced()))
    assert (error.exit_code, error.fact) == (2, "what fog/generate costs is not known.")
    assert error.hint.startswith("Say --allow-unpriced")
    error = refused(desk(unpriced(), unpriced("mist/generate"), unpriced("rain/generate")))
    assert error.fact == "what fog/generate costs is not known, nor 2 more."
    assert consent.verdict(desk(unpriced(), allow_unpriced=True)) is None


def test_a_cap_on_another_account_leaves_it_open() -> None:
    """What it covers is what it names."""
    other = Limits(run=Limit(credits={"agency": D(9)}))
    assert refused(desk(unpriced(), limits=other)).hint.startswith("Say --allow-unpriced")


def test_work_on_this_machine_has_no_price_to_know() -> None:
    """Nobody charges for it."""
    assert consent.verdict(desk(dataclasses.replace(FREE, price=UNKNOWN), limits=limits("1"))) is None


# dollars


def test_dollars_are_capped_only_where_a_credit_has_a_price() -> None:
    """By run or by shot; the provider whose rate is missing is named."""
    for caps in (limits(usd="9"), Limits(take=Limit(usd=D(9)))):
        error = refused(desk(DAWN, limits=caps))
        assert error.exit_code == 2
        assert error.fact == "a cap is in dollars, and what a credit of till costs is not known."
        assert error.hint == "Write usd_per_credit for till into the configuration, or give the cap in credits."
        assert consent.verdict(desk(made.step("a/generate", price="6", usd="0.1"), limits=caps)) is None
        assert consent.verdict(desk(FREE, limits=caps)) is None


# consent


@pytest.fixture
def home(house: Callable[..., tuple[House, Till]]) -> House:
    """A house whose till is wired."""
    return house()[0]


def never(desk: Desk, question: str) -> bool:
    raise AssertionError(f"nobody is to be asked: {question}")


def test_yes_wants_a_cap_for_each_account_that_is_paid(home: House) -> None:
    """For the run: one for a shot is none. The one without is named."""
    agency = made.step("b/generate", price="3", account="agency")
    wired = dataclasses.replace(home, wires={**home.wires, "agency": home.wires["till"]})
    for steps, caps, name in [
        ((DAWN,), limits(), "till"),
        ((DAWN,), limits(shot="99"), "till"),
        ((DAWN, agency), limits("99"), "agency"),
    ]:
        with pytest.raises(DecisionNeeded, match=f"--yes would spend on {name} with no cap") as caught:
            consent.agreed(desk(*steps, limits=caps, yes=True), wired, None)
        assert "--max-credits" in caught.value.hint
    both = Limits(run=Limit(credits={"till": D(99), "agency": D(99)}))
    for steps, caps in [((DAWN,), limits("99")), ((DAWN, agency), both), ((FREE,), limits())]:
        found = desk(*steps, limits=caps, yes=True)
        assert consent.agreed(found, wired, never) is found


def test_yes_takes_what_is_unpriced_where_that_is_allowed(home: House) -> None:
    """No cap could hold it, so none is asked for."""
    found = desk(unpriced(), yes=True, allow_unpriced=True)
    assert consent.agreed(found, home, None) is found


def test_without_a_terminal_paid_work_wants_a_word(home: House) -> None:
    """Free work does not, nor what is only taken up."""
    with pytest.raises(DecisionNeeded, match="this run spends on till, and there is no terminal") as caught:
        consent.agreed(desk(DAWN), home, None)
    assert caught.value.exit_code == 4
    for step in (FREE, dataclasses.replace(DAWN, action=Action.RESUME)):
        found = desk(step)
        assert consent.agreed(found, home, None) is found


def test_on_a_terminal_the_user_is_asked_once(home: House) -> None:
    """And a no is a no."""
    asked: list[str] = []

    def answers(answer: bool) -> consent.Consent:
        def answered(_: Desk, question: str) -> bool:
            asked.append(question)
            return answer

        return answered

    found = desk(DAWN)
    assert consent.agreed(found, home, answers(True)) is found
    with pytest.raises(DecisionNeeded, match="nothing was spent"):
        consent.agreed(found, home, answers(False))
    assert asked == ["spend", "spend"]


def test_what_only_follows_is_asked_for_apart(home: House) -> None:
    """First that, then the money; `--follow` answers the first, and no terminal neither."""
    asked: list[str] = []

    def yes(_: Desk, question: str) -> bool:
        asked.append(question)
        return True

    follower = dataclasses.replace(DAWN, follows=True)
    consent.agreed(desk(follower), home, yes)
    consent.agreed(desk(follower, follow=True), home, yes)
    assert asked == ["follow", "spend", "spend"]
    with pytest.raises(DecisionNeeded, match="dawn would be paid for again only because"):
        consent.agreed(desk(follower, yes=True, limits=limits("99")), home, None)


def test_a_verdict_comes_before_every_question(home: House) -> None:
    """Nobody is asked about what cannot begin."""
    with pytest.raises(OverBudget):
        consent.agreed(desk(DAWN, limits=limits("1")), home, never)


# accounts


class Counter(BaseHTTPRequestHandler):
    """Says what it was told to say, and remembers that it was asked."""

    def do_GET(self) -> None:
        server = cast("Counting", self.server)
        server.asked.append(self.path)
        body = json.dumps(server.says).encode()
        self.send_response(server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test looks at what was asked."""


class Counting(HTTPServer):
    asked: list[str]
    status: int
    says: Mapping[str, Any]


@contextmanager
def counting(says: Mapping[str, Any], status: int = 200) -> Iterator[tuple[Counting, House]]:
    """SeeGen's account on this machine, and a house that has its key."""
    server = Counting(("127.0.0.1", 0), Counter)
    server.asked, server.status, server.says = [], status, says
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}/api/v1"
    try:
        yield server, House(environ={"SEEGEN_BASE_URL": base, "SEEGEN_API_KEY": "sg-hunter2"})
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


REHEARSAL = "seegen@rehearsal"
CLIP = made.step("a/generate", price="200", account=REHEARSAL, provider="seegen")


def capped(credits: str = "999", **values: Any) -> Limits:
    return Limits(run=Limit(credits={REHEARSAL: D(credits)}), **values)


def agreed(home: House, *steps: Step, **limits: Any) -> Desk:
    return consent.agreed(desk(*(steps or (CLIP,)), limits=capped(**limits), yes=True), home, None)


def test_a_balance_that_is_enough_is_no_obstacle() -> None:
    """It is asked for once, on behalf of the account that pays."""
    with counting({"availableCredits": 200}) as (server, home):
        agreed(home)
    assert server.asked == ["/api/v1/account/credits"]


def test_a_balance_that_is_short_stops_a_run_that_would_not_finish() -> None:
    """Exit code 3, before anybody is asked."""
    with counting({"availableCredits": 199.5}) as (_, home), pytest.raises(OverBudget) as caught:
        agreed(home)
    assert caught.value.exit_code == 3
    assert caught.value.fact == "seegen@rehearsal has 199.5 credits left, and this run may take 200."
    assert "on_exceed: stop" in caught.value.hint


@pytest.mark.parametrize("policy", ["stop", "skip"])
def test_a_short_balance_is_used_up_where_the_user_says_so(policy: str) -> None:
    """`stop` and `skip` make what there is money for."""
    with counting({"availableCredits": 1}) as (server, home):
        agreed(home, on_exceed=policy)
    assert len(server.asked) == 1


def test_a_refused_key_is_the_users_to_mend() -> None:
    """Exit code 2, and never the key itself."""
    with counting({"error": "invalid api key"}, 401) as (_, home), pytest.raises(UserError) as caught:
        agreed(home)
    assert (type(caught.value), caught.value.exit_code) == (UserError, 2)
    assert "SeeGen" in caught.value.fact
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("says", [{}, {"availableCredits": "plenty"}, {"availableCredits": None}])
def test_a_balance_that_nobody_understands_is_no_obstacle(says: Mapping[str, Any]) -> None:
    """The run goes on: the service says no soon enough."""
    with counting(says) as (server, home):
        agreed(home)
    assert server.asked


def test_a_balance_that_cannot_be_had_is_no_obstacle() -> None:
    """The service has a fault of its own, or nobody is there."""
    with counting({"error": "down"}, 500) as (server, home):
        agreed(home)
    assert server.asked
    agreed(home)
    found = anyio.run(consent.balances, home, (REHEARSAL,))
    assert isinstance(found[REHEARSAL], ProviderError)
    assert not isinstance(found[REHEARSAL], AccountRefused)


def test_a_missing_key_is_told_before_anybody_is_asked() -> None:
    """Also for what only resumes, only uploads or has no known price: something is asked of that account."""
    with counting({"availableCredits": 999}) as (server, home):
        keyless = dataclasses.replace(home, environ={**home.environ, "SEEGEN_API_KEY": " "})
        feed = Feed(role="source", path=Path("keeper.png"), sha256="x")
        review = Upload(
            source=feed,
            media="image",
            way="asset",
            place=REHEARSAL,
            store="s3://frames",
            page=seegen,
            account=REHEARSAL,
        )
        for step in (
            CLIP,
            dataclasses.replace(CLIP, action=Action.RESUME, job_id="t"),
            made.step("keeper.png/upload-seegen", work=review),
        ):
            assert consent.asked(desk(step).plan) == {REHEARSAL}
            with pytest.raises(UserError, match="SEEGEN_API_KEY is not set"):
                agreed(keyless, step)
    assert server.asked == []


def test_nothing_is_asked_of_anybody_when_nothing_would_run() -> None:
    """Reused, blocked, or work of this machine: no key, no balance, no question."""
    steps = (
        dataclasses.replace(CLIP, action=Action.REUSE),
        dataclasses.replace(CLIP, id="b/generate", action=Action.BLOCKED),
        FREE,
    )
    with counting({"availableCredits": 0}) as (server, home):
        keyless = dataclasses.replace(home, environ={})
        found = desk(*steps)
        assert consent.agreed(found, keyless, never) is found
        assert consent.asked(found.plan) == set()
    assert server.asked == []


def test_only_those_who_are_to_be_paid_are_asked_what_is_left() -> None:
    """A job that is out needs the key and no money."""
    with counting({"availableCredits": 0}) as (server, home):
        agreed(home, dataclasses.replace(CLIP, action=Action.RESUME, job_id="t"))
    assert server.asked == []


def test_a_wire_that_was_given_is_asked_for_no_key(home: House) -> None:
    """Whoever lends it has seen to that."""
    found = desk(DAWN, limits=limits("99"), yes=True)
    assert home.environ == {}
    assert consent.agreed(found, home, None) is found


def test_balances_are_of_those_who_tell_them() -> None:
    """A number or why there is none, by the name under which the money is kept; two accounts of one service apart."""
    with counting({"availableCredits": 12.5}) as (server, home):
        config = Config(accounts={"agency": AccountSettings(provider="seegen", key_env="AGENCY_KEY")})
        two = dataclasses.replace(home, config=config, environ={**home.environ, "AGENCY_KEY": "k"})
        names = (REHEARSAL, "agency@rehearsal")
        assert anyio.run(consent.balances, two, names) == dict.fromkeys(names, D("12.5"))
        assert anyio.run(consent.balances, two, ()) == {}
        server.status = 403
        found = anyio.run(consent.balances, two, (REHEARSAL,))
    assert isinstance(found[REHEARSAL], AccountRefused)


def test_a_silence_is_explained() -> None:
    """What is waited for is told while it lasts, and not where it is soon over."""
    told: list[str] = []
    with consent.telling("Asking till", told.append, after_seconds=0.01):
        until = time.monotonic() + 5
        while not told and time.monotonic() < until:
            time.sleep(0.01)
    with consent.telling("Asking brake", told.append):
        pass
    assert told == ["Asking till"]
