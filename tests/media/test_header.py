"""Files are measured by their headers as the demuxers measure them, and no header can make that dear."""

from __future__ import annotations

import io
import struct
from decimal import Decimal
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.header import Header, header_in
from pipeline.media.peek import MOST_BYTES, MOST_READS
from pipeline.media.probe import probe
from tests.media.clips import clip, patched, tones

PICTURES = range(31)


def header(path: Path) -> Header:
    with path.open("rb") as file:
        found = header_in(file, path.stat().st_size)
    assert found is not None
    return found


def told(data: bytes) -> Header | None:
    return header_in(io.BytesIO(data), len(data))


def sound(
    path: Path,
    codec: str,
    format: str,
    *,
    rate: int = 48_000,
    layout: str = "stereo",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """A tone of 2.5 seconds."""
    with av.open(str(path), "w", format=format, container_options=container_options or {}) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.layout = layout
        stream.options = options or {}
        resampler = av.AudioResampler(stream.codec_context.format, layout, rate)
        for frame in (*tones(2.5), None):
            for piece in resampler.resample(frame):
                out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return path


CLIPS = {
    "mp4 with moov in front": ("mp4", "libx264", {"movflags": "+faststart"}),
    "mp4 with moov behind": ("mp4", "libx264", {}),
    "mov": ("mov", "libx264", {}),
    "matroska": ("mkv", "libx264", {}),
    "webm": ("webm", "libvpx-vp9", {}),
}


@pytest.mark.parametrize("name", CLIPS)
def test_videos_are_measured_as_their_demuxer_does(tmp_path: Path, name: str) -> None:
    """Size and length, the latter to the millisecond."""
    kind, codec, options = CLIPS[name]
    path = clip(tmp_path / f"clip.{kind}", PICTURES, size=(176, 96), codec=codec, container_options=options)
    found, real = header(path), probe(path)
    assert (found.media, found.format) == ("video", kind)
    assert (found.width, found.height) == (real.width, real.height) == (176, 96)
    assert found.seconds == round(real.seconds, 3) == Decimal("1.292")


def test_the_size_is_the_video_tracks_and_the_length_the_longest_ones(tmp_path: Path) -> None:
    """A film whose sound is longer than its pictures lasts as long as its sound."""
    path = clip(tmp_path / "clip.mp4", PICTURES, sound_seconds=2.25)
    assert (header(path).width, header(path).height, header(path).seconds) == (160, 96, Decimal("2.25"))


def test_a_long_version_of_a_box_is_read(tmp_path: Path) -> None:
    """Version 1 of mvhd and tkhd, with lengths and dates of 64 bits, says the same."""

    def box(kind: bytes, *parts: bytes) -> bytes:
        body = b"".join(parts)
        return struct.pack(">I", 8 + len(body)) + kind + body

    def large(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I4sQ", 1, kind, 16 + len(body)) + body

    mvhd = box(b"mvhd", b"\1\0\0\0", bytes(16), struct.pack(">IQ", 600, 3001), bytes(80))
    tkhd = box(b"tkhd", b"\1\0\0\7", bytes(84), struct.pack(">II", 1920 << 16, 1080 << 16))
    hdlr = box(b"hdlr", bytes(8), b"vide", bytes(12))
    data = box(b"ftyp", b"isom", bytes(4)) + large(b"mdat", bytes(50)) + large(b"free", b"")
    data += box(b"moov", mvhd, box(b"trak", tkhd, box(b"mdia", hdlr)))
    assert told(data) == Header(media="video", format="mp4", width=1920, height=1080, seconds=Decimal("5.002"))


@pytest.mark.parametrize("units", [0, 0xFFFFFFFF])
def test_an_unknown_length_is_none(tmp_path: Path, units: int) -> None:
    """Neither zero nor all ones is a length."""
    path = patched(clip(tmp_path / "clip.mp4", PICTURES), b"mvhd", 16, struct.pack(">I", units))
    assert (header(path).width, header(path).seconds) == (160, None)


@pytest.mark.parametrize("flags", ["frag_keyframe+empty_moov", "frag_keyframe"])
def test_fragments_are_as_long_as_their_own_box_says(tmp_path: Path, flags: str) -> None:
    """Without mehd the length of a movie in fragments is unknown, whatever its first part lasts."""
    path = clip(tmp_path / "clip.mp4", PICTURES, gop=5, container_options={"movflags": flags})
    assert (header(path).width, header(path).seconds) == (160, None)
    data = path.read_bytes()
    at = data.index(b"trex") - 4  # mehd takes the place of trex, which says nothing here
    scale = int.from_bytes(data[data.index(b"mvhd") + 16 :][:4], "big")
    mehd = struct.pack(">I4sIQ", 20, b"mehd", 1 << 24, 3 * scale) + struct.pack(">I4s", 12, b"free") + bytes(4)
    assert told(data[:at] + mehd + data[at + 32 :]) == Header(
        media="video", format="mp4", width=160, height=96, seconds=Decimal(3)
    )


def test_a_streamed_webm_has_a_size_and_no_length(tmp_path: Path) -> None:
    """Segments and clusters of unknown size, as browsers record them."""
    path = clip(tmp_path / "clip.webm", PICTURES, codec="libvpx-vp9", format="webm", container_options={"live": "1"})
    assert (header(path).width, header(path).height, header(path).seconds) == (160, 96, None)


SOUNDS: dict[str, tuple[str, str, str, dict[str, object]]] = {
    "wav": ("wav", "pcm_s16le", "wav", {}),
    "wav of 24 bits": ("wav", "pcm_s24le", "wav", {"rate": 44_100}),
    "flac": ("flac", "flac", "flac", {}),
    "opus": ("ogg", "libopus", "ogg", {}),
    "vorbis": ("ogg", "vorbis", "ogg", {"options": {"strict": "-2"}}),
    "m4a": ("m4a", "aac", "ipod", {}),
    "mp3 of constant bit rate": ("mp3", "libmp3lame", "mp3", {"options": {"b": "128000"}}),
    "mp3 of variable bit rate": (
        "mp3",
        "libmp3lame",
        "mp3",
        {"options": {"flags": "+qscale", "global_quality": "236"}},
    ),
    "mp3 of 22 kHz": ("mp3", "libmp3lame", "mp3", {"rate": 22_050, "layout": "mono"}),
    "mp3 that counts nothing": ("mp3", "libmp3lame", "mp3", {"container_options": {"write_xing": "0"}}),
    "mp3 of 8 kHz that counts nothing": (
        "mp3",
        "libmp3lame",
        "mp3",
        {"rate": 8_000, "layout": "mono", "container_options": {"write_xing": "0"}},
    ),
    "mp3 with its tag at the end": (
        "mp3",
        "libmp3lame",
        "mp3",
        {"container_options": {"write_xing": "0", "id3v2_version": "0", "write_id3v1": "1"}},
    ),
    "layer 2": ("mp3", "mp2", "mp2", {}),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_sounds_last_as_long_as_their_demuxer_says(tmp_path: Path, name: str) -> None:
    """To a hundredth of a second, since demuxers differ in what they count before the first sample."""
    kind, codec, muxer, values = SOUNDS[name]
    path = sound(tmp_path / "sound", codec, muxer, **values)  # type: ignore[arg-type]
    found, real = header(path), probe(path)
    assert (found.media, found.format, found.width, found.height) == ("audio", kind, 0, 0)
    assert found.seconds is not None
    assert real.sound is not None
    assert abs(found.seconds - real.sound.seconds) < Decimal("0.01")
    assert found.seconds == round(found.seconds, 3)


@pytest.mark.parametrize("codec, muxer", [("aac", "adts"), ("flac", "ogg")])
def test_what_says_nothing_of_its_length_has_none(tmp_path: Path, codec: str, muxer: str) -> None:
    """Raw AAC has no header of the whole, and ogg is read for Opus and Vorbis alone."""
    assert header(sound(tmp_path / "sound", codec, muxer)).seconds is None


def test_a_vbri_header_is_counted() -> None:
    """Fraunhofer's encoder counts its frames there: 1,000 of 1,152 samples at 44.1 kHz."""
    frame = b"\xff\xfb\x90\x64" + bytes(413)  # 128 kbit/s
    first = frame[:36] + b"VBRI" + bytes(6) + struct.pack(">II", 0, 1000) + frame[54:]
    found = told(b"ID3\4\0\0\0\0\1\0" + bytes(128) + first + frame)
    assert found == Header(media="audio", format="mp3", seconds=Decimal("26.122"))


def test_changing_bit_rates_that_nobody_counted_say_nothing() -> None:
    """The size is no measure of the length then."""
    slow, fast = b"\xff\xfb\x90\x64" + bytes(413), b"\xff\xfb\xb0\x64" + bytes(622)
    constant, changing = told(slow * 100), told(slow * 50 + fast * 50)
    assert constant is not None
    assert changing is not None
    assert (constant.seconds, changing.seconds) == (Decimal("2.606"), None)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 2**31])
def test_a_streamed_wav_lasts_as_long_as_its_bytes(tmp_path: Path, size: int) -> None:
    """What the data's size says beyond the file does not count."""
    path = patched(sound(tmp_path / "sound", "pcm_s16le", "wav"), b"data", 0, struct.pack("<I", size))
    assert header(path).seconds == Decimal("2.5")


class Watched(io.BytesIO):
    """Counts what is read, and the largest piece."""

    reads = largest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0
        self.reads += 1
        self.largest = max(self.largest, size)
        return super().read(size)


def ebml(id: str, body: bytes, size: int | None = None) -> bytes:
    return bytes.fromhex(id) + ((1 << 56) + (len(body) if size is None else size)).to_bytes(8, "big") + body


FTYP = b"\0\0\0\x0cftypisom"
EBML = ebml("1a45dfa3", ebml("4282", b"webm"))
MVHD = b"\0\0\0\x6cmvhd" + bytes(12) + struct.pack(">II", 1, 2**31) + bytes(80)
HUGE = 2**56 - 2
HOSTILE = {
    "a million small boxes": FTYP + b"\0\0\0\x08free" * 1_000_000,
    "a million small boxes in moov": FTYP + struct.pack(">I4s", 8_000_008, b"moov") + b"\0\0\0\x08free" * 1_000_000,
    "tracks without end": FTYP + b"\0\0\0\0moov" + (b"\0\0\0\x18trak" + b"\0\0\0\x08tkhd\0\0\0\x08mdia") * 100_000,
    "boxes of no size": FTYP + bytes(100_000),
    "a box of 2**64 - 1 bytes": FTYP + b"\0\0\0\1moov" + b"\xff" * 8 + MVHD,
    "a box within that is larger": FTYP + b"\0\0\0\x10moov" + b"\x7f\xff\xff\xffmvhd" + bytes(100),
    "moov in moov": FTYP + b"\0\0\0\0moov" * 100_000,
    "a length of ages": FTYP + b"\0\0\0\x74moov" + MVHD,
    "small elements": EBML + ebml("18538067", ebml("ec", b"") * 100_000),
    "small tracks": EBML + ebml("18538067", ebml("1654ae6b", ebml("ae", b"") * 100_000)),
    "an element of 2**56 - 2 bytes": EBML + ebml("18538067", ebml("1549a966", b"", HUGE), HUGE),
    "a number of 2**56 - 2 bytes": EBML + ebml("18538067", ebml("1549a966", ebml("2ad7b1", b"1", HUGE), 99), 99),
    "infinity": EBML + ebml("18538067", ebml("1549a966", ebml("4489", struct.pack(">d", float("inf"))))),
    "no number": EBML + ebml("18538067", ebml("1549a966", ebml("4489", struct.pack(">d", float("nan"))))),
    "1e308": EBML + ebml("18538067", ebml("1549a966", ebml("4489", struct.pack(">d", 1e308)))),
    "small chunks": b"RIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * 100_000,
    "a wav of no rate": b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + bytes(16) + b"data\xff\xff\xff\xff" + bytes(9),
    "tags without end": b"ID3\4\0\0\0\0\0\0" * 100_000,
    "a tag beyond the end": b"ID3\4\0\0\x7f\x7f\x7f\x7f",
    "headers without end": b"ID3\4\0\0\0\0\0\0" + b"\xff\xfb\x90\0\0" * 100_000,
    "all ones": b"ID3\4\0\0\0\0\0\0" + b"\xff" * 1_000_000,
    "small pages": b"OggS\0" + bytes(21) + b"\x01\x13OpusHead" + bytes(11) + (b"OggS\0\0" + b"\xff" * 21) * 100_000,
    "a flac of no rate": b"fLaC\0\0\0\x22" + bytes(15) + b"\xff" * 4 + bytes(20),
    "segments without end": b"\xff\xd8\xff" + b"\xff\xfe\0\2" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_header_costs_little_and_says_nothing(name: str) -> None:
    """So many reads, so large at most, and no length or size that nobody believes."""
    file = Watched(HOSTILE[name])
    found = header_in(file, len(HOSTILE[name]))
    assert found is not None
    assert (found.width, found.height, found.seconds) == (0, 0, None)
    assert file.reads <= MOST_READS + 10
    assert file.largest <= MOST_BYTES


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """A small file of each format that is read."""
    folder = tmp_path_factory.mktemp("samples")
    paths = [
        clip(folder / "a.mp4", [1], size=(64, 48), sound_seconds=0.05),
        clip(folder / "b.mp4", [1], size=(64, 48), container_options={"movflags": "frag_keyframe+empty_moov"}),
        clip(folder / "a.webm", [1], size=(64, 48), codec="libvpx-vp9", container_options={}),
        *(
            sound(folder / name, codec, muxer, **values)  # type: ignore[arg-type]
            for name, (_, codec, muxer, values) in SOUNDS.items()
        ),
    ]
    return [path.read_bytes() for path in paths]


def test_a_file_cut_anywhere_brings_nothing_down(samples: list[bytes]) -> None:
    """Every beginning of a file has a header, or none; a length is more than zero."""
    for whole in samples:
        for cut in (*range(min(len(whole), 3000)), *range(3000, len(whole), 997)):
            found = told(whole[:cut])
            assert found is None or found.seconds is None or found.seconds > 0


@given(st.data())
def test_a_file_with_other_bytes_anywhere_brings_nothing_down(samples: list[bytes], data: st.DataObject) -> None:
    """Sizes, counts, rates and names may be anything."""
    whole = bytearray(data.draw(st.sampled_from(samples)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, min(len(whole), 2000) - 1))
        other = data.draw(st.one_of(st.binary(min_size=1, max_size=9), st.sampled_from([b"\xff" * 8, bytes(8)])))
        whole[place : place + len(other)] = other
    found = told(bytes(whole))
    assert found is None or found.seconds is None or 0 < found.seconds < 10_000_000


@given(st.sampled_from([FTYP, EBML, b"RIFF\0\0\0\0WAVE", b"ID3", b"fLaC", b"OggS\0\2", b"\xff\xfb\x90\0"]), st.binary())
def test_no_bytes_bring_the_measuring_down(magic: bytes, rest: bytes) -> None:
    """Anything after known magic bytes is measured, or not."""
    assert told(magic + rest) is not None


def test_a_file_that_shrank_is_measured_as_far_as_it_goes(samples: list[bytes]) -> None:
    """The size may be that of a moment ago."""
    for whole in samples:
        assert header_in(io.BytesIO(whole[:200]), len(whole)) is not None


def test_what_is_no_media_has_no_header() -> None:
    """Its first bytes say nothing known."""
    assert told(b"rushes: 1\n") is None
    assert told(b"") is None
