"""Runs that do not end well: what is told of it and what can be typed then, what is never bought twice, and Ctrl-C."""

from __future__ import annotations

import dataclasses
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.cli.main import main
from pipeline.emulators.settings import ALL
from tests.conftest import ROOT
from tests.journeys.services import COST, YES, Quarter, Street, charged, creates, ledger, money, shots

Write = Callable[..., Path]

NAMED = (
    "defaults: {{provider: {0}, duration: 4, resolution: 720p}}\n"
    "references: {{keeper: {{image: keeper.png}}}}\n"
    "shots: [{{id: a, references: [keeper], retry: 3, prompt: a keeper}}, {{id: b, chain: a, prompt: he climbs}}]\n"
)
SAID: Mapping[str, tuple[str, str, str]] = {  # code, message, and what is told of the part
    "seegen": ("", "The request failed because the input image may contain real person.", "the reference keeper"),
    "seedance2-movie": ("PRIVACY_VIOLATION", "", "the reference keeper"),
    "seedancee2": ("", "", "does not say which part"),
    "naci": ("InputImageSensitiveContentDetected.PolicyViolation", "No.", "the reference keeper"),
}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("when", ["moderated_at_create", "moderated_later"])
def test_what_is_forbidden_is_named_and_never_asked_for_again(
    name: str, when: str, write: Write, street: Street, picture: bytes
) -> None:
    """One request, whatever `retry` says; the cause is in the manifest, and stands for another run's results too."""
    path = write(NAMED.format(name))
    (path.parent / "keeper.png").write_bytes(picture)
    code, message, told = SAID[name]
    with street(name) as quarter:
        quarter.stand.faults.add(when, code=code, message=message, times=None)
        ended = api.run(path, YES, quarter.house())
        elsewhere = dataclasses.replace(YES, output=path.parent / "elsewhere")
        other = api.run(path, elsewhere, quarter.house())
        for one in (ended, other):
            shot = shots(one.manifest)["a"]
            assert (one.exit_code, shot["status"], shot["cause"], shot["remedy"]) == (
                1,
                "failed",
                "moderation",
                "change",
            )
            assert told in shot["error"]
        assert [attempt["cause"] for attempt in shots(ended.manifest)["a"]["attempts"]] == ["moderation"]
        assert [shots(one.manifest)["b"]["remedy"] for one in (ended, other)] == ["before", "before"]
        assert (len(creates(quarter.stand)), charged(quarter.stand), money(ended, name)["charged"]) == (1, 0, 0)


def test_what_a_review_forbids_is_its_input(write: Write, street: Street, picture: bytes) -> None:
    """The shot was never sent: it is skipped, and says which picture it was; another picture is what helps."""
    path = write(NAMED.format("seegen").replace("keeper.png", "keeper.png, people: true"))
    (path.parent / "keeper.png").write_bytes(picture)
    with street("seegen") as quarter:
        quarter.stand.faults.add("asset_fails", message="A face.")
        shot = shots(api.run(path, YES, quarter.house()).manifest)["a"]
        assert (shot["status"], shot["cause"], shot["remedy"]) == ("skipped", "moderation", "change")
        assert "It forbids the input keeper." in shot["error"]
        assert creates(quarter.stand) == []


FOUR = (
    "defaults: {provider: seegen, duration: 4, resolution: 720p}\n"
    "shots:\n  - {id: a, prompt: forbidden}\n  - {id: b, prompt: a lake}\n"
    "  - {id: c, prompt: a hill}\n  - {id: d, chain: c, prompt: a dale}\n"
)


def test_fail_fast_begins_nothing_more_and_keeps_what_is_under_way(write: Write, street: Street) -> None:
    """Exit 1; what was begun is there, the rest is skipped with the reason; the same command goes on."""
    path = write(FOUR)
    wants = dataclasses.replace(YES, max_failures=1)
    with street("seegen", seconds_per_job=0.6) as quarter:
        quarter.stand.faults.add("moderated_at_create", match="forbidden")
        ended = api.run(path, wants, quarter.house(widths={"seegen": 2}))
        found = shots(ended.manifest)
        assert ended.exit_code == 1
        assert {name: shot["status"] for name, shot in found.items()} == {
            "a": "failed", "b": "done", "c": "skipped", "d": "skipped",
        } or {name: shot["status"] for name, shot in found.items()} == {
            "a": "failed", "b": "skipped", "c": "done", "d": "skipped",
        }  # fmt: skip
        why = "nothing more was begun after a failure: a failed"
        assert {shot["error"] for shot in found.values() if shot["status"] == "skipped"} == {why}
        assert {shot["remedy"] for shot in found.values() if shot["status"] == "skipped"} == {"again"}
        assert charged(quarter.stand) == money(ended, "seegen")["charged"] == COST["seegen"]
        again = api.run(path, wants, quarter.house())
        assert [shot["status"] for shot in again.manifest["shots"]] == ["failed", "done", "done", "done"]
        assert charged(quarter.stand) == money(again, "seegen")["charged"] == 3 * COST["seegen"]


