"""Chance levels as a table, and as data.

In: `Level`s. Out: text; a document for JSON. Invariant: shares that are not computed over all tuples say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from causalspec_runtime.analysis.levels import Level
from causalspec_runtime.counterfactuals import Strata

FLOORS = ("answer_only", "no_op", "full_swap", "majority")
SHOWN = 8  # strata


def text(levels: Sequence[Level]) -> str:
    """The levels for people; empty where there are none."""
    return "\n".join(_lines(levels)) if levels else ""


def document(levels: Sequence[Level]) -> list[dict[str, Any]]:
    """The levels as plain data."""
    return [
        {
            "alignment": level.alignment,
            "variables": list(level.subset),
            "floors": {name: getattr(level.floors, name) for name in FLOORS},
            "rivals": [
                {"model": item.model, "agreement": item.agreement, "assignment": dict(item.assignment)}
                for item in level.rivals
            ],
            "rivals_counted_on": level.tuples,
            "strata": [{"cell": str(item), "natural_share": item.share} for item in level.strata.items],
            "exact": level.strata.exact,
        }
        for level in levels
    ]


def _lines(levels: Sequence[Level]) -> Iterator[str]:
    yield "chance levels, from the causal models alone: IIA of who sees only outputs, on tuples balanced over their strata"
    names = [(level.alignment, ", ".join(level.subset)) for level in levels]
    first = max(len("alignment"), *(len(name) for name, _ in names))
    second = max(len("swapped"), *(len(swapped) for _, swapped in names))
    yield f"  {'alignment':<{first}}  {'swapped':<{second}}  " + "  ".join(f"{name:>11}" for name in FLOORS)
    for level, (name, swapped) in zip(levels, names, strict=True):
        figures = "  ".join(f"{getattr(level.floors, floor):11.3f}" for floor in FLOORS)
        yield f"  {name:<{first}}  {swapped:<{second}}  {figures}"
        told = ", ".join(f"{item.model} {item.agreement:.3f}" for item in level.rivals)
        yield f"    rivals  {told or 'not counted: too few tuples can be had'}"
        yield f"    strata  {_strata(level.strata)}"


def _balanced(told: Sequence[str]) -> str:
    return f" ({'; '.join(told)})" if told else ""


def _strata(strata: Strata) -> str:
    """`Yes, Yes -> No .12`: base output, source outputs, label, share of natural tuples."""
    shown = [
        f"{', '.join((item.base, *item.sources))} -> {item.label}{_balanced(item.balanced)} {100 * item.share:.1f} %"
        for item in strata.items[:SHOWN]
    ]
    more = len(strata) - len(shown)
    how = "" if strata.exact else " (estimated from 10^6 tuples)"
    return "; ".join(shown) + (f"; {more} more, see --json" if more else "") + how
