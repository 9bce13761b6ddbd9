"""What planning is told beside the recipe and what is known: the user's settings and flags, and what just failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from pipeline.plan.budget import Book, Limits
from pipeline.plan.finals import Drafted
from pipeline.providers.base import Enlarges
from pipeline.providers.catalog import Providers
from pipeline.recipe.model import Budget
from pipeline.values import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A request that failed in this very process, and why; `falls`: what comes after it on its ladder is asked for."""

    error: str
    falls: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the user's configuration and flags say about planning."""

    providers: Providers
    processors: int = 2
    widths: Mapping[str, int] = field(default_factory=dict)  # provider -> tasks in flight for each of its accounts
    usd_per_credit: Mapping[str, Decimal] = field(default_factory=dict)  # provider -> dollars
    budgets: Sequence[Budget] = ()  # from configuration and flags; the tightest of them and the recipe's holds
    of_accounts: Mapping[str, Budget] = field(default_factory=dict)  # the budgets of single accounts
    accounts: Mapping[str, str] = field(default_factory=dict)  # account -> the service that it is with
    configured: frozenset[str] = frozenset()  # accounts whose key is set, or that are rehearsals
    within_reach: frozenset[str] = frozenset()  # accounts that can be asked, by their identities
    identities: Mapping[str, str] = field(default_factory=dict)  # account or provider -> its name in a rehearsal
    upscalers: Mapping[str, Enlarges] = field(default_factory=dict)  # provider -> who makes finished clips larger
    published: str = ""  # the store where services can read inputs; empty: none is configured
    now: str = ""  # ISO in UTC: what was uploaded and has run out by then is uploaded again
    zone: str = "UTC"  # decides which day, week and month it is
    provider: str = ""  # --provider, --preview: every shot moves there that it can make, or `cheapest`
    chosen: Mapping[tuple[str, int], str] = field(default_factory=dict)  # by shot and rung, the saved plan's providers
    drafted: Mapping[str, Drafted] = field(default_factory=dict)  # by take id: what the last stage is made of
    only: tuple[str, ...] = ()
    redo: tuple[str, ...] = ()
    begun: Mapping[str, str] = field(default_factory=dict)  # takes of a redo that has not ended, with the key to come
    passed: Mapping[tuple[str, str], Passed] = field(default_factory=dict)  # by key and account: in an earlier round
    book: Callable[[Limits], Book] = Book  # the book of the run that is being continued, or an empty one

    def identity(self, name: str) -> str:
        """Whose results and money these are: the account's or provider's own, or those of its rehearsal."""
        return self.identities.get(name, name)
