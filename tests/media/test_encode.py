"""An mp4 that plays everywhere, is whole or not there, and has the same bytes each time."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from PIL import Image

from pipeline.errors import MediaError
from pipeline.media.encode import Encoder, h264_context
from pipeline.media.faults import writing
from pipeline.media.nal import parameter_sets, units, with_lengths
from pipeline.media.probe import check
from tests.media.clips import card, decoded, frame_of, heard, loudness, number_of, psnr, samples

ROOT = Path(__file__).parents[2]


def _boxes(path: Path) -> list[str]:
    data, names, place = path.read_bytes(), [], 0
    while place < len(data):
        names.append(data[place + 4 : place + 8].decode())
        place += int.from_bytes(data[place : place + 4], "big")
    return names


def _film(path: Path, count: int = 30, *, size: tuple[int, int] = (160, 96), sound: bool = True) -> Path:
    with Encoder(path, width=size[0], height=size[1], sound_rate=48_000 if sound else None) as encoder:
        for number in range(count):
            encoder.rgb(card(number, size).tobytes())
            if sound:
                encoder.sound(samples(1 / 24))
    return path


def test_the_file_is_what_every_player_takes(tmp_path: Path) -> None:
    """H.264 4:2:0 tagged BT.709 limited, AAC stereo at 48 kHz, headers before the pictures, nothing else in it."""
    path = _film(tmp_path / "film.mp4")
    boxes = _boxes(path)
    assert boxes.index("moov") < boxes.index("mdat")
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.pix_fmt, video.width, video.height) == ("h264", "yuv420p", 160, 96)
        context = video.codec_context
        assert (video.colorspace, video.color_range, context.color_primaries, context.color_trc) == (1, 1, 1, 1)
        assert (audio.codec_context.name, audio.rate, audio.layout.name) == ("aac", 48_000, "stereo")
        assert (video.frames, video.average_rate) == (30, 24)
        assert "creation_time" not in container.metadata
        assert "encoder" not in container.metadata
        assert b"Lavf" not in path.read_bytes()
        assert b"Lavc" not in path.read_bytes()
    assert b"colr" + b"nclx" in path.read_bytes()


def test_every_picture_comes_out_at_its_time(tmp_path: Path) -> None:
    """As many as went in, in their order, one every 24th of a second, and like what went in."""
    shown = decoded(_film(tmp_path / "film.mp4", 50))
    assert [number_of(image) for _, image in shown] == list(range(50))
    assert [round(seconds * 24, 3) for seconds, _ in shown] == list(range(50))
    assert min(psnr(image, card(number)) for number, (_, image) in enumerate(shown)) > 30


def test_sound_comes_out_as_it_went_in(tmp_path: Path) -> None:
    """As long as was given within a packet, and as loud."""
    start, data = heard(_film(tmp_path / "film.mp4", 48))
    assert abs(start) < 0.001
    assert abs(len(data) - 96_000) <= 2048
    assert abs(loudness(data[9600:86_400]) - 12_000 / 2**0.5) < 300


def test_key_frames_come_every_second(tmp_path: Path) -> None:
    """Or as often as asked: seeking and cutting need them."""
    with Encoder(tmp_path / "five.mp4", width=64, height=64, key_every=5) as encoder:
        for number in range(20):
            encoder.rgb(card(number, (64, 64)).tobytes())
    for path, every in ((_film(tmp_path / "film.mp4", 50), 24), (tmp_path / "five.mp4", 5)):
        with av.open(str(path)) as container:
            keys = [frame.pts * frame.time_base * 24 for frame in container.decode(video=0) if frame.key_frame]
            assert all(after - before <= every for before, after in pairwise(keys))
            assert keys[0] == 0


def test_pictures_may_have_times_of_their_own(tmp_path: Path) -> None:
    """In units of the time base that was asked for."""
    times = [0, 10, 500, 510]
    with Encoder(tmp_path / "v.mp4", width=160, height=96, time_base=Fraction(1, 1000)) as encoder:
        for number, pts in enumerate(times):
            encoder.picture(frame_of(card(number)), pts=pts)
    assert [round(seconds * 1000) for seconds, _ in decoded(tmp_path / "v.mp4")] == times


def test_the_same_pictures_give_the_same_bytes(tmp_path: Path) -> None:
    """Also in another process, and however many cores it may use."""
    program = (
        "import sys, os; from pathlib import Path; from tests.media.test_encode import _film; "
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); _film(Path(sys.argv[1]))"
    )
    one = _film(tmp_path / "one.mp4")
    subprocess.run([sys.executable, "-c", program, tmp_path / "two.mp4"], check=True, cwd=ROOT)
    assert one.read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_headers_do_not_tell_the_quality(tmp_path: Path) -> None:
    """An encoder without a container writes the headers of a file of another crf, to go on from it."""
    path = _film(tmp_path / "film.mp4", 3, sound=False)
    with av.open(str(path)) as container:
        headers = container.streams.video[0].codec_context.extradata or b""
    for crf in (1, 12, 40):
        context = h264_context(
            width=160, height=96, fps=Fraction(24), time_base=Fraction(1, 24), crf=crf, preset="veryfast"
        )
        context.open()
        assert units(context.extradata or b"") == parameter_sets(headers)


def test_after_an_exception_there_is_no_file(tmp_path: Path) -> None:
    """Neither under its name nor under a working name; a file that was there before is left as it was."""
    path = tmp_path / "film.mp4"
    for before in (None, b"older"):
        if before:
            path.write_bytes(before)
        with pytest.raises(KeyboardInterrupt):
            _interrupted(path)
        assert [p.read_bytes() for p in tmp_path.iterdir()] == ([before] if before else [])


def _interrupted(path: Path) -> None:
    with Encoder(path, width=64, height=64, sound_rate=48_000) as encoder:
        for number in range(40):
            encoder.rgb(card(number, (64, 64)).tobytes())
        raise KeyboardInterrupt


def test_nothing_is_there_before_it_is_whole(tmp_path: Path) -> None:
    """While pictures still come, the name does not exist."""
    path = tmp_path / "film.mp4"
    with Encoder(path, width=64, height=64) as encoder:
        encoder.rgb(card(0, (64, 64)).tobytes())
        assert not path.exists()
    assert check(path).frames == 1
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]


@pytest.mark.parametrize("size", [(161, 96), (160, 97), (0, 96), (160, 0), (-2, 2), (1, 1)])
def test_sizes_that_cannot_be_are_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    """4:2:0 has even sides: said before a file is begun."""
    with pytest.raises(MediaError, match="even"):
        Encoder(tmp_path / "film.mp4", width=size[0], height=size[1])
    assert not list(tmp_path.iterdir())


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    """A picture of another size, bytes that are no picture, sound where none was announced, an empty film."""
    path = tmp_path / "film.mp4"
    with pytest.raises(MediaError, match="does not fit"), Encoder(path, width=64, height=64) as encoder:
        encoder.picture(frame_of(card(0)))
    with pytest.raises(ValueError), Encoder(path, width=64, height=64) as encoder:
        encoder.rgb(b"123")
    with pytest.raises(ValueError), Encoder(path, width=64, height=64) as encoder:
        encoder.sound(bytes(4))
    with pytest.raises(ValueError), Encoder(path, width=64, height=64, sound_rate=48_000) as encoder:
        encoder.sound(bytes(3))
    with pytest.raises(MediaError, match="no picture"), Encoder(path, width=64, height=64):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode, size", [("RGB", (2, 2)), ("RGB", (34, 18)), ("RGB", (258, 130))])
def test_any_even_size_is_taken(tmp_path: Path, mode: str, size: tuple[int, int]) -> None:
    """Also where rows are padded in memory."""
    image = Image.new(mode, size, (200, 100, 50))
    with Encoder(tmp_path / "film.mp4", width=size[0], height=size[1]) as encoder:
        encoder.rgb(image.tobytes())
    assert psnr(decoded(tmp_path / "film.mp4")[0][1], image) > 35


_FULL = """
import resource, signal, sys
from pathlib import Path
from pipeline.errors import MediaError
from tests.media.test_encode import _film
from tests.media.test_encode import tell
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
_film(Path(sys.argv[1]) / 'whole.mp4', 12)
size = (Path(sys.argv[1]) / 'whole.mp4').stat().st_size
(Path(sys.argv[1]) / 'whole.mp4').unlink()
for part in (0, 1, 30, 500, size // 3, size // 2, size - 4000, size - 700, size - 40, size - 1, size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (part, resource.RLIM_INFINITY))
    print(part < size, tell(lambda: _film(Path(sys.argv[1]) / 'film.mp4', 12)), len(list(Path(sys.argv[1]).iterdir())))
"""


def tell(act: Callable[[], object]) -> str:
    """What came of it, in a word."""
    try:
        act()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "OSError")
    except MediaError:
        return "MediaError"
    return "done"


def test_a_disk_that_takes_no_more_is_an_oserror(tmp_path: Path) -> None:
    """Wherever it ends, in the pictures or in the last byte of the headers: `OSError`, and no file is left."""
    done = subprocess.run(
        [sys.executable, "-c", _FULL, tmp_path], check=True, cwd=ROOT, capture_output=True, text=True
    ).stdout.splitlines()
    assert len(done) == 11
    assert done[:-1] == ["True EFBIG 0"] * 10
    assert done[-1] == "False done 1"


def test_a_full_disk_is_an_oserror() -> None:
    """The device that is always full says so by name."""
    with pytest.raises(OSError) as caught:
        _to_the_full_device()
    assert caught.value.errno == errno.ENOSPC


def _to_the_full_device() -> None:
    with writing(Path("/dev/full")):
        container = av.open("file:/dev/full", "w", format="mp4")
        stream = container.add_stream("libx264", rate=24, width=64, height=64, pix_fmt="yuv420p")
        for number in range(200):
            frame = frame_of(card(number, (64, 64)))
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        container.close()


def test_a_folder_that_is_not_there_is_an_oserror(tmp_path: Path) -> None:
    """And not a fault of the pictures."""
    with pytest.raises(FileNotFoundError), Encoder(tmp_path / "none" / "film.mp4", width=64, height=64) as encoder:
        encoder.rgb(card(0, (64, 64)).tobytes())


def test_units_of_h264_are_found_in_either_form() -> None:
    """Start codes of three or four bytes part them; a length of four bytes goes before each in an mp4."""
    stream = b"\0\0\0\1\x67abc\0\0\1\x68de\0\0\0\1\x65\0\0\3\1"
    assert units(stream) == [b"\x67abc", b"\x68de", b"\x65\0\0\3\1"]
    assert with_lengths(stream) == b"\0\0\0\4\x67abc\0\0\0\3\x68de\0\0\0\5\x65\0\0\3\1"
    avcc = b"\1\x64\0\x1f\xff\xe1\0\4\x67abc\1\0\3\x68de"
    assert parameter_sets(avcc) == [b"\x67abc", b"\x68de"]
    assert parameter_sets(b"\0\0\0\1\x67abc") is None
    assert all(parameter_sets(avcc[:length]) is None for length in range(len(avcc)))


def test_memory_that_nobody_has_written_decides_nothing(tmp_path: Path) -> None:
    """Pictures that rise from black give the same bytes whatever lay in the memory that the encoder was given."""
    program = (
        "import random, sys; from fractions import Fraction; from pathlib import Path; from PIL import Image\n"
        "from pipeline.media.encode import Encoder\n"
        "dice = random.Random(8)\n"
        "wall = Image.frombytes('RGB', (24, 12), dice.randbytes(24 * 12 * 3)).resize((480, 240), Image.BICUBIC)\n"
        "with Encoder(Path(sys.argv[1]), width=320, height=180, fps=Fraction(24), crf=16) as encoder:\n"
        "    for place in range(40):\n"
        "        seen = wall.crop((2 * place, place, 2 * place + 320, place + 180))\n"
        "        encoder.rgb(seen.point(lambda value: value * min(place, 12) // 12).tobytes())\n"
    )
    made = []
    for filled in ("85", "170"):
        out = tmp_path / f"{filled}.mp4"
        environ = {**os.environ, "MALLOC_PERTURB_": filled}
        subprocess.run([sys.executable, "-c", program, out], check=True, cwd=ROOT, env=environ)
        made.append(out.read_bytes())
    assert made[0] == made[1]
