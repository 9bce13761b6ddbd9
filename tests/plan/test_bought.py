"""What is bought already and asked for otherwise now is told before it is bought again."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

from pipeline.plan import bought
from tests import made


def test_a_job_whose_request_has_changed_is_told() -> None:
    """The account, the job, since when and for how much; one of this very request, or settled, is no news."""
    plan = made.build(made.shot("a"))
    (step,) = [s for s in plan.steps if s.account]
    job = dataclasses.replace(made.pending(step), key="k1:of-before", job_id="job-7", credits=Decimal("6.50"))
    (warning,) = bought.told(plan, [job]).warnings
    assert warning.warning
    assert f"{step.account} still has job-7 for a/generate since" in warning.fact
    assert "for up to 6.5 credits" in warning.fact
    for other in (dataclasses.replace(job, key=step.key), dataclasses.replace(job, settled=True)):
        assert bought.told(plan, [other]).warnings == ()
    assert bought.told(plan, [dataclasses.replace(job, job_id=None)]).warnings == ()
