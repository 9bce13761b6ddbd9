"""Work that a service does, on a made-up service without a network: what is sent, what is told, in which order."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
import trio.testing

from pipeline import session
from pipeline.digest import bytes_digest
from pipeline.engine.away import Means
from pipeline.engine.orders import Waiting
from pipeline.engine.run import Engine, outcome
from pipeline.engine.state import Phase, RunState
from pipeline.engine.worker import Worker
from pipeline.errors import AccountRefused, Advice, LinkDied, Moderated, ProviderError
from pipeline.events import Artifact, Doubted, Event, Failed, Refused, Result, Settled, Skipped, Submitted, Succeeded
from pipeline.money import UNPRICED, Price
from pipeline.plan import uploads
from pipeline.plan.budget import Book
from pipeline.plan.model import Action, Plan, Step
from pipeline.providers.base import Asset, Assets, Call, Clip, Complaint, Media, Reply, Slot, Status
from pipeline.steps.base import Feed
from pipeline.steps.generate import Generate
from pipeline.steps.upload import Upload
from pipeline.steps.upscale import Upscale
from pipeline.store.artifacts import Artifacts
from tests import made, stub

D = Decimal
NOW = made.clock()
LATER = "2026-01-01T01:00:00.000Z"
SHA = bytes_digest(stub.PNG)


class Shop:
    """A service's page: its calls carry what they were made of, its answers are the values themselves."""

    NAME = "shop"
    POLL_SECONDS = 0.0
    LINK_SECONDS = 60
    REVIEW_SECONDS = 0.0
    CONTENT_TYPES: Mapping[str, str] = {"png": "image/png"}
    SIZES = ("2k",)

    def submit(self, request: Mapping[str, Any], inputs: Sequence[str], mark: str = "", callback: str = "") -> Call:
        body = {"request": dict(request), "inputs": list(inputs), "mark": mark, "callback": callback}
        return Call(method="POST", path="/jobs", body=body)

    def job_id(self, reply: Reply) -> str | None:
        return reply.json if isinstance(reply.json, str) else None

    def poll(self, job_id: str) -> Call:
        return Call(method="GET", path=f"/jobs/{job_id}")

    def status(self, reply: Reply) -> Status:
        assert isinstance(reply.json, Status)
        return reply.json

    def fault(self, reply: Reply, asked: str = "create") -> ProviderError:
        return ProviderError(f"shop says {reply.status}.")

    def presign(self, name: str, content_type: str) -> Call:
        return Call(method="POST", path="/slots", body={"name": name, "type": content_type})

    def slot(self, reply: Reply) -> Slot:
        return Slot(url="https://put.example/1", address=f"files/{reply.json}", seconds=0)

    def review(self, url: str, media: Media, name: str) -> Call:
        return Call(method="POST", path="/assets", body={"url": url, "media": media, "name": name})

    def asset(self, reply: Reply) -> Asset:
        return Asset(id="7", address="asset://7", name="", done=True, error=reply.json)

    def ask_asset(self, id: str) -> Call:
        return Call(method="GET", path=f"/assets/{id}")

    def assets(self, media: Media) -> Call:
        return Call(method="GET", path="/assets")

    def asset_list(self, reply: Reply, media: Media) -> Assets:
        return Assets(items=())

    def complaints(self, clip: Clip, to: str) -> Iterable[Complaint]:
        if clip.height >= 1440:
            yield Complaint(field="upscale", fact=f"It is {clip.height} high already.", hint="Leave it out.")
        yield Complaint(field="upscale", fact="Slow today.", hint="", warning=True)

    def request(self, to: str) -> Mapping[str, Any]:
        return {"to": to}

    def price(self, clip: Clip, to: str) -> Price:
        return Price(low=clip.seconds * 10, high=clip.seconds * 10)


SHOP: Any = Shop()
JOB = Reply(status=200, json="job-1")
URL = "https://cdn.example/clip"


def told(**values: Any) -> Reply:
    """How a job stands: done, with its clip, unless something else is said."""
    return Reply(status=200, json=Status(**({"done": True, "links": {"video": URL}} | values)))


