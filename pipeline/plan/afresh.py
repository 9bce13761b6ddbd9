"""Whether `--redo` asks for one more result of a take, or for the one that was asked for and is still to come.

The wish for a fresh result lasts until the command that named it has come to its end, whatever ran in between. So long
it keeps its number, and is paid for once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.plan.keys import Keys
from pipeline.plan.known import Known


def is_to_come(
    paid: Sequence[Sequence[Keys]], known: Known, redos: Mapping[str, int], *, begun: str | None, spent: bool
) -> bool:
    """Whether the newest result of a take is the one that is wished for; `redos` has the newest numbers by base key.

    `paid` is what each rung pays for: its request, and where its clip is there the upscale of that. `begun` is
    what was to come of a redo that has not come to its end, by its key. `spent`: every rung has failed for good.
    """
    keys = {one.key for steps in paid for one in steps}
    pending = known.pending(keys)
    # WHY: a service has it, or may have it: nothing is bought beside that.
    if not all(one.undelivered for one in pending.values()):
        return True
    kept = known.kept(keys)
    if begun in kept:
        return True
    there = {*kept, *pending}
    # WHY: what was never asked for is no part of the wish: an upscale may have come to the recipe since.
    asked = ([one for one in steps if one.base in redos or one.key in there] for steps in paid)
    fresh = [steps for steps in asked if any(one.base in redos for one in steps)]
    if any(all(one.key in kept for one in steps) for steps in fresh):
        return begun is not None
    # WHY: what failed for good since it was asked for anew is named again in order to be sent again.
    return bool(fresh) and not spent
