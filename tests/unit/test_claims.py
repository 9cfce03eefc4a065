"""Claims: what is compared with what, and which verdict follows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from causalspec.semantics.check import check
from causalspec.semantics.claims import Score
from causalspec.semantics.hypothesis import Hypothesis
from causalspec.span import Source
from causalspec_runtime.claims import holm, judge
from causalspec_runtime.ledger import look, record, tell
from causalspec_runtime.results import ClaimResult
from causalspec_runtime.shares import wilson
from causalspec_runtime.statistics import Estimate
from tests.conftest import ROOT

EXAMPLE = (ROOT / "specs" / "price_tagging.cspec").read_text(encoding="utf-8")


@dataclass(frozen=True)
class FakeBoard:
    """Scores by alignment; the control scores 0.1 everywhere."""

    values: dict[str, float]
    n: int = 2_000
    passed: bool = True

    def score(self, score: Score, *, among_answers: bool, level: float) -> Estimate:
        value = 0.1 if score.control else self.values[score.alignment]
        return wilson(value, self.n, level)

    def refutable(self, score: Score) -> bool:
        return self.passed

    def searched(self, score: Score) -> str:
        return "boundless_das at these 8 sites"


def _hypothesis(claim: str) -> Hypothesis:
    text = EXAMPLE[: EXAMPLE.index('claim "')] + f'claim "x" {{ {claim} }}\n'
    hypothesis, diagnostics = check(Source("x", text))
    assert hypothesis is not None, diagnostics
    return hypothesis


def _judged(claim: str, board: FakeBoard) -> ClaimResult:
    hypothesis = _hypothesis(claim)
    (found,) = judge(hypothesis.claims, hypothesis.source, board, post_hoc={hypothesis.claims[0].text: False}, of=1)
    return found


@pytest.mark.parametrize(
    ("value", "verdict"), [(0.90, "supported"), (0.60, "refuted"), (0.805, "undecided"), (0.795, "undecided")]
)
def test_a_verdict_needs_the_whole_interval(value: float, verdict: str) -> None:
    """Supported above the threshold, refuted below it, undecided where the interval holds it."""
    assert _judged("best(iia(left.above)) >= 0.80", FakeBoard({"left": value})).verdict == verdict


def test_a_refutation_says_what_was_tried() -> None:
    """Not found is not proved absent; a supported claim and a low control need no such word."""
    note = "`left` is low: not found by boundless_das at these 8 sites"
    assert note in _judged("best(iia(left.above)) >= 0.80", FakeBoard({"left": 0.60})).notes
    assert note in _judged("best(iia(left.above)) <= 0.80", FakeBoard({"left": 0.60})).notes
    assert not _judged("best(iia(left.above)) >= 0.80", FakeBoard({"left": 0.90})).notes


def test_an_undecided_claim_says_how_many_tuples_would_decide() -> None:
    """The number grows as the value nears the threshold."""
    (note,) = _judged("best(iia(left.above)) >= 0.80", FakeBoard({"left": 0.805})).notes
    assert "test tuples would decide" in note


def test_a_refutation_needs_the_positive_control() -> None:
    """Where the method misses what must be there, missing a variable refutes nothing."""
    board = FakeBoard({"left": 0.2}, passed=False)
    assert _judged("best(iia(left.above)) >= 0.80", board).verdict == "undecided"


def test_two_scores_are_compared_by_their_difference() -> None:
    """`a > b + c` asks for a − b − c above 0; the value is the difference."""
    board = FakeBoard({"left": 0.9, "bracket": 0.7})
    found = _judged("best(gain(left.above)) > best(gain(bracket.bracket)) + 0.10", board)
    assert found.verdict == "supported"
    assert found.value == pytest.approx(0.1)
    assert _judged("best(gain(left.above)) > best(gain(bracket.bracket)) + 0.30", board).verdict == "refuted"


def test_sides_may_be_swapped() -> None:
    """`0.80 <= a` is `a >= 0.80`, and `a < t` is supported below t."""
    board = FakeBoard({"left": 0.9})
    assert _judged("0.80 <= best(iia(left.above))", board).verdict == "supported"
    assert _judged("best(iia(left.above)) < 0.80", board).verdict == "refuted"
    assert _judged("best(iia(left.above)) < 0.95", board).verdict == "supported"


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("best(iia(left.above)) >= 0.80 and best(iia(mid)) >= 0.80", "refuted"),
        ("best(iia(left.above)) >= 0.80 or best(iia(mid)) >= 0.80", "supported"),
        ("not best(iia(mid)) >= 0.80", "supported"),
        ("best(iia(left.above)) >= 0.80 and best(iia(both)) >= 0.80", "undecided"),
    ],
)
def test_connectives_are_kleene(claim: str, verdict: str) -> None:
    """`and` falls with one part, `or` stands with one, an undecided part leaves the rest to decide."""
    assert _judged(claim, FakeBoard({"left": 0.9, "mid": 0.5, "both": 0.80})).verdict == verdict


def test_or_pays_for_its_second_chance() -> None:
    """With Bonferroni an interval that barely reaches the threshold alone does not reach it within `or`."""
    value = next(x / 1000 for x in range(800, 900) if wilson(x / 1000, 2_000).low >= 0.80)
    board = FakeBoard({"left": value, "mid": 0.5})
    assert _judged("best(iia(left.above)) >= 0.80", board).verdict == "supported"
    assert _judged("best(iia(left.above)) >= 0.80 or best(iia(mid)) >= 0.80", board).verdict == "undecided"


def test_claims_written_after_a_look_are_post_hoc(tmp_path: Path) -> None:
    """The first run of a folder records its claims; a claim that comes later is marked, and stays so."""
    first, later = _hypothesis("best(iia(left.above)) >= 0.80"), _hypothesis("best(iia(left.above)) >= 0.70")
    assert not any(record(tmp_path, first.claims, ()).post_hoc.values())
    assert all(record(tmp_path, later.claims, ()).post_hoc.values())
    assert not any(record(tmp_path, first.claims, ()).post_hoc.values())
    assert all(record(tmp_path, later.claims, ()).post_hoc.values())


def test_a_fresh_look_begins_after_the_last_was_told(tmp_path: Path) -> None:
    """Claims known before it are not post hoc in it; without a fresh look, and after an interruption, it goes on."""
    early, late = _hypothesis("best(iia(left.above)) >= 0.80").claims, _hypothesis("best(iia(mid)) >= 0.70").claims
    assert look(tmp_path, fresh=False) == look(tmp_path, fresh=True) == 0
    assert record(tmp_path, early, (), 0).first
    assert look(tmp_path, fresh=True) == 0  # nobody was told anything yet
    tell(tmp_path, 0)
    assert look(tmp_path, fresh=False) == 0 and look(tmp_path, fresh=True) == 1
    assert all(record(tmp_path, late, (), 0).post_hoc.values())
    found = record(tmp_path, (*early, *late), (), 1)
    assert not any(found.post_hoc.values()) and not found.first
    assert look(tmp_path, fresh=False) == look(tmp_path, fresh=True) == 1
    assert not any(record(tmp_path, late, (), 1).post_hoc.values())


def test_after_damage_every_claim_is_post_hoc(tmp_path: Path) -> None:
    """Who cannot read the record cannot say that a claim came first."""
    claims = _hypothesis("best(iia(left.above)) >= 0.80").claims
    record(tmp_path, claims, ())
    (tmp_path / "claims.json").write_bytes(b"{\xff")
    assert all(record(tmp_path, claims, ()).post_hoc.values())


def test_strict_comparisons_do_not_hold_at_equality() -> None:
    """A width is exact: 10 is neither below nor above 10, and is at least and at most 10."""

    class Exact(FakeBoard):
        def score(self, score: Score, *, among_answers: bool, level: float) -> Estimate:
            return Estimate.exact(10.0)

    board = Exact({})
    verdicts = [_judged(f"best(width(left.above)) {op} 10", board).verdict for op in ("<", ">", "<=", ">=")]
    assert verdicts == ["refuted", "refuted", "supported", "supported"]
    assert _judged("best(width(left.above)) >= 10", board).terms[0].n is None


def test_every_way_of_saying_that_a_score_is_low_needs_the_positive_control() -> None:
    """Negated, mirrored, as a difference, or with `<`: a low score says little where the method misses the output."""
    board = FakeBoard({"left": 0.2, "bracket": 0.5}, passed=False)
    for claim in (
        "not best(iia(left.above)) >= 0.80",
        "best(iia(left.above)) < 0.80",
        "0.90 - 0.10 <= best(iia(left.above))",
        "best(iia(bracket.bracket)) + 0.10 < best(iia(left.above))",
    ):
        assert _judged(claim, board).verdict == "undecided", claim


def test_a_score_added_to_itself_gains_nothing() -> None:
    """Scores of one run share their tuples: a sum is as uncertain as its parts together."""
    board = FakeBoard({"left": 0.797})
    once = _judged("best(iia(left.above)) >= 0.78", board).verdict
    assert _judged("best(iia(left.above)) + best(iia(left.above)) >= 1.56", board).verdict == once == "undecided"


def test_not_and_is_or_not() -> None:
    """De Morgan's two forms have one verdict: the second chance is paid for in both."""
    board = FakeBoard({"left": 0.4975, "mid": 0.4975})
    forms = (
        "not (best(iia(left.above)) >= 0.52 and best(iia(mid)) >= 0.52)",
        "not best(iia(left.above)) >= 0.52 or not best(iia(mid)) >= 0.52",
    )
    assert len({_judged(form, board).verdict for form in forms}) == 1


