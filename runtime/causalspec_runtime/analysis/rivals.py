"""Alignments of rival models that no tuple tells apart.

In: a `Universe` and its alignments. Out: `Unseparated` ones, and diagnostics W0804.
Invariant: two interchanges are compared with one source for all variables; joint ones of the same size that no such
pair tells apart also with a source for each variable, over every matching of the variables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations, product

from causalspec.diagnostics import Diagnostic, Label
from causalspec.semantics.hypothesis import Alignment, Model, Placement
from causalspec_runtime.analysis.contrast import Contrast, Swap, contrast
from causalspec_runtime.analysis.universe import Universe
from causalspec_runtime.errors import SpecError
from causalspec_runtime.plan import subsets

NOTES = 6  # interchanges that a diagnostic lists


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """One placement of an alignment."""

    alignment: Alignment
    placement: Placement
    model: Model


@dataclass(frozen=True, slots=True, eq=False)
class Unseparated:
    """Two placements with the interchanges of them that no pair tells apart."""

    left: Placed
    right: Placed
    contrasts: tuple[Contrast, ...]


def placed(alignments: Sequence[Alignment], models: Sequence[Model]) -> tuple[Placed, ...]:
    """Every placement of the alignments of some models."""
    named = {model.name: model for model in models}
    return tuple(
        Placed(alignment, placement, named[alignment.model])
        for alignment in alignments
        if alignment.model in named
        for placement in alignment.placements
    )


def unseparated(universe: Universe, places: Sequence[Placed]) -> tuple[Unseparated, ...]:
    """Placements of different models with interchanges that no tuple tells apart."""
    found: list[Unseparated] = []
    for left, right in combinations(places, 2):
        if left.model is right.model:
            continue
        same = tuple(_same(universe, left, right))
        if same:
            found.append(Unseparated(left, right, same))
    return tuple(found)


def _same(universe: Universe, left: Placed, right: Placed) -> Iterator[Contrast]:
    """Interchanges that are not told apart; those that cannot be computed are told where domains are looked at."""
    for one, two in product(subsets(left.placement.variables), subsets(right.placement.variables)):
        try:
            found = closest(universe, left.model, one, right.model, two)
        except SpecError:
            continue
        if not found.separated:
            yield found


def closest(universe: Universe, left: Model, one: Sequence[str], right: Model, two: Sequence[str]) -> Contrast:
    """The contrast of two interchanges, with a source for each variable where no pair tells them apart.

    Raises SpecError where one gives a value that its model cannot hold.
    """
    found = contrast(universe, Swap.of(left, one), Swap.of(right, two))
    if found.separated or len(one) != len(two) or len(one) == 1:
        return found
    apart = [contrast(universe, Swap.apart(left, one), Swap.apart(right, order)) for order in permutations(two)]
    return next((item for item in apart if not item.separated), apart[0])


def told(found: Sequence[Unseparated]) -> Iterator[Diagnostic]:
    """W0804 at the later placement."""
    for item in found:
        left, right = item.left, item.right
        names = f"`{left.alignment.name}` and `{right.alignment.name}`"
        yield Diagnostic(
            "W0804",
            f"no pair of base and source separates some interchanges of {names}",
            right.placement.span,
            f"`{right.model.name}` says the same as `{left.model.name}` under those in the notes",
            labels=(Label(left.placement.span, f"of `{left.model.name}`"),),
            notes=tuple(_notes(item)),
            help="a score of these variables speaks for neither model against the other",
        )


def _notes(item: Unseparated) -> Iterator[str]:
    for result in item.contrasts[:NOTES]:
        yield f"{swapped(result)}: {result.evidence}"
    more = len(item.contrasts) - NOTES
    if more > 0:
        names = f"{item.left.alignment.name} {item.right.alignment.name}"
        yield f"{more} more interchanges; `causalspec compare FILE {names}` shows all"


def swapped(result: Contrast) -> str:
    """`above` of `left_boundary`, `above` of `both_boundaries`."""
    sides = ", ".join(f"{listed(side)} of `{side.model.name}`" for side in (result.left, result.right))
    return sides + (", each variable from a source of its own" if result.sources > 1 else "")


def listed(swap: Swap) -> str:
    """`above` and `below`."""
    return " and ".join(f"`{name}`" for name in swap.origins)
