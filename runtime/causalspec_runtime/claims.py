"""Judge claims: scores with intervals in, verdicts out.

In: a checked `Formula` and a board that gives each score as an `Estimate`. Out: `ClaimResult`.
Invariant: a claim is supported only if the lower end of what it asks reaches the threshold, refuted only if the upper
end misses it, and refuted only where the positive control passed (meaning.md, Statistics).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from causalspec.semantics.claim_check import scores_of
from causalspec.semantics.claims import Arithmetic, Comparison, Connective, Formula, Literally, Score, Term
from causalspec.semantics.hypothesis import Claim
from causalspec.span import Source
from causalspec_runtime.results import ClaimResult, TermResult, Verdict
from causalspec_runtime.statistics import Estimate, bonferroni, decisive_n

LEVEL = 0.95
LEAST_ERROR, MOST_ERROR = 1e-9, 0.99
HALVINGS = 30


class Board(Protocol):
    """Where the scores of a run are looked up."""

    def score(self, score: Score, *, among_answers: bool, level: float) -> Estimate:
        """The estimate of one score; `among_answers` asks for the argmax among the answers only."""
        ...

    def refutable(self, score: Score) -> bool:
        """Whether the positive control of the score's alignment passed."""
        ...

    def searched(self, score: Score) -> str:
        """What was tried to find the score's variables: `METHOD at 8 sites`."""
        ...


@dataclass(frozen=True, slots=True)
class Judged:
    """A formula's verdict, with the comparison that decides it and every score that was read."""

    verdict: Verdict
    estimate: Estimate
    notes: tuple[str, ...]
    terms: tuple[tuple[Score, Estimate], ...]


def judge(
    claims: Sequence[Claim], source: Source, board: Board, *, post_hoc: Mapping[str, bool], of: int
) -> tuple[ClaimResult, ...]:
    """The verdict of each claim, its scores beside it; `of` is the number of claims in the file, `post_hoc` by text."""
    levels = [least_error(claim.formula, board) for claim in claims]
    stands = holm(levels, of)
    return tuple(
        _judged(claim, source, board, post_hoc[claim.text], level, stand)
        for claim, level, stand in zip(claims, levels, stands, strict=True)
    )


def _judged(claim: Claim, source: Source, board: Board, post_hoc: bool, error: float, stands: bool) -> ClaimResult:
    judged = _formula(claim.formula, board, LEVEL, negated=False)
    terms: dict[str, TermResult] = {}
    for score, estimate in judged.terms:
        text = " ".join(source.slice(score.span).split())
        n = None if math.isinf(estimate.n) else round(estimate.n)
        terms.setdefault(text, TermResult(text=text, value=estimate.value, ci=(estimate.low, estimate.high), n=n))
    return ClaimResult(
        title=claim.title,
        text=claim.text,
        verdict=judged.verdict,
        value=judged.estimate.value,
        ci=(judged.estimate.low, judged.estimate.high),
        post_hoc=post_hoc,
        terms=tuple(terms.values()),
        notes=judged.notes,
        p=error,
        holm=judged.verdict if stands else "undecided",
    )


def least_error(formula: Formula, board: Board) -> float:
    """The p of a verdict: the least error level at which the intervals still decide, 1 where none do.

    Found by halving; levels under 1e-9 are not told apart.
    """

    def decided(error: float) -> bool:
        return _formula(formula, board, 1 - error, negated=False).verdict != "undecided"

    if not decided(MOST_ERROR):
        return 1.0
    low, high = math.log(LEAST_ERROR), math.log(MOST_ERROR)
    if decided(LEAST_ERROR):
        return LEAST_ERROR
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if decided(math.exp(middle)) else (middle, high)
    return math.exp(high)


def holm(errors: Sequence[float], of: int) -> list[bool]:
    """Which of some verdicts stand together at the level .05, among `of` claims (Holm 1979).

    Claims without an error level here count as if they decided nothing.
    """
    stands = [False] * len(errors)
    for place, index in enumerate(sorted(range(len(errors)), key=errors.__getitem__)):
        if errors[index] > (1 - LEVEL) / (of - place):
            break
        stands[index] = True
    return stands


