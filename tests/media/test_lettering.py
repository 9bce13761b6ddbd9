"""Text on pictures: cut to what fits, cleaned of what cannot be drawn, measured as it is written."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from pipeline.media.drawing import lettering, typeface


@pytest.mark.parametrize(
    "text, shown",
    [
        ("  a\n\tb\x00c ", "a b c"),
        ("a\u202eb\u2066c\ufeff", "abc"),
        ("\ud800x", "\ufffdx"),
        ("\u0301a", "a"),
        ("", ""),
    ],
)
def test_plain_text_is_one_clean_line(text: str, shown: str) -> None:
    """Controls become spaces, marks of direction go, lone surrogates and homeless accents are made harmless."""
    assert lettering.plain(text) == shown


def test_a_flood_of_accents_is_dammed() -> None:
    """Of many accents on one letter few stay."""
    kept = lettering.plain("q" + "\u0323" * 900)
    assert sum(unicodedata.combining(char) > 0 for char in kept) <= 3


def test_a_long_text_is_read_only_at_its_beginning() -> None:
    """Beyond what could ever be shown the text is dropped, and it shows."""
    kept = lettering.plain("word " * 100_000)
    assert len(kept) <= lettering.READ_CHARACTERS + 1
    assert kept.endswith("…")


@pytest.mark.parametrize(
    "text", ["one two three four five six seven", "x" * 300, "日本語の文章は空白なしで続いていく" * 4]
)
@pytest.mark.parametrize("lines", [1, 2, 3])
def test_wrapped_lines_fit_and_say_that_more_was_there(text: str, lines: int) -> None:
    """No line is wider than its room; an ellipsis ends what was cut, and only that."""
    done = lettering.wrap(text, 20, 130, lines)
    assert len(done) <= lines
    assert all(lettering.width(line, 20) <= 130 for line in done)
    whole = "".join(done).replace(" ", "") == text.replace(" ", "")
    assert whole != done[-1].endswith("…")


@pytest.mark.parametrize("bold", [False, True])
def test_the_carried_font_has_latin_greek_and_cyrillic(bold: bool) -> None:
    """These scripts never depend on the machine."""
    for char in "AzéßŁđĂ€“”…–·ΑΩάήЖяЁіў":
        assert typeface.carries(lettering.CARRIED[bold], char)
    assert not typeface.carries(lettering.CARRIED[bold], "日")


def test_a_letter_without_a_font_becomes_a_box() -> None:
    """A code point that no font has still takes room and leaves ink."""
    mask = Image.new("L", (60, 40))
    end = lettering.write(mask, 5, 30, "\ufffd", 24)
    assert end > 12
    assert mask.getbbox() is not None


@pytest.mark.parametrize("data", [b"", b"OTTO", b"ttcf" + b"\xff" * 40, b"\x00\x01\x00\x00\xff\xff" + b"\x00" * 64])
def test_a_damaged_font_has_no_letters(tmp_path: Path, data: bytes) -> None:
    """A font file cut short or full of lies is passed over, not raised."""
    path = tmp_path / "bad.ttf"
    path.write_bytes(data)
    assert not typeface.carries(path, "a")
    assert lettering.font(path, 20) is None


def test_the_fonts_carry_their_licence() -> None:
    """The licence lies beside the fonts, and each stays small."""
    folder = lettering.CARRIED[False].parent
    assert "SIL OPEN FONT LICENSE" in (folder / "OFL-Inter.txt").read_text("utf-8")
    assert all(path.stat().st_size < 700_000 for path in folder.iterdir())
