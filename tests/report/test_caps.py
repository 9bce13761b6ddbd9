"""Caps in words and as JSON, and what balances tell: one shape for every scope, and files without their folders."""

from __future__ import annotations

from decimal import Decimal

import jsonschema

from pipeline.plan.room import Room
from pipeline.recipe.model import Origin
from pipeline.report.caps import cap_lines, caps_json, unseen, unseen_json
from pipeline.report.legible import cells, wrap
from pipeline.report.manifest_schema import caps as schema
from pipeline.store.balances import Change

D = Decimal
LINE = Origin(source="recipe", place="films/recipe.yaml:6", name="budget.run.credits.seegen")
FILE = Origin(source="configuration", place="/mine/config.toml", name="budget.day.credits")
FLAG = Origin(source="flag", place="--max-usd")
UNITS = {"seegen": "credits", "movie": "points"}
ROOMS = [
    Room(scope="run", unit="seegen", cap=D(2000), before=D(800), asked=D(160), origin=LINE),
    Room(scope="run", unit="usd", cap=D(8), before=D(0), asked=None, origin=FLAG),
    Room(scope="shot", unit="movie", cap=D("7.5"), before=D(3), asked=D(6), take="dawn@2"),
    Room(scope="shot", unit="seegen", cap=D(400), before=D(0)),
    Room(
        scope="day", unit="seegen", cap=D(5000), before=D(3200), asked=D(1200), since="2026", until="2027", origin=FILE
    ),
    Room(scope="week", unit="usd@rehearsal", cap=D(5), before=D("0.5"), asked=D(1), since="2026", until="2027"),
]


def test_a_sentence_for_each_cap() -> None:
    """Whose it is, how much, what was spent or held, what is left, and where it was written."""
    assert list(cap_lines(caps_json(ROOMS), "Europe/Berlin", UNITS)) == [
        "Cap for the run: 2,000 seegen credits, 800 spent or held, 1,040 left after this (films/recipe.yaml:6)",
        "Cap for the run: $8.00, what is left is not known (--max-usd)",
        "Cap for each take: 7.5 movie points; dawn@2 comes nearest, 3 spent or held, 1.5 too much",
        "Cap for each take: 400 seegen credits",
        "Cap for today (Europe/Berlin): 5,000 seegen credits, 3,200 spent or held by all runs, 600 left after this "
        "(budget.day.credits in /mine/config.toml)",
        "Cap for this week (Europe/Berlin, rehearsed): $5.00, $0.50 spent or held by all runs, $3.50 left after this",
    ]


def test_what_a_run_leaves_behind_asks_for_nothing_more_and_names_no_folder() -> None:
    """A manifest is handed on: the file's name is enough there."""
    rooms = [Room(scope=r.scope, unit=r.unit, cap=r.cap, before=r.before, take=r.take, origin=r.origin) for r in ROOMS]
    found = caps_json(rooms, asked=False, folders=False)
    jsonschema.Draft202012Validator(schema(asked=False)).validate(_floats(found))
    assert [cap["place"] for cap in found] == ["recipe.yaml:6", "--max-usd", None, None, "config.toml", None]
    assert next(cap_lines(found, "UTC", UNITS)).endswith("800 spent or held, 1,200 left (recipe.yaml:6)")
    jsonschema.Draft202012Validator(schema(asked=True)).validate(_floats(caps_json(ROOMS)))


def _floats(found: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{name: float(v) if isinstance(v, Decimal) else v for name, v in cap.items()} for cap in found]


def test_what_balances_tell_is_said_with_their_moments() -> None:
    """What came in at a stand-in that is put up anew is no news."""
    moments = {"since": "2026-11-20T09:10:00.000Z", "at": "2026-11-21T08:00:00.000Z"}
    changes = [
        Change(account="seegen", outside=D("120.5"), **moments),
        Change(account="seegen", came_in=D(1000), **moments),
        Change(account="seegen@rehearsal", came_in=D(1000), **moments),
    ]
    during = "between 2026-11-20 09:10 and 2026-11-21 08:00 UTC"
    assert list(unseen(map(unseen_json, changes))) == [
        f"seegen: at least 120.5 credits were spent outside this ledger {during}",
        f"seegen: at least 1,000 credits came in {during}: bought, or given back",
    ]


def test_a_wrapped_line_loses_nothing_and_keeps_its_width() -> None:
    """Words go on below, indented; wide characters count as two; a word that is too long is cut."""
    assert wrap("one two three", 9) == ["one two", "  three"]
    assert wrap("x" * 12, 9) == ["x" * 8 + "…"]
    assert all(cells(part) <= 9 for part in wrap("日本語 日本語 日本語", 9))
    assert wrap("", 9) == [""]
