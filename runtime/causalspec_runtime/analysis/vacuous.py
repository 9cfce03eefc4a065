"""Variables whose interchange never changes the output.

In: a `Universe`. Out: `Vacuous` variables, each with why; diagnostics W0801 and, where one is aligned but no ancestor of
the output, W0803.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from causalspec.diagnostics import Diagnostic, Label
from causalspec.semantics.columns import joined
from causalspec.semantics.core import references
from causalspec.semantics.hypothesis import Alignment, Model, Placement, Variable
from causalspec_runtime.analysis.contrast import Swap, contrast
from causalspec_runtime.analysis.universe import BLOCKS, DRAWS, Evidence, Universe, flat
from causalspec_runtime.counterfactuals.labels import value_of
from causalspec_runtime.errors import SpecError


@dataclass(frozen=True, slots=True)
class Vacuous:
    """`why`: the output does not read it, it has one value, or no change of its value matters."""

    model: Model
    variable: Variable
    why: Literal["unread", "constant", "idle"]
    evidence: Evidence

    def __str__(self) -> str:
        if self.why == "unread":
            return "the output does not depend on it"
        if self.why == "constant":
            inputs = "every input" if self.evidence.proved else f"all of {DRAWS:,} drawn inputs"
            return f"the output reads it, but it has the same value on {inputs}"
        if self.evidence.proved:
            return f"the output reads it, but no change of its value matters: {self.evidence}"
        return f"the output reads it, but {self.evidence} changes the output"


def vacuous(universe: Universe, model: Model) -> tuple[Vacuous, ...]:
    """The variables of a model that swap nothing; one whose swap cannot be computed is left out."""
    found: list[Vacuous] = []
    for variable in model.variables:
        try:
            result = contrast(universe, Swap.of(model, [variable.name]), Swap(model, {}))
            if not result.separated:
                found.append(Vacuous(model, variable, _why(universe, model, variable), result.evidence))
        except SpecError:  # told where domains are looked at
            continue
    return tuple(found)


def ancestors(model: Model) -> set[str]:
    """The variables that the output reads, directly or through others."""
    names = set(references(model.output))
    for variable in reversed(model.variables):
        if variable.name in names:
            names.update(references(variable.mechanism))
    return names & {variable.name for variable in model.variables}


def told(found: Sequence[Vacuous], alignments: Sequence[Alignment]) -> Iterator[Diagnostic]:
    """W0801 at the variable, W0803 at the placement of one that the output does not read."""
    for item in found:
        name, model = item.variable.name, item.model.name
        places = list(placements_of(alignments, model, name))
        if places and item.why == "unread":
            for alignment, placement in places:
                yield Diagnostic(
                    "W0803",
                    f"`{name}` is aligned in `{alignment.name}`, but is no ancestor of the output",
                    placement.span,
                    "swapping it never changes the output",
                    labels=(Label(item.variable.span, f"nothing that the output of `{model}` reads depends on it"),),
                    help="let the output depend on it, or leave it out of the alignment",
                )
            continue
        yield Diagnostic(
            "W0801",
            f"swapping `{name}` of `{model}` never changes the output",
            item.variable.span,
            str(item),
            labels=tuple(Label(placement.span, "aligned here") for _, placement in places),
            help="" if not places else "its IIA would be that of doing nothing: it cannot be a finding",
        )


def placements_of(alignments: Sequence[Alignment], model: str, name: str) -> Iterator[tuple[Alignment, Placement]]:
    """Where a variable of a model is placed."""
    for alignment in alignments:
        for placement in alignment.placements:
            if alignment.model == model and name in placement.variables:
                yield alignment, placement


def _why(universe: Universe, model: Model, variable: Variable) -> Literal["unread", "constant", "idle"]:
    if variable.name not in ancestors(model):
        return "unread"
    words = universe.population.words
    blocks = [universe.points.columns] if universe.points else [universe.block(number) for number in BLOCKS]
    values = joined([value_of(model, variable.name, columns, words) for columns in blocks])
    return "constant" if all(bool(np.all(part == part[0])) for part in flat(values)) else "idle"
