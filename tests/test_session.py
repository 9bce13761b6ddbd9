"""One process's share of a run: consent, what a death at any moment leaves, going on, and what is left alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.desk import Desk, House, Wants
from pipeline.digest import loads
from pipeline.errors import DecisionNeeded
from pipeline.events import Event, RunEnded
from pipeline.session import Outcome
from pipeline.store import journal
from pipeline.store.ledger import Ledger
from tests.till import Till

D = Decimal
YES = Wants(yes=True, max_credits=D(1000))
FOLLOW = dataclasses.replace(YES, follow=True)
Write = Callable[..., Path]
MakeHouse = Callable[..., tuple[House, Till]]

FOUR = """
defaults: {provider: till, duration: 2, resolution: 720p}
shots:
  - {id: a, prompt: first}
  - {id: b, prompt: second}
  - {id: c, chain: b, prompt: third}
  - {id: d, prompt: fourth}
"""
ONE = "defaults: {provider: till, duration: 2}\nshots:\n  - {id: a, prompt: first}\n"


class DeathError(BaseException):
    """The process ends at this event."""


def dies_at(kind: str, step: str = "") -> Callable[[Desk], Callable[[Event], None]]:
    """A listener that ends the run when an event of this class, of this step, is heard."""

    def hear(event: Event) -> None:
        if type(event).__name__ == kind and step in ("", getattr(event, "step", "")):
            raise DeathError

    return lambda desk: hear


def die(path: Path, wants: Wants, home: House, kind: str, step: str = "") -> None:
    with pytest.raises((DeathError, BaseExceptionGroup)):
        api.run(path, wants, home, listen=dies_at(kind, step))


def edit(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def shots(ended: Outcome | Mapping[str, Any]) -> dict[str, Any]:
    manifest = ended.manifest if isinstance(ended, Outcome) else ended
    return {shot["id"]: shot for shot in manifest["shots"]}


def statuses(ended: Outcome) -> dict[str, str]:
    return {name: shot["status"] for name, shot in shots(ended).items()}


# what a death leaves


def test_documents_that_a_death_prevented_are_written_later(write: Write, house: MakeHouse) -> None:
    """Between a run's end and its manifest: an earlier run's lies there, and the next command replaces it."""
    path = write(FOUR)
    home, service = house()
    first = api.run(path, YES, home)
    edit(path, "fourth", "other")
    die(path, YES, home, "RunEnded")
    told = loads((first.output / "manifest.json").read_bytes())
    assert told["run"]["id"] == first.manifest["run"]["id"]
    ended = api.run(path, YES, home)
    assert (ended.began, ended.status, service.charged) == (False, "complete", 30)
    assert loads((first.output / "manifest.json").read_bytes()) == ended.manifest
    assert ended.manifest["run"]["id"] != first.manifest["run"]["id"]
    assert shots(ended)["d"]["prompt"] == "other"


def test_what_a_dead_process_made_still_counts_as_made(write: Write, house: MakeHouse) -> None:
    """After its death an edit of `b` finds that `c` only follows, and asks before it is bought again."""
    path = write(FOUR)
    home, service = house()
    die(path, YES, home, "Succeeded", "c/generate")
    edit(path, "second", "changed")
    with pytest.raises(DecisionNeeded, match="c would be paid for again"):
        api.run(path, YES, home)
    assert [job["body"]["prompt"] for job in service.jobs.values()].count("changed") == 0


def test_two_deaths_in_a_row_forget_nothing(write: Write, house: MakeHouse) -> None:
    """The second takes the first one's plan away, and what that had made is noted before."""
    path = write(FOUR)
    home, _ = house()
    die(path, YES, home, "Succeeded", "c/generate")
    edit(path, "fourth", "other")
    die(path, YES, home, "RunStarted")
    edit(path, "second", "changed")
    with pytest.raises(DecisionNeeded, match="c would be paid for again"):
        api.run(path, YES, home)


