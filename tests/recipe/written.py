"""Recipes written to a folder for a test, and what is said of them."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from pipeline.errors import Fault, RecipeError
from pipeline.recipe.load import load
from pipeline.recipe.model import Recipe

DATE = "2026-11-21"
HEAD = "rushes: 1\nname: test\n"
MP3 = b"ID3\x03\0\0\0\0\0\0" + bytes(100)
MP4 = b"\0\0\0\x18ftypisom" + bytes(100)


def png(width: int = 8, height: int = 8) -> bytes:
    """A whole PNG picture, all black."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 1) * min(height, 64)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def write(folder: Path, text: str | bytes, **files: bytes) -> Path:
    """The path of a recipe of this text; `keeper_png=…` writes `keeper.png` beside it."""
    path = folder / "recipe.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    for name, data in files.items():
        (folder / name.replace("_", ".")).write_bytes(data)
    return path


def loaded(folder: Path, text: str, **files: bytes) -> Recipe:
    """The recipe of this text, which has no faults; the head is written for it."""
    return load(write(folder, HEAD + text, **files), date=DATE)


def faults(folder: Path, text: str | bytes, **files: bytes) -> tuple[Fault, ...]:
    """What is wrong with this text, which has faults."""
    with pytest.raises(RecipeError) as caught:
        load(write(folder, text, **files), date=DATE)
    return caught.value.faults
