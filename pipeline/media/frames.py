"""The picture a clip ends on, exactly: the frame shown last, in its true colours; and the first picture of any file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from pipeline.digest import file_digest
from pipeline.errors import MediaError
from pipeline.media.colour import known_matrix, matrix_of, range_of, rgb_bytes, to_rgb
from pipeline.media.faults import reading
from pipeline.media.source import PICTURES, exact_seconds, needed_picture_stream, opened, sniff
from pipeline.media.still import read_still, write_png
from pipeline.media.survey import Entry, Survey, survey
from pipeline.values import dataclass

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Frame", "last_frame", "picture", "write_png"]

_INDEXED = {"mp4", "matroska"}  # containers whose key frames are trusted to start a picture afresh


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A picture taken from a clip. `index` counts from 0 in the order shown, `pts` in the stream's units.

    `seconds` from the clip's first picture; `matrix` and `range` are those it was read with; `width` and `height`
    in pixels as shown; `sha256` is the digest of the PNG file.
    """

    index: int
    pts: int
    seconds: Decimal
    matrix: str
    range: str
    width: int
    height: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    frame: VideoFrame
    index: int
    pts: int
    seconds: Fraction


def last_frame(clip: Path, out: Path, *, offset_seconds: Decimal = Decimal(0), matrix: str | None = None) -> Frame:
    """Write the picture shown `offset_seconds` before the clip's end as PNG; 0 is the last picture of all.

    `matrix` overrides the stream's own. A rotation in quarter turns that the clip asks for is applied.
    Raises `MediaError` where the clip is cut short or damaged, holds no pictures or is shorter than the offset.
    """
    if matrix is not None:
        known_matrix(matrix)
    if offset_seconds < 0:
        raise ValueError("offset_seconds counts back from the end and is not negative")
    found = _find(clip, Fraction(offset_seconds))
    frame = found.frame
    rgb = frame.format.is_rgb
    name = matrix or matrix_of(frame.colorspace, frame.height, rgb=rgb)
    with reading(clip):
        pixels, width, height = _upright(to_rgb(frame, VideoReformatter(), matrix=matrix), frame.rotation)
    write_png(pixels, width, height, out)
    return Frame(
        index=found.index,
        pts=found.pts,
        seconds=exact_seconds(found.seconds),
        matrix=name,
        range=range_of(frame.color_range, frame.format.name, rgb=rgb),
        width=width,
        height=height,
        sha256=file_digest(out),
    )


def picture(path: Path) -> Image.Image:
    """The first picture of a still or a video as 8-bit RGB: upright, transparency laid on grey.

    Raises `MediaError` for what holds no picture, is damaged or has too many pixels.
    """
    from PIL import Image

    kind = sniff(path)
    if kind in PICTURES:
        return read_still(path, kind)
    with opened(path) as container:
        stream = needed_picture_stream(container, path)
        for frame in container.decode(stream):
            pixels, width, height = _upright(to_rgb(frame, VideoReformatter()), frame.rotation)
            return Image.frombytes("RGB", (width, height), pixels)
    raise MediaError(f"{path.name} holds no picture that can be decoded.", "Fetch or make it again.")


def _find(clip: Path, offset: Fraction) -> _Found:
    kind = sniff(clip)
    with opened(clip) as container:
        needed_picture_stream(container, clip)
        found = survey(container, clip)
    if kind in _INDEXED and found.timed:
        quick = _from_key_frame(clip, found, offset)
        if quick is not None:
            return quick
    return _from_start(clip, offset)


def _from_key_frame(clip: Path, found: Survey, offset: Fraction) -> _Found | None:
    """The frame decoded from the last key frame before it; None unless what came out is provably the one meant.

    Proof: the survey read every packet, so the file is whole; every packet from the key frame on gave its frame,
    and among them is the one whose time the packets name.
    """
    with opened(clip) as container:
        stream = needed_picture_stream(container, clip)
        base = stream.time_base or Fraction(1)
        shown = [entry for entry in found.pictures if entry.shown]
        times = sorted(entry.pts for entry in shown)
        target = _target(clip, times[0], max(entry.pts + entry.duration for entry in shown), offset, base)
        wanted = max((pts for pts in times if pts <= target), default=None)
        start = _key_before(found.pictures, wanted)
        if wanted is None or start is None or len(set(times)) != len(times):
            return None
        expected = sorted(entry.pts for entry in found.pictures[start:] if entry.shown)
        frames = _decoded_from(container, stream, found.pictures[start].pts)
        chosen, seen = _pick(frames, wanted)
    if chosen is None or seen != expected:
        return None
    index = times.index(wanted)
    return _Found(frame=chosen, index=index, pts=wanted, seconds=(wanted - times[0]) * base)


