"""What a claim says, resolved: comparisons of scores of alignments, joined by and, or, not."""

from __future__ import annotations

from typing import Literal

from causalspec.record import record
from causalspec.span import Span

Quantity = Literal["iia", "gain", "width"]
Selection = Literal["best", "mean", "typical", "single"]


@record
class Score:
    """`best(gain(left.above), control = random_weights, on = narrow)`.

    `variables` are those of one placement of the alignment: one name, or all names of a joint placement.
    `selection` is `single` where the alignment has one site and none was asked for.
    """

    selection: Selection
    quantity: Quantity
    alignment: str
    placement: int  # index into the alignment's placements
    control: str | None
    on: str | None
    span: Span


@record
class Literally:
    """A number, as a float: claims are statistics, not decimals."""

    value: float
    span: Span


@record
class Arithmetic:
    """`+ - *` of two terms."""

    op: Literal["+", "-", "*"]
    left: Term
    right: Term
    span: Span


Term = Score | Literally | Arithmetic


@record
class Comparison:
    """`left op right`."""

    op: Literal["<", "<=", ">", ">="]
    left: Term
    right: Term
    span: Span


@record
class Connective:
    """`and`, `or` of at least two parts, or `not` of one."""

    op: Literal["and", "or", "not"]
    parts: tuple[Formula, ...]
    span: Span


Formula = Comparison | Connective
