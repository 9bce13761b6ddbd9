"""`python -m tests.torture [--seed N] [--kills N]`: campaigns until so many processes were killed, then the figures.

With `--seed` it is that campaign alone, in a folder that is kept where anything was wrong.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

from tests.torture import figures
from tests.torture.campaign import Campaign, Report

KILLS = 500
AT_ONCE = 3
SHOTS = 24
KILLS_OF_ONE = 40


def one(seed: int, *, shots: int = SHOTS, kills: int = KILLS_OF_ONE) -> Report:
    """A campaign in a folder of its own, which stays where something was wrong."""
    folder = Path(tempfile.mkdtemp(prefix=f"rushes-torture-{seed}-"))
    campaign = Campaign(folder, seed, shots=shots, kills=kills)
    report = campaign.go()
    if report.faults:
        (folder / "outputs.txt").write_text("\n".join(campaign.outputs))
        report.faults.append(f"all of it lies in {folder}; again: python -m tests.torture --seed {seed}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    line = f"seed {seed}: {report.kills} kills, {report.starts} processes, {report.creates} creates"
    print(f"{line}, {report.seconds:.0f} s{'' if not report.faults else ', WRONG'}", file=sys.stderr, flush=True)
    for fault in report.faults:
        print(f"  {fault}", file=sys.stderr, flush=True)
    return report


def many(first: int, kills: int) -> list[Report]:
    """Campaigns from this seed on, some at once, until so many kills have struck."""
    reports: list[Report] = []
    lock, seeds = threading.Lock(), itertools.count(first)

    def work() -> None:
        while True:
            with lock:
                if sum(report.kills for report in reports) >= kills or any(report.faults for report in reports):
                    return
                seed = next(seeds)
            report = one(seed)
            with lock:
                reports.append(report)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(work) for _ in range(AT_ONCE)]:
            done.result()
    return reports


def of_campaigns(reports: Sequence[Report], seconds: float) -> list[tuple[str, object]]:
    """The figures of some campaigns by their names."""
    struck: Counter[str] = sum((Counter(report.struck) for report in reports), Counter())
    most = {
        scope: max((report.most.get(scope, Decimal(0)) for report in reports), default=Decimal(0))
        for scope in ("run", "shot", "day")
    }
    shares = ", ".join(f"{scope} {share:.3f}" for scope, share in most.items())
    return [
        ("campaigns", f"{len(reports)}, seeds {', '.join(str(report.seed) for report in reports)}"),
        ("kill -9 of living processes", sum(report.kills for report in reports)),
        ("other signals", sum(report.other_signals for report in reports)),
        ("processes started", sum(report.starts for report in reports)),
        ("services restarted", sum(report.restarts for report in reports)),
        ("faults struck", f"{struck.total()}: {', '.join(f'{name} {n}' for name, n in struck.most_common())}"),
        ("decisions by the books", sum(report.decisions for report in reports)),
        ("paid steps, each created once", f"{sum(report.creates for report in reports)}"),
        ("looks at ledger and books", sum(report.looks for report in reports)),
        ("most held / cap", shares),
        ("wall time", f"{seconds:.0f} s"),
    ]


def main() -> int:
    """0 where nothing was wrong and enough was killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="this campaign alone")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default: 1)")
    parser.add_argument("--kills", type=int, default=KILLS, help=f"until so many kills (default: {KILLS})")
    given = parser.parse_args()
    began = time.monotonic()
    if given.seed is not None:
        reports, wanted = [one(given.seed)], 0
    else:
        reports, wanted = many(given.first, given.kills), given.kills
    rows = of_campaigns(reports, time.monotonic() - began)
    if given.seed is None and not any(report.faults for report in reports):
        rows += figures.rows()
    for name, value in rows:
        print(f"{name:<32} {value}")
    struck = sum(report.kills for report in reports)
    if struck < wanted:
        print(f"only {struck} of {wanted} kills", file=sys.stderr)
    return 1 if struck < wanted or any(report.faults for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
