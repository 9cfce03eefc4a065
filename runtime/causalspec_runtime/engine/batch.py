"""Interchange data as tensors.

In: tuples drawn elsewhere. Out: what training and evaluation index.
Invariant: `base` and `sources` are rows of the prompts that the data goes with.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class InterchangeData:
    """n tuples of a base and k sources, one source a variable."""

    base: Tensor  # int64 [n], rows of the prompts
    sources: Tensor  # int64 [n, k], rows of the prompts
    swapped: Tensor  # bool [n, k], which variables take their value from their source
    label: Tensor  # int64 [n], the counterfactual output as an index into the answers

    def __len__(self) -> int:
        return len(self.base)

    @property
    def variables(self) -> int:
        """How many variables are aligned together."""
        return self.sources.shape[1]

    def select(self, rows: Tensor) -> "InterchangeData":
        """The tuples at `rows`."""
        return InterchangeData(self.base[rows], self.sources[rows], self.swapped[rows], self.label[rows])

    def prompts(self) -> Tensor:
        """The rows of all prompts that occur, sorted: int64."""
        return distinct(torch.cat([self.base, self.sources.reshape(-1)]))

    def within(self, rows: Tensor) -> "InterchangeData":
        """The same tuples with prompts counted within the sorted `rows`."""
        base, sources = torch.searchsorted(rows, self.base), torch.searchsorted(rows, self.sources.contiguous())
        return InterchangeData(base, sources, self.swapped, self.label)

    def chunks(self, size: int) -> Iterator["InterchangeData"]:
        """The tuples in order, `size` at a time."""
        for start in range(0, len(self), size):
            yield self.select(torch.arange(start, min(start + size, len(self))))


def distinct(rows: Tensor) -> Tensor:
    """Every row once, sorted."""
    found: Tensor = torch.unique(rows)
    return found
