"""Where the vertices of a graph stand: in columns from left to right, each edge from an earlier column to a later one.

In: names with their sizes, and edges. Out: a box for each name and a route for each edge.
The method is that of Sugiyama, Tagawa and Toda (1981): columns by longest paths, edges over several columns through a
waypoint in each, order within a column by barycentres, and heights by least squares with the order kept.
Invariant: boxes do not overlap; the same graph gives the same layout.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from causalspec.record import record

COLUMN_GAP = 76.0
ROW_GAP = 22.0
WAY = 8.0  # the height of a waypoint
SWEEPS = 12
PORT_GAP = 13.0  # between the ends of two edges at a box, at most
STRAIGHTER = 3.0  # the weight of a waypoint's height

Item = tuple[str, int]  # a name, in its own column or as a waypoint in a later one


@record
class Box:
    """A vertex's place; `x`, `y` are its left upper corner."""

    x: float
    y: float
    width: float
    height: float


@record
class Way:
    """A horizontal stretch of a route."""

    left: float
    right: float
    y: float


@record
class Layout:
    """Boxes by name, routes by edge: from the first way's right end through the others to the last one's left end."""

    boxes: Mapping[str, Box]
    routes: Mapping[tuple[str, str], tuple[Way, ...]]
    width: float
    height: float


def layered(
    sizes: Mapping[str, tuple[float, float]],
    edges: Sequence[tuple[str, str]],
    *,
    first: Iterable[str],
    late: Iterable[str],
    last: str,
) -> Layout:
    """Lay out an acyclic graph whose names stand parents first.

    `first` stand in the first column, `late` just before what reads them, `last` in the last column.
    """
    columns = _columns(list(sizes), edges, frozenset(first), frozenset(late), last)
    return _Placing(sizes, edges, columns).layout()


def _columns(
    names: Sequence[str], edges: Sequence[tuple[str, str]], first: frozenset[str], late: frozenset[str], last: str
) -> dict[str, int]:
    """The column of each name: one more than the longest path to it, or a later one for a name in `late`."""
    parents: dict[str, list[str]] = defaultdict(list)
    children: dict[str, list[str]] = defaultdict(list)
    for parent, child in edges:
        parents[child].append(parent)
        children[parent].append(child)
    found: dict[str, int] = {}
    for name in names:
        found[name] = 0 if name in first else max((found[parent] + 1 for parent in parents[name]), default=1)
    found[last] = max(found.values())
    for name in reversed(names):
        if name in late:
            found[name] = min((found[child] - 1 for child in children[name]), default=found[name])
    return found


