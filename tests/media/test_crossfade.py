"""What is drawn of a film — crossfades, titles, cards, its rise and fall — is exact, and all else is copied."""

from __future__ import annotations

import random
import subprocess
import sys
import wave
from array import array
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import cos, pi, sin
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from pipeline.errors import MediaError
from pipeline.media import mix
from pipeline.media.concat import Bed, Card, Cut, Joined, film
from pipeline.media.dissolve import Easel
from pipeline.media.drawing.camera import planes_of
from pipeline.media.mix import Stretch
from pipeline.media.probe import check, probe
from pipeline.media.reel import load
from pipeline.media.titles import lettering
from tests.media.clips import RATE, card, clip, decoded, frame_of, heard, loudness, number_of, ours, psnr, samples

ROOT = Path(__file__).parents[2]
HALF = Decimal("0.5")
FADE = 12  # pictures of half a second


def _packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def _whole(path: Path, joined: Joined, rate: int = 24) -> list[Image.Image]:
    """The film's pictures, after looking that it is one clean stream and is as long as it says."""
    shown = decoded(path)
    assert [round(seconds * rate, 2) for seconds, _ in shown] == list(range(len(shown)))
    assert len(shown) == joined.frames == check(path).frames
    assert float(joined.seconds) == pytest.approx(len(shown) / rate, abs=0.000002)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert all(before.dts < after.dts for before, after in pairwise(packets))
    assert all(packet.pts >= packet.dts for packet in packets)
    sound = check(path).sound
    assert sound is None or abs(float(sound.seconds - joined.seconds)) <= 2 * 1024 / RATE
    return [image for _, image in shown]


def _mixed(one: Image.Image, other: Image.Image, place: int, fade: int = FADE) -> Image.Image:
    """Picture `place` of a fade by arithmetic."""
    return Image.blend(one, other, (place + 1) / (fade + 1))


def test_a_crossfade_draws_its_own_pictures_and_copies_the_rest(tmp_path: Path) -> None:
    """Each picture of it is the one and the other in shares; from key frame to key frame outside, packets are kept."""
    one = ours(tmp_path / "a.mp4", range(40), key_every=8)
    two = ours(tmp_path / "b.mp4", range(100, 140), key_every=8)
    joined = film([Cut(path=one, crossfade=HALF), Cut(path=two)], tmp_path / "film.mp4")
    assert joined.joined == "part"
    assert joined.frames == 80 - FADE
    assert "20 of 68 pictures were encoded again: clips fade into each other" in joined.why
    assert [cut[2] for cut in joined.cuts] == [40, 40]
    assert joined.cuts[0][1] - joined.cuts[1][0] == HALF
    shown = _whole(tmp_path / "film.mp4", joined)
    first, second = ([image for _, image in decoded(path)] for path in (one, two))
    due = [*first[:28], *(_mixed(first[28 + n], second[n], n) for n in range(FADE)), *second[FADE:]]
    assert min(psnr(a, b) for a, b in zip(shown, due, strict=True)) > 40
    packets = _packets(tmp_path / "film.mp4")
    assert packets[:24] == _packets(one)[:24]
    assert packets[-24:] == _packets(two)[16:]


def test_shares_of_two_pictures_are_exact(tmp_path: Path) -> None:
    """Each value of the planes lies within one level of what arithmetic says, whatever the two pictures are."""
    dice = random.Random(4)
    size = (48, 32)
    noise = [frame_of(Image.frombytes("RGB", size, dice.randbytes(48 * 32 * 3))) for _ in range(2)]
    values = [[bytes(plane.tobytes()) for plane in _three(planes_of(frame))] for frame in noise]
    easel = Easel(size)
    for place in range(FADE):
        share = Fraction(place + 1, FADE + 1)
        out = easel.copy(noise[0])
        easel.over(noise[1], share)
        for plane, (a, b) in zip(_three(planes_of(out)), zip(*values, strict=True), strict=True):
            exact = [x + float(share) * (y - x) for x, y in zip(a, b, strict=True)]
            assert max(abs(x - y) for x, y in zip(plane.tobytes(), exact, strict=True)) <= 1


