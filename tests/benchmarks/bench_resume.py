"""How soon `rushes run` goes on with a run of 10,000 steps (an argument: how many), half of them or nearly all done.

From the start of its process to its first request at a stand-in service, which accepts nothing. The steps are those of
5,000 clips, each bought and then made larger here, and, the hardest case, 10,000 bought clips. The floor is a process
that reads the ledger's rows with sqlite3 and the recipe with PyYAML, and then asks. The goal: with 10,000 steps, nearly
all done, less than 2 s of processor.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pipeline import api
from pipeline.desk import House, Wants
from pipeline.events import Artifact, Event, Result, RunStarted, Settled, Started, Submitted, Succeeded, instant
from pipeline.plan.model import Step
from pipeline.store import database, journal
from pipeline.store.artifacts import Artifacts
from pipeline.store.ledger import Ledger, Run
from pipeline.store.workspace import open_workspace

COUNT = 10_000
ROUNDS = 3
GOAL_SECONDS = 2.0  # of processor, for COUNT steps
LARGER = ", upscale: {to: 1080p, by: local}"
_FLOOR = """
import sqlite3, sys, urllib.request, yaml
yaml.load(open(sys.argv[1]).read(), Loader=yaml.CSafeLoader)
c = sqlite3.connect(f"file:{sys.argv[2]}?mode=ro", uri=True)
c.execute("SELECT * FROM events").fetchall(), c.execute("SELECT * FROM attempts").fetchall()
try:
    urllib.request.urlopen(urllib.request.Request(sys.argv[3], data=b"{}"))
except OSError:
    pass
"""


class Service:
    """A stand-in that takes nothing, and remembers when it was first asked anything, and first asked for a clip."""

    def __init__(self) -> None:
        self.asked: dict[str, float] = {}
        self.heard = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                outer.asked.setdefault(self.command, time.perf_counter())
                if self.command == "POST":
                    outer.heard.set()
                self.send_response(503)
                self.send_header("content-length", "0")
                self.end_headers()

            do_GET = do_POST = _answer

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def forget(self) -> None:
        """Waits for a first request again."""
        self.asked.clear()
        self.heard.clear()


@contextmanager
def standing() -> Iterator[Service]:
    """The stand-in while the block runs."""
    service = Service()
    threading.Thread(target=service.server.serve_forever, daemon=True).start()
    try:
        yield service
    finally:
        service.server.shutdown()


def ended(steps: Iterable[Step], artifacts: Artifacts, at: str) -> Iterator[Event]:
    """What happens while these steps are made, each in one attempt; their small files are kept."""
    folder = artifacts.stage()
    for number, step in enumerate(steps):
        clip = folder / f"{number}.mp4"
        clip.write_bytes(b"clip %d" % number)
        sha256, size = artifacts.keep(clip)
        artifact = Artifact(sha256=sha256, bytes=size, suffix=".mp4", width=1280, height=720, seconds="5", fps="24")
        about: dict[str, Any] = {"at": at, "step": step.id, "key": step.key, "attempt": 1}
        yield Started(provider=step.provider, account=step.account, credits=step.price.high, **about)
        if step.account:
            yield Submitted(job_id=f"job-{number}", **about)
            yield Settled(charged=step.price.high, refunded=Decimal(0), usd=None, source=step.provider, **about)
        yield Succeeded(result=Result(outputs={"video": artifact}), **about)
    artifacts.discard(folder)


def cut_short(recipe: Path, environ: Mapping[str, str], left: int) -> Path:
    """Gives the recipe a run that was killed when so many of its clips were left; the workspace's folder."""
    house = House.of_user(environ)
    desk = api.plan(recipe, Wants(yes=True), house)
    shelf = open_workspace(desk.reading.folder, create=True)
    at = instant(datetime.now(UTC))
    undone = {shot.id for shot in desk.recipe.shots[-left:]}
    done = (step for step in desk.plan.steps if step.shot not in undone)
    told = [RunStarted(at=at, version="bench"), *ended(done, shelf.artifacts, at)]
    plan = [[s.id, s.key, s.stale, s.why, s.base, s.own] for s in desk.plan.steps]
    with Ledger(shelf.ledger) as ledger:
        ledger.begin(
            Run(
                id="20261121-100000-0000", recipe=desk.recipe.name, recipe_path=str(recipe), output=str(desk.output),
                date=desk.recipe.date, started_at=at, plan=plan, options={**desk.wants.to_json(), "whole": True},
            )
        )  # fmt: skip
    connection = database.connect(shelf.ledger)
    for first in range(0, len(told), 4000):
        journal.write(connection, "20261121-100000-0000", [journal.row_of(e) for e in told[first : first + 4000]])
    connection.close()
    return desk.reading.folder


