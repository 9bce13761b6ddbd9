"""The other figures of `make torture`: eight processes on one day's cap, the durable path, a large run resumed."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import anyio

from tests.benchmarks import bench_claims, bench_resume
from tests.benchmarks.bench_ledger import floor_ms
from tests.journeys import test_together
from tests.journeys.services import quarter

D = Decimal
PROCESSES, SHOTS, PAID = 8, 6, 20
_FLYING = 64


def rows() -> Iterator[tuple[str, str]]:
    """Each figure by its name."""
    with tempfile.TemporaryDirectory(prefix="rushes-figures-") as name:
        yield f"{PROCESSES} processes, one day's cap", eight_processes(Path(name))
        yield f"durable path, {_FLYING} in flight", durable_path(Path(name))
    yield "resuming", bench_resume.said(bench_resume.COUNT, 1, "clips", bench_resume.bought, judged=True)


def eight_processes(folder: Path) -> str:
    """What several processes hold together at most of a cap that leaves room for less than half of what they want."""
    workspace = folder / "shared"
    workspace.mkdir()
    cap = PAID * test_together.EACH + 1
    paths = [
        test_together.recipe(folder, f"tale-{n}", [f"tale {n} shot {i}" for i in range(SHOTS)])
        for n in range(PROCESSES)
    ]
    with quarter(test_together.MOVIE, cache=folder / "drawn", seconds_per_job=1, concurrency=None) as services:
        ended = test_together.together(services, paths, workspace, f'[budget.day]\ncredits = "{cap}"')
    most, flying = test_together.most_held(workspace)
    shares = [sum(shot[0] == "done" for shot in one["shots"].values()) for one in ended]
    if most > cap or min(shares) < 1:
        raise RuntimeError(f"{most} of {cap} was held, and the processes got {shares}")
    return f"at most {most} of {cap} held, {flying} in flight; shots of each: {', '.join(map(str, sorted(shares)))}"


def durable_path(folder: Path) -> str:
    """What it costs to claim and to settle a step."""
    path = folder / "claims.sqlite3"
    ours, floors = [], []
    for turn in range(3):
        floors.append(2 * floor_ms(folder / f"floor-{turn}", 500))
        ours.append(anyio.run(bench_claims.claimed, path, _FLYING, bench_claims.CLAIMS, (turn + 1) * 100_000))
    one, floor = statistics.median(ours), statistics.median(floors)
    return f"{one:.3f} ms a step; floor {floor:.3f} ms (two plain commits); ratio {one / floor:.2f}"
