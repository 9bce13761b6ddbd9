"""`seedance2-movie`: seedance2.movie (S2, "Seedance 2.0 API" of api.seedance2.movie, its samples of January 2025).

Local files are stored there by presigned PUT; a body's `code` says more than the HTTP status (S2:266); jobs are listed
and found again by their seed; billed after a job completed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from pipeline.errors import ProviderError
from pipeline.money import UNPRICED, Price
from pipeline.providers import answers, ark, hooks
from pipeline.providers.answers import Kind, amount, dig
from pipeline.providers.base import (
    Asked,
    Call,
    Complaint,
    Found,
    Input,
    Listing,
    Media,
    Reach,
    Reply,
    Slot,
    Status,
    Wish,
)
from pipeline.providers.elsewhere import instead
from pipeline.providers.fit import Fit
from pipeline.providers.limits import (
    PATTERN,
    Limits,
    filled,
    of_duration,
    of_flags,
    of_inputs,
    of_options,
    of_prompt,
    of_words,
    priced,
)

NAME = "seedance2-movie"
TITLE = "seedance2.movie: Seedance 2.0"
UNIT = "credits"
CONCURRENCY = 3
SEED_LIMIT = ark.SEED_LIMIT  # S2:86 names no upper end (B17)
BASE_URL = "https://api.seedance2.movie"  # S2:17
BASE_URL_ENV = "SEEDANCE2_MOVIE_BASE_URL"
KEY_ENV = "SEEDANCE2_MOVIE_API_KEY"
SECRET_ENV = ""
POLL_SECONDS = 5.0  # S2:178
LINK_SECONDS = 604_800  # S2:162
OPTIONS: Mapping[str, Sequence[Any]] = {"return_last_frame": (True, False)}  # S2:89
CANCELLED_COST = "It charges only for what it has completed (S2:232), so that what it cancels costs nothing."
CONTENT_TYPES: Mapping[str, str] = {  # S2:49-55
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
}
MODELS = {  # S2:90-92
    "seedance-2": "seedance-2.0",
    "seedance-2-fast": "seedance-2.0-fast",
    "seedance-2.0": "seedance-2.0",
    "seedance-2.0-fast": "seedance-2.0-fast",
}
RATES = {  # credits a second, S2:233-241
    ("seedance-2.0", "1080p"): ("4.5", 236),
    ("seedance-2.0", "720p"): ("1.8", 237),
    ("seedance-2.0", "480p"): ("0.9", 238),
    ("seedance-2.0-fast", "1080p"): ("3.312", 239),
    ("seedance-2.0-fast", "720p"): ("1.44", 240),
    ("seedance-2.0-fast", "480p"): ("0.72", 241),
}
RESOLUTIONS = ("480p", "720p", "1080p")  # S2:93-96
RATIOS = ark.RATIOS  # the document's list is lost (B7); 16:9 and 21:9 stand in its examples
PORTABLE = frozenset(
    {"model", "content", "resolution", "ratio", "duration", "generate_audio", "seed", "watermark", "callback_url"}
)
LIMITS = Limits(
    place="S2:49-55; counts as Ark's",
    most=ark.LIMITS.most,
    seconds=(0, 15),
    formats={"image": ("png", "jpeg", "webp"), "video": ("mp4", "mov", "webm")},
    lone_sound_is_fault=False,
)


def complaints(wish: Wish) -> Iterable[Complaint]:
    """What the service cannot do of a wish: no last frame (B4), no URL in place of a file, no real people (S2:261)."""
    if wish.kind == "image":
        yield Complaint(field="kind", fact=f"{NAME} makes videos, no stills.", hint=instead("still", NAME))
        return
    if wish.model not in MODELS:
        fact = f"{NAME} has no model {wish.model} (S2:90-92)."
        yield Complaint(field="model", fact=fact, hint=instead(wish.model, NAME))
        return
    yield from of_words("resolution", NAME, wish.resolution, RESOLUTIONS, "S2:93-96", NAME)
    yield from of_words("ratio", NAME, wish.ratio, RATIOS, "S2:97", NAME)
    if wish.ratio == "adaptive":
        fact = f"Whether {NAME} knows the ratio adaptive, its document does not say (S2:97)."
        yield Complaint(field="ratio", fact=fact, hint="Name a ratio to be sure.", warning=True)
    if wish.upscale:
        hint = "Let another way enlarge it: `upscale: {by: service}`."
        yield Complaint(field="upscale", fact=f"{NAME} makes nothing larger (S2:77-89).", hint=hint)
    if wish.resolution == "1080p" and MODELS[wish.model] == "seedance-2.0-fast":
        fact = (
            "The fast model at 1080p has a price (S2:239), but the model behind it makes no 1080p: it may be refused."
        )
        yield Complaint(field="resolution", fact=fact, hint="Use `model: seedance-2` for 1080p.", warning=True)
    yield from of_duration(NAME, wish, 4, 15, "S2:84")
    if not wish.inputs:
        yield from of_prompt(NAME, wish, "S2:81")
    yield from _frames(wish)
    yield from of_inputs(NAME, wish, LIMITS)
    yield from _ways(wish)
    yield from of_options(NAME, wish, OPTIONS, PORTABLE)
    yield from of_flags(NAME, wish)
    if wish.seed is not None and not 0 <= wish.seed < SEED_LIMIT:  # -1 is a random one, by which no job is found
        fact = f"{NAME} takes seeds from 0 to {SEED_LIMIT - 1} (S2:86, B17)."
        yield Complaint(field="seed", fact=fact, hint="Give another seed, or none.")


def _frames(wish: Wish) -> Iterable[Complaint]:
    roles = {item.role for item in wish.inputs}
    if "last_frame" in roles:
        fact = f"{NAME} cannot tell a last frame from any other picture: its items have no role (S2:98-105)."
        yield Complaint(field="last_frame", fact=fact, hint=instead("last_frame", NAME))
    elif "first_frame" in roles and "reference" in roles:
        fact = f"{NAME} cannot tell a first frame from references: its items have no role (S2:98-105)."
        yield Complaint(field="references", fact=fact, hint=PATTERN)
    elif "first_frame" in roles:
        fact = f"Continuity is soft: {NAME} takes the first frame as a reference picture (S2:102)."
        yield Complaint(field="first_frame", fact=fact, hint=instead("first_frame", NAME), warning=True)


def _ways(wish: Wish) -> Iterable[Complaint]:
    for item in wish.inputs:
        where = "references" if item.role == "reference" else item.role
        if item.media != "audio" and not item.local:
            fact = f"{NAME} takes pictures and videos that were uploaded to it, not URLs (S2:102-103)."
            yield Complaint(field=where, fact=fact, hint="Download the file into the recipe's folder and name it.")
        if wish.people or item.people:
            made = bool(item.provider)
            fact = f"{NAME} {'may refuse' if made else 'refuses'} pictures of real people (S2:261)."
            yield Complaint(field=where, fact=fact, hint=instead("people", NAME), warning=made)


def request(wish: Wish) -> Mapping[str, Any]:
    """The body of a task; inputs first, then the prompt, as the document's examples have it (S2:310-313)."""
    content: list[Mapping[str, Any]] = []
    for i, item in enumerate(wish.inputs):
        kind = f"{item.media}_url"
        content.append({"type": kind, kind: {"input": i}})  # a text, not {"url": ...} (B3)
    if wish.prompt:
        content.append({"type": "text", "text": wish.prompt})
    body: dict[str, Any] = {
        "model": MODELS[wish.model],
        "content": content,
        "resolution": wish.resolution,
        "ratio": wish.ratio,
        "duration": int(wish.seconds),
        "generate_audio": wish.audio,
        "watermark": wish.watermark,
    }
    if wish.seed is not None:
        body["seed"] = wish.seed
    return body | dict(wish.options)


