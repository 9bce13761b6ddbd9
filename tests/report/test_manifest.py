"""The manifest says what happened, in a shape that its schema describes, whatever number of processes it took."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import jsonschema
import pytest

from pipeline.digest import dumps, loads
from pipeline.events import Artifact, Result
from pipeline.plan.model import Action
from pipeline.recipe.model import Caps, Chain, Source
from pipeline.report.manifest import manifest, schema
from pipeline.report.story import Story
from tests.report.stories import RUN, Memory, Told, by_name, cut, file, lighthouse, plan, shot, warning

VALIDATOR = jsonschema.Draft202012Validator(schema())


def document(story: Story) -> dict[str, Any]:
    """The manifest as it is read back from its file; fails unless it fits its schema."""
    text = dumps(manifest(story))
    VALIDATOR.validate(json.loads(text))
    found: dict[str, Any] = loads(text)
    return found


def shots(story: Story) -> dict[str, Mapping[str, Any]]:
    return by_name(document(story)["shots"])


def test_a_run_that_went_well_is_told_in_full() -> None:
    """Every take is done, with its files; the film says how it was joined; the money adds up."""
    found = document(Told(lighthouse()).make().story())
    assert [(s["id"], s["take"], s["status"]) for s in found["shots"]] == [
        ("sheet", 1, "done"),
        ("opening", 1, "done"),
        ("dawn", 1, "done"),
        ("lamp", 1, "done"),
        ("gallery", 1, "done"),
        ("harbour", 1, "done"),
        ("harbour", 2, "done"),
    ]
    by = by_name(found["shots"])
    assert {name: out["path"] for name, out in by["lamp"]["outputs"].items()} == {
        "video": "shots/lamp.mp4",
        "last_frame": "frames/lamp.last.png",
        "upscaled": "shots/lamp.2k.mp4",
    }
    assert by["harbour@2"]["outputs"]["video"]["path"] == "shots/harbour@2.mp4"
    assert by["lamp"]["outputs"]["video"] | {"sha256": ""} == {
        "path": "shots/lamp.mp4",
        "sha256": "",
        "bytes": 2345678,
        "width": 1280,
        "height": 720,
        "duration": 5,
        "fps": 24,
    }
    assert found["film"]["path"] == "film.mp4"
    assert (found["film"]["joined"], found["film"]["why"]) == ("copied", "all clips agree")
    assert found["film"]["shots"] == ["dawn", "lamp", "gallery"]
    till = found["budget"]["by_account"]["till"]
    assert (till["estimated"], till["charged"], till["reserved"], till["unknown"]) == (100, 100, 0, 0)
    assert (till["usd"], found["budget"]["usd"]) == (Decimal("0.4"), Decimal("0.4"))
    caps = [(cap["scope"], cap["unit"], cap["cap"], cap["before"], cap["left"]) for cap in found["budget"]["caps"]]
    assert caps == [("run", "till", 400, 100, 300), ("run", "usd", 8, Decimal("0.4"), Decimal("7.6"))]
    assert found["vars"] == {"keeper": "an old lighthouse keeper", "zoom": Decimal("1.5"), "days": [1, 2]}
    assert found["recipe"]["path"] == "../../recipe.yaml"


def test_a_chain_names_the_very_picture_it_goes_on_from() -> None:
    """first_frame carries the last frame's digest and how it was read; of a file or a still, its bytes' digest."""
    by = shots(Told(lighthouse()).make().story())
    frame = by["lamp"]["first_frame"]
    assert frame["from"] == "dawn/last_frame"
    assert frame["sha256"] == by["dawn"]["outputs"]["last_frame"]["sha256"]
    assert (frame["index"], frame["pts"], frame["matrix"], frame["range"]) == (119, 60928, "bt709", "tv")
    still = by["opening"]["outputs"]["image"]["sha256"]
    assert by["dawn"]["first_frame"] == {"from": "opening/generate", "sha256": still}
    assert by["harbour"]["first_frame"] == {"from": "assets/harbour.png", "sha256": "sha256:" + "f" * 64}
    assert by["sheet"]["first_frame"] is None


def test_a_url_frame_has_no_digest() -> None:
    """Nobody has seen the bytes behind a URL."""
    source = Source(name="there", media="image", url="https://x.test/a.png")
    found = shots(Told(plan(shot("a", first_frame=source))).story("stopped"))
    assert found["a"]["first_frame"] == {"from": "https://x.test/a.png", "sha256": None}


def test_a_failure_is_told_where_it_is_and_what_follows_is_skipped() -> None:
    """The error and its hint stand at the shot that failed; followers and film name it, near or far."""
    run = Told(lighthouse()).make("sheet/generate", "opening/generate", "dawn/generate", "dawn/last_frame")
    run.start("lamp/generate").submit("lamp/generate").settle("lamp/generate", "0", refunded="50")
    run.fail("lamp/generate", "the prompt was refused", "Say it otherwise.")
    found = document(run.story("partial"))
    by = by_name(found["shots"])
    assert (by["lamp"]["status"], by["lamp"]["error"], by["lamp"]["hint"]) == (
        "failed",
        "the prompt was refused",
        "Say it otherwise.",
    )
    assert by["lamp"]["attempts"][0]["task_id"] == "job-lamp/generate"
    assert (by["gallery"]["status"], by["gallery"]["error"]) == ("skipped", "needs lamp/generate, which failed")
    assert (found["film"]["status"], found["film"]["error"]) == ("skipped", "needs lamp/generate, which failed")
    assert found["film"]["path"] is None
    assert found["budget"]["by_account"]["till"]["refunded"] == 50


def test_a_failed_upscale_fails_the_take_and_names_the_step() -> None:
    """The clip itself is there, and stays listed."""
    run = Told(plan(shot("lamp", upscale="2k"))).make("lamp/generate")
    run.start("lamp/upscale").fail("lamp/upscale", "The disk is full.", permanent=False)
    found = shots(run.story("partial"))["lamp"]
    assert (found["status"], found["error"]) == ("failed", "lamp/upscale: The disk is full.")
    assert list(found["outputs"]) == ["video"]


def test_what_nobody_knows_is_unknown_and_what_waits_for_it_is_pending() -> None:
    """An unknown submission does not make its followers failed: they may still be made."""
    run = Told(plan(shot("a", provider="till"), shot("b", chain="a"))).start("a/generate")
    run.doubt("a/generate", "the line broke")
    found = document(run.story("partial"))
    by = by_name(found["shots"])
    assert (by["a"]["status"], by["b"]["status"]) == ("unknown", "pending")
    assert "rushes recover" in by["a"]["hint"]
    assert found["budget"]["by_account"]["till"]["unknown"] == 50
    again = plan(*run.plan.recipe.shots, known=Memory(run.events))
    assert {s.action for s in again.steps} == {Action.BLOCKED}
    later = shots(Told(again, run.events).story("partial"))
    assert (later["a"]["status"], later["b"]["status"]) == ("unknown", "pending")
    assert later["b"]["error"] == "waits for a/last_frame, whose outcome is not known"


def test_what_was_cancelled_is_told_as_such_until_it_is_begun_anew() -> None:
    """By the process that hears of it and by every later one; its followers are pending, its attempt says why."""
    run = Told(plan(shot("a", provider="till"), shot("b", chain="a"))).start("a/generate").submit("a/generate")
    run.settle("a/generate", "0", refunded="50").cancel("a/generate")
    again = plan(*run.plan.recipe.shots, known=Memory(run.events))
    for story in (run.story("partial"), Told(again, run.events).story("partial")):
        found = shots(story)
        assert (found["a"]["status"], found["b"]["status"]) == ("cancelled", "pending")
        assert (found["a"]["error"], found["a"]["attempts"][0]["status"]) == ("as you asked", "cancelled")
        assert "submitted anew" in found["a"]["hint"]
    begun = Told(again, run.events).start("a/generate")
    assert shots(begun.story("running"))["a"]["status"] == "pending"


def test_a_failure_that_stands_is_failed_and_its_followers_are_skipped() -> None:
    """A later run that sends nothing tells the same story as the one that failed."""
    run = Told(plan(shot("a", provider="till"), shot("b", chain="a"))).start("a/generate")
    run.fail("a/generate", "the prompt was refused")
    again = plan(*run.plan.recipe.shots, known=Memory(run.events))
    found = shots(Told(again).story("failed", run="20260102-000000-0000"))
    assert found["a"]["status"] == "failed"
    assert f"failed in run {RUN}" in found["a"]["error"]
    assert found["a"]["hint"]
    assert (found["b"]["status"], found["b"]["error"]) == ("skipped", "needs a/generate, which failed")


def test_a_reused_clip_keeps_what_it_once_cost() -> None:
    """Its price stands at the shot with source `reused`, and is not this run's money."""
    run = Told(plan(shot("dawn", provider="till"))).make()
    again = Told(plan(shot("dawn", provider="till"), shot("b"), known=Memory(run.events))).make()
    story = again.story(run="20260102-000000-0000", kept=Memory(run.events).all)
    found = document(story)
    dawn = by_name(found["shots"])["dawn"]
    assert (dawn["status"], dawn["credits"]["charged"], dawn["credits"]["source"]) == ("reused", 50, "reused")
    assert (dawn["usd"], dawn["attempts"]) == (Decimal("0.2"), [])
    assert found["budget"]["by_account"]["till"]["charged"] == 0
    assert found["budget"]["by_account"]["till"]["estimated"] == 0
    assert by_name(found["shots"])["b"]["status"] == "done"


