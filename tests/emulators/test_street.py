"""The street itself: its pages, its books, what a restart remembers, and that it can be run as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from pipeline.emulators.settings import ALL, Settings
from pipeline.emulators.street import serve, serve_beside
from pipeline.emulators.studio import drawn_here
from pipeline.media import frames
from tests.emulators import ports
from tests.emulators.striking import BODIES, send
from tests.emulators.visit import ear, visit

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).resolve().parents[2]


async def test_all_stand_together(cache: Path) -> None:
    """Each has a port, a key and the base URL its document writes."""
    async with serve(settings=Settings(draw=False, cache=cache)) as stands:
        assert tuple(stands) == ALL
        assert stands["seegen"].base_url == f"{stands['seegen'].root}/api/v1"
        assert len({stand.root for stand in stands.values()}) == len(ALL)
        assert all(stand.root.startswith("http://127.0.0.1:") for stand in stands.values())
    with pytest.raises(ValueError, match="is no service"):
        async with serve(["sora"]):
            pass


def test_a_street_beside_a_program_that_does_not_wait(cache: Path) -> None:
    """`serve_beside` needs no event loop, and its books may be read from any thread."""
    with serve_beside(["seedancee2"], settings=Settings(draw=False, cache=cache)) as stands:
        stand = stands["seedancee2"]
        url, headers = f"{stand.base_url}/v1/videos/generations", {"x-api-key": stand.key}
        made = httpx.post(url, json=BODIES["seedancee2"], headers=headers, trust_env=False).json()["data"]
        while (stage := stand.books()["jobs"][0]["stage"]) != "done":
            assert stage in ("pending", "queued", "running")
            time.sleep(0.02)
        assert stand.books()["jobs"][0]["id"] == made["id"]
    with pytest.raises(httpx.ConnectError):
        httpx.post(url, trust_env=False)


async def test_a_port_that_is_taken_is_told(cache: Path) -> None:
    """Not another one taken in silence."""
    async with visit("naci", cache) as visitor:
        port = int(visitor.stand.root.rpartition(":")[2])
        with pytest.raises(OSError):
            async with serve(["seegen"], ports={"seegen": port}):
                pass


async def test_the_log_has_four_characters_of_a_key(cache: Path) -> None:
    """Every request with time, body and answer; never a key."""
    async with visit("seedancee2", cache) as visitor:
        await send(visitor)
        await visitor.get("/v1/nowhere")
        answer = await visitor.client.get(f"{visitor.stand.root}/_emulator/log")
        entries = answer.json()
        assert [(e["method"], e["path"], e["status"], e["key"]) for e in entries] == [
            ("POST", "/v1/videos/generations", 200, visitor.stand.key[-4:]),
            ("GET", "/v1/nowhere", 404, visitor.stand.key[-4:]),
        ]
        assert json.loads(entries[0]["body"]) == BODIES["seedancee2"]
        assert json.loads(entries[0]["answer"])["data"]["credits_reserved"] == 50
        page = await visitor.client.get(f"{visitor.stand.root}/_emulator/")
        assert "<h1>seedancee2, rehearsed</h1>" in page.text
        assert visitor.stand.key not in answer.text + page.text


async def test_the_books_count_creates_by_their_marks(cache: Path) -> None:
    """A job created twice shows as a mark counted twice."""
    async with visit("seedancee2", cache) as visitor:
        body = {"model": "mini", "input": {"prompt": "a cat", "seed": 7}, "metadata": {"customer_job_id": "k1:a"}}
        for _ in range(2):
            await visitor.end(await visitor.create(body))
        await visitor.end(await visitor.create(body | {"metadata": {"customer_job_id": "k1:b"}}))
        books = (await visitor.client.get(f"{visitor.stand.root}/_emulator/books")).json()
        assert books["creates_by_mark"] == {
            'metadata:{"customer_job_id":"k1:a"}': 2,
            'metadata:{"customer_job_id":"k1:b"}': 1,
            "seed:7": 3,
            "prompt:a cat": 3,
        }
        (account,) = books["accounts"].values()
        assert account == {"opening": 1000000, "held": 0, "charged": 150, "available": 999850, "jobs": 3}
        assert [(job["reserved"], job["charged"], job["refunded"]) for job in books["jobs"]] == [(50, 50, 0)] * 3


async def test_any_key_where_none_is_named(cache: Path) -> None:
    """Each is an account of its own."""
    async with visit("seegen", cache, keys={"seegen": ()}) as visitor:
        for key in ("mine", "thine"):
            assert (await visitor.get("/account/credits", key=key)).json()["credits"] == 1_000_000
        assert (await visitor.client.get(f"{visitor.stand.base_url}/account/credits")).status_code == 401


@pytest.mark.parametrize("name", ALL)
async def test_jobs_go_on_after_a_restart(name: str, cache: Path, tmp_path: Path) -> None:
    """Accounts, jobs and links are what they were; a line that was cut short is forgotten."""
    async with visit(name, cache, state=tmp_path, seconds_per_job=0.3) as visitor:
        job_id = await visitor.create(BODIES[name])
        before = visitor.stand.books()
    with (tmp_path / name / "jobs.jsonl").open("a") as file:
        file.write('{"id": "half')
    for _ in range(2):
        async with visit(name, cache, state=tmp_path, seconds_per_job=0.3) as visitor:
            task = await visitor.end(job_id)
            assert task["status"].lower() in ("completed", "succeeded")
            after = visitor.stand.books()
            assert after["created"] == before["created"] == 1
            assert after["totals"]["charged"] == before["totals"]["reserved"]
            assert after["creates_by_mark"] == before["creates_by_mark"]


def test_a_street_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    """Kill -9 after the create; the next process on the same folder and port ends the job, charged once."""
    port = ports.free()
    code = (
        "import sys\nfrom pathlib import Path\nfrom pipeline.emulators.settings import Settings\n"
        "from pipeline.emulators.rehearsal import run\n"
        f"settings = Settings(draw=False, state=Path(sys.argv[1]), seconds_per_job=1.0)\n"
        f"run(['seegen'], settings=settings, port={port}, "
        "tell=lambda street: print(street.stands['seegen'].base_url, flush=True))\n"
    )

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert process.stdout is not None
        assert process.stdout.readline() == f"http://127.0.0.1:{port}/api/v1\n"
        return process

    def ask(method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": "Bearer seegen-rehearsal-key-0001"}
        url = f"http://127.0.0.1:{port}{path}"
        return httpx.request(method, url, headers=headers, trust_env=False, timeout=10, **more).json()

    process = start()
    try:
        job_id = ask("POST", "/api/v1/jobs/createTask", json=BODIES["seegen"])["taskId"]
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        process = start()
        deadline = time.monotonic() + 20
        while (task := ask("GET", f"/api/v1/jobs/queryTask?taskId={job_id}"))["status"] != "COMPLETED":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert task["creditsUsed"] == 200
        assert ask("GET", "/_emulator/books")["totals"]["charged"] == 200
    finally:
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stdout is not None
        process.stdout.close()


def test_a_picture_drawn_here_is_known_by_its_bands(shelf: Path, still: Callable[..., str]) -> None:
    """So that a chain does not show slates within slates; a picture of another hand is taken whole."""
    assert drawn_here(shelf / still(854, 480))
    Image.new("RGB", (854, 480), (90, 120, 200)).save(shelf / "sky.png")
    assert not drawn_here(shelf / "sky.png")


async def test_a_first_frame_is_carried_on(cache: Path, shelf: Path, tmp_path: Path) -> None:
    """What lies at a loopback URL is drawn from: a clip begins with the picture it was given."""
    Image.new("RGB", (640, 360), (200, 30, 30)).save(shelf / "red.png")
    async with visit("seegen", cache, draw=True) as visitor, ear(shelf) as shown:
        inputs = {"prompt": "x", "urls": [f"{shown.url}/red.png"], "duration": "4s"}
        refused = await visitor.post("/jobs/createTask", {"model": "sd2", "inputs": inputs})
        assert refused.status_code == 400  # 360 pixels
        Image.new("RGB", (854, 480), (200, 30, 30)).save(shelf / "red.png")
        task = await visitor.end(await visitor.create({"model": "sd2", "inputs": inputs}))
        (tmp_path / "a.mp4").write_bytes((await visitor.client.get(task["output"][0]["url"])).content)
        first = frames.picture(tmp_path / "a.mp4").convert("RGB").resize((1, 1))
        red, green, _ = first.getpixel((0, 0))  # type: ignore[misc]
        assert red > 2 * green
