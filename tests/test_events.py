"""Events survive the ledger: every class, every field, exact."""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import digest, events
from pipeline.errors import Advice
from pipeline.events import EVENTS, Artifact, Event, Result

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
AMOUNT = st.decimals("0", "100000", places=4)
WHOLE = st.integers(0, 10**12)
ARTIFACTS = st.builds(
    Artifact, sha256=TEXT, bytes=WHOLE, suffix=TEXT, width=WHOLE, height=WHOLE, seconds=TEXT, fps=TEXT
)
FACTS = st.dictionaries(
    TEXT, st.none() | st.booleans() | WHOLE | TEXT | AMOUNT | st.lists(WHOLE, max_size=2), max_size=3
)
RESULTS = st.builds(Result, outputs=st.dictionaries(TEXT, ARTIFACTS, max_size=2), facts=FACTS)
BY_TYPE: dict[object, st.SearchStrategy[object]] = {
    str: TEXT,
    int: WHOLE,
    bool: st.booleans(),
    Decimal: AMOUNT,
    Decimal | None: st.none() | AMOUNT,
    float | None: st.none() | st.floats(0, 1e6),
    Advice: st.sampled_from(Advice),
    Result: RESULTS,
    Mapping[str, Any]: FACTS,
}


def _of(kind: type) -> st.SearchStrategy[Event]:
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{name: BY_TYPE[hint] for name, hint in hints.items()})


@given(st.one_of([_of(kind) for kind in EVENTS.values()]))
def test_every_event_comes_back_as_it_was(event: Event) -> None:
    """To JSON text and back: the same value, amounts digit by digit."""
    told = digest.loads(digest.dumps(events.to_json(event)))
    again = events.from_json(type(event).__name__, told)
    assert again == event
    assert digest.dumps(events.to_json(again)) == digest.dumps(events.to_json(event))


def test_every_event_class_is_in_the_catalog() -> None:
    """The union that the type checker knows and the names that the ledger knows are the same classes."""
    assert set(EVENTS.values()) == set(typing.get_args(Event))
    told = [n.name for n in ast.parse(inspect.getsource(events)).body if isinstance(n, ast.ClassDef)]
    assert set(told) - {"Artifact", "Result"} == set(EVENTS)


def test_a_kind_of_a_later_version_is_refused() -> None:
    """An unknown kind or field is an error and never half an event."""
    with pytest.raises(KeyError):
        events.from_json("Teleported", {})
    with pytest.raises(TypeError):
        events.from_json("RunEnded", {"at": "", "status": "", "mood": "good"})
