"""Texts that strangers might put into a recipe, and that must stay texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.plan.model import Plan
from pipeline.recipe.model import Source
from tests.report.stories import Told, cut, plan, shot, warning

SCRIPT = "</script></title></style><script>alert(1)</script>"
BREAKOUT = "\"'><img src=x onerror=alert(1)>"
TEMPLATE = "{{ 7*7 }}{% raw %}"
MARKUP = "| [x](javascript:alert(1)) ![y](https://evil.test/t.png) `code` <b>b</b> @someone #1 www.evil.test"
TURNED = "\u202eevil\u202c and \u2066more"
BROKEN = "nul\x00 esc\x1b[31m bell\x07 end\ufffe"
ALL = (SCRIPT, BREAKOUT, TEMPLATE, MARKUP, TURNED, BROKEN)
TEXT = "\n".join(ALL)
HALF = TEXT + " half\ud800"  # where no digest is taken of it


def hostile_plan(**values: Any) -> Plan:
    """A plan in which every text that a recipe decides is hostile; ids are not, since the grammar forbids it."""
    fields: dict[str, Any] = {
        "title": HALF,
        "film": cut("a"),
        "vars": {TEXT: HALF},
        "path": Path("/nowhere") / "javascript:alert(1).yaml",
        "warnings": (warning(TEXT, HALF),),
    }
    link = Source(name=TEXT, media="image", url="javascript:alert(1)//" + BREAKOUT)
    return plan(
        shot("a", prompt=TEXT, model=TEXT),
        shot("b", prompt=TEXT, first_frame=link, provider="till"),
        **(fields | values),
    )


def hostile_run() -> Told:
    """A run of it, in which a service answers with hostile texts too."""
    run = Told(hostile_plan()).make("a/generate")
    run.start("b/generate").submit("b/generate", TEXT).settle("b/generate", "50", source=TEXT)
    return run.fail("b/generate", HALF, HALF)
