"""Ways to make a clip larger: who may, what each adds, which is chosen, and what of it is known by when."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.desk import House
from pipeline.engine.state import RunState, Skip, Start
from pipeline.errors import Place, RecipeError
from pipeline.events import Artifact, Result, Started, Succeeded
from pipeline.money import UNPRICED, Price
from pipeline.plan import build as building
from pipeline.plan import enlarge
from pipeline.plan.budget import Book
from pipeline.plan.draft import Setting
from pipeline.plan.enlarge import Way
from pipeline.plan.known import Nothing
from pipeline.plan.model import Action, Block, Plan, Step
from pipeline.plan.wish import wish_of
from pipeline.providers import seegen, seegen_older, seegen_upscaler
from pipeline.providers.base import Clip, Complaint
from pipeline.providers.catalog import PROVIDERS, UPSCALERS
from pipeline.recipe.model import Budget, Caps, Shot, Upscale
from tests import made
from tests.made import Facts

D = Decimal
MOVIE, SEEGEN = "seedance2-movie", "seegen"
ACCOUNTS = {MOVIE: MOVIE, SEEGEN: SEEGEN, "agency": SEEGEN, "studio": MOVIE}


class Loupe:
    """Makes clips of any size larger, for `rate` credits a second; takes mp4 alone."""

    NAME = "seegen"
    POLL_SECONDS = 1.0
    SIZES = ("1080p", "2k", "4k")

    def __init__(self, rate: str) -> None:
        self.rate = D(rate)

    def complaints(self, clip: Clip, to: str) -> Iterable[Complaint]:
        if clip.format not in ("", "mp4"):
            yield Complaint(field="upscale", fact="mp4 alone.", hint="")
        yield Complaint(field="upscale", fact="Slow today.", hint="", warning=True)

    def request(self, to: str) -> Mapping[str, Any]:
        return {"to": to}

    def price(self, clip: Clip, to: str) -> Price:
        cost = self.rate * clip.seconds
        return Price(low=cost, high=cost, source="loupe's list")


CHEAP: Mapping[str, Any] = {SEEGEN: Loupe("0.1")}


def shot(provider: str = SEEGEN, by: str = "cheapest", to: str = "2k", **values: Any) -> Shot:
    """Five seconds of 720p that are to be larger."""
    fields: dict[str, Any] = {
        "provider": provider,
        "account": provider,
        "model": "seedance-2",
        "seconds": D(5),
        "upscale": Upscale(to=to, by=by) if to else None,  # type: ignore[arg-type]
    }
    return made.shot(values.pop("id", "a"), **(fields | values))


def build(*shots: Shot, **values: Any) -> Plan:
    return made.build(*shots, **({"accounts": ACCOUNTS, "published": "s3://x", "upscalers": UPSCALERS} | values))


def by_id(plan: Plan) -> dict[str, Step]:
    return {step.id: step for step in plan.steps}


def words(plan: Plan, name: str = "a/generate") -> Mapping[str, Any]:
    found: Mapping[str, Any] = by_id(plan)[name].work.words()
    return found


def inside(plan: Plan) -> str:
    """The size that the clip's own request asks for."""
    return str(words(plan)["request"]["inputs"].get("upscaleResolution", ""))


def clip(seconds: str, **values: Any) -> Result:
    """A clip as it came out."""
    fields: dict[str, Any] = {"sha256": "sha256:1", "bytes": 9, "suffix": ".mp4", "width": 1280, "height": 720}
    return Result(outputs={"video": Artifact(**(fields | {"seconds": seconds} | values))})


def known(step: Step, result: Result) -> Facts:
    return Facts(made={step.key: dataclasses.replace(made.kept(step), result=result)})


# who does it


def test_in_the_same_request() -> None:
    """No step of its own: the clip is larger when it comes, and costs what the row of its size says."""
    plan = build(shot(by="provider"))
    assert (list(by_id(plan)), inside(plan)) == (["a/generate"], "2k")
    assert by_id(plan)["a/generate"].price.high == 350
    assert plan.takes[0].upscale == ""


