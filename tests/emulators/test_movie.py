"""seedance2.movie: what S2 prints is taken and answered so, and what it forbids is refused by its codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.emulators import printed
from tests.emulators.visit import Visitor, ear, visit

pytestmark = pytest.mark.anyio
TASK = "/api/v1/video/task"
TEXT = [{"type": "text", "text": "x"}]


async def presigned(visitor: Visitor, name: str, kind: str) -> Any:
    """The result of a presign that must succeed (S2:389)."""
    answer = await visitor.post(f"/api/v1/video/upload/presign?filename={name}&content_type={kind}")
    assert answer.json()["code"] == "200", answer.text
    return answer.json()["result"]


async def put(visitor: Visitor, url: str, data: bytes, kind: str) -> httpx.Response:
    return await visitor.client.put(url, content=data, headers={"Content-Type": kind})


async def uploaded(visitor: Visitor, path: Path, kind: str) -> str:
    """The file_path of a file that was uploaded."""
    result = await presigned(visitor, path.name, kind)
    assert (await put(visitor, result["presigned_url"], path.read_bytes(), kind)).status_code == 200
    return str(result["file_path"])


async def code(visitor: Visitor, body: Any) -> tuple[int, str]:
    answer = await visitor.post(TASK, body)
    return answer.status_code, answer.json()["code"]


async def test_the_printed_request_is_taken_and_shown(cache: Path) -> None:
    """S2:109-151."""
    async with visit("seedance2-movie", cache) as visitor:
        answer = (await visitor.post(TASK, printed.body(printed.MOVIE))).json()
        assert (answer["code"], answer["message"]) == ("200", "Success")
        assert answer["result"] == {"task_id": answer["result"]["task_id"], "status": "pending", "credit_cost": 14.4}
        task = await visitor.end(answer["result"]["task_id"])
        assert list(task) == [
            "task_id",
            "model",
            "status",
            "resolution",
            "ratio",
            "duration",
            "generate_audio",
            "seed",
            "video_url",
            "last_frame_url",
            "error_code",
            "error_message",
            "credit_cost",
            "created_at",
            "updated_at",
        ]
        assert (task["status"], task["seed"], task["last_frame_url"]) == ("completed", None, None)
        assert (await visitor.client.get(task["video_url"])).headers["content-type"] == "video/mp4"


async def test_defaults(cache: Path) -> None:
    """S2:79-89: only content is required."""
    async with visit("seedance2-movie", cache) as visitor:
        task = await visitor.end(await visitor.create({"content": TEXT, "return_last_frame": True, "seed": -1}))
        shown = {name: task[name] for name in ("model", "resolution", "ratio", "duration", "generate_audio", "seed")}
        assert list(shown.values()) == ["seedance-2.0", "720p", "16:9", 5, False, -1]
        picture = await visitor.client.get(task["last_frame_url"])
        assert picture.headers["content-type"] == "image/png"


async def test_a_file_is_uploaded_and_animated(cache: Path, shelf: Path, still: Callable[..., str]) -> None:
    """S2:40-75, S2:309-313: presign, PUT, and the file_path in a task."""
    async with visit("seedance2-movie", cache) as visitor:
        path = await uploaded(visitor, shelf / still(), "image/png")
        assert path.startswith("api/uploads/")
        content = [{"type": "image_url", "image_url": path}, *TEXT]
        assert (await visitor.end(await visitor.create({"content": content, "duration": 8})))["status"] == "completed"
        given_as_object = [{"type": "image_url", "image_url": {"url": path}}]
        await visitor.create({"content": given_as_object})
        assert "object" in visitor.stand.log.of("create")[-1].notes[0]
        theirs = await visitor.post(TASK, {"content": content}, key=visitor.stand.keys[1])
        assert theirs.json()["code"] == "INVALID_PARAMETER"


async def test_a_presigned_url_takes_one_type_for_an_hour(cache: Path, shelf: Path, still: Callable[..., str]) -> None:
    """S2:74: another Content-Type is refused, an expired one too; a key that comes along is noted."""
    moment = [1_800_000_000.0]
    async with visit("seedance2-movie", cache, now=lambda: moment[0]) as visitor:
        data = (shelf / still()).read_bytes()
        url = (await presigned(visitor, "scene.png", "image/png"))["presigned_url"]
        assert (await put(visitor, url, data, "image/jpeg")).status_code == 403
        assert (
            await visitor.client.put(url, content=data, headers=visitor.headers() | {"Content-Type": "image/png"})
        ).status_code == 200
        assert visitor.stand.log.of("put")[-1].notes == ("a key was sent to a place of files",)
        moment[0] += 3601
        assert (await put(visitor, url, data, "image/png")).status_code == 403


async def test_what_cannot_be_uploaded(cache: Path) -> None:
    """S2:46-54."""
    async with visit("seedance2-movie", cache) as visitor:
        for query, wanted in (
            ("filename=a.png", "MISSING_PARAMETER"),
            ("content_type=image/png", "MISSING_PARAMETER"),
            (f"filename={'a' * 129}&content_type=image/png", "INVALID_PARAMETER"),
            ("filename=a.mp3&content_type=audio/mpeg", "INVALID_PARAMETER"),
            ("filename=a.gif&content_type=image/gif", "INVALID_PARAMETER"),
        ):
            answer = await visitor.post(f"/api/v1/video/upload/presign?{query}")
            assert answer.json()["code"] == wanted


REFUSED: list[dict[str, Any]] = [
    {"content": []},
    {"content": "x"},
    {"content": [{"type": "image"}]},
    {"content": [{"type": "image_url", "image_url": "api/uploads/1/none.png"}]},
    {"content": [{"type": "image_url", "image_url": "https://example.com/a.png"}]},
    {"content": [{"type": "audio_url", "audio_url": "a.mp3"}]},
    {"content": [{"type": "text", "text": ""}]},
    {"content": TEXT, "model": "seedance-3"},
    {"content": TEXT, "resolution": "4k"},
    {"content": TEXT, "ratio": "2:1"},
    {"content": TEXT, "duration": 3},
    {"content": TEXT, "duration": 16},
    {"content": TEXT, "duration": "8"},
    {"content": TEXT, "generate_audio": "true"},
    {"content": TEXT, "seed": -2},
    {"content": TEXT, "seed": 1.5},
    {"content": TEXT, "callback_url": "https://x/" + "a" * 510},
]


@pytest.mark.parametrize("errors, status", [("body", 200), ("status", 400)])
async def test_what_the_page_forbids_is_refused(errors: str, status: int, cache: Path) -> None:
    """S2:30-34 and S2:266-273: the code counts; HTTP says 200 or the table's status."""
    async with visit("seedance2-movie", cache, movie_errors=errors) as visitor:
        for body in REFUSED:
            assert await code(visitor, body) == (status, "INVALID_PARAMETER"), body
        assert await code(visitor, {"model": "seedance-2.0"}) == (status, "MISSING_PARAMETER")
        wrong = await visitor.get("/api/v1/video/balance", key="wrong")
        assert (wrong.status_code, wrong.json()["code"]) == (401 if errors == "status" else 200, "INVALID_API_KEY")
        none = await visitor.get(f"{TASK}/none")
        assert (none.status_code, none.json()["code"]) == (404 if errors == "status" else 200, "TASK_NOT_FOUND")
        assert visitor.stand.books()["created"] == 0


