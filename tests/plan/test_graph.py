"""The order of shots, cycles in words, and the longest remaining path."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.plan import graph


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    """Any small graph, cycles included."""
    count = draw(st.integers(1, 9))
    names = [f"n{i}" for i in range(count)]
    return {name: draw(st.lists(st.sampled_from(names), max_size=3)) for name in names}


def test_keeps_to_the_given_order_where_nothing_forbids_it() -> None:
    """Nodes without needs stay as they were; one that needs a later node comes after it."""
    assert graph.order({"c": [], "a": ["b"], "b": [], "d": []}) == (["c", "b", "a", "d"], [])


def test_a_cycle_is_told_from_its_first_node() -> None:
    """However the cycle was entered, it begins with the node that is declared first; what hangs on it is left out."""
    needs = {"tail": ["b"], "a": ["c"], "b": ["a"], "c": ["b"], "free": []}
    done, cycles = graph.order(needs)
    assert done == ["free"]
    assert cycles == [["a", "c", "b"]]


@given(graphs())
def test_every_node_is_ordered_or_on_or_behind_a_cycle(needs: dict[str, list[str]]) -> None:
    """What is ordered comes after all it needs; each cycle is one; and there is a cycle exactly when nodes are left."""
    done, cycles = graph.order(needs)
    place = {name: i for i, name in enumerate(done)}
    for name in done:
        assert all(place[before] < place[name] for before in needs[name])
    for cycle in cycles:
        assert all(after in needs[before] for before, after in zip(cycle, [*cycle[1:], cycle[0]], strict=True))
    assert bool(cycles) == (len(done) < len(needs))


def test_longest_remaining_path_counts_a_node_and_the_heaviest_way_to_an_end() -> None:
    """A diamond's first node has the heavier branch before it."""
    needs = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
    weight = {"a": 1.0, "b": 5.0, "c": 2.0, "d": 1.0}
    assert graph.longest_remaining(needs, weight) == {"a": 7.0, "b": 6.0, "c": 3.0, "d": 1.0}


def test_closure_is_everything_needed_near_or_far() -> None:
    """Only what is upstream is in it."""
    assert graph.closure({"c"}, {"a": [], "b": ["a"], "c": ["b"], "d": ["c"]}) == {"a", "b", "c"}
