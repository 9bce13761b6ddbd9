"""Stories to make documents of: real plans of shots made by hand, and runs of them told event by event."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.engine.state import RunState, Share, Skip
from pipeline.errors import Fault
from pipeline.events import (
    Artifact,
    Cancelled,
    Doubted,
    Event,
    Failed,
    Refused,
    Result,
    RunEnded,
    RunStarted,
    Settled,
    Skipped,
    Started,
    Submitted,
    Succeeded,
)
from pipeline.money import ZERO, Price
from pipeline.plan.budget import Book
from pipeline.plan.build import Setting, build
from pipeline.plan.known import Known, Nothing
from pipeline.plan.model import Plan, Step
from pipeline.providers import animatic
from pipeline.providers.base import Complaint, Wish
from pipeline.recipe.model import Budget, Caps, Chain, Film, LocalFile, Shot, Source, Upscale
from pipeline.report.story import Story
from pipeline.store.ledger import Kept, Line, Pending, Run, Standing
from tests.made import place, recipe

RUN = "20260101-120000-ab12"
FOLDER = Path("/nowhere/out/made")


class Till:
    """A service that charges: 10 credits a second of video, 5 for a still, each worth 0.4 cents."""

    NAME, TITLE, UNIT, CONCURRENCY, SEED_LIMIT = "till", "Till", "credits", 3, 0

    def __init__(self, usd_per_credit: str | None = "0.004") -> None:
        self.rate = Decimal(usd_per_credit) if usd_per_credit else None

    def complaints(self, *_: Wish) -> Iterable[Complaint]:
        return ()

    def request(self, wish: Wish) -> Mapping[str, Any]:
        return {"prompt": wish.prompt, "model": wish.model, "seconds": wish.seconds}

    def price(self, wish: Wish) -> Price:
        most = 10 * wish.seconds or Decimal(5)
        return Price(low=most, high=most, usd_per_credit=self.rate, source="till")

    def effort_seconds(self, *_: Wish) -> float:
        return 60

    def submit(self, *_: Any) -> Any: ...

    def job_id(self, *_: Any) -> Any: ...

    def poll(self, *_: Any) -> Any: ...

    def status(self, *_: Any) -> Any: ...

    def fault(self, *_: Any) -> Any: ...


def shot(name: str, **values: Any) -> Shot:
    """A shot on animatic; `chain`, `first_frame` and `upscale` may be given as the recipe writes them."""
    kind = values.get("kind", "video")
    if isinstance(values.get("chain"), str):
        values["chain"] = Chain(shot=values["chain"])
    if isinstance(values.get("first_frame"), str):
        values["first_frame"] = Source(name=values["first_frame"], media="image", shot=values["first_frame"])
    if isinstance(values.get("upscale"), str):
        values["upscale"] = Upscale(to=values["upscale"])
    provider = values.get("provider", "animatic")
    fields: dict[str, Any] = {
        "id": name,
        "kind": kind,
        "prompt": f"{name}, wide, morning light",
        "provider": provider,
        "model": "seedance-2" if kind == "video" else "gpt-image-2",
        "account": provider,
        "seconds": Decimal(5) if kind == "video" else Decimal(0),
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


def file(name: str) -> Source:
    """A picture in the recipe's folder."""
    local = LocalFile(name=name, path=Path("/nowhere") / name, sha256="sha256:" + "f" * 64, bytes=9)
    return Source(name=name, media="image", file=local)


def cut(*shots: str) -> Film:
    """A film of these shots."""
    return Film(shots=shots, where=place)


def warning(fact: str, hint: str = "") -> Fault:
    """A fault that stops nothing."""
    return Fault(place=place(), fact=fact, hint=hint, warning=True)


def plan(
    *shots: Shot, film: Film | None = None, known: Known | None = None, caps: Caps | None = None, **values: Any
) -> Plan:
    """The plan of these shots; `only`, `redo` and `till` go to the setting, all else to the recipe."""
    setting = {name: values.pop(name) for name in ("only", "redo") if name in values}
    providers = {"animatic": animatic, "till": values.pop("till", Till())}
    budget = Budget(run=caps or Caps(), on_exceed=values.pop("on_exceed", "refuse"))
    made = recipe(shots=shots, film=film, budget=budget, **values)
    return build(made, known or Nothing(), Setting(providers=providers, **setting))


