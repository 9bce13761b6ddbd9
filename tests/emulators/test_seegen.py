"""SeeGen: what S0 and S1 print is taken and answered as they print it, and what they forbid is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.emulators import printed
from tests.emulators.test_worked_prices import asset
from tests.emulators.visit import Visitor, ear, visit

pytestmark = pytest.mark.anyio
TEXT = {"prompt": "x", "duration": "5s", "resolution": "1280x720"}
REFERENCE = TEXT | {"videoInputMode": "reference"}
IMAGE = "https://example.com/a.jpg"


async def test_every_printed_request_is_taken(cache: Path) -> None:
    """S0's createTask bodies end as COMPLETED, with the fields of S0:515-531 and nothing noted."""
    async with visit("seegen", cache, concurrency=None) as visitor:
        for place, text in printed.SEEGEN.items():
            task = await visitor.end(await visitor.create(printed.body(text)))
            assert task["status"] == "COMPLETED", place
            assert list(task) == [
                "taskId",
                "model",
                "status",
                "creditsUsed",
                "output",
                "error",
                "createTime",
                "completeTime",
            ]
            assert list(task["output"][0]) == ["url", "width", "height"]
            assert task["completeTime"] >= task["createTime"] > 1_700_000_000_000
        assert [entry.notes for entry in visitor.stand.log if entry.notes] == []


async def test_the_printed_reference_request_is_refused_for_its_video_by_url(cache: Path) -> None:
    """S0:187 against S0:176; the older edition takes it (S1:127)."""
    async with visit("seegen", cache) as visitor:
        answer = await visitor.post("/jobs/createTask", printed.body(printed.SEEGEN_REFERENCE))
        assert answer.status_code == 400
        assert "asset://" in answer.json()["message"]
    async with visit("seegen", cache, edition="seegen-older") as visitor:
        task = await visitor.end(await visitor.create(printed.body(printed.SEEGEN_REFERENCE)))
        assert task["creditsUsed"] == 400


async def test_statuses_go_forward_and_nothing_is_charged_before_the_end(cache: Path) -> None:
    """S0:519, S0:531-535: the price is held, then used."""
    moment = [1_800_000_000.0]
    async with visit("seegen", cache, seconds_per_job=10, credits=1000, now=lambda: moment[0]) as visitor:
        job_id = await visitor.create({"model": "sd2", "inputs": TEXT})
        assert (await visitor.get("/account/credits")).json() == {"credits": 1000, "availableCredits": 800}
        for status in ("PENDING", "PROCESSING"):
            task = await visitor.task(job_id)
            assert (task["status"], task["output"], task["creditsUsed"]) == (status, None, 0)
            moment[0] += 6
        task = await visitor.end(job_id)
        assert (task["status"], task["creditsUsed"]) == ("COMPLETED", 200)
        assert (await visitor.get("/account/credits")).json() == {"credits": 800, "availableCredits": 800}


async def test_results_have_the_size_asked_when_drawn(cache: Path, tmp_path: Path) -> None:
    """`resolution` is a ratio in pixels (S0:275); a picture comes in the form asked (S0:283)."""
    from pipeline.media.probe import check

    async with visit("seegen", cache, draw=True) as visitor:
        wide = {"prompt": "x", "duration": "4s", "resolution": "1280x540"}
        task = await visitor.end(await visitor.create({"model": "sd2-fast", "inputs": wide}))
        (tmp_path / "a.mp4").write_bytes((await visitor.client.get(task["output"][0]["url"])).content)
        found = check(tmp_path / "a.mp4")
        assert (found.width, found.height, found.seconds) == (1280, 540, 4)
        assert task["output"][0]["width"] == 1280
        small = {"prompt": "x", "resolution": "1k", "aspectRatio": "4:3", "outputFormat": "webp"}
        task = await visitor.end(await visitor.create({"model": "gpt-image-2", "inputs": small}))
        answer = await visitor.client.get(task["output"][0]["url"])
        assert answer.headers["content-type"] == "image/webp"
        (tmp_path / "a.webp").write_bytes(answer.content)
        found = check(tmp_path / "a.webp")
        assert (found.format, found.width, found.height) == ("webp", 1024, 768)


