"""Mechanisms whose domains the bounds do not prove (W0301): proved by looking, refuted, or looked at longer.

In: a `Universe`, its aligned variables, the task's variants, the diagnostics of `check`. Out: the same diagnostics with
each W0301 dropped where every input and every interchange of an aligned placement keeps to the domain, on variants too;
made an error with the assignment where one does not; else with the number of draws.
Invariant: a warning is dropped only where a run cannot stop for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from causalspec.diagnostics import Diagnostic
from causalspec.semantics.hypothesis import Model, Variant
from causalspec.span import Span
from causalspec_runtime.analysis.contrast import Swap, covered
from causalspec_runtime.analysis.rivals import Placed
from causalspec_runtime.analysis.universe import BLOCKS, DRAWS, Evidence, Universe
from causalspec_runtime.counterfactuals import outputs, values
from causalspec_runtime.errors import SpecError
from causalspec_runtime.plan import subsets

UNPROVED = "W0301"


def settled(
    universe: Universe,
    model: Model,
    places: Sequence[Placed],
    variants: Sequence[Variant],
    diagnostics: Iterable[Diagnostic],
) -> Iterator[Diagnostic]:
    """The diagnostics, with those on the domains of a model's mechanisms settled."""
    items = list(diagnostics)
    open_ = [item for item in items if item.code == UNPROVED and _inside(item, model)]
    if not open_:
        yield from items
        return
    try:
        looked = list(_looked(universe, model, places))
        for variant in variants:  # a transfer computes the model there too
            looked += _on_variant(variant, model, places)
    except SpecError as error:
        yield from (item for item in items if item not in open_)
        yield from error.diagnostics
        return
    for item in items:
        if item not in open_:
            yield item
        elif not all(evidence.proved for evidence in looked):
            drawn = next(evidence for evidence in looked if not evidence.proved)
            yield replace(item, label=f"{drawn} leaves it; a run stops at the first that does")


def _on_variant(variant: Variant, model: Model, places: Sequence[Placed]) -> list[Evidence]:
    """What was computed on a variant. Raises SpecError, which says where."""
    try:
        space = Universe.of(variant.task, list(variant.models.values()))
        return list(_looked(space, variant.models[model.name], places))
    except SpecError as error:
        note = f"on variant `{variant.name}`"
        raise SpecError(*(replace(item, notes=(note, *item.notes)) for item in error.diagnostics)) from None


def _looked(universe: Universe, model: Model, places: Sequence[Placed]) -> Iterator[Evidence]:
    """What was computed without a fault: inputs, then interchanges. Raises SpecError at the first fault."""
    words = universe.population.words
    blocks = [universe.points.columns] if universe.points else (universe.block(number) for number in BLOCKS)
    for columns in blocks:
        values(model, columns, words)
        outputs(model, columns, words)
    whole = universe.size
    yield Evidence("all", whole, "inputs") if whole is not None else Evidence("drawn", DRAWS, "inputs")
    own = [item.placement.variables for item in places if item.model.name == model.name]
    for names in dict.fromkeys(subset for variables in own for subset in subsets(variables)):
        yield covered(universe, Swap.apart(model, names))


def _inside(item: Diagnostic, model: Model) -> bool:
    spans = [model.output.span, *(variable.mechanism.span for variable in model.variables)]
    return item.span is not None and any(_holds(span, item.span) for span in spans)


def _holds(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
