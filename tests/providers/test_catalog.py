"""The catalog: every page is what it says, under its own name, and asks nothing of the network to say it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipeline.providers.base import LocalPage, RemotePage, Wish, is_local
from pipeline.providers.catalog import DEFAULT, DEFAULT_MODELS, LOCAL, MODELS, PROVIDERS, RATIOS, RESOLUTIONS, SERVICES
from tests import stub, till

PAGES = {**PROVIDERS, "till": till, "stub": stub}
WISH = Wish(
    shot="a",
    kind="video",
    model="seedance-2",
    prompt="p",
    seconds=Decimal(5),
    resolution="720p",
    ratio="16:9",
    seed=None,
    audio=False,
    watermark=False,
    people=False,
)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_listed_under_its_name_and_whole(name: str) -> None:
    """It has every member of its kind, and makes its results itself or at a service, not both."""
    page = PAGES[name]
    assert name == page.NAME
    assert isinstance(page, LocalPage) is is_local(page)
    assert isinstance(page, RemotePage) is not is_local(page)
    assert page.TITLE
    assert bool(page.UNIT) is not is_local(page)


def test_every_provider_is_local_or_remote() -> None:
    """The two lists make up the whole, without overlap; the default is local."""
    assert {**LOCAL, **SERVICES} == PROVIDERS
    assert not LOCAL.keys() & SERVICES.keys()
    assert DEFAULT in LOCAL
    assert set(DEFAULT_MODELS.values()) <= set(MODELS)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_answers_the_same_wish_in_the_same_words(name: str) -> None:
    """Pure translation: twice the same request and price, `low` never above `high`."""
    page = PAGES[name]
    assert page.request(WISH) == page.request(WISH)
    price = page.price(WISH)
    assert Decimal(0) <= price.low <= price.high
    assert page.effort_seconds(WISH) > 0


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("ratio", RATIOS)
def test_the_default_makes_every_portable_shape(resolution: str, ratio: str) -> None:
    """No recipe in portable words is refused by `animatic` for its shape."""
    import dataclasses

    wish = dataclasses.replace(WISH, resolution=resolution, ratio=ratio)
    assert list(PROVIDERS[DEFAULT].complaints(wish)) == []
