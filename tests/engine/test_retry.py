"""When a refusal is worth another try."""

from __future__ import annotations

from pipeline.engine.retry import LONGEST_SECONDS, MOST_REFUSALS, wait_seconds
from pipeline.errors import Advice


def test_never_and_doubt_are_never_sent_again() -> None:
    """What repeating cannot cure, and what may have been accepted, waits for nobody."""
    assert wait_seconds(Advice.NEVER, 1, None) is None
    assert wait_seconds(Advice.DOUBT, 1, 5) is None


def test_the_service_says_how_long() -> None:
    """Its word holds, also above the longest wait of our own."""
    assert wait_seconds(Advice.SLOW_DOWN, 3, 300.0) == 300.0


def test_waits_double_up_to_a_minute_and_end() -> None:
    """The waits grow, are bounded, and are given up after the last refusal."""
    waits = [wait_seconds(Advice.LATER, n, None) for n in range(1, MOST_REFUSALS + 1)]
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-2:] == [LONGEST_SECONDS, None]
