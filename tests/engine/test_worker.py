"""One step from its slot to its artifact, with a real store: what it tells in which order, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import anyio
import pytest

from pipeline import api
from pipeline.digest import bytes_digest
from pipeline.engine.away import Means
from pipeline.engine.worker import Worker
from pipeline.errors import Advice
from pipeline.events import Doubted, Event, Failed, Refused, Settled, Submitted, Succeeded
from pipeline.plan.model import Step
from pipeline.providers.base import Call, Reply
from pipeline.steps.base import Feed
from pipeline.steps.generate import Generate
from pipeline.store.artifacts import Artifacts
from tests import made, stub, till
from tests.recipe.written import png
from tests.till import Till

REQUEST = {"shot": "a", "prompt": "p", "seconds": 2, "size": "720p"}


def test_an_input_that_cannot_be_read_is_called_by_its_own_name(write: Callable[..., Path], tmp_path: Path) -> None:
    """The path that the recipe names, not the digest that the store calls its copy by."""
    (tmp_path / "keeper.png").write_bytes(png(64, 64)[:48] + png(64, 64)[-12:])
    path = write(
        "defaults: {duration: 0.5, resolution: 480p}\nreferences: {k: {image: keeper.png}}\n"
        "shots:\n  - {id: a, prompt: x, references: [k]}\n"
    )
    outcome = api.run(path)
    assert outcome.exit_code == 1
    error = outcome.manifest["shots"][0]["error"]
    assert error.startswith(str(tmp_path / "keeper.png"))


@pytest.fixture
def artifacts(tmp_path: Path) -> Iterable[Artifacts]:
    """A store; at the end nothing is left in its staging folder."""
    store = Artifacts(tmp_path / "store")
    yield store
    staged = [path for path in (tmp_path / "store" / "stage").glob("*/*") if path.is_dir()]
    assert staged == []


def local(*feeds: Feed, prompt: str = "p") -> Step:
    work = Generate(page=stub, output="image", request=REQUEST | {"prompt": prompt}, feeds=feeds)
    return made.step("a/generate", work=work)


def paid(*feeds: Feed, **values: object) -> Step:
    work = Generate(page=till, output="video", request=REQUEST, feeds=feeds)
    return made.step("a/generate", price="6", work=work, **values)


def carry(artifacts: Artifacts, step: Step, service: Till | None = None, attempt: int = 1) -> list[Event]:
    """What a worker tells of one attempt."""
    told: list[Event] = []

    async def emit(event: Event) -> None:
        told.append(event)

    worker = Worker(artifacts, clock=made.clock, means=Means(wires={"till": service} if service else {}))
    anyio.run(worker.carry, step, attempt, {}, emit)
    return told


def kinds(told: Iterable[Event]) -> list[type]:
    return [type(event) for event in told]


def test_work_done_here_is_kept_by_its_bytes(artifacts: Artifacts) -> None:
    """One event, with the file's digest, size and shape; the file is in the store."""
    (event,) = carry(artifacts, local())
    assert isinstance(event, Succeeded)
    found = event.result.outputs["image"]
    assert (found.sha256, found.suffix, found.width, found.height) == (bytes_digest(stub.PNG), ".png", 1, 1)
    assert artifacts.path(found).read_bytes() == stub.PNG


def test_a_failed_drawing_fails_for_now(artifacts: Artifacts) -> None:
    """What costs nothing may always be tried again."""
    (event,) = carry(artifacts, local(prompt="fails"))
    assert isinstance(event, Failed)
    assert (event.error, event.hint, event.permanent) == ("the pencil broke.", "Sharpen it.", False)


def test_inputs_are_taken_as_the_plan_saw_them(artifacts: Artifacts, tmp_path: Path) -> None:
    """A file that changed since, or is gone, fails the step; so does a URL for work that opens none."""
    picture = tmp_path / "keeper.png"
    picture.write_bytes(stub.PNG)
    feed = Feed(role="reference", path=picture, sha256=bytes_digest(stub.PNG))
    assert kinds(carry(artifacts, local(feed))) == [Succeeded]
    picture.write_bytes(b"other")
    (event,) = carry(artifacts, local(feed))
    assert isinstance(event, Failed)
    assert "changed since the plan was made" in event.error
    (event,) = carry(artifacts, local(Feed(role="reference", url="https://x.example/a.png")))
    assert isinstance(event, Failed)
    assert "opens no URL" in event.error


