"""A picture that is cut short is told by its structure, and no whole one ever is."""

from __future__ import annotations

import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.media.ending import missing_end


def picture(kind: str, size: tuple[int, int] = (48, 31), **options: object) -> bytes:
    """A noisy picture of that kind, so that it has many bytes."""
    image = Image.effect_noise(size, 90).convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def missing(data: bytes, kind: str) -> str:
    return missing_end(io.BytesIO(data), len(data), kind)


def thumbnailed() -> bytes:
    """A JPEG with another, whole one in front of its own data, as cameras write it."""
    inner = b"Exif\0\0" + picture("jpeg", (16, 16))
    return picture("jpeg", (64, 64), exif=inner)


FRAMES = [Image.effect_noise((24, 24), 90).convert("P") for _ in range(3)]
WHOLE = {
    "png": ("png", picture("png")),
    "interlaced png with text": ("png", picture("png", dpi=(72, 72))),
    "jpeg": ("jpeg", picture("jpeg")),
    "progressive jpeg": ("jpeg", picture("jpeg", progressive=True)),
    "jpeg with restarts": ("jpeg", picture("jpeg", restart_marker_blocks=1)),
    "jpeg with a thumbnail": ("jpeg", thumbnailed()),
    "gif": ("gif", picture("gif")),
    "moving gif": ("gif", picture("gif", save_all=True, append_images=FRAMES, loop=0, comment=b"three")),
    "webp": ("webp", picture("webp")),
    "lossless webp": ("webp", picture("webp", lossless=True)),
    "bmp": ("bmp", picture("bmp", (47, 31))),
    "avif": ("avif", picture("avif")),
}
SLACK = {"png": 4, "webp": 1, "bmp": 3}  # a last chunk's checksum, an odd chunk's filling, a last row's filling
SURE = {"bmp": 54, "avif": 400}  # from where on the header tells
BEHIND = {"zeros": bytes(64 * 1024), "a line": b"\r\n", "another file": bytes(range(1, 256)) * 400}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_picture_is_whole_whatever_comes_behind_it(name: str) -> None:
    """Zeros, ends of lines, or a film that a telephone put there."""
    kind, data = WHOLE[name]
    assert missing(data, kind) == ""
    for junk in BEHIND.values():
        assert missing(data + junk, kind) == ""


@pytest.mark.parametrize("name", WHOLE)
def test_a_picture_cut_anywhere_is_cut_short(name: str) -> None:
    """From the end of its header to what decoders can do without."""
    kind, data = WHOLE[name]
    for cut in range(SURE.get(kind, 12), len(data) - SLACK.get(kind, 0)):
        assert missing(data[:cut], kind), cut


def test_other_formats_are_presumed_whole() -> None:
    """No structure of theirs is known here."""
    assert missing(b"II*\0", "tiff") == ""


HOSTILE = {
    "small chunks": ("png", b"\x89PNG\r\n\x1a\n" + (bytes(4) + b"tEXt" + bytes(4)) * 1_000_000),
    "fill bytes": ("jpeg", b"\xff\xd8" + b"\xff" * 10_000_000),
    "small segments": ("jpeg", b"\xff\xd8" + b"\xff\xfe\0\2" * 2_000_000),
    "small blocks": ("gif", b"GIF89a" + bytes(7) + b"\x21\xfe" + b"\1a" * 5_000_000),
    "small extensions": ("gif", b"GIF89a" + bytes(7) + b"\x21\xfe\0" * 3_000_000),
    "small boxes": ("avif", b"\0\0\0\x08free" * 1_000_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_would_take_too_long_to_follow_is_presumed_whole(name: str) -> None:
    """A walk of so many steps proves nothing and ends."""
    kind, data = HOSTILE[name]
    began = time.perf_counter()
    assert missing(data, kind) == ""
    assert time.perf_counter() - began < 5


@given(st.sampled_from(list(WHOLE.values())), st.binary(max_size=12), st.integers(0, 700))
def test_no_bytes_bring_the_look_at_the_end_down(whole: tuple[str, bytes], other: bytes, place: int) -> None:
    """Whatever stands in a picture, something is said of its end."""
    kind, data = whole
    assert isinstance(missing(data[:place] + other + data[place + len(other) :], kind), str)