def test_a_death_forgets_nothing_of_what_was_to_change(write: Write, house: MakeHouse) -> None:
    """Of what the second process was to make otherwise, its plan says nothing: what the first had made is noted."""
    path = write(FOUR)
    home, _ = house()
    die(path, YES, home, "Succeeded", "c/generate")
    edit(path, "second", "changed")
    die(path, dataclasses.replace(YES, follow=True), home, "RunStarted")
    edit(path, "changed", "another")
    with pytest.raises(DecisionNeeded, match="c would be paid for again"):
        api.run(path, YES, home)


def test_an_interrupted_run_with_nothing_left_is_completed(write: Write, house: MakeHouse) -> None:
    """Stopped in its last moment: the same command only says that it is done, in the manifest too."""
    path = write(ONE)
    home, service = house()
    first = api.run(path, YES, home)
    with Ledger(path.parent / ".rushes" / "ledger.sqlite3") as ledger:
        ended = RunEnded(at="2026-01-01T00:00:00.000Z", status="interrupted")
        journal.write(ledger._connection, first.manifest["run"]["id"], [journal.row_of(ended)])
    again = api.run(path, YES, home)
    assert (again.status, again.exit_code, again.manifest["run"]["status"]) == ("complete", 0, "complete")
    assert again.manifest["run"]["id"] == first.manifest["run"]["id"]
    assert (api.run(path, YES, home).began, service.charged) == (False, 6)


@pytest.mark.parametrize("kind", ["Started", "Submitted", "Settled", "Succeeded"])
def test_a_death_around_a_paid_job_buys_it_once(kind: str, write: Write, house: MakeHouse) -> None:
    """Before its job is known it is held; from then on it is taken up where it stands. Never two jobs."""
    path = write(ONE)
    home, service = house()
    die(path, YES, home, kind, "a/generate")
    ended = api.run(path, YES, home)
    assert (ended.exit_code, len(service.jobs)) == ((4, 0) if kind == "Started" else (0, 1))
    money = ended.manifest["budget"]["by_account"]["till"]
    expected = (0, 6) if kind == "Started" else (6, 0)
    assert (money["charged"], money["unknown"], money["reserved"]) == (*expected, 0)


def test_retries_count_over_all_processes_of_a_run(write: Write, house: MakeHouse) -> None:
    """`retry: 1` buys twice, however often the process dies in between; then the failure stands."""
    path = write(ONE.replace("prompt: first", "prompt: first, retry: 1"))
    home, service = house({"first": ["broke", "broke", "broke"]})
    die(path, YES, home, "Failed", "a/generate")
    assert api.run(path, YES, home).exit_code == 1
    assert api.run(path, YES, home).exit_code == 1
    assert len(service.jobs) == 2
    assert [attempt["status"] for attempt in shots(api.run(path, YES, home))["a"]["attempts"]] == ["failed", "failed"]


def test_a_shot_renamed_while_a_service_works_keeps_its_job(write: Write, house: MakeHouse) -> None:
    """Its name is in no key: the job is taken up under the new one, and paid once."""
    path = write(ONE)
    home, service = house()
    die(path, YES, home, "Submitted", "a/generate")
    edit(path, "id: a", "id: z")
    ended = api.run(path, YES, home)
    assert (ended.exit_code, len(service.jobs), shots(ended)["z"]["credits"]["charged"]) == (0, 1, 6)


# what a service does not say, or does not deliver


def test_a_service_that_will_not_say_has_its_money_held(write: Write, house: MakeHouse) -> None:
    """A key revoked while it works: pending and held, not failed and forgotten; when it speaks again, one job."""
    path = write(ONE)
    home, service = house()
    service.silent = True
    ended = api.run(path, YES, home)
    assert (ended.exit_code, statuses(ended)) == (1, {"a": "pending"})
    assert ended.manifest["budget"]["by_account"]["till"]["reserved"] == 6
    assert shots(ended)["a"]["hint"].startswith("Run the same command again")
    service.silent = False
    ended = api.run(path, YES, home)
    assert (ended.exit_code, len(service.jobs), service.charged) == (0, 1, 6)


