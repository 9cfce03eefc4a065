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

from causalspec.diagnostics import Diagnostic
from causalspec.semantics.columns import WIDEST, Array, Column, length, take
from causalspec.semantics.hypothesis import Model, Task
from causalspec.semantics.types import Number, Type, Words, count, value_text, values_of
from causalspec_runtime.counterfactuals.inputs import Columns, Points
from causalspec_runtime.counterfactuals.labels import counterfactual, outputs, value_of
from causalspec_runtime.counterfactuals.population import Population
from causalspec_runtime.errors import SpecError

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
    balanced: tuple[str, ...] = ()  # `same = true` on the base and on each source, in the order of the names

    def __str__(self) -> str:
        sources = ", ".join(self.sources)
        found = f"base {self.base}, source{'s' if len(self.sources) > 1 else ''} {sources} -> {self.label}"
        return f"{found} with {', '.join(self.balanced)}" if self.balanced else found


@dataclass(frozen=True, slots=True, eq=False)
class Strata:
    """The feasible cells. `codes` are sorted and say which cell is meant, in the order of `items`."""

    items: tuple[Stratum, ...]
    codes: Ints
    cells: (
        Ints  # [cells, k + 2 + b]: base output, source outputs, label, balanced values on the base and on each source
    )
    weights: Floats  # [cells], adding up to 1: of balanced tuples, the same for each item, inside one by natural shares
    answers: int
    sources: int
    radices: Ints  # how many numbers each column of a cell has
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
        """The stratum of each tuple from its cell; −1 where it has none."""
        codes = _codes(_pattern(cells, self.sources) if self.patterns else cells, self.radices)
        places = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        return np.where(self.codes[places] == codes, places, -1)


def survey(population: Population, model: Model, subset: Sequence[str], balance: Sequence[str] = ()) -> Strata:
    """The strata of the tuples that swap `subset`, each variable from a source of its own.

    Cells are told apart by the values of `balance` on the base and on each source, too.
    """
    balanced = Balanced.of(population.task, model, balance)
    radices = _radices(population.task, model, subset, balanced)
    found = _exact(population, model, subset, balanced, radices)
    exact = found is not None
    cells, shares = found if found is not None else _estimated(population, model, subset, balanced, radices)
    return _strata(population.task, cells, shares, len(subset), exact, balanced, radices)


