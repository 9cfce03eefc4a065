"""Write a plan and its data: JSON for the plan and the chance levels, JSONL for the tuples.

Invariant: a line of JSONL is one tuple, complete in itself: prompts, what is swapped, the label and how it came about.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from causalspec.semantics.hypothesis import Task
from causalspec_runtime.counterfactuals import TupleSet
from causalspec_runtime.counterfactuals.faults import Words
from causalspec_runtime.counterfactuals.printing import printed_column
from causalspec_runtime.dataset import AlignmentData, Dataset
from causalspec_runtime.encoding import Printer
from causalspec_runtime.plan import Plan
from causalspec_runtime.rendering import render
from causalspec_runtime.results import to_json
from causalspec_runtime.store import write_durably


def write(plan: Plan, dataset: Dataset, tokenizer: Any, folder: Path) -> list[Path]:
    """Write everything; the paths written. Raises SpecError (R0201) where a site is not to be found in the prompts."""
    printer = Printer(tokenizer, plan.lm.chat)
    documents: dict[str, bytes] = {"plan.json": to_json(plan).encode()}
    tokens: dict[str, Any] = {}
    chance: dict[str, Any] = {}
    for data in dataset.alignments:
        record, words = data.record, dataset.tasks[data.record.task].words
        encoded = printer.encode(data.task, data.train[0].columns, words, record.sites)
        tokens[record.name] = list(encoded.shown)
        chance[record.name] = [_chance(item) for item in data.test]
        for split, sets in _splits(data):
            name = f"data/{record.name}.{split}.jsonl"
            documents[name] = "".join(_lines(data.task, words, sets)).encode()
        for variant, kept in dataset.variants.items():
            if record.name in kept.test:
                sets = tuple(item.tuples for item in kept.test[record.name])
                name = f"data/{record.name}.{variant}.jsonl"
                documents[name] = "".join(_lines(kept.task, kept.words, sets)).encode()
    for name, document in (("tokens.json", tokens), ("chance.json", chance)):
        documents[name] = (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
    for name, content in documents.items():
        write_durably(folder / name, content)
    return [folder / name for name in documents]


def _splits(data: AlignmentData) -> Iterator[tuple[str, tuple[TupleSet, ...]]]:
    yield "train", data.train
    yield "validation", data.validation
    yield "test", tuple(item.tuples for item in data.test)


def _chance(item: Any) -> dict[str, Any]:
    floors, tuples = item.floors, item.tuples
    return {
        "variables": list(tuples.subset),
        "n": len(tuples),
        "floors": {name: getattr(floors, name) for name in ("no_op", "full_swap", "majority", "answer_only")},
        "rivals": [
            {"model": rival.model, "agreement": rival.agreement, "assignment": dict(rival.assignment)}
            for rival in item.rivals
        ],
        "strata": [{"cell": str(stratum), "natural_share": stratum.share} for stratum in tuples.strata.items],
        "impossible" if tuples.strata.exact else "not_hit": list(tuples.strata.missing),
    }


def _lines(task: Task, words: Words, sets: tuple[TupleSet, ...]) -> Iterator[str]:
    answers = task.output.type.words
    for tuples in sets:
        texts = [prompt.text for prompt in render(task, tuples.columns, words)]
        inputs = {item.name: printed_column(tuples.columns[item.name], item.type, words) for item in task.inputs}

        def side(row: int, output: int, texts: list[str] = texts, inputs: dict[str, list[str]] = inputs) -> Any:
            values = {name: column[row] for name, column in inputs.items()}
            return {"inputs": values, "prompt": texts[row], "output": answers[output]}

        for index in range(len(tuples)):
            line = {
                "swapped": list(tuples.subset),
                "base": side(int(tuples.base[index]), int(tuples.base_output[index])),
                "sources": {
                    name: side(int(tuples.sources[index, place]), int(tuples.source_outputs[index, place]))
                    for place, name in enumerate(tuples.subset)
                },
                "label": answers[int(tuples.label[index])],
                "stratum": int(tuples.stratum[index]),
            }
            yield json.dumps(line, ensure_ascii=False) + "\n"
