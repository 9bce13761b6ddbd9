"""Which fresh result is wished for: the one that is still to come, or one more."""

from __future__ import annotations

import dataclasses

from pipeline.plan.afresh import is_to_come
from pipeline.plan.keys import Keys
from tests import made
from tests.made import Facts

OLD = Keys(key="k1:old", base="k1:old", own="own")
CLIP = Keys(key="k1:clip-1", base="k1:clip", own="own")
LARGE = Keys(key="k1:large", base="k1:large", own="own")
REDOS = {CLIP.base: 1}
STEP = made.step("a/generate", price="6")


def facts(*there: Keys, out: dict[Keys, str | None] | None = None, undelivered: bool = False) -> Facts:
    """These are made, and those are at a service, or may be."""
    steps = {one: dataclasses.replace(STEP, key=one.key) for one in (*there, *(out or {}))}
    return Facts(
        made={one.key: made.kept(steps[one]) for one in there},
        open={one.key: made.pending(steps[one], job, undelivered=undelivered) for one, job in (out or {}).items()},
    )


def test_what_was_never_asked_for_anew_is() -> None:
    """Made or not, or delivered in vain; but nothing is bought beside what a service has, or may have."""
    for known in (facts(), facts(OLD), facts(out={OLD: "job-1"}, undelivered=True)):
        assert not is_to_come([[OLD]], known, {}, begun=None, spent=False)
    for job in ("job-1", None):
        assert is_to_come([[OLD]], facts(out={OLD: job}), {}, begun=None, spent=False)


def test_a_fresh_result_is_to_come_until_it_is_there() -> None:
    """Also one that was not begun, that nobody knows of, or that is only to be fetched; not one that cannot come."""
    for known in (facts(), facts(out={CLIP: None}), facts(out={CLIP: "job-1"}, undelivered=True)):
        assert is_to_come([[CLIP]], known, REDOS, begun=None, spent=False)
    assert not is_to_come([[CLIP]], facts(), REDOS, begun="", spent=True)
    assert not is_to_come([[CLIP]], facts(CLIP), REDOS, begun=None, spent=False)
    assert is_to_come([[CLIP]], facts(CLIP), REDOS, begun="", spent=False)


def test_what_a_redo_has_taken_up_is_what_came_of_it() -> None:
    """A job that was under way when the take was named has no number of its own, and is not bought beside."""
    assert is_to_come([[OLD]], facts(OLD), {}, begun=OLD.key, spent=False)
    assert not is_to_come([[OLD]], facts(OLD), {}, begun="k1:of another prompt", spent=False)


def test_its_upscale_belongs_to_it_where_that_was_asked_for() -> None:
    """One that came to the recipe since does not."""
    paid = [[CLIP, LARGE]]
    assert not is_to_come(paid, facts(CLIP), REDOS, begun=None, spent=False)
    assert is_to_come(paid, facts(CLIP, out={LARGE: None}), REDOS, begun=None, spent=False)
    assert is_to_come(paid, facts(CLIP), {LARGE.base: 1}, begun=None, spent=False)
    assert not is_to_come(paid, facts(CLIP, LARGE), REDOS, begun=None, spent=False)


def test_one_rung_that_is_there_is_enough() -> None:
    """A fallback's result is the fresh one, whatever became of the shot as declared."""
    assert not is_to_come([[CLIP], [LARGE]], facts(LARGE), REDOS | {LARGE.base: 1}, begun=None, spent=False)
