"""Check claims: what is compared, whether it names one number, whether an experiment computes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Literal, cast

from causalspec.diagnostics import Fix, Report
from causalspec.record import record
from causalspec.semantics.alignments import arguments
from causalspec.semantics.claims import (
    Arithmetic,
    Comparison,
    Connective,
    Formula,
    Literally,
    Quantity,
    Score,
    Selection,
    Term,
)
from causalspec.semantics.experiments import CONTROLS
from causalspec.semantics.expressions import a, report_unknown, unquoted, without_quotes
from causalspec.semantics.hypothesis import Alignment, Claim, Experiment, Placement
from causalspec.syntax import ast

SELECTIONS = ("best", "mean", "typical")
QUANTITIES = ("iia", "gain", "width")
TYPICAL_SEEDS = 3


@record
class ClaimChecker:
    """Checks the claims of one file."""

    alignments: Mapping[str, Alignment]
    variants: Sequence[str]
    experiments: Mapping[str, Experiment] | None  # None: one holds an error, and might compute what a claim asks for
    doubtful: set[str]  # names that were told as unknown, or whose declarations hold an error
    report: Report

    def check(self, written: ast.Claim) -> Claim | None:
        formula = self._formula(written.value)
        if formula is None:
            return None
        scores = list(scores_of(formula))
        if not scores:
            self.report.add("E0702", "this claim asks nothing of an LM", written.value.span,
                            help="for example `best(gain(left.above)) >= 0.80`")  # fmt: skip
            return None
        if self.experiments is not None:
            self._computed(scores, self.experiments)
        self._comparable(formula)
        text = " ".join(self.report.source.slice(written.value.span).split())
        return Claim(written.title.value, text, formula, written.title.span)

    def _formula(self, expression: ast.Expr) -> Formula | None:
        match expression:
            case ast.Binary(op="and" | "or" as op, left=left, right=right, span=span):
                parts = (self._formula(left), self._formula(right))
                if parts[0] is None or parts[1] is None:
                    return None
                return Connective(op, (parts[0], parts[1]), span)
            case ast.Unary(op="not", operand=operand, span=span):
                inner = self._formula(operand)
                return None if inner is None else Connective("not", (inner,), span)
            case ast.Compare():
                return self._comparison(expression)
        self.report.add("E0702", "a claim compares scores", expression.span, "this is no comparison",
                        help="for example `best(gain(left.above)) >= 0.80`")  # fmt: skip
        return None

    def _comparison(self, expression: ast.Compare) -> Formula | None:
        terms = [self._term(item) for item in expression.operands]
        parts: list[Formula] = []
        for index, op in enumerate(expression.ops):
            left, right = terms[index], terms[index + 1]
            if op not in ("<", "<=", ">", ">="):
                self.report.add("E0702", f"scores cannot be compared with `{op}`", expression.span,
                                help="a measured score is above or below: use < <= > >=")  # fmt: skip
                return None
            if left is None or right is None:
                return None
            parts.append(Comparison(cast(Literal["<", "<=", ">", ">="], op), left, right, expression.span))
        return parts[0] if len(parts) == 1 else Connective("and", tuple(parts), expression.span)

    def _term(self, expression: ast.Expr) -> Term | None:
        match expression:
            case ast.Number(digits=digits, scale=scale, span=span):
                return Literally(digits / 10**scale, span)
            case ast.Unary(op="-", operand=operand, span=span):
                inner = self._term(operand)
                return None if inner is None else Arithmetic("-", Literally(0.0, span), inner, span)
            case ast.Binary(op="+" | "-" | "*" as op, left=left, right=right, span=span):
                a, b = self._term(left), self._term(right)
                if a is None or b is None:
                    return None
                if op == "*" and not (isinstance(a, Literally) or isinstance(b, Literally)):
                    self.report.add("E0702", "one factor of a product of scores must be a number", span)
                    return None
                return Arithmetic(op, a, b, span)
            case ast.Call():
                return self._score(expression)
            case ast.Binary():
                self.report.add("E0702", f"a claim does not take the `{expression.op}` of scores", expression.span,
                                help="compare a difference: `best(gain(left)) - best(gain(mid)) >= 0.10`")  # fmt: skip
                return None
        named = isinstance(expression, ast.Name | ast.Access)
        written = self.report.source.slice(expression.span) if named else "left.above"
        self.report.add("E0702", "this is neither a score nor a number", expression.span,
                        help=f"{'write' if named else 'for example'} `best(gain({written}))`")  # fmt: skip
        return None

    def _score(self, call: ast.Call) -> Score | None:
        name = call.function.text
        if name in QUANTITIES:
            return self._quantity(call, "single", None, None, call)
        if name not in SELECTIONS:
            report_unknown(self.report, call.function, "score", (*SELECTIONS, *QUANTITIES))
            return None
        found = arguments(call, ("score",), ("control", "on"), self.report)
        inner = found.get("score")
        if not isinstance(inner, ast.Call) or inner.function.text not in QUANTITIES:
            if isinstance(inner, ast.Call):
                report_unknown(self.report, inner.function, "score", QUANTITIES)
            else:
                self.report.add(
                    "E0702", f"`{name}` takes a score", call.span, help=f"for example `{name}(gain(left.above))`"
                )
            return None
        control = self._named(found.get("control"), "control", CONTROLS)
        on = self._named(found.get("on"), "variant", self.variants)
        return self._quantity(inner, cast(Selection, name), control, on, call)

    def _named(self, expression: ast.Expr | None, what: str, known: Sequence[str]) -> str | None:
        if isinstance(expression, ast.Name):
            if expression.text in known:
                return expression.text
            if expression.text not in self.doubtful:
                report_unknown(self.report, expression, what, known)
        elif expression is not None:
            self.report.add("E0205", f"this is not the name of {a(what)}", expression.span, unquoted(expression),
                            fix=without_quotes(expression))  # fmt: skip
        return None

    def _quantity(
        self, call: ast.Call, selection: Selection, control: str | None, on: str | None, whole: ast.Call
    ) -> Score | None:
        for argument in call.arguments:
            if argument.name is not None and argument.name.text in ("control", "on"):
                self.report.add("E0205", f"`{argument.name.text}` is said to `best`, not to `{call.function.text}`",
                                argument.span, help="for example `best(iia(left), on = narrow)`")  # fmt: skip
                return None
        of = arguments(call, ("alignment",), (), self.report).get("alignment")
        match of:
            case ast.Name() as name:
                variable = None
            case ast.Access(base=ast.Name() as name, member=str() as member, member_span=span):
                variable = ast.Name(member, span)
            case _:
                self.report.add("E0702", f"`{call.function.text}` takes an alignment", call.span,
                                help="for example `gain(left)` or `gain(left.above)`")  # fmt: skip
                return None
        alignment = self.alignments.get(name.text)
        if alignment is None:
            if name.text not in self.doubtful:
                self._no_alignment(name)
                self.doubtful.add(name.text)
            return None
        index = self._placement(alignment, variable, name)
        if index is None:
            return None
        if selection == "single" and alignment.name not in self.doubtful:
            self._one_site(alignment.placements[index], whole)
        quantity = cast(Quantity, call.function.text)
        wrong = _unmeasured(quantity, selection, control, on)
        if wrong is not None:
            self.report.add("E0704", f"this is not measured: {wrong}", whole.span)
            return None
        return Score(selection, quantity, alignment.name, index, control, on, whole.span)

    def _no_alignment(self, name: ast.Name) -> None:
        """E0201, or what was meant where the name is that of a model or of a placed variable."""
        for item in self.alignments.values():
            variables = [variable for placement in item.placements for variable in placement.variables]
            if name.text == item.model or name.text in variables:
                what, meant = "a model", item.name
                if name.text in variables:
                    what, meant = "a variable", f"{item.name}.{name.text}"
                self.report.add("E0203", f"`{name.text}` is {what}, not an alignment", name.span,
                                f"did you mean `{meant}`?", fix=Fix(name.span, meant))  # fmt: skip
                return
        report_unknown(self.report, name, "alignment", self.alignments)

    def _placement(self, alignment: Alignment, variable: ast.Name | None, name: ast.Name) -> int | None:
        if variable is None:
            if len(alignment.placements) == 1:
                return 0
            if alignment.placements and alignment.name not in self.doubtful:
                self.report.add("E0701", f"`{alignment.name}` has {len(alignment.placements)} placements", name.span,
                                help=f"name a variable: `{alignment.name}.{alignment.placements[0].variables[0]}`")  # fmt: skip
            return None
        for index, placement in enumerate(alignment.placements):
            if variable.text in placement.variables:
                if len(placement.variables) > 1:
                    self.report.add(
                        "E0701", f"`{variable.text}` is placed jointly with others in `{alignment.name}`", variable.span,
                        help=f"ask for the joint score, `{alignment.name}`",
                    )  # fmt: skip
                    return None
                return index
        if alignment.name in self.doubtful:
            return None
        placed = [item for placement in alignment.placements for item in placement.variables]
        report_unknown(self.report, variable, f"variable placed in `{alignment.name}`", placed)
        return None

    def _one_site(self, placement: Placement, call: ast.Call) -> None:
        several = len(placement.tokens) > 1 or len(placement.layers) > 1
        if several or any(layer.high != layer.low for layer in placement.layers):
            self.report.add("E0701", "this score does not name one site", call.span, "the alignment has several",
                            help=f"write `best({self.report.source.slice(call.span)})` or `mean(…)`")  # fmt: skip

    def _computed(self, scores: Sequence[Score], experiments: Mapping[str, Experiment]) -> None:
        """E0703 where no experiment computes what the claim asks for."""
        for experiment in experiments.values():
            if all(lack(score, experiment) is None for score in scores):
                return
        for score in scores:
            for experiment in experiments.values():
                why = lack(score, experiment)
                if why is not None:
                    self.report.add("E0703", f"no experiment computes this: {why}", score.span,
                                    help=f"add it to experiment `{experiment.name}`")  # fmt: skip
                    return

    def _comparable(self, formula: Formula) -> None:
        """W0701: raw IIA of two alignments has two different chance levels. W0702: a comparison that is decided."""
        for comparison in comparisons_of(formula):
            holds = _decided(comparison)
            if holds is not None:
                self.report.add("W0702", f"this is {'always' if holds else 'never'} so, whatever is measured",
                                comparison.span, "IIA is 0 to 1, gain at most 1",
                                help="scores are shares: write `0.80`, not `80`")  # fmt: skip
            raw = {score.alignment for score in scores_of(comparison) if score.quantity == "iia"}
            if len(raw) > 1:
                self.report.add("W0701", "raw IIA of two alignments is compared", comparison.span,
                                "their chance levels differ", help="compare `gain`, which takes chance out")  # fmt: skip


def _decided(comparison: Comparison) -> bool | None:
    """What a comparison is for every value of its scores; None where they decide it."""
    (a, b), (c, d) = _bounds(comparison.left), _bounds(comparison.right)
    match comparison.op:
        case ">" | ">=":
            a, b, c, d = c, d, a, b
    strict = comparison.op in ("<", ">")
    if b < c or (b == c and not strict):
        return True
    return False if a > d or (a == d and strict) else None


def _bounds(term: Term) -> tuple[float, float]:
    """The least and the greatest value that a term can have."""
    match term:
        case Literally(value=value):
            return value, value
        case Score(quantity=quantity):
            return (0.0 if quantity != "gain" else -inf), (inf if quantity == "width" else 1.0)
    (a, b), (c, d) = _bounds(term.left), _bounds(term.right)
    if term.op == "+":
        return a + c, b + d
    if term.op == "-":
        return a - d, b - c
    corners = [0.0 if 0.0 in (x, y) else x * y for x in (a, b) for y in (c, d)]
    return min(corners), max(corners)


def _unmeasured(quantity: Quantity, selection: Selection, control: str | None, on: str | None) -> str | None:
    """What no run measures, in words."""
    if on is not None and control is not None:
        return "controls run on the task itself, not on variants"
    if on is not None and selection in ("mean", "typical"):
        return "on a variant only the best cell is tested"
    if quantity == "width" and (on is not None or control is not None):
        return "a width is that of the trained cells"
    return None


def lack(score: Score, experiment: Experiment) -> str | None:
    """Why an experiment does not compute a score; None where it does."""
    if score.alignment not in experiment.alignments:
        return f"`{experiment.name}` does not run `{score.alignment}`"
    if score.control is not None and score.control not in experiment.controls:
        return f"`{experiment.name}` has no control `{score.control}`"
    if score.on is not None and score.on not in experiment.transfer:
        return f"`{experiment.name}` has no transfer to `{score.on}`"
    if score.selection == "typical" and len(experiment.seeds) < TYPICAL_SEEDS:
        return f"`typical` needs {TYPICAL_SEEDS} seeds, `{experiment.name}` has {len(experiment.seeds)}"
    return None


def comparisons_of(formula: Formula) -> Iterator[Comparison]:
    """The comparisons that a formula joins."""
    if isinstance(formula, Comparison):
        yield formula
    else:
        for part in formula.parts:
            yield from comparisons_of(part)


def scores_of(formula: Formula | Term) -> Iterator[Score]:
    """The scores that a formula or a term reads."""
    match formula:
        case Score():
            yield formula
        case Connective(parts=parts):
            for part in parts:
                yield from scores_of(part)
        case Comparison(left=left, right=right) | Arithmetic(left=left, right=right):
            yield from scores_of(left)
            yield from scores_of(right)
        case Literally():
            pass
