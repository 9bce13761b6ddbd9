"""Seedancee2 as S3 describes it: reserved, charged and refunded credits, metadata echoed, signed webhooks."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.emulators.call import Answer, Call, Refused, Trouble, Way, nested
from pipeline.emulators.faults import Fault
from pipeline.emulators.jobs import Job
from pipeline.emulators.kit import Kit, iso
from pipeline.emulators.seedancee2_rules import RATES, Invalid, Reader
from pipeline.emulators.seedancee2_usage import usage

ERRORS = {  # S3:398-404
    "invalid_request": (400, "invalid_request_error", "Missing or invalid parameters."),
    "invalid_api_key": (401, "authentication_error", "API key is missing, invalid, or disabled."),
    "insufficient_credits": (402, "billing_error", "Your credit balance is too low. Please top up."),
    "model_not_found": (404, "invalid_request_error", "Model does not exist or is inactive."),
    "task_not_found": (404, "invalid_request_error", "Task ID does not exist."),
    "internal_error": (500, "api_error", "Unexpected server error."),
    "rate_limit_exceeded": (429, "rate_limit_error", "Too many requests."),  # not in the page (C3)
    "not_found": (404, "invalid_request_error", "Unknown route."),
}
STATUSES = ("pending", "processing", "completed", "failed")  # S3:120-123
_STAGES = {"pending": "pending", "queued": "pending", "running": "processing", "done": "completed"}
_TROUBLE: Mapping[Trouble, str] = {
    "key": "invalid_api_key",
    "rate": "rate_limit_exceeded",
    "internal": "internal_error",
    "route": "not_found",
    "body": "invalid_request",
}
_FAILURE = "The video could not be generated. Please try again with a different prompt."  # S3:235


class Seedancee2:
    """S3: everything under `data`, errors as `{error: {code, message, type}}`."""

    name = "seedancee2"
    base_path = ""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit

    def ways(self) -> Sequence[Way]:
        """S3:125, S3:183, S3:244, S3:252, S3:266."""
        path = "/v1/videos/generations"
        return [
            Way(method="POST", path=path, op="create", handler=self.create),
            Way(method="GET", path=path, op="list", handler=self.tasks),
            Way(method="GET", path=path + "/{id}", op="query", handler=self.query),
            Way(method="GET", path="/v1/models", op="models", handler=self.models),
            Way(method="GET", path="/v1/usage", op="balance", handler=self.usage),
        ]

    def key(self, headers: Mapping[str, str]) -> str:
        """The Bearer token, or x-api-key (S3:72-74)."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return token.strip() if scheme == "Bearer" else headers.get("x-api-key", "").strip()

    def trouble(self, kind: Trouble, message: str = "") -> Answer:
        """S3:389-396."""
        return self.coded(_TROUBLE[kind], message)

    def coded(self, code: str, message: str, status: int = 0) -> Answer:
        """S3:389-404."""
        found, sort, text = ERRORS.get(code, (400, "invalid_request_error", "The request was refused."))
        error = {"code": code or "invalid_request", "message": message or text, "type": sort}
        return Answer(json={"error": error}, status=status or found)

    def verdict(self, fault: Fault) -> tuple[str, str]:
        """Code and message of a failure (S3:233-237)."""
        default = "content_policy_violation" if fault.name.startswith("moderated") else "generation_failed"
        return fault.code or default, fault.message or _FAILURE

    async def create(self, call: Call) -> Answer:
        """S3:124-181: the price is reserved."""
        body = call.json
        if not isinstance(body, dict):
            raise self.refused("invalid_request", "The body must be a JSON object.")
        call.note_unknown(body, ("model", "input", "callback_url", "metadata"))
        model, given, metadata = body.get("model"), body.get("input"), body.get("metadata")
        hook = body.get("callback_url")
        if not isinstance(model, str) or not model:
            raise self.refused("invalid_request", "model is required.")
        if model not in RATES:
            raise self.refused("model_not_found", f"Model {model} does not exist or is inactive.")
        if not isinstance(given, dict):
            raise self.refused("invalid_request", "input is required.")
        if metadata is not None and not isinstance(metadata, dict):
            raise self.refused("invalid_request", "metadata must be an object.")
        if hook is not None and (not isinstance(hook, str) or not hook.startswith(("http://", "https://"))):
            raise self.refused("invalid_request", "callback_url must be a URL.")
        try:
            order = await Reader(call=call, given=given, look=self.kit.inputs.look).order(model)
        except Invalid as error:
            raise self.refused("invalid_request", str(error)) from None
        desk = self.kit.desk
        if desk.available(call.account) < order.price:
            raise self.refused("insufficient_credits", "")
        job = Job(
            id=f"vid_{self.kit.word(26)}",
            kind="video",
            account=call.account,
            model=model,
            created=desk.now(),
            due=desk.now(),
            pace=self.kit.settings.seconds_per_job,
            price=order.price,
            body=body,
            sheet=order.sheet,
            extra={"metadata": metadata, "last_frame": order.last_frame},
            hook=hook or "",
        )
        job = self.kit.take(self, call, job)
        data = {
            "id": job.id,
            "status": "pending",
            "model": model,
            "credits_reserved": job.price,
            "created_at": iso(job.created),
        }
        return Answer(json={"data": data})

    async def query(self, call: Call) -> Answer:
        """S3:182-242."""
        job = self.kit.desk.get(call.params["id"], call.account)
        if job is None:
            raise self.refused("task_not_found", "")
        return Answer(json=self.shown(job))

    async def tasks(self, call: Call) -> Answer:
        """S3:243-251, the newest first; the page shows no answer."""
        status, limit = call.query.get("status"), call.query.get("limit", "20")
        if status is not None and status not in STATUSES:
            raise self.refused("invalid_request", f"status must be one of {', '.join(STATUSES)}.")
        if not limit.isdigit() or not 1 <= int(limit) <= 100:
            raise self.refused("invalid_request", "limit must be between 1 and 100.")
        found: list[dict[str, Any]] = []
        for job in self.kit.desk.newest(call.account, "video"):
            if len(found) < int(limit) and (status is None or _STAGES.get(job.stage, "failed") == status):
                found.append(self.task(job))
        return Answer(json={"data": found})

    async def models(self, call: Call) -> Answer:
        """S3:252-265."""
        data = [
            {"id": model, "status": "active", "resolutions": list(rates), "duration": {"min": 4, "max": 15}}
            for model, rates in RATES.items()
        ]
        return Answer(json={"data": data})

    async def usage(self, call: Call) -> Answer:
        """S3:266-329."""
        try:
            data = usage(list(self.kit.desk.newest(call.account, "video")), call.query, self.kit.desk.now())
        except ValueError as error:
            raise self.refused("invalid_request", str(error)) from None
        return Answer(json={"data": data})

    def task(self, job: Job) -> dict[str, Any]:
        """S3:194-242; the last frame is the poster, as in S3:216-217."""
        shown: dict[str, Any] = {
            "id": job.id,
            "status": _STAGES.get(job.stage, "failed"),
            "model": job.model,
            "created_at": iso(job.created),
        }
        if job.stage == "done":
            poster = self.kit.files.link(job, "poster.jpg")
            shown["completed_at"] = iso(job.ended)
            shown["credits_charged"] = job.charged
            shown["output"] = {"video_url": self.kit.files.link(job, "video.mp4"), "thumbnail_url": poster}
            if job.extra["last_frame"]:
                shown["output"]["last_frame_url"] = poster
        elif job.over:
            shown["credits_charged"] = job.charged
            shown["credits_refunded"] = job.refunded
            error = {"code": job.code or "generation_failed", "message": job.message, "type": "generation_error"}
            shown["error"] = error
        if job.extra["metadata"] is not None:
            shown["metadata"] = job.extra["metadata"]
        return shown

    def shown(self, job: Job) -> Any:
        """S3:335-371: a webhook's body is the query's."""
        return {"data": self.task(job)}

    def hooks(self, job: Job) -> bool:
        """When completed or failed (S3:330)."""
        return job.over

    def hook_headers(self, job: Job, body: bytes, *, well_signed: bool) -> Mapping[str, str]:
        """S3:331-335: the event, and the signature where signing is enabled."""
        event = f"video.generation.{_STAGES.get(job.stage, 'failed')}"
        secret = self.kit.settings.webhook_secret
        if not secret:
            return {"X-Seedancee2-Event": event}
        moment = int(self.kit.desk.now())
        signature = signed(secret if well_signed else f"{secret}?", moment, body)
        return {"X-Seedancee2-Event": event, "X-Seedancee2-Signature": signature}

    def spoilt(self, fault: Fault, call: Call, answer: Answer | None) -> Answer | None:
        """An error in a 200, and a message that is JSON itself."""
        match fault.name:
            case "error_in_200":
                return self.coded(fault.code or "internal_error", fault.message, 200)
            case "nested_error":
                return self.coded("internal_error", nested(fault.polls), fault.status)
            case "empty_answer":
                return Answer(json={"data": None})
        return None

    def refused(self, code: str, message: str) -> Refused:
        """A refusal in the document's form."""
        return Refused(self.coded(code, message))


def signed(secret: str, moment: int, body: bytes) -> str:
    """The signature header of a webhook's raw body at a unix second (S3:333-335)."""
    mac = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={mac}"
