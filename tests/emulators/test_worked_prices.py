"""Every worked price of the contracts comes out of the stand-ins to the last digit, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.emulators import ark, movie_rules
from pipeline.emulators.seegen_prices import standalone
from tests.emulators.visit import Visitor, ear, visit

pytestmark = pytest.mark.anyio
WORKED: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "worked.json").read_text(encoding="utf-8"), parse_float=Decimal
)


def rows(name: str) -> Any:
    return pytest.mark.parametrize("row", WORKED[name], ids=lambda row: "-".join(map(str, row.values())))


async def asset(visitor: Visitor, url: str, type: str = "VIDEO") -> str:
    """An asset:// reference that was approved."""
    made = (await visitor.post("/assets/upload", {"url": url, "type": type})).json()

    async def ask() -> Any:
        return (await visitor.get("/assets/status", assetId=made["assetId"])).json()

    found = await visitor.until(ask, lambda shown: shown["status"] != "PROCESSING")
    assert found["status"] == "ACTIVE", found
    return f"asset://{found['volcAssetId']}"


def settled(visitor: Visitor) -> Decimal:
    """What the books say was charged, all told."""
    return Decimal(visitor.stand.books()["totals"]["charged"])


def seegen_inputs(row: dict[str, Any]) -> dict[str, Any]:
    model, tier = row["model"], row.get("tier", "")
    if model == "happyhorse":
        return {"prompt": "x", "duration": f"{row['out']}s", "outputResolution": tier}
    if model == "gpt-image-2":
        return {"prompt": "x", "resolution": tier, "quality": row["quality"]}
    inputs = {"prompt": "x", "duration": f"{row['out']}s", "resolution": "1280x720"}
    if tier == "1080p" and model == "sd2":
        inputs["outputResolution"] = "1080p"
    elif tier != "720p":
        inputs["upscaleResolution"] = tier
    return inputs


@rows("seegen")
async def test_seegen(row: dict[str, Any], cache: Path, shelf: Path, clip: Callable[..., str]) -> None:
    """S0:43-59, S0:262-265 and S0:464-468."""
    async with visit("seegen", cache) as visitor, ear(shelf) as shown:
        if row["model"] == "upscaler":
            source = {"type": "url", "url": f"{shown.url}/{clip(str(row['out']))}"}
            made = (await visitor.post("/upscale/create", {"source": source, "targetResolution": row["tier"]})).json()

            async def ask() -> Any:
                return (await visitor.get("/upscale/query", taskId=made["taskId"])).json()

            task = await visitor.until(ask, lambda task: task["status"] in ("completed", "failed"))
            assert task["creditsConsumed"] == row["credits"], task
        else:
            inputs = seegen_inputs(row)
            if "videos" in row:
                inputs["videoInputMode"] = "reference"
                inputs["videoUrls"] = [await asset(visitor, f"{shown.url}/{clip(d)}") for d in row["videos"]]
            task = await visitor.end(await visitor.create({"model": row["model"], "inputs": inputs}))
            assert (task["status"], task["creditsUsed"]) == ("COMPLETED", row["credits"])
        assert settled(visitor) == row["credits"]


@rows("seegen-older")
async def test_seegen_older(row: dict[str, Any], cache: Path) -> None:
    """S1:154-159."""
    async with visit("seegen", cache, edition="seegen-older") as visitor:
        inputs = {"prompt": "x", "duration": f"{row['out']}s", "resolution": "1280x720"}
        if row["tier"] != "720p":
            inputs["upscaleResolution"] = row["tier"]
        if row.get("video_ref"):
            inputs |= {"videoInputMode": "reference", "videoUrls": ["https://example.com/motion-ref.mp4"]}
        task = await visitor.end(await visitor.create({"model": row["model"], "inputs": inputs}))
        assert task["creditsUsed"] == row["credits"] == settled(visitor)


@rows("seedance2-movie")
async def test_movie(row: dict[str, Any], cache: Path) -> None:
    """S2:233-241, not rounded."""
    async with visit("seedance2-movie", cache) as visitor:
        content = [{"type": "text", "text": "x"}]
        body = {"model": row["model"], "content": content, "resolution": row["tier"], "duration": row["out"]}
        task = await visitor.end(await visitor.create(body))
        assert task["credit_cost"] == Decimal(row["credits"]) == settled(visitor)
        balance = (await visitor.get("/api/v1/video/balance")).json()["result"]
        assert Decimal(str(balance["used_credits"])) == Decimal(row["credits"])


