"""The one training loop, for every method: a map at one site, learned against a frozen LM.

In: a pool with prefixes of the training bases, tuples, a method, a recipe, a seed. Out: `TrainedCell`.
Invariant: the same seed gives the same bits at the same batch and memory level; what is judged on validation and what
is returned is the hard map; a NaN is a status, never an IIA.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from causalspec_runtime.engine.batch import InterchangeData
from causalspec_runtime.engine.collect import Pool, answers
from causalspec_runtime.engine.sites import Site
from causalspec_runtime.engine.start import start_data
from causalspec_runtime.engine.suffix import Edit, Engine
from causalspec_runtime.methods.protocol import InterchangeMap, MapSettings, Method, TrainableMap

Status = Literal["trained", "settled", "collapsed", "diverged"]
CLOSE = 0.005  # differences of validation IIA below this are none


@dataclass(frozen=True, slots=True)
class Recipe:
    """How long and how fast to train."""

    epochs: int = 3
    batch: int = 64
    warm_up: float = 0.1  # share of all steps
    validations: int = 4  # an epoch
    patience: int = 3  # flat validations before it stops
    start_tuples: int = 2_000  # for the first rotation
    map: MapSettings = field(default_factory=MapSettings)


@dataclass(frozen=True, slots=True)
class Validation:
    """One look at the validation tuples, with the hard map."""

    step: int
    loss: float  # mean training loss since the look before
    iia: float
    widths: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TrainedCell:
    """A learned map and how it came about."""

    map: InterchangeMap
    state: dict[str, Tensor]
    widths: tuple[int, ...]
    history: tuple[Validation, ...]
    status: Status
    steps: int
    smallest_batch: int  # less than the recipe's where memory did not suffice


def train(
    engine: Engine,
    site: Site,
    pool: Pool,
    data: InterchangeData,
    validation_pool: Pool,
    validation: InterchangeData,
    method: Method,
    recipe: Recipe,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> TrainedCell:
    """Learn `method`'s map at `site`; progress is told in steps."""
    device = engine.lm.device
    data, validation = _on(data, device), _on(validation, device)
    generator = torch.Generator().manual_seed(seed)
    some = data.select(torch.randperm(len(data), generator=generator)[: recipe.start_tuples].to(device))
    start = start_data(engine, pool, site, some, recipe.batch) if method.uses_start and len(some) else None
    table = method.build(engine.lm.width, data.variables, recipe.map, seed, start).to(device)
    return _Run(engine, site, pool, data, validation_pool, validation, method, recipe, generator, table).run(progress)


def predict(
    engine: Engine, pool: Pool, site: Site, data: InterchangeData, table: InterchangeMap, batch: int = 256
) -> tuple[Tensor, Tensor]:
    """Answers under intervention over the vocabulary and among the answers, as `Pool` has them: int64 [n] each."""
    found = [_answers(engine, pool, site, part, table) for part in data.chunks(batch)]
    return torch.cat([pair[0] for pair in found]), torch.cat([pair[1] for pair in found])


