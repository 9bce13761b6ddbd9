"""SeeGen's standalone upscaler, for finished clips of any provider (S0:407-479): another form of job than its videos.

S0 = "Seedance 2.0 API", its newest sample of 2026-04-29. Its sample charge (S0:439) is older than its price list (A15).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pipeline.errors import ProviderError
from pipeline.money import UNPRICED, Price
from pipeline.providers import answers, seegen_jobs
from pipeline.providers.answers import amount, dig
from pipeline.providers.base import Asked, Call, Clip, Complaint, Reply, Status
from pipeline.providers.limits import filled
from pipeline.providers.seegen_sd2 import USD_PER_CREDIT

NAME = "seegen"
SERVICE = "SeeGen's upscaler"
SECRET_ENV = ""
POLL_SECONDS = 10.0
SIZES: Sequence[str] = ("1080p", "2k", "4k")  # S0:423
RATES = {"1080p": 25, "2k": 38, "4k": 50}  # credits a second, S0:465-467
LINES = {"1080p": 465, "2k": 466, "4k": 467}
SHORT_SIDES = {"1080p": 1080, "2k": 1440, "4k": 2160}
LEAST_SECONDS = 5  # S0:468
MOST_SECONDS = 600  # S0:460
MOST_MEGABYTES = 200  # S0:461
FORMATS = ("mp4", "mov", "webm")  # S0:462


def complaints(clip: Clip, to: str) -> Iterable[Complaint]:
    """What a clip has too much of, or has already (S0:459-463)."""
    if to not in SIZES:
        fact = f"{SERVICE} makes {', '.join(SIZES)} (S0:423), not {to}."
        yield Complaint(field="upscale", fact=fact, hint="Ask for one of them.")
        return
    if clip.seconds > MOST_SECONDS:
        fact = f"{SERVICE} takes clips of at most {MOST_SECONDS} seconds (S0:460), not of {clip.seconds}."
        yield Complaint(field="upscale", fact=fact, hint="Upscale the parts, or say `by: local`.")
    if clip.bytes > MOST_MEGABYTES * 1_000_000:
        fact = f"{SERVICE} takes files of at most {MOST_MEGABYTES} MB (S0:461), not of {clip.bytes:,} bytes."
        yield Complaint(field="upscale", fact=fact, hint="Upscale the parts, or say `by: local`.")
    if clip.format and clip.format not in FORMATS:
        fact = f"{SERVICE} takes {', '.join(FORMATS)} (S0:462), not {clip.format}."
        yield Complaint(field="upscale", fact=fact, hint="Say `by: local`.")
    if min(clip.width, clip.height) >= SHORT_SIDES[to]:
        fact = f"The clip is {clip.width}x{clip.height}, and {SERVICE} only makes clips larger (S0:463)."
        yield Complaint(field="upscale", fact=fact, hint="Leave `upscale` out, or ask for more.")


def request(to: str) -> Mapping[str, Any]:
    """The body of /upscale/create; the source is a public https URL (S0:414-421, A17)."""
    return {"source": {"type": "url", "url": {"input": 0}}, "targetResolution": to}


def price(clip: Clip, to: str) -> Price:
    """By the second, part of one counted as a whole, five at least (S0:464-468, A16)."""
    if to not in RATES:
        return UNPRICED
    cost = Decimal(RATES[to] * max(LEAST_SECONDS, math.ceil(clip.seconds)))
    source = f"SeeGen's API document, S0:{LINES[to]}"
    return Price(low=cost, high=cost, usd_per_credit=USD_PER_CREDIT, source=source)


def submit(request: Mapping[str, Any], inputs: Sequence[str], mark: str = "", callback: str = "") -> Call:
    """POST /upscale/create (S0:409)."""
    body = filled(request, inputs)
    return Call(method="POST", path="/upscale/create", body={**body, "callBackUrl": callback} if callback else body)


def job_id(reply: Reply) -> str | None:
    """`taskId` (S0:427)."""
    return seegen_jobs.job_id(reply)


def poll(job_id: str) -> Call:
    """GET /upscale/query?taskId= (S0:431)."""
    return Call(method="GET", path="/upscale/query", query={"taskId": job_id})


def status(reply: Reply) -> Status:
    """validating, processing, completed or failed (S0:432), in any case. Raises `ProviderError`.

    `creditsConsumed` is what it cost (S0:439); failures are refunded (S0:468).
    """
    job = reply.json
    word = dig(job, "status")
    if not 200 <= reply.status < 300:
        raise fault(reply, "poll")
    if not isinstance(word, str):
        raise fault(reply, "poll") if answers.said(reply).read else answers.unreadable(SERVICE, reply)
    used = amount(dig(job, "creditsConsumed"))
    if word.lower() == "failed":
        told = answers.said(Reply(status=200, json={"error": dig(job, "error")}))
        error = answers.failure(SERVICE, told, seegen_jobs.kind_of)
        return Status(done=True, error=error, charged=Decimal(0), refunded=used)
    if word.lower() != "completed":
        return Status(done=False)
    url = answers.link(dig(job, "result", "url"))
    return Status(done=True, links={"video": url} if url else {}, charged=used)


def heard(body: bytes, headers: Mapping[str, str], secret: str, now: float) -> str | None:
    """`taskId`, unsigned; the callback comes once, at the end (S0:424)."""
    return seegen_jobs.heard(body, headers, secret, now)


def fault(reply: Reply, asked: Asked = "create") -> ProviderError:
    """By the codes of S0:469-479, wherever they stand (A21), else by the HTTP status."""
    return answers.fault(SERVICE, reply, asked, seegen_jobs.kind_of)
