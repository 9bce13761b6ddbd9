"""Larger pictures without a service: Lanczos to a named size, time and sound untouched. It adds pixels, not detail."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from heapq import merge
from pathlib import Path
from typing import Any

from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from pipeline.errors import MediaError
from pipeline.media.colour import ACCURATE, to_bt709
from pipeline.media.encode import aac, h264, mp4
from pipeline.media.probe import Probe, probe
from pipeline.media.redraw import Canvas
from pipeline.media.reel import load
from pipeline.media.source import PICTURES, bounded, needed_picture_stream, opened, sniff
from pipeline.media.splice import seconds_of
from pipeline.media.still import read_still, write_png
from pipeline.media.survey import sound_stream

SHORT_SIDES = {"1080p": 1080, "2k": 1440, "4k": 2160}
CRF = 19
_LANCZOS = (ACCURATE & ~Interpolation.BICUBIC) | Interpolation.LANCZOS
_KEPT_IN_MP4 = {"aac", "mp3", "ac3", "eac3", "opus", "alac"}


def upscaled_size(width: int, height: int, to: str) -> tuple[int, int]:
    """The even size of the same ratio whose short side is 1080 ("1080p"), 1440 ("2k") or 2160 ("4k") pixels.

    A picture that is already as large keeps its size. Raises `MediaError` for a name that is none of these.
    """
    if to not in SHORT_SIDES:
        raise MediaError(f"{to!r} is no size to scale up to.", f"Use one of {', '.join(SHORT_SIDES)}.")
    short, target = min(width, height), SHORT_SIDES[to]
    if short >= target:
        return width, height
    return (
        target if width == short else round(width * target / short / 2) * 2,
        target if height == short else round(height * target / short / 2) * 2,
    )


def upscale(source: Path, out: Path, *, to: str) -> Probe:
    """Write `source` with its short side at 1080, 1440 or 2160 pixels: a video as mp4, a still as PNG.

    Every picture keeps its time, sound is copied where an mp4 can hold it. Nothing is ever made smaller: what is
    already as large is copied as it is. Raises `MediaError` for sounds, damage and results too large to decode.
    """
    kind = sniff(source)
    if kind in PICTURES:
        _still(source, kind, out, to)
        return probe(out)
    reel = load(source, seam=False)
    size = upscaled_size(*reel.shown, to)
    bounded(source, *size)
    if size == reel.shown and kind == "mp4":
        part = out.with_name(f".{out.name}.part")
        try:
            shutil.copyfile(source, part)
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)
        return probe(out)
    size = (size[0] + size[0] % 2, size[1] + size[1] % 2)
    with opened(source) as pictures, opened(source) as sounds, mp4(out) as container:
        video = h264(
            container,
            width=size[0],
            height=size[1],
            fps=reel.fps,
            time_base=reel.base,
            crf=CRF,
            steady=reel.steady,
        )
        audio = _sound_stream(container, sounds)
        drawn = _scaled(pictures, needed_picture_stream(pictures, source), size, video)
        for packet in merge(drawn, _sound(sounds, audio), key=seconds_of):
            container.mux(packet)
    return probe(out)


def _still(source: Path, kind: str, out: Path, to: str) -> None:
    from PIL import Image

    image = read_still(source, kind)
    size = upscaled_size(*image.size, to)
    bounded(source, *size)
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    write_png(image.tobytes(), *size, out)


def _scaled(
    container: InputContainer, stream: VideoStream, size: tuple[int, int], video: VideoStream
) -> Iterator[Packet[Any]]:
    reformatter, canvas = VideoReformatter(), Canvas(size)
    lengths: dict[int, int] = {}
    for frame in container.decode(stream):
        pts, base = frame.pts or 0, frame.time_base
        lengths[pts] = frame.duration
        if frame.rotation:
            picture = canvas.drawn(frame)
        else:
            picture = to_bt709(frame, reformatter, width=size[0], height=size[1], interpolation=_LANCZOS)
        picture.pts, picture.time_base = pts, base
        yield from _lasting(video.encode(picture), lengths)
    yield from _lasting(video.encode(None), lengths)


def _lasting(packets: Iterable[Packet[Any]], lengths: dict[int, int]) -> Iterator[Packet[Any]]:
    for packet in packets:
        packet.duration = lengths.pop(packet.pts or 0, 0)
        yield packet


def _sound_stream(container: OutputContainer, sounds: InputContainer) -> Any:
    stream = sound_stream(sounds)
    if stream is None:
        return None
    codec = stream.codec_context.codec.canonical_name
    if codec not in _KEPT_IN_MP4:
        return aac(container)
    out: Stream = container.add_mux_stream(codec, rate=stream.codec_context.sample_rate)
    out.time_base = stream.time_base
    BitStreamFilterContext("null", stream, out)
    return out


def _sound(sounds: InputContainer, out: Any) -> Iterator[Packet[Any]]:
    stream = sound_stream(sounds)
    if stream is None:
        return
    if out.codec_context is not None:
        for frame in sounds.decode(stream):
            yield from out.encode(frame)
        yield from out.encode(None)
        return
    for packet in sounds.demux(stream):
        if packet.size and packet.dts is not None:
            packet.stream = out
            yield packet
