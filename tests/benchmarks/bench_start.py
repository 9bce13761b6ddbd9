"""How long the command takes to say something, beside a floor: an interpreter that starts and does nothing."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
ROUNDS = 11


def taken(*command: str | Path) -> float:
    """The median of some rounds, in milliseconds."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        subprocess.run([*map(str, command)], check=True, capture_output=True)
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        recipe = Path(name) / "recipe.yaml"
        recipe.write_text((RECIPES / "starter.yaml").read_text(encoding="utf-8"), encoding="utf-8")
        rushes = Path(sys.executable).with_name("rushes")
        floor = taken(sys.executable, "-c", "pass")
        subprocess.run([rushes, "run", recipe], check=True, capture_output=True)
        for title, command in (
            ("rushes --help", [rushes, "--help"]),
            ("rushes check, 4 shots", [rushes, "check", recipe]),
            ("rushes run, all there", [rushes, "run", recipe]),
        ):
            one = taken(*command)
            print(f"{title}: {one:.0f} ms; floor {floor:.0f} ms; ratio {one / floor:.1f}")
