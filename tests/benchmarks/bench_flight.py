"""What waiting costs: 500 jobs in flight in one `rushes run`, each asked after every 5 seconds (an argument: how many).

The service is a stand-in in a process of its own. The floor is a process that asks as often with bare httpx and does
nothing with the answers. Figures are processor time, so that a busy machine changes them little. Linux alone tells
them (/proc).
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import anyio
import httpx

from pipeline.emulators.settings import Settings
from pipeline.emulators.street import serve_beside

MOST_OF_AN_ACCOUNT = 1000
POLL_SECONDS = 5.0
SETTLING_SECONDS = 28.0  # polling starts at a quarter of its pace, and is at it after this
WINDOW_SECONDS, WINDOWS = 5.0, 5
CLIP = "{model: seedance-2-mini, duration: 5, resolution: 480p, ratio: '16:9'}"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """The stand-in, as another process sees it."""

    pipe: Connection
    base_url: str
    keys: tuple[str, ...]

    def since(self, moment: float) -> tuple[int, int, str]:
        """Jobs in flight, requests since a moment in unix seconds, and the address of one job."""
        self.pipe.send(moment)
        flying, requests, job = self.pipe.recv()
        return flying, requests, f"{self.base_url}/v1/videos/generations/{job}"


def _stand(pipe: Connection, seconds: float) -> None:
    settings = Settings(draw=False, seconds_per_job=seconds, concurrency=None)
    with serve_beside(["seedancee2"], settings=settings) as stands:
        stand = stands["seedancee2"]
        pipe.send((stand.base_url, stand.keys))
        while (moment := pipe.recv()) is not None:
            jobs = list(stand.desk.jobs.values())
            requests = sum(entry.at >= moment for entry in stand.log)
            pipe.send((sum(not job.over for job in jobs), requests, jobs[0].id if jobs else ""))


@contextmanager
def standing(seconds: float) -> Iterator[Street]:
    """A stand-in whose jobs take so long, in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_stand, args=(there, seconds))
    process.start()
    try:
        base_url, keys = here.recv()
        yield Street(pipe=here, base_url=base_url, keys=keys)
        here.send(None)
    finally:
        process.join(10)
        process.kill()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What /proc tells of a process: processor seconds so far, memory now and at most in MB, threads."""

    cpu: float
    memory: float
    most_memory: float
    threads: int


def reading(pid: int) -> Reading:
    """A process as it stands."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Reading(
        cpu=(int(fields[11]) + int(fields[12])) / TICKS,
        memory=int(status["VmRSS"].split()[0]) / 1024,
        most_memory=int(status["VmHWM"].split()[0]) / 1024,
        threads=int(status["Threads"]),
    )


def windows(pid: int, street: Street, least: int) -> str:
    """How busy a process is while that many jobs are in flight: the middle of some windows, and their range."""
    shares, rates, seen = [], [], reading(pid)
    for _ in range(WINDOWS):
        before, began, moment = reading(pid), time.perf_counter(), time.time()
        time.sleep(WINDOW_SECONDS)
        seen, took = reading(pid), time.perf_counter() - began
        flying, requests, _ = street.since(moment)
        assert flying >= least, f"only {flying} jobs were in flight"
        shares.append((seen.cpu - before.cpu) / took)
        rates.append(requests / took)
    share, rate = statistics.median(shares), statistics.median(rates)
    assert rate, "nothing was asked"
    return (
        f"{share:.3f} cores ({min(shares):.3f} to {max(shares):.3f}), {rate:.0f} requests/s,"
        f" {1000 * share / rate:.2f} ms each, {seen.memory:.0f} MB (at most {seen.most_memory:.0f}),"
        f" {seen.threads} threads"
    )


