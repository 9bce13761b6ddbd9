"""The services of the monkey: pages of pure translation, and books in a file, so that they outlive whoever asks them.

What a service will do with a request is laid out beforehand by the first letter of its prompt, so that it does not hang
on which of two requests comes first.
"""

from __future__ import annotations

import fcntl
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import anyio

from pipeline.errors import Advice, JobLost, ProviderError
from pipeline.money import Price
from pipeline.providers.base import Call, Clip, Complaint, Found, Listing, Reply, Status
from tests import till

ACCOUNTS = {"till": ("till@rehearsal", "purse@rehearsal"), "box": ("box@rehearsal",), "lens": ("lens",)}
"""By provider, who may pay; a rehearsal's list is believed after half a second."""
MOVES = ("", "lost", "unsent", "400", "429", "503", "flagged", "broke", "stuck", "dead")
"""What becomes of a request: it is done, or its answer is lost, or it never came, it is refused, its job fails ..."""

What = tuple[str, ...]
"""What a job makes, whichever of several results it is: page, prompt or size, and the digests of its inputs."""


class Counter:
    """A page that takes credits; the seed, which comes from the key, tells its jobs from each other."""

    TITLE = "A counter"
    UNIT = "credits"
    CONCURRENCY = 3
    SEED_LIMIT = 1 << 40

    def __init__(self, name: str) -> None:
        self.NAME = name

    complaints = staticmethod(till.complaints)
    price = staticmethod(till.price)
    effort_seconds = staticmethod(till.effort_seconds)
    request = staticmethod(till.request)
    job_id = staticmethod(till.job_id)
    poll = staticmethod(till.poll)

    def submit(self, request: Mapping[str, Any], inputs: Sequence[str]) -> Call:
        return Call(method="POST", path="/jobs", body={**request, "inputs": [Path(name).stem for name in inputs]})

    def status(self, reply: Reply) -> Status:
        if reply.json["status"] == "cancelled":
            error = ProviderError("It was cancelled.")
            return Status(done=True, cancelled=True, error=error, charged=Decimal(0), refunded=reply.json["cost"])
        return till.status(reply)

    def fault(self, reply: Reply) -> ProviderError:
        return JobLost("no such job.") if reply.status == 404 else till.fault(reply)


class Listed(Counter):
    """A page that lists its jobs by their requests, and can be told to stop one."""

    CANCELLED_COST = "Nothing."

    def listing(self) -> Call:
        return Call(method="GET", path="/list")

    def listed(self, reply: Reply, request: Mapping[str, Any], mark: str) -> Listing:
        if reply.status != 200:
            raise ProviderError("the list is not to be had.")
        bare = {name: value for name, value in request.items() if name != "inputs"}
        jobs = [
            Found(job_id=one["id"], created_at=one["at"]) for one in reply.json["jobs"] if bare == one["bare"] and bare
        ]
        return Listing(found=tuple(jobs), complete=reply.json["complete"])

    def cancel(self, job_id: str) -> Call:
        return Call(method="POST", path=f"/jobs/{job_id}/cancel", repeatable=True)


class Lens:
    """A page that makes clips larger."""

    NAME = "lens"
    POLL_SECONDS = 0.01
    SIZES = ("1080p",)

    def complaints(self, clip: Clip, to: str) -> tuple[Complaint, ...]:
        return ()

    def request(self, to: str) -> Mapping[str, Any]:
        return {"prompt": "", "to": to}

    def price(self, clip: Clip, to: str) -> Price:
        return Price(low=Decimal(2), high=Decimal(2), source="the lens")

    def submit(self, request: Mapping[str, Any], inputs: Sequence[str], mark: str = "", callback: str = "") -> Call:
        return Call(method="POST", path="/jobs", body={**request, "inputs": [Path(name).stem for name in inputs]})

    job_id = staticmethod(till.job_id)
    poll = staticmethod(till.poll)
    status = staticmethod(till.status)

    def fault(self, reply: Reply, asked: str = "create") -> ProviderError:
        return JobLost("no such job.") if reply.status == 404 else till.fault(reply)


@dataclass(slots=True)
class Job:
    """A job that a service has; `waived` is one that the user gave up, or of which nothing can be had any more."""

    id: str
    account: str
    what: What
    body: str
    bare: dict[str, Any]
    cost: Decimal
    move: str
    at: str
    status: str = "running"
    waived: bool = False
    forgotten: bool = False

    @property
    def charged(self) -> Decimal:
        """What it costs in the end, whether anybody has asked after it or not."""
        return Decimal(0) if self.status == "cancelled" or self.move in ("flagged", "broke") else self.cost


