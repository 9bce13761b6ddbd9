"""naci's answers in all their forms (S4:19-129): wrapped, OpenAI-like, flat, raw, wrapped again, empty.

S4 = "SeeDance 2.0 Usage Examples" of the gateway, its samples of March 2026; what it leaves open is read as its family
of gateways has it (new-api at 01f6839).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from pipeline.digest import dumps
from pipeline.errors import ProviderError
from pipeline.providers import answers, ark
from pipeline.providers.answers import LEVELS, Kind, dig
from pipeline.providers.base import Asked, Call, Reply, Status

SERVICE = "naci"
PATH = "/v1/video/generations"
_FINE = ("", "success", "200", "0")

QUEUED = ("not_start", "submitted", "queued", "pending")
DONE = ("success", "succeeded", "completed")
BROKEN = ("failure", "failed", "error", "cancelled", "canceled", "expired", "timeout")
"""Everything else, an empty text and words not listed included, is running."""


def layers(value: Any) -> list[dict[str, Any]]:
    """An answer and what lies in its `data`, and in that one's, from the outermost to the innermost."""
    found: list[dict[str, Any]] = []
    while isinstance(value, dict) and len(found) <= LEVELS:
        found.append(value)
        value = value.get("data")
    return found


def job_id(reply: Reply) -> str | None:
    """`task_id`, else `id`, at the top or in `data`, or `data` itself where it is a text (S4:21-22)."""
    top = reply.json
    if not 200 <= reply.status < 300 or _code(top) not in _FINE or dig(top, "error"):
        # an error's `id` may be anything's; a `task_id` is a job that was made
        return answers.text(dig(top, "task_id")) or answers.text(dig(top, "data", "task_id")) or None
    data = dig(top, "data")
    found = _named(top) or _named(data) or answers.text(data)
    return found or None


def _named(value: Any) -> str:
    return answers.text(dig(value, "task_id")) or answers.text(dig(value, "id"))


def _code(value: Any) -> str:
    return answers.text(dig(value, "code")).lower()


def status(reply: Reply) -> Status:
    """Where the job stands, whichever form was answered (D1). Raises `ProviderError`.

    The outermost status holds; but a raw job that failed, was cancelled or has expired beats a wrapper that still calls
    it running, since wrappers show such jobs as 30 % for a day. Progress never ends a job.
    """
    if not 200 <= reply.status < 300:
        raise fault(reply, "poll")
    found = layers(reply.json)
    words = [layer["status"].strip().lower() for layer in found if isinstance(layer.get("status"), str)]
    if not words:
        raise _no_record(reply, found)
    word = words[0]
    if word not in DONE:
        word = next((inner for inner in words if inner in BROKEN), word)
    if word in BROKEN:
        return Status(done=True, error=_failure(word, found), facts=_facts(found))
    if word not in DONE:
        return Status(done=False)
    url = _link(found, "video_url", trap=True)
    if not url:
        name = next(filter(None, map(_named, found)), "")
        return Status(done=True, ask=raw_query(name) if name else None, facts=_facts(found))
    frame = _link(found, "last_frame_url", trap=False)
    links = {"video": url, "last_frame": frame} if frame else {"video": url}
    return Status(done=True, links=links, facts=_facts(found))


def _no_record(reply: Reply, found: Sequence[dict[str, Any]]) -> ProviderError:
    if found and _code(found[0]) in _FINE and not found[0].get("error") and "data" in found[0] and len(found) == 1:
        return answers.error(Kind.LOST, f"{SERVICE} knows no such job.")  # {"code": "success", "data": null}
    told = answers.said(reply)
    return fault(reply, "poll") if told.read else answers.unreadable(SERVICE, reply)


def raw_query(job_id: str) -> Call:
    """The query for the upstream's own answer (S4:41)."""
    return Call(method="GET", path=f"{PATH}/{quote(job_id, safe='')}", query={"raw": "true"})


def _failure(word: str, found: Sequence[dict[str, Any]]) -> ProviderError:
    """Why it failed: the innermost `error`, else `fail_reason`, which may hold JSON texts again."""
    for layer in reversed(found):
        for reason in (layer.get("error"), layer.get("fail_reason")):
            told = answers.said(Reply(status=200, json={"error": reason})) if reason else answers.Said()
            if told.message or told.codes:
                return answers.failure(SERVICE, told, kind_of)
    plain = word in ("failure", "failed", "error")
    return answers.failure(SERVICE, answers.Said(message="" if plain else f"it is {word}"), kind_of)


def _link(found: Sequence[dict[str, Any]], name: str, *, trap: bool) -> str:
    """The first URL, from the innermost layer outwards; `fail_reason` last: old gateways put the result there."""
    for layer in reversed(found):
        if url := _in_layer(layer, name):
            return url
    if trap:
        return next(filter(None, (answers.link(layer.get("fail_reason")) for layer in found)), "")
    return ""


def _in_layer(layer: dict[str, Any], name: str) -> str:
    content = layer.get("content")
    places = [dig(item, name) for item in content] if isinstance(content, list) else [dig(content, name)]
    places += [layer.get(name), dig(layer, "metadata", name), dig(layer, "output", name), dig(layer, "result", name)]
    if name == "video_url":
        places += [
            layer.get("result_url"),
            layer.get("url"),
            dig(layer, "metadata", "url"),
            dig(layer, "output", "url"),
            dig(layer, "result", "url"),
        ]
    for place in places:
        if url := answers.link(place) or answers.link(dig(place, "url")):
            return url
    return ""


_MOST_USAGE = 4000  # bytes of JSON


def _facts(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What was used, as it was told, and the tokens in it (D3, D4)."""
    facts: dict[str, Any] = {}
    for layer in found:
        usage = layer.get("usage")
        if not isinstance(usage, dict):
            continue
        for tokens in (
            dig(usage, "completion_details", "video_tokens"),
            usage.get("completion_tokens"),
            usage.get("total_tokens"),
        ):
            if type(tokens) is int and 0 <= tokens < 10**15:
                facts.setdefault("tokens", tokens)
        try:
            if len(dumps(usage).encode()) <= _MOST_USAGE:  # as it is kept: in bytes
                facts.setdefault("usage", usage)
        except (TypeError, *answers.UNFORESEEN):
            pass
    return facts


_CODES = {  # new-api's task and relay errors; the document has none (D7)
    "invalid_request": Kind.PERMANENT,
    "invalid_json": Kind.PERMANENT,
    "missing_model": Kind.PERMANENT,
    "invalid_api_platform": Kind.PERMANENT,
    "read_request_body_failed": Kind.PERMANENT,
    "not_implemented": Kind.PERMANENT,
    "invalid_reference_image_url": Kind.PERMANENT,
    "model_price_error": Kind.CONFIG,
    "insufficient_user_quota": Kind.MONEY,
    "task_not_exist": Kind.LOST,
    "model_not_found": Kind.WAIT,  # no channel just now
    "do_request_failed": Kind.AMBIGUOUS,
    "build_request_failed": Kind.AMBIGUOUS,
    "invalid_response": Kind.AMBIGUOUS,
}


def kind_of(code: str) -> Kind | None:
    """The class of one of the gateway family's codes, or of Ark's, which stands behind it (S4:29-31)."""
    if code.lower().startswith("unmarshal_"):
        return Kind.AMBIGUOUS
    return _CODES.get(code.lower()) or ark.kind_of(code)


def fault(reply: Reply, asked: Asked = "create") -> ProviderError:
    """By the innermost known code of either envelope, else by the HTTP status, which may stand in the body's `code`."""
    return answers.fault(SERVICE, reply, asked, kind_of)
