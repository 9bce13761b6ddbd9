"""`rushes providers`: who can do what, for how much, whose key is set, and on demand how each account stands."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline import money, purse
from pipeline.accounts import Account, key
from pipeline.cli.console import Console
from pipeline.config.table import nearest
from pipeline.desk import House, workspace_of
from pipeline.errors import StoreError, UserError
from pipeline.providers.base import Service
from pipeline.providers.catalog import EDITIONS
from pipeline.providers.standing import Open, Standing, Verdict, standings
from pipeline.report.abilities import abilities
from pipeline.report.legible import line
from pipeline.report.providers import FORMATS, AccountRow, Answer, ProviderRow
from pipeline.store import workspace
from pipeline.store.ledger import Ledger

NO_KEY = "no key"


def providers(
    given: argparse.Namespace, house: House, _console: Console, show: Callable[[str], None], width: int
) -> int:
    """Shows the providers named, or all; with `--check` how their accounts stand: 1 where one does not as it should.

    Raises `UserError` for a name that is none, and with `--check` for one of whose accounts no key is set.
    """
    chosen = _chosen(given.names, house)
    rows = [_row(name, accounts, house) for name, accounts in chosen.items()]
    if given.check:
        rows = _checked(rows, given.names, house)
    show(FORMATS[given.format](rows, width, checked=given.check))
    answers = [account.answer for row in rows for account in row.accounts if account.answer]
    return 1 if any(answer.good is False for answer in answers) else 0


def _chosen(names: Sequence[str], house: House) -> dict[str, list[Account]]:
    """Providers with the accounts that are meant: a provider's name means all of its accounts."""
    accounts = house.accounts()
    of = {name: [one for one in accounts.values() if one.provider == name] for name in house.providers}
    if not names:
        return of
    for name in names:
        if name not in of and name not in accounts:
            known = tuple(dict.fromkeys([*of, *accounts]))
            raise UserError(f"{name} is no provider and no account.", nearest(name, known))
    meant = {name: [one for one in of[name] if name in names or one.name in names] for name in of}
    return {name: ones for name, ones in meant.items() if ones or name in names}


def _row(name: str, accounts: Sequence[Account], house: House) -> ProviderRow:
    page = house.providers[name]
    edition = house.config.editions.get(name) or next(iter(EDITIONS.get(name, ())), "")
    return ProviderRow(
        abilities=abilities(page, house.upscalers.get(name), house.config.usd_per_credit.get(name)),
        accounts=tuple(_account(account, house) for account in accounts),
        edition=edition,
        width=house.config.widths.get(name) or page.CONCURRENCY or house.processors,
    )


def _account(account: Account, house: House) -> AccountRow:
    return AccountRow(
        name=account.name,
        identity=account.identity,
        key_env=account.key_env,
        key_set=bool(house.environ.get(account.key_env, "").strip()),
        base=account.base,
        rehearsal=account.rehearsal,
    )


def _checked(rows: Sequence[ProviderRow], names: Sequence[str], house: House) -> list[ProviderRow]:
    """The rows with what their services say, all asked at once. Raises `UserError` for a named one without any key."""
    accounts = house.accounts()
    for name in names:
        _refuse_keyless([one for one in accounts.values() if name in (one.name, one.provider)], house)
    asked: dict[str, tuple[Service, Open]] = {}
    for one in (account for row in rows for account in row.accounts if account.key_set):
        asked[one.identity] = accounts[one.name].page, functools.partial(house.wired, [one.identity])
    before = _last_event(house)
    found = standings(asked)
    if before is not None:
        left = {name: standing.balance for name, standing in found.items()}
        with contextlib.suppress(StoreError):
            purse.keep(_ledger(house), left, at=house.clock(), asked=before)
    return [
        dataclasses.replace(
            row,
            accounts=tuple(
                dataclasses.replace(one, answer=_answer(found.get(one.identity), one, row)) for one in row.accounts
            ),
        )
        for row in rows
    ]


def _ledger(house: House) -> Path:
    """The ledger of the current folder's workspace, whether there is one or not."""
    return workspace.ledger_path(workspace_of(house))


def _last_event(house: House) -> int | None:
    """The last event of that ledger, None where there is none to keep balances in, or none that can be read."""
    path = _ledger(house)
    with contextlib.suppress(StoreError):
        if path.exists():
            with Ledger(path, read_only=True) as ledger:
                return ledger.last()
    return None


def _refuse_keyless(meant: Sequence[Account], house: House) -> None:
    """Raises `UserError` where none of these accounts has what can be a key."""
    refusal: UserError | None = None
    for account in meant:
        try:
            key(account, house.environ)
            return
        except UserError as error:
            refusal = refusal or error
    if refusal:
        raise refusal


def _answer(standing: Standing | None, account: AccountRow, row: ProviderRow) -> Answer:
    """What an account's service said, in a sentence; None stands for an account that has no key."""
    if standing is None:
        return Answer(good=None, verdict=NO_KEY, told="not asked: the key is not set")
    fact = standing.fact.removeprefix(f"{row.abilities.name}: ")
    lost = fact.removeprefix("it ") if fact.startswith("it cannot be reached") else f"cannot be reached: {fact}"
    told = {
        Verdict.GOOD: _good(standing, row.abilities.unit),
        Verdict.REFUSED: f"the key is refused: {fact} Look at {account.key_env}.",
        Verdict.UNREACHABLE: f"{lost} Look at the connection and at the base URL.",
        Verdict.AMISS: f"gives no answer that helps: {fact} Look at the base URL, or ask again later.",
        Verdict.UNASKED: "cannot be asked: its document has no free call that shows whether a key is good",
    }[standing.verdict]
    good = None if standing.verdict is Verdict.UNASKED else standing.verdict is Verdict.GOOD
    verdict = standing.verdict.value
    return Answer(good=good, verdict=verdict, told=line(told), balance=standing.balance, models=standing.models)


def _good(standing: Standing, unit: str) -> str:
    if standing.balance is not None:
        return f"{money.text(standing.balance)} {unit} left"
    models = f"; it may use {', '.join(standing.models)}" if standing.models else ""
    return f"the key is good{models}; a balance is not told"
