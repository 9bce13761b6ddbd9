"""naci's answers: the printed forms, their relatives in its family of gateways, and the traps in them."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import Advice, JobLost, Moderated, ProviderError
from pipeline.providers import naci
from tests.providers.wishes import ok

PAGE = naci.page()
ID = "cgt-20260330164007-wnc8k"
URL, FRAME = "https://example.com/generated-video.mp4", "https://example.com/last-frame.png"
RAW: dict[str, Any] = {  # S4:110-129
    "id": ID,
    "model": "doubao-seedance-2-0-260128",
    "status": "succeeded",
    "content": {"video_url": URL, "last_frame_url": FRAME},
    "seed": 1345,
    "resolution": "720p",
    "ratio": "16:9",
    "duration": 11,
    "framespersecond": 30,
    "usage": {"completion_tokens": 13987, "total_tokens": 15000},
    "created_at": 1774860007,
    "updated_at": 1774860088,
}
USAGE = {"completion_details": {"video_durations": 11, "video_tokens": 15000}, "ratio": "16:9"}
RECORD: dict[str, Any] = {
    "task_id": ID, "action": "generate", "status": "SUCCESS", "fail_reason": "", "progress": "100%",
}  # fmt: skip


def wrapped(**said: Any) -> dict[str, Any]:
    return {"code": "success", "data": RECORD | said}


OPENAI: dict[str, Any] = {  # S4:96-108
    "id": ID, "task_id": ID, "object": "video", "status": "completed", "progress": 100, "metadata": {"url": URL},
}  # fmt: skip

DONE = [
    wrapped(data=RAW, usage=USAGE),  # A, S4:54-95
    wrapped(data=RAW) | {"code": 200, "message": ""},
    wrapped(result_url=URL),  # A, newer
    OPENAI,  # B
    {"task_id": ID, "status": "succeeded", "url": URL, "format": "mp4"},  # C
    {"code": "success", "data": {"task_id": ID, "status": "succeeded", "url": URL}},  # D
    RAW,  # E
    wrapped(data={"data": RAW}),  # F
    wrapped(data={"code": "success", "data": RAW | {"content": [{"type": "video_url", "video_url": {"url": URL}}]}}),
    wrapped(fail_reason=URL),  # older gateways put the result there
    wrapped(status="success", video_url=URL),
    {"status": "Completed", "output": {"video_url": URL}},
    {"status": "completed", "result": {"video_url": URL}},
]


@pytest.mark.parametrize("body", DONE)
def test_every_form_of_success(body: Any) -> None:
    """The clip's link, wherever the form has it."""
    status = PAGE.status(ok(body))
    assert (status.done, status.error) == (True, None)
    assert status.links["video"] == URL


def test_usage_is_kept_with_its_tokens() -> None:
    """The wrapper's tokens, else the raw task's; and the last frame where it was asked for (D4)."""
    status = PAGE.status(ok(wrapped(data=RAW, usage=USAGE)))
    assert (status.facts["tokens"], status.facts["usage"]) == (15000, USAGE)
    assert status.links["last_frame"] == FRAME
    assert status.charged is None
    assert PAGE.status(ok(RAW)).facts["tokens"] == 13987


@pytest.mark.parametrize(
    "word", ["NOT_START", "SUBMITTED", "QUEUED", "pending", "IN_PROGRESS", "processing", "UNKNOWN", "", "dreaming"]
)
def test_everything_else_is_not_over(word: str) -> None:
    """Also with a progress of 100, and words that nobody knows."""
    assert not PAGE.status(ok(wrapped(status=word, progress="100%"))).done
    assert not PAGE.status(ok(OPENAI | {"status": word})).done


@pytest.mark.parametrize("word", ["failed", "cancelled", "expired"])
def test_a_job_at_30_percent_for_ever_is_seen_to_be_over(word: str) -> None:
    """The wrapper calls it running for a day; the raw task inside says what became of it."""
    status = PAGE.status(ok(wrapped(status="IN_PROGRESS", progress="30%", data={"id": ID, "status": word})))
    assert status.error is not None
    assert status.error.advice is Advice.LATER