def result(step: Step, **facts: Any) -> Result:
    """What a step would leave: files of the size that was asked for, with a digest of its name."""
    digest = "sha256:" + step.key.removeprefix("k1:")
    name = {"generate": getattr(step.work, "output", ""), "upscale": "upscaled"}.get(step.kind, step.kind)
    still = step.kind == "last_frame" or name == "image" or getattr(step.work, "still", False)
    artifact = Artifact(
        sha256=digest,
        bytes=2_345_678,
        suffix=".png" if still else ".mp4",
        width=2560 if step.kind == "upscale" else 1280,
        height=1440 if step.kind == "upscale" else 720,
        seconds="" if still else "5",
        fps="" if still else "24",
    )
    if step.kind == "last_frame":
        facts = {"index": 119, "pts": 60928, "seconds": Decimal("4.958333"), "matrix": "bt709", "range": "tv"} | facts
    if step.kind == "film":
        facts = {"joined": "copied", "why": "all clips agree", "frames": 240, "cuts": []} | facts
    return Result(outputs={name: artifact}, facts=facts)


class Told:
    """A run told event by event; the engine's own state says what follows from each."""

    def __init__(self, plan: Plan, events: Sequence[Event] = ()) -> None:
        self.plan = plan
        self.events: list[Event] = list(events)
        before: dict[str, int] = {}
        book = Book(plan.limits)
        for event in events:
            if isinstance(event, Started):
                before[event.step] = event.attempt
        self.state = RunState(plan, book, before)
        self._now = 1000 * bool(events)
        self.tell(RunStarted(at=self.at(), version="0.1.0"))

    def at(self) -> str:
        self._now += 1
        return f"2026-01-01T12:{self._now // 60 % 60:02}:{self._now % 60:02}.000Z"

    def tell(self, event: Event) -> None:
        self.events.append(event)
        self.state.apply(event)
        while isinstance(order := self.state.order(), Skip | Share):
            step = order.step
            if isinstance(order, Skip):
                told: Event = Skipped(at=self.at(), step=step.id, key=step.key, reason=order.reason, why=order.why)
            else:
                told = Succeeded(at=self.at(), step=step.id, key=step.key, attempt=0, result=order.result)
            self.events.append(told)
            self.state.apply(told)

    def about(self, name: str) -> dict[str, Any]:
        step = self.state.steps[name]
        return {"at": self.at(), "step": name, "key": step.key, "attempt": max(1, self.state.attempts[name])}

    def start(self, name: str) -> Told:
        step = self.state.steps[name]
        about = self.about(name) | {"attempt": self.state.attempts[name] + 1}
        self.tell(
            Started(
                **about,
                provider=step.provider,
                account=step.account,
                credits=step.price.high,
                usd=step.price.usd if step.account else None,
            )
        )
        return self

    def submit(self, name: str, job: str = "") -> Told:
        self.tell(Submitted(**self.about(name), job_id=job or f"job-{name}"))
        return self

    def settle(self, name: str, charged: str, refunded: str = "0", usd: str | None = "", source: str = "till") -> Told:
        spent = Decimal(charged)
        dollars = spent * Decimal("0.004") if usd == "" else None if usd is None else Decimal(usd)
        self.tell(Settled(**self.about(name), charged=spent, refunded=Decimal(refunded), usd=dollars, source=source))
        return self

    def succeed(self, name: str, made: Result | None = None, **facts: Any) -> Told:
        self.tell(Succeeded(**self.about(name), result=made or result(self.state.steps[name], **facts)))
        return self

    def fail(self, name: str, error: str, hint: str = "", *, permanent: bool = True) -> Told:
        self.tell(Failed(**self.about(name), error=error, hint=hint, permanent=permanent))
        return self

    def cancel(self, name: str, why: str = "as you asked") -> Told:
        self.tell(Cancelled(**self.about(name), why=why))
        return self

    def refuse(self, name: str, error: str) -> Told:
        self.tell(Refused(**self.about(name), error=error))
        return self

    def doubt(self, name: str, error: str) -> Told:
        self.tell(Doubted(**self.about(name), error=error))
        return self

    def make(self, *names: str) -> Told:
        """Each of these, or every step that can be made, from its start to its end, paid ones at their price."""
        for name in names or list(self.state.steps):
            step = self.state.steps[name]
            if names or (self.state.phase[name].value == "ready" and not step.twin):
                self.start(name)
                if step.account:
                    self.submit(name).settle(name, str(step.price.high))
                self.succeed(name)
        return self

    def story(self, status: str = "complete", kept: Mapping[str, Kept] | None = None, run: str = RUN) -> Story:
        """The story as far as it was told."""
        ended = status != "running"
        if ended:
            self.tell(RunEnded(at=self.at(), status=status))
        return Story(
            run=Run(
                id=run,
                recipe=self.plan.recipe.name,
                recipe_path="/nowhere/recipe.yaml",
                output=str(FOLDER),
                date="2026-01-01",
                status=status,
                started_at="2026-01-01T12:00:00.000Z",
                finished_at=self.at() if ended else None,
                options={},
            ),
            plan=self.plan,
            phases=self.state.phase,
            whys=self.state.why,
            results=self.state.results,
            events=self.events,
            kept=kept if kept is not None else dict(Memory(self.events, run=run).all),
            folder=FOLDER,
        )