async def test_credits_are_used_at_the_end(cache: Path) -> None:
    """S2:214-232: post-pay; what could not be paid is refused."""
    moment = [1_800_000_000.0]
    async with visit("seedance2-movie", cache, credits=20, seconds_per_job=5, now=lambda: moment[0]) as visitor:
        job_id = await visitor.create({"content": TEXT, "duration": 8})
        balance = (await visitor.get("/api/v1/video/balance")).json()["result"]
        assert balance == {"total_credits": 20, "used_credits": 0, "remain_credits": 20}
        assert await code(visitor, {"content": TEXT}) == (200, "INSUFFICIENT_CREDIT")
        moment[0] += 5
        await visitor.end(job_id)
        balance = (await visitor.get("/api/v1/video/balance")).json()["result"]
        assert balance == {"total_credits": 20, "used_credits": 14.4, "remain_credits": 5.6}
        visitor.stand.faults.add("job_fails", code="VIDEO_DOWNLOAD_FAILED")
        failing = await visitor.create({"content": TEXT, "resolution": "480p"})
        moment[0] += 5
        task = await visitor.end(failing)
        assert (task["status"], task["error_code"], task["credit_cost"]) == ("failed", "VIDEO_DOWNLOAD_FAILED", 0)
        totals = {name: str(value) for name, value in visitor.stand.books()["totals"].items()}
        assert totals == {"reserved": "18.9", "held": "0", "charged": "14.4", "refunded": "0"}


