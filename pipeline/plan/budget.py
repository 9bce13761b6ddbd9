"""The book of one run's money: what is reserved, charged and held, against its limits. Pure: no clock, no disk.

The drawing board tries a plan on such a book, and the workshop keeps the real one, so both say the same. The rule is
one line: reserved + charged + held + asked never exceeds a limit, in credits or dollars, for the run or for one take.
Days, weeks and months are over every run: a plan is tried on what the ledger says of them, and a run claims (engine).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from pipeline.errors import UserError
from pipeline.money import ZERO, text
from pipeline.plan.periods import PERIODS
from pipeline.providers.address import REHEARSAL
from pipeline.recipe.model import Budget, Caps, OnExceed

RUN = "run"
"""The scope of a whole run, beside those of single takes."""


_WHOSE = {RUN: "the run", **PERIODS}


def _of(take: str) -> str:
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
class Limits:
    """The limits of a run, of one take in it, and of all runs in a day, week or month; and what to do at one."""

    run: Limit = Limit()
    take: Limit = Limit()
    windows: Mapping[str, Limit] = field(default_factory=dict)  # by period; one that limits nothing is not in it
    on_exceed: OnExceed = "refuse"

    def every(self) -> tuple[Limit, ...]:
        """All of them."""
        return (self.run, self.take, *self.windows.values())


def tightest(
    budgets: Iterable[Budget], paying: Iterable[str], of_accounts: Mapping[str, Budget] = MappingProxyType({})
) -> Limits:
    """The limits that keep every one of `budgets` for the accounts that pay, and those of single accounts for them.

    An account that a map of credits does not name gets none. A rehearsal goes by the name of its account, both in a
    map that does not name itself and in `of_accounts`, whose budgets are in credits. Raises `UserError` for a bare
    number of credits in `budgets` where several accounts pay. `on_exceed` is the first budget's.
    """
    accounts = sorted(paying)
    given = list(budgets)
    own = {name: of_accounts[real] for name in accounts if (real := name.removesuffix(REHEARSAL)) in of_accounts}
    limits = {
        scope: _tightest(scope, [budget.of(scope) for budget in given], accounts, {n: own[n].of(scope) for n in own})
        for scope in (RUN, "shot", *PERIODS)
    }
    return Limits(
        run=limits[RUN],
        take=limits["shot"],
        windows={period: limits[period] for period in PERIODS if limits[period]},
        on_exceed=given[0].on_exceed if given else "refuse",
    )


def _tightest(scope: str, caps: Iterable[Caps], accounts: list[str], own: Mapping[str, Caps]) -> Limit:
    usd: Decimal | None = None
    credits: dict[str, Decimal] = {}
    for cap in caps:
        if cap.usd is not None:
            usd = cap.usd if usd is None else min(usd, cap.usd)
        if cap.bare is not None and len(accounts) > 1:
            named, bare = accounts[0].removesuffix(REHEARSAL), f"{cap.bare.normalize():f}"
            flag = f"--max-credits {named}={bare}, or " if scope == RUN else ""
            raise UserError(
                f"a cap of {text(cap.bare)} credits does not say whose: {', '.join(accounts)} all pay.",
                f"Name the account: {flag}credits: {{{named}: {bare}}} in YAML.",
            )
        for account in accounts:
            _tighten(credits, account, cap)
    for account, cap in own.items():
        if cap.usd is not None:
            raise ValueError(f"the budget of {account} alone is in credits, not in dollars.")
        _tighten(credits, account, cap)
    return Limit(usd=usd, credits=credits)


def _tighten(credits: dict[str, Decimal], account: str, cap: Caps) -> None:
    if cap.bare is not None:
        most = cap.bare
    elif cap.credits is not None:
        most = cap.credits.get(account, cap.credits.get(account.removesuffix(REHEARSAL), ZERO))
    else:
        return
    credits[account] = min(credits.get(account, most), most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A cap that forbids an amount: which one, what it is, what is left of it, and what was asked."""

    scope: str  # "run", the take's id, or a period
    unit: str  # "usd" or the account
    cap: Decimal
    left: Decimal
    asked: Decimal

    def __str__(self) -> str:
        whose = _WHOSE.get(self.scope, self.scope)
        if self.unit == "usd":
            return f"it needs ${text(self.asked)}; of ${text(self.cap)} for {whose}, ${text(self.left)} is left"
        if not self.cap:
            return f"it needs {text(self.asked)} {self.unit} credits, and the budget for {whose} gives {self.unit} none"
        return (
            f"it needs {text(self.asked)} {self.unit} credits; "
            f"of {text(self.cap)} for {whose}, {text(self.left)} are left"
        )


@dataclass(slots=True, kw_only=True)
class _Entry:
    take: str
    account: str
    credits: Decimal
    usd: Decimal
    state: str  # reserved, settled, released
    priced: bool = True


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

    def deny(self, take: str, account: str, credits: Decimal, usd: Decimal | None) -> Denial | None:
        """The cap that forbids this amount, or None. An amount whose dollars are not known counts none."""
        windows = [(period, self.limits.windows[period], dollars_of(account)) for period in self._watched]
        for scope, limit, dollars in ((RUN, self.limits.run, "usd"), (_of(take), self.limits.take, "usd"), *windows):
            cap = limit.credits.get(account)
            if cap is not None and credits and self.sum(scope, account) + credits > cap:
                return Denial(
                    scope=scope, unit=account, cap=cap, left=max(ZERO, cap - self.sum(scope, account)), asked=credits
                )
            if limit.usd is not None and usd and self.sum(scope, dollars) + usd > limit.usd:
                left = max(ZERO, limit.usd - self.sum(scope, dollars))
                return Denial(scope=scope, unit="usd", cap=limit.usd, left=left, asked=usd)
        return None

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
    ) -> None:
        """Counts an amount as reserved, whether or not it fits: ask `deny` before. A second time changes nothing."""
        if (step, attempt) not in self._entries:
            entry = _Entry(
                take=take, account=account, credits=credits, usd=usd or ZERO, state="reserved", priced=priced
            )
            self._entries[step, attempt] = entry
            self._count(entry, 1)

    def release(self, step: str, attempt: int) -> None:
        """Gives a reservation back: the service certainly did not take the request."""
        entry = self._entries.get((step, attempt))
        if entry and entry.state == "reserved":
            self._count(entry, -1)
            entry.state = "released"

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
            self._count(entry, -1)
            if charged > entry.credits and entry.priced:
                self.overrun.add(entry.account)
            entry.credits, entry.usd, entry.state = charged, usd or ZERO, "settled"
            self._count(entry, 1)

    def state(self, step: str, attempt: int) -> str:
        """`reserved` (also when held), `settled`, `released`, or `none`."""
        entry = self._entries.get((step, attempt))
        return entry.state if entry else "none"

    def copy(self) -> Book:
        """A book of its own with the same sums and no entries, to try things on."""
        other = Book(self.limits)
        other._sums = dict(self._sums)
        other.overrun = set(self.overrun)
        other._watched = self._watched
        return other

    def _count(self, entry: _Entry, sign: int) -> None:
        windows = [(period, dollars_of(entry.account)) for period in self._watched]
        for scope, dollars in ((RUN, "usd"), (_of(entry.take), "usd"), *windows):
            for unit, value in ((entry.account, entry.credits), (dollars, entry.usd)):
                self._sums[scope, unit] = self._sums.get((scope, unit), ZERO) + sign * value
