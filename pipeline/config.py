"""The user's own settings: read from one TOML file that only the user writes, never from beside a recipe.

Secrets are never in it. Every value remembers where it comes from, for `rushes config`.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline import money
from pipeline.errors import UserError
from pipeline.recipe.model import Budget, Caps

DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What holds for every recipe. `origins` names for each setting the file it stands in, or `default`."""

    path: Path | None = None  # the file that was read
    time_zone: str = "UTC"
    budget: Budget | None = None
    widths: Mapping[str, int] = field(default_factory=dict)  # provider -> tasks in flight
    poll_seconds: Mapping[str, Decimal] = field(default_factory=dict)
    usd_per_credit: Mapping[str, Decimal] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)

    def rows(self) -> list[tuple[str, str, str]]:
        """(setting, value, where it comes from), for people."""
        rows = [("time_zone", self.time_zone, self.origins.get("time_zone", DEFAULT))]
        if self.budget:
            for scope, caps in (("run", self.budget.run), ("shot", self.budget.shot)):
                if caps.usd is not None:
                    rows.append((f"budget.{scope}.usd", money.text(caps.usd), self.origins["budget"]))
                if caps.bare is not None:
                    rows.append((f"budget.{scope}.credits", money.text(caps.bare), self.origins["budget"]))
                for account, most in (caps.credits or {}).items():
                    rows.append((f"budget.{scope}.credits.{account}", money.text(most), self.origins["budget"]))
        tables: tuple[tuple[str, Mapping[str, int | Decimal]], ...] = (
            ("concurrency", self.widths),
            ("poll_seconds", self.poll_seconds),
            ("usd_per_credit", self.usd_per_credit),
        )
        for name, values in tables:
            for provider, value in values.items():
                setting = f"providers.{provider}.{name}"
                rows.append((setting, f"{value}", self.origins[f"providers.{provider}"]))
        return rows


def default_path() -> Path:
    """Where the configuration lies where nobody names another: the platform's folder for it."""
    import platformdirs  # 15 ms that `--help` need not pay

    return Path(platformdirs.user_config_dir("rushes", appauthor=False)) / "config.toml"


def load(environ: Mapping[str, str], providers: Collection[str]) -> Config:
    """The configuration named by RUSHES_CONFIG, else the platform's; defaults where there is none.

    Raises `UserError` for a file that is named and missing, that is no TOML, or that says what nobody understands.
    """
    named = environ.get("RUSHES_CONFIG")
    path = Path(named) if named else default_path()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named:
            raise UserError(
                f"RUSHES_CONFIG names {path}, which does not exist.", "Make the file, or unset RUSHES_CONFIG."
            ) from None
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"the configuration {path} cannot be read: {_cause(error)}.", "See to the file, then try again."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"the configuration {path} is not TOML: {error}.", "Mend that line, then try again.") from None
    return _Reader(path, providers).read(data)


def _cause(error: OSError | UnicodeDecodeError) -> str:
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)


class _Reader:
    """Turns the tables of one file into a `Config`; every fault names the file and the setting."""

    def __init__(self, path: Path, providers: Collection[str]) -> None:
        self.path = path
        self.providers = providers

    def read(self, data: Mapping[str, Any]) -> Config:
        self._known(data, ("time_zone", "budget", "providers"), "")
        origins = {name: str(self.path) for name in ("time_zone", "budget") if name in data}
        widths: dict[str, int] = {}
        polls: dict[str, Decimal] = {}
        rates: dict[str, Decimal] = {}
        for name in self._table(data, "providers"):
            self._known({name: 0}, tuple(self.providers), "providers.")
            where = f"providers.{name}"
            origins[where] = str(self.path)
            table = self._table(data["providers"], name, "providers.")
            self._known(table, ("concurrency", "poll_seconds", "usd_per_credit"), f"{where}.")
            if "concurrency" in table:
                widths[name] = self._width(table["concurrency"], f"{where}.concurrency")
            if "poll_seconds" in table:
                polls[name] = self._amount(table["poll_seconds"], f"{where}.poll_seconds")
            if "usd_per_credit" in table:
                rates[name] = self._amount(table["usd_per_credit"], f"{where}.usd_per_credit")
        return Config(
            path=self.path,
            time_zone=self._zone(data.get("time_zone", "UTC")),
            budget=self._budget(self._table(data, "budget")) if "budget" in data else None,
            widths=widths,
            poll_seconds=polls,
            usd_per_credit=rates,
            origins=origins,
        )

    def _fault(self, setting: str, fact: str, hint: str) -> UserError:
        return UserError(f"{self.path}: {setting} {fact}", hint)

    def _known(self, table: Mapping[str, Any], names: tuple[str, ...], prefix: str) -> None:
        for name in table:
            if name not in names:
                near = difflib.get_close_matches(name, names, n=1)
                hint = f"Did you mean {prefix}{near[0]}?" if near else f"Known here: {', '.join(names)}."
                raise self._fault(f"{prefix}{name}", "is not a setting.", hint)

    def _table(self, data: Mapping[str, Any], name: str, prefix: str = "") -> Mapping[str, Any]:
        value = data.get(name, {})
        if not isinstance(value, dict):
            raise self._fault(f"{prefix}{name}", "must be a table.", f"Write it as [{prefix}{name}].")
        return value

    def _zone(self, value: object) -> str:
        try:
            return ZoneInfo(value if isinstance(value, str) else "").key
        except (OSError, ValueError, ZoneInfoNotFoundError):
            raise self._fault(
                "time_zone", f"is {value!r}, which is no time zone.", 'Write one like "Europe/Berlin".'
            ) from None

    def _width(self, value: object, setting: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1000:
            raise self._fault(setting, f"is {value!r}.", "Give a whole number from 1 to 1000.")
        return value

    def _amount(self, value: object, setting: str) -> Decimal:
        try:
            return money.amount(str(value) if isinstance(value, float) else value)
        except ValueError as error:
            raise self._fault(setting, f"is not understood: {error}", "Give a number of zero or more.") from None

    def _budget(self, table: Mapping[str, Any]) -> Budget:
        self._known(table, ("run", "shot"), "budget.")
        caps = {scope: self._caps(self._table(table, scope, "budget."), f"budget.{scope}") for scope in table}
        return Budget(run=caps.get("run", Caps()), shot=caps.get("shot", Caps()))

    def _caps(self, table: Mapping[str, Any], setting: str) -> Caps:
        self._known(table, ("usd", "credits"), f"{setting}.")
        usd = self._amount(table["usd"], f"{setting}.usd") if "usd" in table else None
        credits = table.get("credits")
        if isinstance(credits, dict):
            named = {name: self._amount(most, f"{setting}.credits.{name}") for name, most in credits.items()}
            return Caps(usd=usd, credits=named)
        return Caps(usd=usd, bare=None if credits is None else self._amount(credits, f"{setting}.credits"))
