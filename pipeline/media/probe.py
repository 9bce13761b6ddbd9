"""What a media file is: `probe` asks its headers, `check` decodes it to the end and believes nothing less."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Literal

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pipeline.errors import MediaError
from pipeline.media.colour import matrix_of, range_of
from pipeline.media.source import PICTURES, exact_seconds, opened, picture_stream, sniff
from pipeline.media.still import open_still
from pipeline.media.survey import sound_stream, survey
from pipeline.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A sound stream: `rate` in samples a second."""

    codec: str
    rate: int
    channels: int
    seconds: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a file is. A still has `fps` None and `seconds` 0; a sound has no size, `codec` of the sound and `sound`.

    `width` and `height` in pixels as stored, before any rotation a video asks for (stills: as shown). `seconds` is
    the picture stream's duration. `frames` is None where the headers do not count them. `matrix` is the one pictures
    are read with, tagged or presumed; `range` is "full" or "limited".
    """

    kind: Literal["video", "image", "audio"]
    format: str
    width: int
    height: int
    seconds: Decimal
    fps: Fraction | None
    frames: int | None
    codec: str
    pix_fmt: str
    matrix: str
    range: str
    sound: Sound | None


def probe(path: Path) -> Probe:
    """What the headers of a picture, video or sound say. Raises `MediaError` for anything else, `OSError`."""
    kind = sniff(path)
    if kind in PICTURES:
        return _still(path, kind)
    with opened(path) as container:
        return _moving(container, path, kind)


def check(path: Path) -> Probe:
    """As `probe`, after decoding every picture and sound; raises `MediaError` where the file is damaged or cut short.

    `seconds` and `frames` of a video are then measured, not believed.
    """
    kind = sniff(path)
    if kind in PICTURES:
        with open_still(path, kind) as image:
            image.load()
        return _still(path, kind)
    with opened(path) as container:
        found = survey(container, path)
    with opened(path) as container:
        promised = _moving(container, path, kind)
        frames, heard = _decode_all(container)
        video = picture_stream(container)
        silent = sound_stream(container) is not None and not heard
        if (video is not None and not frames) or silent:
            raise MediaError(f"{path.name} holds nothing that can be decoded.", "Fetch or make it again.")
        if video is None or video.time_base is None:
            return promised
        shown = [entry for entry in found.pictures if entry.shown]
        length = max(e.pts + e.duration for e in shown) - min(e.pts for e in shown)
        return replace(promised, frames=frames, seconds=exact_seconds(length * video.time_base))


def _still(path: Path, kind: str) -> Probe:
    with open_still(path, kind) as image:
        width, height = image.size
        if image.getexif().get(0x0112, 1) in (5, 6, 7, 8):
            width, height = height, width
        return Probe(
            kind="image",
            format=kind,
            width=width,
            height=height,
            seconds=Decimal(0),
            fps=None,
            frames=1,
            codec=kind,
            pix_fmt=image.mode.lower(),
            matrix="rgb",
            range="full",
            sound=None,
        )


def _moving(container: InputContainer, path: Path, kind: str) -> Probe:
    video = picture_stream(container)
    sound = _sound(container)
    if video is None:
        if sound is None:
            raise MediaError(f"{path.name} holds neither pictures nor sound.", "Fetch or make it again.")
        return Probe(
            kind="audio",
            format=kind,
            width=0,
            height=0,
            seconds=Decimal(0),
            fps=None,
            frames=None,
            codec=sound.codec,
            pix_fmt="",
            matrix="",
            range="",
            sound=sound,
        )
    pix_fmt = video.pix_fmt or ""
    rgb = video.format is not None and video.format.is_rgb
    if not pix_fmt or not video.width or not video.height:
        raise MediaError(f"{path.name} says nothing of its pictures' size and form.", "Fetch or make it again.")
    return Probe(
        kind="video",
        format=kind,
        width=video.width,
        height=video.height,
        seconds=exact_seconds(stream_seconds(container, video)),
        fps=video.average_rate or video.guessed_rate,
        frames=video.frames or None,
        codec=video.codec_context.codec.canonical_name,
        pix_fmt=pix_fmt,
        matrix=matrix_of(video.colorspace, video.height, rgb=rgb),
        range=range_of(video.color_range, pix_fmt, rgb=rgb),
        sound=sound,
    )


def _sound(container: InputContainer) -> Sound | None:
    stream = sound_stream(container)
    if stream is None:
        return None
    return Sound(
        codec=stream.codec_context.codec.canonical_name,
        rate=stream.codec_context.sample_rate,
        channels=stream.codec_context.channels,
        seconds=exact_seconds(stream_seconds(container, stream)),
    )


def stream_seconds(container: InputContainer, stream: VideoStream | AudioStream) -> Fraction | None:
    """The duration that the headers state for a stream, else for the whole file, in seconds."""
    if stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    return Fraction(container.duration, 1_000_000) if container.duration else None


def _decode_all(container: InputContainer) -> tuple[int, int]:
    """How many pictures and how many sound samples come out; every stream is decoded to its end."""
    video, audio = picture_stream(container), sound_stream(container)
    frames = samples = 0
    for packet in container.demux(*[stream for stream in (video, audio) if stream is not None]):
        for frame in packet.decode():
            if isinstance(frame, VideoFrame):
                frames += 1
            elif isinstance(frame, AudioFrame):
                samples += frame.samples
    return frames, samples
