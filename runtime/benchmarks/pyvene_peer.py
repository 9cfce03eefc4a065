"""Boundless DAS by pyvene 0.1.8, with the recipe of its own tutorial (Boundless_DAS.ipynb).

In: an LM, a cell, pairs as tokens, a seed. Out: `PeerCell`. Invariant: nothing of causalspec's engine or methods takes
part in training or in `answers`; the LM is a copy, so that pyvene's hooks never meet ours.

The recipe: Adam, rotation 1e-3, boundary 1e-2; learning rates rise over the first tenth of all steps and fall linearly;
temperature 50 → 0.1 linearly; three epochs in the order of the data; batch 64; loss = cross entropy at the last position
+ 1.0 · boundary. The tutorial collects its batch of 64 from four of 16, and counts the learning-rate schedule in those
while the optimizer steps once in four: `accumulate = 4` does literally that, `accumulate = 1` is the recipe as told.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from causalspec_runtime.engine import Recipe
from causalspec_runtime.methods import InterchangeMap
from causalspec_runtime.methods.boundless_das import WARMEST
from causalspec_runtime.methods.fixed import FixedRotation
from causalspec_runtime.methods.rotation import interchange
from runtime.benchmarks.material import Pairs

NO_LABEL = -100


@dataclass(frozen=True, slots=True)
class PeerRecipe:
    """The tutorial's numbers."""

    epochs: int = 3
    batch: int = 64
    accumulate: int = 1  # forward passes a step
    rotation_lr: float = 1e-3
    boundary_lr: float = 1e-2
    boundary_weight: float = 1.0
    warm_up: float = 0.1
    temperature_start: float = 50.0
    temperature_end: float = 0.1

    @classmethod
    def matched(cls, recipe: Recipe) -> "PeerRecipe":
        """pyvene with our rates, temperatures and weight: what is left of a difference is not the recipe's."""
        ours = recipe.map
        return cls(
            epochs=recipe.epochs,
            batch=recipe.batch,
            rotation_lr=ours.rotation_lr,
            boundary_lr=ours.boundary_lr,
            boundary_weight=ours.boundary_weight,
            warm_up=recipe.warm_up,
            temperature_start=ours.temperature_start or WARMEST,
            temperature_end=ours.temperature_end,
        )


@dataclass(frozen=True, slots=True, eq=False)
class PeerCell:
    """pyvene's model with a trained intervention at one cell."""

    model: Any  # pyvene's IntervenableModel
    column: int
    steps: int

    @property
    def intervention(self) -> Any:
        """The one intervention."""
        (found,) = self.model.interventions.values()
        return found

    @torch.no_grad()
    def soft(self) -> "PeerTable":
        """The map as pyvene evaluates it, for our engine."""
        layer = self.intervention
        d = int(layer.embed_dim)
        dimension = torch.arange(d)
        boundary = layer.intervention_boundaries.clamp(1e-3, 1)[0] * d
        mask = torch.sigmoid(dimension / layer.temperature) * torch.sigmoid((boundary - dimension) / layer.temperature)
        return PeerTable(layer.rotate_layer.weight.detach().clone(), mask)

    @torch.no_grad()
    def hard(self) -> FixedRotation:
        """The map with every dimension below the boundary swapped whole, and no other."""
        layer = self.intervention
        boundary = float(layer.intervention_boundaries.clamp(1e-3, 1)[0]) * int(layer.embed_dim)
        return FixedRotation(layer.rotate_layer.weight.detach()[:, None, :].clone(), (math.ceil(boundary),))

    @torch.no_grad()
    def logits(self, pairs: Pairs) -> Tensor:
        """The intervened logits at the last token, by pyvene: [n, vocabulary]."""
        return self._run(pairs.base, pairs.source)[:, -1]

    def answers(self, pairs: Pairs, batch: int = 64) -> Tensor:
        """The most likely token after the intervention, with the mask as training left it: int64 [n]."""
        parts = [self.logits(_some(pairs, start, batch)).argmax(dim=-1) for start in range(0, len(pairs), batch)]
        return torch.cat(parts)

    def _run(self, base: Tensor, source: Tensor) -> Tensor:
        _, changed = self.model({"input_ids": base}, [{"input_ids": source}], {"sources->base": self.column})
        logits: Tensor = changed.logits
        return logits


