"""What to type or to write where the money is short: the whole, or what the caps allow now; each command works as is.

A cap of a recipe or a configuration cannot be raised by a flag, since the tightest holds: then its place is named.
"""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from pipeline import desk as desks
from pipeline.desk import Desk, House, Wants
from pipeline.errors import RushesError, listed
from pipeline.plan import afford, narrow
from pipeline.plan.budget import Given
from pipeline.plan.model import Action, Block, take_id
from pipeline.plan.periods import PERIODS, local
from pipeline.plan.room import DOLLARS, Room, rooms
from pipeline.providers.address import REHEARSAL

MOST_NAMED = 20  # shots in one command


def command(desk: Desk, wants: Wants | None = None) -> str:
    """The `rushes run` that asks for what lies on this desk, or for these wants of the same recipe."""
    wants = wants or desk.wants
    return shlex.join(["rushes", "run", str(desk.reading.path), *flags(wants)])


def approve(recipe: Path | str, wants: Wants, *words: str) -> str:
    """The `rushes approve` of a recipe with these words, of what is asked for."""
    read = ("variables", "date", "provider", "workspace", "output")
    same = Wants(**{name: getattr(wants, name) for name in read})
    return shlex.join(["rushes", "approve", str(recipe), *words, *flags(same)])


def flags(wants: Wants) -> Iterator[str]:
    """What the user asks, as it is typed."""
    for name, value in wants.variables.items():
        yield from ("--var", f"{name}={value}")
    for flag, text in (
        ("--date", wants.date),
        ("--stage", wants.stage),
        ("--provider", wants.provider),
        ("--max-failures", "" if wants.max_failures is None else str(wants.max_failures)),
        ("--webhook", wants.webhook),
        ("--listen", wants.listen if wants.webhook else ""),
        ("--workspace", str(wants.workspace or "")),
        ("--output", str(wants.output or "")),
        ("--max-usd", "" if wants.max_usd is None else plain(wants.max_usd)),
        ("--max-credits", "" if wants.max_credits is None else plain(wants.max_credits)),
    ):
        if text:
            yield from (flag, text)
    for name, most in wants.max_each.items():
        yield from ("--max-credits", f"{name}={plain(most)}")
    for name in wants.only:
        yield from ("--only", name)
    for name in wants.redo:
        yield from ("--redo", name)
    switches = {
        "--preview": wants.preview,
        "--follow": wants.follow,
        "--yes": wants.yes,
        "--allow-unpriced": wants.allow_unpriced,
    }
    yield from (switch for switch, given in switches.items() if given)


def plain(amount: Decimal) -> str:
    """An amount as it is typed: without commas, and without an exponent."""
    return f"{amount.normalize():f}"


def out(desk: Desk, house: House | None = None) -> str:
    """What can be done about caps that forbid a part of the plan, a line for each way; `house` to try what fits now."""
    lines = [*for_all(desk), *for_now(desk, house)]
    policy = "set `on_exceed: stop` in the recipe to make what the money allows."
    return "\n".join([*lines, f"Or {policy}" if lines else policy.capitalize()])


def for_all(desk: Desk) -> Iterator[str]:
    """What would make all of the plan that is not made yet; nothing where no cap forbids any of it."""
    limits = desk.plan.limits
    short = [room for room in rooms(limits, desk.book, desk.plan.steps, blocked=True) if _is_short(room)]
    typed = desk.wants
    written: dict[str, None] = {}
    for room in short:
        for cap in (cap for cap in limits.given if _forbids(cap, room)):
            if cap.origin and cap.origin.source == "flag":
                typed = _raised(typed, cap.unit, _needed(room))
            else:
                written[_rewritten(cap, _needed(room))] = None
    words = command(desk, typed)
    if written:
        yield f"To make all of it, {', and '.join(written)}" + ("." if typed == desk.wants else f"; then: {words}")
    elif short:
        yield f"To make all of it: {words}"
    whole = [room for room in short if room.until and room.asked is not None and room.asked <= room.cap]
    if whole and len(whole) == len(short):
        last = max(whole, key=lambda room: room.until)
        yield f"It fits from {local(last.until, last.zone)} on, when the cap counts anew."


