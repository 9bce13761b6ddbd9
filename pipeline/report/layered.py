"""Where the boxes of a graph go: left to right in layers, with few crossings and short ways. Knows boxes and edges.

Layers by the longest path; long edges run in lanes between the boxes, and edges to one box (or from one) share theirs;
order within a layer by the barycentre of the neighbours; heights by isotonic regression, so that each box lies as near
to its neighbours as its layer lets it.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

from pipeline.values import dataclass

Point = tuple[float, float]
COLUMN_GAP = 44.0
ROW_GAP = 14.0
PART_GAP = 26.0
LANE_HEIGHT = 2.0
MOST_LANES = 4000  # beyond that, long edges go straight
SWEEPS = 4
MOST_COUNTED = 300  # boxes and lanes of a part whose crossings are counted
PAGE_WIDTH = 1600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`boxes` are upper left corners, in the order given; `ends` are ways into a box, `lanes` all other ways."""

    boxes: list[Point]
    ends: list[tuple[Point, Point]]
    lanes: list[tuple[Point, Point]]
    width: float
    height: float


def layout(sizes: Sequence[tuple[float, float]], needs: Mapping[int, Sequence[int]]) -> Layout:
    """Places boxes 0 to n-1 of these sizes; `needs[i]` lie left of i, and each is less than i."""
    parts = [(members, _lay(members, sizes, needs)) for members in _parts(len(sizes), needs)]
    boxes: list[Point] = [(0.0, 0.0)] * len(sizes)
    ends: list[tuple[Point, Point]] = []
    lanes: list[tuple[Point, Point]] = []
    area = sum((part.width + PART_GAP) * (part.height + PART_GAP) for _, part in parts)
    wide = max([part.width for _, part in parts] + [min(PAGE_WIDTH, (area * 1.8) ** 0.5)], default=0.0)
    x = y = tall = right = 0.0
    for members, part in parts:
        if x and x + part.width > wide:
            x, y, tall = 0.0, y + tall + PART_GAP, 0.0
        for name, (left, top) in zip(members, part.boxes, strict=True):
            boxes[name] = (x + left, y + top)
        ends += [((x + a, y + b), (x + c, y + d)) for (a, b), (c, d) in part.ends]
        lanes += [((x + a, y + b), (x + c, y + d)) for (a, b), (c, d) in part.lanes]
        right, tall = max(right, x + part.width), max(tall, part.height)
        x += part.width + PART_GAP
    return Layout(boxes=boxes, ends=ends, lanes=lanes, width=right, height=y + tall)


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


def _lay(members: Sequence[int], sizes: Sequence[tuple[float, float]], needs: Mapping[int, Sequence[int]]) -> Layout:
    """One connected part, from its own upper left corner; its boxes are in the order of its members."""
    layer = _layers(members, needs)
    ways, lanes = _ways(members, needs, layer)
    heights = {name: sizes[name][1] for name in members} | dict.fromkeys(lanes, LANE_HEIGHT)
    layer |= lanes
    left: dict[int, list[int]] = {name: [] for name in heights}
    right: dict[int, list[int]] = {name: [] for name in heights}
    for a, b in ways:
        right[a].append(b)
        left[b].append(a)
    columns: list[list[int]] = [[] for _ in range(max(layer.values()) + 1)]
    for name in heights:
        columns[layer[name]].append(name)
    _order(columns, left, right)
    middle = _levels(columns, heights, left, right)
    top = min(middle[name] - heights[name] / 2 for name in heights)
    widths = [max(sizes[name][0] for name in column if name >= 0) for column in columns]
    starts = [x + COLUMN_GAP * i for i, x in enumerate(accumulate(widths[:-1], initial=0.0))]
    enters: dict[int, Point] = {}
    leaves: dict[int, Point] = {}  # at the right edge of its column, where no neighbour is in the way
    level: list[tuple[Point, Point]] = []
    for name, column in layer.items():
        wide = sizes[name][0] if name >= 0 else widths[column]
        x, y = starts[column] + (widths[column] - wide) / 2, middle[name] - top
        enters[name], leaves[name] = (x, y), (starts[column] + widths[column], y)
        if name < 0 or (right[name] and wide < widths[column]):
            level.append(((x if name < 0 else x + wide, y), leaves[name]))
    return Layout(
        boxes=[(enters[name][0], enters[name][1] - heights[name] / 2) for name in members],
        ends=[(leaves[a], enters[b]) for a, b in ways if b >= 0],
        lanes=[(leaves[a], enters[b]) for a, b in ways if b < 0] + level,
        width=starts[-1] + widths[-1],
        height=max(middle[name] + heights[name] / 2 for name in heights) - top,
    )


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
) -> tuple[list[tuple[int, int]], dict[int, int]]:
    """The edges cut into ways between boxes and lanes (negative numbers), and the layer of each lane."""
    edges = [(other, name) for name in members for other in needs.get(name, ())]
    out, into = Counter(a for a, _ in edges), Counter(b for _, b in edges)
    lanes: dict[tuple[str, int, int], int] = {}
    ways: dict[tuple[int, int], None] = {}
    for a, b in edges:
        shared = ("into", b) if into[b] >= out[a] else ("from", a)
        at = a
        for column in range(layer[a] + 1, layer[b]) if len(lanes) < MOST_LANES else ():
            lane = lanes.setdefault((*shared, column), -1 - len(lanes))
            ways[at, lane] = None
            at = lane
        ways[at, b] = None
    return list(ways), {lane: column for (_, _, column), lane in lanes.items()}


def _order(columns: list[list[int]], left: Mapping[int, list[int]], right: Mapping[int, list[int]]) -> None:
    """Sorts each column by where its neighbours are, back and forth, and keeps the order with the fewest crossings."""
    place = {name: float(i) for column in columns for i, name in enumerate(column)}
    counted = len(place) <= MOST_COUNTED
    best, fewest = [list(column) for column in columns], _crossings(columns, right) if counted else 0
    for sweep in range(2 * SWEEPS if counted else SWEEPS):
        beside = left if sweep % 2 == 0 else right
        for column in columns if sweep % 2 == 0 else reversed(columns):
            weight = {
                name: sum(place[n] for n in beside[name]) / len(beside[name]) if beside[name] else place[name]
                for name in column
            }
            column.sort(key=weight.__getitem__)
            for i, name in enumerate(column):
                place[name] = float(i)
        crossings = _crossings(columns, right) if counted else -1
        if crossings < fewest:
            best, fewest = [list(column) for column in columns], crossings
        if counted and not fewest:
            break
    columns[:] = best if counted else columns


def _crossings(columns: Sequence[Sequence[int]], right: Mapping[int, list[int]]) -> int:
    """How many pairs of ways between neighbouring columns cross."""
    total = 0
    for column, following in pairwise(columns):
        place = {name: i for i, name in enumerate(following)}
        seen: list[int] = []
        for name in column:
            ends = sorted(place[other] for other in right[name])
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


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
