"""A quiet bed of sound for a clip: a chord that the prompt chooses, air beneath it, a soft tick of the slate at the start.

Stereo, 16 bits, 48,000 samples a second, of any length, made from a loop of two seconds; starts and ends in silence.
"""

from __future__ import annotations

import math
import random
import sys
from array import array
from collections.abc import Iterator

from pipeline.media.scene_words import Brief

RATE = 48_000
_LOOP_SECONDS = 2
_FADE_SECONDS = 0.25
_PEAK = 2300
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


def _tone(halves: int, level: float, phase: float, swell: float) -> list[float]:
    """A tone of `halves` half hertz for the length of the loop, swelling once in it."""
    count = RATE * _LOOP_SECONDS
    wave = [math.sin(math.tau * index / count) for index in range(count)]
    shift = int(phase * count)
    slow = [level * (1 + swell * value) for value in wave]
    return [slow[index] * wave[(index * halves + shift) % count] for index in range(count)]


def _air(rng: random.Random, level: float) -> list[float]:
    """Wind: noise without its highs, its ends crossed over so that the loop has no seam."""
    count, cross = RATE * _LOOP_SECONDS, RATE // 5
    noise = array("h", rng.randbytes(2 * (count + cross)))
    if sys.byteorder == "big":
        noise.byteswap()
    value = slow = 0.0
    low = []
    for sample in noise:
        value += 0.018 * (sample / 32768 - value)
        slow += 0.05 * (value - slow)
        low.append(slow * level)
    for index in range(cross):
        share = index / cross
        low[index] = low[index] * share + low[count + index] * (1 - share)
    return low[:count]


def _loop(brief: Brief, rng: random.Random) -> list[array[int]]:
    """The loop's left and right channel."""
    chord = _CHORDS[brief.light]
    channels = []
    tones = [_tone(round(pitch * 2), 1 / (1 + 0.5 * place), rng.random(), 0.35) for place, pitch in enumerate(chord)]
    air = _air(rng, 9.0 * _AIR.get(brief.light, _AIR.get(brief.place, 0.6)))
    count = len(air)
    for side in (0, 1):
        shift = side * RATE // 3
        # Every other tone leans to one side; the wind comes later on the right.
        weight = [1.0 if (place + side) % 2 else 0.7 for place in range(len(chord))]
        one, two, three, four = tones
        a, b, c, d = weight
        moved = air[shift:] + air[:shift]
        level = _PEAK / 2.6
        mixed = [round(level * (a * one[i] + b * two[i] + c * three[i] + d * four[i] + moved[i])) for i in range(count)]
        channels.append(array("h", [max(-20000, min(20000, value)) for value in mixed]))
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
    left, right = _loop(brief, rng)
    tick = _tick(rng)
    fade = min(samples // 2, round(RATE * _FADE_SECONDS))
    count = len(left)
    for start in range(0, samples, RATE):
        length = min(RATE, samples - start)
        at = start % count
        both = array("h", bytes(4 * length))
        for side, channel in enumerate((left, right)):
            part = (channel + channel)[at : at + length]
            for index in range(length):
                place = start + index
                if place >= fade and place < samples - fade:
                    if start + RATE <= samples - fade and start >= fade:
                        break
                    continue
                part[index] = int(part[index] * min(place + 1, samples - 1 - place) / max(1, fade))
            if start == 0:
                for index, value in enumerate(tick[:length]):
                    part[index] = max(-32768, min(32767, part[index] + value * min(1, samples // RATE)))
            both[side::2] = part
        if sys.byteorder == "big":
            both.byteswap()
        yield both.tobytes()
