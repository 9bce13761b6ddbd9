"""What a cap kept out of the plan, and may be made after all once money has come back in the same run. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pipeline.engine.orders import LIVE, Phase
from pipeline.money import Price
from pipeline.plan.budget import Book
from pipeline.plan.model import Block, Plan, Step, take_id


class Barred:
    """Steps that the plan's caps left out, in the order in which money is given: the plan's, or of their priority.

    Only those count whose account the run asks something of anyway: for others nothing is there to ask with.
    """

    def __init__(self, plan: Plan) -> None:
        served = {step.account for step in plan.doing()} | {""}
        self._steps = [s for s in plan.steps if s.block is Block.BUDGET and s.account in served]
        self.why: dict[str, str] = {}  # of those still barred, as it was found when they were last asked for
        self._known = {step.id for step in plan.steps}
        self._laddered = [step.id for step in plan.steps if step.fallback and step.block is not Block.BUDGET]
        if plan.limits.on_exceed == "skip":
            self._steps.sort(key=lambda step: -step.priority)

    def fitting(
        self, phase: Mapping[str, Phase], book: Book, price: Callable[[Step], Price], *, stopped: str = ""
    ) -> list[Step]:
        """Those whose inputs are there and that fit, once all else is over; each is told of once.

        None that costs where the budget has `stopped` the run, in the sentence that says at what. `why` is told anew.
        """
        self.why = {}
        if not self._steps or not LIVE.isdisjoint(phase.values()):
            return []
        # WHY: what one of these has given back is asked for by its fallback first, in the round that then begins.
        if any(phase[name] in (Phase.FAILED, Phase.SKIPPED) for name in self._laddered):
            return []
        found = list(self._fitting(phase, book, price, stopped))
        self._steps = [step for step in self._steps if step not in found]
        return found

    def _fitting(
        self, phase: Mapping[str, Phase], book: Book, price: Callable[[Step], Price], stopped: str
    ) -> Iterator[Step]:
        """Each fits after those before it have been reserved."""
        trial = book.copy()
        for step in self._steps:
            if phase[step.id] is not Phase.SKIPPED:
                continue
            if stopped and step.price.high:
                self.why[step.id] = stopped
                continue
            missing = next((name for name in step.needs if name in self._known and phase[name] is not Phase.DONE), "")
            if missing:
                self.why[step.id] = f"waits for {missing}"
                continue
            if step.account:
                cost, take = price(step), take_id(step.shot, step.take)
                asked = (take, step.account, cost.high, cost.usd)
                if denied := trial.deny(*asked) or trial.why_not(*asked):
                    self.why[step.id] = str(denied)
                    if book.limits.on_exceed == "stop":
                        stopped = f"the budget stopped the run at {step.id}"
                    continue
                trial.reserve(step.id, 1, take=take, account=step.account, credits=cost.high, usd=cost.usd)
            yield step
