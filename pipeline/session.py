"""One process's share of a run: consent, the lock, the engine, the files and the documents it leaves."""

from __future__ import annotations

import dataclasses
import functools
import secrets
import signal
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from pipeline import desk as desks
from pipeline import redoing
from pipeline.accounts import REHEARSAL
from pipeline.consent import asked
from pipeline.desk import Desk, House
from pipeline.documents import export, put, read_manifest, story_of, write_documents
from pipeline.engine.away import Means, unheard, untold
from pipeline.engine.claiming import Claims
from pipeline.engine.keep import Emit
from pipeline.engine.orders import Stopping
from pipeline.engine.run import Engine, Listener, outcome
from pipeline.engine.sending import Sending
from pipeline.engine.state import Phase, RunState
from pipeline.engine.worker import Worker
from pipeline.errors import UserError
from pipeline.events import Event, Result, RunEnded, RunStarted
from pipeline.garbage import collected
from pipeline.plan import noted
from pipeline.plan.model import Step
from pipeline.providers import remote
from pipeline.providers.hooks import Hooks
from pipeline.purse import look_afterwards
from pipeline.report import manifest
from pipeline.rounds import Onlooker, Rounds
from pipeline.store.journal import Journal
from pipeline.store.leases import Lease
from pipeline.store.ledger import Ledger, Run
from pipeline.store.publish import open_publish
from pipeline.store.workspace import Workspace
from pipeline.values import dataclass

Listen = Callable[[Desk], Listener]
"""Makes a listener for the events of a run of what lies on this desk."""

_Ear = tuple[Callable[[str], remote.Sleep], Callable[[str], str]]

_GLANCE_SECONDS = 0.25  # how soon it is seen that a beat has found the lease lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended. `exit_code` is PRODUCT's: 0 done, 1 some failed, 3 a budget left work, 4 a decision, 130."""

    status: str  # complete | partial | stopped | failed | interrupted
    exit_code: int
    began: bool  # False: there was nothing to do, and no run was begun
    manifest: Mapping[str, Any]
    output: Path
    put_back: int = 0  # files that were gone from the output, where no run was begun


def run_id_of(desk: Desk, house: House) -> str:
    """The id of the run that is continued, or a new one that sorts by its start."""
    if desk.continues:
        return desk.continues.id
    return f"{house.now().strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"


def _is_whole(desk: Desk) -> bool:
    """Whether the run is to make all of the recipe: it was begun so, or is now asked to."""
    narrowed = desk.wants.only or desk.wants.redo
    return not narrowed or bool(desk.continues and desk.continues.options.get("whole"))


def _ending(desk: Desk, state: RunState) -> str:
    """How the run stands when this process has done its share: `--only` does not complete a run of all."""
    status = outcome(state)
    return "partial" if status == "complete" and desk.plan.left and _is_whole(desk) else status


def carry_out(
    desk: Desk, house: House, shelf: Workspace, ledger: Ledger, lease: Lease, listen: Listen | None
) -> Outcome:
    """One process's share of a run, under its lease, from the first event to the documents.

    Raises `Held` where another process has taken the recipe over: what was begun is resumable, the rest is that one's.
    """
    latest = desk.latest
    state = _state(desk)
    if not desk.plan.doing() and latest and latest.status == _ending(desk, state) and noted.is_of(desk.plan, latest):
        return _leave(desk, shelf, ledger, latest, state)
    run = Run(
        id=run_id_of(desk, house),
        recipe=desk.recipe.name,
        recipe_path=str(desk.reading.path.absolute()),
        output=str(desk.output),
        date=desk.recipe.date,
        started_at=desk.continues.started_at if desk.continues else house.clock(),
        plan=noted.lines(desk.plan, desk.continues),
        options={**desk.wants.to_json(), "whole": _is_whole(desk), **redoing.noted(desk.plan, desk.wants, latest)},
    )
    _prepare(desk.output)
    lease.carries(run.id)
    if lost := noted.beyond(desk.unnoted, run):
        ledger.remember(run.recipe, run.output, lost)
    ledger.begin(run, redo=desk.plan.redo)
    work = _Work(desk, house, shelf, ledger, lease, run.id, state)
    with collected():
        anyio.run(work.go, listen(desk) if listen else None)
    lease.check()
    payers = {step.account for one in (desk, work.desk) for step in one.plan.doing() if step.account}
    desk, state = work.desk, work.state
    if not state.stopping:
        look_afterwards(house, ledger, payers)
    ended = ledger.run(run.id)
    assert ended is not None
    document = manifest.manifest(story_of(desk, ledger, ended, state))
    export(desk, state, shelf)
    write_documents(desk.output, document)
    if not state.stopping:
        redoing.end(ledger, ended, desk.plan, desk.wants, state.phase)
    return _outcome(desk, state, ended.status, document, began=True)


