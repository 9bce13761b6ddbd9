"""The faults that one service alone has; how faults are counted, chosen and controlled; and that all were tried."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from pipeline.emulators.faults import CATALOG, Fault, Faults
from pipeline.emulators.seedancee2 import signed
from tests.emulators.striking import BODIES, created, raw_query, result_url, send, strike
from tests.emulators.test_worked_prices import asset
from tests.emulators.visit import ear, visit

pytestmark = pytest.mark.anyio


async def test_a_webhook_badly_signed(cache: Path, shelf: Path) -> None:
    """The signature is another secret's (S3:331)."""
    async with (
        visit("seedancee2", cache, now=lambda: 1_800_000_000.0, seconds_per_job=0) as visitor,
        ear(shelf) as heard,
    ):
        body = BODIES["seedancee2"] | {"callback_url": f"{heard.url}/hook"}
        strike(visitor, "webhook_badly_signed")
        await visitor.create(body)
        await heard.wait(1)
        await visitor.create(body)
        await heard.wait(2)
        good = [
            headers["x-seedancee2-signature"] == signed("whsec_test", 1_800_000_000, raw)
            for headers, raw in heard.heard
        ]
        assert good == [False, True]


@pytest.mark.parametrize("errors, status", [("body", 200), ("status", 429)])
async def test_movie_full_with_and_without_a_task(errors: str, status: int, cache: Path) -> None:
    """S2:256 against S2:271: the id says whether it was accepted, and sometimes nothing says it."""
    async with visit("seedance2-movie", cache, movie_errors=errors) as visitor:
        for fault, jobs in (
            ("concurrency_without_task", 0),
            ("concurrency_with_task", 1),
            ("concurrency_without_id", 2),
        ):
            strike(visitor, fault)
            answer = await send(visitor)
            assert (answer.status_code, answer.json()["code"]) == (status, "CONCURRENCY_LIMIT_REACHED")
            assert ("result" in answer.json()) == (fault == "concurrency_with_task")
            assert created(visitor) == jobs


@pytest.mark.parametrize(
    "code",
    [
        "INVALID_API_KEY",
        "INVALID_PARAMETER",
        "MISSING_PARAMETER",
        "INSUFFICIENT_CREDIT",
        "CREDIT_DEDUCT_FAILED",
        "TASK_NOT_FOUND",
        "TASK_SUBMIT_FAILED",
        "TASK_CANCEL_NOT_ALLOWED",
        "CONCURRENCY_LIMIT_REACHED",
        "FILE_UPLOAD_FAILED",
        "VIDEO_DOWNLOAD_FAILED",
        "CONTENT_MODERATION_FAILED",
        "COPYRIGHT_VIOLATION",
        "PRIVACY_VIOLATION",
        "SERVICE_BUSY",
        "RATE_LIMIT_EXCEEDED",
        "INTERNAL_ERROR",
    ],
)
async def test_each_of_movies_codes_can_be_had(code: str, cache: Path) -> None:
    """S2:248-264, under 200."""
    async with visit("seedance2-movie", cache) as visitor:
        strike(visitor, "refused", code=code)
        answer = await send(visitor)
        assert (answer.status_code, answer.json()["code"]) == (200, code)


async def test_movie_refuses_an_upload(cache: Path) -> None:
    """The bucket says 403."""
    async with visit("seedance2-movie", cache) as visitor:
        answer = await visitor.post("/api/v1/video/upload/presign?filename=a.png&content_type=image/png")
        strike(visitor, "upload_refused")
        url = answer.json()["result"]["presigned_url"]
        assert (await visitor.client.put(url, content=b"x", headers={"Content-Type": "image/png"})).status_code == 403


async def test_movie_refuses_a_cancel_or_is_slow_to_do_it(cache: Path) -> None:
    """S2:203, S2:255."""
    async with visit("seedance2-movie", cache, seconds_per_job=60) as visitor:
        job_id = await visitor.create(BODIES["seedance2-movie"])
        strike(visitor, "cancel_refused")
        assert (await visitor.post(f"/api/v1/video/task/{job_id}/cancel")).json()["code"] == "TASK_CANCEL_NOT_ALLOWED"
        strike(visitor, "cancel_slow")
        assert (await visitor.post(f"/api/v1/video/task/{job_id}/cancel")).json()["result"]["status"] == "pending"


