"""Text of any script on one line or several: the carried font first, then whatever the system has, else a box.

The carried font (Inter, OFL) covers Latin, Greek and Cyrillic. For other scripts the usual font folders are searched
once, so that such text may look different from machine to machine. No text whatever makes these functions fail.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, features

from pipeline.media.drawing.typeface import carries, is_scalable
from pipeline.values import dataclass

CARRIED = {
    False: Path(__file__).parents[1] / "fonts" / "Inter-Regular.otf",
    True: Path(__file__).parents[1] / "fonts" / "Inter-SemiBold.otf",
}
READ_CHARACTERS = 1200
_MARKS_IN_A_ROW = 3
_FONT_FILES = 4000
_BOX = "\ufffd"
# Small scripts sit in many fonts; these families are the ones made to be read.
_PREFERRED = ("notosanscjk", "notosans", "noto", "sourcehan", "pingfang", "hiragino", "arialunicode", "dejavusans")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A piece of one line in one font; `font` None means boxes."""

    text: str
    font: ImageFont.FreeTypeFont | None


def plain(text: str) -> str:
    """The opening of `text` on one line: no control or formatting marks, no lone surrogates, no floods of accents."""
    kept: list[str] = []
    marks = 0
    for char in unicodedata.normalize("NFC", text[:READ_CHARACTERS]):
        kind = unicodedata.category(char)
        if kind in ("Mn", "Me"):
            marks += 1
            if marks > _MARKS_IN_A_ROW or not kept:
                continue
        else:
            marks = 0
        if kind in ("Cc", "Zl", "Zp", "Zs"):
            char = " "
        elif kind == "Cf" and char not in "\u200c\u200d":
            continue
        elif kind in ("Cs", "Cn", "Co"):
            char = _BOX
        kept.append(char)
    more = "…" if len(text) > READ_CHARACTERS else ""
    return " ".join("".join(kept).split()) + more


