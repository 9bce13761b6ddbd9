"""A larger clip is the same clip: every picture at its time, the sound packet by packet, the ratio, nothing smaller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from pipeline.errors import MediaError
from pipeline.media.probe import check, probe
from pipeline.media.upscale import upscale, upscaled_size
from tests.media.clips import beeps, card, clip, decoded, number_of, png_bytes, psnr, turned

SMALL = (96, 54)
GOAL = {"1080p": 1080, "2k": 1440, "4k": 2160}


def _packets(path: Path, kind: str) -> list[tuple[Any, bytes]]:
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in container.demux(stream) if packet.size]


def _times(path: Path) -> list[int]:
    return [round(seconds * 1_000) for seconds, _ in decoded(path)]


def _lengths(path: Path) -> list[int]:
    """How long each packet says that it lasts, in milliseconds, in the order shown."""
    with av.open(str(path)) as container:
        packets = sorted((p for p in container.demux(video=0) if p.size), key=lambda packet: packet.pts)
        return [round(packet.duration * packet.time_base * 1000) for packet in packets]


@pytest.mark.parametrize(
    "size, to, larger",
    [
        ((1280, 720), "1080p", (1920, 1080)),
        ((1280, 720), "2k", (2560, 1440)),
        ((1280, 720), "4k", (3840, 2160)),
        ((720, 1280), "1080p", (1080, 1920)),
        ((640, 640), "4k", (2160, 2160)),
        ((854, 480), "1080p", (1922, 1080)),
        ((1470, 630), "1080p", (2520, 1080)),
        ((1920, 1080), "1080p", (1920, 1080)),
        ((3840, 2160), "1080p", (3840, 2160)),
        ((1081, 1921), "1080p", (1081, 1921)),
    ],
)
def test_sizes_keep_their_ratio_and_never_shrink(size: tuple[int, int], to: str, larger: tuple[int, int]) -> None:
    """The short side becomes 1080, 1440 or 2160, the long one what the ratio asks, even."""
    assert upscaled_size(*size, to) == larger


def test_an_unknown_size_is_refused() -> None:
    """With the names that there are."""
    with pytest.raises(MediaError, match="8k") as caught:
        upscaled_size(100, 100, "8k")
    assert "1080p, 2k, 4k" in caught.value.hint


@pytest.mark.parametrize("to, count", [("1080p", 7), ("2k", 2)])
def test_a_clip_grows_and_stays_the_same_clip(tmp_path: Path, to: str, count: int) -> None:
    """Every picture is there once at its own time, larger; sound packets are the very same."""
    source = clip(tmp_path / "s.mp4", range(count), size=SMALL, bframes=2, sound_seconds=0.4, beep_at=0.2)
    seen = upscale(source, tmp_path / "out.mp4", to=to)
    assert (seen.width, seen.height) == (GOAL[to] * 16 // 9, GOAL[to])
    assert (seen.codec, seen.pix_fmt, seen.matrix, seen.range) == ("h264", "yuv420p", "bt709", "limited")
    assert check(tmp_path / "out.mp4").frames == count
    shown = decoded(tmp_path / "out.mp4")
    assert [number_of(image) for _, image in shown] == list(range(count))
    assert _times(tmp_path / "out.mp4") == _times(source)
    assert _packets(tmp_path / "out.mp4", "audio") == _packets(source, "audio")
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_the_picture_is_the_lanczos_one(tmp_path: Path) -> None:
    """Like what Pillow makes of the source's picture by Lanczos, and in the same colours."""
    source = clip(tmp_path / "s.mp4", [1365] * 2, size=SMALL, crf=4)
    upscale(source, tmp_path / "out.mp4", to="1080p")
    reference = decoded(source)[1][1].resize((1920, 1080), Image.Resampling.LANCZOS)
    assert psnr(decoded(tmp_path / "out.mp4")[1][1], reference) > 38


def test_the_matrix_changes_and_the_colours_do_not(tmp_path: Path) -> None:
    """An untagged small clip, read as BT.601, is BT.709 when it is large."""
    from pipeline.media.frames import last_frame

    source = clip(
        tmp_path / "s.mp4",
        [0],
        size=SMALL,
        tagged=False,
        draw=lambda number, size: Image.new("RGB", size, (200, 60, 40)),
    )
    out = tmp_path / "out.mp4"
    assert (probe(source).matrix, upscale(source, out, to="1080p").matrix) == ("bt601", "bt709")
    for path in (source, out):
        last_frame(path, path.with_suffix(".png"))
    with Image.open(tmp_path / "s.png") as small, Image.open(tmp_path / "out.png") as large:
        pairs = zip(small.getpixel((48, 27)), large.getpixel((960, 540)), strict=True)
        assert max(abs(one - other) for one, other in pairs) <= 2


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    """A variable rate stays as it is, to the last picture's length."""
    times = [0, 40, 50, 400, 410, 900, 930, 1500, 1520, 1600]
    source = clip(tmp_path / "s.mp4", [5] * 10, size=SMALL, times=times)
    upscale(source, tmp_path / "out.mp4", to="1080p")
    assert _times(tmp_path / "out.mp4") == times
    assert _lengths(tmp_path / "out.mp4") == _lengths(source)


