"""Pictures of clips that disagree, drawn again in one shape and rate: letterboxed on black, never stretched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from pipeline.media.colour import matrix_of, range_of, to_bt709
from pipeline.media.reel import Reel
from pipeline.media.source import needed_picture_stream, opened

_FLAGS = "lanczos+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
# The side data says counterclockwise; the filter's names do too.
_TURNS = {90: ["cclock"], 180: ["clock", "clock"], 270: ["clock"]}


def shape_of(reels: Sequence[Reel]) -> tuple[int, int]:
    """The size in pixels of the largest clip as shown, made even."""
    width, height = max((reel.shown for reel in reels), key=lambda size: size[0] * size[1])
    return max(2, width + width % 2), max(2, height + height % 2)


def rate_of(reels: Sequence[Reel]) -> Fraction:
    """The highest picture rate among the clips."""
    return max(reel.fps for reel in reels)


def redrawn(reel: Reel, count: int, rate: Fraction, size: tuple[int, int], *, start: int = 0) -> Iterator[VideoFrame]:
    """`count` pictures at `rate`, of `size`, BT.709: at each moment the one shown then; none before `start`."""
    canvas = Canvas(size)
    place = 0
    current: VideoFrame | None = None
    with opened(reel.path) as container:
        for frame in container.decode(needed_picture_stream(container, reel.path)):
            if frame.pts is None or frame.pts < reel.start:
                continue
            if frame.pts >= reel.end:
                break
            begins = (frame.pts - reel.start) * reel.base
            # Half a slot of grace: a clock of milliseconds never shows a picture exactly on time.
            while current is not None and place < count and (place + Fraction(1, 2)) / rate <= begins:
                if place >= start:
                    yield canvas.drawn(current)
                place += 1
            current = frame
        while current is not None and place < count:
            if place >= start:
                yield canvas.drawn(current)
            place += 1


class Canvas:
    """Draws frames into one size; holds the graph for the shape and colours of the frames it saw last."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        self._graph: Graph | None = None
        self._shape: tuple[object, ...] = ()
        self._reformatter = VideoReformatter()

    def drawn(self, frame: VideoFrame) -> VideoFrame:
        """The frame in the canvas's size; the frame itself is left as it is."""
        if (frame.width, frame.height) == self._size and not frame.rotation:
            return to_bt709(frame, self._reformatter)
        rgb = frame.format.is_rgb
        matrix = matrix_of(frame.colorspace, frame.height, rgb=rgb)
        span = range_of(frame.color_range, frame.format.name, rgb=rgb)
        shape = (frame.width, frame.height, frame.format.name, matrix, span, frame.rotation % 360)
        if self._graph is None or self._shape != shape:
            self._graph, self._shape = self._configured(frame, matrix, span), shape
        frame.pts = None
        self._graph.vpush(frame)
        return self._graph.vpull()

    def _configured(self, frame: VideoFrame, matrix: str, span: str) -> Graph:
        graph = Graph()
        graph.threads = 1
        width, height = frame.width, frame.height
        turns = _TURNS.get(frame.rotation % 360, [])
        if len(turns) == 1:
            width, height = height, width
        inner = fitted((width, height), self._size)
        left, top = ((self._size[axis] - inner[axis]) // 4 * 2 for axis in (0, 1))
        colours = "" if matrix == "rgb" else f":in_color_matrix={matrix}:in_range={span}"
        nodes = [
            graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1000)),
            *(graph.add("transpose", f"dir={turn}") for turn in turns),
            graph.add(
                "scale",
                f"{inner[0]}:{inner[1]}:flags={_FLAGS}{colours}:out_color_matrix=bt709:out_range=limited",
            ),
            graph.add("format", "yuv420p"),
            graph.add("pad", f"{self._size[0]}:{self._size[1]}:{left}:{top}:black"),
            graph.add("setsar", "1"),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*nodes)
        graph.configure()
        return graph


def fitted(inner: tuple[int, int], outer: tuple[int, int]) -> tuple[int, int]:
    """The largest even size of `inner`'s ratio that `outer` holds."""
    scale = min(Fraction(outer[0], inner[0]), Fraction(outer[1], inner[1]))
    sizes = [min(outer[axis], max(2, round(inner[axis] * scale / 2) * 2)) for axis in (0, 1)]
    return sizes[0], sizes[1]