def test_what_is_paid_and_not_delivered_is_asked_for_again(write: Write, house: MakeHouse) -> None:
    """The link died: failed with its charge, never bought again, not even with `retry`; the next run fetches it."""
    path = write(ONE.replace("prompt: first", "prompt: first, retry: 3"))
    home, service = house()
    service.dead_links = 99
    ended = api.run(path, YES, home)
    assert (ended.exit_code, statuses(ended), len(service.jobs)) == (1, {"a": "failed"}, 1)
    assert (shots(ended)["a"]["credits"]["charged"], shots(ended)["a"]["error"]) == (6, "the link has expired.")
    service.dead_links = 0
    ended = api.run(path, YES, home)
    assert (ended.exit_code, len(service.jobs), shots(ended)["a"]["credits"]["charged"]) == (0, 1, 6)


def test_a_file_that_vanished_before_it_was_sent_is_no_lasting_failure(write: Write, house: MakeHouse) -> None:
    """Nothing is sent; back in its place, the shot is made."""
    from tests.stub import PNG

    path = write(ONE.replace("prompt: first", "prompt: first, references: [keeper.png]"))
    picture = path.with_name("keeper.png")
    picture.write_bytes(PNG)
    home, service = house()

    def consent(desk: Desk, question: str) -> bool:
        picture.unlink()
        return True

    assert api.run(path, house=home, consent=consent).exit_code == 1
    assert service.asked == []
    picture.write_bytes(PNG)
    ended = api.run(path, YES, home)
    assert (ended.exit_code, len(service.jobs)) == (0, 1)


# going on


def test_only_does_not_complete_a_run_of_everything(write: Write, house: MakeHouse) -> None:
    """A run that a cap stopped stays unfinished, and its cap goes on counting; the rest comes later, in that run."""
    path = write("budget: {run: {credits: {till: 13}}, on_exceed: stop}\n" + FOUR)
    home, service = house()
    first = api.run(path, YES, home)
    only = dataclasses.replace(YES, only=("a",))
    assert [api.run(path, only, home).status for _ in range(2)] == ["partial", "partial"]
    assert api.run(path, only, home).began is False
    assert (api.run(path, YES, home).exit_code, service.charged) == (3, 12)
    edit(path, "till: 13", "till: 24")
    last = api.run(path, YES, home)
    assert (last.status, service.charged) == ("complete", 24)
    assert last.manifest["run"]["id"] == first.manifest["run"]["id"]


def test_only_by_itself_is_complete(write: Write, house: MakeHouse) -> None:
    """It was all that was asked for; the manifest lists every shot."""
    path = write(FOUR)
    home, _ = house()
    ended = api.run(path, dataclasses.replace(YES, only=("a",)), home)
    assert (ended.status, statuses(ended)) == (
        "complete",
        {"a": "done", "b": "pending", "c": "pending", "d": "pending"},
    )


def test_an_edit_continues_the_unfinished_run(write: Write, house: MakeHouse) -> None:
    """Same id, one manifest with the attempts of both recipes, money of both counted."""
    path = write(FOUR)
    home, service = house({"second": ["flagged"]})
    first = api.run(path, YES, home)
    edit(path, "second", "another")
    last = api.run(path, YES, home)
    assert last.manifest["run"]["id"] == first.manifest["run"]["id"]
    tried = [attempt for attempt in shots(last)["b"]["attempts"] if attempt["step"] == "b/generate"]
    assert [attempt["status"] for attempt in tried] == ["failed", "succeeded"]
    assert last.manifest["budget"]["by_account"]["till"]["charged"] == service.charged == 24


def test_a_failed_shot_leaves_the_film_unmade(write: Write, house: MakeHouse) -> None:
    """Skipped, with what it needed, in this run and in the next; made when the shot is."""
    path = write(FOUR + "film: {shots: [a, b]}\n")
    home, _ = house({"second": ["flagged"]})
    for _ in range(2):
        film = api.run(path, YES, home).manifest["film"]
        assert (film["status"], film["path"], film["error"]) == ("skipped", None, "needs b/generate, which failed")
    edit(path, "second", "another")
    assert api.run(path, YES, home).manifest["film"]["path"] == "film.mp4"