def price(wish: Wish) -> Price:
    """Price a second x duration (S2:230-242); nothing is said of video inputs (B9)."""
    row = RATES.get((MODELS.get(wish.model, ""), wish.resolution))
    if row is None or wish.upscale:
        return UNPRICED
    cost = Decimal(row[0]) * wish.seconds
    return priced(Price(low=cost, high=cost, source=f"seedance2.movie's API document, S2:{row[1]}"), wish, OPTIONS)


def effort_seconds(wish: Wish) -> float:
    """One to five minutes (S2:180), by length."""
    return 60.0 + 16.0 * float(wish.seconds)


def seed_limit(model: str) -> int:
    """Every model takes a seed (S2:86)."""
    return SEED_LIMIT


def pictures(model: str) -> Fit:
    """The document has no bounds (S2:49-55): Ark's."""
    return ark.LIMITS.fit()


def mention(model: str, media: Media, number: int) -> str:
    """The document has no words for references in a prompt."""
    return ""


def reach(wish: Wish, item: Input) -> Reach:
    """Pictures and videos by upload; sounds by URL, since no upload takes them (B5)."""
    return "url" if item.media == "audio" else "upload"


def headers(key: str) -> Mapping[str, str]:
    """X-API-Key (S2:10)."""
    return {"X-API-Key": key}


