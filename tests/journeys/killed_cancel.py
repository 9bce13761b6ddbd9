"""Cancels a recipe's run and kills its own process, as hard as can be, at the nth moment: `killed_cancel.py RECIPE N`.

A moment is before a call to a service and after its answer, before an event is told, and before a document is moved to
its place. Prints how many there were where it was not killed.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pipeline import cancel as cancelling
from pipeline.accounts import open_wire
from pipeline.desk import House
from pipeline.providers.base import Call, Reply
from tests.killing import Killing


class Wire:
    """A wire to the service whose calls and answers are moments."""

    def __init__(self, house: House, moments: Killing) -> None:
        self.account = house.accounts()["seedance2-movie"]
        self.house, self.moments = house, moments
        self.poll_seconds = 0.05

    async def send(self, call: Call) -> Reply:
        async with open_wire(self.account, self.house.environ) as wire:
            self.moments()
            reply = await wire.send(call)
            self.moments()
            return reply

    async def download(self, url: str, out: Path) -> None:
        raise AssertionError


def main(recipe: Path, last: int) -> None:
    moments = Killing(last)

    def now() -> datetime:
        moments()
        return datetime.now(UTC)

    def heard(event: str, values: tuple[object, ...]) -> None:
        if event == "os.rename" and str(recipe.parent / "out") in str(values[1]):
            moments()

    usual = House.of_user(os.environ)
    wire = Wire(usual, moments)
    sys.addaudithook(heard)
    house = House(environ=usual.environ, config=usual.config, wires={wire.account.identity: wire}, now=now)
    cancelling.cancel(recipe.parent / ".rushes", house, recipe=recipe, yes=True)
    print(moments.count)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
