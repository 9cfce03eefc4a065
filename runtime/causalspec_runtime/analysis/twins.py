"""Variables that are one under two names: a renaming of values turns one into the other on every input.

In: a `Universe` and variables of its models. Out: `Twins`, and diagnostics W0802.
Invariant: of drawn inputs only those that agree with an earlier one in a variable can refute a renaming; variables that
hardly ever repeat a value are called twins only by their text or over all inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from causalspec.diagnostics import Diagnostic, Label
from causalspec.semantics.hypothesis import Model, Variable
from causalspec_runtime.analysis.sameness import Texts
from causalspec_runtime.analysis.universe import BLOCKS, Evidence, Universe, flat, rows_as_codes
from causalspec_runtime.counterfactuals import Columns
from causalspec_runtime.counterfactuals.labels import value_of
from causalspec_runtime.errors import SpecError

Named = tuple[Model, Variable]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Twins:
    """Two variables with a bijection between their values; `renamed` where the values themselves differ or may."""

    left: Named
    right: Named
    evidence: Evidence
    renamed: bool

    def __str__(self) -> str:
        same = "a renaming of values turns one into the other" if self.renamed else "they have the same value"
        if self.evidence.kind == "text":
            return "both are the same expression"
        if self.evidence.kind == "all":
            return f"{same} on all {self.evidence.count:,} inputs"
        return f"{same} on {self.evidence.count:,} drawn inputs"


def twins(universe: Universe, variables: Sequence[Named]) -> tuple[Twins, ...]:
    """Every pair among some variables that is one variable; constants and those that cannot be computed are left out."""
    texts = Texts(universe.population.task)
    computed: dict[int, Codes] = {}
    start = universe.points.columns if universe.points else universe.block(0)
    for index, named in enumerate(variables):
        try:
            computed[index] = _codes(universe, named, start)
        except SpecError:  # told where domains are looked at
            continue
    found = (
        _twins(universe, variables[i], variables[j], texts, (computed[i], computed[j]))
        for i, j in combinations(computed, 2)
        if computed[i].max() and computed[j].max()
    )
    return tuple(item for item in found if item is not None)


def told(found: Sequence[Twins]) -> Iterator[Diagnostic]:
    """W0802 at the later variable, once: with the first that it equals."""
    said: set[tuple[str, str]] = set()
    for item in found:
        (model, first), (other, second) = item.left, item.right
        if (other.name, second.name) in said:
            continue
        said.add((other.name, second.name))
        of = "" if model is other else f" of `{other.name}`"
        yield Diagnostic(
            "W0802",
            f"`{second.name}`{of} is `{first.name}`{'' if model is other else f' of `{model.name}`'} under another name",
            second.span,
            str(item),
            labels=(Label(first.span, f"`{first.name}`"),),
            help="no LM could have one without the other: a score of the one is a score of the other",
        )


def _twins(universe: Universe, left: Named, right: Named, texts: Texts, codes: tuple[Codes, Codes]) -> Twins | None:
    if texts.variable(left[0], left[1].name) == texts.variable(right[0], right[1].name):
        return Twins(left, right, Evidence("text", 0, "inputs"), renamed=False)
    if not bijective(*codes):
        return None
    if universe.points is not None:
        return Twins(left, right, Evidence("all", len(codes[0]), "inputs"), renamed=True)
    blocks = [universe.block(number) for number in BLOCKS]
    every = [np.concatenate([_raw(universe, named, block) for block in blocks], axis=1) for named in (left, right)]
    one, two = (rows_as_codes(tuple(part), part.shape[1]) for part in every)
    if not bijective(one, two) or 2 * (int(one.max()) + 1) > len(one):
        return None
    return Twins(left, right, Evidence("drawn", len(one), "inputs"), renamed=True)


def bijective(one: Codes, two: Codes) -> bool:
    """Whether equal codes meet equal codes, both ways."""
    together = rows_as_codes((one, two), len(one))
    return int(one.max()) == int(two.max()) == int(together.max())


def _codes(universe: Universe, named: Named, columns: Columns) -> Codes:
    raw = _raw(universe, named, columns)
    return rows_as_codes(tuple(raw), raw.shape[1])


def _raw(universe: Universe, named: Named, columns: Columns) -> npt.NDArray[np.generic]:
    return np.stack(flat(value_of(named[0], named[1].name, columns, universe.population.words)))