def test_by_the_service_that_enlarges_finished_clips() -> None:
    """The plain clip, then a step of the upscaler's on its account, in its words; the clip is its only input."""
    plan = build(shot(MOVIE, by="service"))
    upscale = by_id(plan)["a/upscale"]
    assert (upscale.provider, upscale.account, upscale.lane, upscale.model) == (SEEGEN, SEEGEN, SEEGEN, "")
    assert upscale.work.words() == {"to": "2k", "provider": SEEGEN, "request": seegen_upscaler.request("2k")}
    assert [(feed.step, feed.output) for feed in upscale.work.feeds] == [("a/generate", "video")]
    assert plan.takes[0].upscale == "a/upscale"


def test_an_upscale_is_paid_from_the_shots_own_account_where_that_is_with_the_upscaler() -> None:
    """Else from the upscaler's own; and in a rehearsal from that of the rehearsal, under its name."""
    plan = build(shot(by="service", account="agency"))
    assert by_id(plan)["a/upscale"].account == "agency"
    assert by_id(build(shot(MOVIE, by="service", account="studio")))["a/upscale"].account == SEEGEN
    rehearsed = build(shot(MOVIE, by="service"), identities={SEEGEN: "seegen@rehearsal"})
    step = by_id(rehearsed)["a/upscale"]
    assert (step.account, step.work.words()["provider"]) == ("seegen@rehearsal", "seegen@rehearsal")
    assert step.key != by_id(build(shot(MOVIE, by="service")))["a/upscale"].key


def test_here_only_where_it_is_named() -> None:
    """It costs nothing, asks nobody, and uploads nothing."""
    plan = build(shot(by="local"))
    assert list(by_id(plan)) == ["a/generate", "a/upscale"]
    step = by_id(plan)["a/upscale"]
    assert (step.account, step.provider, step.price.high, step.lane) == ("", "", 0, "media")
    assert step.work.words() == {"to": "2k", "method": "lanczos-1"}
    assert inside(plan) == ""


def test_a_rough_cut_is_enlarged_here_for_nothing() -> None:
    """Also by the cheapest way: animatic and whoever is no service has no paid one."""
    for provider, account in (("animatic", "animatic"), ("till", "till")):
        plan = build(shot(provider, account=account, seconds=D(2)))
        assert by_id(plan)["a/upscale"].account == ""
        assert by_id(plan)["a/upscale"].price == enlarge.LOCAL.price


def test_a_rough_cut_may_be_enlarged_by_a_service_that_is_named() -> None:
    """It takes anybody's clips."""
    plan = build(shot("animatic", by="service", account="animatic"))
    assert by_id(plan)["a/upscale"].account == SEEGEN


def test_a_rough_cut_is_not_enlarged_by_its_provider() -> None:
    """It cannot draw it larger in one go: a fault, and never silence."""
    line, fact, hint = fault(shot("animatic", by="provider", account="animatic", where=at_line))
    assert (line, fact.startswith("Nobody who may be paid for it makes a 2k: animatic ")) == (7, True)
    assert "by: local" in hint


def test_a_still_is_enlarged_here() -> None:
    """No service makes stills larger; named `local`, it is a still that is enlarged."""
    still = shot(kind="image", model="gpt-image-2", seconds=D(0), by="local")
    assert by_id(build(still))["a/upscale"].work.still is True  # type: ignore[attr-defined]
    for by in ("cheapest", "provider", "service"):
        with pytest.raises(RecipeError, match="Nobody who may be paid for it makes a 2k"):
            build(dataclasses.replace(still, upscale=Upscale(to="2k", by=by)))  # type: ignore[arg-type]


# what it adds


