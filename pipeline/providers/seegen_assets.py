"""SeeGen's review of inputs (S0:327-407): hand in a URL, wait until it is ACTIVE, use it as `asset://`.

S0 = "Seedance 2.0 API", its newest sample of 2026-04-29.
"""

from __future__ import annotations

from typing import Any

from pipeline.errors import Part
from pipeline.providers import answers
from pipeline.providers.answers import Kind, dig
from pipeline.providers.base import Asset, Assets, Call, Media, Reply
from pipeline.providers.seegen_jobs import SERVICE, fault

REVIEW_SECONDS = 3.0  # S0:577
MOST_NAME = 64  # S0:343: the 64 hex digits of a digest just fit, and find the same content again
PAGE = "50"  # S0:378


def review(url: str, media: Media, name: str) -> Call:
    """POST /assets/upload with a public URL (S0:330-343)."""
    body = {"url": url, "type": media.upper(), "name": name[:MOST_NAME]}
    return Call(method="POST", path="/assets/upload", body=body, repeatable=True)


def ask_asset(id: str) -> Call:
    """GET /assets/status?assetId=, by either of its names (S0:356-361)."""
    return Call(method="GET", path="/assets/status", query={"assetId": id})


def asset(reply: Reply) -> Asset:
    """PROCESSING (and NONE, A14) goes on; ACTIVE may be used; FAILED says why (S0:362). Raises `ProviderError`."""
    found = _asset(reply.json) if 200 <= reply.status < 300 else None
    if found is None:
        raise fault(reply, "poll") if reply.status == 404 else fault(reply, "other")
    return found


def _asset(value: Any) -> Asset | None:
    name = answers.text(dig(value, "volcAssetId"))
    either = name or answers.text(dig(value, "assetId"))
    word = dig(value, "status")
    if not either or not isinstance(word, str):
        return None
    failed = word.upper() == "FAILED"
    error = None
    if failed:
        why = dig(value, "failReason")
        words = answers.shown(why).rstrip(".") if isinstance(why, str) and why else "it does not say why"
        error = answers.error(Kind.MODERATION, f"{SERVICE}'s review refused the input: {words}.", part=Part.INPUT)
    return Asset(
        id=either,
        address=f"asset://{name}" if name else "",  # A13
        name=answers.text(dig(value, "name")),
        done=failed or (word.upper() == "ACTIVE" and bool(name)),
        error=error,
    )


def assets(media: Media) -> Call:
    """GET /assets/list of what is ACTIVE (S0:363-378)."""
    return Call(method="GET", path="/assets/list", query={"type": media.upper(), "status": "ACTIVE", "limit": PAGE})


def asset_list(reply: Reply, media: Media) -> Assets:
    """Items, and the call for the next page while there is a `nextCursor` (S0:379-398). Raises `ProviderError`."""
    items = dig(reply.json, "items")
    if not 200 <= reply.status < 300 or not isinstance(items, list):
        raise fault(reply, "other")
    cursor = answers.text(dig(reply.json, "nextCursor"))
    first = assets(media)
    following = Call(method="GET", path=first.path, query={**first.query, "cursor": cursor}) if cursor else None
    return Assets(items=tuple(found for item in items if (found := _asset(item))), next=following if items else None)
