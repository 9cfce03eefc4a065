"""Whether two interchanges of a task ever have different outputs.

In: a `Universe` and pairs of `Swap`s. Out: a `Contrast` each: tuples that tell them apart, or what proves or suggests
that there is none.
Invariant: first the text, then every base with every kind of source where that is at most 10^7, else 10^6 draws; the
evidence says which. A variable that swaps nothing is told from the empty swap in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import mul

import numpy as np
import numpy.typing as npt

from causalspec.semantics.columns import Array, Column, take
from causalspec.semantics.core import references
from causalspec.semantics.hypothesis import Model
from causalspec_runtime.analysis.sameness import Texts
from causalspec_runtime.analysis.universe import BLOCK, BLOCKS, Evidence, Kinds, Universe, kinds
from causalspec_runtime.counterfactuals import Columns, counterfactual
from causalspec_runtime.counterfactuals.labels import value_of

MOST_TUPLES = 10**7  # that are enumerated
FEW = 1 << 20  # that are enumerated before any draw
LISTED_FIRST = 100_000  # assignments whose kinds are found before any draw
SHOWN = 3  # tuples kept of those that tell two swaps apart
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Swap:
    """An interchange: variables of a model, each held at its value on a source (numbered from 1)."""

    model: Model
    origins: Mapping[str, int]

    @classmethod
    def of(cls, model: Model, names: Sequence[str]) -> Swap:
        """All of some variables from one source."""
        return cls(model, dict.fromkeys(names, 1))

    @classmethod
    def apart(cls, model: Model, names: Sequence[str]) -> Swap:
        """Each variable from a source of its own, in the order given."""
        return cls(model, {name: place for place, name in enumerate(names, start=1)})

    @property
    def sources(self) -> int:
        return max(self.origins.values(), default=0)

    @property
    def key(self) -> tuple[str, tuple[tuple[str, int], ...]]:
        return self.model.name, tuple(sorted(self.origins.items()))

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(self.origins)


@dataclass(frozen=True, slots=True, eq=False)
class Parting:
    """A tuple on which two swaps differ: one row each of base and sources, and the two labels."""

    base: Columns
    sources: tuple[Columns, ...]
    labels: tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """What was found of two swaps; `share` of the tuples looked at, by natural weight, differ."""

    left: Swap
    right: Swap
    evidence: Evidence
    share: float
    partings: tuple[Parting, ...]

    @property
    def sources(self) -> int:
        return max(self.left.sources, self.right.sources)

    @property
    def separated(self) -> bool:
        return bool(self.partings)


def contrasts(universe: Universe, pairs: Sequence[tuple[Swap, Swap]]) -> list[Contrast]:
    """One contrast a pair. Raises SpecError where a swap gives a value that its model cannot hold."""
    texts = Texts(universe.population.task)
    first: dict[object, Array] = {}
    return [_contrast(universe, left, right, texts, first) for left, right in pairs]


def contrast(universe: Universe, left: Swap, right: Swap) -> Contrast:
    """The contrast of two swaps. Raises SpecError as `contrasts` does."""
    return contrasts(universe, [(left, right)])[0]


def tuples_of(sources: int) -> str:
    """How tuples with that many sources are called."""
    return ("inputs", "pairs of base and source")[sources] if sources < 2 else f"tuples of base and {sources} sources"


def _contrast(universe: Universe, left: Swap, right: Swap, texts: Texts, first: dict[object, Array]) -> Contrast:
    places = max(left.sources, right.sources)
    if texts.output(left.model, left.origins) == texts.output(right.model, right.origins):
        return Contrast(left, right, Evidence("text", 0, tuples_of(places)), 0.0, ())
    grid = _Grid.of(universe, left, right) if (universe.size or FEW) <= LISTED_FIRST else None
    if grid is not None and grid.size <= FEW:
        return grid.contrast()
    found = _drawn(universe, left, right, range(1), first)
    if found.separated:
        return found
    grid = grid or _Grid.of(universe, left, right)
    if grid is not None:
        return grid.contrast()
    return _drawn(universe, left, right, BLOCKS, first)


def covered(universe: Universe, swap: Swap) -> Evidence:
    """Compute a swap on every tuple, or on 10^6 drawn ones. Raises SpecError at the first that has no value."""
    nothing = Swap(swap.model, {})
    grid = _Grid.of(universe, swap, nothing)
    return grid.contrast().evidence if grid is not None else _drawn(universe, swap, nothing, BLOCKS, {}).evidence


def _drawn(universe: Universe, left: Swap, right: Swap, numbers: range, first: dict[object, Array]) -> Contrast:
    places = max(left.sources, right.sources)
    differing = looked = 0
    partings: list[Parting] = []
    for number in numbers:
        found = [_labels(universe, swap, number, first) for swap in (left, right)]
        rows = np.flatnonzero(found[0] != found[1])
        differing, looked = differing + len(rows), looked + len(found[0])
        if len(rows) and len(partings) < SHOWN:
            columns = [universe.block(number, place) for place in range(places + 1)]
            partings += partings_at(universe, columns, found, rows[: SHOWN - len(partings)])
    evidence = Evidence("drawn", looked, tuples_of(places))
    return Contrast(left, right, evidence, differing / looked, tuple(partings))


def labels(swap: Swap, columns: Sequence[Columns], words: Mapping[str, int]) -> Array:
    """The counterfactual outputs on tuples: columns of the base, then of each source. Raises SpecError."""
    held = {name: value_of(swap.model, name, columns[place], words) for name, place in swap.origins.items()}
    return counterfactual(swap.model, columns[0], held, words)


def _labels(universe: Universe, swap: Swap, number: int, first: dict[object, Array]) -> Array:
    """Labels of a block; those of the first block are kept in `first`."""
    if number == 0 and swap.key in first:
        return first[swap.key]
    words = universe.population.words
    found = labels(swap, [universe.block(number, place) for place in range(swap.sources + 1)], words)
    if number == 0:
        first[swap.key] = found
    return found


def partings_at(universe: Universe, columns: Sequence[Columns], labels: Sequence[Array], rows: Rows) -> list[Parting]:
    """The tuples in some rows of the base's and sources' columns."""
    answers = universe.population.task.output.type.words

    def row_of(place: int, row: int) -> Columns:
        return {name: take(column, np.array([row])) for name, column in columns[place].items()}

    return [
        Parting(
            row_of(0, row),
            tuple(row_of(place, row) for place in range(1, len(columns))),
            (answers[int(labels[0][row])], answers[int(labels[1][row])]),
        )
        for row in rows.tolist()
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """Every kind of base with every kind of source: rows alike in all that either swap reads are of one kind."""

    universe: Universe
    left: Swap
    right: Swap
    parts: tuple[Kinds, ...]  # of the base, then of each source

    @classmethod
    def of(cls, universe: Universe, left: Swap, right: Swap) -> _Grid | None:
        """None where there are more than 10^7. Raises SpecError."""
        points = universe.points
        if points is None:
            return None
        words, columns = universe.population.words, points.columns
        read = [column for swap in (left, right) for column in _read(swap, columns, words)]
        parts = [kinds(read, points.weights)]
        for place in range(1, max(left.sources, right.sources) + 1):
            given = [
                value_of(swap.model, name, columns, words)
                for swap in (left, right)
                for name, origin in swap.origins.items()
                if origin == place
            ]
            parts.append(kinds(given, points.weights))
        grid = cls(universe, left, right, tuple(parts))
        return grid if grid.size <= MOST_TUPLES else None

    @property
    def size(self) -> int:
        return reduce(mul, map(len, self.parts), 1)

    def contrast(self) -> Contrast:
        share = 0.0
        partings: list[Parting] = []
        for start in range(0, self.size, BLOCK):
            chosen = np.unravel_index(np.arange(start, min(start + BLOCK, self.size)), tuple(map(len, self.parts)))
            columns = [self._columns(place, rows) for place, rows in enumerate(chosen)]
            found = [labels(swap, columns, self.universe.population.words) for swap in (self.left, self.right)]
            rows = np.flatnonzero(found[0] != found[1])
            weights = reduce(mul, (part.weights[at[rows]] for part, at in zip(self.parts, chosen, strict=True)))
            share += float(np.sum(weights))
            if len(rows) and len(partings) < SHOWN:
                partings += partings_at(self.universe, columns, found, rows[: SHOWN - len(partings)])
        places = len(self.parts) - 1
        total = (self.universe.size or 0) ** (places + 1)
        evidence = Evidence("all", total, tuples_of(places))
        return Contrast(self.left, self.right, evidence, share, tuple(partings))

    def _columns(self, place: int, rows: Rows) -> Columns:
        points = self.universe.points
        assert points is not None
        return {name: take(column, self.parts[place].rows[rows]) for name, column in points.columns.items()}


def _read(swap: Swap, columns: Columns, words: Mapping[str, int]) -> list[Column]:
    """What of the base a swap's output depends on, beside the held variables; variables below those written out."""
    model = swap.model
    below = set(swap.origins)  # held, or computed from what is held
    for variable in model.variables:
        if below & set(references(variable.mechanism)):
            below.add(variable.name)
    own = {variable.name: variable for variable in model.variables}
    found: dict[str, Column] = {}
    names, seen = list(references(model.output)), set(swap.origins)
    while names:
        name = names.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in below:
            names += references(own[name].mechanism)
        elif name in own:
            found[name] = value_of(model, name, columns, words)
        else:
            found[name] = columns[name]
    return list(found.values())
