"""The naci gateway: S4's request is taken, its three forms come out, and refusals come in its family's envelopes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.emulators import printed
from tests.emulators.visit import ear, visit

pytestmark = pytest.mark.anyio
PATH = "/v1/video/generations"
TEXT = [{"type": "text", "text": "x"}]
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
FILM = {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}, "role": "reference_video"}
SOUND = {"type": "audio_url", "audio_url": {"url": "https://example.com/a.mp3"}, "role": "reference_audio"}


def as_role(item: dict[str, Any], role: str) -> dict[str, Any]:
    return item | {"role": role}


async def test_the_printed_request_and_its_three_answers(cache: Path) -> None:
    """S4:2-129."""
    async with visit("naci", cache) as visitor:
        body = printed.body(printed.NACI) | {"return_last_frame": True}
        made = (await visitor.post(PATH, body)).json()
        assert list(made) == ["id", "task_id", "object", "model", "status", "progress", "created_at"]
        assert made["id"] == made["task_id"]
        assert made["id"].startswith("cgt-20")
        assert (made["model"], made["status"], made["progress"]) == ("doubao-seedance-2-0-260128", "queued", 0)
        raw = await visitor.end(made["id"])
        assert list(raw) == (
            [
                "id",
                "model",
                "status",
                "content",
                "seed",
                "resolution",
                "ratio",
                "duration",
                "framespersecond",
                "usage",
                "created_at",
                "updated_at",
            ]
        )
        assert (raw["status"], raw["duration"], raw["usage"]["total_tokens"]) == ("succeeded", 11, 237_600)
        path = f"{PATH}/{made['id']}"
        plain = (await visitor.get(path)).json()
        assert list(plain) == (
            ["id", "task_id", "object", "model", "status", "progress", "created_at", "completed_at", "metadata"]
        )
        assert (plain["status"], plain["progress"]) == ("completed", 100)
        both = (await visitor.get(path, show_raw="true", show_usage="true")).json()
        assert both["code"] == "success"
        assert list(both["data"]) == (
            [
                "task_id",
                "action",
                "status",
                "fail_reason",
                "submit_time",
                "start_time",
                "finish_time",
                "progress",
                "data",
                "usage",
            ]
        )
        assert (both["data"]["status"], both["data"]["progress"]) == ("SUCCESS", "100%")
        assert both["data"]["data"] == raw
        assert both["data"]["usage"] == {
            "completion_details": {"video_durations": 11, "video_tokens": 237_600},
            "ratio": "16:9",
            "watermark": False,
            "generate_audio": True,
        }
        assert "data" not in (await visitor.get(path, show_usage="1")).json()["data"]
        assert (await visitor.get(path, raw="true", show_raw="true")).json() == raw
        assert plain["metadata"]["url"] == raw["content"]["video_url"]
        last = await visitor.client.get(raw["content"]["last_frame_url"])
        assert last.headers["content-type"] == "image/png"
        assert (await visitor.client.head(raw["content"]["video_url"])).status_code == 403


async def test_the_other_reading_of_a_plain_question(cache: Path) -> None:
    """S4:42: without flags the wrapper comes without raw data and usage."""
    async with visit("naci", cache, naci_plain="wrapped") as visitor:
        job_id = await visitor.create({"model": "sd2.0", "content": TEXT})
        await visitor.end(job_id)
        plain = (await visitor.get(f"{PATH}/{job_id}")).json()
        assert plain["data"]["status"] == "SUCCESS"
        assert not {"data", "usage"} & set(plain["data"])


async def test_links_end_a_day_after_the_end_and_are_not_renewed(cache: Path) -> None:
    """Ark's: X-Tos-Expires is 86400."""
    moment = [1_800_000_000.0]
    async with visit("naci", cache, now=lambda: moment[0], seconds_per_job=0) as visitor:
        job_id = await visitor.create({"model": "sd2.0", "content": TEXT})
        url = (await visitor.end(job_id))["content"]["video_url"]
        moment[0] += 86_300
        assert (await visitor.client.get(url)).status_code == 200
        moment[0] += 200
        assert (await visitor.task(job_id))["content"]["video_url"] == url
        assert (await visitor.client.get(url)).status_code == 403


