"""What accounts have left: asked of their services, kept in the ledger, and compared with what this ledger spent."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from pathlib import Path

import anyio

from pipeline.desk import House
from pipeline.errors import ProviderError, RushesError, StoreError
from pipeline.providers import answers
from pipeline.providers.base import Balances
from pipeline.report.caps import unseen, unseen_json
from pipeline.store import balances as kept
from pipeline.store.ledger import Ledger

AFTERWARDS_SECONDS = 5.0
"""How long a balance is waited for once a run has ended: nothing depends on it."""

Left = Mapping[str, Decimal | ProviderError]


async def balances(house: House, names: Collection[str]) -> Left:
    """What each of these accounts has left, or why that is not known; those whose service tells none are left out."""
    found: dict[str, Decimal | ProviderError] = {}
    every: dict[str, object] = {account.identity: account.page for account in house.accounts().values()}
    pages: dict[str, Balances] = {}
    for name in names:
        if isinstance(page := every.get(name), Balances):
            pages[name] = page
    if not pages:
        return found

    async def ask(name: str, page: Balances) -> None:
        try:
            reply = await wires[name].send(page.balance())
            found[name] = answers.read(name, "other", page.balance_of, reply)
        except ProviderError as error:
            found[name] = error

    async with house.wired(pages) as wires, anyio.create_task_group() as group:
        for name in pages.keys() & wires.keys():
            group.start_soon(ask, name, pages[name])
    return found


async def look(house: House, ledger: Ledger, names: Collection[str]) -> Left:
    """As `balances`, and what was told is kept in the ledger. Raises `StoreError`."""
    asked = ledger.last()
    found = await balances(house, names)
    keep(ledger.path, found, at=house.clock(), asked=asked)
    return found


def keep(path: Path, found: Mapping[str, object], *, at: str, asked: int) -> None:
    """Keeps the amounts among these in the ledger at `path`. Raises `StoreError`."""
    for name, left in found.items():
        if isinstance(left, Decimal):
            kept.keep(path, name, left, at=at, asked=asked)


def look_afterwards(house: House, ledger: Ledger, names: Collection[str]) -> None:
    """Asks what accounts have left once their work is done; that it cannot be had is no error."""

    async def within() -> None:
        with anyio.move_on_after(AFTERWARDS_SECONDS):
            await look(house, ledger, names)

    with contextlib.suppress(RushesError):
        if names:
            anyio.run(within)


def tell_unseen(ledger: Ledger, left: Left, tell: Callable[[str], None]) -> None:
    """Tells what the newest balances say that this ledger does not; nothing where it cannot be read."""
    for name in sorted(left):
        with contextlib.suppress(StoreError):
            last = kept.latest(ledger.path, name)
            for said in unseen(map(unseen_json, kept.changes(ledger.path, name, since=last.at) if last else ())):
                tell(f"{said}.")
