"""Where the boxes of a graph go: left to right in layers, with few crossings and short ways. Knows boxes and edges.

Layers by the longest path; long edges get a lane of their own; order within a layer by the barycentre of the
neighbours; heights by isotonic regression, so that each box lies as near to its neighbours as its layer lets it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

Point = tuple[float, float]
COLUMN_GAP = 44.0
ROW_GAP = 14.0
PART_GAP = 34.0
LANE_HEIGHT = 2.0
MOST_LANES = 6000  # beyond that many places along long edges, they go straight
SWEEPS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`boxes` are upper left corners, in the order given; `edges` are points from box to box, by (from, to)."""

    boxes: list[Point]
    edges: dict[tuple[int, int], list[Point]]
    width: float
    height: float


@dataclass(slots=True, kw_only=True)
class _Part:
    """A connected part of the graph, laid out from its own upper left corner."""

    boxes: dict[int, Point]
    edges: dict[tuple[int, int], list[Point]]
    width: float
    height: float


def layout(sizes: Sequence[tuple[float, float]], needs: Mapping[int, Sequence[int]]) -> Layout:
    """Places boxes 0 to n-1 of these sizes; `needs[i]` lie left of i, and each is less than i."""
    parts = [_lay(members, sizes, needs) for members in _parts(len(sizes), needs)]
    boxes: list[Point] = [(0.0, 0.0)] * len(sizes)
    edges: dict[tuple[int, int], list[Point]] = {}
    area = sum((part.width + PART_GAP) * (part.height + PART_GAP) for part in parts)
    wide = max([part.width for part in parts] + [min(1600.0, (area * 1.8) ** 0.5)], default=0.0)
    x = y = tall = right = 0.0
    for part in parts:
        if x and x + part.width > wide:
            x, y, tall = 0.0, y + tall + PART_GAP, 0.0
        for name, (left, top) in part.boxes.items():
            boxes[name] = (x + left, y + top)
        for ends, points in part.edges.items():
            edges[ends] = [(x + left, y + top) for left, top in points]
        right, tall = max(right, x + part.width), max(tall, part.height)
        x += part.width + PART_GAP
    return Layout(boxes=boxes, edges=edges, width=right, height=y + tall)


def _parts(count: int, needs: Mapping[int, Sequence[int]]) -> list[list[int]]:
    """The connected parts, each in order, by their first box."""
    root = list(range(count))

    def find(name: int) -> int:
        while root[name] != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    for name, before in needs.items():
        for other in before:
            a, b = find(name), find(other)
            root[max(a, b)] = min(a, b)
    parts: dict[int, list[int]] = {}
    for name in range(count):
        parts.setdefault(find(name), []).append(name)
    return list(parts.values())


def _lay(members: Sequence[int], sizes: Sequence[tuple[float, float]], needs: Mapping[int, Sequence[int]]) -> _Part:
    """One connected part."""
    layer = _layers(members, needs)
    ways, extra = _ways(members, needs, layer)
    heights = {name: sizes[name][1] for name in members} | dict.fromkeys(extra, LANE_HEIGHT)
    layer |= extra
    left: dict[int, list[int]] = {name: [] for name in heights}
    right: dict[int, list[int]] = {name: [] for name in heights}
    for way in ways.values():
        for a, b in pairwise(way):
            if layer[b] == layer[a] + 1:
                right[a].append(b)
                left[b].append(a)
    columns: list[list[int]] = [[] for _ in range(max(layer.values()) + 1)]
    for name in heights:
        columns[layer[name]].append(name)
    _order(columns, left, right)
    middle = _levels(columns, heights, left, right)
    widths = [max(sizes[name][0] for name in column if name >= 0) for column in columns]
    starts = [x + COLUMN_GAP * i for i, x in enumerate(accumulate(widths[:-1], initial=0.0))]
    top = min(middle[name] - heights[name] / 2 for name in heights)
    bottom = max(middle[name] + heights[name] / 2 for name in heights)
    boxes: dict[int, Point] = {}
    for name in members:
        column = layer[name]
        indent = (widths[column] - sizes[name][0]) / 2
        boxes[name] = (starts[column] + indent, middle[name] - heights[name] / 2 - top)
    edges = {
        ends: _points(way, boxes, sizes, starts, widths, layer, {name: middle[name] - top for name in way})
        for ends, way in ways.items()
    }
    return _Part(boxes=boxes, edges=edges, width=starts[-1] + widths[-1], height=bottom - top)


