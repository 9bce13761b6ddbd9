"""Addresses of services: which base URL may be used, and whether it is this machine, which makes a rehearsal.

Light on purpose: planning asks, and need not load what calls are made with.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from pipeline.errors import UserError

REHEARSAL = "@rehearsal"
"""What an account's name ends with where its service stands on this machine."""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by name or number."""
    import ipaddress  # only who has set a base URL pays for it

    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def base_url(text: str, setting: str) -> str:
    """A base URL without a slash at its end: https, or http to this machine. Raises `UserError` naming the setting."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    plain = parts.scheme == "http" and is_loopback(host)
    blank = any(sign.isspace() or not sign.isprintable() for sign in text)  # urlsplit passes over some of them
    if blank or not host or not (parts.scheme == "https" or plain):
        raise UserError(f"{setting} is no base URL.", "Use https; plain http is only for this machine.")
    if "@" in parts.netloc or "?" in text or "#" in text:
        raise UserError(f"{setting} has more than an address in it.", "Leave out name, password, query and fragment.")
    return text.rstrip("/")
