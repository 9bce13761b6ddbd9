"""A visitor of the stand-ins: one client, one key, and the patience to wait for a job."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from pipeline.digest import loads
from pipeline.emulators.server import bound, listening
from pipeline.emulators.settings import Settings
from pipeline.emulators.street import Stand, serve

DONE = ("COMPLETED", "FAILED", "completed", "failed", "cancelled", "expired", "SUCCESS", "FAILURE", "succeeded")
_PATIENCE_SECONDS = 20


@dataclass
class Visitor:
    """Asks one stand with its first key, unless another is given."""

    stand: Stand
    client: httpx.AsyncClient

    def headers(self, key: str | None = None) -> dict[str, str]:
        key = self.stand.key if key is None else key
        return {"X-API-Key": key} if self.stand.name == "seedance2-movie" else {"Authorization": f"Bearer {key}"}

    async def post(self, path: str, body: Any = None, *, key: str | None = None, **more: Any) -> httpx.Response:
        return await self.client.post(self.stand.base_url + path, json=body, headers=self.headers(key), **more)

    async def get(self, path: str, *, key: str | None = None, **query: Any) -> httpx.Response:
        return await self.client.get(self.stand.base_url + path, params=query or None, headers=self.headers(key))

    async def create(self, body: Any, key: str | None = None) -> str:
        """The id of a job that must be accepted."""
        path = {
            "seegen": "/jobs/createTask",
            "seedance2-movie": "/api/v1/video/task",
            "seedancee2": "/v1/videos/generations",
            "naci": "/v1/video/generations",
        }[self.stand.name]
        answer = await self.post(path, body, key=key)
        assert answer.status_code == 200, answer.text
        return id_in(answer.json())

    async def task(self, id: str) -> Any:
        """A job as the service shows it, with exact numbers."""
        match self.stand.name:
            case "seegen":
                answer = await self.get("/jobs/queryTask", taskId=id)
            case "seedance2-movie":
                answer = await self.get(f"/api/v1/video/task/{id}")
            case "seedancee2":
                answer = await self.get(f"/v1/videos/generations/{id}")
            case _:
                answer = await self.get(f"/v1/video/generations/{id}", raw="true")
        assert answer.status_code == 200, answer.text
        value = loads(answer.content)
        return value.get("result") or value.get("data") or value

    async def until(self, ask: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
        """What `ask` gives as soon as it is `wanted`."""
        with anyio.fail_after(_PATIENCE_SECONDS):
            while not wanted(found := await ask()):
                await anyio.sleep(0.01)
        return found

    async def end(self, id: str) -> Any:
        """A job when it is over."""
        return await self.until(lambda: self.task(id), lambda task: task["status"] in DONE)


def id_in(value: Any) -> str:
    """The id in any service's answer to a create."""
    value = value.get("result") or value.get("data") or value
    return str(value.get("taskId") or value.get("task_id") or value["id"])


@asynccontextmanager
async def visit(name: str, cache: Path, **settings: Any) -> AsyncIterator[Visitor]:
    """One stand on a free port, quick and small unless told, and a visitor to it."""
    given = Settings(
        **({"draw": False, "cache": cache, "seconds_per_job": 0.05, "seconds_per_review": 0.02} | settings)
    )
    async with (
        serve([name], settings=given) as stands,
        httpx.AsyncClient(timeout=10, trust_env=False, verify=False) as client,
    ):
        yield Visitor(stands[name], client)


@dataclass
class Ear:
    """A place on loopback that hears webhooks and shows files; `answers` are the next statuses it gives."""

    url: str
    heard: list[tuple[dict[str, str], bytes]]
    answers: list[int]

    async def wait(self, count: int) -> list[Any]:
        """The bodies of this many webhooks."""
        with anyio.fail_after(_PATIENCE_SECONDS):
            while len(self.heard) < count:
                await anyio.sleep(0.01)
        return [loads(body) for _, body in self.heard]


@asynccontextmanager
async def ear(shelf: Path) -> AsyncIterator[Ear]:
    """An ear that listens while the block runs."""
    sock = bound(0)
    ear = Ear(f"http://127.0.0.1:{sock.getsockname()[1]}", [], [])

    async def hear(request: Request) -> Response:
        ear.heard.append((dict(request.headers), await request.body()))
        return Response(status_code=ear.answers.pop(0) if ear.answers else 200)

    routes = [Route("/hook", hear, methods=["POST"]), Mount("/", StaticFiles(directory=shelf))]
    async with listening(Starlette(routes=routes), sock):
        yield ear
