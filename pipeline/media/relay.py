"""A film's clips encoded side by side, each by an encoder with one thread, and handed on in their order.

With several threads in one encoder a film came out otherwise once in some thousand times, under load. Here the number
of cores decides when a clip is done, and never what comes out.
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
from av.video.frame import VideoFrame

from pipeline.media.encode import h264_context

DELAY = 2  # pictures; x264 shows a picture at most two places after it stored it, by its pyramid of B-frames
MOST_AT_ONCE = 8  # a 4K encoder holds up to half a gigabyte

Pictures = Callable[[], Iterator[VideoFrame]]


def side_by_side(
    clips: Iterable[Pictures], *, size: tuple[int, int], rate: Fraction, crf: int, preset: str = "veryfast"
) -> Iterator[Packet[Any]]:
    """The packets of all clips, of `size` pixels at `rate` pictures a second, one clip after another on one clock.

    Each clip begins with a key frame, and all have the headers of `h264` with the same arguments. Leaving early stops
    the work that is under way. Raises what drawing or encoding a clip raises, when its turn comes.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    stop = Event()

    def encoded(pictures: Pictures) -> list[Packet[Any]]:
        context = h264_context(width=size[0], height=size[1], fps=rate, time_base=1 / rate, crf=crf, preset=preset)
        packets: list[Packet[Any]] = []
        for number, frame in enumerate(pictures()):
            if stop.is_set():
                break
            frame.pts, frame.time_base, frame.duration = number, 1 / rate, 0
            packets += context.encode(frame)
        return packets + context.encode(None)

    with ThreadPoolExecutor(min(cores, MOST_AT_ONCE), thread_name_prefix="encode") as pool:
        waiting = iter(clips)
        under_way: deque[Future[list[Packet[Any]]]] = deque()
        begin = 0
        try:
            while True:
                # No more ahead than there are cores: what is done and not yet written lies in memory.
                for pictures in waiting:
                    under_way.append(pool.submit(encoded, pictures))
                    if len(under_way) > cores:
                        break
                if not under_way:
                    return
                packets = under_way.popleft().result()
                for place, packet in enumerate(packets):
                    packet.pts = (packet.pts or 0) + begin
                    # Counted, since an encoder that saw few pictures delays them less than the others do.
                    packet.dts, packet.duration = begin + place - DELAY, 1
                    yield packet
                begin += len(packets)
        finally:
            stop.set()
            for future in under_way:
                future.cancel()
