"""Intervals cover as often as they say, and verdicts follow from them."""

import math

import numpy as np
import pytest

from causalspec_runtime.shares import (
    distinct_prompts,
    dyadic_variance,
    iia,
    iia_natural,
    iia_per_stratum,
    share,
    wilson,
)
from causalspec_runtime.statistics import (
    Candidate,
    Estimate,
    bonferroni,
    decisive_n,
    mean,
    normal_quantile,
    select,
    smallest,
    t_quantile,
    typical,
    verdict,
)


def covered(estimates: list[Estimate], truth: float) -> float:
    return float(np.mean([item.low <= truth <= item.high for item in estimates]))


@pytest.mark.parametrize(("p", "n"), [(0.5, 50), (0.9, 200), (0.9, 2_000), (0.98, 500)])
def test_wilson_covers(p: float, n: int) -> None:
    """93–97 % of intervals hold the truth."""
    rights = np.random.default_rng(0).binomial(n, p, 4_000)
    assert 0.93 <= covered([wilson(right / n, n) for right in rights.tolist()], p) <= 0.97


def test_known_wilson_intervals() -> None:
    """2 of 10, and the width at 1.00 is not 0."""
    found = wilson(0.2, 10)
    assert (found.low, found.high) == pytest.approx((0.0567, 0.5098), abs=1e-4)
    perfect = share(np.ones(2_000, np.bool_))
    assert perfect.value == perfect.high == 1 and perfect.low == pytest.approx(0.99808, abs=1e-4)