def _state(desk: Desk) -> RunState:
    """How a run of what lies on the desk stands before anything of it is begun."""
    return RunState(
        desk.plan,
        desk.book.under(desk.plan.limits),  # days, weeks and months are claimed, as they are then
        desk.tried,
        desk.failed,
        run=desk.continues.id if desk.continues else "",
        most_failures=desk.wants.max_failures,
    )


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
    put_back = export(desk, state, shelf)
    try:
        document = read_manifest(desk.output / "manifest.json")
    except UserError:
        document = {}
    # WHY: a process may die between the end of its run and its documents; then those of an earlier run lie there. And
    # another recipe may have made anew what was lost, so that a key has another result.
    told, there = document.get("run", {}), state.results.values()
    shown = {output["sha256"] for shot in document.get("shots", ()) for output in shot["outputs"].values()}
    is_its = (told.get("id"), told.get("finished_at")) == (latest.id, latest.finished_at)
    if not (is_its and shown <= {one.sha256 for result in there for one in result.outputs.values()}):
        document = manifest.manifest(story_of(desk, ledger, latest, state))
        write_documents(desk.output, document)
    redoing.end(ledger, latest, desk.plan, desk.wants, state.phase)
    ended = _outcome(desk, state, latest.status, document, began=False)
    return dataclasses.replace(ended, put_back=put_back)