class Wire:
    """Answers POSTs and GETs in turn, each from a list of its own; what is left of it is asked no more."""

    def __init__(self, clip: Path, posts: Iterable[Any] = (JOB,), gets: Iterable[Any] = ()) -> None:
        self.clip = clip
        self.answers = {"POST": iter(posts), "GET": iter(gets)}
        self.poll_seconds = 0.0
        self.asked: list[Call] = []
        self.stored: list[tuple[str, bytes, str]] = []
        self.fetched: list[str] = []

    async def send(self, call: Call) -> Reply:
        await anyio.sleep(0)
        self.asked.append(call)
        answer = next(self.answers[call.method])
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Reply)
        return answer

    async def put(self, url: str, path: Path, content_type: str) -> None:
        self.stored.append((url, path.read_bytes(), content_type))

    async def download(self, url: str, out: Path) -> None:
        self.fetched.append(url)
        if "dead" in url:
            raise LinkDied("the link has expired.")
        shutil.copyfile(self.clip, out)

    def paths(self, method: str) -> list[str]:
        return [call.path for call in self.asked if call.method == method]

    @property
    def body(self) -> Mapping[str, Any]:
        """Of the one job that was submitted."""
        (call,) = [call for call in self.asked if call.path == "/jobs"]
        assert call.body is not None
        return call.body


class Shelf:
    """A public place in memory."""

    place = "memory"

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def put(self, path: Path, name: str, content_type: str) -> None:
        self.files[name] = path.read_bytes()

    def link(self, name: str) -> str:
        assert name in self.files
        return f"https://cdn.example/{name}"


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path / "store")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "keeper.png"
    path.write_bytes(stub.PNG)
    return path


def job(*feeds: Feed, name: str = "a/generate", **values: Any) -> Step:
    """A clip of six credits, by the shop."""
    work = Generate(page=SHOP, output="video", request={"prompt": "p"}, feeds=feeds)
    fields: dict[str, Any] = {"price": "6", "provider": "shop", "account": "till", "work": work}
    return made.step(name, **(fields | values))


def upload(source: Feed, way: Any = "upload", name: str = "k/upload", **values: Any) -> Step:
    work = Upload(source=source, media="image", way=way, place="till", page=SHOP, account="till")
    return made.step(name, work=dataclasses.replace(work, **values))


def carry(artifacts: Artifacts, step: Step, wire: Wire, results: Any = None, **means: Any) -> list[Any]:
    """What is told of one attempt, the plan's or the first; no wait takes any time."""
    heard: list[Event | Waiting] = []

    async def emit(event: Event | Waiting) -> None:
        heard.append(event)

    fields: dict[str, Any] = {"wires": {"till": wire}, "run": "r1", "steps": {step.id: step}}
    worker = Worker(artifacts, clock=made.clock, means=Means(**(fields | means)))
    clock = {"clock": trio.testing.MockClock(autojump_threshold=0.05)}
    anyio.run(worker.carry, step, step.attempt or 1, results or {}, emit, backend="trio", backend_options=clock)
    return heard


def kinds(events: Iterable[Event]) -> list[type]:
    return [type(event) for event in events]


def settled(events: Iterable[Event]) -> Settled:
    (found,) = [event for event in events if isinstance(event, Settled)]
    return found


# the dance


def test_a_job_is_told_in_the_order_that_makes_a_run_safe_to_kill(artifacts: Artifacts, clip: Path) -> None:
    """Its id before anything is waited for, the charge before the bytes, the bytes before the end."""
    wire = Wire(clip, gets=[told(done=False, links={}), told(charged=D(5), refunded=D(1))])
    order: list[tuple[type, int, int]] = []

    async def emit(event: Event) -> None:
        order.append((type(event), len(wire.asked), len(wire.fetched)))

    worker = Worker(artifacts, clock=made.clock, means=Means(wires={"till": wire}))
    anyio.run(worker.carry, job(), 1, {}, emit)
    assert order == [(Submitted, 1, 0), (Settled, 3, 0), (Succeeded, 3, 1)]


def test_a_request_carries_its_mark_and_where_to_call_back(artifacts: Artifacts, clip: Path) -> None:
    """The key, the run and the attempt; the address is the account's."""
    wire = Wire(clip, gets=[told()])
    carry(artifacts, job(key="k1:abc"), wire, callback=lambda account: f"https://hooks.example/{account}")
    assert wire.body == {
        "request": {"prompt": "p"},
        "inputs": [],
        "mark": "k1:abc r1 1",
        "callback": "https://hooks.example/till",
    }
    wire = Wire(clip, gets=[told()])
    carry(artifacts, job(key="k1:abc", attempt=3), wire)
    assert (wire.body["mark"], wire.body["callback"]) == ("k1:abc r1 3", "")


