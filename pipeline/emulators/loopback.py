"""Asking loopback, and loopback alone: what the stand-ins fetch and where they send their webhooks."""

from __future__ import annotations

import ipaddress
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import IO, Any

TIMEOUT_SECONDS = 10.0


def host_of(url: str) -> str:
    """The host of a URL, in lower case; empty where there is none."""
    try:
        return (urllib.parse.urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine by plain HTTP."""
    return url.startswith("http://") and (host_of(url) == "localhost" or _address(url, "is_loopback"))


def is_private(url: str) -> bool:
    """Whether a URL names an address that nobody outside reaches."""
    return host_of(url) == "localhost" or _address(url, "is_private")


def _address(url: str, question: str) -> bool:
    try:
        return bool(getattr(ipaddress.ip_address(host_of(url)), question))
    except ValueError:
        return False


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a redirect might lead away from this machine."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())


def fetch(url: str, most_bytes: int) -> bytes:
    """The bytes at a loopback URL. Raises `OSError` where they cannot be had or are more than `most_bytes`."""
    answer: IO[bytes]
    with _OPENER.open(url, timeout=TIMEOUT_SECONDS) as answer:
        data = answer.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise OSError(f"more than {most_bytes} bytes")
    return data


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The HTTP status of a POST to a loopback URL; 0 where nobody answered."""
    request = urllib.request.Request(url, data=body, headers=dict(headers), method="POST")
    try:
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0
