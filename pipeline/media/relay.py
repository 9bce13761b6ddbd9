"""Pieces of a film encoded side by side, each by an encoder with one thread, and handed on in their order.

With several threads in one encoder a film came out otherwise once in some thousand times, under load. Here the number
of cores decides when a piece is done, and never what comes out.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from threading import Event
from typing import Any

from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from pipeline.media.encode import h264_context

DELAY = 2  # pictures; x264 shows a picture at most two places after it stored it, by its pyramid of B-frames
MOST_AT_ONCE = 8  # a 4K encoder holds up to half a gigabyte

Pictures = Callable[[], Iterator[VideoFrame]]
Encode = Callable[[], VideoCodecContext]


def side_by_side(
    pieces: Iterable[Pictures], *, size: tuple[int, int], rate: Fraction, crf: int, preset: str = "veryfast"
) -> Iterator[Packet[Any]]:
    """The packets of all pieces, of `size` pixels at `rate` pictures a second, one after another on one clock.

    Each piece begins with a key frame, and all have the headers of `h264` with the same arguments. Leaving early stops
    the work that is under way. Raises what drawing or encoding a piece raises, when its turn comes.
    """

    def encoder() -> VideoCodecContext:
        return h264_context(width=size[0], height=size[1], fps=rate, time_base=1 / rate, crf=crf, preset=preset)

    def numbered(pictures: Pictures) -> Pictures:
        def counted() -> Iterator[VideoFrame]:
            for number, frame in enumerate(pictures()):
                frame.pts, frame.time_base, frame.duration = number, 1 / rate, 0
                yield frame

        return counted

    begin = 0
    for packets in encoded(encoder, map(numbered, pieces)):
        for place, packet in enumerate(packets):
            packet.pts = (packet.pts or 0) + begin
            # Counted, since an encoder that saw few pictures delays them less than the others do.
            packet.dts, packet.duration = begin + place - DELAY, 1
            yield packet
        begin += len(packets)


def encoded(encoder: Encode, pieces: Iterable[Pictures]) -> Iterator[list[Packet[Any]]]:
    """The packets of each piece from an encoder of its own, as many pieces under way as there are cores.

    The pictures say their own times. A picture is encoded before the next is asked for.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    stop = Event()

    def done(pictures: Pictures) -> list[Packet[Any]]:
        context = encoder()
        packets: list[Packet[Any]] = []
        for frame in pictures():
            if stop.is_set():
                break
            packets += context.encode(frame)
        return packets + context.encode(None)

    with ThreadPoolExecutor(min(cores, MOST_AT_ONCE), thread_name_prefix="encode") as pool:
        waiting = iter(pieces)
        under_way: deque[Future[list[Packet[Any]]]] = deque()
        try:
            while True:
                # No more ahead than there are cores: what is done and not yet written lies in memory.
                for pictures in waiting:
                    under_way.append(pool.submit(done, pictures))
                    if len(under_way) > cores:
                        break
                if not under_way:
                    return
                yield under_way.popleft().result()
        finally:
            stop.set()
            for future in under_way:
                future.cancel()
