"""Whose credits are spent, and where: the user's accounts at the services, as configuration and environment have them.

Nothing here looks at a key before a call is to be made, and nothing ever shows one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline.config import Config
from pipeline.errors import UserError
from pipeline.providers import catalog, naci
from pipeline.providers.address import REHEARSAL as REHEARSAL
from pipeline.providers.address import base_url, is_loopback
from pipeline.providers.base import LocalPage, RemotePage, Service, as_service
from pipeline.values import dataclass

if TYPE_CHECKING:
    from pipeline.providers.http import HttpWire


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One key of one service, by the variable that holds it; `base` is empty where the document's address holds."""

    name: str
    provider: str
    page: Service
    key_env: str
    base: str = ""

    @property
    def rehearsal(self) -> bool:
        """Whether the service stands on this machine, so that no real money is spent."""
        return bool(self.base) and is_loopback(urlsplit(self.base).hostname or "")

    @property
    def identity(self) -> str:
        """The name under which money and results are kept: a rehearsal's are never those of the real account."""
        return f"{self.name}{REHEARSAL}" if self.rehearsal else self.name


def pages(config: Config) -> dict[str, LocalPage | RemotePage]:
    """Every provider by name, as this user has set it up: what is local first, then the services."""
    found: dict[str, LocalPage | RemotePage] = {**catalog.LOCAL, **catalog.SERVICES}
    for provider, edition in config.editions.items():
        found[provider] = catalog.EDITIONS[provider][edition]
    rate = config.usd_per_credit.get(naci.NAME)
    if config.naci:
        found[naci.NAME] = naci.page(
            models=config.naci.models,
            prices=config.naci.prices,
            usd_per_credit=rate,
            data_urls=config.naci.data_urls,
            mainline=config.naci.mainline,
        )
    elif rate is not None:
        found[naci.NAME] = naci.page(usd_per_credit=rate)
    return found


def accounts(
    config: Config, environ: Mapping[str, str], pages: Mapping[str, LocalPage | RemotePage]
) -> dict[str, Account]:
    """The accounts by name: one for each service, named like it, and those of the configuration.

    Raises `UserError` for a base URL in the environment that is none, naming its variable, and for an account of a
    provider that is not among `pages`.
    """
    services = {name: service for name, page in pages.items() if (service := as_service(page))}
    bases = {name: _base(page, environ) for name, page in services.items()}
    found = {
        name: Account(name=name, provider=name, page=page, key_env=page.KEY_ENV, base=bases[name])
        for name, page in services.items()
    }
    for name, settings in config.accounts.items():
        provider = settings.provider
        if provider not in services:
            known = f"Known here: {', '.join(services)}." if services else ""
            raise UserError(f"the account {name} is one of {provider}, which is no service here.", known)
        page, base = services[provider], bases[provider]
        found[name] = Account(name=name, provider=provider, page=page, key_env=settings.key_env, base=base)
    return found


def _base(page: Service, environ: Mapping[str, str]) -> str:
    value = environ.get(page.BASE_URL_ENV, "").strip()
    return base_url(value, page.BASE_URL_ENV) if value else ""


def configured(accounts: Mapping[str, Account], environ: Mapping[str, str]) -> frozenset[str]:
    """The names of the accounts whose key is set, whatever it is, and of those at a rehearsal."""
    return frozenset(
        name for name, account in accounts.items() if account.rehearsal or environ.get(account.key_env, "").strip()
    )


def key(account: Account, environ: Mapping[str, str]) -> str:
    """The account's key, without blanks around it. Raises `UserError` that names the variable and never its value."""
    found = environ.get(account.key_env, "").strip()
    whose = account.name if account.name == account.provider else f"{account.name} at {account.provider}"
    if not found:
        hint = f"Set {account.key_env} to the account's key; `--preview` draws every shot here, without one."
        raise UserError(f"{account.key_env} is not set: without it nothing can be asked of {whose}.", hint)
    if not found.isascii() or not found.isprintable() or " " in found:
        hint = f"Set {account.key_env} anew: to the key alone, as the service shows it."
        raise UserError(f"{account.key_env} holds what can be no key of {whose}.", hint)
    return found


def open_wire(account: Account, environ: Mapping[str, str], *, poll_seconds: float | None = None) -> HttpWire:
    """The wire on this account's behalf; polls start every `poll_seconds`, by default as fits the service.

    Raises `UserError` as `key` does.
    """
    from pipeline.providers.http import HttpWire  # httpx: 60 ms that a plan need not pay

    return HttpWire(account.page, key(account, environ), base=account.base, poll_seconds=poll_seconds)