def test_what_the_same_request_adds_is_the_difference() -> None:
    """Of the price of the larger clip to that of the plain one."""
    (way, other), wrong = enlarge.ways(shot(), wish_of(shot(), 1, (), seegen), seegen, UPSCALERS)
    assert (way.by, way.price.low, way.price.high, way.price.source) == (None, 150, 150, "SeeGen's API document, S0:47")
    assert (other.by, other.provider, other.price.low, other.price.high) == (seegen_upscaler, SEEGEN, 190, 228)
    assert wrong == []


@pytest.mark.parametrize(
    ("seconds", "low", "high"), [("4", 190, 190), ("5", 190, 228), ("5.5", 228, 228), ("12", 456, 494)]
)
def test_an_upscaler_is_reserved_one_spare_second(seconds: str, low: int, high: int) -> None:
    """Expected for the seconds asked for, at most for a clip that comes out a little longer."""
    clip = shot("animatic", by="service", account="animatic", seconds=D(seconds))
    price = by_id(build(clip))["a/upscale"].price
    assert (price.low, price.high, price.known) == (low, high, True)


def test_dollars_are_as_the_user_has_configured_them() -> None:
    """Of the upscaler's provider, not of the clip's."""
    rates = {SEEGEN: D("0.01"), MOVIE: D(1)}
    assert by_id(build(shot(MOVIE, by="service"), usd_per_credit=rates))["a/upscale"].price.usd == D("2.28")
    assert by_id(build(shot(MOVIE, by="service")))["a/upscale"].price.usd == D("0.912")


# the cheapest


def way(price: str, by: Any = None, **values: Any) -> Way:
    cost = D(price)
    return Way(price=Price(low=cost, high=cost * 2, **values), by=by, provider="loupe" if by else "")


def test_the_cheapest_is_by_what_is_expected() -> None:
    """Of equals the same request; what nobody can price comes last."""
    loupe: Any = Loupe("1")
    assert enlarge.cheapest([way("5"), way("4", loupe)]).by is loupe
    assert enlarge.cheapest([way("5", loupe), way("5")]).by is None
    assert enlarge.cheapest([Way(price=UNPRICED), way("9", loupe)]).by is loupe
    assert enlarge.cheapest([Way(price=UNPRICED)]).price == UNPRICED


def test_the_plan_takes_the_cheapest() -> None:
    """The same request by SeeGen's own list; the other where that costs less; the only one there is."""
    assert inside(build(shot())) == "2k"
    plan = build(shot(), upscalers=CHEAP)
    assert (inside(plan), by_id(plan)["a/upscale"].price.low) == ("", D("0.5"))
    assert by_id(build(shot(to="1080p")))["a/upscale"].price.low == 125  # sd2 has no row for it
    assert "a/upscale" in by_id(build(shot(MOVIE)))


def test_equal_prices_are_one_request() -> None:
    """30 credits a second either way."""
    assert inside(build(shot(), upscalers={SEEGEN: Loupe("30")})) == "2k"
    assert inside(build(shot(), upscalers={SEEGEN: Loupe("29.9")})) == ""


def test_the_choice_is_told_with_what_the_other_way_costs() -> None:
    """In the reason of the step that spends, and only where it runs."""
    plan = build(shot())
    assert by_id(plan)["a/generate"].why == "not made yet; 2k by the same request for 150, 190 by seegen's upscaler"
    plan = build(shot(), upscalers=CHEAP)
    assert by_id(plan)["a/generate"].why == "not made yet"
    assert by_id(plan)["a/upscale"].why == "not made yet; 2k by seegen's upscaler for 0.5, 150 by the same request"
    plan = build(shot(MOVIE))
    assert by_id(plan)["a/upscale"].why == "not made yet; 2k by seegen's upscaler for 190"
    assert by_id(build(shot(by="local")))["a/upscale"].why == "not made yet"
    done = build(shot(), known=Facts.of(build(shot())))
    assert by_id(done)["a/generate"].why == "made 2026-01-01 00:00 UTC"


