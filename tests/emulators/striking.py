"""What tests of faults share: a body that each service takes, and how to strike, send and look."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.emulators.visit import Visitor

SERVICES = ("seegen", "seedance2-movie", "seedancee2", "naci")
BODIES: dict[str, Any] = {
    "seegen": {"model": "sd2", "inputs": {"prompt": "x"}},
    "seedance2-movie": {"content": [{"type": "text", "text": "x"}]},
    "seedancee2": {"model": "mini", "input": {"prompt": "x"}},
    "naci": {"model": "sd2.0", "content": [{"type": "text", "text": "x"}]},
}
CREATE = {
    "seegen": "/jobs/createTask",
    "seedance2-movie": "/api/v1/video/task",
    "seedancee2": "/v1/videos/generations",
    "naci": "/v1/video/generations",
}
every = pytest.mark.parametrize("name", SERVICES)


def strike(visitor: Visitor, fault: str, **values: Any) -> None:
    """Let a fault wait."""
    visitor.stand.faults.add(fault, **values)


async def send(visitor: Visitor) -> httpx.Response:
    return await visitor.post(CREATE[visitor.stand.name], BODIES[visitor.stand.name])


def created(visitor: Visitor) -> int:
    return int(visitor.stand.books()["created"])


def result_url(task: Any) -> str:
    """The video's link in any service's answer."""
    if isinstance(task.get("output"), list):
        return str(task["output"][0]["url"])
    return str(task.get("video_url") or (task.get("output") or task.get("content"))["video_url"])


async def raw_query(visitor: Visitor, job_id: str) -> httpx.Response:
    match visitor.stand.name:
        case "seegen":
            return await visitor.get("/jobs/queryTask", taskId=job_id)
        case "seedance2-movie":
            return await visitor.get(f"/api/v1/video/task/{job_id}")
        case "seedancee2":
            return await visitor.get(f"/v1/videos/generations/{job_id}")
    return await visitor.get(f"/v1/video/generations/{job_id}", show_raw="true", show_usage="true")


async def query(visitor: Visitor, job_id: str) -> str:
    return (await raw_query(visitor, job_id)).text


async def raw_query_url(visitor: Visitor, job_id: str) -> str:
    base = visitor.stand.base_url
    return {
        "seegen": f"{base}/jobs/queryTask?taskId={job_id}",
        "seedance2-movie": f"{base}/api/v1/video/task/{job_id}",
        "seedancee2": f"{base}/v1/videos/generations/{job_id}",
        "naci": f"{base}/v1/video/generations/{job_id}",
    }[visitor.stand.name]
