"""What becomes of a step whose result was there and whose file is gone: fetched again for nothing, or made again.

Whoever made it for money is asked for it before it is bought a second time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from pipeline.events import later, minute
from pipeline.money import ZERO
from pipeline.plan.model import Action, Step
from pipeline.store.ledger import Kept
from pipeline.store.lost import Maker


def again(step: Step, found: Kept, maker: Maker, now: str, accounts: Collection[str] = ()) -> Step:
    """The step with what is done about its file, and why; one that is made again has a reason, and no action yet.

    `now` is an ISO time in UTC, or empty where links do not age; `accounts` can be asked beside the step's own.
    """
    gone = maker.gone
    fact = f"freed by gc on {minute(gone.at)} UTC" if gone and gone.freed else _GONE
    if not maker.account:
        return dataclasses.replace(step, why=fact if gone else _CHANGED)
    if not maker.job_id or maker.account not in (step.account, *accounts):
        return dataclasses.replace(step, why=f"{fact}, and {step.account or 'nobody'} cannot be asked for it again")
    if (gone and not gone.freed) or not _may_have(step, maker, now):
        return dataclasses.replace(step, why=f"{fact}, and {maker.provider} does not have it any more")
    return dataclasses.replace(
        step,
        action=Action.RESUME,
        price=dataclasses.replace(step.price, low=ZERO, high=ZERO, known=True),
        result=found.result,
        account=maker.account,  # no other sees it, whatever its shot names since
        job_id=maker.job_id,
        attempt=maker.attempt,
        of_run=maker.run,
        of_step=maker.step,
        why=f"{fact}; {maker.provider} may still have it: it is fetched again",
    )


_GONE = "its file is gone"
_CHANGED = "its file is gone from the store, or was changed there"


def _may_have(step: Step, maker: Maker, now: str) -> bool:
    """Whether the links of the service that made it still live, as far as its document says how long they do."""
    seconds = getattr(getattr(step.work, "page", None), "LINK_SECONDS", 0)
    return not (seconds and now) or later(maker.at, seconds) >= now