class _Work:
    """One process's share of a run under way: the engine, its journal, and the ear for Ctrl-C."""

    def __init__(
        self,
        desk: Desk,
        house: House,
        shelf: Workspace,
        ledger: Ledger,
        lease: Lease,
        run: str,
        state: RunState,
    ) -> None:
        self.desk = desk
        self.house = house
        self.shelf = shelf
        self.ledger = ledger
        self.lease = lease
        self.run = run
        self.journal: Journal = ledger.journal(run)
        self.state = state
        self.rounds = Rounds(desk, house)
        self.sending = Sending()

    async def go(self, listener: Listener | None) -> None:
        """Runs until nothing more can be begun, or until a signal asks to stop; either way the end is written down."""
        from pipeline import __version__

        async with self.journal, self._ear() as ear, self._means(ear) as means:
            self._tell(RunStarted(at=self.house.clock(), version=__version__), listener)
            async with anyio.create_task_group() as watch:
                with anyio.CancelScope() as scope:
                    if threading.current_thread() is threading.main_thread():
                        watch.start_soon(self._await_signal, scope, listener)
                    watch.start_soon(self._await_loss, scope)
                    await self._round(means, listener)
                    while await self._goes_on(listener):
                        async with self._means(ear) as further:
                            await self._round(further, listener)
                watch.cancel_scope.cancel()
            if self.lease.stands():
                self._note()
                status = "interrupted" if self.state.stopping else _ending(self.desk, self.state)
                self._tell(RunEnded(at=self.house.clock(), status=status), listener)
            elif listener:  # the run goes on elsewhere, so that its end is not written down
                listener(RunEnded(at=self.house.clock(), status="interrupted"))

    async def _round(self, means: Means, listener: Listener | None) -> None:
        """Carries the plan on the desk out, as far as it goes."""
        self.worker = Worker(self.shelf.artifacts, clock=self.house.clock, means=means, threads=self.house.processors)
        engine = Engine(
            self.state,
            self.journal,
            self._carry,
            clock=self.house.clock,
            claims=self._claims(),
            listeners=(self.rounds, listener) if listener else (self.rounds,),
        )
        async with anyio.create_task_group() as self.exports:
            await engine.go()

    async def _goes_on(self, listener: Listener | None) -> bool:
        """Whether there is another round: then its plan is on the desk, and in the ledger."""
        if self.state.stopping or not self.lease.stands():
            return False
        untold = self.rounds.untold(self.state, self.house.clock())
        await self.journal.commit_together([("", event) for event in untold])  # and all that was told before
        desk = self.rounds.next(self.desk, self.state)
        if desk is None:
            return False
        self.ledger.update_plan(self.run, noted.lines(desk.plan, desk.continues))
        before, self.desk, self.state = self.state, desk, _state(desk)
        self.rounds.resumed(self.state, before)
        self.state.losses = before.losses
        onlooker: object = listener
        if isinstance(onlooker, Onlooker):
            onlooker.goes_on(desk)
        return True

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
            lease=self.lease.token,
        )

    @asynccontextmanager
    async def _means(self, ear: _Ear) -> AsyncIterator[Means]:
        """Wires to every account that is asked, and whatever else work done elsewhere needs."""
        config = self.house.config
        publish = (
            open_publish(config.publish.store, config.publish.base_url, self.house.environ)
            if self.desk.plan.uploads and config.publish
            else None
        )
        async with self.house.wired(asked(self.desk.plan)) as wires:
            yield Means(
                wires=wires,
                sleep=ear[0],
                callback=ear[1],
                publish=publish,
                run=self.run,
                sending=self.sending,
                stands=self.lease.stands,
                clip_seconds=config.video_seconds,
                upscale_seconds=config.upscale_seconds,
                steps=self.desk.plan.uploads,
            )

    @asynccontextmanager
    async def _ear(self) -> AsyncIterator[_Ear]:
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
        done = [s for s in noted.lasting(self.desk.plan) if self.state.phase[s.id] is Phase.DONE and not s.stale]
        lines = {s.id: noted.made_with(s) for s in done}
        self.ledger.remember(self.desk.recipe.name, str(self.desk.output), lines)

    def _tell(self, event: Event, listener: Listener | None) -> None:
        self.journal.post(event)
        if listener:
            listener(event)

    async def _await_signal(self, scope: anyio.CancelScope, listener: Listener | None) -> None:
        """The first signal stops the run once every request that is being sent has its answer, the next one at once."""
        with _heard() as heard, anyio.open_signal_receiver(*heard) as signals:
            async for word in signals:
                if scope.cancel_called:
                    if word != signal.SIGHUP:  # WHY: a terminal that closes says it twice, and nobody insists
                        self.sending.give_up()
                    continue
                self.state.stopping = True
                scope.cancel()
                if self.sending and listener:
                    listener(Stopping(at=self.house.clock(), requests=len(self.sending)))

    async def _await_loss(self, scope: anyio.CancelScope) -> None:
        while not self.lease.lost:
            await anyio.sleep(_GLANCE_SECONDS)
        self.state.stopping = True
        scope.cancel()

    async def _carry(self, step: Step, attempt: int, results: Mapping[str, Result], emit: Emit) -> None:
        """As the worker does; what it made is put before the user at once."""
        await self.worker.carry(step, attempt, results, emit)
        result = self.state.results.get(step.id)
        if result:
            self.exports.start_soon(
                anyio.to_thread.run_sync, put, self.desk.plan, step, result, self.shelf, self.desk.output
            )


@contextmanager
def _heard() -> Iterator[list[signal.Signals]]:
    """The signals that stop a run, which mean what they meant before once the block has ended; nohup is heeded."""
    found = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        found.append(signal.SIGHUP)
    before = [(word, signal.getsignal(word)) for word in found]
    try:
        yield found
    finally:
        for word, handler in before:
            signal.signal(word, handler)


def _outcome(desk: Desk, state: RunState, status: str, document: Mapping[str, Any], *, began: bool) -> Outcome:
    phases = set(state.phase.values())
    if status == "interrupted" and began:
        code = 130
    elif Phase.UNKNOWN in phases:
        code = 4
    elif state.left_by_budget:
        code = 3
    else:
        code = 1 if phases & {Phase.FAILED, Phase.AWAY, Phase.CANCELLED} else 0
    return Outcome(status=status, exit_code=code, began=began, manifest=document, output=desk.output)
