"""Inputs on their way to a service, in virtual time: tried again while it may help, stored, reviewed, put inside."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio
import trio.testing

from pipeline.errors import Advice, Moderated, ProviderError
from pipeline.providers import reach, seedance2_movie, seegen
from pipeline.providers.base import Call, Reply
from tests import stub
from tests.providers.wishes import ok
from tests.recipe.written import MP3, MP4

T = TypeVar("T")
BUSY = ProviderError("Busy.", advice=Advice.LATER)
LOST = ProviderError("Cut off.", advice=Advice.DOUBT)
CALM = ProviderError("Slower.", advice=Advice.SLOW_DOWN, after_seconds=30)
NO = ProviderError("No.", "Not so.")
JPEG = b"\xff\xd8\xff\xe0" + bytes(60)


class Wire:
    """Answers in turn by method and path, the last answer for ever; remembers what it was asked, and when."""

    def __init__(self, answers: Mapping[str, Iterable[Reply | ProviderError]], poll_seconds: float = 5) -> None:
        self.answers = {name: list(found) for name, found in answers.items()}
        self.poll_seconds = poll_seconds
        self.asked: list[Call] = []
        self.times: list[float] = []
        self.stored: list[tuple[str, str, str]] = []
        self.broken = 0  # so many files do not get through

    async def send(self, call: Call) -> Reply:
        self.asked.append(call)
        self.times.append(trio.current_time())
        found = self.answers[f"{call.method} {call.path}"]
        answer = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(answer, ProviderError):
            raise answer
        return answer

    async def put(self, url: str, path: Path, content_type: str) -> None:
        if self.broken:
            self.broken -= 1
            raise BUSY
        self.stored.append((url, path.name, content_type))

    async def download(self, url: str, out: Path) -> None:
        raise AssertionError("nothing is fetched here")

    def count(self, what: str) -> int:
        return sum(f"{call.method} {call.path}" == what for call in self.asked)


def play(dance: Callable[..., Awaitable[T]], *values: Any) -> tuple[T, float]:
    """What it brings, and how many seconds it took."""

    async def go() -> tuple[T, float]:
        return await dance(*values), trio.current_time()

    return trio.run(go, clock=trio.testing.MockClock(autojump_threshold=0))  # type: ignore[no-any-return]


def fails(dance: Callable[..., Awaitable[object]], *values: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        play(dance, *values)
    return caught.value


# patience


class Calls:
    """Fails in turn, then brings a word."""

    def __init__(self, *errors: ProviderError) -> None:
        self.errors = list(errors)
        self.times: list[float] = []

    async def __call__(self) -> str:
        self.times.append(trio.current_time())
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_what_is_free_is_tried_again_while_its_failure_passes() -> None:
    """Twice as long after each; also where an answer was lost, since nothing can be bought twice."""
    call = Calls(BUSY, LOST, BUSY, LOST, BUSY)
    assert play(reach.patiently, call) == ("done", 15.5)
    assert call.times == [0, 0.5, 1.5, 3.5, 7.5, 15.5]


def test_the_services_own_word_on_when_is_kept() -> None:
    """In the place of the growing pause; it is no reason to forget how often it was tried."""
    call = Calls(CALM, BUSY, CALM)
    assert play(reach.patiently, call) == ("done", 61)
    assert call.times == [0, 30, 31, 61]


def test_patience_has_an_end() -> None:
    """Six times in all, and the last failure is told."""
    call = Calls(*[BUSY] * 5, CALM, BUSY)
    assert fails(reach.patiently, call) is CALM
    assert len(call.times) == reach.TRIES == 6


def test_a_clear_no_is_told_at_once() -> None:
    """Repeating does not cure it."""
    call = Calls(NO)
    assert fails(reach.patiently, call) is NO
    assert call.times == [0]


# storage

PLACE = {"presigned_url": "https://put.example/1?sig=2", "file_path": "files/1.png", "expires_in": 600}
SLOT = ok({"code": "200", "result": PLACE})
PRESIGN = "POST /api/v1/video/upload/presign"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "keeper.dat"
    path.write_bytes(stub.PNG)
    return path


def test_a_file_is_stored_as_what_it_is(picture: Path) -> None:
    """By its first bytes, whatever it is called; its address is the service's."""
    wire = Wire({PRESIGN: [SLOT]})
    assert play(reach.store, seedance2_movie, wire, picture, "abc.png") == ("files/1.png", 0)
    assert [call.query for call in wire.asked] == [{"filename": "abc.png", "content_type": "image/png"}]
    assert wire.stored == [("https://put.example/1?sig=2", "keeper.dat", "image/png")]


