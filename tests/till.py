"""`till`: a made-up service with prices, for what costs money. A page of pure translation and the service behind it.

The service keeps exact accounts and can be told, prompt by prompt, to refuse, to fail, to lose its answer.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio

from pipeline.errors import Advice, ProviderError
from pipeline.money import Price
from pipeline.providers.base import Call, Complaint, Reply, Status, Wish

NAME = "till"
TITLE = "A till that takes credits"
UNIT = "credits"
CONCURRENCY = 3
SEED_LIMIT = 1000
PER_SECOND = {"480p": Decimal("1.5"), "720p": Decimal(3), "1080p": Decimal("6.25")}


def complaints(wish: Wish) -> Iterable[Complaint]:
    if wish.resolution not in PER_SECOND:
        yield Complaint(field="resolution", fact=f"till makes no {wish.resolution}.", hint="Ask for 1080p and upscale.")


def request(wish: Wish) -> Mapping[str, Any]:
    return {
        "prompt": wish.prompt,
        "seconds": wish.seconds,
        "size": wish.resolution,
        "seed": wish.seed,
        "inputs": [item.role for item in wish.inputs],
    }


def price(wish: Wish) -> Price:
    cost = PER_SECOND[wish.resolution] * (wish.seconds or 1)
    return Price(low=cost, high=cost, source="till's price list")


def effort_seconds(wish: Wish) -> float:
    return 60.0


def submit(request: Mapping[str, Any], inputs: Sequence[str]) -> Call:
    return Call(method="POST", path="/jobs", body=dict(request))


def job_id(reply: Reply) -> str | None:
    return reply.json.get("id") if isinstance(reply.json, dict) else None


def poll(job_id: str) -> Call:
    return Call(method="GET", path=f"/jobs/{job_id}")


def status(reply: Reply) -> Status:
    job = reply.json
    if job["status"] == "running":
        return Status(done=False)
    if job["status"] == "failed":
        error = ProviderError(job["error"], "Change the prompt.", advice=Advice(job["advice"]))
        return Status(done=True, error=error, charged=Decimal(0), refunded=Decimal(job["cost"]))
    return Status(done=True, links={"video": job["url"]}, charged=Decimal(job["cost"]))


def fault(reply: Reply) -> ProviderError:
    advice = {429: Advice.SLOW_DOWN, 503: Advice.LATER}.get(reply.status, Advice.NEVER)
    if reply.status >= 500 and reply.status != 503:
        advice = Advice.DOUBT
    return ProviderError(f"till says {reply.status}.", advice=advice, after_seconds=reply.retry_after)


class Till:
    """The service: a `Wire` without a network. `script` maps a word in a prompt to what then happens, in turn."""

    def __init__(self, clip: Path, script: Mapping[str, Iterable[str]] | None = None) -> None:
        self.clip = clip
        self.script = {word: iter(moves) for word, moves in (script or {}).items()}
        self.poll_seconds = 0.001
        self.jobs: dict[str, dict[str, Any]] = {}
        self.asked: list[Call] = []
        self.most_running = 0
        self.charged = Decimal(0)
        self.silent = False  # it does not say how a job stands
        self.dead_links = 0  # so many downloads fail
        self._numbers = itertools.count(1)

    def _move(self, prompt: str) -> str:
        for word, moves in self.script.items():
            if word in prompt:
                return next(moves, "")
        return ""

    async def send(self, call: Call) -> Reply:
        await anyio.sleep(0)
        self.asked.append(call)
        if call.method == "GET" and self.silent:
            return Reply(status=401)
        if call.method == "GET":
            return self._told(self.jobs[call.path.rpartition("/")[2]])
        assert call.body is not None
        move = self._move(str(call.body["prompt"]))
        if move.isdigit():
            return Reply(status=int(move), text="no", retry_after=0.01)
        name = f"job-{next(self._numbers)}"
        cost = PER_SECOND[call.body["size"]] * (call.body["seconds"] or 1)
        self.jobs[name] = {"id": name, "body": call.body, "cost": cost, "polls": 0, "move": move}
        self.most_running = max(self.most_running, sum(job["polls"] < 2 for job in self.jobs.values()))
        if move == "lost":
            raise ProviderError("till did not answer.", advice=Advice.DOUBT)
        return Reply(status=200, json={"id": name})

    def _told(self, job: dict[str, Any]) -> Reply:
        job["polls"] += 1
        if job["move"] == "stuck" or job["polls"] < 2:
            return Reply(status=200, json={"status": "running"})
        if job["move"] in ("flagged", "broke"):
            advice = "never" if job["move"] == "flagged" else "later"
            failed = {"status": "failed", "error": f"{job['move']}.", "advice": advice, "cost": job["cost"]}
            return Reply(status=200, json=failed)
        if job["polls"] == 2:
            self.charged += job["cost"]
        return Reply(status=200, json={"status": "done", "url": "https://till.example/clip.mp4", "cost": job["cost"]})

    async def download(self, url: str, out: Path) -> None:
        if self.dead_links:
            self.dead_links -= 1
            raise ProviderError("the link has expired.")
        shutil.copyfile(self.clip, out)
