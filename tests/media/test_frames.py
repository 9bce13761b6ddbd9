"""The picture taken from a clip's end is the one shown last, in its true colours, and the PNG holds nothing else."""

from __future__ import annotations

import hashlib
import struct
from decimal import Decimal
from pathlib import Path

import av
import pytest
from av.video.reformatter import Colorspace
from PIL import Image

from pipeline.errors import MediaError
from pipeline.media.frames import Frame, last_frame, picture
from tests.media.clips import card, clip, decoded, frame_of, number_of, patched, psnr, turned

CLIPS: dict[str, dict[str, object]] = {
    "no B-frames": {},
    "B-frames": {"bframes": 3, "gop": 12},
    "B-frames, one key frame": {"bframes": 7, "extra": {"b_strategy": "0"}},
    "open GOP": {"bframes": 3, "gop": 8, "extra": {"x264-params": "open-gop=1:scenecut=0:b-adapt=0"}},
    "B-pyramid": {"bframes": 7, "gop": 40, "extra": {"x264-params": "b-pyramid=normal:b-adapt=0"}},
    "intra refresh": {"extra": {"x264-params": "intra-refresh=1"}},
    "key frames only": {"gop": 1},
    "last picture is a key frame": {"gop": 36},
    "interlaced": {"extra": {"x264-params": "tff=1"}},
    "sound longer than the pictures": {"sound_seconds": 4.0, "beep_at": 1.0, "bframes": 2},
    "sound shorter than the pictures": {"sound_seconds": 0.3, "bframes": 2},
    "fragmented": {"container_options": {"movflags": "frag_keyframe+empty_moov"}, "gop": 10, "bframes": 2},
    "fragments of fragments": {"container_options": {"movflags": "frag_every_frame+empty_moov"}, "bframes": 2},
    "headers at the end": {"container_options": {}, "bframes": 2},
    "negative times": {"container_options": {"movflags": "negative_cts_offsets"}, "bframes": 3},
    "no edit list": {"container_options": {"use_editlist": "0"}, "bframes": 3},
    "mov": {"format": "mov", "bframes": 2},
    "matroska": {"format": "matroska", "container_options": {}, "bframes": 2, "gop": 12},
    "live matroska": {"format": "matroska", "container_options": {"live": "1"}, "bframes": 2, "gop": 12},
    "transport stream": {"format": "mpegts", "container_options": {}, "bframes": 2, "gop": 12},
    "transport stream with sound": {
        "format": "mpegts",
        "container_options": {},
        "bframes": 2,
        "gop": 12,
        "sound_seconds": 2.5,
    },
    "vp9": {"format": "webm", "codec": "libvpx-vp9", "container_options": {}, "extra": {"deadline": "realtime"}},
    "vp9 with hidden pictures": {
        "format": "webm",
        "codec": "libvpx-vp9",
        "container_options": {},
        "extra": {"auto-alt-ref": "1", "lag-in-frames": "12", "cpu-used": "8"},
    },
    "vp8": {"format": "webm", "codec": "libvpx", "container_options": {}, "extra": {"b": "2M"}},
    "hevc": {"codec": "libx265", "extra": {"x265-params": "log-level=none:bframes=3:pools=1", "tag": "hvc1"}},
    "av1": {"codec": "libsvtav1", "extra": {"preset": "12"}},
    "mpeg4": {"codec": "mpeg4", "extra": {"bf": "2", "b": "2M"}},
    "avi": {"codec": "mpeg4", "format": "avi", "container_options": {}, "extra": {"b": "2M"}},
    "flv": {"format": "flv", "container_options": {}, "gop": 12},
}
NUMBERS = range(100, 137)


