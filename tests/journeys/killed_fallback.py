"""Runs a paid recipe and kills its own process at the nth event it hears: `killed_fallback.py RECIPE N`."""

from __future__ import annotations

import os
import sys
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pipeline import api
from pipeline.desk import House, Wants
from tests.killing import Killing


def main(recipe: Path, at: int) -> None:
    killing = Killing(at)
    caps = {"seegen": Decimal(100_000), "seedance2-movie": Decimal(100_000)}
    ended = api.run(recipe, Wants(yes=True, max_each=caps), House.of_user(os.environ), listen=lambda _: killing)
    print(ended.exit_code, killing.count)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