@rows("seedancee2")
async def test_seedancee2(row: dict[str, Any], cache: Path) -> None:
    """S3:98-115: references cost nothing."""
    async with visit("seedancee2", cache) as visitor:
        given = {"prompt": "x", "duration": row["out"], "resolution": row["tier"]}
        given["image_urls"] = [f"https://example.com/{n}.png" for n in range(row.get("images", 0))]
        answer = await visitor.post("/v1/videos/generations", {"model": row["model"], "input": given})
        assert answer.json()["data"]["credits_reserved"] == row["credits"]
        task = await visitor.end(answer.json()["data"]["id"])
        assert task["credits_charged"] == row["credits"] == settled(visitor)


RATIO = {(1280, 720): "16:9", (1920, 1080): "16:9", (864, 496): "16:9"}


@pytest.mark.parametrize("way", ["formula", "measured"])
@rows("naci")
async def test_naci(row: dict[str, Any], way: str, cache: Path) -> None:
    """Ark's tokens as the page's formula and as measured; the money is the formula's at the list price."""
    async with visit("naci", cache, tokens=way) as visitor:
        text = [{"type": "text", "text": "x"}]
        body = {"model": "sd2.0", "content": text, "resolution": row["tier"], "ratio": "16:9", "duration": row["out"]}
        task = await visitor.end(await visitor.create(body))
        assert task["usage"]["completion_tokens"] == row["tokens" if way == "formula" else "tokens_measured"]
        if way == "formula":
            assert settled(visitor) == Decimal(row["cny"])


@rows("ark")
async def test_ark(row: dict[str, Any], cache: Path, shelf: Path, clip: Callable[..., str]) -> None:
    """With input video at least ceil(out x 5/3) seconds are billed, at the other rate."""
    async with visit("naci", cache) as visitor, ear(shelf) as shown:
        content: list[dict[str, Any]] = [{"type": "text", "text": "x"}]
        if row["in"]:
            url = f"{shown.url}/{clip(str(row['in']))}"
            content.append({"type": "video_url", "video_url": {"url": url}, "role": "reference_video"})
        model = {"2.0": "sd2.0", "2.0-fast": "sd2.0-fast"}[row["model"]]
        body = {"model": model, "content": content, "resolution": row["tier"], "ratio": "16:9", "duration": row["out"]}
        task = await visitor.end(await visitor.create(body))
        assert task["usage"]["total_tokens"] == row["tokens"]
        assert settled(visitor) == Decimal(row["cny"])


@pytest.mark.parametrize(
    "out, brought, tokens, price",
    [(5, None, 108_000, "4.968"), (5, Decimal(2), 194_400, "5.4432"), (5, Decimal(10), 324_000, "9.072")],
)
async def test_tokens_with_and_without_video(out: int, brought: Decimal | None, tokens: int, price: str) -> None:
    """The rows of the readings' table, 1.6."""
    used = ark.tokens((1280, 720), out, brought, "formula")
    assert used == tokens
    assert ark.cny("2.0", "720p", used, with_video=brought is not None) == Decimal(price)


async def test_printed_eight_second_prices() -> None:
    """S2:236-241: the example column, 26.50 being 26.496 at two places."""
    printed = {
        ("seedance-2.0", "1080p"): "36.0",
        ("seedance-2.0", "720p"): "14.4",
        ("seedance-2.0", "480p"): "7.2",
        ("seedance-2.0-fast", "1080p"): "26.50",
        ("seedance-2.0-fast", "720p"): "11.52",
        ("seedance-2.0-fast", "480p"): "5.76",
    }
    for (model, tier), text in printed.items():
        assert round(movie_rules.price(model, tier, 8), 2) == Decimal(text)


async def test_standalone_upscales_by_the_begun_second() -> None:
    """S0:464-468: five seconds at least; 12.4 s at 4k are 13 x 50, a reading."""
    assert [standalone("1080p", Decimal(s)) for s in ("5", "30")] == [125, 750]
    assert [standalone("2k", Decimal(s)) for s in ("5", "30")] == [190, 1140]
    assert [standalone("4k", Decimal(s)) for s in ("5", "30", "12.4")] == [250, 1500, 650]
