"""The clients that the documents print run against the stand-ins with only host, key and poll interval changed.

They lie in `clients` as printed; what a web page had glued to a last line is cut off, the indentation of Python is put
back, and a task's printed id is exchanged for one that exists.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache as once
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from tests.emulators import printed
from tests.emulators.visit import Visitor, visit

pytestmark = pytest.mark.anyio
HOSTS = {
    "seegen": "https://seegen.ai",
    "seedance2-movie": "https://api.seedance2.movie",
    "seedancee2": "https://api.seedancee2.ai",
    "naci": "https://api-cs-al.naci-tech.com",
}
KEYS = ("YOUR_API_KEY", "$API_KEY", "<your_api_key>", "sk_seedancee2_live_xxxxx")
INTERVALS = {"sleep 5\n": "sleep 0.05\n", "(r, 5000)": "(r, 50)", "(r, 3000)": "(r, 50)", "interval=5": "interval=0.05"}


@once
def python_with_requests() -> str | None:
    """An interpreter on this machine that has `requests`."""
    for name in (
        sys.executable,
        str(Path(sys.base_prefix) / "bin" / "python3"),
        shutil.which("python3"),
        "/usr/bin/python3",
    ):
        if name and Path(name).exists():
            done = subprocess.run([name, "-c", "import requests"], capture_output=True, check=False)
            if done.returncode == 0:
                return name
    return None


needs_curl = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="curl or jq is not installed")
needs_node = pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
needs_requests = pytest.mark.skipif(not python_with_requests(), reason="no Python here has the requests library")


def here(text: str, visitor: Visitor) -> str:
    """A printed text with this host, this key and a short interval."""
    text = text.replace(HOSTS[visitor.stand.name], visitor.stand.root)
    for key in KEYS:
        text = text.replace(key, visitor.stand.key)
    for old, new in INTERVALS.items():
        text = text.replace(old, new)
    return text.replace("time.sleep(8)", "time.sleep(0.05)")


def text_of(name: str) -> str:
    return (printed.CLIENTS / name).read_text(encoding="utf-8")


async def run(visitor: Visitor, command: list[str], folder: Path) -> str:
    """What a client prints; it must end well."""
    environment = {**os.environ, "API_KEY": visitor.stand.key, "NO_PROXY": "*", "no_proxy": "*"}

    def work() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=60, cwd=folder, env=environment, check=False
        )

    done = await anyio.to_thread.run_sync(work)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + (done.stderr if "curl" not in command[-1] else "")


async def curl(visitor: Visitor, command: str, folder: Path) -> Any:
    """The JSON that a printed curl command prints."""
    return json.loads(await run(visitor, ["bash", "-c", here(printed.uncommented(command), visitor)], folder))


@needs_curl
@pytest.mark.parametrize("edition, file", [("seegen", "s0-quick-start.sh"), ("seegen-older", "s1-quick-start.sh")])
async def test_seegens_quick_start(edition: str, file: str, cache: Path, tmp_path: Path) -> None:
    """S0:66-93, S1:11-38: bash, curl and jq."""
    async with visit("seegen", cache, edition=edition) as visitor:
        said = await run(visitor, ["bash", "-c", here(text_of(file), visitor)], tmp_path)
        assert said.startswith("Task created: task_")
        assert json.loads(said[said.index("{") :])["status"] == "COMPLETED"


@needs_node
@pytest.mark.parametrize("edition, file", [("seegen", "s0-full-example.mjs"), ("seegen-older", "s1-full-example.mjs")])
async def test_seegens_full_example(edition: str, file: str, cache: Path, tmp_path: Path) -> None:
    """S0:545-626, S1:226-284: JavaScript; S0's uploads an asset and waits for its review."""
    async with visit("seegen", cache, edition=edition) as visitor:
        (tmp_path / "client.mjs").write_text(here(text_of(file), visitor), encoding="utf-8")
        said = await run(visitor, ["node", "client.mjs"], tmp_path)
        assert re.search(r"Video: http://127\.0\.0\.1:\d+/files/", said), said
        assert ("Asset approved: asset://asset-" in said) == (edition == "seegen")


@needs_curl
async def test_seegens_commands(cache: Path, tmp_path: Path) -> None:
    """S0's nineteen curl commands; the one of S0:166 is refused for its video (S0:187)."""
    async with visit("seegen", cache, concurrency=None) as visitor:
        answers: dict[str, Any] = {}
        for place, command in printed.S0.items():
            for old, new in (
                ("asset-20260326-abc123", answers.get("S0:331", {}).get("volcAssetId")),
                ("n770mo4sh6rpi690ff3gwymx", answers.get("S0:410", {}).get("taskId")),
            ):
                command = command.replace(old, new or old)
            answers[place] = await curl(visitor, command, tmp_path)
        assert answers["S0:64"] == {"credits": 1_000_000, "availableCredits": 1_000_000}
        for place in printed.SEEGEN:
            assert list(answers[place]) == ["taskId"], place
        assert list(answers["S0:166"]) == ["message"]
        assert answers["S0:357"]["assetId"] == answers["S0:360"]["assetId"] == 123
        assert len(answers["S0:366"]["items"]) == len(answers["S0:369"]["items"]) == 1
        assert answers["S0:372"] == {"items": [], "nextCursor": None}
        assert answers["S0:433"]["targetResolution"] == "2k"


