"""The page of what was asked, as a person reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emulators.striking import strike
from tests.emulators.visit import visit

pytestmark = pytest.mark.anyio


async def test_an_empty_page_says_so(cache: Path) -> None:
    """Rather than to show tables without a row."""
    async with visit("seedancee2", cache) as visitor:
        page = (await visitor.client.get(f"{visitor.stand.root}/_emulator/")).text
        assert "Nobody has come yet." in page
        assert "<h2>No jobs</h2>" in page
        assert "<h2>No requests</h2>" in page
        assert "<table" not in page


async def test_jobs_faults_and_requests_are_shown(cache: Path) -> None:
    """What struck and what waits, each job with its money; a long text opens, and none of it is markup."""
    async with visit("seedancee2", cache) as visitor:
        strike(visitor, "moderated_later")
        strike(visitor, "frozen", times=None, match="nothing of this kind")
        body = {"model": "mini", "input": {"prompt": "<script>alert(1)</script> " + "a long way " * 20}}
        job_id = await visitor.create(body)
        await visitor.end(job_id)
        page = (await visitor.client.get(f"{visitor.stand.root}/_emulator/")).text
        assert "Waiting: <span class=note>frozen × all</span>" in page
        assert "Struck: <span class=note>moderated_later</span>" in page
        assert f"<td>{job_id}<td>" in page
        assert "<td class=bad>failed<td class=sum>50<td class=sum>0<td class=sum>50" in page
        assert "<details><summary>" in page
        assert "<script>" not in page
