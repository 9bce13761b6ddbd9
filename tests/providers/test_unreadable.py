"""Answers in which nothing can be read, and names that cannot be sent on: a doubt for a create, later for the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Advice, ProviderError
from pipeline.providers import answers, naci, reach, seedance2_movie, seedancee2, seegen, seegen_upscaler
from pipeline.providers.answers import TOO_LONG, Unreadable
from pipeline.providers.base import Asked, Call, Reply
from tests import stub
from tests.providers.test_http import run, wire
from tests.providers.test_reach import Calls, Wire, fails, play
from tests.providers.wishes import ok

NACI = naci.page()
NO_NAMES = ["a\ud800b", "a\x00b", "a\n\x1b[2Jb", "\u202egpj", "x" * 1001, ""]


@pytest.mark.parametrize("name", NO_NAMES, ids=ascii)
def test_such_a_text_is_no_id(name: str) -> None:
    """Half of a pair, control characters, what turns the line round, what is longer than any."""
    assert answers.text(name) == ""
    for page, body in (
        (seegen, {"taskId": name}),
        (seegen_upscaler, {"taskId": name}),
        (seedance2_movie, {"code": "200", "result": {"task_id": name}}),
        (seedancee2, {"data": {"id": name}}),
        (NACI, {"task_id": name}),
        (NACI, {"id": name}),
    ):
        reply = ok(body)
        assert page.job_id(reply) is None  # type: ignore[attr-defined]
        assert page.fault(reply, "create").advice is Advice.DOUBT  # type: ignore[attr-defined]


def test_a_thousand_characters_may_be_one() -> None:
    """And so may names in any script."""
    for name in ("x" * 1000, "ключ-1", "a b", 12):
        assert answers.text(name) == str(name)


@pytest.mark.parametrize("url", ["https://x/\ud800", "https://x/\x00", "https://x/\n", "https://x/\u202e", "https://["])
def test_such_a_link_is_none(url: str) -> None:
    """A job without another is done without one; a place in storage cannot be read."""
    assert answers.link(url) == ""
    output = {"video_url": url, "last_frame_url": url}
    assert seedancee2.status(ok({"data": {"status": "completed", "output": output}})).links == {}
    for result in ({"presigned_url": url, "file_path": "a"}, {"presigned_url": "https://x/y", "file_path": "\ud800"}):
        with pytest.raises(Unreadable) as caught:
            seedance2_movie.slot(ok({"code": "200", "result": result}))
        assert caught.value.hint


def test_a_listed_job_whose_id_cannot_be_read_proves_nothing() -> None:
    """It may be the one that is looked for."""
    with pytest.raises(Unreadable):
        seedance2_movie.listed(ok({"code": "200", "result": {"data": [{"task_id": "\ud800"}]}}), {}, "m")
    with pytest.raises(Unreadable):
        seedancee2.listed(ok({"data": [{"id": "a\n"}]}), {}, "m")


def test_an_asset_of_no_name_cannot_be_used() -> None:
    """Neither by its id nor by its address."""
    with pytest.raises(ProviderError):
        seegen.asset(ok({"assetId": "\x00", "volcAssetId": "\ud800", "status": "ACTIVE"}))


def test_facts_can_be_written_down() -> None:
    """What cannot, is left out."""
    usage = {"completion_tokens": 5, "note": "\ud800"}
    link = {"video_url": "https://x/y"}
    assert NACI.status(ok({"status": "succeeded", "content": link, "usage": usage})).facts == {"tokens": 5}
    task = {"status": "completed", "video_url": "https://x/y", "seed": 10**4000}
    assert seedance2_movie.status(ok({"code": "200", "result": task})).facts == {}


def test_a_message_of_several_lines_is_kept() -> None:
    """In one."""
    task = {"status": "failed", "error_code": "X", "error_message": "two\nlines"}
    error = seedance2_movie.status(ok({"code": "200", "result": task})).error
    assert error is not None
    assert "two lines" in error.fact


# What is said of them


@pytest.mark.parametrize(
    ("reply", "fact"),
    [
        (Reply(status=200, text="<html>hi"), "seegen answered with something that cannot be read (200): <html>hi."),
        (Reply(status=200, text="x" * 300), f"seegen answered with something that cannot be read (200): {'x' * 80}."),
        (Reply(status=200, text=TOO_LONG), "seegen answered with more than 4 MB (200)."),
        (Reply(status=204), "seegen answered with nothing (204)."),
        (
            Reply(status=201, json=[1], request_id="r"),
            "seegen answered with JSON of another shape (201, request id r).",
        ),
    ],
)
def test_what_was_answered_is_told_in_short(reply: Reply, fact: str) -> None:
    """Not as the service's own words."""
    error = answers.unreadable("seegen", reply, "create")
    assert (error.fact, error.advice) == (fact, Advice.DOUBT)
    told = seegen.fault(reply, "create")
    assert (type(told), told.fact.partition(" ")[2]) == (Unreadable, fact.partition(" ")[2])