def _three(planes: object) -> list[Image.Image]:
    return [getattr(planes, name) for name in "yuv"]


def test_a_chain_under_a_crossfade_shows_its_repeated_picture_once(tmp_path: Path) -> None:
    """It is dropped before the two are laid over each other."""
    one, two = ours(tmp_path / "a.mp4", range(30)), ours(tmp_path / "b.mp4", range(29, 60))
    joined = film([Cut(path=one, crossfade=HALF), Cut(path=two, seam=True)], tmp_path / "film.mp4")
    assert joined.frames == 30 + 30 - FADE
    shown = _whole(tmp_path / "film.mp4", joined)
    first, second = ([image for _, image in decoded(path)] for path in (one, two))
    assert psnr(shown[18], _mixed(first[18], second[1], 0)) > 38
    assert [number_of(image) for image in shown[30:]] == list(range(42, 60))


@pytest.mark.parametrize("crossfade", [Decimal(0), Decimal("0.25")])
def test_a_clip_is_left_where_the_next_goes_on_from_it(tmp_path: Path, crossfade: Decimal) -> None:
    """From the picture half a second before its end on it is the next one's, but for the time of a crossfade."""
    one = ours(tmp_path / "a.mp4", range(40), key_every=6, sound_seconds=40 / 24)
    two = ours(tmp_path / "b.mp4", range(28, 60), key_every=6, sound_seconds=32 / 24)
    cuts = [Cut(path=one, left_seconds=HALF - crossfade, crossfade=crossfade), Cut(path=two)]
    joined = film(cuts, tmp_path / "film.mp4")
    assert joined.joined == "part"
    numbers = [number_of(image) for image in _whole(tmp_path / "film.mp4", joined)]
    # What both show at a time is the same number here, so that it is read through the fade as well.
    assert numbers == list(range(60))
    with pytest.raises(MediaError, match="no picture left"):
        film([Cut(path=one, left_seconds=Decimal(2)), Cut(path=two)], tmp_path / "none.mp4")


def test_clips_of_other_shapes_and_rates_fade_into_each_other(tmp_path: Path) -> None:
    """All is drawn in the largest shape at the highest rate; half way, a picture is half of both."""
    wide = ours(tmp_path / "wide.mp4", range(24), size=(192, 108))
    tall = ours(tmp_path / "tall.mp4", range(30, 60), size=(54, 96), fps=30)
    joined = film([Cut(path=wide, crossfade=Decimal("0.3")), Cut(path=tall)], tmp_path / "film.mp4")
    assert joined.joined == "encoded"
    assert (probe(tmp_path / "film.mp4").fps, joined.frames) == (30, 30 + 30 - 9)
    shown = _whole(tmp_path / "film.mp4", joined, rate=30)
    film([Cut(path=wide), Cut(path=tall)], tmp_path / "plain.mp4")
    plain = [image for _, image in decoded(tmp_path / "plain.mp4")]
    due = [*plain[:21], *(_mixed(plain[21 + n], plain[30 + n], n, 9) for n in range(9)), *plain[39:]]
    assert min(psnr(a, b) for a, b in zip(shown, due, strict=True)) > 34


def test_a_fade_too_long_is_half_of_the_shorter_clip(tmp_path: Path) -> None:
    """So that no three clips meet, however short the one between is."""
    paths = [ours(tmp_path / f"{n}.mp4", range(50 * n, 50 * n + count)) for n, count in enumerate((30, 5, 30))]
    joined = film([Cut(path=path, crossfade=Decimal(3)) for path in paths], tmp_path / "film.mp4")
    assert joined.frames == 30 + 5 + 30 - 2 - 2
    _whole(tmp_path / "film.mp4", joined)