def for_now(desk: Desk, house: House | None) -> Iterator[str]:
    """The command that makes as many shots as the caps allow, in plan order, each with all it needs; tried before."""
    names = _fitting(desk)
    if house is None or not names or len(names) > MOST_NAMED:
        return
    asked = narrow.select(desk.recipe, desk.wants.only, desk.wants.redo)
    wants = dataclasses.replace(
        desk.wants,
        only=tuple(name for name in names if name.removesuffix("@1") not in asked.redo),
        redo=tuple(name for name in names if name.removesuffix("@1") in asked.redo),
    )
    try:
        less = desks.lay(dataclasses.replace(desk.reading, wants=wants), house)
    except RushesError:
        return
    steps, book = less.plan.steps, less.book
    if less.plan.doing() and not afford.halted(steps, book) and afford.first_denial(steps, book) is None:
        yield f"Within the caps now: {command(desk, wants)}"


def elsewhere(desk: Desk) -> Iterator[str]:
    """What begins a run of its own for shots whose account has charged more in this one than was reserved."""
    folder = desk.output
    for _ in desk.wants.folders():
        folder = folder.parent
    if halted := afford.halted(desk.plan.steps, desk.book):
        names = dict.fromkeys(take_id(step.shot, step.take) for step in halted)
        wants = dataclasses.replace(desk.wants, output=folder.with_name(f"{folder.name}-2"))
        yield f"To make {listed(list(names))} in a run of its own, beside this one: {command(desk, wants)}"


def _fitting(desk: Desk) -> list[str]:
    """The takes that fit with all that is made of them, a shot whose takes all do by its own name."""
    steps = afford.within(desk.plan.steps, desk.book)
    halted = {step.id for step in afford.halted(steps, desk.book)}
    doing: dict[str, bool] = {}  # by take, whether all of it fits
    for step in steps:
        if step.shot and (step.action in (Action.RUN, Action.RESUME) or step.block is Block.BUDGET):
            name = take_id(step.shot, step.take)
            doing[name] = doing.get(name, True) and step.action is not Action.BLOCKED and step.id not in halted
    found: list[str] = []
    for shot in desk.recipe.shots:
        takes = [take_id(shot.id, number) for number in shot.numbers]
        if any(doing.get(take) for take in takes) and all(doing.get(take, True) for take in takes):
            found.append(shot.id)
        else:  # WHY: the name of the first take is the shot's, and means all of its takes
            found += [take if "@" in take else f"{take}@1" for take in takes if doing.get(take)]
    return found


def _is_short(room: Room) -> bool:
    return room.needed is not None and room.needed > room.cap


def _needed(room: Room) -> Decimal:
    assert room.needed is not None
    return room.needed


def _forbids(cap: Given, room: Room) -> bool:
    """Whether a cap, the tightest or another, is less than is needed."""
    unit = "usd" if room.unit in DOLLARS else room.unit
    return (cap.scope, cap.unit) == (room.scope, unit) and cap.most < _needed(room)


def _raised(wants: Wants, unit: str, needed: Decimal) -> Wants:
    """The wants with their flags' caps on a unit raised to what is needed."""
    if unit == "usd":
        return dataclasses.replace(wants, max_usd=needed)
    if wants.max_credits is not None and wants.max_credits < needed:
        wants = dataclasses.replace(wants, max_credits=needed)
    name = unit if unit in wants.max_each else unit.removesuffix(REHEARSAL)
    if wants.max_each and wants.max_each.get(name, Decimal(0)) < needed:
        wants = dataclasses.replace(wants, max_each={**wants.max_each, name: needed})
    return wants


def _rewritten(cap: Given, needed: Decimal) -> str:
    """What is to be written where, for a cap that no flag can raise."""
    if cap.origin is None:
        what = {"run": "the run", "shot": "each take", **PERIODS}[cap.scope]
        return f"raise the cap for {what} to {plain(needed)}"
    return f"write {plain(needed)} for {cap.origin.name} in {cap.origin.place}"
