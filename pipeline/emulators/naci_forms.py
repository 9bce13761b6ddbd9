"""The three forms of the gateway's answer: wrapped (S4:54-95), OpenAI-like (S4:96-108), raw (S4:110-129)."""

from __future__ import annotations

from typing import Any

from pipeline.emulators.jobs import Job

FRAMES_A_SECOND = 24
_RAW = {"pending": "queued", "queued": "queued", "done": "succeeded"}
_OPENAI = {"pending": "queued", "queued": "queued", "running": "in_progress", "done": "completed", "failed": "failed"}
_WRAPPED = {
    "pending": ("SUBMITTED", "0%"),
    "queued": ("QUEUED", "10%"),
    "running": ("IN_PROGRESS", "50%"),
    "done": ("SUCCESS", "100%"),
    "failed": ("FAILURE", "100%"),
}
_FOR_EVER = ("IN_PROGRESS", "30%")  # how the relay shows what it has no word for: expired and cancelled


def _stage(job: Job) -> str:
    """The upstream stage: what is frozen at the gateway has expired there."""
    return "expired" if "frozen" in job.traits and job.stage == "running" else job.stage


def raw_form(job: Job, url: str, last: str) -> dict[str, Any]:
    """Ark's own task; `url` and `last` are empty where there is none."""
    stage = _stage(job)
    shown: dict[str, Any] = {"id": job.id, "model": job.model, "status": _RAW.get(stage, stage)}
    if url:
        shown["content"] = {"video_url": url, **({"last_frame_url": last} if last else {})}
        shown.update({name: job.extra[name] for name in ("seed", "resolution", "ratio", "duration")})
        shown["framespersecond"] = FRAMES_A_SECOND
        shown["usage"] = {"completion_tokens": job.extra["tokens"], "total_tokens": job.extra["tokens"]}
    if stage in ("failed", "expired"):
        code = "TaskExpired" if stage == "expired" else job.code
        shown["error"] = {"code": code, "message": job.message or "The task expired."}
    shown["created_at"] = int(job.created)
    shown["updated_at"] = int(job.ended or job.started or job.created)
    return shown


def openai_form(job: Job, url: str) -> dict[str, Any]:
    """The OpenAI-like video object."""
    stage = _stage(job)
    progress = {"pending": 0, "queued": 10, "running": 50, "done": 100, "failed": 100}.get(stage, 30)
    shown: dict[str, Any] = {
        "id": job.id,
        "task_id": job.id,
        "object": "video",
        "model": job.model,
        "status": _OPENAI.get(stage, "in_progress"),
        "progress": progress,
        "created_at": int(job.created),
    }
    if job.over:
        shown["completed_at"] = int(job.ended)
    if url:
        shown["metadata"] = {"url": url}
    if stage == "failed":
        shown["error"] = {"message": job.message, "code": job.code}
    return shown


def wrapped_form(job: Job, url_as_reason: str, *, raw: dict[str, Any] | None, usage: bool) -> dict[str, Any]:
    """The wrapped record; older relays put the result's URL into `fail_reason`."""
    status, progress = _WRAPPED.get(_stage(job), _FOR_EVER)
    reason = job.message if status == "FAILURE" else url_as_reason
    data: dict[str, Any] = {
        "task_id": job.id,
        "action": "generate",
        "status": status,
        "fail_reason": reason,
        "submit_time": int(job.created),
        "start_time": int(job.started),
        "finish_time": int(job.ended),
        "progress": progress,
    }
    if raw is not None:
        data["data"] = raw
    if usage and job.stage == "done":
        data["usage"] = {
            "completion_details": {"video_durations": job.extra["duration"], "video_tokens": job.extra["tokens"]},
            **{name: job.extra[name] for name in ("ratio", "watermark", "generate_audio")},
        }
    return {"code": "success", "data": data}
