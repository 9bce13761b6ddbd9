"""Which shot comes before which: an order that keeps to the recipe's own where it can, and cycles told in words.

Knows nothing of video: nodes are names, edges are "needs".
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence


def order(needs: Mapping[str, Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """Every node after what it needs, otherwise in the mapping's order; and the cycles, each in reading order.

    Nodes on or behind a cycle are left out of the first list.
    """
    position = {name: i for i, name in enumerate(needs)}
    followers: dict[str, list[str]] = {name: [] for name in needs}
    waiting: dict[str, int] = {}
    for name, before in needs.items():
        distinct = set(before)
        waiting[name] = len(distinct)
        for other in distinct:
            followers[other].append(name)
    ready = [position[name] for name, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    names = list(needs)
    done: list[str] = []
    while ready:
        name = names[heapq.heappop(ready)]
        done.append(name)
        for follower in followers[name]:
            waiting[follower] -= 1
            if waiting[follower] == 0:
                heapq.heappush(ready, position[follower])
    left = [name for name in names if waiting[name] > 0]
    return done, _cycles(left, needs, position)


def _cycles(left: Sequence[str], needs: Mapping[str, Sequence[str]], position: Mapping[str, int]) -> list[list[str]]:
    """One cycle for each knot among the nodes left over, each turned so that it begins with its earliest node."""
    inside = set(left)
    seen: set[str] = set()
    cycles: list[list[str]] = []
    for start in left:
        path: list[str] = []
        on_path: dict[str, int] = {}
        node = start
        while node not in seen:
            seen.add(node)
            on_path[node] = len(path)
            path.append(node)
            node = min((n for n in needs[node] if n in inside), key=lambda n: position[n])
        if node in on_path:
            knot = path[on_path[node] :]
            first = knot.index(min(knot, key=lambda n: position[n]))
            cycles.append(knot[first:] + knot[:first])
    return cycles


def longest_remaining(needs: Mapping[str, Sequence[str]], weight: Mapping[str, float]) -> dict[str, float]:
    """For each node the weight of the heaviest path from it to an end, its own included.

    `needs` must list every node after what it needs.
    """
    rest = dict.fromkeys(needs, 0.0)
    for name in reversed(list(needs)):
        rest[name] += weight[name]
        for before in needs[name]:
            rest[before] = max(rest[before], rest[name])
    return rest


def closure(names: set[str], needs: Mapping[str, Sequence[str]]) -> set[str]:
    """The names and everything they need, near or far."""
    found = set(names)
    todo = list(names)
    while todo:
        for before in needs[todo.pop()]:
            if before not in found:
                found.add(before)
                todo.append(before)
    return found
