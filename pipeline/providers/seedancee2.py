"""`seedancee2`: Seedancee2 (S3, "Seedancee2 Enterprise API", its samples of June and July 2026).

Inputs by public URL; metadata is echoed, so that a job whose answer was lost is found in the list; what it reserved,
charged and refunded stands in each answer.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from pipeline.errors import ProviderError
from pipeline.money import UNPRICED, Price
from pipeline.providers import answers, ark, hooks
from pipeline.providers.answers import Kind, amount, dig
from pipeline.providers.base import Asked, Call, Complaint, Found, Input, Listing, Media, Reach, Reply, Status, Wish
from pipeline.providers.elsewhere import instead
from pipeline.providers.fit import Fit
from pipeline.providers.limits import (
    Limits,
    filled,
    of_duration,
    of_frames,
    of_inputs,
    of_options,
    of_prompt,
    of_words,
    placed,
    priced,
)

NAME = "seedancee2"
TITLE = "Seedancee2: Seedance 2.0 pro, fast, mini"
UNIT = "credits"
CONCURRENCY = 3
SEED_LIMIT = ark.SEED_LIMIT  # S3:148 names no range (C19)
BASE_URL = "https://api.seedancee2.ai"  # S3:9
BASE_URL_ENV = "SEEDANCEE2_BASE_URL"
KEY_ENV = "SEEDANCEE2_API_KEY"
SECRET_ENV = "SEEDANCEE2_WEBHOOK_SECRET"
POLL_SECONDS = 5.0
LINK_SECONDS = 0  # C16
OPTIONS: Mapping[str, Sequence[Any]] = {"return_last_frame": (True, False)}  # S3:149
MODELS = {"seedance-2": "pro", "seedance-2-fast": "fast", "seedance-2-mini": "mini"} | {
    name: name for name in ("pro", "fast", "mini")
}
RATES = {  # credits a second, S3:103-107
    ("pro", "480p"): (10, 105),
    ("pro", "720p"): (20, 105),
    ("pro", "1080p"): (50, 105),
    ("fast", "480p"): (8, 106),
    ("fast", "720p"): (16, 106),
    ("mini", "480p"): (5, 107),
    ("mini", "720p"): (10, 107),
}
RATIOS = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "adaptive")  # S3:98
MARK = "customer_job_id"  # the key of the document's own example (S3:26)
PATH = "/v1/videos/generations"
PORTABLE = frozenset(
    {"prompt", "generation_type", "image_urls", "video_url", "video_urls", "audio_urls", "start_image_url",
     "end_image_url", "duration", "resolution", "aspect_ratio", "generate_audio", "watermark", "seed"}
)  # fmt: skip
LIMITS = Limits(
    place="S3:372-387",
    most={"image": 9, "video": 3, "audio": 3},
    formats={"image": ("jpeg", "png", "webp", "bmp", "tiff", "gif")},
    lone_sound_is_fault=False,
)


def complaints(wish: Wish) -> Iterable[Complaint]:
    """What the service cannot do of a wish; a single first frame is none of its documented modes (S3:136-142)."""
    if wish.kind == "image":
        yield Complaint(field="kind", fact=f"{NAME} makes videos, no stills.", hint=instead("still", NAME))
        return
    model = MODELS.get(wish.model)
    if model is None:
        fact = f"{NAME} has no model {wish.model}: it has pro, fast and mini (S3:89-96)."
        yield Complaint(field="model", fact=fact, hint=instead(wish.model, NAME))
        return
    sizes = [size for name, size in RATES if name == model]
    yield from of_words("resolution", f"{NAME}'s {model}", wish.resolution, sizes, "S3:91-95", NAME)
    yield from of_words("ratio", NAME, wish.ratio, RATIOS, "S3:98", NAME)
    if wish.upscale:
        hint = "Let another way enlarge it: `upscale: {by: service}`."
        yield Complaint(field="upscale", fact=f"{NAME} makes nothing larger (S3:132-149).", hint=hint)
    yield from of_duration(NAME, wish, 4, 15, "S3:143")
    yield from of_prompt(NAME, wish, "S3:135")
    yield from of_frames(NAME, wish, "S3:136-142")
    roles = {item.role for item in wish.inputs}
    if "first_frame" in roles and "last_frame" not in roles:
        fact = f"Continuity is soft: {NAME} takes a first frame alone as a reference picture (S3:136-141)."
        yield Complaint(field="first_frame", fact=fact, hint=instead("first_frame", NAME), warning=True)
    yield from of_inputs(NAME, wish, LIMITS)
    yield from of_options(NAME, wish, OPTIONS, PORTABLE)
    if wish.seed is not None and not 0 <= wish.seed < SEED_LIMIT:
        fact = f"{NAME} takes seeds from 0 to {SEED_LIMIT - 1}."
        yield Complaint(field="seed", fact=fact, hint="Give another seed.")


def request(wish: Wish) -> Mapping[str, Any]:
    """The body of a generation: first and last frame as their own mode, everything else as references (C7, C8)."""
    fields: dict[str, Any] = {"prompt": wish.prompt}
    roles = {item.role: {"input": i} for i, item in enumerate(wish.inputs)}
    if "last_frame" in roles:
        fields["generation_type"] = "first_and_last_frames"
        fields["start_image_url"] = roles["first_frame"]
        fields["end_image_url"] = roles["last_frame"]
    elif wish.inputs:
        fields["generation_type"] = "omni_reference"
        for name, media in _LISTS:
            if found := placed(wish, media):
                fields[name] = found
    fields |= {
        "duration": int(wish.seconds),
        "resolution": wish.resolution,
        "aspect_ratio": wish.ratio,
        "generate_audio": wish.audio,
        "watermark": wish.watermark,
    }
    if wish.seed is not None:
        fields["seed"] = wish.seed
    return {"model": MODELS[wish.model], "input": fields | dict(wish.options)}


_LISTS: Sequence[tuple[str, Media]] = (("image_urls", "image"), ("video_urls", "video"), ("audio_urls", "audio"))


def price(wish: Wish) -> Price:
    """Seconds x rate, one output, nothing for references (S3:100-107, C9)."""
    row = RATES.get((MODELS.get(wish.model, ""), wish.resolution))
    if row is None or wish.upscale:
        return UNPRICED
    cost = row[0] * wish.seconds
    return priced(Price(low=cost, high=cost, source=f"Seedancee2's API document, S3:{row[1]}"), wish, OPTIONS)


def effort_seconds(wish: Wish) -> float:
    """Six minutes for five seconds, as in the document's sample (S3:211-212)."""
    return 60.0 + 60.0 * float(wish.seconds)