def test_an_upscale_added_to_a_finished_shot_is_made_and_the_clip_is_not() -> None:
    """The take is done anew because of its upscale; its clip keeps its price."""
    run = Told(plan(shot("dawn", provider="till"))).make()
    again = Told(plan(shot("dawn", provider="till", upscale="2k"), known=Memory(run.events))).make()
    found = shots(again.story(run="20260102-000000-0000", kept=Memory(run.events).all))["dawn"]
    assert (found["status"], found["credits"]["source"], found["credits"]["charged"]) == ("done", "reused", 50)
    assert [attempt["step"] for attempt in found["attempts"]] == ["dawn/upscale"]


def test_shots_that_were_not_asked_for_are_listed() -> None:
    """--only leaves the others: kept and stale where they were made, else pending."""
    first = Told(plan(shot("a"), shot("b"))).make()
    changed = plan(
        shot("a", prompt="another"), shot("b", prompt="another"), shot("c"), known=Memory(first.events), only=("a",)
    )
    run = Told(changed).make()
    found = shots(run.story(run="20260102-000000-0000", kept=Memory(first.events).all))
    assert {name: (s["status"], s["stale"], s["why"]) for name, s in found.items()} == {
        "a": ("done", False, "changed since it was made"),
        "b": ("reused", True, "kept as it was, not asked for"),
        "c": ("pending", False, "not asked for"),
    }
    assert found["c"]["key"] is None


