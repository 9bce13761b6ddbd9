"""The book of one run's money: what is reserved, charged and held, against its limits. Pure: no clock, no disk.

The drawing board tries a plan on such a book, and the workshop keeps the real one, so both say the same. The rule is
one line: reserved + charged + held + asked never exceeds a limit, in credits or dollars, for the run or for one take.
Days, weeks and months are over every run: a plan is tried on what the ledger says of them, and a run claims (engine).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from pipeline.errors import UserError
from pipeline.money import ZERO, text
from pipeline.plan.periods import PERIODS, local, span
from pipeline.providers.address import REHEARSAL
from pipeline.recipe.model import Budget, Caps, OnExceed, Origin
from pipeline.values import dataclass, field

RUN = "run"
"""The scope of a whole run, beside those of single takes."""


SHOT = "shot"
"""The scope of caps for one take, whichever it is."""

_WHOSE = {RUN: "the run", **PERIODS}


def scope_of(take: str) -> str:
    """The scope of one take, by its id."""
    return f"the shot {take}" if take in _WHOSE else take  # a shot may well be called so


def dollars_of(account: str) -> str:
    """The unit of the dollars of an account over several runs: those of rehearsals are never added to real ones."""
    return f"usd{REHEARSAL}" if account.endswith(REHEARSAL) else "usd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Upper amounts of one scope: dollars, and credits by account. What is not named has no limit."""

    usd: Decimal | None = None
    credits: Mapping[str, Decimal] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.usd is not None or bool(self.credits)

    def covers(self, account: str) -> bool:
        """Whether spending on this account is limited at all."""
        return self.usd is not None or account in self.credits


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One cap as somebody wrote it: the tightest of those for a scope and a unit holds, and all of them must be kept.

    `scope` is "run", "shot" or a period, `unit` an account or "usd".
    """

    scope: str
    unit: str
    most: Decimal
    origin: Origin | None = None  # None: nobody said


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a run, of one take in it, and of all runs in a day, week or month; and what to do at one."""

    run: Limit = Limit()
    take: Limit = Limit()
    windows: Mapping[str, Limit] = field(default_factory=dict)  # by period; one that limits nothing is not in it
    on_exceed: OnExceed = "refuse"
    given: tuple[Given, ...] = field(default=(), compare=False, repr=False)  # the caps that they are the tightest of
    at: str = field(default="", compare=False)  # the moment that says which day, week and month it is: ISO, UTC
    zone: str = field(default="UTC", compare=False)

    def every(self) -> tuple[Limit, ...]:
        """All of them."""
        return (self.run, self.take, *self.windows.values())

    def of(self, scope: str) -> Limit:
        """Those of "run", "shot" or a period."""
        return self.run if scope == RUN else self.take if scope == SHOT else self.windows.get(scope, Limit())

    def until(self, scope: str) -> str:
        """When the present day, week or month ends, as people read it; empty for a run and a take."""
        return local(span(scope, self.at, self.zone)[1], self.zone) if self.at and scope in PERIODS else ""

    def origin(self, scope: str, unit: str) -> Origin | None:
        """Where the tightest cap of a scope in a unit was written, as far as that is known."""
        there = (cap for cap in self.given if (cap.scope, cap.unit) == (scope, unit))
        cap = min(there, key=lambda one: one.most, default=None)
        return cap.origin if cap else None


def tightest(
    budgets: Iterable[Budget],
    paying: Iterable[str],
    of_accounts: Mapping[str, Budget] = MappingProxyType({}),
    *,
    idle: Collection[str] = (),
    at: str = "",
    zone: str = "UTC",
) -> Limits:
    """The limits that keep every one of `budgets` for the accounts that pay, and those of single accounts for them.

    An account that a map of credits does not name gets none. A rehearsal goes by the name of its account, both in a
    map that does not name itself and in `of_accounts`, whose budgets are in credits. Raises `UserError` for a bare
    number of credits in `budgets` where several accounts pay; those that are `idle` have paid before, and pay nothing
    now, so that it is not theirs. `on_exceed` is the first budget's.
    """
    accounts = sorted(paying)
    whole = list(budgets)
    own = {name: of_accounts[real] for name in accounts if (real := name.removesuffix(REHEARSAL)) in of_accounts}
    given: list[Given] = []
    for scope in (RUN, SHOT, *PERIODS):
        caps = [budget.of(scope) for budget in whole]
        given += _given(scope, caps, accounts, {n: own[n].of(scope) for n in own}, frozenset(idle))
    windows = {period: _tightest(given, period) for period in PERIODS}
    return Limits(
        run=_tightest(given, RUN),
        take=_tightest(given, SHOT),
        windows={period: limit for period, limit in windows.items() if limit},
        on_exceed=whole[0].on_exceed if whole else "refuse",
        given=tuple(given),
        at=at,
        zone=zone,
    )


