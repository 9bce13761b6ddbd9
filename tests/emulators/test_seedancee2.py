"""Seedancee2: what S3 prints is taken and answered as it prints it, and what it forbids is refused by its table."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.emulators.seedancee2 import signed
from tests.emulators import printed
from tests.emulators.visit import ear, visit

pytestmark = pytest.mark.anyio
PATH = "/v1/videos/generations"
INPUT = {"prompt": "x"}
URL = "https://example.com/a.png"


async def test_every_printed_request_is_taken(cache: Path) -> None:
    """S3:17-28, S3:154-182 and S3:205-224: reserved, charged, metadata echoed, the last frame being the poster."""
    moment = [1_800_000_000.0]
    async with visit("seedancee2", cache, seconds_per_job=5, now=lambda: moment[0]) as visitor:
        for text in printed.SEEDANCEE2.values():
            body = printed.body(text)
            made = (await visitor.post(PATH, body)).json()["data"]
            assert list(made) == ["id", "status", "model", "credits_reserved", "created_at"]
            assert (made["id"][:4], made["status"]) == ("vid_", "pending")
            early = await visitor.task(made["id"])
            assert "credits_charged" not in early
            assert early["metadata"] == body["metadata"]
            moment[0] += 5
            task = await visitor.end(made["id"])
            wanted = ["id", "status", "model", "created_at", "completed_at", "credits_charged", "output", "metadata"]
            assert list(task) == wanted
            assert task["metadata"] == body["metadata"]
            assert task["credits_charged"] == made["credits_reserved"]
        assert task["output"]["last_frame_url"] == task["output"]["thumbnail_url"]
        poster = await visitor.client.get(task["output"]["thumbnail_url"])
        assert poster.headers["content-type"] == "image/jpeg"


async def test_a_failed_task_gives_everything_back(cache: Path) -> None:
    """S3:225-243."""
    async with visit("seedancee2", cache) as visitor:
        visitor.stand.faults.add("job_fails")
        task = await visitor.end(await visitor.create({"model": "pro", "input": INPUT | {"resolution": "720p"}}))
        assert (task["status"], task["credits_charged"], task["credits_refunded"]) == ("failed", 0, 100)
        assert task["error"] == {
            "code": "generation_failed",
            "message": "The video could not be generated. Please try again with a different prompt.",
            "type": "generation_error",
        }
        usage = (await visitor.get("/v1/usage")).json()["data"]
        assert usage["summary"] == {
            "total_jobs": 1,
            "pending_jobs": 0,
            "processing_jobs": 0,
            "completed_jobs": 0,
            "failed_jobs": 1,
            "credits_charged": 100,
            "credits_refunded": 100,
            "net_credits": 0,
        }


REFUSED: list[Any] = [
    {"input": INPUT},
    {"model": "pro"},
    {"model": "pro", "input": "x"},
    {"model": "pro", "input": {}},
    {"model": "pro", "input": {"prompt": " "}},
    {"model": "pro", "input": INPUT | {"duration": 3}},
    {"model": "pro", "input": INPUT | {"duration": "5"}},
    {"model": "pro", "input": INPUT | {"resolution": "4k"}},
    {"model": "fast", "input": INPUT | {"resolution": "1080p"}},
    {"model": "mini", "input": INPUT | {"resolution": "1080p"}},
    {"model": "pro", "input": INPUT | {"aspect_ratio": "2:1"}},
    {"model": "pro", "input": INPUT | {"generation_type": "dream"}},
    {"model": "pro", "input": INPUT | {"image_urls": [URL] * 10}},
    {"model": "pro", "input": INPUT | {"image_urls": URL}},
    {"model": "pro", "input": INPUT | {"image_urls": ["data:image/png;base64,AAAA"]}},
    {"model": "pro", "input": INPUT | {"video_url": URL, "video_urls": [URL]}},
    {"model": "pro", "input": INPUT | {"video_urls": [URL] * 4}},
    {"model": "pro", "input": INPUT | {"audio_urls": [URL] * 4}},
    {"model": "pro", "input": INPUT | {"start_image_url": URL}},
    {"model": "pro", "input": INPUT | {"generation_type": "first_and_last_frames", "start_image_url": URL}},
    {"model": "pro", "input": INPUT | {"generation_type": "first_and_last_frames", "image_urls": [URL] * 3}},
    {"model": "pro", "input": INPUT | {"seed": "7"}},
    {"model": "pro", "input": INPUT | {"watermark": "no"}},
    {"model": "pro", "input": INPUT, "metadata": "x"},
    {"model": "pro", "input": INPUT, "callback_url": "x"},
]


async def test_what_the_page_forbids_is_refused(cache: Path) -> None:
    """S3:389-404."""
    async with visit("seedancee2", cache, credits=99) as visitor:

        async def error(body: Any, key: str | None = None) -> tuple[int, str, str]:
            answer = await visitor.post(PATH, body, key=key)
            assert list(answer.json()) == ["error"], answer.text
            assert list(answer.json()["error"]) == ["code", "message", "type"]
            return answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["type"]

        for body in REFUSED:
            assert await error(body) == (400, "invalid_request", "invalid_request_error"), body
        assert await error({}, "wrong") == (401, "invalid_api_key", "authentication_error")
        assert await error({"model": "sd2", "input": INPUT}) == (404, "model_not_found", "invalid_request_error")
        assert await error({"model": "pro", "input": INPUT}) == (402, "insufficient_credits", "billing_error")
        answer = await visitor.get(f"{PATH}/vid_none")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "task_not_found")
        assert visitor.stand.books()["created"] == 0


async def test_frames_and_references_are_taken(cache: Path, shelf: Path, still: Callable[..., str]) -> None:
    """S3:136-142 and S3:377-387; what lies on loopback must be the kind asked."""
    async with visit("seedancee2", cache) as visitor, ear(shelf) as shown:
        frames = {"generation_type": "first_and_last_frames", "start_image_url": URL, "end_image_url": URL}
        many = {"image_urls": [URL] * 9, "video_urls": [URL] * 3, "audio_urls": [URL] * 3}
        picture = f"{shown.url}/{still()}"
        for more in (frames, many, {"video_url": URL, "seed": 7, "return_last_frame": True}, {"image_urls": [picture]}):
            assert (await visitor.end(await visitor.create({"model": "mini", "input": INPUT | more})))["status"] == (
                "completed"
            )
        answer = await visitor.post(PATH, {"model": "mini", "input": INPUT | {"video_url": picture}})
        assert answer.status_code == 400


async def test_either_header_carries_the_key(cache: Path) -> None:
    """S3:74."""
    async with visit("seedancee2", cache) as visitor:
        url = f"{visitor.stand.base_url}/v1/models"
        answer = await visitor.client.get(url, headers={"x-api-key": visitor.stand.key})
        assert answer.json()["data"][0] == {
            "id": "pro",
            "status": "active",
            "resolutions": ["480p", "720p", "1080p"],
            "duration": {"min": 4, "max": 15},
        }
        assert (await visitor.client.get(url)).status_code == 401


async def test_tasks_are_listed(cache: Path) -> None:
    """S3:243-251: the newest first, 20 unless asked, with their metadata."""
    async with visit("seedancee2", cache, seconds_per_job=0) as visitor:
        for n in range(22):
            job_id = await visitor.create({"model": "mini", "input": INPUT, "metadata": {"n": n}})
        await visitor.end(job_id)
        listed = (await visitor.get(PATH)).json()["data"]
        assert [task["metadata"]["n"] for task in listed] == list(range(21, 1, -1))
        assert len((await visitor.get(PATH, status="completed", limit=100)).json()["data"]) == 22
        assert (await visitor.get(PATH, status="failed")).json()["data"] == []
        assert (await visitor.get(PATH, key=visitor.stand.keys[1])).json()["data"] == []
        for query in ({"status": "done"}, {"limit": 0}, {"limit": 101}):
            assert (await visitor.get(PATH, **query)).status_code == 400


async def test_usage(cache: Path) -> None:
    """S3:266-329: by model and by day, within a range."""
    async with visit("seedancee2", cache, now=lambda: 1_783_000_000.0, seconds_per_job=0) as visitor:
        for model in ("mini", "pro", "mini"):
            await visitor.end(await visitor.create({"model": model, "input": INPUT}))
        july = {"start": "2026-07-01T00:00:00.000Z", "end": "2026-07-31T23:59:59.999Z", "limit": 7}
        data = (await visitor.get("/v1/usage", **july)).json()["data"]
        assert data["range"] == {"start": july["start"], "end": july["end"]}
        assert [(row["model"], row["total_jobs"], row["net_credits"]) for row in data["by_model"]] == [
            ("mini", 2, 100),
            ("pro", 1, 100),
        ]
        assert [row["date"] for row in data["timeline"]] == ["2026-07-02"]
        june = {"start": "2026-06-01T00:00:00Z", "end": "2026-06-30T00:00:00Z"}
        assert (await visitor.get("/v1/usage", **june)).json()["data"]["summary"]["total_jobs"] == 0
        for query in ({"start": "yesterday"}, {"limit": 366}):
            assert (await visitor.get("/v1/usage", **query)).status_code == 400


async def test_the_test_vector_of_the_signature() -> None:
    """S3:333-335, worked in the readings (C1)."""
    body = b'{"data":{"id":"vid_test","status":"completed"}}'
    assert signed("whsec_test", 1770000000, body) == (
        "t=1770000000,v1=91942a927981689dffb58cef7afb9faf04d4bc8c3c8f23c512a152d7ab0632f7"
    )


@pytest.mark.parametrize("fails", [False, True])
async def test_webhooks_are_signed_over_their_raw_bytes(fails: bool, cache: Path, shelf: Path) -> None:
    """S3:329-371."""
    async with visit("seedancee2", cache, webhook_secret="s3cret") as visitor, ear(shelf) as heard:
        if fails:
            visitor.stand.faults.add("job_fails")
        hook = f"{heard.url}/hook"
        job_id = await visitor.create({"model": "pro", "callback_url": hook, "input": INPUT, "metadata": {"k": "v"}})
        (body,) = await heard.wait(1)
        headers, raw = heard.heard[0]
        status = "failed" if fails else "completed"
        assert (body["data"]["id"], body["data"]["status"], body["data"]["metadata"]) == (job_id, status, {"k": "v"})
        assert headers["x-seedancee2-event"] == f"video.generation.{status}"
        moment, _, mac = headers["x-seedancee2-signature"].removeprefix("t=").partition(",v1=")
        assert mac == hmac.new(b"s3cret", f"{moment}.".encode() + raw, hashlib.sha256).hexdigest()


async def test_signing_may_be_off(cache: Path, shelf: Path) -> None:
    """S3:333: if enabled for your account."""
    async with visit("seedancee2", cache, webhook_secret="") as visitor, ear(shelf) as heard:
        await visitor.create({"model": "mini", "callback_url": f"{heard.url}/hook", "input": INPUT})
        await heard.wait(1)
        assert "x-seedancee2-signature" not in heard.heard[0][0]