@pytest.mark.parametrize("name", CLIPS)
def test_the_last_picture_is_the_one_shown_last(tmp_path: Path, name: str) -> None:
    """Card, index and time are those that plain decoding to the end finds last, and so are its colours."""
    path = clip(tmp_path / "clip", NUMBERS, **({"format": "mp4"} | CLIPS[name]))  # type: ignore[arg-type]
    found = last_frame(path, tmp_path / "last.png")
    truth = decoded(path)
    with Image.open(tmp_path / "last.png") as image:
        assert number_of(image) == NUMBERS[-1] == number_of(truth[-1][1])
        assert found.matrix != "bt709" or psnr(image, truth[-1][1]) > 45
    assert found.index == len(NUMBERS) - 1 == len(truth) - 1
    assert abs(float(found.seconds) - (truth[-1][0] - truth[0][0])) < 0.002
    assert found.sha256 == "sha256:" + hashlib.sha256((tmp_path / "last.png").read_bytes()).hexdigest()
    assert (found.width, found.height, found.range) == (160, 96, "limited")


def test_uneven_times_and_a_long_last_picture(tmp_path: Path) -> None:
    """With a variable rate the last picture is the last, however long the one before it stood."""
    times = [0, 40, 50, 400, 410, 1400, 1433]
    path = clip(tmp_path / "clip.mp4", range(7), times=times, bframes=2)
    found = last_frame(path, tmp_path / "last.png")
    assert _number(tmp_path / "last.png") == 6
    assert (found.index, found.pts, found.seconds) == (6, _plain_pts(path)[-1], Decimal("1.433"))


def test_a_clip_of_one_picture(tmp_path: Path) -> None:
    """Its first picture is its last."""
    found = last_frame(clip(tmp_path / "clip.mp4", [77]), tmp_path / "last.png")
    assert (_number(tmp_path / "last.png"), found.index, found.seconds) == (77, 0, 0)


def test_the_last_gop_holds_more_than_the_key_frame(tmp_path: Path) -> None:
    """The quick way, from the last key frame, and the slow one, from the start, give the same bytes."""
    mp4 = clip(tmp_path / "quick.mp4", NUMBERS, bframes=3, gop=10)
    other = tmp_path / "slow.ts"
    with av.open(str(mp4)) as source, av.open(str(other), "w", format="mpegts") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    quick, slow = last_frame(mp4, tmp_path / "q.png"), last_frame(other, tmp_path / "s.png")
    assert (quick.sha256, quick.index) == (slow.sha256, slow.index)


def test_damage_long_before_the_end_does_not_matter(tmp_path: Path) -> None:
    """The last group of pictures stands alone: what was spoilt in the first does not change its picture."""
    path = clip(tmp_path / "clip.mp4", NUMBERS, gop=10, bframes=2)
    whole = last_frame(path, tmp_path / "whole.png")
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    data[start + 1200 : start + 1700] = bytes(500)
    path.write_bytes(data)
    assert last_frame(path, tmp_path / "last.png") == whole


@pytest.mark.parametrize(
    "offset, number", [("0", 47), ("0.02", 47), ("0.05", 46), ("0.5", 36), ("1", 24), ("1.99", 0), ("2", 0)]
)
def test_an_offset_counts_back_from_the_end(tmp_path: Path, offset: str, number: int) -> None:
    """It asks for the picture on show that long before the last one ends: at two seconds the first of 48."""
    path = clip(tmp_path / "clip.mp4", range(48), bframes=2, gop=10, sound_seconds=3)
    found = last_frame(path, tmp_path / "last.png", offset_seconds=Decimal(offset))
    assert (_number(tmp_path / "last.png"), found.index) == (number, number)
    assert float(found.seconds) == pytest.approx(number / 24, abs=1e-3)


def test_an_offset_before_the_beginning_is_refused(tmp_path: Path) -> None:
    """With a word on how long the clip is, and no file."""
    path = clip(tmp_path / "clip.mp4", range(48))
    with pytest.raises(MediaError, match="lasts 2 s"):
        last_frame(path, tmp_path / "last.png", offset_seconds=Decimal("2.1"))
    with pytest.raises(ValueError):
        last_frame(path, tmp_path / "last.png", offset_seconds=Decimal("-1"))
    assert not (tmp_path / "last.png").exists()


