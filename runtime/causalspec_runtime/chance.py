"""What a score is worth by chance, from the causal models alone.

In: the `Strata` of tuples for `Floors`; a `TupleSet`, the model that labelled it and rival models for `Rival`s.
Invariant: no LM is involved; agreement is balanced over strata like the IIA that it is compared with; `answer_only` is
at least each of the other floors.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from causalspec.semantics.columns import Array
from causalspec.semantics.hypothesis import Model
from causalspec_runtime.counterfactuals import Population, Strata, TupleSet, counterfactual, outputs, values
from causalspec_runtime.counterfactuals.inputs import Columns
from causalspec_runtime.errors import SpecError
from causalspec_runtime.statistics import Estimate

MOST_ASSIGNMENTS = 4_096
INPUTS = "inputs"  # the name of the rival whose variables are the task's inputs
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Floors:
    """Shares of balanced tuples."""

    no_op: float  # label = base output
    full_swap: float  # label = output of one source, the best one
    majority: float  # the most frequent label
    answer_only: float  # the best guess from the base's and sources' outputs


@dataclass(frozen=True, slots=True)
class Rival:
    """The best agreement of a model's counterfactual output with the labels.

    `assignment` says for each variable where it is taken from: `base`, `source`, or `source of V`.
    """

    model: str
    agreement: float
    assignment: Mapping[str, str]


def floors(strata: Strata) -> Floors:
    """The chance levels of balanced tuples: of all that there can be, not of those that were drawn."""
    last = strata.sources + 1
    base, sources, label = strata.cells[:, 0], strata.cells[:, 1:last], strata.cells[:, last]
    return Floors(
        no_op=strata.balanced(base == label),
        full_swap=max(strata.balanced(source == label) for source in sources.T),
        majority=max(strata.balanced(label == answer) for answer in np.unique(label)),
        answer_only=best_guess(strata.cells[:, : last + 1], strata.weights),
    )


def best_guess(cells: Ints, weights: Floats) -> float:
    """Σ over (base output, source outputs) of the largest weight of a label; exactly 1 where outputs tell every label.

    It is what someone who sees only the outputs scores at best. `cells` [n, k + 2]: base output, source outputs, label.
    """
    _, seen = np.unique(cells[:, :-1], axis=0, return_inverse=True)
    pairs, place = np.unique(np.stack([seen.ravel(), cells[:, -1]], axis=1), axis=0, return_inverse=True)
    totals = np.bincount(place.ravel(), weights=weights)
    order = np.lexsort((-totals, pairs[:, 0]))
    lost = np.zeros(len(pairs), dtype=np.bool_)
    lost[order[1:]] = pairs[order[1:], 0] == pairs[order[:-1], 0]  # all but the first of each
    return 1 - math.fsum(totals[lost].tolist())


def gain(iia: float, floor: float) -> float:
    """(IIA − answer_only) / (1 − answer_only): 0 at the floor, 1 at the top; 0 where the floor is the top."""
    return (iia - floor) / (1 - floor) if floor < 1 else 0.0


def gain_estimate(iia: Estimate, floor: float) -> Estimate:
    """`gain` with its interval; where the outputs alone tell every label, nothing is known: −1 … 1."""
    if floor >= 1:
        return Estimate(0.0, -1.0, 1.0, iia.n)
    return iia.shifted(-floor).scaled(1 / (1 - floor))


def expected_if_true(all_right: float, answers: int) -> float:
    """What a true hypothesis would score where the LM is right on base and sources with probability `all_right`.

    The rest is spread over the answers. Not a bound: a true hypothesis may score higher.
    """
    return all_right + (1 - all_right) / answers


def rivals(
    tuples: TupleSet,
    population: Population,
    model: Model,
    others: Sequence[Model],
    aligned: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Rival, ...]:
    """The best agreement of each other model, and of the task's inputs taken as variables, with the labels.

    `aligned` names the variables that stand for a model with more than 4,096 assignments.
    """
    found = [_rival(tuples, population, other, (aligned or {}).get(other.name, ())) for other in others]
    return (*found, _inputs_rival(tuples, population, model))


def _rival(tuples: TupleSet, population: Population, other: Model, aligned: Sequence[str]) -> Rival:
    names = [variable.name for variable in other.variables]
    origins = len(tuples.subset) + 1
    if origins ** len(names) > MOST_ASSIGNMENTS and aligned:
        names = [name for name in names if name in aligned]
    base = tuples.rows(tuples.base)
    sources = [values(other, tuples.rows(tuples.sources[:, i]), population.words) for i in range(origins - 1)]

    def output(origin: Mapping[str, int]) -> Array:
        held = {name: sources[place - 1][name] for name, place in origin.items() if place}
        return counterfactual(other, base, held, population.words)

    def scored() -> Iterator[tuple[float, Mapping[str, int]]]:
        for origin in _assignments(names, origins):
            try:
                found = output(origin)
            except SpecError:  # values that this model cannot hold together
                continue
            yield _agreement(tuples, found), origin

    return _best(tuples, other.name, scored())


def _inputs_rival(tuples: TupleSet, population: Population, model: Model) -> Rival:
    """Each input from the base or a source; the output by the alignment's own model.

    An assignment whose inputs together leave what the model can compute is passed over.
    """
    rows = [tuples.rows(tuples.prompts[:, i]) for i in range(len(tuples.subset) + 1)]
    names = [item.name for item in population.task.inputs]

    def scored() -> Iterator[tuple[float, Mapping[str, int]]]:
        for origin in _assignments(names, len(rows)):
            inputs: Columns = {name: rows[origin[name]][name] for name in names}
            try:
                found = outputs(model, population.sampler.with_lets(inputs), population.words)
            except SpecError:
                continue
            yield _agreement(tuples, found), origin

    return _best(tuples, INPUTS, scored())


def _agreement(tuples: TupleSet, found: Array) -> float:
    return tuples.balanced(found == tuples.label)


def _best(tuples: TupleSet, name: str, scored: Iterator[tuple[float, Mapping[str, int]]]) -> Rival:
    """The most agreement; among equals the assignment that comes first, which takes the fewest from sources."""
    agreement, origin = max(scored, key=lambda pair: pair[0])
    places = ["base", *(f"source of {name}" for name in tuples.subset)]
    if len(tuples.subset) == 1:
        places[1] = "source"
    return Rival(name, agreement, {key: places[place] for key, place in origin.items()})


def _assignments(names: Sequence[str], origins: int) -> Iterator[dict[str, int]]:
    """Which of `origins` (0: the base) each name is taken from: fewest changes first, at most 4,096."""
    left = MOST_ASSIGNMENTS
    for size in range(len(names) + 1):
        for changed in combinations(names, size):
            for places in product(range(1, origins), repeat=size):
                if not left:
                    return
                left -= 1
                yield dict.fromkeys(names, 0) | dict(zip(changed, places, strict=True))
