"""Estimates with intervals: arithmetic, verdicts, selection, seeds.

In: estimates of shares (`shares.py`). Out: estimates of what a claim asks, and verdicts (meaning.md, Statistics).
Invariant: an interval never gets narrower than its parts allow; what is combined is taken as independent. A positive
dependence of two scores makes the interval of their difference too wide, never too narrow.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scipy.special import stdtrit

Verdict = Literal["supported", "refuted", "undecided"]
LEVEL = 0.95
LEAST_PROMPTS = 30  # under which no claim is decided
LEAST_SEEDS = 3
MOST_DECISIVE = 10**9


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with a two-sided interval; `n` is the (effective) number of tuples behind it."""

    value: float
    low: float
    high: float
    n: float

    @classmethod
    def exact(cls, value: float) -> Estimate:
        """A number that is known."""
        return cls(value, value, value, math.inf)

    def __add__(self, other: Estimate) -> Estimate:
        """The sum, as wide as if both always erred together: scores of one run share their tuples."""
        return Estimate(self.value + other.value, self.low + other.low, self.high + other.high, min(self.n, other.n))

    def __neg__(self) -> Estimate:
        return Estimate(-self.value, -self.high, -self.low, self.n)

    def __sub__(self, other: Estimate) -> Estimate:
        """The difference by MOVER (square-and-add; Donner and Zou 2012).

        Of two Wilson intervals it is Newcombe's interval (1998, method 10). Shared tuples make it too wide, not too
        narrow.
        """
        value = self.value - other.value
        below = math.hypot(self.value - self.low, other.high - other.value)
        above = math.hypot(self.high - self.value, other.value - other.low)
        return Estimate(value, value - below, value + above, min(self.n, other.n))

    def scaled(self, factor: float) -> Estimate:
        """`factor` times the estimate."""
        ends = sorted((self.low * factor, self.high * factor))
        return Estimate(self.value * factor, ends[0], ends[1], self.n)

    def shifted(self, amount: float) -> Estimate:
        """The estimate plus a known number."""
        return Estimate(self.value + amount, self.low + amount, self.high + amount, self.n)


def smallest(plain: Sequence[Estimate], adjusted: Sequence[Estimate]) -> Estimate:
    """The least of several scores, for instance over the subsets of a joint alignment.

    `plain` are at the level wanted, `adjusted` the same scores at `bonferroni(level, len(plain))`. The least plain
    lower end is too high only if the lower end of the truly least score is, so it needs no adjustment. The least upper
    end is too low as soon as any one upper end is, so that one does.
    """
    low = min(item.low for item in plain)
    high = min(item.high for item in adjusted)
    return Estimate(min(item.value for item in plain), low, high, min(item.n for item in plain))


def mean(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of scores of one run, as wide as if they always erred together."""
    total = estimates[0]
    for item in estimates[1:]:
        total = total + item
    return total.scaled(1 / len(estimates))


def typical(seeds: Sequence[Estimate], level: float = LEVEL) -> Estimate:
    """The score of a typical seed: the mean over m ≥ 3 seeds; variance + s²/m, t with m − 1 degrees of freedom.

    The seeds share their test tuples, so the sampling variance does not shrink with m.
    """
    if len(seeds) < LEAST_SEEDS:
        raise ValueError(f"a typical score needs at least {LEAST_SEEDS} seeds")
    values = [seed.value for seed in seeds]
    value, between = statistics.fmean(values), statistics.variance(values) / len(seeds)
    ratio = t_quantile(level, len(seeds) - 1)
    below = statistics.fmean(((seed.value - seed.low) / normal_quantile(level)) ** 2 for seed in seeds)
    above = statistics.fmean(((seed.high - seed.value) / normal_quantile(level)) ** 2 for seed in seeds)
    low, high = value - ratio * math.sqrt(below + between), value + ratio * math.sqrt(above + between)
    return Estimate(value, low, high, min(seed.n for seed in seeds))


def verdict(estimate: Estimate, threshold: float, prompts: int | None = None) -> Verdict:
    """Of `estimate ≥ threshold`; `prompts`, where given, are the distinct ones behind the estimate."""
    if prompts is not None and prompts < LEAST_PROMPTS:
        return "undecided"
    if estimate.low >= threshold:
        return "supported"
    return "refuted" if estimate.high < threshold else "undecided"


def decisive_n(estimate: Estimate, threshold: float) -> int | None:
    """About how many tuples would decide, if the value stays; None where no number would, or none that can be drawn.

    With r = √(n now / n then), half the interval's length shrinks with r and its centre nears the value with r²; the
    arm towards the threshold is to be no longer than the distance: h r + s r² = d.
    """
    distance = abs(estimate.value - threshold)
    half = (estimate.high - estimate.low) / 2
    if not distance or not half or math.isinf(estimate.n):
        return None
    arm = estimate.value - estimate.low if estimate.value >= threshold else estimate.high - estimate.value
    root = max(half * half + 4 * (arm - half) * distance, 0.0)
    needed = estimate.n * ((half + math.sqrt(root)) / (2 * distance)) ** 2
    return math.ceil(needed) + 1 if needed < MOST_DECISIVE else None


def bonferroni(level: float, parts: int) -> float:
    """The level of each of `parts` intervals that hold together at `level`."""
    return 1 - (1 - level) / parts


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trained cell when the best one is chosen; `token` counts the sites' tokens in the order of the spec."""

    value: float  # on validation
    width: float
    layer: int
    token: int
    seed: int


def select(candidates: Sequence[Candidate]) -> int:
    """The index of the best: ties go to the smallest width, then to the earliest layer, token, seed."""

    def rank(index: int) -> tuple[float, float, int, int, int]:
        item = candidates[index]
        return (-item.value, item.width, item.layer, item.token, item.seed)

    return min(range(len(candidates)), key=rank)


def normal_quantile(level: float) -> float:
    """z with P(|Z| < z) = level."""
    return statistics.NormalDist().inv_cdf((1 + level) / 2)


def t_quantile(level: float, degrees: int) -> float:
    """t with P(|T| < t) = level, for Student's t."""
    return float(stdtrit(degrees, (1 + level) / 2))
