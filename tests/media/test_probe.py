"""What a file is, is known from its bytes; a damaged, cut or hostile one is refused quickly and leads nowhere else."""

from __future__ import annotations

import io
import os
import random
import struct
import time
import wave
import zipfile
import zlib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from pipeline.errors import MediaError
from pipeline.media.frames import last_frame, picture
from pipeline.media.probe import check, probe
from pipeline.media.source import exact_seconds
from pipeline.media.upscale import upscale
from tests.media.clips import card, clip, decoded, patched, png_bytes, samples, tones
from tests.media.watching import opens

CONTAINERS = {
    "mp4": ("mp4", "libx264", "h264", "mp4"),
    "mov": ("mov", "libx264", "h264", "mp4"),
    "mkv": ("matroska", "libx264", "h264", "matroska"),
    "webm": ("webm", "libvpx-vp9", "vp9", "matroska"),
    "ts": ("mpegts", "libx264", "h264", "mpegts"),
    "avi": ("avi", "mpeg4", "mpeg4", "avi"),
}


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_every_container_is_known_by_its_bytes(tmp_path: Path, suffix: str) -> None:
    """Size, rate, length, codec and colours are told whatever the container and whatever the file is called."""
    muxer, codec, told, kind = CONTAINERS[suffix]
    path = clip(tmp_path / "clip.jpg", range(12), codec=codec, format=muxer, container_options={})
    for seen in (probe(path), check(path)):
        assert (seen.kind, seen.format, seen.codec) == ("video", kind, told)
        assert (seen.width, seen.height, seen.pix_fmt, seen.range) == (160, 96, "yuv420p", "limited")
        assert seen.fps == 24
        assert abs(seen.seconds - Decimal("0.5")) <= Decimal("0.05")
        assert seen.sound is None
    assert check(path).frames == 12


def test_sound_is_told_beside_the_pictures(tmp_path: Path) -> None:
    """Codec, rate, channels and length of the sound are the stream's own; a video is as long as its pictures."""
    seen = probe(clip(tmp_path / "clip.mp4", range(12), sound_seconds=1.5))
    assert seen.seconds == Decimal("0.5")
    assert seen.sound is not None
    assert (seen.sound.codec, seen.sound.rate, seen.sound.channels) == ("aac", 48_000, 2)
    assert abs(seen.sound.seconds - Decimal("1.5")) < Decimal("0.03")


def test_a_sound_alone_is_audio(tmp_path: Path) -> None:
    """A wav has no size and no pictures."""
    path = tmp_path / "sound.mp4"
    with wave.open(str(path), "wb") as out:
        out.setparams((2, 2, 48_000, 0, "NONE", ""))
        out.writeframes(samples(0.25))
    seen = check(path)
    assert (seen.kind, seen.format, seen.width, seen.fps) == ("audio", "wav", 0, None)
    assert seen.sound is not None
    assert seen.sound.seconds == Decimal("0.25")


def test_a_still_is_measured_as_it_is_shown(tmp_path: Path) -> None:
    """A photograph that asks to be turned by a quarter has its sides exchanged."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "still.png"
    card(3).save(path, "JPEG", exif=exif)
    seen = check(path)
    assert (seen.kind, seen.format, seen.width, seen.height) == ("image", "jpeg", 96, 160)
    assert (seen.seconds, seen.fps, seen.matrix, seen.range) == (0, None, "rgb", "full")


@pytest.mark.parametrize(
    "size, tagged, matrix",
    [
        ((96, 720), False, "bt709"),
        ((160, 96), False, "bt601"),
        ((160, 96), True, "bt709"),
        ((96, 718), False, "bt601"),
    ],
)
def test_untagged_colours_are_presumed_by_height(
    tmp_path: Path, size: tuple[int, int], tagged: bool, matrix: str
) -> None:
    """BT.709 from 720 lines up, BT.601 below, and never against the tag."""
    assert probe(clip(tmp_path / "c.mp4", [1], size=size, tagged=tagged)).matrix == matrix


def test_the_rate_is_exact(tmp_path: Path) -> None:
    """29.97 is 30000/1001, no float."""
    assert probe(clip(tmp_path / "c.mp4", range(30), fps=Fraction(30_000, 1001))).fps == Fraction(30_000, 1001)
    assert exact_seconds(Fraction(1001, 30_000)) == Decimal("0.033367")
    assert str(exact_seconds(Fraction(100))) == "100"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A clip with B-frames and sound in several containers."""
    folder = tmp_path_factory.mktemp("whole")
    made = {}
    for suffix, muxer, options in (
        ("mp4", "mp4", None),
        ("tail.mp4", "mp4", {}),
        ("mov", "mov", {}),
        ("fragmented.mp4", "mp4", {"movflags": "frag_keyframe+empty_moov"}),
        ("mkv", "matroska", {}),
        ("avi", "avi", {}),
    ):
        codec = "mpeg4" if suffix == "avi" else "libx264"
        path = clip(
            folder / f"clip.{suffix}",
            range(24),
            format=muxer,
            container_options=options,
            codec=codec,
            bframes=0 if suffix == "avi" else 2,
            gop=8,
            sound_seconds=1,
        )
        made[suffix] = path.read_bytes()
    return made


