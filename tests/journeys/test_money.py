"""What costs money, from recipe to manifest, on a made-up service with prices: consent, caps, failures, doubts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.desk import Desk, House, Wants
from pipeline.digest import dumps, loads
from pipeline.errors import DecisionNeeded, OverBudget, StalePlan, UserError
from tests import till
from tests.till import Till

D = Decimal
YES = Wants(yes=True, max_credits=D(1000))
Write = Callable[..., Path]

FOUR = """
defaults: {provider: till, duration: 2, resolution: 720p}
shots:
  - {id: a, prompt: first}
  - {id: b, prompt: second}
  - {id: c, chain: b, prompt: third}
  - {id: d, prompt: fourth, priority: 5}
"""


def statuses(manifest: Mapping[str, Any]) -> dict[str, str]:
    return {shot["id"]: shot["status"] for shot in manifest["shots"]}


def test_a_run_charges_what_the_plan_said(write: Write, house: Callable[..., tuple[House, Till]]) -> None:
    """Four clips of 2 seconds at 3 credits: planned, charged by the service and told in the manifest as 24."""
    path = write(FOUR)
    home, service = house()
    assert api.plan(path, house=home).plan.totals().credits == {"till": D(24)}
    ended = api.run(path, YES, home)
    assert (ended.status, ended.exit_code) == ("complete", 0)
    money = ended.manifest["budget"]["by_account"]["till"]
    assert (money["charged"], money["reserved"], money["unknown"]) == (24, 0, 0)
    assert service.charged == 24
    assert [shot["credits"]["charged"] for shot in ended.manifest["shots"]] == [6, 6, 6, 6]


def test_nothing_is_spent_without_consent(write: Write, house: Callable[..., tuple[House, Till]]) -> None:
    """No terminal: --yes and a cap for the run. A terminal: a question, and no means no."""
    path = write(FOUR)
    home, service = house()
    with pytest.raises(DecisionNeeded, match="no terminal"):
        api.run(path, house=home)
    with pytest.raises(DecisionNeeded, match="no cap"):
        api.run(path, Wants(yes=True), home)
    with pytest.raises(DecisionNeeded, match="you said no"):
        api.run(path, house=home, consent=lambda desk, question: False)
    assert service.asked == []
    asked: list[str] = []

    def consent(_: Desk, question: str) -> bool:
        asked.append(question)
        return True

    assert api.run(path, house=home, consent=consent).exit_code == 0
    assert asked == ["spend"]


def test_a_cap_refuses_before_anything_is_sent(write: Write, house: Callable[..., tuple[House, Till]]) -> None:
    """The tightest of recipe, configuration and flags holds; the refusal says what is asked and what is left."""
    path = write("budget: {run: {credits: {till: 23}}}\n" + FOUR)
    home, service = house()
    with pytest.raises(OverBudget, match=r"24 till credits.*it needs 6 till credits; of 23 for the run, 5 are left"):
        api.run(path, YES, home)
    with pytest.raises(OverBudget, match="of 7 for the run"):
        api.run(path, Wants(yes=True, max_credits=D(7)), home)
    assert service.asked == []


@pytest.mark.parametrize(("policy", "made"), [("stop", {"a", "b"}), ("skip", {"a", "d"})])
def test_stop_and_skip_make_what_the_money_allows(
    policy: str, made: set[str], write: Write, house: Callable[..., tuple[House, Till]]
) -> None:
    """13 credits are two clips: `stop` goes by the plan's order, `skip` by priority; the exit code is 3."""
    path = write(f"budget: {{run: {{credits: {{till: 13}}}}, on_exceed: {policy}}}\n{FOUR}")
    home, service = house()
    ended = api.run(path, YES, home)
    assert ended.exit_code == 3
    assert {name for name, status in statuses(ended.manifest).items() if status == "done"} == made
    assert service.charged == 12


def test_a_continued_run_counts_from_its_first_start(write: Write, house: Callable[..., tuple[House, Till]]) -> None:
    """What earlier processes spent counts against the cap of the same run."""
    path = write("budget: {run: {credits: {till: 13}}, on_exceed: stop}\n" + FOUR)
    home, service = house()
    first = api.run(path, YES, home)
    again = api.run(path, YES, home)
    assert again.manifest["run"]["id"] == first.manifest["run"]["id"]
    assert (again.exit_code, service.charged) == (3, 12)
    path.write_text(path.read_text().replace("till: 13", "till: 24"))
    last = api.run(path, YES, home)
    assert (last.exit_code, service.charged) == (0, 24)
    assert last.manifest["run"]["id"] == first.manifest["run"]["id"]


