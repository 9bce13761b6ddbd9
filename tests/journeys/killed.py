"""Runs a recipe and kills its own process, as hard as can be, at the nth event it hears: `killed.py RECIPE N`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pipeline import api
from tests.killing import Killing


def main(recipe: Path, at: int) -> None:
    killing = Killing(at)
    api.run(recipe, listen=lambda _: killing)
    print(killing.count)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
