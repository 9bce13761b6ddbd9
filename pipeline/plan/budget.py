"""The book of one run's money: what is reserved, charged and held, against its limits. Pure: no clock, no disk.

The drawing board tries a plan on such a book, and the workshop keeps the real one, so both say the same. The rule is
one line: reserved + charged + held + asked never exceeds a limit, in credits or dollars, for the run or for one take.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from pipeline.errors import UserError
from pipeline.money import ZERO, text
from pipeline.providers.address import REHEARSAL
from pipeline.recipe.model import Budget, Caps, OnExceed

RUN = "run"
"""The scope of a whole run, beside those of single takes."""


def _of(take: str) -> str:
    return f"the shot {take}" if take == RUN else take  # a shot may well be called so


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Upper amounts of one scope: dollars, and credits by account. What is not named has no limit."""

    usd: Decimal | None = None
    credits: Mapping[str, Decimal] = field(default_factory=dict)

    def covers(self, account: str) -> bool:
        """Whether spending on this account is limited at all."""
        return self.usd is not None or account in self.credits


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a run and of one take in it, and what to do where they forbid something."""

    run: Limit = Limit()
    take: Limit = Limit()
    on_exceed: OnExceed = "refuse"


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
    return Limits(
        run=_tightest([budget.run for budget in given], accounts, {name: own[name].run for name in own}),
        take=_tightest([budget.shot for budget in given], accounts, {name: own[name].shot for name in own}),
        on_exceed=given[0].on_exceed if given else "refuse",
    )


def _tightest(caps: Iterable[Caps], accounts: list[str], own: Mapping[str, Caps]) -> Limit:
    usd: Decimal | None = None
    credits: dict[str, Decimal] = {}
    for cap in caps:
        if cap.usd is not None:
            usd = cap.usd if usd is None else min(usd, cap.usd)
        if cap.bare is not None and len(accounts) > 1:
            named, bare = accounts[0].removesuffix(REHEARSAL), f"{cap.bare.normalize():f}"
            raise UserError(
                f"a cap of {text(cap.bare)} credits does not say whose: {', '.join(accounts)} all pay.",
                f"Name the account: --max-credits {named}={bare}, or credits: {{{named}: {bare}}} in YAML.",
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

    scope: str  # "run" or the take's id
    unit: str  # "usd" or the account
    cap: Decimal
    left: Decimal
    asked: Decimal

    def __str__(self) -> str:
        whose = "the run" if self.scope == RUN else self.scope
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

    def sum(self, scope: str, unit: str) -> Decimal:
        """What counts against a cap: `scope` is "run" or a take's id, `unit` "usd" or an account."""
        return self._sums.get((scope, unit), ZERO)

    def deny(self, take: str, account: str, credits: Decimal, usd: Decimal | None) -> Denial | None:
        """The cap that forbids this amount, or None. An amount whose dollars are not known counts none."""
        for scope, limit in ((RUN, self.limits.run), (_of(take), self.limits.take)):
            cap = limit.credits.get(account)
            if cap is not None and credits and self.sum(scope, account) + credits > cap:
                return Denial(
                    scope=scope, unit=account, cap=cap, left=max(ZERO, cap - self.sum(scope, account)), asked=credits
                )
            if limit.usd is not None and usd and self.sum(scope, "usd") + usd > limit.usd:
                left = max(ZERO, limit.usd - self.sum(scope, "usd"))
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
        return other

    def _count(self, entry: _Entry, sign: int) -> None:
        for scope in (RUN, _of(entry.take)):
            for unit, value in ((entry.account, entry.credits), ("usd", entry.usd)):
                self._sums[scope, unit] = self._sums.get((scope, unit), ZERO) + sign * value
