"""When garbage is looked for: never while things are made that stay, and always again afterwards."""

from __future__ import annotations

import gc

from pipeline.garbage import collected, uncollected


def test_nothing_is_collected_in_the_block_and_everything_after_it() -> None:
    """Also where one block is within another."""
    assert gc.isenabled()
    with uncollected():
        with uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_takes_its_time_is_collected_but_not_what_was_there_before() -> None:
    """What was made before lies apart for so long, and is looked at again afterwards."""
    apart = gc.get_freeze_count()
    with uncollected():
        made = [[number] for number in range(1000)]
        with collected():
            assert gc.isenabled()
            assert gc.get_freeze_count() > apart + len(made)
        assert not gc.isenabled()
        assert gc.get_freeze_count() == 0
    assert gc.isenabled()