def _radices(task: Task, model: Model, subset: Sequence[str], balanced: "Balanced") -> Ints:
    """How many numbers each column of a cell has. Raises SpecError (E0605) where cells cannot be numbered."""
    sizes = [count(type_) for type_ in balanced.types]
    radices = [len(task.output.type.words)] * (len(subset) + 2) + sizes * (len(subset) + 1)
    if math.prod(radices) >= WIDEST:
        names = " and ".join(f"`{name}`" for name in subset)
        raise SpecError(Diagnostic("E0605", f"the tuples of {names} are of too many kinds to be balanced", model.span,
                                   f"{math.prod(radices):.1e} combinations of outputs and balanced values",
                                   help="swap fewer variables together, or balance fewer"))  # fmt: skip
    return np.array(radices, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Balanced:
    """Variables of a model, inputs and lets that tuples are balanced over, with their types."""

    names: tuple[str, ...]
    types: tuple[Type, ...]

    @classmethod
    def of(cls, task: Task, model: Model, names: Sequence[str]) -> "Balanced":
        """The types of some names; a variable of the model may not have the name of an input."""
        types = {item.name: item.type for item in task.inputs} | {item.name: item.value.type for item in task.lets}
        types |= {item.name: item.type for item in model.variables}
        return cls(tuple(names), tuple(types[name] for name in names))

    def codes(self, model: Model, columns: Columns, population: Population) -> Ints:
        """[rows, names]: the values on some inputs, from 0."""
        rows = length(next(iter(columns.values())))
        found = np.empty((rows, len(self.names)), dtype=np.int64)
        for place, (name, type_) in enumerate(zip(self.names, self.types, strict=True)):
            column = columns[name] if name in columns else value_of(model, name, columns, population.words)
            assert not isinstance(column, tuple)
            if isinstance(type_, Number):
                column = column - type_.low
            elif isinstance(type_, Words):
                code_of = np.zeros(len(population.words), dtype=np.int64)
                code_of[[population.words[word] for word in type_.words]] = np.arange(len(type_.words))
                column = code_of[column]
            found[:, place] = column.astype(np.int64)
        return found

    def text(self, codes: Sequence[int]) -> tuple[str, ...]:
        """`same = true, true`: the values on the base and on each source."""
        width = len(self.names)
        return tuple(
            f"{name} = {', '.join(value_text(values_of(type_)[code], type_) for code in codes[place::width])}"
            for place, (name, type_) in enumerate(zip(self.names, self.types, strict=True))
        )


def cells_of(base: Array, sources: Array, label: Array, balanced: Sequence[Ints] = ()) -> Ints:
    """[n, k + 2 + b]: base output, source outputs, label, and balanced values of the base and of each source."""
    return np.concatenate([base[:, None], sources, label[:, None], *balanced], axis=1).astype(np.int64)


def _strata(
    task: Task, cells: Ints, shares: Floats, sources: int, exact: bool, balanced: Balanced, radices: Ints
) -> Strata:
    words = task.output.type.words
    outputs_only = len(np.unique(cells[:, : sources + 2], axis=0)) if len(balanced.names) else len(cells)
    patterns = outputs_only > MOST_CELLS
    kinds = _pattern(cells, sources) if patterns else cells
    codes, first, index = np.unique(_codes(kinds, radices), return_index=True, return_inverse=True)
    names = [chr(ord("a") + letter) for letter in range(sources + 2)] if patterns else list(words)
    of_items = np.bincount(index, weights=shares)
    items = tuple(
        _stratum([names[code] for code in row[: sources + 2]], float(share), balanced.text(row[sources + 2 :]))
        for row, share in zip(kinds[first].tolist(), of_items, strict=True)
    )
    every = len(words) ** (sources + 2) <= MOST_CELLS and not balanced.names
    missing = _missing(words, items, sources + 2) if every else ()
    weights = shares / of_items[index] / len(items)
    return Strata(items, codes, cells, weights, len(words), sources, radices, patterns, exact, missing)


def _stratum(row: Sequence[str], share: float, balanced: tuple[str, ...] = ()) -> Stratum:
    return Stratum(row[0], tuple(row[1:-1]), row[-1], share, balanced)


def _missing(words: Sequence[str], items: Sequence[Stratum], size: int) -> tuple[str, ...]:
    present = {(item.base, *item.sources, item.label) for item in items}
    every = product(words, repeat=size)
    return tuple(str(_stratum(row, 0.0)) for row in every if row not in present)


def _estimated(
    population: Population, model: Model, subset: Sequence[str], balanced: Balanced, radices: Ints
) -> tuple[Ints, Floats]:
    rng = population.stream(model.name, *subset, "survey")
    totals: dict[int, int] = {}
    drawn = 0
    while drawn < SURVEY:
        rows = min(BLOCK, SURVEY - drawn)
        codes = _codes(_natural(population, model, subset, balanced, rows, rng), radices)
        for code, times in zip(*(part.tolist() for part in np.unique(codes, return_counts=True)), strict=True):
            totals[code] = totals.get(code, 0) + times
        drawn += rows
    codes = np.array(sorted(totals), dtype=np.int64)
    shares = np.array([totals[code] / drawn for code in codes.tolist()])
    return _cells(codes, radices), shares


def _natural(
    population: Population,
    model: Model,
    subset: Sequence[str],
    balanced: Balanced,
    rows: int,
    rng: np.random.Generator,
) -> Ints:
    words, sampler = population.words, population.sampler
    held: dict[str, Column] = {}
    source_outputs: list[Array] = []
    extras: list[Ints] = []
    for name in subset:
        source = sampler.draw(rows, rng)
        extras.append(balanced.codes(model, source, population))
        held[name] = value_of(model, name, source, words)
        source_outputs.append(outputs(model, source, words))
    base = sampler.draw(rows, rng)
    label = counterfactual(model, base, held, words)
    extras.insert(0, balanced.codes(model, base, population))
    return cells_of(outputs(model, base, words), np.stack(source_outputs, axis=1), label, extras)


def _exact(
    population: Population, model: Model, subset: Sequence[str], balanced: Balanced, radices: Ints
) -> tuple[Ints, Floats] | None:
    """Every base with every kind of source; sources of one value and one output are of one kind."""
    points = population.sampler.listed(MOST_COMBINATIONS // 4)
    if points is None:
        return None
    extras = balanced.codes(model, points.columns, population)
    kinds = [_kinds(points, model, name, population, extras) for name in subset]
    sizes = [len(points.weights), *(len(kind.shares) for kind in kinds)]
    total = int(np.prod([float(size) for size in sizes]))
    if total > MOST_COMBINATIONS:
        return None
    base_outputs = outputs(model, points.columns, population.words)
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
        sides = [extras[base], *(kind.balanced[rows] for kind, rows in zip(kinds, chosen, strict=True))]
        cells = cells_of(base_outputs[base], sources, label, sides)
        codes, index = np.unique(_codes(cells, radices), return_inverse=True)
        for code, weight in zip(codes.tolist(), np.bincount(index, weights=weights).tolist(), strict=True):
            totals[code] = totals.get(code, 0.0) + weight
    codes = np.array(sorted(totals), dtype=np.int64)
    return _cells(codes, radices), np.array([totals[code] for code in codes.tolist()])


@dataclass(frozen=True, slots=True)
class _Kinds:
    """Sources that act alike: their value of a variable, their output, balanced values, their natural share."""

    values: Column
    outputs: Array
    balanced: Ints
    shares: Floats


def _kinds(points: Points, model: Model, name: str, population: Population, extras: Ints) -> _Kinds:
    column = value_of(model, name, points.columns, population.words)
    found = outputs(model, points.columns, population.words)
    index = found.astype(np.int64)
    for part in [*_flat(column), *extras.T]:
        codes = np.unique(part, return_inverse=True)[1].astype(np.int64)
        index = np.unique(index * (int(codes.max()) + 1) + codes, return_inverse=True)[1].astype(np.int64)
    _, first, index = np.unique(index, return_index=True, return_inverse=True)
    shares = np.asarray(np.bincount(index, weights=points.weights), dtype=np.float64)
    return _Kinds(take(column, first), found[first], extras[first], shares)


def _flat(column: Column) -> list[Array]:
    return [part for item in column for part in _flat(item)] if isinstance(column, tuple) else [column]


def _codes(cells: Ints, radices: Ints) -> Ints:
    return np.asarray(cells @ _places(radices), dtype=np.int64)


def _cells(codes: Ints, radices: Ints) -> Ints:
    return np.asarray(codes[:, None] // _places(radices) % radices)


def _places(radices: Ints) -> Ints:
    """What a 1 in each column is worth, the last one 1."""
    return np.concatenate([np.cumprod(radices[:0:-1])[::-1], [1]]).astype(np.int64)


def _pattern(cells: Ints, sources: int) -> Ints:
    """Letters 0, 1, … in order of appearance for outputs: equal numbers are equal outputs. Balanced values stay."""
    outputs, rest = cells[:, : sources + 2], cells[:, sources + 2 :]
    first = (outputs[:, :, None] == outputs[:, None, :]).argmax(axis=2)  # where each one's like appears first
    fresh = np.cumsum(first == np.arange(sources + 2), axis=1) - 1
    return np.concatenate([np.take_along_axis(fresh, first, axis=1), rest], axis=1)
