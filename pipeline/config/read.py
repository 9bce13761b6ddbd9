"""Turns the tables of the user's file into a `Config`, whose publishing is a matter of the environment too."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.config.model import AccountSettings, Config, NaciSettings
from pipeline.config.table import Table, nearest
from pipeline.providers import catalog, naci
from pipeline.recipe.model import SCOPES, Budget, Caps, Origin

MOST_POLL = 3600  # seconds
MOST_JOB = 604_800  # seconds: a week
SETTINGS = ("time_zone", "budget", "providers", "accounts", "publish", "timeouts")
OF_NACI = ("models", "prices", "data_urls", "mainline")
# WHY: many a key would pass as the name of a variable in small letters, and would then be shown to people as one.
KEY_ENV = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")
ACCOUNT = re.compile(r"[A-Za-z0-9_-]{1,100}")
_KEY_ENV_HINT = 'Name the variable that holds the key, in capitals: key_env = "AGENCY_SEEGEN_KEY". '
_KEY_ENV_HINT += "The key itself stays in the environment."


def read(file: Table, providers: Collection[str]) -> Config:
    """The settings of a file, but for publishing. Raises `UserError` for the first that nobody understands."""
    file.known(SETTINGS)
    found: dict[str, Any] = {"time_zone": _zone(file)}
    if "budget" in file:
        found["budget"] = _budget(file.table("budget"))
    found |= _providers(file.table("providers"), providers)
    accounts = file.table("accounts")
    found["accounts"] = {name: _account(accounts, name, providers) for name in accounts.data}
    timeouts = file.table("timeouts")
    timeouts.known(("video_seconds", "upscale_seconds"))
    found |= {name: float(timeouts.seconds(name, MOST_JOB)) for name in timeouts.data}
    return Config(path=file.path, origins=file.origins, **found)


def _zone(file: Table) -> str:
    value = file.data.get("time_zone", "UTC")
    try:
        key = ZoneInfo(value if isinstance(value, str) else "").key
    except (OSError, ValueError, ZoneInfoNotFoundError):
        raise file.fault(
            "time_zone", f"is {value!r}, which is no time zone.", 'Write one like "Europe/Berlin".'
        ) from None
    if "time_zone" in file:
        file.note("time_zone")
    return key


def _providers(tables: Table, providers: Collection[str]) -> dict[str, Any]:
    tables.known(tuple(providers))
    widths: dict[str, int] = {}
    polls: dict[str, Decimal] = {}
    rates: dict[str, Decimal] = {}
    editions: dict[str, str] = {}
    gateway: NaciSettings | None = None
    for name in tables.data:
        table = tables.table(name)
        own = (*(("edition",) if name in catalog.EDITIONS else ()), *(OF_NACI if name == naci.NAME else ()))
        table.known(("concurrency", "poll_seconds", "usd_per_credit", *own))
        if "concurrency" in table:
            widths[name] = table.whole("concurrency", 1, 1000)
        if "poll_seconds" in table:
            polls[name] = table.seconds("poll_seconds", MOST_POLL)
        if "usd_per_credit" in table:
            rates[name] = table.amount("usd_per_credit")
        if "edition" in table:
            editions[name] = _edition(table, tuple(catalog.EDITIONS[name]), name)
        if name == naci.NAME and any(setting in table for setting in OF_NACI):
            gateway = _naci(table)
    return {"widths": widths, "poll_seconds": polls, "usd_per_credit": rates, "editions": editions, "naci": gateway}


def _edition(table: Table, editions: Collection[str], provider: str) -> str:
    value = table.text("edition", f"Known here: {', '.join(editions)}.")
    if value not in editions:
        raise table.fault("edition", f"is {value!r}, which is no edition of {provider}.", nearest(value, editions))
    return value


def _naci(table: Table) -> NaciSettings:
    names = table.table("models")
    names.known(catalog.MODELS)
    models = {name: names.text(name, 'Write the service\'s own name, as in "sd2.0".') for name in names.data}
    dotted = ' A name with a dot in it stands in quotes: {"sd2.0" = {720p = 18}}.'
    prices: dict[str, dict[str, Decimal]] = {}
    books = table.table("prices")
    page = naci.page(models=models)
    for own in books.data:
        if own in page.models and own not in page.models.values():
            hint = f"Prices go by the service's own name, and {own} is {page.models[own]} there."
            raise books.fault(own, "is no name of the service's.", hint)
        book = books.table(own)
        book.known(naci.RESOLUTIONS, dotted)
        prices[own] = {resolution: book.amount(resolution) for resolution in book.data}
    return NaciSettings(
        models=models,
        prices=prices,
        data_urls=table.switch("data_urls", default=True),
        mainline=table.switch("mainline", default=False),
    )


def _account(accounts: Table, name: str, providers: Collection[str]) -> AccountSettings:
    if not ACCOUNT.fullmatch(name):
        raise accounts.fault(f'"{name}"', "is no name for an account.", "Use letters, digits, - and _; at most 100.")
    if name == "usd":
        raise accounts.fault(name, "would be taken for dollars.", "Give the account another name.")
    table = accounts.table(name)
    table.known(("provider", "key_env", "budget"))
    services = tuple(provider for provider in catalog.SERVICES if provider in providers)
    provider = table.text("provider", f"Name the service: {', '.join(services)}.")
    if provider not in services:
        raise table.fault("provider", f"is {provider!r}, which is no service.", nearest(provider, services))
    if name != provider and name in {*providers, *catalog.LOCAL, *catalog.SERVICES}:
        fact = f"is an account of {provider}, and {name} is another provider."
        raise accounts.fault(name, fact, "Give the account another name.")
    key_env = table.text("key_env", _KEY_ENV_HINT)
    if not KEY_ENV.fullmatch(key_env):
        raise table.fault("key_env", "is no name of an environment variable.", _KEY_ENV_HINT)
    budget = _budget(table.table("budget"), one_account=True) if "budget" in table else None
    return AccountSettings(provider=provider, key_env=key_env, budget=budget)


def _budget(table: Table, *, one_account: bool = False) -> Budget:
    table.known(SCOPES)
    caps: dict[str, Any] = {scope: (_own_caps if one_account else _caps)(table.table(scope)) for scope in table.data}
    return Budget(**caps)


def _caps(table: Table) -> Caps:
    table.known(("usd", "credits"))
    usd = table.amount("usd") if "usd" in table else None
    if isinstance(table.data.get("credits"), dict):
        credits = table.table("credits")
        named = {name: credits.amount(name) for name in credits.data}
        return Caps(usd=usd, credits=named, origins=_origins(table) | {name: _origin(credits, name) for name in named})
    return Caps(usd=usd, bare=table.amount("credits") if "credits" in table else None, origins=_origins(table))


def _origins(table: Table) -> dict[str, Origin]:
    """Where the caps of a scope are written, as `Caps.origins` has it."""
    return {"usd": _origin(table, "usd"), "": _origin(table, "credits")}


def _origin(table: Table, name: str) -> Origin:
    return Origin(source="configuration", place=str(table.path), name=table.setting(name))


def _own_caps(table: Table) -> Caps:
    """The caps of one account, in credits: dollars are counted over all accounts together."""
    if "usd" in table:
        hint = "Cap its credits here, and dollars for all accounts together in [budget]."
        raise table.fault("usd", "is not for one account.", hint)
    table.known(("credits",))
    if isinstance(table.data.get("credits"), dict):
        raise table.fault("credits", "names accounts inside one.", "Give a bare number: credits = 5000.")
    return Caps(bare=table.amount("credits") if "credits" in table else None, origins=_origins(table))
