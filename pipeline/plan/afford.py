"""What of a plan the money allows: tries its steps on a copy of the run's book."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from pipeline.plan import graph
from pipeline.plan.budget import Book, Denial
from pipeline.plan.model import Action, Block, Step, take_id


def first_denial(steps: Sequence[Step], book: Book) -> tuple[Step, Denial] | None:
    """The first paid step that no longer fits when all before it have been reserved at their upper price, or None."""
    trial = book.copy()
    for step in steps:
        if step.action is Action.RUN and step.account:
            denial = _reserve(trial, step)
            if denial:
                return step, denial
    return None


def fit(steps: Sequence[Step], book: Book) -> tuple[Step, ...]:
    """The steps, with those that a cap forbids blocked, by the policy of the book's limits.

    `refuse` blocks nothing here: the run as a whole is refused. `stop` blocks the first paid step that does not fit
    and every paid step after it. `skip` gives the money to the highest priorities first, each with all it needs.
    """
    policy = book.limits.on_exceed
    if policy == "refuse" or first_denial(steps, book) is None:
        return tuple(steps)
    denied = _stop(steps, book) if policy == "stop" else _skip(steps, book)
    return tuple(_block(steps, denied))


def within(steps: Sequence[Step], book: Book) -> tuple[Step, ...]:
    """The steps, with those blocked that do not fit when each in turn is let in with all it needs, in plan order."""
    return tuple(_block(steps, _admitted(steps, steps, book)))


def halted(steps: Sequence[Step], book: Book) -> list[Step]:
    """The paid steps that the run does not start, since their account has charged more in it than was reserved."""
    return [step for step in steps if step.action is Action.RUN and step.account in book.overrun]


def _reserve(book: Book, step: Step) -> Denial | None:
    take, price = take_id(step.shot, step.take), step.price
    held = bool(step.beside)  # by the run that is making it, in the day, week and month
    denial = book.deny(take, step.account, price.high, price.usd, held=held)
    if denial is None:
        book.reserve(step.id, 1, take=take, account=step.account, credits=price.high, usd=price.usd, held=held)
    return denial


def _stop(steps: Sequence[Step], book: Book) -> dict[str, str]:
    trial = book.copy()
    denied: dict[str, str] = {}
    first = ""
    for step in steps:
        if step.action is Action.RUN and step.account and step.price.high:
            if first:
                denied[step.id] = f"the budget stopped the run at {first}"
                continue
            denial = _reserve(trial, step)
            if denial:
                denied[step.id], first = str(denial), step.id
    return denied


def _skip(steps: Sequence[Step], book: Book) -> dict[str, str]:
    place = {step.id: i for i, step in enumerate(steps)}
    return _admitted(sorted(steps, key=lambda s: (-s.priority, place[s.id])), steps, book)


def _admitted(turns: Iterable[Step], steps: Sequence[Step], book: Book) -> dict[str, str]:
    """Why what is not let in is not, where each step in turn is let in with all it needs, or not at all."""
    trial = book.copy()
    needs = {step.id: step.needs for step in steps}
    by_id = {step.id: step for step in steps}
    place = {step.id: i for i, step in enumerate(steps)}
    admitted: set[str] = set()
    denied: dict[str, str] = {}
    for step in turns:
        if not (step.action is Action.RUN and step.account) or step.id in admitted:
            continue
        wanted = [by_id[i] for i in graph.closure({step.id}, needs) if i in by_id and i not in admitted]
        paid = [s for s in sorted(wanted, key=lambda s: place[s.id]) if s.action is Action.RUN and s.account]
        attempt = trial.copy()
        denial = next((d for s in paid if (d := _reserve(attempt, s))), None)
        if denial:
            denied[step.id] = str(denial)
        else:
            trial = attempt
            admitted |= {s.id for s in paid}
    return {name: why for name, why in denied.items() if name not in admitted}


def _block(steps: Sequence[Step], denied: dict[str, str]) -> list[Step]:
    blocked: dict[str, str] = {}
    found: list[Step] = []
    for step in steps:
        why = denied.get(step.id)
        if why is None and step.action is Action.RUN:
            before = next((name for name in step.needs if name in blocked), None)
            why = f"waits for {before}" if before else None
        if why is not None:
            blocked[step.id] = why
            step = dataclasses.replace(step, action=Action.BLOCKED, block=Block.BUDGET, why=why)
        found.append(step)
    return found