def _folders() -> Iterator[Path]:
    home = Path(os.environ.get("HOME") or "/")
    if sys.platform == "darwin":
        yield from (Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts")
    else:
        yield from (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
        yield from (home / ".local/share/fonts", home / ".fonts", Path("/run/host/fonts"))


@lru_cache(maxsize=1)
def _system_fonts() -> tuple[Path, ...]:
    """The font files of this machine, the likeliest first; empty where none can be read."""
    found: list[Path] = []
    for folder in _folders():
        for where, _, names in os.walk(folder):
            found += [Path(where, name) for name in names if name.lower().endswith((".ttf", ".otf", ".ttc", ".otc"))]
            if len(found) > _FONT_FILES:
                break

    def rank(path: Path) -> tuple[int, bool, bool, str]:
        name = path.name.lower().replace("-", "")
        family = next((place for place, start in enumerate(_PREFERRED) if name.startswith(start)), len(_PREFERRED))
        return family, "regular" not in name and name not in ("dejavusans.ttf",), "serif" in name, str(path)

    return tuple(sorted(found[:_FONT_FILES], key=rank))


@lru_cache(maxsize=4096)
def _system_font(char: str) -> Path | None:
    """A font of this machine that has `char`, or None."""
    return next((path for path in _system_fonts() if carries(path, char) and is_scalable(path)), None)


@lru_cache(maxsize=64)
def font(path: Path, size: int) -> ImageFont.FreeTypeFont | None:
    """The font of a file at a size in pixels, or None where it cannot be opened."""
    engine = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
    try:
        return ImageFont.truetype(str(path), size, layout_engine=engine)
    except (OSError, ValueError):
        return None


def _path_for(char: str, bold: bool) -> Path | None:
    carried = CARRIED[bold]
    if char == _BOX:
        return None
    return carried if carries(carried, char) else _system_font(char)


def runs(text: str, size: int, *, bold: bool = False) -> list[Run]:
    """`text`, already plain, cut where the font changes; spaces and marks stay with what they follow."""
    pieces: list[tuple[str, Path | None]] = []
    for char in text:
        joins = char == " " or char in "\u200c\u200d" or unicodedata.combining(char) or "\ufe00" <= char <= "\ufe0f"
        path = pieces[-1][1] if pieces and joins else _path_for(char, bold)
        if pieces and pieces[-1][1] == path:
            pieces[-1] = (pieces[-1][0] + char, path)
        else:
            pieces.append((char, path))
    out = []
    for piece, path in pieces:
        used = font(path, size) if path else None
        # A space at the end stands alone: within a run from right to left it would come out before the words.
        words = piece.rstrip(" ")
        out += [Run(text=part, font=used) for part in (words, piece[len(words) :]) if part]
    return out


def is_rightward(text: str) -> bool:
    """Whether the first letter of `text` that has a direction runs from left to right."""
    way = next((kind for kind in map(unicodedata.bidirectional, text) if kind in ("L", "R", "AL")), "L")
    return way == "L"


def _run_width(run: Run, size: int) -> float:
    if run.font is not None:
        try:
            return run.font.getlength(run.text)
        except (OSError, ValueError):
            pass
    return sum(0.3 if char == " " else 0.62 for char in run.text) * size


def width(text: str, size: int, *, bold: bool = False) -> float:
    """How wide `text` is at `size`, in pixels."""
    return sum(_run_width(run, size) for run in runs(text, size, bold=bold))


def _boxes(draw: ImageDraw.ImageDraw, left: float, base: float, text: str, size: int, fill: int) -> None:
    for char in text:
        if char != " ":
            edge = max(1, size // 18)
            draw.rectangle((left + size * 0.06, base - size * 0.7, left + size * 0.54, base), outline=fill, width=edge)
        left += (0.3 if char == " " else 0.62) * size


def write(
    mask: Image.Image, left: float, base: float, text: str, size: int, *, bold: bool = False, fill: int = 255
) -> float:
    """Write plain `text` into a grey `mask` with its base line on the row `base`; returns the column where it ends."""
    draw = ImageDraw.Draw(mask)
    line = runs(text, size, bold=bold)
    for run in line if is_rightward(text) else reversed(line):
        wide = _run_width(run, size)
        try:
            if run.font is None:
                raise ValueError
            draw.text((left, base), run.text, fill=fill, font=run.font, anchor="ls")
        except (OSError, ValueError):
            _boxes(draw, left, base, run.text, size, fill)
        left += wide
    return left


def _words(text: str) -> Iterator[str]:
    """Where a line may be broken: after spaces, and around each letter of the scripts that are written without them."""
    word = ""
    for char in text:
        wide = unicodedata.east_asian_width(char) in "WF"
        if wide and word:
            yield word
            word = ""
        word += char
        if char == " " or wide:
            yield word
            word = ""
    if word:
        yield word


def _fitting(text: str, size: int, room: float, tail: str) -> str:
    """The longest opening of `text` that fits with `tail` into `room` pixels."""
    low, high = 0, len(text)
    while low < high:
        half = (low + high + 1) // 2
        if width(text[:half].rstrip() + tail, size) <= room:
            low = half
        else:
            high = half - 1
    return text[:low].rstrip(" ,.;:") + tail


def wrap(text: str, size: int, room: float, lines: int) -> list[str]:
    """Plain `text` in at most `lines` lines of `room` pixels; what does not fit ends in an ellipsis."""
    done: list[str] = []
    line, used = "", 0.0
    for word in _words(text):
        wide = width(word, size)
        if line and used + wide - (0.25 * size if word.endswith(" ") else 0) > room:
            done.append(line.rstrip())
            line, used = "", 0.0
            if len(done) == lines:
                done[-1] = _fitting(done[-1], size, room, "…")
                return done
        while wide > room and len(word) > 1:
            head = _fitting(word, size, room, "") or word[0]
            done.append(head)
            if len(done) == lines:
                done[-1] = _fitting(head, size, room, "…")
                return done
            word = word[len(head) :]
            wide = width(word, size)
        line, used = line + word, used + wide
    if line.strip():
        done.append(line.rstrip())
    return done