def presign(name: str, content_type: str) -> Call:
    """POST with query parameters, no body (S2:287-291); names of at most 128 characters (S2:46)."""
    query = {"filename": name[-128:], "content_type": content_type}
    return Call(method="POST", path="/api/v1/video/upload/presign", query=query, repeatable=True)


def slot(reply: Reply) -> Slot:
    """`presigned_url`, `file_path`, `expires_in` (S2:59-63). Raises `ProviderError`."""
    result = _result(reply, "other")
    url, address = answers.link(dig(result, "presigned_url")), answers.text(dig(result, "file_path"))
    if not url or not address:
        raise answers.unreadable(NAME, reply, "other")
    seconds = dig(result, "expires_in")
    return Slot(url=url, address=address, seconds=seconds if type(seconds) is int and 0 <= seconds < 10**9 else 0)


def submit(request: Mapping[str, Any], inputs: Sequence[str], mark: str = "", callback: str = "") -> Call:
    """POST /api/v1/video/task (S2:106). The mark is the seed: one made from it where the request has none."""
    body = filled(request, inputs)
    if mark and "seed" not in body:
        body = {**body, "seed": seed_of(mark)}
    if callback:
        body = {**body, "callback_url": callback}
    return Call(method="POST", path="/api/v1/video/task", body=body)


def seed_of(mark: str) -> int:
    """The seed that stands for a mark."""
    return int.from_bytes(hashlib.sha256(mark.encode()).digest()[:8]) % SEED_LIMIT


def _result(reply: Reply, asked: Asked) -> Any:
    """`result` where `code` is "200", whatever the HTTP status (S2:37, B2). Raises `ProviderError`."""
    if answers.text(dig(reply.json, "code")) != "200":
        raise fault(reply, asked)
    return dig(reply.json, "result")


def job_id(reply: Reply) -> str | None:
    """`result.task_id`; with it even CONCURRENCY_LIMIT_REACHED means that the task is queued (S2:256, B8)."""
    return answers.text(dig(reply.json, "result", "task_id")) or answers.text(dig(reply.json, "task_id")) or None


def poll(job_id: str) -> Call:
    """GET /api/v1/video/task/{task_id} (S2:128)."""
    return Call(method="GET", path=f"/api/v1/video/task/{quote(job_id, safe='')}")


def status(reply: Reply) -> Status:
    """The seven statuses of S2:169-176, in any case. Raises `ProviderError`.

    Only completed tasks are charged, `credit_cost` each (S2:232, S2:166).
    """
    job = _result(reply, "poll")
    word = dig(job, "status")
    if not isinstance(word, str):
        raise answers.unreadable(NAME, reply)
    if word.lower() in ("failed", "cancelled", "expired"):
        cancelled = word.lower() == "cancelled"
        return Status(done=True, error=_failure(word.lower(), job), cancelled=cancelled, charged=Decimal(0))
    if word.lower() != "completed":
        return Status(done=False)
    found = {"video": dig(job, "video_url"), "last_frame": dig(job, "last_frame_url")}
    links = {name: url for name, value in found.items() if (url := answers.link(value))}
    seed = dig(job, "seed")
    facts = {"seed": seed} if type(seed) is int and abs(seed) < 10**15 else {}
    if "video" not in links:
        links = {}
    return Status(done=True, links=links, charged=amount(dig(job, "credit_cost")), facts=facts)


def _failure(word: str, job: Any) -> ProviderError:
    code, message = answers.text(dig(job, "error_code")), dig(job, "error_message")
    codes = (code[:100],) if code else ()
    words = answers.shown(message) if isinstance(message, str) else ""
    told = answers.Said(codes=codes, message=words or ("" if word == "failed" else f"it is {word}"))
    return answers.failure(NAME, told, kind_of)


def heard(body: bytes, headers: Mapping[str, str], secret: str, now: float) -> str | None:
    """`task_id` where the poll's answer has it, or at the top; the document describes no callback's body (B15)."""
    value = hooks.told(body)
    return answers.text(dig(value, "result", "task_id")) or answers.text(dig(value, "task_id")) or None


