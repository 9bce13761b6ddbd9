"""The film shows every picture of its clips once, in order and on time, and encodes no more of them than it must."""

from __future__ import annotations

import random
import subprocess
import sys
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import av
import pytest
from PIL import Image

from pipeline.errors import MediaError
from pipeline.media.concat import Cut, Joined, film
from pipeline.media.encode import Encoder
from pipeline.media.probe import check, probe
from tests.media.clips import card, clip, decoded, number_of, ours, psnr, turned

ROOT = Path(__file__).parents[2]


def _packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def _keys(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [n for n, p in enumerate(p for p in container.demux(video=0) if p.size) if p.is_keyframe]


def _numbers(path: Path) -> list[int]:
    return [number_of(image) for _, image in decoded(path)]


def _sound(path: Path, joined: Joined, rate: int = 24) -> None:
    """Whatever else it shows: the film is one clean stream, and the words about it are true."""
    shown = decoded(path)
    assert [round(seconds * rate, 2) for seconds, _ in shown] == list(range(len(shown)))
    assert len(shown) == joined.frames == check(path).frames
    assert joined.seconds == pytest.approx(Decimal(len(shown)) / rate, abs=Decimal("0.000002"))
    assert check(path).seconds == pytest.approx(joined.seconds, abs=Decimal("0.001"))
    assert joined.cuts[0][0] == 0
    assert joined.cuts[-1][1] == joined.seconds
    assert all(before[1] == after[0] for before, after in pairwise(joined.cuts))
    assert sum(cut[2] for cut in joined.cuts) == joined.frames
    assert joined.why.endswith(".")
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        context = video.codec_context
        assert (video.codec_context.name, video.pix_fmt) == ("h264", "yuv420p")
        assert (video.colorspace, video.color_range, context.color_primaries, context.color_trc) == (1, 1, 1, 1)
        packets = [packet for packet in container.demux(video) if packet.size]
        assert all(before.dts < after.dts for before, after in pairwise(packets))
        assert all(packet.pts >= packet.dts for packet in packets)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert not list(path.parent.glob(".*"))


@pytest.mark.parametrize("bframes", [0, 3])
def test_clips_that_agree_are_copied(tmp_path: Path, bframes: int) -> None:
    """Every packet of the film is a packet of its clips, to the byte, whoever encoded them; 120 pictures in order."""
    cuts = [
        Cut(path=clip(tmp_path / f"{n}.mp4", range(40 * n, 40 * n + 40), bframes=bframes, gop=15)) for n in range(3)
    ]
    joined = film(cuts, tmp_path / "film.mp4")
    assert (joined.joined, joined.why) == ("copied", "All streams agree.")
    assert _packets(tmp_path / "film.mp4") == [packet for cut in cuts for packet in _packets(cut.path)]
    assert _numbers(tmp_path / "film.mp4") == list(range(120))
    _sound(tmp_path / "film.mp4", joined)


def test_a_film_of_one_clip_is_that_clip(tmp_path: Path) -> None:
    """Packet by packet; a seam at the film's beginning has nothing before it, so that nothing is dropped."""
    one = ours(tmp_path / "one.mp4", range(30))
    joined = film([Cut(path=one, seam=True)], tmp_path / "film.mp4")
    assert joined.joined == "copied"
    assert _packets(tmp_path / "film.mp4") == _packets(one)
    _sound(tmp_path / "film.mp4", joined)


@pytest.mark.parametrize("key_every", [8, 24, 250])
def test_the_repeated_picture_of_a_chain_is_dropped(tmp_path: Path, key_every: int) -> None:
    """No number twice and none left out; from the next key frame on, the packets are those of the clip."""
    paths = [ours(tmp_path / f"{n}.mp4", range(39 * n, 39 * n + 40), key_every=key_every) for n in range(4)]
    joined = film([Cut(path=path, seam=True) for path in paths], tmp_path / "film.mp4")
    out = tmp_path / "film.mp4"
    assert joined.joined == "part"
    assert _numbers(out) == list(range(157))
    assert [cut[2] for cut in joined.cuts] == [40, 39, 39, 39]
    _sound(out, joined)
    film_packets = _packets(out)
    assert film_packets[:40] == _packets(paths[0])
    for number, path in enumerate(paths[1:], 1):
        source, keys = _packets(path), _keys(path)
        copied = source[keys[1] :] if len(keys) > 1 else []
        end = 40 + 39 * number
        assert film_packets[end - len(copied) : end] == copied
        assert len(copied) == max(0, 40 - key_every)


def test_pictures_encoded_again_at_a_seam_look_the_same(tmp_path: Path) -> None:
    """Each at least 40 dB like the picture of the clip."""
    paths = [ours(tmp_path / f"{n}.mp4", range(29 * n, 29 * n + 30)) for n in range(2)]
    film([Cut(path=paths[0]), Cut(path=paths[1], seam=True)], tmp_path / "film.mp4")
    wanted = [image for _, image in decoded(paths[0])] + [image for _, image in decoded(paths[1])][1:]
    assert min(psnr(a, b) for a, (_, b) in zip(wanted, decoded(tmp_path / "film.mp4"), strict=True)) > 40


@pytest.mark.parametrize("count", [1, 2, 3])
def test_very_short_chained_clips(tmp_path: Path, count: int) -> None:
    """A clip of a single picture keeps it, seam or none; of two pictures the second is left."""
    first = ours(tmp_path / "a.mp4", range(10))
    later = ours(tmp_path / "b.mp4", range(9, 9 + count))
    last = ours(tmp_path / "c.mp4", range(50, 60))
    joined = film([Cut(path=first), Cut(path=later, seam=True), Cut(path=last)], tmp_path / "film.mp4")
    middle = range(9, 10) if count == 1 else range(10, 9 + count)
    assert _numbers(tmp_path / "film.mp4") == [*range(10), *middle, *range(50, 60)]
    _sound(tmp_path / "film.mp4", joined)


def test_a_seam_in_foreign_clips_is_dropped_by_encoding_all(tmp_path: Path) -> None:
    """Packets of ours cannot go on from headers of another encoder: nothing repeated, and the reason is told."""
    paths = [
        clip(tmp_path / f"{n}.mp4", range(20 * n, 20 * n + 21), bframes=2, extra={"refs": "4", "preset": "medium"})
        for n in range(2)
    ]
    joined = film([Cut(path=paths[0]), Cut(path=paths[1], seam=True)], tmp_path / "film.mp4")
    assert joined.joined == "encoded"
    assert "not ours" in joined.why
    assert _numbers(tmp_path / "film.mp4") == list(range(41))
    _sound(tmp_path / "film.mp4", joined)


def test_foreign_clips_with_an_open_gop(tmp_path: Path) -> None:
    """Pictures that are shown before their key frame and stored after it are all there after a joint."""
    extra = {"x264-params": "open-gop=1:scenecut=0:b-adapt=0"}
    paths = [clip(tmp_path / f"{n}.mp4", range(30 * n, 30 * n + 30), bframes=3, gop=8, extra=extra) for n in range(3)]
    for seam in (False, True):
        joined = film([Cut(path=path, seam=seam) for path in paths], tmp_path / "film.mp4")
        wanted = [n for n in range(90) if not seam or n not in (30, 60)]
        assert _numbers(tmp_path / "film.mp4") == wanted
        _sound(tmp_path / "film.mp4", joined)


def test_an_open_gop_in_clips_with_our_headers(tmp_path: Path) -> None:
    """A key frame that pictures before it lean on is no place to go on from: none of them is lost or spoilt."""
    extra = {"x264-params": "stitchable=1:open-gop=1:scenecut=0:b-adapt=0"}
    paths = [clip(tmp_path / f"{n}.mp4", range(30 * n, 30 * n + 31), bframes=3, gop=8, extra=extra) for n in range(3)]
    joined = film([Cut(path=path, seam=True) for path in paths], tmp_path / "film.mp4")
    assert joined.joined == "part"
    assert _numbers(tmp_path / "film.mp4") == list(range(91))
    wanted = [image for n, path in enumerate(paths) for _, image in decoded(path)[1 if n else 0 :]]
    assert min(psnr(a, b) for a, (_, b) in zip(wanted, decoded(tmp_path / "film.mp4"), strict=True)) > 36
    _sound(tmp_path / "film.mp4", joined)


@pytest.mark.parametrize("seam", [False, True])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_clips_of_other_shapes_are_drawn_again(tmp_path: Path, seam: bool, order: tuple[int, ...]) -> None:
    """The largest shape and the highest rate hold all; the rest lies between black bars, never stretched."""
    paths = [
        ours(tmp_path / "wide.mp4", range(24), size=(192, 108), fps=24),
        ours(tmp_path / "tall.mp4", range(24, 49), size=(54, 96), fps=12, key_every=4),
        ours(tmp_path / "small.mp4", range(49, 79), size=(96, 54), fps=30),
    ]
    cuts = [Cut(path=paths[place], seam=seam) for place in order]
    joined = film(cuts, tmp_path / "film.mp4")
    assert joined.joined == "encoded"
    seen = probe(tmp_path / "film.mp4")
    assert (seen.width, seen.height, seen.fps) == (192, 108, 30)
    _sound(tmp_path / "film.mp4", joined, rate=30)
    shown = decoded(tmp_path / "film.mp4")
    for place, (start, end, count) in zip(order, joined.cuts, strict=True):
        dropped = seam and place != order[0]
        own = decoded(paths[place])[1 if dropped else 0 :]
        told = [(seconds, number_of(image)) for seconds, image in own]
        pictures = [(t, image) for t, image in shown if start - Decimal("0.001") <= t < end - Decimal("0.001")]
        assert len(pictures) == count
        for seconds, image in pictures:
            inside = _unboxed(image, own[0][1].size)
            moment = seconds - float(start) + own[0][0]
            near = [number for t, number in told if abs(moment - t) < 1 / 30 + 0.002 or t <= moment]
            assert number_of(inside) in near[-2:]
        first, last = _unboxed(pictures[0][1], own[0][1].size), _unboxed(pictures[-1][1], own[0][1].size)
        assert (number_of(first), number_of(last)) == (number_of(own[0][1]), number_of(own[-1][1]))


def _unboxed(image: Image.Image, shape: tuple[int, int]) -> Image.Image:
    """What lies between the bars, after looking that they are black."""
    scale = min(image.width / shape[0], image.height / shape[1])
    width, height = round(shape[0] * scale), round(shape[1] * scale)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    for box in ((0, 0, left - 4, image.height), (left + width + 4, 0, image.width, image.height)):
        if box[2] > box[0]:
            assert max(high for _, high in image.crop(box).getextrema()) < 12
    return image.crop((left, top, left + width, top + height))


def test_clips_that_differ_in_other_ways_are_drawn_again(tmp_path: Path) -> None:
    """Rate, colours, codec, rotation, encoder: the reason names the clip, and every picture is shown."""
    first = ours(tmp_path / "first.mp4", range(12))
    others = {
        "picture rate": ours(tmp_path / "rate.mp4", range(12, 24), fps=25),
        "BT.709": clip(tmp_path / "colours.mp4", range(12, 24), tagged=False),
        "vp9": clip(tmp_path / "codec.mp4", range(12, 24), codec="libvpx-vp9", extra={"crf": "20", "b": "0"}),
        "form that can be copied": turned(ours(tmp_path / "turned.mp4", range(12, 24)), 180),
        "clock": clip(tmp_path / "clock.mov", range(12, 24), container_options={"video_track_timescale": "90000"}),
        "encoder settings": clip(tmp_path / "encoder.mp4", range(12, 24), bframes=0),
        "mpegts": clip(tmp_path / "a.ts", range(12, 24), format="mpegts", container_options={}),
    }
    for word, other in others.items():
        joined = film([Cut(path=first), Cut(path=other)], tmp_path / "film.mp4")
        assert joined.joined == "encoded"
        assert word in joined.why or word == "mpegts"
        assert other.name in joined.why
        shown = decoded(tmp_path / "film.mp4")
        upright = [image.rotate(180 if "form" in word and n >= 12 else 0) for n, (_, image) in enumerate(shown)]
        numbers = [number_of(image) for image in upright]
        assert sorted(set(numbers)) == list(range(24))
        assert numbers == sorted(numbers)


def test_a_forced_size_is_obeyed(tmp_path: Path) -> None:
    """Clips of that very size are still copied."""
    one = ours(tmp_path / "one.mp4", range(12))
    joined = film([Cut(path=one)], tmp_path / "film.mp4", size=(320, 192))
    assert (joined.joined, probe(tmp_path / "film.mp4").width) == ("encoded", 320)
    assert "320x192" in joined.why
    assert film([Cut(path=one)], tmp_path / "film.mp4", size=(160, 96)).joined == "copied"
    with pytest.raises(MediaError, match="even"):
        film([Cut(path=one)], tmp_path / "film.mp4", size=(321, 192))


def test_untagged_hd_clips_are_copied_and_tagged(tmp_path: Path) -> None:
    """They are taken as BT.709 everywhere, so the film says so; their packets stay as they are."""
    paths = [clip(tmp_path / f"{n}.mp4", range(4 * n, 4 * n + 4), size=(128, 720), tagged=False) for n in range(2)]
    joined = film([Cut(path=path) for path in paths], tmp_path / "film.mp4")
    assert joined.joined == "copied"
    assert _numbers(tmp_path / "film.mp4") == list(range(8))
    _sound(tmp_path / "film.mp4", joined)


def test_a_variable_rate_is_shown_at_its_moments(tmp_path: Path) -> None:
    """Each slot of the film shows what the clip shows then; the clip lasts as long as it did."""
    times = [0, 100, 140, 500, 540, 580, 1000]
    uneven = clip(tmp_path / "uneven.mp4", range(7), times=times, bframes=2)
    steady = ours(tmp_path / "steady.mp4", range(20, 44), size=(192, 108))
    length = float(check(uneven).seconds)
    joined = film([Cut(path=uneven), Cut(path=steady)], tmp_path / "film.mp4")
    rate = float(probe(tmp_path / "film.mp4").fps or 0)
    for seconds, image in decoded(tmp_path / "film.mp4"):
        if seconds < float(joined.cuts[0][1]) - 0.001:
            inside = number_of(_unboxed(image, (160, 96)))
            near = {n for n, t in enumerate(times) if t / 1000 <= seconds + 0.5 / rate + 0.001}
            assert inside == max(near)
    assert float(joined.cuts[0][1]) == pytest.approx(length, abs=0.5 / rate)


def test_the_same_clips_give_the_same_bytes(tmp_path: Path) -> None:
    """Copied, spliced or encoded; in another process; on one core."""
    same = [ours(tmp_path / f"{n}.mp4", range(20 * n, 20 * n + 21), sound_seconds=21 / 24) for n in range(2)]
    other = ours(tmp_path / "other.mp4", range(60, 84), size=(192, 108))
    program = (
        "import os, sys; from pathlib import Path; from pipeline.media.concat import Cut, film; "
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        "film([Cut(path=Path(p), seam=True) for p in sys.argv[2:]], Path(sys.argv[1]))"
    )
    for paths, way in (([*same], "part"), ([*same, other], "encoded")):
        joined = film([Cut(path=path, seam=True) for path in paths], tmp_path / "film.mp4")
        assert joined.joined == way
        subprocess.run([sys.executable, "-c", program, tmp_path / "again.mp4", *paths], check=True, cwd=ROOT)
        assert (tmp_path / "film.mp4").read_bytes() == (tmp_path / "again.mp4").read_bytes()


@pytest.mark.parametrize("seed", range(4))
def test_films_of_any_make_show_every_picture_once(tmp_path: Path, seed: int) -> None:
    """Random lengths, key frames, seams and encoders: the numbers that should be there are, once and in order."""
    dice = random.Random(seed)
    cuts, wanted, start = [], [], 0
    foreign = dice.random() < 0.3
    for place in range(dice.randint(2, 6)):
        count, seam = dice.randint(1, 40), place > 0 and dice.random() < 0.6
        numbers = range(start, start + count)
        path = tmp_path / f"{place}.mp4"
        if foreign:
            clip(path, numbers, bframes=3, gop=dice.choice([5, 12, 250]), container_options=dice.choice([None, {}]))
        else:
            ours(path, numbers, key_every=dice.choice([None, 3, 10, 250]), crf=dice.choice([10, 20, 30]))
        cuts.append(Cut(path=path, seam=seam))
        wanted += list(numbers)[1 if seam and count > 1 else 0 :]
        start += count
    joined = film(cuts, tmp_path / "film.mp4")
    assert _numbers(tmp_path / "film.mp4") == wanted
    _sound(tmp_path / "film.mp4", joined)


def test_a_film_is_as_good_as_its_clips(tmp_path: Path) -> None:
    """What is encoded again is at least 40 dB like an encoding at crf 10 of a camera that pans over a detailed wall."""
    dice = random.Random(8)
    detail = Image.frombytes("L", (160, 80), dice.randbytes(160 * 80)).resize((480, 240), Image.Resampling.BICUBIC)
    tints = Image.frombytes("RGB", (6, 3), dice.randbytes(6 * 3 * 3)).resize((480, 240), Image.Resampling.BICUBIC)
    wall = Image.blend(detail.convert("RGB"), tints, 0.6)
    source = tmp_path / "s.mp4"
    with Encoder(source, width=320, height=192, crf=10) as encoder:
        for place in range(24):
            encoder.rgb(wall.crop((3 * place, place, 3 * place + 320, place + 192)).tobytes())
    other = ours(tmp_path / "o.mp4", range(2), size=(96, 54))
    assert film([Cut(path=source), Cut(path=other)], tmp_path / "film.mp4").joined == "encoded"
    pairs = zip(decoded(source), decoded(tmp_path / "film.mp4")[:24], strict=True)
    assert min(psnr(one, two) for (_, one), (_, two) in pairs) > 40


def test_what_cannot_be_a_film_is_refused(tmp_path: Path) -> None:
    """No clips, a still, a damaged clip: `MediaError`, and nothing is left."""
    good = ours(tmp_path / "good.mp4", range(24))
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(good.read_bytes()[:-10])
    card(3).save(tmp_path / "still.png")
    before = sorted(tmp_path.iterdir())
    for cuts in ([], [Cut(path=tmp_path / "still.png")], [Cut(path=good), Cut(path=cut)], [Cut(path=cut, seam=True)]):
        with pytest.raises(MediaError):
            film(cuts, tmp_path / "film.mp4")
    with pytest.raises(FileNotFoundError):
        film([Cut(path=tmp_path / "none.mp4")], tmp_path / "film.mp4")
    assert sorted(tmp_path.iterdir()) == before
