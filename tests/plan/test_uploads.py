"""Inputs on their way to services, as the plan has them: each content once for each place, and only where it is due."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import api, consent
from pipeline import config as configuration
from pipeline.desk import Desk, House, Reading, Wants
from pipeline.digest import dumps, loads
from pipeline.errors import Place, RecipeError, UserError
from pipeline.events import Result
from pipeline.plan import uploads
from pipeline.plan.budget import Book
from pipeline.plan.model import Action, Plan, Step
from pipeline.providers.catalog import UPSCALERS
from pipeline.recipe.model import Budget, Caps, Chain, Shot, Source, Upscale
from pipeline.steps.base import Feed
from pipeline.steps.upload import Upload
from pipeline.store.ledger import Kept
from tests import made
from tests.made import Facts
from tests.recipe.written import png

D = Decimal
MOVIE, URLS, INSIDE, SEEGEN = "seedance2-movie", "seedancee2", "naci", "seegen"
ACCOUNTS = {name: name for name in (MOVIE, URLS, INSIDE, SEEGEN)} | {"agency": MOVIE}
STORE = "s3://frames https://cdn.example"
KEEPER = made.file("assets/keeper.png", "keeper")
LINK = Source(name="far", media="image", url="https://x.example/far.png?sig=1")


def shot(id: str, provider: str, *references: Source, **values: Any) -> Shot:
    """Five seconds of seedance-2 by a real service."""
    fields: dict[str, Any] = {"account": provider, "model": "seedance-2", "seconds": D(5), "references": references}
    return made.shot(id, provider=provider, **(fields | values))


def build(*shots: Shot, **values: Any) -> Plan:
    return made.build(*shots, **({"accounts": ACCOUNTS, "published": STORE} | values))


def of(plan: Plan) -> list[Step]:
    return [step for step in plan.steps if isinstance(step.work, Upload)]


def names(plan: Plan) -> list[str]:
    return [step.id for step in of(plan)]


def by_id(plan: Plan, name: str) -> Step:
    return next(step for step in plan.steps if step.id == name)


def feeds(plan: Plan, name: str) -> tuple[Feed, ...]:
    return by_id(plan, name).work.feeds


def stored(step: Step, **facts: str) -> Kept:
    """What an upload left: an address, and until when."""
    return dataclasses.replace(made.kept(step), result=Result(outputs={}, facts={"address": "files/1", **facts}))


# once


def test_one_content_is_stored_once_at_one_place() -> None:
    """Three shots with one file make one step, whatever the file is called; all three are told its name."""
    copy = made.file("other/copy.png", "keeper")
    plan = build(shot("a", MOVIE, KEEPER), shot("b", MOVIE, KEEPER), shot("c", MOVIE, copy))
    assert names(plan) == ["keeper.png/upload-seedance2-movie"]
    assert {feeds(plan, f"{name}/generate")[0].upload for name in "abc"} == {"keeper.png/upload-seedance2-movie"}


def test_each_way_and_each_place_has_a_step_of_its_own() -> None:
    """A storage, another account's storage, and one public URL for all that read URLs."""
    plan = build(
        shot("a", MOVIE, KEEPER),
        shot("b", MOVIE, KEEPER, account="agency"),
        shot("c", URLS, KEEPER),
        shot("d", SEEGEN, KEEPER),
    )
    assert [(s.id, s.work.way, s.work.place, s.work.account) for s in of(plan)] == [  # type: ignore[attr-defined]
        ("keeper.png/upload-seedance2-movie", "upload", MOVIE, MOVIE),
        ("keeper.png/upload-agency", "upload", "agency", "agency"),
        ("keeper.png/upload", "url", STORE, ""),
    ]
    assert len({step.key for step in of(plan)}) == 3


def test_a_review_and_a_url_are_two_ways_of_one_content() -> None:
    """A picture of people is reviewed by the service that reviews, and read by the others."""
    people = dataclasses.replace(KEEPER, people=True)
    plan = build(shot("a", SEEGEN, people), shot("b", SEEGEN, KEEPER))
    assert [(step.id, step.work.way) for step in of(plan)] == [  # type: ignore[attr-defined]
        ("keeper.png/upload-seegen", "asset"),
        ("keeper.png/upload", "url"),
    ]


