"""A run that is told by webhooks: quicker than its polls, and no worse off without them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline import accounts, api
from pipeline.config import Config
from pipeline.desk import House, Wants
from pipeline.emulators.settings import Settings
from pipeline.emulators.street import Stand, serve_beside
from pipeline.errors import UserError

RECIPE = (
    "defaults: {provider: seedancee2, duration: 4, resolution: 480p}\n"
    "shots: [{id: a, prompt: one}, {id: b, prompt: two}]\n"
)
WANTS = Wants(yes=True, max_credits=Decimal(200), webhook="http://127.0.0.1:18931/hook", listen="127.0.0.1:18931")
PACE = 20  # seconds between polls: a run that waits for one has not been told


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Seedancee2's stand-in, which signs what it sends."""
    settings = Settings(seconds_per_job=0.4, cache=tmp_path_factory.mktemp("drawn"), webhook_secret="whsec_of_ours")
    with serve_beside(["seedancee2"], settings=settings) as stands:
        yield stands["seedancee2"]


def house(stand: Stand, secret: str) -> House:
    config = Config(poll_seconds={"seedancee2": Decimal(PACE)})
    environ = {
        "SEEDANCEE2_BASE_URL": stand.base_url,
        "SEEDANCEE2_API_KEY": stand.key,
        "SEEDANCEE2_WEBHOOK_SECRET": secret,
    }
    return House(providers=accounts.pages(config), config=config, environ=environ)


def test_a_run_that_is_told_does_not_wait_for_its_polls(write: Callable[..., Path], stand: Stand) -> None:
    """Signed as agreed, a webhook makes it ask at once: done long before the first poll is due."""
    began = time.monotonic()
    ended = api.run(write(RECIPE), WANTS, house(stand, "whsec_of_ours"))
    assert (ended.exit_code, ended.status) == (0, "complete")
    assert time.monotonic() - began < PACE / 2


def test_an_address_that_is_taken_is_said_before_anything_is_sent(write: Callable[..., Path], stand: Stand) -> None:
    """Nothing was bought."""
    before = stand.books()
    path = write(RECIPE.replace("one", "three"))
    taken = replace(WANTS, listen=stand.root.removeprefix("http://"))
    with pytest.raises(UserError, match="--listen"):
        api.run(path, taken, house(stand, ""))
    assert stand.books() == before
