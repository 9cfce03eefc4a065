"""Chance levels of every alignment and subset of its variables.

In: a `Universe`, its placements, how many tuples. Out: `Level`s; where an experiment asks for tuples that cannot be had,
`SpecError` E06.
Invariant: the tuples are those that a run with these numbers is judged on, so that its report has the same levels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from causalspec.semantics.hypothesis import Hypothesis
from causalspec_runtime.analysis.rivals import Placed
from causalspec_runtime.analysis.universe import Universe
from causalspec_runtime.chance import Floors, Rival, floors, rivals
from causalspec_runtime.counterfactuals import Split, Strata, TupleSet, evaluation_set
from causalspec_runtime.counterfactuals.strata import survey
from causalspec_runtime.errors import SpecError
from causalspec_runtime.plan import subsets

UNASKED = (2_000, 500, 120, 30)  # tuples where no experiment says how many: the first number that can be had


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """What is chance for one subset of an alignment's variables."""

    alignment: str
    subset: tuple[str, ...]
    floors: Floors
    rivals: tuple[Rival, ...]
    strata: Strata
    tuples: int  # that the rivals' agreement was counted on; 0 where it was not


def levels(universe: Universe, place: Placed, asked: int | None) -> Iterator[Level]:
    """The levels of a placement's subsets, on `asked` tuples.

    Raises SpecError (E0605).
    """
    others = [model for model in universe.models if model is not place.model]
    aligned = {model.name: tuple(variable.name for variable in model.variables) for model in universe.models}
    for subset in subsets(place.placement.variables):
        drawn = _tuples(universe, place, subset, asked)
        if drawn is None:
            strata = survey(universe.population, place.model, subset, place.alignment.balance)
            yield Level(place.alignment.name, subset, floors(strata), (), strata, 0)
            continue
        found = rivals(drawn, universe.population, place.model, others, aligned)
        yield Level(place.alignment.name, subset, floors(drawn.strata), found, drawn.strata, len(drawn))


def _tuples(universe: Universe, place: Placed, subset: tuple[str, ...], asked: int | None) -> TupleSet | None:
    """`asked` test tuples, or the first of some numbers that can be had; None where none can.

    Raises SpecError: E0605 of what was asked for.
    """
    most = (
        (universe.size or 10 * UNASKED[0] * len(subset)) // 2 // (len(subset) + 1)
    )  # half of the prompts are for tests
    for number in (asked,) if asked is not None else (number for number in UNASKED if number <= most):
        try:
            return evaluation_set(
                universe.population, place.model, subset, Split.TEST, number, balance=place.alignment.balance
            )
        except SpecError:
            if asked is not None:
                raise
    return None


def asked(hypothesis: Hypothesis, alignment: str) -> int | None:
    """The test tuples that the first experiment with an alignment asks for."""
    return next((item.test for item in hypothesis.experiments.values() if alignment in item.alignments), None)
