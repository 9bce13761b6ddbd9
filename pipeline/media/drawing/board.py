"""What is pinned on a drawn scene: reference pictures as cards with their names, and the watermark."""

from __future__ import annotations

import random

from PIL import Image, ImageFilter

from pipeline.media.drawing import lettering
from pipeline.media.drawing.paint import Sheet
from pipeline.values import dataclass

MOST_CARDS = 4
_PAPER = (244, 240, 231)
_INK = (64, 60, 56)
_TAPE = (226, 214, 180)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A reference picture and the name written beneath it."""

    image: Image.Image
    name: str = ""


def _printed(card: Card, high: int, lean: float) -> Image.Image:
    """The card as RGBA, its print `high` pixels high, leaning by `lean` degrees, its corners clear."""
    share = max(0.56, min(2.4, card.image.width / card.image.height))
    area = round(high * min(share, 1.6)), round(high * min(1.0, 1.6 / share))
    scale = max(area[0] / card.image.width, area[1] / card.image.height)
    wide, tall = area[0] / scale, area[1] / scale
    left, top = (card.image.width - wide) / 2, (card.image.height - tall) / 2
    print_ = card.image.resize(area, Image.Resampling.LANCZOS, (left, top, left + wide, top + tall), reducing_gap=2.0)
    edge, size = max(2, round(high * 0.045)), max(6, round(high * 0.075))
    name = lettering.plain(card.name)
    foot = round(size * 2.0) if name else edge
    paper = Image.new("RGB", (area[0] + 2 * edge, area[1] + edge + foot), _PAPER)
    paper.paste(print_, (edge, edge))
    if name:
        line = lettering.wrap(name, size, area[0], 1)[0]
        mask = Image.new("L", paper.size)
        lettering.write(mask, (paper.width - lettering.width(line, size)) / 2, paper.height - foot * 0.34, line, size)
        paper.paste(_INK, (0, 0), mask)
    margin = edge * 2
    sheet = Image.new("RGBA", (paper.width + 2 * margin, paper.height + 2 * margin), (*_PAPER, 0))
    sheet.paste(paper, (margin, margin))
    strip = Image.new("RGBA", (round(high * 0.3), round(high * 0.085)), (*_TAPE, 205))
    sheet.paste(strip, ((sheet.width - strip.width) // 2, margin - strip.height // 2))
    large = sheet.resize((sheet.width * 2, sheet.height * 2), Image.Resampling.BICUBIC)
    return large.rotate(lean, Image.Resampling.BICUBIC, expand=True).reduce(2)


def pinned(
    cards: tuple[Card, ...], size: tuple[int, int], seed: int, *, mark: bool, right: bool
) -> tuple[Image.Image, Image.Image] | None:
    """The cards pinned in the `right` or left upper corner of a picture of `size` and the watermark, if any."""
    if not cards and not mark:
        return None
    sheet = Sheet(size)
    rng = random.Random(seed)
    wide, high = size
    print_high = round(min(high * (0.46, 0.36, 0.29, 0.25)[min(len(cards), MOST_CARDS) - 1], wide * 0.3))
    margin, top = wide * 0.035, round(high * 0.06)
    used, shown = margin, 0
    for card in cards[:MOST_CARDS]:
        paper = _printed(card, print_high, rng.uniform(-3.2, 3.2))
        if used + paper.width > wide - margin and shown:
            break
        left = round(wide - used - paper.width if right else used)
        blur = max(2, print_high // 26)
        shade = Image.new("L", (paper.width + 6 * blur, paper.height + 6 * blur))
        shade.paste(paper.getchannel("A").point([value * 2 // 5 for value in range(256)]), (3 * blur, 3 * blur))
        sheet.stamp(shade.filter(ImageFilter.GaussianBlur(blur)), (left - 2 * blur, top - 2 * blur), (10, 10, 14))
        sheet.stamp(paper.getchannel("A"), (left, top), paper.convert("RGB"))
        used += paper.width + wide * 0.004
        shown += 1
    if len(cards) > shown:
        size_of_note = max(6, print_high // 7)
        left = round(wide - used - size_of_note * 2 if right else used + size_of_note * 0.6)
        _note(sheet, f"+{len(cards) - shown}", left, top + print_high // 2, size_of_note)
    if mark:
        _mark(sheet)
    return sheet.image, sheet.alpha or Image.new("L", size)


def _note(sheet: Sheet, text: str, left: int, base: int, size: int) -> None:
    mask = Image.new("L", sheet.size)
    lettering.write(mask, left, base, text, size, bold=True, fill=220)
    sheet.stamp(mask, (0, 0), (250, 246, 236))


def _mark(sheet: Sheet) -> None:
    """The word ANIMATIC, spaced and faint, in the lower corner."""
    size = max(7, round(min(sheet.size) * 0.026))
    text = "\u2009".join("ANIMATIC")
    room = lettering.width(text, size, bold=True)
    left, base = sheet.size[0] - room - size * 1.4, sheet.size[1] - size * 1.2
    shade = Image.new("L", sheet.size)
    lettering.write(shade, left + size * 0.06, base + size * 0.06, text, size, bold=True, fill=90)
    sheet.stamp(shade, (0, 0), (0, 0, 0))
    mask = Image.new("L", sheet.size)
    lettering.write(mask, left, base, text, size, bold=True, fill=185)
    sheet.stamp(mask, (0, 0), (255, 252, 244))


def stamped(picture: Image.Image, mark: bool) -> Image.Image:
    """The picture itself, or a copy that bears the watermark."""
    if not mark:
        return picture
    sheet = Sheet(picture.size, picture.copy())
    _mark(sheet)
    return sheet.image