# names and order


def test_names_are_unique_and_say_what_goes_where() -> None:
    """Files of one name are numbered; what a shot made goes by the shot, and a URL by its end."""
    twice = (made.file("one/keeper.png", "1"), made.file("two/keeper.png", "2"), made.file("three/keeper.png", "3"))
    plan = build(
        shot("a", URLS, *twice),
        shot("b", URLS, chain=Chain(shot="a")),
        shot("c", MOVIE, chain=Chain(shot="a", offset_seconds=D("0.2"))),
        shot("sheet", SEEGEN, kind="image", model="gpt-image-2", seconds=D(0)),
        shot("d", URLS, Source(name="sheet", media="image", shot="sheet")),
        shot("e", SEEGEN, dataclasses.replace(LINK, people=True)),
    )
    assert names(plan) == [
        "keeper.png/upload",
        "keeper.png/upload-2",
        "keeper.png/upload-3",
        "a/upload-last_frame",
        "a/upload-last_frame-0.2s-seedance2-movie",
        "sheet/upload",
        "far.png/upload-seegen",
    ]
    assert len({step.id for step in plan.steps}) == len(plan.steps)


def test_a_frame_is_made_then_uploaded_then_used() -> None:
    """The shot waits for the upload, and that for the frame, by whose shot it goes."""
    plan = build(shot("b", MOVIE, chain=Chain(shot="a")), shot("a", MOVIE))
    upload = "a/upload-last_frame-seedance2-movie"
    assert [step.id for step in plan.steps] == ["a/generate", "a/last_frame", upload, "b/generate"]
    assert (by_id(plan, upload).needs, by_id(plan, upload).shot) == (("a/last_frame",), "a")
    assert by_id(plan, "b/generate").needs == (upload,)


def test_uploads_have_a_lane_and_cost_nothing() -> None:
    """Wherever they go, several at once, on nobody's account."""
    plan = build(shot("a", MOVIE, KEEPER), shot("b", URLS, KEEPER), widths={MOVIE: 1})
    assert {(s.lane, s.account, s.price.high, s.price.known) for s in of(plan)} == {(uploads.LANE, "", 0, True)}
    assert (plan.lanes[uploads.LANE], plan.lanes[MOVIE]) == (uploads.WIDTH, 1)
    assert {step.provider for step in of(plan)} == {MOVIE, ""}


# keys


def key(*shots: Shot, **values: Any) -> str:
    return of(build(*shots, **values))[0].key


@pytest.mark.parametrize(
    "other",
    [
        lambda: key(shot("z", URLS, made.file("else/where.png", "keeper"))),
        lambda: key(shot("a", URLS, KEEPER, prompt="other", priority=9, seed=4, takes=2)),
        lambda: key(shot("a", URLS, dataclasses.replace(KEEPER, name="k"))),
        lambda: key(shot("a", SEEGEN, KEEPER)),
        lambda: key(shot("a", URLS, first_frame=KEEPER)),
        lambda: key(shot("a", URLS, KEEPER), redo=("a",)),
        lambda: key(shot("a", URLS, KEEPER), now="2030-01-01T00:00:00.000Z"),
    ],
)
def test_only_content_and_place_are_in_an_uploads_key(other: Callable[[], str]) -> None:
    """Not its path, its name, its role, who uses it, who asks for it anew, or when."""
    assert other() == key(shot("a", URLS, KEEPER))


def test_content_and_place_are_in_an_uploads_key() -> None:
    """Other bytes, another store, a storage, another account's: each is another upload."""
    found = [
        key(shot("a", URLS, KEEPER)),
        key(shot("a", URLS, made.file("assets/keeper.png", "coat"))),
        key(shot("a", URLS, KEEPER), published="s3://other"),
        key(shot("a", MOVIE, KEEPER)),
        key(shot("a", MOVIE, KEEPER, account="agency")),
        key(shot("a", MOVIE, KEEPER), identities={MOVIE: f"{MOVIE}@rehearsal"}),
    ]
    assert len(set(found)) == len(found)