def balance() -> Call:
    """GET /api/v1/video/balance (S2:215)."""
    return Call(method="GET", path="/api/v1/video/balance")


def balance_of(reply: Reply) -> Decimal:
    """`remain_credits` (S2:223). Raises `ProviderError`."""
    left = amount(dig(_result(reply, "other"), "remain_credits"))
    if left is None:
        raise answers.unreadable(NAME, reply, "other")
    return left


def cancel(job_id: str) -> Call:
    """POST /api/v1/video/task/{task_id}/cancel (S2:204); what came of it, `poll` says (B19)."""
    return Call(method="POST", path=f"/api/v1/video/task/{quote(job_id, safe='')}/cancel", repeatable=True)


PAGE_SIZE = 100  # S2:187


def listing() -> Call:
    """GET /api/v1/video/tasks, the first page (S2:181-189)."""
    return _page(1)


def _page(number: int) -> Call:
    return Call(method="GET", path="/api/v1/video/tasks", query={"page": str(number), "page_size": str(PAGE_SIZE)})


_SAME = ("model", "resolution", "ratio", "duration", "generate_audio", "seed")  # S2:135-143


def listed(reply: Reply, request: Mapping[str, Any], mark: str) -> Listing:
    """The tasks on a page with this request's seed and nothing that contradicts it. Raises `ProviderError`.

    A task without a seed is only possible: the document's own sample shows none (S2:143).
    """
    result = _result(reply, "other")
    items = dig(result, "data")
    if not isinstance(items, list):
        raise answers.unreadable(NAME, reply, "other")
    wanted = {"seed": seed_of(mark), **request}
    found: list[Found] = []
    possible: list[Found] = []
    oldest = ""
    for item in items:
        created = answers.text(dig(item, "created_at"))
        oldest = min(oldest, created) if oldest and created else oldest or created
        name = answers.text(dig(item, "task_id"))
        if dig(item, "task_id") and not name:
            raise answers.unreadable(NAME, reply, "other")  # it may be the one that is looked for
        if name and all(dig(item, field) in (None, wanted[field]) for field in _SAME if field in wanted):
            (possible if dig(item, "seed") is None else found).append(Found(job_id=name, created_at=created))
    number, total = dig(result, "page"), dig(result, "total")
    page = number if type(number) is int and 0 < number < 10**6 else 1
    more = bool(items) and (page * PAGE_SIZE < total if type(total) is int else len(items) >= PAGE_SIZE)
    following = _page(page + 1) if more else None
    return Listing(found=tuple(found), possible=tuple(possible), complete=not more, next=following, oldest=oldest)


_CODES = {  # S2:245-264
    "INVALID_API_KEY": Kind.CONFIG,
    "INVALID_PARAMETER": Kind.PERMANENT,
    "MISSING_PARAMETER": Kind.PERMANENT,
    "INSUFFICIENT_CREDIT": Kind.MONEY,
    "CREDIT_DEDUCT_FAILED": Kind.AMBIGUOUS,
    "TASK_NOT_FOUND": Kind.LOST,
    "TASK_SUBMIT_FAILED": Kind.AMBIGUOUS,
    "TASK_CANCEL_NOT_ALLOWED": Kind.PERMANENT,
    "CONCURRENCY_LIMIT_REACHED": Kind.HELD,
    "FILE_UPLOAD_FAILED": Kind.WAIT,
    "VIDEO_DOWNLOAD_FAILED": Kind.AMBIGUOUS,
    "CONTENT_MODERATION_FAILED": Kind.MODERATION,
    "COPYRIGHT_VIOLATION": Kind.MODERATION,
    "PRIVACY_VIOLATION": Kind.MODERATION,
    "SERVICE_BUSY": Kind.WAIT,
    "RATE_LIMIT_EXCEEDED": Kind.BUSY,
    "INTERNAL_ERROR": Kind.AMBIGUOUS,
}


def kind_of(code: str) -> Kind | None:
    """The class of one of the 17 codes, None for another."""
    return _CODES.get(code.upper())


def fault(reply: Reply, asked: Asked = "create") -> ProviderError:
    """By the body's code, whatever the HTTP status (S2:266), else by that (S2:267-273)."""
    return answers.fault(NAME, reply, asked, kind_of)
