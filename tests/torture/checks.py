"""What must be so when a campaign has come to its end; every check gives sentences about what is not."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.digest import loads
from pipeline.emulators.settings import ALL, KEYS

if TYPE_CHECKING:
    from tests.torture.campaign import Campaign
    from tests.torture.watcher import Watcher

D = Decimal


def all_of(campaign: Campaign, watcher: Watcher, naci: Decimal) -> list[str]:
    """Everything that is wrong."""
    return [
        *_of_ends(campaign),
        *_of_jobs(campaign),
        *_of_money(campaign, watcher, naci),
        *_of_ledger(campaign.workspace / "ledger.sqlite3"),
        *_of_files(campaign.folder),
    ]


def _of_ends(campaign: Campaign) -> Iterator[str]:
    """Each recipe is complete, the same command again does nothing, and every file is whole."""
    for tale in campaign.tales:
        path = campaign.recipe(tale)
        document = path.parent / "out" / tale.name / "manifest.json"
        if not document.exists():
            yield f"{tale.name}: there is no manifest"
            continue
        before = document.read_bytes()
        again = campaign.rushes("run", path, "--yes")
        if again.returncode or "Nothing to do" not in again.stderr:
            yield f"{tale.name}: the same command again is not idle: {again.returncode}, {again.stderr[-300:]}"
        if document.read_bytes() != before:
            yield f"{tale.name}: doing nothing changed the manifest"
        manifest = loads(before)
        there = Counter(shot["id"] for shot in manifest["shots"] if shot["status"] in ("done", "reused"))
        for shot in tale.shots:
            if there[shot.id] != shot.takes:
                yield f"{tale.name}: {shot.id} has {there[shot.id]} of {shot.takes} takes"
        if (status := manifest["run"]["status"]) != "complete":
            yield f"{tale.name}: the run is {status}"
        verified = campaign.rushes("verify", path)
        if verified.returncode:
            yield f"{tale.name}: verify finds {verified.stdout[-400:]}"


def _of_jobs(campaign: Campaign) -> Iterator[str]:
    """Each step was created once: jobs by prompt, those apart that a service let fail and gave the money back for."""
    wanted: dict[tuple[str, str], int] = {}
    for tale in campaign.tales:
        for shot in tale.shots:
            wanted[shot.provider, shot.tag] = shot.takes  # a shared shot is made once
            if "upscale" in shot.fields:
                wanted["seegen", ""] = wanted.get(("seegen", ""), 0) + shot.takes  # who enlarges sees no prompt
    found: Counter[tuple[str, str]] = Counter()
    for name in ALL:
        for job in campaign.standing.books(name)["jobs"]:
            if job["stage"] == "failed" and "job_fails" in job["faults"]:
                continue
            tag = tag_of(job)
            if job["stage"] != "done":
                yield f"{name}: {job['id']} of {tag!r} is {job['stage']}"
            found[name, tag] += 1
    for place in sorted(wanted.keys() | found.keys()):
        if found[place] != wanted.get(place, 0):
            yield f"{place}: {found[place]} jobs were made of {wanted.get(place, 0)}"
    campaign.report.creates = sum(found.values())


def tag_of(job: Mapping[str, Any]) -> str:
    """The prompt of a job, empty where it has none."""
    marks: list[str] = job["marks"]
    return next((mark.removeprefix("prompt:") for mark in marks if mark.startswith("prompt:")), "")


def _of_money(campaign: Campaign, watcher: Watcher, naci: Decimal) -> Iterator[str]:
    """The ledger, the events added up anew, and the services' books say the same to the last digit."""
    shown = campaign.rushes("ledger", "--format", "json")
    rows = {row["account"].removesuffix("@rehearsal"): row for row in loads(shown.stdout)["totals"]}
    for name in ALL:
        books = campaign.standing.books(name)
        told = D(books["totals"]["charged"])
        if name == "naci":
            told = naci * sum(job["stage"] == "done" for job in books["jobs"])
        row = rows.get(name)
        charged = D(row["charged"]) if row else D(0)
        if charged != told:
            yield f"{name}: the ledger has {charged} charged, the books {told}"
        if row and (row["reserved"] or row["unknown"]):
            yield f"{name}: {row['reserved']} reserved and {row['unknown']} unknown are left"
        if watcher.books.total(f"{name}@rehearsal") != charged:
            yield f"{name}: the events add up to {watcher.books.total(f'{name}@rehearsal')}, the ledger says {charged}"


def _of_ledger(path: Path) -> Iterator[str]:
    """The database is sound, and no job is that of two steps."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        (sound,) = connection.execute("PRAGMA integrity_check").fetchone()
        if sound != "ok":
            yield f"the ledger is damaged: {sound}"
        attempts = connection.execute("SELECT provider, job_id, key FROM attempts WHERE job_id IS NOT NULL").fetchall()
        keys: defaultdict[str, set[str]] = defaultdict(set)
        for _, job, key in attempts:
            keys[job].add(key)
        yield from (f"the job {job} is that of {len(some)} steps" for job, some in keys.items() if len(some) > 1)
    finally:
        connection.close()


def _of_files(folder: Path) -> Iterator[str]:
    """No key lies in any file, and no half of a file is left in the store's or the output's folders."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "services" not in path.relative_to(folder).parts:
            yield from of_text(path.read_bytes().decode("latin-1"), str(path))


def of_text(text: str, where: str) -> list[str]:
    """What must stand nowhere: a traceback, or a key."""
    found = [f"{where} has a key of {name}" for name in ALL for key in KEYS[name] if key in text]
    if "Traceback (most recent call last)" in text:
        at = text.index("Traceback (most recent call last)")
        found.append(f"{where} has a traceback: {text[at : at + 1500]}")
    return found
