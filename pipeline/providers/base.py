"""What a provider's page is made of. A page is a module of pure translation: no await, no disk, no clock.

A page names itself, says what it cannot do, puts a `Wish` into the service's own words, and prices it. A local page
also makes the result; a remote page also writes the calls and reads the answers, and `providers.remote` makes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Protocol, TypeGuard, cast, runtime_checkable

from pipeline.errors import ProviderError
from pipeline.money import Price
from pipeline.providers.fit import Fit
from pipeline.values import dataclass, field

Role = Literal["first_frame", "last_frame", "reference"]
Media = Literal["image", "video", "audio"]
Asked = Literal["create", "poll", "other"]
"""What a call was for: to make a job that may cost, to hear how one stands, or something free that may be repeated."""
Reach = Literal["url", "upload", "asset", "data"]
"""How an input gets to a service: published at a URL, put into its storage, reviewed there, or inside the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One thing a request stands on: its role, its kind of media, its name in the recipe, and what made it.

    What the recipe gives by path or URL has no name, so that moving a file changes no request.
    """

    role: Role
    media: Media
    name: str
    provider: str = ""  # the provider whose step made it; empty for files and URLs
    seconds: Decimal | None = None
    people: bool = False
    local: bool = True  # a file or a step's result; False: a URL
    width: int = 0  # in pixels; 0, and so below: not known
    height: int = 0
    bytes: int = 0
    format: str = ""  # "png", "jpeg", "mp4", "mov", "mp3"


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
    upscale: str = ""  # "1080p", "2k", "4k": made larger by the service in the same request
    options: Mapping[str, Any] = field(default_factory=dict)  # this provider's own words, beside the portable ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Something in a wish that the page cannot do, at a field of the shot; a warning stops nothing."""

    field: str
    fact: str
    hint: str
    warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request as data: path below the service's base URL, query and JSON body.

    `repeatable`: a POST that buys nothing, so that it may be sent again where its answer was lost.
    """

    method: Literal["GET", "POST", "DELETE"]
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    repeatable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP answer as data; `json` is None where the body is no JSON, and then `text` has its beginning."""

    status: int
    json: Any = None
    text: str = ""
    retry_after: float | None = None
    request_id: str = ""  # by which the service's own people find the call


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where a job stands. `done` with `links` (output name to URL), or failed with `error`; money where it is told.

    `ask` is what to ask once more where it is done and no link was named; `facts` are worth keeping (plain JSON).
    """

    done: bool
    links: Mapping[str, str] = field(default_factory=dict)
    error: ProviderError | None = None
    cancelled: bool = False  # it ended, with an `error` that says so, because it was told to
    charged: Decimal | None = None
    refunded: Decimal | None = None
    ask: Call | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


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


@runtime_checkable
class Service(RemotePage, Protocol):
    """A remote page that speaks for a real service: where it is, how it knows us, how inputs reach it."""

    BASE_URL: str  # as the document writes it
    BASE_URL_ENV: str
    KEY_ENV: str
    POLL_SECONDS: float  # where polling starts
    LINK_SECONDS: int  # how long a result's link lives; 0: the document does not say
    OPTIONS: Mapping[str, Sequence[Any]]  # the options it knows and prices, with their values

    def headers(self, key: str) -> Mapping[str, str]:
        """The headers that carry the key; no other place does."""
        ...

    def seed_limit(self, model: str) -> int:
        """Seeds for this model are from 0 below this; 0: it takes none."""
        ...

    def mention(self, model: str, media: Media, number: int) -> str:
        """How a prompt names the `number`-th reference of its media, from 1; empty where the document has no word."""
        ...

    def reach(self, wish: Wish, item: Input) -> Reach:
        """How this input of the wish must get to the service."""
        ...

    def pictures(self, model: str) -> Fit: ...  # what a picture that Rushes made must fit into for this model

    def submit(self, request: Mapping[str, Any], inputs: Sequence[str], mark: str = "", callback: str = "") -> Call:
        """As `RemotePage.submit`; `mark` goes where the service echoes one, `callback` is told when the job ends."""
        ...

    def fault(self, reply: Reply, asked: Asked = "create") -> ProviderError:
        """An answer that is no success, with the advice that fits what was asked."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place in a service's storage: PUT the bytes to `url`, with the type asked for; then call them `address`."""

    url: str
    address: str
    seconds: int  # how long the place waits; 0: not told


