"""How accounts stand: one free call each, all at once, and nobody waits for one that does not answer."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from pipeline.errors import AccountRefused, Advice, ProviderError, UserError
from pipeline.providers import naci, seedance2_movie, seedancee2, seegen
from pipeline.providers.base import Call, Reply, Service
from pipeline.providers.standing import Open, Standing, Verdict, standings
from tests.providers.wishes import ok


class Wire:
    """Gives one answer, after a while."""

    poll_seconds = 0.0

    def __init__(self, answer: Reply | ProviderError, seconds: float = 0) -> None:
        self.answer = answer
        self.seconds = seconds
        self.asked: list[Call] = []

    async def send(self, call: Call) -> Reply:
        self.asked.append(call)
        await anyio.sleep(self.seconds)
        if isinstance(self.answer, ProviderError):
            raise self.answer
        return self.answer

    async def download(self, url: str, out: Path) -> None:
        raise AssertionError


def opened(wire: Wire | UserError) -> Open:
    @asynccontextmanager
    async def open_it() -> AsyncIterator[Mapping[str, Wire]]:
        if isinstance(wire, UserError):
            raise wire
        yield {"a": wire}

    return open_it


def one(page: Service, answer: Reply | ProviderError | UserError) -> Standing:
    wire = answer if isinstance(answer, UserError) else Wire(answer)
    return standings({"a": (page, opened(wire))})["a"]


def test_a_balance_shows_that_the_key_is_good() -> None:
    """With exact credits."""
    assert one(seegen, ok({"availableCredits": "12.5"})) == Standing(verdict=Verdict.GOOD, balance=Decimal("12.5"))


def test_without_a_balance_the_list_of_models_does() -> None:
    """Which costs nothing either."""
    wire = Wire(ok({"data": [{"id": "pro", "status": "active", "resolutions": ["720p"]}]}))
    found = standings({"a": (seedancee2, opened(wire))})["a"]
    assert (found.verdict, found.models) == (Verdict.GOOD, ("pro",))
    assert [(call.method, call.path) for call in wire.asked] == [("GET", "/v1/models")]


def test_a_service_without_a_free_call_is_not_asked() -> None:
    """But what can be no key is told all the same."""
    wire = Wire(ok({}))
    assert standings({"a": (naci.page(), opened(wire))})["a"] == Standing(verdict=Verdict.UNASKED)
    assert wire.asked == []
    assert one(naci.page(), UserError("it can be no key.")).verdict is Verdict.REFUSED


@pytest.mark.parametrize(
    ("page", "reply", "verdict"),
    [
        (seegen, ok({"message": "no"}, 401), Verdict.REFUSED),
        (seedance2_movie, ok({"code": "INVALID_API_KEY", "message": "no"}), Verdict.REFUSED),
        (seedancee2, ok({"error": {"code": "invalid_api_key", "message": "no"}}, 401), Verdict.REFUSED),
        (seegen, ok({"message": "none here"}, 404), Verdict.AMISS),
        (seegen, Reply(status=301, text="a redirect to elsewhere"), Verdict.AMISS),
        (seegen, Reply(status=502, text="<html>"), Verdict.AMISS),
        (seegen, ok({"message": "slowly"}, 429), Verdict.AMISS),
        (seegen, ok({"availableCredits": "plenty"}), Verdict.AMISS),
        (seedance2_movie, ok({"code": "200", "result": None}), Verdict.AMISS),
        (seedancee2, ok([]), Verdict.AMISS),
    ],
)
def test_a_refused_key_is_told_from_an_answer_that_does_not_help(page: Any, reply: Reply, verdict: Verdict) -> None:
    """Only what speaks of the key is blamed on it."""
    found = one(page, reply)
    assert found.verdict is verdict
    assert found.fact
    assert found.balance is None


def test_what_cannot_be_reached_is_told_and_tried_once() -> None:
    """With the cause that the wire knows."""
    wire = Wire(ProviderError("seegen: it cannot be reached (x).", advice=Advice.LATER))
    found = standings({"a": (seegen, opened(wire))})["a"]
    assert (found.verdict, found.fact) == (Verdict.UNREACHABLE, "seegen: it cannot be reached (x).")
    assert len(wire.asked) == 1
    assert one(seegen, AccountRefused("who are you?")).verdict is Verdict.UNREACHABLE


def test_everybody_is_asked_at_once_and_nobody_is_waited_for() -> None:
    """Three that are silent take as long as one; the quick one has its answer, and the order stays."""
    quick: dict[str, tuple[Service, Open]] = {"a": (seegen, opened(Wire(ok({"availableCredits": 5}))))}

    @asynccontextmanager
    async def silent() -> AsyncIterator[Mapping[str, Wire]]:
        yield dict.fromkeys("bcd", Wire(ok({}), seconds=60))

    began = time.monotonic()
    found = standings({**dict.fromkeys("bcd", (seegen, silent)), **quick}, seconds=0.2)
    assert time.monotonic() - began < 5
    assert [(name, standing.verdict.value) for name, standing in found.items()] == [
        *((name, "unreachable") for name in "bcd"),
        ("a", "good"),
    ]
    assert "within 0.2 seconds" in found["b"].fact


def test_nobody_to_ask_is_no_fault() -> None:
    """As where no key is set."""
    assert standings({}) == {}
