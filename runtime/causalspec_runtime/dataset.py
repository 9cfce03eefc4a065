"""All data of a plan: inputs, tuples, labels, and the chance levels that follow from them.

In: a plan and its hypothesis. Out: `Dataset`, columns only. Invariant: no LM is needed, and nothing here depends on one;
an alignment's data depend on its task, model and variables, not on the other alignments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from causalspec.semantics.columns import vocabulary
from causalspec.semantics.core import Reference
from causalspec.semantics.experiments import LEAST
from causalspec.semantics.hypothesis import Hypothesis, Model, Task, Variable
from causalspec_runtime.chance import Floors, Rival, floors, rivals
from causalspec_runtime.counterfactuals import (
    Columns,
    Pool,
    Population,
    Split,
    TupleSet,
    evaluation_set,
    outputs,
    training_pool,
    training_set,
)
from causalspec_runtime.counterfactuals.faults import Words
from causalspec_runtime.plan import AlignmentRecord, Plan, SiteRecord

Codes = npt.NDArray[np.int64]
NATURAL = 1_000  # prompts that task accuracy is measured on


@dataclass(frozen=True, slots=True, eq=False)
class TaskData:
    """A task's natural prompts, with their labels by each model, and the pool that training shares."""

    task: Task
    words: Words
    natural: Columns
    labels: Mapping[str, Codes]  # model -> codes [NATURAL]
    pool: Pool


@dataclass(frozen=True, slots=True, eq=False)
class TestSet:
    """The test tuples of one subset of variables, with their chance levels."""

    tuples: TupleSet
    floors: Floors
    rivals: tuple[Rival, ...]


@dataclass(frozen=True, slots=True, eq=False)
class AlignmentData:
    """An alignment's tuples, one set a subset of its variables."""

    record: AlignmentRecord
    model: Model
    task: Task
    train: tuple[TupleSet, ...]
    validation: tuple[TupleSet, ...]
    test: tuple[TestSet, ...]


@dataclass(frozen=True, slots=True, eq=False)
class VariantData:
    """What transfer needs: the variant's natural prompts, and an alignment's test tuples on it."""

    base: str  # the task it varies
    task: Task
    words: Words
    natural: Columns
    labels: Codes
    test: Mapping[str, tuple[TestSet, ...]]  # alignment -> sets


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Everything drawn for a plan."""

    tasks: Mapping[str, TaskData]
    alignments: tuple[AlignmentData, ...]
    positive: Mapping[str, AlignmentData]  # task -> the output as a variable at the last layer's last token
    variants: Mapping[str, VariantData]


def draw(plan: Plan, hypothesis: Hypothesis) -> Dataset:
    """The data of a plan.

    Raises SpecError (E06) where they cannot be had.
    """
    tasks: dict[str, TaskData] = {}
    positive: dict[str, AlignmentData] = {}
    alignments: list[AlignmentData] = []
    for record in plan.alignments:
        if record.task not in tasks:
            tasks[record.task] = _task(hypothesis, record.task)
            positive[record.task] = _positive(plan, hypothesis, record, tasks[record.task])
        data = tasks[record.task]
        rivals_of = [model for model in hypothesis.models.values() if model.task == record.task]
        alignments.append(_alignment(plan, record, hypothesis.models[record.model], data, rivals_of, plan.test))
    variants = {name: _variant(plan, hypothesis, name, alignments) for name in plan.transfer}
    return Dataset(tasks, tuple(alignments), positive, variants)


def _task(hypothesis: Hypothesis, name: str) -> TaskData:
    task = hypothesis.tasks[name]
    models = [model for model in hypothesis.models.values() if model.task == name]
    words = vocabulary([task], models)
    population = Population(task, words)
    natural = population.sampler.draw(NATURAL, population.stream("natural"))
    labels = {model.name: outputs(model, natural, words) for model in models}
    return TaskData(task, words, natural, labels, training_pool(population))


def shared(total: int, parts: int) -> list[int]:
    """A number split into parts that differ by at most one."""
    return [total // parts + (index < total % parts) for index in range(parts)]


def _alignment(
    plan: Plan,
    record: AlignmentRecord,
    model: Model,
    data: TaskData,
    models: Sequence[Model],
    test: int,
    fewest: int | None = None,
) -> AlignmentData:
    population = data.pool.population
    trains = shared(plan.train, len(record.subsets))
    looks = shared(plan.validation, len(record.subsets))
    return AlignmentData(
        record,
        model,
        data.task,
        tuple(
            training_set(data.pool, model, subset, n, record.balance)
            for subset, n in zip(record.subsets, trains, strict=True)
        ),
        tuple(
            evaluation_set(population, model, subset, Split.VALIDATION, n, fewest=fewest, balance=record.balance)
            for subset, n in zip(record.subsets, looks, strict=True)
        ),
        _tests(population, model, record, models, test, plan.look, fewest),
    )


def _tests(
    population: Population,
    model: Model,
    record: AlignmentRecord,
    models: Sequence[Model],
    count: int,
    look: int,
    fewest: int | None = None,
) -> tuple[TestSet, ...]:
    sets = [
        evaluation_set(population, model, subset, Split.TEST, count, look, fewest=fewest, balance=record.balance)
        for subset in record.subsets
    ]
    others = [item for item in models if item.name != model.name]
    aligned = {item.name: tuple(variable.name for variable in item.variables) for item in models}
    return tuple(
        TestSet(tuples, floors(tuples.strata), rivals(tuples, population, model, others, aligned)) for tuples in sets
    )


def output_model(model: Model, task: Task) -> Model:
    """The model that says of the output only that it exists: one more variable, the output itself."""
    name, span = "output", task.output.span
    while any(variable.name == name for variable in model.variables):
        name += "_"
    whole = Variable(name, task.output.type, model.output, span)
    output = Reference(name, task.output.type, span)
    return Model(f"{model.name}.output", task.name, (*model.variables, whole), output, {}, span)


def _positive(plan: Plan, hypothesis: Hypothesis, record: AlignmentRecord, data: TaskData) -> AlignmentData:
    model = output_model(hypothesis.models[record.model], data.task)
    site = SiteRecord(kind="residual", layer=plan.lm.layers - 1, token="last")
    name = model.variables[-1].name
    output = record.model_copy(
        update={
            "name": f"{record.task}.output",
            "model": model.name,
            "variables": (name,),
            "sites": (site,),
            "subsets": ((name,),),
            "balance": (),
        }
    )
    return _alignment(plan, output, model, data, (), min(plan.test, 1_000), LEAST)


def _variant(plan: Plan, hypothesis: Hypothesis, name: str, alignments: Sequence[AlignmentData]) -> VariantData:
    variant = hypothesis.variants[name]
    base = hypothesis.tasks[variant.base]
    models = list(variant.models.values())
    words = vocabulary([base, variant.task], models)
    population = Population(variant.task, words, base=base)
    natural = population.sampler.draw(NATURAL, population.stream("natural"))
    test = {
        item.record.name: _tests(
            population, variant.models[item.record.model], item.record, models, plan.test, plan.look
        )
        for item in alignments
        if item.record.task == variant.base
    }
    return VariantData(variant.base, variant.task, words, natural, outputs(models[0], natural, words), test)