def test_words_of_forbidden_content_in_a_page_refuse_nothing() -> None:
    """What came with a success may have been taken."""
    assert seegen.fault(Reply(status=200, text="<p>content moderation"), "create").advice is Advice.DOUBT


def test_a_long_text_that_refuses_is_quoted_in_short() -> None:
    """Eighty characters of it."""
    assert seegen.fault(Reply(status=400, text="y" * 300), "create").fact == f"SeeGen says: {'y' * 80} (400)."


def test_an_endless_answer_is_told_as_that() -> None:
    """Over the wire."""
    line = wire(lambda _: httpx.Response(200, content=b'{"taskId": "T1", "x": "' + b"a" * 5_000_000 + b'"}'))
    reply = run(lambda: line.send(Call(method="POST", path="/x", body={})))
    assert seegen.job_id(reply) is None
    assert seegen.fault(reply, "create").fact == "SeeGen answered with more than 4 MB (200)."


# Reading


@pytest.mark.parametrize("kind", [ValueError, OverflowError, ArithmeticError, RecursionError, UnicodeError])
@pytest.mark.parametrize(
    ("asked", "advice"), [("create", Advice.DOUBT), ("poll", Advice.LATER), ("other", Advice.LATER)]
)
def test_whatever_reading_makes_of_it_is_an_unreadable_answer(
    kind: type[Exception], asked: Asked, advice: Advice
) -> None:
    """With the advice for what was asked, and without what was raised."""

    def look(reply: Reply) -> str:
        raise kind("odd")

    with pytest.raises(Unreadable) as caught:
        answers.read("seegen", asked, look, ok({"status": "x"}))
    assert (caught.value.advice, caught.value.__context__) == (advice, None)


def test_what_can_be_read_is_given_and_what_refuses_refuses() -> None:
    """A page's own errors come through."""
    assert answers.read("seegen", "create", seegen.job_id, ok({"taskId": "T1"})) == "T1"
    with pytest.raises(ProviderError, match="SeeGen says: no"):
        answers.read("seegen", "poll", seegen.status, ok({"message": "no"}, 400))


@given(st.text(max_size=40) | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,5} [0-9:.+-]{0,14}"))
def test_any_header_is_a_time_to_wait_or_none(value: str) -> None:
    """Retry-After, whatever stands in it."""
    seconds = answers.retry_after(value, 1_700_000_000.0)
    assert seconds is None or 0 <= seconds <= answers.MOST_WAIT


# Inputs


def test_an_unreadable_place_is_asked_for_twice(tmp_path: Path) -> None:
    """The third answer would be no better; the words have a way out."""
    path = tmp_path / "k.png"
    path.write_bytes(stub.PNG)
    place: dict[str, Any] = {"presigned_url": "https://x/\ud800", "file_path": "a"}
    line = Wire({"POST /api/v1/video/upload/presign": [ok({"code": "200", "result": place})]})
    error = fails(reach.store, seedance2_movie, line, path, "k.png")
    assert (len(line.asked), error.advice) == (2, Advice.LATER)
    assert "Run the same command again" in error.hint


def test_a_free_call_waits_a_minute_at_most() -> None:
    """Whatever a Retry-After says."""
    hours = ProviderError("Slower.", advice=Advice.SLOW_DOWN, after_seconds=3600)
    call = Calls(hours, hours)
    assert play(reach.patiently, call) == ("done", 120)