# what is told at the end

FIVE = """
budget:
  run: {credits: {seegen: 2000, seedance2-movie: 20, seedancee2: 200, naci: 200}}
  shot: {credits: {seegen: 170, seedance2-movie: 20, seedancee2: 200, naci: 200}}
  on_exceed: skip
defaults: {duration: 4, resolution: 720p}
shots:
  - {id: dawn, provider: seegen, prompt: forbidden dawn}
  - {id: lamp, provider: seegen, chain: dawn, prompt: a lamp}
  - {id: calm, provider: seegen, prompt: forbidden calm}
  - {id: gulls, provider: seegen, takes: 2, duration: 8, prompt: gulls}
  - {id: stairs, provider: seedance2-movie, prompt: stairs}
  - {id: letter, provider: naci, prompt: a letter}
  - {id: reply, provider: naci, chain: letter, prompt: a reply}
  - {id: boat, provider: seedancee2, prompt: a boat}
film: {shots: [stairs]}
"""


@pytest.mark.parametrize("width", [80, pytest.param(120, marks=pytest.mark.slow)])
def test_the_end_tells_each_cause_once_and_what_to_type(
    width: int, write: Write, street: Street, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five kinds at once: grouped, whole, within the terminal's width; every command stands on a line and works."""
    path = write(FIVE)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.chdir(path.parent)
    with street() as quarter:
        stands = quarter.standing.stands
        stands["seegen"].faults.add("moderated_later", match="forbidden", times=None)
        stands["naci"].faults.add("lost_create")
        stands["seedance2-movie"].faults.add("link_expired", times=None)
        stands["seedancee2"].faults.add("refused", code="insufficient_credits", message="Your balance is too low.")
        house = quarter.house()
        assert main(["run", "recipe.yaml", "--yes"], house) == 4
        lines = capsys.readouterr().out.splitlines()
        told = "\n".join(lines)
        for head in (
            "2 shots failed by moderation: dawn, calm",
            "1 shot failed: stairs",
            "1 shot failed: boat",
            "1 shot of unknown outcome: letter",
            "2 shots not begun: gulls, gulls@2",
            "2 shots wait for what is not there: lamp, reply",
        ):
            assert head in lines
        assert told.count("Content moderation failed") == 1
        assert "Cost: 7.2 seedance2-movie@rehearsal credits charged." in told
        assert "Cost: 72 naci@rehearsal credits held until the outcome is known." in told
        assert "$0.00" not in told
        typed = [line.strip() for line in lines if line.strip().startswith("rushes ")]
        assert all(len(line) <= width for line in lines if line.strip() not in typed)
        assert typed[:3] == [
            "rushes recover recipe.yaml",
            "rushes run recipe.yaml --yes",
            "rushes run recipe.yaml --redo dawn --redo calm --yes",
        ]
        stands["seedance2-movie"].faults.clear()
        before = len(creates(stands["seedance2-movie"]))
        assert main(shlex.split(typed[1])[1:], house) == 4
        assert len(creates(stands["seedance2-movie"])) == before  # it was paid, and only its bytes were missing
        again = capsys.readouterr().out
        assert "2 shots failed by moderation: dawn, calm" in again
        assert "stairs" not in again.partition("What to type")[0].partition("Film:")[2].partition("\n")[2]
        assert main(["status", "recipe.yaml"], house) == 0
        status = capsys.readouterr().out
        assert "2 shots failed by moderation: dawn, calm" in status.splitlines()
        assert "    rushes recover recipe.yaml" in status.splitlines()
        stands["seegen"].faults.clear()
        assert main(shlex.split(typed[2])[1:], house) == 0  # these two were asked for, and are there
        assert "moderation" not in capsys.readouterr().out


def test_a_good_end_is_short(write: Write, capsys: pytest.CaptureFixture[str], street: Street) -> None:
    """A line for the run, one for its credits, one for the dollars, and where the film is."""
    path = write("defaults: {provider: seegen, duration: 4}\nshots: [{id: a, prompt: the sea}]\nfilm: true\n")
    with street("seegen") as quarter:
        assert main(["run", str(path), "--yes", "--max-credits", "200"], quarter.house()) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 4
        assert lines[0].endswith("is complete, 1 done")
        assert lines[1].startswith("seegen@rehearsal: 160 credits charged")
        assert lines[3].startswith("Film: ")
        assert lines[3].endswith("film.mp4")


# while it waits


@contextmanager
def under_way(quarter: Quarter, path: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """The run of a recipe as a process of its own, until the block ends."""
    environ = {**quarter.house().environ, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "COLUMNS": "200"}
    command = [sys.executable, "-m", "pipeline", "run", str(path), "--yes", "--max-credits", "1000", *words]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=environ, stdout=pipe, stderr=pipe, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(true: Callable[[], Any]) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError


ONE = "defaults: {provider: seegen, duration: 4, resolution: 720p}\nshots: [{id: a, prompt: the sea}]\n"


def test_ctrl_c_waits_for_the_answers_and_says_so(write: Write, street: Street) -> None:
    """The job that came of the request is known, and the same command goes on with it: paid once."""
    path = write(ONE)
    with street("seegen") as quarter:
        quarter.stand.faults.add("slow_create", seconds=1.5)
        with under_way(quarter, path) as process:
            until(lambda: quarter.stand.desk.jobs)
            process.send_signal(signal.SIGINT)
            assert process.stderr
            assert "waiting for the answer to 1 request" in process.stderr.readline()
            out, err = process.communicate(timeout=20)
            assert (process.returncode, "Nothing is lost" in err, "Traceback" in err) == (130, True, False)
            assert "1 shot not there yet: a" in out
        assert api.run(path, YES, quarter.house()).exit_code == 0
        assert (len(creates(quarter.stand)), charged(quarter.stand)) == (1, COST["seegen"])


@pytest.mark.parametrize("word", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_second_ctrl_c_ends_at_once_and_leaves_the_request_unknown(
    word: signal.Signals, write: Write, street: Street
) -> None:
    """Exit 130 without waiting; its money is held, `rushes recover` is told, and nothing is sent again by itself."""
    path = write(ONE)
    with street("seegen") as quarter:
        quarter.stand.faults.add("hung_before", seconds=60)
        with under_way(quarter, path) as process:
            until(lambda: quarter.stand.faults.struck)
            process.send_signal(word)
            assert process.stderr
            assert "Ctrl-C again ends at once" in process.stderr.readline()
            process.send_signal(word)
            began = time.monotonic()
            out, _ = process.communicate(timeout=20)
            assert (process.returncode, time.monotonic() - began < 5) == (130, True)
            assert "of unknown outcome: a" in out
            assert f"rushes recover {path}" in out
        held = [one for one in ledger(path.parent).unsettled() if one.job_id is None]
        assert [one.credits for one in held] == [COST["seegen"]]
        assert api.run(path, YES, quarter.house()).exit_code == 4
        assert len(creates(quarter.stand)) == 1


def test_a_long_rest_is_said_once_and_ctrl_c_does_not_wait_for_it(write: Write, street: Street) -> None:
    """A Retry-After of 40 seconds: told with its length; nothing is on the way then, so the run ends at once."""
    path = write(ONE)
    with street("seegen") as quarter:
        quarter.stand.faults.add("rate_limited", retry_after=40)
        with under_way(quarter, path) as process:
            until(lambda: process.stderr and "asked again in 40 s" in process.stderr.readline())
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
            assert (process.returncode, "asked again" in err, "waiting for the answer" in err) == (130, False, False)
        assert api.run(path, YES, quarter.house()).exit_code == 0
        assert charged(quarter.stand) == COST["seegen"]


@pytest.mark.slow
def test_a_json_log_has_what_is_waited_for(write: Write, street: Street) -> None:
    """Each wait once, as an object beside the events."""
    path = write(ONE)
    with street("seegen") as quarter:
        quarter.stand.faults.add("rate_limited", retry_after=40)
        with under_way(quarter, path, "--log", "json") as process:
            until(lambda: process.stderr and '"event":"Waiting"' in process.stderr.readline().replace(" ", ""))
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
            assert process.returncode == 130
