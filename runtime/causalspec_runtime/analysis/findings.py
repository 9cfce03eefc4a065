"""Everything that can be said of a checked spec without an LM: for `check --data`.

In: a `Hypothesis` and the diagnostics of `check`. Out: `Findings`: chance levels, and the diagnostics with those of the
analysis, in the order of the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from causalspec.diagnostics import Diagnostic, Report
from causalspec.semantics.hypothesis import Hypothesis
from causalspec_runtime.analysis import domains, rivals, twins, vacuous
from causalspec_runtime.analysis.controls import uncontrolled
from causalspec_runtime.analysis.levels import Level, asked, levels
from causalspec_runtime.analysis.universe import Universe
from causalspec_runtime.errors import SpecError


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What `check --data` adds to `check`."""

    levels: tuple[Level, ...]
    diagnostics: tuple[Diagnostic, ...]


def findings(hypothesis: Hypothesis, diagnostics: Sequence[Diagnostic]) -> Findings:
    """Every pass over every task of a spec."""
    report = Report(hypothesis.source, list(diagnostics))
    found: list[Level] = []
    for name in hypothesis.tasks:
        try:
            found += _task(hypothesis, name, report)
        except SpecError as error:
            report.items += error.diagnostics
    report.items += uncontrolled(hypothesis)
    return Findings(tuple(found), report.sorted())


def _task(hypothesis: Hypothesis, name: str, report: Report) -> list[Level]:
    """The passes over one task; its chance levels. Raises SpecError where its inputs cannot be drawn."""
    models = [model for model in hypothesis.models.values() if model.task == name]
    universe = Universe.of(hypothesis.tasks[name], models)
    alignments = list(hypothesis.alignments.values())
    places = rivals.placed(alignments, models)
    variants = [variant for variant in hypothesis.variants.values() if variant.base == name]
    for model in models:
        report.items = list(domains.settled(universe, model, places, variants, report.items))
        report.items += vacuous.told(vacuous.vacuous(universe, model), alignments)
        report.items += twins.told(twins.twins(universe, [(model, variable) for variable in model.variables]))
    alike = rivals.unseparated(universe, places)
    report.items += rivals.told(alike)
    report.items += twins.told(_between(universe, places, alike))
    found: list[Level] = []
    for place in () if report.failed else places:
        try:
            found += levels(universe, place, asked(hypothesis, place.alignment.name))
        except SpecError as error:
            report.items += error.diagnostics
    return found


def _between(
    universe: Universe, places: Sequence[rivals.Placed], alike: Sequence[rivals.Unseparated]
) -> list[twins.Twins]:
    """Aligned variables of rivals that are one, where that was not told of their interchanges."""
    aligned = {
        (place.model.name, name): (place.model, place.model.variable(name))
        for place in places
        for name in place.placement.variables
    }
    told = {
        tuple((swap.model.name, name) for swap in (item.left, item.right) for name in swap.origins)
        for pair in alike
        for item in pair.contrasts
    }
    return [
        item
        for item in twins.twins(universe, list(aligned.values()))
        if item.left[0] is not item.right[0]
        and ((item.left[0].name, item.left[1].name), (item.right[0].name, item.right[1].name)) not in told
    ]