@dataclass(slots=True)
class Books:
    """All that the services know: `moves` by the first letter of a prompt; `listing` is full, short or shut."""

    jobs: list[Job] = field(default_factory=list)
    moves: dict[str, list[str]] = field(default_factory=dict)
    listing: str = "full"
    late_seconds: float = 0  # how far the world's clock is ahead

    def of(self, id: str) -> Job | None:
        return next((job for job in self.jobs if job.id == id), None)


@contextmanager
def books(folder: Path, *, change: bool = True) -> Iterator[Books]:
    """The books, which nobody else has meanwhile."""
    path = folder / "books"
    with (folder / "books.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        found: Books = pickle.loads(path.read_bytes()) if path.exists() else Books()
        yield found
        if change:
            # WHY: whoever asks may be killed at any moment, and a service is not.
            fresh = folder / "books.new"
            fresh.write_bytes(pickle.dumps(found))
            fresh.replace(path)


class Wire:
    """How one account reaches its service. `moment` is told before and after everything that is asked."""

    poll_seconds = 0.005

    def __init__(self, folder: Path, clips: Path, page: str, account: str, moment: Callable[[], None]) -> None:
        self.folder, self.clips, self.page, self.account, self.moment = folder, clips, page, account, moment

    async def send(self, call: Call) -> Reply:
        self.moment()
        await anyio.sleep(0)
        with books(self.folder) as now:
            reply = self._answer(call, now)
        self.moment()
        if isinstance(reply, ProviderError):
            raise reply
        return reply

    def _answer(self, call: Call, now: Books) -> Reply | ProviderError:
        name = call.path.split("/")[2] if call.path.startswith("/jobs/") else ""
        if call.path == "/list":
            jobs = [{"id": one.id, "at": one.at, "bare": one.bare} for one in now.jobs if one.account == self.account]
            shown = jobs if now.listing == "full" else []
            told = {"jobs": shown, "complete": now.listing == "full"}
            return Reply(status=503 if now.listing == "shut" else 200, json=told)
        if not name:
            return self._create(call.body or {}, now)
        job = now.of(name)
        if job is None or job.account != self.account or job.forgotten:
            return Reply(status=404)
        if call.path.endswith("/cancel"):
            job.status = "cancelled" if job.status == "running" else job.status
        elif job.status == "running" and job.move != "stuck":
            job.status = "failed" if job.move in ("flagged", "broke") else "done"
        answer = {"status": job.status, "cost": job.cost, "url": f"https://till.example/{name}.mp4"}
        if job.status == "failed":
            answer |= {"error": f"{job.move}.", "advice": "never" if job.move == "flagged" else "later"}
        return Reply(status=200, json=answer)

    def _create(self, body: Mapping[str, Any], now: Books) -> Reply | ProviderError:
        left = now.moves.get(str(body["prompt"])[:1], [])
        move = left.pop(0) if left else ""
        if move == "unsent":
            return ProviderError("no answer.", advice=Advice.DOUBT)
        if move.isdigit():
            return Reply(status=int(move), text="no", retry_after=0.01)
        bare = {name: value for name, value in body.items() if name != "inputs"}
        cost = till.PER_SECOND[body["size"]] * body["seconds"] if "size" in body else Decimal(2)
        what = (self.page, str(body["prompt"]), str(body.get("size", body.get("to"))), *body["inputs"])
        at = datetime.now(UTC).timestamp() + now.late_seconds
        made = Job(
            id=f"job-{len(now.jobs) + 1}", account=self.account, what=what, cost=cost, move=move,
            body=repr((self.page, sorted(body.items()))), bare=bare, at=str(int(at * 1000)),
        )  # fmt: skip
        now.jobs.append(made)
        lost = ProviderError("no answer.", advice=Advice.DOUBT)
        return lost if move == "lost" else Reply(status=200, json={"id": made.id})

    async def download(self, url: str, out: Path) -> None:
        self.moment()
        name = url.rpartition("/")[2].removesuffix(".mp4")
        with books(self.folder) as now:
            job = now.of(name)
            assert job is not None
            dead = job.move == "dead"
            job.move = "" if dead else job.move  # the next time it can be had
        if dead:
            raise ProviderError("the link has expired.")
        out.write_bytes(clip(self.clips, int(name.removeprefix("job-"))).read_bytes())
        self.moment()


def clip(folder: Path, number: int) -> Path:
    """A clip that no other job has, drawn once."""
    from pipeline.media.encode import Encoder

    path = folder / f"{number}.mp4"
    if not path.exists():
        with Encoder(path, width=64, height=64, fps=Fraction(24)) as encoder:
            for i in range(6):
                encoder.rgb(bytes([number * 7 % 256, number // 36 * 40 % 256, i * 20]) * 64 * 64)
    return path
