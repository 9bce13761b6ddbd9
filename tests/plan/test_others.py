"""Hints that name who else could do it: asked of the pages for the very shot, so that none is untrue."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipeline.plan.others import Others
from pipeline.providers.base import Complaint, Input, Wish
from pipeline.providers.catalog import PROVIDERS, SERVICES
from tests.providers.wishes import wish

WISH = wish()
FRAME = Input(role="first_frame", media="image", name="k")


@pytest.mark.parametrize(
    ("provider", "asked", "way"),
    [
        ("seegen", wish(seconds=Decimal(3)), "Use `model: happyhorse-1` for it."),
        ("seegen", wish(model="happyhorse-1", ratio="21:9"), "Use `model: seedance-2` for it."),
        ("seegen", wish(resolution="480p"), "Use `provider: seedance2-movie` (or seedancee2, naci) for it."),
        ("seedancee2", wish(kind="image", model="gpt-image-2"), "Use `provider: seegen` for it."),
        ("seedancee2", wish(inputs=(FRAME,)), "Use `provider: seegen` (or naci) for it."),
        (
            "seegen",
            wish(kind="image", model="gpt-image-2", ratio="21:9"),
            "No service here does; `provider: animatic` draws a rough cut.",
        ),
        ("naci", wish(seconds=Decimal(3)), "Use `provider: seegen` with `model: happyhorse-1` for it."),
    ],
)
def test_a_hint_names_who_could(provider: str, asked: Wish, way: str) -> None:
    """Another model of the same service first, then other services, with another model where it takes one."""
    page = SERVICES[provider]
    wrong = next(c for c in page.complaints(asked) if c.field != "model" or not c.warning)
    hint = Others(PROVIDERS).hint(wrong, asked, page)
    assert hint.endswith(way)
    assert hint.count("`provider:") + hint.count("`model:") <= 2


def test_a_hint_that_needs_nobody_stays_as_it_is() -> None:
    """What the user can mend by himself."""
    wrong = Complaint(field="seed", fact="Too large.", hint="Give another seed.")
    assert Others(PROVIDERS).hint(wrong, WISH, SERVICES["seedancee2"]) == "Give another seed."
