"""Which numbers a picture's colours are written in, and the exact way from YUV to RGB and back.

A file that does not say its matrix is taken as its height suggests: BT.709 from 720 lines up, BT.601 below.
HDR is read by its matrix only: no tone mapping.
"""

from __future__ import annotations

import av
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from pipeline.errors import MediaError

ACCURATE = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.BITEXACT
)
HD_LINES = 720
MATRICES = {
    "bt709": Colorspace.ITU709,
    "fcc": Colorspace.FCC,
    "bt601": Colorspace.ITU601,
    "smpte240m": Colorspace.SMPTE240M,
    "bt2020": Colorspace.BT2020,
}
# H.273 code points, as streams and frames carry them.
_NAMES = {0: "rgb", 1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
UNTAGGED = ""


def tagged_matrix(code: int) -> str:
    """The name of a matrix code point of H.273, or "" where it is unspecified or has no name here."""
    return _NAMES.get(code, UNTAGGED)


def matrix_of(code: int, height: int, *, rgb: bool = False) -> str:
    """The matrix to read pictures with that carry this code point, of `height` lines; "rgb" where there is none."""
    if rgb:
        return "rgb"
    name = tagged_matrix(code)
    if name in MATRICES:
        return name
    return "bt709" if height >= HD_LINES else "bt601"


def range_of(code: int, pix_fmt: str, *, rgb: bool = False) -> str:
    """What the range code point says, "full" or "limited"; where it says nothing, what the pixel format implies."""
    if rgb or code == ColorRange.JPEG or pix_fmt.startswith("yuvj"):
        return "full"
    return "limited"


def known_matrix(name: str) -> str:
    """`name` itself, or `MediaError` for a matrix nobody here can read."""
    if name not in MATRICES:
        raise MediaError(f"There is no colour matrix {name!r}.", f"Use one of {', '.join(MATRICES)}.")
    return name


def to_rgb(frame: av.VideoFrame, reformatter: VideoReformatter, *, matrix: str | None = None) -> av.VideoFrame:
    """The frame as rgb24 of the same size, read with its own matrix and range, or with `matrix`."""
    rgb = frame.format.is_rgb
    name = matrix or matrix_of(frame.colorspace, frame.height, rgb=rgb)
    full = range_of(frame.color_range, frame.format.name, rgb=rgb) == "full"
    return reformatter.reformat(
        frame,
        format="rgb24",
        src_colorspace=MATRICES.get(name, Colorspace.ITU709),
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=ACCURATE,
        threads=1,
    )


def to_bt709(
    frame: av.VideoFrame,
    reformatter: VideoReformatter,
    *,
    width: int | None = None,
    height: int | None = None,
    interpolation: Interpolation = ACCURATE,
) -> av.VideoFrame:
    """The frame as yuv420p BT.709 limited and tagged so, scaled to `width` x `height` where they are given."""
    rgb = frame.format.is_rgb
    full = range_of(frame.color_range, frame.format.name, rgb=rgb) == "full"
    name = matrix_of(frame.colorspace, frame.height, rgb=rgb)
    return reformatter.reformat(
        frame,
        width=width,
        height=height,
        format="yuv420p",
        src_colorspace=MATRICES.get(name, Colorspace.ITU709),
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
        dst_color_range=ColorRange.MPEG,
        interpolation=interpolation,
        threads=1,
    )


def rgb_bytes(frame: av.VideoFrame) -> bytes:
    """The packed rows of an rgb24 frame, `width * height * 3` bytes."""
    plane = frame.planes[0]
    row, stride = frame.width * 3, plane.line_size
    rows = memoryview(plane)
    if stride == row:
        return bytes(rows[: row * frame.height])
    return b"".join(rows[y * stride : y * stride + row] for y in range(frame.height))


def fill_rgb(frame: av.VideoFrame, data: bytes | bytearray | memoryview) -> None:
    """Copy packed 8-bit RGB rows into an rgb24 frame of the same size. Raises `ValueError` for another length."""
    row, height = frame.width * 3, frame.height
    if len(data) != row * height:
        raise ValueError(f"{len(data)} bytes are not {frame.width}x{height} pixels of rgb24")
    plane = frame.planes[0]
    stride = plane.line_size
    target, source = memoryview(plane), memoryview(data)
    if stride == row:
        target[: len(data)] = source
        return
    for y in range(height):
        target[y * stride : y * stride + row] = source[y * row : (y + 1) * row]