REFUSED: list[tuple[str, str, Any]] = [
    ("no such model", "sd3", TEXT),
    ("no prompt", "sd2", {"duration": "5s"}),
    ("duration without s", "sd2", TEXT | {"duration": "5"}),
    ("duration as number", "sd2", TEXT | {"duration": 5}),
    ("duration too long", "sd2", TEXT | {"duration": "16s"}),
    ("unknown resolution", "sd2", TEXT | {"resolution": "1920x1080"}),
    ("fast has no native 1080p", "sd2-fast", TEXT | {"outputResolution": "1080p"}),
    ("sd2 to 1080p has no price", "sd2", TEXT | {"upscaleResolution": "1080p"}),
    ("both tiers", "sd2", TEXT | {"outputResolution": "1080p", "upscaleResolution": "4k"}),
    ("unknown upscale", "sd2", TEXT | {"upscaleResolution": "8k"}),
    ("unknown mode", "sd2", TEXT | {"videoInputMode": "dream"}),
    ("three keyframes", "sd2", TEXT | {"urls": [IMAGE] * 3}),
    ("references in keyframe mode", "sd2", TEXT | {"urls": [IMAGE], "audioUrls": ["https://example.com/a.mp3"]}),
    ("reference without resolution", "sd2", {"urls": [IMAGE], "videoInputMode": "reference"}),
    ("ten images", "sd2", REFERENCE | {"urls": [IMAGE] * 10}),
    ("audio alone", "sd2", REFERENCE | {"audioUrls": ["https://example.com/a.mp3"]}),
    ("nothing to refer to", "sd2", REFERENCE),
    ("unknown asset", "sd2", TEXT | {"urls": ["asset://asset-20260326-abc123"]}),
    ("not a URL", "sd2", TEXT | {"urls": ["photo.jpg"]}),
    ("horse with last frame", "happyhorse", {"prompt": "x", "urls": [IMAGE] * 2}),
    ("horse with video", "happyhorse", {"prompt": "x", "videoUrls": [IMAGE]}),
    ("horse fused of nothing", "happyhorse", {"prompt": "x", "videoWorkflowTab": "multi-reference"}),
    ("horse fused without prompt", "happyhorse", {"urls": [IMAGE], "videoWorkflowTab": "multi-reference"}),
    ("horse too short", "happyhorse", {"prompt": "x", "duration": "2s"}),
    ("horse seed", "happyhorse", {"prompt": "x", "seed": -1}),
    ("horse ratio", "happyhorse", {"prompt": "x", "ratio": "21:9"}),
    ("horse upscaled", "happyhorse", {"prompt": "x", "upscaleResolution": "4k"}),
    ("picture without prompt", "gpt-image-2", {"resolution": "1k"}),
    ("picture quality", "gpt-image-2", {"prompt": "x", "quality": "low"}),
    ("eleven pictures", "gpt-image-2", {"prompt": "x", "urls": [IMAGE] * 11}),
    ("no inputs", "sd2", None),
]


async def test_what_the_page_forbids_is_refused(cache: Path) -> None:
    """400 with a message (S0:538), and no job."""
    async with visit("seegen", cache) as visitor:
        for name, model, inputs in REFUSED:
            answer = await visitor.post("/jobs/createTask", {"model": model, "inputs": inputs})
            assert (answer.status_code, list(answer.json())) == (400, ["message"]), name
        assert (
            await visitor.client.post(
                f"{visitor.stand.base_url}/jobs/createTask", content=b"{", headers=visitor.headers()
            )
        ).status_code == 400
        assert visitor.stand.books()["created"] == 0


async def test_inputs_on_loopback_are_measured(cache: Path, shelf: Path, still: Callable[..., str]) -> None:
    """S0:198: 400 pixels; S0:258-259: 300 pixels and 2.5:1 for happyhorse; S0:322-324: 256 and 3:1 for edits."""
    async with visit("seegen", cache, concurrency=None) as visitor, ear(shelf) as shown:

        async def status(model: str, *size: int) -> int:
            inputs = {"prompt": "x", "urls": [f"{shown.url}/{still(*size)}"]}
            return (await visitor.post("/jobs/createTask", {"model": model, "inputs": inputs})).status_code

        assert await status("sd2", 398, 600) == 400
        assert await status("sd2", 400, 600) == 200
        assert await status("happyhorse", 300, 300) == 200
        assert await status("happyhorse", 298, 300) == 400
        assert await status("happyhorse", 300, 800) == 400
        assert await status("gpt-image-2", 300, 800) == 200
        assert await status("gpt-image-2", 256, 800) == 400
        missing = {"prompt": "x", "urls": [f"{shown.url}/missing.png"]}
        assert (await visitor.post("/jobs/createTask", {"model": "sd2", "inputs": missing})).status_code == 400