def test_a_job_is_waited_for_as_the_house_says(artifacts: Artifacts, clip: Path) -> None:
    """By its id, so that whoever rings for it ends the wait."""
    slept: list[str] = []

    def sleeper(job_id: str) -> Callable[[float], Any]:
        async def sleep(seconds: float) -> None:
            slept.append(job_id)

        return sleep

    wire = Wire(clip, gets=[told(done=False, links={}), told()])
    assert kinds(carry(artifacts, job(), wire, sleep=sleeper))[-1] is Succeeded
    assert slept == ["job-1", "job-1"]


CALM = ProviderError("shop is busy.", advice=Advice.SLOW_DOWN, after_seconds=300)


def test_a_long_wait_that_a_service_asks_for_is_told(artifacts: Artifacts, clip: Path, picture: Path) -> None:
    """While a job is asked after and while its input is stored, in the words of a sending that is put off."""
    soon = ProviderError("shop is busy.", advice=Advice.LATER, after_seconds=9)
    wire = Wire(clip, gets=[soon, CALM, told()])
    assert kinds(heard := carry(artifacts, job(), wire)) == [Submitted, Waiting, Settled, Succeeded]
    assert (heard[1].step, heard[1].why) == ("a/generate", "asked again in 300 s: shop is busy.")
    step = upload(Feed(role="source", path=picture, sha256=SHA))
    heard = carry(artifacts, step, Wire(clip, posts=[soon, CALM, Reply(status=200, json="1")]))
    assert kinds(heard) == [Waiting, Succeeded]
    assert (heard[0].step, heard[0].why, heard[0].seconds) == ("k/upload", "asked again in 60 s: shop is busy.", 60)


def test_no_wait_is_told_for_longer_than_a_job_is_waited_for(artifacts: Artifacts, clip: Path) -> None:
    """The rest of its limit, after which this process asks no more."""
    heard = carry(artifacts, job(), Wire(clip, gets=[CALM, told(done=False)]), clip_seconds=45.0)
    assert kinds(heard) == [Submitted, Waiting, Doubted]
    assert heard[1].why == "asked again in 45 s: shop is busy."


def test_a_job_that_is_out_is_only_asked_after(artifacts: Artifacts, clip: Path) -> None:
    """Neither its inputs nor its request are sent again."""
    wire = Wire(clip, posts=[], gets=[told()])
    step = job(Feed(role="reference", path=Path("/nowhere/k.png"), sha256="x"), job_id="job-9", attempt=2)
    assert kinds(carry(artifacts, step, wire)) == [Settled, Succeeded]
    assert wire.paths("GET") == ["/jobs/job-9"]


# inputs


def test_inputs_are_called_as_each_gets_there(artifacts: Artifacts, clip: Path, picture: Path) -> None:
    """A URL as it is, a file inside the request, one that was stored by its address, one published by its link."""
    shelf = Shelf()
    shelf.files["abc.png"] = b""
    file = Feed(role="reference", path=picture, sha256=SHA)
    step = job(
        Feed(role="reference", url="https://x.example/far.png"),
        dataclasses.replace(file, inside=True),
        dataclasses.replace(file, upload="k/upload"),
        dataclasses.replace(file, upload="k/upload-2"),
    )
    results = {
        "k/upload": Result(outputs={}, facts={"address": "files/9", "until": LATER}),
        "k/upload-2": Result(outputs={}, facts={"published": "abc.png"}),
    }
    wire = Wire(clip, gets=[told()])
    assert kinds(carry(artifacts, step, wire, results, publish=shelf))[-1] is Succeeded
    url, inside, stored, published = wire.body["inputs"]
    assert (url, stored, published) == ("https://x.example/far.png", "files/9", "https://cdn.example/abc.png")
    assert inside.startswith("data:image/png;base64,")
    assert wire.paths("POST") == ["/jobs"]


