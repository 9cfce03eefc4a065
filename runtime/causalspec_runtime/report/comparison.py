"""A comparison of two models or alignments, for people and as data.

In: `Comparison`. Out: text; a document for JSON. Invariant: a share or a `none` says of how many tuples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from causalspec.semantics.columns import value_at
from causalspec.semantics.types import value_text
from causalspec_runtime.analysis.comparison import Comparison, Example
from causalspec_runtime.analysis.contrast import Contrast, Parting, Swap
from causalspec_runtime.analysis.universe import Evidence, Universe
from causalspec_runtime.counterfactuals import Columns

MOST_ROWS = 40  # of the table
MOST_LABELS = 8  # of one model on one pair


def text(found: Comparison) -> str:
    """The comparison for people."""
    task = found.universe.population.task.name
    left, right = found.left, found.right
    lines = [f"{left.kind} {left.name} and {right.kind} {right.name}, of task {task}", ""]
    lines += _columns(
        [
            (left.model.name, right.model.name, ""),
            ("nothing", "nothing", _told(found.untouched)),
            *((_named(item.left), _named(item.right), _told(item)) for item in _shown(found.contrasts)),
        ]
    )
    lines += _left_out(found.contrasts)
    lines += [f"not computed: {error}" for error in found.faults]
    lines += ["", *_verdict(found)]
    for number, example in enumerate(found.examples, start=1):
        lines += ["", *_example(found, number, example)]
    return "\n".join(lines)


def _shown(contrasts: Sequence[Contrast]) -> list[Contrast]:
    """All, or of very many those that nothing separates."""
    return [item for item in contrasts if len(contrasts) <= MOST_ROWS or not item.separated]


def _left_out(contrasts: Sequence[Contrast]) -> Iterator[str]:
    rest = [item.share for item in contrasts if item not in _shown(contrasts)]
    if rest:
        least, most = _percent(min(rest)), _percent(max(rest))
        yield f"{len(rest)} more are separated, by {least} to {most} of pairs; --json has each"


def document(found: Comparison) -> dict[str, Any]:
    """The comparison as plain data."""
    task = found.universe.population.task
    return {
        "task": task.name,
        "left": {"name": found.left.name, "kind": found.left.kind, "model": found.left.model.name},
        "right": {"name": found.right.name, "kind": found.right.kind, "model": found.right.model.name},
        "separated": found.separated,
        "without_intervention": _contrast(found.universe, found.untouched),
        "contrasts": [_contrast(found.universe, item) for item in found.contrasts],
        "not_computed": [str(error) for error in found.faults],
        "examples": [
            {
                "base": _inputs(found.universe, item.base),
                "source": _inputs(found.universe, item.source),
                "left": [{"swapped": list(names), "label": label} for names, label in item.left.items()],
                "right": [{"swapped": list(names), "label": label} for names, label in item.right.items()],
                "separates": [[list(one.left.variables), list(one.right.variables)] for one in item.separates],
            }
            for item in found.examples
        ],
        "fewest": found.fewest,
        "pairs_looked_at": found.looked,
    }


def _contrast(universe: Universe, item: Contrast) -> dict[str, Any]:
    return {
        "left": dict(item.left.origins),
        "right": dict(item.right.origins),
        "separated": item.separated,
        "evidence": {"kind": item.evidence.kind, "count": item.evidence.count, "of": item.evidence.what},
        "share": item.share,
        "partings": [_parting(universe, parting) for parting in item.partings],
    }


def _parting(universe: Universe, parting: Parting) -> dict[str, Any]:
    return {
        "base": _inputs(universe, parting.base),
        "sources": [_inputs(universe, source) for source in parting.sources],
        "labels": list(parting.labels),
    }


def _inputs(universe: Universe, columns: Columns) -> dict[str, str]:
    names = tuple(universe.population.words)
    return {
        item.name: value_text(value_at(columns[item.name], 0, item.type, names), item.type)
        for item in universe.population.task.inputs
    }


def _named(swap: Swap) -> str:
    return ", ".join(swap.variables) or "nothing"


def _told(item: Contrast) -> str:
    if not item.separated:
        apart = " with a source for each variable" if item.sources > 1 else ""
        return f"the same output{apart}: {evidence_text(item.evidence)}"
    if item.evidence.kind == "all":
        return f"separated by {_percent(item.share)} of natural {item.evidence.what} (computed over all)"
    return f"separated by {_percent(item.share)} of {item.evidence.count:,} drawn {item.evidence.what}"


def evidence_text(evidence: Evidence) -> str:
    """What is said of swaps that nothing separates."""
    return f"{evidence} separates them" if evidence.kind == "drawn" else str(evidence)


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.1f} %"


def _verdict(found: Comparison) -> Iterator[str]:
    same = [item for item in found.contrasts if not item.separated]
    if same:
        sure = all(item.evidence.proved for item in same)
        yield "not separable:" if sure else "not separated:"
        for item in same:
            yield f"  {_named(item.left)} of {item.left.model.name} and {_named(item.right)} of {item.right.model.name}"
    else:
        yield "separable: every interchange of the one differs from every one of the other on some tuple"
    apart = [item for item in found.contrasts if item.separated and item.sources > 1]
    for item in apart:
        yield (
            f"only tuples with a source for each variable separate {_named(item.left)} of {item.left.model.name} "
            f"from {_named(item.right)} of {item.right.model.name}"
        )
        yield from (f"  {line}" for line in _parting_lines(found.universe, item))
    count = len(found.examples)
    if count == 1:
        yield "1 pair separates all that a pair separates:"
    elif count:
        how = (
            f"the fewest of the {found.looked:,} pairs looked at" if found.fewest else "chosen one by one; fewer may do"
        )
        yield f"{count} pairs together separate all that a pair separates ({how}):"


def _parting_lines(universe: Universe, item: Contrast) -> Iterator[str]:
    parting = item.partings[0]
    yield f"base      {_assignment(_inputs(universe, parting.base))}"
    for number, source in enumerate(parting.sources, start=1):
        yield f"source {number}  {_assignment(_inputs(universe, source))}"
    for swap, label in zip((item.left, item.right), parting.labels, strict=True):
        held = ", ".join(f"{name} from source {place}" for name, place in swap.origins.items())
        yield f"{swap.model.name}: {held} -> {label}"


def _example(found: Comparison, number: int, example: Example) -> Iterator[str]:
    head = f"pair {number}  "
    yield f"{head}base    {_assignment(_inputs(found.universe, example.base))}"
    yield f"{' ' * len(head)}source  {_assignment(_inputs(found.universe, example.source))}"
    for side, said in ((found.left, example.left), (found.right, example.right)):
        answers = [f"{' and '.join(names)} -> {label}" for names, label in said.items()]
        more = f", and {len(answers) - MOST_LABELS} more" if len(answers) > MOST_LABELS else ""
        yield f"{' ' * len(head)}{side.model.name}: swapping {', '.join(answers[:MOST_LABELS])}{more}"


def _assignment(inputs: dict[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in inputs.items())


def _columns(rows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for row in rows:
        yield f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}".rstrip()
