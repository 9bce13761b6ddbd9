"""Further rounds of one process: what falls and what does not, what a death in between leaves, what is said."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.config import Config
from pipeline.desk import Desk, House, Wants
from pipeline.digest import loads
from pipeline.engine.state import RunState
from pipeline.errors import DecisionNeeded
from pipeline.events import Event, Failed
from pipeline.plan.budget import Book
from pipeline.rounds import Rounds
from tests.test_session import DeathError, die, edit, shots, statuses
from tests.till import Till

D = Decimal
YES = Wants(yes=True, max_credits=D(1000))
Write = Callable[..., Path]
MakeHouse = Callable[..., tuple[House, Till]]

LADDER = """
defaults: {provider: till, duration: 2, resolution: 720p}
shots:
  - {id: a, prompt: bold, fallback: [{prompt: soft}, {prompt: plain, duration: 1}]}
  - {id: b, chain: a, prompt: second}
  - {id: c, prompt: third}
"""
ONE = LADDER.partition("  - {id: b")[0]


def prompts(service: Till) -> list[str]:
    """What the service was asked to make, in turn."""
    return [str(call.body["prompt"]) for call in service.asked if call.method == "POST" and call.body]


def rungs(shot: dict[str, Any]) -> list[int]:
    """Which rung each attempt at a shot's clip was."""
    return [one["fallback"] for one in shot["attempts"] if one["step"].endswith("/generate")]


def test_a_ladder_goes_down_until_something_holds(write: Write, house: MakeHouse) -> None:
    """One run, every failure told, what follows made from the fallback's clip; the same again does nothing."""
    path = write(LADDER)
    home, service = house({"bold": ["flagged"], "soft": ["flagged"]})
    ended = api.run(path, YES, home)
    found = shots(ended)
    assert (ended.exit_code, ended.status) == (0, "complete")
    assert statuses(ended) == {"a": "done", "b": "done", "c": "done"}
    assert (found["a"]["fallback"], found["a"]["prompt"], rungs(found["a"])) == (2, "plain", [0, 1, 2])
    assert found["a"]["why"] == "fallback 2 of 2: fallback 1 failed: flagged."
    assert ended.manifest["budget"]["by_account"]["till"]["charged"] == service.charged == 3 + 6 + 6
    manifest = (ended.output / "manifest.json").read_bytes()
    again = api.run(path, YES, home)
    assert (again.began, again.exit_code, len(service.jobs)) == (False, 0, 5)
    assert (ended.output / "manifest.json").read_bytes() == manifest
    told = api.status(path, YES, home)
    assert shots(told)["a"]["fallback"] == 2


def test_no_rung_left_is_a_failure_that_tells_each(write: Write, house: MakeHouse) -> None:
    """Exit 1; later runs send nothing until the shot changes or is named in --redo."""
    path = write(LADDER)
    home, service = house({"bold": ["flagged"], "soft": ["broke"], "plain": ["flagged"]})
    ended = api.run(path, YES, home)
    assert (ended.exit_code, statuses(ended)) == (1, {"a": "failed", "b": "skipped", "c": "done"})
    assert shots(ended)["a"]["fallback"] == 2
    assert api.run(path, YES, home).exit_code == 1
    assert prompts(service) == ["bold", "third", "soft", "plain"]
    edit(path, "plain", "grey")
    ended = api.run(path, YES, home)
    assert (ended.exit_code, shots(ended)["a"]["prompt"]) == (0, "grey")


def test_an_edit_of_the_shot_asks_for_it_again(write: Write, house: MakeHouse) -> None:
    """Another prompt is another request: what was made in its place is no reason not to."""
    path = write(ONE)
    home, service = house({"bold": ["flagged"]})
    assert shots(api.run(path, YES, home))["a"]["fallback"] == 1
    edit(path, "bold", "brave")
    assert shots(api.run(path, YES, home))["a"]["fallback"] == 0
    assert prompts(service) == ["bold", "soft", "brave"]


def test_retry_counts_for_each_rung(write: Write, house: MakeHouse) -> None:
    """`retry: 1` buys each rung twice where a failure may pass; what is forbidden is not repeated."""
    path = write(ONE.replace("prompt: bold", "prompt: bold, retry: 1"))
    home, service = house({"bold": ["broke", "broke"], "soft": ["flagged"], "plain": ["broke"]})
    ended = api.run(path, YES, home)
    assert ended.exit_code == 0
    assert prompts(service) == ["bold", "bold", "soft", "plain", "plain"]
    assert rungs(shots(ended)["a"]) == [0, 0, 1, 2, 2]