def seed_limit(model: str) -> int:
    """Every model takes a seed (S3:148)."""
    return SEED_LIMIT


def pictures(model: str) -> Fit:
    """The document has no bounds (S3:372-387): Ark's."""
    return ark.LIMITS.fit()


def mention(model: str, media: Media, number: int) -> str:
    """The document has no words for references in a prompt."""
    return ""


def reach(wish: Wish, item: Input) -> Reach:
    """Everything by public URL; there is no upload (C16)."""
    return "url"


def headers(key: str) -> Mapping[str, str]:
    """A bearer token (S3:73, C15)."""
    return {"Authorization": f"Bearer {key}"}


def submit(request: Mapping[str, Any], inputs: Sequence[str], mark: str = "", callback: str = "") -> Call:
    """POST /v1/videos/generations (S3:125); the mark goes into the metadata, which is echoed (S3:131)."""
    body = filled(request, inputs)
    if mark:
        body = {**body, "metadata": {MARK: mark}}
    if callback:
        body = {**body, "callback_url": callback}
    return Call(method="POST", path=PATH, body=body)


def job_id(reply: Reply) -> str | None:
    """`data.id` (S3:176), whatever the status: an answer that names a job has made it."""
    return answers.text(dig(reply.json, "data", "id")) or None


def poll(job_id: str) -> Call:
    """GET /v1/videos/generations/{id} (S3:183)."""
    return Call(method="GET", path=f"{PATH}/{quote(job_id, safe='')}")


def status(reply: Reply) -> Status:
    """pending, processing, completed or failed (S3:116-123), in any case. Raises `ProviderError`.

    `credits_charged` is what a task cost in the end: of a failed one it is what was kept, not what came back (C14).
    """
    job = dig(reply.json, "data")
    word = dig(job, "status")
    if not 200 <= reply.status < 300:
        raise fault(reply, "poll")
    if not isinstance(word, str):
        raise fault(reply, "poll") if answers.said(reply).read else answers.unreadable(NAME, reply)
    charged, refunded = amount(dig(job, "credits_charged")), amount(dig(job, "credits_refunded"))
    if word.lower() == "failed":
        told = answers.said(Reply(status=200, json={"error": dig(job, "error")}))
        error = answers.failure(NAME, told, kind_of)
        return Status(done=True, error=error, charged=charged, refunded=refunded)
    if word.lower() != "completed":
        return Status(done=False)
    found = {"video": dig(job, "output", "video_url"), "last_frame": _frame(dig(job, "output"))}
    links = {name: url for name, value in found.items() if (url := answers.link(value))}
    return Status(done=True, links=links if "video" in links else {}, charged=charged, refunded=refunded)


def _frame(output: Any) -> Any:
    """The last frame, where it is not the poster over again (S3:216-217, C12)."""
    frame = dig(output, "last_frame_url")
    return None if frame == dig(output, "thumbnail_url") else frame


