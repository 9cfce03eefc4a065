"""Specs with every form of the language: clean, and their data are what their models say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from causalspec.files import read_source
from causalspec.semantics.check import check
from causalspec.semantics.columns import value_at
from causalspec.semantics.core import evaluate
from causalspec.semantics.hypothesis import Hypothesis, Model, Task
from causalspec.semantics.types import Value
from causalspec_runtime.counterfactuals import TupleSet
from causalspec_runtime.dataset import draw
from causalspec_runtime.plan import LmShape, make_plan
from tests.conftest import ROOT

FILES = [ROOT / "specs" / "price_tagging.cspec", *sorted((ROOT / "tests" / "good").glob("*.cspec"))]


def hypothesis_of(path: Path) -> Hypothesis:
    found, diagnostics = check(read_source(path))
    assert found is not None, [f"{item.code}: {item.message}" for item in diagnostics]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_good_spec_has_no_error_and_no_surprise(path: Path) -> None:
    """Models that differ on purpose are the only warning."""
    _, diagnostics = check(read_source(path))
    assert {item.code for item in diagnostics} <= {"W0401"}


def run(
    model: Model, task: Task, inputs: Mapping[str, Value], held: Mapping[str, Value]
) -> tuple[dict[str, Value], Value]:
    """The variables and the output, one by one, with some variables held."""
    environment = dict(inputs)
    for let in task.lets:
        environment[let.name] = evaluate(let.value, environment)
    for variable in model.variables:
        environment[variable.name] = (
            held.get(variable.name, None) if variable.name in held else evaluate(variable.mechanism, environment)
        )  # type: ignore[assignment]
    return environment, evaluate(model.output, environment)


def rows_of(task: Task, tuples: TupleSet, names: tuple[str, ...], place: int) -> dict[str, Value]:
    return {item.name: value_at(tuples.columns[item.name], place, item.type, names) for item in task.inputs}


@pytest.mark.parametrize("path", FILES[1:], ids=lambda path: path.stem)
def test_labels_are_what_the_models_say_one_by_one(path: Path) -> None:
    """Every test tuple's outputs and label, and that no prompt occurs twice."""
    hypothesis = hypothesis_of(path)
    (experiment,) = hypothesis.experiments.values()
    plan = make_plan(hypothesis, experiment, LmShape("embedded", "tiny", None, None, False, 4, 64))
    dataset = draw(plan, hypothesis)
    for data in dataset.alignments:
        names = tuple(dataset.tasks[data.record.task].words)
        answers = data.task.output.type.words
        for item in data.test:
            tuples = item.tuples
            assert len(np.unique(tuples.prompts)) == tuples.prompts.size
            for index in range(len(tuples)):
                base = rows_of(data.task, tuples, names, int(tuples.base[index]))
                held = {}
                for place, variable in enumerate(tuples.subset):
                    source = rows_of(data.task, tuples, names, int(tuples.sources[index, place]))
                    values, said = run(data.model, data.task, source, {})
                    held[variable] = values[variable]
                    assert said == answers[tuples.source_outputs[index, place]]
                assert run(data.model, data.task, base, {})[1] == answers[tuples.base_output[index]]
                assert run(data.model, data.task, base, held)[1] == answers[tuples.label[index]]
