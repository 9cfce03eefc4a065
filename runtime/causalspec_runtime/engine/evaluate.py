"""Score many maps on fresh prompts: a batch of tuples goes through the LM once, then every cell on it.

In: encoded prompts, tuples, cells. Out: `Evaluation`.
Invariant: masks are hard; memory does not grow with the number of tuples; a cell's score does not depend on the others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from causalspec_runtime.engine.batch import InterchangeData
from causalspec_runtime.engine.collect import Pool, collect
from causalspec_runtime.engine.sites import Site
from causalspec_runtime.engine.suffix import Engine
from causalspec_runtime.engine.train import predict
from causalspec_runtime.language_model.prompts import EncodedPrompts
from causalspec_runtime.methods.protocol import InterchangeMap


@dataclass(frozen=True, slots=True, eq=False)
class ScoredCell:
    """A map at a site."""

    site: Site
    map: InterchangeMap


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What the LM answered for n tuples; answers are indices, −1 for a token that is none of them."""

    label: Tensor  # int64 [n]
    answered: Tensor  # int64 [cells, n], over the whole vocabulary
    chosen: Tensor  # int64 [cells, n], among the answers
    base_answer: Tensor  # int64 [n], the LM's own answer on the base
    source_answer: Tensor  # int64 [n, k]

    @property
    def correct(self) -> Tensor:
        """Whether the intervened answer is the counterfactual output: bool [cells, n]."""
        return self.answered == self.label

    @property
    def correct_among(self) -> Tensor:
        """The same among the answers: bool [cells, n]."""
        return self.chosen == self.label

    @property
    def correct_idle(self) -> Tensor:
        """Whether the LM's own answer on the base is the counterfactual output: bool [n]."""
        return self.base_answer == self.label


def evaluate(
    engine: Engine,
    prompts: EncodedPrompts,
    data: InterchangeData,
    cells: Sequence[ScoredCell],
    *,
    batch: int = 128,
    budget: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Answers of every cell on every tuple; progress is told in tuples."""
    for cell in cells:
        cell.map.to(engine.lm.device).harden()
    parts = []
    done = 0
    for part in data.chunks(batch):
        parts.append(_part(engine, prompts, part, cells, budget))
        done += len(part)
        if progress is not None:
            progress(done, len(data))
    answered, chosen, base, source = (list(column) for column in zip(*parts, strict=True))
    return Evaluation(data.label, torch.cat(answered, 1), torch.cat(chosen, 1), torch.cat(base), torch.cat(source))


def _part(
    engine: Engine, prompts: EncodedPrompts, data: InterchangeData, cells: Sequence[ScoredCell], budget: int | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    rows = data.prompts()
    local = data.within(rows)
    sites = list(dict.fromkeys(cell.site for cell in cells))
    pool = collect(engine, prompts.select(rows), sites, bases=local.base, budget=budget)
    pairs = [_score(engine, pool, local, cell) for cell in cells]
    empty = torch.empty(0, len(data), dtype=torch.int64)
    answered = torch.stack([pair[0] for pair in pairs]) if pairs else empty
    chosen = torch.stack([pair[1] for pair in pairs]) if pairs else empty
    own = pool.answered.cpu()
    return answered, chosen, own[local.base], own[local.sources]


def _score(engine: Engine, pool: Pool, data: InterchangeData, cell: ScoredCell) -> tuple[Tensor, Tensor]:
    device = engine.lm.device
    moved = InterchangeData(*(part.to(device) for part in (data.base, data.sources, data.swapped, data.label)))
    answered, chosen = predict(engine, pool, cell.site, moved, cell.map)
    return answered.cpu(), chosen.cpu()