TAKEN: list[list[dict[str, Any]]] = [
    [PICTURE],
    [as_role(PICTURE, "first_frame"), as_role(PICTURE, "last_frame"), *TEXT],
    [as_role(PICTURE, "reference_image")] * 9 + [FILM, SOUND, *TEXT],
]
REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("no content", {}),
    ("empty content", {"content": []}),
    ("bare string", {"content": [{"type": "image_url", "image_url": "https://example.com/a.png"}]}),
    ("two without role", {"content": [PICTURE, PICTURE]}),
    ("mixed", {"content": [as_role(PICTURE, "first_frame"), as_role(PICTURE, "reference_image")]}),
    ("frame and film", {"content": [as_role(PICTURE, "first_frame"), FILM]}),
    ("last alone", {"content": [as_role(PICTURE, "last_frame")]}),
    ("audio alone", {"content": [SOUND, *TEXT]}),
    ("film without role", {"content": [{"type": "video_url", "video_url": FILM["video_url"]}]}),
    ("film as data", {"content": [FILM | {"video_url": {"url": "data:video/mp4;base64,AAAA"}}]}),
    ("ten images", {"content": [as_role(PICTURE, "reference_image")] * 10}),
    ("four films", {"content": [FILM] * 4}),
    ("unknown item", {"content": [{"type": "poem"}]}),
    ("2k", {"content": TEXT, "resolution": "2k"}),
    ("fast 1080p", {"content": TEXT, "resolution": "1080p", "model": "sd2.0-fast"}),
    ("ratio", {"content": TEXT, "ratio": "2:1"}),
    ("duration", {"content": TEXT, "duration": 16}),
    ("duration as text", {"content": TEXT, "duration": "5"}),
    ("audio switch", {"content": TEXT, "generate_audio": 1}),
    ("seed", {"content": TEXT, "seed": -2}),
    ("tier", {"content": TEXT, "service_tier": "flex"}),
    ("broken data URL", {"content": [PICTURE | {"image_url": {"url": "data:image/png;base64,!"}}]}),
]


async def test_arks_rules(cache: Path) -> None:
    """Readings 1.2; a refusal is Ark's, as a JSON text in the gateway's message (2.4)."""
    async with visit("naci", cache, concurrency=None) as visitor:
        for content in TAKEN:
            assert (await visitor.end(await visitor.create({"model": "sd2.0", "content": content})))["status"] == (
                "succeeded"
            )
        for name, body in REFUSED:
            answer = await visitor.post(PATH, {"model": "sd2.0"} | body)
            said = answer.json()
            assert (answer.status_code, said["code"], said["data"]) == (400, "fail_to_fetch_task", None), name
            error = json.loads(said["message"])["error"]
            assert error["code"].startswith(("InvalidParameter", "MissingParameter")), name
        assert visitor.stand.books()["created"] == 3


async def test_the_envelopes_of_the_relay(cache: Path) -> None:
    """Readings 2.4: its door and its tasks answer in two forms."""
    async with visit("naci", cache, credits=4) as visitor:
        answer = await visitor.post(PATH, {}, key="wrong")
        assert (answer.status_code, answer.json()["error"]["type"]) == (401, "new_api_error")
        assert "request id" in answer.json()["error"]["message"]
        answer = await visitor.post(PATH, {"model": "sd9", "content": TEXT})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_not_found")
        answer = await visitor.post(PATH, {"model": "sd2.0", "content": TEXT})
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_user_quota")
        answer = await visitor.get(f"{PATH}/cgt-none")
        assert (answer.status_code, answer.json()["code"]) == (400, "task_not_exist")
        answer = await visitor.get("/v1/videos")
        assert (answer.status_code, "Invalid URL" in answer.json()["error"]["message"]) == (404, True)


async def test_flags_in_a_prompt_are_noted(cache: Path) -> None:
    """Readings 1.2: ` --dur 12` would change the job upstream."""
    async with visit("naci", cache) as visitor:
        await visitor.create({"model": "sd2.0", "content": [{"type": "text", "text": "a cat --dur 12"}]})
        assert "flags" in visitor.stand.log.of("create")[0].notes[0]


async def test_data_urls_are_decoded_and_measured(cache: Path, shelf: Path, still: Callable[..., str]) -> None:
    """Readings 1.2: sides from 300 px, ratio from 0.4 to 2.5."""
    async with visit("naci", cache) as visitor, ear(shelf) as shown:

        async def status(url: str) -> int:
            body = {"model": "sd2.0", "content": [PICTURE | {"image_url": {"url": url}}], "ratio": "adaptive"}
            return (await visitor.post(PATH, body)).status_code

        data = base64.b64encode((shelf / still(300, 600)).read_bytes()).decode()
        assert await status(f"data:image/png;base64,{data}") == 200
        assert await status(f"{shown.url}/{still(298, 300)}") == 400
        assert await status(f"{shown.url}/{still(300, 800)}") == 400


async def test_what_is_above_the_limit_waits_in_turn(cache: Path) -> None:
    """Ark queues what is above the concurrency; it does not refuse."""
    moment = [1_800_000_000.0]
    async with visit("naci", cache, concurrency=1, seconds_per_job=5, now=lambda: moment[0]) as visitor:
        jobs = [await visitor.create({"model": "sd2.0", "content": TEXT}) for _ in range(4)]
        ended = []
        for place, job in enumerate(jobs):
            assert [(await visitor.task(other))["status"] for other in jobs[place + 1 :]] == ["queued"] * (3 - place)
            moment[0] += 5
            ended.append((await visitor.end(job))["updated_at"])
        assert ended == sorted(ended)


async def test_arks_callback_comes_at_each_change(cache: Path, shelf: Path) -> None:
    """The body is that of the GET."""
    async with visit("naci", cache, seconds_per_job=0.3) as visitor, ear(shelf) as heard:
        await visitor.create({"model": "sd2.0", "content": TEXT, "callback_url": f"{heard.url}/hook"})
        assert [body["status"] for body in await heard.wait(2)] == ["running", "succeeded"]
