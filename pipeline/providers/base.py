"""What a provider's page is made of. A page is a module of pure translation: no await, no disk, no clock.

A page names itself, says what it cannot do, puts a `Wish` into the service's own words, and prices it. A local page
also makes the result; a remote page also writes the calls and reads the answers, and `providers.remote` makes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Protocol, TypeGuard, runtime_checkable

from pipeline.errors import ProviderError
from pipeline.money import Price

Role = Literal["first_frame", "last_frame", "reference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One thing a request stands on: its role, its kind of media, its name in the recipe, and what made it.

    What the recipe gives by path or URL has no name, so that moving a file changes no request.
    """

    role: Role
    media: Literal["image", "video", "audio"]
    name: str
    provider: str = ""  # the provider whose step made it; empty for files and URLs
    seconds: Decimal | None = None
    people: bool = False
    local: bool = True  # a file or a step's result; False: a URL


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One take of a shot in portable words; `seconds` is 0 for a still, `seed` None where nobody gave one."""

    shot: str  # "dawn", or "dawn@2" for the second take
    kind: Literal["video", "image"]
    model: str
    prompt: str
    seconds: Decimal
    resolution: str
    ratio: str
    seed: int | None
    audio: bool
    watermark: bool
    people: bool
    inputs: tuple[Input, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Something in a wish that the page cannot do, at a field of the shot; a warning stops nothing."""

    field: str
    fact: str
    hint: str
    warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request as data: path below the service's base URL, query and JSON body."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP answer as data; `json` is None where the body is no JSON, and then `text` has its beginning."""

    status: int
    json: Any = None
    text: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where a job stands. `done` with `links` (output name to URL), or failed with `error`; money where it is told."""

    done: bool
    links: Mapping[str, str] = field(default_factory=dict)
    error: ProviderError | None = None
    charged: Decimal | None = None
    refunded: Decimal | None = None


@runtime_checkable
class Page(Protocol):
    """What every provider's module has."""

    NAME: str
    TITLE: str
    UNIT: str  # what its accounts count: "credits"; empty where it is free
    CONCURRENCY: int  # tasks in flight for one account where nobody says otherwise
    SEED_LIMIT: int  # seeds from 0 below this; 0: the service takes none

    def complaints(self, wish: Wish) -> Iterable[Complaint]:
        """What this provider cannot do of a wish, before a credit is spent."""
        ...

    def request(self, wish: Wish) -> Mapping[str, Any]:
        """The wish in the service's own words, as JSON; its inputs are named by their place in `wish.inputs`."""
        ...

    def price(self, wish: Wish) -> Price:
        """What the wish costs, with the place in the document that says so."""
        ...

    def effort_seconds(self, wish: Wish) -> float:
        """About how long it takes; decides which path through the plan is the longest."""
        ...


@runtime_checkable
class LocalPage(Page, Protocol):
    """A provider on this machine: it makes the result itself, free and repeatable."""

    def make(self, request: Mapping[str, Any], inputs: Sequence[Path], out: Path) -> None:
        """Draws the request into the file `out`, whose suffix says which kind. Raises `MediaError`, `OSError`."""
        ...


@runtime_checkable
class RemotePage(Page, Protocol):
    """A service that takes a job over HTTP, works for minutes and charges."""

    def submit(self, request: Mapping[str, Any], inputs: Sequence[str]) -> Call:
        """The call that creates the job; `inputs` are the URLs of the wish's inputs, in their order."""
        ...

    def job_id(self, reply: Reply) -> str | None:
        """The job's id from the answer to `submit`, or None where the answer names none."""
        ...

    def poll(self, job_id: str) -> Call:
        """The call that asks how the job stands."""
        ...

    def status(self, reply: Reply) -> Status:
        """What the answer to `poll` says."""
        ...

    def fault(self, reply: Reply) -> ProviderError:
        """An answer that is no success, with advice about trying again."""
        ...


def is_local(page: LocalPage | RemotePage) -> TypeGuard[LocalPage]:
    """Whether a page makes its results itself."""
    # WHY: `isinstance` with a protocol takes 40 us, and a plan asks this for each take.
    return hasattr(page, "make")