def _formula(formula: Formula, board: Board, level: float, *, negated: bool) -> Judged:
    """Kleene's logic. Where one part of several suffices (`or`; `and` under `not`), each part pays for the others."""
    match formula:
        case Comparison():
            return _comparison(formula, board, level)
        case Connective(op="not", parts=(only,)):
            inner = _formula(only, board, level, negated=not negated)
            turned: Mapping[Verdict, Verdict] = {
                "supported": "refuted",
                "refuted": "supported",
                "undecided": "undecided",
            }
            return replace(inner, verdict=turned[inner.verdict])
        case Connective(op=op, parts=parts):
            any_suffices = (op == "or") != negated
            each = bonferroni(level, len(parts)) if any_suffices else level
            deciding: tuple[Verdict, ...] = ("supported", "undecided", "refuted")
            found = [_formula(part, board, each, negated=negated) for part in parts]
            return _joined(found, deciding if op == "or" else deciding[::-1])


def _joined(parts: Sequence[Judged], deciding: tuple[Verdict, ...]) -> Judged:
    """The first verdict of `deciding` that any part has."""
    chosen = min(parts, key=lambda part: deciding.index(part.verdict))
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    return replace(chosen, notes=notes, terms=tuple(term for part in parts for term in part.terms))


def _comparison(comparison: Comparison, board: Board, level: float) -> Judged:
    """`left op right` as left − right against 0, or left against a number."""
    among = any(score.control == "random_weights" for score in scores_of(comparison))
    read: list[tuple[Score, Estimate]] = []
    right = comparison.right
    value = _term(comparison.left, board, level, among, read)
    threshold = right.value if isinstance(right, Literally) else 0.0
    estimate = value if isinstance(right, Literally) else value - _term(right, board, level, among, read)
    found = _verdict(comparison.op, estimate, threshold)
    notes = ["scored among the answers, since fresh weights rarely say an answer at all"] if among else []
    if found == "undecided":
        needed = decisive_n(estimate, threshold)
        notes += [f"about {needed:,} test tuples would decide"] if needed is not None else []
    elif not all(board.refutable(score) for score in _low(comparison, found)):
        notes.append("undecided: the method misses the output at the last token too, so a low score says little")
        found = "undecided"
    else:
        low = {score.alignment: board.searched(score) for score in _low(comparison, found) if score.quantity != "width"}
        notes += [f"`{name}` is low: not found by {tried}" for name, tried in low.items()]
    return Judged(found, estimate, tuple(notes), tuple(read))


def _verdict(op: str, estimate: Estimate, threshold: float) -> Verdict:
    """Of `estimate op threshold`: the whole interval must meet it, or miss it."""
    holds: Mapping[str, Callable[[float], bool]] = {
        ">=": lambda end: end >= threshold,
        ">": lambda end: end > threshold,
        "<=": lambda end: end <= threshold,
        "<": lambda end: end < threshold,
    }
    ends = [holds[op](estimate.low), holds[op](estimate.high)]
    return "supported" if all(ends) else "undecided" if any(ends) else "refuted"


def _low(comparison: Comparison, found: Verdict) -> Iterator[Score]:
    """The scores on whose being low a verdict rests."""
    is_small = (found == "refuted") == (comparison.op in (">", ">="))
    wanted = 1 if is_small else -1
    for term, sign in ((comparison.left, 1), (comparison.right, -1)):
        yield from (score for score, own in _signed(term, sign) if own == wanted and score.control is None)


def _signed(term: Term, sign: int) -> Iterator[tuple[Score, int]]:
    """The scores of a term, each with the sign it counts with."""
    match term:
        case Score():
            yield term, sign
        case Arithmetic(op="*", left=left, right=right):
            factor, rest = (left, right) if isinstance(left, Literally) else (right, left)
            turned = -sign if isinstance(factor, Literally) and factor.value < 0 else sign
            yield from _signed(rest, turned)
        case Arithmetic(op=op, left=left, right=right):
            yield from _signed(left, sign)
            yield from _signed(right, -sign if op == "-" else sign)
        case Literally():
            pass


def _term(term: Term, board: Board, level: float, among: bool, read: list[tuple[Score, Estimate]]) -> Estimate:
    match term:
        case Literally(value=value):
            return Estimate.exact(value)
        case Score():
            found = board.score(term, among_answers=among, level=level)
            read.append((term, found))
            return found
        case Arithmetic(op=op, left=left, right=right):
            a, b = _term(left, board, level, among, read), _term(right, board, level, among, read)
            if op == "*":
                return a.scaled(b.value) if isinstance(right, Literally) else b.scaled(a.value)
            return a + b if op == "+" else a - b
