"""Recipes changed at random, read and planned under watch: `python -m tests.hostile.fuzz [COUNT] [SEED] [FOLDER]`.

Each seed makes the same recipe wherever it is run. A seed whose recipe crashes, hangs, takes too much memory or reaches
outside is printed, and the recipe kept in FOLDER with what lay beside it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.hostile.mutate import Mutator
from tests.hostile.watched import MOST_SECONDS, Reader

WORKERS = 2
PATIENCE = 5  # so many times as long is waited before a process that others slow down counts as one that hangs


@dataclass(slots=True, kw_only=True)
class Tally:
    """What came of how many recipes, the slowest of them in seconds of the processor, and what failed by its seed."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, int] = (0.0, -1)
    failed: dict[int, str] = field(default_factory=dict)


def read_all(seeds: Iterable[int], folder: Path) -> Tally:
    """Lets one watched process read the recipes of these seeds."""
    tally, reader = Tally(), Reader(folder)
    for seed in seeds:
        found = reader.ask(MOST_SECONDS * PATIENCE, seed=seed)
        tally.outcomes[found["outcome"]] += 1
        tally.slowest = max(tally.slowest, (found["seconds"], seed))
        wrong = [*found["touched"], *found["strange"]]
        if found["outcome"] not in ("plan", "faults", "refused") or wrong or found["seconds"] > MOST_SECONDS:
            tally.failed[seed] = f"{found['outcome']} in {found['seconds']} s {' '.join(wrong)[-1500:]}"
    reader.close()
    return tally


def fuzz(count: int, first: int, folder: Path, workers: int = WORKERS) -> Tally:
    """Reads so many recipes from a seed on, several processes beside each other."""
    shares = [range(first + share, first + count, workers) for share in range(workers)]
    whole, mutator = Tally(), Mutator()
    with ThreadPoolExecutor(workers) as pool:
        tallies = pool.map(read_all, shares, [folder / f"reader-{share}" for share in range(workers)])
        for tally in tallies:
            whole.outcomes += tally.outcomes
            whole.slowest = max(whole.slowest, tally.slowest)
            whole.failed |= tally.failed
    for seed in whole.failed:
        (kept := folder / f"seed-{seed}").mkdir()
        for name, data in {"recipe.yaml": mutator.recipe(seed), **mutator.beside(seed)}.items():
            (kept / name).write_bytes(data)
    return whole


def main(words: list[str]) -> int:
    """Fuzzes, and tells what came of it; 1 where something failed."""
    count, first = (int(word) for word in [*words[:2], *("100000", "0")[len(words[:2]) :]])
    folder = Path(words[2]) if len(words) > 2 else Path(tempfile.mkdtemp(prefix="rushes-fuzz-"))
    began = time.perf_counter()
    tally = fuzz(count, first, folder)
    seconds = time.perf_counter() - began
    told = ", ".join(f"{number:,} {outcome}" for outcome, number in tally.outcomes.most_common())
    print(f"{count:,} recipes in {seconds:.0f} s, {count / seconds:.0f} a second: {told}")
    print(f"the slowest took {tally.slowest[0]:.2f} s (seed {tally.slowest[1]})")
    for seed, wrong in sorted(tally.failed.items()):
        print(f"seed {seed}: {folder / f'seed-{seed}' / 'recipe.yaml'}\n  {wrong}")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