def test_a_faststart_clip_cut_anywhere_is_refused(tmp_path: Path, whole: dict[str, bytes]) -> None:
    """Its headers are all there and promise more than there is: no cut, to the last byte, gives a picture."""
    data = whole["mp4"]
    places = sorted({*range(1, len(data), len(data) // 60), *range(len(data) - 12, len(data))})
    path, out = tmp_path / "cut.mp4", tmp_path / "last.png"
    for place in places:
        path.write_bytes(data[:place])
        for act in (check, lambda path: last_frame(path, out)):
            with pytest.raises(MediaError):
                act(path)
    path.write_bytes(data)
    assert check(path).frames == 24
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut.mp4"]


@pytest.mark.parametrize("suffix", ["tail.mp4", "mov", "mkv", "avi"])
def test_a_clip_cut_short_is_refused_in_other_containers(tmp_path: Path, whole: dict[str, bytes], suffix: str) -> None:
    """A cut in the first byte, the last byte or between is an error, never fewer pictures."""
    data = whole[suffix]
    path = tmp_path / "cut"
    for place in [1, *range(40, len(data), len(data) // 25), len(data) - 1]:
        path.write_bytes(data[:place])
        with pytest.raises(MediaError):
            check(path)


def test_a_fragmented_clip_cut_inside_a_fragment_is_refused(tmp_path: Path, whole: dict[str, bytes]) -> None:
    """Only between two fragments can nobody know that more was to come."""
    data = whole["fragmented.mp4"]
    starts, place = [], 0
    while place < len(data):
        starts.append(place)
        place += int.from_bytes(data[place : place + 4], "big")
    path = tmp_path / "cut.mp4"
    for place in range(30, len(data), len(data) // 40):
        if place in starts:
            continue
        path.write_bytes(data[:place])
        with pytest.raises(MediaError):
            check(path)


def test_a_clip_with_a_hole_is_refused(tmp_path: Path, whole: dict[str, bytes]) -> None:
    """Bytes of pictures that a bad disk or a bad proxy turned to zeros or noise do not pass the check."""
    data = bytearray(whole["mp4"])
    start = data.index(b"mdat") + 4
    for seed, filling in ((1, random.Random(1).randbytes(3000)), (2, bytes(3000))):
        spoilt = bytearray(data)
        place = start + 200 * seed
        spoilt[place : place + 3000] = filling
        path = tmp_path / f"{seed}.mp4"
        path.write_bytes(spoilt)
        with pytest.raises(MediaError, match="decoded"):
            check(path)


def test_damage_that_players_hide_is_refused(tmp_path: Path) -> None:
    """Of spoilt bytes within a picture, which plain decoding never mentions, the check finds most."""
    path = clip(tmp_path / "clip.mp4", range(24), size=(320, 192), bframes=2)
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size > 300][1:]
    data = path.read_bytes()
    hidden = refused = 0
    for place, size in places:
        spoilt = bytearray(data)
        spoilt[place + size // 3 : place + size // 3 + 100] = bytes(100)
        path.write_bytes(spoilt)
        hidden += len(decoded(path)) == 24
        try:
            check(path)
        except MediaError:
            refused += 1
    assert hidden == len(places) > 10
    assert refused >= len(places) * 2 // 3


@pytest.mark.parametrize("kind", ["flac", "wav"])
def test_a_sound_cut_short_is_refused(tmp_path: Path, kind: str) -> None:
    """A sound that says how long it is, and is not."""
    path = tmp_path / f"sound.{kind}"
    with av.open(str(path), "w", format=kind) as out:
        stream = out.add_stream("flac" if kind == "flac" else "pcm_s16le", rate=48_000)
        stream.layout = "stereo"
        for frame in tones(2):
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    data = path.read_bytes()
    assert check(path).kind == "audio"
    for part in (2, 5, 8):
        path.write_bytes(data[: len(data) * part // 10])
        with pytest.raises(MediaError):
            check(path)


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        out.writestr("clip.mp4", bytes(1000))
    return buffer.getvalue()


def _declared_png(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")


def _hostile(bait: Path) -> dict[str, bytes]:
    link = os.fsencode(bait)
    return {
        "html": b"<!DOCTYPE html><html><body>Access denied</body></html>",
        "json": b'{"error": {"code": "expired"}}',
        "m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://" + link + b"\n#EXT-X-ENDLIST\n",
        "ffconcat": b"ffconcat version 1.0\nfile '" + link + b"'\n",
        "concat": b"file '" + link + b"'\n",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file://' + link + b'"/></svg>',
        "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
        "dash": b'<?xml version="1.0"?><MPD><Period><BaseURL>file://' + link + b"</BaseURL></Period></MPD>",
        "mvg": b"push graphic-context\nimage Over 0,0 1,1 '" + link + b"'\n",
        "eps": b"%!PS-Adobe-3.0\n(" + link + b") run\n",
        "zip": _zip(),
        "empty": b"",
        "zeros": bytes(100_000),
        "noise": random.Random(5).randbytes(100_000),
        "half a word": b"ft",
        "png of 60000x60000": _declared_png(60_000, 60_000),
        "png of 2^31": _declared_png(2**31 - 1, 2**31 - 1),
        "png without a picture": _declared_png(4000, 4000),
        "mp4 in name only": b"\0\0\0\x18ftypisom" + bytes(40) + b"#EXTM3U\nfile://" + link,
        "mov that is all size": b"\xff\xff\xff\xffmoov" + bytes(100),
        "mp4 of a thousand boxes": (b"\0\0\0\x08moov") * 1000,
        "matroska head": b"\x1a\x45\xdf\xa3" + random.Random(6).randbytes(5000),
        "mp3 of noise": b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + random.Random(7).randbytes(5000),
    }


@pytest.mark.parametrize("name", _hostile(Path("/bait")))
@pytest.mark.parametrize("suffix", [".mp4", ""])
def test_what_is_no_media_is_refused_and_leads_nowhere(tmp_path: Path, name: str, suffix: str) -> None:
    """Pages, playlists, archives, noise and absurd sizes: `MediaError` within two seconds; no other file is opened."""
    (tmp_path / "bait").mkdir()
    bait = clip(tmp_path / "bait" / "bait.mp4", range(3))
    path = tmp_path / f"hostile{suffix}"
    path.write_bytes(_hostile(bait)[name])
    began = time.monotonic()
    with opens(bait.parent) as opened:
        for act in (
            check,
            picture,
            lambda path: last_frame(path, tmp_path / "out.png"),
            lambda path: upscale(path, tmp_path / "out.mp4", to="1080p"),
        ):
            with pytest.raises(MediaError) as caught:
                act(path)
            assert caught.value.hint
    assert time.monotonic() - began < 2
    assert opened == []
    assert {p.name for p in tmp_path.iterdir()} == {"bait", path.name}


def test_the_watch_on_other_files_sees_one_that_is_opened(tmp_path: Path) -> None:
    """The bait of the hostile files would be noticed."""
    (tmp_path / "bait").write_bytes(b"x")
    with opens(tmp_path) as opened:
        (tmp_path / "bait").read_bytes()
    assert opened == ["bait"]


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    """A pipe that nobody writes to, an endless device and a folder are no media; a missing file is the disk's."""
    os.mkfifo(tmp_path / "pipe.mp4")
    for path in (tmp_path / "pipe.mp4", Path("/dev/zero"), tmp_path):
        with pytest.raises(MediaError, match="not a file"):
            probe(path)
    with pytest.raises(FileNotFoundError):
        probe(tmp_path / "none.mp4")


def test_a_name_that_looks_like_a_link_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`concat:a.mp4`, `http:` and `%03d` in a file's name mean nothing to libav."""
    monkeypatch.chdir(tmp_path)
    data = clip(tmp_path / "a.mp4", range(3)).read_bytes()
    for name in ("concat:a.mp4|a.mp4", "http:x.mp4", "shot%03d.mp4", "-i.mp4", "file:x.mp4", "ü 片.mp4"):
        Path(name).write_bytes(data)
        assert check(Path(name)).frames == 3
        last_frame(Path(name), Path(f"{name}.png"))
        assert probe(Path(f"{name}.png")).width == 160


def test_a_video_that_declares_a_giant_picture_is_refused(tmp_path: Path) -> None:
    """Its size is measured before a decoder may ask for memory."""
    path = clip(tmp_path / "c.avi", range(3), codec="ffv1", format="avi", container_options={})
    assert check(path).width == 160
    patched(path, b"strf", 8, struct.pack("<ii", 10_000, 10_000))
    with pytest.raises(MediaError, match=r"pixels|size"):
        probe(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_still_cut_short_is_refused(tmp_path: Path, kind: str) -> None:
    """Half a picture is no picture, in any format."""
    whole = tmp_path / "whole"
    Image.effect_noise((96, 64), 80).convert("RGB").save(whole, kind)
    data = whole.read_bytes()
    path = tmp_path / "cut"
    for part in (3, 5, 8):
        path.write_bytes(data[: len(data) * part // 10])
        with pytest.raises(MediaError):
            check(path)


def test_a_large_still_is_refused_without_a_warning(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    """A hundred million pixels raise one error and no warning of a library."""
    path = tmp_path / "large.png"
    path.write_bytes(_declared_png(10_000, 10_000))
    with pytest.raises(MediaError, match="10000x10000 pixels"):
        probe(path)
    assert not recwarn.list


def test_stills_with_text_in_them_are_stills(tmp_path: Path) -> None:
    """A picture is not refused for what its metadata says."""
    path = tmp_path / "c.png"
    path.write_bytes(png_bytes(card(1)))
    assert probe(path).format == "png"
