"""YAML text becomes plain values with the meaning of YAML 1.2, and each keeps its place."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Fault, RecipeError
from pipeline.recipe import source, yaml12
from pipeline.recipe.source import Document


def document(text: str) -> Document:
    return source.parse(text.encode(), "r.yaml")


@pytest.mark.parametrize(
    "written, value",
    [
        ("9:16", "9:16"),
        ("16:9", "16:9"),
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("-5", -5),
        ("1_000", "1_000"),
        ("5.50", Decimal("5.50")),
        ("1e3", Decimal("1e3")),
        (".5", Decimal("0.5")),
        ("2026-11-21", "2026-11-21"),
        ("0b1", "0b1"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("=", "="),
    ],
)
def test_scalars_have_their_yaml_12_meaning(written: str, value: Any) -> None:
    """Numbers are exact, `no` and `9:16` are text, and quotes always make a text."""
    found = document(f"a: {written}\n").value["a"]
    assert (type(found), found) == (type(value), value)


PLACED = """\
first: {key: [1, two]}   # a comment
list:
  - plain
  - id: x
    quoted: "a\\tb\\u00e9 \\
      mark"
    single: 'it''s
      mark'
    literal: |
      one
        two mark
    kept: |2-
        three mark
    folded: >
      one
      two

      mark
    plain: one
      two mark
"""


@pytest.mark.parametrize(
    "way, key, line, column",
    [
        (("first",), True, 1, 1),
        (("first",), False, 1, 8),
        (("first", "key"), True, 1, 9),
        (("first", "key", 1), False, 1, 18),
        (("list",), False, 3, 3),
        (("list", 1), False, 4, 5),
        (("list", 1, "quoted"), True, 5, 5),
        (("list", 1, "nothing"), False, 4, 5),
        (("list", 9, "nothing"), False, 3, 3),
        ((), False, 1, 1),
    ],
)
def test_every_key_and_value_has_its_place(way: tuple[str | int, ...], key: bool, line: int, column: int) -> None:
    """The place of a value that is not there is that of the nearest container."""
    place = document(PLACED).place(way, key=key)
    assert (place.line, place.column) == (line, column)
    assert place.text == PLACED.splitlines()[line - 1]


@pytest.mark.parametrize("key", ["quoted", "single", "literal", "kept", "folded", "plain"])
def test_a_character_of_a_text_is_found_however_it_is_written(key: str) -> None:
    """Escapes, quotes, indentation and folded lines are walked through to the exact character."""
    found = document(PLACED)
    place = found.inside(("list", 1, key), found.value["list"][1][key].index("mark"))
    assert place.text[place.column - 1 :].startswith("mark")


def test_the_crowded_ends_of_lines_do_not_move_places() -> None:
    """A byte order mark and Windows line ends count for nothing."""
    found = source.parse("\ufeffa: 1\r\nb: [x]\r\n".encode(), "r.yaml")
    assert (found.place(("b", 0)).column, found.place(("b", 0)).text) == (5, "b: [x]")


def test_anchors_share_their_value() -> None:
    """An alias stands for the value of its anchor, and is placed where it is written."""
    found = document("a: &x [1, 2]\nb: *x\n")
    assert found.value == {"a": [1, 2], "b": [1, 2]}
    assert found.place(("b",)).line == 2


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_whatever_is_dumped_is_read_again(value: Any) -> None:
    """A plain value written as YAML comes back the same."""
    text = (
        yaml.safe_dump({"value": value}, allow_unicode=True, default_style='"')
        if _texts(value)
        else yaml.safe_dump({"value": value})
    )
    tree = yaml12.build(text)
    assert not tree.flaws
    assert tree.value == {"value": value}


def _texts(value: Any) -> bool:
    return isinstance(value, str)


@given(st.text(max_size=60) | st.text("-:{}[]&*!|>'\"%@`#, \n\tab0", max_size=60))
def test_no_text_brings_the_reader_down(text: str) -> None:
    """Any characters at all make a document or faults with a place inside the text."""
    try:
        source.parse(text.encode("utf-8", "surrogatepass"), "r.yaml")
    except RecipeError as error:
        for fault in error.faults:
            assert 1 <= fault.place.line <= text.count("\n") + 1
            assert fault.hint


@given(st.binary(max_size=60))
def test_no_bytes_bring_the_reader_down(data: bytes) -> None:
    """Any bytes at all make a document or faults."""
    faults: tuple[Fault, ...] = ()
    try:
        source.parse(data, "r.yaml")
    except RecipeError as error:
        faults = error.faults
    assert all(fault.fact and fault.hint for fault in faults)
