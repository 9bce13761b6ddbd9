"""A job whose answer was lost, looked for in its service's list. Knows no ledger: what follows is not done here.

Nobody documents in which order a list comes, and clocks differ: what does not show that it reaches far enough proves
no absence.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import anyio

from pipeline.errors import listed
from pipeline.providers.answers import shown
from pipeline.providers.base import Call, Found, Listing, Lists, Reply
from pipeline.providers.reach import patiently
from pipeline.providers.remote import Sleep, Wire
from pipeline.values import dataclass

MARGIN = timedelta(minutes=10)  # by which a service's clock and ours may differ
MOST_PAGES = 200
MOST_NAMED = 5  # jobs in a sentence
_MILLISECONDS = 10**11  # seconds since 1970 have fewer digits until the year 5138


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The pages of a list as they were answered, in their order; `complete`: there are no others.

    `oldest` are the moments of the oldest job of each page, None where a page does not say.
    """

    replies: tuple[Reply, ...]
    complete: bool
    oldest: tuple[datetime | None, ...] = ()

    @property
    def newest_first(self) -> bool:
        """Whether the pages show that older jobs come on later ones."""
        return len(self.oldest) > 1 and all(a is not None and b is not None and a > b for a, b in pairwise(self.oldest))

    def reaches(self, began: datetime, *, later_seen: bool) -> bool:
        """Whether a job made at `began` would be among them; `later_seen`: one that was made after it is."""
        known = [moment for moment in self.oldest if moment is not None]
        back = bool(known) and min(known) < began - MARGIN
        return self.complete or (back and (self.newest_first or later_seen))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """The jobs in a list that a request may have made: those with its mark, and those that show none."""

    found: tuple[Found, ...]
    possible: tuple[Found, ...]


def moment(text: str) -> datetime | None:
    """The moment that a service writes: ISO 8601 with its zone, or Unix seconds or milliseconds; None for all else."""
    try:
        if text.isascii() and text.isdecimal():
            number = int(text)
            return datetime.fromtimestamp(number / (1000 if number >= _MILLISECONDS else 1), UTC)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return None if found.tzinfo is None else found.astimezone(UTC)


def is_before(found: Found, began: datetime) -> bool:
    """Whether a job was certainly made before that moment."""
    at = moment(found.created_at)
    return at is not None and at < began - MARGIN


async def pages(page: Lists, wire: Wire, back_to: datetime, sleep: Sleep = anyio.sleep) -> Pages:
    """A service's list, page by page, until it ends or has gone back beyond `back_to`. Raises `ProviderError`."""
    call: Call | None = page.listing()
    found = Pages(replies=(), complete=False)
    while call is not None and len(found.replies) < MOST_PAGES:
        reply, listing = await patiently(functools.partial(_ask, page, wire, call), sleep)
        found = Pages(
            replies=(*found.replies, reply),
            complete=listing.complete,
            oldest=(*found.oldest, moment(listing.oldest)),
        )
        if listing.complete or found.reaches(back_to, later_seen=False):
            break
        call = listing.next
    return found


async def _ask(page: Lists, wire: Wire, call: Call) -> tuple[Reply, Listing]:
    reply = await wire.send(call)
    return reply, page.listed(reply, {}, "")


def trail(page: Lists, pages: Pages, request: Mapping[str, Any], mark: str) -> Trail:
    """What these pages hold of a request and its mark, each job once. Raises `ProviderError`."""
    listings = [page.listed(reply, request, mark) for reply in pages.replies]
    found = {one.job_id: one for listing in listings for one in listing.found}
    possible = {one.job_id: one for listing in listings for one in listing.possible if one.job_id not in found}
    return Trail(found=tuple(found.values()), possible=tuple(possible.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a list says of a request: the one job that it made, or that it made none, or as `told` why neither is shown.

    `candidates` are the jobs among which nothing tells.
    """

    job: Found | None = None
    absent: bool = False
    told: str = ""
    candidates: tuple[Found, ...] = ()


def judge(trail: Trail, *, began: datetime, taken: Set[str], claimed: Mapping[str, str], gap: str) -> Finding:
    """Decides on a request that began at a moment: exactly one job of its mark is its own, and nothing is guessed.

    `taken` are jobs whose request is known; `claimed` names by job another request that may have made it; `gap` is why
    the list proves no absence, if it does not.
    """
    found = [one for one in trail.found if one.job_id not in taken and not is_before(one, began)]
    possible = [one for one in trail.possible if one.job_id not in taken and not is_before(one, began)]
    if len(found) > 1:
        told = f"lists {len(found)} jobs that it may be: {_named(found)}"
        return Finding(told=told, candidates=tuple(found))
    if found:
        (one,) = found
        if one.job_id in claimed:
            told = f"lists the job {one.job_id}, which may as well be that of {claimed[one.job_id]}"
            return Finding(told=told, candidates=(one,))
        if moment(one.created_at) is None:
            told = f"lists the job {one.job_id}, and does not say when that was made"
            return Finding(told=told, candidates=(one,))
        return Finding(job=one)
    if possible:
        told = f"lists {len(possible)} without a mark, each of which it may be: {_named(possible)}"
        return Finding(told=told, candidates=tuple(possible))
    return Finding(told=f"does not list it, but {gap}") if gap else Finding(absent=True)


def _named(some: Sequence[Found]) -> str:
    return listed([shown(one.job_id) for one in some], MOST_NAMED)