def test_a_services_work_is_told_step_by_step(artifacts: Artifacts, clip: Path) -> None:
    """Its job, its charge as the service says it, then the bytes, decoded to their end."""
    told = carry(artifacts, paid(), Till(clip))
    assert kinds(told) == [Submitted, Settled, Succeeded]
    assert (told[1].charged, told[1].source) == (6, "till")  # type: ignore[union-attr]
    artifact = told[2].result.outputs["video"]  # type: ignore[union-attr]
    assert artifacts.path(artifact).read_bytes() == clip.read_bytes()
    assert (artifact.seconds, artifact.fps) == ("0.5", "24")


@pytest.mark.parametrize(
    ("move", "told"),
    [
        ("429", [Refused]),
        ("400", [Refused]),
        ("500", [Doubted]),
        ("lost", [Doubted]),
        ("flagged", [Submitted, Settled, Failed]),
        ("broke", [Submitted, Settled, Failed]),
    ],
)
def test_what_a_service_says_decides_the_events(move: str, told: list[type], artifacts: Artifacts, clip: Path) -> None:
    """A clear no is refused, silence is doubted, and a failed job is settled before it fails; one request each."""
    service = Till(clip, {"p": [move]})
    events = carry(artifacts, paid(), service)
    assert kinds(events) == told
    assert sum(call.method == "POST" for call in service.asked) == 1
    if told == [Refused]:
        assert events[0].advice is (Advice.SLOW_DOWN if move == "429" else Advice.NEVER)  # type: ignore[union-attr]
    if told[-1] is Failed:
        assert (events[1].charged, events[2].permanent) == (0, move == "flagged")  # type: ignore[union-attr]


def test_a_clip_that_is_cut_short_is_paid_and_not_delivered(artifacts: Artifacts, clip: Path, tmp_path: Path) -> None:
    """Settled, then failed in a way that asks for the bytes again and buys nothing; nothing is kept of it."""
    short = tmp_path / "short.mp4"
    short.write_bytes(clip.read_bytes()[:-200])
    told = carry(artifacts, paid(), Till(short))
    assert kinds(told) == [Submitted, Settled, Failed]
    assert (told[2].undelivered, told[2].permanent) == (True, False)  # type: ignore[union-attr]
    assert not list((tmp_path / "store").rglob("*.mp4"))


def test_a_job_that_is_out_is_only_asked_for(artifacts: Artifacts, clip: Path) -> None:
    """Nothing is submitted, and its inputs, which the service has had, may be gone."""
    service = Till(clip)
    assert kinds(carry(artifacts, paid(), service)) == [Submitted, Settled, Succeeded]
    gone = Feed(role="reference", path=Path("/nowhere/keeper.png"), sha256="sha256:0")
    assert kinds(carry(artifacts, paid(gone, job_id="job-1", attempt=1), service)) == [Settled, Succeeded]
    assert (len(service.jobs), service.charged) == (1, 6)


def test_an_input_that_is_gone_is_found_before_anything_is_sent(artifacts: Artifacts, clip: Path) -> None:
    """A failure that does not stand, since putting the file back cures it."""
    service = Till(clip)
    (event,) = carry(artifacts, paid(Feed(role="reference", path=Path("/nowhere/k.png"), sha256="sha256:0")), service)
    assert isinstance(event, Failed)
    assert (event.permanent, service.asked) == (False, [])


def test_ctrl_c_waits_for_the_answer_to_a_request(artifacts: Artifacts, clip: Path) -> None:
    """So that its job is known: cancelled while it submits, it still says which job it has."""
    told: list[Event] = []

    async def emit(event: Event) -> None:
        told.append(event)

    async def go() -> None:
        with anyio.CancelScope() as scope:

            class Slow(Till):
                async def send(self, call: Call) -> Reply:
                    scope.cancel()
                    await anyio.sleep(0.01)
                    return await super().send(call)

            worker = Worker(artifacts, clock=made.clock, means=Means(wires={"till": Slow(clip)}))
            await worker.carry(paid(), 1, {}, emit)

    anyio.run(go)
    assert kinds(told) == [Submitted]
