"""Tuples of a base and sources, balanced over strata.

In: a population, a model, the variables that are swapped, a number. Out: a `TupleSet`, or `SpecError` E0605.
Invariant: every stratum has the same number of tuples (give or take one); inside a stratum tuples follow the natural
draws of the split. In an evaluation set each tuple has prompts of its own and no prompt occurs twice; between two sets
of one split (other alignments, subsets, variants) a prompt may recur by chance, which leaves the statistics of each
set as they are. Training tuples share a pool of bases and sources. Everything is a function of the seed and the names
of task, model, variables and split.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from causalspec.diagnostics import Diagnostic
from causalspec.semantics.columns import Column, joined, length, take
from causalspec.semantics.hypothesis import Model
from causalspec_runtime.counterfactuals.inputs import Columns
from causalspec_runtime.counterfactuals.labels import counterfactual, outputs, value_of
from causalspec_runtime.counterfactuals.population import Keys, Population, Split, first_occurrences
from causalspec_runtime.counterfactuals.strata import Balanced, Ints, Strata, cells_of, survey
from causalspec_runtime.errors import SpecError

BASES, SOURCES = 1_000, 3_000  # of the training pool
FEWEST_POOLED = 8
MOST_DRAWS = 10**7  # assignments, for one set
IN_VAIN = 10**6  # tuples in a row that no stratum could use
MOST_AT_ONCE = 1 << 17  # tuples


@dataclass(frozen=True, slots=True, eq=False)
class TupleSet:
    """n tuples over shared prompts. Outputs and labels are codes: places among the task's output words."""

    columns: Columns  # inputs and lets of every prompt
    base: Ints  # [n], rows of `columns`
    sources: Ints  # [n, k], rows of `columns`; column i is the source of subset[i]
    base_output: Ints  # [n]
    source_outputs: Ints  # [n, k]
    label: Ints  # [n], the counterfactual output
    stratum: Ints  # [n], index into `strata.items`
    strata: Strata
    subset: tuple[str, ...]
    split: Split

    def __len__(self) -> int:
        return len(self.base)

    @property
    def prompts(self) -> Ints:
        """[n, k + 1]: rows of the base and the sources."""
        return np.concatenate([self.base[:, None], self.sources], axis=1)

    def rows(self, chosen: npt.NDArray[np.intp] | Ints) -> Columns:
        """The inputs and lets of some prompts."""
        return {name: take(column, chosen) for name, column in self.columns.items()}

    def balanced(self, right: npt.NDArray[np.bool_]) -> float:
        """The mean over strata of the share of `right` in each; exactly 1 where all are."""
        counts, hits = np.bincount(self.stratum), np.bincount(self.stratum, weights=right)
        return math.fsum((hits[counts > 0] / counts[counts > 0]).tolist()) / int(np.count_nonzero(counts))


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Prompts that the training tuples of every alignment of a task share."""

    population: Population
    columns: Columns
    bases: Ints  # rows
    sources: Ints  # rows


def evaluation_set(
    population: Population,
    model: Model,
    subset: Sequence[str],
    split: Split,
    count: int,
    look: int = 0,
    *,
    fewest: int | None = None,
    balance: Sequence[str] = (),
) -> TupleSet:
    """`count` tuples, each with its own prompts; a `look` has no prompt of earlier looks with the same numbers and balance.

    Where there are fewer, but `fewest` at least, as many as there are. Raises SpecError (E0605) with the number that can
    be had.
    """
    strata = survey(population, model, subset, balance)
    if fewest is None:
        _enough(count, strata, population, subset, split)
    names = (model.name, *subset, *(f"balance {name}" for name in balance))
    keys: Keys | None = None
    for number in range(look + 1):
        quotas = _quotas(count, len(strata))
        drawing = _Drawing(population, model, tuple(subset), strata, quotas, split, tuple(balance), keys=keys)
        found = _drawn(drawing, count, fewest, population.stream(*names, split, f"look {number}"))
        keys = drawing.keys
    return found


def _drawn(drawing: _Drawing, count: int, fewest: int | None, rng: np.random.Generator) -> TupleSet:
    size = len(drawing.subset) + 1
    drawn = 0
    while drawing.open and drawn < MOST_DRAWS and drawing.in_vain < IN_VAIN:
        rows = drawing.batch() * size
        columns = drawing.population.draw(rows, rng, drawing.split)
        drawn += rows
        drawing.use(columns, np.arange(length(next(iter(columns.values()))) // size * size).reshape(-1, size))
    if not drawing.open:
        return drawing.result(rng.permutation(count))
    if fewest is None or drawing.balanced < fewest:
        raise SpecError(_too_few(drawing, count))
    stratum = np.concatenate([part[2] for part in drawing.parts])
    return drawing.result(rng.permutation(np.flatnonzero(_rank(stratum, len(drawing.quotas)) < drawing.filled.min())))


def training_pool(population: Population) -> Pool:
    """About 1,000 bases and 3,000 sources, no prompt twice; fewer of each where the task has fewer.

    Raises SpecError (E0605).
    """
    rng = population.stream("pool")
    columns: Columns | None = None
    for _ in range(8):
        more = population.draw(8 * (BASES + SOURCES), rng, Split.TRAIN)
        columns = more if columns is None else {name: joined([columns[name], more[name]]) for name in columns}
        chosen = np.flatnonzero(first_occurrences(population.keys(columns)))[: BASES + SOURCES]
        columns = {name: take(column, chosen) for name, column in columns.items()}
        if len(chosen) == BASES + SOURCES:
            break
    if len(chosen) < FEWEST_POOLED:
        message = f"task `{population.task.name}` has too few inputs to train on"
        raise SpecError(Diagnostic("E0605", message, population.task.span, f"only {len(chosen)} training prompts"))
    cut = len(chosen) * BASES // (BASES + SOURCES)
    rows = np.arange(len(chosen), dtype=np.int64)
    return Pool(population, columns or {}, rows[:cut], rows[cut:])


def training_set(pool: Pool, model: Model, subset: Sequence[str], count: int, balance: Sequence[str] = ()) -> TupleSet:
    """`count` tuples over a pool; a stratum that the pool hardly has repeats its tuples, one that it lacks is left out."""
    population = pool.population
    strata = survey(population, model, subset, balance)
    rng = population.stream(model.name, *subset, *(f"balance {name}" for name in balance), Split.TRAIN)
    _enough(count, strata, population, subset, Split.TRAIN)
    balanced = Balanced.of(population.task, model, balance).codes(model, pool.columns, population)
    codes = outputs(model, pool.columns, population.words).astype(np.int64)
    held = {name: value_of(model, name, pool.columns, population.words) for name in subset}
    tried = max(8 * count, 20 * len(strata))
    prompts, cells = np.empty((0, len(subset) + 1), np.int64), np.empty((0, strata.cells.shape[1]), np.int64)
    quotas = _quotas(count, len(strata))
    for _ in range(6):
        base, sources = rng.choice(pool.bases, tried), rng.choice(pool.sources, (tried, len(subset)))
        swapped = {name: take(held[name], sources[:, i]) for i, name in enumerate(subset)}
        on_base = {name: take(column, base) for name, column in pool.columns.items()}
        label = counterfactual(model, on_base, swapped, population.words)
        prompts = np.concatenate([prompts, np.concatenate([base[:, None], sources], axis=1)])
        sides = [balanced[base], *(balanced[sources[:, i]] for i in range(len(subset)))]
        cells = np.concatenate([cells, cells_of(codes[base], codes[sources], label, sides)])
        stratum = strata.of(cells)
        if (np.bincount(stratum[stratum >= 0], minlength=len(strata)) >= quotas).all():
            break
        tried = min(4 * tried, MOST_AT_ONCE)
    rows = rng.permutation(_balanced(stratum, count, len(strata)))
    return _tuple_set(pool.columns, prompts[rows], cells[rows], stratum[rows], strata, tuple(subset), Split.TRAIN)


def _balanced(stratum: Ints, count: int, strata: int) -> npt.NDArray[np.intp]:
    """Rows with the same number from every stratum that has any, repeated where they are too few."""
    present = np.flatnonzero(np.bincount(stratum[stratum >= 0], minlength=strata))
    quotas = _quotas(count, len(present))
    chosen = [np.resize(np.flatnonzero(stratum == code), quota) for code, quota in zip(present, quotas, strict=True)]
    return np.concatenate(chosen)


def _enough(count: int, strata: Strata, population: Population, subset: Sequence[str], split: Split) -> None:
    """Every kind of tuple needs one at least: else some would be left out, and no floor would fit. Raises SpecError."""
    if len(strata) > count:
        names = " and ".join(f"`{name}`" for name in subset)
        message = f"{count} {split} tuples of {names} cannot hold each of their {len(strata)} kinds"
        raise SpecError(Diagnostic("E0605", message, population.task.span, "of outputs and balanced values",
                                   help=f"ask for {len(strata)} at least, or balance fewer"))  # fmt: skip


def _quotas(count: int, strata: int) -> Ints:
    return count // strata + (np.arange(strata) < count % strata)


@dataclass(slots=True, eq=False)
class _Drawing:
    """An evaluation set while it fills."""

    population: Population
    model: Model
    subset: tuple[str, ...]
    strata: Strata
    quotas: Ints
    split: Split
    balance: tuple[str, ...] = ()
    filled: Ints = field(init=False)  # tuples found, per stratum
    parts: list[tuple[Columns, Ints, Ints]] = field(default_factory=list)  # columns tuple by tuple, cells, stratum
    keys: Keys | None = None  # of the prompts in use
    in_vain: int = 0  # tuples in a row that were of no use

    def __post_init__(self) -> None:
        self.filled = np.zeros_like(self.quotas)

    @property
    def open(self) -> bool:
        return bool((self.filled < self.quotas).any())

    @property
    def balanced(self) -> int:
        """How many tuples were found with the same number in each stratum."""
        return int(self.filled.min()) * len(self.quotas)

    def batch(self) -> int:
        """How many tuples to draw next, for the stratum that needs most."""
        needed = float(((self.quotas - self.filled) / np.maximum(self.strata.shares, 1e-6)).max())
        return int(min(max(3 * needed, 1_024), MOST_AT_ONCE))

    def use(self, columns: Columns, prompts: Ints) -> None:
        """Keep what open strata can use of the tuples whose prompts are the given rows."""
        cells, stratum = self._labelled(columns, prompts)
        wanted = np.flatnonzero((stratum >= 0) & (self.filled < self.quotas)[stratum])
        wanted = wanted[self._fresh(columns, prompts[wanted])]
        rank = _rank(stratum[wanted], len(self.quotas))
        wanted = wanted[rank < (self.quotas - self.filled)[stratum[wanted]]]
        self.in_vain = 0 if len(wanted) else self.in_vain + max(len(prompts), 1)
        if not len(wanted):
            return
        kept = {name: take(column, prompts[wanted].ravel()) for name, column in columns.items()}
        self.parts.append((kept, cells[wanted], stratum[wanted]))
        self.filled = self.filled + np.bincount(stratum[wanted], minlength=len(self.quotas))
        keys = self.population.keys(kept)
        self.keys = keys if self.keys is None else np.concatenate([self.keys, keys])

    def result(self, order: npt.NDArray[np.int64]) -> TupleSet:
        columns: Mapping[str, Column] = {
            name: joined([part[0][name] for part in self.parts]) for name in self.parts[0][0]
        }
        cells = np.concatenate([part[1] for part in self.parts])
        stratum = np.concatenate([part[2] for part in self.parts])
        size = len(self.subset) + 1
        rows = np.arange(len(cells) * size).reshape(-1, size)[order].ravel()
        shuffled = {name: take(column, rows) for name, column in columns.items()}
        prompts = np.arange(len(rows)).reshape(-1, size)
        return _tuple_set(shuffled, prompts, cells[order], stratum[order], self.strata, self.subset, self.split)

    def _labelled(self, columns: Columns, prompts: Ints) -> tuple[Ints, Ints]:
        words = self.population.words
        codes = outputs(self.model, columns, words)
        base = {name: take(column, prompts[:, 0]) for name, column in columns.items()}
        held = {
            name: take(value_of(self.model, name, columns, words), prompts[:, i + 1])
            for i, name in enumerate(self.subset)
        }
        label = counterfactual(self.model, base, held, words)
        balanced = Balanced.of(self.population.task, self.model, self.balance).codes(
            self.model, columns, self.population
        )
        sides = [balanced[prompts[:, i]] for i in range(len(self.subset) + 1)]
        cells = cells_of(codes[prompts[:, 0]], codes[prompts[:, 1:]], label, sides)
        return cells, self.strata.of(cells)

    def _fresh(self, columns: Columns, prompts: Ints) -> npt.NDArray[np.bool_]:
        """Which tuples have only prompts that are new, in this batch too."""
        keys = self.population.keys({name: take(column, prompts.ravel()) for name, column in columns.items()})
        before = 0 if self.keys is None else len(self.keys)
        every = keys if self.keys is None else np.concatenate([self.keys, keys])
        return np.asarray(first_occurrences(every)[before:].reshape(prompts.shape).all(axis=1))


def _rank(groups: Ints, count: int) -> Ints:
    """How many of the same group come before each row."""
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups, minlength=count)
    rank = np.empty(len(groups), dtype=np.int64)
    rank[order] = np.arange(len(groups)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return rank


def _tuple_set(
    columns: Columns, prompts: Ints, cells: Ints, stratum: Ints, strata: Strata, subset: tuple[str, ...], split: Split
) -> TupleSet:
    return TupleSet(
        columns,
        prompts[:, 0],
        prompts[:, 1:],
        cells[:, 0],
        cells[:, 1 : len(subset) + 1],
        cells[:, len(subset) + 1],
        stratum,
        strata,
        subset,
        split,
    )


def _too_few(drawing: _Drawing, count: int) -> Diagnostic:
    fullest = int((drawing.filled - drawing.quotas).argmin())
    found, quota = int(drawing.filled[fullest]), int(drawing.quotas[fullest])
    thin = drawing.strata.items[fullest]
    can = drawing.balanced
    task, names = drawing.population.task, " and ".join(f"`{name}`" for name in drawing.subset)
    return Diagnostic(
        "E0605",
        f"too few {drawing.split} tuples of {names} can be had from task `{task.name}`",
        task.span,
        f"{found} of {quota} with {thin}",
        notes=(f"each tuple has {len(drawing.subset) + 1} prompts of its own; {can} of {count} tuples can be had",),
        help=f"ask for at most {can}, or widen the inputs' domains" if can else "widen the inputs' domains",
    )
