"""Faults on demand: what can go wrong by name, and the list of those that wait for their request."""

from __future__ import annotations

import difflib
import math
import random
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

When = Literal["before", "after", "shape", "job", "file", "hook", "asset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """When a fault strikes, on which operation unless told, and what then happens."""

    when: When
    on: str
    what: str


CATALOG: Mapping[str, Kind] = {
    "rate_limited": Kind(when="before", on="create", what="429 before acceptance; `retry_after` adds the header"),
    "server_error_before": Kind(when="before", on="create", what="500 (or `status`), and nothing was accepted"),
    "html_502": Kind(when="before", on="", what="a proxy's HTML page with 502, and nothing was accepted"),
    "refused": Kind(when="before", on="create", what="the document's error form with `code`, `status`, `message`"),
    "error_in_200": Kind(when="before", on="create", what="200 with an error `code` in the body"),
    "redirected": Kind(when="before", on="query", what="302 to `message`, a place elsewhere"),
    "hung_before": Kind(when="before", on="create", what="no answer for `seconds`, then the line is cut"),
    "cut_before": Kind(when="before", on="create", what="the line is cut, and nothing was accepted"),
    "moderated_at_create": Kind(when="before", on="create", what="refused at once by moderation, or with `code`"),
    "concurrency_without_task": Kind(
        when="before", on="create", what="CONCURRENCY_LIMIT_REACHED without a task_id (S2:256)"
    ),
    "nested_error": Kind(when="before", on="query", what="an error whose message is JSON in JSON, `polls` layers deep"),
    "empty_answer": Kind(when="before", on="query", what="success with data null"),
    "lost_create": Kind(when="after", on="create", what="the job exists, and the line is cut before the answer"),
    "slow_create": Kind(when="after", on="create", what="the job exists, and the answer takes `seconds`"),
    "server_error_after": Kind(when="after", on="create", what="500 (or `status`), and the job exists"),
    "html_502_after": Kind(when="after", on="create", what="a proxy's HTML page with 502, and the job exists"),
    "concurrency_with_task": Kind(
        when="after", on="create", what="CONCURRENCY_LIMIT_REACHED with a task_id: the task is queued (S2:256)"
    ),
    "concurrency_without_id": Kind(
        when="after", on="create", what="CONCURRENCY_LIMIT_REACHED without a task_id, and the job exists all the same"
    ),
    "webhook_before_create": Kind(when="after", on="create", what="the webhook comes before the answer to the create"),
    "not_json": Kind(when="after", on="", what="200 with a text that is not JSON"),
    "missing_id": Kind(when="after", on="create", what="200 without any id in it"),
    "wrong_types": Kind(when="after", on="query", what="numbers where texts are due, texts where objects are due"),
    "endless_body": Kind(when="after", on="query", what="a body that does not end"),
    "odd_case": Kind(when="shape", on="query", what="each status is written in another case"),
    "unknown_status": Kind(when="shape", on="query", what="each status is a word no document has"),
    "extra_fields": Kind(when="shape", on="", what="every object has fields no document has"),
    "answer_form": Kind(when="shape", on="query", what="naci answers in `form` (wrapped, openai, raw), whatever asked"),
    "moderated_later": Kind(when="job", on="create", what="the job fails by moderation, or with `code`"),
    "job_fails": Kind(when="job", on="create", what="the job fails with `code` and `message`"),
    "job_expires": Kind(when="job", on="create", what="the job ends as expired, where the service has that word"),
    "frozen": Kind(when="job", on="create", what="the job never ends; on naci IN_PROGRESS 30 % with `expired` inside"),
    "slow_job": Kind(when="job", on="create", what="the job takes `seconds`"),
    "url_in_fail_reason": Kind(when="job", on="create", what="the result's URL stands in fail_reason on SUCCESS"),
    "cancel_refused": Kind(when="before", on="cancel", what="the cancel is refused with the document's code"),
    "cancel_slow": Kind(when="shape", on="cancel", what="the cancel is tried and the answer still says running"),
    "asset_fails": Kind(when="asset", on="asset", what="the review ends in FAILED with `message` as failReason"),
    "asset_slow": Kind(when="asset", on="asset", what="the asset is ACTIVE only after `polls` questions"),
    "link_expired": Kind(when="file", on="download", what="403, and this link is dead; a new question gives a new one"),
    "truncated_download": Kind(when="file", on="download", what="half the bytes of the length promised"),
    "short_download": Kind(when="file", on="download", what="half the file, with a length that agrees"),
    "no_range": Kind(when="file", on="download", what="a Range is ignored and everything comes again"),
    "upload_refused": Kind(when="before", on="put", what="403 to the bytes of an upload"),
    "webhook_lost": Kind(when="hook", on="hook", what="a webhook is never sent"),
    "webhook_duplicated": Kind(when="hook", on="hook", what="a webhook comes twice"),
    "webhook_out_of_order": Kind(when="hook", on="hook", what="a stale, running webhook comes after the last one"),
    "webhook_badly_signed": Kind(when="hook", on="hook", what="a webhook is signed with another secret"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault by name for the next `times` matching requests (None: all), each with `probability`.

    `on` is an operation (create, query, download ...), by default the catalog's; `match` is a text that the request's
    method, path, query or body must hold. The rest are what single faults ask for.
    """

    name: str
    times: int | None = 1
    probability: float = 1.0
    on: str = ""
    match: str = ""
    code: str = ""
    message: str = ""
    status: int = 0
    retry_after: int | None = None
    seconds: float = 30.0
    polls: int = 3
    form: str = "wrapped"

    def __post_init__(self) -> None:
        if self.name not in CATALOG:
            raise ValueError(f"{self.name!r} is no fault; there are {', '.join(CATALOG)}.")
        if not 0 < self.probability <= 1:
            raise ValueError(f"A probability of {self.probability} is not above 0 and at most 1.")


OPERATIONS = (
    "create", "query", "list", "cancel", "download", "asset", "presign", "put", "balance", "models", "hook",
)  # fmt: skip
"""What `on` can name: the services' operations, the download of a result, and the sending of a webhook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What a fault can be told: `read` makes its value of a text, `what` says what it is for."""

    read: Callable[[str], Any]
    what: str


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{text!r} is no whole number above 0.")
    return int(text)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{text!r} is no number of zero or more.")
    return number


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"{text!r} is none of {', '.join(words)}.")
        return text

    return read


