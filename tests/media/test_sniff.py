"""Files are known by their first bytes, and pictures measured by their headers."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.media.sniff import image_size, size_in, sniff


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "bmp", "tiff"])
def test_pictures_are_known_and_measured(tmp_path: Path, kind: str) -> None:
    """Whatever Pillow writes is known by its format; its size is read without decoding."""
    path = tmp_path / "picture"
    Image.new("RGB", (37, 21), "red").save(path, kind)
    assert sniff(path.read_bytes()[:64]) == ("image", kind)
    assert image_size(path) == (None if kind == "tiff" else (37, 21))


def test_a_lossless_webp_is_measured(tmp_path: Path) -> None:
    """The other forms of WebP keep their size elsewhere."""
    for name, options in (("lossless", {"lossless": True}), ("alpha", {"exif": b"Exif\0\0" + bytes(20)})):
        path = tmp_path / name
        Image.new("RGB", (300, 2), "red").save(path, "webp", **options)
        assert image_size(path) == (300, 2)


@pytest.mark.parametrize(
    "head, found",
    [
        (b"\0\0\0\x18ftypisom", ("video", "mp4")),
        (b"\0\0\0\x14ftypqt  ", ("video", "mov")),
        (b"\0\0\0\x18ftypM4A ", ("audio", "m4a")),
        (b"\0\0\0\x18ftypheic", ("image", "heic")),
        (b"\0\0\0\x08wide\0\0\0\0mdat", ("video", "mov")),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", ("video", "webm")),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska", ("video", "mkv")),
        (b"ID3\x04\0\0", ("audio", "mp3")),
        (b"\xff\xfb\x90\x64", ("audio", "mp3")),
        (b"\xff\xf1\x50\x80", ("audio", "aac")),
        (b"RIFF\0\0\0\0WAVEfmt ", ("audio", "wav")),
        (b"OggS\0\x02", ("audio", "ogg")),
        (b"fLaC\0\0\0\x22", ("audio", "flac")),
        (b"", None),
        (b"hello", None),
        (b"BMX is a bicycle", None),
        (b"\xff\xfe\x00\x00", None),
        (b"RIFF\0\0\0\0XXXX", None),
        (b"<svg xmlns=", None),
    ],
)
def test_magic_bytes_say_what_a_file_is(head: bytes, found: tuple[str, str] | None) -> None:
    """Known formats are told by their first bytes; anything else is nothing."""
    assert sniff(head) == found


def test_a_picture_that_is_cut_off_has_no_size() -> None:
    """A header that ends too soon measures nothing, and nobody waits for the rest."""
    for kind in ("png", "jpeg", "webp", "gif", "bmp"):
        whole = io.BytesIO()
        Image.new("RGB", (9, 9)).save(whole, kind)
        assert size_in(io.BytesIO(whole.getvalue()[:8])) is None


MAGIC = st.sampled_from(
    [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF0000WEBPVP8 ", b"GIF89a", b"BM", b"\xff\xd8\xff\xff\xff"]
)


@given(MAGIC, st.binary(max_size=200))
def test_no_bytes_bring_the_measuring_down(magic: bytes, rest: bytes) -> None:
    """Anything after known magic bytes has a size above zero, or none."""
    size = size_in(io.BytesIO(magic + rest))
    assert size is None or min(size) > 0