def test_how_an_input_gets_there_is_in_no_clips_key() -> None:
    """Another store and another account make the same clip of it."""
    shots = shot("a", URLS, KEEPER), shot("b", MOVIE, chain=Chain(shot="a"))
    moved = dataclasses.replace(shots[1], account="agency")
    before, after = build(*shots), build(shots[0], moved, published="s3://other")
    for name in ("a/generate", "b/generate"):
        assert by_id(before, name).key == by_id(after, name).key
        assert by_id(before, name).own == by_id(after, name).own
    assert by_id(after, "b/generate").account == "agency"


def test_a_rehearsals_results_are_never_taken_for_real_ones() -> None:
    """Its maker is in the key of the clip and of all that stands on it, and of no other."""
    shots = shot("a", URLS), shot("b", URLS, chain=Chain(shot="a")), made.shot("c")
    real, rehearsed = build(*shots), build(*shots, identities={URLS: f"{URLS}@rehearsal"})
    both = {step.key for step in real.steps} & {step.key for step in rehearsed.steps}
    assert both == {by_id(real, "c/generate").key}
    assert by_id(real, "a/generate").work.words()["provider"] == URLS
    assert by_id(rehearsed, "a/generate").work.words()["provider"] == f"{URLS}@rehearsal"


# only where it is due

SCENE = shot("a", MOVIE, KEEPER), shot("b", URLS, chain=Chain(shot="a"))
BEFORE = build(*SCENE)
LASTING = [step.id for step in BEFORE.steps if step.kind != "upload"]


def test_what_nobody_needs_any_more_is_not_uploaded() -> None:
    """Where every clip is there no input is wanted, and no step waits for one."""
    plan = build(*SCENE, known=Facts.of(BEFORE, *LASTING))
    assert {step.action for step in plan.steps} == {Action.REUSE}
    assert names(plan) == []
    assert all(not name.rpartition("/")[2].startswith("upload") for step in plan.steps for name in step.needs)


def test_an_upload_that_is_there_and_of_no_use_is_left_out_too() -> None:
    """A reused upload of a reused clip is no part of the plan."""
    assert names(build(*SCENE, known=Facts.of(BEFORE))) == []


def test_what_follows_names_what_it_stands_on_and_no_upload() -> None:
    """The frame or the clip behind it, also where only a file beside it had to be uploaded anew."""
    changed = dataclasses.replace(SCENE[0], prompt="new"), SCENE[1]
    plan = build(*changed, known=Facts.of(BEFORE, *LASTING))
    assert by_id(plan, "b/generate").needs == ("a/upload-last_frame",)
    assert by_id(plan, "b/generate").why == "follows a/last_frame, which changed"


def test_a_named_takes_own_upscale_comes_with_it_though_its_clip_is_uploaded() -> None:
    """What stands on the fresh clip of a further take is no follower, whichever take the upload goes by."""
    shots = (shot("a", SEEGEN, takes=2, upscale=Upscale(to="2k", by="service")),)
    values: dict[str, Any] = {"upscalers": UPSCALERS}
    known = Facts.of(build(*shots, **values))
    plan = build(*shots, known=known, redo=("a@2",), **values)
    assert by_id(plan, "a@2/upscale").needs == ("a@2/upload",)
    assert by_id(plan, "a@2/upscale").why.startswith("follows a@2/generate, which changed")
    assert not by_id(plan, "a@2/upscale").follows


def test_a_job_that_is_out_wants_no_input() -> None:
    """The service has had it; what follows still needs its own."""
    a = by_id(BEFORE, "a/generate")
    plan = build(*SCENE, known=Facts(open={a.key: made.pending(a)}))
    assert by_id(plan, "a/generate").action is Action.RESUME
    assert names(plan) == ["a/upload-last_frame"]


