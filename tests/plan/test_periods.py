"""Days, weeks and months of a time zone: each moment is in exactly one, and they follow each other without a gap."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.plan.periods import PERIODS, span

ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Kiritimati",
    "America/Havana", "Asia/Beirut", "America/Santiago", "America/Asuncion", "Africa/Cairo", "Pacific/Chatham",
]  # fmt: skip
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@given(MOMENTS, st.sampled_from(ZONES), st.sampled_from(sorted(PERIODS)))
def test_a_moment_is_in_its_period(moment: datetime, zone: str, period: str) -> None:
    """From its beginning until before its end, both full quarters of an hour; the next begins where it ends."""
    at = iso(moment)
    since, until = span(period, at, zone)
    assert since <= at < until
    assert span(period, since, zone) == (since, until)
    assert span(period, until, zone)[0] == until
    assert {since[14:], until[14:]} <= {f"{minute}:00.000Z" for minute in ("00", "15", "30", "45")}


@given(MOMENTS, st.sampled_from(ZONES))
def test_a_period_is_what_the_calendar_says(moment: datetime, zone: str) -> None:
    """The day is the date there, the week begins with a Monday, the month with a first; a day is within both."""
    at, there = iso(moment), moment.astimezone(ZoneInfo(zone))
    found = {period: span(period, at, zone) for period in PERIODS}
    local = {
        period: datetime.fromisoformat(since.replace("Z", "+00:00")).astimezone(ZoneInfo(zone)).date()
        for period, (since, _) in found.items()
    }
    assert local["day"] == there.date()
    assert (local["week"].weekday(), (there.date() - local["week"]).days) == (0, there.weekday())
    assert local["month"] == there.date().replace(day=1)
    for longer in ("week", "month"):
        assert found[longer][0] <= found["day"][0] < found["day"][1] <= found[longer][1]


@pytest.mark.parametrize(
    ("zone", "at", "hours"),
    [
        ("Europe/Berlin", "2026-03-29T12:00:00.000Z", 23),
        ("Europe/Berlin", "2026-10-25T12:00:00.000Z", 25),
        ("America/Havana", "2026-11-01T12:00:00.000Z", 25),  # midnight is there twice
        ("Asia/Beirut", "2026-03-29T12:00:00.000Z", 23),  # midnight is not there
        ("UTC", "2026-03-29T12:00:00.000Z", 24),
    ],
)
def test_days_on_which_clocks_change(zone: str, at: str, hours: int) -> None:
    """They are as long as they are."""
    since, until = (datetime.fromisoformat(moment.replace("Z", "+00:00")) for moment in span("day", at, zone))
    assert (until - since).total_seconds() == hours * 3600
