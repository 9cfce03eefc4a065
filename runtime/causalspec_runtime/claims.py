"""Judge claims: scores with intervals in, verdicts out.

In: a checked `Formula` and a board that gives each score as an `Estimate`. Out: `ClaimResult`.
Invariant: a claim is supported only if the lower end of what it asks reaches the threshold, refuted only if the upper
end misses it, and refuted only where the positive control passed (meaning.md, Statistics).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from causalspec.semantics.claim_check import scores_of
from causalspec.semantics.claims import Arithmetic, Comparison, Connective, Formula, Literally, Score, Term
from causalspec.semantics.hypothesis import Claim
from causalspec.span import Source
from causalspec_runtime.results import ClaimResult, TermResult, Verdict
from causalspec_runtime.statistics import Estimate, decisive_n, verdict

LEVEL = 0.95


class Board(Protocol):
    """Where the scores of a run are looked up."""

    def score(self, score: Score, *, among_answers: bool, level: float) -> Estimate:
        """The estimate of one score; `among_answers` asks for the argmax among the answers only."""
        ...

    def refutable(self, score: Score) -> bool:
        """Whether the positive control of the score's alignment passed."""
        ...


@dataclass(frozen=True, slots=True)
class Judged:
    """A formula's verdict, with the comparison that decides it."""

    verdict: Verdict
    estimate: Estimate
    notes: tuple[str, ...]


def judge(claim: Claim, source: Source, board: Board, *, post_hoc: bool) -> ClaimResult:
    """The verdict of a claim, each of its scores beside it."""
    judged = _formula(claim.formula, board, LEVEL)
    terms: dict[str, TermResult] = {}
    for score in scores_of(claim.formula):
        estimate = board.score(score, among_answers=_with_random_weights(claim.formula), level=LEVEL)
        text = " ".join(source.slice(score.span).split())
        terms[text] = TermResult(text=text, value=estimate.value, ci=(estimate.low, estimate.high), n=round(estimate.n))
    return ClaimResult(
        title=claim.title,
        text=claim.text,
        verdict=judged.verdict,
        value=judged.estimate.value,
        ci=(judged.estimate.low, judged.estimate.high),
        post_hoc=post_hoc,
        terms=tuple(terms.values()),
        notes=judged.notes,
    )


def _formula(formula: Formula, board: Board, level: float) -> Judged:
    match formula:
        case Comparison():
            return _comparison(formula, board, level)
        case Connective(op="not", parts=(only,)):
            inner = _formula(only, board, level)
            turned: Mapping[Verdict, Verdict] = {
                "supported": "refuted",
                "refuted": "supported",
                "undecided": "undecided",
            }
            return Judged(turned[inner.verdict], inner.estimate, inner.notes)
        case Connective(op="and", parts=parts):
            return _joined([_formula(part, board, level) for part in parts], ("refuted", "undecided", "supported"))
        case Connective(parts=parts):
            part_level = 1 - (1 - level) / len(parts)
            return _joined([_formula(part, board, part_level) for part in parts], ("supported", "undecided", "refuted"))


def _joined(parts: Sequence[Judged], deciding: tuple[Verdict, ...]) -> Judged:
    """Kleene: the first verdict of `deciding` that any part has."""
    for wanted in deciding:
        for part in parts:
            if part.verdict == wanted:
                return Judged(wanted, part.estimate, tuple(note for item in parts for note in item.notes))
    raise AssertionError("a connective has parts")


def _comparison(comparison: Comparison, board: Board, level: float) -> Judged:
    """`left op right` as left − right against 0, or left against a number."""
    among = _with_random_weights(comparison)
    left, right = comparison.left, comparison.right
    if isinstance(left, Literally) and not isinstance(right, Literally):
        mirrored = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
        return _comparison(Comparison(mirrored[comparison.op], right, left, comparison.span), board, level)  # type: ignore[arg-type]
    value = _term(left, board, level, among)
    if isinstance(right, Literally):
        threshold, estimate = right.value, value
    else:
        threshold, estimate = 0.0, value - _term(right, board, level, among)
    above = comparison.op in (">", ">=")
    found = verdict(estimate, threshold) if above else verdict(-estimate, -threshold)
    notes: list[str] = []
    if among:
        notes.append("scored among the answers, since fresh weights rarely say an answer at all")
    if found == "undecided":
        needed = decisive_n(estimate, threshold)
        if needed is not None:
            notes.append(f"about {needed:,} test tuples would decide")
    scores = list(scores_of(comparison))
    if found == "refuted" and above and not all(board.refutable(score) for score in scores):
        notes.append(
            "not refuted: the method misses the output at the last token too, so missing a variable says little"
        )
        found = "undecided"
    return Judged(found, estimate, tuple(notes))


def _with_random_weights(formula: Formula) -> bool:
    return any(score.control == "random_weights" for score in scores_of(formula))


def _term(term: Term, board: Board, level: float, among: bool) -> Estimate:
    match term:
        case Literally(value=value):
            return Estimate.exact(value)
        case Score():
            return board.score(term, among_answers=among, level=level)
        case Arithmetic(op=op, left=left, right=right):
            a, b = _term(left, board, level, among), _term(right, board, level, among)
            operations: Mapping[str, Callable[[], Estimate]] = {
                "+": lambda: a + b,
                "-": lambda: a - b,
                "*": lambda: a.scaled(b.value) if isinstance(right, Literally) else b.scaled(a.value),
            }
            return operations[op]()
