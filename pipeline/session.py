"""One process's share of a run: consent, the lock, the engine, the files and the documents it leaves."""

from __future__ import annotations

import dataclasses
import functools
import secrets
import signal
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from pipeline import desk as desks
from pipeline.accounts import REHEARSAL
from pipeline.consent import asked
from pipeline.desk import Desk, House, Planned
from pipeline.digest import dumps, loads
from pipeline.engine.away import Means, unheard, untold
from pipeline.engine.claiming import Claims
from pipeline.engine.keep import Emit
from pipeline.engine.run import Engine, Listener, outcome
from pipeline.engine.state import Phase, RunState
from pipeline.engine.worker import Worker
from pipeline.errors import UserError
from pipeline.events import Event, Result, RunEnded, RunStarted
from pipeline.plan.model import Plan, Step
from pipeline.providers import remote
from pipeline.providers.hooks import Hooks
from pipeline.recipe.gate import compiled
from pipeline.report import html, manifest
from pipeline.report.story import Story, output_path
from pipeline.steps.upload import Upload
from pipeline.store.copying import write_text
from pipeline.store.journal import Journal
from pipeline.store.ledger import Ledger, Line, Run
from pipeline.store.publish import open_publish
from pipeline.store.workspace import Workspace

Listen = Callable[[Desk], Listener]
"""Makes a listener for the events of a run of what lies on this desk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended. `exit_code` is PRODUCT's: 0 done, 1 some failed, 3 a budget left work, 4 a decision, 130."""

    status: str  # complete | partial | stopped | failed | interrupted
    exit_code: int
    began: bool  # False: there was nothing to do, and no run was begun
    manifest: Mapping[str, Any]
    output: Path


def run_id_of(desk: Desk, house: House) -> str:
    """The id of the run that is continued, or a new one that sorts by its start."""
    if desk.continues:
        return desk.continues.id
    return f"{house.now().strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"


def _planned(desk: Desk) -> list[Planned]:
    """What the ledger keeps of a plan; a step that goes on keeps the why it began with."""
    lines = map(Planned._make, desk.continues.plan) if desk.continues else ()
    before = {(line.id, line.key): line.why for line in lines}
    return [Planned(s.id, s.key, s.stale, before.get((s.id, s.key), s.why), s.base, s.own) for s in _lasting(desk.plan)]


def _lasting(plan: Plan) -> list[Step]:
    """The steps whose results are the recipe's: what was uploaded is needed only until a service has it."""
    return [step for step in plan.steps if not isinstance(step.work, Upload)]


def _same(desk: Desk, run: Run) -> bool:
    """Whether a run was of just these results."""
    return [line[:3] for line in run.plan] == [[step.id, step.key, step.stale] for step in _lasting(desk.plan)]


def _is_whole(desk: Desk) -> bool:
    """Whether the run is to make all of the recipe: it was begun so, or is now asked to."""
    narrowed = desk.wants.only or desk.wants.redo
    return not narrowed or bool(desk.continues and desk.continues.options.get("whole"))


def _ending(desk: Desk, state: RunState) -> str:
    """How the run stands when this process has done its share: `--only` does not complete a run of all."""
    status = outcome(state)
    return "partial" if status == "complete" and desk.plan.left and _is_whole(desk) else status


def carry_out(desk: Desk, house: House, shelf: Workspace, ledger: Ledger, listen: Listen | None) -> Outcome:
    """One process's share of a run, under its lock, from the first event to the documents."""
    latest = desk.latest
    state = RunState(
        desk.plan,
        desks.book_of(desk.history, desk.plan.limits),  # days, weeks and months are claimed, as they are then
        desks.attempts_of(desk.history),
        desks.failures_of(desk.history),
    )
    if not desk.plan.doing() and latest and latest.status == _ending(desk, state) and _same(desk, latest):
        return _leave(desk, shelf, ledger, latest, state)
    run = Run(
        id=run_id_of(desk, house),
        recipe=desk.recipe.name,
        recipe_path=str(desk.reading.path.absolute()),
        output=str(desk.output),
        date=desk.recipe.date,
        started_at=desk.continues.started_at if desk.continues else house.clock(),
        plan=_planned(desk),
        options={**desk.wants.to_json(), "whole": _is_whole(desk)},
    )
    _prepare(desk.output)
    if desk.unnoted:
        ledger.remember(run.recipe, run.output, desk.unnoted)
    ledger.begin(run, redo=desk.plan.redo)
    work = _Work(desk, house, shelf, ledger, run.id, state)
    anyio.run(work.go, listen(desk) if listen else None)
    ended = ledger.run(run.id)
    assert ended is not None
    document = manifest.manifest(story_of(desk, ledger, ended, state))
    _export(desk, state, shelf)
    write_documents(desk.output, document)
    return _outcome(desk, state, ended.status, document, began=True)