def taken(service: Service, command: list[str], environ: Mapping[str, str]) -> tuple[float, float]:
    """Seconds from the start of a process to the first clip that it asks for, and its processor's; it is killed then.

    Where there is no /proc the processor's are 0.
    """
    service.forget()
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if not service.heard.wait(120):
            raise RuntimeError("nothing was asked")
        return service.asked["POST"] - began, _processor_seconds(process.pid)
    finally:
        process.kill()
        process.wait()


def _processor_seconds(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(count: int, left: int, more: str) -> tuple[float, float, float, float]:
    """The medians of some rounds in seconds: ours, of it the processor's, and the same of the floor.

    `left` of `count` clips are left to be made; `more` is what every shot says beside its prompt.
    """
    with tempfile.TemporaryDirectory() as name, standing() as service:
        recipe = Path(name) / "recipe.yaml"
        shots = "".join(f"  - {{id: s{n}, prompt: wave {n}{more}}}\n" for n in range(count))
        recipe.write_text(
            f"rushes: 1\nname: resumed\ndefaults: {{provider: seedancee2, duration: 5, resolution: 720p}}\n"
            f"budget: {{run: {{credits: {{seedancee2: 10000000}}}}}}\nshots:\n{shots}"
        )
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RUSHES_")}
        environ = {**kept, "XDG_CONFIG_HOME": name, "SEEDANCEE2_BASE_URL": service.url, "SEEDANCEE2_API_KEY": "key"}
        folder = cut_short(recipe, environ, left)
        run = [sys.executable, "-m", "pipeline", "run", str(recipe), "--yes"]
        ledger = folder / "ledger.sqlite3"
        floor = [sys.executable, "-c", _FLOOR, str(recipe), str(ledger), service.url]
        killed = ledger.read_bytes()
        ours, floors = [], []
        for _ in range(ROUNDS):
            for end in ("-wal", "-shm"):
                ledger.with_name(ledger.name + end).unlink(missing_ok=True)
            ledger.write_bytes(killed)  # what the last round has sent is of unknown outcome
            floors.append(taken(service, floor, environ))
            ours.append(taken(service, run, environ))
        one, busy = (statistics.median(values) for values in zip(*ours, strict=True))
        floor_one, floor_busy = (statistics.median(values) for values in zip(*floors, strict=True))
        return one, busy, floor_one, floor_busy


def said(steps: int, left: int, more: str = "") -> str:
    """The figures with their floors, in a line, and whether the goal is met where there is one."""
    count = steps // 2 if more else steps
    one, busy, floor, floor_busy = measured(count, left, more)
    what = f"{steps:,} steps of {count:,} clips, {left:,} left, to the first request: {one:.2f} s; floor {floor:.2f} s"
    told = f"{what}; of processor {busy:.2f} s; floor {floor_busy:.2f} s; ratio {busy / (floor_busy or 1):.1f}"
    if (steps, left) != (COUNT, 1) or not busy:
        return told
    return f"{told}; goal {GOAL_SECONDS:.0f} s of processor: {'met' if busy < GOAL_SECONDS else 'missed'}"


if __name__ == "__main__":
    how_many = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    for clips, more in ((how_many // 2, LARGER), (how_many, "")):
        for left in (clips // 2, 1):
            print(said(how_many, left, more), flush=True)
