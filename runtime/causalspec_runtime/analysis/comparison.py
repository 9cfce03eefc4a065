"""Two models or alignments of one task: which interchanges tell them apart, and on which tuples.

In: a `Hypothesis` and two names. Out: `Comparison`, or `Unusable`.
Invariant: every interchange of the one meets every one of the other, the whole models without an intervention besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from causalspec.files import Unusable
from causalspec.semantics.columns import joined, take
from causalspec.semantics.hypothesis import Hypothesis, Model
from causalspec_runtime.analysis.contrast import Contrast, Swap, contrast, labels
from causalspec_runtime.analysis.cover import cover
from causalspec_runtime.analysis.rivals import closest
from causalspec_runtime.analysis.universe import Universe
from causalspec_runtime.counterfactuals import Columns
from causalspec_runtime.errors import SpecError
from causalspec_runtime.plan import subsets

MOST_CONTRASTS = 400  # above it only single variables are swapped


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """A model with sets of its variables that are swapped together; `name` is the model's or the alignment's."""

    name: str
    kind: str
    model: Model
    subsets: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A pair of base and source, the labels of each swap on it, and which contrasts it separates."""

    base: Columns
    source: Columns
    left: dict[tuple[str, ...], str]
    right: dict[tuple[str, ...], str]
    separates: tuple[Contrast, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What separates two sides. `fewest`: no smaller set of the `looked` pairs separates as much."""

    universe: Universe
    left: Side
    right: Side
    untouched: Contrast  # without an intervention
    contrasts: tuple[Contrast, ...]
    faults: tuple[SpecError, ...]  # of interchanges that a model cannot compute
    examples: tuple[Example, ...]
    fewest: bool
    looked: int

    @property
    def separated(self) -> bool:
        """Whether every interchange of the one is told from every one of the other."""
        return all(item.separated for item in self.contrasts)


def compare(hypothesis: Hypothesis, one: str, two: str) -> Comparison:
    """Compare two models or alignments.

    Raises Unusable for names that do not fit, SpecError where inputs cannot be drawn.
    """
    left, right = (_side(hypothesis, name) for name in (one, two))
    if one == two:
        raise Unusable(f"`{one}` is compared with itself; name another model or alignment")
    if left.model.task != right.model.task:
        raise Unusable(f"`{one}` is of task `{left.model.task}`, `{two}` of `{right.model.task}`: no input is common")
    if len(left.subsets) * len(right.subsets) > MOST_CONTRASTS:
        left, right = _singles(left), _singles(right)
    universe = Universe.of(hypothesis.tasks[left.model.task], [left.model, right.model])
    untouched = contrast(universe, Swap(left.model, {}), Swap(right.model, {}))
    found: list[Contrast] = []
    faults: list[SpecError] = []
    for first, second in product(left.subsets, right.subsets):
        try:
            found.append(closest(universe, left.model, first, right.model, second))
        except SpecError as error:
            faults.append(error)
    examples, fewest, looked = _examples(universe, found)
    return Comparison(universe, left, right, untouched, tuple(found), tuple(faults), examples, fewest, looked)


def _side(hypothesis: Hypothesis, name: str) -> Side:
    if name in hypothesis.models:
        model = hypothesis.models[name]
        if not model.variables:
            raise Unusable(f"model `{name}` has no variable to swap")
        return Side(name, "model", model, subsets([variable.name for variable in model.variables]))
    if name in hypothesis.alignments:
        alignment = hypothesis.alignments[name]
        sets = [subset for placement in alignment.placements for subset in subsets(placement.variables)]
        return Side(name, "alignment", hypothesis.models[alignment.model], tuple(dict.fromkeys(sets)))
    from difflib import get_close_matches

    known = [*hypothesis.models, *hypothesis.alignments]
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean `{close[0]}`?" if close else f"there are: {', '.join(known) or 'none'}"
    raise Unusable(f"no model or alignment `{name}`; {hint}")


def _singles(side: Side) -> Side:
    return Side(side.name, side.kind, side.model, tuple(subset for subset in side.subsets if len(subset) == 1))


def _examples(universe: Universe, found: Sequence[Contrast]) -> tuple[tuple[Example, ...], bool, int]:
    """Few pairs that separate every contrast that a pair separates; whether they are the fewest of how many."""
    open_ = [item for item in found if item.separated and item.sources == 1]
    if not open_:
        return (), True, 0
    partings = [parting for item in open_ for parting in item.partings]
    columns = [
        _stacked([universe.block(0, 0), *(item.base for item in partings)]),
        _stacked([universe.block(0, 1), *(item.sources[0] for item in partings)]),
    ]
    words, answers = universe.population.words, universe.population.task.output.type.words
    swaps = {swap.key: swap for item in open_ for swap in (item.left, item.right)}
    said = {key: labels(swap, columns, words) for key, swap in swaps.items()}
    apart = np.stack([said[item.left.key] != said[item.right.key] for item in open_], axis=1)
    chosen = cover(apart)

    def texts(swaps: Sequence[Swap], row: int) -> dict[tuple[str, ...], str]:
        return {swap.variables: answers[int(said[swap.key][row])] for swap in swaps}

    ones, others = [item.left for item in open_], [item.right for item in open_]

    def example(row: int) -> Example:
        base, source = ({name: take(column, np.array([row])) for name, column in part.items()} for part in columns)
        separates = tuple(item for item, told in zip(open_, apart[row].tolist(), strict=True) if told)
        return Example(base, source, texts(ones, row), texts(others, row), separates)

    return tuple(map(example, chosen.rows)), chosen.fewest, len(apart)


def _stacked(parts: Sequence[Columns]) -> Columns:
    return {name: joined([part[name] for part in parts]) for name in parts[0]}