def test_an_edit_list_that_hides_the_end_is_obeyed(tmp_path: Path) -> None:
    """Pictures that a player never shows are not the last: 24 stored, 12 shown."""
    path = clip(tmp_path / "clip.mp4", range(24), gop=6, bframes=2)
    with av.open(str(path)) as container:
        start = container.streams.video[0].codec_context.has_b_frames
    assert start
    patched(path, b"elst", 8, struct.pack(">I", 500))  # its duration, in thousandths
    last_frame(path, tmp_path / "last.png")
    assert _number(tmp_path / "last.png") == number_of(decoded(path)[-1][1]) == 11


def test_an_edit_list_that_hides_the_beginning_is_obeyed(tmp_path: Path) -> None:
    """Pictures are counted from the first that is shown."""
    path = clip(tmp_path / "clip.mp4", range(24), gop=24, bframes=2)
    data = path.read_bytes()
    place = data.index(b"elst") + 16
    media_time = int.from_bytes(data[place : place + 4], "big")
    patched(path, b"elst", 12, struct.pack(">I", media_time + 4 * 512))
    found = last_frame(path, tmp_path / "last.png")
    shown = decoded(path)
    assert _number(tmp_path / "last.png") == 23
    assert found.index == len(shown) - 1 == 19


@pytest.mark.parametrize("degrees, size", [(0, (160, 96)), (90, (96, 160)), (180, (160, 96)), (270, (96, 160))])
def test_a_clip_filmed_on_its_side_is_set_upright(tmp_path: Path, degrees: int, size: tuple[int, int]) -> None:
    """As a player turns it, clockwise by what the file asks for."""
    plain = clip(tmp_path / "plain.mp4", [1234])
    last_frame(plain, tmp_path / "plain.png")
    path = turned(clip(tmp_path / "clip.mp4", [1234]), degrees)
    found = last_frame(path, tmp_path / "last.png")
    assert (found.width, found.height) == size
    with Image.open(tmp_path / "last.png") as image, Image.open(tmp_path / "plain.png") as straight:
        assert image.tobytes() == straight.rotate(-degrees, expand=True).tobytes()
        assert picture(path).tobytes() == image.tobytes()


COLOURS = [(235, 30, 40), (30, 200, 60), (40, 60, 220), (250, 240, 30), (128, 128, 128), (16, 16, 16), (255, 255, 255)]
WIDE = 64  # pixels of each colour: what 4:2:0 blurs at its edges stays away from its middle
WAYS = {
    # name: (matrix written, tag, full range, range tag, lines, pixel format, override, matrix told)
    "tagged bt709": (Colorspace.ITU709, 1, False, 1, 96, "yuv420p", None, "bt709"),
    "tagged bt601": (Colorspace.ITU601, 6, False, 1, 96, "yuv420p", None, "bt601"),
    "tagged bt470": (Colorspace.ITU601, 5, False, 1, 96, "yuv420p", None, "bt601"),
    "tagged bt2020": (Colorspace.BT2020, 9, False, 1, 96, "yuv420p", None, "bt2020"),
    "tagged bt601 in HD": (Colorspace.ITU601, 6, False, 1, 720, "yuv420p", None, "bt601"),
    "untagged HD": (Colorspace.ITU709, 2, False, 0, 720, "yuv420p", None, "bt709"),
    "untagged SD": (Colorspace.ITU601, 2, False, 0, 96, "yuv420p", None, "bt601"),
    "untagged SD, overridden": (Colorspace.ITU709, 2, False, 0, 96, "yuv420p", "bt709", "bt709"),
    "untagged HD, overridden": (Colorspace.ITU601, 2, False, 0, 720, "yuv420p", "bt601", "bt601"),
    "wrongly tagged, overridden": (Colorspace.ITU709, 6, False, 1, 96, "yuv420p", "bt709", "bt709"),
    "full range": (Colorspace.ITU709, 1, True, 2, 96, "yuv420p", None, "bt709"),
    "full range bt601": (Colorspace.ITU601, 6, True, 2, 96, "yuv420p", None, "bt601"),
    "full range by format": (Colorspace.ITU601, 6, True, 2, 96, "yuvj420p", None, "bt601"),
    "full range, ten bits": (Colorspace.ITU709, 1, True, 2, 96, "yuv420p10le", None, "bt709"),
    "4:4:4": (Colorspace.ITU709, 1, False, 1, 96, "yuv444p", None, "bt709"),
    "ten bits": (Colorspace.ITU709, 1, False, 1, 96, "yuv420p10le", None, "bt709"),
}