def test_a_flagged_shot_fails_alone_and_is_not_bought_again(
    write: Write, house: Callable[..., tuple[House, Till]]
) -> None:
    """What follows it is skipped, the rest is made; later runs report it and send nothing until the prompt changes."""
    path = write(FOUR)
    home, service = house({"second": ["flagged"]})
    ended = api.run(path, YES, home)
    assert statuses(ended.manifest) == {"a": "done", "b": "failed", "c": "skipped", "d": "done"}
    assert ended.exit_code == 1
    assert service.charged == 12
    sent = len(service.asked)
    again = api.run(path, YES, home)
    assert (again.exit_code, len(service.asked)) == (1, sent)
    assert statuses(again.manifest)["b"] == "failed"
    path.write_text(path.read_text().replace("second", "another"))
    assert api.run(path, YES, home).exit_code == 0
    assert service.charged == 24


def test_retry_buys_as_often_as_it_says(write: Write, house: Callable[..., tuple[House, Till]]) -> None:
    """`retry: 1` survives one failure of an accepted job, and every attempt is told."""
    path = write(FOUR.replace("prompt: first", "prompt: first, retry: 1"))
    home, _ = house({"first": ["broke"]})
    ended = api.run(path, YES, home)
    assert ended.exit_code == 0
    attempts = next(shot["attempts"] for shot in ended.manifest["shots"] if shot["id"] == "a")
    assert [attempt["status"] for attempt in attempts] == ["failed", "succeeded"]


def test_a_busy_service_is_asked_again_and_never_overrun(
    write: Write, house: Callable[..., tuple[House, Till]]
) -> None:
    """429 and 503 are no failures; never more jobs at once than the lane is wide."""
    shots = "\n".join(f"  - {{id: s{i}, prompt: number {i}}}" for i in range(9))
    path = write(f"defaults: {{provider: till, duration: 1}}\nshots:\n{shots}\n")
    home, service = house({"number": ["429", "503", "", "429"]})
    ended = api.run(path, YES, home)
    assert ended.exit_code == 0
    assert service.most_running <= till.CONCURRENCY
    assert service.charged == 27


def test_a_lost_answer_is_held_and_never_sent_again(write: Write, house: Callable[..., tuple[House, Till]]) -> None:
    """Exit 4, the money is held, what follows waits; the next run sends nothing for it either."""
    path = write(FOUR)
    home, service = house({"second": ["lost"]})
    ended = api.run(path, YES, home)
    assert ended.exit_code == 4
    assert statuses(ended.manifest) == {"a": "done", "b": "unknown", "c": "pending", "d": "done"}
    assert ended.manifest["budget"]["by_account"]["till"]["unknown"] == 6
    jobs = len(service.jobs)
    assert api.run(path, YES, home).exit_code == 4
    assert len(service.jobs) == jobs


def test_a_dead_process_leaves_jobs_that_are_taken_up(write: Write, house: Callable[..., tuple[House, Till]]) -> None:
    """A run that died while the service worked goes on with the same job: one job, one charge."""
    path = write("defaults: {provider: till, duration: 2}\nshots:\n  - {id: a, prompt: first}\n")
    home, service = house()

    class DeathError(BaseException):
        pass

    def listen(_: Desk) -> Callable[[object], None]:
        def hear(event: object) -> None:
            if type(event).__name__ == "Submitted":
                raise DeathError

        return hear

    with pytest.raises(BaseExceptionGroup):
        api.run(path, YES, home, listen=listen)
    ended = api.run(path, YES, home)
    assert (ended.exit_code, len(service.jobs), service.charged) == (0, 1, 6)