class Memory(Nothing):
    """A workspace that knows what the events of one run say."""

    def __init__(self, events: Iterable[Event], run: str = RUN) -> None:
        self.all: dict[str, Kept] = {}
        self._failed: dict[str, Standing] = {}
        self._open: dict[str, Pending] = {}
        self._lines: dict[str, Line] = {}
        charged: dict[str, Settled] = {}
        for event in events:
            match event:
                case Started() if event.account:
                    self._open[event.key] = _pending(event, run)
                case Submitted():
                    self._open[event.key] = dataclasses.replace(self._open[event.key], job_id=event.job_id)
                case Settled():
                    charged[event.key] = event
                case Refused():
                    self._open.pop(event.key, None)
                case Cancelled():
                    self._open.pop(event.key, None)
                case Failed():
                    self._open.pop(event.key, None)
                    if event.permanent:
                        self._failed[event.key] = Standing(
                            key=event.key, run=run, step=event.step, error=event.error, hint=event.hint, at=event.at
                        )
                case Succeeded() if event.attempt:
                    self._open.pop(event.key, None)
                    self.all[event.key] = _kept(event, charged.get(event.key), run)
                    self._lines[event.step] = Line(key=event.key, base=event.key, own=event.key)
                case _:
                    pass

    def kept(self, keys: Iterable[str]) -> Mapping[str, Kept]:
        return {key: self.all[key] for key in keys if key in self.all}

    def standing(self, keys: Iterable[str]) -> Mapping[str, Standing]:
        return {key: self._failed[key] for key in keys if key in self._failed}

    def pending(self, keys: Iterable[str]) -> Mapping[str, Pending]:
        return {key: self._open[key] for key in keys if key in self._open}

    def making(self, keys: Iterable[str]) -> Mapping[str, str]:
        return {}

    def lines(self) -> Mapping[str, Line]:
        return self._lines


def _pending(event: Started, run: str) -> Pending:
    return Pending(
        key=event.key,
        run=run,
        step=event.step,
        attempt=event.attempt,
        provider=event.provider,
        account=event.account,
        job_id=None,
        credits=event.credits,
        usd=event.usd,
        doubted=False,
        at=event.at,
    )


def _kept(event: Succeeded, settled: Settled | None, run: str) -> Kept:
    return Kept(
        key=event.key,
        result=event.result,
        run=run,
        step=event.step,
        provider="till" if settled else "animatic",
        account="till" if settled else "",
        charged=settled.charged if settled else ZERO,
        usd=settled.usd if settled else ZERO,
        source=settled.source if settled else "free",
        at=event.at,
    )


def by_name(shots: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The manifest's shots by `dawn`, `dawn@2`."""
    return {s["id"] if s["take"] == 1 else f"{s['id']}@{s['take']}": s for s in shots}


def lighthouse() -> Plan:
    """A recipe with something of everything: stills, a chain of three, takes, an upscale, paid shots and a film."""
    return plan(
        shot("sheet", kind="image", prompt="character sheet of an old lighthouse keeper, three views"),
        shot("opening", kind="image", references=(Source(name="sheet", media="image", shot="sheet"),)),
        shot("dawn", first_frame="opening", prompt="he climbs the spiral stairs, overcast light", provider="till"),
        shot("lamp", chain="dawn", prompt="he lights the great lamp", provider="till", upscale="2k"),
        shot("gallery", chain="lamp", prompt="he steps out on the gallery, wind", seed=7),
        shot("harbour", takes=2, first_frame=file("assets/harbour.png"), prompt="the harbour in a storm"),
        film=cut("dawn", "lamp", "gallery"),
        caps=Caps(credits={"till": Decimal(400)}, usd=Decimal(8)),
        title="The Lighthouse Keeper",
        name="lighthouse",
        vars={"keeper": "an old lighthouse keeper", "zoom": Decimal("1.5"), "days": [1, 2]},
    )
