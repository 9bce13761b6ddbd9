"""What the engine costs, each figure beside a floor from the same run: a hand-written asyncio script.

The floor has no ledger, no state and no events: graphlib says what is ready, a semaphore how many may run.
"""

from __future__ import annotations

import asyncio
import graphlib
import heapq
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import anyio

from pipeline.engine.run import Engine
from pipeline.engine.state import RunState
from pipeline.engine.worker import Emit, Results
from pipeline.events import Succeeded
from pipeline.plan.budget import Book, Limits
from pipeline.plan.graph import longest_remaining
from pipeline.plan.model import Step
from pipeline.store.ledger import Ledger, Run
from tests import made

Needs = Mapping[str, Sequence[str]]


def clock() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


async def floor(needs: Needs, width: int, seconds: float) -> None:
    """Graphlib and a semaphore."""
    sorter = graphlib.TopologicalSorter(needs)
    sorter.prepare()
    slots, tasks = asyncio.Semaphore(width), set[asyncio.Task[None]]()
    finished: asyncio.Queue[str] = asyncio.Queue()

    async def work(name: str) -> None:
        async with slots:
            await asyncio.sleep(seconds)
        finished.put_nowait(name)

    while sorter.is_active():
        for name in sorter.get_ready():
            tasks.add(asyncio.create_task(work(name)))
        sorter.done(await finished.get())


async def floor_longest_first(needs: Needs, width: int, seconds: float) -> None:
    """A heap by the longest remaining path, and as many tasks as may run."""
    rest = longest_remaining(needs, dict.fromkeys(needs, 1.0))
    missing = {name: len(before) for name, before in needs.items()}
    after: dict[str, list[str]] = {name: [] for name in needs}
    for name, before in needs.items():
        for other in before:
            after[other].append(name)
    ready = [(-rest[name], name) for name, count in missing.items() if not count]
    heapq.heapify(ready)
    running: set[asyncio.Task[str]] = set()

    async def work(name: str) -> str:
        await asyncio.sleep(seconds)
        return name

    while ready or running:
        while ready and len(running) < width:
            running.add(asyncio.create_task(work(heapq.heappop(ready)[1])))
        done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            for name in after[task.result()]:
                missing[name] -= 1
                if not missing[name]:
                    heapq.heappush(ready, (-rest[name], name))


async def engine(needs: Needs, width: int, seconds: float, folder: Path) -> float:
    """The real engine with the real ledger; only the work itself is a sleep. From first order to last durable event."""
    steps = [made.step(name, *before) for name, before in needs.items()]
    plan = made.plan(steps, lanes={"media": width})
    with Ledger(folder / "ledger.sqlite3") as ledger:
        ledger.begin(
            Run(id="r", recipe="r", recipe_path="r", output="o", date="d", started_at=clock(), plan=[], options={})
        )
        began = time.perf_counter()
        async with ledger.journal("r") as journal:
            state = RunState(plan, Book(Limits()))

            async def carry(step: Step, attempt: int, results: Results, emit: Emit) -> None:
                await asyncio.sleep(seconds)
                await emit(Succeeded(at=clock(), step=step.id, key=step.key, attempt=attempt, result=made.NOTHING))

            await Engine(state, journal, carry, clock=clock).go()
        took = time.perf_counter() - began
        assert len(ledger.events("r")) == 2 * len(needs)
    return took


async def timed(work: Awaitable[None]) -> float:
    """How long it takes, once the loop runs."""
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


def compare(
    title: str, needs: Needs, width: int, seconds: float, base: Callable[..., Awaitable[None]], rounds: int = 5
) -> None:
    """Floor and engine in turn, so that a machine that drifts drifts for both."""
    ours, floors = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            floors.append(anyio.run(timed, base(needs, width, seconds)))
            ours.append(anyio.run(engine, needs, width, seconds, folder))
    one, other = statistics.median(ours), statistics.median(floors)
    ratio = statistics.median(a / b for a, b in zip(ours, floors, strict=True))
    each = 1000 / len(needs)
    print(
        f"{title}: {one:.3f} s ({one * each:.3f} ms a step); floor {other:.3f} s ({other * each:.3f} ms a step);"
        f" ratio {ratio:.3f}"
    )


def chains(lengths: Sequence[int]) -> dict[str, list[str]]:
    """Chains of these lengths, side by side."""
    return {
        f"c{i}-{j}/generate": [f"c{i}-{j - 1}/generate"] if j else [] for i, n in enumerate(lengths) for j in range(n)
    }


if __name__ == "__main__":
    compare("1,000 ready steps that do nothing, 64 in flight", chains([1] * 1000), 64, 0, floor)
    compare("100 chains of 10 steps of 50 ms, 64 in flight", chains([10] * 100), 64, 0.05, floor_longest_first, 3)
    dice = random.Random(1)
    mixed = [dice.randint(1, 5) for _ in range(100)] + [40] + [dice.randint(1, 5) for _ in range(100)]
    compare("a chain of 40 beside 200 of 1 to 5, 16 in flight", chains(mixed), 16, 0.05, floor_longest_first, 3)
