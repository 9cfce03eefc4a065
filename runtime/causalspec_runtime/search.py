"""Train the cells of alignments on one LM, and answer test tuples with them.

In: an LM, a dataset, a plan. Out: `Trained` cells and `Answers`. Invariant: every prompt of the training pool goes
through the LM once for all cells; a cell found in the store is not trained again; nothing of the test tuples is looked
at before the best cell is chosen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from causalspec import __version__
from causalspec.semantics.hypothesis import Task
from causalspec_runtime.counterfactuals import TupleSet
from causalspec_runtime.counterfactuals.faults import Words
from causalspec_runtime.dataset import AlignmentData, Dataset
from causalspec_runtime.encoding import Encoded, Printer, interchange_data, place_of, site_of
from causalspec_runtime.engine.batch import InterchangeData
from causalspec_runtime.engine.collect import Pool, collect
from causalspec_runtime.engine.evaluate import Evaluation, ScoredCell, evaluate
from causalspec_runtime.engine.suffix import Engine
from causalspec_runtime.engine.train import Recipe, Status, predict, train
from causalspec_runtime.language_model.load import FrozenLm
from causalspec_runtime.language_model.prompts import EncodedPrompts
from causalspec_runtime.methods import METHODS, InterchangeMap
from causalspec_runtime.methods.fixed import FixedRotation
from causalspec_runtime.methods.protocol import MapSettings
from causalspec_runtime.plan import AlignmentRecord, Plan, SiteRecord, TrainingRecord
from causalspec_runtime.progress import Watch
from causalspec_runtime.statistics import Candidate, select
from causalspec_runtime.store import CellStore, key_of

FOREVER = 10**9


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A finished cell."""

    site: SiteRecord
    seed: int
    key: str
    map: InterchangeMap
    status: Status
    widths: tuple[int, ...]
    steps: int
    validation: float  # IIA over the whole vocabulary
    validation_among: float  # IIA among the answers


def best_of(record: AlignmentRecord, cells: Sequence[Trained], *, among_answers: bool = False) -> int:
    """The cell that validation chooses; ties go to the smallest width, then the earliest layer, token, seed."""
    tokens = list(dict.fromkeys(site.token for site in record.sites))
    return select(
        [
            Candidate(
                cell.validation_among if among_answers else cell.validation,
                sum(cell.widths),
                cell.site.layer,
                tokens.index(cell.site.token),
                cell.seed,
            )
            for cell in cells
        ]
    )


