"""Still pictures: opened under a limit of pixels, shown as RGB, written as PNG with nothing but pixels in it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import MediaError
from pipeline.media.sniff import HEAD_BYTES, image_size, sniff
from pipeline.media.source import PICTURES, bounded

if TYPE_CHECKING:
    from PIL import Image

COMPRESSION = 4  # a tenth larger than the best, three times as fast
NEUTRAL = (128, 128, 128)
_DAMAGED = "The file is damaged or cut short; fetch or make it again."
_FLATTEN = {"LA", "La", "PA", "RGBA", "RGBa"}


@contextmanager
def open_still(path: Path, kind: str) -> Iterator[Image.Image]:
    """A picture file by the decoder of its kind, not yet decoded. Raises `MediaError` for damage, too many pixels."""
    from PIL import Image, UnidentifiedImageError

    # Before Pillow sees it, which would warn on standard error of what is refused here anyway.
    bounded(path, *(image_size(path) or (0, 0)))
    try:
        with Image.open(path, formats=[PICTURES[kind]]) as image:
            bounded(path, *image.size)
            yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise MediaError(f"{path.name} has too many pixels.", "Scale it down first.") from error
    except UnidentifiedImageError as error:  # its words have the whole path in them
        raise MediaError(f"{path.name} is no {kind} picture that can be read.", _DAMAGED) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise _damaged(path, error) from error
    except (SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, struct.error) as error:
        raise _damaged(path, error) from error
    except zlib.error as error:
        raise _damaged(path, error) from error


def read_still(path: Path, kind: str) -> Image.Image:
    """The picture as it is meant to be seen: turned as EXIF says, transparency laid on grey, 8-bit RGB."""
    from PIL import Image, ImageOps

    with open_still(path, kind) as image:
        image.load()
        turned = ImageOps.exif_transpose(image)
        if turned.mode in _FLATTEN or "transparency" in turned.info:
            layer = turned.convert("RGBA")
            ground = Image.new("RGBA", layer.size, (*NEUTRAL, 255))
            return Image.alpha_composite(ground, layer).convert("RGB")
        if turned.mode.startswith(("I", "F")):
            return _eight_bits(turned)
        return turned.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """A picture of 16-bit grey as RGB; Pillow would clip instead of scaling."""
    wide = image.convert("I")
    return wide.point(lambda value: value / 256).convert("L").convert("RGB")


def write_png(rgb: bytes, width: int, height: int, path: Path) -> None:
    """Write packed 8-bit RGB rows as a PNG of IHDR, IDAT and IEND alone; no chunk that a reader might act on.

    Raises `ValueError` when the bytes are not `width * height * 3`, `OSError` when the disk does not take them.
    """
    from PIL import Image

    if len(rgb) != width * height * 3 or not rgb:
        raise ValueError(f"{len(rgb)} bytes are not {width}x{height} pixels of RGB")
    part = path.with_name(f".{path.name}.part")
    try:
        Image.frombytes("RGB", (width, height), rgb).save(part, "PNG", compress_level=COMPRESSION)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def fits(path: Path, most_bytes: int, shortest: int, longest: int) -> bool:
    """Whether a picture has no more bytes and no other sides, in pixels, than it may; one of unknown size has."""
    size = image_size(path)
    sides_fit = size is None or (min(size) >= shortest and (not longest or max(size) <= longest))
    return sides_fit and (not most_bytes or path.stat().st_size <= most_bytes)


def make_fit(path: Path, out: Path, most_bytes: int, shortest: int, longest: int) -> None:
    """A PNG of a picture, enlarged or reduced as little as it takes to fit. Raises `MediaError`, `OSError`."""
    from PIL import Image

    with path.open("rb") as file:
        found = sniff(file.read(HEAD_BYTES))
    picture = read_still(path, found[1] if found else "png")
    scale = 1.0
    if min(picture.size) < shortest:
        scale = shortest / min(picture.size)
    elif longest and max(picture.size) > longest:
        scale = longest / max(picture.size)
    while True:
        width, height = (max(1, round(side * scale)) for side in picture.size)
        sized = picture if scale == 1 else picture.resize((width, height), Image.Resampling.LANCZOS)
        write_png(sized.tobytes(), width, height, out)
        if not most_bytes or out.stat().st_size <= most_bytes or min(width, height) <= max(shortest, 1):
            return
        scale *= 0.9


def _damaged(path: Path, error: Exception) -> MediaError:
    return MediaError(
        f"{path.name} cannot be read as a picture: {str(error).rstrip('.') or type(error).__name__}.",
        _DAMAGED,
    )
