"""Pictures and sounds into an mp4 that plays everywhere: H.264 4:2:0, BT.709 limited and tagged so, AAC, faststart.

The same input gives the same bytes: one thread an encoder, no dates, no version of a library in the file. A file
appears under its name only when it is whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter
from av.video.stream import VideoStream

from pipeline.errors import MediaError
from pipeline.media.colour import fill_rgb, to_bt709
from pipeline.media.faults import writing

SOUND_BITS_PER_SECOND = 192_000
_BYTES_PER_SAMPLE = 4  # stereo, 16 bits
_SAMPLES_AT_ONCE = 1 << 15


@contextmanager
def mp4(path: Path) -> Iterator[OutputContainer]:
    """An mp4 container that appears at `path` when the block ends well and leaves nothing when it does not.

    Raises `MediaError` when the contents do not fit, `OSError` when the disk does not take them.
    """
    part = path.with_name(f".{path.name}.part")
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    try:
        with writing(path):
            container = av.open(f"file:{part}", "w", format="mp4", container_options=options)
            try:
                yield container
                container.close()
            except BaseException:
                with suppress(Exception):
                    container.close()
                raise
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def h264(
    container: OutputContainer,
    *,
    width: int,
    height: int,
    fps: Fraction,
    time_base: Fraction | None = None,
    crf: int = 20,
    preset: str = "veryfast",
    key_every: int | None = None,
    steady: bool = True,
) -> VideoStream:
    """A new H.264 stream tagged BT.709 limited; a key frame every `key_every` frames, else every second.

    `steady` is False for pictures that do not come evenly: then they are stored in the order shown, since an mp4 keeps
    the length of each picture in the order stored. Two streams of the same arguments but `crf` have the same headers,
    so that packets of one go on from the other.
    Raises `MediaError` for sizes that 4:2:0 cannot hold.
    """
    even_size(width, height)
    stream = container.add_stream("libx264", rate=fps, width=width, height=height)
    context = stream.codec_context
    _settle(context, fps=fps, time_base=time_base, crf=crf, preset=preset, key_every=key_every)
    if not steady:
        context.options = context.options | {"bf": "0"}
    return stream


def h264_context(
    *, width: int, height: int, fps: Fraction, time_base: Fraction, crf: int, preset: str
) -> VideoCodecContext:
    """The encoder of `h264` without a container, its headers aside as an mp4 keeps them; not yet open."""
    even_size(width, height)
    context = VideoCodecContext.create("libx264", "w")
    context.width, context.height, context.framerate = width, height, fps
    context.flags |= Flags.global_header
    _settle(context, fps=fps, time_base=time_base, crf=crf, preset=preset, key_every=None)
    return context


def _settle(
    context: VideoCodecContext,
    *,
    fps: Fraction,
    time_base: Fraction | None,
    crf: int,
    preset: str,
    key_every: int | None,
) -> None:
    context.pix_fmt = "yuv420p"
    context.time_base = time_base or 1 / fps
    context.thread_count = 1  # with more, the same pictures do not always give the same bits
    context.colorspace = Colorspace.ITU709
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    context.color_range = ColorRange.MPEG
    context.options = {
        "crf": str(crf),
        "preset": preset,
        "threads": "1",
        "g": str(key_every or max(1, round(fps))),
        # A PPS that depends on neither crf nor content. And no trees of macroblocks: where the light changes they weigh
        # memory that nobody has written, so that the same pictures do not always give the same bits.
        "x264-params": "stitchable=1:mbtree=0",
    }


def aac(container: OutputContainer, *, rate: int = 48_000) -> AudioStream:
    """A new AAC stream, stereo, of `rate` samples a second."""
    stream = container.add_stream("aac", rate=rate, options={"flags": "+bitexact", "threads": "1"})
    stream.layout = "stereo"
    stream.bit_rate = SOUND_BITS_PER_SECOND
    stream.codec_context.time_base = Fraction(1, rate)
    return stream


def even_size(width: int, height: int) -> None:
    """Raises `MediaError` unless 4:2:0 can hold a picture of this size in pixels."""
    if width < 2 or height < 2 or width % 2 or height % 2:
        raise MediaError(
            f"A video of {width}x{height} pixels cannot be made: both sides must be even and at least 2.",
            "Ask for an even width and height.",
        )


class Encoder:
    """An mp4 in the making at `path`; leaving the block ends it, leaving by an exception leaves no file.

    Sizes in pixels, `fps` in pictures and `sound_rate` in samples a second; no sound unless it is given. A picture's
    `pts` counts units of `time_base`, which is one picture unless given. Hand in sound about as it plays.
    Raises `MediaError` for what does not fit, `OSError` (`ENOSPC` among them) when the disk does not take it.
    """

    def __init__(
        self,
        path: Path,
        *,
        width: int,
        height: int,
        fps: Fraction = Fraction(24),
        sound_rate: int | None = None,
        crf: int = 20,
        preset: str = "veryfast",
        key_every: int | None = None,
        time_base: Fraction | None = None,
    ) -> None:
        even_size(width, height)
        self.path = path
        self.width = width
        self.height = height
        self._open = ExitStack()
        self._fps = fps
        self._quality = (crf, preset, key_every, time_base)
        self._sound_rate = sound_rate
        self._pictures = 0
        self._samples = 0
        self._reformatter = VideoReformatter()
        self._canvas = av.VideoFrame(width, height, "rgb24")

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._container = stack.enter_context(mp4(self.path))
            crf, preset, key_every, time_base = self._quality
            self._video = h264(
                self._container,
                width=self.width,
                height=self.height,
                fps=self._fps,
                time_base=time_base,
                crf=crf,
                preset=preset,
                key_every=key_every,
            )
            self._audio = aac(self._container, rate=self._sound_rate) if self._sound_rate else None
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._open.__exit__(kind, error, trace)
            return
        with self._open:
            self._finish()

    def picture(self, frame: av.VideoFrame, *, pts: int | None = None, duration: int = 0) -> None:
        """Append a frame of any pixel format, of this encoder's size, converted by the frame's own colour tags."""
        if (frame.width, frame.height) != (self.width, self.height):
            raise MediaError(
                f"A picture of {frame.width}x{frame.height} pixels does not fit a video of {self.width}x{self.height}.",
                "Scale the picture first.",
            )
        with writing(self.path):
            converted = to_bt709(frame, self._reformatter)
            converted.pts = self._pictures if pts is None else pts
            converted.duration = duration
            converted.time_base = self._video.codec_context.time_base
            self._container.mux(self._video.encode(converted))
        self._pictures += 1

    def rgb(self, data: bytes | bytearray | memoryview) -> None:
        """Append a picture of packed 8-bit RGB, `width * height * 3` bytes, row by row from the top."""
        fill_rgb(self._canvas, data)
        self.picture(self._canvas)

    def sound(self, samples: bytes) -> None:
        """Append stereo sound: interleaved signed 16-bit little-endian samples at `sound_rate`."""
        if self._audio is None or self._sound_rate is None:
            raise ValueError("this encoder was made without sound_rate")
        if len(samples) % _BYTES_PER_SAMPLE:
            raise ValueError("stereo 16-bit sound comes in multiples of 4 bytes")
        step = _SAMPLES_AT_ONCE * _BYTES_PER_SAMPLE
        with writing(self.path):
            for start in range(0, len(samples), step):
                piece = samples[start : start + step]
                frame = av.AudioFrame("s16", "stereo", len(piece) // _BYTES_PER_SAMPLE)
                frame.planes[0].update(piece)
                frame.sample_rate = self._sound_rate
                frame.time_base = Fraction(1, self._sound_rate)
                frame.pts = self._samples
                self._samples += frame.samples
                self._container.mux(self._audio.encode(frame))

    def _finish(self) -> None:
        if not self._pictures:
            raise MediaError(f"{self.path.name} would hold no picture.", "Give it at least one picture.")
        with writing(self.path):
            self._container.mux(self._video.encode(None))
            if self._audio is not None:
                self._container.mux(self._audio.encode(None))
