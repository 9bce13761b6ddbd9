"""The film's sound lies at its pictures after any number of joints; a bed lies beneath it and ends with it."""

from __future__ import annotations

import random
import wave
from array import array
from itertools import pairwise
from pathlib import Path

import av
import pytest

from pipeline.errors import MediaError
from pipeline.media.concat import Bed, Cut, Joined, film
from pipeline.media.probe import check, probe
from tests.media.clips import RATE, beeps, card, clip, heard, loudness, ours, png_bytes, samples

FRAME = 1024 / RATE  # one packet of AAC


def _bed(path: Path, seconds: float, *, rate: int = RATE, hertz: int = 440, level: int = 12_000) -> Bed:
    with wave.open(str(path), "wb") as out:
        out.setparams((2, 2, rate, 0, "NONE", ""))
        out.writeframes(samples(seconds, level=level, hertz=hertz * RATE // rate))
    return Bed(path=path)


def _beeps_due(joined: Joined, beep_at: float, cuts: list[Cut], frame: float = 1 / 24) -> list[float]:
    return [
        float(start) + beep_at - (frame if cut.seam and place else 0)
        for place, ((start, _, _), cut) in enumerate(zip(joined.cuts, cuts, strict=True))
    ]


def _near(found: list[float], due: list[float]) -> None:
    assert len(found) == len(due)
    assert max(abs(one - other) for one, other in zip(found, due, strict=True)) <= FRAME


@pytest.mark.parametrize("seam", [False, True])
def test_sound_is_at_its_pictures_after_twenty_joints(tmp_path: Path, seam: bool) -> None:
    """Copied packet by packet, from lengths that no packet fits: each beep within one packet of its moment."""
    made = [ours(tmp_path / f"{count}.mp4", range(count), beep_at=0.2, sound_seconds=count / 24) for count in (8, 11)]
    cuts = [Cut(path=made[place % 2], seam=seam) for place in range(21)]
    joined = film(cuts, tmp_path / "film.mp4")
    assert joined.joined == ("part" if seam else "copied")
    assert "sound" not in joined.why
    _near(beeps(tmp_path / "film.mp4"), _beeps_due(joined, 0.2, cuts))
    _continuous(tmp_path / "film.mp4", joined)


def _continuous(path: Path, joined: Joined) -> None:
    """Sound packets follow each other without gap or overlap, as long as the film, and all decode."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
    assert all(after.pts - before.pts == before.duration for before, after in pairwise(packets[:-1]))
    sound = check(path).sound
    assert sound is not None
    assert abs(sound.seconds - joined.seconds) <= 2 * FRAME


@pytest.mark.parametrize("seam", [False, True])
def test_sound_is_at_its_pictures_where_all_is_drawn_again(tmp_path: Path, seam: bool) -> None:
    """Twenty joints of two shapes and rates: the sound is encoded, and each beep is where it belongs."""
    made = [
        ours(tmp_path / "a.mp4", range(8), beep_at=0.2, sound_seconds=8 / 24),
        ours(tmp_path / "b.mp4", range(11), size=(96, 54), beep_at=0.2, sound_seconds=11 / 24),
    ]
    cuts = [Cut(path=made[place % 2], seam=seam) for place in range(21)]
    joined = film(cuts, tmp_path / "film.mp4")
    assert joined.joined == "encoded"
    _near(beeps(tmp_path / "film.mp4"), _beeps_due(joined, 0.2, cuts))


def test_a_clip_without_sound_is_silent_in_the_film(tmp_path: Path) -> None:
    """For exactly as long as it is seen; what follows is heard at its pictures."""
    voiced = ours(tmp_path / "voiced.mp4", range(25), beep_at=0.5, sound_seconds=25 / 24)
    mute = ours(tmp_path / "mute.mp4", range(25))
    joined = film([Cut(path=mute), Cut(path=voiced), Cut(path=mute), Cut(path=voiced)], tmp_path / "film.mp4")
    assert joined.joined == "part"
    assert joined.why == "The sound was encoded because some clips have no sound."
    _near(beeps(tmp_path / "film.mp4"), [25 / 24 + 0.5, 3 * 25 / 24 + 0.5])
    _, data = heard(tmp_path / "film.mp4")
    start, end = (round(float(edge) * RATE) for edge in joined.cuts[2][:2])
    assert max(map(abs, data[start + 1024 : end - 1024])) < 30
    assert abs(len(data) / RATE - float(joined.seconds)) <= 2 * FRAME


@pytest.mark.parametrize("seconds", [0.6, 0.98, 1.06, 2.5])
def test_sound_of_another_length_than_its_pictures(tmp_path: Path, seconds: float) -> None:
    """What is too long is cut at the joint, what is too short is followed by silence: nothing is shifted."""
    one = ours(tmp_path / "one.mp4", range(24), beep_at=0.5, sound_seconds=seconds)
    cuts = [Cut(path=one)] * 6
    joined = film(cuts, tmp_path / "film.mp4")
    _near(beeps(tmp_path / "film.mp4"), _beeps_due(joined, 0.5, cuts))


@pytest.mark.parametrize("kind", ["mkv", "ts", "mono", "44100", "opus"])
def test_sounds_of_any_form_are_brought_together(tmp_path: Path, kind: str) -> None:
    """Another container, rate, layout or codec: encoded anew, still at its pictures."""
    ours_too = ours(tmp_path / "a.mp4", range(24), beep_at=0.5, sound_seconds=1)
    other = tmp_path / f"b.{kind}"
    muxer = {"mkv": "matroska", "ts": "mpegts", "opus": "matroska"}.get(kind, "mp4")
    if kind in ("mkv", "ts"):
        clip(other, range(24), format=muxer, container_options={}, beep_at=0.5, sound_seconds=1)
    else:
        _sounding(other, muxer, kind)
    cuts = [Cut(path=path) for path in (ours_too, other, ours_too, other)]
    joined = film(cuts, tmp_path / "film.mp4")
    _near(beeps(tmp_path / "film.mp4"), _beeps_due(joined, 0.5, cuts))
    sound = probe(tmp_path / "film.mp4").sound
    assert sound is not None
    assert (sound.codec, sound.rate, sound.channels) == ("aac", 48_000, 2)


def _sounding(path: Path, muxer: str, kind: str) -> None:
    """A second of pictures with a beep at its half, mono, at 44.1 kHz or in Opus."""
    rate = 44_100 if kind == "44100" else 48_000
    with av.open(str(path), "w", format=muxer) as out, av.open(str(path.with_name("a.mp4"))) as given:
        video = out.add_stream_from_template(given.streams.video[0])
        audio = out.add_stream("libopus" if kind == "opus" else "aac", rate=rate)
        audio.layout = "mono" if kind == "mono" else "stereo"
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = video
                out.mux(packet)
        resampler = av.AudioResampler(audio.codec_context.format, audio.layout, rate)
        frame = av.AudioFrame("s16", "stereo", RATE)
        frame.planes[0].update(samples(1, 0.5))
        frame.sample_rate, frame.pts = RATE, 0
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(audio.encode(piece))
        out.mux(audio.encode(None))


def test_a_late_sound_stays_late(tmp_path: Path) -> None:
    """A stream of sound that begins after the pictures keeps its distance to them."""
    source = ours(tmp_path / "s.mp4", range(24), beep_at=0.3, sound_seconds=0.7)
    late = tmp_path / "late.mkv"
    with av.open(str(source)) as given, av.open(str(late), "w", format="matroska") as out:
        streams = {stream.index: out.add_stream_from_template(stream) for stream in given.streams}
        for packet in given.demux():
            if not packet.size:
                continue
            if packet.stream.type == "audio":
                packet.pts += round(0.25 * RATE)
                packet.dts += round(0.25 * RATE)
            packet.stream = streams[packet.stream.index]
            out.mux(packet)
    cuts = [Cut(path=late), Cut(path=source), Cut(path=late)]
    joined = film(cuts, tmp_path / "film.mp4")
    starts = [float(cut[0]) for cut in joined.cuts]
    _near(beeps(tmp_path / "film.mp4"), [starts[0] + 0.55, starts[1] + 0.3, starts[2] + 0.55])


@pytest.mark.parametrize("seed", range(3))
def test_any_mixture_keeps_its_beeps(tmp_path: Path, seed: int) -> None:
    """Random lengths, seams, mute clips and sounds too long or too short, copied or encoded, with a bed or none."""
    _mixture(tmp_path, random.Random(seed))


def _mixture(folder: Path, dice: random.Random) -> None:
    cuts, beeping, mutes = [], [], dice.random() < 0.4
    for place in range(dice.randint(2, 8)):
        count = dice.randint(12, 40)
        mute = mutes and dice.random() < 0.3
        length = count / 24 + dice.choice([0, 0, 0, 0.01, -0.03, 0.4, -0.15])
        path = folder / f"{place}.mp4"
        ours(path, range(count), beep_at=None if mute else 0.25, sound_seconds=None if mute else length)
        beeping.append(not mute)
        cuts.append(Cut(path=path, seam=dice.random() < 0.4))
    bed = _bed(folder / "bed.wav", 3, level=1500) if dice.random() < 0.3 else None
    joined = film(cuts, folder / "film.mp4", bed=bed)
    due = [moment for moment, beep in zip(_beeps_due(joined, 0.25, cuts), beeping, strict=True) if beep]
    if any(beeping):
        _near(beeps(folder / "film.mp4"), due)


def test_a_bed_alone_is_as_loud_as_it_is_and_ends_with_the_film(tmp_path: Path) -> None:
    """No longer than the pictures, faded over the last second and a half; the pictures are still copied."""
    one = ours(tmp_path / "one.mp4", range(48))
    joined = film([Cut(path=one)] * 2, tmp_path / "film.mp4", bed=_bed(tmp_path / "bed.wav", 10))
    assert joined.joined == "part"
    assert "bed" in joined.why
    _, data = heard(tmp_path / "film.mp4")
    assert abs(len(data) / RATE - 4) <= 2 * FRAME
    full = 12_000 / 2**0.5
    assert loudness(_part(data, 0.1, 2.4)) == pytest.approx(full, rel=0.03)
    assert loudness(_part(data, 3.2, 3.3)) == pytest.approx(full / 2, rel=0.1)
    assert loudness(_part(data, 3.95, 4)) < full * 0.05


def test_a_bed_lies_twelve_decibels_under_the_clips(tmp_path: Path) -> None:
    """Where any clip has sound; the clips stay as loud as they are."""
    voiced = ours(tmp_path / "voiced.mp4", range(72), beep_at=1.0, sound_seconds=3)
    film([Cut(path=voiced)], tmp_path / "plain.mp4")
    film([Cut(path=voiced)], tmp_path / "film.mp4", bed=_bed(tmp_path / "bed.wav", 5))
    plain, mixed = heard(tmp_path / "plain.mp4")[1], heard(tmp_path / "film.mp4")[1]
    quarter = 12_000 / 2**0.5 / 4
    assert loudness(_part(mixed, 0.2, 0.9)) == pytest.approx(quarter, rel=0.04)
    beep, tone = loudness(_part(plain, 1.005, 1.025)), loudness(_part(mixed, 1.005, 1.025))
    assert tone == pytest.approx((beep**2 + quarter**2) ** 0.5, rel=0.1)


def test_a_bed_too_short_fades_at_its_own_end(tmp_path: Path) -> None:
    """And silence follows, to the film's end: it is not played twice."""
    one = ours(tmp_path / "one.mp4", range(96))
    film([Cut(path=one)], tmp_path / "film.mp4", bed=_bed(tmp_path / "bed.wav", 2))
    _, data = heard(tmp_path / "film.mp4")
    full = 12_000 / 2**0.5
    assert loudness(_part(data, 0.1, 0.4)) == pytest.approx(full, rel=0.03)
    assert loudness(_part(data, 1.9, 2.0)) < full * 0.1
    assert loudness(_part(data, 2.1, 4)) < 5
    assert abs(len(data) / RATE - 4) <= 2 * FRAME


def test_a_bed_at_another_rate_keeps_its_pitch(tmp_path: Path) -> None:
    """A tone of 440 Hz at 44.1 kHz is one of 440 Hz at 48."""
    one = ours(tmp_path / "one.mp4", range(72))
    film([Cut(path=one)], tmp_path / "film.mp4", bed=_bed(tmp_path / "bed.wav", 5, rate=44_100))
    part = _part(heard(tmp_path / "film.mp4")[1], 0.2, 1.2)
    rising = sum(before < 0 <= after for before, after in pairwise(part))
    assert abs(rising - 440 * 1.0) <= 12


def test_two_loud_sounds_do_not_break(tmp_path: Path) -> None:
    """What adds up to more than full scale is bent, not cut: never at the rail, and still loud."""
    loud = tmp_path / "loud.mp4"
    with av.open(str(ours(tmp_path / "mute.mp4", range(48)))) as given, av.open(str(loud), "w") as out:
        video, audio = out.add_stream_from_template(given.streams.video[0]), out.add_stream("aac", rate=RATE)
        audio.layout = "stereo"
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = video
                out.mux(packet)
        frame = av.AudioFrame("s16", "stereo", 2 * RATE)
        frame.planes[0].update(samples(2, level=31_000, hertz=220))
        frame.sample_rate, frame.pts = RATE, 0
        out.mux([*audio.encode(frame), *audio.encode(None)])
    film([Cut(path=loud)], tmp_path / "film.mp4", bed=_bed(tmp_path / "bed.wav", 4, level=32_000))
    _, data = heard(tmp_path / "film.mp4")
    assert max(map(abs, data)) < 32_760
    assert loudness(_part(data, 0.2, 0.5)) > 18_000


def test_a_bed_may_be_of_any_kind_that_has_sound(tmp_path: Path) -> None:
    """A clip's sound may be the bed; a picture, a mute clip and a damaged sound may not."""
    one = ours(tmp_path / "one.mp4", range(24))
    bed = ours(tmp_path / "bed.mp4", range(24), beep_at=0.5, sound_seconds=1)
    film([Cut(path=one)], tmp_path / "film.mp4", bed=Bed(path=bed))
    assert len(beeps(tmp_path / "film.mp4", 500)) == 1
    (tmp_path / "still.png").write_bytes(png_bytes(card(1)))
    whole = _bed(tmp_path / "whole.wav", 1).path.read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[: len(whole) // 2])
    for bad in ("still.png", "one.mp4", "cut.wav"):
        with pytest.raises(MediaError):
            film([Cut(path=one)], tmp_path / "refused.mp4", bed=Bed(path=tmp_path / bad))
    assert not list(tmp_path.glob("*refused*"))


def _part(data: array[int], start: float, end: float) -> array[int]:
    return data[round(start * RATE) : round(end * RATE)]