@runtime_checkable
class Uploads(Protocol):
    """A service that stores inputs: a place is asked for, the bytes are PUT there without the key."""

    CONTENT_TYPES: Mapping[str, str]  # format -> MIME type

    def presign(self, name: str, content_type: str) -> Call:
        """The call that asks for a place for one file."""
        ...

    def slot(self, reply: Reply) -> Slot:
        """The place. Raises `ProviderError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """An input under review: usable as `address` once `done` without `error`."""

    id: str
    address: str
    name: str
    done: bool
    error: ProviderError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """A page of the account's assets; `next` asks for the following one."""

    items: tuple[Asset, ...]
    next: Call | None = None


@runtime_checkable
class Reviews(Protocol):
    """A service that reviews inputs before they may be used."""

    REVIEW_SECONDS: float  # the pace of asking

    def review(self, url: str, media: Media, name: str) -> Call:
        """The call that hands in a URL; `name` is kept with it, so that the same content is found again."""
        ...

    def asset(self, reply: Reply) -> Asset:
        """The asset in the answer to `review` or `ask_asset`. Raises `ProviderError`."""
        ...

    def ask_asset(self, id: str) -> Call:
        """The call that asks how a review stands."""
        ...

    def assets(self, media: Media) -> Call:
        """The call that lists what has been approved."""
        ...

    def asset_list(self, reply: Reply, media: Media) -> Assets:
        """One page of the list. Raises `ProviderError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A finished clip as it was probed; 0 and empty where something is not known."""

    seconds: Decimal
    width: int = 0
    height: int = 0
    bytes: int = 0
    format: str = ""


@runtime_checkable
class Enlarges(Protocol):
    """A service that makes finished clips larger, whoever made them: the same dance as for a new clip."""

    NAME: str
    POLL_SECONDS: float
    SIZES: Sequence[str]

    def complaints(self, clip: Clip, to: str) -> Iterable[Complaint]:
        """What it cannot do with this clip."""
        ...

    def request(self, to: str) -> Mapping[str, Any]:
        """The request in the service's words; its only input is the clip."""
        ...

    def price(self, clip: Clip, to: str) -> Price:
        """What it costs."""
        ...

    def submit(self, request: Mapping[str, Any], inputs: Sequence[str], mark: str = "", callback: str = "") -> Call: ...

    def job_id(self, reply: Reply) -> str | None: ...

    def poll(self, job_id: str) -> Call: ...

    def status(self, reply: Reply) -> Status: ...

    def fault(self, reply: Reply, asked: Asked = "create") -> ProviderError: ...


@runtime_checkable
class Balances(Protocol):
    """A service that tells what an account has left."""

    def balance(self) -> Call: ...  # asks for it

    def balance_of(self, reply: Reply) -> Decimal:
        """Credits that can still be spent. Raises `ProviderError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A job in a service's list that a request may have made."""

    job_id: str
    created_at: str  # as the service writes it; empty where it does not


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page of a list. `complete`: with the pages before it, all that the service has; `next` asks for more.

    `possible` are jobs that show no mark, and that nothing else tells from the request: they prove no absence.
    """

    found: tuple[Found, ...]
    possible: tuple[Found, ...] = ()
    complete: bool = False
    next: Call | None = None
    oldest: str = ""  # when the last job of this page was made: newer ones have been seen even if it is not complete


@runtime_checkable
class Lists(Protocol):
    """A service that lists its jobs, so that one whose answer was lost can be found by its mark."""

    def listing(self) -> Call:
        """The call for the first page, newest first."""
        ...

    def listed(self, reply: Reply, request: Mapping[str, Any], mark: str) -> Listing:
        """The jobs on a page that carry this request's mark. Raises `ProviderError`."""
        ...


@runtime_checkable
class Cancels(Protocol):
    """A service that can be told to stop a job, as often as one likes; whether it did, `poll` says."""

    CANCELLED_COST: str  # what its document says of the money, in a sentence

    def cancel(self, job_id: str) -> Call: ...  # its answer is read as that to `poll` is: a refusal is raised


def is_service(page: RemotePage | Enlarges) -> TypeGuard[Service | Enlarges]:
    """Whether a page speaks for a real service: it takes a mark, and says of a fault what fits what was asked."""
    return hasattr(page, "POLL_SECONDS")


def as_service(page: LocalPage | RemotePage) -> Service | None:
    """The page of a real service, else None."""
    return cast("Service", page) if hasattr(page, "POLL_SECONDS") else None


def is_local(page: LocalPage | RemotePage) -> TypeGuard[LocalPage]:
    """Whether a page makes its results itself."""
    # WHY: `isinstance` with a protocol takes 40 us, and a plan asks this for each take.
    return hasattr(page, "make")
