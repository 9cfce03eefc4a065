"""A checked hypothesis as plain data, for tools that do not read `.cspec` files.

In: a `Hypothesis`. Out: the document `causalspec.hypothesis/1`, described by `grammars/hypothesis.schema.json`.
Invariant: every name refers to something in the document; decimals are strings, so that they stay exact; expressions
are the text of the file, on one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from causalspec.diagnostics import Report
from causalspec.semantics.claim_check import scores_of
from causalspec.semantics.claims import Score
from causalspec.semantics.core import Core, references
from causalspec.semantics.hypothesis import (
    Alignment,
    Claim,
    Experiment,
    Hole,
    Hypothesis,
    Input,
    LanguageModel,
    Model,
    Placement,
    Task,
)
from causalspec.semantics.types import Number, Tuple, Type, Words, digits_text
from causalspec.span import Source
from causalspec.syntax.lexer import tokenize

SCHEMA = "causalspec.hypothesis/1"  # grows by new keys only
Data = dict[str, object]


def as_data(hypothesis: Hypothesis) -> Data:
    """The whole hypothesis; declarations in the order of the file."""
    source = hypothesis.source
    return {
        "schema": SCHEMA,
        "file": source.name,
        "tasks": [_task(item, source) for item in hypothesis.tasks.values()],
        "models": [_model(item, hypothesis) for item in hypothesis.models.values()],
        "lms": [_lm(item) for item in hypothesis.lms.values()],
        "alignments": [_alignment(item) for item in hypothesis.alignments.values()],
        "variants": [
            {"name": item.name, "base": item.base, "task": _task(item.task, source)}
            for item in hypothesis.variants.values()
        ],
        "experiments": [_experiment(item) for item in hypothesis.experiments.values()],
        "claims": [_claim(item, hypothesis) for item in hypothesis.claims],
    }


def _text(core: Core, source: Source) -> str:
    """An expression as written, on one line and without comments."""
    tokens = tokenize(source.text, core.span.start, core.span.end, Report(source), in_hole=True).items
    pieces, end = [], core.span.start
    for token in tokens:
        if token.type not in ("NEWLINE", "$END"):
            pieces += [" " * (token.start > end), str(token)]
            end = token.end
    return "".join(pieces)


def _type(type_: Type) -> Data:
    """The type as `kind` and parts; `text` is how a spec writes it."""
    found: Data = {"kind": type(type_).__name__.lower(), "text": str(type_)}
    match type_:
        case Number(scale=scale, low=low, high=high):
            found |= {"places": scale, "low": digits_text(low, scale), "high": digits_text(high, scale)}
        case Words(words=words):
            found |= {"words": list(words), "text": " | ".join(f'"{word}"' for word in words)}
        case Tuple(items=items):
            found |= {"items": [_type(item) for item in items]}
    return found


def _task(task: Task, source: Source) -> Data:
    return {
        "name": task.name,
        "doc": task.doc,
        "inputs": [_input(item, source) for item in task.inputs],
        "lets": [
            {"name": item.name, "type": _type(item.value.type), "value": _text(item.value, source)}
            for item in task.lets
        ],
        "requires": [_text(item, source) for item in task.requires],
        "prompt": _template(task.prompt, source),
        "other_prompts": [_template(template, source) for template in task.others],
        "prompt_chosen_by": list(dict.fromkeys(references(task.which))) if task.which is not None else [],
        "output": {"name": task.output.name, "words": list(task.output.type.words)},
    }


def _template(parts: Sequence[str | Hole], source: Source) -> list[Data]:
    return [
        {"text": part}
        if isinstance(part, str)
        else {"hole": part.name, "type": _type(part.value.type), "value": _text(part.value, source)}
        for part in parts
    ]


def _input(item: Input, source: Source) -> Data:
    low, high = (None if bound is None else _text(bound, source) for bound in (item.low, item.high))
    return {"name": item.name, "type": _type(item.type), "low": low, "high": high}


def _model(model: Model, hypothesis: Hypothesis) -> Data:
    source, output = hypothesis.source, hypothesis.tasks[model.task].output.name
    return {
        "name": model.name,
        "task": model.task,
        "variables": [
            {
                "name": item.name,
                "type": _type(item.type),
                "mechanism": _text(item.mechanism, source),
                "parents": list(model.parents[item.name]),
            }
            for item in model.variables
        ],
        "output": {
            "name": output,
            "mechanism": _text(model.output, source),
            "parents": list(model.parents[output]),
        },
    }


def _lm(lm: LanguageModel) -> Data:
    return {
        "name": lm.name,
        "kind": lm.kind,
        "reference": lm.reference,
        "revision": lm.revision,
        "dtype": lm.dtype,
        "chat": lm.chat,
    }


def _alignment(item: Alignment) -> Data:
    return {
        "name": item.name,
        "model": item.model,
        "placements": [_placement(placement) for placement in item.placements],
        "method": item.method,
        "options": dict(item.options),
        "balance": list(item.balance),
    }


def _placement(item: Placement) -> Data:
    return {
        "variables": list(item.variables),
        "site": item.kind,
        "layers": [{"low": layer.low, "high": layer.high, "step": layer.step} for layer in item.layers],
        "tokens": [str(token) for token in item.tokens],
    }


def _experiment(item: Experiment) -> Data:
    return {
        "name": item.name,
        "lm": item.lm,
        "alignments": list(item.alignments),
        "tuples": {"train": item.train, "validation": item.validation, "test": item.test},
        "seeds": list(item.seeds),
        "controls": list(item.controls),
        "transfer": list(item.transfer),
        "training": {field.name: getattr(item.training, field.name) for field in fields(item.training)},
    }


def _claim(item: Claim, hypothesis: Hypothesis) -> Data:
    scores = [_score(score, hypothesis) for score in scores_of(item.formula)]
    return {"title": item.title, "text": item.text, "scores": scores}


def _score(score: Score, hypothesis: Hypothesis) -> Data:
    placement = hypothesis.alignments[score.alignment].placements[score.placement]
    return {
        "selection": score.selection,
        "quantity": score.quantity,
        "alignment": score.alignment,
        "variables": list(placement.variables),
        "control": score.control,
        "on": score.on,
    }
