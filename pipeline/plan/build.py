"""A recipe becomes a plan, in stages: order the shots, wish and key each step, look up what is there, decide.

Each stage is a function from values to values; faults of all stages are collected and told together.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pipeline.errors import Fault, Place, RecipeError
from pipeline.plan import afford, decide, enlarge, graph, narrow, uploads
from pipeline.plan.budget import tightest
from pipeline.plan.draft import Draft, Setting
from pipeline.plan.known import Known
from pipeline.plan.model import Account, Action, Plan, Step, take_id
from pipeline.plan.others import Others
from pipeline.plan.wish import inputs_of, shows_people, stands_on, wish_of
from pipeline.providers.base import Complaint
from pipeline.recipe.model import Recipe, Shot


def build(recipe: Recipe, known: Known, setting: Setting) -> Plan:
    """The plan of a recipe against what is known. Raises `RecipeError`, `UserError`; spends and writes nothing."""
    ordered, moved = _move(_in_order(recipe.shots), setting)
    by_id = {shot.id: shot for shot in ordered}
    shots = [by_id[shot.id] for shot in recipe.shots]
    asked = narrow.select(recipe, setting.only, setting.redo)
    draft = Draft(setting=setting, known=known, shots=by_id, asked=asked)
    for shot in ordered:
        draft.add_shot(shot)
    film = draft.add_film(recipe.film)
    if draft.faults:
        raise RecipeError(draft.faults)
    decided = decide.decide(draft.steps, known, setting.now, _anew(draft.steps, asked))
    priced = _priced(narrow.narrow(decided, asked, known))
    shared = _shared(priced, draft.shots)
    accounts = _accounts(priced, setting)
    limits = tightest([recipe.budget, *setting.budgets], accounts, setting.of_accounts)
    steps = _told(uploads.needed(afford.fit(priced, setting.book(limits))))
    takes = tuple(draft.takes[take_id(shot.id, n)] for shot in shots for n in range(1, shot.takes + 1))
    return Plan(
        recipe=recipe,
        takes=takes,
        steps=tuple(steps),
        film=film,
        lanes=_lanes(steps, setting),
        accounts=accounts,
        uploads={step.id: step for step in draft.steps if step.kind == "upload"},
        limits=limits,
        redo=draft.redo,
        left=frozenset({s.id for s in decided if _lasts(s)} - {s.id for s in steps if not s.stale}),
        warnings=_once((*recipe.warnings, *moved, *draft.warnings, *shared)),
    )


def _lasts(step: Step) -> bool:
    """Whether a step leaves something that belongs to the recipe's results as they should be."""
    return not step.stale and step.kind != "upload"


def _anew(steps: Iterable[Step], asked: narrow.Asked) -> frozenset[str]:
    """The uploads that takes need of which a fresh result is asked for: one that was refused is handed in again."""
    return frozenset(n for s in steps if s.shot and asked.anew(take_id(s.shot, s.take)) for n in s.needs)


def _priced(steps: Sequence[Step]) -> list[Step]:
    """The steps with their prices as they are known by now."""
    there = {step.id: step.result for step in steps if step.result}
    return [dataclasses.replace(step, price=enlarge.price_of(step, there)) for step in steps]


def _told(steps: Sequence[Step]) -> list[Step]:
    """The steps with the choices of the plan in their reasons."""
    return [
        dataclasses.replace(step, why=f"{step.why}; {step.note}") if step.note and step.action is Action.RUN else step
        for step in steps
    ]


def _move(shots: Sequence[Shot], setting: Setting) -> tuple[list[Shot], list[Fault]]:
    """The shots on the provider that was asked for, where it can make them; and a warning for each that stays.

    `shots` come each after those it stands on, since what a shot stands on decides whether it can move.
    """
    if not setting.provider:
        return list(shots), []
    page = setting.providers[setting.provider]
    moved: dict[str, Shot] = {}
    people: set[str] = set()
    others = Others(setting.providers)
    stayed: dict[tuple[Complaint, str, Place], list[str]] = {}
    for shot in shots:
        account = shot.account if setting.accounts.get(shot.account) == page.NAME else setting.provider
        there = dataclasses.replace(shot, provider=setting.provider, account=account)
        inputs = inputs_of(there, moved, people)
        if shows_people(there, inputs):
            people.add(shot.id)
        wish = wish_of(there, 1, inputs, page)
        wrong = [c for c in page.complaints(wish) if not c.warning]
        if wrong:
            wrong[0] = dataclasses.replace(wrong[0], hint=others.hint(wrong[0], wish, page))
            stayed.setdefault((wrong[0], shot.provider, shot.where(wrong[0].field)), []).append(shot.id)
        moved[shot.id] = shot if wrong else there
    return list(moved.values()), [_stays(*why, names) for why, names in stayed.items()]


def _stays(wrong: Complaint, provider: str, place: Place, names: Sequence[str]) -> Fault:
    """The warning about shots that cannot move, for one reason."""
    whose = f"shot {names[0]} stays" if len(names) == 1 else f"shots {listed(names)} stay"
    return Fault(place=place, fact=f"{whose} on {provider}: {wrong.fact}", hint=wrong.hint, warning=True)


def listed(names: Sequence[str]) -> str:
    """A few of the names, and how many more there are."""
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


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
            *([shot.chain.shot] if shot.chain else []),
            *(source.shot for _, source in stands_on(shot) if source and source.shot),
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
    if first.chain and first.chain.shot in cycle:
        name = "chain"
    elif any(source.shot in cycle for source in (first.first_frame, first.last_frame) if source):
        name = "first_frame" if first.first_frame and first.first_frame.shot in cycle else "last_frame"
    else:
        name = "needs" if set(first.needs) & set(cycle) else "references"
    path = " needs ".join([*cycle, cycle[0]])
    return Fault(
        place=first.where(name),
        fact=f"these shots wait for each other: {path}.",
        hint="Take one of the links away, so that one shot can begin.",
    )


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
    accounts: dict[str, Account] = {}
    for step in steps:
        if step.account and step.account not in accounts:
            accounts[step.account] = Account(
                name=step.account,
                provider=step.provider,
                unit=setting.providers[step.provider].UNIT,
                usd_per_credit=step.price.usd_per_credit,
            )
    return accounts