@torch.no_grad()
def _answers(
    engine: Engine, pool: Pool, site: Site, data: InterchangeData, table: InterchangeMap
) -> tuple[Tensor, Tensor]:
    """The answers of one batch; where memory does not suffice, of its halves."""
    try:
        return answers(intervene(engine, pool, site, data, table), pool.answer_ids)
    except torch.OutOfMemoryError:
        if len(data) == 1:
            raise
    torch.cuda.empty_cache()
    return predict(engine, pool, site, data, table, (len(data) + 1) // 2)


def intervene(engine: Engine, pool: Pool, site: Site, data: InterchangeData, table: InterchangeMap) -> Tensor:
    """The logits of `data`'s bases with `table` applied at `site`: float32 [B, vocabulary]."""
    from_end = pool.from_end[site][data.base]
    prefix = pool.prefixes.batch(data.base, site.layer, int(from_end.max()))
    sources = pool.activations[site][data.sources].float()

    def change(base: Tensor) -> Tensor:
        changed: Tensor = table(base.to(sources.device), sources, data.swapped)
        return changed

    return engine.logits(prefix, [Edit(site.layer, from_end, change)])


class _Run:
    """The state of one training run."""

    def __init__(
        self,
        engine: Engine,
        site: Site,
        pool: Pool,
        data: InterchangeData,
        validation_pool: Pool,
        validation: InterchangeData,
        method: Method,
        recipe: Recipe,
        generator: torch.Generator,
        table: TrainableMap,
    ) -> None:
        self.engine, self.site, self.pool, self.data = engine, site, pool, data
        self.validation_pool, self.validation = validation_pool, validation
        self.method, self.recipe, self.generator, self.map = method, recipe, generator, table
        self.per_epoch = math.ceil(len(data) / recipe.batch)
        self.total = recipe.epochs * self.per_epoch
        self.every = max(1, self.per_epoch // recipe.validations)
        self.optimizer = torch.optim.Adam(table.parameter_groups())
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.history: list[Validation] = []
        self.best: tuple[float, dict[str, Tensor]] | None = None
        self.losses: list[Tensor] = []
        self.smallest = recipe.batch

    def run(self, progress: Callable[[int, int], None] | None) -> TrainedCell:
        step, flat = 0, 0
        for _ in range(self.recipe.epochs):
            order = torch.randperm(len(self.data), generator=self.generator).to(self.data.base.device)
            for rows in torch.split(order, self.recipe.batch):
                if not self._step(step, self.data.select(rows)):
                    return self._finish("diverged", step)
                step += 1
                if progress is not None:
                    progress(step, self.total)
                if step % self.every and step != self.total:
                    continue
                flat = 0 if self._validate(step) else flat + 1
                if self.map.is_empty():
                    return self._finish("collapsed", step)
                if flat >= self.recipe.patience:
                    return self._finish("settled", step)
        return self._finish("trained", step)

    def _step(self, step: int, data: InterchangeData) -> bool:
        """One optimizer step; False where the loss or a gradient is not finite."""
        self.map.anneal(step / max(1, self.total - 1))
        rate = _schedule(step, self.total, self.recipe.warm_up)
        for group, full in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = full * rate
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._backward(data, len(data))
        penalty = self.map.penalty()
        penalty.backward()  # type: ignore[no-untyped-call]
        gradients = [parameter.grad for parameter in self.map.parameters() if parameter.grad is not None]
        finite = torch.stack([loss, *[gradient.sum() for gradient in gradients]]).isfinite().all()
        if not bool(finite):
            return False
        self.optimizer.step()
        self.map.settle()
        self.losses.append(loss)
        return True

    def _backward(self, data: InterchangeData, whole: int) -> Tensor:
        """Gradients of a batch's share of the loss; where memory does not suffice, half by half."""
        try:
            logits = intervene(self.engine, self.pool, self.site, data, self.map)
            loss = cross_entropy(logits, self.pool.answer_ids[data.label], reduction="sum") / whole
            loss.backward()  # type: ignore[no-untyped-call]
            return loss.detach()
        except torch.OutOfMemoryError:
            if len(data) == 1:
                raise
        torch.cuda.empty_cache()
        half = (len(data) + 1) // 2
        self.smallest = min(self.smallest, half)
        return torch.stack([self._backward(part, whole) for part in data.chunks(half)]).sum()

    def _validate(self, step: int) -> bool:
        """Look at the validation tuples; True if there was something to gain since the best look."""
        self.map.harden()
        answered, _ = predict(self.engine, self.validation_pool, self.site, self.validation, self.map)
        iia = float((answered == self.validation.label).double().mean())
        self.map.soften()
        loss = float(torch.stack(self.losses).mean())
        self.losses.clear()
        better = self._is_better(iia, self.map.widths())
        self.history.append(Validation(step, loss, iia, self.map.widths()))
        if self.map.grow():
            self._restart()
            return True
        return better

    def _is_better(self, iia: float, widths: tuple[int, ...]) -> bool:
        """A higher IIA, or as high a one with less."""
        if self.best is not None:
            best = self.best[0]
            narrower = sum(widths) < int(self.best[1]["widths"].sum()) and iia >= best - CLOSE
            if iia <= best + CLOSE and not narrower:
                return False
            iia = max(iia, best) if narrower else iia
        self.best = (iia, copy.deepcopy(self.map.state()))
        return True

    def _restart(self) -> None:
        """A new optimizer for grown parameters, at the schedule's place."""
        self.optimizer = torch.optim.Adam(self.map.parameter_groups())
        self.rates = [group["lr"] for group in self.optimizer.param_groups]

    def _finish(self, status: Status, step: int) -> TrainedCell:
        state = self.best[1] if self.best is not None else self.map.state()
        table = self.method.load(state).to(self.engine.lm.device)
        if status != "diverged" and not any(table.widths()):
            status = "collapsed"
        return TrainedCell(table, state, table.widths(), tuple(self.history), status, step, self.smallest)


def _schedule(step: int, total: int, warm_up: float) -> float:
    """The share of the learning rate: up linearly, then down to nothing."""
    rising = max(1, round(total * warm_up))
    return (step + 1) / rising if step < rising else (total - step) / max(1, total - rising)


def _on(data: InterchangeData, device: torch.device) -> InterchangeData:
    return InterchangeData(*(part.to(device) for part in (data.base, data.sources, data.swapped, data.label)))