def _level(path: Path, level: int, pictures: int) -> Path:
    """A clip whose sound is one value throughout, kept as it is."""
    with av.open(str(path), "w", format="matroska") as out:
        video = out.add_stream("libx264", rate=24, width=64, height=64, pix_fmt="yuv420p")
        audio = out.add_stream("pcm_s16le", rate=RATE)
        audio.layout = "stereo"
        for number in range(pictures):
            frame = frame_of(card(number, (64, 64)))
            frame.pts = number
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        frame = av.AudioFrame("s16", "stereo", pictures * RATE // 24)
        frame.planes[0].update(array("h", [level] * (2 * frame.samples)).tobytes())
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        out.mux([*audio.encode(frame), *audio.encode(None)])
    return path


def test_sounds_cross_at_equal_power_to_the_sample(tmp_path: Path) -> None:
    """At each sample of the overlap the one has the cosine and the other the sine of a quarter turn; none is lost."""
    levels = 12_000, -6_000
    reels = [load(_level(tmp_path / f"{n}.mkv", level, 24), seam=False) for n, level in enumerate(levels)]
    places = [(Fraction(0), Fraction(1)), (Fraction(1, 2), Fraction(3, 2))]
    stretches = [Stretch.of(reel, begin, end) for reel, (begin, end) in zip(reels, places, strict=True)]
    found = array("f")
    for frame in mix.mixed(stretches, None, seconds=Fraction(3, 2)):
        found.frombytes(bytes(frame.planes[0])[: 4 * frame.samples])
    one, two = (level / 32768 for level in levels)
    half = RATE // 2
    assert len(found) == 3 * half
    assert max(abs(value - one) for value in found[:half]) < 1e-6
    assert max(abs(value - two) for value in found[RATE:]) < 1e-6
    turns = [pi / 2 * place / half for place in range(half)]
    due = [one * cos(turn) + two * sin(turn) for turn in turns]
    assert max(abs(value - exact) for value, exact in zip(found[half:RATE], due, strict=True)) < 1e-4


def test_sound_stays_at_its_pictures_through_crossfades(tmp_path: Path) -> None:
    """A beep after ten fades is where its picture is; a mute clip between is silent."""
    voiced = ours(tmp_path / "a.mp4", range(40), beep_at=0.8, sound_seconds=40 / 24)
    mute = ours(tmp_path / "b.mp4", range(36))
    cuts = [Cut(path=mute if place % 3 == 1 else voiced, crossfade=HALF) for place in range(11)]
    joined = film(cuts, tmp_path / "film.mp4")
    _whole(tmp_path / "film.mp4", joined)
    start, data = heard(tmp_path / "film.mp4")
    for cut, (begin, _, _) in zip(cuts, joined.cuts, strict=True):
        place = round((float(begin) + 0.8 - start) * RATE)
        assert (loudness(data[place + 300 : place + 1100]) > 3000) is (cut.path == voiced)
        assert loudness(data[place - 1800 : place - 1100]) < 300


def test_a_title_lies_over_its_pictures_alone(tmp_path: Path) -> None:
    """Over the clip's beginning, bright; every other picture is as it was, and packets after it are kept."""
    one = ours(tmp_path / "a.mp4", range(60), key_every=12)
    joined = film([Cut(path=one, title="Ånd\nof the sea", title_seconds=Decimal(1))], tmp_path / "film.mp4")
    assert joined.why == "24 of 60 pictures were encoded again: titles are upon them."
    shown = _whole(tmp_path / "film.mp4", joined)
    plain = [image for _, image in decoded(one)]
    assert _packets(tmp_path / "film.mp4")[24:] == _packets(one)[24:]
    changed = [ImageStat.Stat(ImageChops.difference(a, b)).mean[0] for a, b in zip(shown, plain, strict=True)]
    assert min(changed[3:21]) > 5 * max(changed[24:])
    letters = ImageChops.difference(shown[12], plain[12]).convert("L").point([255 * (v > 60) for v in range(256)])
    box = letters.getbbox()
    assert box is not None
    assert box[1] > 96 * 0.45


def test_a_card_is_black_silent_and_fades_as_clips_do(tmp_path: Path) -> None:
    """Its letters are white in the middle; the sound of the clips goes down into it and comes up out of it."""
    voiced = ours(tmp_path / "a.mp4", range(48), size=(320, 192), sound_seconds=2)
    title = Card(title="Later", seconds=Decimal(2), crossfade=HALF)
    joined = film([Cut(path=voiced, crossfade=HALF), title, Cut(path=voiced)], tmp_path / "film.mp4")
    assert joined.frames == 3 * 48 - 2 * FADE
    assert [cut[:2] for cut in joined.cuts] == [(0, 2), (3, 5)]
    shown = _whole(tmp_path / "film.mp4", joined)
    grey = shown[54].convert("L")
    assert grey.getpixel((3, 3)) <= 1
    assert grey.crop((100, 60, 220, 132)).getextrema()[1] > 225
    _, data = heard(tmp_path / "film.mp4")
    assert loudness(data[round(2.1 * RATE) : round(2.9 * RATE)]) < 20
    assert loudness(data[round(1.7 * RATE) : round(1.75 * RATE)]) == pytest.approx(
        12_000 * cos(pi / 4) / 2**0.5, rel=0.1
    )


def test_cards_of_any_length_leave_every_picture_in_its_place(tmp_path: Path) -> None:
    """One shorter than a picture is one picture; what is over whole pictures never adds up."""
    one = ours(tmp_path / "a.mp4", range(10))
    lengths = [Decimal("0.01"), *[Decimal("1.51")] * 4]
    parts = [part for seconds in lengths for part in (Cut(path=one), Card(title="x", seconds=seconds))]
    joined = film(parts, tmp_path / "film.mp4")
    assert joined.frames == 5 * 10 + 1 + 4 * 36
    assert [cut[2] for cut in joined.cuts] == [10] * 5
    shown = _whole(tmp_path / "film.mp4", joined)
    begins = [round(float(cut[0]) * 24) for cut in joined.cuts]
    assert [number_of(shown[begin + place]) for begin in begins for place in range(10)] == 5 * list(range(10))


def test_a_film_rises_from_black_and_falls_to_it(tmp_path: Path) -> None:
    """Pictures in even steps from the first to the last, and the sound with them; between, packets are kept."""
    one = ours(tmp_path / "a.mp4", range(72), key_every=12, sound_seconds=3)
    joined = film([Cut(path=one)], tmp_path / "film.mp4", fade_in=HALF, fade_out=Decimal(1))
    shown = _whole(tmp_path / "film.mp4", joined)
    plain = [image for _, image in decoded(one)]
    for number in (0, 6, 11, 48, 60, 71):
        share = number / 12 if number < 12 else (71 - number) / 24
        due = Image.blend(Image.new("RGB", plain[0].size), plain[number], min(1.0, share))
        assert psnr(shown[number], due) > 36
    assert _packets(tmp_path / "film.mp4")[12:48] == _packets(one)[12:48]
    _, data = heard(tmp_path / "film.mp4")
    full = 12_000 / 2**0.5
    for moment, share in ((0.25, 0.5), (1.0, 1.0), (2.5, 0.5)):
        assert loudness(data[round((moment - 0.02) * RATE) : round((moment + 0.02) * RATE)]) == pytest.approx(
            full * share, rel=0.1
        )


def _bed(path: Path, seconds: float) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setparams((2, 2, RATE, 0, "NONE", ""))
        out.writeframes(samples(seconds, level=8_000, hertz=440))
    return path


def test_a_bed_ducks_under_the_clips_that_sound(tmp_path: Path) -> None:
    """At its level where none does, 12 dB lower where one does, down before it and up after it; louder if told."""
    mute = ours(tmp_path / "mute.mp4", range(48))
    voiced = ours(tmp_path / "voiced.mp4", range(48), beep_at=0.0, sound_seconds=2)
    cuts = [Cut(path=path) for path in (mute, voiced, mute)]
    bed = Bed(path=_bed(tmp_path / "bed.wav", 8), duck=True, fade_in=Fraction(1, 2), volume_db=Fraction(3))
    joined = film(cuts, tmp_path / "film.mp4", bed=bed)
    _whole(tmp_path / "film.mp4", joined)
    _, data = heard(tmp_path / "film.mp4")
    full = 8_000 / 2**0.5 * 10 ** (3 / 20)
    low = full * 10 ** (-12 / 20)
    for begin, end, due in ((0.6, 1.6, full), (2.1, 3.9, low), (4.35, 4.5, full), (1.84, 1.86, (full + low) / 2)):
        assert loudness(data[round(begin * RATE) : round(end * RATE)]) == pytest.approx(due, rel=0.06)
    assert loudness(data[round(0.24 * RATE) : round(0.26 * RATE)]) == pytest.approx(full / 2, rel=0.1)


@pytest.mark.parametrize("words", ["a", "W" * 200, "two words " * 20, "日本語の題名", "\u202etitle\u0000", "a\n" * 99])
@pytest.mark.parametrize("size", [(320, 180), (180, 320), (16, 16)])
def test_any_title_fits_its_picture(words: str, size: tuple[int, int]) -> None:
    """Letters of any number and script lie within the picture, over it and on a card."""
    for low in (False, True):
        letters = lettering(words, size, low=low)
        assert letters.ink.size == letters.shadow.size == size


@pytest.mark.slow
def test_the_same_parts_give_the_same_bytes(tmp_path: Path) -> None:
    """Crossfades, titles, cards and a ducked bed, copied or encoded; in another process; on one core."""
    paths = [ours(tmp_path / f"{n}.mp4", range(60 * n, 60 * n + 36), key_every=9, sound_seconds=1.5) for n in range(2)]
    other = ours(tmp_path / "other.mp4", range(60, 84), size=(192, 108))
    _bed(tmp_path / "bed.wav", 4)
    program = (
        "import os, sys; from decimal import Decimal as D; from pathlib import Path; "
        "from pipeline.media.concat import Bed, Card, Cut, film\n"
        "def make(out, bed, paths):\n"
        "    cuts = [Cut(path=Path(p), crossfade=D('0.4'), title='One', title_seconds=D('0.3')) for p in paths]\n"
        "    parts = [*cuts[:1], Card(title='Two', seconds=D(1), crossfade=D('0.4')), *cuts[1:]]\n"
        "    film(parts, Path(out), bed=Bed(path=Path(bed), duck=True), fade_in=D('0.3'), fade_out=D('0.3'))\n"
        "if len(sys.argv) > 1:\n"
        "    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); make(*sys.argv[1:3], sys.argv[3:])\n"
    )
    names: dict[str, object] = {}
    exec(program.replace("len(sys.argv) > 1", "False"), names)
    for chosen in (paths, [*paths, other]):
        names["make"](tmp_path / "film.mp4", tmp_path / "bed.wav", chosen)  # type: ignore[operator]
        arguments = [tmp_path / "again.mp4", tmp_path / "bed.wav", *chosen]
        subprocess.run([sys.executable, "-c", program, *arguments], check=True, cwd=ROOT)
        assert (tmp_path / "film.mp4").read_bytes() == (tmp_path / "again.mp4").read_bytes()


@pytest.mark.parametrize("seed", range(4))
def test_films_of_any_parts_are_clean_and_as_long_as_they_say(tmp_path: Path, seed: int) -> None:
    """Random lengths, key frames, encoders, seams, fades, titles and cards."""
    dice = random.Random(seed)
    parts: list[Cut | Card] = []
    foreign = dice.random() < 0.3
    for place in range(dice.randint(1, 6)):
        fade = Decimal(dice.choice(["0", "0", "0.1", "0.5", "2"]))
        count = dice.randint(1, 40)
        path = tmp_path / f"{place}.mp4"
        if foreign:
            clip(path, range(count), bframes=3, gop=dice.choice([5, 12, 250]))
        else:
            key_every, sound = dice.choice([None, 3, 10, 250]), dice.choice([None, count / 24])
            ours(path, range(count), key_every=key_every, sound_seconds=sound)
        title = dice.choice(["", "", "Title"])
        parts.append(Cut(path=path, seam=dice.random() < 0.4, crossfade=fade, title=title, title_seconds=HALF))
        if dice.random() < 0.3:
            parts.append(Card(title="Card", seconds=Decimal(dice.choice(["0.01", "0.7"])), crossfade=fade))
    rise = Decimal(dice.choice(["0", "0.2", "5"]))
    joined = film(parts, tmp_path / "film.mp4", fade_in=rise, fade_out=rise)
    _whole(tmp_path / "film.mp4", joined)
    assert joined.cuts[-1][1] <= joined.seconds
