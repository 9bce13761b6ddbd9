"""Runs a stage of a paid recipe and kills itself at the nth event it hears: `killed_stages.py RECIPE STAGE N`."""

from __future__ import annotations

import os
import signal
import sys
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pipeline import api
from pipeline.desk import Desk, House, Wants
from pipeline.engine.run import Listener


def main(recipe: Path, stage: str, at: int) -> None:
    heard = 0

    def listen(_: Desk) -> Listener:
        def hear(_: object) -> None:
            nonlocal heard
            heard += 1
            if heard == at:
                os.kill(os.getpid(), signal.SIGKILL)

        return hear

    caps = {"seegen": Decimal(100_000), "seedancee2": Decimal(100_000)}
    ended = api.run(recipe, Wants(yes=True, stage=stage, max_each=caps), House.of_user(os.environ), listen=listen)
    print(ended.exit_code, heard)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