@needs_curl
async def test_older_seegens_commands(cache: Path, tmp_path: Path) -> None:
    """S1's five, its video by URL among them."""
    async with visit("seegen", cache, edition="seegen-older", concurrency=None) as visitor:
        for place, command in printed.commands("S1").items():
            assert list(await curl(visitor, command, tmp_path)) == ["taskId"], place


@needs_curl
async def test_movies_commands(cache: Path, tmp_path: Path) -> None:
    """S2:14, S2:106-215."""
    async with visit("seedance2-movie", cache, seconds_per_job=30) as visitor:
        made = await curl(visitor, printed.S2["S2:106"], tmp_path)
        commands = {place: c.replace("a1b2c3d4e5f6", made["result"]["task_id"]) for place, c in printed.S2.items()}
        for place in ("S2:14", "S2:130", "S2:189", "S2:204", "S2:215"):
            answer = await curl(visitor, commands[place], tmp_path)
            assert (answer["code"], answer["message"]) == ("200", "Success"), place
        assert (await curl(visitor, commands["S2:130"], tmp_path))["result"]["status"] == "cancelled"


@needs_curl
async def test_movies_complete_flow(cache: Path, shelf: Path, still: Callable[..., str], tmp_path: Path) -> None:
    """S2:386-409: four steps of curl; what a step prints fills the next one's brackets."""
    shutil.copy(shelf / still(), tmp_path / "scene.png")
    async with visit("seedance2-movie", cache) as visitor:
        steps = re.split(r"^# Step \d.*\n", text_of("s2-complete-flow.sh"), flags=re.MULTILINE)[1:]
        found: dict[str, str] = {}
        for step in steps:
            for name, value in found.items():
                step = step.replace(f"<{name}>", value)
            said = await run(visitor, ["bash", "-c", here(step, visitor)], tmp_path)
            if said:
                found |= {name: str(value) for name, value in json.loads(said)["result"].items()}
        assert found["status"] in ("pending", "queued", "processing", "completed")
        assert found["credit_cost"] == "14.4"
        assert (await visitor.end(found["task_id"]))["status"] == "completed"


@needs_requests
@pytest.mark.parametrize("file", ["s2-image-to-video.py.txt", "s2-text-to-video.py.txt"])
async def test_movies_python(file: str, cache: Path, shelf: Path, still: Callable[..., str], tmp_path: Path) -> None:
    """S2:275-386: presign, PUT, submit and poll; and from text alone."""
    shutil.copy(shelf / still(), tmp_path / "character.png")
    async with visit("seedance2-movie", cache) as visitor:
        (tmp_path / "client.py").write_text(here(text_of(file), visitor), encoding="utf-8")
        said = await run(visitor, [python_with_requests() or "", "client.py"], tmp_path)
        assert "Video URL: http://127.0.0.1" in said
        assert [entry.notes for entry in visitor.stand.log if entry.notes] == []


@needs_curl
async def test_seedancee2s_commands(cache: Path, tmp_path: Path) -> None:
    """S3:14-28, S3:151-173, S3:250, S3:273."""
    async with visit("seedancee2", cache) as visitor:
        answers = {place: await curl(visitor, command, tmp_path) for place, command in printed.S3.items()}
        assert [answers[place]["data"]["credits_reserved"] for place in ("S3:14", "S3:151")] == [50, 100]
        assert all(task["status"] == "completed" for task in answers["S3:250"]["data"])
        assert answers["S3:273"]["data"]["range"]["end"] == "2026-07-31T23:59:59.999Z"


@needs_node
async def test_seedancee2s_javascript(cache: Path, tmp_path: Path) -> None:
    """S3:29-49 and S3:184-193."""
    async with visit("seedancee2", cache) as visitor:
        (tmp_path / "create.mjs").write_text(here(text_of("s3-create.mjs"), visitor), encoding="utf-8")
        said = await run(visitor, ["node", "create.mjs"], tmp_path)
        made = re.search(r"vid_[a-z0-9]+", said)
        assert made is not None
        assert "credits_reserved: 50" in said
        await visitor.end(made[0])
        text = here(text_of("s3-poll.mjs"), visitor).replace("vid_01jz8b7q4x8k2p9w3m5c6n7r8s", made[0])
        (tmp_path / "poll.mjs").write_text(text, encoding="utf-8")
        said = await run(visitor, ["node", "poll.mjs"], tmp_path)
        assert "status: 'completed'" in said


@needs_requests
async def test_seedancee2s_python(cache: Path, tmp_path: Path) -> None:
    """S3:49-71."""
    async with visit("seedancee2", cache) as visitor:
        (tmp_path / "client.py").write_text(here(text_of("s3-create.py.txt"), visitor), encoding="utf-8")
        said = await run(visitor, [python_with_requests() or "", "client.py"], tmp_path)
        assert "'status': 'pending'" in said


@needs_curl
async def test_nacis_commands(cache: Path, tmp_path: Path) -> None:
    """S4:3-51."""
    async with visit("naci", cache) as visitor:
        made = await curl(visitor, printed.S4["S4:3"], tmp_path)
        await visitor.end(made["task_id"])
        asked = {place: c.replace("cgt-20260330164007-wnc8k", made["task_id"]) for place, c in printed.S4.items()}
        plain, both = await curl(visitor, asked["S4:45"], tmp_path), await curl(visitor, asked["S4:49"], tmp_path)
        assert plain["metadata"]["url"] == both["data"]["data"]["content"]["video_url"]
        assert both["data"]["usage"]["completion_details"]["video_tokens"] == 237_600