@dataclass(slots=True)
class _Placing:
    sizes: Mapping[str, tuple[float, float]]
    edges: Sequence[tuple[str, str]]
    columns: Mapping[str, int]
    order: list[list[Item]] = field(default_factory=list)  # of each column, from the top
    left: dict[Item, list[Item]] = field(default_factory=lambda: defaultdict(list))  # neighbours
    right: dict[Item, list[Item]] = field(default_factory=lambda: defaultdict(list))
    middle: dict[Item, float] = field(default_factory=dict)  # heights

    def layout(self) -> Layout:
        self._connect()
        self._sort()
        self._lift()
        return self._result()

    def _item(self, name: str) -> Item:
        return name, self.columns[name]

    def _path(self, parent: str, child: str) -> list[Item]:
        """The items that an edge goes through; edges of one parent share their waypoints."""
        between = range(self.columns[parent], self.columns[child])
        return [*((parent, column) for column in between), self._item(child)]

    def _connect(self) -> None:
        self.order = [[] for _ in range(max(self.columns.values()) + 1)]
        links: dict[tuple[Item, Item], None] = {}
        items = dict.fromkeys(self._item(name) for name in self.sizes)
        for parent, child in self.edges:
            path = self._path(parent, child)
            items |= dict.fromkeys(path)
            links |= dict.fromkeys(pairwise(path))
        for item in items:
            self.order[item[1]].append(item)
        for one, other in links:
            self.right[one].append(other)
            self.left[other].append(one)

    # --- order in each column ---

    def _sort(self) -> None:
        """Sort columns by the mean place of their neighbours, to and fro; the order with the fewest crossings stays."""
        best, fewest = [list(column) for column in self.order], self._crossings()
        rank = {item: index for column in self.order for index, item in enumerate(column)}
        for sweep in range(SWEEPS):
            forth = sweep % 2 == 0
            numbers = range(len(self.order)) if forth else reversed(range(len(self.order)))
            for number in numbers:
                self._sort_column(number, self.left if forth else self.right, rank)
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(column) for column in self.order], crossings
        self.order = best

    def _sort_column(self, number: int, neighbours: Mapping[Item, Sequence[Item]], rank: dict[Item, int]) -> None:
        def place(item: Item) -> float:
            near = neighbours.get(item)
            return sum(rank[other] for other in near) / len(near) if near else rank[item]

        self.order[number].sort(key=place)
        rank |= {item: index for index, item in enumerate(self.order[number])}

    def _crossings(self) -> int:
        count = 0
        for column, following in pairwise(self.order):
            rank = {item: index for index, item in enumerate(following)}
            ends: list[int] = []
            for item in column:
                own = sorted(rank[other] for other in self.right.get(item, ()))
                count += sum(len(ends) - bisect_left(ends, end + 1) for end in own)
                for end in own:
                    insort(ends, end)
        return count

    # --- heights ---

    def _size(self, item: Item) -> float:
        return self.sizes[item[0]][1] if item == self._item(item[0]) else WAY

    def _lift(self) -> None:
        """Bring items to the mean height of their neighbours, to and fro."""
        for column in self.order:
            height = 0.0
            for item in column:
                self.middle[item] = height + self._size(item) / 2
                height += self._size(item) + ROW_GAP
            for item in column:
                self.middle[item] -= (height - ROW_GAP) / 2
        for sweep in range(SWEEPS):
            forth = sweep % 2 == 0
            for column in self.order if forth else reversed(self.order):
                self._lift_column(column, both=sweep >= SWEEPS - 4, forth=forth)

    def _lift_column(self, column: Sequence[Item], *, both: bool, forth: bool) -> None:
        wished, weights, steps = [], [], [0.0]
        for item, following in zip(column, [*column[1:], None], strict=True):
            near = [
                *(self.left.get(item, ()) if both or forth else ()),
                *(self.right.get(item, ()) if both or not forth else ()),
            ]
            heights = [self.middle[other] for other in near] or [self.middle[item]]
            wished.append(sum(heights) / len(heights))
            weights.append(STRAIGHTER if item != self._item(item[0]) else 1.0 if near else 0.1)
            if following is not None:
                steps.append(steps[-1] + (self._size(item) + self._size(following)) / 2 + ROW_GAP)
        placed = _rising([wish - step for wish, step in zip(wished, steps, strict=True)], weights)
        for item, place, step in zip(column, placed, steps, strict=True):
            self.middle[item] = place + step

    # --- result ---

    def _result(self) -> Layout:
        top = min(self.middle[item] - self._size(item) / 2 for item in self.middle)
        widths = [
            max((self.sizes[name][0] for name, at in column if at == self.columns[name]), default=0.0)
            for column in self.order
        ]
        lefts = [sum(widths[:number]) + number * COLUMN_GAP for number in range(len(widths))]
        boxes = {
            name: Box(lefts[column], self.middle[name, column] - height / 2 - top, widths[column], height)
            for name, (_, height) in self.sizes.items()
            for column in [self.columns[name]]
        }
        arrivals = self._arrivals()
        routes = {
            (parent, child): tuple(
                Way(lefts[item[1]], lefts[item[1]] + widths[item[1]],
                    (arrivals[parent, child] if item[0] != parent else self.middle[item]) - top)
                for item in self._path(parent, child)
            )
            for parent, child in self.edges
        }  # fmt: skip
        height = max(box.y + box.height for box in boxes.values())
        lowest = max(way.y for route in routes.values() for way in route) + WAY if routes else 0.0
        return Layout(boxes, routes, lefts[-1] + widths[-1], max(height, lowest))

    def _arrivals(self) -> dict[tuple[str, str], float]:
        """The height at which each edge ends: side by side in the order in which they come."""
        coming: dict[str, list[tuple[float, str]]] = defaultdict(list)
        for parent, child in self.edges:
            coming[child].append((self.middle[self._path(parent, child)[-2]], parent))
        found: dict[tuple[str, str], float] = {}
        for child, parents in coming.items():
            item = self._item(child)
            gap = min(PORT_GAP, self._size(item) * 0.8 / len(parents))
            for number, (_, parent) in enumerate(sorted(parents)):
                found[parent, child] = self.middle[item] + (number - (len(parents) - 1) / 2) * gap
        return found


def _rising(wished: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The non-decreasing numbers nearest to those wished, by weighted least squares (pool adjacent violators)."""
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for wish, weight in zip(wished, weights, strict=True):
        pool = (wish, weight, 1)
        while pools and pools[-1][0] >= pool[0]:
            mean, heavy, count = pools.pop()
            total = heavy + pool[1]
            pool = ((mean * heavy + pool[0] * pool[1]) / total, total, count + pool[2])
        pools.append(pool)
    return [mean for mean, _, count in pools for _ in range(count)]
