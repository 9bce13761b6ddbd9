"""A lane: the steps that wait for one account, or for this machine, and how many may be in flight at once."""

from __future__ import annotations


class Lane:
    """Steps that are ready for one lane, best first, and how many may be in flight."""

    def __init__(self, width: int) -> None:
        self.most = width
        self.width = width
        self.running = 0
        self.good = 0  # successes since the width last changed
        self.ready: list[tuple[int, float, int]] = []
        self.paused = False  # every place of the account is taken

    def slow_down(self) -> None:
        """Halves the width, to no less than one."""
        self.width, self.good = max(1, self.width // 2), 0

    def succeeded(self) -> None:
        """Widens the lane by one after as many successes as it is wide, up to its first width."""
        self.good += 1
        if self.width < self.most and self.good >= self.width:
            self.width, self.good = self.width + 1, 0
