"""The cells of (base output, source outputs, label) that tuples can have, with their natural shares.

In: a population, a model, the variables that are swapped. Out: `Strata`.
Invariant: shares are those of independent natural draws of base and sources; exact where the task's assignments can be
listed and combined within 10^7 points, else estimated from 10^6 tuples and flagged. Above 64 cells tuples are grouped
by the pattern of equalities among (base output, source outputs, label) instead.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from causalspec.semantics.columns import Array, Column, take
from causalspec.semantics.hypothesis import Model, Task
from causalspec_runtime.counterfactuals.inputs import Points
from causalspec_runtime.counterfactuals.labels import counterfactual, outputs, value_of
from causalspec_runtime.counterfactuals.population import Population

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
MOST_CELLS = 64
MOST_COMBINATIONS = 10**7
SURVEY = 10**6  # tuples
BLOCK = 1 << 17  # tuples at a time


@dataclass(frozen=True, slots=True)
class Stratum:
    """One cell, in the words of the output; in a pattern equal letters are equal answers."""

    base: str
    sources: tuple[str, ...]
    label: str
    share: float  # of natural tuples

    def __str__(self) -> str:
        sources = ", ".join(self.sources)
        return f"base {self.base}, source{'s' if len(self.sources) > 1 else ''} {sources} -> {self.label}"


@dataclass(frozen=True, slots=True, eq=False)
class Strata:
    """The feasible cells. `codes` are sorted and say which cell is meant, in the order of `items`."""

    items: tuple[Stratum, ...]
    codes: Ints
    cells: Ints  # [cells, k + 2]: base output, source outputs, label
    weights: Floats  # [cells], adding up to 1: of balanced tuples, the same for each item, inside one by natural shares
    answers: int
    patterns: bool
    exact: bool  # shares are computed, and missing cells impossible
    missing: tuple[str, ...]  # cells that cannot occur, or that none of the survey's tuples had

    def __len__(self) -> int:
        return len(self.items)

    @property
    def shares(self) -> Floats:
        return np.array([item.share for item in self.items])

    def balanced(self, right: npt.NDArray[np.bool_]) -> float:
        """The share of balanced tuples that are in some cells; exactly 1 for all of them."""
        return 1 - math.fsum(self.weights[~right].tolist())

    def of(self, cells: Ints) -> Ints:
        """The stratum of each tuple from its cell (base output, source outputs, label); −1 where it has none."""
        codes = _pattern_codes(cells) if self.patterns else _codes(cells, self.answers)
        places = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        return np.where(self.codes[places] == codes, places, -1)


def survey(population: Population, model: Model, subset: Sequence[str]) -> Strata:
    """The strata of the tuples that swap `subset`, each variable from a source of its own."""
    found = _exact(population, model, subset)
    exact = found is not None
    cells, shares = found if found is not None else _estimated(population, model, subset)
    return _strata(population.task, cells, shares, len(subset), exact)


def cells_of(base: Array, sources: Array, label: Array) -> Ints:
    """[n, k + 2]: base output, source outputs, label."""
    return np.concatenate([base[:, None], sources, label[:, None]], axis=1).astype(np.int64)


def _strata(task: Task, cells: Ints, shares: Floats, sources: int, exact: bool) -> Strata:
    words = task.output.type.words
    patterns = len(cells) > MOST_CELLS
    codes, first, index = np.unique(
        _pattern_codes(cells) if patterns else _codes(cells, len(words)), return_index=True, return_inverse=True
    )
    if patterns:
        names = [[chr(ord("a") + letter) for letter in row] for row in _pattern(cells[first]).tolist()]
    else:
        names = [[words[code] for code in row] for row in cells[first].tolist()]
    of_items = np.bincount(index, weights=shares)
    items = tuple(_stratum(row, float(share)) for row, share in zip(names, of_items, strict=True))
    missing = () if len(words) ** (sources + 2) > MOST_CELLS else _missing(words, items, sources + 2)
    weights = shares / of_items[index] / len(items)
    return Strata(items, codes, cells, weights, len(words), patterns, exact, missing)


def _stratum(row: Sequence[str], share: float) -> Stratum:
    return Stratum(row[0], tuple(row[1:-1]), row[-1], share)


def _missing(words: Sequence[str], items: Sequence[Stratum], size: int) -> tuple[str, ...]:
    present = {(item.base, *item.sources, item.label) for item in items}
    every = product(words, repeat=size)
    return tuple(str(_stratum(row, 0.0)) for row in every if row not in present)


def _estimated(population: Population, model: Model, subset: Sequence[str]) -> tuple[Ints, Floats]:
    rng = population.stream(model.name, *subset, "survey")
    answers = len(population.task.output.type.words)
    totals: dict[int, int] = {}
    drawn = 0
    while drawn < SURVEY:
        rows = min(BLOCK, SURVEY - drawn)
        codes = _codes(_natural(population, model, subset, rows, rng), answers)
        for code, times in zip(*(part.tolist() for part in np.unique(codes, return_counts=True)), strict=True):
            totals[code] = totals.get(code, 0) + times
        drawn += rows
    codes = np.array(sorted(totals), dtype=np.int64)
    shares = np.array([totals[code] / drawn for code in codes.tolist()])
    return _cells(codes, answers, len(subset) + 2), shares


def _natural(population: Population, model: Model, subset: Sequence[str], rows: int, rng: np.random.Generator) -> Ints:
    words, sampler = population.words, population.sampler
    held: dict[str, Column] = {}
    source_outputs: list[Array] = []
    for name in subset:
        source = sampler.draw(rows, rng)
        held[name] = value_of(model, name, source, words)
        source_outputs.append(outputs(model, source, words))
    base = sampler.draw(rows, rng)
    label = counterfactual(model, base, held, words)
    return cells_of(outputs(model, base, words), np.stack(source_outputs, axis=1), label)


def _exact(population: Population, model: Model, subset: Sequence[str]) -> tuple[Ints, Floats] | None:
    """Every base with every kind of source; sources of one value and one output are of one kind."""
    points = population.sampler.listed(MOST_COMBINATIONS // 4)
    if points is None:
        return None
    kinds = [_kinds(points, model, name, population) for name in subset]
    sizes = [len(points.weights), *(len(kind.shares) for kind in kinds)]
    total = int(np.prod([float(size) for size in sizes]))
    if total > MOST_COMBINATIONS:
        return None
    base_outputs = outputs(model, points.columns, population.words)
    answers = len(population.task.output.type.words)
    totals: dict[int, float] = {}
    for start in range(0, total, BLOCK):
        base, *chosen = np.unravel_index(np.arange(start, min(start + BLOCK, total)), sizes)
        held = {name: take(kind.values, rows) for name, kind, rows in zip(subset, kinds, chosen, strict=True)}
        columns = {name: take(column, base) for name, column in points.columns.items()}
        label = counterfactual(model, columns, held, population.words)
        sources = np.stack([kind.outputs[rows] for kind, rows in zip(kinds, chosen, strict=True)], axis=1)
        weights = points.weights[base]
        for kind, rows in zip(kinds, chosen, strict=True):
            weights = weights * kind.shares[rows]
        codes, index = np.unique(_codes(cells_of(base_outputs[base], sources, label), answers), return_inverse=True)
        for code, weight in zip(codes.tolist(), np.bincount(index, weights=weights).tolist(), strict=True):
            totals[code] = totals.get(code, 0.0) + weight
    codes = np.array(sorted(totals), dtype=np.int64)
    return _cells(codes, answers, len(subset) + 2), np.array([totals[code] for code in codes.tolist()])


@dataclass(frozen=True, slots=True)
class _Kinds:
    """Sources that act alike: their value of a variable, their output, their natural share."""

    values: Column
    outputs: Array
    shares: Floats


def _kinds(points: Points, model: Model, name: str, population: Population) -> _Kinds:
    column = value_of(model, name, points.columns, population.words)
    found = outputs(model, points.columns, population.words)
    index = found.astype(np.int64)
    for part in _flat(column):
        codes = np.unique(part, return_inverse=True)[1].astype(np.int64)
        index = np.unique(index * (int(codes.max()) + 1) + codes, return_inverse=True)[1].astype(np.int64)
    _, first, index = np.unique(index, return_index=True, return_inverse=True)
    shares = np.asarray(np.bincount(index, weights=points.weights), dtype=np.float64)
    return _Kinds(take(column, first), found[first], shares)


def _flat(column: Column) -> list[Array]:
    return [part for item in column for part in _flat(item)] if isinstance(column, tuple) else [column]


def _codes(cells: Ints, answers: int) -> Ints:
    return np.asarray(cells @ (answers ** np.arange(cells.shape[1] - 1, -1, -1, dtype=np.int64)), dtype=np.int64)


def _cells(codes: Ints, answers: int, size: int) -> Ints:
    places = answers ** np.arange(size - 1, -1, -1, dtype=np.int64)
    return codes[:, None] // places % answers


def _pattern(cells: Ints) -> Ints:
    """Letters 0, 1, … in order of appearance: equal numbers are equal outputs."""
    size = cells.shape[1]
    first = (cells[:, :, None] == cells[:, None, :]).argmax(axis=2)  # where each one's like appears first
    fresh = np.cumsum(first == np.arange(size), axis=1) - 1
    return np.take_along_axis(fresh, first, axis=1)


def _pattern_codes(cells: Ints) -> Ints:
    return _codes(_pattern(cells), cells.shape[1])
