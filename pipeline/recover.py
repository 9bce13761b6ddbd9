"""Submissions whose outcome is unknown: which there are, what the user may call them, and the locks to settle them.

A submission whose recipe is held by another process may still be answered: it is told of and left alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import anyio

from pipeline.accounts import key
from pipeline.desk import House, Reading, lock_name
from pipeline.errors import Held, UserError
from pipeline.plan.noted import planned
from pipeline.providers.base import Lists
from pipeline.retelling import write_anew
from pipeline.settle import Case, Decision, Fate, Id, Settling, id_of, is_unknown, page_of
from pipeline.store import leases, workspace
from pipeline.store.leases import Lease
from pipeline.store.ledger import Ledger, Unsettled


def recover(
    folder: Path,
    house: House,
    *,
    recipe: Path | None = None,
    decisions: Sequence[Decision] = (),
    settle_seconds: float | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> list[Case]:
    """Settles what is unknown in the workspace at `folder`, or of one recipe's runs there, and tells what became of it.

    What a recipe waits for is its own, whichever run sent it.
    The documents of its runs are written anew; `tell` hears where that cannot be done. `settle_seconds` is how long
    after the locks are taken a job must still be absent. Raises `UserError` for a decision
    that cannot be carried out, before anything is written, and for a recipe that was never run there; `Held` where a
    lease was lost on the way; `StoreError`.
    """
    shelf = workspace.open_workspace(folder, create=False)
    with Ledger(shelf.ledger, read_only=True) as ledger:
        wanted = _wanted(ledger, recipe, folder) if recipe else frozenset()
        unknown = [one for one in ledger.unsettled() if is_unknown(one)]
        scope = [one for one in unknown if recipe is None or is_same(one.recipe_path, recipe) or one.key in wanted]
    names = names_of(scope)
    decided = _decided(decisions, scope, names)
    if not scope:
        return []
    cases: dict[Id, Case] = {}
    with ExitStack() as stack, Ledger(shelf.ledger) as ledger:
        free: dict[str, Lease] = {}
        for lock, first in {lock_of(one): one for one in scope}.items():
            try:
                who = f"The recovery of {first.recipe}"
                free[lock] = stack.enter_context(leases.hold(shelf, lock, who=who))
            except Held as error:
                theirs = (one for one in scope if lock_of(one) == lock)
                cases |= {id_of(one): _at_work(one, names, error) for one in theirs}
        # WHY: until the lock was taken, whoever had it may have heard an answer.
        mine = [one for one in ledger.unsettled() if is_unknown(one) and id_of(one) in names and lock_of(one) in free]
        work = Settling(house, ledger, names, decided, settle_seconds, lambda one: free[lock_of(one)].check())
        if mine:
            anyio.run(work.go, mine)
        for run in filter(None, map(ledger.run, dict.fromkeys(one.run for one in mine))):
            if stale := write_anew(run, folder, house, ledger):
                tell(f"The page and the manifest in {run.output} do not tell of it yet: {stale}")
    cases |= work.cases
    return [cases[id_of(one)] for one in scope if id_of(one) in cases]


def before_run(
    reading: Reading,
    house: House,
    ledger: Ledger,
    tell: Callable[[str], None],
    settle_seconds: float | None = None,
    *,
    lease: Lease | None = None,
) -> None:
    """Settles what earlier processes left unknown here, as far as lists show it, and tells what it did.

    The lease must be held. Only accounts whose key is there are asked. Raises `Held` where it is lost, `StoreError`.
    """
    recipe, output = reading.recipe.name, str(reading.output)
    mine = [
        one
        for one in ledger.unsettled()
        if is_unknown(one)
        and (one.recipe, one.output) == (recipe, output)
        and isinstance(page_of(one, house), Lists)
        and _has_key(one, house)
    ]
    if not mine:
        return
    work = Settling(house, ledger, names_of(mine), {}, settle_seconds, lambda one: lease.check() if lease else None)
    anyio.run(work.go, mine)
    for case in work.cases.values():
        more = "; `rushes recover` tells what can be done" if case.fate is Fate.ASKED else ""
        tell(f"{case.submission.step} was of unknown outcome: {case.told}{more}.")


def exit_code(cases: Iterable[Case]) -> int:
    """4 where a decision or another look is needed, 5 where only other processes are at work, else 0."""
    fates = {case.fate for case in cases}
    return 4 if fates & {Fate.ASKED, Fate.LEFT} else 5 if Fate.AT_WORK in fates else 0


def lock_of(one: Unsettled) -> str:
    """The name of the lock under which its run works."""
    return lock_name(one.recipe, one.output)


def names_of(scope: Sequence[Unsettled]) -> dict[Id, str]:
    """The shortest name of each that none of the others has: its step, with its attempt, with its run."""
    found: dict[Id, str] = {}
    for one in scope:
        _, *ways, last = _ways(one)
        found[id_of(one)] = next((way for way in ways if sum(way in _ways(other) for other in scope) == 1), last)
    return found


def _ways(one: Unsettled) -> tuple[str, ...]:
    """All that a decision may call it, from the shortest: its shot, its step, these with attempt and run."""
    numbered = f"{one.step}#{one.attempt}"
    return one.step.partition("/")[0], one.step, numbered, f"{one.run}/{numbered}"


def _decided(decisions: Sequence[Decision], scope: Sequence[Unsettled], names: Mapping[Id, str]) -> dict[Id, Decision]:
    """The decisions by what they are about. Raises `UserError`."""
    found: dict[Id, Decision] = {}
    there = f"Unknown: {', '.join(names.values())}." if names else "Nothing is unknown there."
    for decision in decisions:
        meant = [one for one in scope if decision.step in _ways(one)]
        if not meant:
            raise UserError(f"{decision.step} is no submission of unknown outcome.", there)
        if len(meant) > 1:
            which = ", ".join(names[id_of(one)] for one in meant)
            raise UserError(f"{decision.step} may mean {len(meant)} submissions.", f"Say which: {which}.")
        if id_of(meant[0]) in found:
            raise UserError(f"{decision.step} is decided twice.", "Decide it once.")
        found[id_of(meant[0])] = decision
    tasks = [decision.task for decision in decisions if decision.way == "adopt"]
    if double := next((task for task in tasks if tasks.count(task) > 1), ""):
        raise UserError(f"the task {double} cannot be that of two submissions.", "Look up whose it is.")
    return found


def is_same(path: str, recipe: Path) -> bool:
    """Whether a path that a run noted leads to this recipe."""
    return bool(path) and os.path.realpath(path) == os.path.realpath(recipe)


def _wanted(ledger: Ledger, recipe: Path, folder: Path) -> frozenset[str]:
    """The keys that a recipe's newest run there stands on. Raises `UserError` where it was never run."""
    found = next((run for run in ledger.runs(plans=False) if is_same(run.recipe_path, recipe)), None)
    newest = ledger.run(found.id) if found else None
    if newest is None:
        raise UserError(
            f"{recipe} was never run in the workspace {folder}.",
            "Leave the recipe out to see all that is unknown there, or name its workspace with --workspace.",
        )
    return frozenset(line.key for line in planned(newest))


def _at_work(one: Unsettled, names: Mapping[Id, str], error: Held) -> Case:
    told = f"still at work: {error.fact.rstrip('.')}"
    return Case(submission=one, name=names[id_of(one)], fate=Fate.AT_WORK, told=told, hint=error.hint)


def _has_key(one: Unsettled, house: House) -> bool:
    """Whether its account is here and can be asked."""
    if one.account in house.wires:
        return True
    account = next((account for account in house.accounts().values() if account.identity == one.account), None)
    try:
        return account is not None and bool(key(account, house.environ))
    except UserError:
        return False
