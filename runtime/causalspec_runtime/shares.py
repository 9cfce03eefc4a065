"""IIA and its interval from which tuples were right.

In: right or wrong for each tuple, its stratum, and the prompts of each tuple where tuples share prompts.
Out: `Estimate`s with Wilson intervals.
Invariant: never an interval of width 0; the effective n is at most that of as many independent tuples.
"""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from causalspec_runtime.statistics import LEVEL, Estimate, normal_quantile, t_quantile

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def wilson(share: float, n: float, level: float = LEVEL) -> Estimate:
    """A share of n independent tuples (Wilson 1927)."""
    return _wilson(share, n, normal_quantile(level))


def share(right: Bools, level: float = LEVEL) -> Estimate:
    """The plain share of independent tuples."""
    return wilson(float(np.mean(right)), len(right), level)


def iia(right: Bools, stratum: Ints, level: float = LEVEL, prompts: Ints | None = None) -> Estimate:
    """The balanced IIA: every stratum that has a tuple counts the same.

    `prompts` [n, k + 1] where tuples share prompts.
    """
    counts = np.bincount(stratum)
    weights = (1.0 / np.where(counts, counts, 1))[stratum]
    return _weighted(right, weights / weights.sum(), stratum, level, prompts)


def iia_natural(
    right: Bools, stratum: Ints, shares: Floats, level: float = LEVEL, prompts: Ints | None = None
) -> Estimate:
    """IIA re-weighted by the natural shares of the strata; strata without a tuple are left out."""
    counts = np.bincount(stratum, minlength=len(shares))
    weights = (shares / np.where(counts, counts, 1))[stratum]
    return _weighted(right, weights / weights.sum(), stratum, level, prompts)


def iia_per_stratum(
    right: Bools, stratum: Ints, strata: int, level: float = LEVEL, prompts: Ints | None = None
) -> tuple[Estimate | None, ...]:
    """IIA of each stratum; None where it has no tuple."""
    found: list[Estimate | None] = []
    for code in range(strata):
        rows = np.flatnonzero(stratum == code)
        own = prompts[rows] if prompts is not None else None
        found.append(iia(right[rows], np.zeros(len(rows), np.int64), level, own) if len(rows) else None)
    return tuple(found)


def distinct_prompts(prompts: Ints) -> int:
    """How many prompts are behind some tuples (`statistics.verdict` leaves claims on fewer than 30 undecided)."""
    return len(np.unique(prompts))


def _weighted(right: Bools, weights: Floats, stratum: Ints, level: float, prompts: Ints | None) -> Estimate:
    """Σ w x with a Wilson interval of the effective n = p (1 − p) / variance."""
    value = float(weights @ right) if 0 < np.count_nonzero(right) < len(right) else float(right[0])
    most = 1 / float(weights @ weights)  # of independent tuples with these weights
    residuals = weights * (right - _stratum_means(right, stratum))
    variance = float(residuals @ residuals)
    if prompts is None:
        return _wilson(value, _effective(value, variance, most), normal_quantile(level))
    clusters = distinct_prompts(prompts)
    variance = max(variance, dyadic_variance(residuals, prompts))
    if not variance:
        most = min(most, clusters / prompts.shape[1])  # all alike: only tuples without a common prompt count
    ratio = t_quantile(level, max(clusters - 1, 1))
    return _wilson(value, _effective(value, variance, most), ratio)


def dyadic_variance(residuals: Floats, prompts: Ints) -> float:
    """Σ r_t r_u over all pairs of tuples (t, u) that share a prompt.

    Aronow, Samii and Assenova 2015, for tuples of any size by inclusion and exclusion over sets of shared prompts, with
    the small-sample factor G / (G − 1) for G prompts.
    """
    rows = np.sort(prompts, axis=1)
    again = np.zeros(rows.shape, dtype=np.bool_)
    again[:, 1:] = rows[:, 1:] == rows[:, :-1]
    rows = np.where(again, -1 - np.arange(rows.size).reshape(rows.shape), rows)  # a prompt counts once a tuple
    rows = np.sort(rows, axis=1)
    total = 0.0
    for size in range(1, rows.shape[1] + 1):
        sets = [rows[:, list(chosen)] for chosen in combinations(range(rows.shape[1]), size)]
        _, index = np.unique(np.concatenate(sets), axis=0, return_inverse=True)
        sums = np.bincount(index.ravel(), weights=np.tile(residuals, len(sets)))
        total += float(sums @ sums) * (1 if size % 2 else -1)
    clusters = distinct_prompts(prompts)
    return total * clusters / max(clusters - 1, 1)


def _stratum_means(right: Bools, stratum: Ints) -> Floats:
    counts = np.bincount(stratum)
    sums = np.bincount(stratum, weights=right)
    return np.asarray((sums / np.where(counts, counts, 1))[stratum])


def _effective(value: float, variance: float, most: float) -> float:
    spread = value * (1 - value)
    return min(most, spread / variance) if variance > 0 and spread > 0 else most


def _wilson(value: float, n: float, ratio: float) -> Estimate:
    square = ratio * ratio
    centre = (value + square / (2 * n)) / (1 + square / n)
    arm = ratio * math.sqrt(value * (1 - value) / n + square / (4 * n * n)) / (1 + square / n)
    return Estimate(value, min(max(centre - arm, 0.0), value), max(min(centre + arm, 1.0), value), n)


def median(values: Sequence[float]) -> float:
    """The middle of some scores, for a report of seeds: least, median, most."""
    return float(np.median(np.asarray(values)))