def _prepare(output: Path) -> None:
    """Makes the output folder, and a file in it. Raises `UserError` where that cannot be: before anything is made."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output):
            pass
    except OSError as error:
        raise UserError(
            f"the results cannot be written to {output}: {error.strerror}.", "See to it, or name another --output."
        ) from None


def _leave(desk: Desk, shelf: Workspace, ledger: Ledger, latest: Run, state: RunState) -> Outcome:
    """Nothing to do: files that are gone from the output are put back, and this run's manifest stays as it is."""
    _export(desk, state, shelf)
    try:
        document = read_manifest(desk.output / "manifest.json")
    except UserError:
        document = {}
    # WHY: a process may die between the end of its run and its documents; then those of an earlier run lie there.
    told = document.get("run", {})
    if (told.get("id"), told.get("finished_at")) != (latest.id, latest.finished_at):
        document = manifest.manifest(story_of(desk, ledger, latest, state))
        write_documents(desk.output, document)
    return _outcome(desk, state, latest.status, document, began=False)


class _Work:
    """One process's share of a run under way: the engine, its journal, and the ear for Ctrl-C."""

    def __init__(self, desk: Desk, house: House, shelf: Workspace, ledger: Ledger, run: str, state: RunState) -> None:
        self.desk = desk
        self.house = house
        self.shelf = shelf
        self.ledger = ledger
        self.run = run
        self.journal: Journal = ledger.journal(run)
        self.state = state

    async def go(self, listener: Listener | None) -> None:
        """Runs until nothing more can be begun, or until a signal asks to stop; either way the end is written down."""
        from pipeline import __version__

        engine = Engine(
            self.state,
            self.journal,
            self._carry,
            clock=self.house.clock,
            claims=self._claims(),
            listeners=(listener,) if listener else (),
        )
        async with self.journal, self._means() as means:
            self.worker = Worker(
                self.shelf.artifacts, clock=self.house.clock, means=means, threads=self.house.processors
            )
            self._tell(RunStarted(at=self.house.clock(), version=__version__), listener)
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as watch:
                    if threading.current_thread() is threading.main_thread():
                        watch.start_soon(self._await_signal, scope)
                    async with anyio.create_task_group() as self.exports:
                        await engine.go()
                    watch.cancel_scope.cancel()
            self._note()
            status = "interrupted" if self.state.stopping else _ending(self.desk, self.state)
            self._tell(RunEnded(at=self.house.clock(), status=status), listener)

    def _claims(self) -> Claims:
        """How this process claims what it is to pay for, beside every other on this ledger."""
        config, plan = self.house.config, self.desk.plan
        rehearsed = any(account.endswith(REHEARSAL) for account in plan.accounts)
        return Claims(
            journal=self.journal,
            limits=plan.limits,
            lanes=plan.lanes,
            zone=config.time_zone,
            known=self.desk.seen,
            job_seconds=config.video_seconds,
            rest_seconds=min(self.house.rest_seconds, 0.2) if rehearsed else self.house.rest_seconds,
            at_work=desks.at_work(self.desk.reading, self.ledger),
        )

    @asynccontextmanager
    async def _means(self) -> AsyncIterator[Means]:
        """Wires to every account that is asked, and whatever else work done elsewhere needs."""
        config = self.house.config
        publish = (
            open_publish(config.publish.store, config.publish.base_url, self.house.environ)
            if self.desk.plan.uploads and config.publish
            else None
        )
        async with self.house.wired(asked(self.desk.plan)) as wires, self._ear() as (sleep, callback):
            yield Means(
                wires=wires,
                sleep=sleep,
                callback=callback,
                publish=publish,
                run=self.run,
                clip_seconds=config.video_seconds,
                upscale_seconds=config.upscale_seconds,
                steps=self.desk.plan.uploads,
            )

    @asynccontextmanager
    async def _ear(self) -> AsyncIterator[tuple[Callable[[str], remote.Sleep], Callable[[str], str]]]:
        """How a job is waited for, and where its service may say that it has ended."""
        wants = self.desk.wants
        if not wants.webhook:
            yield unheard, untold
            return
        from pipeline.serve.bell import Bell
        from pipeline.serve.receiver import Receiver

        bell = Bell()
        hooks = {
            account.identity: (account.page, self.house.environ.get(account.page.SECRET_ENV, ""))
            for account in self.house.accounts().values()
            if isinstance(account.page, Hooks)
        }
        async with Receiver(wants.listen, wants.webhook, hooks, bell) as receiver:
            yield lambda job_id: functools.partial(bell.sleep, job_id), receiver.callback

    def _note(self) -> None:
        """What each step was made or reused with, durable before the run has ended: a later plan compares with it."""
        done = [s for s in _lasting(self.desk.plan) if self.state.phase[s.id] is Phase.DONE and not s.stale]
        lines = {s.id: Line(key=s.key, base=s.base, own=s.own) for s in done}
        self.ledger.remember(self.desk.recipe.name, str(self.desk.output), lines)

    def _tell(self, event: Event, listener: Listener | None) -> None:
        self.journal.post(event)
        if listener:
            listener(event)

    async def _await_signal(self, scope: anyio.CancelScope) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                self.state.stopping = True
                scope.cancel()
                return

    async def _carry(self, step: Step, attempt: int, results: Mapping[str, Result], emit: Emit) -> None:
        """As the worker does; what it made is put before the user at once."""
        await self.worker.carry(step, attempt, results, emit)
        result = self.state.results.get(step.id)
        if result:
            self.exports.start_soon(
                anyio.to_thread.run_sync, _put, self.desk.plan, step, result, self.shelf, self.desk.output
            )


