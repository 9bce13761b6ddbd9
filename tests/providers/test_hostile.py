"""Whatever a service answers, its page says no in its own way: nothing but `ProviderError` ever comes out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ProviderError
from pipeline.providers import seedance2_movie, seedancee2, seegen, seegen_older, seegen_upscaler
from pipeline.providers.base import Reply, Status
from pipeline.providers.catalog import SERVICES

KEYS = """
status data result error message code task_id taskId id output content url video_url fail_reason usage credit_cost
creditsUsed credits_charged items nextCursor metadata seed created_at page total volcAssetId
"""
WORDS = st.sampled_from(KEYS.split())
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**40, max_value=10**60)
    | st.floats()
    | st.decimals()
    | st.text(max_size=8)
    | st.sampled_from(
        ["COMPLETED", "completed", "failed", "SUCCESS", "FAILURE", "200", "success", "https://x/y", "https://["]
    )
    | st.sampled_from(['{"error": {"code": 5}}', "{" * 9, '{"message": "{\\"message\\": 3}"}'])
)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=12
)
REPLIES = st.builds(
    Reply, status=st.sampled_from([200, 201, 302, 400, 404, 429, 500, 503]), json=JSON, text=st.text(max_size=9)
)
PAGES: dict[str, Any] = {**SERVICES, "older": seegen_older, "upscaler": seegen_upscaler}


EXTRAS: list[Callable[[Reply], object]] = [
    seegen.asset,
    lambda reply: seegen.asset_list(reply, "image"),
    seegen.balance_of,
    seedance2_movie.balance_of,
    seedance2_movie.slot,
    lambda reply: seedance2_movie.listed(reply, {"model": "x", "seed": 3}, "m"),
    lambda reply: seedancee2.listed(reply, {"model": "pro"}, "m"),
    seedancee2.models_of,
    seedancee2.usage_of,
]


@given(reply=REPLIES)
@settings(max_examples=150, deadline=None)
def test_any_json_is_an_answer_or_a_provider_error(reply: Reply) -> None:
    """Status, job and fault of every page; assets, balances, places and lists."""
    for page in PAGES.values():
        assert isinstance(page.fault(reply), ProviderError)
        assert isinstance(page.fault(reply, "poll"), ProviderError)
        job = page.job_id(reply)
        assert job is None or (isinstance(job, str) and job)
        with contextlib.suppress(ProviderError):
            status = page.status(reply)
            assert isinstance(status, Status)
            assert all(isinstance(url, str) and url.startswith("http") for url in status.links.values())
            assert status.charged is None or status.charged >= 0
    for read in EXTRAS:
        with contextlib.suppress(ProviderError):
            read(reply)
