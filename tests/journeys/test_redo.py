"""What `--redo` buys again on services, and what it leaves alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from pipeline import api
from tests.journeys.services import YES, Street, creates, shots

Write = Callable[[str], Path]

LARGER = """
defaults: {provider: seedance2-movie, duration: 4, resolution: 720p}
shots:
  - {id: a, prompt: waves, upscale: {to: 2k, by: service}}
"""
TAKES = """
defaults: {provider: naci, duration: 4, resolution: 720p}
shots:
  - {id: c, prompt: waves, takes: 2}
"""


def test_an_upscale_that_failed_is_sent_again_and_its_clip_is_kept(write: Write, street: Street) -> None:
    """`--redo a` of a finished clip whose upscale failed buys the upscale alone; named again, it buys the clip too."""
    path = write(LARGER)
    again = dataclasses.replace(YES, redo=("a",))
    with street("seedance2-movie", "seegen") as quarter:
        movie, seegen = (quarter.standing.stands[name] for name in ("seedance2-movie", "seegen"))
        seegen.faults.add("job_fails", times=2)
        assert api.run(path, YES, quarter.house()).exit_code == 1
        assert (len(creates(movie)), len(creates(seegen))) == (1, 1)
        assert api.run(path, again, quarter.house()).exit_code == 1
        assert (len(creates(movie)), len(creates(seegen))) == (1, 2)
        ended = api.run(path, again, quarter.house())
        assert ended.exit_code == 0
        assert (len(creates(movie)), len(creates(seegen))) == (1, 3)
        assert "upscaled" in shots(ended.manifest)["a"]["outputs"]
        assert not api.run(path, YES, quarter.house()).began
        assert api.run(path, again, quarter.house()).exit_code == 0
        assert (len(creates(movie)), len(creates(seegen))) == (2, 4)


def test_the_first_of_several_takes_is_named_alone(write: Write, street: Street) -> None:
    """`c` means every take of a shot, `c@1` its first."""
    path = write(TAKES)
    with street("naci") as quarter:
        quarter.stand.faults.add("job_fails")
        assert api.run(path, YES, quarter.house(widths={"naci": 1})).exit_code == 1
        ended = api.run(path, dataclasses.replace(YES, redo=("c@1",)), quarter.house())
        assert (ended.exit_code, len(creates(quarter.stand))) == (0, 3)
