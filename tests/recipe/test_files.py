"""The files of a recipe's folder: what they are by their headers, and which are refused."""

from __future__ import annotations

import io
import struct
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from pipeline.recipe.files import Folder, InputFault
from pipeline.recipe.model import LocalFile
from tests.media.clips import clip
from tests.recipe.written import HEAD, MP3, MP4, faults, loaded, png


def file(folder: Path, name: str, data: bytes) -> LocalFile:
    (folder / name).write_bytes(data)
    return Folder(folder).file(name, None)[0]


def saved(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((40, 30), 90).save(buffer, kind)
    return buffer.getvalue()


def wav(seconds: int) -> bytes:
    rate = struct.pack("<HHIIHH", 1, 1, 8000, 16_000, 2, 16)
    data = bytes(16_000 * seconds)
    body = b"WAVEfmt " + struct.pack("<I", 16) + rate + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "bmp"])
def test_a_picture_has_a_format_and_a_size(tmp_path: Path, kind: str) -> None:
    """By its bytes, not by its name; it has no length."""
    found = file(tmp_path, "picture.dat", saved(kind))
    assert (found.format, found.width, found.height, found.seconds) == (kind, 40, 30, None)


def test_a_video_has_a_size_and_a_length(tmp_path: Path) -> None:
    """As they are when the recipe is read, so that a plan can price them."""
    clip(tmp_path / "clip.mp4", range(36), size=(192, 108))
    text = "references: {c: {video: clip.mp4}}\nshots:\n- {id: a, prompt: p, references: [c]}\n"
    found = loaded(tmp_path, text).shots[0].references[0].file
    assert found is not None
    assert (found.format, found.width, found.height, found.seconds) == ("mp4", 192, 108, Decimal("1.5"))


def test_a_sound_has_a_length(tmp_path: Path) -> None:
    """And no size in pixels."""
    found = file(tmp_path, "a.wav", wav(3))
    assert (found.format, found.width, found.height, found.seconds) == ("wav", 0, 0, Decimal(3))


def test_what_a_header_does_not_say_is_not_known(tmp_path: Path) -> None:
    """A file with magic bytes alone is taken, unmeasured: what it holds is for decoders to say."""
    for name, data, kind in (("a.mp3", MP3, "mp3"), ("a.mp4", MP4, "mp4")):
        found = file(tmp_path, name, data)
        assert (found.format, found.width, found.height, found.seconds) == (kind, 0, 0, None)


MISSING = {
    "png": "its last chunk, IEND, is missing",
    "jpeg": "its end marker is missing",
    "gif": "its trailer is missing",
    "webp": "bytes are promised",
    "bmp": "bytes are promised",
}


@pytest.mark.parametrize("kind", MISSING)
def test_a_picture_that_is_cut_short_is_refused(tmp_path: Path, kind: str) -> None:
    """With what shows it; the whole one is taken, and so is one with bytes behind its end."""
    data = saved(kind)
    with pytest.raises(InputFault) as caught:
        file(tmp_path, "x.dat", data[:-20])
    assert caught.value.fact.startswith("'x.dat' is cut short: ")
    assert MISSING[kind] in caught.value.fact
    assert caught.value.hint == "Fetch or make it again."
    assert file(tmp_path, "y.dat", data + bytes(100)).bytes == len(data) + 100


def test_a_cut_picture_is_told_at_its_place(tmp_path: Path) -> None:
    """As every other fault of a recipe."""
    text = HEAD + "shots:\n- {id: a, prompt: p, references: [k.png]}\n"
    (fault,) = faults(tmp_path, text, k_png=png(64, 64)[:48])
    assert fault.fact == "'k.png' is cut short: its last chunk, IEND, is missing."
    assert (fault.place.line, fault.place.column) == (4, 35)