def _tightest(given: Iterable[Given], scope: str) -> Limit:
    most: dict[str, Decimal] = {}
    for cap in given:
        if cap.scope == scope:
            most[cap.unit] = min(cap.most, most.get(cap.unit, cap.most))
    usd = most.pop("usd", None)
    return Limit(usd=usd, credits=most)


def _given(
    scope: str, caps: Iterable[Caps], accounts: list[str], own: Mapping[str, Caps], idle: Collection[str]
) -> Iterator[Given]:
    """Every cap of a scope, for the accounts that pay. Raises `UserError`."""
    payers = [account for account in accounts if account not in idle]
    for cap in caps:
        if cap.usd is not None:
            yield Given(scope=scope, unit="usd", most=cap.usd, origin=cap.origins.get("usd"))
        if cap.bare is not None and len(payers) > 1:
            named, bare = payers[0].removesuffix(REHEARSAL), f"{cap.bare.normalize():f}"
            flag = f"--max-credits {named}={bare}, or " if scope == RUN else ""
            raise UserError(
                f"a cap of {text(cap.bare)} credits does not say whose: {', '.join(payers)} all pay.",
                f"Name the account: {flag}credits: {{{named}: {bare}}} in YAML.",
            )
        for account in accounts if cap.bare is None else payers or accounts:
            yield from _for(account, scope, cap)
    for account, cap in own.items():
        if cap.usd is not None:
            raise ValueError(f"the budget of {account} alone is in credits, not in dollars.")
        yield from _for(account, scope, cap)


