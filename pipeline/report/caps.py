"""Caps and what they leave, in one shape for run, take, day, week and month; and what balances tell beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import PurePath
from typing import Any

from pipeline.events import minute
from pipeline.money import text
from pipeline.plan.periods import PERIODS
from pipeline.plan.room import DOLLARS, Room
from pipeline.providers.address import REHEARSAL
from pipeline.report.exact import dollars, number
from pipeline.store.balances import Change


def caps_json(rooms: Iterable[Room], *, asked: bool = True, folders: bool = True) -> list[dict[str, Any]]:
    """Each cap as JSON; `asked`: with what a plan asks; without `folders` files are named without where they lie."""
    return [_cap(room, asked=asked, folders=folders) for room in rooms]


def _cap(room: Room, *, asked: bool, folders: bool) -> dict[str, Any]:
    origin = room.origin
    place = (origin.place if folders or origin.source == "flag" else PurePath(origin.place).name) if origin else None
    return {
        "scope": room.scope,
        "take": room.take or None,
        "unit": room.unit,
        "cap": number(room.cap),
        "before": number(room.before),
        **({"asked": None if room.asked is None else number(room.asked)} if asked else {}),
        "left": None if room.left is None else number(room.left),
        "since": room.since or None,
        "until": room.until or None,
        "source": origin.source if origin else None,
        "place": place,
        "setting": (origin.name or None) if origin else None,
    }


def cap_lines(caps: Iterable[Mapping[str, Any]], zone: str, units: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each cap of `caps_json`; `units` says what an account counts."""
    for cap in caps:
        yield f"Cap for {_whose(cap, zone)}: {amount(cap, cap['cap'], units)}{_standing(cap)}{_written(cap)}"


def amount(cap: Mapping[str, Any], most: Any, units: Mapping[str, str]) -> str:
    """An amount of a cap's unit, with its name."""
    bare = _bare(cap, most)
    return bare if cap["unit"] in DOLLARS else f"{bare} {cap['unit']} {units.get(cap['unit'], 'credits')}"


def _whose(cap: Mapping[str, Any], zone: str) -> str:
    scope = str(cap["scope"])
    if scope in PERIODS:
        rehearsed = ", rehearsed" if cap["unit"] in DOLLARS - {"usd"} else ""
        return f"{PERIODS[scope]} ({zone}{rehearsed})"
    return "each take" if scope == "shot" else "the run"


def _standing(cap: Mapping[str, Any]) -> str:
    """What was spent and what is left, after what a plan asks where it asks."""
    if cap["scope"] == "shot" and not cap["take"]:
        return ""
    who = " by all runs" if cap["scope"] in PERIODS else ""
    spent = f", {_bare(cap, cap['before'])} spent or held{who}" if cap["before"] else ""
    nearest = f"; {cap['take']} comes nearest" if cap["scope"] == "shot" else ""
    if cap["left"] is None:
        return f"{nearest}{spent}, what is left is not known"
    if cap["left"] < 0:
        return f"{nearest}{spent}, {_bare(cap, -cap['left'])} too much"
    return f"{nearest}{spent}, {_bare(cap, cap['left'])} left{' after this' if 'asked' in cap else ''}"


def _written(cap: Mapping[str, Any]) -> str:
    """Where the cap was written, in brackets."""
    if not cap["place"]:
        return ""
    setting = f"{cap['setting']} in " if cap["source"] == "configuration" and cap["setting"] else ""
    return f" ({setting}{cap['place']})"


def _bare(cap: Mapping[str, Any], value: Any) -> str:
    exact = Decimal(str(value))
    return dollars(exact) if cap["unit"] in DOLLARS else text(exact)


def unseen_json(change: Change) -> dict[str, Any]:
    """What two balances tell, as JSON."""
    return {
        "account": change.account,
        "outside": number(change.outside),
        "came_in": number(change.came_in),
        "since": change.since,
        "until": change.at,
    }


def unseen(changes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each of `unseen_json`."""
    for one in changes:
        during = f"between {minute(str(one['since']))} and {minute(str(one['until']))} UTC"
        if one["outside"]:
            spent = text(Decimal(str(one["outside"])))
            yield f"{one['account']}: at least {spent} credits were spent outside this ledger {during}"
        # WHY: stand-ins that are put up anew have their credits anew.
        if one["came_in"] and not str(one["account"]).endswith(REHEARSAL):
            came = text(Decimal(str(one["came_in"])))
            yield f"{one['account']}: at least {came} credits came in {during}: bought, or given back"
