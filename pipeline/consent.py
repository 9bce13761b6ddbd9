"""Before anything is spent: what stands against a run, what the accounts have left, and whether the user agrees."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import anyio

from pipeline import desk as desks
from pipeline import ways
from pipeline.accounts import key
from pipeline.desk import Desk, House
from pipeline.errors import AccountRefused, DecisionNeeded, OverBudget, RushesError, UserError, listed
from pipeline.money import text
from pipeline.plan import afford, uploads
from pipeline.plan.model import Action, Fallback, Plan, Step
from pipeline.providers.catalog import CHEAPEST, PROVIDERS
from pipeline.purse import balances as balances
from pipeline.purse import look, tell_unseen
from pipeline.steps.upload import Upload
from pipeline.store.ledger import Ledger
from pipeline.wants import of_drafts

Consent = Callable[[Desk, str], bool]
"""Asked before money is spent: the desk and a question ("spend", "follow"); says whether the user agrees."""

_SILENT_SECONDS = 2.0  # after which it is said what is waited for

_NO = "nothing was spent: you said no."


def verdict(desk: Desk, house: House | None = None) -> RushesError | None:
    """Why a run of this plan would not begin, or None; a plan that is blocked in part may begin all the same.

    With the `house` the way out from a cap names what fits within it.
    """
    return unpicked(desk) or _over(desk, house) or _unreachable(desk.plan) or _unpriced(desk) or _dollars(desk.plan)


def unpicked(desk: Desk) -> DecisionNeeded | None:
    """Why picks are to be looked at before anything is made: they are stale, or the last stage has none."""
    recipe = desk.recipe
    takes = ways.command(desk, dataclasses.replace(desk.wants, stage=recipe.drafts, only=(), redo=()))
    pick = ways.approve(recipe.path, desk.wants, "TAKE")
    if desk.stale:
        told = "\n".join(f"{fault.place.file}:{fault.place.line}: {fault.fact}" for fault in desk.stale)
        shots = {pick.place: shot for shot, pick in recipe.picks.items()}
        clear = ways.approve(recipe.path, desk.wants, "--clear", *(shots[fault.place] for fault in desk.stale))
        let_go = f"et go, and make takes anew: {clear} && {takes}\nOr pick what is there: {pick}"
        before = of_drafts(desk.wants, recipe, desk.reading.folder, (*PROVIDERS, CHEAPEST))
        as_before = dataclasses.replace(desk.wants, provider=before.provider, variables=before.variables)
        if as_before == desk.wants:
            return DecisionNeeded(told, f"L{let_go}")
        return DecisionNeeded(told, f"Ask as for those takes: {ways.command(desk, as_before)}\nOr l{let_go}")
    if recipe.is_final and not recipe.picks:
        return DecisionNeeded(
            f"{recipe.stage} makes what was picked, and no take is picked of any shot.",
            f"Make takes: {takes}\nLook at them, and pick: {pick}",
        )
    return None


def _over(desk: Desk, house: House | None) -> RushesError | None:
    over = afford.first_denial(desk.plan.steps, desk.book)
    if over is None or desk.plan.limits.on_exceed != "refuse":
        return None
    step, denial = over
    needed = desk.plan.totals()
    credits = ", ".join(f"{text(most)} {account} credits" for account, most in needed.credits.items())
    return OverBudget(
        f"the plan costs up to {credits}, and a cap forbids it at {step.id}: {denial}.",
        ways.out(desk, house),
    )


def _unreachable(plan: Plan) -> RushesError | None:
    lost = uploads.nowhere(plan.steps)
    if not lost:
        return None
    names = listed(list(dict.fromkeys(f'"{step.id.partition("/")[0]}"' for step in lost)))
    return UserError(
        f"services must be able to read {names} at a URL, and no place for that is configured.",
        "Write [publish] store = ... into your configuration, or set RUSHES_PUBLISH; see README, Publishing.",
    )


def paid(plan: Plan) -> list[Step]:
    """The steps that would spend: those with a price, or with one that nobody knows."""
    return [s for s in plan.steps if s.action is Action.RUN and s.account and (s.price.high or not s.price.known)]


def payable(plan: Plan) -> list[Step | Fallback]:
    """What would spend, or may where a shot fails; not what a cap forbids as things stand."""
    may = (one for one in plan.fallbacks() if not one.denied)
    return [*paid(plan), *(one for one in may if one.price.high or not one.price.known)]


def _unpriced(desk: Desk) -> RushesError | None:
    lost = [step for step in payable(desk.plan) if not step.price.known]
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


def _capped(plan: Plan, step: Step | Fallback) -> bool:
    return any(limit.covers(step.account) for limit in plan.limits.every())


def _dollars(plan: Plan) -> RushesError | None:
    bare = [s for s in payable(plan) if s.price.known and s.price.usd is None]
    if not bare or all(limit.usd is None for limit in plan.limits.every()):
        return None
    return UserError(
        f"a cap is in dollars, and what a credit of {bare[0].account} costs is not known.",
        f"Write usd_per_credit for {bare[0].provider} into the configuration, or give the cap in credits.",
    )


def agreed(
    desk: Desk,
    house: House,
    consent: Consent | None,
    ledger: Ledger | None = None,
    tell: Callable[[str], None] | None = None,
) -> Desk:
    """The desk as far as the user agrees to it. Raises `DecisionNeeded`, `OverBudget`, `UserError`.

    Balances that are asked are kept in the `ledger`, and `tell` hears what they say that it does not.
    """
    if undecided := unpicked(desk):
        raise undecided
    desk = _followed(desk, house, consent)
    refusal = verdict(desk, house)
    if refusal:
        raise refusal
    _check_accounts(desk, house, ledger, tell)
    names = sorted({step.account for step in payable(desk.plan)})
    if not names:
        return desk
    if desk.wants.yes:
        for step in payable(desk.plan):
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
    found |= {one.account for one in plan.fallbacks() if not one.denied}
    return found | {s.work.account for s in plan.doing() if isinstance(s.work, Upload) and s.work.account}


def _check_accounts(desk: Desk, house: House, ledger: Ledger | None, tell: Callable[[str], None] | None) -> None:
    """Raises `UserError` for a key that is missing or refused, `OverBudget` for a balance that is known to be short."""
    names = asked(desk.plan) - house.wires.keys()
    if not names:
        return
    accounts = {account.identity: account for account in house.accounts().values()}
    for name in sorted(names):
        if name not in accounts:
            jobs = ", ".join(step.id for step in desk.plan.doing() if step.account == name)
            raise UserError(
                f"the account {name} is not in the configuration any more, and it has {jobs}.",
                "Declare it there again, with its key, until what it was sent has come back.",
            )
        key(accounts[name], house.environ)
    needed = {name: most for name, most in desk.plan.totals().credits.items() if most and name in names}
    with telling(f"Asking what is left: {', '.join(needed)}", tell):
        left = anyio.run(look, house, ledger, tuple(needed)) if ledger else anyio.run(balances, house, tuple(needed))
    if ledger and tell:
        tell_unseen(ledger, left, tell)
    for name, most in needed.items():
        found = left.get(name)
        if isinstance(found, AccountRefused):
            raise UserError(found.fact, found.hint)
        if isinstance(found, Decimal) and found < most and desk.plan.limits.on_exceed == "refuse":
            raise OverBudget(
                f"{name} has {text(found)} credits left, and this run may take {text(most)}.",
                "Buy credits, make fewer shots with --only, or set `on_exceed: stop` to make what there is for.",
            )


@contextmanager
def telling(said: str, tell: Callable[[str], None] | None, *, after_seconds: float = _SILENT_SECONDS) -> Iterator[None]:
    """Tells what the block waits for, where it lasts."""
    slow = threading.Timer(after_seconds, tell or (lambda _: None), [said])
    slow.daemon = True
    slow.start()
    try:
        yield
    finally:
        slow.cancel()
