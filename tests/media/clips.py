"""Small real clips of every awkward kind, made with PyAV itself so that no room under test vouches for itself."""

from __future__ import annotations

import functools
import io
import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from PIL import Image, ImageChops, ImageDraw, ImageStat

from pipeline.media.encode import Encoder

RATE = 48_000
_ACCURATE = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
_TO_YUV, _TO_RGB = VideoReformatter(), VideoReformatter()  # one for each picture costs more than all else here


def card(number: int, size: tuple[int, int] = (160, 96)) -> Image.Image:
    """A picture that tells its number apart from all others below 4096: twelve squares that are light or dark."""
    width, height = size
    image = Image.new("RGB", size, (40 + number * 5 % 90, 90, 160 - number * 3 % 90))
    draw = ImageDraw.Draw(image)
    for bit in range(12):
        left, top = bit % 4 * width // 4, bit // 4 * height // 3
        tone = (235, 225, 200) if number >> bit & 1 else (30, 40, 60)
        draw.rectangle((left + 4, top + 4, left + width // 4 - 5, top + height // 3 - 5), fill=tone)
    return image


def number_of(image: Image.Image) -> int:
    """The number a card shows, read back after whatever was done to it."""
    grey = image.convert("L").resize((160, 96))
    number = 0
    for bit in range(12):
        left, top = bit % 4 * 40, bit // 4 * 32
        box = grey.crop((left + 12, top + 12, left + 28, top + 20))
        number |= (ImageStat.Stat(box).mean[0] > 128) << bit
    return number


def clip(
    path: Path,
    numbers: Iterable[int],
    *,
    size: tuple[int, int] = (160, 96),
    fps: int | Fraction = 24,
    bframes: int = 0,
    gop: int = 250,
    tagged: bool = True,
    times: Sequence[int] | None = None,
    beep_at: float | None = None,
    sound_seconds: float | None = None,
    container_options: dict[str, str] | None = None,
    format: str | None = None,
    codec: str = "libx264",
    crf: int = 12,
    extra: dict[str, str] | None = None,
    draw: Callable[[int, tuple[int, int]], Image.Image] = card,
) -> Path:
    """A clip of numbered cards; `times` are the pictures' times in 1/1000 s, else they come at `fps`."""
    options = {"movflags": "+faststart"} if container_options is None else container_options
    with av.open(str(path), "w", format=format, container_options=options) as out:
        video = out.add_stream(codec, rate=fps, width=size[0], height=size[1], pix_fmt="yuv420p")
        context = video.codec_context
        context.thread_count = 1
        if codec == "libx264":
            video.options = {"crf": str(crf), "g": str(gop), "bf": str(bframes), "preset": "veryfast"}
        video.options = video.options | (extra or {})
        context.time_base = Fraction(1, 1000) if times else 1 / Fraction(fps)
        if tagged:
            context.colorspace, context.color_range, context.color_primaries, context.color_trc = 1, 1, 1, 1
        audio = None
        if sound_seconds is not None:
            audio = out.add_stream("aac", rate=RATE)
            audio.layout = "stereo"
        for place, number in enumerate(numbers):
            frame = frame_of(draw(number, size))
            frame.pts = times[place] if times else place
            frame.time_base = context.time_base
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio is not None:
            for frame in tones(sound_seconds or 0, beep_at):
                out.mux(audio.encode(frame))
            out.mux(audio.encode(None))
    return path


def ours(
    path: Path,
    numbers: Iterable[int],
    *,
    size: tuple[int, int] = (160, 96),
    fps: int | Fraction = 24,
    key_every: int | None = None,
    beep_at: float | None = None,
    sound_seconds: float | None = None,
    crf: int = 16,
) -> Path:
    """A clip of numbered cards by the house's own encoder, as `animatic` makes them."""
    rate = None if sound_seconds is None else RATE
    with Encoder(
        path, width=size[0], height=size[1], fps=Fraction(fps), sound_rate=rate, key_every=key_every, crf=crf
    ) as encoder:
        for number in numbers:
            encoder.rgb(card(number, size).tobytes())
        if sound_seconds is not None:
            encoder.sound(samples(sound_seconds, beep_at))
    return path


def frame_of(
    image: Image.Image, *, matrix: Colorspace = Colorspace.ITU709, full: bool = False, pix_fmt: str = "yuv420p"
) -> av.VideoFrame:
    """The picture in that matrix and range, BT.709 limited 4:2:0 unless told otherwise."""
    frame = av.VideoFrame(*image.size, "rgb24")
    plane = frame.planes[0]
    row, data = image.width * 3, image.tobytes()
    padded = b"".join(data[y * row : (y + 1) * row].ljust(plane.line_size, b"\0") for y in range(image.height))
    plane.update(padded)
    return _TO_YUV.reformat(
        frame,
        format=pix_fmt,
        src_colorspace=matrix,
        dst_colorspace=matrix,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
        interpolation=_ACCURATE,
        threads=1,
    )


@functools.cache
def samples(seconds: float, beep_at: float | None = None, *, level: int = 12_000, hertz: int = 1000) -> bytes:
    """Interleaved stereo s16le: silence with a tone of 30 ms at `beep_at`, or a tone throughout where it is None."""
    total = round(seconds * RATE)
    data = array("h", bytes(4 * total))
    start, stop = (0, total) if beep_at is None else (round(beep_at * RATE), round((beep_at + 0.03) * RATE))
    for place in range(start, min(stop, total)):
        value = round(level * math.sin(2 * math.pi * hertz * place / RATE))
        data[2 * place] = data[2 * place + 1] = value
    return data.tobytes()


def tones(seconds: float, beep_at: float | None = None, **kind: int) -> Iterable[av.AudioFrame]:
    """The frames of `samples`."""
    data = samples(seconds, beep_at, **kind)
    for start in range(0, len(data), 4096):
        piece = data[start : start + 4096]
        frame = av.AudioFrame("s16", "stereo", len(piece) // 4)
        frame.planes[0].update(piece)
        frame.sample_rate, frame.pts, frame.time_base = RATE, start // 4, Fraction(1, RATE)
        yield frame


def decoded(path: Path) -> list[tuple[float, Image.Image]]:
    """Every picture in the order shown with its time in seconds, decoded by PyAV's plainest way."""
    with av.open(str(path)) as container:
        frames = sorted(container.decode(video=0), key=lambda frame: frame.pts)
        return [(float(frame.pts * frame.time_base), rgb(frame)) for frame in frames]


def rgb(frame: av.VideoFrame) -> Image.Image:
    """A BT.709 frame as RGB."""
    turned = _TO_RGB.reformat(
        frame,
        format="rgb24",
        src_colorspace=Colorspace.ITU709,
        interpolation=_ACCURATE,
        threads=1,
    )
    plane = turned.planes[0]
    return Image.frombuffer("RGB", (turned.width, turned.height), bytes(plane), "raw", "RGB", plane.line_size, 1)


def heard(path: Path) -> tuple[float, array[int]]:
    """The time of the first sound sample and all samples of the left channel, 48 kHz."""
    data = array("h")
    start: float | None = None
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("s16", "mono", RATE)
        for frame in container.decode(audio=0):
            if start is None:
                start = float(frame.pts * frame.time_base)
            for piece in resampler.resample(frame):
                data.frombytes(bytes(piece.planes[0])[: piece.samples * 2])
        for piece in resampler.resample(None):
            data.frombytes(bytes(piece.planes[0])[: piece.samples * 2])
    return start or 0.0, data


def beeps(path: Path, threshold: int = 3000) -> list[float]:
    """When each tone begins, in seconds of the file's clock, the samples counted one after another."""
    start, data = heard(path)
    found: list[float] = []
    quiet = RATE
    for place, value in enumerate(data):
        if abs(value) > threshold:
            if quiet > RATE // 10:
                found.append(start + place / RATE)
            quiet = 0
        else:
            quiet += 1
    return found


def loudness(data: Sequence[int]) -> float:
    """Root mean square of samples, 0 to 32767."""
    return math.sqrt(sum(value * value for value in data) / max(1, len(data)))


def psnr(one: Image.Image, other: Image.Image) -> float:
    """Likeness of two pictures of a size in dB; 99 for equal ones."""
    squares = ImageStat.Stat(ImageChops.difference(one, other)).sum2
    error = sum(squares) / (3 * one.width * one.height)
    return 99.0 if error == 0 else 10 * math.log10(255 * 255 / error)


def png_bytes(image: Image.Image) -> bytes:
    """The picture as Pillow writes it."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def patched(path: Path, box: bytes, offset: int, data: bytes) -> Path:
    """The mp4 with `data` written `offset` bytes after the first `box`'s name."""
    content = bytearray(path.read_bytes())
    place = content.index(box) + len(box) + offset
    content[place : place + len(data)] = data
    path.write_bytes(content)
    return path


def turned(path: Path, degrees: int) -> Path:
    """The mp4, asking players to turn its pictures clockwise by a quarter turn or several."""
    one = 1 << 16
    a, b = {0: (one, 0), 90: (0, one), 180: (-one, 0), 270: (0, -one)}[degrees]
    matrix = (a, b, 0, -b, a, 0, 0, 0, 1 << 30)
    return patched(path, b"tkhd", 40, b"".join(value.to_bytes(4, "big", signed=True) for value in matrix))