def test_a_twin_wants_no_input_of_its_own() -> None:
    """Also where its own account would have had one."""
    plan = build(shot("a", MOVIE, KEEPER, prompt="p"), shot("b", MOVIE, KEEPER, prompt="p", account="agency"))
    assert names(plan) == ["keeper.png/upload-seedance2-movie"]
    assert by_id(plan, "b/generate").needs == ("a/generate",)


def test_a_failure_that_stands_wants_no_input() -> None:
    """Nothing is sent for it."""
    a = by_id(BEFORE, "a/generate")
    plan = build(*SCENE, known=Facts(failed={a.key: made.standing(a)}))
    assert names(plan) == []


def test_what_is_kept_only_for_a_while_is_uploaded_again() -> None:
    """By the time of the plan; without an end it stays."""
    upload = of(BEFORE)[0]
    until = "2026-01-01T01:00:00.000Z"
    for now, facts, action in [
        ("2026-01-01T00:59:59.999Z", {"until": until}, Action.REUSE),
        ("2026-01-01T01:00:00.001Z", {"until": until}, Action.RUN),
        ("2036-01-01T00:00:00.000Z", {}, Action.REUSE),
    ]:
        plan = build(*SCENE, known=Facts(made={upload.key: stored(upload, **facts)}), now=now)
        assert by_id(plan, upload.id).action is action


def test_uploads_are_nothing_that_a_run_leaves_undone() -> None:
    """With `--only`, those of the other shots are neither made nor missed."""
    coat = made.file("coat.png")
    plan = build(shot("a", MOVIE, KEEPER), shot("b", MOVIE, coat), only=("a",))
    assert names(plan) == ["keeper.png/upload-seedance2-movie"]
    assert plan.left == {"b/generate"}


def test_an_upload_that_another_shares_is_needed() -> None:
    """Two shots with one clip: what follows the first is done, what follows the second is not."""
    shots = (
        shot("a", URLS, prompt="p"),
        shot("b", URLS, prompt="p"),
        shot("c", URLS, chain=Chain(shot="a")),
        shot("d", URLS, chain=Chain(shot="b")),
    )
    before = build(*shots)
    done = [step.id for step in before.steps if step.kind != "upload" and step.shot != "d"]
    plan = build(*shots, known=Facts.of(before, *done))
    assert by_id(plan, "d/generate").action is Action.RUN
    there = {step.id for step in plan.steps}
    assert {step.twin for step in plan.steps if step.twin} <= there


def test_what_the_budget_forbids_wants_no_input() -> None:
    """A shot that the plan itself blocks needs nothing to be reachable."""
    budget = Budget(run=Caps(credits={MOVIE: D(1)}), on_exceed="stop")
    plan = build(shot("a", MOVIE, KEEPER), budget=budget)
    assert by_id(plan, "a/generate").action is Action.BLOCKED
    assert names(plan) == []


def test_a_shot_whose_input_was_refused_says_so() -> None:
    """The review's words are in the plan, not only the name of a step that is not."""
    people = dataclasses.replace(KEEPER, people=True)
    upload = of(build(shot("a", SEEGEN, people)))[0]
    plan = build(shot("a", SEEGEN, people), known=Facts(failed={upload.key: made.standing(upload)}))
    assert by_id(plan, "a/generate").action is Action.BLOCKED
    assert any("flagged" in step.why for step in plan.steps)


def test_a_refused_input_is_handed_in_again_where_its_shot_is_named_in_redo() -> None:
    """As every failure that stands: until the shot changes or is asked for anew."""
    people = dataclasses.replace(KEEPER, people=True)
    upload = of(build(shot("a", SEEGEN, people)))[0]
    facts = Facts(failed={upload.key: made.standing(upload)})
    assert by_id(build(shot("a", SEEGEN, people), known=facts, redo=("a",)), "a/generate").action is Action.RUN


# ways


