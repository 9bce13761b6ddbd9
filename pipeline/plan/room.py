"""What each cap leaves: for the run, a take, a day, a week, a month, in the credits of one account or in dollars. Pure.

One shape for all of them, so that a plan, a refusal, a manifest and the ledger say the same of a cap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from pipeline.money import ZERO
from pipeline.plan.budget import RUN, SHOT, Book, Limits, dollars_of, scope_of
from pipeline.plan.model import Action, Block, Step, take_id, total
from pipeline.plan.periods import PERIODS, span
from pipeline.providers.address import REHEARSAL
from pipeline.recipe.model import Origin
from pipeline.values import dataclass

DOLLARS = frozenset({dollars_of(""), dollars_of(REHEARSAL)})
"""The units that count dollars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A cap, what was spent or held under it before, and what is asked now; `asked` is None where it is not known.

    `scope` is "run", "shot" or a period, `unit` an account, "usd", or over several runs the name of `dollars_of`. Of a
    cap for each take, `take` is the one that comes nearest to it, and empty where none is paid for. Amounts of a period
    are those of every run on the ledger.
    """

    scope: str
    unit: str
    cap: Decimal
    before: Decimal
    asked: Decimal | None = ZERO
    take: str = ""
    since: str = ""  # of a period: when it began and when it ends, ISO in UTC
    until: str = ""
    zone: str = "UTC"
    origin: Origin | None = None

    @property
    def needed(self) -> Decimal | None:
        """The cap that would do for all that is asked."""
        return None if self.asked is None else self.before + self.asked

    @property
    def left(self) -> Decimal | None:
        """What is left after what is asked; less than nothing where that is too much."""
        return None if self.needed is None else self.cap - self.needed


def rooms(
    limits: Limits, book: Book, steps: Iterable[Step] = (), *, accounts: Iterable[str] = (), blocked: bool = False
) -> tuple[Room, ...]:
    """What each cap of `limits` leaves, by a book that knows what was spent before, when these steps are made.

    Steps that would not run ask for nothing; with `blocked` also those that a cap has forbidden ask. `accounts` are
    those that may pay beside theirs.
    """
    paid = [step for step in steps if step.account]
    wanted = [s for s in paid if s.action is Action.RUN or (blocked and s.block is Block.BUDGET)]
    paying = {*(step.account for step in paid), *(name for one in limits.every() for name in one.credits), *accounts}
    dollars = sorted({dollars_of(name) for name in paying}) or ["usd"]
    return tuple(_rooms(limits, book, wanted, dollars))


def _rooms(limits: Limits, book: Book, wanted: list[Step], dollars: list[str]) -> Iterator[Room]:
    for scope in (RUN, SHOT, *PERIODS):
        limit = limits.of(scope)
        for account, cap in sorted(limit.credits.items()):
            yield _room(limits, book, scope, account, cap, [step for step in wanted if step.account == account])
        if limit.usd is not None:
            for name in dollars if scope in PERIODS else ["usd"]:
                mine = [s for s in wanted if scope not in PERIODS or dollars_of(s.account) == name]
                yield _room(limits, book, scope, name, limit.usd, mine)


def _room(limits: Limits, book: Book, scope: str, unit: str, cap: Decimal, wanted: list[Step]) -> Room:
    take, counted = "", scope
    if scope == SHOT:
        takes: dict[str, list[Step]] = {name: [] for name in book.takes(unit)}
        for step in wanted:
            takes.setdefault(take_id(step.shot, step.take), []).append(step)
        sums = {name: book.sum(scope_of(name), unit) + (_asked(unit, some) or ZERO) for name, some in takes.items()}
        take = max(sums, key=lambda name: sums[name], default="")
        counted, wanted = scope_of(take), takes.get(take, [])
    elif scope in PERIODS:
        wanted = [step for step in wanted if not step.beside]  # its price is held already, by the run that is making it
    during = span(scope, limits.at, limits.zone) if scope in PERIODS and limits.at else ("", "")
    return Room(
        scope=scope,
        unit=unit,
        cap=cap,
        before=book.sum(counted, unit),
        asked=_asked(unit, wanted),
        take=take,
        since=during[0],
        until=during[1],
        zone=limits.zone,
        origin=limits.origin(scope, "usd" if unit in DOLLARS else unit),
    )


def _asked(unit: str, steps: Iterable[Step]) -> Decimal | None:
    """What steps would reserve of a unit; None where their dollars are not known."""
    sums = total(steps)
    return sums.usd if unit in DOLLARS else sums.credits.get(unit, ZERO)