async def test_nacis_oddities(cache: Path) -> None:
    """Any form whatever was asked, the URL in fail_reason, JSON in JSON, success with nothing, 30 % for ever."""
    async with visit("naci", cache, concurrency=None) as visitor:
        strike(visitor, "url_in_fail_reason")
        job_id = await visitor.create(BODIES["naci"])
        url = result_url(await visitor.end(job_id))
        shown = (await raw_query(visitor, job_id)).json()["data"]
        assert (shown["status"], shown["fail_reason"]) == ("SUCCESS", url)
        for form, key in (("openai", "object"), ("raw", "content"), ("wrapped", "code")):
            strike(visitor, "answer_form", form=form)
            assert key in (await raw_query(visitor, job_id)).json()
        strike(visitor, "nested_error", polls=3)
        answer = await raw_query(visitor, job_id)
        text, depth = answer.json()["message"], 0
        while text.startswith("{"):
            inner = json.loads(text)
            text, depth = inner.get("message") or inner["error"]["message"], depth + 1
        assert (answer.status_code, depth) == (500, 3)
        strike(visitor, "empty_answer")
        assert (await raw_query(visitor, job_id)).json() == {"code": "success", "data": None}
        strike(visitor, "frozen")
        job_id = await visitor.create(BODIES["naci"])

        async def ask() -> Any:
            return (await raw_query(visitor, job_id)).json()["data"]

        shown = await visitor.until(ask, lambda shown: shown["progress"] == "30%")
        assert (shown["status"], shown["data"]["status"]) == ("IN_PROGRESS", "expired")


async def test_assets_that_fail_or_take_their_time(cache: Path) -> None:
    """FAILED with a reason; ACTIVE only after so many questions."""
    async with visit("seegen", cache) as visitor:
        strike(visitor, "asset_fails", message="a face nobody knows")
        url = "https://example.com/photo.jpg"
        with pytest.raises(AssertionError, match="'FAILED'"):
            await asset(visitor, url, "IMAGE")
        listed = (await visitor.get("/assets/list")).json()["items"]
        assert [item["failReason"] for item in listed] == ["a face nobody knows"]
        strike(visitor, "asset_slow", polls=3)
        made = (await visitor.post("/assets/upload", {"url": url, "type": "IMAGE"})).json()
        await anyio.sleep(0.1)
        seen = [(await visitor.get("/assets/status", assetId=made["assetId"])).json()["status"] for _ in range(5)]
        assert seen == ["PROCESSING"] * 3 + ["ACTIVE"] * 2


async def test_the_number_and_the_chance_of_faults() -> None:
    """`times` counts, `match` chooses, `probability` is drawn from a seed and so repeats itself."""
    faults = Faults([Fault(name="rate_limited", times=2, match="POST")])
    struck = [faults.take("before", "create", text) is not None for text in ("GET", "POST", "POST", "POST")]
    assert struck == [False, True, True, False]
    draws = [
        [f.take("before", "create", "") is not None for _ in range(200)]
        for f in (Faults([Fault(name="rate_limited", times=None, probability=0.25)], chance=5) for _ in range(2))
    ]
    assert draws[0] == draws[1]
    assert 25 < sum(draws[0]) < 75
    with pytest.raises(ValueError, match="is no fault"):
        faults.add("sunshine")


async def test_faults_over_the_control_endpoint(cache: Path, still: Callable[..., str]) -> None:
    """POST adds one or several, GET lists them with what struck, DELETE clears."""
    async with visit("seegen", cache) as visitor:
        url = f"{visitor.stand.root}/_emulator/faults"
        two = [{"name": "rate_limited", "retry_after": 1}, {"name": "frozen", "times": None, "probability": 0.5}]
        listing = (await visitor.client.post(url, json=two)).json()
        assert [fault["name"] for fault in listing["waiting"]] == ["rate_limited", "frozen"]
        assert (await send(visitor)).status_code == 429
        listing = (await visitor.client.get(url)).json()
        assert ([fault["name"] for fault in listing["waiting"]], listing["struck"]) == (["frozen"], ["rate_limited"])
        assert set(listing["catalog"]) == set(CATALOG)
        assert (await visitor.client.post(url, json={"name": "sunshine"})).status_code == 400
        assert (await visitor.client.post(url, content=b"{")).status_code == 400
        assert (await visitor.client.post(url, json=[{"name": "frozen", "colour": 1}])).status_code == 400
        assert (await visitor.client.delete(url)).json()["waiting"] == []


def test_every_fault_of_the_catalog_was_tried() -> None:
    """A fault without a test is a sentence nobody checked."""
    texts = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_faults*.py")]
    assert [name for name in CATALOG if not any(f'"{name}"' in text for text in texts)] == []