def test_a_url_goes_as_it_is() -> None:
    """To every service that reads URLs or has its inputs inside; nothing is published."""
    plan = build(shot("a", URLS, LINK), shot("b", INSIDE, LINK), published="")
    assert names(plan) == []
    for name in "ab":
        (feed,) = feeds(plan, f"{name}/generate")
        assert (feed.url, feed.upload, feed.inside) == (LINK.url, "", False)


def test_what_goes_into_the_request_is_not_uploaded() -> None:
    """A picture, a frame and a sound for the gateway, inside it; a clip by URL."""
    sound = dataclasses.replace(made.file("waves.mp3"), media="audio")
    clip = dataclasses.replace(made.file("walk.mp4"), media="video")
    plan = build(shot("a", INSIDE, KEEPER, clip, sound), shot("b", INSIDE, chain=Chain(shot="a")))
    assert [(feed.inside, feed.upload) for feed in feeds(plan, "a/generate")] == [
        (True, ""),
        (False, "walk.mp4/upload"),
        (True, ""),
    ]
    assert [(feed.inside, feed.upload) for feed in feeds(plan, "b/generate")] == [(True, "")]
    assert by_id(plan, "b/generate").needs == ("a/last_frame",)


def test_work_on_this_machine_reads_files() -> None:
    """A local provider's inputs are neither uploaded nor put inside."""
    plan = build(made.shot("a", provider="animatic", account="animatic", references=(KEEPER,)))
    assert [(feed.inside, feed.upload) for feed in feeds(plan, "a/generate")] == [(False, "")]
    assert names(plan) == []


# without a place


def desk_of(plan: Plan) -> Desk:
    reading = Reading(
        path=plan.recipe.path, wants=Wants(), recipe=plan.recipe, output=Path("/nowhere/out"), folder=Path("/nowhere")
    )
    book = Book(plan.limits)
    return Desk(
        reading=reading, recipe=plan.recipe, plan=plan, latest=None, continues=None,
        tried={}, failed={}, unnoted={}, book=book,
    )  # fmt: skip


def test_a_plan_whose_inputs_have_no_place_is_refused() -> None:
    """Named with the way out, and exit code 2; what a service stores itself needs none."""
    plan = build(shot("a", URLS, KEEPER), shot("b", MOVIE, KEEPER), published="")
    assert [step.id for step in uploads.nowhere(plan.steps)] == ["keeper.png/upload"]
    refusal = consent.verdict(desk_of(plan))
    assert isinstance(refusal, UserError)
    assert refusal.exit_code == 2
    assert 'services must be able to read "keeper.png" at a URL, and no place for that is' in refusal.fact
    assert "[publish] store" in refusal.hint
    assert "RUSHES_PUBLISH" in refusal.hint
    assert consent.verdict(desk_of(build(shot("b", MOVIE, KEEPER), published=""))) is None


def test_many_that_have_no_place_are_named_in_part() -> None:
    """Four of them, and that there are more."""
    files = [made.file(f"{n}.png") for n in range(6)]
    refusal = consent.verdict(desk_of(build(shot("a", URLS, *files), published="")))
    assert refusal is not None
    assert 'read "0.png", "1.png", "2.png", "3.png" and ' in refusal.fact
    assert "4.png" not in refusal.fact


def test_a_finished_plan_needs_no_place() -> None:
    """What is reused was readable once."""
    plan = build(*SCENE, known=Facts.of(BEFORE, *LASTING), published="")
    assert uploads.nowhere(plan.steps) == []
    assert consent.verdict(desk_of(plan)) is None


def test_a_file_that_is_to_be_reviewed_needs_a_place_as_well() -> None:
    """The service is handed a URL: without a store the run would fail after it was agreed to."""
    plan = build(shot("a", SEEGEN, dataclasses.replace(KEEPER, people=True)), published="")
    assert isinstance(consent.verdict(desk_of(plan)), UserError)


def test_a_url_that_is_to_be_reviewed_needs_none() -> None:
    """It can be read as it is."""
    plan = build(shot("a", SEEGEN, dataclasses.replace(LINK, people=True)), published="")
    assert (names(plan), consent.verdict(desk_of(plan))) == (["far.png/upload-seegen"], None)


