"""Campaigns of kills: a short one in the ordinary suite, and what the watcher and the checks would see."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from pathlib import Path

from tests.torture import checks
from tests.torture.campaign import Campaign
from tests.torture.recipes import tales
from tests.torture.watcher import Books

D = Decimal


def test_a_few_kills_on_failing_services(tmp_path: Path) -> None:
    """Killed, resumed, decided by the books: every shot is there once, paid once, and no cap was ever exceeded."""
    kills = 0
    for seed in itertools.count(2):  # on a quick machine a process may have ended before it is struck
        report = Campaign(tmp_path / str(seed), seed, shots=2, kills=2).go()
        assert report.faults == []
        assert report.creates >= report.steps > 0
        kills += report.kills
        if kills:
            break


def test_the_same_seed_makes_the_same_recipes() -> None:
    """A campaign can be repeated by its seed; another seed makes other recipes."""
    assert [tale.text() for tale in tales(7, 20)] == [tale.text() for tale in tales(7, 20)]
    assert [tale.text() for tale in tales(7, 20)] != [tale.text() for tale in tales(8, 20)]


def test_the_watcher_sees_a_cap_that_is_exceeded() -> None:
    """It adds up the events by itself: reserved, then charged, then above the cap."""
    books = Books(caps_of_runs={"tale": {"seegen": D(100)}}, caps_of_takes={}, caps_of_day={"seegen": D(150)})

    def hear(seq: int, kind: str, number: int, **told: str) -> None:
        books.hear((seq, "r", kind, f"s{number}/generate", f"k{number}", 1, json.dumps(told)), "tale")

    hear(1, "Started", 1, account="seegen@rehearsal", credits="60")
    hear(2, "Settled", 1, charged="50")
    hear(3, "Started", 2, account="seegen@rehearsal", credits="50")
    assert (books.broken, books.most["run"]) == ([], 1)
    hear(4, "Refused", 2)
    hear(5, "Started", 3, account="seegen@rehearsal", credits="51")
    assert books.broken == ["('run', 'r', 'seegen@rehearsal') at event 5: 101 is held, and the cap is 100"]
    hear(6, "Doubted", 3)
    hear(7, "Failed", 3)
    assert books.total("seegen@rehearsal") == 101  # what is unknown is held


def test_the_checks_see_tracebacks_and_keys() -> None:
    """A traceback and a key are found wherever they stand."""
    assert checks.of_text("Traceback (most recent call last): …", "here")[0].startswith("here has a traceback")
    assert checks.of_text("sk-naci-rehearsal-key-0001", "there") == ["there has a key of naci"]
    assert checks.of_text("all is well", "there") == []