def test_two_shots_with_one_key_share_a_clip_and_its_cost() -> None:
    """The second is done without an attempt and charges nothing; each has a file of its own name."""
    run = Told(plan(shot("a", provider="till", prompt="same"), shot("b", provider="till", prompt="same"))).make()
    found = document(run.story())
    by = by_name(found["shots"])
    assert by["a"]["key"] == by["b"]["key"]
    assert (by["b"]["status"], by["b"]["attempts"], by["b"]["credits"]["source"]) == ("done", [], "shared")
    assert by["b"]["why"] == "asks for the same as a/generate"
    assert by["b"]["outputs"]["video"]["path"] == "shots/b.mp4"
    assert found["budget"]["by_account"]["till"]["charged"] == 50
    assert found["budget"]["by_account"]["till"]["estimated"] == 50


def test_a_cap_leaves_takes_skipped_with_the_reason() -> None:
    """What the money did not allow says which cap forbade it."""
    run = plan(
        shot("a", provider="till"),
        shot("b", provider="till"),
        caps=Caps(credits={"till": Decimal(60)}),
        on_exceed="skip",
    )
    found = shots(Told(run).make("a/generate").story("stopped"))
    assert found["b"]["status"] == "skipped"
    assert "60" in found["b"]["error"]


@pytest.mark.parametrize(
    ("values", "said"),
    [({}, "exact"), ({"provider": "till"}, "no"), ({"provider": "till", "seed": 3}, "seeded")],
)
def test_reproducible(values: dict[str, Any], said: str) -> None:
    """What is drawn here comes out the same to the byte; a seed alone makes it alike."""
    assert shots(Told(plan(shot("a", **values))).make().story())["a"]["reproducible"] == said


