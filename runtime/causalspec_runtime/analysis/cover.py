"""Few tuples that together tell apart all that can be told apart.

In: for each tuple what it tells apart, as bits. Out: `Cover`.
Invariant: `fewest` is said only where every smaller set of the given tuples was tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from math import comb
from operator import or_

import numpy as np
import numpy.typing as npt

MOST_TRIED = 200_000  # sets of one size


@dataclass(frozen=True, slots=True)
class Cover:
    """Rows that cover every column; `fewest` where no smaller set of the rows does."""

    rows: tuple[int, ...]
    fewest: bool


def cover(apart: npt.NDArray[np.bool_]) -> Cover:
    """A cover of the columns of [tuples, contrasts]; a column without a True is left out."""
    patterns, first = np.unique(np.packbits(apart, axis=1), axis=0, return_index=True)
    bits = {int.from_bytes(pattern.tobytes(), "big"): int(row) for pattern, row in zip(patterns, first, strict=True)}
    useful = [one for one in bits if one and not any(one | other == other != one for other in bits)]
    useful.sort(key=lambda one: (-one.bit_count(), bits[one]))
    wanted = reduce(or_, useful, 0)
    if not wanted:
        return Cover((), fewest=True)
    greedy = _greedy(useful, wanted)
    for size in range(1, len(greedy)):
        if comb(len(useful), size) > MOST_TRIED:
            return Cover(tuple(bits[one] for one in greedy), fewest=False)
        for chosen in combinations(useful, size):
            if reduce(or_, chosen) == wanted:
                return Cover(tuple(bits[one] for one in chosen), fewest=True)
    return Cover(tuple(bits[one] for one in greedy), fewest=True)


def _greedy(useful: Sequence[int], wanted: int) -> list[int]:
    """The one that covers most of what is left, again and again."""
    chosen: list[int] = []
    while wanted:
        chosen.append(max(useful, key=lambda one: (one & wanted).bit_count()))
        wanted &= ~chosen[-1]
    return chosen
