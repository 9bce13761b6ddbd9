"""A recipe becomes a plan, in stages: order the shots, wish and key each step, look up what is there, decide.

Each stage is a function from values to values; faults of all stages are collected and told together.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pipeline.errors import Fault, RecipeError, listed
from pipeline.plan import afford, cheapest, decide, enlarge, finals, graph, ladder, narrow, uploads
from pipeline.plan.budget import Book, tightest
from pipeline.plan.draft import Draft, Setting
from pipeline.plan.known import Known
from pipeline.plan.model import Account, Action, Block, Fallback, Plan, Step, take_id
from pipeline.plan.moving import move
from pipeline.plan.wish import stands_on
from pipeline.recipe.model import Recipe, Shot

_MOST_TOLD = 12  # shots of one circle


def build(recipe: Recipe, known: Known, setting: Setting) -> Plan:
    """The plan of a recipe against what is known. Raises `RecipeError`, `UserError`; spends and writes nothing."""
    ordered, moved = move(_in_order(recipe.shots), setting)
    cheapest.refuse_too_many(ordered, setting, len(recipe.stages))
    by_id = {shot.id: shot for shot in ordered}
    shots = [by_id[shot.id] for shot in recipe.shots]
    final = finals.final(recipe)
    asked = narrow.select(_less(recipe, final), setting.only, setting.redo)
    draft = Draft(setting=setting, known=known, shots=by_id, asked=asked, picks=recipe.picks)
    for shot in ordered:
        draft.add_shot(shot)
    film = draft.add_film(recipe.film)
    if draft.faults:
        raise RecipeError(draft.faults)
    drafted = finals.only(draft.without_idle_frames(), recipe, final)
    anew = _anew(drafted, asked)
    decided = decide.decide(drafted, known, setting.now, anew, setting.passed, asked.wanted, setting.within_reach)
    told = _spent(decided, draft.spent)
    priced = ladder.ahead(_priced(narrow.narrow(told, asked, known)), known, setting.passed)
    shared = _shared(priced, draft.shots)
    accounts = _accounts(priced, setting)
    budgets = [recipe.budget, *setting.budgets]
    idle = accounts.keys() - _accounts([step for step in priced if _may_cost(step)], setting).keys()
    limits = tightest(budgets, accounts, setting.of_accounts, idle=idle, at=setting.now, zone=setting.zone)
    book = setting.book(limits)
    steps = _told(uploads.needed(afford.fit(ladder.judged(priced, book), _further(book, setting))))
    halted = _halted(afford.halted(steps, book), draft.shots)
    takes = tuple(
        dataclasses.replace(take, why=final.idle.get(take.shot.id, take.why)) if final.idle else take
        for take in (draft.takes[take_id(shot.id, n)] for shot in shots for n in shot.numbers)
    )
    return Plan(
        recipe=recipe,
        takes=takes,
        steps=tuple(steps),
        film=film,
        lanes=_lanes(steps, setting),
        accounts=accounts,
        uploads={step.id: step for step in draft.steps if step.kind == "upload"},
        limits=limits,
        redo=draft.requests.redo,
        left=frozenset({s.id for s in decided if _lasts(s)} - {s.id for s in steps if not s.stale}),
        warnings=_once((*recipe.warnings, *final.warnings, *moved, *draft.warnings, *shared, *halted)),
    )


def _less(recipe: Recipe, final: finals.Final) -> Recipe:
    """The recipe without the shots that its last stage leaves out."""
    if not final.idle:
        return recipe
    shots = tuple(shot for shot in recipe.shots if shot.id not in final.idle)
    why = f"{recipe.stage}, which makes what was picked"
    return dataclasses.replace(recipe, shots=shots, left_out={**recipe.left_out, **dict.fromkeys(final.idle, why)})


def _further(book: Book, setting: Setting) -> Book:
    """The book to try the steps on: in a further round it is too late to refuse, and what does not fit is left out."""
    if not setting.passed or book.limits.on_exceed != "refuse":
        return book
    return setting.book(dataclasses.replace(book.limits, on_exceed="skip"))


def _spent(steps: Sequence[Step], spent: Mapping[str, str]) -> list[Step]:
    """The steps; those whose every rung has failed for good say how each did."""
    return [
        dataclasses.replace(step, why=spent[step.id]) if step.id in spent and step.block is Block.FAILURE else step
        for step in steps
    ]


def _may_cost(step: Step) -> bool:
    """Whether a step's account pays, or is held to what it has reserved."""
    return step.action is not Action.REUSE and not step.fetched_again


def _lasts(step: Step) -> bool:
    """Whether a step leaves something that belongs to the recipe's results as they should be."""
    return not step.stale and step.kind != "upload"


def _anew(steps: Iterable[Step], asked: narrow.Asked) -> frozenset[str]:
    """The uploads that takes need of which a fresh result is asked for: one that was refused is handed in again."""
    return frozenset(n for s in steps if s.shot and asked.anew(take_id(s.shot, s.take)) for n in s.needs)


