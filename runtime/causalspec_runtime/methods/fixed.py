"""Maps that are not learned: a saved hard map, the whole vector, random rotations, principal components.

Invariant: a map read back from `state()` computes what the hard map computed.
"""

import torch
from torch import Tensor

from causalspec_runtime.methods.protocol import InterchangeMap
from causalspec_runtime.methods.rotation import complete, interchange


class FixedRotation(InterchangeMap):
    """Swap the first columns of each variable's block."""

    def __init__(self, rotation: Tensor, widths: tuple[int, ...]) -> None:
        """`rotation` [d, variables, k], orthonormal columns; `widths` in columns."""
        super().__init__()
        self.rotation: Tensor
        self.mask: Tensor
        most = max(1, *widths)
        self.register_buffer("rotation", rotation[:, :, :most].contiguous())
        self.register_buffer("mask", (torch.arange(most) < torch.tensor(widths)[:, None]).float())

    @classmethod
    def from_state(cls, state: dict[str, Tensor]) -> "FixedRotation":
        """The map that `InterchangeMap.state` described."""
        return cls(state["rotation"], tuple(int(width) for width in state["widths"]))

    def forward(self, base: Tensor, sources: Tensor, swapped: Tensor) -> Tensor:
        """See `InterchangeMap`."""
        return interchange(base, sources, swapped, self.rotation.flatten(1), self.mask)

    def harden(self) -> None:
        """It always is."""

    def widths(self) -> tuple[int, ...]:
        """See `InterchangeMap`."""
        return tuple(int(width) for width in self.mask.sum(dim=1))

    def state(self) -> dict[str, Tensor]:
        """See `InterchangeMap`."""
        return {"rotation": self.rotation.cpu(), "widths": torch.tensor(self.widths())}


class WholeVector(InterchangeMap):
    """Everything at the site comes from the source of the first swapped variable."""

    def __init__(self, width: int, variables: int) -> None:
        super().__init__()
        self._widths = (width,) * variables

    def forward(self, base: Tensor, sources: Tensor, swapped: Tensor) -> Tensor:
        """See `InterchangeMap`."""
        first = swapped.long().argmax(dim=1)
        whole = sources[torch.arange(len(base), device=base.device), first]
        return torch.where(swapped.any(dim=1)[:, None], whole, base)

    def harden(self) -> None:
        """It always is."""

    def widths(self) -> tuple[int, ...]:
        """See `InterchangeMap`."""
        return self._widths

    def state(self) -> dict[str, Tensor]:
        """See `InterchangeMap`."""
        return {"widths": torch.tensor(self._widths)}


def random_rotation(d: int, widths: tuple[int, ...], seed: int) -> FixedRotation:
    """A random map with the widths of a learned one (control `random_rotation`)."""
    generator = torch.Generator().manual_seed(seed)
    return from_directions(torch.zeros(d, 0), widths, generator)


def principal_rotation(differences: Tensor, widths: tuple[int, ...], seed: int = 0) -> FixedRotation:
    """The principal directions of `differences` [n, d], dealt to the variables in turn (control `pca`)."""
    vectors = torch.linalg.eigh(differences.double().T @ differences.double())[1].flip(1)
    return from_directions(vectors, widths, torch.Generator().manual_seed(seed))


def from_directions(directions: Tensor, widths: tuple[int, ...], generator: torch.Generator) -> FixedRotation:
    """Disjoint blocks of the given widths from directions in order, the rest random."""
    most, total = max(1, *widths), sum(widths)
    frame = complete(directions, max(total, 1), generator)
    blocks = torch.zeros(len(directions), len(widths), most)
    dealt = 0
    for column in range(most):
        for variable, width in enumerate(widths):
            if column < width:
                blocks[:, variable, column] = frame[:, dealt]
                dealt += 1
    return FixedRotation(blocks, widths)