@dataclass(slots=True, eq=False)
class Bench:
    """One LM with everything that its cells share."""

    lm: FrozenLm
    plan: Plan
    dataset: Dataset
    store: CellStore
    watch: Watch
    printer: Printer = field(init=False)
    engine: Engine = field(init=False)
    _pools: dict[str, Pool] = field(default_factory=dict, init=False)
    _encoded: dict[str, EncodedPrompts] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.printer = Printer(self.lm.tokenizer, self.plan.lm.chat)
        self.engine = Engine(self.lm)

    def answers(self, prompts: EncodedPrompts) -> Tensor:
        """The LM's own answers, as indices into the answers, −1 for none of them: int64 [N]."""
        return collect(self.engine, prompts, ()).answered.cpu()

    def pool(self, task: str) -> Pool:
        """The training pool's activations at every site of the task's alignments, and its bases' prefixes."""
        if task not in self._pools:
            sites = [site_of(site) for site in self._sites(task)]
            bases = torch.from_numpy(self.dataset.tasks[task].pool.bases)
            self._pools[task] = collect(self.engine, self._prompts(task), sites, bases=bases)
        return self._pools[task]

    def _prompts(self, task: str) -> EncodedPrompts:
        """The prompts of the training pool."""
        if task not in self._encoded:
            data = self.dataset.tasks[task]
            self._encoded[task] = self.printer.encode(data.task, data.pool.columns, data.words, self._sites(task))
        return self._encoded[task]

    def _sites(self, task: str) -> list[SiteRecord]:
        mine = [item.record for item in self.dataset.alignments if item.record.task == task]
        records = [*mine, self.dataset.positive[task].record]
        return list(dict.fromkeys(site for record in records for site in record.sites))

    def search(self, data: AlignmentData, seeds: Sequence[int], what: str) -> list[Trained]:
        """Every site with every seed, trained or found in the store."""
        record = data.record
        task = self.dataset.tasks[record.task]
        tuples = interchange_data(record.variables, data.train)
        looks = self.printer.encode_sets(task.task, task.words, record.variables, record.sites, data.validation)
        identity = self._identity(record, tuples, looks)
        cells: list[Trained] = []
        pool_of_looks: Pool | None = None
        for site in record.sites:
            for seed in seeds:
                key = key_of(identity | {"site": self._where(record, site, looks), "seed": seed})
                found = self._stored(site, seed, key)
                if found is None:
                    if pool_of_looks is None:
                        pool_of_looks = self._looks(record, looks)
                    found = self._train(data, site, seed, key, tuples, looks, pool_of_looks, what)
                cells.append(found)
                self.watch.cell(what, site, found.validation)
        return cells

    def _looks(self, record: AlignmentRecord, looks: Encoded) -> Pool:
        sites = [site_of(site) for site in record.sites]
        return collect(self.engine, looks.prompts, sites, bases=torch.unique(looks.data.base))

    def _identity(self, record: AlignmentRecord, tuples: InterchangeData, looks: Encoded) -> dict[str, Any]:
        """What determines a cell, its site and seed apart."""
        prompts = self._prompts(record.task)
        return {
            "causalspec": __version__,
            "lm": self.lm.digest,
            "dtype": str(self.lm.dtype),
            "device": self.lm.device.type,
            "path": self.engine.path,
            "torch": torch.__version__,
            "method": record.method,
            "variables": len(record.variables),
            "training": self.plan.training.model_dump(),
            "data": digest_of(
                prompts.ids, prompts.answer_ids, *_tensors(tuples), looks.prompts.ids, *_tensors(looks.data)
            ),
        }

    def _where(self, record: AlignmentRecord, site: SiteRecord, looks: Encoded) -> dict[str, Any]:
        """A site with the tokens it is found at, in every prompt."""
        place = place_of(site.token)
        found = digest_of(self._prompts(record.task).positions(place), looks.prompts.positions(place))
        return site.model_dump() | {"positions": found}

    def _stored(self, site: SiteRecord, seed: int, key: str) -> Trained | None:
        found = self.store.load(key)
        if found is None:
            return None
        state, told = found
        table = FixedRotation.from_state(state).to(self.lm.device)
        return Trained(
            site,
            seed,
            key,
            table,
            told["status"],
            table.widths(),
            told["steps"],
            told["validation"],
            told["validation_among"],
        )

    def _train(
        self,
        data: AlignmentData,
        site: SiteRecord,
        seed: int,
        key: str,
        tuples: InterchangeData,
        looks: Encoded,
        pool_of_looks: Pool,
        what: str,
    ) -> Trained:
        place = site_of(site)
        cell = train(
            self.engine,
            place,
            self.pool(data.record.task),
            tuples,
            pool_of_looks,
            looks.data,
            METHODS[data.record.method],
            recipe_of(self.plan.training),
            seed,
            lambda step, total: self.watch.step(what, site, step, total),
        )
        moved = InterchangeData(*(part.to(self.lm.device) for part in _tensors(looks.data)))
        answered, chosen = predict(self.engine, pool_of_looks, place, moved, cell.map)
        validation, among = (float((found == moved.label).double().mean()) for found in (answered, chosen))
        told = {
            "status": cell.status,
            "steps": cell.steps,
            "smallest_batch": cell.smallest_batch,
            "validation": validation,
            "validation_among": among,
        }
        self.store.save(key, cell.state, told)
        return Trained(site, seed, key, cell.map, cell.status, cell.widths, cell.steps, validation, among)

    def test(
        self,
        task: Task,
        words: Words,
        record: AlignmentRecord,
        sets: Sequence[TupleSet],
        cells: Sequence[ScoredCell],
        what: str,
    ) -> tuple[Encoded, Evaluation]:
        """The answers of every cell on the test tuples of every subset."""
        encoded = self.printer.encode_sets(task, words, record.variables, record.sites, sets)
        found = evaluate(
            self.engine, encoded.prompts, encoded.data, cells, progress=lambda done, n: self.watch.test(what, done, n)
        )
        return encoded, found


def recipe_of(training: TrainingRecord) -> Recipe:
    """The engine's recipe of a plan's settings; patience 0 never stops early."""
    return Recipe(
        epochs=training.epochs,
        batch=training.batch,
        patience=training.patience or FOREVER,
        map=MapSettings(
            rotation_lr=training.rotation_rate,
            boundary_lr=training.boundary_rate,
            temperature_start=training.temperature_start,
            temperature_end=training.temperature_end,
        ),
    )


def digest_of(*tensors: Tensor) -> str:
    """A hash of shapes and values."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tuple(tensor.shape)}".encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _tensors(data: InterchangeData) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return data.base, data.sources, data.swapped, data.label