def test_an_input_that_has_run_out_is_stored_again(artifacts: Artifacts, clip: Path, picture: Path) -> None:
    """At its very end, and what another step made as well as a file; the job is told the new address."""
    frame = Artifact(sha256=artifacts.keep(picture)[0], bytes=len(stub.PNG), suffix=".png")
    feed = Feed(role="source", step="b/last_frame", output="last_frame")
    again = upload(feed)
    step = job(dataclasses.replace(feed, role="first_frame", upload="k/upload"))
    results = {
        "b/last_frame": Result(outputs={"last_frame": frame}),
        "k/upload": Result(outputs={}, facts={"address": "files/old", "until": NOW}),
    }
    wire = Wire(clip, posts=[Reply(status=200, json="new"), JOB], gets=[told()])
    assert kinds(carry(artifacts, step, wire, results, steps={again.id: again}))[-1] is Succeeded
    assert wire.paths("POST") == ["/slots", "/jobs"]
    assert [(url, data) for url, data, _ in wire.stored] == [("https://put.example/1", stub.PNG)]
    assert wire.body["inputs"] == ["files/new"]


def test_an_upload_is_told_with_its_address_and_its_end(artifacts: Artifacts, clip: Path, picture: Path) -> None:
    """An hour from now; published it has the name it can be read by; reviewed, the service's own."""
    source = Feed(role="source", path=picture, sha256=SHA)
    (event,) = carry(artifacts, upload(source), Wire(clip, posts=[Reply(status=200, json="1")]))
    assert isinstance(event, Succeeded)
    assert event.result == Result(outputs={}, facts={"address": "files/1", "until": LATER})
    shelf = Shelf()
    step = upload(source, "url", page=None, account="")
    (event,) = carry(artifacts, step, Wire(clip), publish=shelf)
    assert isinstance(event, Succeeded)
    name = f"{SHA.removeprefix('sha256:')}.png"
    assert event.result.facts == {"published": name}
    assert shelf.files == {name: stub.PNG}
    wire = Wire(clip, posts=[Reply(status=200)], gets=[Reply(status=200), Reply(status=200)])
    (event,) = carry(artifacts, upload(source, "asset"), wire, publish=shelf)
    assert isinstance(event, Succeeded)
    assert event.result.facts == {"address": "asset://7"}
    handed_in = [call.body for call in wire.asked if call.method == "POST"]
    assert handed_in == [{"url": f"https://cdn.example/{name}", "media": "image", "name": SHA.removeprefix("sha256:")}]


def test_a_url_is_reviewed_as_it_is(artifacts: Artifacts, clip: Path) -> None:
    """Under the digest of its text, without a place to publish."""
    url = "https://x.example/far.png"
    wire = Wire(clip, posts=[Reply(status=200)], gets=[Reply(status=200), Reply(status=200)])
    (event,) = carry(artifacts, upload(Feed(role="source", url=url), "asset"), wire)
    assert isinstance(event, Succeeded)
    (body,) = [call.body for call in wire.asked if call.method == "POST"]
    assert body == {"url": url, "media": "image", "name": bytes_digest(url.encode()).removeprefix("sha256:")}


@pytest.mark.parametrize(("error", "permanent"), [(Moderated("A face."), True), (ProviderError("No."), False)])
def test_only_a_reviews_refusal_of_an_input_stands(
    error: ProviderError, permanent: bool, artifacts: Artifacts, clip: Path, picture: Path
) -> None:
    """Whatever else keeps an input away passes, or is cured elsewhere."""
    source = Feed(role="source", path=picture, sha256=SHA)
    wire = Wire(clip, posts=[Reply(status=200, json=error)], gets=[Reply(status=200)])
    (event,) = carry(artifacts, upload(source, "asset"), wire, publish=Shelf())
    assert isinstance(event, Failed)
    assert (event.error.startswith(error.fact), event.permanent) == (True, permanent)


def test_an_input_that_fails_is_told_before_anything_is_sent(artifacts: Artifacts, clip: Path) -> None:
    """A failure for now: no place any more, a file that is gone, an account that is not served."""
    gone = Feed(role="reference", path=Path("/nowhere/k.png"), sha256="x")
    published = {"k/upload": Result(outputs={}, facts={"published": "abc.png"})}
    for feed, results in ((gone, {}), (dataclasses.replace(gone, upload="k/upload"), published)):
        wire = Wire(clip)
        (event,) = carry(artifacts, job(feed), wire, results)
        assert isinstance(event, Failed)
        assert (event.permanent, event.undelivered, wire.asked) == (False, False, [])
        assert event.hint


