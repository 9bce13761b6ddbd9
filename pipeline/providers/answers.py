"""What every service's answers have in common: where an error's words stand, and what each class of error advises.

The order in which a body is read, the classes and the advice are the same for all services; which code belongs to
which class is a table on each page. Nothing here trusts an answer: any JSON may come.
"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pipeline import money
from pipeline.digest import loads
from pipeline.errors import AccountRefused, Advice, JobLost, Moderated, Part, ProviderError
from pipeline.providers.base import Asked, Reply
from pipeline.values import dataclass

LEVELS = 4  # how deep wrappers and texts that are JSON again are opened
MOST_WORDS = 300
MOST_QUOTED = 80  # characters of an answer in no form that is known
MOST_NAME = 1000  # characters of an id, a code, or an address in a service's storage
MOST_WAIT = 3600.0  # of a Retry-After
TOO_LONG = "more than 4 MB"
"""What an answer that was not read to its end has as its text."""

T = TypeVar("T")


class Unreadable(ProviderError):
    """An answer came, and what it should have in it cannot be read."""


UNFORESEEN = (ValueError, ArithmeticError, RecursionError)
"""What foreign values make of reading them where nobody thought of it."""


def read(service: str, asked: Asked, look: Callable[[Reply], T], reply: Reply) -> T:
    """What a page reads from an answer; `Unreadable` in the place of whatever foreign values make of that.

    Raises `ProviderError`.
    """
    try:
        return look(reply)
    except UNFORESEEN:
        pass
    raise unreadable(service, reply, asked)


class Kind(StrEnum):
    """The classes of error that services have."""

    CONFIG = "config"  # key, account, model or address: the user mends it
    MONEY = "money"
    PERMANENT = "permanent"  # the request itself is wrong
    MODERATION = "moderation"
    WAIT = "wait"  # certainly not taken, and temporary
    BUSY = "busy"  # as WAIT, and too much at once
    AMBIGUOUS = "ambiguous"  # a create may have been taken
    HELD = "held"  # a create was probably taken, and no id came
    LOST = "lost"  # no such job
    FAILED = "failed"  # the job did not work out; another might


KindOf = Callable[[str], Kind | None]
"""A page's table: the class of one of its codes, None for a code it does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An error in the service's words: its codes from the outermost to the innermost, and the innermost message."""

    codes: tuple[str, ...] = ()
    message: str = ""
    read: bool = False  # the body was JSON with words in it


def text(value: object) -> str:
    """A code, an id or a name as it is, a whole number as its digits, an empty text for anything else.

    Also for what is longer than any, or has a character that is not printable or cannot be sent (half of a surrogate
    pair): in a URL, a database or on a screen it would be another.
    """
    if isinstance(value, str):
        return value if len(value) <= MOST_NAME and value.isprintable() else ""
    # WHY: the digits of an endless number take endless time; no code or id has that many.
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30:
        return str(value)
    return ""


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait from a Retry-After in seconds or as a date, from 0 to an hour; None for what is neither."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError, TypeError, LookupError, OSError):
            return None
    return min(max(seconds, 0.0), MOST_WAIT) if seconds == seconds else None


def dig(value: Any, *path: str) -> Any:
    """What lies at the end of a path of keys, or None."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def link(value: object) -> str:
    """A URL that can be asked for, or an empty text; whether it may be followed, the wire decides."""
    if not isinstance(value, str) or len(value) > 8192 or not value.lower().startswith(("https://", "http://")):
        return ""
    if not value.isprintable():
        return ""
    try:
        return value if urlsplit(value).hostname else ""
    except ValueError:
        return ""


def amount(value: object) -> Decimal | None:
    """Credits that an answer names, None where it names none that can be counted."""
    try:
        return money.amount(value)
    except ValueError:
        return None


