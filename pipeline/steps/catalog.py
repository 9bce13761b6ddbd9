"""The step kinds Rushes knows. Adding one is a file beside this one and its name here."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.steps.base import Work
from pipeline.steps.film import Film
from pipeline.steps.generate import Generate
from pipeline.steps.last_frame import LastFrame
from pipeline.steps.upload import Upload
from pipeline.steps.upscale import Upscale

KINDS: Mapping[str, type[Work]] = {kind.kind: kind for kind in (Upload, Generate, LastFrame, Upscale, Film)}