@pytest.mark.parametrize("move", ["lost", "500"])
def test_an_unknown_outcome_does_not_fall(move: str, write: Write, house: MakeHouse) -> None:
    """Its money is held; exit 4, and nothing else is asked for."""
    path = write(ONE)
    home, service = house({"bold": [move]})
    ended = api.run(path, YES, home)
    assert (ended.exit_code, prompts(service), statuses(ended)) == (4, ["bold"], {"a": "unknown"})


def test_what_is_paid_and_not_delivered_does_not_fall(write: Write, house: MakeHouse) -> None:
    """Its link is asked for by the next command; nothing is bought beside it, though another shot falls meanwhile."""
    path = write(ONE + "  - {id: z, prompt: zeal, fallback: [{prompt: zest}]}\n")
    home, service = house({"zeal": ["flagged"]})
    service.dead_links = 2
    ended = api.run(path, YES, home)
    assert "plain" not in prompts(service)
    assert "soft" not in prompts(service)
    again = api.run(path, YES, home)
    assert (again.exit_code, service.charged) == (0, 12)
    assert (ended.exit_code, len(service.jobs)) == (1, 3)


def test_a_refusal_to_the_end_falls_and_is_not_bought_beside_its_replacement(write: Write, house: MakeHouse) -> None:
    """The service was busy all along: its fallback is made, and later runs leave it at that."""
    path = write(ONE)
    home, service = house({"bold": ["503"] * 20})
    ended = api.run(path, YES, home)
    assert (ended.exit_code, shots(ended)["a"]["fallback"]) == (0, 1)
    asked = len(service.asked)
    again = api.run(path, YES, home)
    assert (again.began, len(service.asked)) == (False, asked)
    edit(path, "duration: 2", "duration: 2, retry: 1")  # another run, of the same requests
    assert (api.run(path, YES, home).exit_code, len(service.asked)) == (0, asked)


def test_a_redo_begins_at_the_top_and_is_continued_where_it_was(write: Write, house: MakeHouse) -> None:
    """Both rungs are asked for anew; after a death the same command goes on, and names nothing again."""
    path = write(ONE)
    home, service = house({"bold": ["flagged", "flagged", "flagged"]})
    redo = dataclasses.replace(YES, redo=("a",))
    assert shots(api.run(path, YES, home))["a"]["fallback"] == 1
    die(path, redo, home, "Submitted", "a/generate")
    ended = api.run(path, redo, home)
    assert (ended.exit_code, shots(ended)["a"]["fallback"], rungs(shots(ended)["a"])) == (0, 1, [0, 1])
    assert prompts(service) == ["bold", "soft", "bold", "soft"]
    assert api.run(path, YES, home).exit_code == 0
    assert len(service.jobs) == 4
    assert shots(api.run(path, redo, home))["a"]["fallback"] == 1
    assert prompts(service)[4:] == ["bold", "soft"]


def dies_at_event(number: int) -> Callable[[Desk], Callable[[Event], None]]:
    """A listener that ends the process at the nth event it hears."""
    heard = 0

    def hear(_: Event) -> None:
        nonlocal heard
        heard += 1
        if heard == number:
            raise DeathError

    return lambda desk: hear


DEATHS = [pytest.param(n, marks=() if n % 4 == 3 else pytest.mark.slow) for n in range(1, 29)]


@pytest.mark.parametrize("number", DEATHS)
def test_a_death_at_any_event_ends_at_the_same_result(number: int, write: Write, house: MakeHouse) -> None:
    """In a round or between two: the next command goes on, buys nothing twice, and leaves the same manifest."""
    path = write(LADDER)
    home, service = house({"bold": ["flagged"], "soft": ["flagged"]})
    with pytest.raises((DeathError, BaseExceptionGroup)):
        api.run(path, YES, home, listen=dies_at_event(number))
    ended = api.run(path, YES, home)
    if ended.exit_code == 4:  # it died between a request's beginning and its answer: held, and never sent again
        held = ended.manifest["budget"]["by_account"]["till"]["unknown"]
        assert held
        return
    found = shots(ended)
    assert (ended.exit_code, statuses(ended)) == (0, {"a": "done", "b": "done", "c": "done"})
    assert (found["a"]["fallback"], found["a"]["why"]) == (2, "fallback 2 of 2: fallback 1 failed: flagged.")
    assert sorted(prompts(service)) == ["bold", "plain", "second", "soft", "third"]
    assert ended.manifest["budget"]["by_account"]["till"]["charged"] == service.charged == 15
    assert ended.manifest == loads((ended.output / "manifest.json").read_bytes())
    assert api.run(path, YES, home).began is False