@pytest.mark.parametrize("name", WAYS)
def test_colours_survive_to_the_picture(tmp_path: Path, name: str) -> None:
    """Every flat colour comes back within 2 levels, whatever matrix and range the stream is written in."""
    matrix, tag, full, range_tag, lines, pix_fmt, override, told = WAYS[name]
    path = _flat(tmp_path / "clip.mp4", matrix, tag, full, range_tag, lines, pix_fmt)
    found = last_frame(path, tmp_path / "last.png", matrix=override)
    assert (found.matrix, found.range) == (told, "full" if full else "limited")
    assert _worst(tmp_path / "last.png") <= 2


def test_the_wrong_matrix_would_be_seen(tmp_path: Path) -> None:
    """The colours of these tests are far apart under another matrix, so that the bounds above mean something."""
    path = _flat(tmp_path / "clip.mp4", Colorspace.ITU709, 1, False, 1, 96, "yuv420p")
    last_frame(path, tmp_path / "last.png", matrix="bt601")
    assert _worst(tmp_path / "last.png") > 8
    with pytest.raises(MediaError, match="no colour matrix 'bt7'"):
        last_frame(path, tmp_path / "last.png", matrix="bt7")


def test_colours_last_over_eight_hops(tmp_path: Path) -> None:
    """A flat picture passed from last frame to clip eight times drifts by no more than 2 levels."""
    image = _stripes(96)
    for _ in range(8):
        path = clip(tmp_path / "clip.mp4", [0], draw=lambda number, size, image=image: image, crf=1, size=image.size)
        last_frame(path, tmp_path / "last.png")
        with Image.open(tmp_path / "last.png") as found:
            image = found.copy()
    assert _worst(tmp_path / "last.png") <= 2


def test_the_png_holds_pixels_and_nothing_else(tmp_path: Path) -> None:
    """IHDR, IDAT and IEND: no gamma, profile, text or date to act on; 8-bit RGB; the same each time."""
    path = clip(tmp_path / "clip.mp4", range(5), bframes=2)
    first = last_frame(path, tmp_path / "one.png")
    assert first == last_frame(path, tmp_path / "two.png")
    data = (tmp_path / "one.png").read_bytes()
    assert data == (tmp_path / "two.png").read_bytes()
    names, place = [], 8
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        names.append(data[place + 4 : place + 8])
        place += 12 + length
    assert names[0] == b"IHDR"
    assert names[-1] == b"IEND"
    assert set(names[1:-1]) == {b"IDAT"}
    assert data[24:29] == bytes([8, 2, 0, 0, 0])


def test_a_file_without_pictures_is_refused(tmp_path: Path) -> None:
    """Sound alone and stills have no last picture."""
    sound = tmp_path / "sound.m4a"
    with av.open(str(sound), "w", format="mp4") as out:
        stream = out.add_stream("aac", rate=48_000)
        stream.layout = "stereo"
        frame = av.AudioFrame("fltp", "stereo", 1024)
        for plane in frame.planes:
            plane.update(bytes(4096))
        frame.sample_rate, frame.pts = 48_000, 0
        out.mux([*stream.encode(frame), *stream.encode(None)])
    still = tmp_path / "still.png"
    card(1).save(still)
    for path in (sound, still):
        with pytest.raises(MediaError):
            last_frame(path, tmp_path / "last.png")
    with pytest.raises(MediaError, match="no pictures"):
        picture(sound)


