"""How a process kills itself, as hard as can be, at one moment of many."""

from __future__ import annotations

import os
import signal


class Killing:
    """Counts moments, whatever is told of them, and is dead at the nth; a listener of events, too."""

    def __init__(self, at: int) -> None:
        self.count, self.at = 0, at

    def __call__(self, *_: object) -> None:
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