def test_a_clip_smaller_than_asked_is_a_warning_and_a_wide_one_is_not() -> None:
    """480 lines for 720p are told; services keep the area at 21:9, which is no loss. Plan warnings come first."""
    run = Told(plan(shot("small"), shot("wide", ratio="21:9"), warnings=(warning("b.png is large.", "Crop it."),)))
    for name, width, height in (("small", 854, 480), ("wide", 1470, 630)):
        run.start(f"{name}/generate")
        made = Artifact(sha256="sha256:" + "0" * 64, bytes=1, suffix=".mp4", width=width, height=height)
        run.succeed(f"{name}/generate", Result(outputs={"video": made}))
    assert document(run.story())["warnings"] == [
        "b.png is large. Crop it.",
        "small: its video is 854x480, smaller than the 720p that was asked for.",
    ]


def test_a_fraction_of_a_picture_rate_stays_exact() -> None:
    """30000/1001 is a text; a whole rate is a number."""
    run = Told(plan(shot("a"))).start("a/generate")
    made = Artifact(
        sha256="sha256:" + "0" * 64, bytes=1, suffix=".mp4", width=1280, height=720, seconds="5.005", fps="30000/1001"
    )
    run.succeed("a/generate", Result(outputs={"video": made}))
    video = shots(run.story())["a"]["outputs"]["video"]
    assert (video["fps"], video["duration"]) == ("30000/1001", Decimal("5.005"))


def test_a_frame_before_the_end_has_a_name_of_its_own() -> None:
    """Two chains from one clip, at its end and before it, list two frames."""
    run = Told(plan(shot("a"), shot("b", chain="a"), shot("c", chain=Chain(shot="a", offset_seconds=Decimal("0.2")))))
    outputs = shots(run.make().story())["a"]["outputs"]
    assert {name: out["path"] for name, out in outputs.items()} == {
        "video": "shots/a.mp4",
        "last_frame": "frames/a.last.png",
        "last_frame-0.2s": "frames/a-0.2s.last.png",
    }


def test_what_json_has_no_word_for_does_not_stop_the_manifest() -> None:
    """Variables and facts of any kind are written; a number too long for JSON is rounded, half a character replaced."""
    odd = {"n": Decimal("0.12345678901234567890"), "inf": float("inf"), "half": "a\ud800", 3: None}
    run = Told(plan(shot("a"), shot("b", chain="a"), vars=odd)).make("a/generate")
    run.start("a/last_frame").succeed("a/last_frame", seconds=Decimal("4.9583333333333333333"))
    found = document(run.story("partial"))
    assert found["vars"] == {"n": Decimal("0.123456789012346"), "inf": "inf", "half": "a?", "3": None}


