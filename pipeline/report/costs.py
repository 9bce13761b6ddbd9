"""What a take cost: credits of its own account, those of others beside them, and dollars of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from pipeline.money import ZERO
from pipeline.plan.model import Step
from pipeline.report.attempts import Attempt
from pipeline.store.ledger import Kept
from pipeline.values import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Credits of a take's own account and dollars of all; `source` says who told them, None where nobody has yet.

    `others` are the charges of other accounts, which count other credits: those of an upscale by another service.
    """

    estimated: Decimal
    charged: Decimal
    refunded: Decimal
    source: str | None
    usd: Decimal | None
    others: Mapping[str, Decimal] = field(default_factory=dict)


def cost(
    *, own: str, asked: Sequence[Step], tried: Sequence[Attempt], kept: Sequence[Kept], shared: bool, free: bool
) -> Cost:
    """The cost of a take whose clip belongs to the account `own`; what is reused keeps what it once cost.

    `asked` are its steps, `tried` what this run tried for them, `kept` the results that were there.
    """
    told = [attempt for attempt in tried if attempt.charged is not None]
    charges = [(a.account, a.charged or ZERO, a.usd, a.source) for a in told]
    once = [(k.account, k.charged, k.usd, "reused") for k in kept]
    others: dict[str, Decimal] = {}
    for account, charged, _, _ in (*once, *charges):
        if account != own:
            others[account] = others.get(account, ZERO) + charged
    mine = [entry for entry in (*once, *charges) if entry[0] == own]
    unknown = any(usd is None and charged for _, charged, usd, _ in (*once, *charges))
    source = mine[-1][3] if mine else "shared" if shared else "free" if free and not tried else None
    return Cost(
        estimated=sum((step.price.high for step in asked if step.account == own and own), ZERO),
        charged=sum((entry[1] for entry in mine), ZERO),
        refunded=sum((a.refunded for a in told if a.account == own), ZERO),
        source=source,
        usd=None if unknown else sum((usd or ZERO for _, _, usd, _ in (*once, *charges)), ZERO),
        others=others,
    )


def differences(tried: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """The attempts whose charge is not what it was estimated at, or of which something was given back."""
    return tuple(a for a in tried if a.charged is not None and (a.refunded or _is_otherwise(a)))


def _is_otherwise(attempt: Attempt) -> bool:
    return attempt.charged != attempt.reserved and bool(attempt.reserved or attempt.book)  # else there is no estimate