def heard(body: bytes, headers: Mapping[str, str], secret: str, now: float) -> str | None:
    """`data.id` (S3:335-371); where a secret is known, only of what was signed with it in these five minutes."""
    if secret and not _signed(body, headers, secret, now):
        return None
    return job_id(Reply(status=200, json=hooks.told(body)))


SIGNED_SECONDS = 300  # between a signature's time and ours, either way (C1)


def _signed(body: bytes, headers: Mapping[str, str], secret: str, now: float) -> bool:
    """Whether one `v1` of `t=...,v1=...` is the secret's HMAC-SHA256 over "{t}.{body}" (S3:331-335, C1)."""
    header = next((value for name, value in headers.items() if name.lower() == "x-seedancee2-signature"), "")
    pairs = [(name.strip(), value.strip()) for name, _, value in (part.partition("=") for part in header.split(","))]
    moments = {value for name, value in pairs if name == "t"}
    moment = moments.pop() if len(moments) == 1 else ""
    if not re.fullmatch("[0-9]{1,12}", moment) or abs(now - int(moment)) > SIGNED_SECONDS:
        return False
    mac = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest().encode()
    given = [value.encode("utf-8", "replace") for name, value in pairs if name == "v1"]
    return any([hmac.compare_digest(mac, value) for value in given])  # noqa: C419  # all of them, so that time tells nothing


def listing() -> Call:
    """GET /v1/videos/generations, the 100 newest (S3:243-249); there is no way to the others (C5)."""
    return Call(method="GET", path=PATH, query={"limit": str(PAGE_SIZE)})


PAGE_SIZE = 100


def listed(reply: Reply, request: Mapping[str, Any], mark: str) -> Listing:
    """The tasks whose metadata carries the mark. Raises `ProviderError`."""
    items = dig(reply.json, "data")
    if not 200 <= reply.status < 300 or not isinstance(items, list):
        raise fault(reply, "other")
    found: list[Found] = []
    possible: list[Found] = []
    oldest = ""
    for item in items:
        created, name = answers.text(dig(item, "created_at")), answers.text(dig(item, "id"))
        oldest = min(oldest, created) if oldest and created else oldest or created
        if dig(item, "id") and not name:
            raise answers.unreadable(NAME, reply, "other")  # it may be the one that is looked for
        theirs = dig(item, "metadata", MARK)
        if name and mark and theirs == mark:
            found.append(Found(job_id=name, created_at=created))
        elif name and theirs is None and dig(item, "model") in (None, request.get("model")):
            possible.append(Found(job_id=name, created_at=created))
    return Listing(found=tuple(found), possible=tuple(possible), complete=len(items) < PAGE_SIZE, oldest=oldest)


def models() -> Call:
    """GET /v1/models: what the account may use (S3:252); the cheapest way to see that a key is good."""
    return Call(method="GET", path="/v1/models")


def models_of(reply: Reply) -> Mapping[str, tuple[str, ...]]:
    """Active models and their resolutions (S3:254-264). Raises `ProviderError`."""
    items = dig(reply.json, "data")
    if not 200 <= reply.status < 300 or not isinstance(items, list):
        raise fault(reply, "other")
    found: dict[str, tuple[str, ...]] = {}
    for item in items:
        name, sizes = answers.text(dig(item, "id")), dig(item, "resolutions")
        if name and answers.text(dig(item, "status")).lower() == "active":
            found[name] = tuple(filter(None, map(answers.text, sizes))) if isinstance(sizes, list) else ()
    return found


def usage(start: str = "", end: str = "") -> Call:
    """GET /v1/usage between two ISO times (S3:266-274)."""
    return Call(method="GET", path="/v1/usage", query={k: v for k, v in (("start", start), ("end", end)) if v})


def usage_of(reply: Reply) -> Mapping[str, Decimal]:
    """`credits_charged`, `credits_refunded` and `net_credits` of the span (S3:287-289). Raises `ProviderError`."""
    summary = dig(reply.json, "data", "summary")
    if not 200 <= reply.status < 300 or not isinstance(summary, dict):
        raise fault(reply, "other")
    names = ("credits_charged", "credits_refunded", "net_credits")
    return {name: value for name in names if (value := amount(summary.get(name))) is not None}


_CODES = {  # S3:396-404
    "invalid_request": Kind.PERMANENT,
    "invalid_api_key": Kind.CONFIG,
    "insufficient_credits": Kind.MONEY,
    "model_not_found": Kind.PERMANENT,
    "task_not_found": Kind.LOST,
    "internal_error": Kind.AMBIGUOUS,
    "generation_failed": Kind.FAILED,  # S3:234
}


def kind_of(code: str) -> Kind | None:
    """The class of one of the document's codes, None for another."""
    return _CODES.get(code.lower())


def fault(reply: Reply, asked: Asked = "create") -> ProviderError:
    """By the code in {"error": ...} (S3:389-404), else by the HTTP status."""
    return answers.fault(NAME, reply, asked, kind_of)