def _layers(members: Sequence[int], needs: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """Each box one layer behind the last of what it needs; what needs nothing lies just before its followers."""
    layer: dict[int, int] = {}
    nearest: dict[int, int] = {}
    for name in members:
        layer[name] = max((layer[other] + 1 for other in needs.get(name, ())), default=0)
    for name in reversed(members):
        if not needs.get(name) and name in nearest:
            layer[name] = nearest[name] - 1
        for other in needs.get(name, ()):
            nearest[other] = min(nearest.get(other, layer[name]), layer[name])
    return layer


def _ways(
    members: Sequence[int], needs: Mapping[int, Sequence[int]], layer: Mapping[int, int]
) -> tuple[dict[tuple[int, int], list[int]], dict[int, int]]:
    """Each edge as boxes and lanes (negative numbers) from layer to layer, and the layer of each lane."""
    lanes: dict[int, int] = {}
    total = sum(max(0, layer[name] - layer[other] - 1) for name in members for other in needs.get(name, ()))
    ways: dict[tuple[int, int], list[int]] = {}
    for name in members:
        for other in needs.get(name, ()):
            between = range(layer[other] + 1, layer[name]) if total <= MOST_LANES else ()
            way = [other]
            for column in between:
                lane = -1 - len(lanes)
                lanes[lane] = column
                way.append(lane)
            ways[other, name] = [*way, name]
    return ways, lanes


def _order(columns: list[list[int]], left: Mapping[int, list[int]], right: Mapping[int, list[int]]) -> None:
    """Sorts each column by where its neighbours are, back and forth; stops early when nothing moves."""
    place = {name: float(i) for column in columns for i, name in enumerate(column)}
    for sweep in range(SWEEPS):
        beside = left if sweep % 2 == 0 else right
        moved = False
        for column in columns if sweep % 2 == 0 else reversed(columns):
            weight = {
                name: sum(place[n] for n in beside[name]) / len(beside[name]) if beside[name] else place[name]
                for name in column
            }
            ordered = sorted(column, key=weight.__getitem__)
            if ordered != column:
                moved = True
                column[:] = ordered
            for i, name in enumerate(column):
                place[name] = float(i)
        if not moved and sweep:
            return


def _levels(
    columns: Sequence[Sequence[int]],
    heights: Mapping[int, float],
    left: Mapping[int, list[int]],
    right: Mapping[int, list[int]],
) -> dict[int, float]:
    """The middle of each box: as near to its neighbours' as order and gaps allow."""
    middle: dict[int, float] = {}
    for column in columns:
        y = 0.0
        for name in column:
            middle[name] = y + heights[name] / 2
            y += heights[name] + ROW_GAP
        for name in column:
            middle[name] -= (y - ROW_GAP) / 2
    for beside in (left, right, left, right):
        for column in columns if beside is left else reversed(columns):
            wish = [
                sum(middle[n] for n in beside[name]) / len(beside[name]) if beside[name] else middle[name]
                for name in column
            ]
            for name, y in zip(column, _apart(wish, [heights[name] for name in column]), strict=True):
                middle[name] = y
    return middle


def _apart(wish: Sequence[float], heights: Sequence[float]) -> list[float]:
    """The places nearest to those wished for, in the same order and with a gap between neighbours."""
    offset = [0.0]
    for above, below in pairwise(heights):
        offset.append(offset[-1] + (above + below) / 2 + ROW_GAP)
    pools: list[tuple[float, int]] = []
    for y, distance in zip(wish, offset, strict=True):
        total, count = y - distance, 1
        while pools and pools[-1][0] / pools[-1][1] >= total / count:
            before, many = pools.pop()
            total, count = total + before, count + many
        pools.append((total, count))
    found: list[float] = []
    for total, count in pools:
        found.extend([total / count] * count)
    return [y + distance for y, distance in zip(found, offset, strict=True)]


def _points(
    way: Sequence[int],
    boxes: Mapping[int, Point],
    sizes: Sequence[tuple[float, float]],
    starts: Sequence[float],
    widths: Sequence[float],
    layer: Mapping[int, int],
    middle: Mapping[int, float],
) -> list[Point]:
    """From the right side of the first box, along the lanes, to the left side of the last."""
    first, last = way[0], way[-1]
    points = [(boxes[first][0] + sizes[first][0], middle[first])]
    for lane in way[1:-1]:
        column = layer[lane]
        points += [(starts[column], middle[lane]), (starts[column] + widths[column], middle[lane])]
    return [*points, (boxes[last][0], middle[last])]
