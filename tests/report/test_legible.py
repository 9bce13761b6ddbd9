"""Texts of strangers, made fit for a line."""

from __future__ import annotations

import pytest

from pipeline.report.legible import block, cells, fit, line, table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\r\n  c\td", "a b c d"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("\u202eabc\u2069", "\ufffdabc\ufffd"),
        ("a\x00b\x9bc\ud800", "a\ufffdb\ufffdc\ufffd"),
        ("größe 日本 🎬", "größe 日本 🎬"),
    ],
)
def test_a_line_has_no_breaks_escapes_or_turns(text: str, shown: str) -> None:
    """Breaks become a space, what acts on a terminal a replacement sign, all else stays."""
    assert line(text) == shown


def test_a_block_keeps_its_breaks_and_its_script() -> None:
    """HTML isolates directions itself; only what XML forbids is replaced."""
    assert block("a\nb \u202e \x00\ud800") == "a\nb \u202e \ufffd\ufffd"


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("ab c", 4, "ab c"),
        ("ab", 0, ""),
    ],
)
def test_a_text_is_cut_to_the_columns_it_may_take(text: str, width: int, shown: str) -> None:
    """Wide characters take two columns; the ellipsis counts."""
    assert fit(text, width) == shown
    assert cells(shown) <= max(width, 0)


def test_a_combining_mark_takes_no_column() -> None:
    """An accent stands on its letter."""
    assert cells("e\u0301") == 1


def test_the_last_column_of_a_table_gives_way_first() -> None:
    """Names are kept whole as long as the reason can be shortened."""
    rows = [["dawn/generate", "50", "a long reason " * 4]]
    found = table(["STEP", "CREDITS", "WHY"], rows, 48, right=frozenset({1}))
    assert found == [
        "STEP           CREDITS  WHY",
        "dawn/generate       50  a long reason a long re…",
    ]
