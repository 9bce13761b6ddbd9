"""SeeGen as S0 describes it, and with `edition="seegen-older"` as S1 does: createTask, queryTask, credits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.emulators.call import Answer, Call, Refused, Trouble, Way, nested
from pipeline.emulators.faults import Fault
from pipeline.emulators.inputs import Seen, Unreadable
from pipeline.emulators.jobs import Job
from pipeline.emulators.kit import Kit
from pipeline.emulators.seegen_assets import Assets
from pipeline.emulators.seegen_rules import Invalid, Reader
from pipeline.emulators.seegen_upscale import Upscales, shown_upscale

MODELS = ("sd2", "sd2-fast", "happyhorse", "gpt-image-2")
_STAGES = {"pending": "PENDING", "queued": "PENDING", "running": "PROCESSING", "done": "COMPLETED"}  # S0:519
_TROUBLE: Mapping[Trouble, tuple[int, str]] = {  # S0:536-544
    "key": (401, "Invalid or missing API key"),
    "rate": (429, "Concurrency limit (3 tasks)"),
    "internal": (500, "Internal server error"),
    "route": (404, "Not found"),
    "body": (400, "Invalid parameters: the body must be a JSON object"),
}


class SeeGen:
    """S0: upper-case statuses, epoch milliseconds, errors as `{message}`."""

    name = "seegen"
    base_path = "/api/v1"

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.older = kit.settings.edition == "seegen-older"
        self.assets = Assets(kit)
        self.upscales = Upscales(kit, self, self.assets)

    def ways(self) -> Sequence[Way]:
        """S0:94-101; the older edition has the first three (S1:39-41)."""
        ways = [
            Way(method="POST", path="/jobs/createTask", op="create", handler=self.create),
            Way(method="GET", path="/jobs/queryTask", op="query", handler=self.query),
            Way(method="GET", path="/account/credits", op="balance", handler=self.credits),
        ]
        return ways if self.older else [*ways, *self.assets.ways(), *self.upscales.ways()]

    def key(self, headers: Mapping[str, str]) -> str:
        """The Bearer token (S0:63)."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return token.strip() if scheme == "Bearer" else ""

    def trouble(self, kind: Trouble, message: str = "") -> Answer:
        """S0:536-544; of the body only `message` is shown (S0:560)."""
        status, text = _TROUBLE[kind]
        return Answer(json={"message": message or text}, status=status)

    def coded(self, code: str, message: str, status: int = 0) -> Answer:
        """An error with a code, as the upscaler's (S0:470-479)."""
        status = status or (402 if code == "INSUFFICIENT_CREDITS" else 400)
        return Answer(json={"code": code, "message": message} if code else {"message": message}, status=status)

    def verdict(self, fault: Fault) -> tuple[str, str]:
        """Code and message of a failure."""
        if fault.name.startswith("moderated"):
            return fault.code, fault.message or "Content moderation failed: input or output contains sensitive content"
        return fault.code, fault.message or "Video generation failed. Credits have been refunded."

    async def create(self, call: Call) -> Answer:
        """S0:66-80, S0:279: model, inputs, callBackUrl."""
        body = self.object(call)
        call.note_unknown(body, ("model", "inputs", "callBackUrl"))
        model, given, hook = body.get("model"), body.get("inputs"), body.get("callBackUrl")
        if not isinstance(model, str) or model not in MODELS:
            raise refused(400, f"Invalid model: {model!r}")
        if not isinstance(given, dict):
            raise refused(400, "inputs is required and must be an object")
        self.hook(hook)
        reader = Reader(call=call, given=given, older=self.older, find=lambda url, kind: self.find(call, url, kind))
        try:
            order = await reader.order(model)
        except (Invalid, Unreadable) as error:
            raise refused(400, str(error)) from None
        desk, limit = self.kit.desk, self.kit.settings.concurrency
        if limit is not None and desk.open_jobs(call.account) >= limit:
            raise refused(429, f"Concurrency limit ({limit} tasks)")
        if desk.available(call.account) < order.price:
            raise refused(402, "Insufficient credits")
        job = Job(
            id=f"task_{self.kit.word(16)}",
            kind=order.kind,
            account=call.account,
            model=model,
            created=desk.now(),
            due=desk.now(),
            pace=self.kit.settings.seconds_per_job,
            price=order.price,
            body=body,
            sheet=order.sheet,
            hook=hook or "",
        )
        job = self.kit.take(self, call, job)
        return Answer(json={"taskId": job.id})

    async def find(self, call: Call, url: str, kind: str) -> Seen | None:
        """What an https URL or an asset:// reference of this account holds. Raises `Invalid`, `Unreadable`."""
        if not url.startswith("asset://"):
            return await self.kit.inputs.look(url)
        return self.assets.resolve(call.account, url, kind)

    async def query(self, call: Call) -> Answer:
        """S0:515-531; another account's task is refused with 403 (S0:541)."""
        wanted = call.query.get("taskId", "")
        if not wanted:
            raise refused(400, "taskId is required")
        job = self.kit.desk.get(wanted)
        if job is None or job.kind not in ("video", "image"):
            raise refused(404, "Task not found")
        if job.account != call.account:
            raise refused(403, "Access denied: you can only query your own tasks")
        return Answer(json=self.shown(job))

    def shown(self, job: Job) -> Any:
        """S0:515-531, and for upscales S0:435-458."""
        if job.kind == "upscale":
            return shown_upscale(job, self.kit)
        output = None
        if job.stage == "done" and job.sheet is not None:
            sheet = self.kit.studio.sheet(job.sheet)
            part = "video.mp4" if sheet.form == "mp4" else f"image.{sheet.form}"
            output = [{"url": self.kit.files.link(job, part), "width": sheet.width, "height": sheet.height}]
        return {
            "taskId": job.id,
            "model": job.model,
            "status": _STAGES.get(job.stage, "FAILED"),
            "creditsUsed": job.charged,
            "output": output,
            "error": None if job.stage not in ("failed", "expired") else job.message,
            "createTime": int(job.created * 1000),
            "completeTime": int(job.ended * 1000) if job.over else None,
        }

    async def credits(self, call: Call) -> Answer:
        """S0:531-535: what runs is held, so that less is available."""
        desk = self.kit.desk
        return Answer(
            json={"credits": desk.total(call.account), "availableCredits": desk.available(call.account)},
        )

    def hooks(self, job: Job) -> bool:
        """Once, at the end (S0:424, S0:481)."""
        return job.over

    def hook_headers(self, job: Job, body: bytes, *, well_signed: bool) -> Mapping[str, str]:
        """None: SeeGen signs nothing."""
        return {}

    def spoilt(self, fault: Fault, call: Call, answer: Answer | None) -> Answer | None:
        """An error in a 200, and a message that is JSON itself."""
        if fault.name == "error_in_200":
            return Answer(json={"code": fault.code or 500, "message": fault.message or "Internal server error"})
        if fault.name == "nested_error":
            return replace(self.trouble("internal"), json={"message": nested(fault.polls)})
        return None

    def object(self, call: Call) -> dict[str, Any]:
        """The body, an object. Raises `Refused`."""
        if not isinstance(call.json, dict):
            raise Refused(self.trouble("body"))
        return call.json

    def hook(self, url: Any) -> None:
        """A callback's URL, where there is one. Raises `Refused`."""
        if url is not None and (not isinstance(url, str) or not url.startswith(("http://", "https://"))):
            raise refused(400, "callBackUrl must be a URL")


def refused(status: int, message: str) -> Refused:
    """A refusal in SeeGen's form."""
    return Refused(Answer(json={"message": message}, status=status))
