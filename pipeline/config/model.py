"""The user's settings as values, and as rows for people. Knows nothing of TOML, files or the environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

from pipeline import money
from pipeline.recipe.model import SCOPES, Budget
from pipeline.values import dataclass, field

DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class NaciSettings:
    """What the naci gateway's document leaves open.

    `models` maps portable names to the service's own, `prices` its own names to resolutions to credits a second.
    """

    models: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    data_urls: bool = True  # pictures and sounds inside the request
    mainline: bool = False  # `prompt` and `metadata` too


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """A further key of a service, by the variable that holds it; `budget` caps credits of this account alone."""

    provider: str
    key_env: str
    budget: Budget | None = None  # bare credits, no dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """Where inputs are put for services that take only URLs; `base_url` is empty for links that the store signs."""

    store: str
    base_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What holds for every recipe. `origins` names for each setting that somebody made the file or variable it is in.

    A setting that is not in `origins` has its default.
    """

    path: Path | None = None  # the file that was read
    time_zone: str = "UTC"
    budget: Budget | None = None
    widths: Mapping[str, int] = field(default_factory=dict)  # provider -> tasks in flight
    poll_seconds: Mapping[str, Decimal] = field(default_factory=dict)
    usd_per_credit: Mapping[str, Decimal] = field(default_factory=dict)
    editions: Mapping[str, str] = field(default_factory=dict)  # provider -> edition of its document
    naci: NaciSettings | None = None
    accounts: Mapping[str, AccountSettings] = field(default_factory=dict)  # by name; the services' own are not in it
    publish: Publish | None = None
    video_seconds: float = 2700.0  # how long a clip or still may take before its job is given up
    upscale_seconds: float = 14400.0
    origins: Mapping[str, str] = field(default_factory=dict)

    def rows(self) -> list[tuple[str, str, str]]:
        """(setting, value, where it comes from), for people: the time zone, and whatever else somebody has set."""
        found = [("time_zone", self.time_zone), *_of_budget("budget", self.budget), *self._of_providers()]
        for name, account in self.accounts.items():
            found += [(f"accounts.{name}.provider", account.provider), (f"accounts.{name}.key_env", account.key_env)]
            found += _of_budget(f"accounts.{name}.budget", account.budget)
        if self.publish:
            found.append(("publish.store", self.publish.store))
            if self.publish.base_url:
                found.append(("publish.base_url", self.publish.base_url))
        for setting, seconds in (("video_seconds", self.video_seconds), ("upscale_seconds", self.upscale_seconds)):
            if f"timeouts.{setting}" in self.origins:
                found.append((f"timeouts.{setting}", f"{seconds:g}"))
        return [(setting, value, self.origins.get(setting, DEFAULT)) for setting, value in found]

    def _of_providers(self) -> Iterator[tuple[str, str]]:
        tables: tuple[tuple[str, Mapping[str, int | Decimal | str]], ...] = (
            ("concurrency", self.widths),
            ("poll_seconds", self.poll_seconds),
            ("usd_per_credit", self.usd_per_credit),
            ("edition", self.editions),
        )
        for name, values in tables:
            for provider, value in values.items():
                yield f"providers.{provider}.{name}", f"{value}"
        if self.naci:
            for portable, own in self.naci.models.items():
                yield f"providers.naci.models.{portable}", own
            for own, prices in self.naci.prices.items():
                for resolution, credits in prices.items():
                    yield f"providers.naci.prices.{own}.{resolution}", money.text(credits)
            for name, switch in (("data_urls", self.naci.data_urls), ("mainline", self.naci.mainline)):
                if f"providers.naci.{name}" in self.origins:
                    yield f"providers.naci.{name}", f"{switch}".lower()


def _of_budget(setting: str, budget: Budget | None) -> Iterator[tuple[str, str]]:
    if budget is None:
        return
    for scope in SCOPES:
        caps = budget.of(scope)
        if caps.usd is not None:
            yield f"{setting}.{scope}.usd", money.text(caps.usd)
        if caps.bare is not None:
            yield f"{setting}.{scope}.credits", money.text(caps.bare)
        for account, most in (caps.credits or {}).items():
            yield f"{setting}.{scope}.credits.{account}", money.text(most)
