"""Before anything is spent: what stands against a run, what the accounts have left, and whether the user agrees."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal

import anyio

from pipeline import desk as desks
from pipeline.accounts import key
from pipeline.desk import Desk, House
from pipeline.errors import AccountRefused, DecisionNeeded, OverBudget, ProviderError, RushesError, UserError
from pipeline.money import text
from pipeline.plan import afford, uploads
from pipeline.plan.build import listed
from pipeline.plan.model import Action, Plan, Step
from pipeline.providers import answers
from pipeline.providers.base import Balances
from pipeline.steps.upload import Upload

Consent = Callable[[Desk, str], bool]
"""Asked before money is spent: the desk and a question ("spend", "follow"); says whether the user agrees."""

_NO = "nothing was spent: you said no."


def verdict(desk: Desk) -> RushesError | None:
    """Why a run of this plan would not begin, or None; a plan that is blocked in part may begin all the same."""
    return _over(desk) or _unreachable(desk.plan) or _unpriced(desk) or _dollars(desk.plan)


def _over(desk: Desk) -> RushesError | None:
    over = afford.first_denial(desk.plan.steps, desk.book(desk.plan.limits))
    if over is None or desk.plan.limits.on_exceed != "refuse":
        return None
    step, denial = over
    needed = desk.plan.totals()
    credits = ", ".join(f"{text(most)} {account} credits" for account, most in needed.credits.items())
    return OverBudget(
        f"the plan costs up to {credits}, and a cap forbids it at {step.id}: {denial}.",
        "Raise the cap, make fewer shots with --only, or set `on_exceed: stop` to make what the money allows.",
    )


def _unreachable(plan: Plan) -> RushesError | None:
    lost = uploads.nowhere(plan.steps)
    if not lost:
        return None
    names = listed(list(dict.fromkeys(step.id.partition("/")[0] for step in lost)))
    return UserError(
        f"services must be able to read {names} at a URL, and no place for that is configured.",
        "Write [publish] store = ... into your configuration, or set RUSHES_PUBLISH; see README, Publishing.",
    )


def paid(plan: Plan) -> list[Step]:
    """The steps that would spend: those with a price, or with one that nobody knows."""
    return [s for s in plan.steps if s.action is Action.RUN and s.account and (s.price.high or not s.price.known)]


def _unpriced(desk: Desk) -> RushesError | None:
    lost = [step for step in paid(desk.plan) if not step.price.known]
    if not lost:
        return None
    capped = [s.id for s in lost if _capped(desk.plan, s)]
    if capped:
        return UserError(
            f"what {capped[0]} costs is not known, and a cap is set that could not be kept.",
            "Give its price in the configuration, leave out what makes it unpriced, or lift the cap.",
        )
    if desk.wants.allow_unpriced:
        return None
    return UserError(
        f"what {lost[0].id} costs is not known{f', nor {len(lost) - 1} more' if len(lost) > 1 else ''}.",
        "Say --allow-unpriced to run it all the same, or see the warnings for the reason.",
    )


def _capped(plan: Plan, step: Step) -> bool:
    return any(limit.covers(step.account) for limit in plan.limits.every())


def _dollars(plan: Plan) -> RushesError | None:
    bare = [s for s in paid(plan) if s.price.known and s.price.usd is None]
    if not bare or all(limit.usd is None for limit in plan.limits.every()):
        return None
    return UserError(
        f"a cap is in dollars, and what a credit of {bare[0].account} costs is not known.",
        f"Write usd_per_credit for {bare[0].provider} into the configuration, or give the cap in credits.",
    )


def agreed(desk: Desk, house: House, consent: Consent | None) -> Desk:
    """The desk as far as the user agrees to it. Raises `DecisionNeeded`, `OverBudget`, `UserError`."""
    desk = _followed(desk, house, consent)
    refusal = verdict(desk)
    if refusal:
        raise refusal
    _check_accounts(desk, house)
    names = sorted({step.account for step in paid(desk.plan)})
    if not names:
        return desk
    if desk.wants.yes:
        for step in paid(desk.plan):
            if step.price.known and not desk.plan.limits.run.covers(step.account):
                raise DecisionNeeded(
                    f"--yes would spend on {step.account} with no cap for the run.",
                    "Give one: --max-credits N, --max-usd N, or `budget: {run: ...}` in the recipe.",
                )
    elif consent is None:
        raise DecisionNeeded(
            f"this run spends on {', '.join(names)}, and there is no terminal to ask on.",
            "Say --yes, with a cap: --max-credits N or --max-usd N.",
        )
    elif not consent(desk, "spend"):
        raise DecisionNeeded(_NO, "Run it again when you want it.")
    return desk


def _followed(desk: Desk, house: House, consent: Consent | None) -> Desk:
    """The desk with or without the shots that would be paid for only because one before them changed."""
    following = [step for step in paid(desk.plan) if step.follows]
    if not following or desk.wants.follow:
        return desk
    if consent is None:
        names = ", ".join(s.id.partition("/")[0] for s in following[:6])
        raise DecisionNeeded(
            f"{names} would be paid for again only because a shot before changed.",
            "Say --follow to make them too, or --only with the changed shots to keep their clips.",
        )
    if consent(desk, "follow"):
        return desk
    narrowed = desks.changed_only(desk, house)
    if narrowed is None:
        raise DecisionNeeded(_NO, "Say --follow when you want them.")
    return narrowed


def asked(plan: Plan) -> set[str]:
    """The accounts that a run of this plan asks something of, whether it costs or not."""
    found = {step.account for step in plan.doing() if step.account}
    return found | {s.work.account for s in plan.doing() if isinstance(s.work, Upload) and s.work.account}


def _check_accounts(desk: Desk, house: House) -> None:
    """Raises `UserError` for a key that is missing or refused, `OverBudget` for a balance that is known to be short."""
    names = asked(desk.plan) - house.wires.keys()
    if not names:
        return
    accounts = {account.identity: account for account in house.accounts().values()}
    for name in sorted(names):
        key(accounts[name], house.environ)
    needed = {name: most for name, most in desk.plan.totals().credits.items() if most and name in names}
    left = anyio.run(balances, house, tuple(needed))
    for name, most in needed.items():
        found = left.get(name)
        if isinstance(found, AccountRefused):
            raise UserError(found.fact, found.hint)
        if isinstance(found, Decimal) and found < most and desk.plan.limits.on_exceed == "refuse":
            raise OverBudget(
                f"{name} has {text(found)} credits left, and this run may take {text(most)}.",
                "Buy credits, make fewer shots with --only, or set `on_exceed: stop` to make what there is for.",
            )


async def balances(house: House, names: Collection[str]) -> Mapping[str, Decimal | ProviderError]:
    """What each of these accounts has left, or why that is not known; those whose service tells none are left out."""
    found: dict[str, Decimal | ProviderError] = {}
    pages: dict[str, object] = {account.identity: account.page for account in house.accounts().values()}

    async def ask(name: str, page: Balances) -> None:
        try:
            reply = await wires[name].send(page.balance())
            found[name] = answers.read(name, "other", page.balance_of, reply)
        except ProviderError as error:
            found[name] = error

    async with house.wired(names) as wires, anyio.create_task_group() as group:
        for name in set(names) & wires.keys():
            page = pages.get(name)
            if isinstance(page, Balances):
                group.start_soon(ask, name, page)
    return found