async def test_accounts_are_apart(cache: Path) -> None:
    """S0:539-543: 401, 402, 403, 404 and 429."""
    async with visit("seegen", cache, credits=500, seconds_per_job=5) as visitor:
        assert (await visitor.get("/account/credits", key="wrong")).status_code == 401
        assert (await visitor.client.get(f"{visitor.stand.base_url}/account/credits")).status_code == 401
        mine = await visitor.create({"model": "sd2", "inputs": TEXT})
        other = visitor.stand.keys[1]
        assert (await visitor.get("/jobs/queryTask", key=other, taskId=mine)).status_code == 403
        assert (await visitor.get("/jobs/queryTask", taskId="task_none")).status_code == 404
        await visitor.create({"model": "sd2", "inputs": TEXT})
        answer = await visitor.post("/jobs/createTask", {"model": "sd2", "inputs": TEXT})
        assert (answer.status_code, answer.json()) == (402, {"message": "Insufficient credits"})
        for _ in range(2):
            await visitor.create({"model": "gpt-image-2", "inputs": {"prompt": "x", "resolution": "1k"}}, other)
        await visitor.create({"model": "sd2", "inputs": TEXT}, other)
        answer = await visitor.post("/jobs/createTask", {"model": "sd2", "inputs": TEXT}, key=other)
        assert (answer.status_code, answer.json()) == (429, {"message": "Concurrency limit (3 tasks)"})


async def test_an_asset_is_reviewed_and_used(cache: Path, shelf: Path, still: Callable[..., str]) -> None:
    """S0:329-407: handed in, ACTIVE, found by both ids, listed in pages, used as asset://."""
    async with visit("seegen", cache) as visitor, ear(shelf) as shown:
        first = (await visitor.post("/assets/upload", printed.body(printed.SEEGEN_ASSET))).json()
        assert list(first) == ["assetId", "volcAssetId", "type", "status", "failReason", "url", "name", "createdAt"]
        assert (first["assetId"], first["status"], first["failReason"]) == (123, "PROCESSING", None)
        reference = await asset(visitor, f"{shown.url}/{still()}", "IMAGE")
        found = (await visitor.get("/assets/status", assetId=first["volcAssetId"])).json()
        assert found["assetId"] == 123
        page = (await visitor.get("/assets/list", limit=1)).json()
        assert [item["assetId"] for item in page["items"]] == [124]
        assert (page["items"][0]["width"], page["items"][0]["duration"]) == (512, None)
        page = (await visitor.get("/assets/list", limit=1, cursor=page["nextCursor"])).json()
        assert ([item["assetId"] for item in page["items"]], page["nextCursor"]) == ([123], None)
        active = (await visitor.get("/assets/list", type="IMAGE", status="ACTIVE", limit=10)).json()
        assert len(active["items"]) == 2
        assert (await visitor.get("/assets/list", type="VIDEO")).json()["items"] == []
        inputs = {"urls": [reference], "prompt": "The person slowly looks up and smiles", "duration": "5s"}
        assert (await visitor.end(await visitor.create({"model": "sd2", "inputs": inputs})))["status"] == "COMPLETED"
        theirs = {"model": "sd2", "inputs": inputs}
        assert (await visitor.post("/jobs/createTask", theirs, key=visitor.stand.keys[1])).status_code == 400


async def test_assets_are_checked(cache: Path, shelf: Path, clip: Callable[..., str]) -> None:
    """A type that is not the file's fails the review; wrong words are refused at once; an unready asset is no input."""
    moment = [1_800_000_000.0]
    clock = {"seconds_per_review": 5, "now": lambda: moment[0]}
    async with visit("seegen", cache, **clock) as visitor, ear(shelf) as shown:
        for wrong in (
            {"url": "photo.jpg", "type": "IMAGE"},
            {"url": IMAGE, "type": "image"},
            {"url": IMAGE, "type": "IMAGE", "name": "n" * 65},
        ):
            assert (await visitor.post("/assets/upload", wrong)).status_code == 400
        for query in ({"limit": 51}, {"status": "DONE"}, {"type": "video"}, {"cursor": "x"}):
            assert (await visitor.get("/assets/list", **query)).status_code == 400
        assert (await visitor.get("/assets/status", assetId=9)).status_code == 404
        made = (await visitor.post("/assets/upload", {"url": f"{shown.url}/{clip('2')}", "type": "IMAGE"})).json()
        inputs = TEXT | {"urls": [f"asset://{made['volcAssetId']}"]}
        refused = await visitor.post("/jobs/createTask", {"model": "sd2", "inputs": inputs})
        assert "not ACTIVE" in refused.json()["message"]
        moment[0] += 5

        async def ask() -> Any:
            return (await visitor.get("/assets/status", assetId=made["assetId"])).json()

        failed = await visitor.until(ask, lambda shown: shown["status"] != "PROCESSING")
        assert (failed["status"], failed["failReason"]) == ("FAILED", "the file is not of type IMAGE")


async def upscaled(visitor: Visitor, body: Any) -> Any:
    """An upscale when it is over."""
    answer = await visitor.post("/upscale/create", body)
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["taskId", "orderId", "status"]
    assert answer.json()["status"] == "validating"

    async def ask() -> Any:
        return (await visitor.get("/upscale/query", taskId=answer.json()["taskId"])).json()

    return await visitor.until(ask, lambda task: task["status"] in ("completed", "failed"))