# saved plans


RECIPE = """
defaults: {provider: seedancee2}
shots:
  - {id: a, prompt: he climbs, references: [keeper.png]}
"""


def at(store: str) -> House:
    return House(config=configuration.Config(publish=configuration.Publish(store=store)), environ={})


def test_a_saved_plan_is_not_stale_by_its_uploads(write: Callable[..., Path], tmp_path: Path) -> None:
    """Another store makes another upload of the same clip: the plan holds, and the key is asked for next."""
    (tmp_path / "keeper.png").write_bytes(png(640, 640))
    path = write(RECIPE)
    desk = api.plan(path, house=at("s3://one"))
    saved = loads(dumps(api.save_plan(desk)))
    assert [step["kind"] for step in saved["steps"]] == ["upload", "generate"]
    saved["steps"][0] |= {"id": "gone.png/upload", "key": f"k1:{0:064}"}
    with pytest.raises(UserError, match="SEEDANCEE2_API_KEY is not set"):
        api.run(path, house=at("s3://two"), saved=saved)


# accounts


def wrong(*shots: Shot) -> list[tuple[int, str, str]]:
    with pytest.raises(RecipeError) as caught:
        build(*shots)
    return [(fault.place.line, fault.fact, fault.hint) for fault in caught.value.faults]


def at_line(*names: str | int) -> Place:
    return dataclasses.replace(made.place(), line=7 if names == ("account",) else 1)


def test_an_account_that_is_none_is_a_fault_at_its_line() -> None:
    """With the nearest one, or where to declare it."""
    assert wrong(shot("a", MOVIE, account="agencie", where=at_line)) == [
        (7, "There is no account 'agencie'.", "Did you mean agency?")
    ]
    assert wrong(shot("a", MOVIE, account="zz", where=at_line)) == [
        (7, "There is no account 'zz'.", "Declare it in your configuration: [accounts.zz].")
    ]


def test_an_account_of_another_service_is_a_fault_too() -> None:
    """With those that would do."""
    assert wrong(shot("a", MOVIE, account=SEEGEN, where=at_line)) == [
        (
            7,
            "The account 'seegen' is with seegen, and a is made by seedance2-movie.",
            "Use seedance2-movie or agency, or leave `account` out.",
        )
    ]


def test_a_rehearsal_pays_from_its_own_account_under_the_real_ones_caps() -> None:
    """In the steps, the lanes, the uploads' places and the limits."""
    budget = Budget(run=Caps(credits={MOVIE: D(40)}))
    rehearsal = "agency@rehearsal"
    plan = build(
        shot("a", MOVIE, KEEPER, account="agency"),
        budget=budget,
        identities={MOVIE: f"{MOVIE}@rehearsal", "agency": rehearsal},
        of_accounts={"agency": Budget(run=Caps(bare=D(30)))},
    )
    upload, clip = plan.steps
    assert (clip.account, clip.lane, upload.id) == (rehearsal, rehearsal, f"keeper.png/upload-{rehearsal}")
    assert list(plan.accounts) == [rehearsal]
    assert plan.limits.run.credits == {rehearsal: 0}  # the recipe names another account, so this one gets none
    named = Budget(run=Caps(credits={"agency": D(40)}))
    limits = build(
        shot("a", MOVIE, account="agency"),
        budget=named,
        identities={"agency": rehearsal},
        of_accounts={"agency": Budget(run=Caps(bare=D(30)))},
    ).limits
    assert limits.run.credits == {rehearsal: 30}


def test_a_clip_for_the_upscaler_is_published_under_the_shots_name() -> None:
    """One URL of it, whoever else reads it."""
    plan = build(
        shot("a", MOVIE, upscale=Upscale(to="2k", by="service")),
        upscalers=House().upscalers,
    )
    assert names(plan) == ["a/upload"]
    assert by_id(plan, "a/upload").needs == ("a/generate",)
    assert by_id(plan, "a/upscale").needs == ("a/upload",)