def shown(words: str) -> str:
    """Foreign words, short enough and plain enough for a sentence."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in words[: MOST_WORDS * 4]).split())
    return flat if len(flat) <= MOST_WORDS else flat[: MOST_WORDS - 1] + "…"


def _quoted(words: str) -> str:
    return shown(words)[:MOST_QUOTED].strip()


def said(reply: Reply) -> Said:
    """The error in an answer, in the order {error: {}}, {code, message}, {message}, {error: ""}, text."""
    if reply.json is None:
        words = reply.text.strip()
        return Said(message="a page, not an answer" if words[:1] == "<" else _quoted(words))
    return _inside(reply.json, LEVELS)


def _inside(value: Any, levels: int) -> Said:
    if isinstance(value, str):
        return _nested(value, levels)
    if not isinstance(value, dict):
        return Said()
    error = value.get("error")
    if isinstance(error, dict) and levels:
        inner = _inside(error, levels - 1)
        return Said(codes=(*_code(value), *inner.codes), message=inner.message, read=True)
    message = value.get("message")
    words = message if isinstance(message, str) and message else error
    inner = _nested(words, levels) if isinstance(words, str) else Said()
    codes = (*_code(value), *inner.codes)
    return Said(codes=codes, message=inner.message, read=bool(codes or inner.message))


def _nested(words: str, levels: int) -> Said:
    """A message; where it is JSON again, what that says."""
    if levels and words.lstrip()[:1] == "{":
        try:
            inner = _inside(loads(words), levels - 1)
        except (ValueError, RecursionError):
            inner = Said()
        if inner.codes or inner.message:
            return inner
    return Said(message=shown(words), read=bool(words))


def _code(value: dict[str, Any]) -> tuple[str, ...]:
    code = text(value.get("code")) or text(value.get("type"))
    return (code[:100],) if code else ()


# Ark's codes and its messages for them (ark-cli error-codes.md:50-106), and words that a service may use for the same.
_MODERATED = re.compile(
    r"SensitiveContent|policy.?violation|PrivacyInformation|content.?moderation|sensitive (?:content|information)"
    r"|contains? real person|copyright restrictions|moderation.blocked|safety system",
    re.IGNORECASE,
)


def is_moderation(*words: str) -> bool:
    """Whether codes or messages tell of a forbidden content."""
    return any(_MODERATED.search(word[:2000]) for word in words)


_PARTS = (  # Ark's codes and messages say it alike: InputImageSensitiveContentDetected, "the input image may contain"
    (re.compile(r"output ?(?:text|image|video|audio)", re.IGNORECASE), Part.OUTPUT),
    (re.compile(r"input ?text", re.IGNORECASE), Part.PROMPT),
    (re.compile(r"input ?image", re.IGNORECASE), Part.IMAGE),
    (re.compile(r"input ?video", re.IGNORECASE), Part.VIDEO),
    (re.compile(r"input ?audio", re.IGNORECASE), Part.AUDIO),
    (re.compile(r"PRIVACY_VIOLATION|input contains real person", re.IGNORECASE), Part.IMAGERY),  # S2:261
)


def part_of(told: Said) -> Part:
    """What a service's rules forbid, by the innermost code that says so, else by the message."""
    for words in (*reversed(told.codes), told.message):
        found = [part for pattern, part in _PARTS if pattern.search(words[:2000])]
        if found:
            return found[0] if len(found) == 1 else Part.UNTOLD
    return Part.UNTOLD


def fault(service: str, reply: Reply, asked: Asked, kind_of: KindOf) -> ProviderError:
    """The error in an answer that is no success: by its codes, the innermost first, else by its HTTP status.

    One with a status of success and no error in it is `Unreadable`.
    """
    told = said(reply)
    if 200 <= reply.status < 300 and not told.read:
        return unreadable(service, reply, asked)
    kind = next((kind for code in reversed(told.codes) if (kind := kind_of(code))), None)
    if kind is None and is_moderation(*told.codes, told.message):
        kind = Kind.MODERATION
    status = _status(reply, told)
    if kind is None:
        kind = _by_status(status, told, asked)
    if kind is Kind.LOST and asked == "create":  # there is no job yet: it is a model or an endpoint that is not there
        kind = Kind.CONFIG
    codes = [code for code in told.codes[-1:] if code != str(status)]
    words = told.message or "nothing that can be read"
    fact = f"{service} says: {words.rstrip('.')} ({_marks(reply, status, *codes)})."
    if asked == "create" and kind is Kind.AMBIGUOUS and _FINE.fullmatch(words):
        fact = f"{service} answered success without a task id ({_marks(reply, status, *codes)})."
    return error(kind, fact, asked, reply.retry_after, part_of(told))


_FINE = re.compile(r"(?:ok|success|successful|succeeded|submitted)[.!]*", re.IGNORECASE)


def _marks(reply: Reply, status: int, *codes: str) -> str:
    """By what the service's own people find an answer."""
    found = [str(status), *codes]
    if reply.request_id:
        found.append(f"request id {shown(reply.request_id)[:100]}")
    return ", ".join(found)


def _status(reply: Reply, told: Said) -> int:
    """The HTTP status; where that is 2xx and the body's code is an HTTP error, the body's."""
    if 200 <= reply.status < 300:
        return next((int(c) for c in told.codes if re.fullmatch("[45][0-9]{2}", c)), reply.status)
    return reply.status