def _put(plan: Plan, step: Step, result: Result, shelf: Workspace, output: Path) -> None:
    for name, artifact in result.outputs.items():
        shelf.artifacts.export(artifact, output / output_path(plan, step, name, artifact.suffix))


def _export(desk: Desk, state: RunState, shelf: Workspace) -> None:
    """Puts every finished file in its place; does nothing for those that are there."""
    for step in desk.plan.steps:
        if step.id in state.results:
            _put(desk.plan, step, state.results[step.id], shelf, desk.output)


def story_of(desk: Desk, ledger: Ledger, run: Run, state: RunState) -> Story:
    """What the documents tell of a run: its plan with the reasons it began with, and all that happened."""
    why = {line.id: line.why for line in map(Planned._make, run.plan)}
    steps = tuple(dataclasses.replace(step, why=why.get(step.id, step.why)) for step in desk.plan.steps)
    return Story(
        run=run,
        plan=dataclasses.replace(desk.plan, steps=steps),
        phases=state.phase,
        whys=state.why,
        results=state.results,
        events=ledger.events(run.id),
        kept=ledger.kept(step.key for step in steps),
        folder=desk.output,
    )


def write_documents(folder: Path, document: Mapping[str, Any]) -> None:
    """The page and the manifest beside the results, each replaced in one move; the manifest comes last."""
    write_text(folder / "report.html", html.page(document))
    write_text(folder / "manifest.json", dumps(document, indent=2) + "\n")


def _outcome(desk: Desk, state: RunState, status: str, document: Mapping[str, Any], *, began: bool) -> Outcome:
    phases = set(state.phase.values())
    if status == "interrupted" and began:
        code = 130
    elif Phase.UNKNOWN in phases:
        code = 4
    elif state.left_by_budget:
        code = 3
    else:
        code = 1 if phases & {Phase.FAILED, Phase.AWAY} else 0
    return Outcome(status=status, exit_code=code, began=began, manifest=document, output=desk.output)


def read_manifest(path: Path) -> dict[str, Any]:
    """A manifest's JSON. Raises `UserError` for what is none."""
    try:
        document = loads(path.read_bytes())
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}.", "Name a manifest.json that a run has left."
        ) from None
    except ValueError:
        document = None
    if not isinstance(document, dict) or not compiled(manifest.schema(), {})(document):
        raise UserError(
            f"{path} is no manifest of this version.", "Name a manifest.json that a run has left, or run again."
        )
    return document
