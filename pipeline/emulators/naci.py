"""The naci gateway as S4 shows it: Ark's body in, three forms of answer out, new-api's envelopes for errors."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.digest import dumps
from pipeline.emulators import ark
from pipeline.emulators.call import Answer, Call, Refused, Trouble, Way, nested
from pipeline.emulators.faults import Fault
from pipeline.emulators.jobs import Job
from pipeline.emulators.kit import Kit
from pipeline.emulators.naci_forms import openai_form, raw_form, wrapped_form

_ASIA_SECONDS = 8 * 3600  # the stamp in an id is UTC+8: S4:22 against S4:27
_TASK_STATUS = {  # HTTP statuses of the task envelope; everything else is 500
    "invalid_request": 400,
    "invalid_json": 400,
    "task_not_exist": 400,
    "missing_model": 400,
    "insufficient_user_quota": 403,
    "read_request_body_failed": 413,
}
_TRUE = ("1", "t", "true")
_MODERATED = (
    "OutputVideoSensitiveContentDetected.PolicyViolation",
    "The request failed because the output video may contain sensitive information.",
)


class Naci:
    """S4: what the page does not say is read as Ark, and as the relay of the same family."""

    name = "naci"
    base_path = ""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit

    def ways(self) -> Sequence[Way]:
        """S4:3, S4:45."""
        path = "/v1/video/generations"
        return [
            Way(method="POST", path=path, op="create", handler=self.create),
            Way(method="GET", path=path + "/{id}", op="query", handler=self.query),
        ]

    def key(self, headers: Mapping[str, str]) -> str:
        """The Bearer token (S4:4)."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return token.strip() if scheme == "Bearer" else ""

    def trouble(self, kind: Trouble, message: str = "") -> Answer:
        """The envelopes of the relay: `{error: {...}}` from its door, `{code, message, data}` from its tasks."""
        match kind:
            case "key":
                return self._door(401, "Invalid token")
            case "route":
                return self._door(404, f"Invalid URL ({message})", type="invalid_request_error")
            case "rate":
                return self.coded("fail_to_fetch_task", "当前分组上游负载已饱和，请稍后再试", 429)
            case "body":
                return self.coded("invalid_json", message or "invalid JSON", 400)
            case "internal":
                return self.coded("do_request_failed", "do request failed", 500)

    def _door(self, status: int, message: str, *, type: str = "new_api_error", code: str = "") -> Answer:
        text = f"{message} (request id: {self.kit.word(20)})"
        return Answer(json={"error": {"message": text, "type": type, "code": code}}, status=status)

    def coded(self, code: str, message: str, status: int = 0) -> Answer:
        """The task envelope."""
        status = status or _TASK_STATUS.get(code, 500)
        return Answer(json={"code": code, "message": message or code, "data": None}, status=status)

    def verdict(self, fault: Fault) -> tuple[str, str]:
        """Ark's code and message of a failure."""
        if fault.name.startswith("moderated"):
            return fault.code or _MODERATED[0], fault.message or _MODERATED[1]
        return fault.code or "InternalServiceError", fault.message or "The service encountered an internal error."

    async def create(self, call: Call) -> Answer:
        """S4:2-28: Ark's own body; an upstream refusal comes as a JSON text in `message`."""
        body = call.json
        if not isinstance(body, dict):
            raise Refused(self.trouble("body"))
        if len(call.body) > ark.MOST_BODY_BYTES:
            raise Refused(self.coded("read_request_body_failed", "request body too large"))
        call.note_unknown(body, ark.FIELDS)
        if ark.FLAGS.search(call.body.decode("utf-8", "replace")):
            call.notes.append("a prompt with flags such as --dur, which change the job upstream")
        asked = body.get("model")
        if not isinstance(asked, str) or not asked:
            raise Refused(self.coded("missing_model", "model is required"))
        models = self.kit.settings.naci_models
        upstream = models.get(asked, asked if asked in models.values() else "")
        if not upstream:
            message = f"No available channel for model {asked} under group default"
            raise Refused(self._door(503, message, code="model_not_found"))
        reader = ark.Reader(given=body, family=ark.family_of(upstream), look=self.kit.inputs.look)
        try:
            order = await reader.order()
        except ark.ArkError as error:
            raise Refused(self.upstream(error)) from None
        desk, settings = self.kit.desk, self.kit.settings
        used = ark.tokens((order.sheet.width, order.sheet.height), order.seconds, order.brought, settings.tokens)
        price = ark.cny(order.family, order.resolution, used, with_video=order.brought is not None)
        if desk.available(call.account) < price:
            raise Refused(self.coded("insufficient_user_quota", "用户额度不足"))
        now = desk.now()
        job = Job(
            id=f"cgt-{time.strftime('%Y%m%d%H%M%S', time.gmtime(now + _ASIA_SECONDS))}-{self.kit.word(5)}",
            kind="video",
            account=call.account,
            model=upstream,
            created=now,
            due=now,
            pace=settings.seconds_per_job,
            price=price,
            body=body,
            sheet=order.sheet,
            hook=order.callback,
            extra={
                "tokens": used,
                "seed": order.seed if order.seed >= 0 else 1345,
                "resolution": order.resolution,
                "ratio": order.ratio,
                "duration": order.seconds,
                "generate_audio": order.audio,
                "watermark": order.watermark,
                "last_frame": order.last_frame,
            },
        )
        job = self.kit.take(self, call, job)
        return Answer(json={**openai_form(replace(job, stage="pending"), ""), "progress": 0})

    def upstream(self, error: ark.ArkError) -> Answer:
        """Ark's refusal as the relay hands it on."""
        text = dumps(error.value())
        return self.coded("fail_to_fetch_task", text, error.status)

    async def query(self, call: Call) -> Answer:
        """S4:32-129; `raw` wins over the others, and the settings say what comes without any."""
        job = self.kit.desk.get(call.params["id"], call.account)
        if job is None:
            raise Refused(self.coded("task_not_exist", "task_not_exist"))
        asked = {name: call.query.get(name, "").lower() in _TRUE for name in ("raw", "show_raw", "show_usage")}
        form = call.form or (
            "raw" if asked["raw"] else "wrapped" if asked["show_raw"] or asked["show_usage"] else self.plain_form
        )
        if form == "raw":
            return Answer(json=self.raw(job))
        url = self.kit.files.link(job, "video.mp4") if job.stage == "done" else ""
        if form == "openai":
            return Answer(json=openai_form(job, url))
        return Answer(
            json=wrapped_form(
                job,
                url if "url_in_fail_reason" in job.traits else "",
                raw=self.raw(job) if asked["show_raw"] else None,
                usage=asked["show_usage"],
            )
        )

    @property
    def plain_form(self) -> str:
        """The form of an answer to a query without flags, of which the page shows two (S4:54, S4:96)."""
        return self.kit.settings.naci_plain

    def raw(self, job: Job) -> dict[str, Any]:
        """S4:110-129."""
        link = self.kit.files.link
        done = job.stage == "done"
        return raw_form(
            job,
            link(job, "video.mp4") if done else "",
            link(job, "last.png") if done and job.extra["last_frame"] else "",
        )

    def shown(self, job: Job) -> Any:
        """Ark's callback: the body of its GET."""
        return self.raw(job)

    def hooks(self, job: Job) -> bool:
        """Ark calls at each change."""
        return job.over or job.stage == "running"

    def hook_headers(self, job: Job, body: bytes, *, well_signed: bool) -> Mapping[str, str]:
        """None: Ark documents no signature."""
        return {}

    def spoilt(self, fault: Fault, call: Call, answer: Answer | None) -> Answer | None:
        """The relay's oddities: an error in a 200, JSON in JSON, success with nothing."""
        match fault.name:
            case "error_in_200":
                return Answer(json={"code": 400, "message": fault.message or "fail_to_fetch_task", "data": None})
            case "nested_error":
                return self.coded("fail_to_fetch_task", nested(fault.polls), fault.status)
            case "empty_answer":
                return Answer(json={"code": "success", "data": None})
        return None
