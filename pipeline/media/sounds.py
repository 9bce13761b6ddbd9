"""How long a wav, mp3, flac or ogg lasts by its headers; None where they do not say."""

from __future__ import annotations

from decimal import Decimal

from pipeline.media.peek import MOST_BYTES, Peek, big, length, little
from pipeline.values import dataclass


def wav(peek: Peek) -> Decimal | None:
    """The bytes of its data, those that are there, by the bytes a second of its format."""
    place, rate = 12, 0
    while len(head := peek.at(place, 8)) == 8:
        size = little(head[4:])
        if head[:4] == b"fmt ":
            rate = little(peek.at(place + 8, 16)[8:12])
        elif head[:4] == b"data":
            rest = peek.size - place - 8
            return length(min(size or rest, rest), rate)  # a streamed one has 0 or all ones
        place += 8 + size + size % 2
    return None


def flac(peek: Peek) -> Decimal | None:
    """The samples that STREAMINFO counts; it is the first block of every file."""
    head = peek.at(0, 26)
    if len(head) < 26 or head[4] & 0x7F:
        return None
    packed = big(head[18:26])
    return length(packed & (1 << 36) - 1, packed >> 44)


_VORBIS, _OPUS = b"\x01vorbis", b"OpusHead"
_OPUS_RATE = 48_000


def ogg(peek: Peek) -> Decimal | None:
    """The last position of its stream: samples, or those of 48 kHz less what Opus has a decoder skip."""
    first = peek.at(0, 512)
    packet = first[27 + first[26] :] if len(first) > 27 else b""
    if packet.startswith(_VORBIS):
        rate, skipped = little(packet[12:16]), 0
    elif packet.startswith(_OPUS):
        rate, skipped = _OPUS_RATE, little(packet[10:12])
    else:
        return None
    position = _last_position(peek, first[14:18])
    return None if position is None else length(position - skipped, rate)


def _last_position(peek: Peek, serial: bytes) -> int | None:
    """The granule position of the last page that ends a packet, if it belongs to this stream."""
    tail = peek.at(max(0, peek.size - MOST_BYTES), MOST_BYTES)
    place = len(tail)
    while (place := tail.rfind(b"OggS\0", 0, place)) >= 0:
        position = tail[place + 6 : place + 14]
        if len(tail) >= place + 27 and position != b"\xff" * 8:
            return little(position) if tail[place + 14 : place + 18] == serial else None
    return None


_BIT_RATES = {  # kbit/s by (MPEG 1, layer) and the header's index
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44_100, 48_000, 32_000)
_HALVINGS = {3: 1, 2: 2, 0: 4}  # MPEG 1, 2 and 2.5
_XING_FIELDS = {1: 4, 2: 4, 4: 100, 8: 4}  # bytes by flag: frames, bytes, table of contents, quality
_GAPLESS = (b"LAME", b"Lavf", b"Lavc")
_MOST_TAGS = 8
_FRAMES_COMPARED = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """A frame of MPEG audio: `bytes` with its header, `side` is where a Xing header would be in it."""

    kind: tuple[int, int, int]
    bit_rate: int
    rate: int
    samples: int
    bytes: int
    side: int


def mp3(peek: Peek) -> Decimal | None:
    """By the frames that a Xing, Info or VBRI header counts, else by the size where the bit rate is constant."""
    start = _behind_tags(peek)
    found = _first_frame(peek, start)
    if found is None:
        return None
    place, frame = found
    head = peek.at(place, 512)
    if head[frame.side : frame.side + 4] in (b"Xing", b"Info"):
        return _counted(head[frame.side + 4 :], frame)
    if head[36:40] == b"VBRI":
        return length(big(head[50:54]) * frame.samples, frame.rate)
    if not _constant(peek, place, frame):
        return None
    tag = 128 if peek.at(peek.size - 128, 3) == b"TAG" else 0
    return length((peek.size - tag - place) * 8, frame.bit_rate)


def _counted(xing: bytes, frame: _Frame) -> Decimal | None:
    """By the count of frames, less what the encoder put before and behind the sound if it says how much."""
    flags = big(xing[:4])
    if not flags & 1:
        return None
    encoder = xing[4 + sum(size for bit, size in _XING_FIELDS.items() if flags & bit) :]
    put = big(encoder[21:24]) if encoder[:4] in _GAPLESS else 0
    return length(big(xing[4:8]) * frame.samples - (put >> 12) - (put & 0xFFF), frame.rate)


def _behind_tags(peek: Peek) -> int:
    place = 0
    for _ in range(_MOST_TAGS):
        head = peek.at(place, 10)
        if len(head) < 10 or head[:3] != b"ID3":
            break
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        place += 10 + size + (10 if head[5] & 0x10 else 0)
    return place


def _first_frame(peek: Peek, start: int) -> tuple[int, _Frame] | None:
    """The first header that another of its kind, or the file's end, follows where it says; padding may come before."""
    data = peek.at(start, MOST_BYTES)
    place = -1
    while (place := data.find(b"\xff", place + 1)) >= 0:
        frame = _frame(data[place : place + 4])
        if frame is None:
            continue
        after = start + place + frame.bytes
        following = _frame(peek.at(after, 4))
        if after == peek.size or (following is not None and following.kind == frame.kind):
            return start + place, frame
    return None


def _frame(head: bytes) -> _Frame | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bit_rate_index, rate_index = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 4 or bit_rate_index in (0, 15) or rate_index == 3:
        return None
    first = version == 3
    bit_rate = _BIT_RATES[first, layer][bit_rate_index] * 1000
    rate = _RATES[rate_index] // _HALVINGS[version]
    samples = 384 if layer == 1 else 576 if layer == 3 and not first else 1152
    slot = 4 if layer == 1 else 1
    size = (samples // 8 // slot * bit_rate // rate + (head[2] >> 1 & 1)) * slot
    mono = head[3] >> 6 == 3
    side = 4 + ((17 if mono else 32) if first else (9 if mono else 17))
    return _Frame(kind=(version, layer, rate), bit_rate=bit_rate, rate=rate, samples=samples, bytes=size, side=side)


def _constant(peek: Peek, place: int, frame: _Frame) -> bool:
    """Whether the first frames have one bit rate, so that the rest may be presumed to have it."""
    for _ in range(_FRAMES_COMPARED):
        following = _frame(peek.at(place, 4))
        if following is None:
            break
        if following.bit_rate != frame.bit_rate:
            return False
        place += following.bytes
    return True
