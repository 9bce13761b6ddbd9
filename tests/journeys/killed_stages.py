"""Runs a stage of a paid recipe and kills itself at the nth event: `killed_stages.py RECIPE STAGE N [REDO]`."""

from __future__ import annotations

import os
import sys
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pipeline import api
from pipeline.desk import House, Wants
from tests.killing import Killing


def main(recipe: Path, stage: str, at: int, redo: tuple[str, ...]) -> None:
    killing = Killing(at)
    caps = {"seegen": Decimal(100_000), "seedancee2": Decimal(100_000)}
    wants = Wants(yes=True, stage=stage, redo=redo, max_each=caps)
    ended = api.run(recipe, wants, House.of_user(os.environ), listen=lambda _: killing)
    print(ended.exit_code, killing.count)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), tuple(sys.argv[4:]))