async def test_a_full_house_queues(cache: Path) -> None:
    """S2:256: CONCURRENCY_LIMIT_REACHED and the task is queued; as a choice it is refused without an id."""
    moment = [1_800_000_000.0]
    clock = {"seconds_per_job": 5, "now": lambda: moment[0]}
    async with visit("seedance2-movie", cache, concurrency=1, movie_errors="status", **clock) as visitor:
        first = await visitor.create({"content": TEXT})
        answer = await visitor.post(TASK, {"content": TEXT})
        assert (answer.status_code, answer.json()["code"]) == (429, "CONCURRENCY_LIMIT_REACHED")
        second = answer.json()["result"]["task_id"]
        assert (await visitor.task(second))["status"] == "pending"
        moment[0] += 4
        assert (await visitor.task(first))["status"] == "processing"
        assert (await visitor.task(second))["status"] == "pending"
        moment[0] += 1
        await visitor.end(first)
        assert (await visitor.task(second))["status"] != "completed"
        moment[0] += 5
        assert (await visitor.end(second))["status"] == "completed"
    async with visit("seedance2-movie", cache, concurrency=0, movie_over_limit="refused") as visitor:
        answer = await visitor.post(TASK, {"content": TEXT})
        assert answer.json() == {"code": "CONCURRENCY_LIMIT_REACHED", "message": "Max concurrent tasks reached"}


async def test_tasks_are_listed_and_cancelled(cache: Path) -> None:
    """S2:181-213."""
    async with visit("seedance2-movie", cache, seconds_per_job=30, concurrency=None) as visitor:
        ids = [await visitor.create({"content": TEXT}) for _ in range(3)]
        path = "/api/v1/video/tasks"
        page = (await visitor.get(path, page=1, page_size=2)).json()["result"]
        assert [task["task_id"] for task in page["data"]] == [ids[2], ids[1]]
        assert (page["total"], page["page"], page["page_size"]) == (3, 1, 2)
        page = (await visitor.get(path, page=2, page_size=2)).json()["result"]
        assert [task["task_id"] for task in page["data"]] == [ids[0]]
        for query in ({"page": 0}, {"page_size": 101}, {"status": "done"}):
            assert (await visitor.get(path, **query)).json()["code"] == "INVALID_PARAMETER"
        answer = (await visitor.post(f"{TASK}/{ids[0]}/cancel")).json()
        assert answer["result"] == {"task_id": ids[0], "status": "cancelled"}
        assert (await visitor.post(f"{TASK}/{ids[0]}/cancel")).json()["code"] == "TASK_CANCEL_NOT_ALLOWED"
        page = (await visitor.get(path, status="cancelled")).json()["result"]
        assert page["total"] == 1
        visitor.stand.faults.add("cancel_refused")
        assert (await visitor.post(f"{TASK}/{ids[1]}/cancel")).json()["code"] == "TASK_CANCEL_NOT_ALLOWED"
        visitor.stand.faults.add("cancel_slow")
        assert (await visitor.post(f"{TASK}/{ids[1]}/cancel")).json()["result"]["status"] == "pending"
        assert (await visitor.task(ids[1]))["status"] == "cancelled"


async def test_links_open_for_a_week_and_are_renewed(cache: Path) -> None:
    """S2:162."""
    moment = [1_800_000_000.0]
    async with visit("seedance2-movie", cache, now=lambda: moment[0], seconds_per_job=0) as visitor:
        job_id = await visitor.create({"content": TEXT})
        old = (await visitor.end(job_id))["video_url"]
        moment[0] += 604_000
        assert (await visitor.client.get(old)).status_code == 200
        moment[0] += 1_000
        assert (await visitor.client.get(old)).status_code == 403
        assert (await visitor.client.get((await visitor.task(job_id))["video_url"])).status_code == 200
        assert (await visitor.client.get(old.replace("token=1", "token=2"))).status_code == 403


async def test_the_callback_carries_the_query(cache: Path, shelf: Path) -> None:
    """S2:88; the page prints no body, so the envelope of the query is sent."""
    async with visit("seedance2-movie", cache) as visitor, ear(shelf) as heard:
        job_id = await visitor.create({"content": TEXT, "callback_url": f"{heard.url}/hook"})
        (body,) = await heard.wait(1)
        assert (body["code"], body["result"]["task_id"], body["result"]["status"]) == ("200", job_id, "completed")
