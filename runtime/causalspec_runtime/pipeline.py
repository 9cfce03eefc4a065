"""Run an experiment: from a plan and its data to what was measured.

In: a plan, a dataset, a loaded LM. Out: `Measured`. Invariant: an alignment's best cell is chosen before its test
tuples are answered; every score is of test tuples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from causalspec.diagnostics import Diagnostic
from causalspec.semantics.hypothesis import Task
from causalspec_runtime.counterfactuals import interchange
from causalspec_runtime.dataset import AlignmentData, Dataset, TestSet
from causalspec_runtime.encoding import interchange_data, site_of
from causalspec_runtime.engine.evaluate import Evaluation, ScoredCell
from causalspec_runtime.errors import SpecError
from causalspec_runtime.language_model.load import FrozenLm, randomize
from causalspec_runtime.language_model.prompts import EncodedPrompts
from causalspec_runtime.methods import InterchangeMap
from causalspec_runtime.methods.fixed import WholeVector, principal_rotation, random_rotation
from causalspec_runtime.plan import Plan, SiteRecord
from causalspec_runtime.progress import Watch
from causalspec_runtime.scoring import CellAnswers, Outcome, Searched, Transferred
from causalspec_runtime.search import Bench, best_of
from causalspec_runtime.shares import share
from causalspec_runtime.statistics import Estimate
from causalspec_runtime.store import CellStore

ROTATIONS = 20  # draws of the control `random_rotation`
MARGIN = 0.05  # over the majority answer, that an LM must reach


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How well an LM does a task on natural prompts."""

    estimate: Estimate
    n: int
    majority: float
    per_model: Mapping[str, float]

    @property
    def too_low(self) -> bool:
        return self.estimate.value <= self.majority + MARGIN


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """All that a run found out about one LM."""

    accuracies: Mapping[str, Accuracy]
    prompt_tokens: tuple[str, ...]
    outcomes: tuple[Outcome, ...]


