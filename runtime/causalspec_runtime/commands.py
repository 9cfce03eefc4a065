"""The runtime's commands: `compile` and `run`.

In: arguments. Out: files, text, an exit status. Invariant: what can be known before the LM is loaded is told before;
`results.json` appears whole or not at all; a finished cell is never lost.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from causalspec.cli import INTERRUPTED, UNUSABLE, wants_color
from causalspec.diagnostics import Diagnostic, Severity
from causalspec.files import Unusable, read_source
from causalspec.render import render, summary
from causalspec.semantics.check import check
from causalspec.semantics.claim_check import lack, scores_of
from causalspec.semantics.experiments import LEAST, MOST, MOST_SEED, MOST_SEEDS
from causalspec.semantics.hypothesis import Experiment, Hypothesis, LanguageModel
from causalspec.span import Source, Span
from causalspec_runtime.errors import SpecError
from causalspec_runtime.plan import LmShape, Plan, make_plan

FAILED = 3
KINDS = ("embedded", "hub", "path")
CHANGES = ("seeds", "train", "validation", "test")  # of an experiment, by options


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a call asks for: one experiment of a spec on one LM."""

    hypothesis: Hypothesis
    experiment: Experiment
    lm: LanguageModel
    look: int = 0  # which draw of test tuples


def run_command(arguments: list[str]) -> int:
    """`causalspec run`: 0 all claims supported, 1 some not, 2 the user's mistake, 3 a failure, 130 interrupted."""
    parser = _parser("run", "Train, test and judge: one verdict a claim.")
    parser.add_argument(
        "--device",
        default="auto",
        choices=("auto", "cpu", "cuda"),
        help="auto, cpu, cuda (default: a GPU where there is one)",
    )
    parser.add_argument("--allow-low-accuracy", action="store_true", help="run although the LM hardly does the task")
    parser.add_argument(
        "--fresh-test", action="store_true", help="draw test tuples that no run in this folder has seen"
    )
    options = parser.parse_args(arguments)
    options.out = options.out or Path("runs") / options.file.stem
    return _guarded(options, _run)


def compile_command(arguments: list[str]) -> int:
    """`causalspec compile`: write plan and data."""
    parser = _parser("compile", "Write the plan and the counterfactual data, for people and other programs.")
    options = parser.parse_args(arguments)
    if options.out is None:
        parser.error("name a folder: --out DIR")
    return _guarded(options, _compile)


def _parser(name: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"causalspec {name}", description=description)
    parser.add_argument("file", metavar="FILE", type=Path, help="a spec, or a plan.json to repeat")
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder for results (default for run: runs/NAME)")
    parser.add_argument("--experiment", metavar="NAME", help="which, where the spec has several")
    parser.add_argument(
        "--lm", metavar="LM", help="another LM: a name in the spec, embedded:NAME, path:DIR or hub:NAME"
    )
    parser.add_argument("--seeds", metavar="LIST", type=_seeds, help="for example 0 or 0,1,2 or 0-2")
    for what in ("train", "validation", "test"):
        parser.add_argument(f"--{what}", metavar="N", type=_count, help=f"number of {what} tuples")
    return parser


