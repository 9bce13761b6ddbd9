"""Plans made by hand, and a worker that does as it is told: for tests of the engine without files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from pipeline.errors import Place
from pipeline.events import Artifact, Event, Result
from pipeline.money import FREE, Price
from pipeline.plan import build as building
from pipeline.plan.budget import Limits
from pipeline.plan.draft import Setting
from pipeline.plan.known import Known, Nothing
from pipeline.plan.model import Action, Plan, Step
from pipeline.providers.catalog import PROVIDERS
from pipeline.recipe.model import Budget, Film, LocalFile, Recipe, Shot, Source
from pipeline.steps.base import Feed, Made
from pipeline.store.ledger import Kept, Line, Pending, Standing
from pipeline.store.lost import Maker
from tests import till


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


def shot(id: str, **values: Any) -> Shot:
    """A clip of two seconds on the till."""
    fields: dict[str, Any] = {
        "id": id,
        "kind": "video",
        "prompt": f"prompt of {id}",
        "provider": "till",
        "model": "m",
        "account": "till",
        "seconds": Decimal(2),
        "resolution": "720p",
        "ratio": "16:9",
        "seed": None,
        "audio": False,
        "watermark": False,
        "people": False,
        "references": (),
        "first_frame": None,
        "last_frame": None,
        "chain": None,
        "upscale": None,
        "takes": 1,
        "needs": (),
        "priority": 0,
        "retry": 0,
        "pin": False,
        "where": place,
    }
    return Shot(**(fields | values))


def cut(*shots: str, **values: Any) -> Film:
    """A film of these shots."""
    return Film(shots=shots, where=place, **values)


def file(name: str, bytes: str = "") -> Source:
    """A picture beside the recipe, given by path; `bytes` stand for what is in it."""
    sha256 = f"sha256:{bytes or name}"
    return Source(name=name, media="image", file=LocalFile(name=name, path=Path(name), sha256=sha256, bytes=1))


def build(*shots: Shot, known: Known | None = None, film: Film | None = None, **values: Any) -> Plan:
    """The plan of these shots on the till, with nothing known where nothing is said."""
    budget = values.pop("budget", Budget())
    setting = Setting(providers={**PROVIDERS, "till": till}, **values)
    return building.build(recipe(shots=shots, film=film, budget=budget), known or Nothing(), setting)


@dataclass
class Facts:
    """What is known, said by hand: results and failures by key, and what each step was last made with."""

    made: Mapping[str, Kept] = field(default_factory=dict)
    failed: Mapping[str, Standing] = field(default_factory=dict)
    open: Mapping[str, Pending] = field(default_factory=dict)
    redone: Mapping[str, int] = field(default_factory=dict)
    noted: Mapping[str, Line] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    makes: Mapping[str, Maker] = field(default_factory=dict)
    tried: Mapping[str, str] = field(default_factory=dict)  # what failed, and may not fail again
    beside: Mapping[str, str] = field(default_factory=dict)  # what other runs are making

    @classmethod
    def of(cls, plan: Plan, *names: str, **values: Any) -> Facts:
        """As after a run of this plan: these steps, or all, are made and noted."""
        done = [s for s in plan.steps if not names or s.id in names]
        made = {s.key: kept(s) for s in done}
        return cls(made=made, noted={s.id: Line(key=s.key, base=s.base, own=s.own) for s in done}, **values)

    def kept(self, keys: Iterable[str]) -> Mapping[str, Kept]:
        return {key: self.made[key] for key in keys if key in self.made}

    def missing(self, artifacts: Iterable[Artifact]) -> set[str]:
        return {artifact.sha256 for artifact in artifacts} & self.gone

    def put_back(self) -> Mapping[str, str]:
        return {}

    def standing(self, keys: Iterable[str]) -> Mapping[str, Standing]:
        return {key: self.failed[key] for key in keys if key in self.failed}

    def pending(self, keys: Iterable[str]) -> Mapping[str, Pending]:
        return {key: self.open[key] for key in keys if key in self.open}

    def making(self, keys: Iterable[str]) -> Mapping[str, str]:
        return {key: self.beside[key] for key in keys if key in self.beside}

    def makers(self, keys: Iterable[str]) -> Mapping[str, Maker]:
        drawn = {key: maker(self.made[key]) for key in keys if key in self.made}
        return {key: self.makes.get(key, drawn[key]) for key in drawn}

    def failures(self) -> Mapping[str, str]:
        return {**{key: one.error for key, one in self.failed.items()}, **self.tried}

    def redos(self) -> Mapping[str, int]:
        return self.redone

    def lines(self) -> Mapping[str, Line]:
        return self.noted


def kept(step: Step) -> Kept:
    """A result for a step's key, its one file named by the step."""
    result = Result(outputs={"video": Artifact(sha256=step.id, bytes=1, suffix=".mp4")})
    return Kept(key=step.key, result=result, run="r", step=step.id, provider="", account="", charged=Decimal(0),
                usd=None, source="free", at=clock())  # fmt: skip


def maker(kept: Kept, **values: Any) -> Maker:
    """The attempt that made a result, here and for nothing unless something else is said."""
    fields: dict[str, Any] = {"run": kept.run, "step": kept.step, "attempt": 1, "at": clock(), "gone": None}
    return Maker(**(fields | {"provider": "", "account": "", "job_id": ""} | values))


def standing(step: Step) -> Standing:
    """A failure that stands for a step's key."""
    return Standing(key=step.key, run="r", step=step.id, error="flagged.", hint="", at=clock())


def pending(step: Step, job_id: str | None = "job-7", **values: Any) -> Pending:
    """An attempt at a step that has no end yet."""
    fields: dict[str, Any] = {
        "key": step.key,
        "run": "r",
        "step": step.id,
        "attempt": 3,
        "provider": "till",
        "account": "till",
        "credits": Decimal(6),
        "usd": None,
        "doubted": False,
        "at": clock(),
    }
    return Pending(**(fields | {"job_id": job_id} | values))


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
        self.of_runs: list[tuple[str, Event]] = []  # what was told together, with the runs it is of
        self._on = on

    async def commit(self, event: Event) -> None:
        self.post(event)

    async def commit_together(self, told: Sequence[tuple[str, Event]]) -> None:
        for run, event in told:
            self.of_runs.append((run, event))
            if not run:
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
