"""Keys: digests of what decides a step's result, so that results are reused by content and never by name.

In a key: the step kind, the request in the service's own words, the inputs in order with their roles, each by its
bytes, its URL's text or the key of the step it comes from; for a further take without a seed, and for each result
asked for anew, its number. Not in it: paths, accounts, prices, priorities, budgets, addresses. The form is a contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pipeline.digest import key_of
from pipeline.steps.base import Feed, Work


class Keys(NamedTuple):
    """`key` names the result; `base` is that before any redo; `own` stays when only an input's key changes."""

    key: str
    base: str
    own: str


def keys(work: Work, upstream: Mapping[str, str], *, take: int = 1, redos: Mapping[str, int]) -> Keys:
    """The keys of a step; `upstream` maps the ids of earlier steps to their keys, `redos` base keys to numbers."""
    identity: dict[str, object] = {"step": work.kind, "words": work.words()}
    if take > 1:
        identity["take"] = take
    named = [_input(feed, feed.usual or feed.step) for feed in work.feeds]
    keyed = [_input(feed, upstream[feed.step] if feed.step else "") for feed in work.feeds]
    identity["inputs"] = keyed
    base = key_of(identity)
    own = base if named == keyed else key_of({**identity, "inputs": named})
    number = redos.get(base, 0)
    return Keys(key=key_of({**identity, "redo": number}) if number else base, base=base, own=own)


def _input(feed: Feed, step: str) -> dict[str, str]:
    if feed.step:
        return {"role": feed.role, "step": step, "output": feed.output}
    return {"role": feed.role, "url": feed.url} if feed.url else {"role": feed.role, "bytes": feed.sha256}


def derived_seed(key: str, limit: int) -> int:
    """A seed from 0 to `limit` - 1 that a key decides, so that the task can be recognised by it later."""
    return int(key.rpartition(":")[2][:16], 16) % limit
