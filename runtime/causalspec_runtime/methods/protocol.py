"""What an alignment method supplies: a map from a base's and sources' activations to the intervened activation.

Invariant: a method knows nothing of LMs, prompts or sites; the one training loop knows nothing of methods.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class MapSettings:
    """The numbers of a recipe that shape a map."""

    columns: int | None = None  # a variable; None: min(64, d // variables)
    rotation_lr: float = 3e-3
    boundary_lr: float = 1e-2
    temperature_start: float | None = None  # None: what suits the number of columns
    temperature_end: float = 0.1
    boundary_start: float = 0.5  # share of the columns
    boundary_weight: float = 1.0  # of the penalty, for all columns of a variable
    grow_at: float = 0.75  # share of the columns


@dataclass(frozen=True, slots=True, eq=False)
class StartData:
    """Activations of some training tuples, and where the label's log-probability rises, for a first guess."""

    differences: Tensor  # float32 [n, k, d], source − base
    gradients: Tensor  # float32 [n, d], of the label's log-probability with respect to the base's activation
    swapped: Tensor  # bool [n, k]


class InterchangeMap(nn.Module, ABC):
    """h' from a base and k sources."""

    @abstractmethod
    def forward(self, base: Tensor, sources: Tensor, swapped: Tensor) -> Tensor:
        """The intervened activation [B, d] of `base` [B, d], `sources` [B, k, d], `swapped` bool [B, k]."""

    @abstractmethod
    def harden(self) -> None:
        """From now on masks are 0 or 1."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """All that the hard map is made of, for safetensors."""

    @abstractmethod
    def widths(self) -> tuple[int, ...]:
        """Coordinates that the hard map swaps, one number a variable."""


class TrainableMap(InterchangeMap):
    """A map that the training loop can learn."""

    @abstractmethod
    def soften(self) -> None:
        """From now on masks are as training left them."""

    @abstractmethod
    def anneal(self, progress: float) -> None:
        """Set what depends on the share of training done, in [0, 1]."""

    @abstractmethod
    def penalty(self) -> Tensor:
        """A scalar to add to the loss."""

    @abstractmethod
    def parameter_groups(self) -> list[dict[str, Any]]:
        """Parameters with their learning rates, as torch's optimizers take them."""

    @abstractmethod
    def is_empty(self) -> bool:
        """Whether the map, as soft as it is now, swaps nothing."""

    def settle(self) -> None:
        """Put parameters back where they may be, after every optimizer step."""

    def grow(self) -> bool:
        """Make room if it runs out; True if parameters were replaced."""
        return False


class Method(Protocol):
    """A way to align variables with activations."""

    name: str
    uses_start: bool  # whether `build` wants `StartData`

    def build(
        self, width: int, variables: int, settings: MapSettings, seed: int, start: StartData | None
    ) -> TrainableMap:
        """A fresh map for activations of `width` coordinates."""
        ...

    def load(self, state: dict[str, Tensor]) -> InterchangeMap:
        """The hard map that `InterchangeMap.state` described."""
        ...
