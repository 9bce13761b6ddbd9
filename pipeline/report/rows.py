"""A story becomes rows: one a take, in the recipe's order, and one for the film. What documents share is decided here.

Nothing in a row depends on how many processes the run took, except its attempts and times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pipeline.engine.state import Phase
from pipeline.events import Result, Skipped, Succeeded
from pipeline.money import ZERO, text
from pipeline.plan.model import Action, Block, Step, Take, take_id
from pipeline.providers.base import LocalPage, RemotePage
from pipeline.providers.catalog import LOCAL
from pipeline.report import remedies
from pipeline.report.attempts import Attempt, AttemptStatus, attempts, in_flight
from pipeline.report.costs import Cost, cost
from pipeline.report.first_frame import first_frame
from pipeline.report.outputs import Output as Output
from pipeline.report.outputs import output_of
from pipeline.report.remedies import NO_END, Remedy
from pipeline.report.sizes import replaced, warnings_of
from pipeline.report.story import Story, is_picked, output_path
from pipeline.steps.generate import Generate
from pipeline.values import dataclass


class Status(StrEnum):
    """How a take, or the film, stands."""

    DONE = "done"  # made in this run
    REUSED = "reused"
    PENDING = "pending"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


THERE = frozenset({Status.DONE, Status.REUSED})
_WRONG = frozenset({Status.FAILED, Status.SKIPPED})
_WORST_FIRST = (Status.FAILED, Status.UNKNOWN, Status.CANCELLED, Status.SKIPPED, Status.PENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One take of a shot. `first_frame` says where the picture it begins with comes from."""

    shot: str
    take: int
    kind: str
    status: Status
    stale: bool
    provider: str
    model: str
    account: str
    prompt: str
    seed: int | None
    key: str | None
    why: str
    reproducible: str
    first_frame: Mapping[str, Any] | None
    outputs: Mapping[str, Output]
    cost: Cost
    attempts: Sequence[Attempt]
    error: str | None
    hint: str | None
    cause: str
    remedy: Remedy | None
    fallback: int = 0  # the rung of its shot's ladder
    picked: bool | None = None  # None: nobody picks from this stage


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmRow:
    """The film; `joined` and `why` say how its clips were put together."""

    shots: tuple[str, ...]
    status: Status
    stale: bool
    key: str | None
    output: Output | None
    joined: str | None
    why: str | None
    error: str | None
    hint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A whole run: its takes, its film if there is to be one, everything that was tried, and what to look at twice."""

    takes: tuple[Row, ...]
    film: FilmRow | None
    tried: tuple[Attempt, ...]
    estimated: Mapping[str, Decimal]
    warnings: tuple[str, ...]


def rows(story: Story) -> Rows:
    """The rows of a story."""
    reader = _Reader(story)
    takes = tuple(reader.row(take) for take in story.plan.takes)
    warnings = [" ".join((fault.fact, fault.hint)).strip() for fault in story.plan.warnings]
    for take, row in zip(story.plan.takes, takes, strict=True):
        warnings.extend(warnings_of(take, row.outputs))
    warnings.extend(replaced(step, reader.result(step)) for step in story.plan.steps)
    warnings.extend(_overrun(a) for tried in reader.attempts.values() for a in tried if a.charged and a.reserved)
    return Rows(
        takes=takes,
        film=reader.film(),
        tried=tuple(attempt for tried in reader.attempts.values() for attempt in tried),
        estimated=reader.estimated(),
        warnings=tuple(dict.fromkeys(filter(None, warnings))),
    )


def _overrun(attempt: Attempt) -> str:
    """A sentence about a charge that is more than was reserved, else nothing."""
    if attempt.charged is None or attempt.charged <= attempt.reserved:
        return ""
    took, kept = text(attempt.charged), text(attempt.reserved)
    return f"{attempt.step}: {attempt.account} charged {took} credits, and {kept} were reserved."


class _Reader:
    """A story with its steps and events at hand."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.steps = {step.id: step for step in story.plan.steps}
        self.attempts = attempts(story.events, story.plan)
        self.made = {event.key for event in story.events if isinstance(event, Succeeded) and event.attempt}
        self.made |= {key for key, kept in story.kept.items() if kept.run == story.run.id}
        asked = {step.key for step in story.plan.steps}
        skipped = (event for event in story.events if isinstance(event, Skipped))
        self.skipped = {event.step: event for event in skipped if event.key in asked}  # as it is asked for now
        self._pages: dict[str, bool] = {}
        self._held_up: set[str] | None = None
        self.first: dict[str, str] = {}  # by key, the step that the others share the result of
        for step in story.plan.steps:
            self.first.setdefault(step.key, step.id)

    # how a step stands

    def status(self, step: Step) -> Status:
        """How a step stands, told by what happened to it rather than by what the latest plan makes of that."""
        phase = self.story.phases.get(step.id)
        if phase is Phase.DONE:
            return Status.DONE if step.key in self.made else Status.REUSED
        if phase is None or self._blocker(step):
            return Status.PENDING if phase is None or step.block is Block.UNKNOWN else Status.SKIPPED
        told = {Phase[name]: Status[name] for name in ("FAILED", "SKIPPED", "UNKNOWN", "CANCELLED")}
        last = self._last(step)
        if phase not in told and last and last.status is AttemptStatus.CANCELLED:
            return Status.CANCELLED
        return told.get(phase, Status.PENDING)

    def _last(self, step: Step) -> Attempt | None:
        """The last attempt at a step as it is asked for now."""
        return next((a for a in reversed(self.attempts.get(step.id, ())) if a.key == step.key), None)

    def _blocker(self, step: Step) -> Step | None:
        """What a blocked step waits for, where it is blocked only because of that."""
        if step.action is not Action.BLOCKED:
            return None
        before = (self.steps[name] for name in step.needs if name in self.steps)
        return next((other for other in before if other.action is Action.BLOCKED), None)

    def _is_held_up(self, step: Step) -> bool:
        """Whether something that a step needs, near or far, has no end that is known."""
        if self._held_up is None:
            self._held_up = set()
            for one in self.steps.values():  # each comes after what it needs
                if self.story.phases.get(one.id) in NO_END or not self._held_up.isdisjoint(one.needs):
                    self._held_up.add(one.id)
        return not self._held_up.isdisjoint(step.needs)

    def trouble(self, step: Step, status: Status) -> tuple[str | None, str | None]:
        """What went wrong with a step that is not there, and the way out; (None, None) where nothing did."""
        if status in THERE:
            return None, None
        last = self._last(step)
        if status is Status.SKIPPED:
            return self._skipped(step), None
        if status is Status.PENDING and self.story.phases.get(step.id) is Phase.AWAY:
            return last.error if last else self.story.whys.get(step.id), _AGAIN
        if status is Status.PENDING:
            blocker = self._blocker(step)
            if blocker:
                return f"waits for {blocker.id}, whose outcome is not known", None
            fact = in_flight(last) if last else None
            return fact, _AGAIN if fact and self.story.run.status != "running" else None
        if last and last.error:
            hint = last.hint or _WAYS_OUT.get(status, "")
            return last.error, hint or None
        fact = self.story.whys.get(step.id) or step.why
        return fact or None, _WAYS_OUT.get(status, _REDO)

    def _skipped(self, step: Step) -> str:
        """Why a step was not begun: what went wrong first, in the same words whatever process found out."""
        first = self._first_wrong(step)
        told = self.skipped.get(step.id)
        if first is not step and not (told and told.reason == "failures"):
            failed = self.status(first) is Status.FAILED
            why = f": {self.story.whys[first.id]}" if first.kind == "upload" and first.id in self.story.whys else ""
            return f"needs {first.id}, which {'failed' if failed else 'was not made'}{why}"
        return told.why if told else self.story.whys.get(step.id) or step.why

    def _first_wrong(self, step: Step) -> Step:
        while True:
            before = (self.steps[name] for name in step.needs if name in self.steps)
            wrong = next((other for other in before if self.status(other) in _WRONG), None)
            if wrong is None:
                return step
            step = wrong

    def why(self, step: Step) -> str:
        """Why the run made it, or did not."""
        if self.shares(step):
            return f"asks for the same as {self.first[step.key]}"
        return step.why

    def shares(self, step: Step) -> bool:
        """Whether it has its result from an earlier step of this run that asks for the same."""
        return self.first[step.key] != step.id and (step.key in self.made or step.action is not Action.REUSE)

    def result(self, step: Step) -> Result | None:
        """What a step left behind, where it did."""
        if self.story.phases.get(step.id) is not Phase.DONE:
            return None
        return self.story.results.get(step.id) or step.result

    # rows

    def row(self, take: Take) -> Row:
        """The row of a take."""
        shot = take.shot
        step = self.steps.get(take.generate)
        after = [self.steps[name] for name in (*take.frames, take.upscale) if name in self.steps]
        status, error, hint = self._standing(step, after)
        cause, remedy = self._remedy(step, after, status)
        mine = [step, *after] if step else after
        page = step.work.page if step and isinstance(step.work, Generate) else LOCAL.get(shot.provider)
        seed = step.seed if step else None if shot.seed is None else shot.seed + take.take - 1
        return Row(
            shot=shot.id,
            take=take.take,
            kind=shot.kind,
            status=status,
            stale=any(s.stale for s in mine),
            provider=(step.provider if step else "") or shot.provider,
            model=(step.model if step else "") or shot.model,
            account="" if step is None or self.shares(step) else step.account,
            prompt=shot.prompt,
            seed=seed,
            key=step.key if step else None,
            why=self.why(step) if step else take.why,
            reproducible="exact" if self._local(page) else "no" if seed is None else "seeded",
            first_frame=first_frame(take, step, self.steps, self.result),
            outputs=self._outputs(mine),
            cost=self._cost(step, mine),
            attempts=[a for s in mine for a in self.attempts.get(s.id, ())],
            error=error,
            hint=hint,
            cause=cause,
            remedy=remedy,
            fallback=step.rung if step else 0,
            picked=is_picked(take, self.story),
        )

    def _remedy(self, step: Step | None, after: Sequence[Step], status: Status) -> tuple[str, Remedy | None]:
        """The class of what went wrong with a take that is not whole, and what brings it about."""
        wrong = next((one for one in (step, *after) if one and self.status(one) is status), None)
        if wrong is None or status in THERE:
            return "", None
        first = self._first_wrong(wrong) if status is Status.SKIPPED else wrong
        last = self._last(first)
        cause = (last.cause if last else "") or first.cause if first.kind == "upload" or first is wrong else ""
        if status is Status.FAILED:
            return cause, remedies.of_failed(wrong, last)
        if status is Status.SKIPPED:
            return cause, remedies.of_skipped(wrong, first, last, self.skipped.get(wrong.id))
        if status is Status.PENDING:
            over = self.story.run.status != "running"
            return "", remedies.of_pending(self.story.phases.get(wrong.id), self._is_held_up(wrong), over=over)
        return "", Remedy.RECOVER if status is Status.UNKNOWN else Remedy.AGAIN

    def _local(self, page: LocalPage | RemotePage | None) -> bool:
        """Whether a page draws here; asked once a provider, since a protocol is slow to check."""
        if page is None:
            return False
        if page.NAME not in self._pages:
            self._pages[page.NAME] = isinstance(page, LocalPage)
        return self._pages[page.NAME]

    def _standing(self, step: Step | None, after: Sequence[Step]) -> tuple[Status, str | None, str | None]:
        """A take stands as its clip does, and where that is there, as the worst of what is made from it."""
        if step is None:
            return Status.PENDING, None, None
        status = self.status(step)
        if status not in THERE:
            return status, *self.trouble(step, status)
        found = {other.id: self.status(other) for other in after}
        for worst in _WORST_FIRST:
            for other in after:
                if found[other.id] is worst:
                    error, hint = self.trouble(other, worst)
                    return worst, f"{other.id}: {error}" if error else None, hint
        anew = any(found[other.id] is Status.DONE for other in after if other.kind == "upscale")
        return Status.DONE if anew else status, None, None

    def _outputs(self, mine: Iterable[Step]) -> dict[str, Output]:
        found: dict[str, Output] = {}
        for step in mine:
            result = self.result(step)
            for name, artifact in result.outputs.items() if result else ():
                label = step.id.rpartition("/")[2] if name == "last_frame" else name
                label = "service_last_frame" if label == "generate" else label
                path = output_path(self.story.plan, step, name, artifact.suffix)
                found[label] = output_of(path, artifact)
        return found

    def _cost(self, step: Step | None, mine: Sequence[Step]) -> Cost:
        tried = [a for s in mine for a in self.attempts.get(s.id, ()) if a.account]
        reused = [s for s in mine if self.status(s) is Status.REUSED and s.account]
        return cost(
            own=step.account if step else "",
            asked=[s for s in mine if not self.shares(s)],
            tried=tried,
            kept=[self.story.kept[s.key] for s in reused if s.key in self.story.kept],
            shared=bool(step and self.shares(step)),
            free=bool(step and not step.account),
        )

    def estimated(self) -> dict[str, Decimal]:
        """By account, what every attempt was estimated at, and the upper price of what may yet be begun."""
        told = [(a.account, a.reserved) for tried in self.attempts.values() for a in tried if a.account]
        told += [(s.account, s.price.high) for s in self.steps.values() if s.account and self._is_ahead(s)]
        sums: dict[str, Decimal] = {}
        for account, most in told:
            sums[account] = sums.get(account, ZERO) + most
        return sums

    def _is_ahead(self, step: Step) -> bool:
        """Whether an attempt at a step is still to be begun."""
        last = self._last(step)
        out = last is not None and last.status is AttemptStatus.RUNNING
        return step.action is Action.RUN and self.status(step) is Status.PENDING and not (out or self.shares(step))

    def film(self) -> FilmRow | None:
        """The row of the film."""
        cut = self.story.plan.recipe.film
        if cut is None:
            return None
        step = self.steps.get(self.story.plan.film)
        status = self.status(step) if step else Status.PENDING
        result = self.result(step) if step else None
        error, hint = self.trouble(step, status) if step else (None, None)
        artifact = result.outputs.get("film") if result else None
        facts = result.facts if result else {}
        path = output_path(self.story.plan, step, "film", artifact.suffix) if step and artifact else ""
        return FilmRow(
            shots=cut.shots,
            status=status,
            stale=bool(step and step.stale),
            key=step.key if step else None,
            output=output_of(path, artifact) if artifact else None,
            joined=facts.get("joined"),
            why=self._named(step, facts.get("why")) if step else None,
            error=error,
            hint=hint,
        )

    def _named(self, film: Step, text: str | None) -> str | None:
        """What is said about clips, with the takes' names in the place of the store's, which are digests."""
        for feed in film.work.feeds if text else ():
            source = self.steps.get(feed.step)
            result = self.result(source) if source else None
            artifact = result.outputs.get(feed.output) if result else None
            if source and artifact and text:
                name = artifact.sha256.partition(":")[2] + artifact.suffix
                text = text.replace(name, take_id(source.shot, source.take))
        return text


_RECOVER = "`rushes recover` asks the service whether it has it."
_AGAIN = "Run the same command again: it goes on with the job, and pays nothing more."
_REDO = "Change the shot, or name it in --redo."
_WAYS_OUT = {
    Status.UNKNOWN: _RECOVER,
    Status.CANCELLED: "Run it again to have it made after all: it is submitted anew, at its price.",
}