class PeerTable(InterchangeMap):
    """pyvene's soft mask on pyvene's rotation."""

    def __init__(self, rotation: Tensor, mask: Tensor) -> None:
        super().__init__()
        self.rotation, self.soft_mask = rotation, mask[None]

    def forward(self, base: Tensor, sources: Tensor, swapped: Tensor) -> Tensor:
        """See `InterchangeMap`."""
        return interchange(base, sources, swapped, self.rotation, self.soft_mask)

    def harden(self) -> None:
        """It stays as soft as pyvene has it at evaluation."""

    def widths(self) -> tuple[int, ...]:
        """See `InterchangeMap`."""
        return (int((self.soft_mask > 0.5).sum()),)

    def state(self) -> dict[str, Tensor]:
        """See `InterchangeMap`."""
        return {"rotation": self.rotation, "mask": self.soft_mask}


def fresh(lm: Any, layer: int, column: int, seed: int) -> PeerCell:
    """An untrained intervention on a copy of `lm`, a transformers model."""
    from pyvene import BoundlessRotatedSpaceIntervention, IntervenableConfig, IntervenableModel, RepresentationConfig

    torch.manual_seed(seed)
    config = IntervenableConfig(
        model_type=type(lm),
        representations=[RepresentationConfig(layer, "block_output")],
        intervention_types=BoundlessRotatedSpaceIntervention,
    )
    model = IntervenableModel(config, copy.deepcopy(lm))
    model.disable_model_gradients()
    return PeerCell(model, column, 0)


def train_peer(
    lm: Any,
    layer: int,
    column: int,
    pairs: Pairs,
    recipe: PeerRecipe,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> PeerCell:
    """The tutorial's training loop; progress is told in forward passes."""
    from transformers import get_linear_schedule_with_warmup

    cell = fresh(lm, layer, column, seed)
    layer_map, model = cell.intervention, cell.model
    optimizer = torch.optim.Adam(
        [
            {"params": layer_map.rotate_layer.parameters()},
            {"params": layer_map.intervention_boundaries, "lr": recipe.boundary_lr},
        ],
        lr=recipe.rotation_lr,
    )
    size = recipe.batch // recipe.accumulate
    starts = range(0, len(pairs), size)
    total = recipe.epochs * len(starts)
    scheduler = get_linear_schedule_with_warmup(optimizer, recipe.warm_up * total, total)
    temperatures = torch.linspace(recipe.temperature_start, recipe.temperature_end, total)
    model.set_temperature(temperatures[0])
    done = steps = 0
    for _ in range(recipe.epochs):
        for start in starts:
            loss = _loss(cell, _some(pairs, start, size), recipe)
            (loss / recipe.accumulate).backward()  # type: ignore[no-untyped-call]
            if done % recipe.accumulate == 0 and (recipe.accumulate == 1 or done):
                optimizer.step()
                scheduler.step()
                model.set_zero_grad()
                model.set_temperature(temperatures[done])
                steps += 1
            done += 1
            if progress is not None:
                progress(done, total)
    return PeerCell(model, column, steps)


def _loss(cell: PeerCell, pairs: Pairs, recipe: PeerRecipe) -> Tensor:
    """Cross entropy of all positions that have a label, the last, and the boundary."""
    logits = cell._run(pairs.base, pairs.source)
    labels = torch.full_like(pairs.base, NO_LABEL)
    labels[:, -1] = pairs.label
    loss = cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1), ignore_index=NO_LABEL)
    boundary: Tensor = cell.intervention.intervention_boundaries.sum()
    return loss + recipe.boundary_weight * boundary


def _some(pairs: Pairs, start: int, size: int) -> Pairs:
    rows = slice(start, start + size)
    return Pairs(pairs.base[rows], pairs.source[rows], pairs.label[rows])
