"""Claims of a high score that nothing compares with chance architecture.

In: a `Hypothesis`. Out: diagnostics W0805.
Invariant: a claim that asks for a control, or whose experiments measure one, is not told.
"""

from __future__ import annotations

from collections.abc import Iterator

from causalspec.diagnostics import Diagnostic
from causalspec.semantics.claim_check import scores_of
from causalspec.semantics.claims import Arithmetic, Comparison, Connective, Formula, Score, Term
from causalspec.semantics.hypothesis import Claim, Hypothesis

CONTROLS = ("random_weights", "random_rotation")


def uncontrolled(hypothesis: Hypothesis) -> Iterator[Diagnostic]:
    """W0805 at the claim."""
    for claim in hypothesis.claims:
        names = dict.fromkeys(score.alignment for score in praised(claim.formula))
        open_ = [name for name in names if not _controlled(hypothesis, claim, name)]
        if open_:
            yield Diagnostic(
                "W0805",
                f"nothing controls this claim about {' and '.join(f'`{name}`' for name in open_)}",
                claim.span,
                "a search over sites and rotations can find a high score where nothing was learned",
                help="add `control random_weights, random_rotation` to the experiment, or compare with one in a claim",
            )


def praised(formula: Formula) -> Iterator[Score]:
    """Scores of IIA or gain that a claim says are high: on the greater side of a comparison."""
    match formula:
        case Connective(op="not"):
            return
        case Connective(parts=parts):
            for part in parts:
                yield from praised(part)
        case Comparison(op=op, left=left, right=right):
            yield from _added(left if op in (">", ">=") else right)


def _added(term: Term) -> Iterator[Score]:
    match term:
        case Score(quantity="iia" | "gain", control=None):
            yield term
        case Arithmetic(op=op, left=left, right=right):
            yield from _added(left)
            if op != "-":
                yield from _added(right)


def _controlled(hypothesis: Hypothesis, claim: Claim, alignment: str) -> bool:
    """Whether the claim, another one, or an experiment that runs the alignment has a control of it."""
    asked = (score for item in hypothesis.claims for score in scores_of(item.formula))
    if any(score.alignment == alignment and score.control in CONTROLS for score in asked):
        return True
    running = [item for item in hypothesis.experiments.values() if alignment in item.alignments]
    return any(set(CONTROLS) & set(item.controls) for item in running)