def test_the_sentence_names_the_next_best() -> None:
    """Of three ways the cheapest of the others."""
    loupe: Any = Loupe("1")
    ways = [way("1200"), way("7.50", loupe), way("9", loupe)]
    assert enlarge.told(ways[1], ways, "4k") == "4k by loupe's upscaler for 7.5, 9 by loupe's upscaler"
    assert enlarge.told(ways[0], ways[:1], "4k") == "4k by the same request for 1,200"


# what is there stays


PLAIN = by_id(build(shot(to="")))["a/generate"]
LARGE = by_id(build(shot()))["a/generate"]


def test_a_finished_clip_is_not_made_anew_to_be_larger() -> None:
    """Though the same request would have cost less, had it been asked for at first."""
    plan = build(shot(), known=known(PLAIN, clip("5")))
    assert [(s.id, s.action.value) for s in plan.steps] == [
        ("a/generate", "reuse"),
        ("a/upload", "run"),
        ("a/upscale", "run"),
    ]
    assert plan.totals().credits == {SEEGEN: 190}


def test_nor_is_one_that_a_service_is_making() -> None:
    """It is taken up, and enlarged when it has come; also where nobody knows whether it was sent."""
    for job, action in (("job-7", Action.RESUME), (None, Action.BLOCKED)):
        plan = build(shot(), known=Facts(open={PLAIN.key: made.pending(PLAIN, job)}))
        assert by_id(plan)["a/generate"].key == PLAIN.key
        assert by_id(plan)["a/generate"].action is action
        assert "a/upscale" in by_id(plan)


def test_one_that_came_larger_stays_as_it_is() -> None:
    """Also where another way costs less by now; and while it is being made."""
    for facts in (known(LARGE, clip("5")), Facts(open={LARGE.key: made.pending(LARGE)})):
        plan = build(shot(), known=facts, upscalers=CHEAP)
        assert [(s.id, s.key) for s in plan.steps] == [("a/generate", LARGE.key)]
        assert plan.steps[0].action in (Action.REUSE, Action.RESUME)


def test_of_both_the_larger_one_is_taken() -> None:
    """Nothing is left to be paid."""
    facts = Facts(made={step.key: made.kept(step) for step in (PLAIN, LARGE)})
    assert [step.key for step in build(shot(), known=facts).steps] == [LARGE.key]


def test_each_take_is_looked_up_for_itself() -> None:
    """A finished first take is enlarged, the second is asked for larger at once."""
    plan = build(shot(takes=2), known=known(PLAIN, clip("5")))
    assert "a/upscale" in by_id(plan)
    assert "a@2/upscale" not in by_id(plan)
    assert words(plan, "a@2/generate")["request"]["inputs"]["upscaleResolution"] == "2k"


def test_a_finished_clip_is_not_made_anew_where_only_its_service_enlarges() -> None:
    """As with SeeGen's older edition: it says so, and what else there is; also while the clip is being made."""
    for facts in (known(PLAIN, clip("5")), Facts(open={PLAIN.key: made.pending(PLAIN)})):
        line, fact, hint = fault(shot(where=at_line), known=facts, upscalers={})
        assert (line, "only in one go" in fact) == (7, True)
        assert "by: local" in hint


def test_a_finished_later_take_is_not_enlarged_here_unasked() -> None:
    """Where its service enlarges in the same request only, as with a first take: it is told."""
    plain = by_id(build(shot(to="", takes=2)))["a@2/generate"]
    with pytest.raises(RecipeError):
        build(shot(takes=2), known=known(plain, clip("5")), upscalers={})


def test_a_fresh_result_forgets_no_other() -> None:
    """`--redo` of an enlarged clip leaves the plain one as it is: without `upscale` it is still there."""
    plan = build(shot(), redo=("a",))
    assert set(plan.redo) == {step.base for step in plan.steps}


# nobody can


def at_line(*names: str | int) -> Place:
    return dataclasses.replace(made.place(), line=7 if names == ("upscale",) else 1)