# redo


def test_a_redo_is_fresh_each_time_it_is_asked_for(write: Write, house: MakeHouse) -> None:
    """Also over a run that stays unfinished; cut short, the same command goes on with the one it had begun."""
    path = write(FOUR)
    home, service = house({"fourth": ["flagged"]})
    api.run(path, YES, home)
    redo = dataclasses.replace(YES, redo=("a",))
    keys = {shots(api.run(path, redo, home))["a"]["key"] for _ in range(2)}
    assert (len(keys), service.charged) == (2, 30)
    die(path, redo, home, "Submitted", "a/generate")
    jobs = len(service.jobs)
    keys.add(shots(api.run(path, redo, home))["a"]["key"])
    assert (len(keys), len(service.jobs), service.charged) == (3, jobs, 36)


def test_a_redo_that_fails_can_be_asked_for_again(write: Write, house: MakeHouse) -> None:
    """A failure stands until the shot is named, each time it is."""
    path = write(ONE)
    home, service = house({"first": ["flagged", "flagged", ""]})
    redo = dataclasses.replace(YES, redo=("a",))
    codes = [api.run(path, wants, home).exit_code for wants in (YES, redo, YES, redo)]
    assert codes == [1, 1, 1, 0]
    assert (len(service.jobs), service.charged) == (3, 6)


# consent


def test_who_says_no_to_followers_keeps_them(write: Write, house: MakeHouse) -> None:
    """The changed shot is made and its follower kept, stale; where only followers are left, nothing is."""
    path = write(FOUR)
    home, service = house()
    api.run(path, YES, home)
    edit(path, "second", "changed")
    asked: list[str] = []

    def consent(_: Desk, question: str) -> bool:
        asked.append(question)
        return question != "follow"

    ended = api.run(path, house=home, consent=consent)
    assert (shots(ended)["b"]["status"], shots(ended)["c"]["stale"], service.charged) == ("done", True, 30)
    with pytest.raises(DecisionNeeded, match="you said no"):
        api.run(path, house=home, consent=consent)
    assert (asked, service.charged) == (["follow", "spend", "follow"], 30)


def test_a_shared_result_keeps_what_it_cost(write: Write, house: MakeHouse) -> None:
    """Two shots with one clip: what it cost is told when it is reused, and not counted twice."""
    path = write(ONE + "  - {id: z, prompt: first}\n")
    home, _ = house()
    api.run(path, YES, home)
    edit(path, "name: tale", "name: other")
    again = shots(api.run(path, YES, home))
    assert (again["a"]["status"], again["a"]["credits"]["charged"]) == ("reused", 6)


# what is left alone


def test_files_that_are_gone_are_put_back_and_others_left(write: Write, house: MakeHouse) -> None:
    """With nothing to do: the clip comes back from the store, no run begins, and the user's own files stay."""
    path = write(ONE)
    home, service = house()
    ended = api.run(path, YES, home)
    clip = ended.output / "shots" / "a.mp4"
    whole = clip.read_bytes()
    clip.unlink()
    (ended.output / "notes.txt").write_text("mine")
    again = api.run(path, YES, home)
    assert (again.began, clip.read_bytes() == whole, service.charged) == (False, True, 6)
    assert (ended.output / "notes.txt").read_text() == "mine"


def test_a_lesser_run_replaces_no_finished_file(write: Write, house: MakeHouse) -> None:
    """A shot that now fails leaves the clip it had before where it lies, and the manifest does not claim it."""
    path = write(ONE)
    home, _ = house({"changed": ["flagged"]})
    clip = api.run(path, YES, home).output / "shots" / "a.mp4"
    edit(path, "first", "changed")
    ended = api.run(path, YES, home)
    assert (shots(ended)["a"]["status"], shots(ended)["a"]["outputs"], clip.exists()) == ("failed", {}, True)