def _by_status(status: int, told: Said, asked: Asked) -> Kind:
    known = {401: Kind.CONFIG, 402: Kind.MONEY, 403: Kind.CONFIG, 407: Kind.CONFIG, 425: Kind.WAIT, 429: Kind.BUSY}
    if status in known:
        return known[status]
    if status in (404, 410):
        return Kind.LOST if asked == "poll" else Kind.CONFIG
    if 300 <= status < 400 and status != 303:
        return Kind.CONFIG  # not followed: the key would travel
    if 400 <= status < 500 and status != 408:
        return Kind.PERMANENT
    # WHY: a 503 in the service's own words says no; a proxy's page may come after the request went through.
    return Kind.WAIT if status == 503 and told.read else Kind.AMBIGUOUS


_HINTS = {
    Kind.CONFIG: "Look at the key, the base URL and what the account may use.",
    Kind.MONEY: "Buy credits for this account, then run it again.",
    Kind.PERMANENT: "Change what it names; the same request fails again.",
    Kind.MODERATION: "Change the prompt or the pictures; the same request fails again.",
    Kind.WAIT: "It is asked again later.",
    Kind.BUSY: "It is asked again later, with less at once.",
    Kind.LOST: "Look for the job in the service's console: it may be older than the service remembers.",
    Kind.FAILED: "Name its shot in `--redo` to buy it once more; with `retry` the next one is tried again by itself.",
}


def error(
    kind: Kind,
    fact: str,
    asked: Asked = "poll",
    after_seconds: float | None = None,
    part: Part = Part.UNTOLD,
) -> ProviderError:
    """An error of a class, with the advice that fits what was asked: only a create can leave a doubt."""
    if kind is Kind.MODERATION:
        return Moderated(fact, _HINTS[kind], part=part, after_seconds=after_seconds)
    if kind in (Kind.AMBIGUOUS, Kind.HELD):
        if asked == "create":
            hint = "It may have been taken: ask what became of it with `rushes recover`."
            return ProviderError(fact, hint, advice=Advice.DOUBT, after_seconds=after_seconds)
        advice = Advice.SLOW_DOWN if kind is Kind.HELD else Advice.LATER
        return ProviderError(fact, _HINTS[Kind.WAIT], advice=advice, after_seconds=after_seconds)
    if kind in (Kind.WAIT, Kind.BUSY, Kind.FAILED):
        advice = Advice.SLOW_DOWN if kind is Kind.BUSY else Advice.LATER
        return ProviderError(fact, _HINTS[kind], advice=advice, after_seconds=after_seconds)
    classes = {
        Kind.CONFIG: AccountRefused,
        Kind.MONEY: AccountRefused,
        Kind.LOST: JobLost,
    }
    return classes.get(kind, ProviderError)(fact, _HINTS[kind], after_seconds=after_seconds)


def failure(service: str, told: Said, kind_of: KindOf) -> ProviderError:
    """Why an accepted job failed: moderation and bad input stand for ever, anything else may go better another time."""
    kind = next((kind for code in reversed(told.codes) if (kind := kind_of(code))), None)
    if kind is None and is_moderation(*told.codes, told.message):
        kind = Kind.MODERATION
    if kind not in (Kind.MODERATION, Kind.PERMANENT, Kind.MONEY, Kind.CONFIG):
        kind = Kind.FAILED
    code = f" ({told.codes[-1]})" if told.codes else ""
    fact = f"{service} failed the job: {(told.message or 'it does not say why').rstrip('.')}{code}."
    return error(kind, fact, part=part_of(told))


def unreadable(service: str, reply: Reply, asked: Asked = "poll") -> Unreadable:
    """An answer without what it must have: DOUBT for a create, LATER for all else."""
    quote = ""
    if reply.json is not None:
        what = "JSON of another shape"
    elif reply.text == TOO_LONG:
        what = TOO_LONG
    else:
        quote = _quoted(reply.text)
        what = "something that cannot be read" if quote else "nothing"
    fact = f"{service} answered with {what} ({_marks(reply, reply.status)})"
    fact = f"{fact}: {quote.rstrip('.')}." if quote else f"{fact}."
    plain = error(Kind.AMBIGUOUS, fact, asked)
    hint = "Run the same command again; look at the base URL if it stays so." if asked == "other" else plain.hint
    return Unreadable(fact, hint, advice=plain.advice, after_seconds=reply.retry_after)
