"""SeeGen's jobs, as both editions of its document write them: create, query, credits, webhook, errors (S0:511-544).

S0 = "Seedance 2.0 API", its newest sample of 2026-04-29; S1 = "SD 2.0 API", older, undated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import ProviderError
from pipeline.providers import answers, ark, hooks
from pipeline.providers.answers import Kind, amount, dig
from pipeline.providers.base import Asked, Call, Reply, Status
from pipeline.providers.limits import filled

SERVICE = "SeeGen"
BASE_URL = "https://seegen.ai/api/v1"  # S0:8
SECRET_ENV = ""  # A19
_STILLS = (".png", ".jpg", ".jpeg", ".webp")


def headers(key: str) -> Mapping[str, str]:
    """A bearer token (S0:63)."""
    return {"Authorization": f"Bearer {key}"}


def submit(request: Mapping[str, Any], inputs: Sequence[str], mark: str = "", callback: str = "") -> Call:
    """POST /jobs/createTask (S0:94, A11). SeeGen echoes no mark; `callBackUrl` has a capital B (S0:279)."""
    body = filled(request, inputs)
    if callback:
        body = {**body, "callBackUrl": callback}
    return Call(method="POST", path="/jobs/createTask", body=body)


def job_id(reply: Reply) -> str | None:
    """`taskId` (S0:515), whatever the status: an answer that names a job has made it."""
    return answers.text(dig(reply.json, "taskId")) or None


def poll(job_id: str) -> Call:
    """GET /jobs/queryTask?taskId= (S0:85)."""
    return Call(method="GET", path="/jobs/queryTask", query={"taskId": job_id})


def status(reply: Reply) -> Status:
    """PENDING, PROCESSING, COMPLETED or FAILED (S0:519), in any case. Raises `ProviderError`.

    `creditsUsed` is what a completed job cost; a failed one is refunded (S0:60, S0:281).
    """
    job = reply.json
    word = dig(job, "status")
    if not 200 <= reply.status < 300:
        raise fault(reply, "poll")
    if not isinstance(word, str):
        raise fault(reply, "poll") if answers.said(reply).read else answers.unreadable(SERVICE, reply)
    used = amount(dig(job, "creditsUsed"))
    if word.upper() == "FAILED":
        error = answers.failure(SERVICE, _why(dig(job, "error")), kind_of)
        return Status(done=True, error=error, charged=Decimal(0), refunded=used)
    if word.upper() != "COMPLETED":
        return Status(done=False)
    return Status(done=True, links=_links(dig(job, "output")), charged=used)


def _links(output: Any) -> dict[str, str]:
    """The first item of `output` (S0:521, A20); a still where its URL ends as one."""
    items = output if isinstance(output, list) else [output]
    for item in items:
        url = answers.link(dig(item, "url"))
        if url:
            return {"image" if urlsplit(url).path.lower().endswith(_STILLS) else "video": url}
    return {}


def _why(error: Any) -> answers.Said:
    """A failed job's `error`: a text for jobs (S0:528), an object for upscales (S0:454); either is taken (A18)."""
    return answers.said(Reply(status=200, json={"error": error}))


def heard(body: bytes, headers: Mapping[str, str], secret: str, now: float) -> str | None:
    """`taskId`: a callback has the format of the query's answer (S0:493-511), and no signature (A19)."""
    return job_id(Reply(status=200, json=hooks.told(body)))


def balance() -> Call:
    """GET /account/credits (S0:61)."""
    return Call(method="GET", path="/account/credits")


def balance_of(reply: Reply) -> Decimal:
    """`availableCredits` (S0:534). Raises `ProviderError`."""
    left = amount(dig(reply.json, "availableCredits"))
    if not 200 <= reply.status < 300 or left is None:
        raise fault(reply, "other")
    return left


_CODES = {  # S0:469-479, met on the upscaler
    "INVALID_URL": Kind.PERMANENT,
    "URL_NOT_REACHABLE": Kind.PERMANENT,
    "UNSUPPORTED_MEDIA_TYPE": Kind.PERMANENT,
    "FILE_TOO_LARGE": Kind.PERMANENT,
    "DURATION_EXCEEDS_LIMIT": Kind.PERMANENT,
    "SOURCE_RESOLUTION_TOO_HIGH": Kind.PERMANENT,
    "INSUFFICIENT_CREDITS": Kind.MONEY,
}


def kind_of(code: str) -> Kind | None:
    """The class of one of SeeGen's codes, or of Ark's, which stands behind it (S0:276)."""
    return _CODES.get(code.upper()) or ark.kind_of(code)


def fault(reply: Reply, asked: Asked = "create") -> ProviderError:
    """By the table of S0:536-544; only `message` is shown there (S0:591), so every form of body is read (A21)."""
    return answers.fault(SERVICE, reply, asked, kind_of)
