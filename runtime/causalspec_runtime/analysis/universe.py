"""Every input of a task, or a million drawn ones, for passes that look for a counterexample.

In: a task and its models. Out: `Universe`, and `Evidence` of what was looked at.
Invariant: `all` is said only where every assignment was covered; draws are those of the task's density and the same
every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from causalspec.semantics.columns import Array, Column, vocabulary
from causalspec.semantics.hypothesis import Model, Task
from causalspec_runtime.counterfactuals import Columns, Population
from causalspec_runtime.counterfactuals.inputs import Points

Floats = npt.NDArray[np.float64]
MOST_POINTS = 2_500_000  # of a task's assignments that are listed
DRAWS = 10**6
BLOCK = 1 << 17  # at a time


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a finding rests on: the text alone, all tuples, or drawn ones."""

    kind: Literal["text", "all", "drawn"]
    count: int  # tuples; 0 for the text
    what: str  # `inputs`, `pairs of base and source`, …

    @property
    def proved(self) -> bool:
        return self.kind != "drawn"

    def __str__(self) -> str:
        if self.kind == "text":
            return "proved by the text alone: both are the same expression"
        if self.kind == "all":
            return f"proved over all {counted(self.count)} {self.what}"
        return f"none of {self.count:,} drawn {self.what}"


def counted(number: int) -> str:
    """`10,000`, or `4.0e+18` where nobody counts digits."""
    return f"{number:,}" if number < 10**12 else f"{number:.1e}"


@dataclass(frozen=True, slots=True, eq=False)
class Universe:
    """The assignments of one task; `points` are all of them where they can be listed."""

    population: Population
    models: tuple[Model, ...]
    points: Points | None
    _first: dict[int, Columns] = field(default_factory=dict)

    @classmethod
    def of(cls, task: Task, models: Sequence[Model]) -> Universe:
        """Raises SpecError (E06) where inputs cannot be drawn."""
        population = Population(task, vocabulary([task], models))
        return cls(population, tuple(models), population.sampler.listed(MOST_POINTS))

    @property
    def size(self) -> int | None:
        """The number of assignments, where they are listed."""
        return None if self.points is None else len(self.points.weights)

    def block(self, number: int, place: int = 0) -> Columns:
        """The `number`-th block of independent draws for the base (place 0) or a source (1 …); 10^6 in all.

        Raises SpecError.
        """
        if number == 0 and place in self._first:
            return self._first[place]
        rng = self.population.stream("analysis", str(place), str(number))
        drawn = self.population.sampler.draw(min(BLOCK, DRAWS - number * BLOCK), rng)
        if number == 0:
            self._first[place] = drawn
        return drawn


BLOCKS = range(-(-DRAWS // BLOCK))


@dataclass(frozen=True, slots=True)
class Kinds:
    """Rows that are alike in some columns: one row of each kind, and the kind's weight."""

    rows: npt.NDArray[np.intp]
    weights: Floats

    def __len__(self) -> int:
        return len(self.rows)


def kinds(columns: Sequence[Column], weights: Floats) -> Kinds:
    """The different rows of some columns; one kind where there is no column."""
    codes = rows_as_codes(columns, len(weights))
    _, rows, index = np.unique(codes, return_index=True, return_inverse=True)
    return Kinds(rows, np.asarray(np.bincount(index.ravel(), weights=weights), dtype=np.float64))


def rows_as_codes(columns: Sequence[Column], rows: int) -> npt.NDArray[np.int64]:
    """A number for each row, equal where the rows are equal in every column."""
    codes = np.zeros(rows, dtype=np.int64)
    for part in (part for column in columns for part in flat(column)):
        own = np.unique(part, return_inverse=True)[1].ravel().astype(np.int64)
        codes = np.unique(codes * (int(own.max(initial=0)) + 1) + own, return_inverse=True)[1].ravel().astype(np.int64)
    return codes


def flat(column: Column) -> list[Array]:
    """The arrays of a column, those of a tuple one by one."""
    return [part for item in column for part in flat(item)] if isinstance(column, tuple) else [column]
