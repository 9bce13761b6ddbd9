"""How accounts stand at their services: the cheapest free call that shows whether a key is good, to all at once.

Nothing is bought and nothing is tried twice: whoever asks wants to know how it is now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, runtime_checkable

import anyio

from pipeline.errors import AccountRefused, ProviderError, UserError
from pipeline.providers.base import Balances, Call, Reply, Service
from pipeline.providers.remote import Wire
from pipeline.values import dataclass

PATIENCE_SECONDS = 15.0
_NOT_THE_KEY = (402, 404, 410)  # what refuses an account for its money or its address

Open = Callable[[], AbstractAsyncContextManager[Mapping[str, Wire]]]
"""Opens wires for a while; raises `UserError` for a key that can be none."""


class Verdict(StrEnum):
    """What is known of an account after it was asked."""

    GOOD = "good"
    REFUSED = "refused"  # its key
    UNREACHABLE = "unreachable"  # no answer came
    AMISS = "amiss"  # an answer came that says nothing of the account
    UNASKED = "unasked"  # its service has no free call


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The verdict on one account, with what its service told: credits left, models, or why not."""

    verdict: Verdict
    balance: Decimal | None = None
    models: tuple[str, ...] = ()
    fact: str = ""


@runtime_checkable
class Offers(Protocol):
    """A service that tells which models an account may use."""

    def models(self) -> Call:
        """The call that asks for them."""
        ...

    def models_of(self, reply: Reply) -> Mapping[str, tuple[str, ...]]:
        """Models and their resolutions. Raises `ProviderError`."""
        ...


def standings(asked: Mapping[str, tuple[Service, Open]], seconds: float = PATIENCE_SECONDS) -> dict[str, Standing]:
    """How each account stands, asked all at once and each for at most `seconds`; raises nothing of the services'."""
    return anyio.run(_all, asked, seconds)


async def _all(asked: Mapping[str, tuple[Service, Open]], seconds: float) -> dict[str, Standing]:
    found: dict[str, Standing] = {}

    async def ask(name: str, page: Service, opened: Open) -> None:
        late = f"{page.NAME}: it did not answer within {seconds:g} seconds."
        found[name] = Standing(verdict=Verdict.UNREACHABLE, fact=late)
        with anyio.move_on_after(seconds):
            found[name] = await _one(name, page, opened)

    async with anyio.create_task_group() as group:
        for name, (page, opened) in asked.items():
            group.start_soon(ask, name, page, opened)
    return {name: found[name] for name in asked}


async def _one(name: str, page: Service, opened: Open) -> Standing:
    call = page.balance() if isinstance(page, Balances) else page.models() if isinstance(page, Offers) else None
    try:
        async with opened() as wires:
            if call is None:
                return Standing(verdict=Verdict.UNASKED)
            reply = await wires[name].send(call)
    except UserError as error:
        return Standing(verdict=Verdict.REFUSED, fact=error.fact)
    except ProviderError as error:
        return Standing(verdict=Verdict.UNREACHABLE, fact=error.fact)
    return _read(page, reply)


def _read(page: Service, reply: Reply) -> Standing:
    try:
        if isinstance(page, Balances):
            return Standing(verdict=Verdict.GOOD, balance=page.balance_of(reply))
        assert isinstance(page, Offers)
        return Standing(verdict=Verdict.GOOD, models=tuple(page.models_of(reply)))
    except ProviderError as error:
        refused = isinstance(error, AccountRefused) and reply.status not in _NOT_THE_KEY and reply.status // 100 != 3
        return Standing(verdict=Verdict.REFUSED if refused else Verdict.AMISS, fact=error.fact)