def _priced(steps: Sequence[Step]) -> list[Step]:
    """The steps with their prices as they are known by now."""
    there = {step.id: step.result for step in steps if step.result}
    priced = ((step, enlarge.price_of(step, there)) for step in steps)
    return [step if price == step.price else dataclasses.replace(step, price=price) for step, price in priced]


def _told(steps: Sequence[Step]) -> list[Step]:
    """The steps with the choices of the plan in their reasons."""
    return [
        dataclasses.replace(step, why=f"{step.why}; {step.note}") if step.note and step.action is Action.RUN else step
        for step in steps
    ]


def _once(warnings: Iterable[Fault]) -> tuple[Fault, ...]:
    """Each warning once: what is so at many places is told at the first, with their number."""
    places: dict[tuple[str, str], dict[Fault, None]] = {}
    for warning in warnings:
        places.setdefault((warning.fact, warning.hint), {})[warning] = None
    found = []
    for same in places.values():
        first, more = next(iter(same)), len(same) - 1
        told = f"{first.fact} It is so at {more} more place{'s' if more > 1 else ''}." if more else first.fact
        found.append(dataclasses.replace(first, fact=told))
    return tuple(found)


def _in_order(shots: Sequence[Shot]) -> list[Shot]:
    """The shots, each after those it stands on. Raises `RecipeError` that names every cycle."""
    by_id = {shot.id: shot for shot in shots}
    needs = {
        shot.id: [
            *(rung.chain.shot for rung in shot.rungs if rung.chain),
            *(source.shot for rung in shot.rungs for _, source in stands_on(rung) if source and source.shot),
            *shot.needs,
        ]
        for shot in shots
    }
    done, cycles = graph.order(needs)
    if cycles:
        raise RecipeError(_cycle_fault(cycle, by_id) for cycle in cycles)
    return [by_id[name] for name in done]


def _cycle_fault(cycle: Sequence[str], by_id: Mapping[str, Shot]) -> Fault:
    first = by_id[cycle[0]]
    rung, name = next(
        ((rung, link) for rung in first.rungs if (link := _link(rung, cycle))),
        (first, "needs" if set(first.needs) & set(cycle) else "references"),
    )
    told = cycle if len(cycle) <= _MOST_TOLD else [*cycle[: _MOST_TOLD - 1], "…", cycle[-1]]
    path = " needs ".join([*told, cycle[0]])
    return Fault(
        place=rung.where(name),
        fact=f"these shots wait for each other: {path}.",
        hint="Take one of the links away, so that one shot can begin.",
    )


def _link(shot: Shot, cycle: Sequence[str]) -> str:
    """The field by which a shot stands on one of a cycle, empty where none does."""
    if shot.chain and shot.chain.shot in cycle:
        return "chain"
    for name, source in (("first_frame", shot.first_frame), ("last_frame", shot.last_frame)):
        if source and source.shot in cycle:
            return name
    return "references" if any(source.shot in cycle for source in shot.references) else ""


def _shared(steps: Iterable[Step], shots: Mapping[str, Shot]) -> Iterator[Fault]:
    """A warning for each shot that asks for the very same as an earlier one."""
    first: dict[str, Step] = {}
    for step in steps:
        earlier = first.setdefault(step.key, step)
        if step.kind == "generate" and earlier.shot != step.shot:
            yield Fault(
                place=shots[step.shot].where(),
                fact=f"shot {step.shot} asks for the same as {earlier.shot}, so both show one result.",
                hint="Change the prompt or give one of them a seed; or leave it, and pay once.",
                warning=True,
            )


def _halted(steps: Iterable[Step], shots: Mapping[str, Shot]) -> Iterator[Fault]:
    """A warning for each account on which the run starts nothing more, with what it would have made."""
    names: dict[str, dict[str, Step]] = {}
    for step in steps:
        names.setdefault(step.account, {}).setdefault(take_id(step.shot, step.take), step)
    for account, takes in names.items():
        yield Fault(
            place=shots[next(iter(takes.values())).shot].where(),
            fact=f"{account} has charged more than was reserved: this run starts nothing more on it, and goes on"
            f" without {listed(list(takes))}.",
            hint="Another --output begins a run of its own, which may.",
            warning=True,
        )


def _lanes(steps: Iterable[Step], setting: Setting) -> dict[str, int]:
    """How many steps of each lane may be in flight: processors for work done here, the account's width elsewhere."""
    lanes: dict[str, int] = {}
    for step in steps:
        if step.lane not in lanes:
            page = setting.providers.get(step.provider)
            width = setting.widths.get(step.provider) or (page.CONCURRENCY if page else 0)
            lanes[step.lane] = uploads.WIDTH if step.lane == uploads.LANE else width or setting.processors
    return lanes


def _accounts(steps: Iterable[Step], setting: Setting) -> dict[str, Account]:
    """Who is charged by these steps, or by what may come after one that fails."""
    accounts: dict[str, Account] = {}
    payers: list[Step | Fallback] = []
    for step in steps:
        payers += [step, *step.fallback]
    for one in payers:
        if one.account and one.account not in accounts:
            accounts[one.account] = Account(
                name=one.account,
                provider=one.provider,
                unit=setting.providers[one.provider].UNIT,
                usd_per_credit=one.price.usd_per_credit,
            )
    return accounts