def test_what_only_follows_is_priced_apart_and_needs_consent(
    write: Write, house: Callable[..., tuple[House, Till]]
) -> None:
    """After an edit of `b`, `c` follows it: refused without --follow, made with it; --only keeps it, stale."""
    path = write(FOUR)
    home, service = house()
    api.run(path, YES, home)
    path.write_text(path.read_text().replace("second", "changed"))
    plan = api.plan(path, house=home).plan
    assert plan.totals(follows=True).credits == {"till": D(6)}
    assert plan.totals(follows=False).credits == {"till": D(6)}
    with pytest.raises(DecisionNeeded, match="c would be paid for again"):
        api.run(path, YES, home)
    kept = api.run(path, Wants(yes=True, max_credits=D(100), only=("b",)), home)
    shots = {shot["id"]: shot for shot in kept.manifest["shots"]}
    assert (shots["b"]["status"], shots["c"]["stale"], service.charged) == ("done", True, 30)
    api.run(path, Wants(yes=True, max_credits=D(100), follow=True), home)
    assert service.charged == 36


def test_redo_makes_a_fresh_result_and_keeps_it(write: Write, house: Callable[..., tuple[House, Till]]) -> None:
    """`--redo a` pays once more; plain runs then keep to the fresh one, and its seed is another."""
    path = write("defaults: {provider: till, duration: 2}\nshots:\n  - {id: a, prompt: first}\n")
    home, service = house()
    first = api.run(path, YES, home).manifest["shots"][0]
    fresh = api.run(path, Wants(yes=True, max_credits=D(100), redo=("a",)), home).manifest["shots"][0]
    assert first["key"] != fresh["key"]
    assert first["seed"] != fresh["seed"]
    assert service.charged == 12
    ended = api.run(path, YES, home)
    assert (ended.manifest["shots"][0]["key"], service.charged) == (fresh["key"], 12)


def test_a_pinned_shot_keeps_what_it_has(write: Write, house: Callable[..., tuple[House, Till]]) -> None:
    """An edit of a pinned shot changes nothing but its mark, and what stands on it stays too."""
    path = write(FOUR.replace("prompt: second", "prompt: second, pin: true"))
    home, service = house()
    api.run(path, YES, home)
    path.write_text(path.read_text().replace("second", "changed"))
    ended = api.run(path, YES, home)
    shots = {shot["id"]: shot for shot in ended.manifest["shots"]}
    assert (shots["b"]["stale"], shots["c"]["stale"], service.charged) == (True, False, 24)


def test_a_saved_plan_is_applied_exactly_or_refused(
    write: Write, house: Callable[..., tuple[House, Till]], tmp_path: Path
) -> None:
    """Unchanged it runs, again it finishes; after an edit of the recipe it is stale, and says which step."""
    path = write(FOUR)
    home, service = house()
    saved = loads(dumps(api.save_plan(api.plan(path, house=home))))
    ended = api.run(tmp_path / "plan.json", YES, home, saved=saved)
    assert (ended.exit_code, service.charged) == (0, 24)
    assert api.run(tmp_path / "plan.json", YES, home, saved=saved).exit_code == 0
    path.write_text(path.read_text().replace("third", "other"))
    with pytest.raises(StalePlan, match="c/generate would now be made from something else"):
        api.run(tmp_path / "plan.json", YES, home, saved=saved)
    assert service.charged == 24


def test_dollars_are_capped_where_their_price_is_known(write: Write, house: Callable[..., tuple[House, Till]]) -> None:
    """A cap in dollars needs the price of a credit: a fault without it, exact with it."""
    from pipeline.config import Config

    path = write(FOUR)
    home, _ = house()
    with pytest.raises(UserError, match="what a credit of till costs is not known"):
        api.run(path, Wants(yes=True, max_usd=D(1)), home)
    home, service = house(config=Config(usd_per_credit={"till": D("0.05")}))
    with pytest.raises(OverBudget, match=r"\$1"):
        api.run(path, Wants(yes=True, max_usd=D(1)), home)
    ended = api.run(path, Wants(yes=True, max_usd=D("1.2")), home)
    assert (ended.manifest["budget"]["usd"], service.charged) == (D("1.2"), 24)


def test_two_shots_that_ask_for_the_same_are_paid_once(write: Write, house: Callable[..., tuple[House, Till]]) -> None:
    """One key, one job, one charge, and a clip for each."""
    path = write(
        "defaults: {provider: till, duration: 2}\nshots:\n  - {id: a, prompt: same}\n  - {id: b, prompt: same}\n"
    )
    home, service = house()
    ended = api.run(path, YES, home)
    assert (ended.exit_code, len(service.jobs)) == (0, 1)
    assert statuses(ended.manifest) == {"a": "done", "b": "done"}
    assert all((ended.output / "shots" / f"{name}.mp4").exists() for name in "ab")
