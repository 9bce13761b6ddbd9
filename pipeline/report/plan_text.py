"""A plan for a terminal: a line a step, then what is to pay and what the caps leave."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.errors import listed
from pipeline.money import text
from pipeline.plan.budget import Book
from pipeline.plan.model import Action, Block, Fallback, Plan, Step, Totals, total
from pipeline.plan.room import rooms
from pipeline.report.caps import cap_lines, caps_json
from pipeline.report.exact import dollars
from pipeline.report.legible import line, table, wrap
from pipeline.steps.upload import Upload

MARKS = {Action.RUN: "+", Action.REUSE: "=", Action.RESUME: ">", Action.BLOCKED: "!"}
_WORDS = {Action.RUN: "to make", Action.REUSE: "there", Action.RESUME: "under way", Action.BLOCKED: "blocked"}


def plan_table(plan: Plan, *, width: int, book: Book | None = None) -> str:
    """The plan in lines of at most `width` columns; `book` is the run's that is continued, for what its caps leave."""
    width = max(40, width)
    body = [row for step in plan.steps for row in _lines(step)]
    lines = table(["", "STEP", "BY", "CREDITS", "WHY"], body, width, right=frozenset({3})) if body else []
    lines += ["", *(part for said in summary(plan, book) for part in wrap(said, width))]
    return "\n".join(lines)


def _lines(step: Step) -> Iterator[list[str]]:
    """A step, and below it what may come after it where it fails."""
    yield [MARKS[step.action], step.id, by(step), "" if step.action is Action.REUSE else price(step), step.why]
    for one in step.fallback:
        larger = ", made larger" if one.step.endswith("/upscale") else ""
        denied = f", but {one.denied}" if one.denied else ""
        made_by = " ".join(filter(None, (one.account or one.provider, one.model)))
        yield ["", "", made_by, price(one), f"if that fails: fallback {one.rung}{larger}{denied}"]


def by(step: Step) -> str:
    """Who does a step: the provider and the model, this machine, or where an input is made reachable."""
    if isinstance(step.work, Upload):
        place = step.work.account or "published"
        return f"{place} review" if step.work.way == "asset" else place
    return " ".join(filter(None, (step.account or step.provider, step.model))) or "this machine"


def price(step: Step | Fallback) -> str:
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


def summary(plan: Plan, book: Book | None) -> Iterator[str]:
    """How many steps there are, what is to pay, and what the caps leave."""
    counts = {action: sum(step.action is action for step in plan.steps) for action in Action}
    parts = [f"{MARKS[action]} {count} {_WORDS[action]}" for action, count in counts.items() if count]
    noun = "step" if len(plan.steps) == 1 else "steps"
    yield f"{len(plan.steps)} {noun}: {', '.join(parts)}" if parts else "Nothing is asked for."
    now, follows = plan.totals(follows=False), plan.totals(follows=True)
    yield f"To pay now: {'up to ' if any(now.credits.values()) else ''}{sums(now, plan)}"
    if may := [one for one in plan.fallbacks() if not one.denied]:
        yield f"Where shots fail, their fallbacks: up to {sums(total(may), plan)} more"
    over = [step for step in plan.steps if step.block is Block.BUDGET and step.account]
    if over:
        noun = "step" if len(over) == 1 else "steps"
        yield f"Left out by a cap: {len(over)} {noun}, up to {sums(total(over), plan)}; made if money comes back"
    names = list(dict.fromkeys(s.shot for s in plan.steps if s.follows and s.action is Action.RUN and s.provider))
    if names:
        paid = any(follows.credits.values())
        yield f"Only following a change: {'up to ' if paid else ''}{sums(follows, plan)} ({line(listed(names))})"
    yield from _caps(plan, book)


def _caps(plan: Plan, book: Book | None) -> Iterator[str]:
    """Each cap with what the plan leaves of it."""
    units = {name: account.unit for name, account in plan.accounts.items()}
    caps = caps_json(rooms(plan.limits, book or Book(plan.limits), plan.steps))
    yield from cap_lines(caps, plan.limits.zone, units)