def _for(account: str, scope: str, cap: Caps) -> Iterator[Given]:
    """What a cap says of one account's credits, if anything."""
    if cap.bare is not None:
        yield Given(scope=scope, unit=account, most=cap.bare, origin=cap.origins.get(""))
    elif cap.credits is not None:
        real = account.removesuffix(REHEARSAL)
        name = next((one for one in (account, real) if one in cap.credits), "")
        origin = cap.origins.get(name)
        if origin and not name and origin.name:
            origin = dataclasses.replace(origin, name=f"{origin.name}.{real}")  # what is to be written there
        yield Given(scope=scope, unit=account, most=cap.credits[name] if name else ZERO, origin=origin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A cap that forbids an amount: which one, what it is, what is left of it, and what was asked."""

    scope: str  # "run", the take's id, or a period
    unit: str  # "usd" or the account
    cap: Decimal
    left: Decimal
    asked: Decimal
    origin: Origin | None = None
    until: str = ""  # of a period: when it ends, as people read it

    def __str__(self) -> str:
        whose = _WHOSE.get(self.scope, self.scope)
        more = "; ".join(filter(None, (str(self.origin or ""), self.until and f"until {self.until}")))
        more = f" ({more})" if more else ""
        if self.unit == "usd":
            return f"it needs ${text(self.asked)}; of ${text(self.cap)} for {whose}, ${text(self.left)} is left{more}"
        if not self.cap:
            none = f"the budget for {whose} gives {self.unit} none{more}"
            return f"it needs {text(self.asked)} {self.unit} credits, and {none}"
        return (
            f"it needs {text(self.asked)} {self.unit} credits; "
            f"of {text(self.cap)} for {whose}, {text(self.left)} are left{more}"
        )


class _Entry(NamedTuple):
    take: str
    account: str
    credits: Decimal
    usd: Decimal
    state: str  # reserved, settled, released
    priced: bool = True
    held: bool = False  # the sums of days, weeks and months have it from elsewhere


class Book:
    """Entries by (step, attempt), each reserved once and ending settled, released, or held as it was reserved."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._entries: dict[tuple[str, int], _Entry] = {}
        self._sums: dict[tuple[str, str], Decimal] = {}
        self.overrun: set[str] = set()  # accounts that charged more than was reserved
        self._watched: tuple[str, ...] = ()

    def watch(self, held: Mapping[tuple[str, str], Decimal]) -> None:
        """Keeps to the limits of days, weeks and months too from now on.

        `held` is what every run, this one included, has reserved and spent in the present ones: by period, and by
        account or the unit that `dollars_of` names.
        """
        self._watched = tuple(self.limits.windows)
        self._sums = {name: value for name, value in self._sums.items() if name[0] not in PERIODS}
        self._sums |= {name: value for name, value in held.items() if name[0] in self._watched}

    def sum(self, scope: str, unit: str) -> Decimal:
        """What counts against a cap: `scope` is "run", a take's id or a period, `unit` an account or its dollars."""
        return self._sums.get((scope, unit), ZERO)

    def charged(self, account: str) -> Decimal:
        """What an account was charged in the run, without what is reserved or held."""
        mine = (entry for entry in self._entries.values() if entry.account == account)
        return sum((entry.credits for entry in mine if entry.state == "settled"), ZERO)

    def takes(self, unit: str) -> list[str]:
        """The takes for which something of a unit is counted, in the order in which that began."""
        found = dict.fromkeys(entry.take for entry in self._entries.values())
        return [take for take in found if self.sum(scope_of(take), unit)]

    def deny(
        self, take: str, account: str, credits: Decimal, usd: Decimal | None, *, held: bool = False
    ) -> Denial | None:
        """The cap that forbids this amount, or None. An amount whose dollars are not known counts none.

        Where it is `held` already, the sums of days, weeks and months have it.
        """
        for kind in (RUN, SHOT, *(() if held else self._watched)):
            limit = self.limits.of(kind)
            scope = scope_of(take) if kind == SHOT else kind
            dollars = dollars_of(account) if kind in PERIODS else "usd"
            for unit, counted, most, asked in (
                (account, account, limit.credits.get(account), credits),
                ("usd", dollars, limit.usd, usd),
            ):
                before = self.sum(scope, counted)
                if most is not None and asked and before + asked > most:
                    return Denial(
                        scope=scope,
                        unit=unit,
                        cap=most,
                        left=max(ZERO, most - before),
                        asked=asked,
                        origin=self.limits.origin(kind, unit),
                        until=self.limits.until(kind),
                    )
        return None

    def why_not(self, take: str, account: str, credits: Decimal, usd: Decimal | None) -> str | None:
        """Why this amount may not be reserved, or None: a cap, or that the account has charged more than was."""
        if account in self.overrun:
            return f"{account} charged more than was reserved, so nothing more is started on it in this run"
        denial = self.deny(take, account, credits, usd)
        return None if denial is None else str(denial)

    def stops(self, account: str) -> bool:
        """Whether what may not be reserved on an account stops every account: at a cap it may, at an overrun not."""
        return self.limits.on_exceed != "skip" and account not in self.overrun

    def reserve(
        self,
        step: str,
        attempt: int,
        *,
        take: str,
        account: str,
        credits: Decimal,
        usd: Decimal | None,
        priced: bool = True,
        held: bool = False,
    ) -> None:
        """Counts an amount as reserved, whether or not it fits: ask `deny` before. A second time changes nothing.

        Where it is `held` already, the sums of days, weeks and months have it.
        """
        if (step, attempt) not in self._entries:
            entry = _Entry(
                take=take, account=account, credits=credits, usd=usd or ZERO, state="reserved", priced=priced, held=held
            )
            self._entries[step, attempt] = entry
            self._count(entry, 1)

    def release(self, step: str, attempt: int) -> None:
        """Gives a reservation back: the service certainly did not take the request."""
        entry = self._entries.get((step, attempt))
        if entry and entry.state == "reserved":
            self._count(entry, -1)
            self._entries[step, attempt] = entry._replace(state="released")

    def forget(self, step: str, attempt: int) -> None:
        """An entry that is as it was reserved was never made."""
        entry = self._entries.get((step, attempt))
        if entry and entry.state == "reserved":
            self._count(entry, -1)
            del self._entries[step, attempt]

    def settle(self, step: str, attempt: int, *, charged: Decimal, usd: Decimal | None) -> None:
        """Puts what was charged in the place of what was reserved; more than that is an overrun of the account."""
        entry = self._entries.get((step, attempt))
        if entry and entry.state == "reserved":
            settled = entry._replace(credits=charged, usd=usd or ZERO, state="settled")
            self._entries[step, attempt] = settled
            if (charged, settled.usd) == (entry.credits, entry.usd):
                return
            if charged > entry.credits and entry.priced:
                self.overrun.add(entry.account)
            self._count(entry, -1)
            self._count(settled, 1)

    def state(self, step: str, attempt: int) -> str:
        """`reserved` (also when held), `settled`, `released`, or `none`."""
        entry = self._entries.get((step, attempt))
        return entry.state if entry else "none"

    def under(self, limits: Limits) -> Book:
        """A book of its own with the same entries under these limits, but for those of days, weeks and months."""
        other = Book(limits)
        other._entries = dict(self._entries)
        other._sums = {name: value for name, value in self._sums.items() if name[0] not in PERIODS}
        other.overrun = set(self.overrun)
        return other

    def copy(self) -> Book:
        """A book of its own with the same sums and no entries, to try things on."""
        other = Book(self.limits)
        other._sums = dict(self._sums)
        other.overrun = set(self.overrun)
        other._watched = self._watched
        return other

    def _count(self, entry: _Entry, sign: int) -> None:
        windows = [(period, dollars_of(entry.account)) for period in (() if entry.held else self._watched)]
        for scope, dollars in ((RUN, "usd"), (scope_of(entry.take), "usd"), *windows):
            for unit, value in ((entry.account, entry.credits), (dollars, entry.usd)):
                if value:
                    self._sums[scope, unit] = self._sums.get((scope, unit), ZERO) + sign * value
