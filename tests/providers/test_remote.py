"""The one dance with a service, in virtual time: submit once, ask until it ends, fetch the bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio
import trio.testing

from pipeline.errors import Advice, ProviderError
from pipeline.providers import remote
from pipeline.providers.base import Call, Reply
from tests import stub, till

T = TypeVar("T")
RUNNING = Reply(status=200, json={"status": "running"})
DONE = Reply(status=200, json={"status": "done", "url": "https://till.example/clip.mp4", "cost": 3})
BUSY = Reply(status=429, retry_after=30)
GONE = Reply(status=404)
REQUEST = {"prompt": "p"}


class Wire:
    """Answers in turn; an error in the place of an answer is raised. Remembers when it was asked what."""

    def __init__(self, answers: Iterable[Reply | ProviderError], poll_seconds: float = 5) -> None:
        self.answers = iter(answers)
        self.poll_seconds = poll_seconds
        self.asked: list[tuple[float, Call]] = []

    async def send(self, call: Call) -> Reply:
        self.asked.append((trio.current_time(), call))
        answer = next(self.answers)
        if isinstance(answer, ProviderError):
            raise answer
        return answer

    async def download(self, url: str, out: Path) -> None:
        out.write_bytes(stub.PNG if "png" in url else b"\0\0\0\x18ftypmp42")

    @property
    def waits(self) -> list[float]:
        times = [0.0, *(at for at, _ in self.asked)]
        return [round(after - before, 3) for before, after in pairwise(times)]


def play(dance: Callable[..., Awaitable[T]], *values: Any) -> T:
    async def go() -> T:
        return await dance(*values)

    return trio.run(go, clock=trio.testing.MockClock(autojump_threshold=0))  # type: ignore[no-any-return]


def test_a_request_is_submitted_once_and_its_job_named() -> None:
    """One call, with the page's words; the answer's id."""
    wire = Wire([Reply(status=201, json={"id": "job-1"})])
    assert play(remote.submit, till, wire, REQUEST, []) == "job-1"
    assert [call for _, call in wire.asked] == [Call(method="POST", path="/jobs", body=REQUEST)]


@pytest.mark.parametrize(
    ("answer", "advice", "after"),
    [
        (BUSY, Advice.SLOW_DOWN, 30),
        (Reply(status=503), Advice.LATER, None),
        (Reply(status=400), Advice.NEVER, None),
        (Reply(status=500), Advice.DOUBT, None),
        (Reply(status=200, text="<html>"), Advice.DOUBT, None),
        (Reply(status=200, json={}), Advice.DOUBT, None),
        (ProviderError("cut off.", advice=Advice.DOUBT), Advice.DOUBT, None),
        (ProviderError("no route.", advice=Advice.LATER), Advice.LATER, None),
    ],
)
def test_what_is_no_job_comes_with_advice(answer: Any, advice: Advice, after: float | None) -> None:
    """A clear no may be sent again; what may have been accepted is doubted, and never sent twice."""
    wire = Wire([answer])
    with pytest.raises(ProviderError) as caught:
        play(remote.submit, till, wire, REQUEST, [])
    assert (caught.value.advice, caught.value.after_seconds) == (advice, after)
    assert len(wire.asked) == 1


def test_a_job_is_asked_after_slower_with_its_age() -> None:
    """From the account's pace to four times it."""
    wire = Wire([RUNNING] * 12 + [DONE])
    assert play(remote.wait, till, wire, "job-1").links == {"video": "https://till.example/clip.mp4"}
    assert wire.waits[:3] == [5, 6, 7.2]
    assert wire.waits[-1] == 20
    assert sorted(wire.waits) == wire.waits


def test_a_service_that_cannot_answer_now_is_asked_again() -> None:
    """No answer, busy or broken: the job is there all the same; its own word on when is kept."""
    wire = Wire([ProviderError("cut off.", advice=Advice.DOUBT), BUSY, Reply(status=500), DONE])
    assert play(remote.wait, till, wire, "job-1").done
    assert wire.waits == [5, 5, 30, 30]


@pytest.mark.parametrize("answer", [GONE, ProviderError("the key is refused.")])
def test_a_service_that_will_not_say_is_not_asked_for_ever(answer: Any) -> None:
    """Its refusal is raised at once."""
    with pytest.raises(ProviderError):
        play(remote.wait, till, Wire([RUNNING, answer]), "job-1")


def test_a_failed_job_is_an_end_and_no_error_of_the_dance() -> None:
    """With the service's reason, its advice and what it gave back."""
    failed = {"status": "failed", "error": "flagged.", "advice": "never", "cost": 6}
    status = play(remote.wait, till, Wire([Reply(status=200, json=failed)]), "job-1")
    assert status.error is not None
    assert (status.error.fact, status.charged, status.refunded) == ("flagged.", 0, 6)


def test_files_are_named_by_their_output_and_ended_by_their_bytes(tmp_path: Path) -> None:
    """Whatever the link ends in; a signed link has no file's name at its end."""
    links = {"video": "https://x.example/get?sig=1", "image": "https://x.example/png/picture.webp?x=.mp4"}
    files = play(remote.fetch, Wire([]), links, tmp_path)
    assert files == {"video": tmp_path / "video.mp4", "image": tmp_path / "image.png"}
    assert files["image"].read_bytes() == stub.PNG