FIELDS: Mapping[str, Field] = {
    "times": Field(read=lambda text: None if text == "all" else _count(text), what="how often: 1 unless told, or all"),
    "probability": Field(read=_seconds, what="of striking a request that fits, above 0 and at most 1"),
    "on": Field(read=_one_of(*OPERATIONS), what=f"an operation: {', '.join(OPERATIONS)}"),
    "match": Field(read=str, what="a text that the request's method, path, query or body must hold"),
    "code": Field(read=str, what="the service's error code"),
    "message": Field(read=str, what="the service's words, or where a redirect leads"),
    "status": Field(read=_count, what="the HTTP status"),
    "retry_after": Field(read=lambda text: int(_seconds(text)), what="seconds in the header Retry-After"),
    "seconds": Field(read=_seconds, what="how long, where a fault takes time: 30 unless told"),
    "polls": Field(read=_count, what="how many questions, or layers: 3 unless told"),
    "form": Field(read=_one_of("wrapped", "openai", "raw"), what="the form of naci's answers: wrapped, openai, raw"),
}


def written_fault(text: str) -> Fault:
    """A fault as people write it: `NAME`, or `NAME:field=value,field=value`; a comma may stand in a value.

    Raises `ValueError` with a sentence that names what is wrong.
    """
    name, _, told = text.partition(":")
    if name not in CATALOG:
        near = difflib.get_close_matches(name, CATALOG, 1)
        raise ValueError(f"{name!r} is no fault" + (f"; did you mean {near[0]}?" if near else "."))
    values: dict[str, Any] = {}
    for part in re.split(r",(?=\w+=)", told) if told else ():
        field, equals, value = part.partition("=")
        if field not in FIELDS or not equals:
            raise ValueError(f"{name}: {part!r} is no field=value; the fields are {', '.join(FIELDS)}.")
        try:
            values[field] = FIELDS[field].read(value)
        except ValueError as error:
            raise ValueError(f"{name}: {field}: {error}") from None
    return Fault(name=name, **values)


class Faults:
    """The faults that wait, in the order they were added; chance is seeded, so a rehearsal repeats itself."""

    def __init__(self, waiting: Iterable[Fault] = (), chance: int = 1) -> None:
        self._waiting: list[tuple[Fault, int | None]] = [(fault, fault.times) for fault in waiting]
        self._chance = random.Random(chance)
        self.struck: list[str] = []

    def add(self, name: str, **values: Any) -> Fault:
        """Let a fault wait. Raises `ValueError` for a name or a value that is none, `TypeError` for a field."""
        fault = Fault(name=name, **values)
        self._waiting.append((fault, fault.times))
        return fault

    def clear(self) -> None:
        """Let nothing wait any more."""
        self._waiting.clear()

    def take(self, when: When, on: str, text: str) -> Fault | None:
        """The first fault that strikes here, one time fewer to come."""
        for fault in self._taken(when, on, text):
            return fault
        return None

    def take_all(self, when: When, on: str, text: str) -> tuple[Fault, ...]:
        """Every fault that strikes here."""
        return tuple(self._taken(when, on, text))

    def _taken(self, when: When, on: str, text: str) -> Iterable[Fault]:
        for fault, left in list(self._waiting):
            kind = CATALOG[fault.name]
            wanted = fault.on or kind.on
            if kind.when != when or (wanted and wanted != on) or fault.match not in text:
                continue
            if fault.probability < 1 and self._chance.random() >= fault.probability:
                continue
            place = self._waiting.index((fault, left))
            if left is None:
                pass
            elif left <= 1:
                del self._waiting[place]
            else:
                self._waiting[place] = (fault, left - 1)
            self.struck.append(fault.name)
            yield fault

    def unspent(self) -> list[str]:
        """The names of faults that wait for all their requests still."""
        return [fault.name for fault, left in self._waiting if left == fault.times and fault.name not in self.struck]

    def listing(self) -> dict[str, Any]:
        """What waits, what struck and what there is, as JSON."""
        return {
            "waiting": [
                {**{f.name: getattr(fault, f.name) for f in fields(fault)}, "times": left}
                for fault, left in self._waiting
            ],
            "struck": list(self.struck),
            "catalog": {name: {"when": k.when, "on": k.on, "what": k.what} for name, k in CATALOG.items()},
        }
