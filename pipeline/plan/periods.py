"""Days, weeks and months as people have them: from when until when they last, in a time zone. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline.events import instant

PERIODS = {"day": "today", "week": "this week", "month": "this month"}
"""The periods that caps are for, shortest first, and what people call the present one."""


def span(period: str, at: str, zone: str) -> tuple[str, str]:
    """When the day, week (from Monday) or month of a moment begins, and when the next one does: ISO times in UTC.

    `at` is an ISO time in UTC, `zone` the name of a time zone. Raises `KeyError` for another period.
    """
    where = ZoneInfo(zone)
    day = datetime.fromisoformat(at.replace("Z", "+00:00")).astimezone(where).date()
    first, end = _dates(period, day)
    return _midnight(first, where), _midnight(end, where)


def _dates(period: str, day: date) -> tuple[date, date]:
    if period == "day":
        return day, day + timedelta(days=1)
    if period == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    if period == "month":
        first = day.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1)
    raise KeyError(period)


def _midnight(day: date, where: ZoneInfo) -> str:
    # WHY: where a clock goes forward at midnight that hour is not there, and where it goes back it is there twice: a
    # day begins the first time, which is what `fold=0` means.
    return instant(datetime(day.year, day.month, day.day, tzinfo=where))


def local(at: str, zone: str) -> str:
    """A moment in ISO, UTC, as people read it in a time zone: "2026-11-22 00:00 Europe/Berlin"."""
    return f"{datetime.fromisoformat(at).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}"
