"""Plans made by hand, and a worker that does as it is told: for tests of the engine without files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from pipeline.errors import Place
from pipeline.events import Event, Result
from pipeline.money import FREE, Price
from pipeline.plan.budget import Limits
from pipeline.plan.model import Action, Plan, Step
from pipeline.recipe.model import Budget, Recipe
from pipeline.steps.base import Feed, Made


@dataclass(frozen=True)
class Idle:
    """Work that does nothing."""

    feeds: tuple[Feed, ...] = ()
    kind: ClassVar[str] = "generate"

    def words(self) -> Mapping[str, Any]:
        return {}

    def perform(self, inputs: Sequence[Path], folder: Path) -> Made:
        return Made(files={})


IDLE = Idle()
NOTHING = Result(outputs={})


def step(name: str, *needs: str, price: str = "0", usd: str | None = None, **values: Any) -> Step:
    """A step with this id's take as its shot; paid ones are on the account `till`."""
    paid = Decimal(price) > 0
    cost = Price(low=Decimal(price), high=Decimal(price), usd_per_credit=Decimal(usd) if usd else None)
    account = values.pop("account", "till" if paid else "")
    fields: dict[str, Any] = {
        "id": name,
        "shot": name.partition("/")[0].partition("@")[0],
        "take": int(name.partition("/")[0].partition("@")[2] or 1),
        "work": IDLE,
        "provider": "till" if paid else "animatic",
        "model": "m",
        "account": account,
        "lane": account or "media",
        "needs": needs,
        "key": f"k1:{name}",
        "base": f"k1:{name}",
        "own": f"own:{name}",
        "price": cost if paid else FREE,
        "effort_seconds": 1.0,
        "action": Action.RUN,
    }
    return Step(**(fields | values))


def place(*_: object) -> Place:
    """A place in a recipe that no file has."""
    return Place(file="recipe.yaml", line=1, column=1)


def recipe(**values: Any) -> Recipe:
    """A recipe without shots."""
    fields: dict[str, Any] = {
        "name": "made",
        "title": "Made",
        "path": Path("/nowhere/recipe.yaml"),
        "digest": "sha256:0",
        "date": "2026-01-01",
        "vars": {},
        "shots": (),
        "budget": Budget(),
        "film": None,
    }
    return Recipe(**(fields | values))


def plan(steps: Iterable[Step], *, limits: Limits | None = None, lanes: Mapping[str, int] | None = None) -> Plan:
    """A plan of these steps, which must come after what they need."""
    steps = tuple(steps)
    widths = {s.lane: 64 for s in steps} | dict(lanes or {})
    return Plan(
        recipe=recipe(),
        takes=(),
        steps=steps,
        film="",
        lanes=widths,
        accounts={},
        limits=limits or Limits(),
        redo={},
    )


class Log:
    """A journal that only remembers; `on` is called with each event before it is durable."""

    def __init__(self, on: Callable[[Event], None] | None = None) -> None:
        self.events: list[Event] = []
        self._on = on

    async def commit(self, event: Event) -> None:
        self.post(event)

    def post(self, event: Event) -> None:
        if self._on:
            self._on(event)
        self.events.append(event)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def clock() -> str:
    """A time that stands still."""
    return "2026-01-01T00:00:00.000Z"


Emit = Callable[[Event], Awaitable[None]]
