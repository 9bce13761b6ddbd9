"""`rushes cancel`: which run is meant, whether it may be touched, whether the user agrees, and its documents after it.

No process may be carrying the run out meanwhile: only what nobody waits for is cancelled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import cast

import anyio

from pipeline import desk as desks
from pipeline.desk import House
from pipeline.errors import DecisionNeeded, Held, UserError
from pipeline.events import RunEnded
from pipeline.plan.noted import planned
from pipeline.providers.base import Cancels
from pipeline.recover import is_same
from pipeline.retelling import write_anew
from pipeline.settle import id_of, page_of
from pipeline.stopping import VERDICT_SECONDS, End, Job, Stopping, left_alone
from pipeline.store import leases, workspace
from pipeline.store.leases import Lease
from pipeline.store.ledger import Ledger, Run, Unsettled
from pipeline.store.workspace import Workspace
from pipeline.values import dataclass

Consent = Callable[[Sequence[Unsettled], Mapping[str, str]], bool]
"""Asked before anything is sent: the jobs, and by provider what its document says of the money of a cancelled one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelling:
    """What became of a run's jobs; `stale` says why its documents could not be written anew, else it is empty.

    `others` are the other runs of the workspace of which services have jobs, with how many.
    """

    run: Run
    jobs: tuple[Job, ...]
    stale: str
    others: Mapping[str, int]

    @property
    def exit_code(self) -> int:
        """4 where nobody knows what a service has, 1 where a job goes on or could not be asked for, else 0."""
        ends = {job.end for job in self.jobs}
        return 4 if End.UNKNOWN in ends else 1 if ends & {End.GOES_ON, End.LEFT} else 0


def cancel(
    folder: Path,
    house: House,
    *,
    recipe: Path | None = None,
    run: str = "",
    only: Sequence[str] = (),
    yes: bool = False,
    consent: Consent | None = None,
    verdict_seconds: float = VERDICT_SECONDS,
) -> Cancelling:
    """Cancels the jobs of a run in the workspace at `folder`: of that id, else a recipe's latest, else the newest.

    `only` are patterns of shots or takes; `verdict_seconds` is how long a job may take to stop once it was told to.
    Raises `UserError`, `Held` where a process carries the run out, `DecisionNeeded` without consent, `StoreError`.
    """
    shelf = workspace.open_workspace(folder, create=False)
    with Ledger(shelf.ledger, read_only=True) as ledger:
        meant = _find(ledger, folder, recipe, run)
    with _held(shelf, meant) as lease, Ledger(shelf.ledger) as ledger:
        # WHY: until the lock was taken, whoever had it may have heard how a job ended.
        everything = [one for one in ledger.unsettled() if one.account]
        scope = _narrowed([one for one in everything if one.run == meant.id], ledger.run(meant.id) or meant, only)
        jobs = {id_of(one): job for one in scope if (job := left_alone(one, house))}
        mine = [one for one in scope if id_of(one) not in jobs]
        if mine:
            _agree(mine, house, yes, consent)
            _let_go(ledger.run(meant.id) or meant, ledger, house)
            work = Stopping(house, ledger, verdict_seconds, lease.check)
            anyio.run(work.go, mine)
            jobs |= work.jobs
        meant = ledger.run(meant.id) or meant
        stale = write_anew(meant, folder, house, ledger)
    others = Counter(one.run for one in everything if one.run != meant.id and one.job_id and not one.settled)
    return Cancelling(run=meant, jobs=tuple(jobs[id_of(one)] for one in scope), stale=stale, others=others)


def _find(ledger: Ledger, folder: Path, recipe: Path | None, run: str) -> Run:
    """The run that is meant. Raises `UserError` where there is none."""
    if run:
        found = ledger.run(run)
        fact = f"{run} is no recipe, and no run in the workspace {folder}."
    else:
        runs = ledger.runs(plans=False)
        found = next((one for one in runs if recipe is None or is_same(one.recipe_path, recipe)), None)
        fact = f"{f'{recipe} was never' if recipe else 'nothing was'} run in the workspace {folder}."
    if found is None:
        raise UserError(fact, "Name a recipe or a run that is there, or its workspace with --workspace.")
    return found


@contextmanager
def _held(shelf: Workspace, run: Run) -> Iterator[Lease]:
    """Holds the run while the block runs. Raises `Held`, saying who has it and how to stop that."""
    with ExitStack() as stack:
        try:
            lease = stack.enter_context(
                leases.hold(shelf, desks.lock_name(run.recipe, run.output), who=f"The cancelling of {run.recipe}")
            )
        except Held as error:
            raise Held(error.fact, f"{error.hint} What it has at services can be cancelled then.") from None
        yield lease


def _narrowed(scope: list[Unsettled], run: Run, only: Sequence[str]) -> list[Unsettled]:
    """Those of the shots that the patterns name. Raises `UserError` for one that names no shot of the run."""
    known = {line.id.partition("/")[0] for line in planned(run)}
    known |= {_take(one) for one in scope}
    for pattern in only:
        if not any(_is_named(take, pattern) for take in known):
            shots = ", ".join(sorted({take.partition("@")[0] for take in known})[:12])
            raise UserError(f"--only {pattern} names no shot of run {run.id}.", f"Its shots are {shots}.")
    return [one for one in scope if not only or any(_is_named(_take(one), pattern) for pattern in only)]


def _take(one: Unsettled) -> str:
    return one.step.partition("/")[0]


def _is_named(take: str, pattern: str) -> bool:
    return fnmatchcase(take, pattern) or fnmatchcase(take.partition("@")[0], pattern)


def _agree(mine: Sequence[Unsettled], house: House, yes: bool, consent: Consent | None) -> None:
    """Raises `DecisionNeeded` where the user does not agree to cancel these."""
    if yes:
        return
    if consent is None:
        raise DecisionNeeded(
            f"cancelling what {', '.join(dict.fromkeys(one.account for one in mine))} may have paid work in is for you"
            " to decide, and there is no terminal to ask on.",
            "Say --yes.",
        )
    costs = {one.provider: cast(Cancels, page_of(one, house)).CANCELLED_COST for one in mine}
    if not consent(mine, costs):
        raise DecisionNeeded("nothing was cancelled: you said no.", "What is at the services goes on.")


def _let_go(run: Run, ledger: Ledger, house: House) -> None:
    """The run is no longer under way or merely interrupted: what is cancelled makes it partial until it goes on."""
    if run.status == "running":  # its process died before it could note what it had made
        ledger.remember(run.recipe, run.output, desks.not_noted(run, ledger))
    status = "partial" if run.status in desks.CUT_SHORT else run.status
    ledger.append(run.id, RunEnded(at=house.clock(), status=status))