@pytest.mark.parametrize(
    "suffix, muxer, codec",
    [("mkv", "matroska", "libx264"), ("webm", "webm", "libvpx-vp9"), ("ts", "mpegts", "libx264")],
)
def test_other_containers_become_mp4(tmp_path: Path, suffix: str, muxer: str, codec: str) -> None:
    """With every picture, at its time from the first on."""
    source = clip(tmp_path / f"s.{suffix}", range(4), size=SMALL, format=muxer, codec=codec, container_options={})
    seen = upscale(source, tmp_path / "out.mp4", to="1080p")
    assert (seen.format, seen.codec, seen.height) == ("mp4", "h264", 1080)
    shown = decoded(tmp_path / "out.mp4")
    assert [number_of(image) for _, image in shown] == list(range(4))
    before = _times(source)
    assert all(abs(a - (b - before[0])) <= 1 for a, b in zip(_times(tmp_path / "out.mp4"), before, strict=True))


def test_sound_that_an_mp4_cannot_hold_is_encoded_in_its_place(tmp_path: Path) -> None:
    """PCM becomes AAC; the beep stays where it was."""
    source = tmp_path / "s.mkv"
    made = clip(tmp_path / "s.mp4", range(3), size=SMALL, sound_seconds=0.7, beep_at=0.5)
    with av.open(str(made)) as given, av.open(str(source), "w", format="matroska") as out:
        video = out.add_stream_from_template(given.streams.video[0])
        sound = out.add_stream("pcm_s16le", rate=48_000)
        sound.layout = "stereo"
        for packet in given.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "video":
                packet.stream = video
                out.mux(packet)
            else:
                for frame in packet.decode():
                    resampled = av.AudioResampler("s16", "stereo", 48_000).resample(frame)
                    out.mux([p for piece in resampled for p in sound.encode(piece)])
    seen = upscale(source, tmp_path / "out.mp4", to="1080p")
    assert seen.sound is not None
    assert seen.sound.codec == "aac"
    assert abs(beeps(tmp_path / "out.mp4")[0] - beeps(source)[0]) < 1024 / 48_000


def test_what_is_large_enough_is_copied(tmp_path: Path) -> None:
    """The same bytes, and never a smaller picture."""
    source = clip(tmp_path / "s.mp4", range(2), size=(1920, 1080))
    upscale(source, tmp_path / "out.mp4", to="1080p")
    assert (tmp_path / "out.mp4").read_bytes() == source.read_bytes()


def test_a_large_clip_of_another_container_becomes_mp4(tmp_path: Path) -> None:
    """As large as it was."""
    source = clip(tmp_path / "s.mkv", range(2), size=(1440, 1080), format="matroska", container_options={})
    seen = upscale(source, tmp_path / "out.mp4", to="1080p")
    assert (seen.format, seen.width, seen.height) == ("mp4", 1440, 1080)


def test_a_clip_on_its_side_grows_upright(tmp_path: Path) -> None:
    """Turned by what it asks for, so that the larger clip asks for nothing."""
    source = turned(clip(tmp_path / "s.mp4", [1234], size=SMALL), 90)
    seen = upscale(source, tmp_path / "out.mp4", to="1080p")
    assert (seen.width, seen.height) == (1080, 1920)
    assert number_of(decoded(tmp_path / "out.mp4")[0][1].rotate(90, expand=True)) == 1234


def test_stills_grow(tmp_path: Path) -> None:
    """To the same sizes, as PNG; what is large enough keeps its size, odd as it may be."""
    (tmp_path / "s.png").write_bytes(png_bytes(card(7)))
    seen = upscale(tmp_path / "s.png", tmp_path / "out.png", to="2k")
    assert (seen.kind, seen.format, seen.width, seen.height) == ("image", "png", 2400, 1440)
    with Image.open(tmp_path / "out.png") as image:
        assert number_of(image) == 7
    (tmp_path / "odd.png").write_bytes(png_bytes(card(7, (1301, 1201))))
    seen = upscale(tmp_path / "odd.png", tmp_path / "out.png", to="1080p")
    assert (seen.width, seen.height) == (1301, 1201)


def test_the_same_clip_gives_the_same_bytes(tmp_path: Path) -> None:
    """Threads or none."""
    source = clip(tmp_path / "s.mp4", range(12), size=SMALL, sound_seconds=1)
    made = set()
    for number in range(2):
        upscale(source, tmp_path / f"{number}.mp4", to="1080p")
        made.add((tmp_path / f"{number}.mp4").read_bytes())
    assert len(made) == 1


def test_a_size_too_large_to_decode_again_is_refused(tmp_path: Path) -> None:
    """A strip of 64:1 would have 300 million pixels at 4k."""
    source = clip(tmp_path / "s.mp4", [0], size=(4096, 64))
    with pytest.raises(MediaError, match="pixels"):
        upscale(source, tmp_path / "out.mp4", to="4k")
    assert [path.name for path in tmp_path.iterdir()] == ["s.mp4"]


def test_a_damaged_clip_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    """Cut short, or with a hole in the middle."""
    source = clip(tmp_path / "s.mp4", range(24), size=SMALL)
    data = bytearray(source.read_bytes())
    data[-2000:-400] = bytes(1600)
    for spoilt in (source.read_bytes()[:-1], bytes(data)):
        source.write_bytes(spoilt)
        with pytest.raises(MediaError):
            upscale(source, tmp_path / "out.mp4", to="1080p")
        assert [path.name for path in tmp_path.iterdir()] == ["s.mp4"]