def test_the_error_level_is_where_the_interval_touches_the_threshold() -> None:
    """A verdict stands at every level down to p: there the Wilson end is the threshold."""
    found = _judged("best(iia(left.above)) >= 0.80", FakeBoard({"left": 0.83}))
    assert found.verdict == "supported" and 0 < found.p < 0.05
    assert wilson(0.83, 2_000, 1 - found.p).low == pytest.approx(0.80, abs=1e-6)
    assert _judged("best(iia(left.above)) >= 0.83", FakeBoard({"left": 0.83})).p == 1
    assert _judged("best(iia(left.above)) >= 0.50", FakeBoard({"left": 0.99})).p <= 1e-9


def test_a_verdict_that_the_control_forbids_has_no_error_level() -> None:
    """Refuted, but for a failed positive control: undecided at every level."""
    found = _judged("best(iia(left.above)) >= 0.80", FakeBoard({"left": 0.10}, passed=False))
    assert (found.verdict, found.p, found.holm) == ("undecided", 1, "undecided")


@pytest.mark.parametrize(
    ("errors", "of", "stand"),
    [
        ([0.01, 0.02, 0.04], 3, [True, True, True]),
        ([0.02, 0.01, 0.06], 3, [True, True, False]),
        ([0.02, 0.01, 0.04], 4, [False, True, False]),  # .02 > .05/3: it and all after it fall
        ([0.03], 1, [True]),
        ([0.03], 2, [False]),
    ],
)
def test_holm_counts_every_claim_of_the_file(errors: list[float], of: int, stand: list[bool]) -> None:
    """The smallest against .05/m, the next against .05/(m − 1), … until one fails."""
    assert holm(errors, of) == stand


def test_claims_that_are_not_asked_count_too() -> None:
    """A claim that stands alone may fall among fifty."""
    hypothesis = _hypothesis("best(iia(left.above)) >= 0.80")
    asked = {hypothesis.claims[0].text: False}
    board = FakeBoard({"left": 0.82})
    alone, among = (judge(hypothesis.claims, hypothesis.source, board, post_hoc=asked, of=of)[0] for of in (1, 50))
    assert (alone.verdict, alone.holm) == ("supported", "supported")
    assert (among.verdict, among.holm) == ("supported", "undecided")