def begun(folder: Path, street: Street, count: int) -> subprocess.Popen[bytes]:
    """The real command, over a recipe of so many shots."""
    keys = street.keys[: -(-count // MOST_OF_AN_ACCOUNT)]
    names = ["seedancee2", *(f"other{n}" for n in range(1, len(keys)))]
    shots = [f"  - {{id: s{n}, prompt: wave {n}, account: {names[n // MOST_OF_AN_ACCOUNT]}}}\n" for n in range(count)]
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        f"rushes: 1\nname: flight\ndefaults: {CLIP[:-1]}, provider: seedancee2}}\nshots:\n{''.join(shots)}"
    )
    others = "".join(
        f'[accounts.{name}]\nprovider = "seedancee2"\nkey_env = "{name.upper()}_KEY"\n' for name in names[1:]
    )
    config = folder / "config.toml"
    config.write_text(
        f"[providers.seedancee2]\nconcurrency = {min(count, MOST_OF_AN_ACCOUNT)}\npoll_seconds = {POLL_SECONDS / 4}\n"
        f"{others}[budget.run]\ncredits = {{{', '.join(f'{name} = 1000000' for name in names)}}}\n"
    )
    environ = os.environ | {
        "RUSHES_CONFIG": str(config),
        "SEEDANCEE2_BASE_URL": street.base_url,
        "SEEDANCEE2_API_KEY": keys[0],
        **{f"{name.upper()}_KEY": key for name, key in zip(names[1:], keys[1:], strict=True)},
    }
    rushes = Path(sys.executable).with_name("rushes")
    return subprocess.Popen([rushes, "run", recipe, "--yes", "--quiet"], env=environ, stdout=subprocess.DEVNULL)


async def ask(url: str, key: str, count: int) -> None:
    """The floor: so many loops that each sleep and ask, 32 at once, for more would hold httpx's pool up."""
    line = anyio.Semaphore(32)
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:

        async def loop() -> None:
            await anyio.sleep(random.uniform(0, POLL_SECONDS))
            while True:
                async with line:
                    json.loads((await client.get(url)).content)
                await anyio.sleep(random.uniform(0.9, 1.1) * POLL_SECONDS)

        async with anyio.create_task_group() as group:
            for _ in range(count):
                group.start_soon(loop)


def main(count: int) -> None:
    """Prints every figure."""
    with tempfile.TemporaryDirectory() as name, standing(45 + SETTLING_SECONDS + count / 50) as street:
        process = begun(Path(name), street, count)
        try:
            began = time.perf_counter()
            while street.since(0)[0] < count:
                assert process.poll() is None, f"the run ended with {process.returncode}"
                time.sleep(0.1)
            away = reading(process.pid)
            print(
                f"{count} jobs planned and sent: {away.cpu:.1f} s of processor in {time.perf_counter() - began:.1f} s,"
                f" {away.most_memory:.0f} MB"
            )
            time.sleep(SETTLING_SECONDS)
            print(f"{count} in flight, asked every {POLL_SECONDS:.0f} s: {windows(process.pid, street, count)}")
            before = last = reading(process.pid)
            while process.poll() is None:
                time.sleep(0.05)
                try:
                    last = reading(process.pid)
                except (OSError, KeyError):  # it has just ended
                    continue
            print(
                f"the rest, with {count} downloads and the documents: {last.cpu - before.cpu:.1f} s of processor;"
                f" memory at most {last.most_memory:.0f} MB; exit code {process.returncode}"
            )
        finally:
            process.kill()
        url = street.since(0)[2]
        floor = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.bench_flight", "ask", url, street.keys[0], str(count)]
        )
        try:
            time.sleep(POLL_SECONDS * 2)
            print(f"floor, bare httpx: {windows(floor.pid, street, 0)}")
        finally:
            floor.kill()


if __name__ == "__main__":
    if sys.argv[1:2] == ["ask"]:
        anyio.run(ask, sys.argv[2], sys.argv[3], int(sys.argv[4]))
    elif not Path("/proc/self/stat").exists():
        print("no /proc here, so nothing is measured")
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