def test_a_fallback_may_stand_in_for_what_cost_nothing(write: Write, house: MakeHouse) -> None:
    """A free shot with a paid fallback needs consent too."""
    path = write("defaults: {duration: 2}\nshots:\n  - {id: a, prompt: x, fallback: [{provider: till}]}\n")
    home, _ = house()
    with pytest.raises(DecisionNeeded, match="spends on till"):
        api.run(path, Wants(), home)
    with pytest.raises(DecisionNeeded, match="--yes would spend on till with no cap"):
        api.run(path, Wants(yes=True), home)


def test_a_cap_for_the_shot_counts_every_rung(write: Write, house: MakeHouse) -> None:
    """What the failed rung was charged leaves less for the next: skipped, exit 3, and the reason is told."""
    text = ONE.replace("shots:", "budget: {shot: {credits: {till: 7}}}\nshots:")
    path = write(text.replace("prompt: soft", "prompt: soft, resolution: 1080p"))
    home, service = house({"bold": ["flagged"]})
    ended = api.run(path, YES, home)
    shot = shots(ended)["a"]
    assert (ended.exit_code, shot["status"], shot["fallback"]) == (3, "skipped", 1)
    assert "it needs 12.5 till credits; of 7 for a, 7 are left" in str(shot["error"])
    assert (prompts(service), service.charged) == (["bold"], 0)


class Onlooker:
    """A listener that notes which rungs further rounds are on."""

    def __init__(self) -> None:
        self.rounds: list[dict[str, int]] = []

    def __call__(self, event: object) -> None:
        pass

    def goes_on(self, desk: Desk) -> None:
        self.rounds.append({step.id: step.rung for step in desk.plan.doing()})


def test_a_listener_hears_of_each_round(write: Write, house: MakeHouse) -> None:
    """With the plan of what is then done: nothing that is there already."""
    home, _ = house({"bold": ["flagged"], "soft": ["flagged"]})
    onlooker = Onlooker()
    api.run(write(ONE), YES, home, listen=lambda desk: onlooker)
    assert onlooker.rounds == [{"a/generate": 1}, {"a/generate": 2}]


def test_a_saved_plan_may_be_run_again_after_it_fell(write: Write, house: MakeHouse) -> None:
    """What it made itself, by a fallback that it told of, does not make it stale."""
    path = write(LADDER)
    home, service = house({"bold": ["flagged"]})
    saved = api.save_plan(api.plan(path, YES, home))
    assert api.run(path, YES, home, saved=saved).exit_code == 0
    again = api.run(path, YES, home, saved=saved)
    assert (again.began, len(service.jobs)) == (False, 4)


def test_a_job_that_was_waited_for_long_enough_is_left_alone(write: Write, house: MakeHouse) -> None:
    """Another shot falls meanwhile: the further round does not wait for that job once more."""
    path = write(ONE + "  - {id: z, prompt: zeal, fallback: [{prompt: zest}]}\n")
    home, service = house({"bold": ["stuck"], "zeal": ["flagged"]}, config=Config(video_seconds=0.3))
    ended = api.run(path, YES, home)
    assert (ended.exit_code, statuses(ended), shots(ended)["z"]["fallback"]) == (1, {"a": "pending", "z": "done"}, 1)
    assert [one["status"] for one in shots(ended)["a"]["attempts"]] == ["running"]
    assert "soft" not in prompts(service)


def test_what_another_run_is_making_is_not_asked_for_otherwise(write: Write, house: MakeHouse) -> None:
    """It was waited for in vain: the next command looks again, and nothing is bought beside it now."""
    home, _ = house()
    desk = api.plan(write(ONE), YES, home)
    key = desk.plan.steps[0].key
    for permanent, goes_on in ((False, False), (True, True)):
        rounds = Rounds(desk, home)
        state = RunState(desk.plan, Book(desk.plan.limits))
        failed = Failed(at="", step="a/generate", key=key, attempt=0, error="no result yet.", permanent=permanent)
        state.apply(failed)
        rounds(failed)
        further = rounds.next(desk, state)
        assert bool(further) is goes_on
        assert further is None or further.plan.steps[0].rung == 1
