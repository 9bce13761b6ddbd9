"""`generate`: a local page draws into the step's folder; a service's request is never performed here."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import MediaError
from pipeline.steps.base import Feed
from pipeline.steps.generate import Generate
from tests import stub, till


def test_a_local_page_makes_the_output_it_is_asked_for(tmp_path: Path) -> None:
    """One file under the output's name: a still for an image, a clip for a video."""
    for output, name in (("image", "still.png"), ("video", "clip.mp4")):
        work = Generate(page=stub, output=output, request={"shot": "a", "prompt": "p"}, feeds=())
        made = work.perform([], tmp_path)
        assert made.files == {output: tmp_path / name}
        assert made.files[output].read_bytes() == stub.PNG


def test_a_failed_drawing_is_told(tmp_path: Path) -> None:
    """With the page's own words."""
    with pytest.raises(MediaError, match="the pencil broke"):
        Generate(page=stub, output="image", request={"shot": "a", "prompt": "fails"}, feeds=()).perform([], tmp_path)


def test_a_services_work_is_not_done_here(tmp_path: Path) -> None:
    """A mistake of ours, and no failure of the shot."""
    with pytest.raises(TypeError, match="till makes its results elsewhere"):
        Generate(page=till, output="video", request={}, feeds=()).perform([], tmp_path)


def test_provider_and_request_decide_the_result() -> None:
    """Not the feeds' paths, which are looked at apart."""
    work = Generate(page=till, output="video", request={"prompt": "p"}, feeds=(Feed(role="reference", url="u"),))
    assert work.words() == {"provider": "till", "request": {"prompt": "p"}}
