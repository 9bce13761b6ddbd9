"""Where boxes go: layers, no overlap, no lost edge, whatever the graph."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.report.layered import COLUMN_GAP, Layout, layout

BOX = (100.0, 40.0)


def graph(count: int, needs: dict[int, list[int]]) -> Layout:
    return layout([BOX] * count, needs)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_boxes_never_overlap_and_lie_right_of_what_they_need(data: st.DataObject) -> None:
    """For any graph: a box begins right of everything it needs ends, and no two boxes touch."""
    count = data.draw(st.integers(1, 24))
    sizes = [data.draw(st.sampled_from([BOX, (60.0, 20.0)])) for _ in range(count)]
    needs = {i: sorted(data.draw(st.sets(st.integers(0, i - 1), max_size=3))) if i else [] for i in range(count)}
    found = layout(sizes, needs)
    for name, before in needs.items():
        for other in before:
            assert found.boxes[name][0] >= found.boxes[other][0] + sizes[other][0]
    for a, b in combinations(range(count), 2):
        (ax, ay), (bx, by) = found.boxes[a], found.boxes[b]
        apart_x = ax + sizes[a][0] <= bx or bx + sizes[b][0] <= ax
        assert apart_x or ay + sizes[a][1] <= by or by + sizes[b][1] <= ay
    for (x, y), size in zip(found.boxes, sizes, strict=True):
        assert -0.01 <= x <= x + size[0] <= found.width + 0.01
        assert -0.01 <= y <= y + size[1] <= found.height + 0.01
    entered = {(round(x, 3), round(y, 3)) for _, (x, y) in found.ends}
    for name, before in needs.items():
        x, y = found.boxes[name]
        assert ((round(x, 3), round(y + sizes[name][1] / 2, 3)) in entered) == bool(before)


def test_a_chain_is_a_straight_line() -> None:
    """Boxes in one row, one column each."""
    found = graph(4, {1: [0], 2: [1], 3: [2]})
    assert {y for _, y in found.boxes} == {0.0}
    assert [x for x, _ in found.boxes] == [i * (100 + COLUMN_GAP) for i in range(4)]


def test_a_long_edge_goes_around_the_boxes_between() -> None:
    """The way from the first to the last of a chain runs in a lane that no box lies in."""
    found = graph(3, {1: [0], 2: [1, 0]})
    _, top = found.boxes[1]
    lanes = [y for (x, y), (to_x, to_y) in found.lanes if y == to_y and x == found.boxes[1][0]]
    assert lanes
    assert all(y < top or y > top + 40 for y in lanes)


def test_crossings_are_undone() -> None:
    """Two pairs declared crosswise come out side by side."""
    found = graph(6, {3: [1], 2: [0], 4: [3, 2], 5: [0, 1]})
    order = sorted((0, 1), key=lambda i: found.boxes[i][1])
    follow = sorted((2, 3), key=lambda i: found.boxes[i][1])
    assert follow == [i + 2 for i in order]


def test_single_boxes_fill_rows() -> None:
    """What stands alone is set like words on a page, not in one long column."""
    found = graph(100, {})
    assert len({y for _, y in found.boxes}) > 5
    assert len({x for x, _ in found.boxes}) > 5


def test_nothing_takes_no_room() -> None:
    """An empty graph is a layout too."""
    assert graph(0, {}) == Layout(boxes=[], ends=[], lanes=[], width=0.0, height=0.0)