def without_times(value: Any) -> Any:
    """A manifest without its times and attempts."""
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k != "attempts" and not k.endswith("_at")}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def script(run: Told) -> list[Any]:
    """A run step by step, each of which is one event of its own."""
    steps: list[Any] = [lambda run: run.make("sheet/generate"), lambda run: run.make("opening/generate")]
    for name in ("dawn/generate", "lamp/generate"):
        steps += [
            lambda run, name=name: run.state.phase[name].value == "running" or run.start(name),
            lambda run, name=name: run.submit(name),
            lambda run, name=name: run.settle(name, "50"),
            lambda run, name=name: run.succeed(name),
        ]
        if name == "dawn/generate":
            steps.append(lambda run: run.make("dawn/last_frame"))
    steps += [lambda run: run.start("harbour/generate").fail("harbour/generate", "no ink", permanent=True)]
    rest = ("lamp/last_frame", "gallery/generate", "lamp/upscale", "harbour@2/generate", "film")
    return steps + [lambda run, name=name: run.make(name) for name in rest]


WHOLE = len(script(Told(lighthouse())))
UNSENT = {2 + 1, 2 + 6}  # killed between Started and Submitted: that outcome is truly unknown


@pytest.mark.parametrize("killed", sorted(set(range(WHOLE)) - UNSENT))
def test_a_killed_and_resumed_run_leaves_the_same_manifest(killed: int) -> None:
    """But for times and attempts nothing tells how many processes it took."""
    whole = Told(lighthouse())
    for act in script(whole):
        act(whole)
    first = Told(lighthouse())
    acts = script(first)
    for act in acts[:killed]:
        act(first)
    again = plan(
        *first.plan.recipe.shots,
        film=first.plan.recipe.film,
        known=Memory(first.events),
        caps=Caps(credits={"till": Decimal(400)}, usd=Decimal(8)),
        title="The Lighthouse Keeper",
        name="lighthouse",
        vars=first.plan.recipe.vars,
    )
    second = Told(again, first.events)
    for step in again.steps:
        if step.action is Action.RESUME:
            second.state.begin(step)
    for act in acts[killed:]:
        act(second)
    told, retold = without_times(document(whole.story("partial"))), without_times(document(second.story("partial")))
    for shot_told, shot_retold in zip(told["shots"], retold["shots"], strict=True):
        shot_retold["why"] = shot_told["why"]  # the first plan's, which whoever tells the story keeps
    assert retold == told


def test_the_schema_refuses_what_it_does_not_know() -> None:
    """A misspelt key, an unknown status or a float of money in the wrong place does not pass."""
    jsonschema.Draft202012Validator.check_schema(schema())
    good = json.loads(dumps(manifest(Told(lighthouse()).make().story())))
    VALIDATOR.validate(good)
    for spoil in (
        lambda m: m.update(extra=1),
        lambda m: m["shots"][0].update(status="ready"),
        lambda m: m["shots"][0].pop("key"),
        lambda m: m["shots"][0]["credits"].update(charged=-1),
        lambda m: m["shots"][0]["outputs"]["image"].update(sha256="0"),
        lambda m: m["run"].update(status="good"),
    ):
        bad = json.loads(json.dumps(good))
        spoil(bad)
        assert list(VALIDATOR.iter_errors(bad))


def test_a_recipe_without_a_film_has_none() -> None:
    """No film is null, not an empty one."""
    assert document(Told(plan(shot("a"))).make().story())["film"] is None
    assert document(Told(plan(shot("a"), film=cut("a"))).make().story())["film"]["status"] == "done"


def test_the_film_names_clips_as_the_recipe_does() -> None:
    """What the joining says about files of the store is told of the shots they are."""
    run = Told(plan(shot("a"), shot("b"), film=cut("a", "b"))).make("a/generate", "b/generate")
    clips = [run.state.results[f"{name}/generate"].outputs["video"].sha256.removeprefix("sha256:") for name in "ab"]
    run.start("film").succeed("film", joined="encoded", why=f"{clips[0]}.mp4 is larger than {clips[1]}.mp4.")
    assert document(run.story())["film"]["why"] == "a is larger than b."


def test_a_reference_file_is_no_first_frame() -> None:
    """Only chain and first_frame say where a clip begins."""
    assert shots(Told(plan(shot("a", references=(file("x.png"),)))).make().story())["a"]["first_frame"] is None
