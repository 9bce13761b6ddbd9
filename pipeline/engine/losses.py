"""The takes that one process has lost for good, and whether they are as many as its run is to bear. Pure."""

from __future__ import annotations

from pipeline.errors import listed
from pipeline.plan.model import Step, take_id


class Losses:
    """Takes whose failure is final here; `why` says, once they are `most`, that nothing more is begun. None: no end."""

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self.why = ""
        self._names: dict[str, None] = {}

    def add(self, step: Step) -> None:
        """One more failed for good; a second step of the same take is no further loss."""
        # WHY: an upload or the film is no take's own; it counts by its own name.
        self._names[take_id(step.shot, step.take) if step.shot else step.id] = None
        if self.most is not None and len(self._names) >= self.most and not self.why:
            names = listed([*self._names])
            bearable = "a failure" if self.most == 1 else f"{self.most} failures"
            self.why = f"nothing more was begun after {bearable}: {names} failed"