def _decoded_from(container: InputContainer, stream: VideoStream, key_pts: int) -> Iterator[VideoFrame]:
    container.seek(key_pts, stream=stream)
    started = False
    for packet in container.demux(stream):
        started = started or packet.pts == key_pts
        if started:
            yield from packet.decode()


def _key_before(entries: tuple[Entry, ...], wanted: int | None) -> int | None:
    """The place of the last key frame from which `wanted` follows and nothing needs what came before."""
    if wanted is None:
        return None
    earliest = entries[-1].pts
    for place in range(len(entries) - 1, -1, -1):
        entry = entries[place]
        earliest = min(earliest, entry.pts)
        if entry.key and entry.shown and entry.pts <= wanted and entry.pts == earliest:
            return place
    return None


def _from_start(clip: Path, offset: Fraction) -> _Found:
    """The frame found by decoding everything, twice where the end must be known first; frames say when, not packets."""
    with opened(clip) as container:
        stream = needed_picture_stream(container, clip)
        base = stream.time_base or Fraction(1)
        times: list[int] = []
        end = 0
        for place, frame in enumerate(container.decode(stream)):
            at = _time(frame, place)
            times.append(at)
            end = max(end, at + (frame.duration or 0))
    if not times:
        raise MediaError(f"{clip.name} holds no picture that can be decoded.", "Fetch or make it again.")
    order = sorted(times)
    target = _target(clip, order[0], max(end, order[-1]), offset, base)
    wanted = max(pts for pts in order if pts <= target)
    with opened(clip) as container:
        stream = needed_picture_stream(container, clip)
        chosen, _ = _pick(container.decode(stream), wanted)
    if chosen is None:
        raise MediaError(f"{clip.name} gives other pictures each time it is decoded.", "Fetch or make it again.")
    return _Found(
        frame=chosen, index=len(order) - 1 - order[::-1].index(wanted), pts=wanted, seconds=(wanted - order[0]) * base
    )


def _pick(frames: Iterable[VideoFrame], wanted: int) -> tuple[VideoFrame | None, list[int]]:
    """The frame of that time, the later of two, and the times of all frames in the order shown."""
    chosen = None
    seen = []
    for place, frame in enumerate(frames):
        at = _time(frame, place)
        seen.append(at)
        if at == wanted:
            chosen = frame
    return chosen, sorted(seen)


def _time(frame: VideoFrame, place: int) -> int:
    if frame.pts is not None:
        return frame.pts
    return frame.dts if frame.dts is not None else place


def _target(clip: Path, first: int, end: int, offset: Fraction, base: Fraction) -> Fraction:
    """The moment, in units of `base`, whose picture is meant. Raises `MediaError` before the clip's beginning."""
    target = end - offset / base
    if target < first:
        length = exact_seconds((end - first) * base)
        raise MediaError(
            f"{clip.name} lasts {length} s: there is no picture {exact_seconds(offset)} s before its end.",
            "Ask for a smaller offset.",
        )
    return target


def _upright(frame: VideoFrame, degrees: int) -> tuple[bytes, int, int]:
    """Packed RGB rows, width and height, after turning counterclockwise by `degrees` if those are quarter turns."""
    pixels, width, height = rgb_bytes(frame), frame.width, frame.height
    quarter = degrees % 360
    if quarter not in (90, 180, 270):
        return pixels, width, height
    from PIL import Image

    turns = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}
    image = Image.frombytes("RGB", (width, height), pixels).transpose(turns[quarter])
    return image.tobytes(), *image.size