def _seeds(text: str) -> tuple[int, ...]:
    try:
        low, dash, high = text.partition("-")
        span = range(int(low), min(int(high), int(low) + MOST_SEEDS) + 1) if dash else ()
        found = tuple(span) if dash else tuple(int(item) for item in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of seeds: write 0 or 0,1,2 or 0-2") from None
    if (
        not 0 < len(found) <= MOST_SEEDS
        or len(set(found)) < len(found)
        or not 0 <= min(found) <= max(found) <= MOST_SEED
    ):
        raise argparse.ArgumentTypeError(f"{text!r} must be 1 to {MOST_SEEDS} different numbers from 0 to {MOST_SEED}")
    return found


def _count(text: str) -> int:
    if not text.replace("_", "").isdigit() or not LEAST <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from {LEAST} to {MOST:,}")
    return int(text)


def _guarded(options: argparse.Namespace, work: Any) -> int:
    """Run a command; every mistake of the user and every failure becomes a message and a status."""
    from causalspec_runtime.language_model.errors import LmError

    source: Source | None = None
    try:
        source, plan = _read(options.file)
        chosen = _choose(source, options) if plan is None else _repeated(source, plan, options)
        return cast(int, work(chosen, options))
    except Unusable as error:
        return _fail(str(error), UNUSABLE)
    except SpecError as error:
        assert source is not None
        _show(error.diagnostics, source)
        return UNUSABLE
    except LmError as error:
        return _fail(str(error), UNUSABLE)
    except KeyboardInterrupt:
        return _fail("interrupted; the same command goes on from the last finished cell", INTERRUPTED)
    except MemoryError:
        return _fail("out of memory; ask for fewer tuples", FAILED)
    except OSError as error:
        return _fail(f"cannot go on: {error}; the same command goes on from the last finished cell", FAILED)
    except Exception:  # whatever else happens is a failure while running, not a refuted claim
        return _fail_unexpectedly()


def _fail_unexpectedly() -> int:
    """A fault of causalspec or of a library: the traceback, and the status of a failure."""
    import traceback

    traceback.print_exc()
    return _fail("this should not happen; finished cells are kept, the same command goes on from them", FAILED)


def _fail(message: str, status: int) -> int:
    sys.stderr.write(f"causalspec: {message}\n")
    return status


def _show(diagnostics: Sequence[Diagnostic], source: Source) -> None:
    sys.stderr.write(render(diagnostics, source, color=wants_color(sys.stderr)) + "\n")
    if any(item.severity is Severity.ERROR for item in diagnostics):
        sys.stderr.write(f"{source.name}: {summary(diagnostics)}\n")


def _read(path: Path) -> tuple[Source, Plan | None]:
    """A spec's text, or that of a plan with the plan. Raises Unusable."""
    source = read_source(path)
    if path.suffix != ".json":
        return source, None
    try:
        plan = Plan.model_validate_json(source.text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise Unusable(f"{path} is no plan of this version of causalspec: {where}: {first['msg']}") from None
    return Source(plan.spec.name, plan.spec.text, plan.spec.files), plan


def _repeated(source: Source, plan: Plan, options: argparse.Namespace) -> Chosen:
    """What a plan says to run. Raises SpecError or Unusable."""
    asked = [name for name in (*CHANGES, "experiment", "lm") if getattr(options, name) is not None]
    if getattr(options, "fresh_test", False):
        asked.append("fresh-test")
    if asked:
        raise Unusable(f"a plan is repeated as it is: leave out --{asked[0]}, or run the spec")
    hypothesis, diagnostics = check(source)
    if hypothesis is None:
        raise SpecError(*diagnostics)
    changes = {name: getattr(plan, name) for name in CHANGES}
    lm = plan.lm
    named = LanguageModel("plan", lm.kind, lm.reference, lm.revision, lm.dtype, lm.chat, Span(0, 0))
    chosen = Chosen(hypothesis, replace(_experiment(hypothesis, plan.experiment), **changes), named, plan.look)
    if _planned(chosen)[0] != plan:
        raise Unusable(f"{options.file} does not fit its own spec or this LM: compile the spec again")
    return chosen


def _choose(source: Source, options: argparse.Namespace) -> Chosen:
    """The checked spec, its experiment and LM. Raises SpecError or Unusable."""
    hypothesis, diagnostics = check(source)
    if hypothesis is None:
        raise SpecError(*diagnostics)
    if diagnostics:
        _show(diagnostics, source)
    experiment = _experiment(hypothesis, options.experiment)
    changes = {name: value for name in CHANGES if (value := getattr(options, name)) is not None}
    _still_computed(hypothesis, replace(experiment, **changes))
    lm = located(hypothesis, experiment.lm) if options.lm is None else other_lm(hypothesis, options.lm)
    return Chosen(hypothesis, replace(experiment, **changes), lm)


def _still_computed(hypothesis: Hypothesis, experiment: Experiment) -> None:
    """Options may take away what a claim needs, as seeds from `typical`. Raises SpecError (E0703)."""
    for claim in hypothesis.claims:
        for score in scores_of(claim.formula):
            why = lack(score, experiment)
            if why is not None and score.selection == "typical":
                raise SpecError(Diagnostic("E0703", f"this call does not compute it: {why}", score.span,
                                           help="leave out --seeds, or give more of them"))  # fmt: skip


def _experiment(hypothesis: Hypothesis, name: str | None) -> Experiment:
    names = ", ".join(hypothesis.experiments)
    if not hypothesis.experiments:
        raise Unusable(f"{hypothesis.source.name} has no experiment: nothing says what to run on which LM")
    if name is None:
        if len(hypothesis.experiments) > 1:
            raise Unusable(f"{hypothesis.source.name} has several experiments; name one: --experiment {names}")
        return next(iter(hypothesis.experiments.values()))
    if name not in hypothesis.experiments:
        raise Unusable(f"no experiment `{name}`; there are: {names}")
    return hypothesis.experiments[name]


def located(hypothesis: Hypothesis, name: str) -> LanguageModel:
    """An LM of the spec; a folder is relative to the spec's own."""
    lm = hypothesis.lms[name]
    if lm.kind != "path":
        return lm
    return replace(lm, reference=str(Path(hypothesis.source.name).parent.resolve() / lm.reference))


def other_lm(hypothesis: Hypothesis, written: str) -> LanguageModel:
    if written in hypothesis.lms:
        return located(hypothesis, written)
    kind, colon, reference = written.partition(":")
    if not colon or kind not in KINDS or not reference:
        known = ", ".join(hypothesis.lms)
        raise Unusable(f"--lm {written}: write path:DIR, hub:NAME, embedded:NAME or a name in the spec ({known})")
    reference, _, revision = reference.partition("@") if kind == "hub" else (reference, "", "")
    return LanguageModel("chosen", kind, reference, revision or None, None, False, Span(0, 0))  # type: ignore[arg-type]


def _folder(path: Path) -> Path:
    """A folder that can be written, made where it is missing. Raises Unusable."""
    if path == Path():
        raise Unusable("--out names no folder; write `--out .` with a folder's name")
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".writable.{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Unusable(f"cannot write to {path}: {why}; name another folder with --out") from None
    return path


def _planned(chosen: Chosen) -> tuple[Plan, Any]:
    """The plan and the LM's tokenizer, from its configuration alone."""
    from causalspec_runtime.language_model.load import describe

    lm = chosen.lm
    layers, width, tokenizer = describe(lm.kind, lm.reference, revision=lm.revision)
    shape = LmShape(lm.kind, lm.reference, lm.revision, lm.dtype, lm.chat, layers, width)
    return make_plan(chosen.hypothesis, chosen.experiment, shape, chosen.look), tokenizer


def _compile(chosen: Chosen, options: argparse.Namespace) -> int:
    from causalspec_runtime.compiled import write
    from causalspec_runtime.dataset import draw

    folder = _folder(options.out)
    plan, tokenizer = _planned(chosen)
    dataset = draw(plan, chosen.hypothesis)
    for path in write(plan, dataset, tokenizer, folder):
        sys.stdout.write(f"{path}\n")
    return 0


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _run(chosen: Chosen, options: argparse.Namespace) -> int:
    from rich.console import Console

    from causalspec_runtime.answer import FOLDER, results_of
    from causalspec_runtime.dataset import draw
    from causalspec_runtime.encoding import Printer, check_prompts
    from causalspec_runtime.language_model.load import load
    from causalspec_runtime.ledger import look, record, tell
    from causalspec_runtime.pipeline import Run, check_accuracies
    from causalspec_runtime.progress import TerminalWatch
    from causalspec_runtime.report.terminal import show
    from causalspec_runtime.results import to_json
    from causalspec_runtime.store import CellStore, write_durably

    folder = _folder(options.out)
    if options.file.suffix != ".json":
        chosen = replace(chosen, look=look(folder, fresh=options.fresh_test))
    plan, tokenizer = _planned(chosen)
    dataset = draw(plan, chosen.hypothesis)
    check_prompts(dataset, Printer(tokenizer, plan.lm.chat))
    (folder / "results.json").unlink(missing_ok=True)
    write_durably(folder / "plan.json", to_json(plan).encode())
    watch = TerminalWatch()
    watch.say(
        f"{_counted(len(plan.alignments), 'alignment')}, {_counted(plan.cells, 'cell')}; data drawn, loading the LM"
    )
    lm = load(plan.lm.kind, plan.lm.reference, revision=plan.lm.revision, dtype=plan.lm.dtype, device=options.device)
    run = Run(plan, dataset, lm, CellStore(folder / FOLDER), watch)
    accuracies = run.accuracies()
    if not options.allow_low_accuracy:
        check_accuracies(accuracies, dataset)
    history = record(folder, chosen.hypothesis.claims, plan.alignments, plan.look)
    with watch:
        measured = run.measure(accuracies)
    results = results_of(plan, chosen.hypothesis, lm, measured, history.post_hoc)
    write_durably(folder / "results.json", to_json(results).encode())
    show(results, Console(width=None if sys.stdout.isatty() else 120), first_look=history.first)
    tell(folder, plan.look)
    sys.stdout.write(f"\nwritten: {folder / 'results.json'}\n")
    return 0 if all(claim.verdict == "supported" for claim in results.claims) else 1
