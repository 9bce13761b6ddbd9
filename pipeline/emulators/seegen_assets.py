"""SeeGen's assets: a URL is handed in, reviewed, and used as asset:// from then on (S0:327-407)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pipeline.emulators.call import Answer, Call, Refused, Way
from pipeline.emulators.inputs import Seen, Unreadable
from pipeline.emulators.jobs import Job
from pipeline.emulators.kit import Kit
from pipeline.emulators.seegen_rules import Invalid

TYPES = ("IMAGE", "AUDIO", "VIDEO")  # S0:342
STATUSES = ("NONE", "PROCESSING", "ACTIVE", "FAILED")  # S0:376
_STAGES = {"done": "ACTIVE", "failed": "FAILED"}
_FIRST_ID = 123


class Assets:
    """The asset library of every account."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit

    def ways(self) -> Sequence[Way]:
        """S0:97-99; methods by the examples (S0:331, S0:357, S0:366)."""
        return [
            Way(method="POST", path="/assets/upload", op="asset", handler=self.upload),
            Way(method="GET", path="/assets/status", op="query", handler=self.status),
            Way(method="GET", path="/assets/list", op="list", handler=self.library),
        ]

    async def upload(self, call: Call) -> Answer:
        """S0:329-354: what lies at a loopback URL is looked at, and its kind must be the type named."""
        body = call.json if isinstance(call.json, dict) else {}
        call.note_unknown(body, ("url", "type", "name"))
        url, sort, name = body.get("url"), body.get("type"), body.get("name")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise _refused("url is required and must be a publicly accessible URL")
        if sort not in TYPES:
            raise _refused('type must be "IMAGE", "AUDIO", or "VIDEO"')
        if name is not None and (not isinstance(name, str) or len(name) > 64):
            raise _refused("name must be a string of at most 64 characters")
        desk = self.kit.desk
        reason, seen = "", None
        try:
            seen = await self.kit.inputs.look(url)
        except Unreadable as error:
            reason = str(error)
        if seen is not None and seen.kind.upper() != sort:
            reason = f"the file is not of type {sort}"
        fails = next((fault for fault in call.traits if fault.name == "asset_fails"), None)
        slow = next((fault for fault in call.traits if fault.name == "asset_slow"), None)
        if fails is not None:
            reason = fails.message or "Review failed: the material does not meet the content policy"
        number = _FIRST_ID + sum(1 for job in desk.jobs.values() if job.kind == "asset")
        stamp = time.strftime("%Y%m%d", time.gmtime(desk.now()))
        job = desk.accept(
            Job(
                id=f"asset-{stamp}-{self.kit.word(6)}",
                kind="asset",
                account=call.account,
                model=sort,
                created=desk.now(),
                due=desk.now(),
                pace=self.kit.settings.seconds_per_review,
                fate="failed" if reason else "done",
                message=reason,
                traits=("frozen",) if slow else (),
                extra={"number": number, "url": url, "name": name or "", "polls": slow.polls if slow else 0}
                | _measured(seen),
            )
        )
        return Answer(json={k: v for k, v in self.shown(job).items() if k not in _MEASURES})

    async def status(self, call: Call) -> Answer:
        """S0:355-362: by assetId, numeric or volcAssetId."""
        wanted = call.query.get("assetId", "")
        if not wanted:
            raise _refused("assetId is required")
        desk = self.kit.desk
        for job in desk.newest(call.account, "asset"):
            if wanted in (job.id, str(job.extra["number"])):
                if job.extra["polls"] and not job.over:
                    job = desk.change(job, polls=job.polls + 1)
                    if job.polls > job.extra["polls"]:
                        job = desk.finish(job, job.fate, "", job.message)
                return Answer(json=self.shown(job))
        raise Refused(Answer(json={"message": "Asset not found"}, status=404))

    async def library(self, call: Call) -> Answer:
        """S0:363-398: newest first; `nextCursor` is the assetId that the next page begins with."""
        sort, status = call.query.get("type"), call.query.get("status")
        if sort is not None and sort not in TYPES:
            raise _refused("type must be IMAGE, AUDIO or VIDEO")
        if status is not None and status not in STATUSES:
            raise _refused("status must be NONE, PROCESSING, ACTIVE or FAILED")
        limit, cursor = call.query.get("limit", "20"), call.query.get("cursor")
        if not limit.isdigit() or not 1 <= int(limit) <= 50:
            raise _refused("limit must be 1-50")
        if cursor is not None and not cursor.isdigit():
            raise _refused("cursor must be a number")
        found = [
            shown
            for job in self.kit.desk.newest(call.account, "asset")
            if (shown := self.shown(job))
            and (cursor is None or shown["assetId"] <= int(cursor))
            and (sort is None or shown["type"] == sort)
            and (status is None or shown["status"] == status)
        ]
        page, rest = found[: int(limit)], found[int(limit) :]
        return Answer(json={"items": page, "nextCursor": rest[0]["assetId"] if rest else None})

    def shown(self, job: Job) -> dict[str, Any]:
        """S0:381-395."""
        return {
            "assetId": job.extra["number"],
            "volcAssetId": job.id,
            "type": job.model,
            "status": _STAGES.get(job.stage, "PROCESSING"),
            "failReason": job.message if job.stage == "failed" else None,
            "url": job.extra["url"],
            "name": job.extra["name"],
            **{name: job.extra.get(name) for name in _MEASURES},
            "createdAt": int(job.created * 1000),
        }

    def resolve(self, account: str, url: str, kind: str) -> Seen | None:
        """What an asset:// reference holds; None where it was never looked at. Raises `Invalid` where it is no use."""
        job = self.kit.desk.get(url.removeprefix("asset://"), account)
        if job is None or job.kind != "asset":
            raise Invalid(f"{url}: asset not found")
        if job.stage != "done":
            raise Invalid(f"{url}: asset is not ACTIVE")  # S0:328
        if job.model != kind.upper():
            raise Invalid(f"{url}: asset is not of type {kind.upper()}")
        return _seen(job)

    def known(self, account: str, url: str) -> Job | None:
        """The asset that was handed in with this URL, for the upscaler's `r2Url` (S0:422)."""
        jobs = self.kit.desk.newest(account, "asset")
        return next((job for job in jobs if job.extra["url"] == url), None)


_MEASURES = ("width", "height", "size", "duration")


def _measured(seen: Seen | None) -> dict[str, Any]:
    if seen is None:
        return {}
    return {
        "width": seen.width or None,
        "height": seen.height or None,
        "size": seen.size,
        "duration": float(seen.seconds) or None,
        "seen": {"name": seen.name, "kind": seen.kind, "format": seen.format, "seconds": str(seen.seconds)},
    }


def _seen(job: Job) -> Seen | None:
    kept = job.extra.get("seen")
    if kept is None:
        return None
    return Seen(
        name=kept["name"],
        kind=kept["kind"],
        format=kept["format"],
        width=job.extra["width"] or 0,
        height=job.extra["height"] or 0,
        seconds=Decimal(kept["seconds"]),
        size=job.extra["size"],
    )


def _refused(message: str) -> Refused:
    return Refused(Answer(json={"message": message}, status=400))
