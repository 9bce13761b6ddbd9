"""`python -m tests.golden` writes the pinned plans anew; with a folder, what they are now, into that."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.golden.pinned import PLANS, RECIPES, laid, written

out = Path(sys.argv[1]) if len(sys.argv) > 1 else PLANS
for stale in out.glob("*.txt"):
    stale.unlink()
with tempfile.TemporaryDirectory() as scratch:
    for name in RECIPES:
        (out / f"{name}.txt").write_text(written(laid(name, Path(scratch) / name)), encoding="utf-8")
print(f"{len(RECIPES)} plans written to {out}")