class Run:
    """One experiment on one LM."""

    def __init__(self, plan: Plan, dataset: Dataset, lm: FrozenLm, store: CellStore, watch: Watch) -> None:
        self.plan, self.dataset, self.watch = plan, dataset, watch
        self.bench = Bench(lm, plan, dataset, store, watch)
        self._control: Bench | None = None
        self._store = store
        self._natural: dict[str, EncodedPrompts] = {}

    def units(self) -> float:
        """The run's work in cells; a test counts as one."""
        controls = 2 if "random_weights" in self.plan.controls else 1
        tests = len(self.plan.alignments) * (controls + len(self.plan.transfer))
        return self.plan.cells * controls + tests + 2 * len(self.dataset.tasks)

    def accuracies(self) -> dict[str, Accuracy]:
        """Task accuracy, before anything is trained."""
        found: dict[str, Accuracy] = {}
        for name, data in self.dataset.tasks.items():
            sites = [site for item in self.dataset.alignments if item.record.task == name for site in item.record.sites]
            prompts = self.bench.printer.encode(data.task, data.natural, data.words, sites)
            self._natural[name] = prompts
            self._check_length(int(prompts.lengths.max()), data.task)
            answered = self.bench.answers(prompts).numpy()
            per_model = {model: float(np.mean(answered == label)) for model, label in data.labels.items()}
            label = next(iter(data.labels.values()))
            majority = float(np.bincount(label).max() / len(label))
            found[name] = Accuracy(share(answered == label), len(label), majority, per_model)
        return found

    def _check_length(self, tokens: int, task: Task) -> None:
        """Refuse prompts that the LM has no room for. Raises SpecError (R0202)."""
        most = getattr(self.bench.lm.model.config.get_text_config(), "max_position_embeddings", None)
        if most is not None and tokens > most:
            message = f"a prompt of task `{task.name}` has {tokens} tokens, but the LM reads {most} at most"
            raise SpecError(Diagnostic("R0202", message, task.span, help="shorten the prompt, or take another LM"))

    def measure(self, accuracies: Mapping[str, Accuracy]) -> Measured:
        """Train, test, and run every control."""
        self.watch.start(self.units())
        positive = {task: self._positive(data) for task, data in self.dataset.positive.items()}
        outcomes = tuple(self._outcome(data, positive[data.record.task]) for data in self.dataset.alignments)
        return Measured(accuracies, next(iter(self._natural.values())).shown, outcomes)

    def _positive(self, data: AlignmentData) -> tuple[float, float]:
        """IIA of the output as a variable, and of the whole vector, at the last layer's last token."""
        (cell,) = self.bench.search(data, self.plan.seeds[:1], data.record.name)
        scored = [ScoredCell(site_of(cell.site), cell.map), self._whole(data, cell.site)]
        found = self._answers(self.bench, data, data.test, scored, data.record.name)[0]
        return found[0].iia().value, found[1].iia().value

    def _whole(self, data: AlignmentData, site: SiteRecord) -> ScoredCell:
        return ScoredCell(site_of(site), WholeVector(self.bench.lm.width, len(data.record.variables)))

    def _answers(
        self,
        bench: Bench,
        data: AlignmentData,
        sets: tuple[TestSet, ...],
        cells: list[ScoredCell],
        what: str,
        variant: str | None = None,
    ) -> tuple[list[CellAnswers], Evaluation]:
        if variant is None:
            task, words = data.task, self.dataset.tasks[data.record.task].words
        else:
            task, words = self.dataset.variants[variant].task, self.dataset.variants[variant].words
        encoded, found = bench.test(task, words, data.record, [item.tuples for item in sets], cells, what)
        return [CellAnswers.of(sets, encoded.parts, found, index) for index in range(len(cells))], found

    def _outcome(self, data: AlignmentData, positive: tuple[float, float]) -> Outcome:
        record = data.record
        cells = self.bench.search(data, self.plan.seeds, record.name)
        best = best_of(record, cells)
        chosen = ScoredCell(site_of(cells[best].site), cells[best].map)
        scored = [ScoredCell(site_of(cell.site), cell.map) for cell in cells]
        scored += [self._whole(data, site) for site in record.sites]
        maps = self._rotations(data, chosen, cells[best].widths)
        scored += [ScoredCell(chosen.site, table) for table in maps]
        answers, found = self._answers(self.bench, data, data.test, scored, record.name)
        sites = answers[len(cells) : len(cells) + len(record.sites)]
        rotated = answers[len(cells) + len(record.sites) :]
        return Outcome(
            data=data,
            searched=Searched(tuple(cells), tuple(answers[: len(cells)]), best),
            whole={(site.layer, site.token): one for site, one in zip(record.sites, sites, strict=True)},
            all_right=self._all_right(data, found),
            random_weights=self._random_weights(data) if "random_weights" in self.plan.controls else None,
            random_rotations=tuple(rotated[:ROTATIONS]),
            principal=rotated[ROTATIONS] if rotated else None,
            transfers={
                name: self._transfer(name, data, chosen) for name in self.plan.transfer if self._varies(name, data)
            },
            matrix=self._matrix(data, found, best),
            positive=positive,
        )

    def _varies(self, variant: str, data: AlignmentData) -> bool:
        return data.record.name in self.dataset.variants[variant].test

    def _rotations(self, data: AlignmentData, chosen: ScoredCell, widths: tuple[int, ...]) -> list[InterchangeMap]:
        """Random rotations and principal directions as wide as the chosen cell."""
        if "random_rotation" not in self.plan.controls:
            return []
        lm, pool = self.bench.lm, self.bench.pool(data.record.task)
        maps: list[InterchangeMap] = [
            random_rotation(lm.width, widths, seed).to(lm.device) for seed in range(ROTATIONS)
        ]
        tuples = interchange_data(data.record.variables, data.train)
        table = pool.activations[chosen.site].float().cpu()
        differences = (table[tuples.sources] - table[tuples.base][:, None])[tuples.swapped]
        return [*maps, principal_rotation(differences, widths).to(lm.device)]

    def _all_right(self, data: AlignmentData, found: Evaluation) -> tuple[float, ...]:
        """Per subset, the share of tuples on whose base and sources the LM says what the model says."""
        shares: list[float] = []
        start = 0
        for item in data.test:
            tuples = item.tuples
            rows = slice(start, start + len(tuples))
            start += len(tuples)
            right = found.base_answer[rows].numpy() == tuples.base_output
            for place, name in enumerate(tuples.subset):
                column = data.record.variables.index(name)
                right &= found.source_answer[rows, column].numpy() == tuples.source_outputs[:, place]
            shares.append(float(np.mean(right)))
        return tuple(shares)

    def _random_weights(self, data: AlignmentData) -> Searched:
        """The same grid on fresh weights, the best cell chosen and scored among the answers."""
        if self._control is None:
            fresh = randomize(self.bench.lm, seed=0)
            self._control = Bench(fresh, self.plan, self.dataset, self._store, self.watch)
        name = f"{data.record.name}, random weights"
        cells = self._control.search(data, self.plan.seeds, name)
        scored = [ScoredCell(site_of(cell.site), cell.map) for cell in cells]
        answers, _ = self._answers(self._control, data, data.test, scored, name)
        return Searched(tuple(cells), tuple(answers), best_of(data.record, cells, among_answers=True))

    def _transfer(self, variant: str, data: AlignmentData, chosen: ScoredCell) -> Transferred:
        """The frozen map on a variant, its site found again by name."""
        kept = self.dataset.variants[variant]
        answers, _ = self._answers(
            self.bench, data, kept.test[data.record.name], [chosen], f"{data.record.name} on {variant}", variant
        )
        key = f"variant {variant}"
        if key not in self._natural:
            self._natural[key] = self.bench.printer.encode(kept.task, kept.natural, kept.words, data.record.sites)
        answered = self.bench.answers(self._natural[key]).numpy()
        return Transferred(variant, float(np.mean(answered == kept.labels)), answers[0])

    def _matrix(self, data: AlignmentData, found: Evaluation, best: int) -> dict[str, dict[str, float]] | None:
        """IIA of swapping one variable's block by another variable's labels (meaning.md, Joint alignments)."""
        if len(data.record.variables) == 1:
            return None
        words = self.dataset.tasks[data.record.task].words
        matrix: dict[str, dict[str, float]] = {}
        start = 0
        for item in data.test:
            tuples = item.tuples
            answered = found.answered[best, start : start + len(tuples)].numpy()
            start += len(tuples)
            if len(tuples.subset) > 1:
                continue
            base, source = tuples.rows(tuples.base), tuples.rows(tuples.sources[:, 0])
            matrix[tuples.subset[0]] = {
                other: float(np.mean(answered == interchange(data.model, base, {other: source}, words)))
                for other in data.record.variables
            }
        return matrix


def check_accuracies(accuracies: Mapping[str, Accuracy], dataset: Dataset) -> None:
    """Refuse an LM that hardly does a task. Raises SpecError (R0401)."""
    wrong = [
        Diagnostic(
            "R0401",
            f"the LM cannot do task `{name}`: accuracy {item.estimate.value:.3f}, "
            f"where always saying the most frequent answer scores {item.majority:.3f}",
            dataset.tasks[name].task.span,
            f"measured on {item.n:,} prompts",
            help="take an LM that does the task, or look anyway with --allow-low-accuracy",
        )
        for name, item in accuracies.items()
        if item.too_low
    ]
    if wrong:
        raise SpecError(*wrong)