def fault(*shots: Shot, **values: Any) -> tuple[int, str, str]:
    with pytest.raises(RecipeError) as caught:
        build(*shots, **values)
    (found,) = caught.value.faults
    return found.place.line, found.fact, found.hint


def test_who_can_do_neither_is_a_fault_at_its_line() -> None:
    """Once for all takes, with each one's reason and the way that costs nothing."""
    line, fact, hint = fault(shot(MOVIE, by="provider", takes=3, where=at_line))
    assert (line, fact) == (
        7,
        "Nobody who may be paid for it makes a 2k: seedance2-movie makes nothing larger (S2:77-89).",
    )
    assert hint.startswith("Say `by: service` to let SeeGen's upscaler enlarge the finished clip, or `by: local`")


def test_each_that_cannot_says_why() -> None:
    """1080p to 2k: SeeGen has no price for that in one go, and its upscaler only makes clips larger."""
    line, fact, _ = fault(shot(resolution="1080p", to="1080p", where=at_line))
    assert line == 7
    assert "SeeGen has no price for sd2 at 1080p made 1080p in one go" in fact
    assert "The clip is 1920x1080, and SeeGen's upscaler only makes clips larger (S0:463)." in fact


def test_nobody_at_all_is_told_as_well() -> None:
    """Without an upscaler; and that nobody enlarges stills."""
    assert fault(shot(MOVIE, by="service"), upscalers={})[1] == (
        "Nobody who may be paid for it makes a 2k: No service makes clips larger."
    )
    still = shot(by="service", kind="image", model="gpt-image-2", seconds=D(0))
    assert fault(still)[1] == "Nobody who may be paid for it makes a 2k: No service makes stills larger."


def test_a_warning_forbids_no_way() -> None:
    """Only what cannot be done does."""
    assert by_id(build(shot(MOVIE), upscalers=CHEAP))["a/upscale"].price.low == D("0.5")


def test_the_older_edition_knows_no_upscaler(tmp_path: Path) -> None:
    """What its document does not describe is not offered; its own request still makes clips larger, by its own list."""
    path = tmp_path / "config.toml"
    path.write_text('[providers.seegen]\nedition = "seegen-older"\n')
    assert House.of_user({"RUSHES_CONFIG": str(path)}).upscalers == {}
    path.write_text("")
    assert House.of_user({"RUSHES_CONFIG": str(path)}).upscalers == UPSCALERS
    setting = Setting(providers={**PROVIDERS, SEEGEN: seegen_older}, accounts=ACCOUNTS)
    plan = building.build(made.recipe(shots=(shot(),)), Nothing(), setting)
    (step,) = plan.steps
    assert (step.price.high, step.why) == (300, "not made yet; 2k by the same request for 100")


# as the clip came out


def test_the_plan_prices_an_upscale_by_the_clip_that_is_there() -> None:
    """Exactly: a few frames more are a second more, which is no longer spare."""
    for seconds, cost in (("5", 190), ("5.041667", 228), ("4.2", 190), ("6", 228)):
        price = by_id(build(shot(MOVIE), known=known(MADE, clip(seconds))))["a/upscale"].price
        assert (price.low, price.high) == (cost, cost)


MADE = by_id(build(shot(MOVIE)))["a/generate"]


def test_dollars_follow_the_clip_that_is_there() -> None:
    """By the user's rate."""
    plan = build(shot(MOVIE), known=known(MADE, clip("5.1")), usd_per_credit={SEEGEN: D("0.01")})
    assert by_id(plan)["a/upscale"].price.usd == D("2.28")


