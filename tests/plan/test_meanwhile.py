"""What another process is making at this moment is neither reused, taken up nor taken for lost: a run claims it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline import api, consent
from pipeline.desk import House, Wants
from pipeline.errors import OverBudget
from pipeline.events import Started, Submitted
from pipeline.plan.model import Action, Block
from pipeline.store import locks, workspace
from pipeline.store.ledger import Ledger, Run
from tests.till import Till

TALE = "rushes: 1\nname: {}\ndefaults: {{provider: till, duration: 2}}\nshots:\n  - {{id: a, prompt: the sea}}\n"
AT = "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize("job_id", ["", "job-1"])
def test_another_run_at_work_is_no_lost_one(
    job_id: str, tmp_path: Path, house: Callable[..., tuple[House, Till]]
) -> None:
    """While its process lives the step is planned to be made; once it has died, its job is taken up, or is unknown."""
    home, _ = house()
    shared = workspace.open_workspace(tmp_path / "shared", create=True)
    wants = Wants(workspace=shared.folder)
    desks = []
    for name in ("one", "two"):
        path = tmp_path / name / "recipe.yaml"
        path.parent.mkdir()
        path.write_text(TALE.format(name))
        desks.append(api.plan(path, wants, home))
    other, mine = desks
    step = other.plan.steps[0]
    about = {"at": AT, "step": step.id, "key": step.key, "attempt": 1}
    with Ledger(shared.ledger) as ledger:
        run = Run(
            id="r-1", recipe="one", recipe_path=str(other.reading.path), output=str(other.output), date="2026-01-01",
            started_at=AT, plan=[], options={},
        )  # fmt: skip
        ledger.begin(run)
        ledger.append("r-1", Started(provider="till", account="till", credits=Decimal(6), **about))  # type: ignore[arg-type]
        if job_id:
            ledger.append("r-1", Submitted(job_id=job_id, **about))  # type: ignore[arg-type]

    def planned(wants: Wants = wants) -> tuple[Action, Block | None]:
        found = api.plan(mine.reading.path, wants, home).plan.steps[0]
        return found.action, found.block

    left_behind = (Action.RESUME, None) if job_id else (Action.BLOCKED, Block.UNKNOWN)
    assert planned() == left_behind
    with locks.hold(shared.locks, other.reading.lock, run="Another run of one"):
        assert planned() == (Action.RUN, None)
        assert api.plan(other.reading.path, wants, home).plan.steps[0].action == left_behind[0]
    with locks.hold(shared.locks, mine.reading.lock, run="This one"):
        assert planned() == left_behind


@pytest.mark.parametrize("policy", ["refuse", "stop", "skip"])
def test_what_another_run_has_reserved_is_not_asked_of_the_day_again(
    policy: str, tmp_path: Path, house: Callable[..., tuple[House, Till]]
) -> None:
    """The day has money for one clip, which another run has reserved: the same request fits, and no other one does."""
    home, _ = house()
    shared = workspace.open_workspace(tmp_path / "shared", create=True)
    wants = Wants(workspace=shared.folder, yes=True, max_credits=Decimal(50))
    capped = f"budget: {{day: {{credits: {{till: 6}}}}, on_exceed: {policy}}}\n"
    desks = []
    for name in ("one", "two"):
        path = tmp_path / name / "recipe.yaml"
        path.parent.mkdir()
        path.write_text(TALE.format(name) + capped)
        desks.append(api.plan(path, wants, home))
    other, mine = desks
    step = other.plan.steps[0]
    assert step.price.high == 6
    with Ledger(shared.ledger) as ledger:
        run = Run(
            id="r-1", recipe="one", recipe_path=str(other.reading.path), output=str(other.output), date="2026-01-01",
            started_at=home.clock(), plan=[], options={},
        )  # fmt: skip
        ledger.begin(run)
        about = {"at": home.clock(), "step": step.id, "key": step.key, "attempt": 1}
        ledger.append("r-1", Started(provider="till", account="till", credits=Decimal(6), **about))  # type: ignore[arg-type]
    with locks.hold(shared.locks, other.reading.lock, run="Another run of one"):
        found = api.plan(mine.reading.path, wants, home)
        (made,) = found.plan.steps
        assert (made.action, made.why) == (Action.RUN, "run r-1 is making it")
        assert consent.verdict(found, home) is None
        mine.reading.path.write_text(TALE.format("two").replace("the sea", "the moor") + capped)
        refused = api.plan(mine.reading.path, wants, home)
        if policy == "refuse":
            assert isinstance(consent.verdict(refused, home), OverBudget)
        else:
            assert refused.plan.steps[0].block is Block.BUDGET