def test_an_account_that_is_refused_while_an_input_is_stored_costs_nothing(
    artifacts: Artifacts, clip: Path, picture: Path
) -> None:
    """The job is not sent, and its failure does not stand."""
    feed = Feed(role="source", path=picture, sha256=SHA)
    step, again = job(dataclasses.replace(feed, upload="k/upload")), upload(feed)
    results = {"k/upload": Result(outputs={}, facts={"address": "files/old", "until": NOW})}
    wire = Wire(clip, posts=[AccountRefused("The key is refused.", "Mend it.")])
    (event,) = carry(artifacts, step, wire, results, steps={again.id: again})
    assert isinstance(event, Failed)
    assert (event.error, event.hint, event.permanent) == ("The key is refused.", "Mend it.", False)
    assert wire.paths("POST") == ["/slots"]


# no


def test_a_refused_account_is_told_as_such(artifacts: Artifacts, clip: Path) -> None:
    """The request is not at fault; nothing was taken."""
    wire = Wire(clip, posts=[AccountRefused("The key is refused.", "Mend it.")])
    (event,) = carry(artifacts, job(), wire)
    assert isinstance(event, Refused)
    assert (event.account, event.advice, event.error, event.hint) == (
        True,
        Advice.NEVER,
        "The key is refused.",
        "Mend it.",
    )


@pytest.mark.parametrize("advice", [Advice.NEVER, Advice.LATER, Advice.SLOW_DOWN])
def test_a_clear_no_is_refused_with_its_advice(advice: Advice, artifacts: Artifacts, clip: Path) -> None:
    """And with the service's own word on when."""
    wire = Wire(clip, posts=[ProviderError("No.", "Wait.", advice=advice, after_seconds=7)])
    (event,) = carry(artifacts, job(), wire)
    assert isinstance(event, Refused)
    assert (event.account, event.advice, event.after_seconds) == (False, advice, 7)


def test_a_doubt_is_held(artifacts: Artifacts, clip: Path) -> None:
    """Nobody knows whether it was taken: no refusal, and nothing is sent twice."""
    wire = Wire(clip, posts=[ProviderError("Cut off.", advice=Advice.DOUBT)])
    (event,) = carry(artifacts, job(), wire)
    assert isinstance(event, Doubted)
    assert (event.error, len(wire.asked)) == ("Cut off.", 1)


def go(artifacts: Artifacts, plan: Plan, wire: Wire, **means: Any) -> tuple[RunState, made.Log]:
    """A run of the plan, without any waiting."""
    state, log = RunState(plan, Book(plan.limits)), made.Log()

    async def sleep(seconds: float) -> None:
        await anyio.sleep(0)

    async def run() -> None:
        lent = Means(**({"wires": {"till": wire}, "steps": state.steps} | means))
        worker = Worker(artifacts, clock=made.clock, means=lent)
        await Engine(state, log, worker.carry, clock=made.clock, sleep=sleep).go()

    anyio.run(run)
    return state, log


def test_a_refused_account_is_asked_for_nothing_more(artifacts: Artifacts, clip: Path) -> None:
    """Its other steps are skipped with what it said, what stands on them too; nothing stands for a key."""
    steps = [job(priority=1), job(name="b/generate"), made.step("b/last_frame", "b/generate")]
    wire = Wire(clip, posts=[AccountRefused("The key is refused.")])
    state, log = go(artifacts, made.plan(steps, lanes={"till": 1}), wire)
    (failed,) = log.of(Failed)
    assert (failed.step, failed.permanent) == ("a/generate", False)
    assert [(e.step, e.reason, e.why) for e in log.of(Skipped)] == [
        ("b/generate", "account", "The key is refused."),
        ("b/last_frame", "account", "needs b/generate, which was not made"),
    ]
    assert (len(wire.asked), outcome(state), state.left_by_budget) == (1, "failed", False)
    assert state.book.sum("run", "till") == 0


# waiting


def test_a_job_that_takes_too_long_goes_on_without_this_process(artifacts: Artifacts, clip: Path) -> None:
    """Doubted after it was submitted: away, not unknown; its money is held, and the run is not over."""
    plan = made.plan([job(), made.step("a/last_frame", "a/generate")])
    state, log = go(artifacts, plan, Wire(clip), clip_seconds=0.0)
    assert kinds(log.events)[1:] == [Submitted, Doubted]
    assert "still at work" in log.events[-1].error
    assert state.phase == {"a/generate": Phase.AWAY, "a/last_frame": Phase.WAITING}
    assert state.book.sum("run", "till") == 6
    assert outcome(state) == "partial"