def test_a_cap_is_held_against_the_clip_that_is_there() -> None:
    """200 credits are too few for what might come, enough for what came, and too few for a longer one."""
    budget = Budget(run=Caps(credits={SEEGEN: D(200), MOVIE: D(999)}), on_exceed="stop")
    for facts, action in [
        (None, Action.BLOCKED),
        (known(MADE, clip("5")), Action.RUN),
        (known(MADE, clip("5.01")), Action.BLOCKED),
    ]:
        step = by_id(build(shot(MOVIE), known=facts, budget=budget))["a/upscale"]
        assert (step.action, step.block) == (action, Block.BUDGET if action is Action.BLOCKED else None)


def running(seconds: str, cap: str) -> tuple[RunState, Plan]:
    """A run whose clip has just come."""
    plan = build(shot(MOVIE), budget=Budget(run=Caps(credits={SEEGEN: D(cap), MOVIE: D(999)})))
    state = RunState(plan, Book(plan.limits))
    for name, result in (("a/generate", clip(seconds)), ("a/upload", Result(outputs={}))):
        order = state.order()
        assert isinstance(order, Start)
        assert order.step.id == name
        about: dict[str, Any] = {"at": made.clock(), "step": name, "key": order.step.key, "attempt": 1}
        state.apply(Started(account=order.step.account, **about))
        if not order.step.account:
            state.begin(order.step)
        state.apply(Succeeded(result=result, **about))
    return state, plan


def test_a_run_reserves_by_the_clip_that_came() -> None:
    """Not by what was expected, and not by the spare second."""
    for seconds, cost in (("5", 190), ("5.041667", 228), ("7", 266)):
        state, plan = running(seconds, "300")
        step = by_id(plan)["a/upscale"]
        assert (step.price.low, step.price.high) == (190, 228)
        assert (state.price(step).low, state.price(step).high) == (cost, cost)
        assert isinstance(state.order(), Start)


def test_a_run_holds_its_cap_against_the_clip_that_came() -> None:
    """One that came out longer than any spare second is not enlarged over the cap."""
    state, _ = running("6.01", "228")
    order = state.order()
    assert isinstance(order, Skip)
    assert (order.step.id, order.reason) == ("a/upscale", "budget")
    assert order.why == "it needs 266 seegen credits; of 228 for the run, 228 are left"
    state, _ = running("5.9", "228")
    assert isinstance(state.order(), Start)


def test_only_a_services_upscale_is_priced_by_the_clip() -> None:
    """A clip has its own price, and work done here none, whatever came before."""
    plan = build(shot(by="local"))
    for step in plan.steps:
        assert enlarge.price_of(step, {"a/generate": clip("60")}) == step.price
    upscale = by_id(build(shot(MOVIE)))["a/upscale"]
    assert enlarge.price_of(upscale, {}) == upscale.price
    assert enlarge.price_of(upscale, {"a/generate": Result(outputs={})}) == upscale.price


def test_an_upscale_that_two_shots_share_is_priced_once() -> None:
    """The second shows the first one's result, for nothing."""
    twins = shot(MOVIE, prompt="p"), shot(MOVIE, prompt="p", id="b")
    step = by_id(build(*twins))["a/generate"]
    found = by_id(build(*twins, known=known(step, clip("5"))))
    assert (found["a/upscale"].price.high, found["b/upscale"].twin) == (190, "a/upscale")
    assert found["b/upscale"].price.high == 0


def test_a_probed_clip_is_told_as_it_is() -> None:
    """Seconds, sides, bytes and format; what is not known is nothing."""
    (artifact,) = clip("5.041667", bytes=77).outputs.values()
    assert enlarge.clip_of(artifact) == Clip(seconds=D("5.041667"), width=1280, height=720, bytes=77, format="mp4")
    assert enlarge.clip_of(Artifact(sha256="", bytes=1, suffix="")) == Clip(seconds=D(0), bytes=1)


def test_an_expected_clip_is_as_it_was_asked_for() -> None:
    """A ratio without numbers has no sides."""
    assert enlarge.expected(shot()) == Clip(seconds=D(5), width=1280, height=720, format="mp4")
    assert enlarge.expected(shot(ratio="5:7")) == Clip(seconds=D(5), format="mp4")
