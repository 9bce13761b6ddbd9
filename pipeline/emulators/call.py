"""One request as a service sees it, its answer, and what a service must be to stand on the street."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pipeline.digest import dumps
from pipeline.emulators.faults import Fault
from pipeline.emulators.jobs import Job

Trouble = Literal["key", "rate", "internal", "route", "body"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is sent back: `json`, or `raw` bytes of `media_type`."""

    json: Any = None
    status: int = 200
    raw: bytes | None = None
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """A request that the document refuses, with its answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.json)
        self.answer = answer


@dataclass(slots=True, kw_only=True)
class Call:
    """A request: `json` is its body's value or None, `account` whose key it came with, `form` a form of answer.

    `notes` gathers what was let through though the document does not know it; `made` the ids of jobs it led to.
    """

    op: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    params: Mapping[str, str]
    body: bytes
    json: Any
    account: str = ""
    key: str = ""
    form: str = ""
    notes: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    traits: tuple[Fault, ...] = ()

    def note_unknown(self, given: Mapping[str, Any], known: Sequence[str], where: str = "") -> None:
        """Note the fields that the document does not have; they are let through."""
        for name in given:
            if name not in known:
                self.notes.append(f"unknown field {where}{name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A documented endpoint; `bare` ones ask for no key."""

    method: str
    path: str
    op: str
    handler: Callable[[Call], Awaitable[Answer]]
    bare: bool = False


class Service(Protocol):
    """What the street needs of a service: its endpoints, its form of trouble, its jobs in its own words."""

    name: str
    base_path: str

    def ways(self) -> Sequence[Way]:
        """Every documented endpoint."""
        ...

    def key(self, headers: Mapping[str, str]) -> str:
        """The key in these headers, or an empty text."""
        ...

    def trouble(self, kind: Trouble, message: str = "") -> Answer:
        """The document's form for a bad key, too many requests, an error of its own, an unknown route or body."""
        ...

    def coded(self, code: str, message: str, status: int = 0) -> Answer:
        """The document's error form with this code; the HTTP status by the document where it is 0."""
        ...

    def verdict(self, fault: Fault) -> tuple[str, str]:
        """Code and message with which a job fails by `fault`."""
        ...

    def shown(self, job: Job) -> Any:
        """A job as the query endpoint shows it, for a webhook."""
        ...

    def hooks(self, job: Job) -> bool:
        """Whether a webhook is sent when a job reaches its present stage."""
        ...

    def hook_headers(self, job: Job, body: bytes, *, well_signed: bool) -> Mapping[str, str]:
        """The headers that a webhook carries besides its type."""
        ...

    def spoilt(self, fault: Fault, call: Call, answer: Answer | None) -> Answer | None:
        """A fault that this service alone knows, as an answer; None where it is not its own."""
        ...


def nested(layers: int) -> str:
    """An error as JSON, in JSON, in JSON, so many layers deep."""
    text = dumps({"error": {"code": "InternalServiceError", "message": "the innermost of the messages"}})
    for _ in range(max(0, layers - 1)):
        text = dumps({"code": "fail_to_fetch_task", "message": text, "data": None})
    return text