def test_a_run_whose_job_is_away_ends_with_one(write: Callable[..., Path], house: Callable[..., Any]) -> None:
    """Exit code 1 and `pending`; the same command goes on with the job, and pays once."""
    from pipeline import api
    from pipeline.config import Config
    from pipeline.desk import Wants

    path = write("defaults: {provider: till, duration: 2}\nshots:\n  - {id: a, prompt: first}\n")
    home, service = house()
    wants = Wants(yes=True, max_credits=D(99))
    ended: session.Outcome = api.run(path, wants, dataclasses.replace(home, config=Config(video_seconds=0.0)))
    (shot,) = ended.manifest["shots"]
    assert (ended.exit_code, ended.status, shot["status"]) == (1, "partial", "pending")
    ended = api.run(path, wants, home)
    (shot,) = ended.manifest["shots"]
    assert (ended.exit_code, shot["status"], len(service.jobs), service.charged) == (0, "done", 1, 6)


def enlarged(source: Feed | None = None) -> Step:
    """A clip that the shop is to make larger."""
    clip = source or Feed(role="clip", step="a/generate", output="video")
    work = Upscale(source=clip, to="2k", page=SHOP, maker="shop", request={"to": "2k"})
    return job(name="a/upscale", work=dataclasses.replace(work, source=dataclasses.replace(clip, upload="a/upload")))


