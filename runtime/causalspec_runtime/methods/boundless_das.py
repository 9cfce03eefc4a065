"""Boundless DAS: a learned rotation and a learned width for each variable (arXiv 2305.08809).

    h' = h_b + Σ_i Q_i M_i Q_iᵀ (h_si − h_b),   M_i = diag σ((w_i − j − ½)/T)

Q_1 … Q_k are disjoint column blocks of one orthonormal frame; at evaluation column j is swapped where j + ½ < w_i.
Invariant: the frame is orthonormal after every step (a Cayley transform of a fixed frame, never raw entries), and the
gradient of a width never dies: widths are projected back into [0, k] after a step instead of being clamped within it.
"""

from typing import Any

import torch
from torch import Tensor, nn

from causalspec_runtime.methods.fixed import FixedRotation
from causalspec_runtime.methods.protocol import MapSettings, StartData, TrainableMap
from causalspec_runtime.methods.rotation import cayley, complete, first_directions, interchange, interleave

ROOM = 64  # columns a variable starts with, at most
WARMEST = 10.0  # temperature at the start, unless one is set
SOFTEST = 0.15  # of the columns, unless one is set: above it a width of 0 would still swap a good part of them
NOTHING = 0.5  # columns: a soft mask of less in all swaps nothing


class BoundlessMap(TrainableMap):
    """The map of one cell."""

    def __init__(self, frame: Tensor, variables: int, settings: MapSettings, generator: torch.Generator) -> None:
        """`frame` [d, variables · k], the variables' blocks side by side."""
        super().__init__()
        self.settings = settings
        self.variables = variables
        self.frame: Tensor
        self.register_buffer("frame", frame)
        self.step = nn.Parameter(torch.zeros_like(frame))
        self.share = nn.Parameter(torch.full((variables,), settings.boundary_start, device=frame.device))
        self.hard = False
        self._generator = generator
        self.anneal(0.0)

    @property
    def columns(self) -> int:
        """Columns of one variable."""
        return self.frame.shape[1] // self.variables

    def rotation(self) -> Tensor:
        """The orthonormal columns [d, variables · k]."""
        return cayley(self.frame, self.step)

    def mask(self) -> Tensor:
        """How much of each column is swapped: [variables, k]."""
        middle = torch.arange(self.columns, device=self.share.device) + 0.5
        room = (self.share * self.columns)[:, None] - middle
        return (room > 0).to(self.share.dtype) if self.hard else torch.sigmoid(room / self.temperature)

    def forward(self, base: Tensor, sources: Tensor, swapped: Tensor) -> Tensor:
        """See `InterchangeMap`."""
        return interchange(base, sources, swapped, self.rotation(), self.mask())

    def harden(self) -> None:
        """See `InterchangeMap`."""
        self.hard = True

    def soften(self) -> None:
        """See `TrainableMap`."""
        self.hard = False

    def anneal(self, progress: float) -> None:
        """The temperature falls linearly, from what is set or else from no more than the columns can use."""
        start = self.settings.temperature_start
        if start is None:
            start = min(WARMEST, max(1.0, SOFTEST * self.columns))
        end = self.settings.temperature_end
        self.temperature = start + (end - start) * progress

    def penalty(self) -> Tensor:
        """The widths, as shares of the room."""
        return self.settings.boundary_weight * self.share.sum()

    def parameter_groups(self) -> list[dict[str, Any]]:
        """See `TrainableMap`."""
        return [
            {"params": [self.step], "lr": self.settings.rotation_lr},
            {"params": [self.share], "lr": self.settings.boundary_lr},
        ]

    @torch.no_grad()
    def settle(self) -> None:
        """Widths stay within [0, k]."""
        self.share.clamp_(0.0, 1.0)

    @torch.no_grad()
    def grow(self) -> bool:
        """Twice the columns, if a width passes its share of them and there is room."""
        most = self.frame.shape[0] // self.variables
        if self.columns >= most or float(self.share.max()) <= self.settings.grow_at:
            return False
        old, columns = self.columns, min(2 * self.columns, most)
        blocks = self.rotation().reshape(-1, self.variables, old)
        more = complete(self.rotation(), self.variables * columns, self._generator)[:, self.variables * old :]
        more = more.to(blocks.device).reshape(-1, self.variables, columns - old)
        self.frame = torch.cat([blocks, more], dim=2).reshape(-1, self.variables * columns)
        self.step = nn.Parameter(torch.zeros_like(self.frame))
        self.share = nn.Parameter(self.share * old / columns)
        return True

    def widths(self) -> tuple[int, ...]:
        """See `InterchangeMap`."""
        middle = torch.arange(self.columns, device=self.share.device) + 0.5
        return tuple(int(((share * self.columns) > middle).sum()) for share in self.share.detach())

    @torch.no_grad()
    def is_empty(self) -> bool:
        """Neither the hard nor the soft mask swaps anything."""
        return not any(self.widths()) and float(self.mask().sum()) < NOTHING

    @torch.no_grad()
    def state(self) -> dict[str, Tensor]:
        """The columns [d, variables, k] and hard widths."""
        rotation = self.rotation().reshape(-1, self.variables, self.columns)
        most = max(1, *self.widths())
        return {"rotation": rotation[:, :, :most].contiguous().cpu(), "widths": torch.tensor(self.widths())}


class BoundlessDas:
    """The method, as the registry knows it."""

    name = "boundless_das"
    uses_start = True

    def build(
        self, width: int, variables: int, settings: MapSettings, seed: int, start: StartData | None
    ) -> BoundlessMap:
        """A map whose first rotation comes from `start`, or is random without it."""
        generator = torch.Generator().manual_seed(seed)
        columns = min(settings.columns or ROOM, width // variables)
        if start is None:
            frame = complete(torch.zeros(width, 0), variables * columns, generator)
        else:
            frame = interleave(first_directions(start, columns), generator)
        return BoundlessMap(frame, variables, settings, generator)

    def load(self, state: dict[str, Tensor]) -> FixedRotation:
        """See `Method`."""
        return FixedRotation.from_state(state)