def test_cover_art_is_no_film(tmp_path: Path) -> None:
    """A song with a picture on its sleeve has no last picture."""
    song = tmp_path / "song.mp3"
    with av.open(str(song), "w", format="mp3") as out:
        sound = out.add_stream("libmp3lame", rate=48_000)
        sound.layout = "stereo"
        art = out.add_stream("mjpeg", rate=1, width=160, height=96, pix_fmt="yuvj420p")
        art.disposition = av.stream.Disposition.attached_pic
        frame = av.AudioFrame("s16p", "stereo", 1152)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate, frame.pts = 48_000, 0
        packets = [*sound.encode(frame), *sound.encode(None)]
        out.mux([*art.encode(frame_of(card(1), full=True, pix_fmt="yuvj420p")), *art.encode(None)])
        out.mux(packets)
    with pytest.raises(MediaError, match="no pictures"):
        last_frame(song, tmp_path / "last.png")


def test_stills_are_read_as_they_are_meant(tmp_path: Path) -> None:
    """Transparent parts lie on grey, a turned photograph stands upright, 16-bit grey is scaled and not clipped."""
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert picture(tmp_path / "clear.png").getpixel((1, 1)) == (128, 128, 128)
    exif = Image.Exif()
    exif[0x0112] = 6
    card(5).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    assert number_of(picture(tmp_path / "turned.jpg").rotate(90, expand=True)) == 5
    Image.new("I;16", (4, 4), 40_000).save(tmp_path / "deep.png")
    assert picture(tmp_path / "deep.png").getpixel((1, 1)) == (156, 156, 156)
    Image.new("P", (4, 4), 3).save(tmp_path / "palette.gif")
    assert picture(tmp_path / "palette.gif").mode == "RGB"


def test_the_first_picture_of_a_clip(tmp_path: Path) -> None:
    """A video given where a picture is wanted stands for its first picture."""
    assert number_of(picture(clip(tmp_path / "clip.mp4", range(9, 15), bframes=2))) == 9


def test_a_disk_that_refuses_leaves_nothing(tmp_path: Path) -> None:
    """A folder that is not there is an OSError, not a fault of the clip."""
    path = clip(tmp_path / "clip.mp4", range(3))
    with pytest.raises(OSError):
        last_frame(path, tmp_path / "none" / "last.png")
    assert isinstance(last_frame(path, tmp_path / "last.png"), Frame)


def _number(path: Path) -> int:
    with Image.open(path) as image:
        return number_of(image)


def _plain_pts(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return sorted(frame.pts for frame in container.decode(video=0))


def _stripes(lines: int) -> Image.Image:
    image = Image.new("RGB", (WIDE * len(COLOURS), lines))
    for place, colour in enumerate(COLOURS):
        image.paste(colour, (WIDE * place, 0, WIDE * place + WIDE, lines))
    return image


def _worst(path: Path) -> int:
    """The most levels by which any colour is off in the middle of its stripe."""
    with Image.open(path) as image:
        return max(
            abs(got - meant)
            for place, colour in enumerate(COLOURS)
            for got, meant in zip(image.getpixel((WIDE * place + WIDE // 2, image.height // 2)), colour, strict=True)
        )


def _flat(path: Path, matrix: Colorspace, tag: int, full: bool, range_tag: int, lines: int, pix_fmt: str) -> Path:
    image = _stripes(lines)
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=24, width=image.width, height=image.height, pix_fmt=pix_fmt)
        stream.options = {"crf": "1", "preset": "ultrafast"}
        context = stream.codec_context
        context.thread_count = 1
        context.colorspace, context.color_range = tag, range_tag
        for place in range(3):
            frame = frame_of(image, matrix=matrix, full=full, pix_fmt=pix_fmt)
            frame.colorspace, frame.color_range = tag, range_tag
            frame.pts = place
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path