async def test_the_standalone_upscaler(
    cache: Path, shelf: Path, clip: Callable[..., str], still: Callable[..., str]
) -> None:
    """S0:408-479: its shapes, its codes, and a failure costs nothing."""
    async with visit("seegen", cache) as visitor, ear(shelf) as shown:
        done = await upscaled(visitor, printed.body(printed.SEEGEN_UPSCALE))
        assert list(done) == (
            ["taskId", "status", "targetResolution", "creditsConsumed", "result", "error", "createdAt", "finishedAt"]
        )
        assert (done["creditsConsumed"], done["error"]) == (190, None)
        assert done["createdAt"].endswith("Z")

        async def code(name: str, target: str = "1080p") -> str:
            body = {"source": {"type": "url", "url": f"{shown.url}/{name}"}, "targetResolution": target}
            task = await upscaled(visitor, body)
            assert (task["status"], task["creditsConsumed"], task["result"]) == ("failed", None, None)
            return str(task["error"]["code"])

        assert await code("missing.mp4") == "URL_NOT_REACHABLE"
        assert await code(still()) == "UNSUPPORTED_MEDIA_TYPE"
        (shelf / "text.mp4").write_text("no clip")
        assert await code("text.mp4") == "UNSUPPORTED_MEDIA_TYPE"
        assert await code(clip("1", 1920, 1080)) == "SOURCE_RESOLUTION_TOO_HIGH"
        for wrong in ("http://example.com/a.mp4", "https://10.0.0.7/a.mp4", "ftp://x/a.mp4", ""):
            body = {"source": {"type": "url", "url": wrong}, "targetResolution": "2k"}
            answer = await visitor.post("/upscale/create", body)
            assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_URL"), wrong
        assert (await visitor.get("/upscale/query", taskId="none")).status_code == 404
        assert visitor.stand.books()["totals"]["charged"] == 190


async def test_an_uploaded_asset_is_upscaled_by_its_url(cache: Path, shelf: Path, clip: Callable[..., str]) -> None:
    """S0:422: `uploadId` takes the URL that the upload gave back."""
    async with visit("seegen", cache, draw=True) as visitor, ear(shelf) as shown:
        url = f"{shown.url}/{clip('1', 128, 72)}"
        await asset(visitor, url)
        source = {"type": "uploadId", "r2Url": url}
        done = await upscaled(visitor, {"source": source, "targetResolution": "1080p"})
        assert (done["result"]["probedDurationSeconds"], done["result"]["probedSourceResolution"]) == (1, "128x72")
        other = {"type": "uploadId", "r2Url": "https://example.com/other.mp4"}
        answer = await visitor.post("/upscale/create", {"source": other, "targetResolution": "1080p"})
        assert answer.json()["code"] == "INVALID_URL"


async def test_the_older_edition_knows_less(cache: Path) -> None:
    """S1:39-41, S1:60: three endpoints, two models, no 1080p."""
    async with visit("seegen", cache, edition="seegen-older") as visitor:
        assert (await visitor.post("/assets/upload", {})).status_code == 404
        assert (await visitor.get("/upscale/query", taskId="x")).status_code == 404
        for model, inputs in (
            ("happyhorse", {"prompt": "x"}),
            ("gpt-image-2", {"prompt": "x"}),
            ("sd2-fast", TEXT | {"upscaleResolution": "1080p"}),
        ):
            assert (await visitor.post("/jobs/createTask", {"model": model, "inputs": inputs})).status_code == 400


async def test_the_callback_is_the_query_and_is_tried_again(cache: Path, shelf: Path) -> None:
    """S0:493-511: POST at the end, three more tries where the answer is not 2xx."""
    async with visit("seegen", cache, seconds_per_retry=0.001) as visitor, ear(shelf) as heard:
        heard.answers[:] = [500, 302, 404]
        job_id = await visitor.create({"model": "sd2", "callBackUrl": f"{heard.url}/hook", "inputs": TEXT})
        bodies = await heard.wait(4)
        assert bodies == [await visitor.task(job_id)] * 4
        assert [delivery.status for delivery in visitor.stand.deliveries] == [500, 302, 404, 200]


async def test_unknown_fields_are_noted_not_refused(cache: Path) -> None:
    """A client that sends more is told in the log."""
    async with visit("seegen", cache) as visitor:
        await visitor.create({"model": "sd2", "inputs": TEXT | {"seed": 7}, "priority": 1})
        assert visitor.stand.log.of("create")[0].notes == ("unknown field priority", "unknown field inputs.seed")
