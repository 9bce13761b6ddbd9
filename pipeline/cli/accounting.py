"""`rushes ledger`: what was spent in this workspace, added up by account, day, recipe or shot."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.config.table import nearest
from pipeline.desk import House, lock_name, workspace_of
from pipeline.errors import UserError
from pipeline.plan.budget import Book, tightest
from pipeline.plan.periods import PERIODS
from pipeline.plan.room import Room, rooms
from pipeline.plan.spent import held
from pipeline.report.ledger_text import FORMATS, Asked, Beside
from pipeline.store import balances, leases, spending, workspace
from pipeline.store.ledger import Ledger


def ledger(given: argparse.Namespace, house: House, show: Callable[[str], None], width: int) -> int:
    """Shows the sums; where nothing was spent it says so.

    Raises `UserError` for what is no day, for days in the wrong order and for an account or a recipe that nobody
    knows here, `StoreError` for a workspace that cannot be read.
    """
    since, until = _day("--since", given.since), _day("--until", given.until)
    if since and until and since > until:
        raise UserError(f"--since {since} is after --until {until}.", "Put the earlier day first.")
    zone = ZoneInfo(house.config.time_zone)
    shelf = workspace.open_workspace(workspace_of(house, given.workspace), create=False)
    spent = spending.entries(shelf.ledger, at_work=_at_work(shelf))
    if since or until:
        spent = spending.within(spent, zone, since=since, until=until)
    chosen = (entry for entry in spent if given.account in ("", entry.account) and given.recipe in ("", entry.recipe))
    sums = spending.summed(chosen, given.by, zone)
    if not sums.totals:
        _refuse_unknown(given, house, shelf.ledger)
    asked = Asked(
        place=str(shelf.folder),
        time_zone=house.config.time_zone,
        since=since,
        until=until,
        account=given.account,
        recipe=given.recipe,
    )
    changes = balances.changes(shelf.ledger, given.account)
    beside = Beside(caps=tuple(_caps(given.account, house, shelf.ledger)), changes=changes)
    show(FORMATS[given.format](sums, asked, width, beside))
    return 0


def _caps(account: str, house: House, path: Path) -> Iterator[Room]:
    """What the configuration's caps by day, week and month leave now: of one account, or of all that it knows of."""
    config = house.config
    own = {name: settings.budget for name, settings in config.accounts.items() if settings.budget}
    budgets = [config.budget] if config.budget else []
    named = {name for budget in budgets for period in PERIODS for name in budget.of(period).credits or ()}
    told: set[tuple[str, str]] = set()
    with Ledger(path, read_only=True) as ledger:
        for name in sorted(spending.accounts(path) | named | own.keys()):
            if account and account != name:
                continue
            limits = tightest(budgets, [name], own, at=house.clock(), zone=config.time_zone)
            book = Book(limits)
            book.watch(held(ledger, limits, limits.at, limits.zone))
            for room in rooms(limits, book, accounts=[name]):
                if room.scope in PERIODS and (room.scope, room.unit) not in told:
                    told.add((room.scope, room.unit))
                    yield room


def _day(flag: str, said: str) -> str:
    try:
        if not said or date.fromisoformat(said).isoformat() == said:
            return said
    except ValueError:
        pass
    raise UserError(f"{flag} {said} is no date.", "Write it as 2026-11-21.")


def _at_work(shelf: workspace.Workspace) -> Callable[[str, str], bool]:
    """Whether a process holds a recipe and its output folder."""

    def at_work(recipe: str, output: str) -> bool:
        return leases.holder(shelf, lock_name(recipe, output)) is not None

    return at_work


def _refuse_unknown(given: argparse.Namespace, house: House, path: Path) -> None:
    """Raises `UserError` for a name that is neither here nor in the configuration: a slip must not look like thrift."""
    if not path.exists():
        return
    accounts = {entry.account for entry in spending.entries(path)} | house.accounts().keys()
    if given.account and given.account not in accounts:
        raise UserError(f"{given.account} is no account that was used here.", nearest(given.account, sorted(accounts)))
    with Ledger(path, read_only=True) as known:
        recipes = sorted({run.recipe for run in known.runs(plans=False)})
    if given.recipe and given.recipe not in recipes:
        raise UserError(f"no recipe {given.recipe} was run here.", nearest(given.recipe, recipes))
