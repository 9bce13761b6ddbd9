"""The dance with the pages of real services: marks, doubts, young jobs, one more question, fresh links, limits."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio
import trio.testing

from pipeline.errors import Advice, JobLost, LinkDied, ProviderError
from pipeline.providers import naci, remote, seedance2_movie, seedancee2, seegen, seegen_upscaler
from pipeline.providers.base import Call, Reply
from tests.providers.wishes import ok, wish

T = TypeVar("T")
NACI = naci.page()
URL = "https://x.example/v"
GONE = ok({"code": "task_not_exist", "message": "no"}, 400)
BUSY = ok({"message": "3 tasks"}, 429)
RUNNING = ok({"taskId": "t", "status": "PROCESSING"})
DONE = ok({"taskId": "t", "status": "COMPLETED", "creditsUsed": 200, "output": [{"url": URL}]})


class Wire:
    """Answers in turn; downloads say what their link says."""

    def __init__(self, answers: Iterable[Reply | ProviderError], poll_seconds: float = 5) -> None:
        self.answers = iter(answers)
        self.poll_seconds = poll_seconds
        self.asked: list[Call] = []
        self.times: list[float] = []
        self.fetched: list[str] = []

    async def send(self, call: Call) -> Reply:
        self.asked.append(call)
        self.times.append(trio.current_time())
        answer = next(self.answers)
        if isinstance(answer, ProviderError):
            raise answer
        return answer

    async def download(self, url: str, out: Path) -> None:
        self.fetched.append(url)
        if "dead" in url:
            raise LinkDied("dead.", advice=Advice.LATER)
        out.write_bytes(b"\0\0\0\x18ftypmp42")


def play(dance: Callable[..., Awaitable[T]], *values: Any, **named: Any) -> T:
    async def go() -> T:
        return await dance(*values, **named)

    return trio.run(go, clock=trio.testing.MockClock(autojump_threshold=0))  # type: ignore[no-any-return]


def test_the_mark_and_the_callback_go_with_the_request() -> None:
    """Where the page has a place for them."""
    wire = Wire([ok({"data": {"id": "vid_1"}}, 202)])
    request = seedancee2.request(wish())
    named = {"mark": "k1:a r1", "callback": "https://hooks.example/x"}
    assert play(remote.submit, seedancee2, wire, request, [], **named) == "vid_1"
    body = wire.asked[0].body
    assert body is not None
    assert (body["metadata"], body["callback_url"]) == ({"customer_job_id": "k1:a r1"}, "https://hooks.example/x")
    assert "metadata" not in request


def test_a_refusal_that_names_a_task_has_taken_it() -> None:
    """Movie's limit under HTTP 429, with an id; without one it is a doubt."""
    body = {"code": "CONCURRENCY_LIMIT_REACHED", "message": "queued", "result": {"task_id": "a1"}}
    assert play(remote.submit, seedance2_movie, Wire([ok(body, 429)]), {"content": []}, []) == "a1"
    with pytest.raises(ProviderError) as error:
        play(remote.submit, seedance2_movie, Wire([ok(body | {"result": None}, 429)]), {"content": []}, [])
    assert error.value.advice is Advice.DOUBT


def test_the_upscaler_dances_the_same() -> None:
    """Submit, poll, done, on the same wire."""
    done = {"taskId": "u", "status": "completed", "creditsConsumed": 190, "result": {"url": URL}}
    wire = Wire([ok({"taskId": "u", "status": "validating"}), ok({"taskId": "u", "status": "processing"}), ok(done)])
    request = seegen_upscaler.request("2k")
    job = play(remote.submit, seegen_upscaler, wire, request, ["https://cdn.example/clip.mp4"])
    status = play(remote.wait, seegen_upscaler, wire, job)
    assert (status.links, status.charged) == ({"video": URL}, 190)
    assert [call.path for call in wire.asked] == ["/upscale/create", "/upscale/query", "/upscale/query"]


def test_a_job_that_is_not_there_yet_is_asked_after_again() -> None:
    """For a minute; then it is lost."""
    wire = Wire([GONE, GONE, ok({"id": "t", "status": "succeeded", "content": {"video_url": URL}})], 10)
    assert play(remote.wait, NACI, wire, "t").links == {"video": URL}
    with pytest.raises(JobLost):
        play(remote.wait, NACI, Wire([GONE] * 20, 10), "t")