def dyads(prompts: int, tuples: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Right or wrong, where bases and sources are each easy or hard; P(right) = .75 overall."""
    chosen = rng.integers(prompts, size=(tuples, 2))
    easy = rng.random(prompts) < 0.5
    probability = 0.5 + 0.25 * easy[chosen].sum(axis=1)
    return rng.random(tuples) < probability, chosen


@pytest.mark.parametrize(("prompts", "tuples"), [(50, 1_000), (100, 1_000), (200, 2_000)])
def test_shared_prompts_cover(prompts: int, tuples: int) -> None:
    """With prompts used many times over the robust interval covers 93–97 %, the naive one far less."""
    rng = np.random.default_rng(0)
    robust, naive = [], []
    for _ in range(500):
        right, chosen = dyads(prompts, tuples, rng)
        stratum = np.zeros(tuples, np.int64)
        robust.append(iia(right, stratum, prompts=chosen))
        naive.append(iia(right, stratum))
    assert 0.93 <= covered(robust, 0.75) <= 0.97
    assert covered(naive, 0.75) < 0.80


def test_the_dyadic_variance_is_the_sum_over_pairs_that_share_a_prompt() -> None:
    """Inclusion and exclusion agree with the double sum, for one and two sources, repeats included."""
    rng = np.random.default_rng(0)
    for size in (2, 3):
        prompts, residuals = rng.integers(8, size=(40, size)), rng.normal(size=40)
        meets = np.array([[bool(set(t) & set(u)) for u in prompts.tolist()] for t in prompts.tolist()])
        clusters = distinct_prompts(prompts)
        expected = float(residuals @ meets @ residuals) * clusters / (clusters - 1)
        assert dyadic_variance(residuals, prompts) == pytest.approx(expected)


def test_prompts_used_once_change_little() -> None:
    """Tuples with prompts of their own have the same interval, said to share or not."""
    right = np.random.default_rng(0).random(2_000) < 0.9
    stratum, prompts = np.zeros(2_000, np.int64), np.arange(4_000).reshape(-1, 2)
    apart, shared = iia(right, stratum), iia(right, stratum, prompts=prompts)
    assert (shared.low, shared.high) == pytest.approx((apart.low, apart.high), abs=2e-3)


def test_shared_prompts_that_are_all_right_count_once() -> None:
    """1.00 on 50 prompts is worth 25 tuples, not 1,000."""
    prompts = np.random.default_rng(0).permutation(np.resize(np.arange(50), 2_000)).reshape(-1, 2)
    found = iia(np.ones(1_000, np.bool_), np.zeros(1_000, np.int64), prompts=prompts)
    assert found.value == 1 and found.n == 25 and found.low < 0.88


def test_balanced_iia_counts_strata_alike() -> None:
    """A stratum of 10 counts as much as one of 90; per stratum and natural scores beside it."""
    stratum = np.repeat([0, 1], [10, 90])
    right = np.repeat([True, False], [10, 90])
    assert iia(right, stratum).value == pytest.approx(0.5)
    assert iia(right, stratum).n == pytest.approx(1 / (0.25 / 10 + 0.25 / 90))
    assert iia_natural(right, stratum, np.array([0.2, 0.8])).value == pytest.approx(0.2)
    first, second, none = iia_per_stratum(right, stratum, 3)
    assert first is not None and second is not None and none is None
    assert (first.value, first.n, second.value, second.n) == pytest.approx((1, 10, 0, 90))


@pytest.mark.parametrize(
    "shares", [(1 / 7,) * 7, (0.25, 0.19, 0.13, 0.12, 0.12, 0.12, 0.07)], ids=["balanced", "natural"]
)
def test_strata_cover(shares: tuple[float, ...]) -> None:
    """Balanced and natural IIA of 700 tuples in 7 strata of unlike difficulty: at least 93 %."""
    rng, weights = np.random.default_rng(0), np.array(shares)
    chances = np.array([0.98, 0.95, 0.9, 0.9, 0.8, 0.95, 0.7])
    stratum = np.repeat(np.arange(7), 100)
    found = [iia_natural(rng.random(700) < chances[stratum], stratum, weights) for _ in range(1_000)]
    assert covered(found, float(weights @ chances)) >= 0.93


def test_at_most_16_of_200_null_runs_are_supported() -> None:
    """A score exactly at the threshold is supported about 1 time in 40."""
    rng, stratum = np.random.default_rng(0), np.resize(np.arange(7), 2_000)
    verdicts = [verdict(iia(rng.random(2_000) < 0.8, stratum), 0.8) for _ in range(200)]
    assert verdicts.count("supported") <= 16 and verdicts.count("refuted") <= 16
    assert verdicts.count("undecided") >= 176


def test_the_least_over_subsets_is_wrong_as_seldom_as_one() -> None:
    """Of three equal scores at the threshold: supported and refuted each in at most 4 % of 1,000 runs."""
    rng, counts = np.random.default_rng(0), {"supported": 0, "refuted": 0, "undecided": 0}
    for _ in range(1_000):
        shares = (rng.binomial(2_000, 0.8, 3) / 2_000).tolist()
        adjusted = [wilson(value, 2_000, bonferroni(0.95, 3)) for value in shares]
        counts[verdict(smallest([wilson(value, 2_000) for value in shares], adjusted), 0.8)] += 1
    assert counts["supported"] <= 40 and counts["refuted"] <= 40


def test_a_difference_is_newcombes() -> None:
    """56/70 − 48/80 (Newcombe 1998, table II): .2 from .0524 to .3339."""
    found = wilson(56 / 70, 70) - wilson(48 / 80, 80)
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
    assert found.n == 70


def test_differences_cover() -> None:
    """Of two independent scores near each other and near 1."""
    rng = np.random.default_rng(0)
    pairs = zip(rng.binomial(400, 0.95, 3_000).tolist(), rng.binomial(600, 0.9, 3_000).tolist(), strict=True)
    found = [wilson(left / 400, 400) - wilson(right / 600, 600) for left, right in pairs]
    assert 0.93 <= covered(found, 0.05) <= 0.97


def test_arithmetic_keeps_the_ends_in_order() -> None:
    """Negation and negative factors swap the ends; known numbers add nothing."""
    found = Estimate(0.8, 0.7, 0.85, 100)
    assert -found == Estimate(-0.8, -0.85, -0.7, 100)
    assert found.scaled(-2) == Estimate(-1.6, -1.7, -1.4, 100)
    total = found + Estimate.exact(0.1)
    assert (total.value, total.low, total.high, total.n) == pytest.approx((0.9, 0.8, 0.95, 100))
    assert found.shifted(0.1).low == pytest.approx(0.8)
    assert mean([found, found]).low == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.80, 0.90, "supported"), (0.70, 0.80, "undecided"), (0.70, 0.799, "refuted"), (0.79, 0.81, "undecided")],
)
def test_verdicts(low: float, high: float, expected: str) -> None:
    """Of ≥ .80: supported if the lower end reaches it, refuted if the upper end is under it."""
    found = Estimate((low + high) / 2, low, high, 1_000)
    assert verdict(found, 0.80) == expected
    assert verdict(found, 0.80, prompts=29) == "undecided"
    assert verdict(found, 0.80, prompts=30) == expected


@pytest.mark.parametrize(("value", "threshold"), [(0.82, 0.80), (0.78, 0.80), (0.97, 0.95)])
def test_the_number_of_tuples_that_would_decide_decides(value: float, threshold: float) -> None:
    """With 1 % more tuples than told, and the same share, there is a verdict; with 5 % fewer there is none."""
    needed = decisive_n(wilson(value, 300), threshold)
    assert verdict(wilson(value, 300), threshold) == "undecided" and needed is not None
    assert verdict(wilson(value, 1.01 * needed), threshold) != "undecided"
    assert verdict(wilson(value, 0.95 * needed), threshold) == "undecided"
    assert decisive_n(wilson(0.8, 500), 0.8) is None


@pytest.mark.parametrize(
    ("degrees", "quantile"), [(1, 12.7062), (2, 4.30265), (3, 3.18245), (9, 2.26216), (49, 2.00958), (1_000, 1.96234)]
)
def test_t_quantiles(degrees: int, quantile: float) -> None:
    """The tables' values."""
    assert t_quantile(0.95, degrees) == pytest.approx(quantile, abs=1e-4)


def test_a_typical_score_covers() -> None:
    """Seeds vary by .03, all on the same test tuples: intervals of three seeds cover at least 93 %."""
    rng, found = np.random.default_rng(0), []
    for _ in range(2_000):
        shared = rng.normal(0, math.sqrt(0.8 * 0.2 / 2_000))
        found.append(typical([wilson(0.8 + shared + rng.normal(0, 0.03), 2_000) for _ in range(3)]))
    assert covered(found, 0.8) >= 0.93
    with pytest.raises(ValueError, match="at least 3 seeds"):
        typical([wilson(0.8, 100)] * 2)


def test_like_seeds_still_have_the_sampling_error() -> None:
    """Equal scores: the arm is that of one score, times t over z."""
    one = wilson(0.8, 2_000)
    found = typical([one] * 3)
    ratio = t_quantile(0.95, 2) / normal_quantile(0.95)
    assert found.value - found.low == pytest.approx((one.value - one.low) * ratio)


def test_ties_go_to_the_smallest_width_then_the_earliest_site() -> None:
    """Value first; then width, layer, token, seed."""
    best = Candidate(0.9, 4, 2, 1, 1)
    others = [
        Candidate(0.9, 5, 0, 0, 0), Candidate(0.9, 4, 3, 0, 0), Candidate(0.9, 4, 2, 2, 0), Candidate(0.9, 4, 2, 1, 2),
        Candidate(0.89, 1, 0, 0, 0),
    ]  # fmt: skip
    for place in range(6):
        assert select([*others[:place], best, *others[place:]]) == place
