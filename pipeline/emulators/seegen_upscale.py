"""SeeGen's standalone upscaler: lower-case statuses, ISO times, error objects (S0:407-479)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pipeline.emulators import seegen_prices as prices
from pipeline.emulators.call import Answer, Call, Refused, Service, Way
from pipeline.emulators.inputs import Seen, Unreadable
from pipeline.emulators.jobs import Job, Sheet, Stage
from pipeline.emulators.kit import Kit, iso
from pipeline.emulators.loopback import is_loopback, is_private
from pipeline.emulators.seegen_assets import Assets

TARGETS = {"1080p": (1920, 1080), "2k": (2560, 1440), "4k": (3840, 2160)}
FORMATS = ("mp4", "mov", "webm", "matroska")  # S0:462; a webm's container names itself so
MOST_BYTES = 200 * 1024 * 1024  # S0:461
MOST_SECONDS = Decimal(600)  # S0:460
_UNSEEN_SECONDS = Decimal(5)
_STAGES = {"pending": "validating", "queued": "validating", "running": "processing", "done": "completed"}


class Upscales:
    """Upscale tasks of every account."""

    def __init__(self, kit: Kit, service: Service, assets: Assets) -> None:
        self.kit, self.service, self.assets = kit, service, assets

    def ways(self) -> Sequence[Way]:
        """S0:100-101."""
        return [
            Way(method="POST", path="/upscale/create", op="create", handler=self.create),
            Way(method="GET", path="/upscale/query", op="query", handler=self.query),
        ]

    async def create(self, call: Call) -> Answer:
        """S0:409-430: a URL that is none is refused at once, a source that will not do fails later."""
        body = call.json if isinstance(call.json, dict) else {}
        call.note_unknown(body, ("source", "targetResolution", "callBackUrl"))
        source, target, hook = body.get("source"), body.get("targetResolution"), body.get("callBackUrl")
        if not isinstance(source, dict) or source.get("type") not in ("url", "uploadId"):
            raise _refused("INVALID_PARAMETER", 'source.type must be "url" or "uploadId"')
        if target not in TARGETS:
            raise _refused("INVALID_PARAMETER", 'targetResolution must be "1080p", "2k", or "4k"')
        if hook is not None and not isinstance(hook, str):
            raise _refused("INVALID_PARAMETER", "callBackUrl must be a string")
        url = self._url(call, source)
        code = message = ""
        seen = None
        try:
            seen = await self.kit.inputs.look(url)
        except Unreadable as error:
            fetched = "could not fetch" not in str(error)
            code, message = ("UNSUPPORTED_MEDIA_TYPE" if fetched else "URL_NOT_REACHABLE"), str(error)
        if seen is not None:
            code, message = _fault_of(seen, target)
        seconds = seen.seconds if seen else _UNSEEN_SECONDS
        price = Decimal(0) if code else prices.standalone(target, seconds)
        desk = self.kit.desk
        if desk.available(call.account) < price:
            raise _refused("INSUFFICIENT_CREDITS", "Not enough credits: top up and retry", 402)
        fate: Stage = "failed" if code else "done"
        job = Job(
            id=self.kit.word(24),
            kind="upscale",
            account=call.account,
            model="upscaler",
            created=desk.now(),
            due=desk.now(),
            pace=self.kit.settings.seconds_per_job,
            price=price,
            fate=fate,
            code=code,
            message=message,
            body=body,
            sheet=None if code else _sheet(seen, target, seconds),
            hook=hook or "",
            extra={
                "target": target,
                "seconds": str(seconds),
                "size": f"{seen.width}x{seen.height}" if seen else "1280x720",
            },
        )
        job = self.kit.take(self.service, call, job)
        return Answer(json={"taskId": job.id, "orderId": f"ord_{self.kit.word(16)}", "status": "validating"})

    def _url(self, call: Call, source: dict[str, Any]) -> str:
        if source["type"] == "uploadId":
            known = self.assets.known(call.account, str(source.get("r2Url", "")))
            if known is None:
                raise _refused("INVALID_URL", "source.r2Url is not one of your uploads")  # S0:422
            return str(known.extra["url"])
        url = source.get("url")
        if not isinstance(url, str) or not url:
            raise _refused("INVALID_URL", "source.url is required when source.type is url")
        if is_loopback(url):  # loopback stands for the public network here
            call.notes.append("source.url is on loopback, taken as public https")
        elif not url.startswith("https://") or is_private(url):
            raise _refused("INVALID_URL", "URL is malformed or not https")  # S0:421, S0:473
        return url

    async def query(self, call: Call) -> Answer:
        """S0:430-458."""
        job = self.kit.desk.get(call.query.get("taskId", ""))
        if job is None or job.kind != "upscale":
            raise Refused(Answer(json={"code": "TASK_NOT_FOUND", "message": "Task not found"}, status=404))
        if job.account != call.account:
            raise Refused(Answer(json={"code": "FORBIDDEN", "message": "Access denied"}, status=403))
        return Answer(json=shown_upscale(job, self.kit))


def shown_upscale(job: Job, kit: Kit) -> dict[str, Any]:
    """S0:435-458; `creditsConsumed` is null until the end and after a failure."""
    done = job.stage == "done"
    result = None
    if done:
        seconds = Decimal(job.extra["seconds"])
        result = {
            "url": kit.files.link(job, "video.mp4"),
            "probedDurationSeconds": seconds,
            "probedSourceResolution": job.extra["size"],
        }
    return {
        "taskId": job.id,
        "status": _STAGES.get(job.stage, "failed"),
        "targetResolution": job.extra["target"],
        "creditsConsumed": job.charged if done else None,
        "result": result,
        "error": {"code": job.code or "UPSCALE_FAILED", "message": job.message} if job.over and not done else None,
        "createdAt": iso(job.created),
        "finishedAt": iso(job.ended) if job.over else None,
    }


def _fault_of(seen: Seen, target: str) -> tuple[str, str]:
    """Code and message of what is wrong with a source (S0:471-479); two empty texts where nothing is."""
    wide, high = TARGETS[target]
    long, short = max(seen.width, seen.height), min(seen.width, seen.height)
    if seen.kind != "video" or seen.format not in FORMATS:
        return "UNSUPPORTED_MEDIA_TYPE", "File is not a video, or not in MP4 / MOV / WebM"
    if seen.size > MOST_BYTES:
        return "FILE_TOO_LARGE", "Source exceeds 200 MB"
    if seen.seconds > MOST_SECONDS:
        return "DURATION_EXCEEDS_LIMIT", "Source longer than 600 s"
    if long >= wide or short >= high:
        return "SOURCE_RESOLUTION_TOO_HIGH", f"Source {seen.width}x{seen.height} is not below target {target}"
    return "", ""


def _sheet(seen: Seen | None, target: str, seconds: Decimal) -> Sheet:
    width, height = TARGETS[target]
    if seen is None:
        return Sheet(width=width, height=height, seconds=str(seconds), prompt="upscaled", model="upscaler")
    return Sheet(
        width=seen.width,
        height=seen.height,
        seconds=str(seconds),
        prompt="upscaled",
        model="upscaler",
        source=seen.name,
        target=target,
    )


def _refused(code: str, message: str, status: int = 400) -> Refused:
    return Refused(Answer(json={"code": code, "message": message}, status=status))