def came(height: int = 720, seconds: str = "5") -> dict[str, Result]:
    """The clip that came, and where it was published."""
    video = Artifact(sha256="x", bytes=1, suffix=".mp4", width=height * 16 // 9, height=height, seconds=seconds)
    stored = Result(outputs={}, facts={"address": "files/a"})
    return {"a/generate": Result(outputs={"video": video}), "a/upload": stored}


def test_an_upscale_has_a_patience_of_its_own(artifacts: Artifacts, clip: Path) -> None:
    """What is too long for a clip need not be for that."""
    heard = carry(artifacts, enlarged(), Wire(clip, gets=[told()]), came(), clip_seconds=0.0)
    assert kinds(heard)[-1] is Succeeded
    heard = carry(artifacts, enlarged(), Wire(clip), came(), upscale_seconds=0.0)
    assert kinds(heard) == [Submitted, Doubted]


def test_a_service_that_will_not_say_keeps_its_job(artifacts: Artifacts, clip: Path) -> None:
    """It has taken it: doubted, and asked again by a later process."""
    wire = Wire(clip, gets=[ProviderError("The key is refused.")])
    assert kinds(carry(artifacts, job(), wire)) == [Submitted, Doubted]


def test_a_job_that_failed_after_it_was_taken_up_is_sent_anew(artifacts: Artifacts, clip: Path, picture: Path) -> None:
    """Within `retry`, with its inputs reachable once more, though the plan had no use for them."""
    step = job(
        Feed(role="reference", path=picture, sha256=SHA, upload="k/upload"),
        job_id="job-9",
        attempt=1,
        retry=1,
        action=Action.RESUME,
    )
    broke = told(links={}, error=ProviderError("It broke.", advice=Advice.LATER))
    wire = Wire(clip, posts=[Reply(status=200, json="1"), JOB], gets=[broke, told()])
    again = upload(step.work.feeds[0])
    assert uploads.needed([again, step]) == [step]
    state, log = go(artifacts, made.plan([step]), wire, steps={again.id: again})
    assert (state.phase["a/generate"], len(log.of(Submitted))) == (Phase.DONE, 1)
    assert (wire.paths("POST"), wire.body["inputs"]) == (["/slots", "/jobs"], ["files/1"])


# money


def test_a_charge_is_the_services_word(artifacts: Artifacts, clip: Path) -> None:
    """Exact, in dollars where a credit has a price, with what was given back."""
    event = settled(carry(artifacts, job(usd="0.5"), Wire(clip, gets=[told(charged=D("5.25"), refunded=D("0.75"))])))
    assert (event.charged, event.refunded, event.usd, event.source) == (D("5.25"), D("0.75"), D("2.625"), "shop")
    event = settled(carry(artifacts, job(), Wire(clip, gets=[told(charged=D(0))])))
    assert (event.charged, event.usd, event.source) == (0, None, "shop")


def test_a_charge_that_is_not_told_is_estimated(artifacts: Artifacts, clip: Path) -> None:
    """At the upper price; what has none is not told. A failure that says nothing cost nothing."""
    high = Price(low=D(4), high=D(6), usd_per_credit=D("0.5"))
    event = settled(carry(artifacts, dataclasses.replace(job(), price=high), Wire(clip, gets=[told()])))
    assert (event.charged, event.usd, event.source) == (6, 3, "estimate")
    event = settled(carry(artifacts, dataclasses.replace(job(), price=UNPRICED), Wire(clip, gets=[told()])))
    assert (event.charged, event.source) == (0, "not told")
    failed = told(links={}, error=ProviderError("It broke.", advice=Advice.LATER))
    event = settled(carry(artifacts, job(), Wire(clip, gets=[failed])))
    assert (event.charged, event.refunded, event.source) == (0, 0, "estimate")


def test_a_failed_job_is_settled_and_then_fails(artifacts: Artifacts, clip: Path) -> None:
    """With what it took all the same; what the service judged stands for its key."""
    for advice, permanent in ((Advice.NEVER, True), (Advice.LATER, False)):
        failed = told(links={}, error=ProviderError("Flagged.", advice=advice), charged=D(2), refunded=D(4))
        heard = carry(artifacts, job(), Wire(clip, gets=[failed]))
        assert kinds(heard) == [Submitted, Settled, Failed]
        assert (settled(heard).charged, settled(heard).refunded) == (2, 4)
        assert (heard[-1].error, heard[-1].permanent) == ("Flagged.", permanent)  # type: ignore[union-attr]


def test_what_a_service_tells_of_a_job_is_kept(artifacts: Artifacts, clip: Path) -> None:
    """With the charge, and with the result."""
    heard = carry(artifacts, job(), Wire(clip, gets=[told(facts={"seed": 7, "tokens": 9})]))
    assert settled(heard).facts == {"seed": 7, "tokens": 9}
    assert isinstance(heard[-1], Succeeded)
    assert heard[-1].result.facts == {"seed": 7, "tokens": 9}


# links


def test_a_link_that_has_died_is_asked_for_again(artifacts: Artifacts, clip: Path) -> None:
    """Of the same job, which is not sent again."""
    wire = Wire(clip, gets=[told(links={"video": f"{URL}?dead"}), told()])
    assert kinds(carry(artifacts, job(), wire)) == [Submitted, Settled, Succeeded]
    assert wire.fetched == [f"{URL}?dead", URL]
    assert (wire.paths("GET"), wire.paths("POST")) == (["/jobs/job-1", "/jobs/job-1"], ["/jobs"])


@pytest.mark.parametrize("again", [told(links={"video": f"{URL}?dead"}), told(links={})])
def test_a_link_that_stays_dead_is_paid_and_not_delivered(
    again: Reply, artifacts: Artifacts, clip: Path, tmp_path: Path
) -> None:
    """It says that nothing is bought again; nothing is left in the store."""
    wire = Wire(clip, gets=[told(links={"video": f"{URL}?dead"}), again])
    heard = carry(artifacts, job(), wire)
    assert kinds(heard) == [Submitted, Settled, Failed]
    failed = heard[-1]
    assert isinstance(failed, Failed)
    assert (failed.undelivered, failed.permanent) == (True, False)
    assert "buys nothing" in failed.hint
    assert not list((tmp_path / "store").rglob("*.mp4"))


# larger


def test_a_clip_is_sent_to_be_made_larger(artifacts: Artifacts, clip: Path) -> None:
    """By its address; what comes is called by what it is, and costs what the clip that came costs."""
    wire = Wire(clip, gets=[told()])
    heard = carry(artifacts, enlarged(), wire, came(seconds="5.041667"))
    assert (wire.body["inputs"], wire.body["request"]) == (["files/a"], {"to": "2k"})
    assert (settled(heard).charged, settled(heard).source) == (D("50.41667"), "estimate")
    assert isinstance(heard[-1], Succeeded)
    assert list(heard[-1].result.outputs) == ["upscaled"]


def test_a_clip_that_is_large_enough_is_not_sent(artifacts: Artifacts, clip: Path) -> None:
    """As it came out, not as it was asked for; a warning alone forbids nothing."""
    wire = Wire(clip)
    (event,) = carry(artifacts, enlarged(), wire, came(height=1440))
    assert isinstance(event, Failed)
    assert (event.error, event.hint, event.permanent) == ("It is 1440 high already.", "Leave it out.", False)
    assert wire.asked == []