def test_a_service_is_never_asked_before_it_wishes() -> None:
    """Though pauses vary, so that many jobs are not asked after at once."""
    busy = ProviderError("shop is busy.", advice=Advice.LATER, after_seconds=100)
    wire = Wire([busy] * 30 + [ok({"id": "t", "status": "succeeded", "content": {"video_url": URL}})])
    play(remote.wait, NACI, wire, "t")
    pauses = [later - sooner for sooner, later in itertools.pairwise(wire.times)]
    assert len(set(pauses)) > 5
    assert 100 <= min(pauses) <= max(pauses) < 111


def test_a_success_without_a_link_is_asked_for_raw_once() -> None:
    """And what the raw answer says is what came of it; without one there, it is done without a link."""
    wrapper = ok({"code": "success", "data": {"task_id": "t", "status": "SUCCESS", "fail_reason": ""}})
    raw = ok({"id": "t", "status": "succeeded", "content": {"video_url": URL}})
    wire = Wire([wrapper, raw])
    assert play(remote.wait, NACI, wire, "t").links == {"video": URL}
    assert wire.asked[1].query == {"raw": "true"}
    for last in (wrapper, ok({}, 500), ProviderError("cut.", advice=Advice.LATER)):
        status = play(remote.wait, NACI, Wire([wrapper, last]), "t")
        assert (status.done, status.links, status.error) == (True, {}, None)


def test_questions_are_not_asked_in_step_and_go_slower() -> None:
    """From 5 to 20 seconds, a tenth more or less; a 429 makes them slower at once."""
    wire = Wire([RUNNING] * 12 + [DONE])
    assert play(remote.wait, seegen, wire, "t").done
    waits = [after - before for before, after in zip([0.0, *wire.times], wire.times, strict=False)]
    assert 4.5 <= waits[0] <= 5.5
    assert 18 <= waits[-1] <= 22
    wire = Wire([BUSY, BUSY, DONE])
    play(remote.wait, seegen, wire, "t")
    assert wire.times[2] - wire.times[1] > 9


def test_a_rehearsal_begins_fast_and_comes_to_the_services_pace() -> None:
    """0.2 seconds at first, 5 in the end."""
    wire = Wire([RUNNING] * 30 + [DONE], poll_seconds=0.2)
    play(remote.wait, seegen, wire, "t")
    assert wire.times[0] < 0.25
    assert 4.5 <= wire.times[-1] - wire.times[-2] <= 5.5


def test_a_limit_leaves_the_job_to_go_on() -> None:
    """LATER: it is neither failed nor lost."""
    with pytest.raises(ProviderError) as error:
        play(remote.wait, seegen, Wire([RUNNING] * 500), "t", limit_seconds=2700)
    assert error.value.advice is Advice.LATER
    assert "45 minutes" in error.value.fact


def test_a_dead_link_is_asked_for_again(tmp_path: Path) -> None:
    """Once, by the job; a second dead one is the end."""
    wire = Wire([DONE])
    fresh = remote.fresh_links(seegen, wire, "t")
    files = play(remote.fetch, wire, {"video": "https://x.example/dead"}, tmp_path, fresh=fresh)
    assert files == {"video": tmp_path / "video.mp4"}
    assert wire.fetched == ["https://x.example/dead", URL]
    with pytest.raises(LinkDied):
        play(remote.fetch, Wire([]), {"video": "https://x.example/dead"}, tmp_path)


def test_no_link_is_no_result(tmp_path: Path) -> None:
    """Done and nothing named is told, not taken for a success."""
    with pytest.raises(ProviderError, match="names no file"):
        play(remote.fetch, Wire([]), {}, tmp_path)


def test_an_extra_that_cannot_be_had_is_left_out(tmp_path: Path) -> None:
    """A service's last frame is nothing that a clip fails for."""
    links = {"video": URL, "last_frame": "https://x.example/dead"}
    assert play(remote.fetch, Wire([]), links, tmp_path) == {"video": tmp_path / "video.mp4"}
