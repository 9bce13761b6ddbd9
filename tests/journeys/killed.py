"""Runs a recipe and kills its own process, as hard as can be, at the nth event it hears: `killed.py RECIPE N`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pipeline import api
from pipeline.desk import Desk
from pipeline.engine.run import Listener
from pipeline.events import Event


def main(recipe: Path, at: int) -> None:
    heard = 0

    def listen(_: Desk) -> Listener:
        def hear(_: Event) -> None:
            nonlocal heard
            heard += 1
            if heard == at:
                os.kill(os.getpid(), signal.SIGKILL)

        return hear

    api.run(recipe, listen=listen)
    print(heard)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