def test_the_wrappers_success_holds() -> None:
    """A raw task that still runs in the answer of a wrapper that is done changes nothing, nor the other way round."""
    assert PAGE.status(ok(wrapped(result_url=URL, data=RAW | {"status": "running"}))).links["video"] == URL
    assert not PAGE.status(ok(wrapped(status="IN_PROGRESS", data=RAW))).done


FLAGGED = "OutputVideoSensitiveContentDetected.PolicyViolation"
FAILED = [
    (wrapped(status="FAILURE", fail_reason="out of luck"), ProviderError, Advice.LATER, "out of luck"),
    (wrapped(status="FAILURE", fail_reason=URL), ProviderError, Advice.LATER, "https"),
    (wrapped(status="FAILURE", fail_reason="任务超时（1440分钟）"), ProviderError, Advice.LATER, "1440"),
    (wrapped(status="FAILURE", fail_reason='{"error":{"code":"InvalidParameter","message":"bad ratio"}}'),
     ProviderError, Advice.NEVER, "bad ratio"),
    (RAW | {"status": "failed", "error": {"code": FLAGGED, "message": "a mouse"}}, Moderated, Advice.NEVER, "a mouse"),
    (wrapped(status="FAILURE", data=RAW | {"status": "failed", "error": {"code": FLAGGED, "message": "m"}}),
     Moderated, Advice.NEVER, FLAGGED),
    (OPENAI | {"status": "failed", "error": {"message": "no", "code": "x"}}, ProviderError, Advice.LATER, "no"),
    ({"status": "timeout"}, ProviderError, Advice.LATER, "timeout"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "kind", "advice", "words"), FAILED)
def test_every_form_of_failure(body: Any, kind: type, advice: Advice, words: str) -> None:
    """The reason from the innermost record; a link in `fail_reason` is no result of a failure."""
    status = PAGE.status(ok(body))
    assert status.error is not None
    assert (type(status.error), status.error.advice) == (kind, advice)
    assert words in status.error.fact
    assert status.links == {}


def test_a_success_without_a_link_is_asked_for_raw_once_more() -> None:
    """Reading (ii) of the printed forms: the wrapper alone has no place for the link (D1)."""
    status = PAGE.status(ok(wrapped()))
    assert (status.done, status.links) == (True, {})
    assert status.ask is not None
    assert (status.ask.path, status.ask.query) == (f"/v1/video/generations/{ID}", {"raw": "true"})


@pytest.mark.parametrize(
    "body",
    [
        {"id": ID, "task_id": ID, "object": "video", "status": "queued", "progress": 0},
        {"id": ID},
        {"code": "success", "data": {"task_id": ID}},
        {"code": 200, "data": {"id": ID}},
        {"code": "success", "data": ID},
    ],
)
def test_every_form_of_an_accepted_create(body: Any) -> None:
    """S4:20-28 and its relatives."""
    assert PAGE.job_id(ok(body)) == ID


@pytest.mark.parametrize(
    "body", [{"code": 400, "data": ID}, {"error": "no", "id": ID}, {"code": "success", "data": None}, [], ID]
)
def test_what_is_no_accepted_create(body: Any) -> None:
    """An error under HTTP 200 names no job."""
    assert PAGE.job_id(ok(body)) is None


def test_an_empty_success_is_a_job_that_is_not_there() -> None:
    """Form G; a young job may not be there yet, which `remote.wait` knows."""
    with pytest.raises(JobLost):
        PAGE.status(ok({"code": "success", "data": None}))


def test_the_query_asks_for_everything() -> None:
    """S4:49."""
    call = PAGE.poll(ID)
    assert (call.path, call.query) == (f"/v1/video/generations/{ID}", {"show_raw": "true", "show_usage": "true"})
