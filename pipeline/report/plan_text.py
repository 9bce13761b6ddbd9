"""A plan for a terminal: a line a step, then what is to pay and what the caps leave."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pipeline.money import ZERO, text
from pipeline.plan.budget import Book
from pipeline.plan.model import Action, Plan, Step, Totals
from pipeline.report.legible import fit, line, table
from pipeline.report.markdown import dollars
from pipeline.steps.upload import Upload

MARKS = {Action.RUN: "+", Action.REUSE: "=", Action.RESUME: ">", Action.BLOCKED: "!"}
_WORDS = {Action.RUN: "to make", Action.REUSE: "there", Action.RESUME: "under way", Action.BLOCKED: "blocked"}


def plan_table(plan: Plan, *, width: int, book: Book | None = None) -> str:
    """The plan in lines of at most `width` columns; `book` is the run's that is continued, for what its caps leave."""
    width = max(40, width)
    body = [
        [MARKS[step.action], step.id, by(step), "" if step.action is Action.REUSE else price(step), step.why]
        for step in plan.steps
    ]
    lines = table(["", "STEP", "BY", "CREDITS", "WHY"], body, width, right=frozenset({3})) if body else []
    lines += ["", *(fit(said, width) for said in _summary(plan, book))]
    return "\n".join(lines)


def by(step: Step) -> str:
    """Who does a step: the provider and the model, this machine, or where an input is made reachable."""
    if isinstance(step.work, Upload):
        place = step.work.account or "published"
        return f"{place} review" if step.work.way == "asset" else place
    return " ".join(filter(None, (step.account or step.provider, step.model))) or "this machine"


def price(step: Step) -> str:
    """A step's price in its account's unit: one amount, or the expected and the upper one."""
    if not step.account:
        return "free"
    if not step.price.known:
        return "?"
    if step.price.low == step.price.high:
        return text(step.price.high)
    return f"{text(step.price.low)}-{text(step.price.high)}"


def sums(totals: Totals, plan: Plan) -> str:
    """Amounts by account, and dollars where they are known."""
    parts = [f"{text(most)} {name} {_unit(plan, name)}" for name, most in sorted(totals.credits.items()) if most]
    parts += [f"an unknown amount to {name} ({count} steps)" for name, count in sorted(totals.unknown.items())]
    if not parts:
        return "nothing"
    worth = "" if totals.usd is None else f" ({dollars(totals.usd)})"
    return ", ".join(parts) + worth


def _unit(plan: Plan, account: str) -> str:
    return plan.accounts[account].unit if account in plan.accounts else "credits"


def _summary(plan: Plan, book: Book | None) -> Iterator[str]:
    counts = {action: sum(step.action is action for step in plan.steps) for action in Action}
    parts = [f"{MARKS[action]} {count} {_WORDS[action]}" for action, count in counts.items() if count]
    noun = "step" if len(plan.steps) == 1 else "steps"
    yield f"{len(plan.steps)} {noun}: {', '.join(parts)}" if parts else "Nothing is asked for."
    now, follows = plan.totals(follows=False), plan.totals(follows=True)
    yield f"To pay now: {'up to ' if any(now.credits.values()) else ''}{sums(now, plan)}"
    names = list(dict.fromkeys(s.shot for s in plan.steps if s.follows and s.action is Action.RUN and s.provider))
    if names:
        paid = any(follows.credits.values())
        whose = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        yield f"Only following a change: {'up to ' if paid else ''}{sums(follows, plan)} ({line(whose)})"
    yield from _caps(plan, book)


def _caps(plan: Plan, book: Book | None) -> Iterator[str]:
    """Each cap for the run with what the plan leaves of it, then the caps for a take."""
    totals = plan.totals()
    asked: dict[str, Decimal | None] = {**totals.credits, "usd": totals.usd}
    for unit, cap in _units(plan.limits.run.credits, plan.limits.run.usd):
        before = book.sum("run", unit) if book else ZERO
        spent = f", {_bare(unit, before)} spent or held" if before else ""
        wanted = asked.get(unit, ZERO)
        if wanted is None:
            left = "what is left is not known"
        elif before + wanted > cap:
            left = f"{_bare(unit, before + wanted - cap)} too much"
        else:
            left = f"{_bare(unit, cap - before - wanted)} left after this"
        yield f"Cap for the run: {_amount(unit, cap, plan)}{spent}, {left}"
    takes = [_amount(unit, cap, plan) for unit, cap in _units(plan.limits.take.credits, plan.limits.take.usd)]
    if takes:
        yield f"Cap for each take: {', '.join(takes)}"


def _units(credits: object, usd: Decimal | None) -> Iterator[tuple[str, Decimal]]:
    if isinstance(credits, dict):
        yield from sorted(credits.items())
    if usd is not None:
        yield "usd", usd


def _amount(unit: str, value: Decimal, plan: Plan) -> str:
    return dollars(value) if unit == "usd" else f"{text(value)} {unit} {_unit(plan, unit)}"


def _bare(unit: str, value: Decimal) -> str:
    return dollars(value) if unit == "usd" else text(value)