def test_storing_is_begun_again_with_a_new_place(picture: Path) -> None:
    """Where the bytes did not get through, and where no place was to be had."""
    wire = Wire({PRESIGN: [BUSY, SLOT]})
    wire.broken = 1
    assert play(reach.store, seedance2_movie, wire, picture, "abc.png") == ("files/1.png", 1.5)
    assert (wire.count(PRESIGN), len(wire.stored)) == (3, 1)


def test_a_file_that_the_service_does_not_store_is_told_before_it_is_asked(tmp_path: Path) -> None:
    """With what it does store."""
    for name, data, ending in [
        ("waves.mp3", MP3, ".mp3"),
        ("notes.txt", b"notes", ".txt"),
        ("nothing", b"", "no ending"),
    ]:
        path = tmp_path / name
        path.write_bytes(data)
        wire = Wire({})
        error = fails(reach.store, seedance2_movie, wire, path, "x")
        assert error.fact == f"The service stores no such file ({ending})."
        assert error.hint == "It stores png, jpeg, webp, mp4, mov, webm."
        assert (error.advice, wire.asked) == (Advice.NEVER, [])


# review

LIST, HAND_IN, ASK = "GET /assets/list", "POST /assets/upload", "GET /assets/status"
NAME = "0" * 64


def item(status: str = "ACTIVE", name: str = NAME, **values: Any) -> dict[str, Any]:
    return {"assetId": "7", "volcAssetId": "asset-7", "status": status, "name": name, **values}


def page(*items: Mapping[str, Any], cursor: str = "") -> Reply:
    return ok({"items": list(items), "nextCursor": cursor or None})


def asks(wire: Wire, *, name: str = NAME, of: Any = seegen) -> tuple[Any, ...]:
    return (reach.review, of, wire, "https://cdn.example/k.png", "image", name)


def test_what_was_approved_before_is_used_again() -> None:
    """Found by its name on any page; nothing is handed in, nothing waited for."""
    others = [item(name="1" * 64, volcAssetId="asset-1")]
    pages = [page(*others, cursor="a"), page(*others, cursor="b"), page(item()), page(item(volcAssetId="asset-9"))]
    wire = Wire({LIST: pages})
    assert play(*asks(wire)) == ("asset://asset-7", 0)
    assert [call.query.get("cursor") for call in wire.asked] == [None, "a", "b"]
    assert {call.query["type"] for call in wire.asked} == {"IMAGE"}


@pytest.mark.parametrize("other", [item("PROCESSING"), item("FAILED"), item(name=NAME[1:]), item(volcAssetId="")])
def test_what_is_not_approved_is_not_taken_for_it(other: dict[str, Any]) -> None:
    """Under review, refused, of another name, or without an address: it is handed in."""
    wire = Wire({LIST: [page(other)], HAND_IN: [ok(item("PROCESSING"))], ASK: [ok(item())]})
    assert play(*asks(wire))[0] == "asset://asset-7"
    assert wire.count(HAND_IN) == 1


def test_an_input_is_handed_in_once_and_asked_after_at_the_services_pace() -> None:
    """With its URL, media and name; until it is approved."""
    waiting = ok(item("PROCESSING", volcAssetId=""))
    wire = Wire({LIST: [page()], HAND_IN: [waiting], ASK: [waiting, BUSY, waiting, ok(item())]}, poll_seconds=5)
    address, seconds = play(*asks(wire))
    assert (address, seconds) == ("asset://asset-7", seegen.REVIEW_SECONDS * 3 + 0.5)
    assert (wire.count(HAND_IN), wire.count(ASK)) == (1, 4)
    handed_in = wire.asked[1]
    assert handed_in.body == {"url": "https://cdn.example/k.png", "type": "IMAGE", "name": NAME}
    assert [call.query for call in wire.asked[2:]] == [{"assetId": "7"}] * 4


