"""A quiet bed of sound for a clip: a chord that the prompt chooses, air beneath it, a soft knock of the slate.

Stereo, 16 bits, 48,000 samples a second, of any length, made from a loop of two seconds; starts and ends in silence.
"""

from __future__ import annotations

import math
import random
import sys
from array import array
from collections.abc import Iterator

from pipeline.media.drawing.words import Brief

RATE = 48_000
_LOOP_SECONDS = 2
_FADE_SECONDS = 0.25
_LEVEL = 880
_TIMES = 8
_SPARSE_RATE = RATE // _TIMES
# Frequencies in half hertz fit the loop exactly, so that it has no seam.
_CHORDS = {
    "dawn": (130.5, 196.0, 246.5, 329.5),
    "day": (146.5, 220.0, 293.5, 370.0),
    "dusk": (123.5, 185.0, 220.0, 293.5),
    "night": (98.0, 146.5, 174.5, 261.5),
    "storm": (82.5, 98.0, 123.5, 155.5),
    "fog": (110.0, 164.5, 220.0, 246.5),
    "snow": (164.5, 246.5, 293.5, 370.0),
    "overcast": (110.0, 165.0, 196.0, 261.5),
}
_AIR = {"storm": 2.4, "sea": 1.5, "harbour": 1.4, "desert": 1.2, "forest": 1.0, "mountain": 1.3, "city": 1.1}


def _tones(rng: random.Random, chord: tuple[float, ...]) -> list[list[float]]:
    """Each tone of the chord for the length of the loop, swelling once in it."""
    count = _SPARSE_RATE * _LOOP_SECONDS
    wave = [math.sin(math.tau * index / count) for index in range(count)]
    out = []
    for place, pitch in enumerate(chord):
        level, halves, shift = 1 / (1 + 0.5 * place), round(pitch * _LOOP_SECONDS), rng.randrange(count)
        turned = wave[shift:] + wave[:shift]
        out.append([level * (1 + 0.35 * turned[i]) * wave[i * halves % count] for i in range(count)])
    return out


def _air(rng: random.Random, level: float) -> list[float]:
    """Wind: noise without its highs, its ends crossed over so that the loop has no seam."""
    count, cross = _SPARSE_RATE * _LOOP_SECONDS, _SPARSE_RATE // 5
    value = slow = 0.0
    low = []
    for sample in rng.randbytes(count + cross):
        value += 0.12 * (sample / 127.5 - 1 - value)
        slow += 0.3 * (value - slow)
        low.append(slow * level)
    for index in range(cross):
        share = index / cross
        low[index] = low[index] * share + low[count + index] * (1 - share)
    return low[:count]


def _filled(sparse: list[int]) -> array[int]:
    """The loop at the full rate: straight lines between the samples, which is enough for sounds as low as these."""
    after = sparse[1:] + sparse[:1]
    full = array("h", bytes(2 * len(sparse) * _TIMES))
    for step in range(_TIMES):
        rest = _TIMES - step
        full[step::_TIMES] = array("h", [(a * rest + b * step) // _TIMES for a, b in zip(sparse, after, strict=True)])
    return full


def _loop(brief: Brief, rng: random.Random) -> list[array[int]]:
    """The loop's left and right channel."""
    one, two, three, four = _tones(rng, _CHORDS[brief.light])
    air = _air(rng, 2.6 * _AIR.get(brief.light, _AIR.get(brief.place, 0.6)))
    channels = []
    for side, (even, odd) in enumerate(((1.0, 0.7), (0.7, 1.0))):
        # Every other tone leans to one side; the wind comes later on the right.
        shift = side * _SPARSE_RATE // 3
        parts = zip(one, two, three, four, air[shift:] + air[:shift], strict=True)
        channels.append(_filled([int(_LEVEL * (even * (a + c) + odd * (b + d) + wind)) for a, b, c, d, wind in parts]))
    return channels


def _tick(rng: random.Random) -> list[int]:
    """Two soft knocks of wood, a twelfth of a second apart."""
    out = [0] * (RATE // 6)
    for start, level in ((0, 1.0), (RATE // 12, 0.6)):
        for index in range(RATE // 14):
            fade = math.exp(-index / (RATE * 0.007)) * min(1.0, index / 48)
            value = math.sin(index * math.tau * 920 / RATE) + 0.5 * math.sin(index * math.tau * 1460 / RATE)
            out[start + index] += round(2600 * level * fade * value + 300 * fade * rng.uniform(-1, 1))
    return out


def sound_bed(brief: Brief, samples: int) -> Iterator[bytes]:
    """The bed for a clip of `samples` samples, in pieces of at most a second of interleaved 16-bit stereo."""
    rng = random.Random(brief.dice ^ 2)
    loop = _loop(brief, rng)
    tick = _tick(rng) if samples >= RATE else []
    fade = min(samples // 2, round(RATE * _FADE_SECONDS))
    for start in range(0, samples, RATE):
        length = min(RATE, samples - start)
        at = start % len(loop[0])
        both = array("h", bytes(4 * length))
        for side, channel in enumerate(loop):
            part = (channel + channel)[at : at + length]
            for index in range(max(0, fade - start)):
                if index < length:
                    part[index] = part[index] * (start + index) // fade
            for index in range(max(0, samples - fade - start), length):
                part[index] = part[index] * (samples - 1 - start - index) // fade
            for index, value in enumerate(tick if start == 0 else ()):
                part[index] += value
            both[side::2] = part
        if sys.byteorder == "big":
            both.byteswap()
        yield both.tobytes()
