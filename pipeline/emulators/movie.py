"""seedance2.movie as S2 describes it: an envelope whose `code` decides, presigned uploads, post-pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from pipeline.emulators.call import Answer, Call, Refused, Trouble, Way
from pipeline.emulators.faults import Fault
from pipeline.emulators.inputs import Seen
from pipeline.emulators.jobs import Job
from pipeline.emulators.kit import Kit, iso
from pipeline.emulators.movie_rules import Bad, Reader
from pipeline.emulators.movie_uploads import Uploads

HTTP = {  # S2:266-273; a code that is in no row is answered with 200
    "INVALID_API_KEY": 401,
    "INVALID_PARAMETER": 400,
    "MISSING_PARAMETER": 400,
    "CONTENT_MODERATION_FAILED": 400,
    "TASK_CANCEL_NOT_ALLOWED": 400,
    "INSUFFICIENT_CREDIT": 402,
    "TASK_NOT_FOUND": 404,
    "RATE_LIMIT_EXCEEDED": 429,
    "CONCURRENCY_LIMIT_REACHED": 429,
    "INTERNAL_ERROR": 500,
    "TASK_SUBMIT_FAILED": 500,
    "SERVICE_BUSY": 503,
}
MESSAGES = {  # S2:248-264
    "INVALID_API_KEY": "Invalid or disabled API key",
    "INSUFFICIENT_CREDIT": "Insufficient credit balance",
    "CREDIT_DEDUCT_FAILED": "Credit deduction failed — please retry",
    "TASK_NOT_FOUND": "Task not found or does not belong to your API key",
    "TASK_SUBMIT_FAILED": "Task submission failed — please retry",
    "TASK_CANCEL_NOT_ALLOWED": "Task cannot be cancelled in its current status",
    "CONCURRENCY_LIMIT_REACHED": "Max concurrent tasks reached — task is queued",
    "FILE_UPLOAD_FAILED": "Failed to generate upload URL",
    "VIDEO_DOWNLOAD_FAILED": "Video processing failed",
    "CONTENT_MODERATION_FAILED": "Content moderation failed — input or output contains sensitive content",
    "COPYRIGHT_VIOLATION": "Content may violate copyright restrictions",
    "PRIVACY_VIOLATION": "Input contains real person imagery which is not allowed",
    "SERVICE_BUSY": "Service is temporarily busy — please retry later",
    "RATE_LIMIT_EXCEEDED": "Rate limit exceeded — please slow down",
    "INTERNAL_ERROR": "Internal server error",
}
STATUSES = ("pending", "queued", "processing", "completed", "failed", "cancelled", "expired")  # S2:170-176
_STAGES = {"running": "processing", "done": "completed"}
_TROUBLE: Mapping[Trouble, str] = {
    "key": "INVALID_API_KEY",
    "rate": "RATE_LIMIT_EXCEEDED",
    "internal": "INTERNAL_ERROR",
    "route": "INVALID_PARAMETER",
    "body": "INVALID_PARAMETER",
}


class Movie:
    """S2: credits with fractions, errors told by `code` under any HTTP status."""

    name = "seedance2-movie"
    base_path = ""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.uploads = Uploads(kit)

    def ways(self) -> Sequence[Way]:
        """S2:43, S2:77, S2:128, S2:182, S2:203, S2:214; methods by the examples."""
        task = "/api/v1/video/task"
        return [
            Way(method="POST", path="/api/v1/video/upload/presign", op="presign", handler=self.presign),
            Way(method="PUT", path="/bucket/{path:path}", op="put", handler=self.uploads.put, bare=True),
            Way(method="POST", path=task, op="create", handler=self.create),
            Way(method="GET", path=task + "/{id}", op="query", handler=self.query),
            Way(method="POST", path=task + "/{id}/cancel", op="cancel", handler=self.cancel),
            Way(method="GET", path="/api/v1/video/tasks", op="list", handler=self.tasks),
            Way(method="GET", path="/api/v1/video/balance", op="balance", handler=self.balance),
        ]

    def key(self, headers: Mapping[str, str]) -> str:
        """S2:10."""
        return headers.get("x-api-key", "").strip()

    def trouble(self, kind: Trouble, message: str = "") -> Answer:
        """S2:30-34."""
        answer = self.coded(_TROUBLE[kind], message)
        return replace(answer, status=404) if kind == "route" else answer

    def coded(self, code: str, message: str, status: int = 0) -> Answer:
        """S2:30-34; HTTP 200 or the status of S2:266-273, as the settings say."""
        by_status = self.kit.settings.movie_errors == "status"
        status = status or (HTTP.get(code, 200) if by_status else 200)
        code = code or "INTERNAL_ERROR"
        return Answer(json={"code": code, "message": message or MESSAGES.get(code, code)}, status=status)

    def verdict(self, fault: Fault) -> tuple[str, str]:
        """Code and message of a failure."""
        default = {"moderated_later": "CONTENT_MODERATION_FAILED", "moderated_at_create": "CONTENT_MODERATION_FAILED"}
        code = fault.code or default.get(fault.name, "INTERNAL_ERROR")
        if fault.name == "job_expires":
            return fault.code, fault.message or "Task expired"
        return code, fault.message or MESSAGES.get(code, code)

    async def presign(self, call: Call) -> Answer:
        """S2:40-68."""
        try:
            return done(self.uploads.presign(call))
        except Bad as bad:
            raise Refused(self.coded(bad.code, str(bad))) from None

    async def create(self, call: Call) -> Answer:
        """S2:76-126: nothing is deducted here, yet a task that could not be paid is refused (S2:251)."""
        if not isinstance(call.json, dict):
            raise Refused(self.trouble("body", "Invalid parameter: the body must be a JSON object"))
        try:
            order = await Reader(call=call, given=call.json, find=lambda path: self.find(call, path)).order()
        except Bad as bad:
            raise Refused(self.coded(bad.code, str(bad))) from None
        desk, settings = self.kit.desk, self.kit.settings
        if desk.available(call.account) < order.price:
            raise Refused(self.coded("INSUFFICIENT_CREDIT", ""))
        limit = settings.concurrency
        full = limit is not None and desk.open_jobs(call.account) >= limit
        if full and settings.movie_over_limit == "refused":
            raise Refused(self.coded("CONCURRENCY_LIMIT_REACHED", "Max concurrent tasks reached"))
        job = Job(
            id=self.kit.word(32, "0123456789abcdef"),
            kind="video",
            account=call.account,
            model=order.model,
            created=desk.now(),
            due=desk.now(),
            pace=settings.seconds_per_job,
            price=order.price,
            post_pay=True,
            body=call.json,
            sheet=order.sheet,
            extra=order.shown,
            hook=order.callback,
        )
        job = self.kit.take(self, call, job)
        return self._over_limit(job) if full else done(_accepted(job))

    def _over_limit(self, job: Job) -> Answer:
        return replace(
            self.coded("CONCURRENCY_LIMIT_REACHED", ""),
            json={
                "code": "CONCURRENCY_LIMIT_REACHED",
                "message": MESSAGES["CONCURRENCY_LIMIT_REACHED"],
                "result": {**_accepted(job), "status": "queued"},
            },
        )

    async def find(self, call: Call, path: str) -> Seen | None:
        """What was uploaded under this file_path by this account."""
        return self.uploads.find(call.account, path)

    async def query(self, call: Call) -> Answer:
        """S2:127-151."""
        return done(self.shown_task(self.own(call)))

    async def tasks(self, call: Call) -> Answer:
        """S2:181-202, the newest first."""
        page, size = call.query.get("page", "1"), call.query.get("page_size", "20")
        status = call.query.get("status")
        if not page.isdigit() or int(page) < 1:
            raise Refused(self.coded("INVALID_PARAMETER", "Invalid parameter: page must be 1 or more"))
        if not size.isdigit() or not 1 <= int(size) <= 100:
            raise Refused(self.coded("INVALID_PARAMETER", "Invalid parameter: page_size must be 1-100"))
        if status is not None and status not in STATUSES:
            raise Refused(self.coded("INVALID_PARAMETER", f"Invalid parameter: status {status}"))
        jobs = [
            job
            for job in self.kit.desk.newest(call.account, "video")
            if status is None or _STAGES.get(job.stage, job.stage) == status
        ]
        first = (int(page) - 1) * int(size)
        data = [self.shown_task(job) for job in jobs[first : first + int(size)]]
        return done({"data": data, "total": len(jobs), "page": int(page), "page_size": int(size)})

    async def cancel(self, call: Call) -> Answer:
        """S2:203-213."""
        job = self.own(call)
        if job.over:
            raise Refused(self.coded("TASK_CANCEL_NOT_ALLOWED", ""))
        before = _STAGES.get(job.stage, job.stage)
        job = self.kit.desk.finish(job, "cancelled")
        slow = any(fault.name == "cancel_slow" for fault in call.traits)
        return done({"task_id": job.id, "status": before if slow else "cancelled"})

    async def balance(self, call: Call) -> Answer:
        """S2:214-229: credits are used when a task completes (S2:232)."""
        desk = self.kit.desk
        used = desk.used(call.account)
        return done({"total_credits": desk.opening, "used_credits": used, "remain_credits": desk.opening - used})

    def own(self, call: Call) -> Job:
        """The task that the path names, of this account. Raises `Refused`."""
        job = self.kit.desk.get(call.params["id"], call.account)
        if job is None:
            raise Refused(self.coded("TASK_NOT_FOUND", ""))
        return job

    def shown_task(self, job: Job) -> dict[str, Any]:
        """S2:135-151."""
        link = self.kit.files.link
        finished = job.stage == "done"
        failed = job.stage in ("failed", "expired")
        return {
            "task_id": job.id,
            "model": job.model,
            "status": _STAGES.get(job.stage, job.stage),
            **{name: job.extra[name] for name in ("resolution", "ratio", "duration", "generate_audio", "seed")},
            "video_url": link(job, "video.mp4") if finished else None,
            "last_frame_url": link(job, "last.png") if finished and job.extra["return_last_frame"] else None,
            "error_code": (job.code or None) if failed else None,
            "error_message": job.message if failed else None,
            "credit_cost": Decimal(0) if job.over and not finished else job.price,
            "created_at": iso(job.created, milliseconds=False),
            "updated_at": iso(job.ended or job.started or job.created, milliseconds=False),
        }

    def shown(self, job: Job) -> Any:
        """The GET's answer; the page describes no callback's body."""
        return {"code": "200", "message": "Success", "result": self.shown_task(job)}

    def hooks(self, job: Job) -> bool:
        """At the end (S2:88)."""
        return job.over

    def hook_headers(self, job: Job, body: bytes, *, well_signed: bool) -> Mapping[str, str]:
        """None: no signature is described."""
        return {}

    def spoilt(self, fault: Fault, call: Call, answer: Answer | None) -> Answer | None:
        """Errors under 200, the two kinds of full house, refused cancels."""
        match fault.name:
            case "error_in_200":
                return self.coded(fault.code or "SERVICE_BUSY", fault.message, 200)
            case "cancel_refused":
                return self.coded("TASK_CANCEL_NOT_ALLOWED", fault.message)
            case "concurrency_without_task" | "concurrency_without_id":
                return self.coded("CONCURRENCY_LIMIT_REACHED", fault.message, fault.status)
            case "concurrency_with_task" if call.made:
                return self._over_limit(self.kit.desk.jobs[call.made[0]])
            case "empty_answer":
                return Answer(json={"code": "200", "message": "Success", "result": None})
        return None


def done(result: Any) -> Answer:
    """S2:24-30."""
    return Answer(json={"code": "200", "message": "Success", "result": result})


def _accepted(job: Job) -> dict[str, Any]:
    return {"task_id": job.id, "status": "pending", "credit_cost": job.price}