def test_a_rehearsal_does_not_wait_as_long() -> None:
    """A stand-in is asked as often as its wire says."""
    wire = Wire({LIST: [page()], HAND_IN: [ok(item("PROCESSING"))], ASK: [ok(item("NONE")), ok(item())]}, 0.2)
    assert play(*asks(wire)) == ("asset://asset-7", 0.4)


@pytest.mark.parametrize("refused_at", [HAND_IN, ASK])
def test_a_refusal_is_told_with_the_reviews_words(refused_at: str) -> None:
    """At once or later; it stands, and is not handed in again."""
    no = ok(item("FAILED", failReason="A face of a living person."))
    wire = Wire({LIST: [page()], HAND_IN: [ok(item("PROCESSING"))], ASK: [ok(item("PROCESSING"))]} | {refused_at: [no]})
    error = fails(*asks(wire))
    assert isinstance(error, Moderated)
    assert "review refused the input: A face of a living person." in error.fact
    assert (error.advice, wire.count(HAND_IN)) == (Advice.NEVER, 1)


def test_a_review_that_takes_too_long_is_left_for_later() -> None:
    """After half an hour; the next run finds what was approved by then."""
    wire = Wire({LIST: [page()], HAND_IN: [ok(item("PROCESSING"))], ASK: [ok(item("PROCESSING"))]})
    error = fails(*asks(wire))
    assert (error.advice, isinstance(error, Moderated)) == (Advice.LATER, False)
    assert error.fact == "The review of an input has taken more than 30 minutes."
    assert "Run the same command again" in error.hint
    assert reach.REVIEW_LIMIT_SECONDS <= wire.times[-1] < reach.REVIEW_LIMIT_SECONDS + seegen.REVIEW_SECONDS


@pytest.mark.parametrize("trouble", [NO, BUSY])
def test_a_list_that_cannot_be_had_keeps_nothing_from_being_handed_in(trouble: ProviderError) -> None:
    """At worst it is reviewed twice, for nothing."""
    wire = Wire({LIST: [trouble], HAND_IN: [ok(item("PROCESSING"))], ASK: [ok(item())]})
    assert play(*asks(wire))[0] == "asset://asset-7"
    assert wire.count(LIST) == (1 if trouble is NO else reach.TRIES)


def test_a_list_without_an_end_is_left() -> None:
    """After forty pages the input is handed in."""
    wire = Wire(
        {LIST: [page(item(name="1" * 64), cursor="more")], HAND_IN: [ok(item("PROCESSING"))], ASK: [ok(item())]}
    )
    assert play(*asks(wire))[0] == "asset://asset-7"
    assert wire.count(LIST) == reach.MOST_PAGES == 40


def test_a_review_that_cannot_be_begun_is_told() -> None:
    """As the service says it, after it has been asked patiently."""
    wire = Wire({LIST: [page()], HAND_IN: [BUSY]})
    assert fails(*asks(wire)) is BUSY
    assert wire.count(HAND_IN) == reach.TRIES


# what a file is


@pytest.mark.parametrize(
    ("data", "format", "suffix", "mime"),
    [
        (stub.PNG, "png", ".png", "image/png"),
        (JPEG, "jpeg", ".jpg", "image/jpeg"),
        (MP4, "mp4", ".mp4", "video/mp4"),
        (MP3, "mp3", ".mp3", "audio/mpeg"),
        (b"words", "", ".dat", "application/octet-stream"),
        (b"", "", ".dat", "application/octet-stream"),
    ],
)
def test_a_file_is_what_its_first_bytes_say(tmp_path: Path, data: bytes, format: str, suffix: str, mime: str) -> None:
    """Its ending counts where nobody knows them."""
    path = tmp_path / "input.dat"
    path.write_bytes(data)
    assert (reach.format_of(path), reach.suffix_of(path), reach.mime_of(path)) == (format, suffix, mime)
    assert reach.data_url(path) == f"data:{mime};base64,{base64.b64encode(data).decode()}"


def test_a_data_url_is_exact(picture: Path) -> None:
    """One line, in the standard alphabet, with its padding; it gives the same bytes back."""
    url = reach.data_url(picture)
    head, _, data = url.partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data, validate=True) == stub.PNG
    picture.write_bytes(b"\xff\xfe\xfb")
    assert reach.data_url(picture) == "data:application/octet-stream;base64,//77"
