"""The commands that look at a spec without running an LM: `compare`, `tokens`, and what `check --data` adds.

In: arguments. Out: text, an exit status. Invariant: no weights are read; `compare` and `check --data` load neither torch
nor transformers.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from causalspec.cli import INTERRUPTED, UNUSABLE, wants_color
from causalspec.diagnostics import Diagnostic
from causalspec.files import Unusable, read_source
from causalspec.render import render
from causalspec.semantics.check import check
from causalspec.semantics.hypothesis import Hypothesis, LanguageModel, Task
from causalspec.span import Source
from causalspec_runtime.errors import SpecError

MOST_PROMPTS = 100


def check_data(
    hypothesis: Hypothesis, diagnostics: Sequence[Diagnostic]
) -> tuple[tuple[Diagnostic, ...], str, list[dict[str, Any]]]:
    """For `check --data`: the diagnostics with those of the analysis, the chance levels as text and as data."""
    from causalspec_runtime.analysis.findings import findings
    from causalspec_runtime.report import levels

    found = findings(hypothesis, diagnostics)
    return found.diagnostics, levels.text(found.levels), levels.document(found.levels)


def compare_command(arguments: list[str]) -> int:
    """`causalspec compare`: 0 every interchange is told from every one, 1 some is not, 2 the user's mistake."""
    parser = argparse.ArgumentParser(
        prog="causalspec compare",
        description="Which pairs of base and source tell two models or alignments of one task apart. "
        "Exit status: 0 every interchange of the one is told from every one of the other, 1 some is not.",
    )
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("left", metavar="A", help="a model or an alignment of the file")
    parser.add_argument("right", metavar="B", help="another one, of the same task")
    parser.add_argument("--json", action="store_true", help="the comparison as JSON")
    return _guarded(parser.parse_args(arguments), _compare)


def tokens_command(arguments: list[str]) -> int:
    """`causalspec tokens`: 0 every site and answer has its token, 2 one has not, or another mistake of the user."""
    parser = argparse.ArgumentParser(
        prog="causalspec tokens",
        description="Prompts as an LM's tokenizer cuts them, with the names of the tokens. Reads no weights.",
    )
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("--lm", metavar="LM", help="a name in the spec, embedded:NAME, path:DIR or hub:NAME")
    parser.add_argument("--task", metavar="NAME", help="a task or a variant (default: every task)")
    parser.add_argument("--n", metavar="N", type=_number, default=3, help="how many prompts (default: 3)")
    return _guarded(parser.parse_args(arguments), _tokens)


def _number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_PROMPTS:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from 1 to {MOST_PROMPTS}")
    return int(text)


def _guarded(options: argparse.Namespace, work: Callable[[Hypothesis, argparse.Namespace], int]) -> int:
    """Check the spec and run a command; every mistake of the user becomes a message and status 2."""
    from causalspec_runtime.language_model.errors import LmError

    source: Source | None = None
    try:
        source = read_source(options.file)
        hypothesis, diagnostics = check(source)
        if hypothesis is None:
            raise SpecError(*diagnostics)
        return work(hypothesis, options)
    except (Unusable, LmError) as error:
        sys.stderr.write(f"causalspec: {error}\n")
        return UNUSABLE
    except SpecError as error:
        assert source is not None
        sys.stderr.write(render(error.diagnostics, source, color=wants_color(sys.stderr)) + "\n")
        return UNUSABLE
    except KeyboardInterrupt:
        sys.stderr.write("causalspec: interrupted\n")
        return INTERRUPTED


def _compare(hypothesis: Hypothesis, options: argparse.Namespace) -> int:
    from causalspec_runtime.analysis.comparison import compare
    from causalspec_runtime.report import comparison

    found = compare(hypothesis, options.left, options.right)
    if options.json:
        shown = json.dumps(comparison.document(found), indent=2, ensure_ascii=False, allow_nan=False)
    else:
        shown = comparison.text(found)
    sys.stdout.write(shown + "\n")
    return 0 if found.separated else 1


def _tokens(hypothesis: Hypothesis, options: argparse.Namespace) -> int:
    from causalspec_runtime.encoding import Printer
    from causalspec_runtime.language_model.load import describe
    from causalspec_runtime.report.tokens import text
    from causalspec_runtime.tokens import tokenized

    lm, tasks = _lm(hypothesis, options.lm), _tasks(hypothesis, options.task)
    _, _, tokenizer = describe(lm.kind, lm.reference, revision=lm.revision)
    errors: list[Diagnostic] = []
    for index, (task, base) in enumerate(tasks):
        found = tokenized(hypothesis, task, base, Printer(tokenizer, lm.chat), options.n)
        pieces = {token: str(tokenizer.decode([token])) for _, token in found.answers}
        sys.stdout.write(("\n" if index else "") + text(found, lm.reference, pieces) + "\n")
        errors += found.error.diagnostics if found.error is not None else ()
    if errors:
        sys.stdout.flush()
        raise SpecError(*errors)
    return 0


def _tasks(hypothesis: Hypothesis, name: str | None) -> list[tuple[Task, Task]]:
    """Tasks, each with the task that it varies or itself. Raises Unusable."""
    if name is None:
        return [(task, task) for task in hypothesis.tasks.values()]
    if name in hypothesis.tasks:
        return [(hypothesis.tasks[name], hypothesis.tasks[name])]
    if name in hypothesis.variants:
        variant = hypothesis.variants[name]
        return [(variant.task, hypothesis.tasks[variant.base])]
    known = ", ".join([*hypothesis.tasks, *hypothesis.variants])
    raise Unusable(f"no task or variant `{name}`; there are: {known}")


def _lm(hypothesis: Hypothesis, written: str | None) -> LanguageModel:
    """The LM of the call, of the experiments, or the only one. Raises Unusable."""
    from causalspec_runtime.commands import located, other_lm

    if written is not None:
        return other_lm(hypothesis, written)
    named = list(dict.fromkeys(item.lm for item in hypothesis.experiments.values())) or list(hypothesis.lms)
    if len(named) != 1:
        known = ", ".join(hypothesis.lms) or "none is declared; write path:DIR, hub:NAME or embedded:NAME"
        raise Unusable(f"name the LM whose tokenizer is meant: --lm ({known})")
    return located(hypothesis, named[0])
