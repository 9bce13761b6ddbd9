"""What a careful user does about submissions of unknown outcome: looks into the service's books, and says."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from pipeline.digest import loads
from tests.torture.checks import tag_of

if TYPE_CHECKING:
    from tests.torture.campaign import Campaign
    from tests.torture.recipes import Tale


def decide(campaign: Campaign, tale: Tale) -> int:
    """Asks `recover` what is unknown and answers by the services' books; how many answers were given.

    A job that has the shot's prompt and is nobody's yet is adopted; where there is none the submission is released.
    """
    asked = campaign.rushes("recover", campaign.recipe(tale), "--format", "json")
    if asked.returncode not in (0, 4):
        return 0  # never run there, or another process is at work
    open_ones = [one for one in loads(asked.stdout)["submissions"] if one["outcome"] in ("asked", "left")]
    if not open_ones:
        return 0
    ours = _adopted(campaign)
    words: list[str] = []
    for one in open_ones:
        job = _lost_job(campaign, tale, one, ours)
        if job:
            ours.add(job)
            words += ["--adopt", f"{one['name']}={job}"]
        elif one["outcome"] == "asked":
            words += ["--resubmit", one["name"]]
    if words:
        campaign.rushes("recover", campaign.recipe(tale), *words)
    return len(words) // 2


def _adopted(campaign: Campaign) -> set[str]:
    """Every job that an attempt in the ledger has."""
    connection = sqlite3.connect(f"file:{campaign.workspace / 'ledger.sqlite3'}?mode=ro", uri=True, timeout=10)
    try:
        return {job for (job,) in connection.execute("SELECT job_id FROM attempts WHERE job_id IS NOT NULL")}
    finally:
        connection.close()


def _lost_job(campaign: Campaign, tale: Tale, one: dict[str, Any], ours: set[str]) -> str:
    name = one["step"].partition("/")[0].partition("@")[0]
    shot = next(shot for shot in tale.shots if shot.id == name)
    tag = "" if one["step"].endswith("/upscale") else shot.tag
    books = campaign.standing.books(one["provider"])
    return next((job["id"] for job in books["jobs"] if tag_of(job) == tag and job["id"] not in ours), "")
