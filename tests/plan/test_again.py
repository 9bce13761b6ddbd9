"""A result whose file is gone: who is asked for it again, until when, and what the plan says where nobody is."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.events import Gone
from pipeline.plan.again import again
from pipeline.plan.model import Action, Step
from tests import made

NOW = "2026-01-02T00:00:00.000Z"
STEP = made.step("a/generate", price="6", account="till")
KEPT = made.kept(STEP)
ABOUT: dict[str, Any] = {"at": NOW, "step": "a/generate", "key": STEP.key, "attempt": 3}
FREED, LOST = Gone(freed=True, **ABOUT), Gone(freed=False, **ABOUT)


def told(step: Step = STEP, now: str = NOW, **values: Any) -> Step:
    fields = {"provider": "till", "account": "till", "job_id": "job-7", "attempt": 3, "run": "r-1"}
    return again(step, KEPT, made.maker(KEPT, **(fields | values)), now)


def linked(seconds: int) -> Step:
    """The step on a service whose document says how long its links live."""
    work = SimpleNamespace(kind="generate", feeds=(), page=SimpleNamespace(LINK_SECONDS=seconds))
    return dataclasses.replace(STEP, work=work)


def test_the_service_that_made_it_is_asked_for_nothing() -> None:
    """As the attempt that made it, in the run that began it, with what was there before."""
    step = told()
    assert (step.action, step.price.high, step.price.known) == (Action.RESUME, 0, True)
    assert (step.job_id, step.attempt, step.of_run, step.of_step) == ("job-7", 3, "r-1", "a/generate")
    assert (step.fetched_again, step.result) == (True, KEPT.result)
    assert step.why == "its file is gone; till may still have it: it is fetched again"


@pytest.mark.parametrize(("seconds", "asked"), [(0, True), (86_400, True), (86_399, False)])
def test_links_grow_old_where_the_document_says_so(seconds: int, asked: bool) -> None:
    """The job began a day ago; where no document says how long a link lives, it is tried."""
    step = told(linked(seconds))
    assert (step.action is Action.RESUME) == asked
    assert asked or step.why == "its file is gone, and till does not have it any more"


def test_a_service_that_was_asked_in_vain_is_not_asked_again() -> None:
    """The plan has the price, and why."""
    step = told(gone=LOST)
    assert (step.action, step.price.high) == (Action.RUN, 6)
    assert step.why == "its file is gone, and till does not have it any more"


def test_what_gc_took_says_so() -> None:
    """What a service made is fetched again; what was made here is made again."""
    fact = "freed by gc on 2026-01-02 00:00 UTC"
    assert told(gone=FREED).why == f"{fact}; till may still have it: it is fetched again"
    step = told(gone=FREED, provider="", account="", job_id="")
    assert (step.action, step.why) == (Action.RUN, fact)


def test_the_account_that_paid_is_asked_whatever_the_shot_names_since() -> None:
    """No other sees its job, and nothing is bought beside it."""
    maker = made.maker(KEPT, provider="till", account="agency", job_id="job-7", attempt=3, run="r-1")
    step = again(STEP, KEPT, maker, NOW, {"agency"})
    assert (step.action, step.account, step.price.high) == (Action.RESUME, "agency", 0)


@pytest.mark.parametrize("values", [{"account": "agency"}, {"job_id": ""}])
def test_an_account_that_is_gone_cannot_be_asked(values: dict[str, str]) -> None:
    """Nor one whose job was never named."""
    step = told(**values)
    assert (step.action, step.why) == (Action.RUN, "its file is gone, and till cannot be asked for it again")
